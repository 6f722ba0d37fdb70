"""What the keeper holds of both journals is what a look at all of both says of the calls that are there."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.store import graves as graves_module
from tsuwaroku.store.amendments import Amended, read_amendments, slots_aside
from tsuwaroku.store.graves import Graves
from tsuwaroku.store.journal import Journal, JournalRecord, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import not_recorded
from tsuwaroku.store.sequence import accounted_numbers
from tsuwaroku.store.slot import BLOCK
from tsuwaroku.store.standing import Standing
from tsuwaroku.store.tombstone import Tombstone, Why, name_of, public_of

DAY = date(2026, 11, 1)


def moment(seconds: int) -> Instant:
    return Instant(1_795_000_000_000_000_000 + seconds * 10**9, seconds * 10**9, b"b" * 16, ClockQuality.SYNCHRONISED)


def ident(number: int) -> bytes:
    return number.to_bytes(16, "big")


def stone(number: int) -> Tombstone:
    return Tombstone(
        name=name_of(ident(number)),
        sequence=number,
        digest=bytes(32),
        ended_on=DAY,
        expires_on=DAY,
        why=Why.AGE,
        slots=((number, 1),),
        on=DAY,
    )


class History:
    """Both journals, written at random; calls are erased as the eraser does it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.recorder = Journal.open(store.journal_dir, "recorder", store, store.device)
        self.keeper = Journal.open(store.journal_dir, "keeper", store, store.device)
        self.random = random.Random(5)
        self.going: list[int] = []

    def step(self, number: int) -> None:
        now, call, choose = moment(number), ident(self.random.randint(1, 40)), self.random.random()
        where = {"sequence": int.from_bytes(call, "big")}
        if choose < 0.3:
            self.recorder.append(
                JournalType.MARK, now, call, {"n": number}, {"by": "x"}, self.store.recipients.to_wrap()
            )
        elif choose < 0.4:
            self.recorder.append(JournalType.NOT_RECORDED, now, call, where)
        elif choose < 0.45:
            self.keeper.append(JournalType.DISCARDED, now, call, where)
        elif choose < 0.5:
            self.recorder.append(JournalType.SET_ASIDE, now, public={"slot": number, "generation": 1})
        elif choose < 0.65:
            self.keeper.append(JournalType.HOLD, now, call, {"until": f"2027-01-{number % 28 + 1:02}"})
        elif choose < 0.75:
            self.keeper.append(JournalType.HOLD_RELEASED, now, call)
        elif choose < 0.9 or not self.going:
            self.going = sorted({self.random.randint(1, 40) for _ in range(3)})
            self.keeper.append(JournalType.TOMBSTONE, now, public=public_of([stone(one) for one in self.going], [50]))
        else:
            names = {name_of(ident(one)) for one in self.going}
            self.recorder.erase_sealed(names)
            self.keeper.append(JournalType.ERASED, now, public={"sequences": self.going})
            self.going = []


def in_order(amended: Amended, call: bytes) -> list[JournalRecord]:
    return sorted(amended.get(call, []), key=lambda record: (record.owner, record.number))


def agree(standing: Standing, store: Store) -> None:
    """Of calls that are there, word for word; of those that are gone, that they are."""
    whole = read_amendments(store)
    calls = [ident(number) for number in range(1, 42)]
    assert [standing.gone(call) for call in calls] == [whole.gone(call) for call in calls]
    assert [standing.tombstone(call) for call in calls] == [whole.tombstone(call) for call in calls]
    here = [call for call in calls if not whole.gone(call)]
    assert [in_order(standing, call) for call in here] == [in_order(whole, call) for call in here]
    assert [standing.hold(call) for call in here] == [whole.hold(call) for call in here]
    assert sorted(one.sequence for one in standing.unfinished()) == sorted(one.sequence for one in whole.unfinished())
    discarded = {call for call in calls if standing.kept(call) is False}
    assert discarded == {c for c in calls if any(r.type is JournalType.DISCARDED for r in whole.get(c, ()))}
    left = [record for record in not_recorded(whole) if record.call_id not in discarded]
    assert not_recorded(standing) == left
    highest = max((one.sequence for one in whole.tombstones.values()), default=0)
    assert standing.highest_erased == highest
    known = {number for number in accounted_numbers(whole) | whole.lost if number > highest}
    assert known <= standing.accounted | {50}


@pytest.mark.parametrize("gathered", [1, 1000])
def test_standing_is_the_fold_of_both_journals(tmp_path: Path, gathered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graves_module, "GATHER", gathered)
    store = Store.create(tmp_path / "store", slots=1, retention_days=30, demonstration=True)
    history = History(store)
    recorder = Journal.open(store.journal_dir, "recorder", store, keepers=history.keeper)
    standing = Standing(recorder, history.keeper)
    for number in range(150):
        history.step(number)
        standing.refresh()
        if number % 10 == 9:
            agree(standing, store)
    later = Journal.open(store.journal_dir, "keeper", store)
    agree(Standing(Journal.open(store.journal_dir, "recorder", store, keepers=later), later).refresh(), store)
    aside = slots_aside(history.recorder.records())
    assert (sorted(standing.aside), len(aside) > 2) == (sorted(aside), True)


def test_a_look_reads_what_is_new_and_erased_calls_are_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / "store", slots=1, retention_days=30, demonstration=True)
    recorder = Journal.open(store.journal_dir, "recorder", store, store.device)
    keeper = Journal.open(store.journal_dir, "keeper", store, store.device)
    for number in range(1, 301):  # more than a segment
        recorder.append(JournalType.MARK, moment(number), ident(number))
    for begin in range(1, 301, 20):
        gone = list(range(begin, begin + 20))
        keeper.append(JournalType.TOMBSTONE, moment(1000), public=public_of([stone(number) for number in gone]))
        keeper.append(JournalType.ERASED, moment(1001), public={"sequences": gone})
    standing = Standing(Journal.open(store.journal_dir, "recorder", store, keepers=keeper), keeper).refresh()
    assert (dict(standing), standing.unfinished(), standing._names) == ({}, [], {})
    read = 0
    octets = Journal._octets

    def counted(self: Journal, segment: int, begin: int, end: int | None = None) -> bytes:
        nonlocal read
        found = octets(self, segment, begin, end)
        read += len(found)
        return found

    monkeypatch.setattr(Journal, "_octets", counted)
    standing.refresh()
    assert read == 0
    keeper.append(JournalType.HOLD, moment(2000), ident(301), {"until": "2027-01-01"})
    assert (standing.refresh().hold(ident(301)), read) == (date(2027, 1, 1), BLOCK)


def test_graves_tell_the_first_of_two_and_nothing_that_only_resembles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graves_module, "GATHER", 7)
    graves = Graves()
    known: dict[bytes, int] = {}
    generator = random.Random(1)
    for record in range(1, 500):
        name = bytes([generator.randrange(4), *([255] * 7), *([0] * 7), generator.randrange(40)])
        graves.add(name, record)
        known.setdefault(name, record)
    every = [bytes([high, *([255] * 7), *([0] * 7), low]) for high in range(5) for low in range(41)]
    assert {name: graves.find(name) for name in every} == {name: known.get(name) for name in every}
    assert len(known) > 100
