"""The queue at the keeper: what waits, letting go, and the alarms that come and go by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.marker import marker
from tests.service.requestbox import HANA, LIMITED, RequestBox, call_id
from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.roles import Role, Verb, may

WAITING = [(2, "waiting", 30)]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RequestBox]:
    box = RequestBox(tmp_path / "store")
    yield box
    box.end()


def test_marks_come_and_go(box: RequestBox) -> None:
    assert box.queue() == WAITING
    box.keeper.mark(call_id(3), "unreasonable_demand", marker("hana"), None)
    assert [number for number, _, _ in box.queue()] == [2, 3]
    box.keeper.mark(call_id(3), "unreasonable_demand", marker("hana"), 1)
    box.keeper.mark(call_id(3), "unreasonable_demand", marker("hana"), 1)  # twice the same one
    assert box.queue() == WAITING
    box.keeper.mark(call_id(2), "unreasonable_demand", marker("hana"), 1)
    assert box.queue() == []
    box.restart()
    assert box.queue() == []


def test_holding_asking_and_letting_go(box: RequestBox) -> None:
    box.hold(2, "2027-01-15")
    assert box.queue() == [(2, "held", 53)]
    with pytest.raises(RefusedError, match="kept by a hold"):
        box.let_lapse(2)
    box.hold(2, None)
    slug = box.submit(2)
    assert box.queue() == [(2, "requested", 30)]
    with pytest.raises(RefusedError, match="open request 2026-001"):
        box.let_lapse(2)
    box.refuse(slug)
    assert box.queue() == WAITING
    assert box.let_lapse(2) == [call_id(2)]
    assert box.queue() == [(2, "passed", 30)]
    with pytest.raises(RefusedError, match="let go already"):
        box.let_lapse(2)
    box.restart()
    assert box.queue() == [(2, "passed", 30)]
    box.keeper.mark(call_id(2), "unreasonable_demand", marker("hana"), None)
    assert box.queue() == WAITING
    assert "用件" not in "".join(str(entry.detail) for entry in box.entries())
    assert box.refusals() == [("kanri", "hold", "nothing to let go")] * 3


def test_what_cannot_be_let_go(box: RequestBox) -> None:
    for numbers, reason, kind in (((1,), "済", RefusedError), ((9,), "済", NotFoundError), ((), "済", RefusedError)):
        with pytest.raises(kind):
            box.let_lapse(*numbers, reason=reason)
    for reason in ("", " \n", "長" * 1001, "\x1b]0;x\x07"):
        with pytest.raises(RefusedError):
            box.let_lapse(2, reason=reason)
    assert box.queue() == WAITING
    assert len(box.refusals()) == 7
    box.poll_at("2026-12-24T00:01:00+09:00", 8)
    with pytest.raises(RefusedError, match="erased on 2026-12-24"):
        box.let_lapse(2)
    assert box.queue() == []


def test_only_manager_and_deputy_hold_or_let_go_and_handlers_see_their_lines(box: RequestBox) -> None:
    assert [role for role in Role if may(frozenset({role}), Verb.HOLD)] == [Role.MANAGER, Role.DEPUTY]
    assert (box.queue(HANA), box.queue(LIMITED)) == (WAITING, [])


def test_the_alarm_begins_with_the_last_seven_days_and_ends_by_itself(box: RequestBox) -> None:
    box.poll_at("2026-12-15T23:59:00+09:00", 1)
    assert "mark_lapses" not in box.alarms()
    box.poll_at("2026-12-16T00:00:01+09:00")
    assert box.alarms()["mark_lapses"] == "call #2 until 2026-12-23 (1 in all)"
    box.hold(2, "2027-01-15")
    box.keeper.poll()
    assert "mark_lapses" not in box.alarms()
    box.hold(2, None)
    box.keeper.poll()
    assert "mark_lapses" in box.alarms()
    box.let_lapse(2)
    box.keeper.poll()
    assert "mark_lapses" not in box.alarms()


def test_a_hold_that_runs_out_wakes_the_alarm_again_and_erasure_ends_it(box: RequestBox) -> None:
    box.hold(2, "2027-01-15")
    box.poll_at("2027-01-10T09:00:00+09:00")
    assert "mark_lapses" not in box.alarms()  # she has looked at it, and said until when
    box.poll_at("2027-01-16T00:01:00+09:00", 8)
    assert "mark_lapses" not in box.alarms()
    assert box.queue() == []


def test_an_open_request_with_a_call_about_to_lapse_is_an_alarm(box: RequestBox) -> None:
    slug = box.submit(1)
    box.poll_at("2026-12-16T09:00:00+09:00")
    assert box.alarms()["request_lapses"] == "request 2026-001 until 2026-12-23 (1 in all)"
    box.approve(slug)
    box.keeper.poll()
    assert "request_lapses" in box.alarms()  # nothing is exported yet
    box.hold(1, "2027-02-01")
    box.keeper.poll()
    assert "request_lapses" not in box.alarms()
    other = box.submit(3)
    box.keeper.poll()
    assert "request_lapses" in box.alarms()
    box.withdraw(other)
    box.keeper.poll()
    assert "request_lapses" not in box.alarms()


def test_a_month_nobody_looked_at_costs_little_to_look_at(box: RequestBox) -> None:
    """What was read of a marked call is remembered; a poll without news reads nothing."""
    box.keeper.poll()
    reads = []
    box.keeper.fates.marked = lambda judge: reads.append(judge) or []  # type: ignore[method-assign,func-returns-value]
    for _ in range(10):
        box.clock.seconds += 2
        box.keeper.poll()
    assert reads == []
    box.clock.seconds += 3600
    box.keeper.poll()
    assert len(reads) == 1
