"""録音不能: when the box could not record, from the words of its recorders in their journal. No key is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.clock import NS, Instant, iso
from tsuwaroku.errors import ServiceError
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.roles import Verb
from tsuwaroku.records.unrecorded import Fact, FactKind, Stretch, note, stretches
from tsuwaroku.service.api import Asked, Octets, Route, Routes
from tsuwaroku.service.reading import reading_judge
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.journal_record import JournalRecord

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper
    from tsuwaroku.store.layout import Store

PIECE = 128  # records read at a time: a few ms
_KINDS = {JournalType.RECORDER_STARTED: FactKind.STARTED, JournalType.RECORDER_STOPPED: FactKind.STOPPED}


class Unrecorded(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch; times are ISO 8601, Asia/Tokyo. It began at `begin`, or as late as `begin_latest`, and ended at
    `end` (None: it goes on). `shortest_s`, `longest_s` bound its length. `line` "" for all; `cause` is a `Cause`."""

    line: str
    cause: str
    begin: str
    begin_latest: str
    end: str | None
    shortest_s: float
    longest_s: float | None


def of_store(store: Store, now: Instant) -> list[Unrecorded]:
    """Of a store's files. Raises StoreError."""
    facts: list[Fact] = []
    for fact in facts_in(Journal.open(store.journal_dir, "recorder", store).records()):
        note(facts, fact)
    return unrecorded(facts, reading_judge(store, now), now)


def unrecorded(facts: Sequence[Fact], judge: Judge, now: Instant) -> list[Unrecorded]:
    """Oldest first. One that goes on is seen, too, but for a store whose recorder ran in no boot (a simulation)."""
    simulated = bool(facts) and not any(facts[-1].at.boot_id)
    found = stretches(facts, judge.dated_ns, None if simulated else now)
    return [_told(one) for one in sorted(found, key=lambda one: (one.from_ns, one.line))]


def touching(found: Iterable[Unrecorded], first: date | None, last: date | None) -> list[Unrecorded]:
    """Those that touch the days from `first` to `last`, both included."""
    return [
        one
        for one in found
        if (first is None or one.end is None or one.end[:10] >= first.isoformat())
        and (last is None or one.begin[:10] <= last.isoformat())
    ]


def _answer(keeper: Keeper, _: Asked) -> Octets:
    """Blanks while the journal is read, for the years of it take seconds, and what else there is to do is done between
    two of them; then the list. For one asker at a time. Raises ServiceError."""
    if keeper.reading_unrecorded:
        raise ServiceError(
            "somebody else is asking for this just now, and it takes some seconds", remedy="try again in a minute"
        )
    keeper.reading_unrecorded = True
    try:
        facts: list[Fact] = []
        for count, fact in enumerate(facts_in(keeper.journals[0].since(0)), start=1):
            note(facts, fact)
            if count % PIECE == 0:
                yield b" "
        yield msgspec.json.encode(unrecorded(facts, keeper.judge, keeper.now))
    finally:
        keeper.reading_unrecorded = False


def facts_in(records: Iterable[JournalRecord]) -> Iterator[Fact]:
    """What the recorders said of themselves, and by each record that they were there."""
    for record in records:
        at = Instant(record.wall_ns, record.mono_ns, record.boot_id, record.quality)
        said = record.public if record.type is JournalType.ALIVE else {}
        line, able, unwritten = said.get("line"), said.get("capture"), said.get("unwritten_ns")
        if isinstance(line, str) and isinstance(able, bool):
            yield Fact(kind=FactKind.RESTORED if able else FactKind.FAILED, at=at, line=line)
        elif isinstance(unwritten, int) and unwritten > 0:
            waits = said.get("waits_ns")
            since = Instant(at.wall_ns - unwritten, at.mono_ns - unwritten, at.boot_id, at.quality)
            yield Fact(kind=FactKind.LOST, at=at, since=since, waits_ns=waits if isinstance(waits, int) else 0)
        else:
            yield Fact(kind=_KINDS.get(record.type, FactKind.ALIVE), at=at)


def _told(one: Stretch) -> Unrecorded:
    return Unrecorded(
        line=one.line,
        cause=one.cause.value,
        begin=iso(one.from_ns),
        begin_latest=iso(one.from_latest_ns),
        end=None if one.to_ns is None else iso(one.to_ns),
        shortest_s=one.shortest_ns / NS,
        longest_s=None if one.longest_ns is None else one.longest_ns / NS,
    )


ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/unrecorded",
        verb=Verb.STATUS,
        summary="when the box could not record, as JSON: a list of begin, begin_latest, end, line, cause",
        act=_answer,
        stream=True,
    ),
)
