"""Puts what happens on a line into the order in which it happened.

A settled hook level or a confirmed ring carries a time up to 250 ms in the past: that of its first edge. The line
machine must see both, the presses, the dialled pulses and what was heard, in the order of their times, or a hang-up
would win against the off-hook edge that came before it. `InputOrder` holds inputs back until nothing earlier can come
any more; what the machine does then depends on the times of the edges and of what was heard alone. Of equal times a
press comes first, then the hook, the ring, a digit, and what was heard: any order would do, but one that hung on which
is decided first would let bounce choose.
"""

from __future__ import annotations

import bisect
import enum

import msgspec

from tsuwaroku.config import LineTimers
from tsuwaroku.events import Contact
from tsuwaroku.signalling.effects import Anomaly
from tsuwaroku.signalling.hook import MS, Debouncer, Transition
from tsuwaroku.signalling.pulses import PulseDigit, PulseMeter, PulseParameters
from tsuwaroku.signalling.ringing import RingEnded, RingMeter, RingStarted

# Two presses closer than this are one: a finger is slower, the bounce of a push button is not.
PRESS_APART_MS = 300
# A hook contact that bounces for this long is worn or badly wired, not bouncing. Nothing waits for it any longer.
CHATTER_MS = 1000


class Kind(enum.Enum):
    """What the line machine reacts to: what happened, and its own timers running out."""

    FOUND_OFF_HOOK = "found off-hook"  # the first hook edge of all tells an off-hook line
    OFF_HOOK = "off-hook"
    ON_HOOK = "on-hook"
    RING_STARTED = "ring started"
    RING_ENDED = "ring ended"
    PRESS = "press"
    PULSED = "digit by pulses"
    KEY = "key"
    TONE_BEGUN = "a tone, not named yet"
    DIAL_TONE = "dial tone, or a howler"
    DIAL_TONE_LONG = "dial tone for long"
    RING_BACK = "ring-back"
    BUSY = "busy"
    BUSY_LONG = "busy for long"
    SPEECH = "speech"
    VOICE = "a voice, on-hook"
    NUMBER = "caller's number"
    CAR_OVER = "too long a pause for a CAR"
    CAR_NONE = "too long a ring for a CAR"
    PRIMARY_DUE = "no data, or no end of them"
    LIFT_HELD = "off-hook held"
    RING_TIMEOUT = "no ring for long"
    ANSWER_DUE = "no digit for long"
    VOICE_OVER = "no voice for long"
    FLASH_DUE = "break as long as a flash"
    HANG_UP_DUE = "break too long for a flash"
    PART_DUE = "part full"


# Who goes first of those at one time. A press, decided at once, cannot wait for edges still to come at its time.
PRESS_RANK, HOOK_RANK, RING_RANK, PULSE_RANK, SOUND_RANK = range(5)


class Input(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened at `at_ns`; `what` is the pulse digit or what was heard."""

    kind: Kind
    at_ns: int
    rank: int
    what: object = None


class InputOrder:
    """Edges and presses in, inputs in the order of their times out. Sans-I/O; nothing raises."""

    def __init__(self, timers: LineTimers) -> None:
        self._hook = Debouncer(timers.bounce_ms)
        self._ring = RingMeter(timers.ring_confirm_ms, timers.ring_silence_ms)
        self._pulses = PulseMeter(
            PulseParameters(
                glitch_ms=timers.glitch_ms, pulse_max_ms=timers.pulse_max_ms, pause_ms=timers.pulse_pause_ms
            )
        )
        self._pulse_pause_ns = round(timers.pulse_pause_ms * MS)
        self._waiting: list[Input] = []
        self._now_ns = 0
        self._pressed_ns: int | None = None
        self._chatter_told = False

    @property
    def off_hook_raw(self) -> bool:
        """The hook level of the last edge, bounce and all."""
        return self._hook.raw

    @property
    def horizon(self) -> int:
        """What happened before this time is known, and handed out."""
        return min((since for since, _ in self._pending()), default=self._now_ns)

    def contact(self, contact: Contact, active: bool, t: int) -> list[Anomaly]:
        """An edge at `t`; an earlier time than the last seen counts as that, with an anomaly."""
        anomalies = self._arrive(t, contact.value)
        if contact is Contact.HOOK:
            self._take(self._hook.edge(active, self._now_ns))
            self._take_digits(self._pulses.edge(active, self._now_ns), self._now_ns)
        else:
            self._take(self._ring.edge(active, self._now_ns))
        return anomalies

    def press(self, t: int) -> list[Anomaly]:
        """A press at `t`, dropped as bounce when it comes too soon after the last that counted."""
        anomalies = self._arrive(t, "button")
        if self._pressed_ns is None or self._now_ns - self._pressed_ns >= PRESS_APART_MS * MS:
            self._pressed_ns = self._now_ns
            self._wait(Input(Kind.PRESS, self._now_ns, PRESS_RANK))
        return anomalies

    def sound(self, kind: Kind, at_ns: int, what: object) -> None:
        """Something was heard at `at_ns`, to which time has come (`advance`). What comes late counts as of now."""
        self._wait(Input(kind, max(at_ns, self.horizon), SOUND_RANK, what))

    def advance(self, now: int) -> list[Anomaly]:
        """Time has come to `now`: decide what is due, in the order in which it fell due."""
        anomalies: list[Anomaly] = []
        while (due := self._due()) is not None and due <= now:
            self._take([self._in_time(one, due) for one in self._hook.tick(due)])
            self._take(self._ring.tick(due))
            self._take_digits(self._pulses.tick(due), due)
            anomalies += self._chatter(due)
        self._now_ns = max(self._now_ns, now)
        return anomalies

    @property
    def pulse_due(self) -> int | None:
        """When a digit by pulses may be over, or None. Nothing else waits for it."""
        return self._pulses.deadline()

    def deadline(self) -> int | None:
        """When `advance` is due next for what all else waits for, or None."""
        dues = [due for due in (self._hook.deadline(), self._ring.deadline(), self._chatter_due()) if due is not None]
        return min(dues, default=None)

    def _due(self) -> int | None:
        dues = [due for due in (self.deadline(), self.pulse_due) if due is not None]
        return min(dues, default=None)

    def head(self) -> Input | None:
        """The earliest input whose turn has come; it stays until `take`."""
        if self._waiting and all(_turn(self._waiting[0]) < pending for pending in self._pending()):
            return self._waiting[0]
        return None

    def take(self) -> None:
        """Done with the input that `head` gave."""
        del self._waiting[0]

    def _arrive(self, t: int, what: str) -> list[Anomaly]:
        early = self._now_ns - t
        anomalies = self.advance(t)
        if early > 0:
            detail = f"{what}: {early / MS:.3f} ms before what came last"
            anomalies.append(Anomaly(self._now_ns, "time_reversed", detail))
        return anomalies

    def _pending(self) -> list[tuple[int, int]]:
        """The earliest turns that inputs not yet decided may take."""
        hook = None if self._chatter_told else self._hook.pending_since
        pending = ((hook, HOOK_RANK), (self._ring.pending_since, RING_RANK))
        return [(since, rank) for since, rank in pending if since is not None]

    def _take(self, decided: list[Transition] | list[RingStarted | RingEnded]) -> None:
        for one in decided:
            self._wait(_input(one))

    def _take_digits(self, digits: list[PulseDigit], now: int) -> None:
        for digit in digits:
            at = digit.ended_ns + self._pulse_pause_ns
            self._wait(Input(Kind.PULSED, max(at, now) if self._chatter_told else at, PULSE_RANK, digit))

    def _in_time(self, settled: Transition, now: int) -> Transition:
        """A contact that chatters is not waited for, so what it comes to in the end counts as of then."""
        return msgspec.structs.replace(settled, at_ns=now) if self._chatter_told else settled

    def _wait(self, one: Input) -> None:
        bisect.insort_right(self._waiting, one, key=_turn)

    def _chatter_due(self) -> int | None:
        since = self._hook.pending_since
        return None if since is None or self._chatter_told else since + CHATTER_MS * MS

    def _chatter(self, now: int) -> list[Anomaly]:
        since = self._hook.pending_since
        if since is None:
            self._chatter_told = False
            return []
        if self._chatter_told or now < since + CHATTER_MS * MS:
            return []
        self._chatter_told = True
        return [Anomaly(since, "hook_chatter", f"the hook contact has bounced for {CHATTER_MS} ms")]


def _turn(one: Input) -> tuple[int, int]:
    return one.at_ns, one.rank


def _input(decided: Transition | RingStarted | RingEnded) -> Input:
    if isinstance(decided, RingStarted):
        return Input(Kind.RING_STARTED, decided.at_ns, RING_RANK)
    if isinstance(decided, RingEnded):
        return Input(Kind.RING_ENDED, decided.at_ns, RING_RANK)
    if not decided.active:
        return Input(Kind.ON_HOOK, decided.at_ns, HOOK_RANK)
    return Input(Kind.FOUND_OFF_HOOK if decided.initial else Kind.OFF_HOOK, decided.at_ns, HOOK_RANK)
