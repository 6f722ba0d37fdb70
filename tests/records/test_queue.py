"""The queue of marked calls: who waits, what is urgent, and that nothing is both forgotten and quiet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.queue import SOON_DAYS, Marked, Waiting, is_open, lapsing, passed, queue, urgent
from tsuwaroku.records.requests import CopyFor, Request, Status

TODAY = date(2026, 12, 20)


def call(name: str = "A", *, left: int = 3, marks: int = 1, held: int | None = None) -> Marked:
    until = None if held is None else TODAY + timedelta(days=held)
    last = TODAY + timedelta(days=left)
    return Marked(id=name, sequence=1, line="1", day="2026-11-23", marks=marks, last_day=last, held_until=until)


def request(*calls: str, status: Status = Status.SUBMITTED, made: tuple[CopyFor, ...] = ()) -> Request:
    return Request(
        slug="2026-001",
        number=1,
        by="hana",
        on=TODAY,
        calls=calls,
        status=status,
        made=tuple((who, "medium") for who in made),
    )


def let_go(name: str, marks: int) -> Act:
    return Act(
        number=1,
        at="2026-12-20T09:00:00.000+09:00",
        actor="kanri",
        verb=ActVerb.QUEUE_PASSED,
        subject=name,
        detail={"marks": marks},
        words=None,
    )


@pytest.mark.parametrize(
    ("marked", "requests", "gone", "state"),
    [
        (call(), [], 0, Waiting.WAITING),
        (call(held=3), [], 0, Waiting.HELD),
        (call(held=-1), [], 0, Waiting.WAITING),  # a hold that is over holds nothing
        (call(), [request("A")], 0, Waiting.REQUESTED),
        (call(), [request("B")], 0, Waiting.WAITING),
        (call(), [request("A", status=Status.REFUSED)], 0, Waiting.WAITING),
        (call(), [request("A", status=Status.WITHDRAWN)], 0, Waiting.WAITING),
        (call(), [request("A", status=Status.APPROVED)], 0, Waiting.REQUESTED),
        (call(), [request("A", status=Status.APPROVED, made=(CopyFor.HEAD,))], 0, Waiting.REQUESTED),
        (call(), [request("A", status=Status.APPROVED, made=tuple(CopyFor))], 0, Waiting.WAITING),
        (call(), [], 1, Waiting.PASSED),
        (call(marks=2), [], 1, Waiting.WAITING),  # marked again since
        (call(held=3), [request("A")], 1, Waiting.HELD),
    ],
)
def test_where_a_call_stands(marked: Marked, requests: list[Request], gone: int, state: Waiting) -> None:
    acts = [let_go("A", gone)] if gone else []
    (one,) = queue([marked], requests, passed(acts), TODAY)
    assert one.state is state
    assert bool(lapsing([one])) is (state is Waiting.WAITING)


@pytest.mark.parametrize(("left", "there", "soon"), [(8, 1, 0), (7, 1, 1), (0, 1, 1), (-1, 0, 0)])
def test_the_last_seven_days_are_urgent_and_the_last_one_counts(left: int, there: int, soon: int) -> None:
    found = queue([call(left=left)], [], {}, TODAY)
    assert (len(found), len(lapsing(found))) == (there, soon)
    assert len(urgent([request("A")], {"A": TODAY + timedelta(days=left)}, TODAY)) == soon


def test_a_call_whose_marks_were_withdrawn_waits_for_nobody() -> None:
    assert queue([call(marks=0)], [], {}, TODAY) == []


def test_those_with_the_fewest_days_come_first_and_a_request_by_its_first_call() -> None:
    found = queue([call("A", left=9), call("B", left=2), call("C", left=30)], [], {}, TODAY)
    assert [one.id for one in found] == ["B", "A", "C"]
    days = {"A": TODAY + timedelta(days=9), "B": TODAY + timedelta(days=2), "gone": TODAY - timedelta(days=1)}
    (one,) = urgent([request("A", "B", "gone", "never")], days, TODAY)
    assert (one.slug, one.last_day) == ("2026-001", days["B"])
    assert urgent([request("gone", "never")], days, TODAY) == []


@given(
    left=st.integers(-3, 40),
    held=st.none() | st.integers(-3, 40),
    marks=st.integers(0, 3),
    gone=st.integers(0, 3),
    status=st.none() | st.sampled_from(Status),
    made=st.sets(st.sampled_from(CopyFor)),
)
def test_no_marked_call_lapses_in_silence_unless_somebody_decided_it(
    left: int, held: int | None, marks: int, gone: int, status: Status | None, made: set[CopyFor]
) -> None:
    one = call(left=max(left, held or left), marks=marks, held=held)
    asked = [] if status is None else [request("A", status=status, made=tuple(made))]
    quiet = not lapsing(queue([one], asked, {"A": gone}, TODAY))
    days = (one.last_day - TODAY).days
    decided = gone >= marks or (held is not None and held >= 0) or any(is_open(each) for each in asked)
    assert quiet == (marks == 0 or not 0 <= days <= SOON_DAYS or decided)
