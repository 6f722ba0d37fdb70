"""A short run of scripts/fuzz, and that what it asserts can fail."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import framers, lines
from tests.fuzz.source import Octets
from tests.fuzz.targets import TARGETS, by_hypothesis
from tests.signalling.fsksource import jclip
from tsuwaroku.records.call import Direction, Outcome
from tsuwaroku.signalling import effects as fx
from tsuwaroku.signalling.callerid import CallerId
from tsuwaroku.signalling.line import LineMachine


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found_in_a_moment(name: str) -> None:
    assert by_hypothesis(TARGETS[name], 2.0, 1) > 0
    for number in range(10):
        TARGETS[name](Octets(random.Random(number).randbytes(1000)))


def test_no_octets_are_a_script_too() -> None:
    for target in TARGETS.values():
        target(Octets(b""))


def test_a_number_from_a_frame_whose_check_value_is_wrong_would_be_found() -> None:
    frame = bytearray(jclip([(2, b"0312345678")]))
    told = CallerId("0312345678", None, None, None, "jclip", bytes(frame), True)
    framers.check(told)
    frame[-1] ^= 1
    with pytest.raises(AssertionError):
        framers.check(CallerId("0312345678", None, None, None, "jclip", bytes(frame), True))


def test_a_call_without_an_end_and_time_that_goes_back_would_be_found() -> None:
    seized, off_hook = fx.Seized(1, Direction.OUTBOUND), fx.OffHook(1)
    ended = fx.Ended(5, 6, Outcome.ABANDONED)
    lines.check([seized, off_hook, ended])
    stories: list[list[fx.Effect]] = [
        [seized, off_hook],
        [ended],
        [seized, off_hook, fx.Answered(7), ended],
        [seized, ended],
    ]
    for wrong in stories:
        with pytest.raises(AssertionError):
            lines.check(wrong)


def test_a_machine_that_holds_on_to_things_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LineMachine, "tick", lambda machine, now_ns: [])
    with pytest.raises(AssertionError):
        by_hypothesis(lines.run, 30.0, 1)
