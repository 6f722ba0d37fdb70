"""Keys and signals of whoever listens, on a real terminal pair."""

from __future__ import annotations

import os
import pty
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tsuwaroku.console.keyboard import Listener, listening
from tsuwaroku.console.playback import Order


def idle() -> None:
    """Nothing to do in a pause."""


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """(where somebody types, where we read), single keys."""
    typing, reading = pty.openpty()
    modes = termios.tcgetattr(reading)
    modes[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(reading, termios.TCSANOW, modes)
    yield typing, reading
    for fd in (typing, reading):
        try:
            os.close(fd)
        except OSError:
            continue


@pytest.mark.parametrize(
    ("typed", "orders"),
    [
        (b" ", [Order.PAUSE]),
        (b"\x1b[D\x1b[C", [Order.BACK, Order.ON]),
        (b"\x1bOD\x1bOC", [Order.BACK, Order.ON]),
        (b"xyz q", [Order.PAUSE, Order.LEAVE]),
        (b"\xe3\x81\x82\x1b[A\x1b[5~Q", [Order.LEAVE]),
        (b"", []),
    ],
)
def test_keys(terminal: tuple[int, int], typed: bytes, orders: list[Order]) -> None:
    os.write(terminal[0], typed)
    listener = Listener(terminal[1])
    found = []
    for _ in range(10):
        order = listener.order()
        if order is not None:
            found.append(order)
    assert found == orders
    assert listener.leaving() is (Order.LEAVE in orders)


def test_a_pause_ends_with_the_next_key_that_means_something(terminal: tuple[int, int]) -> None:
    listener = Listener(terminal[1])
    os.write(terminal[0], b"zz ")
    assert listener.resume(idle) is Order.GO
    os.write(terminal[0], b"z\x1b[D")
    assert listener.resume(idle) is Order.BACK
    os.write(terminal[0], b"q")
    assert (listener.resume(idle), listener.leaving()) == (Order.LEAVE, True)
    assert listener.resume(idle) is Order.LEAVE


def test_a_terminal_that_is_gone_presses_nothing(terminal: tuple[int, int]) -> None:
    listener = Listener(terminal[1])
    os.close(terminal[0])
    assert (listener.order(), listener.has_keys) == (None, False)


def test_the_first_signal_asks_and_the_second_does_not() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with listening() as listener:
        assert (listener.leaving(), listener.order()) == (False, None)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (listener.leaving(), listener.signalled, listener.resume(idle)) == (True, signal.SIGTERM, Order.LEAVE)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_the_terminal_is_as_it_was_afterwards(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    before = termios.tcgetattr(terminal[1])
    with os.fdopen(os.dup(terminal[1])) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with suppress(RuntimeError), listening() as listener:
            assert listener.has_keys
            assert termios.tcgetattr(terminal[1])[6][termios.VSUSP] == b"\0"
            raise RuntimeError
    assert termios.tcgetattr(terminal[1]) == before
