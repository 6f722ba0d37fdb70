"""The two-sided proof for a day: what it says of sound stores, and that it does not hold where it must not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.store.erasing import AFTER, ENDED, EXPIRES, Erasing, due, listed
from tests.store.reading import Box, ahead, at, ident
from tsuwaroku.clock import Instant
from tsuwaroku.errors import RefusedError, SecretError, StoreError
from tsuwaroku.records.dating import State, observe
from tsuwaroku.service import statement
from tsuwaroku.service.statement import Statement, is_signed, state
from tsuwaroku.store import clockfile
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.tombstone import Tombstone, Why, name_of, public_of

DAY_S = 86_400
MADE = at(31 * DAY_S)  # on the day after the last one


@pytest.fixture
def box(tmp_path: Path) -> Box:
    made = Box(tmp_path / "store", slots=16)
    for number in (1, 2, 3):
        made.call(number)
    listed(made)
    return made


def said(box: Box, day: date | None = None, now: Instant = MADE) -> Statement:
    return state(box.store, now, day).statement


def hold(box: Box, number: int, until: date) -> None:
    box.journal().append(JournalType.HOLD, at(60), ident(number), {"until": until.isoformat()})


def test_on_its_last_day_every_call_is_there(box: Box) -> None:
    made = said(box, EXPIRES, at(30 * DAY_S))
    assert (made.day, made.retention, made.kept, made.kept_count) == (str(EXPIRES), "30 days", "1–3", 3)
    assert (made.holds, made.problems, made.overdue, made.due, made.erased, made.highest) == (True, [], "", "", [], 3)


def test_of_a_day_gone_by_the_erased_ones_are_accounted_for(box: Box) -> None:
    Erasing(box.store, box.journal()).erase(*(due(number) for number in (1, 2, 3)))
    then, today = said(box, EXPIRES), said(box)
    assert (then.kept, then.kept_then_count, then.kept_then, then.erased, then.erased_before, then.holds) == (
        "",
        3,
        "1–3",
        [],
        0,
        True,
    )
    assert (today.day, today.kept, today.kept_then, today.erased_before, today.holds) == (str(AFTER), "", "", 0, True)
    assert [(call.sequence, call.erased_on, call.why) for call in today.erased] == [
        (number, str(AFTER), "expired") for number in (1, 2, 3)
    ]
    later = said(box, now=at(32 * DAY_S))
    assert (later.erased, later.erased_before) == ([], 3)


def test_what_is_held_had_to_be_kept_and_is_due_when_the_hold_is_over(box: Box) -> None:
    hold(box, 2, AFTER + timedelta(days=5))
    early = said(box, EXPIRES, at(30 * DAY_S))
    assert (early.kept, early.held) == ("1–3", "")  # it had to be kept without the hold, too
    Erasing(box.store, box.journal()).erase(due(1), due(3))
    made = said(box)
    assert (made.kept, made.held, made.holds) == ("2", "2", True)
    lapsed = said(box, now=at(37 * DAY_S))
    assert (lapsed.kept, lapsed.due, lapsed.overdue, lapsed.holds) == ("", "2", "", True)


def test_what_is_older_and_not_erased_by_the_day_after_shows(box: Box) -> None:
    first, next_day = said(box), said(box, now=at(32 * DAY_S))
    assert (first.due, first.overdue, first.holds) == ("1–3", "", True)
    assert (next_day.due, next_day.overdue, next_day.holds) == ("", "1–3", False)


def test_an_erasure_before_its_time_shows(box: Box) -> None:
    Erasing(box.store, box.journal()).erase(due(1, why=Why.AGE), on=ENDED)
    assert said(box, ENDED, at(DAY_S)).holds  # by age: the calendar says nothing
    early = Tombstone(
        name=name_of(ident(2)),
        sequence=2,
        digest=b"",
        ended_on=ENDED,
        expires_on=EXPIRES,
        why=Why.EXPIRED,
        slots=(),
        on=EXPIRES,
    )
    box.journal().append(JournalType.TOMBSTONE, at(60), public=public_of([early]))
    made = said(box, ENDED, at(DAY_S))
    told = f"call 2 was erased on {EXPIRES}, and was to be kept until {EXPIRES}"
    assert (made.kept, made.kept_then, told in made.problems, made.holds) == ("3", "1–2", True, False)


def test_an_erasure_that_stuck_shows(box: Box) -> None:
    def stop(slots: int) -> None:
        raise StoreError("the disk is away")

    with pytest.raises(StoreError):
        Erasing(box.store, box.journal(), pause=stop).erase(*(due(number) for number in (1, 2, 3)))
    assert [(made.unfinished, made.holds) for made in (said(box), said(box, now=at(32 * DAY_S)))] == [
        ("1–3", True),
        ("1–3", False),
    ]


def test_a_changed_and_a_missing_call_show(box: Box) -> None:
    box.spoil(1, 4096 + 300)
    damaged = said(box, ENDED, at(DAY_S))
    assert (damaged.holds, any("call 2" in problem for problem in damaged.problems)) == (False, True)


def test_a_damaged_day_of_the_catalogue_keeps_nobody_from_a_statement_that_says_so(box: Box) -> None:
    Catalogue(box.store.catalogue_dir).fold()
    (day,) = box.store.catalogue_dir.glob("*.json")
    day.write_bytes(day.read_bytes()[:100])
    made = said(box, ENDED, at(DAY_S))
    assert (made.holds, made.kept, any(day.name in problem for problem in made.problems)) == (False, "", True)


def test_a_call_that_nobody_pressed_for_is_no_gap(box: Box) -> None:
    box.journal("recorder").append(JournalType.DISCARDED, at(9), ident(2), {"sequence": 2})
    made = said(box, ENDED, at(DAY_S))
    assert (made.unrecorded, made.kept, made.holds) == ("2", "1, 3", True)


def test_it_is_signed_by_the_device_and_any_change_shows(box: Box) -> None:
    signed = state(box.store, MADE)
    again = msgspec.json.decode(msgspec.json.encode(signed), type=statement.Signed)
    assert (is_signed(again), signed.device_key) == (True, box.store.info.device_keys[0])
    other = msgspec.structs.replace(again.statement, day="2026-12-01")
    assert not is_signed(msgspec.structs.replace(again, statement=other))
    assert not is_signed(msgspec.structs.replace(again, signature="nothing"))


def test_a_call_of_a_clock_that_was_ahead_is_kept_on_its_true_days_and_overdue_after_them(box: Box) -> None:
    clockfile.save(box.store.clock_path, observe(State(), at(0)), box.store.store_id)
    box.call_by(4, ahead)
    listed(box)
    assert said(box, ENDED, at(DAY_S)).kept == "1–4"
    late = said(box, now=at(32 * DAY_S))
    assert (late.kept, late.overdue, late.holds) == ("", "1–4", False)


def test_a_day_to_come_and_a_store_without_its_device_are_refused(box: Box) -> None:
    with pytest.raises(RefusedError):
        state(box.store, MADE, AFTER + timedelta(days=1))
    (box.store.path / "keys" / "device.key").unlink()
    with pytest.raises(SecretError):
        state(Store.open(box.store.path), MADE)
