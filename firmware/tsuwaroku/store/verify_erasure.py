"""Was nothing erased before its time, and only what had been closed whole? From journals and audit log alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tsuwaroku.records.retention import day_of
from tsuwaroku.store.amendments import Amendments
from tsuwaroku.store.journal_record import JournalRecord, JournalType
from tsuwaroku.store.tombstone import Tombstone, name_of


def erasure_problems(amendments: Amendments, closed: Mapping[int, str]) -> list[str]:
    """Tombstones that should not be. `closed`: the digests (hex) by number that the audit log has of closed calls."""
    records = {name_of(call): found for call, found in amendments.items()}
    found = []
    for stone in amendments.tombstones.values():
        number, on = stone.sequence, stone.on
        if stone.early:
            found.append(f"call {number} was erased on {on}, and was to be kept until {stone.expires_on}")
        if closed.get(number, stone.digest.hex()) != stone.digest.hex():
            found.append(f"call {number} was erased on {on}, and was not what it was when it was closed")
        if _held(records.get(stone.name, []), stone):
            found.append(f"call {number} was erased on {on}, while a hold stood")
    return found


def _held(records: list[JournalRecord], stone: Tombstone) -> bool:
    """Whether a hold that was put before the tombstone reached over the day of the erasure."""
    until = ""
    for record in records:
        if record.owner != "keeper" or record.number > stone.record:
            continue
        if record.type is JournalType.HOLD:
            until = str(record.public.get("until") or day_of(record.wall_ns).max)
        elif record.type is JournalType.HOLD_RELEASED:
            until = ""
    return until >= stone.on.isoformat()
