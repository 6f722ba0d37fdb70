"""The line machine and what is heard: call progress, digits, numbers, the end by tone. Times in ms."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.signalling.test_line import machine_of, ns, pulses
from tsuwaroku.events import Contact, ContactEdge
from tsuwaroku.records.call import Direction, Outcome
from tsuwaroku.signalling import effects as fx
from tsuwaroku.signalling.cadence import Tone
from tsuwaroku.signalling.callerid import Absence, CallerId
from tsuwaroku.signalling.ear import Heard, Key, NumberHeard, Spoken, ToneHeard, VoiceHeard
from tsuwaroku.signalling.line import LineMachine, State

What = Literal["off", "on", "ring", "quiet"] | Heard
Script = list[tuple[float, What]]
NUMBER = CallerId("0312345678", None, None, None, "jclip", b"\1", True, 0)
SPOILT = CallerId(None, None, None, Absence.UNREADABLE, "jclip", b"\2", False, 0)


def play(machine: LineMachine, script: Script) -> list[fx.Effect]:
    out: list[fx.Effect] = []
    for at, what in script:
        if isinstance(what, str):
            contact = Contact.HOOK if what in ("off", "on") else Contact.RING
            out += machine.contact(ContactEdge("1", contact, what in ("off", "ring"), ns(at)))
        else:
            out += machine.tick(ns(at))
            out += machine.heard(ns(at), [what])
    return out


def run(script: Script, until: float = 60_000, start: bool = True) -> tuple[list[fx.Effect], State]:
    machine = machine_of()
    begun: Script = [(0, "on"), (0, "quiet")] if start else []
    out = play(machine, begun + script) + machine.tick(ns(until))
    return [one for one in out if not isinstance(one, fx.Anomaly)], machine.state


def digits(found: list[fx.Effect]) -> str:
    return "".join(one.key for one in found if isinstance(one, fx.Dialled))


def told(found: list[fx.Effect], *kinds: type[fx.Effect]) -> list[fx.Effect]:
    return [one for one in found if isinstance(one, kinds)]


def key(at: float, name: str) -> tuple[float, What]:
    return at, Key(name, ns(at - 150), -12.0)


def tone(at: float, kind: Tone, cycles: int = 1, began: float | None = None) -> tuple[float, What]:
    return at, ToneHeard(kind, ns(at - 1000 if began is None else began), cycles)


def speech(at: float) -> tuple[float, What]:
    return at, Spoken(ns(at - 300))


def voice(at: float) -> tuple[float, What]:
    return at, VoiceHeard(ns(at - 3000))


def number(at: float, caller: CallerId = NUMBER) -> tuple[float, What]:
    return at, NumberHeard(caller, ns(at - 600))


DIALLED: Script = [(1000, "off"), key(3000, "1"), key(3200, "7"), key(3400, "7")]
TALK: Script = [(1000, "ring"), (2000, "quiet"), (3000, "off")]
CAR: Script = [(1000, "ring"), (1500, "quiet"), (2000, "ring"), (2500, "quiet")]


# --- an outbound call


def test_a_voice_answers_after_the_last_digit() -> None:
    found, _ = run([*DIALLED, speech(5000), (9000, "on")])
    assert digits(found) == "177"
    assert told(found, fx.Answered, fx.Ended) == [
        fx.Answered(ns(4700), inferred=True),
        fx.Ended(ns(9000), ns(10_500), Outcome.ANSWERED),
    ]


def test_nobody_speaks_before_the_first_digit() -> None:
    found, _ = run([(1000, "off"), tone(2400, Tone.DIAL), speech(2600), tone(3400, Tone.DIAL, 2), (6000, "on")])
    assert told(found, fx.Answered, fx.Ended) == [fx.Ended(ns(6000), ns(7500), Outcome.ABANDONED)]


def test_a_dial_tone_and_a_tone_not_named_yet_put_the_answer_off() -> None:
    found, _ = run([*DIALLED, tone(6000, Tone.RING_BACK, 0), (30_000, "on")], until=40_000)
    assert told(found, fx.Answered) == [fx.Answered(ns(10_000), inferred=True)]
    found, _ = run([*DIALLED, (30_000, "on")], until=40_000)
    assert told(found, fx.Answered) == [fx.Answered(ns(7400), inferred=True)]


def test_ring_back_and_nobody_there() -> None:
    rung = [tone(at, Tone.RING_BACK, n + 1) for n, at in enumerate(range(6000, 18_001, 3000))]
    found, _ = run([*DIALLED, *rung, (19_000, "on")])
    assert told(found, fx.Progress, fx.Answered, fx.Ended) == [
        fx.Progress(ns(6000), Tone.RING_BACK),
        fx.Ended(ns(19_000), ns(20_500), Outcome.NO_ANSWER),
    ]
    # It stops, and nobody hangs up: somebody is there.
    found, _ = run([*DIALLED, *rung, (30_000, "on")])
    assert told(found, fx.Answered) == [fx.Answered(ns(22_000), inferred=True)]
    # A glitch and a pulse's break in it change nothing.
    taps: Script = [(19_000, "on"), (19_020, "off"), (19_500, "on"), (19_550, "off")]
    found, _ = run([*DIALLED, *rung, *taps, tone(21_000, Tone.RING_BACK, 6), (22_000, "on")])
    assert told(found, fx.Ended) == [fx.Ended(ns(22_000), ns(23_500), Outcome.NO_ANSWER)]


def test_an_answer_that_was_none_is_taken_back() -> None:
    """Some exchanges let longer than 4 s pass before it rings at the other end."""
    found, _ = run([*DIALLED, tone(9000, Tone.RING_BACK), speech(12_500), (20_000, "on")])
    assert told(found, fx.Answered, fx.Unanswered) == [
        fx.Answered(ns(7400), inferred=True),
        fx.Unanswered(ns(9000)),
        fx.Answered(ns(12_200), inferred=True),
    ]
    # An answer seen at the hook is one whatever is heard, and so is one after a flash.
    found, _ = run([*TALK, tone(9000, Tone.RING_BACK), (20_000, "on")])
    assert told(found, fx.Unanswered) == []
    flashed: Script = [(9000, "on"), (9600, "off"), tone(12_000, Tone.RING_BACK), (20_000, "on")]
    found, _ = run([*DIALLED, speech(5000), *flashed])
    assert told(found, fx.Unanswered) == []


def test_busy_ends_it_after_three_cycles_and_a_redial_is_a_new_try() -> None:
    found, state = run([*DIALLED, *(tone(at, Tone.BUSY, n) for n, at in ((2, 6000), (3, 7000), (4, 8000)))])
    assert told(found, fx.Progress, fx.Ended, fx.Seized) == [
        fx.Seized(ns(1000), Direction.OUTBOUND),
        fx.Progress(ns(6000), Tone.BUSY),
        fx.Ended(ns(7000), ns(7000), Outcome.BUSY, by_tone=True),
    ]
    assert state is State.OVER
    again: Script = [(6500, "on"), (7100, "off"), key(9000, "5"), speech(12_000), (15_000, "on")]
    found, _ = run([*DIALLED, tone(6000, Tone.BUSY, 2), *again])
    assert digits(found) == "1775"
    assert told(found, fx.Flash, fx.Ended) == [
        fx.Flash(ns(6500), ns(600)),
        fx.Ended(ns(15_000), ns(16_500), Outcome.ANSWERED),
    ]
    # Given up after the flash, with something new dialled: what was busy was another number.
    given_up: Script = [(6500, "on"), (7100, "off"), key(9000, "5"), (10_000, "on")]
    found, _ = run([*DIALLED, tone(6000, Tone.BUSY, 2), *given_up])
    assert told(found, fx.Ended) == [fx.Ended(ns(10_000), ns(11_500), Outcome.ABANDONED)]


def test_nothing_dialled_is_never_busy() -> None:
    tones = [*(tone(at, Tone.DIAL, 1, 1500) for at in range(3000, 12_000, 1000)), *busy(13_000)]
    found, _ = run([(1000, "off"), *tones])
    assert told(found, fx.Answered, fx.Progress, fx.Ended) == [
        fx.Ended(ns(14_000), ns(14_000), Outcome.ABANDONED, by_tone=True)
    ]


def busy(at: float, cycles: int = 6) -> Script:
    return [tone(at + 1000 * n, Tone.BUSY, n + 2, at - 1500) for n in range(cycles - 1)]


def test_pulses_and_keys_in_one_number() -> None:
    script: Script = [(1000, "off"), key(3000, "0")]
    for start, count in ((4000, 3), (6000, 10)):
        script += [(at, "on" if what == "on" else "off") for at, what in pulses(start, count)]
    found, _ = run([*script, speech(9000), (12_000, "on")])
    assert digits(found) == "030"


# --- the end by tone


@pytest.mark.parametrize(
    ("tones", "began"),
    [
        pytest.param(busy(10_000), 8500, id="busy"),
        pytest.param([tone(at, Tone.DIAL, 1, 9000) for at in range(10_400, 16_000, 1000)], 9000, id="dial tone"),
        pytest.param([tone(at, Tone.HOWLER, 1, 9000) for at in range(10_400, 16_000, 1000)], 9000, id="howler"),
    ],
)
def test_a_tone_ends_a_call_at_its_own_beginning(tones: Script, began: float) -> None:
    found, state = run([*TALK, *tones])
    (end,) = told(found, fx.Ended)
    assert isinstance(end, fx.Ended)
    assert (end.at_ns, end.outcome, end.by_tone) == (ns(began), Outcome.ANSWERED, True)
    assert state is State.OVER
    assert len(told(found, fx.Seized)) == 1
    found, state = run([*TALK, *tones, (20_000, "on")])
    assert state is State.IDLE
    assert len(told(found, fx.Ended)) == 1


@pytest.mark.parametrize(
    "tones",
    [
        pytest.param(busy(10_000)[:1], id="two cycles of busy"),
        pytest.param([tone(at, Tone.DIAL, 1, 9000) for at in range(10_400, 14_000, 1000)], id="4 s of dial tone"),
        pytest.param([tone(10_000 + 3000 * n, Tone.RING_BACK, n) for n in range(1, 6)], id="ring-back"),
        pytest.param([tone(10_000 + 3000 * n, Tone.CALL_WAITING, n) for n in range(1, 6)], id="waiting tone"),
        pytest.param([], id="silence"),
    ],
)
def test_less_does_not(tones: Script) -> None:
    found, state = run([*TALK, *tones], until=2_000_000)
    assert told(found, fx.Ended) == []
    assert state is State.ANSWERED


def test_tones_of_a_consultation_do_not_end_the_call() -> None:
    flash: Script = [(9000, "on"), (9600, "off")]
    assert told(run([*TALK, *flash, *busy(12_000)])[0], fx.Ended) == []
    assert len(told(run([*TALK, *flash, *busy(45_000)])[0], fx.Ended)) == 1


def test_after_it_somebody_who_speaks_is_of_the_same_call() -> None:
    ended: Script = [*TALK, *busy(10_000)]
    found, _ = run([*ended, speech(14_500), speech(30_000)])
    seized = told(found, fx.Seized)
    assert seized[1:] == [fx.Seized(ns(29_700), Direction.INBOUND, again=True)]  # not while it is still heard
    assert told(found, fx.OffHook, fx.Answered)[2:] == [fx.OffHook(ns(29_700)), fx.Answered(ns(29_700), inferred=True)]
    found, _ = run([*ended, speech(200_000)], until=300_000)
    assert told(found, fx.Seized)[1:] == [fx.Seized(ns(199_700), Direction.UNKNOWN, again=False)]


def test_behind_a_stuck_hook_calls_are_captured_all_the_same() -> None:
    ended: Script = [*TALK, *busy(10_000)]
    ring: Script = [(30_000, "ring"), (31_000, "quiet")]
    found, state = run([*ended, *ring, speech(33_000), *busy(45_000)])
    assert told(found, fx.Seized, fx.OffHook, fx.Answered)[3:] == [
        fx.Seized(ns(30_000), Direction.INBOUND),
        fx.OffHook(ns(32_700)),
        fx.Answered(ns(32_700), inferred=True),
    ]
    assert (len(told(found, fx.Ended)), state) == (2, State.OVER)
    found, state = run([*ended, *ring])
    assert told(found, fx.Missed) == [fx.Missed(ns(31_000), ns(37_000))]
    assert state is State.OVER
    # The sensor comes back while it rings, and somebody answers.
    found, state = run([*ended, *ring, (32_000, "on"), (33_000, "off"), (40_000, "on")])
    assert told(found, fx.Answered)[1:] == [fx.Answered(ns(33_000))]
    found, state = run([*ended, key(30_000, "1"), key(30_200, "1"), speech(33_000)])
    assert told(found, fx.Seized)[1:] == [fx.Seized(ns(29_850), Direction.OUTBOUND)]
    assert digits(found) == "11"


# --- the caller's number


def test_a_primary_answer_is_no_answer() -> None:
    primary: Script = [*CAR, (2700, "off"), number(4600), (5000, "on")]
    found, _ = run([*primary, (6000, "ring"), (7000, "quiet"), (8000, "off"), (20_000, "on")])
    assert found == [
        fx.Seized(ns(1000), Direction.INBOUND),
        fx.OffHook(ns(2700)),
        fx.NumberKnown(ns(4600), NUMBER),
        fx.PrimaryOver(ns(5000), ns(2300)),
        fx.Answered(ns(8000)),
        fx.Ended(ns(20_000), ns(21_500), Outcome.ANSWERED),
    ]
    found, state = run([*primary, (6000, "ring"), (7000, "quiet")])
    assert (found[-1], state) == (fx.Missed(ns(7000), ns(13_000)), State.IDLE)
    found, state = run(primary)
    assert (found[-1], state) == (fx.Missed(ns(5000), ns(11_000)), State.IDLE)


def test_a_number_that_could_not_be_read_was_one_all_the_same() -> None:
    found, _ = run([*CAR, (2700, "off"), number(4600, SPOILT), (5000, "on"), (6000, "ring"), (7000, "quiet")])
    assert told(found, fx.NumberKnown, fx.Missed) == [
        fx.NumberKnown(ns(4600), SPOILT),
        fx.Missed(ns(7000), ns(13_000)),
    ]


def test_without_data_the_primary_answer_is_a_persons() -> None:
    found, _ = run([*CAR, (2700, "off"), (20_000, "on")])
    assert told(found, fx.OffHook, fx.Answered, fx.Ended) == [
        fx.OffHook(ns(2700)),
        fx.Answered(ns(2700)),
        fx.Ended(ns(20_000), ns(21_500), Outcome.ANSWERED),
    ]
    # So is a short one with no ring after it.
    found, state = run([*CAR, (2700, "off"), (4000, "on")])
    assert told(found, fx.Answered, fx.Ended) == [
        fx.Answered(ns(2700)),
        fx.Ended(ns(4000), ns(10_000), Outcome.ANSWERED),
    ]
    assert state is State.IDLE


def test_the_loop_stays_closed_after_the_data() -> None:
    found, _ = run([*CAR, (2700, "off"), number(4600), (20_000, "on")])
    assert told(found, fx.Answered) == [fx.Answered(ns(9700))]


@pytest.mark.parametrize(
    ("ring", "answered"),
    [
        pytest.param([(1000, "ring"), (1500, "quiet"), (1600, "off")], False, id="may be a CAR"),
        pytest.param([(1000, "ring"), (1900, "quiet"), (2000, "off")], True, id="too long for one"),
        pytest.param([(1000, "ring"), (1500, "quiet"), (2800, "off")], True, id="too long a pause for one"),
    ],
)
def test_a_ring_is_told_from_a_car(ring: Script, answered: bool) -> None:
    found, _ = run(ring, until=3500)
    assert bool(told(found, fx.Answered)) == answered
    assert bool(told(found, fx.OffHook))  # captured at once, whatever it is


def test_numbers_before_and_between_the_rings_and_of_a_call_that_waits() -> None:
    found, _ = run([number(1000), (3000, "ring"), (4000, "quiet")])
    assert found[:2] == [fx.Seized(ns(3000), Direction.INBOUND), fx.NumberKnown(ns(3000), NUMBER)]
    found, _ = run([number(1000), (9000, "ring"), (10_000, "quiet")])
    assert told(found, fx.NumberKnown) == []  # of a call that never came
    found, _ = run([(1000, "ring"), (2000, "quiet"), number(3000), (4000, "ring"), (5000, "quiet")])
    assert told(found, fx.NumberKnown) == [fx.NumberKnown(ns(3000), NUMBER)]
    found, _ = run([*TALK, number(9000)])
    assert told(found, fx.NumberKnown) == [fx.NumberKnown(ns(9000), NUMBER, waiting=True)]
    found, _ = run([*TALK, number(3400)])  # answered in the middle of it
    assert told(found, fx.NumberKnown) == [fx.NumberKnown(ns(3400), NUMBER)]


def test_what_is_heard_late_counts_as_of_now() -> None:
    machine = machine_of()
    play(machine, [(0, "on"), (0, "quiet"), *DIALLED])
    machine.tick(ns(6000))
    (late,) = machine.heard(ns(5000), [Key("9", ns(4900), -12.0)])
    assert late.at_ns == ns(6000)


def test_no_tone_ends_a_call_before_its_answer() -> None:
    found, _ = run([(1000, "off"), key(2400, "0"), tone(6400, Tone.DIAL, 1, 1400)], until=8000)
    assert told(found, fx.Answered, fx.Ended) == [
        fx.Answered(ns(6400), inferred=True),
        fx.Ended(ns(6400), ns(6400), Outcome.ANSWERED, by_tone=True),
    ]
