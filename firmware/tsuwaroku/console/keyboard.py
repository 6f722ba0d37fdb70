"""What a listener says meanwhile: keys of the terminal, and the signals that mean "leave".

A signal asks once, so that what was heard is told before the end; a second one does not ask.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tsuwaroku.console.playback import Order

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_S = 0.2
_KEYS = {
    b" ": Order.PAUSE,
    b"\x1b[D": Order.BACK,
    b"\x1bOD": Order.BACK,
    b"\x1b[C": Order.ON,
    b"\x1bOC": Order.ON,
    b"q": Order.LEAVE,
    b"Q": Order.LEAVE,
}


class Listener:
    """A `Control`. Without a terminal only signals speak. `signalled`: which of them did, else None."""

    def __init__(self, keys: int | None = None) -> None:
        self._keys = keys
        self._typed = b""
        self._left = False
        self.signalled: int | None = None

    @property
    def has_keys(self) -> bool:
        """Whether somebody can press one."""
        return self._keys is not None

    def signal(self, number: int, frame: FrameType | None = None) -> None:
        """As a handler. Raises KeyboardInterrupt the second time."""
        if self.signalled is not None:
            raise KeyboardInterrupt
        self.signalled = number

    def leaving(self) -> bool:
        return self.signalled is not None or self._left

    def order(self) -> Order | None:
        found = self._next(0)
        self._left = self._left or found is Order.LEAVE
        return found

    def resume(self, idle: Callable[[], None]) -> Order:
        while not self.leaving():
            idle()
            if self._keys is None:
                return Order.GO
            found = self._next(LOOK_S)
            self._left = self._left or found is Order.LEAVE
            if found is not None:
                return Order.GO if found is Order.PAUSE else found
        return Order.LEAVE

    def _next(self, wait_s: float) -> Order | None:
        """The next key that means something, those before it forgotten."""
        if self._keys is None:
            return None
        if not self._typed and select.select([self._keys], [], [], wait_s)[0]:
            try:
                octets = os.read(self._keys, 64)
            except OSError:  # the terminal is gone
                octets = b""
            if not octets:
                self._keys = None
                return None
            self._typed = octets
        while self._typed:
            known = next((key for key in _KEYS if self._typed.startswith(key)), None)
            self._typed = self._typed[len(known or b"?") :]
            if known is not None:
                return _KEYS[known]
        return None


@contextmanager
def listening(*, keys: bool = True) -> Iterator[Listener]:
    """A listener, the terminal giving single keys meanwhile; both as they were afterwards, whatever happens."""
    fd = sys.stdin.fileno() if keys and sys.stdin.isatty() else None
    modes = None if fd is None else termios.tcgetattr(fd)
    listener = Listener(fd)
    handlers = {number: signal.signal(number, listener.signal) for number in SIGNALS}
    try:
        if fd is not None:
            tty.setcbreak(fd)
            stopless = termios.tcgetattr(fd)
            stopless[6][termios.VSUSP] = b"\0"  # who stops us stops no sound that is on its way: there is a pause key
            termios.tcsetattr(fd, termios.TCSADRAIN, stopless)
        yield listener
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if fd is not None and modes is not None:
            termios.tcsetattr(fd, termios.TCSADRAIN, modes)
