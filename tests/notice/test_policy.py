"""Article 7: each direction's decision, and what is never spoken onto."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.config import LineNotice, NoticeDecision, NoticeKind
from tsuwaroku.notice.policy import NoticePlan, Reason, decide, is_emergency, is_number
from tsuwaroku.records.call import Direction

EMERGENCY = ("110", "118", "119")
EXEMPT = NoticeDecision(
    kind=NoticeKind.EXEMPT, exempt_item=4, decided_by="管財課長", decided_on="2026-05-01", basis="代表番号の案内"
)
LINE = LineNotice(
    inbound=NoticeDecision(kind=NoticeKind.BOTH),
    outbound=NoticeDecision(kind=NoticeKind.ANNOUNCEMENT),
    internal=NoticeDecision(kind=NoticeKind.BEEP),
)


def test_each_direction_has_its_own_decision() -> None:
    plans = [
        decide(LINE, direction, "0312345678" if direction is Direction.OUTBOUND else None, EMERGENCY)
        for direction in Direction
    ]
    assert plans == [
        NoticePlan(kind=NoticeKind.BOTH),
        NoticePlan(kind=NoticeKind.ANNOUNCEMENT),
        NoticePlan(kind=NoticeKind.BEEP),
        NoticePlan(kind=NoticeKind.BOTH, withheld=Reason.CAPTURE_BEGAN_IN_CALL),
    ]
    assert [(plan.plays, plan.announces, plan.beeps) for plan in plans] == [
        (True, True, True),
        (True, True, False),
        (True, False, True),
        (False, True, True),
    ]


def test_an_exemption_carries_who_when_and_why() -> None:
    plan = decide(LineNotice(inbound=EXEMPT), Direction.INBOUND, None, EMERGENCY)
    assert plan == NoticePlan(
        kind=NoticeKind.EXEMPT, item=4, decided_by="管財課長", decided_on="2026-05-01", basis="代表番号の案内"
    )
    assert not plan.plays


@pytest.mark.parametrize(
    ("dialled", "withheld"),
    [
        ("119", Reason.EMERGENCY_NUMBER),
        ("0119", Reason.EMERGENCY_NUMBER),
        ("00110", Reason.EMERGENCY_NUMBER),
        ("0-118", Reason.EMERGENCY_NUMBER),
        ("184110", Reason.EMERGENCY_NUMBER),
        ("0186119", Reason.EMERGENCY_NUMBER),
        ("119#", Reason.EMERGENCY_NUMBER),
        (None, Reason.NUMBER_UNKNOWN),
        ("", Reason.NUMBER_UNKNOWN),
        ("11?", Reason.NUMBER_UNKNOWN),
        ("0312345119", None),
        ("1190", None),
        ("0119123456", None),
        ("117", None),
    ],
)
def test_outbound_calls_that_are_or_may_be_emergencies(dialled: str | None, withheld: Reason | None) -> None:
    assert decide(LINE, Direction.OUTBOUND, dialled, EMERGENCY).withheld is withheld


def test_an_extension_is_no_emergency_and_needs_no_number() -> None:
    dialled = ["5119", "119", None]
    assert [decide(LINE, Direction.INTERNAL, number, EMERGENCY).withheld for number in dialled] == [
        None,
        Reason.EMERGENCY_NUMBER,
        None,
    ]


def test_an_exempt_call_is_exempt_wherever_it_goes() -> None:
    line = LineNotice(outbound=EXEMPT)
    plans = [decide(line, Direction.OUTBOUND, number, EMERGENCY) for number in ("119", None, "0312345678")]
    assert [(plan.kind, plan.withheld) for plan in plans] == [(NoticeKind.EXEMPT, None)] * 3


def test_an_unknown_direction_is_exempt_only_where_all_are() -> None:
    one, every = LineNotice(inbound=EXEMPT), LineNotice(inbound=EXEMPT, outbound=EXEMPT, internal=EXEMPT)
    assert [decide(line, Direction.UNKNOWN, None, EMERGENCY).withheld for line in (one, every)] == [
        Reason.CAPTURE_BEGAN_IN_CALL,
        None,
    ]


def test_a_configured_emergency_number_counts_and_an_empty_one_does_not() -> None:
    assert is_emergency("00312345678", ("0312345678",))
    assert not is_emergency("5", ("", "119"))


@given(
    number=st.sampled_from(EMERGENCY), before=st.sampled_from(["", "0", "9", "00", "184", "0186"]), at=st.integers(0)
)
def test_no_separator_hides_an_emergency(number: str, before: str, at: int) -> None:
    digits = before + number
    cut = at % len(digits)
    dialled = digits[:cut] + "-" + digits[cut:]
    plan = decide(LINE, Direction.OUTBOUND, dialled, EMERGENCY)
    assert (plan.plays, plan.withheld) == (False, Reason.EMERGENCY_NUMBER)


@given(st.text(max_size=8))
def test_only_digits_are_a_number(text: str) -> None:
    left = [c for c in text if c not in "-, .()"]
    assert is_number(text) == (left != [] and all(c in "0123456789*#" for c in left))


@pytest.mark.parametrize("dialled", ["0", "1", "11", "01", "011", "0011", "18411", "184", "0186"])
def test_what_more_digits_could_make_an_emergency_number_is_not_told(dialled: str) -> None:
    plan = decide(LineNotice(), Direction.OUTBOUND, dialled, EMERGENCY)
    assert plan.withheld is Reason.NUMBER_UNKNOWN


@pytest.mark.parametrize("dialled", ["5678", "0312345678", "00312345678", "117", "0117", "12", "18403"])
def test_what_no_digit_could_is(dialled: str) -> None:
    assert decide(LineNotice(), Direction.OUTBOUND, dialled, EMERGENCY).withheld is None
