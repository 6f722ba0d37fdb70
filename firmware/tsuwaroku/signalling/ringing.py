"""From the ring contact to single rings.

The contact is an envelope (on 1 s, off 2 s) or follows the ringing voltage of 15 to 25 Hz (active 12 to 28 ms a
cycle), and may bounce. Voltage is added up instead of debounced, so bounce and the 1 ms kick of a feed coil at a
dial pulse do not matter.
"""

from __future__ import annotations

from collections import deque

import msgspec

from tsuwaroku.signalling.hook import MS

# Four cycles of 16 Hz: the shortest ring still has 48 ms of voltage in it.
CONFIRM_WINDOW_MS = 250.0


class RingStarted(msgspec.Struct, frozen=True, gc=False):
    """A ring began; `at_ns` is the first edge of its voltage."""

    at_ns: int


class RingEnded(msgspec.Struct, frozen=True, gc=False):
    """A ring is over; `at_ns` is the last edge of its voltage."""

    at_ns: int


class RingMeter:
    """Edges in, rings out: sans-I/O, like `Debouncer`, with the same rule for earlier times.

    A ring is voltage adding up to `confirm_ms` within CONFIRM_WINDOW_MS of an edge (or without a pause, if that takes
    longer); `silence_ms` without ends it.
    """

    def __init__(self, confirm_ms: float, silence_ms: float) -> None:
        self._confirm_ns = round(confirm_ms * MS)
        self._silence_ns = round(silence_ms * MS)
        self._window_ns = round(CONFIRM_WINDOW_MS * MS)
        # Voltage that may yet become a ring: past stretches (start, length), their sum, and the running one.
        self._stretches: deque[tuple[int, int]] = deque()
        self._sum_ns = 0
        self._on_ns: int | None = None
        self._off_ns = 0
        self._ringing = False
        self._now_ns = 0
        self.reversals = 0

    @property
    def ringing(self) -> bool:
        """A ring is confirmed and not yet over."""
        return self._ringing

    @property
    def pending_since(self) -> int | None:
        """The earliest time that a RingStarted or RingEnded still to come may carry; None: that of a later edge."""
        if self._ringing:
            return self._off_ns if self._on_ns is None else None
        return self._stretches[0][0] if self._stretches else self._on_ns

    def edge(self, active: bool, t: int) -> list[RingStarted | RingEnded]:
        """An edge at `t`. Returns what was decided before it."""
        if t < self._now_ns:
            self.reversals += 1
        decided = self.tick(t)
        now = self._now_ns
        if active and self._on_ns is None:
            self._on_ns = now
        elif not active and self._on_ns is not None:
            if not self._ringing:
                self._stretches.append((self._on_ns, now - self._on_ns))
                self._sum_ns += now - self._on_ns
            self._on_ns, self._off_ns = None, now
        self._forget()
        return decided

    def tick(self, now: int) -> list[RingStarted | RingEnded]:
        """Time has come to `now`. Returns the rings that began or ended, in order."""
        decided: list[RingStarted | RingEnded] = []
        target = max(self._now_ns, now)
        while (due := self.deadline()) is not None and due <= target:
            self._now_ns = max(self._now_ns, due)
            if self._ringing:
                self._ringing = False
                decided.append(RingEnded(self._off_ns))
            elif self._on_ns is not None:
                decided.append(RingStarted(self._stretches[0][0] if self._stretches else self._on_ns))
                self._ringing = True
                self._stretches.clear()
                self._sum_ns = 0
            else:
                self._forget()
        self._now_ns = target
        return decided

    def deadline(self) -> int | None:
        """When `tick` is due next, or None."""
        if self._ringing:
            return None if self._on_ns is not None else self._off_ns + self._silence_ns
        if self._on_ns is not None:
            return self._on_ns + self._confirm_ns - self._sum_ns
        if self._stretches:
            # From here on not even voltage without a pause could make the first stretch part of a ring.
            return self._stretches[0][0] + self._window_ns - self._confirm_ns + self._sum_ns + 1
        return None

    def _forget(self) -> None:
        """Drop stretches too old for voltage from now on (or from the running edge on) to complete a ring."""
        since = self._now_ns if self._on_ns is None else self._on_ns
        while self._stretches:
            start, length = self._stretches[0]
            if since + self._confirm_ns - self._sum_ns <= start + self._window_ns:
                return
            self._stretches.popleft()
            self._sum_ns -= length
