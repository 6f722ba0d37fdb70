"""What holds for any edges and sounds: bounce and ticks change nothing, times do not go back, nothing raises."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tsuwaroku.config import LineConfig, LineTimers
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.signalling import effects as fx
from tsuwaroku.signalling.cadence import Tone
from tsuwaroku.signalling.callerid import Absence, CallerId
from tsuwaroku.signalling.ear import BLOCKS_A_SECOND, Heard, Key, NumberHeard, Spoken, ToneHeard, VoiceHeard
from tsuwaroku.signalling.hook import MS
from tsuwaroku.signalling.line import UNANSWERED, LineMachine, State


class Sound(msgspec.Struct, frozen=True):
    """Something heard in the block that ended at `mono_ns`."""

    mono_ns: int
    what: Heard


Event = ContactEdge | ButtonPressed | Sound
END = 10**12  # beyond any script
# Short parts and waits, so that scripts of seconds meet every timer.
TIMERS = LineTimers(part_max_s=60, mark_window_s=5, sound_silence_s=5)
MORE = settings(max_examples=300, deadline=None)

# Lengths around every timer's value, in microseconds; and any at all.
CORNERS = [9_999, 10_000, 13_900, 24_999, 25_000, 40_000, 66_000, 90_000, 90_001, 100_000, 149_999, 150_000, 200_000]
LONG = [299_999, 300_000, 600_000, 1_499_999, 1_500_000, 3_999_999, 4_000_000, 5_990_000, 6_000_000, 61_000_000]
held = st.one_of(st.sampled_from(CORNERS + LONG), st.integers(1, 7_000_000)).map(lambda us: us * 1000)


def feed(machine: LineMachine, event: Event) -> list[fx.Effect]:
    if isinstance(event, Sound):
        return machine.heard(event.mono_ns, [event.what])
    return machine.contact(event) if isinstance(event, ContactEdge) else machine.button(event)


def run(events: Sequence[Event], ticks: Sequence[int] = ()) -> list[fx.Effect]:
    """Effects of events in the order given, with `ticks` where they do not run ahead of an event."""
    machine = LineMachine(LineConfig(id="1", timers=TIMERS))
    out: list[fx.Effect] = []
    left = sorted(ticks, reverse=True)
    for event in events:
        while left and left[-1] <= event.mono_ns:
            out += machine.tick(left.pop())
        out += feed(machine, event)
    while left:
        out += machine.tick(left.pop())
    return out + machine.tick(END)


@st.composite
def levels(draw: st.DrawFn, contact: Contact, shortest_ns: int = 1) -> list[ContactEdge]:
    """A contact's level at the start, and then edges that alternate."""
    first = draw(st.booleans())
    waits = draw(st.lists(held.filter(lambda wait: wait >= shortest_ns), max_size=12))
    return [ContactEdge("1", contact, first ^ (n % 2 == 1), t) for n, t in enumerate(accumulate(waits, initial=0))]


@st.composite
def presses(draw: st.DrawFn) -> list[ButtonPressed]:
    return [ButtonPressed("1", t) for t in accumulate(draw(st.lists(held, max_size=6)))]


def in_order(*streams: Sequence[Event]) -> list[Event]:
    return sorted((event for stream in streams for event in stream), key=lambda event: event.mono_ns)


@st.composite
def sounds(draw: st.DrawFn) -> list[Sound]:
    """Blocks with something in them, near each other and far apart."""
    out: list[Sound] = []
    block = 0
    for _ in range(draw(st.integers(0, 12))):
        block += draw(st.one_of(st.integers(0, 6), st.integers(7, 60)))
        at = block * 1_000 * MS // BLOCKS_A_SECOND
        out.append(Sound(at, draw(heard(at))))
    return out


@st.composite
def heard(draw: st.DrawFn, at: int) -> Heard:
    began = max(at - draw(st.integers(0, 6_000)) * MS, 0)
    kind = draw(st.sampled_from(["key", "tone", "tone", "speech", "voice", "number"]))
    if kind == "key":
        return Key(draw(st.sampled_from("0123456789*#D")), began, -12.0)
    if kind == "tone":
        return ToneHeard(draw(st.sampled_from(Tone)), began, draw(st.integers(0, 6)))
    if kind == "speech":
        return Spoken(began)
    if kind == "voice":
        return VoiceHeard(max(began, at - 3_000 * MS))
    number = draw(st.sampled_from(["0312345678", None]))
    absence = None if number else Absence.WITHHELD
    return NumberHeard(CallerId(number, None, None, absence, "jclip", b"", True, 0), began)


scripts = st.builds(in_order, levels(Contact.HOOK), levels(Contact.RING), presses(), sounds())
any_events = st.lists(
    st.one_of(
        st.integers(0, 45).flatmap(lambda n: st.builds(Sound, st.just(n * 200 * MS), heard(n * 200 * MS))),
        st.builds(ContactEdge, st.just("1"), st.sampled_from(Contact), st.booleans(), st.integers(-MS, 9_000 * MS)),
        st.builds(ButtonPressed, st.just("1"), st.integers(-MS, 9_000 * MS)),
    ),
    max_size=30,
)


@given(any_events)
@MORE
def test_nothing_raises_and_no_time_is_negative(events: list[Event]) -> None:
    for effect in run(events):
        assert effect.at_ns >= 0
        if isinstance(effect, fx.Flash):
            assert 300 * MS <= effect.length_ns < 1500 * MS
        if isinstance(effect, fx.Ended) and not (effect.by_tone or effect.by_sound):
            assert effect.decided_ns - effect.at_ns <= 1500 * MS


@given(scripts, st.lists(st.integers(0, 20_000).map(lambda ms: ms * MS), max_size=40), st.booleans())
@MORE
def test_ticks_never_matter(events: list[Event], ticks: list[int], at_edges: bool) -> None:
    around = [event.mono_ns + off for event in events for off in (-1, 0, 1, 10 * MS)] if at_edges else []
    assert run(events, ticks + around) == run(events)


@given(any_events, st.lists(st.integers(0, 10_000 * MS), max_size=40))
@MORE
def test_ticks_never_matter_when_times_go_back_either(events: list[Event], ticks: list[int]) -> None:
    assert run(events, ticks) == run(events)


@given(scripts)
@MORE
def test_ticking_each_deadline_changes_nothing_and_deadlines_advance(events: list[Event]) -> None:
    machine = LineMachine(LineConfig(id="1", timers=TIMERS))
    out: list[fx.Effect] = []

    def tick_to(end: int) -> None:
        while (due := machine.deadline()) is not None and due <= end:
            out.extend(machine.tick(due))
            following = machine.deadline()
            assert following is None or following > due

    for event in events:
        tick_to(event.mono_ns)
        out.extend(feed(machine, event))
    tick_to(END)
    assert out == run(events)


@given(levels(Contact.HOOK, shortest_ns=120 * MS), levels(Contact.RING), presses(), st.data())
@MORE
def test_bounce_never_matters(
    hook: list[ContactEdge], ring: list[ContactEdge], button: list[ButtonPressed], data: st.DataObject
) -> None:
    """Bursts of edges 0.5 to 8 ms apart, up to 100 ms long, after each clean edge: the same effects and times."""
    bounced: list[ContactEdge] = []
    for n, edge in enumerate(hook):
        bounced.append(edge)
        gaps = data.draw(st.lists(st.integers(500_000, 8 * MS), max_size=12)) if n or edge.active else []
        for count, t in enumerate(accumulate(gaps[: len(gaps) // 2 * 2])):
            bounced.append(ContactEdge("1", Contact.HOOK, edge.active ^ (count % 2 == 0), edge.mono_ns + t))
    assert run(in_order(bounced, ring, button)) == run(in_order(hook, ring, button))


@given(scripts)
@MORE
def test_calls_are_whole_and_their_times_do_not_go_back(events: list[Event]) -> None:
    """Seized first, then off-hook, then answered; one end; and after it no effect of that call but late marks."""
    story = [effect for effect in run(events) if not isinstance(effect, fx.Anomaly)]
    calls: list[list[fx.Effect]] = []
    open_call = False
    for effect in story:
        if isinstance(effect, fx.Seized):
            assert not open_call
            calls.append([])
            open_call = True
        if isinstance(effect, fx.MarkedLate | fx.PressIgnored):
            continue
        assert open_call
        calls[-1].append(effect)
        open_call = not isinstance(effect, fx.Ended | fx.Missed)
    for call in calls:
        check_call(call)
    for one, following in pairwise(calls):
        assert decided(one[-1]) <= following[0].at_ns


def check_call(call: list[fx.Effect]) -> None:
    kinds = [type(effect) for effect in call]
    captured = fx.OffHook in kinds
    assert kinds.count(fx.OffHook) <= 1
    said = [kind for kind in kinds if kind in (fx.Answered, fx.Unanswered)]
    assert said == [fx.Answered, fx.Unanswered] * (len(said) // 2) + [fx.Answered] * (len(said) % 2)
    assert captured or fx.Answered not in kinds
    if fx.Ended in kinds:
        assert captured
    if kinds[-1] is fx.Missed:  # with sound where the loop had been closed in what might have been a CAR
        assert fx.Answered not in kinds
    if captured:
        begun = [kind for kind in kinds if kind is not fx.NumberKnown]  # numbers may come with the ring
        assert begun[1] is fx.OffHook
    # A press in a break is told at once, before the flash or the end that began before it.
    marks = [effect.at_ns for effect in call if isinstance(effect, fx.Marked)]
    assert marks == sorted(marks)
    # What is heard is known some time after it began: an answer, and an end, may lie before a digit.
    rest = [effect for effect in call if not isinstance(effect, fx.Marked | fx.Dialled | fx.NumberKnown | fx.Progress)]
    times = [effect.at_ns for effect in rest]
    assert times == sorted(times)
    for flash, after in pairwise(rest):
        if isinstance(flash, fx.Flash):
            assert flash.at_ns + flash.length_ns <= after.at_ns
    assert all(effect.at_ns <= decided(call[-1]) for effect in call)


def decided(effect: fx.Effect) -> int:
    return effect.decided_ns if isinstance(effect, fx.Ended | fx.Missed) else END


@given(scripts)
@MORE
def test_shifting_all_times_shifts_the_effects(events: list[Event]) -> None:
    def shifted(thing: object, by: int) -> dict[str, object]:
        tree = msgspec.to_builtins(thing)
        assert isinstance(tree, dict)
        return {key: value + by if key in ("at_ns", "decided_ns", "began_ns") else value for key, value in tree.items()}

    later = [moved_by(event, 77) for event in events]
    out, moved = run(events), run(later)
    kept = [effect for effect in out if not isinstance(effect, fx.PartDue)]
    assert [shifted(effect, 77) for effect in kept] == [
        shifted(effect, 0) for effect in moved if not isinstance(effect, fx.PartDue)
    ]


def moved_by(event: Event, by: int) -> Event:
    if not isinstance(event, Sound):
        return msgspec.structs.replace(event, mono_ns=event.mono_ns + by)
    return Sound(event.mono_ns + by, msgspec.structs.replace(event.what, began_ns=event.what.began_ns + by))


@given(scripts, st.booleans())
@MORE
def test_no_state_is_without_a_way_out(events: list[Event], rings: bool) -> None:
    """Whatever came before: on-hook and silence lead to an idle line, and what had begun has ended."""
    machine = LineMachine(LineConfig(id="1", timers=TIMERS))
    story = [effect for event in events for effect in feed(machine, event)]
    last = max((event.mono_ns for event in events), default=0)
    if rings:
        last += MS
        story += machine.contact(ContactEdge("1", Contact.RING, True, last))
        last += 1_000 * MS
    for contact in (Contact.HOOK, Contact.RING):
        story += machine.contact(ContactEdge("1", contact, False, last))
    story += machine.tick(last + 20_000 * MS)
    assert machine.state is State.IDLE
    assert machine.deadline() is None
    begun = sum(isinstance(effect, fx.Seized) for effect in story)
    assert begun == sum(isinstance(effect, fx.Ended | fx.Missed) for effect in story)


@given(scripts)
@MORE
def test_a_call_is_captured_wherever_the_state_says_so(events: list[Event]) -> None:
    machine = LineMachine(LineConfig(id="1", timers=TIMERS))
    captured = False
    for event in events:
        for effect in feed(machine, event):
            captured = (captured or isinstance(effect, fx.OffHook)) and not isinstance(effect, fx.Ended | fx.Missed)
        # After a primary answer it is captured while the line rings, too.
        assert captured or not machine.in_call
        assert not captured or machine.in_call or machine.state in {*UNANSWERED, State.PICKED, State.CAR_PICKED}
