"""The numbers a person decides by: how large a ring keeps every call for the days the ordinance asks."""

from __future__ import annotations

import math

import msgspec

from tsuwaroku.config import Config, parse_size
from tsuwaroku.errors import RingError
from tsuwaroku.records.retention import configured
from tsuwaroku.service.forecast import Occupancy, forecast
from tsuwaroku.service.measured import Measured
from tsuwaroku.service.sizing import DAYS_KEPT_BEYOND, MARGIN, USABLE_OF_SSD, WORST_OCTETS_A_SECOND, WRITTEN
from tsuwaroku.store.slot import SLOT_SIZE, SLOTS_PER_FILE

# What telephone speech with line noise comes to after FLAC level 5, sealing and padding
# (facts/platform: FLAC 1.96 : 1; measured by scripts/bench): about 9.5 KiB a second.
TYPICAL_OCTETS_A_SECOND = 9.5 * 1024


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in octets. `sufficient`: the ring keeps the guarantee at the configured off-hook hours.

    `retention`: as the ordinance words it; `days`: the most days that comes to. `configured_bytes`: of the ring there
    is, or else of the one the configuration asks for (`made`: which of the two).
    `measured`: what this site's calls took in the last weeks; `measured_needed_bytes` and `measured_kept_days` follow
    from it. `wear_a_year`: octets written over what the SSD is made for. `broken_on`: the day the ring would run full.
    """

    lines: int
    rate: int
    hours_a_day: float
    retention: str
    days: int
    octets_per_line_hour: int
    typical_octets_per_line_hour: int
    hold_reserve: float
    needed_bytes: int
    configured_bytes: int
    made: bool
    slots: int
    files: int
    sufficient: bool
    kept_days: float
    typical_kept_days: float
    written_per_year_bytes: int
    ssd_bytes: int | None
    fits_ssd: bool | None
    wear_a_year: float | None = None
    measured: Measured | None = None
    measured_needed_bytes: int | None = None
    measured_kept_days: float | None = None
    held_slots: int | None = None
    free_slots: int | None = None
    broken_on: str | None = None


def plan(
    config: Config,
    ssd_bytes: int | None = None,
    tbw_bytes: int | None = None,
    measured: Measured | None = None,
    ring: Occupancy | None = None,
    slots: int | None = None,
) -> Plan:
    """`lines × (days + 2) × off-hook hours × worst rate + hold reserve + margin` (DESIGN.md, The ring).

    `measured`, `ring` and `slots` (those that can be used) are of a store that is there; `tbw_bytes` is what the SSD's
    maker warrants. Raises ConfigError for a retention or a size that is none.
    """
    lines = len(config.line)
    scale = config.board.rate / 8000
    worst_hour = int(WORST_OCTETS_A_SECOND * 3600 * scale)
    typical_hour = int(TYPICAL_OCTETS_A_SECOND * 3600 * scale)
    hours = config.store.off_hook_hours_a_day
    period = configured(config.store)
    days = period.longest_days + DAYS_KEPT_BEYOND
    a_day = lines * hours * worst_hour
    needed = _whole_slots(a_day * days * (1 + config.store.hold_reserve) * (1 + MARGIN))
    asked = _whole_slots(parse_size(config.store.ring_size)) if config.store.ring_size else needed
    size = asked if slots is None else slots * SLOT_SIZE
    usable = size / (1 + config.store.hold_reserve) / (1 + MARGIN)
    a_year = 365 * (measured.octets_a_day if measured is not None else lines * hours * typical_hour) * WRITTEN
    broken_on = None if ring is None else forecast(ring).broken_on
    return Plan(
        lines=lines,
        rate=config.board.rate,
        hours_a_day=hours,
        retention=str(period),
        days=period.longest_days,
        octets_per_line_hour=worst_hour,
        typical_octets_per_line_hour=typical_hour,
        hold_reserve=config.store.hold_reserve,
        needed_bytes=needed,
        configured_bytes=size,
        made=slots is not None,
        slots=size // SLOT_SIZE,
        files=math.ceil(size / (SLOTS_PER_FILE * SLOT_SIZE)),
        sufficient=size >= needed,
        kept_days=round(usable / a_day, 1),
        typical_kept_days=round(usable / (lines * hours * typical_hour), 1),
        written_per_year_bytes=int(a_year),
        ssd_bytes=ssd_bytes,
        fits_ssd=None if ssd_bytes is None else size <= ssd_bytes * USABLE_OF_SSD,
        wear_a_year=None if tbw_bytes is None else round(a_year / tbw_bytes, 4),
        measured=measured,
        measured_needed_bytes=None if measured is None else _whole_slots(_reserved(config, measured, days)),
        measured_kept_days=None if not measured else round(usable / max(measured.octets_a_day, SLOT_SIZE), 1),
        held_slots=None if ring is None else ring.held,
        free_slots=None if ring is None else ring.free,
        broken_on=None if broken_on is None else broken_on.isoformat(),
    )


def _reserved(config: Config, measured: Measured, days: int) -> float:
    return measured.octets_a_day * days * (1 + config.store.hold_reserve) * (1 + MARGIN)


def refuse_below_guarantee(config: Config, sized: Plan) -> None:
    """Raises RingError unless the ring keeps the guarantee or the configuration accepts less in so many words.

    Asked when a ring is made, and at each start: lines, hours and retention may have been changed since.
    """
    if sized.sufficient or config.store.accept_shorter:
        return
    raise RingError(
        f"a ring of {sized.configured_bytes // 2**20} MiB keeps {sized.kept_days} days at {sized.hours_a_day:g} "
        f"off-hook hours a day on {sized.lines} lines; {sized.days} days need {sized.needed_bytes // 2**20} MiB",
        where="store.ring_size",
        remedy="make the ring larger, set off_hook_hours_a_day to what was measured on this site, "
        "or write accept_shorter = true",
    )


def _whole_slots(octets: float) -> int:
    return max(1, math.ceil(octets / SLOT_SIZE)) * SLOT_SIZE
