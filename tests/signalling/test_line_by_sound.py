"""A line on which somebody speaks while its contact says on-hook. Times in ms."""

from __future__ import annotations

import pytest

from tests.signalling.test_line import machine_of, ns
from tests.signalling.test_line_sounds import TALK, Script, busy, digits, key, play, run, speech, told, tone, voice
from tsuwaroku.events import ButtonPressed
from tsuwaroku.records.call import Direction, Outcome
from tsuwaroku.signalling import effects as fx
from tsuwaroku.signalling.cadence import Tone
from tsuwaroku.signalling.line import State

BEGUN = [fx.Seized(ns(7000), Direction.UNKNOWN, by_sound=True), fx.OffHook(ns(7000)), fx.Answered(ns(7000), True)]


def over(last: float, after: float = 30_000) -> fx.Effect:
    return fx.Ended(ns(last), ns(last + after), Outcome.ANSWERED, by_sound=True)


def test_a_voice_starts_a_call_and_long_silence_ends_it() -> None:
    found, state = run([voice(10_000), speech(12_000), speech(41_000)], until=90_000)
    assert (found, state) == ([*BEGUN, over(41_000)], State.IDLE)
    # The silence is a matter of configuration.
    machine = machine_of(sound_silence_s=10)
    out = play(machine, [(0, "on"), voice(10_000)]) + machine.tick(ns(90_000))
    assert [one for one in out if isinstance(one, fx.Ended)] == [over(10_000, 10_000)]


def test_the_contact_is_suspected() -> None:
    out = play(machine_of(), [(0, "on"), voice(10_000)])
    assert [(one.code, one.at_ns) for one in out if isinstance(one, fx.Anomaly)] == [("speech_on_hook", ns(10_000))]


def test_a_contact_that_was_never_seen_starts_it_too() -> None:
    found, _ = run([voice(10_000)], until=15_000, start=False)
    assert found == BEGUN


@pytest.mark.parametrize("hook", [[(15_000, "off")], [(15_000, "off"), (15_015, "on"), (15_030, "off")]])
def test_it_becomes_an_ordinary_call_when_the_hook_is_seen(hook: Script) -> None:
    found, _ = run([voice(10_000), *hook, (100_000, "on")], until=110_000)
    assert found == [*BEGUN, fx.Ended(ns(100_000), ns(101_500), Outcome.ANSWERED)]


def test_a_ring_ends_it_and_is_the_next_call() -> None:
    found, state = run([voice(10_000), (20_000, "ring"), (21_000, "quiet")], until=22_000)
    end = fx.Ended(ns(20_000), ns(20_000), Outcome.ANSWERED, by_sound=True)
    assert (found, state) == ([*BEGUN, end, fx.Seized(ns(20_000), Direction.INBOUND)], State.RINGING)


def test_it_ends_by_tone_and_never_begins_again_by_it() -> None:
    found, state = run([voice(10_000), *busy(15_000)], until=60_000)
    assert (told(found, fx.Ended, fx.Seized)[1:], state) == (
        [fx.Ended(ns(13_500), ns(16_000), Outcome.ANSWERED, by_tone=True)],
        State.IDLE,
    )


def test_keys_and_ring_back_belong_to_it() -> None:
    found, state = run([voice(10_000), key(20_000, "5"), tone(45_000, Tone.RING_BACK)], until=70_000)
    assert (digits(found), told(found, fx.Ended, fx.Unanswered), state) == ("5", [], State.BY_SOUND)


def test_presses_mark_it_and_parts_divide_it() -> None:
    machine = machine_of()
    play(machine, [(0, "on"), voice(10_000)])
    assert machine.button(ButtonPressed("1", ns(11_000))) == [fx.Marked(ns(11_000))]
    machine = machine_of(part_max_s=60)
    spoken = [speech(at) for at in range(11_000, 80_000, 1000)]
    out = play(machine, [(0, "on"), voice(10_000), *spoken])
    assert [one for one in out if isinstance(one, fx.PartDue)] == [fx.PartDue(ns(67_000))]


def test_a_call_that_rang_is_answered_by_a_voice_once_it_rings_no_more() -> None:
    rung: Script = [(1000, "ring"), (2000, "quiet"), (4000, "ring"), (5000, "quiet")]
    found, state = run([*rung, voice(7000), voice(8200), speech(9000)], until=12_000)
    assert (found, state) == (
        [fx.Seized(ns(1000), Direction.INBOUND), fx.OffHook(ns(5200)), fx.Answered(ns(5200), True)],
        State.BY_SOUND,
    )
    # Not while it rings, nor between two rings.
    found, state = run([(1000, "ring"), voice(1500), (2000, "quiet"), voice(4500), (4900, "ring")], until=5000)
    assert (told(found, fx.OffHook), state) == ([], State.RINGING)


def test_after_a_hang_up_nothing_of_it_is_taken_twice() -> None:
    found, _ = run([*TALK, (9000, "on"), voice(11_000)], until=12_000)
    assert told(found, fx.Ended, fx.OffHook)[1:] == [
        fx.Ended(ns(9000), ns(10_500), Outcome.ANSWERED),
        fx.OffHook(ns(10_500)),
    ]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([(1000, "off")], id="dialling"),
        pytest.param(TALK, id="talking"),
        pytest.param([*TALK, *busy(10_000)], id="over"),
    ],
)
def test_off_hook_it_means_nothing(script: Script) -> None:
    without = run(script, until=40_000)
    assert run([*script, *([voice(20_000)] if script else [])], until=40_000) == without
