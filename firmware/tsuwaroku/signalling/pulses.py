"""Dial pulses: from makes and breaks of the loop to digits.

Takes the contact's raw edges. The 10 ms for which a level must be held elsewhere (`hook.py`) are too long here: the
shortest legal make is 13.9 ms, and jitter and bounce come off it.
"""

from __future__ import annotations

import msgspec

from tsuwaroku.signalling.hook import MS, Debouncer, Transition

KEYS = "1234567890"
_TOO_MANY = len(KEYS) + 1
# Between the periods of 20 ± 1.6 and 10 ± 1 pulses a second, and between their breaks (facts).
_SLOW_PERIOD_NS = 70 * MS
_SLOW_BREAK_NS = 45 * MS


class PulseParameters(msgspec.Struct, frozen=True):
    """Breaks from `glitch_ms` to `pulse_max_ms` are pulses; `pause_ms` of loop end a digit (facts: call states)."""

    bounce_ms: float = 5.0
    glitch_ms: float = 25.0
    pulse_max_ms: float = 90.0
    pause_ms: float = 200.0


class PulseDigit(msgspec.Struct, frozen=True, gc=False):
    """A digit, one of 0-9, from its first break to the end of its last; `pps` is 10 or 20."""

    key: str
    began_ns: int
    ended_ns: int
    pps: int


class PulseMeter:
    """Edges in, digits out: sans-I/O, like `Debouncer`, with the same rule for earlier times. Nothing raises.

    A digit with a break in it that is too long, or with more than ten pulses, is none: nothing is guessed.
    """

    def __init__(self, parameters: PulseParameters | None = None) -> None:
        p = parameters or PulseParameters()
        self._glitch_ns, self._longest_ns = round(p.glitch_ms * MS), round(p.pulse_max_ms * MS)
        self._pause_ns = round(p.pause_ms * MS)
        self._contact = Debouncer(p.bounce_ms)
        self.reset()

    def reset(self) -> None:
        """A flash, a hang-up, a new call: forget a digit that is under way."""
        self._break_ns: int | None = None  # the loop is open since
        self._forget()

    def _forget(self) -> None:
        self._pulses = 0
        self._first_ns = 0  # of the digit: its first break,
        self._last_ns = 0  # its last break,
        self._made_ns = 0  # the end of that

    @property
    def under_way(self) -> bool:
        """A digit has begun and has not ended."""
        return self._pulses > 0

    def edge(self, closed: bool, t: int) -> list[PulseDigit]:
        """The loop was closed or opened at `t`. Returns the digit that ended before it."""
        return self._settle(self._contact.edge(closed, t), t)

    def tick(self, now: int) -> list[PulseDigit]:
        """Time has come to `now`."""
        return self._settle(self._contact.tick(now), now)

    def deadline(self) -> int | None:
        """When `tick` is due next, or None."""
        settles = self._contact.deadline()
        if not self._pulses or self._break_ns is not None:
            return settles
        ends = self._made_ns + self._pause_ns
        if settles is None:
            return ends
        return min(ends, settles) if self._undisturbed(ends) else settles

    def _undisturbed(self, ends: int) -> bool:
        """No break that is not settled yet began before then."""
        pending = self._contact.pending_since
        return pending is None or pending >= ends

    def _settle(self, transitions: list[Transition], now: int) -> list[PulseDigit]:
        digits: list[PulseDigit] = []
        for one in transitions:
            digits += self._close(one.at_ns) if one.active else self._open(one.at_ns)
        ends = self._made_ns + self._pause_ns
        if self._pulses and self._break_ns is None and now >= ends and self._undisturbed(ends):
            digits += self._end()
        return digits

    def _open(self, at: int) -> list[PulseDigit]:
        digits = self._end() if self._pulses and at >= self._made_ns + self._pause_ns else []
        self._break_ns = at
        return digits

    def _close(self, at: int) -> list[PulseDigit]:
        began, self._break_ns = self._break_ns, None
        if began is not None and at - began < self._glitch_ns:
            return []  # a glitch, which leaves a make what it was
        if began is None or at - began > self._longest_ns:
            # The contact's first level of all, a flash or worse. What was dialled just before or after it, without a
            # pause, is not to be trusted: it may be bounce.
            self._pulses, self._made_ns = _TOO_MANY, at
            return []
        if not self._pulses:
            self._first_ns = began
        self._pulses = min(self._pulses + 1, _TOO_MANY)
        self._last_ns, self._made_ns = began, at
        return []

    def _end(self) -> list[PulseDigit]:
        count, first, last, made = self._pulses, self._first_ns, self._last_ns, self._made_ns
        self._forget()
        if count >= _TOO_MANY:
            return []
        slow = last - first >= _SLOW_PERIOD_NS * (count - 1) if count > 1 else made - last >= _SLOW_BREAK_NS
        return [PulseDigit(KEYS[count - 1], first, made, 10 if slow else 20)]
