"""The state of one line, as a pure machine: edges, presses, what was heard and time in, effects out.

Timers and states follow the telephony facts (call states); every number is a `LineTimers` value. Inputs reach the
table in the order of their times (`order.py`), and a timer that runs out at or before an input fires before it, so
effects depend on time stamps alone and never on how often `tick` is called.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

from tsuwaroku.config import LineConfig
from tsuwaroku.events import ButtonPressed, ContactEdge
from tsuwaroku.signalling.cadence import Tone
from tsuwaroku.signalling.ear import Heard, Key, Listening, NumberHeard, Spoken, ToneHeard, VoiceHeard
from tsuwaroku.signalling.effects import Anomaly, Effect
from tsuwaroku.signalling.hook import MS
from tsuwaroku.signalling.order import InputOrder, Kind
from tsuwaroku.signalling.track import Track

Action = Callable[[Track, int], None]


class State(enum.Enum):
    """Where the line is. A call that ended or was missed leaves it IDLE."""

    IDLE = "idle"
    LIFTED = "lifted"  # off-hook with no ring, not yet for long enough
    CAR = "car"  # rung, and it may be NTT's signal before a number
    CAR_PICKED = "car_picked"  # off-hook in that, not yet for long enough
    PRIMARY = "primary"  # off-hook in that: for the number, or an answer
    WAIT_RING = "wait_ring"  # and on-hook again
    RINGING = "ringing"
    PICKED = "picked"  # off-hook while ringing, not yet for long enough
    DIALLING = "dialling"
    DIALLING_BREAK = "dialling_break"  # a break shorter than a flash, so far
    DIALLING_FLASHED = "dialling_flashed"  # a flash or the hang-up
    ALERTING = "alerting"  # it rings at the other end
    ALERTING_BREAK = "alerting_break"
    FAILED = "failed"  # busy
    FAILED_BREAK = "failed_break"
    ANSWERED = "answered"
    ANSWERED_BREAK = "answered_break"
    FLASHED = "flashed"
    BY_SOUND = "by_sound"  # somebody speaks, and the hook says on-hook
    OVER = "over"  # a tone ended the call, and the hook still says off-hook
    OVER_RINGING = "over_ringing"  # and yet it rings


# States in which sound of a call is kept whatever came before.
IN_CALL = frozenset(
    {
        State.PRIMARY,
        State.DIALLING,
        State.DIALLING_BREAK,
        State.DIALLING_FLASHED,
        State.ALERTING,
        State.ALERTING_BREAK,
        State.FAILED,
        State.FAILED_BREAK,
        State.ANSWERED,
        State.ANSWERED_BREAK,
        State.FLASHED,
        State.BY_SOUND,
    }
)
# A press in these has no call to mark yet.
UNANSWERED = frozenset({State.CAR, State.WAIT_RING, State.RINGING, State.OVER_RINGING})
_HELD = frozenset({State.LIFTED, State.CAR_PICKED, State.PRIMARY, State.PICKED})
_TALK = frozenset({State.ANSWERED, State.ANSWERED_BREAK, State.FLASHED})
_DIALLED = frozenset(
    {
        State.DIALLING,
        State.DIALLING_BREAK,
        State.DIALLING_FLASHED,
        State.ALERTING,
        State.ALERTING_BREAK,
        State.FAILED,
        State.FAILED_BREAK,
        State.BY_SOUND,  # for speech, which keeps the call going
        State.OVER,
        State.OVER_RINGING,
    }
)


def ignore(track: Track, at: int) -> None:
    """Nothing to do: the input means nothing in this state, or cannot come in it."""


_KEYS = {Kind.KEY: Track.key, Kind.PULSED: Track.key}
_BROKEN = {Kind.RING_STARTED: Track.ring_in_call, Kind.PRESS: Track.mark}

# For each state what means something in it: the next state, and what is done on the way. All else is ignored.
ROWS: dict[State, dict[Kind, tuple[State, Action]]] = {
    State.IDLE: {
        Kind.FOUND_OFF_HOOK: (State.ANSWERED, Track.resume),
        Kind.OFF_HOOK: (State.LIFTED, Track.lift),
        Kind.RING_STARTED: (State.CAR, Track.ring),
        Kind.PRESS: (State.IDLE, Track.mark_late),
        Kind.NUMBER: (State.IDLE, Track.number_before),
        Kind.VOICE: (State.BY_SOUND, Track.hear_call),
    },
    State.LIFTED: {
        Kind.ON_HOOK: (State.IDLE, Track.drop),
        Kind.RING_STARTED: (State.PICKED, Track.ring_lifted),
        Kind.PRESS: (State.LIFTED, Track.hold_press),
        Kind.LIFT_HELD: (State.DIALLING, Track.dial),
    },
    State.CAR: {
        Kind.FOUND_OFF_HOOK: (State.CAR_PICKED, Track.lift),
        Kind.OFF_HOOK: (State.CAR_PICKED, Track.lift),
        Kind.RING_STARTED: (State.CAR, Track.ring_again),
        Kind.RING_ENDED: (State.CAR, Track.ring_over),
        Kind.PRESS: (State.CAR, Track.ignore_press),
        Kind.NUMBER: (State.CAR, Track.number),
        Kind.CAR_NONE: (State.RINGING, ignore),
        Kind.CAR_OVER: (State.RINGING, ignore),
    },
    State.CAR_PICKED: {
        Kind.ON_HOOK: (State.CAR, ignore),
        Kind.RING_STARTED: (State.CAR_PICKED, Track.ring_again),
        Kind.RING_ENDED: (State.CAR_PICKED, Track.ring_over),
        Kind.PRESS: (State.CAR_PICKED, Track.hold_press),
        Kind.NUMBER: (State.CAR_PICKED, Track.number),
        Kind.LIFT_HELD: (State.PRIMARY, Track.primary),
    },
    State.PRIMARY: {
        Kind.ON_HOOK: (State.WAIT_RING, Track.primary_over),
        Kind.RING_STARTED: (State.PRIMARY, Track.ring_in_call),
        Kind.PRESS: (State.PRIMARY, Track.hold_press),
        Kind.NUMBER: (State.PRIMARY, Track.number),
        Kind.PRIMARY_DUE: (State.ANSWERED, Track.answer_primary),
    },
    State.WAIT_RING: {
        Kind.OFF_HOOK: (State.PICKED, Track.lift),
        Kind.RING_STARTED: (State.RINGING, Track.ring_again),
        Kind.PRESS: (State.WAIT_RING, Track.ignore_press),
        Kind.NUMBER: (State.WAIT_RING, Track.number),
        Kind.VOICE: (State.BY_SOUND, Track.hear_unseen_pick_up),
        Kind.RING_TIMEOUT: (State.IDLE, Track.give_up_ring),
    },
    State.RINGING: {
        Kind.FOUND_OFF_HOOK: (State.PICKED, Track.lift),
        Kind.OFF_HOOK: (State.PICKED, Track.lift),
        Kind.RING_STARTED: (State.RINGING, Track.ring_again),
        Kind.RING_ENDED: (State.RINGING, Track.ring_over),
        Kind.PRESS: (State.RINGING, Track.ignore_press),
        Kind.NUMBER: (State.RINGING, Track.number),
        Kind.VOICE: (State.BY_SOUND, Track.hear_unseen_pick_up),
        Kind.RING_TIMEOUT: (State.IDLE, Track.miss),
    },
    State.PICKED: {
        Kind.ON_HOOK: (State.RINGING, ignore),
        Kind.RING_STARTED: (State.PICKED, Track.ring_again),
        Kind.RING_ENDED: (State.PICKED, Track.ring_over),
        Kind.PRESS: (State.PICKED, Track.hold_press),
        Kind.NUMBER: (State.PICKED, Track.number),
        Kind.LIFT_HELD: (State.ANSWERED, Track.answer),
    },
    State.DIALLING: {
        Kind.ON_HOOK: (State.DIALLING_BREAK, Track.break_),
        Kind.RING_STARTED: (State.DIALLING, Track.ring_in_call),
        Kind.PRESS: (State.DIALLING, Track.mark),
        Kind.ANSWER_DUE: (State.ANSWERED, Track.infer_answer),
        Kind.PART_DUE: (State.DIALLING, Track.part),
        Kind.KEY: (State.DIALLING, Track.key),
        Kind.PULSED: (State.DIALLING, Track.key),
        Kind.TONE_BEGUN: (State.DIALLING, Track.sign),
        Kind.DIAL_TONE: (State.DIALLING, Track.dial_tone),
        Kind.DIAL_TONE_LONG: (State.DIALLING, Track.dial_tone),
        Kind.RING_BACK: (State.ALERTING, Track.ring_back),
        Kind.BUSY: (State.FAILED, Track.busy),
        Kind.BUSY_LONG: (State.FAILED, Track.busy),
        Kind.SPEECH: (State.ANSWERED, Track.hear_answer),
    },
    State.DIALLING_BREAK: {
        Kind.OFF_HOOK: (State.DIALLING, Track.mend),
        Kind.FLASH_DUE: (State.DIALLING_FLASHED, ignore),
        **{kind: (State.DIALLING_BREAK, action) for kind, action in (_KEYS | _BROKEN).items()},
    },
    State.DIALLING_FLASHED: {
        Kind.OFF_HOOK: (State.DIALLING, Track.flash),
        Kind.RING_STARTED: (State.CAR, Track.abandon_by_ring),
        Kind.PRESS: (State.DIALLING_FLASHED, Track.mark),
        Kind.HANG_UP_DUE: (State.IDLE, Track.abandon),
        Kind.KEY: (State.DIALLING_FLASHED, Track.key),
    },
    State.ALERTING: {
        Kind.ON_HOOK: (State.ALERTING_BREAK, Track.break_),
        Kind.RING_STARTED: (State.ALERTING, Track.ring_in_call),
        Kind.PRESS: (State.ALERTING, Track.mark),
        Kind.ANSWER_DUE: (State.ANSWERED, Track.infer_answer),
        Kind.PART_DUE: (State.ALERTING, Track.part),
        Kind.KEY: (State.ALERTING, Track.key),
        Kind.TONE_BEGUN: (State.ALERTING, Track.sign),
        Kind.PULSED: (State.ALERTING, Track.key),
        Kind.DIAL_TONE: (State.DIALLING, Track.dial_tone),
        Kind.DIAL_TONE_LONG: (State.DIALLING, Track.dial_tone),
        Kind.RING_BACK: (State.ALERTING, Track.ring_back),
        Kind.BUSY: (State.FAILED, Track.busy),
        Kind.BUSY_LONG: (State.FAILED, Track.busy),
        Kind.SPEECH: (State.ANSWERED, Track.hear_answer),
    },
    State.ALERTING_BREAK: {
        Kind.OFF_HOOK: (State.ALERTING, Track.mend),
        Kind.FLASH_DUE: (State.DIALLING_FLASHED, ignore),
        **{kind: (State.ALERTING_BREAK, action) for kind, action in (_KEYS | _BROKEN).items()},
    },
    State.FAILED: {
        Kind.ON_HOOK: (State.FAILED_BREAK, Track.break_),
        Kind.RING_STARTED: (State.FAILED, Track.ring_in_call),
        Kind.PRESS: (State.FAILED, Track.mark),
        Kind.PART_DUE: (State.FAILED, Track.part),
        Kind.KEY: (State.FAILED, Track.key),
        Kind.PULSED: (State.FAILED, Track.key),
        Kind.DIAL_TONE: (State.DIALLING, Track.dial_tone),
        Kind.DIAL_TONE_LONG: (State.DIALLING, Track.dial_tone),
        Kind.RING_BACK: (State.ALERTING, Track.ring_back),
        Kind.BUSY: (State.FAILED, Track.busy),
        Kind.BUSY_LONG: (State.OVER, Track.fail_by_tone),
        Kind.SPEECH: (State.ANSWERED, Track.hear_answer),
    },
    State.FAILED_BREAK: {
        Kind.OFF_HOOK: (State.FAILED, Track.mend),
        Kind.FLASH_DUE: (State.DIALLING_FLASHED, ignore),
        **{kind: (State.FAILED_BREAK, action) for kind, action in (_KEYS | _BROKEN).items()},
    },
    State.ANSWERED: {
        Kind.ON_HOOK: (State.ANSWERED_BREAK, Track.break_),
        Kind.RING_STARTED: (State.ANSWERED, Track.ring_in_call),
        Kind.PRESS: (State.ANSWERED, Track.mark),
        Kind.PART_DUE: (State.ANSWERED, Track.part),
        Kind.NUMBER: (State.ANSWERED, Track.number_in_call),
        Kind.KEY: (State.ANSWERED, Track.key),
        Kind.PULSED: (State.ANSWERED, Track.key),
        Kind.DIAL_TONE_LONG: (State.OVER, Track.end_by_tone),
        Kind.RING_BACK: (State.ALERTING, Track.unanswer),
        Kind.BUSY_LONG: (State.OVER, Track.end_by_tone),
    },
    State.ANSWERED_BREAK: {
        Kind.OFF_HOOK: (State.ANSWERED, Track.mend),
        Kind.FLASH_DUE: (State.FLASHED, ignore),
        **{kind: (State.ANSWERED_BREAK, action) for kind, action in (_KEYS | _BROKEN).items()},
    },
    State.FLASHED: {
        Kind.OFF_HOOK: (State.ANSWERED, Track.flash),
        Kind.RING_STARTED: (State.CAR, Track.hang_up_by_ring),
        Kind.PRESS: (State.FLASHED, Track.mark),
        Kind.HANG_UP_DUE: (State.IDLE, Track.hang_up),
        Kind.KEY: (State.FLASHED, Track.key),
    },
    State.BY_SOUND: {
        Kind.FOUND_OFF_HOOK: (State.ANSWERED, Track.seen_at_last),
        Kind.OFF_HOOK: (State.ANSWERED, Track.seen_at_last),
        Kind.RING_STARTED: (State.CAR, Track.end_by_ring),
        Kind.PRESS: (State.BY_SOUND, Track.mark),
        Kind.VOICE_OVER: (State.IDLE, Track.end_by_silence),
        Kind.PART_DUE: (State.BY_SOUND, Track.part),
        Kind.KEY: (State.BY_SOUND, Track.key_by_sound),
        Kind.SPEECH: (State.BY_SOUND, Track.hear_on),
        Kind.RING_BACK: (State.BY_SOUND, Track.hear_on),
        Kind.DIAL_TONE_LONG: (State.IDLE, Track.end_by_tone),
        Kind.BUSY_LONG: (State.IDLE, Track.end_by_tone),
    },
    State.OVER: {
        Kind.ON_HOOK: (State.IDLE, ignore),
        Kind.RING_STARTED: (State.OVER_RINGING, Track.ring),
        Kind.PRESS: (State.OVER, Track.mark_late),
        Kind.KEY: (State.DIALLING, Track.dial_again),
        Kind.DIAL_TONE: (State.OVER, Track.tone_again),
        Kind.DIAL_TONE_LONG: (State.OVER, Track.tone_again),
        Kind.BUSY: (State.OVER, Track.tone_again),
        Kind.BUSY_LONG: (State.OVER, Track.tone_again),
        Kind.SPEECH: (State.ANSWERED, Track.speak_again),
    },
    State.OVER_RINGING: {
        Kind.ON_HOOK: (State.RINGING, ignore),
        Kind.RING_STARTED: (State.OVER_RINGING, Track.ring_again),
        Kind.RING_ENDED: (State.OVER_RINGING, Track.ring_over),
        Kind.PRESS: (State.OVER_RINGING, Track.ignore_press),
        Kind.NUMBER: (State.OVER_RINGING, Track.number),
        Kind.RING_TIMEOUT: (State.OVER, Track.miss),
        Kind.SPEECH: (State.ANSWERED, Track.hear_pick_up),
    },
}
# One row for each state and input.
TABLE: dict[tuple[State, Kind], tuple[State, Action]] = {
    (state, kind): ROWS[state].get(kind, (state, ignore)) for state in State for kind in Kind
}

# What must be so for an input to count; otherwise it is ignored.
GUARDS: dict[tuple[State, Kind], Callable[[Track, int], bool]] = {
    (State.WAIT_RING, Kind.VOICE): Track.rings_no_more,
    (State.RINGING, Kind.VOICE): Track.rings_no_more,
    (State.DIALLING, Kind.SPEECH): Track.dialled,
    (State.FAILED, Kind.SPEECH): Track.tone_silent,
    (State.ANSWERED, Kind.RING_BACK): Track.rang_unheard,
    (State.ANSWERED, Kind.DIAL_TONE_LONG): Track.tones_count,
    (State.ANSWERED, Kind.BUSY_LONG): Track.tones_count,
    (State.OVER, Kind.SPEECH): Track.tone_silent,
}

# The timers that run in each state.
TIMERS: dict[State, tuple[tuple[Kind, Callable[[Track], int | None]], ...]] = {
    State.IDLE: (),
    State.LIFTED: ((Kind.LIFT_HELD, Track.lift_due),),
    State.CAR: ((Kind.CAR_NONE, Track.car_none_due), (Kind.CAR_OVER, Track.car_over_due)),
    State.CAR_PICKED: ((Kind.LIFT_HELD, Track.pick_due),),
    State.PRIMARY: ((Kind.PRIMARY_DUE, Track.primary_due),),
    State.WAIT_RING: ((Kind.RING_TIMEOUT, Track.ring_due),),
    State.RINGING: ((Kind.RING_TIMEOUT, Track.ring_due),),
    State.PICKED: ((Kind.LIFT_HELD, Track.pick_due),),
    State.DIALLING: ((Kind.PART_DUE, Track.part_due), (Kind.ANSWER_DUE, Track.answer_due)),
    State.DIALLING_BREAK: ((Kind.FLASH_DUE, Track.flash_due),),
    State.DIALLING_FLASHED: ((Kind.HANG_UP_DUE, Track.hang_up_due),),
    State.ALERTING: ((Kind.PART_DUE, Track.part_due), (Kind.ANSWER_DUE, Track.answer_due)),
    State.ALERTING_BREAK: ((Kind.FLASH_DUE, Track.flash_due),),
    State.FAILED: ((Kind.PART_DUE, Track.part_due),),
    State.FAILED_BREAK: ((Kind.FLASH_DUE, Track.flash_due),),
    State.ANSWERED: ((Kind.PART_DUE, Track.part_due),),
    State.ANSWERED_BREAK: ((Kind.FLASH_DUE, Track.flash_due),),
    State.FLASHED: ((Kind.HANG_UP_DUE, Track.hang_up_due),),
    State.BY_SOUND: ((Kind.PART_DUE, Track.part_due), (Kind.VOICE_OVER, Track.voice_over_due)),
    State.OVER: (),
    State.OVER_RINGING: ((Kind.RING_TIMEOUT, Track.ring_due),),
}


class LineMachine:
    """One line. Never raises, whatever comes; what ought not to come gives an Anomaly.

    A break still shorter than `hang_up_s` is part of the call, so a press in it marks the call at once (`Marked`),
    with a time after the end if the break turns out to be the hang-up.
    """

    def __init__(self, line: LineConfig) -> None:
        self._order = InputOrder(line.timers)
        self._busy_cycles = line.timers.busy_cycles
        self._dial_tone_end_ns = round(line.timers.dial_tone_end_s * 1000 * MS)
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

    @property
    def listening(self) -> Listening:
        """What is worth listening for in this state."""
        if self._state in _TALK:
            return Listening.TALK
        return Listening.DIALLED if self._state in _DIALLED else Listening.ON_HOOK

    def heard(self, at_ns: int, sounds: Sequence[Heard]) -> list[Effect]:
        """What was heard in a block that ended at `at_ns`, to which time has come."""
        anomalies = self._order.advance(at_ns)
        for sound in sounds:
            kind = self._kind(at_ns, sound)
            if kind is not None:
                self._order.sound(kind, at_ns, sound)
        return self._run(anomalies)

    def _kind(self, at_ns: int, sound: Heard) -> Kind | None:
        match sound:
            case Key():
                return Kind.KEY
            case Spoken():
                return Kind.SPEECH
            case VoiceHeard():
                return Kind.VOICE
            case NumberHeard():
                return Kind.NUMBER
            case ToneHeard(_, _, 0):
                return Kind.TONE_BEGUN
            case ToneHeard(Tone.RING_BACK):
                return Kind.RING_BACK
            case ToneHeard(Tone.BUSY, _, cycles):
                return Kind.BUSY_LONG if cycles >= self._busy_cycles else Kind.BUSY
            case ToneHeard(Tone.CALL_WAITING):
                return None
            case ToneHeard(_, began_ns):
                return Kind.DIAL_TONE_LONG if at_ns - began_ns >= self._dial_tone_end_ns else Kind.DIAL_TONE

    def deadline(self) -> int | None:
        """When `tick` is due next, or None. After `tick(now)` it lies after `now`."""
        undecided = self._order.deadline()
        if undecided is None:
            timer = self._timer()
            undecided = None if timer is None else timer[0]
        # Otherwise a timer waits for it: what is undecided may have happened before.
        dues = [due for due in (undecided, self._order.pulse_due) if due is not None]
        return min(dues, default=None)

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
                self._track.what = waiting.what
                self._step(waiting.kind, waiting.at_ns)
            else:
                effects, self._track.effects = self._track.effects, []
                return effects

    def _step(self, kind: Kind, at: int) -> None:
        guard = GUARDS.get((self._state, kind))
        if guard is not None and not guard(self._track, at):
            return
        self._state, action = TABLE[self._state, kind]
        action(self._track, at)
        if self._track.held and self._state not in _HELD:
            held, self._track.held = self._track.held, []
            for press in held:
                self._step(Kind.PRESS, press)

    def _timer(self) -> tuple[int, Kind] | None:
        """The timer that runs out first in this state. In a break, only the break's own run."""
        track = self._track
        running = [(due, kind) for kind, when in TIMERS[self._state] if (due := when(track)) is not None]
        return min(running, key=lambda timer: timer[0], default=None)
