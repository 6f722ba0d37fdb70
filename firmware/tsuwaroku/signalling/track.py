"""What the line machine remembers of a call, what it does with it, and when its timers run out."""

from __future__ import annotations

from tsuwaroku.config import LineTimers
from tsuwaroku.records.call import Direction, Outcome
from tsuwaroku.signalling.effects import (
    Anomaly,
    Answered,
    Effect,
    Ended,
    Flash,
    Marked,
    MarkedLate,
    Missed,
    OffHook,
    PartDue,
    PressIgnored,
    Seized,
)
from tsuwaroku.signalling.hook import MS

SECOND = 1000  # in milliseconds


class Track:
    """The memory of one line's machine. Methods with only `at` are actions of its table: `at` is when it happened."""

    def __init__(self, timers: LineTimers) -> None:
        self.effects: list[Effect] = []
        self.held: list[int] = []  # presses while off-hook is not confirmed
        self._lifted_ns = 0  # the off-hook edge
        self._quiet_ns: int | None = None  # when the last ring ended; None while it rings
        self._digit_ns = 0  # the last sign of dialling
        self._break_ns = 0  # the start of the break
        self._mended_ns = 0  # the end of the last break
        self._part_ns = 0  # where the part of the call began
        self._ended_ns: int | None = None  # the end of the last call, until the next is seized
        self._off_hook_idle_ns = _ns(timers.off_hook_idle_ms)
        self._off_hook_ringing_ns = _ns(timers.off_hook_ringing_ms)
        self._glitch_ns = _ns(timers.glitch_ms)
        self._pulse_max_ns = _ns(timers.pulse_max_ms)
        self._flash_min_ns = _ns(timers.flash_min_ms)
        self._hang_up_ns = _ns(timers.hang_up_s * SECOND)
        self._ring_timeout_ns = _ns(timers.ring_timeout_s * SECOND)
        self._answer_inferred_ns = _ns(timers.answer_inferred_s * SECOND)
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

    def answer_due(self) -> int:
        """Silence of the dial means that somebody answered."""
        return self._digit_ns + self._answer_inferred_ns

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

    def seize(self, at: int, direction: Direction, *, resumed: bool = False) -> None:
        self._ended_ns = None
        self._quiet_ns = None
        self.effects.append(Seized(at, direction, resumed))

    def ring(self, at: int) -> None:
        self.seize(at, Direction.INBOUND)

    def ring_lifted(self, at: int) -> None:
        # Picked up in the moment before the first ring: the call begins with the first thing that happened.
        self.seize(self._lifted_ns, Direction.INBOUND)

    def ring_again(self, at: int) -> None:
        self._quiet_ns = None

    def ring_over(self, at: int) -> None:
        self._quiet_ns = at

    def ring_in_call(self, at: int) -> None:
        self.effects.append(Anomaly(at, "ring_in_call", "ringing voltage on an off-hook line"))

    def miss(self, at: int) -> None:
        ring_end = at if self._quiet_ns is None else self._quiet_ns
        self.effects.append(Missed(ring_end, at))

    def capture(self) -> None:
        self._part_ns = self._digit_ns = self._lifted_ns
        self.effects.append(OffHook(self._lifted_ns))

    def dial(self, at: int) -> None:
        self.seize(self._lifted_ns, Direction.OUTBOUND)
        self.capture()

    def answer(self, at: int) -> None:
        self.capture()
        self.effects.append(Answered(self._lifted_ns))

    def resume(self, at: int) -> None:
        self.lift(at)
        self.seize(at, Direction.UNKNOWN, resumed=True)
        self.answer(at)

    def infer_answer(self, at: int) -> None:
        self.effects.append(Answered(at, inferred=True))

    def break_(self, at: int) -> None:
        self._break_ns = at

    def mend(self, at: int) -> None:
        """The break ended before a flash's length. Any but a glitch is a sign of dialling."""
        length = at - self._break_ns
        self._mended_ns = at
        if length >= self._glitch_ns:
            self._digit_ns = at
        if length > self._pulse_max_ns:
            self.effects.append(Anomaly(self._break_ns, "ambiguous_break", f"on-hook for {length / MS:.1f} ms"))

    def flash(self, at: int) -> None:
        self._mended_ns = self._digit_ns = at
        self.effects.append(Flash(self._break_ns, at - self._break_ns))

    def end(self, at: int, outcome: Outcome) -> None:
        self._ended_ns = self._break_ns
        self.effects.append(Ended(self._break_ns, at, outcome))

    def hang_up(self, at: int) -> None:
        self.end(at, Outcome.ANSWERED)

    def abandon(self, at: int) -> None:
        self.end(at, Outcome.ABANDONED)

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
