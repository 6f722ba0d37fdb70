"""When a call ended, as the ring has it: the moment of its last commit, with boot and monotonic time.

The catalogue says dates alone, and those by the clock of then; the judge of the clock needs the moment itself.
"""

from __future__ import annotations

import contextlib
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.records.retention import Period, day_of, first_ns
from tsuwaroku.store.catalogue import CatalogueEntry
from tsuwaroku.store.scan import StoredCall, read_headers, scan_call, scan_end
from tsuwaroku.store.slot import FormatError, SlotHeader, unpack_slot

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

_LATE_NS = 600_000_000_000  # a commit may wait so long for a slow disk: its call ended on the day its record says


class End(msgspec.Struct, frozen=True):
    """`at`: the end, or (not `exact`) a moment in the call before it. `period`: as the header says."""

    at: Instant
    period: Period
    exact: bool


def end_of(stored: StoredCall) -> End | None:
    """The end of a call that was read; None where nothing of it was committed."""
    if not stored.headers or not stored.extents:
        return None
    head, last = stored.headers[-1], stored.extents[-1].header
    end = Instant(last.wall_ns, last.mono_ns, head.boot_id, last.quality)
    if stored.public is not None:
        end = as_recorded(end, Period.from_code(head.retention_days), stored.public.retention.expires_on)
    return End(end, Period.from_code(head.retention_days), True)


def as_recorded(end: Instant, period: Period, expires_on: str) -> Instant:
    """A call whose last commit came just after midnight ended on the day its record counts from."""
    late = end.wall_ns - first_ns(day_of(end.wall_ns)) + 1
    before = day_of(end.wall_ns - late)
    if late > _LATE_NS or period.last_day(before).isoformat() != expires_on:
        return end
    return msgspec.structs.replace(end, wall_ns=end.wall_ns - late, mono_ns=max(0, end.mono_ns - late))


def read_end(store: Store, entry: CatalogueEntry) -> End:
    """The end of a listed call, from its last slot. Raises StoreError where the disk cannot be read."""
    headers = read_headers(store, entry.slots).calls.get(entry.call_id, [])
    stored = (scan_end(store, headers) or scan_call(store, headers)) if headers else None
    return (end_of(stored) if stored is not None else None) or glance_end(store, entry)


def glance_end(store: Store, entry: CatalogueEntry) -> End:
    """A moment before the end, from the header of the last slot that can be read: one block.

    Of a call without a readable header, the end of the day that its catalogue entry counts from, in a boot that nobody
    remembers: erasure then goes by the later of that day and the beginning of the present boot.
    """
    for slot in reversed(entry.slots):
        header = _header(store, slot)
        if header is not None and header.call_id == entry.call_id:
            at = Instant(header.wall_ns, header.mono_ns, header.boot_id, header.quality)
            return End(at, Period.from_code(header.retention_days), False)
    period = Period.from_code(store.info.retention_days)
    return End(Instant(first_ns(_ended_on(entry, period)), 0, b"", ClockQuality.HOLDOVER), period, False)


def _header(store: Store, slot: int) -> SlotHeader | None:
    if not 0 <= slot < store.ring.slots:
        return None
    with contextlib.suppress(FormatError):
        return unpack_slot(store.ring.read_block0(slot))
    return None


def _ended_on(entry: CatalogueEntry, period: Period) -> date:
    """By its last day of keeping; at the least a day after it began."""
    began = date.fromisoformat(entry.public.date)
    try:
        expires = date.fromisoformat(entry.public.retention.expires_on)
    except ValueError:
        return date.fromordinal(began.toordinal() + 1)
    day = began
    while period.last_day(day) < expires and day.toordinal() < began.toordinal() + 2:
        day = date.fromordinal(day.toordinal() + 1)
    return day
