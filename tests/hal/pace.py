"""Time for one thread of the product: it passes when a test says so, and not before that thread has done its part.

A thread that waits in a Pace wakes at its very time, however busy the machine is, and what it does takes no time.
"""

from __future__ import annotations

import threading

NS = 1_000_000_000
NEVER = 1 << 62
STUCK_S = 60.0  # of real time: a thread that never sleeps


class Pace(threading.Condition):
    """A clock, and the condition that the thread waits on, in place of its own.

    The thread calls `wait` with the lock held, as of any condition; others `notify` it; the test calls `go_on`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ns = NS
        self._until_ns: int | None = None  # when the thread wants to wake; None: it is awake, or about to be

    def now_ns(self) -> int:
        return self._ns

    def wait(self, timeout: float | None = None) -> bool:
        self._until_ns = NEVER if timeout is None else self._ns + round(timeout * NS)
        super().notify(2)  # the thread and the test
        while self._until_ns is not None:
            super().wait()
        return True

    def notify(self, n: int = 1) -> None:
        self._until_ns = None
        super().notify(2)  # the thread and the test

    def go_on(self, seconds: float) -> None:
        """So much time passes. Returns when it has, and the thread sleeps again."""
        end_ns = self._ns + round(seconds * NS)
        with self:
            while True:
                while self._until_ns is None:
                    assert super().wait(STUCK_S), "the thread does not sleep any more"
                if self._until_ns > end_ns:
                    break
                self._ns = max(self._ns, self._until_ns)
                self._until_ns = None
                super().notify(2)  # the thread and the test
            self._ns = end_ns
