"""Marks are put by those whose calls they are; what is refused leaves a trace, and nothing else. And a call that is
named twice, for a mark's sake or a hold's, is one call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.service.requestbox import HANA, KANRI, LIMITED, RequestBox, call_id
from tests.store.reading import Box
from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError
from tsuwaroku.service import marking
from tsuwaroku.service.api import Asked
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.holding import MOST_PARTS, HoldRequest
from tsuwaroku.service.routes import ROUTES, MarkRequest
from tsuwaroku.store.journal import JournalType


def two_lines(box: Box) -> None:
    """Calls 1 and 2 on line 1, 2 marked with the button; call 5 on line 2."""
    box.call(1)
    box.call(2, marks=1)
    box.call(5, line="2")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RequestBox]:
    made = RequestBox(tmp_path / "store", fill=two_lines)
    yield made
    made.end()


def mark(box: RequestBox, by: Asker, call: str, withdraw: int | None = None, kind: str = "unreasonable_demand") -> None:
    (route,) = [one for one in ROUTES if one.path == "/v1/calls/{id}/marks"]
    route.act(box.keeper, Asked(by=by, path={"id": call}, query=None, body=MarkRequest(kind=kind, withdraw=withdraw)))


def written(box: RequestBox) -> list[JournalType]:
    kinds = JournalType.MARK, JournalType.MARK_WITHDRAWN
    return [record.type for record in box.keeper.journals[1].records() if record.type in kinds]


def test_nobody_marks_calls_of_another_line_or_takes_their_marks_back(box: RequestBox) -> None:
    for call, withdraw in ((call_id(1), None), (call_id(2), 1), (call_id(2).lower(), 1)):
        with pytest.raises(ForbiddenError, match="not appointed for the line"):
            mark(box, LIMITED, call, withdraw)
    assert written(box) == []
    assert box.refusals() == [("jiro", "mark", "another line")] * 3
    mark(box, LIMITED, call_id(5))
    mark(box, LIMITED, call_id(5), 1)
    assert written(box) == [JournalType.MARK, JournalType.MARK_WITHDRAWN]


@pytest.mark.parametrize("call", [call_id(77), "x", "7" * 26, "O" * 26, ""])
def test_what_is_no_call_is_told_and_noted_whoever_asks(box: RequestBox, call: str) -> None:
    for by in (LIMITED, KANRI):
        with pytest.raises(NotFoundError, match="no call"):
            mark(box, by, call)
    assert [why for _, _, why in box.refusals()] == ["call gone"] * 2
    assert written(box) == []


def test_a_mark_that_is_not_there_or_of_no_kind_is_noted_too(box: RequestBox) -> None:
    for number in (0, 2, 10**30):
        with pytest.raises(NotFoundError, match="this call has no mark"):
            mark(box, HANA, call_id(2), number)
    with pytest.raises(RefusedError, match="no kind of mark"):
        mark(box, HANA, call_id(2), kind="x" * 1000)
    assert box.refusals() == [("hana", "mark", "bad input")] * 4
    assert written(box) == []


def test_a_call_whose_days_are_over_takes_no_mark(box: RequestBox) -> None:
    box.clock.to("2026-12-24T00:00:10+09:00")
    with pytest.raises(RefusedError, match="kept until"):
        mark(box, HANA, call_id(1))
    assert written(box) == []


def test_taking_a_mark_back_reads_no_journal_anew(box: RequestBox, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(box, HANA, call_id(2))

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(marking, "read_amendments", never)
    mark(box, HANA, call_id(2), 2)
    mark(box, HANA, call_id(2), 1)
    withdrawn = [one for one in box.keeper.journals[1].records() if one.type is JournalType.MARK_WITHDRAWN]
    assert [one.public["mark"][0] for one in withdrawn] == ["keeper", "call"]


def test_a_call_that_is_named_often_is_held_once_and_counts_once(box: RequestBox) -> None:
    asked = HoldRequest(calls=[call_id(1)] * 50, until="2027-01-31", reason="訴訟の準備")
    once = msgspec.structs.replace(asked, calls=[call_id(1)])
    assert box.keeper.effect_of_hold(asked) == box.keeper.effect_of_hold(once)
    assert box.keeper.hold(asked, "kanri")["calls"] == [call_id(1)]
    holds = [one for one in box.keeper.journals[1].records() if one.type is JournalType.HOLD]
    assert len(holds) == 1
    body = {"calls": [call_id(n) for n in range(1, MOST_PARTS + 2)], "until": None, "reason": "x"}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, HoldRequest)
