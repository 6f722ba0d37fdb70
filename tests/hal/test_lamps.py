"""What a lamp shows over time, and that it is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.hal.pace import Pace
from tsuwaroku.hal import lamps as lamps_module
from tsuwaroku.hal.board import Lamp
from tsuwaroku.hal.lamps import Lamps, level

MS = 1_000_000


def changes(state: Lamp, until_ms: int, winked_ms: int | None = None) -> list[tuple[int, bool]]:
    """(ms, lit) at the start and at each change, following the times that `level` itself announces."""
    out: list[tuple[int, bool]] = []
    now: int | None = 0
    winked = None if winked_ms is None else winked_ms * MS
    while now is not None and now < until_ms * MS:
        lit, following = level(state, 0, winked, now)
        if not out or out[-1][1] != lit:
            out.append((now // MS, lit))
        assert following is None or following > now
        now = following
    return out


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (Lamp.DARK, [(0, False)]),
        (Lamp.LIT, [(0, True)]),
        (Lamp.FAST, [(0, True), (125, False), (250, True), (375, False), (500, True)]),
        (Lamp.SLOW, [(0, True)]),
    ],
)
def test_states(state: Lamp, wanted: list[tuple[int, bool]]) -> None:
    assert changes(state, 501) == wanted


def test_slow_is_half_a_hertz() -> None:
    assert changes(Lamp.SLOW, 4001) == [(0, True), (1000, False), (2000, True), (3000, False), (4000, True)]


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (Lamp.DARK, [(0, True), (60, False), (120, True), (180, False)]),
        (Lamp.LIT, [(0, False), (60, True), (120, False), (180, True)]),
        (Lamp.FAST, [(0, False), (60, True), (120, False), (180, True), (240, False)]),
    ],
)
def test_an_acknowledgement_winks_twice_and_returns(state: Lamp, wanted: list[tuple[int, bool]]) -> None:
    assert changes(state, 245, winked_ms=0) == wanted


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> Pace:
    """The time of the thread."""
    made = Pace()
    monkeypatch.setattr(lamps_module, "threading", SimpleNamespace(Condition=lambda: made, Thread=threading.Thread))
    return made


def test_the_thread_shows_them_and_leaves_them_dark(pace: Pace) -> None:
    seen: list[tuple[str, bool]] = []
    faults: list[tuple[str, str]] = []

    def told(name: str, text: str) -> None:
        faults.append((name, text))

    def broken(on: bool) -> None:
        raise RuntimeError("pin gone")

    outputs: dict[str, Callable[[bool], None]] = {
        "1": lambda on: seen.append(("1", on)),
        "2": lambda on: seen.append(("2", on)),
        "3": broken,
    }
    lamps = Lamps(outputs, told, now_ns=pace.now_ns)
    lamps.show("1", Lamp.LIT)
    pace.go_on(0.05)
    lamps.show("2", Lamp.ACK)
    lamps.show("2", Lamp.DARK)
    lamps.show("nobody", Lamp.LIT)
    pace.go_on(0.3)
    lamps.close()
    lamps.close()
    assert [on for name, on in seen if name == "1"] == [False, True, False]
    assert [on for name, on in seen if name == "2"] == [False, True, False, True, False]
    assert faults == [("3", "pin gone")]


def test_a_lamp_that_could_not_be_switched_is_tried_again(pace: Pace) -> None:
    seen: list[bool] = []
    faults: list[tuple[str, str]] = []
    refusals = 0

    def told(name: str, text: str) -> None:
        faults.append((name, text))

    def output(on: bool) -> None:
        nonlocal refusals
        if on and refusals < 3:
            refusals += 1
            raise OSError("line busy")
        seen.append(on)

    lamps = Lamps({"1": output}, told, now_ns=pace.now_ns)
    lamps.show("1", Lamp.LIT)
    pace.go_on(2.9)
    assert (refusals, seen) == (3, [False])
    pace.go_on(0.2)
    assert seen == [False, True]
    lamps.close()
    assert seen == [False, True, False]
    assert faults == [("1", "line busy"), ("1", "")]
