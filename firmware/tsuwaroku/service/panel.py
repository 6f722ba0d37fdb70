"""What a line's lamp shows: a function of the raw hook, the call and what reached the disk. Pure.

Promise 2: the lamp lights on the raw hook edge and stays lit only while a commit at most 2 s old covers the call.
A call that is not being recorded blinks fast within 2 s.
"""

from __future__ import annotations

from tsuwaroku.clock import NS
from tsuwaroku.hal.board import Lamp

COVERED_NS = 2 * NS
GRACE_NS = 2 * NS
# Ringing voltage makes the hook sensor flicker for up to 10 ms a half cycle; a lamp that
# followed would flicker with it. 15 ms is far inside the 100 ms the lamp may take.
SETTLE_NS = 15_000_000


class LinePanel:
    """The lamp of one line. All times are monotonic nanoseconds."""

    def __init__(self) -> None:
        self.able = True  # keys, ring and card are there
        self.watched = True  # False in mode `off`
        self._off_hook_since: int | None = None
        self._call_since: int | None = None
        self._covered_ns: int | None = None

    def hook(self, off_hook: bool, at_ns: int) -> None:
        """A raw edge of the hook sensor."""
        if not off_hook:
            self._off_hook_since = None
        elif self._off_hook_since is None:
            self._off_hook_since = at_ns

    def call_began(self, at_ns: int) -> None:
        """The line machine says that a call is on."""
        self._call_since, self._covered_ns = at_ns, None

    def call_ended(self) -> None:
        self._call_since = None

    def covered(self, at_ns: int) -> None:
        """A commit that holds new audio of the call in progress came back from the disk."""
        self._covered_ns = at_ns

    def age_ns(self, now_ns: int) -> int | None:
        """Age of the last commit that covers the call; None where there is no call or no commit yet."""
        if self._call_since is None or self._covered_ns is None:
            return None
        return now_ns - self._covered_ns

    def recorded(self, now_ns: int) -> bool:
        """Whether the call in progress (or the off-hook that may become one) is being recorded, the grace included."""
        if not self.able:
            return False
        if self._covered_ns is not None and self._call_since is not None:
            return now_ns - self._covered_ns <= COVERED_NS
        since = self._call_since if self._off_hook_since is None else self._off_hook_since
        return since is None or now_ns - since <= GRACE_NS

    def lamp(self, now_ns: int) -> Lamp:
        """What to show now."""
        if not self.watched:
            return Lamp.DARK
        if not self.able:
            return Lamp.FAST
        settled = self._off_hook_since is not None and now_ns - self._off_hook_since >= SETTLE_NS
        if self._call_since is None and not settled:
            return Lamp.DARK
        return Lamp.LIT if self.recorded(now_ns) else Lamp.FAST

    def unrecorded_call(self, now_ns: int) -> bool:
        """Whether an alarm is due: a call is on and is not being recorded."""
        on = self._call_since is not None or self._off_hook_since is not None
        return self.watched and on and not self.recorded(now_ns)
