"""The state of one line, as a pure machine: edges, presses and time in, effects out.

Timers and states follow the telephony facts (call states); every number is a `LineTimers` value. Inputs reach the
table in the order of their times (`order.py`), and a timer that runs out at or before an input fires before it, so
effects depend on time stamps alone and never on how often `tick` is called.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from tsuwaroku.config import LineConfig
from tsuwaroku.events import AudioFrame, ButtonPressed, ContactEdge, Gap
from tsuwaroku.signalling.effects import Anomaly, Effect
from tsuwaroku.signalling.order import InputOrder, Kind
from tsuwaroku.signalling.track import Track

Action = Callable[[Track, int], None]


class State(enum.Enum):
    """Where the line is. A call that ended or was missed leaves it IDLE."""

    IDLE = "idle"
    LIFTED = "lifted"  # off-hook with no ring, not yet for long enough
    RINGING = "ringing"
    PICKED = "picked"  # off-hook while ringing, not yet for long enough
    DIALLING = "dialling"
    DIALLING_BREAK = "dialling_break"  # a break shorter than a flash, so far
    DIALLING_FLASHED = "dialling_flashed"  # a flash or the hang-up
    ANSWERED = "answered"
    ANSWERED_BREAK = "answered_break"
    FLASHED = "flashed"


IN_CALL = frozenset(State) - {State.IDLE, State.LIFTED, State.RINGING, State.PICKED}


def ignore(track: Track, at: int) -> None:
    """Nothing to do: the input means nothing in this state, or cannot come in it."""


# One row for each state and input: the next state, and what is done on the way.
TABLE: dict[tuple[State, Kind], tuple[State, Action]] = {
    (State.IDLE, Kind.FOUND_OFF_HOOK): (State.ANSWERED, Track.resume),
    (State.IDLE, Kind.OFF_HOOK): (State.LIFTED, Track.lift),
    (State.IDLE, Kind.ON_HOOK): (State.IDLE, ignore),
    (State.IDLE, Kind.RING_STARTED): (State.RINGING, Track.ring),
    (State.IDLE, Kind.RING_ENDED): (State.IDLE, ignore),
    (State.IDLE, Kind.PRESS): (State.IDLE, Track.mark_late),
    (State.IDLE, Kind.LIFT_HELD): (State.IDLE, ignore),
    (State.IDLE, Kind.RING_TIMEOUT): (State.IDLE, ignore),
    (State.IDLE, Kind.ANSWER_DUE): (State.IDLE, ignore),
    (State.IDLE, Kind.FLASH_DUE): (State.IDLE, ignore),
    (State.IDLE, Kind.HANG_UP_DUE): (State.IDLE, ignore),
    (State.IDLE, Kind.PART_DUE): (State.IDLE, ignore),
    (State.LIFTED, Kind.FOUND_OFF_HOOK): (State.LIFTED, ignore),
    (State.LIFTED, Kind.OFF_HOOK): (State.LIFTED, ignore),
    (State.LIFTED, Kind.ON_HOOK): (State.IDLE, Track.drop),
    (State.LIFTED, Kind.RING_STARTED): (State.PICKED, Track.ring_lifted),
    (State.LIFTED, Kind.RING_ENDED): (State.LIFTED, ignore),
    (State.LIFTED, Kind.PRESS): (State.LIFTED, Track.hold_press),
    (State.LIFTED, Kind.LIFT_HELD): (State.DIALLING, Track.dial),
    (State.LIFTED, Kind.RING_TIMEOUT): (State.LIFTED, ignore),
    (State.LIFTED, Kind.ANSWER_DUE): (State.LIFTED, ignore),
    (State.LIFTED, Kind.FLASH_DUE): (State.LIFTED, ignore),
    (State.LIFTED, Kind.HANG_UP_DUE): (State.LIFTED, ignore),
    (State.LIFTED, Kind.PART_DUE): (State.LIFTED, ignore),
    (State.RINGING, Kind.FOUND_OFF_HOOK): (State.PICKED, Track.lift),
    (State.RINGING, Kind.OFF_HOOK): (State.PICKED, Track.lift),
    (State.RINGING, Kind.ON_HOOK): (State.RINGING, ignore),
    (State.RINGING, Kind.RING_STARTED): (State.RINGING, Track.ring_again),
    (State.RINGING, Kind.RING_ENDED): (State.RINGING, Track.ring_over),
    (State.RINGING, Kind.PRESS): (State.RINGING, Track.ignore_press),
    (State.RINGING, Kind.LIFT_HELD): (State.RINGING, ignore),
    (State.RINGING, Kind.RING_TIMEOUT): (State.IDLE, Track.miss),
    (State.RINGING, Kind.ANSWER_DUE): (State.RINGING, ignore),
    (State.RINGING, Kind.FLASH_DUE): (State.RINGING, ignore),
    (State.RINGING, Kind.HANG_UP_DUE): (State.RINGING, ignore),
    (State.RINGING, Kind.PART_DUE): (State.RINGING, ignore),
    (State.PICKED, Kind.FOUND_OFF_HOOK): (State.PICKED, ignore),
    (State.PICKED, Kind.OFF_HOOK): (State.PICKED, ignore),
    (State.PICKED, Kind.ON_HOOK): (State.RINGING, ignore),
    (State.PICKED, Kind.RING_STARTED): (State.PICKED, Track.ring_again),
    (State.PICKED, Kind.RING_ENDED): (State.PICKED, Track.ring_over),
    (State.PICKED, Kind.PRESS): (State.PICKED, Track.hold_press),
    (State.PICKED, Kind.LIFT_HELD): (State.ANSWERED, Track.answer),
    (State.PICKED, Kind.RING_TIMEOUT): (State.PICKED, ignore),
    (State.PICKED, Kind.ANSWER_DUE): (State.PICKED, ignore),
    (State.PICKED, Kind.FLASH_DUE): (State.PICKED, ignore),
    (State.PICKED, Kind.HANG_UP_DUE): (State.PICKED, ignore),
    (State.PICKED, Kind.PART_DUE): (State.PICKED, ignore),
    (State.DIALLING, Kind.FOUND_OFF_HOOK): (State.DIALLING, ignore),
    (State.DIALLING, Kind.OFF_HOOK): (State.DIALLING, ignore),
    (State.DIALLING, Kind.ON_HOOK): (State.DIALLING_BREAK, Track.break_),
    (State.DIALLING, Kind.RING_STARTED): (State.DIALLING, Track.ring_in_call),
    (State.DIALLING, Kind.RING_ENDED): (State.DIALLING, ignore),
    (State.DIALLING, Kind.PRESS): (State.DIALLING, Track.mark),
    (State.DIALLING, Kind.LIFT_HELD): (State.DIALLING, ignore),
    (State.DIALLING, Kind.RING_TIMEOUT): (State.DIALLING, ignore),
    (State.DIALLING, Kind.ANSWER_DUE): (State.ANSWERED, Track.infer_answer),
    (State.DIALLING, Kind.FLASH_DUE): (State.DIALLING, ignore),
    (State.DIALLING, Kind.HANG_UP_DUE): (State.DIALLING, ignore),
    (State.DIALLING, Kind.PART_DUE): (State.DIALLING, Track.part),
    (State.DIALLING_BREAK, Kind.FOUND_OFF_HOOK): (State.DIALLING_BREAK, ignore),
    (State.DIALLING_BREAK, Kind.OFF_HOOK): (State.DIALLING, Track.mend),
    (State.DIALLING_BREAK, Kind.ON_HOOK): (State.DIALLING_BREAK, ignore),
    (State.DIALLING_BREAK, Kind.RING_STARTED): (State.DIALLING_BREAK, Track.ring_in_call),
    (State.DIALLING_BREAK, Kind.RING_ENDED): (State.DIALLING_BREAK, ignore),
    (State.DIALLING_BREAK, Kind.PRESS): (State.DIALLING_BREAK, Track.mark),
    (State.DIALLING_BREAK, Kind.LIFT_HELD): (State.DIALLING_BREAK, ignore),
    (State.DIALLING_BREAK, Kind.RING_TIMEOUT): (State.DIALLING_BREAK, ignore),
    (State.DIALLING_BREAK, Kind.ANSWER_DUE): (State.DIALLING_BREAK, ignore),
    (State.DIALLING_BREAK, Kind.FLASH_DUE): (State.DIALLING_FLASHED, ignore),
    (State.DIALLING_BREAK, Kind.HANG_UP_DUE): (State.DIALLING_BREAK, ignore),
    (State.DIALLING_BREAK, Kind.PART_DUE): (State.DIALLING_BREAK, ignore),
    (State.DIALLING_FLASHED, Kind.FOUND_OFF_HOOK): (State.DIALLING_FLASHED, ignore),
    (State.DIALLING_FLASHED, Kind.OFF_HOOK): (State.DIALLING, Track.flash),
    (State.DIALLING_FLASHED, Kind.ON_HOOK): (State.DIALLING_FLASHED, ignore),
    (State.DIALLING_FLASHED, Kind.RING_STARTED): (State.RINGING, Track.abandon_by_ring),
    (State.DIALLING_FLASHED, Kind.RING_ENDED): (State.DIALLING_FLASHED, ignore),
    (State.DIALLING_FLASHED, Kind.PRESS): (State.DIALLING_FLASHED, Track.mark),
    (State.DIALLING_FLASHED, Kind.LIFT_HELD): (State.DIALLING_FLASHED, ignore),
    (State.DIALLING_FLASHED, Kind.RING_TIMEOUT): (State.DIALLING_FLASHED, ignore),
    (State.DIALLING_FLASHED, Kind.ANSWER_DUE): (State.DIALLING_FLASHED, ignore),
    (State.DIALLING_FLASHED, Kind.FLASH_DUE): (State.DIALLING_FLASHED, ignore),
    (State.DIALLING_FLASHED, Kind.HANG_UP_DUE): (State.IDLE, Track.abandon),
    (State.DIALLING_FLASHED, Kind.PART_DUE): (State.DIALLING_FLASHED, ignore),
    (State.ANSWERED, Kind.FOUND_OFF_HOOK): (State.ANSWERED, ignore),
    (State.ANSWERED, Kind.OFF_HOOK): (State.ANSWERED, ignore),
    (State.ANSWERED, Kind.ON_HOOK): (State.ANSWERED_BREAK, Track.break_),
    (State.ANSWERED, Kind.RING_STARTED): (State.ANSWERED, Track.ring_in_call),
    (State.ANSWERED, Kind.RING_ENDED): (State.ANSWERED, ignore),
    (State.ANSWERED, Kind.PRESS): (State.ANSWERED, Track.mark),
    (State.ANSWERED, Kind.LIFT_HELD): (State.ANSWERED, ignore),
    (State.ANSWERED, Kind.RING_TIMEOUT): (State.ANSWERED, ignore),
    (State.ANSWERED, Kind.ANSWER_DUE): (State.ANSWERED, ignore),
    (State.ANSWERED, Kind.FLASH_DUE): (State.ANSWERED, ignore),
    (State.ANSWERED, Kind.HANG_UP_DUE): (State.ANSWERED, ignore),
    (State.ANSWERED, Kind.PART_DUE): (State.ANSWERED, Track.part),
    (State.ANSWERED_BREAK, Kind.FOUND_OFF_HOOK): (State.ANSWERED_BREAK, ignore),
    (State.ANSWERED_BREAK, Kind.OFF_HOOK): (State.ANSWERED, Track.mend),
    (State.ANSWERED_BREAK, Kind.ON_HOOK): (State.ANSWERED_BREAK, ignore),
    (State.ANSWERED_BREAK, Kind.RING_STARTED): (State.ANSWERED_BREAK, Track.ring_in_call),
    (State.ANSWERED_BREAK, Kind.RING_ENDED): (State.ANSWERED_BREAK, ignore),
    (State.ANSWERED_BREAK, Kind.PRESS): (State.ANSWERED_BREAK, Track.mark),
    (State.ANSWERED_BREAK, Kind.LIFT_HELD): (State.ANSWERED_BREAK, ignore),
    (State.ANSWERED_BREAK, Kind.RING_TIMEOUT): (State.ANSWERED_BREAK, ignore),
    (State.ANSWERED_BREAK, Kind.ANSWER_DUE): (State.ANSWERED_BREAK, ignore),
    (State.ANSWERED_BREAK, Kind.FLASH_DUE): (State.FLASHED, ignore),
    (State.ANSWERED_BREAK, Kind.HANG_UP_DUE): (State.ANSWERED_BREAK, ignore),
    (State.ANSWERED_BREAK, Kind.PART_DUE): (State.ANSWERED_BREAK, ignore),
    (State.FLASHED, Kind.FOUND_OFF_HOOK): (State.FLASHED, ignore),
    (State.FLASHED, Kind.OFF_HOOK): (State.ANSWERED, Track.flash),
    (State.FLASHED, Kind.ON_HOOK): (State.FLASHED, ignore),
    (State.FLASHED, Kind.RING_STARTED): (State.RINGING, Track.hang_up_by_ring),
    (State.FLASHED, Kind.RING_ENDED): (State.FLASHED, ignore),
    (State.FLASHED, Kind.PRESS): (State.FLASHED, Track.mark),
    (State.FLASHED, Kind.LIFT_HELD): (State.FLASHED, ignore),
    (State.FLASHED, Kind.RING_TIMEOUT): (State.FLASHED, ignore),
    (State.FLASHED, Kind.ANSWER_DUE): (State.FLASHED, ignore),
    (State.FLASHED, Kind.FLASH_DUE): (State.FLASHED, ignore),
    (State.FLASHED, Kind.HANG_UP_DUE): (State.IDLE, Track.hang_up),
    (State.FLASHED, Kind.PART_DUE): (State.FLASHED, ignore),
}

# The timers that run in each state.
TIMERS: dict[State, tuple[tuple[Kind, Callable[[Track], int | None]], ...]] = {
    State.IDLE: (),
    State.LIFTED: ((Kind.LIFT_HELD, Track.lift_due),),
    State.RINGING: ((Kind.RING_TIMEOUT, Track.ring_due),),
    State.PICKED: ((Kind.LIFT_HELD, Track.pick_due),),
    State.DIALLING: ((Kind.PART_DUE, Track.part_due), (Kind.ANSWER_DUE, Track.answer_due)),
    State.DIALLING_BREAK: ((Kind.FLASH_DUE, Track.flash_due),),
    State.DIALLING_FLASHED: ((Kind.HANG_UP_DUE, Track.hang_up_due),),
    State.ANSWERED: ((Kind.PART_DUE, Track.part_due),),
    State.ANSWERED_BREAK: ((Kind.FLASH_DUE, Track.flash_due),),
    State.FLASHED: ((Kind.HANG_UP_DUE, Track.hang_up_due),),
}


class LineMachine:
    """One line. Never raises, whatever comes; what ought not to come gives an Anomaly.

    A break still shorter than `hang_up_s` is part of the call, so a press in it marks the call at once (`Marked`),
    with a time after the end if the break turns out to be the hang-up.
    """

    def __init__(self, line: LineConfig) -> None:
        self._order = InputOrder(line.timers)
        self._track = Track(line.timers)
        self._state = State.IDLE

    @property
    def state(self) -> State:
        """Where the line is, as far as it is decided."""
        return self._state

    @property
    def in_call(self) -> bool:
        """Whether a call is captured: from the confirmed off-hook to the decided hang-up."""
        return self._state in IN_CALL

    @property
    def off_hook_raw(self) -> bool:
        """The hook level of the last edge, bounce and all: what the lamp lights on."""
        return self._order.off_hook_raw

    def contact(self, edge: ContactEdge) -> list[Effect]:
        """An edge of this line's hook or ring contact. The first hook edge tells the level at the start."""
        return self._run(self._order.contact(edge.contact, edge.active, edge.mono_ns))

    def button(self, press: ButtonPressed) -> list[Effect]:
        """A press. Its effect waits for an undecided edge before it: 10 ms as a rule, 150 ms at off-hook."""
        return self._run(self._order.press(press.mono_ns))

    def tick(self, now_ns: int) -> list[Effect]:
        """Time has come to `now_ns`, and every edge before it was given. An earlier time does nothing."""
        return self._run(self._order.advance(now_ns))

    def gap(self, gap: Gap) -> list[Effect]:
        """Audio was lost. Nothing of the line's state hangs on audio yet, so this returns no effects.

        The place where detectors of tones, digits and caller ID will be told of the loss.
        """
        return []

    def audio(self, frame: AudioFrame) -> list[Effect]:
        """Audio of the line. Nothing listens to it yet, so this returns no effects.

        The place where tones, caller ID and dialled digits will come in.
        """
        return []

    def deadline(self) -> int | None:
        """When `tick` is due next, or None. After `tick(now)` it lies after `now`."""
        undecided = self._order.deadline()
        if undecided is not None:  # a timer waits for it: what is undecided may have happened before
            return undecided
        timer = self._timer()
        return None if timer is None else timer[0]

    def _run(self, anomalies: list[Anomaly]) -> list[Effect]:
        """Feed the table with timers and inputs in the order of their times, as far as everything is known."""
        self._track.effects += anomalies
        while True:
            waiting = self._order.head()
            limit = self._order.horizon if waiting is None else waiting.at_ns
            timer = self._timer()
            if timer is not None and timer[0] <= limit:
                self._step(timer[1], timer[0])
            elif waiting is not None:
                self._order.take()
                self._step(waiting.kind, waiting.at_ns)
            else:
                effects, self._track.effects = self._track.effects, []
                return effects

    def _step(self, kind: Kind, at: int) -> None:
        self._state, action = TABLE[self._state, kind]
        action(self._track, at)
        if self._track.held and self._state not in (State.LIFTED, State.PICKED):
            held, self._track.held = self._track.held, []
            for press in held:
                self._step(Kind.PRESS, press)

    def _timer(self) -> tuple[int, Kind] | None:
        """The timer that runs out first in this state. In a break, only the break's own run."""
        track = self._track
        running = [(due, kind) for kind, when in TIMERS[self._state] if (due := when(track)) is not None]
        return min(running, key=lambda timer: timer[0], default=None)
