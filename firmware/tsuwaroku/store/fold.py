"""What people see of a call: the sealed record, and what the journal added since. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from tsuwaroku.clock import NS, from_iso
from tsuwaroku.errors import SecretError
from tsuwaroku.records.call import CallRecord, Hold, Mark, PublicRecord
from tsuwaroku.store.journal_record import JournalRecord, JournalType
from tsuwaroku.store.keys import PrivateKey

IN_CALL = "call"  # a mark made during the call; others are named by the journal that has them

_NO_BOOT = bytes(16).hex()  # what a simulation has for a boot's id
_R = TypeVar("_R", CallRecord, PublicRecord)


def by_seizure(records: Iterable[CallRecord]) -> list[CallRecord]:
    """Whatever the clock was set to: boot after boot in the order of their first calls, in each by monotonic time."""
    records = list(records)
    first: dict[str, int] = {}
    for record in records:
        first[record.clock.boot_id] = min(first.get(record.clock.boot_id, record.sequence), record.sequence)

    def place(record: CallRecord) -> tuple[int, int, int]:
        simulated = record.clock.boot_id == _NO_BOOT  # every simulation begins at 0, with a clock that never jumps
        seized_ns = from_iso(record.seized_at) if simulated else record.clock.mono_ns
        return first[record.clock.boot_id], seized_ns, record.sequence

    return sorted(records, key=place)


def mark_name(in_call: int, amendments: Iterable[JournalRecord], index: int) -> list[str | int]:
    """How a `mark withdrawn` record names the mark at `index` of the folded record: its `public["mark"]`.

    `in_call`: marks the sealed record has. Raises IndexError.
    """
    names: list[list[str | int]] = [[IN_CALL, number] for number in range(in_call)]
    names += [[record.owner, record.number] for record in amendments if record.type is JournalType.MARK]
    return names[index]


def fold(record: _R, amendments: Iterable[JournalRecord], private_key: PrivateKey | None = None) -> _R:
    """`record` with late marks, withdrawals and hold, a copy. Without the key a late mark is only counted."""
    amendments = list(amendments)
    if not amendments:
        return record
    folded = msgspec.convert(msgspec.to_builtins(record), type(record))
    if isinstance(folded, PublicRecord):
        folded.marks += sum(amendment.type is JournalType.MARK for amendment in amendments)
    else:
        _fold_marks(folded, amendments, private_key)
    for amendment in amendments:
        if amendment.type is JournalType.HOLD:
            reason = _secret(amendment, private_key).get("reason", "")
            folded.retention.hold = Hold(reason=str(reason), until=str(amendment.public.get("until", "")))
        elif amendment.type is JournalType.HOLD_RELEASED:
            folded.retention.hold = None
    return folded


def _fold_marks(record: CallRecord, amendments: list[JournalRecord], private_key: PrivateKey | None) -> None:
    known: dict[tuple[str, int], Mark] = {(IN_CALL, number): mark for number, mark in enumerate(record.marks)}
    for amendment in amendments:
        if amendment.type is JournalType.MARK:
            mark = _mark(record, amendment, _secret(amendment, private_key))
            if mark is not None:
                record.marks.append(mark)
                known[amendment.owner, amendment.number] = mark
    for amendment in amendments:
        if amendment.type is JournalType.MARK_WITHDRAWN:
            owner, number = amendment.public.get("mark", ("", 0))
            if (owner, number) in known:
                known[owner, number].withdrawn = True


def _mark(record: CallRecord, amendment: JournalRecord, secret: dict[str, object]) -> Mark | None:
    """A mark that says no offset (made by a verb, on a box that cannot read the call) has that of its own time."""
    if secret and secret.get("at_s") is None:
        begun_ns = from_iso(record.answered_at or record.seized_at)
        secret = {**secret, "at_s": round((amendment.wall_ns - begun_ns) / NS, 3)}
    try:
        return msgspec.convert(secret, Mark)
    except msgspec.ValidationError:
        return None


def _secret(amendment: JournalRecord, private_key: PrivateKey | None) -> dict[str, object]:
    try:
        return amendment.secret(private_key) or {}
    except SecretError:
        return {}
