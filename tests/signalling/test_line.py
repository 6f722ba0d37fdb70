"""The line machine, state by state: scripts of edges in ms, whole lists of effects out."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from tsuwaroku.config import LineConfig, LineTimers
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.records.call import Direction, Outcome
from tsuwaroku.signalling import effects as fx
from tsuwaroku.signalling.hook import MS
from tsuwaroku.signalling.line import IN_CALL, TABLE, TIMERS, LineMachine, State, ignore
from tsuwaroku.signalling.order import Kind

What = Literal["off", "on", "ring", "quiet", "press", "tick"]
Script = list[tuple[float, What]]
IN, OUT, UNKNOWN = Direction.INBOUND, Direction.OUTBOUND, Direction.UNKNOWN
START: Script = [(0, "on"), (0, "quiet")]


def ns(ms: float) -> int:
    return round(ms * MS)


def give(machine: LineMachine, at: float, what: What) -> list[fx.Effect]:
    if what == "press":
        return machine.button(ButtonPressed("1", ns(at)))
    if what == "tick":
        return machine.tick(ns(at))
    contact = Contact.HOOK if what in ("off", "on") else Contact.RING
    return machine.contact(ContactEdge("1", contact, what in ("off", "ring"), ns(at)))


def machine_of(**timers: float) -> LineMachine:
    return LineMachine(LineConfig(id="1", timers=msgspec.structs.replace(LineTimers(), **timers)))


def run(script: Script, until: float = 100_000, **timers: float) -> list[fx.Effect]:
    """What a script gives, time going on to `until` at the end; digits apart, which have tests of their own."""
    machine = machine_of(**timers)
    out: list[fx.Effect] = []
    for at, what in script:
        out += give(machine, at, what)
    return [one for one in out + machine.tick(ns(until)) if not isinstance(one, fx.Dialled)]


def seized(at: float, direction: Direction) -> fx.Effect:
    return fx.Seized(ns(at), direction)


def off_hook(at: float) -> fx.Effect:
    return fx.OffHook(ns(at))


def answered(at: float, inferred: bool = False) -> fx.Effect:
    return fx.Answered(ns(at), inferred)


def ended(at: float, outcome: Outcome = Outcome.ANSWERED, after: float = 1500) -> fx.Effect:
    return fx.Ended(ns(at), ns(at + after), outcome)


def missed(at: float) -> fx.Effect:
    return fx.Missed(ns(at), ns(at + 6000))


def flash(at: float, length: float) -> fx.Effect:
    return fx.Flash(ns(at), ns(length))


def odd(at: float, code: str, detail: str) -> fx.Effect:
    return fx.Anomaly(ns(at), code, detail)


def marked(at: float) -> fx.Effect:
    return fx.Marked(ns(at))


def late(at: float) -> fx.Effect:
    return fx.MarkedLate(ns(at))


def ignored(at: float) -> fx.Effect:
    return fx.PressIgnored(ns(at))


RING: Script = [(1000, "ring"), (2000, "quiet")]
PICKED_UP: Script = [*START, *RING, (3000, "off")]
INBOUND = [seized(1000, IN), off_hook(3000), answered(3000)]
DIALLED: Script = [*START, (1000, "off")]
OUTBOUND = [seized(1000, OUT), off_hook(1000)]
RESUMED = [fx.Seized(0, UNKNOWN, resumed=True), off_hook(0), answered(0)]


def pulses(start: float, count: int, broken: float = 66, made: float = 34) -> Script:
    """Dial pulses: breaks of `broken` ms with `made` ms between."""
    return [
        edge
        for n in range(count)
        for edge in ((start + n * (broken + made), "on"), (start + n * (broken + made) + broken, "off"))
    ]


# --- the table


def test_the_table_is_total() -> None:
    assert set(TABLE) == {(state, kind) for state in State for kind in Kind}
    assert set(TIMERS) == set(State)


def test_each_running_timer_does_something() -> None:
    """A timer whose row is "ignore and stay" would fire for ever."""
    for state, timers in TIMERS.items():
        for kind, _ in timers:
            assert TABLE[state, kind] != (state, ignore)


def test_every_state_is_reached_and_left() -> None:
    reached = {State.IDLE}
    while more := {to for (state, _), (to, _) in TABLE.items() if state in reached} - reached:
        reached |= more
    assert reached == set(State)
    assert {s for s in State if {to for (state, _), (to, _) in TABLE.items() if state is s} == {s}} == set()


# --- idle


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(START, [], id="levels at the start"),
        pytest.param([(0, "on"), (5, "off"), (9, "on")], [], id="a glitch"),
        pytest.param(
            [(0, "on"), (500, "off"), (599.999, "on")],
            [odd(500, "short_off_hook", "off-hook for 100.0 ms")],
            id="off-hook for less than 100 ms",
        ),
        pytest.param(
            [(0, "on"), (500, "off"), (600, "on")],
            [seized(500, OUT), off_hook(500), ended(600, Outcome.ABANDONED)],
            id="off-hook for 100 ms",
        ),
        pytest.param([(0, "off")], RESUMED, id="found off-hook"),
        pytest.param([(0, "off"), (7, "on")], [], id="not really found off-hook"),
        pytest.param([(0, "off"), (5000, "on")], [*RESUMED, ended(5000)], id="found off-hook, then hung up"),
        pytest.param(
            [(0, "ring"), (0, "off"), (700, "quiet")],
            [*RESUMED, odd(0, "ring_in_call", "ringing voltage on an off-hook line")],
            id="found off-hook and, they say, ringing",
        ),
        pytest.param(
            [(0, "ring"), (0, "off"), *((4 * n, "on" if n % 2 else "off") for n in range(1, 20)), (76, "off")],
            [*RESUMED, odd(0, "ring_in_call", "ringing voltage on an off-hook line")],
            id="the same with more bounce than a ring takes to be confirmed",
        ),
        pytest.param([(10, "press")], [ignored(10)], id="a press before any call"),
    ],
)
def test_idle(script: Script, expected: list[fx.Effect]) -> None:
    assert run(script) == expected


# --- ringing


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param([*START, *RING], [seized(1000, IN), missed(2000)], id="missed"),
        pytest.param(
            [(0, "ring"), (700, "quiet"), (0, "on")],
            [seized(0, IN), odd(700, "time_reversed", "hook: 700.000 ms before what came last"), missed(700)],
            id="ringing at the start",
        ),
        pytest.param(
            [*START, *RING, (4000, "ring"), (5000, "quiet")], [seized(1000, IN), missed(5000)], id="two rings, missed"
        ),
        pytest.param(
            [*START, *RING, (7999, "ring"), (9000, "quiet")],
            [seized(1000, IN), missed(9000)],
            id="the next ring's first edge just before the timeout",
        ),
        pytest.param(
            [*START, *RING, (8000, "ring"), (9000, "quiet")],
            [seized(1000, IN), missed(2000), seized(8000, IN), missed(9000)],
            id="the next ring at the timeout is another call",
        ),
        pytest.param(PICKED_UP, INBOUND, id="answered in the pause"),
        pytest.param(
            [*START, (1000, "ring"), (1600, "off"), (1700, "quiet")],
            [seized(1000, IN), off_hook(1600), answered(1600)],
            id="answered while it rings",
        ),
        pytest.param([*PICKED_UP, (3149, "on")], [seized(1000, IN), missed(2000)], id="off-hook for 149 ms"),
        pytest.param([*PICKED_UP, (3150, "on")], [*INBOUND, ended(3150)], id="off-hook for 150 ms"),
        pytest.param(
            [*START, *RING, (7999, "off")],
            [seized(1000, IN), off_hook(7999), answered(7999)],
            id="off-hook just before the timeout, and it holds",
        ),
        pytest.param(
            [*START, *RING, (7999, "off"), (8100, "on")],
            [seized(1000, IN), missed(2000)],
            id="off-hook just before the timeout, and it does not hold",
        ),
        pytest.param(
            [*START, *RING, (8000, "off")],
            [seized(1000, IN), missed(2000), seized(8000, OUT), off_hook(8000), answered(12_000, inferred=True)],
            id="off-hook at the timeout is a call out",
        ),
        pytest.param(
            [*START, (1000, "off"), (1001, "quiet"), (1050, "ring"), (1300, "quiet")],
            [seized(1000, IN), off_hook(1000), answered(1000)],
            id="lifted in the moment before the first ring",
        ),
        pytest.param(
            [*START, (990, "ring"), (1000, "off"), (1200, "quiet")],
            [seized(990, IN), off_hook(990 + 10), answered(1000)],
            id="lifted before the ring is confirmed",
        ),
        pytest.param(
            [*START, *RING, (7950, "off"), (7990, "ring"), (8090, "on"), (9000, "quiet")],
            [seized(1000, IN), missed(9000)],
            id="a ring begins in a lift that does not hold",
        ),
        pytest.param(
            [*START, (1000, "ring"), (1950, "off"), (2000, "quiet"), (2090, "on")],
            [seized(1000, IN), missed(2000)],
            id="a ring ends in a lift that does not hold",
        ),
        pytest.param(
            [*RING, (3000, "off")], [seized(1000, IN), off_hook(3000), answered(3000)], id="no hook level at the start"
        ),
        pytest.param([*START, *RING, (2500, "press")], [seized(1000, IN), ignored(2500), missed(2000)], id="a press"),
        pytest.param(
            [*PICKED_UP, (3050, "press")], [*INBOUND, marked(3050)], id="a press while off-hook is not confirmed"
        ),
        pytest.param(
            [*PICKED_UP, (3050, "press"), (3100, "on")],
            [seized(1000, IN), ignored(3050), missed(2000)],
            id="a press in a lift that does not hold",
        ),
    ],
)
def test_ringing(script: Script, expected: list[fx.Effect]) -> None:
    assert run(script) == expected


def test_a_hat_that_rings_at_16_hz_and_flickers_on_the_hook() -> None:
    """RING_N: 20 ms a cycle; HOOK: 10 ms a half cycle (the HAT's table of line states)."""
    script: Script = list(START)
    for n in range(16):
        start = 1000 + n * 62.5
        script += [(start, "ring"), (start + 5, "off"), (start + 14.9, "on"), (start + 20, "quiet")]
        script += [(start + 36, "off"), (start + 45.9, "on")]
    script += [(2500, "off"), (9000, "on")]
    assert run(script) == [seized(1000, IN), off_hook(2500), answered(2500), ended(9000)]


# --- dialling


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param(DIALLED, [*OUTBOUND, answered(5000, inferred=True)], id="no digit for 4 s"),
        pytest.param([*DIALLED, (4999, "on")], [*OUTBOUND, ended(4999, Outcome.ABANDONED)], id="abandoned at 3.999 s"),
        pytest.param(
            [*DIALLED, (5000, "on")], [*OUTBOUND, answered(5000, inferred=True), ended(5000)], id="hung up at 4 s"
        ),
        pytest.param(
            [*DIALLED, *pulses(2000, 10)], [*OUTBOUND, answered(6966, inferred=True)], id="10 pps pulses, digit 0"
        ),
        pytest.param(
            [*DIALLED, *pulses(2000, 10, 36.1, 13.9)], [*OUTBOUND, answered(6486.1, inferred=True)], id="20 pps pulses"
        ),
        pytest.param(
            [*DIALLED, *pulses(4990, 1)], [*OUTBOUND, answered(9056, inferred=True)], id="a pulse across the 4 s"
        ),
        pytest.param(
            [*DIALLED, (4990, "on"), (5014.9, "off")], [*OUTBOUND, answered(5000, inferred=True)], id="a glitch across"
        ),
        pytest.param(
            [*DIALLED, (4990, "on"), (5015, "off")], [*OUTBOUND, answered(9015, inferred=True)], id="25 ms is no glitch"
        ),
        pytest.param(
            [*DIALLED, (2000, "ring"), (2500, "quiet")],
            [*OUTBOUND, odd(2000, "ring_in_call", "ringing voltage on an off-hook line"), answered(5000, True)],
            id="ringing voltage",
        ),
        pytest.param(
            [*DIALLED, (2000, "on"), (2010, "ring"), (2066, "off"), (2500, "quiet")],
            [*OUTBOUND, odd(2010, "ring_in_call", "ringing voltage on an off-hook line"), answered(6066, True)],
            id="ringing voltage in a pulse",
        ),
        pytest.param(
            [*DIALLED, (2000, "on"), (2500, "press"), (2600, "off")],
            [*OUTBOUND, marked(2500), flash(2000, 600), answered(6600, True)],
            id="a press in a flash",
        ),
        pytest.param(
            [*DIALLED, (2000, "on"), (2200, "off")],
            [*OUTBOUND, odd(2000, "ambiguous_break", "on-hook for 200.0 ms"), answered(6200, inferred=True)],
            id="an ambiguous break",
        ),
        pytest.param(
            [*DIALLED, (2000, "on"), (2600, "off"), (3000, "on")],
            [*OUTBOUND, flash(2000, 600), ended(3000, Outcome.ABANDONED)],
            id="a flash keeps the call",
        ),
        pytest.param(
            [*DIALLED, (2000, "on"), (2600, "off")],
            [*OUTBOUND, flash(2000, 600), answered(6600, inferred=True)],
            id="4 s count from the flash",
        ),
        pytest.param(
            [*DIALLED, (2000, "on"), (3000, "ring"), (3500, "quiet")],
            [
                *OUTBOUND,
                fx.Ended(ns(2000), ns(3000), Outcome.ABANDONED),
                seized(3000, IN),
                missed(3500),
            ],
            id="rung after the start of the hang-up",
        ),
        pytest.param([*DIALLED, (1050, "press")], [*OUTBOUND, marked(1050), answered(5000, True)], id="an early press"),
        pytest.param(
            [*DIALLED, (1050, "press"), (1080, "on")],
            [odd(1000, "short_off_hook", "off-hook for 80.0 ms"), ignored(1050)],
            id="a press in a short off-hook",
        ),
        pytest.param(
            [*DIALLED, (2000, "on"), (2020, "press"), (2600, "off"), (4000, "press")],
            [*OUTBOUND, marked(2020), flash(2000, 600), marked(4000), answered(6600, True)],
            id="presses",
        ),
    ],
)
def test_dialling(script: Script, expected: list[fx.Effect]) -> None:
    assert run(script) == expected


# --- answered


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (9.9, []),
        (10, []),
        (24.9, []),
        (25, []),
        (66, []),
        (90, []),
        (90.1, [odd(9000, "ambiguous_break", "on-hook for 90.1 ms")]),
        (299.9, [odd(9000, "ambiguous_break", "on-hook for 299.9 ms")]),
        (300, [flash(9000, 300)]),
        (1499.999, [flash(9000, 1499.999)]),
        (1500, [ended(9000), seized(10_500, OUT), off_hook(10_500), answered(14_500, True)]),
    ],
)
def test_a_break_of_a_call(length: float, expected: list[fx.Effect]) -> None:
    assert run([*PICKED_UP, (9000, "on"), (9000 + length, "off")]) == [*INBOUND, *expected]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param([(9000, "on")], [ended(9000)], id="hung up"),
        pytest.param([(9000, "on"), (9500, "off"), (9600, "on")], [flash(9000, 500), ended(9600)], id="after a flash"),
        pytest.param(
            [(9000, "ring"), (9500, "quiet")],
            [odd(9000, "ring_in_call", "ringing voltage on an off-hook line")],
            id="ringing voltage in a call",
        ),
        pytest.param(
            [(9000, "on"), (9200, "ring"), (9400, "quiet"), (9600, "off")],
            [odd(9200, "ring_in_call", "ringing voltage on an off-hook line"), flash(9000, 600)],
            id="ringing voltage in a short break",
        ),
        pytest.param(
            [(9000, "on"), (10_000, "ring"), (10_500, "quiet"), (10_600, "off")],
            [
                fx.Ended(ns(9000), ns(10_000), Outcome.ANSWERED),
                seized(10_000, IN),
                off_hook(10_600),
                answered(10_600),
            ],
            id="rung back before the hang-up is decided",
        ),
        pytest.param([(9000, "press"), (9299.9, "press")], [marked(9000)], id="the button bounces"),
        pytest.param(
            [(9000, "press"), (9200, "press"), (9300, "press"), (9600, "press")],
            [marked(9000), marked(9300), marked(9600)],
            id="many presses are many marks",
        ),
        pytest.param(
            [(9000, "on"), (9050, "press"), (9900, "press")],
            [marked(9050), marked(9900), ended(9000)],
            id="a press before the hang-up is decided",
        ),
        pytest.param(
            [(9000, "on"), (10_500, "press"), (69_000, "press"), (69_300, "press")],
            [ended(9000), late(10_500), late(69_000), ignored(69_300)],
            id="a press after the end",
        ),
        pytest.param(
            [(9000, "on"), (20_000, "off"), (20_050, "on"), (30_000, "press")],
            [ended(9000), odd(20_000, "short_off_hook", "off-hook for 50.0 ms"), late(30_000)],
            id="a press after a short off-hook",
        ),
        pytest.param(
            [(9000, "on"), (20_000, "ring"), (21_000, "quiet"), (22_000, "press"), (30_000, "press")],
            [ended(9000), seized(20_000, IN), ignored(22_000), missed(21_000), ignored(30_000)],
            id="no late mark once the next call is seized",
        ),
        pytest.param(
            [(9000, "on"), (20_010, "ring"), (20_000, "press"), (21_000, "quiet")],
            [
                ended(9000),
                odd(20_010, "time_reversed", "button: 10.000 ms before what came last"),
                late(20_010),
                seized(20_010, IN),
                missed(21_000),
            ],
            id="a press given late",
        ),
    ],
)
def test_answered(script: Script, expected: list[fx.Effect]) -> None:
    assert run([*PICKED_UP, *script]) == [*INBOUND, *expected]


def test_a_mark_comes_at_once_and_not_with_the_hang_up() -> None:
    machine = machine_of()
    for at, what in [*PICKED_UP, (9000, "on")]:
        give(machine, at, what)
    give(machine, 9500, "tick")
    assert give(machine, 9500, "press") == [marked(9500)]


# --- parts, resumption, other timers


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param([], [fx.PartDue(ns(63_000)), fx.PartDue(ns(123_000))], id="each 60 s from off-hook"),
        pytest.param(
            [(62_900, "on"), (63_400, "off")],
            [flash(62_900, 500), fx.PartDue(ns(63_400)), fx.PartDue(ns(123_400))],
            id="not in a break but at its end",
        ),
        pytest.param(
            [(62_990, "on"), (63_020, "off")],
            [fx.PartDue(ns(63_020)), fx.PartDue(ns(123_020))],
            id="not in a pulse but at its end",
        ),
        pytest.param([(62_900, "on")], [ended(62_900)], id="not in the break that is the end"),
        pytest.param([(63_000, "on")], [fx.PartDue(ns(63_000)), ended(63_000)], id="at the hang-up"),
    ],
)
def test_parts(script: Script, expected: list[fx.Effect]) -> None:
    assert run([*PICKED_UP, *script], until=130_000, part_max_s=60) == [*INBOUND, *expected]


def test_parts_of_a_call_out_and_of_a_resumed_one() -> None:
    out = run([*DIALLED, (65_000, "on")], part_max_s=60, answer_inferred_s=100)
    assert out == [*OUTBOUND, fx.PartDue(ns(61_000)), ended(65_000, Outcome.ABANDONED)]
    assert run([(0, "off")], until=70_000, part_max_s=60) == [*RESUMED, fx.PartDue(ns(60_000))]


@pytest.mark.parametrize(
    ("timers", "script", "expected"),
    [
        ({"bounce_ms": 5}, [(0, "on"), (500, "off"), (506, "on")], [odd(500, "short_off_hook", "off-hook for 6.0 ms")]),
        ({"off_hook_idle_ms": 300}, [*DIALLED, (1299, "on")], [odd(1000, "short_off_hook", "off-hook for 299.0 ms")]),
        ({"off_hook_ringing_ms": 30}, [*PICKED_UP, (3031, "on")], [*INBOUND, ended(3031)]),
        (
            {"pulse_max_ms": 60},
            [*PICKED_UP, *pulses(5000, 1)],
            [*INBOUND, odd(5000, "ambiguous_break", "on-hook for 66.0 ms")],
        ),
        ({"flash_min_ms": 200}, [*PICKED_UP, (5000, "on"), (5250, "off")], [*INBOUND, flash(5000, 250)]),
        (
            {"hang_up_s": 2.0},
            [*PICKED_UP, (5000, "on"), (6999, "off"), (7500, "on")],
            [*INBOUND, flash(5000, 1999), ended(7500, after=2000)],
        ),
        ({"glitch_ms": 50}, [*DIALLED, (4000, "on"), (4040, "off")], [*OUTBOUND, answered(5000, True)]),
        ({"ring_confirm_ms": 200}, [*START, (1000, "ring"), (1190, "quiet")], []),
        (
            {"ring_silence_ms": 4000},
            [*START, *RING, (5000, "ring"), (6000, "quiet"), (9000, "off")],
            [seized(1000, IN), off_hook(9000), answered(9000)],
        ),
        ({"ring_timeout_s": 3.0}, [*START, *RING], [seized(1000, IN), fx.Missed(ns(2000), ns(5000))]),
        ({"answer_inferred_s": 1.0}, DIALLED, [*OUTBOUND, answered(2000, True)]),
        ({"mark_window_s": 1.0}, [*PICKED_UP, (5000, "on"), (6501, "press")], [*INBOUND, ended(5000), ignored(6501)]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_every_timer_is_the_configured_one(timers: dict[str, float], script: Script, expected: list[fx.Effect]) -> None:
    assert run(script, **timers) == expected


# --- what is not an effect


def test_states_and_levels_in_the_course_of_a_call() -> None:
    machine = machine_of()
    seen: list[tuple[State, bool, bool]] = []
    script: Script = [
        *START, *RING, (2500, "tick"), (3000, "off"), (3020, "tick"), (3200, "tick"),
        (9000, "on"), (9020, "tick"), (9400, "tick"), (9500, "off"), (9501, "tick"), (9600, "tick"),
        (9900, "on"), (11_399, "tick"), (11_400, "tick"),
        (12_000, "off"), (12_020, "tick"), (12_200, "tick"), (13_000, "on"), (13_050, "tick"), (13_500, "tick"),
    ]  # fmt: skip
    for at, what in script:
        give(machine, at, what)
        if what == "tick":
            seen.append((machine.state, machine.in_call, machine.off_hook_raw))
    assert seen == [
        (State.RINGING, False, False),
        (State.PICKED, False, True),
        (State.ANSWERED, True, True),
        (State.ANSWERED_BREAK, True, False),
        (State.FLASHED, True, False),
        (State.FLASHED, True, True),
        (State.ANSWERED, True, True),
        (State.FLASHED, True, False),
        (State.IDLE, False, False),
        (State.LIFTED, False, True),
        (State.DIALLING, True, True),
        (State.DIALLING_BREAK, True, False),
        (State.DIALLING_FLASHED, True, False),
    ]
    assert {s for s, called, _ in seen if called} <= IN_CALL


def test_deadlines_in_the_course_of_a_call() -> None:
    """Each deadline, ticked exactly, gives its effects then and not a nanosecond before."""
    machine = machine_of()
    assert machine.deadline() is None
    out: list[tuple[float, list[fx.Effect]]] = []
    script: Script = [*START, (1000, "off"), (6000, "on"), (20_000, "tick")]
    for at, what in script:
        while (due := machine.deadline()) is not None and due < ns(at):
            assert machine.tick(due - 1) == []
            if effects := machine.tick(due):
                out.append((due / MS, effects))
            following = machine.deadline()
            assert following is None or following > due
        give(machine, at, what)
    assert out == [
        (1100, [seized(1000, OUT), off_hook(1000)]),
        (5000, [answered(5000, True)]),
        (7500, [ended(6000)]),
    ]
    assert machine.deadline() is None


def test_a_chattering_hook_is_told_once() -> None:
    script: Script = [*PICKED_UP, *((9000 + 5 * n, "on" if n % 2 == 0 else "off") for n in range(500))]
    told = "the hook contact has bounced for 1000 ms"
    assert run(script) == [*INBOUND, odd(9000, "hook_chatter", told)]
    again: Script = [(at + 20_000, what) for at, what in script[len(PICKED_UP) :]]
    assert run([*script, *again]) == [*INBOUND, odd(9000, "hook_chatter", told), odd(29_000, "hook_chatter", told)]


def test_nothing_waits_for_a_hook_that_chatters() -> None:
    """Told each a second late at most; and what the contact comes to counts as of then, not of a minute before."""
    edges: Script = [(9000 + 5 * n, "on" if n % 2 == 0 else "off") for n in range(12_000)]
    presses: Script = [(9500 + 10_000 * n, "press") for n in range(6)]
    machine = machine_of()
    counts = []
    for at, what in sorted([*PICKED_UP, *edges, *presses], key=lambda one: one[0]):
        give(machine, at, what)
        counts.append(len(machine._order._waiting))
    assert max(counts) == 1
    script: Script = sorted([*PICKED_UP, *edges, *presses, (69_000, "on")], key=lambda one: one[0])
    told = odd(9000, "hook_chatter", "the hook contact has bounced for 1000 ms")
    marks = [marked(at) for at, _ in presses]
    assert run(script) == [*INBOUND, told, *marks, ended(69_010)]


def test_an_earlier_time_counts_as_the_last() -> None:
    script: Script = [*PICKED_UP, (9000, "on"), (8000, "off"), (9500, "on")]
    told = odd(9000, "time_reversed", "hook: 1000.000 ms before what came last")
    assert run(script) == [*INBOUND, told, ended(9500)]


def test_equal_times_are_in_order() -> None:
    assert run([*PICKED_UP, (9000, "on"), (9000, "off"), (9000, "on")]) == [*INBOUND, ended(9000)]
