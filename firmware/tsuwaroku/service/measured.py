"""What this site's calls take, from the ring itself: octets a second, off-hook hours a day, slots that come free."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.clock import NS
from tsuwaroku.service.forecast import KeptCall
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

DAYS = 28
SAMPLES = 200  # slots whose length in time is looked at


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Of the last whole days, at most 28. `octets_a_second`: slots in use, per second of a call; None where no call was
    longer than a slot. `hours_a_day`: off-hook, of the busiest line; null likewise."""

    days: int
    calls_a_day: float
    octets_a_day: float
    octets_a_second: float | None
    hours_a_day: float | None


def measure(store: Store, today: date) -> Measured | None:
    """None where there is no whole day yet. Raises StoreError."""
    catalogue = Catalogue.of(store)
    days = [day for day in catalogue.days() if today - timedelta(days=DAYS) <= date.fromisoformat(day) < today]
    if not days:
        return None
    span = (today - date.fromisoformat(days[0])).days
    entries = [entry for day in days for entry in catalogue.for_day(day)]
    slots = sum(len(entry.slots) for entry in entries)
    rate = octets_a_second(store, entries)
    return Measured(
        days=span,
        calls_a_day=len(entries) / span,
        octets_a_day=slots * fmt.SLOT_SIZE / span,
        octets_a_second=rate,
        hours_a_day=None if rate is None else _busiest(entries) * fmt.SLOT_SIZE / span / rate / 3600,
    )


def octets_a_second(store: Store, entries: Iterable[CatalogueEntry]) -> float | None:
    """The median over whole slots: from the taking of one to that of the call's next. Raises StoreError."""
    found: list[float] = []
    for entry in entries:
        if len(entry.slots) > 1 and len(found) < SAMPLES:
            heads = [_taken_ns(store, slot, entry.call_id) for slot in entry.slots[:2]]
            if heads[0] is not None and heads[1] is not None and heads[1] > heads[0]:
                found.append(fmt.SLOT_SIZE * NS / (heads[1] - heads[0]))
    return statistics.median(found) if found else None


def kept_calls(entries: Iterable[CatalogueEntry], holds: dict[bytes, date]) -> list[KeptCall]:
    """For the forecast. `holds`: last day of the hold of each call that is held."""
    return [kept_call(entry, holds.get(entry.call_id) if holds else None) for entry in entries]


def kept_call(entry: CatalogueEntry, held_until: date | None) -> KeptCall:
    """For the forecast. `held_until`: last day of its hold, if it is held."""
    return KeptCall(
        day=date.fromisoformat(entry.public.date),
        slots=len(entry.slots),
        expires_on=date.fromisoformat(entry.public.retention.expires_on),
        held_until=held_until,
    )


def _taken_ns(store: Store, slot: int, call_id: bytes) -> int | None:
    if not slot < store.ring.slots:  # the catalogue is derived, and may be wrong
        return None
    try:
        header = fmt.unpack_slot(store.ring.read_block0(slot))
    except fmt.FormatError:
        return None
    return header.mono_ns if header is not None and header.call_id == call_id else None


def _busiest(entries: Iterable[CatalogueEntry]) -> int:
    """Slots of the line that has most of them."""
    slots: dict[str, int] = defaultdict(int)
    for entry in entries:
        slots[entry.public.line] += len(entry.slots)
    return max(slots.values(), default=0)
