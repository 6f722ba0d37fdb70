"""What a line's voltage says of its hook, where the comparator with its fixed threshold cannot.

A comparator takes less than 31 V (17 V with the jumpers of a 24 V exchange) for off-hook. Near the exchange, on a long
loop, an off-hook telephone leaves more than that; and a 24 V line without the jumpers is always below. So both levels
are learnt from the line, and where the settled voltage says otherwise than the comparator it is believed. Else the
comparator is: its edges are good to a millisecond, a settled voltage comes 60 ms later.

What is learnt comes from a voltage that stood still, never from ringing, and never from a dead line:
- idle: what stands for 2 s while the comparator says on-hook, or between two rings, which only an on-hook line gets.
  The highest such level; it follows a sagging battery slowly, and is set down only by a ring.
- off-hook: what stands for 1 s below 88 % of idle. The highest such level, lowered slowly: the next telephone may be
  farther away.

Pure: time is an argument, samples come every 20 ms or so.
"""

from __future__ import annotations

from collections import deque
from typing import Annotated

import msgspec

NS = 1_000_000_000
MS = 1_000_000
Volts = Annotated[float, msgspec.Meta(ge=3, le=150)]

DEAD_V = 1.5  # a telephone, however near, leaves 2 V (hw/MANUAL.ja.md)
ALIVE_V = 3.0
DEAD_AFTER_NS = 2 * NS  # an exchange opens the loop for less, to signal a hang-up
NO_LINE_V = 190.0  # the end of the converter's scale: it is the converter that is broken
SETTLED = 4  # samples, 60 ms: a period of 16 Hz ringing
SPREAD_V, SPREAD = 3.0, 0.1  # how far apart they may be, in volts or of their level: speech moves it less
SAME_V, SAME = 1.0, 0.04  # a level that stands
FIRST_GUESS = 0.8  # of idle, as long as no off-hook level is known
IDLE_MAX_V = 60.0  # 48 V batteries float at 54; what lights a waiting-message lamp is more, and not idle
OFF_HOOK_BELOW = 0.88  # of idle: a loop of 20 kΩ takes less, one that a telephone closes more
THRESHOLD_BELOW = 0.9
HYSTERESIS = 0.03
LEARN_IDLE_NS = 2 * NS
LEARN_OFF_HOOK_NS = NS
BETWEEN_RINGS_NS = NS // 2
QUIET_NS = 2 * NS  # after ringing nothing else is learnt
RING_PAUSE_NS = 5 * NS
FOLLOW_NS = 10 * NS
STALE_NS = NS


class Learnt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two levels of a line, in volts without sign; None while not known."""

    idle: Volts | None = None
    off_hook: Volts | None = None

    @property
    def threshold(self) -> float | None:
        """Below it the line is off-hook. None while idle is not known."""
        if self.idle is None:
            return None
        if self.off_hook is None:
            return FIRST_GUESS * self.idle
        return min((self.idle + self.off_hook) / 2, THRESHOLD_BELOW * self.idle)


class Feed:
    """One line. `contact`, `sample` and `stale` give the hook's level where it is news, else None."""

    def __init__(self, learnt: Learnt | None = None) -> None:
        self.learnt = learnt or Learnt()
        self.dead = False
        self._recent: deque[float] = deque(maxlen=SETTLED)
        self._sampled_ns: int | None = None
        self._compared: bool | None = None  # what the comparator says
        self._told: bool | None = None
        self._overruled = False  # the voltage says otherwise, and is believed
        self._stands = 0.0  # the level that stands, and since when
        self._since_ns: int | None = None
        self._counted_ns = 0  # when it was last learnt from
        self._ring_ns: int | None = None  # the last edge of ringing
        self._pause: float | None = None  # the level that last stood after it

    def contact(self, active: bool, now_ns: int) -> bool | None:
        """The comparator's edge; `active` is below its threshold."""
        self._compared = active
        if not active:
            self.dead = False
        if self.dead:
            return self._tell(False)
        if self._overruled and active != self._told:
            return None
        self._overruled = False
        return self._tell(active)

    def ringing(self, active: bool, now_ns: int) -> None:
        """An edge of the ringing voltage."""
        if active and self._ring_ns is not None and self._pause is not None and now_ns - self._ring_ns < RING_PAUSE_NS:
            self._proven(self._pause)
        self._pause = None
        self._ring_ns = now_ns
        self._unsettle()

    def sample(self, volts: float, now_ns: int) -> bool | None:
        """The voltage between the wires, with its sign."""
        if self._sampled_ns is None and abs(volts) < DEAD_V:
            self.dead = True  # from the start: no telephone is off-hook where there is nothing
        elif self._sampled_ns is not None and now_ns - self._sampled_ns > STALE_NS:
            self._unsettle()
        self._sampled_ns = now_ns
        self._recent.append(volts)
        level = abs(sum(self._recent) / len(self._recent))
        spread = max(self._recent) - min(self._recent)
        if len(self._recent) < SETTLED or spread > max(SPREAD_V, SPREAD * level) or level > NO_LINE_V:
            self._since_ns = None
            return None
        self._stand(level, now_ns)
        off_hook = self._judged(level, now_ns)
        self._learn(now_ns)
        if off_hook is None or self._compared is None:
            return None
        self._overruled = off_hook != self._compared
        return self._tell(off_hook)

    def stale(self, now_ns: int) -> bool | None:
        """Nothing is measured any more: the comparator is all there is."""
        if self._sampled_ns is None or now_ns - self._sampled_ns <= STALE_NS:
            return None
        self.dead = self._overruled = False
        self._unsettle()
        return None if self._compared is None else self._tell(self._compared)

    # -- what it stands at, and what that means

    def _unsettle(self) -> None:
        self._recent.clear()
        self._since_ns = None

    def _stand(self, level: float, now_ns: int) -> None:
        if self._since_ns is None or abs(level - self._stands) > max(SAME_V, SAME * self._stands):
            self._stands, self._since_ns, self._counted_ns = level, now_ns, 0
        else:
            self._stands += (level - self._stands) / 16

    def _judged(self, level: float, now_ns: int) -> bool | None:
        """Whether the line is off-hook; None where that is not to be told (yet)."""
        if level < (ALIVE_V if self.dead else DEAD_V):
            # Where the comparator sees a voltage it is the converter that sees none.
            if self._compared is False:
                self.dead = False
                return None
            assert self._since_ns is not None
            self.dead = self.dead or now_ns - self._since_ns >= DEAD_AFTER_NS
            return False if self.dead else None
        self.dead = False
        threshold = self.learnt.threshold
        if threshold is None:
            return self._compared
        return level < threshold * (1 + HYSTERESIS if self._told else 1 - HYSTERESIS)

    def _tell(self, level: bool) -> bool | None:
        if level == self._told:
            return None
        self._told = level
        return level

    # -- learning

    def _learn(self, now_ns: int) -> None:
        assert self._since_ns is not None
        level, stood_ns = self._stands, now_ns - self._since_ns
        if not ALIVE_V <= level <= IDLE_MAX_V:
            return
        if stood_ns >= BETWEEN_RINGS_NS and self._ring_ns is not None:
            self._pause = level
        if self._ring_ns is not None and now_ns - self._ring_ns < QUIET_NS:
            return
        idle = self.learnt.idle
        if self._compared is False and stood_ns >= LEARN_IDLE_NS and (idle is None or level > idle):
            self._raise_idle(level)
        elif idle is not None and level < OFF_HOOK_BELOW * idle:
            if stood_ns >= LEARN_OFF_HOOK_NS and not self._counted_ns:
                self._counted_ns = now_ns
                known = self.learnt.off_hook or level
                lowered = known + (level - known) / 16
                self.learnt = Learnt(idle, max(level, lowered))
        elif idle is not None and stood_ns >= FOLLOW_NS and now_ns - self._counted_ns >= FOLLOW_NS:
            self._counted_ns = now_ns
            self.learnt = Learnt(idle + (level - idle) / 8, self.learnt.off_hook)

    def _raise_idle(self, level: float) -> None:
        """What was taken for idle may have been a telephone far away, in use since we began."""
        before, off_hook = self.learnt.idle, self.learnt.off_hook
        if before is not None and ALIVE_V <= before < OFF_HOOK_BELOW * level:
            off_hook = max(before, off_hook or before)
        self.learnt = Learnt(level, off_hook)

    def _proven(self, level: float) -> None:
        """This is idle, whatever was thought before: the line was rung on both sides of it."""
        off_hook = self.learnt.off_hook
        self.learnt = Learnt(level, off_hook if off_hook is not None and off_hook < OFF_HOOK_BELOW * level else None)
