"""What the line machine remembers of a call, what it does with it, and when its timers run out."""

from __future__ import annotations

from tsuwaroku.config import LineTimers
from tsuwaroku.records.call import Direction, Outcome
from tsuwaroku.signalling.cadence import Tone
from tsuwaroku.signalling.ear import Key, NumberHeard, Spoken, ToneHeard, VoiceHeard
from tsuwaroku.signalling.effects import (
    Anomaly,
    Answered,
    Dialled,
    Effect,
    Ended,
    Flash,
    Marked,
    MarkedLate,
    Missed,
    NumberKnown,
    OffHook,
    PartDue,
    PressIgnored,
    PrimaryOver,
    Progress,
    Seized,
    Unanswered,
)
from tsuwaroku.signalling.hook import MS
from tsuwaroku.signalling.pulses import PulseDigit

SECOND = 1000  # in milliseconds


# Somebody who speaks so soon after a tone that ended the call is of that call.
_AGAIN_NS = 60 * SECOND * MS


class Track:
    """The memory of one line's machine. Methods with only `at` are actions of its table: `at` is when it happened.

    `what` is what the present input brought with it: a digit, or what was heard.
    """

    def __init__(self, timers: LineTimers) -> None:
        self.effects: list[Effect] = []
        self.held: list[int] = []  # presses while off-hook is not confirmed
        self.what: object = None
        self._lifted_ns = 0  # the off-hook edge
        self._primary_lifted_ns = 0  # the same, of what may be a primary answer
        self._rung_ns = 0  # when the last ring began
        self._quiet_ns: int | None = None  # when the last ring ended; None while it rings
        self._digit_ns = 0  # the last sign of dialling
        self._break_ns = 0  # the start of the break
        self._mended_ns = 0  # the end of the last break
        self._part_ns = 0  # where the part of the call began
        self._ended_ns: int | None = None  # the end of the last call, until the next is seized
        self._tone_ns = 0  # when the exchange was last heard to say that there is no call
        self._flash_ns: int | None = None  # the last flash of this call
        self._answered_ns = 0  # the answer, where it was inferred
        self._free_ns = 0  # when it was decided that the last call is over
        self._voice_ns = 0  # when somebody was last heard, where nothing else says that there is a call
        self._direction = Direction.UNKNOWN
        self._captured = False  # sound of this call is kept already
        self._data = False  # the primary answer was one: data came
        self._before: NumberHeard | None = None  # a number that came before the first ring
        self._dialled = False  # something was dialled since the off-hook, or since the last flash
        self._answered_ns = 0
        self._inferred = False  # nothing but sound or time said that somebody answered
        self._outcome = Outcome.ABANDONED  # if nobody answers any more
        self._off_hook_idle_ns = _ns(timers.off_hook_idle_ms)
        self._off_hook_ringing_ns = _ns(timers.off_hook_ringing_ms)
        self._glitch_ns = _ns(timers.glitch_ms)
        self._pulse_max_ns = _ns(timers.pulse_max_ms)
        self._flash_min_ns = _ns(timers.flash_min_ms)
        self._hang_up_ns = _ns(timers.hang_up_s * SECOND)
        self._ring_timeout_ns = _ns(timers.ring_timeout_s * SECOND)
        self._answer_inferred_ns = _ns(timers.answer_inferred_s * SECOND)
        self._car_ring_ns = _ns(timers.car_ring_ms)
        self._car_pause_ns = _ns(timers.car_pause_ms)
        self._primary_data_ns = _ns(timers.primary_data_s * SECOND)
        self._primary_ns = _ns(timers.primary_s * SECOND)
        self._sound_silence_ns = _ns(timers.sound_silence_s * SECOND)
        self._ring_pause_ns = _ns(timers.ring_pause_s * SECOND)
        self._flash_tones_ns = _ns(timers.flash_tones_s * SECOND)
        self._mark_window_ns = _ns(timers.mark_window_s * SECOND)
        self._part_max_ns = _ns(timers.part_max_s * SECOND)

    # --- when timers run out

    def lift_due(self) -> int:
        """Off-hook with no ring becomes a call."""
        return self._lifted_ns + self._off_hook_idle_ns

    def pick_due(self) -> int:
        """Off-hook while ringing becomes an answer."""
        return self._lifted_ns + self._off_hook_ringing_ns

    def ring_due(self) -> int | None:
        """The call is given up; None while it rings."""
        return None if self._quiet_ns is None else self._quiet_ns + self._ring_timeout_ns

    def car_none_due(self) -> int | None:
        """A ring so long is no CAR; None while it does not ring."""
        return self._rung_ns + self._car_ring_ns if self._quiet_ns is None else None

    def car_over_due(self) -> int | None:
        """Nor is one with so long a pause behind it; None while it rings."""
        return None if self._quiet_ns is None else self._quiet_ns + self._car_pause_ns

    def primary_due(self) -> int:
        """A primary answer without data was an answer; one that goes on and on is one by now."""
        return self._lifted_ns + (self._primary_ns if self._data else self._primary_data_ns)

    def answer_due(self) -> int:
        """Silence of dial and exchange means that somebody answered."""
        return self._digit_ns + self._answer_inferred_ns

    def voice_over_due(self) -> int:
        """Nobody has spoken for so long that there is no call any more."""
        return self._voice_ns + self._sound_silence_ns

    def flash_due(self) -> int:
        """The break is as long as a flash."""
        return self._break_ns + self._flash_min_ns

    def hang_up_due(self) -> int:
        """The break is too long for a flash."""
        return self._break_ns + self._hang_up_ns

    def part_due(self) -> int:
        """The part is full. The next never begins in a break, which may be the call's end, but at the break's end."""
        return max(self._part_ns + self._part_max_ns, self._mended_ns)

    # --- actions

    def lift(self, at: int) -> None:
        self._lifted_ns = at

    def drop(self, at: int) -> None:
        length = f"off-hook for {(at - self._lifted_ns) / MS:.1f} ms"
        self.effects.append(Anomaly(self._lifted_ns, "short_off_hook", length))

    def seize(
        self,
        at: int,
        direction: Direction,
        *,
        resumed: bool = False,
        again: bool = False,
        by_sound: bool = False,
    ) -> None:
        self._ended_ns = None
        self._quiet_ns = None
        self._flash_ns = None
        self._captured = self._data = self._dialled = self._inferred = False
        self._answered_ns = 0
        self._direction = direction
        self._outcome = Outcome.ABANDONED
        self.effects.append(Seized(at, direction, resumed, again, by_sound))

    def ring(self, at: int) -> None:
        self._rung_ns = at
        self.seize(at, Direction.INBOUND)
        before, self._before = self._before, None
        if before is not None and at - before.began_ns <= self._ring_timeout_ns:
            self.effects.append(NumberKnown(at, before.caller))

    def ring_lifted(self, at: int) -> None:
        # Picked up in the moment before the first ring: the call begins with the first thing that happened.
        self.seize(self._lifted_ns, Direction.INBOUND)

    def ring_again(self, at: int) -> None:
        self._quiet_ns, self._rung_ns = None, at

    def ring_over(self, at: int) -> None:
        self._quiet_ns = at

    def number_before(self, at: int) -> None:
        """Some exchanges send the number first, and ring then."""
        if isinstance(self.what, NumberHeard):
            self._before = self.what

    def number(self, at: int) -> None:
        if isinstance(self.what, NumberHeard):
            self._data = True
            self.effects.append(NumberKnown(at, self.what.caller))

    def number_in_call(self, at: int) -> None:
        """Another call waits; or the answer came in the middle of this one's number."""
        if isinstance(self.what, NumberHeard):
            own = self._direction is Direction.INBOUND and self.what.began_ns <= self._lifted_ns
            self.effects.append(NumberKnown(at, self.what.caller, waiting=not own))

    def ring_in_call(self, at: int) -> None:
        self.effects.append(Anomaly(at, "ring_in_call", "ringing voltage on an off-hook line"))

    def miss(self, at: int) -> None:
        if self._captured and not self._data and self._rung_ns <= self._break_ns:
            self.give_up_ring(at)  # it never rang again after somebody had lifted, for longer than by mistake
            return
        self._free_ns = at
        ring_end = at if self._quiet_ns is None else self._quiet_ns
        self.effects.append(Missed(ring_end, at))

    def capture(self) -> None:
        if not self._captured:
            self._captured = True
            self._part_ns = self._digit_ns = self._mended_ns = self._lifted_ns
            self.effects.append(OffHook(self._lifted_ns))

    def primary(self, at: int) -> None:
        """The loop was closed in what may be a CAR. Nobody knows yet whether that is an answer: it is captured."""
        self.capture()

    def answer_primary(self, at: int) -> None:
        """No data came, so a person lifted; or data came, and the loop is still closed long after them."""
        self.say_answered(at if self._data else self._lifted_ns)

    def primary_over(self, at: int) -> None:
        self._break_ns = self._quiet_ns = at
        self._primary_lifted_ns = self._lifted_ns
        if self._data:
            self.effects.append(PrimaryOver(at, at - self._lifted_ns))

    def give_up_ring(self, at: int) -> None:
        """No ring came after the loop was opened. Without data that was no primary answer, but a short call."""
        if self._data:
            self.miss(at)
            return
        self.effects.append(Answered(self._primary_lifted_ns))
        self.end(at, Outcome.ANSWERED)

    def dial(self, at: int) -> None:
        self.seize(self._lifted_ns, Direction.OUTBOUND)
        self.capture()

    def answer(self, at: int) -> None:
        self.capture()
        self.say_answered(self._lifted_ns)

    def resume(self, at: int) -> None:
        self.lift(at)
        self.seize(at, Direction.UNKNOWN, resumed=True)
        self.answer(at)

    def say_answered(self, at: int, *, inferred: bool = False) -> None:
        self._answered_ns, self._inferred = at, inferred
        self.effects.append(Answered(at, inferred))

    def infer_answer(self, at: int) -> None:
        self.say_answered(at, inferred=True)

    def hear_answer(self, at: int) -> None:
        """A voice, after the last digit and the last ring-back."""
        began = self.what.began_ns if isinstance(self.what, Spoken) else at
        self.infer_answer(max(began, self._digit_ns))

    def unanswer(self, at: int) -> None:
        self._inferred = False
        self.effects.append(Unanswered(at))
        self.ring_back(at)

    def ring_back(self, at: int) -> None:
        if self._outcome is not Outcome.NO_ANSWER:
            self._outcome = Outcome.NO_ANSWER
            self.effects.append(Progress(at, Tone.RING_BACK))
        self._digit_ns = at

    def busy(self, at: int) -> None:
        """Busy, or refused; where nothing was dialled the exchange is tired of waiting."""
        if self._dialled and self._outcome is not Outcome.BUSY:
            self._outcome = Outcome.BUSY
            self.effects.append(Progress(at, Tone.BUSY))
        self._digit_ns = self._tone_ns = at

    def sign(self, at: int) -> None:
        """A sign that nobody has answered yet."""
        self._digit_ns = at

    def dial_tone(self, at: int) -> None:
        """The exchange waits for digits: nobody has answered."""
        self._digit_ns = self._tone_ns = at

    def key(self, at: int) -> None:
        """A digit, by either way. Pulses were a sign of dialling already when each was over (`mend`)."""
        if not self._dialled:
            self._dialled, self._outcome = True, Outcome.ABANDONED
        if isinstance(self.what, Key):
            self._digit_ns = max(self._digit_ns, at)
            self.effects.append(Dialled(at, self.what.key, self.what.began_ns, self.what.level_dbm0))
        elif isinstance(self.what, PulseDigit):
            self.effects.append(Dialled(at, self.what.key, self.what.began_ns))

    # --- what of an input counts (guards of the table)

    def dialled(self, at: int) -> bool:
        """Speech before the first digit is of this end."""
        return self._dialled

    def rang_unheard(self, at: int) -> bool:
        """A ring-back takes back an answer that was only inferred; after a flash it is of a consultation."""
        return self._inferred and self._flash_ns is None

    def tones_count(self, at: int) -> bool:
        """Not in a consultation: the other party may be parked."""
        return self._flash_ns is None or at - self._flash_ns > self._flash_tones_ns

    def rings_no_more(self, at: int) -> bool:
        """Between two rings of one call the pause is shorter: what is heard in it is not believed."""
        return self._quiet_ns is not None and at - self._quiet_ns >= self._ring_pause_ns

    def tone_silent(self, at: int) -> bool:
        """The exchange's tone is over, so a voice may be of another party."""
        return at - self._tone_ns > 2 * SECOND * MS

    def break_(self, at: int) -> None:
        self._break_ns = at

    def mend(self, at: int) -> None:
        """The break ended before a flash's length. Any but a glitch is a sign of dialling."""
        length = at - self._break_ns
        self._mended_ns = at
        if self._glitch_ns <= length <= self._pulse_max_ns:
            self._dialled = True
        if length >= self._glitch_ns:
            self._digit_ns = at
        if length > self._pulse_max_ns:
            self.effects.append(Anomaly(self._break_ns, "ambiguous_break", f"on-hook for {length / MS:.1f} ms"))

    def flash(self, at: int) -> None:
        self._mended_ns = self._digit_ns = self._flash_ns = at
        self._dialled = False
        self.effects.append(Flash(self._break_ns, at - self._break_ns))

    def end(self, at: int, outcome: Outcome) -> None:
        self._ended_ns, self._free_ns = self._break_ns, at
        self.effects.append(Ended(self._break_ns, at, outcome))

    def hang_up(self, at: int) -> None:
        self.end(at, Outcome.ANSWERED)

    def abandon(self, at: int) -> None:
        self.end(at, self._outcome)

    def end_by_tone(self, at: int) -> None:
        """The other party has hung up, whatever the hook says."""
        began = self.what.began_ns if isinstance(self.what, ToneHeard) else at
        self._ended_ns = max(began, self._answered_ns, self._lifted_ns, self._part_ns, self._mended_ns)
        self._tone_ns = self._free_ns = at
        self.effects.append(Ended(self._ended_ns, at, Outcome.ANSWERED, by_tone=True))

    def fail_by_tone(self, at: int) -> None:
        """The same where nobody had answered."""
        self._tone_ns = self._free_ns = at
        self._ended_ns = max(self._mended_ns, self._part_ns, at)
        self.effects.append(Ended(self._ended_ns, at, self._outcome, by_tone=True))

    # --- after a call that a tone ended, while the hook still says off-hook

    def tone_again(self, at: int) -> None:
        self._tone_ns = at

    def speak_again(self, at: int) -> None:
        """Somebody speaks: the call was not over, or the next has begun behind a hook that sticks."""
        began = self.what.began_ns if isinstance(self.what, Spoken) else at
        self._lifted_ns = max(began, self._tone_ns)
        again = self._ended_ns is not None and self._lifted_ns - self._ended_ns <= _AGAIN_NS
        self.seize(self._lifted_ns, self._direction if again else Direction.UNKNOWN, again=again)
        self.capture()
        self.infer_answer(self._lifted_ns)

    def dial_again(self, at: int) -> None:
        began = self.what.began_ns if isinstance(self.what, Key) else at
        self._lifted_ns = max(began, self._tone_ns)
        self.seize(self._lifted_ns, Direction.OUTBOUND)
        self.capture()
        self.key(at)

    def hear_pick_up(self, at: int) -> None:
        """It rang, and somebody speaks: answered, behind a hook that sticks."""
        began = self.what.began_ns if isinstance(self.what, Spoken) else at
        self._lifted_ns = max(began, self._rung_ns)
        self.capture()
        self.infer_answer(self._lifted_ns)

    # --- a call that only sound shows, for the hook says on-hook

    def hear_call(self, at: int) -> None:
        """Somebody speaks. Who called whom, nothing tells."""
        self._lifted_ns = self._voice_began(at)
        self.seize(self._lifted_ns, Direction.UNKNOWN, by_sound=True)
        self._begin_by_sound(at)

    def hear_unseen_pick_up(self, at: int) -> None:
        """It rang, and somebody speaks."""
        self._lifted_ns = max(self._voice_began(at), self._rung_ns, self._quiet_ns or 0)
        self._begin_by_sound(at)

    def _voice_began(self, at: int) -> int:
        began = self.what.began_ns if isinstance(self.what, VoiceHeard) else at
        return max(began, self._free_ns)  # never in the sound of the call before

    def _begin_by_sound(self, at: int) -> None:
        self._voice_ns = at
        self.capture()
        self.infer_answer(self._lifted_ns)
        self.effects.append(Anomaly(at, "speech_on_hook", "somebody speaks, and the hook contact says on-hook"))

    def hear_on(self, at: int) -> None:
        self._voice_ns = at

    def key_by_sound(self, at: int) -> None:
        self._voice_ns = at
        self.key(at)

    def seen_at_last(self, at: int) -> None:
        """The contact shows it after all: from here on the hook decides."""
        self._mended_ns = at

    def end_by_silence(self, at: int) -> None:
        self._end_by_sound(self._voice_ns, at)

    def end_by_ring(self, at: int) -> None:
        """Only an on-hook line is rung: nobody speaks any more, and the next call is here."""
        self._end_by_sound(at, at)
        self.ring(at)

    def _end_by_sound(self, at: int, decided: int) -> None:
        self._break_ns = self._ended_ns = max(at, self._part_ns)
        self._free_ns = decided
        self.effects.append(Ended(self._ended_ns, decided, Outcome.ANSWERED, by_sound=True))

    def hang_up_by_ring(self, at: int) -> None:
        # Only an on-hook line is rung: the break was the hang-up, and the next call is here.
        self.hang_up(at)
        self.ring(at)

    def abandon_by_ring(self, at: int) -> None:
        self.abandon(at)
        self.ring(at)

    def part(self, at: int) -> None:
        self._part_ns = at
        self.effects.append(PartDue(at))

    def hold_press(self, at: int) -> None:
        self.held.append(at)

    def mark(self, at: int) -> None:
        self.effects.append(Marked(at))

    def mark_late(self, at: int) -> None:
        late = self._ended_ns is not None and at - self._ended_ns <= self._mark_window_ns
        self.effects.append(MarkedLate(at) if late else PressIgnored(at))

    def ignore_press(self, at: int) -> None:
        self.effects.append(PressIgnored(at))


def _ns(milliseconds: float) -> int:
    return round(milliseconds * MS)
