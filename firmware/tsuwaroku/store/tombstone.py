"""What stays of an erased call: a number, the digest it had, dates, and why. Pure.

A tombstone names its call by a hash of the id: an id is a ULID and holds the time of the call to the millisecond,
which is part of the 通話記録 and goes with it (Article 8(1)). Whoever has an id can still ask for its tombstone.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import msgspec

from tsuwaroku.store.journal_record import JournalRecord, JournalType

MOST_CALLS = 256
"""Calls one record has room for: 1,200 a day with a record each would be 1.8 GB of journal a year."""


class Why(enum.StrEnum):
    """By what right a call was erased: its 30 days are over, its hold is over, or the box was powered on long enough
    to know that they are, whatever the calendar says."""

    EXPIRED = "expired"
    HOLD_LAPSED = "hold lapsed"
    AGE = "age"


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """One erased call. `digest`: of its whole chain. `expires_on`: its last day. `on`: the day it was erased on, by the
    clock of the retention. `slots`: (slot, generation) of each. `record`: its record's number in the keeper's journal.
    """

    name: bytes
    sequence: int
    digest: bytes
    ended_on: date
    expires_on: date
    why: Why
    slots: tuple[tuple[int, int], ...]
    on: date
    record: int = 0

    @property
    def early(self) -> bool:
        """It was erased before its time."""
        return self.why is not Why.AGE and self.on <= self.expires_on


class _Packed(msgspec.Struct, array_like=True):
    name: bytes
    sequence: int
    digest: bytes
    ended: int  # days since 0001-01-01, as `date.toordinal`
    expires: int
    why: Why
    slots: list[int]  # slot, generation, slot, generation …


def name_of(call_id: bytes) -> bytes:
    """The 16 octets a tombstone names a call by."""
    return hashlib.sha256(b"tsuwaroku gone 1\0" + call_id).digest()[:16]


def public_of(stones: Sequence[Tombstone], lost: Sequence[int] = ()) -> dict[str, Any]:
    """The public map of one record for all of them. `lost`: numbers of calls that never reached the disk, and of which
    only the calls erased here bear witness."""
    packed = [
        _Packed(
            name=stone.name,
            sequence=stone.sequence,
            digest=stone.digest,
            ended=stone.ended_on.toordinal(),
            expires=stone.expires_on.toordinal(),
            why=stone.why,
            slots=[number for place in stone.slots for number in place],
        )
        for stone in stones
    ]
    public: dict[str, Any] = {
        "sequence": max(stone.sequence for stone in stones),
        "on": stones[0].on.isoformat(),
        "calls": msgspec.msgpack.encode(packed),
    }
    return public | ({"lost": list(lost)} if lost else {})


def tombstones(records: Iterable[JournalRecord]) -> Iterator[Tombstone]:
    """Those of the keeper's records, in their order. A record that is not readable excuses nothing."""
    for record in records:
        if record.type is JournalType.TOMBSTONE and record.owner == "keeper":
            yield from _unpacked(record)


def buried_in(record: JournalRecord) -> list[tuple[bytes, int]]:
    """Names and numbers alone, of one of the keeper's records: 402,000 of a year are looked through at each start."""
    if record.type is not JournalType.TOMBSTONE or record.owner != "keeper":
        return []
    try:
        packed = msgspec.msgpack.decode(record.public["calls"], type=list[_Packed])
    except (KeyError, TypeError, msgspec.DecodeError):
        return []
    return [(one.name, one.sequence) for one in packed]


def _unpacked(record: JournalRecord) -> list[Tombstone]:
    try:
        on = date.fromisoformat(record.public["on"])
        return [
            Tombstone(
                name=packed.name,
                sequence=packed.sequence,
                digest=packed.digest,
                ended_on=date.fromordinal(packed.ended),
                expires_on=date.fromordinal(packed.expires),
                why=packed.why,
                slots=tuple(zip(packed.slots[::2], packed.slots[1::2], strict=True)),
                on=on,
                record=record.number,
            )
            for packed in msgspec.msgpack.decode(record.public["calls"], type=list[_Packed])
        ]
    except (KeyError, TypeError, ValueError, OverflowError, msgspec.DecodeError):
        return []
