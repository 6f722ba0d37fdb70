"""Lamps: what each state looks like (pure), and the one thread that shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from tsuwaroku.hal.board import Lamp

NS = 1_000_000_000
MS = 1_000_000
# Half periods: 4 Hz and 0.5 Hz (hal/board.py).
_HALF_NS = {Lamp.FAST: 125 * MS, Lamp.SLOW: 1000 * MS}
# Two winks, each as long as its pause: seen by the eye, over before anything else must be said.
WINK_NS = 60 * MS
_WINKS = 2
# How soon an output that could not be switched is tried again: a lamp must not go on saying what is no longer true.
RETRY_S = 1.0


def level(state: Lamp, since_ns: int, winked_ns: int | None, now_ns: int) -> tuple[bool, int | None]:
    """Whether a lamp shines at `now_ns`, and when that next changes (None: not by itself).

    `state` holds since `since_ns`; an acknowledgement begun at `winked_ns` inverts it twice for WINK_NS.
    """
    half = _HALF_NS.get(state)
    lit, change = state is Lamp.LIT, None
    if half is not None:
        turns = (now_ns - since_ns) // half
        lit, change = turns % 2 == 0, since_ns + (turns + 1) * half
    if winked_ns is None or now_ns >= winked_ns + 2 * _WINKS * WINK_NS:
        return lit, change
    turns = (now_ns - winked_ns) // WINK_NS
    # A wink is seen against the state it began from, so a blinking lamp rests for its length.
    base = state is not Lamp.DARK
    return (base if turns % 2 else not base), winked_ns + (turns + 1) * WINK_NS


class Lamps:
    """All lamps of a board. `show` only leaves a note; the thread drives the outputs.

    `outputs` maps a lamp's name to what switches it; `fault(name, text)` is called once when switching begins to
    fail, and with an empty text when it works again. Meanwhile it is tried every RETRY_S.
    """

    def __init__(
        self,
        outputs: Mapping[str, Callable[[bool], None]],
        fault: Callable[[str, str], None] = lambda name, text: None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._outputs = dict(outputs)
        self._fault = fault
        self._now_ns = now_ns
        self._states = dict.fromkeys(self._outputs, (Lamp.DARK, 0))
        self._winks: dict[str, int] = {}
        self._shown: dict[str, bool] = {}
        self._failed: set[str] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="lamps", daemon=True)
        self._thread.start()

    def show(self, name: str, state: Lamp) -> None:
        """Set a lamp; a lamp the board does not have is ignored. Never blocks."""
        if name not in self._outputs:
            return
        with self._wake:
            if state is Lamp.ACK:
                self._winks[name] = self._now_ns()
            elif state is not self._states[name][0]:
                self._states[name] = (state, self._now_ns())
            self._wake.notify()

    def close(self) -> None:
        """Everything dark, the thread ended. Safe to call twice."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._closed:
                    break
                now = self._now_ns()
                wanted, next_ns = self._plan(now)
            self._drive(wanted)
            with self._wake:
                if not self._closed and not self._behind():
                    self._wake.wait(self._rest_s(next_ns))
        self._drive(dict.fromkeys(self._outputs, False))

    def _behind(self) -> bool:
        """Whether a lamp that can be switched must be switched now."""
        wanted = self._plan(self._now_ns())[0]
        return any(self._shown.get(name) != lit for name, lit in wanted.items() if name not in self._failed)

    def _rest_s(self, next_ns: int | None) -> float | None:
        rests = [] if next_ns is None else [max(0.0, (next_ns - self._now_ns()) / NS)]
        return min(rests + [RETRY_S] * bool(self._failed), default=None)

    def _plan(self, now: int) -> tuple[dict[str, bool], int | None]:
        wanted: dict[str, bool] = {}
        next_ns: int | None = None
        for name, (state, since) in self._states.items():
            wanted[name], change = level(state, since, self._winks.get(name), now)
            if change is not None:
                next_ns = change if next_ns is None else min(next_ns, change)
        return wanted, next_ns

    def _drive(self, wanted: dict[str, bool]) -> None:
        for name, lit in wanted.items():
            if self._shown.get(name) == lit:
                continue
            try:
                self._outputs[name](lit)
                self._shown[name] = lit
                if name in self._failed:
                    self._failed.discard(name)
                    self._fault(name, "")
            except Exception as error:  # whatever the pin library raises: one lamp must not darken the others
                self._shown.pop(name, None)
                if name not in self._failed:
                    self._failed.add(name)
                    self._fault(name, str(error))
