"""Calls of a clock that was wrong, shown with the date they had: what the box learned since of the boot they are of.

By the box's memory of the date alone, never by the clock of whoever reads. The sealed record stays as it is:
`clock.dated_at` says when the call was, `retention.expires_on` to what day it is kept: the day by which reading is
refused and erasure is due, whatever the record says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.clock import NS, ClockQuality, Instant, from_iso, iso, representable
from tsuwaroku.errors import StoreError
from tsuwaroku.records.call import CallRecord, ClockRecord, PublicRecord
from tsuwaroku.records.dating import SLACK_NS, Boot
from tsuwaroku.records.retention import Period, day_of, last_day
from tsuwaroku.store import clockfile
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.ends import End, read_end

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

Record = CallRecord | PublicRecord
_NEAR_S = 30.0  # `Boot.dated_ns` takes a record at its word within a minute: nearer than that it need not be asked


def redated(store: Store, records: Sequence[Record]) -> list[Record]:
    """The same records; copies of those whose date is known better now."""
    catalogue = Catalogue.of(store)
    boots = remembered(store)
    ends = {record.id: _end(store, catalogue, record.id) for record in misdated(boots, records)}
    return corrected(boots, records, ends, Period.from_code(store.info.retention_days))


def remembered(store: Store) -> tuple[Boot, ...]:
    """The boots that the box remembers; none where that memory is lost."""
    try:
        return clockfile.load(store.clock_path, store.store_id).boots
    except StoreError:
        return ()


def misdated(boots: Sequence[Boot], records: Sequence[Record]) -> list[Record]:
    """Those whose own date need not be the best that is known."""
    zeros = {b.boot_id.hex(): (b.high_ns + b.started_ns) / NS for b in boots if b.high_ns is not None}
    found = []
    for record in records:
        clock = record.clock
        zero_s = None if clock is None else zeros.get(clock.boot_id)
        if clock is not None and zero_s is not None and not _near(record, zero_s + clock.mono_ns / NS):
            found.append(record)
    return found


def corrected(
    boots: Sequence[Boot], records: Sequence[Record], ends: Mapping[str, End | None], period: Period
) -> list[Record]:
    """The same records, copies of those that `ends` has: by id, with the end of each as far as it is known. `period`:
    where it is not."""
    known = {boot.boot_id.hex(): boot for boot in boots}
    return [
        _corrected(record, known[record.clock.boot_id], ends[record.id], period)
        if record.id in ends and record.clock is not None and record.clock.boot_id in known
        else record
        for record in records
    ]


def _end(store: Store, catalogue: Catalogue, call_id: str) -> End | None:
    with contextlib.suppress(StoreError):  # a day that cannot be read is told elsewhere
        entry = catalogue.get(call_id)
        return None if entry is None else read_end(store, entry)
    return None


def _near(record: Record, judged_s: float) -> bool:
    """The quick look that is enough for nearly every call of a month: 2 µs."""
    if isinstance(record, CallRecord):
        return abs(datetime.fromisoformat(record.seized_at).timestamp() - judged_s) <= _NEAR_S
    judged_ns = round(judged_s * NS)
    return record.date in (day_of(representable(judged_ns + by)).isoformat() for by in (-SLACK_NS, SLACK_NS))


def _corrected(record: Record, boot: Boot, end: End | None, usual: Period) -> Record:
    assert record.clock is not None
    if isinstance(record, CallRecord):
        wall_ns = from_iso(record.seized_at)
    else:  # it says the day alone; how far a day is off does not matter
        wall_ns = 0 if end is None else end.at.wall_ns - (end.at.mono_ns - record.clock.mono_ns)
    seized = _moment(record.clock, wall_ns)
    dated_ns = boot.dated_ns(seized)
    if dated_ns == wall_ns:
        return record
    at = iso(dated_ns) if isinstance(record, CallRecord) else day_of(dated_ns).isoformat()
    period = usual if end is None else end.period
    ended = seized if end is None or end.at.boot_id != boot.boot_id else end.at
    expires_on = last_day(day_of(boot.dated_ns(ended)), period)
    return msgspec.structs.replace(
        record,
        clock=msgspec.structs.replace(record.clock, dated_at=at),
        retention=msgspec.structs.replace(record.retention, expires_on=expires_on.isoformat()),
    )


def _moment(clock: ClockRecord, wall_ns: int) -> Instant:
    return Instant(representable(wall_ns), clock.mono_ns, bytes.fromhex(clock.boot_id), ClockQuality(clock.quality))
