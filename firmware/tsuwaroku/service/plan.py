"""The numbers a person decides by: how large a ring keeps every call for the days the ordinance asks."""

from __future__ import annotations

import math

import msgspec

from tsuwaroku.config import Config, parse_size
from tsuwaroku.errors import RingError
from tsuwaroku.service.sizing import DAYS_KEPT_BEYOND, MARGIN, WORST_OCTETS_A_SECOND
from tsuwaroku.store.slot import SLOT_SIZE

# What telephone speech with line noise comes to after FLAC level 5, sealing and padding
# (facts/platform: FLAC 1.96 : 1; measured by scripts/bench): about 9.5 KiB a second.
TYPICAL_OCTETS_A_SECOND = 9.5 * 1024


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in octets. `sufficient`: the configured ring keeps the guarantee at the configured off-hook hours."""

    lines: int
    rate: int
    hours_a_day: float
    days: int
    octets_per_line_hour: int
    typical_octets_per_line_hour: int
    hold_reserve: float
    needed_bytes: int
    configured_bytes: int
    slots: int
    files: int
    sufficient: bool
    kept_days: float
    typical_kept_days: float
    written_per_year_bytes: int
    ssd_bytes: int | None
    fits_ssd: bool | None


def plan(config: Config, ssd_bytes: int | None = None) -> Plan:
    """`lines × (days + 2) × off-hook hours × worst rate + hold reserve + margin` (DESIGN.md, The ring)."""
    lines = len(config.line)
    scale = config.board.rate / 8000
    worst_hour = int(WORST_OCTETS_A_SECOND * 3600 * scale)
    typical_hour = int(TYPICAL_OCTETS_A_SECOND * 3600 * scale)
    hours = config.store.off_hook_hours_a_day
    days = config.store.retention_days + DAYS_KEPT_BEYOND
    a_day = lines * hours * worst_hour
    needed = _whole_slots(a_day * days * (1 + config.store.hold_reserve) * (1 + MARGIN))
    configured = _whole_slots(parse_size(config.store.ring_size)) if config.store.ring_size else needed
    usable = configured / (1 + config.store.hold_reserve) / (1 + MARGIN)
    return Plan(
        lines=lines,
        rate=config.board.rate,
        hours_a_day=hours,
        days=config.store.retention_days,
        octets_per_line_hour=worst_hour,
        typical_octets_per_line_hour=typical_hour,
        hold_reserve=config.store.hold_reserve,
        needed_bytes=needed,
        configured_bytes=configured,
        slots=configured // SLOT_SIZE,
        files=math.ceil(configured / (256 * SLOT_SIZE)),
        sufficient=configured >= needed,
        kept_days=round(usable / a_day, 1),
        typical_kept_days=round(usable / (lines * hours * typical_hour), 1),
        written_per_year_bytes=int(lines * hours * typical_hour * 365),
        ssd_bytes=ssd_bytes,
        fits_ssd=None if ssd_bytes is None else configured <= ssd_bytes * 0.95,
    )


def refuse_below_guarantee(config: Config, sized: Plan) -> None:
    """Raises RingError unless the ring keeps the guarantee or the configuration accepts less in so many words."""
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
