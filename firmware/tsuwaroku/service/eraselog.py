"""What was erased, when, by what rule, and how it was read back: from the keeper's journal alone, without any key.

It holds what an erased call leaves (Article 8(1)): number, days, digest; nothing personal and no time of day.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.store.amendments import Amendments
from tsuwaroku.store.journal import Journal, JournalType

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store


class ErasedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One erased call. Days are ISO dates of Asia/Tokyo; `why`: expired, hold lapsed, or age.

    `digest` in hex, of the whole call as it was. `read_back`: "direct" or "cache dropped"; empty: the erasure is not
    finished, and the call not read any more. `record`: of the keeper's journal, which is signed; `audit`: the hash of
    the audit log's entry.
    """

    sequence: int
    ended_on: str
    expires_on: str
    erased_on: str
    why: str
    slots: int
    digest: str
    read_back: str = ""
    record: int
    audit: str = ""


class EraseLog(msgspec.Struct, frozen=True, kw_only=True):
    """`calls` in the order of their numbers. `discarded`: numbers of calls that nobody pressed for, whose key was
    thrown away at hang-up. `problems`: why this list may not be whole."""

    calls: list[ErasedCall]
    discarded: list[int]
    problems: list[str]


def erase_log(store: Store, first: date | None = None, last: date | None = None) -> EraseLog:
    """Erased on `first` to `last`, both included. Raises StoreError."""
    keeper = Journal.open(store.journal_dir, "keeper", store)
    records = keeper.records()
    amendments = Amendments(records)
    how: dict[int, tuple[str, str]] = {}
    for record in records:
        if record.type is JournalType.ERASED:
            said = str(record.public.get("read_back", "")), str(record.public.get("audit_head", ""))
            how |= dict.fromkeys(record.public.get("sequences", ()), said)
    calls = [
        ErasedCall(
            sequence=stone.sequence,
            ended_on=stone.ended_on.isoformat(),
            expires_on=stone.expires_on.isoformat(),
            erased_on=stone.on.isoformat(),
            why=stone.why.value,
            slots=len(stone.slots),
            digest=stone.digest.hex(),
            read_back=how.get(stone.sequence, ("", ""))[0],
            record=stone.record,
            audit=how.get(stone.sequence, ("", ""))[1],
        )
        for stone in amendments.tombstones.values()
        if (first is None or stone.on >= first) and (last is None or stone.on <= last)
    ]
    recorder = Journal.open(store.journal_dir, "recorder", store)
    thrown = [r for r in [*records, *recorder.records()] if r.type is JournalType.DISCARDED]
    numbers = {n for r in thrown if isinstance(n := r.public.get("sequence"), int)}
    return EraseLog(
        calls=sorted(calls, key=lambda call: call.sequence),
        discarded=sorted(numbers),
        problems=keeper.problems(),
    )


def ranges(numbers: list[int]) -> str:
    """Numbers as people write them: "1–3, 7"."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in spans)
