"""Which calls a request can mean: none that it means is left out, none that it cannot is shown."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.records.test_request import FORM
from tsuwaroku.records.matching import CallFacts, Match, can_mean
from tsuwaroku.records.request import Answer

YES, NO, UNKNOWN_NUMBER = Match.YES, Match.NO, Match.UNKNOWN_NUMBER
CALL = CallFacts(
    line="1",
    extension="201",
    department="市民課",
    seized_at="2026-11-23T14:10:00.000+09:00",
    ended_at="2026-11-23T14:20:00.000+09:00",
    numbers=("0312345678",),
)
NO_DESK = replace(FORM, near_number=Answer(unknown="どの電話か分からない"))
NO_NUMBER = replace(FORM, far_number=Answer(unknown="非通知"))
NEITHER = replace(NO_DESK, far_number=Answer(unknown="非通知"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, YES),
        ({"seized_at": "2026-11-23T13:00:00+09:00", "ended_at": "2026-11-23T14:05:00+09:00"}, YES),
        ({"seized_at": "2026-11-23T13:00:00+09:00", "ended_at": "2026-11-23T14:04:59.999+09:00"}, NO),
        ({"seized_at": "2026-11-23T14:30:59.999+09:00", "ended_at": None}, YES),  # 14:30 is meant whole
        ({"seized_at": "2026-11-23T14:31:00+09:00", "ended_at": None}, NO),
        ({"seized_at": "2026-11-23T05:10:00+00:00", "ended_at": "2026-11-23T05:20:00+00:00"}, YES),
        ({"seized_at": "2026-11-23T14:10:00", "ended_at": "2026-11-23T14:20:00"}, YES),
        ({"extension": "202"}, NO),
        ({"extension": "202", "line": "201"}, YES),
        ({"extension": ""}, YES),
        ({"department": "税務課"}, YES),  # the desk is named
        ({"numbers": None}, UNKNOWN_NUMBER),
        ({"numbers": ()}, UNKNOWN_NUMBER),
        ({"numbers": ("",)}, UNKNOWN_NUMBER),
        ({"numbers": ("03123?5678",)}, UNKNOWN_NUMBER),
        ({"numbers": ("0312345679",)}, NO),
        ({"numbers": ("0312345679", "0312345678")}, YES),
        ({"numbers": ("202,0312345678",)}, YES),  # the hook was flashed, and the number dialled
        ({"numbers": None, "extension": "202"}, NO),
    ],
)
def test_a_call_against_the_whole_form(change: dict[str, object], expected: Match) -> None:
    assert can_mean(FORM, replace(CALL, **change)) is expected


@pytest.mark.parametrize(
    ("form", "change", "expected"),
    [
        (NO_DESK, {"department": "税務課", "extension": "301"}, YES),  # the number tells
        (NO_DESK, {"department": "税務課", "numbers": None}, NO),
        (NO_DESK, {"department": "", "numbers": None}, UNKNOWN_NUMBER),
        (NO_DESK, {"numbers": None}, UNKNOWN_NUMBER),
        (NO_NUMBER, {"numbers": None}, YES),
        (NO_NUMBER, {"numbers": ("0398765432",)}, YES),
        (NO_NUMBER, {"extension": "202"}, NO),
        (NEITHER, {"extension": "202"}, YES),
        (NEITHER, {"department": "市 民 課"}, YES),
        (NEITHER, {"department": "税務課"}, NO),
        (NEITHER, {"department": ""}, YES),
        (replace(FORM, near_number=Answer("03-9876-5432")), {"extension": "202"}, YES),  # says nothing of the desk
        (replace(FORM, near_number=Answer("03-9876-5432 内線201")), {"extension": "202"}, NO),
        (replace(FORM, far_number=Answer("内線305")), {"numbers": ("305",)}, YES),
        (replace(FORM, far_number=Answer("03-1234-5678 内線9")), {}, YES),
    ],
)
def test_what_the_form_does_not_know(form: object, change: dict[str, object], expected: Match) -> None:
    assert isinstance(form, type(FORM))
    assert can_mean(form, replace(CALL, **change)) is expected
