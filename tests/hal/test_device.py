"""What the real board adds to its parts: the order of events and of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from tests.contract.fake_alsa import FakeAlsa, FakeCard
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.errors import BoardError
from tsuwaroku.events import AudioFrame, BoardFault, Contact, ContactEdge, Event, Part, Playback, Tick
from tsuwaroku.hal import playback
from tsuwaroku.hal.board import SYSTEM_LAMP, Lamp
from tsuwaroku.hal.device import TICK_LAG_NS, DeviceBoard

NS = 1_000_000_000


def test_an_edge_that_was_overtaken_is_given_the_time_of_the_tick() -> None:
    factory = MockFactory()
    factory.pin(22).drive_high()
    config = Config(
        board=BoardConfig(kind="tsuwa2", meter="none", capture="fake", playback="fake"),
        line=(LineConfig(id="1", port=1),),
    )
    board = DeviceBoard(config, pin_factory=factory, alsa=FakeAlsa())
    board.open()
    seen = list(board.read(0.1))
    ticks = [event for event in seen if isinstance(event, Tick)]
    assert len(ticks) == 1
    assert TICK_LAG_NS <= time.monotonic_ns() - ticks[0].mono_ns < TICK_LAG_NS + NS
    factory.pin(17).when_changed((ticks[0].mono_ns - 50_000_000) / NS, 1)  # 50 ms before the tick
    seen = list(board.read(0.1))
    assert ContactEdge("1", Contact.HOOK, True, ticks[0].mono_ns) in seen
    board.close()


def test_edges_of_a_time_in_which_all_was_held_up_keep_their_times() -> None:
    """The machine stood still for a second; then the board reads before the pin library's thread is there."""
    factory = MockFactory()
    factory.pin(22).drive_high()
    config = Config(board=BoardConfig(kind="tsuwa2", meter="none", capture="fake"), line=(LineConfig(id="1", port=1),))
    held_ns = 0
    board = DeviceBoard(config, pin_factory=factory, alsa=FakeAlsa(), now_ns=lambda: time.monotonic_ns() + held_ns)
    board.open()
    seen: list[Event] = []
    for _ in range(5):
        seen += board.read(0.1)
    held_ns = NS
    edge_ns = time.monotonic_ns() + NS // 2
    seen += board.read(0.1)
    factory.pin(17).when_changed(edge_ns / NS, 1)

    def caught_up() -> bool:
        seen.extend(board.read(0.1))
        return any(isinstance(e, Tick) and e.mono_ns > edge_ns + NS // 2 for e in seen)

    assert wait_for(caught_up)
    assert time.monotonic_ns() + held_ns - seen[-1].mono_ns < NS * 4 // 5  # of the second
    board.close()
    (place,) = [n for n, event in enumerate(seen) if isinstance(event, ContactEdge) and event.active]
    assert abs(seen[place].mono_ns - edge_ns) < 1000
    assert [event.mono_ns < edge_ns for event in seen[:place] if isinstance(event, Tick)].count(False) == 0


def test_a_reader_that_is_always_late_gets_its_ticks_all_the_same() -> None:
    factory = MockFactory()
    factory.pin(22).drive_high()
    config = Config(board=BoardConfig(kind="tsuwa2", meter="none", capture="fake"), line=(LineConfig(id="1", port=1),))
    board = DeviceBoard(config, pin_factory=factory, alsa=FakeAlsa())
    board.open()
    ticks: list[int] = []
    for _ in range(6):
        time.sleep(0.2)
        ticks += [event.mono_ns for event in board.read(0.1) if isinstance(event, Tick)]
    late_ns = time.monotonic_ns() - ticks[-1]
    board.close()
    assert len(ticks) >= 5
    assert late_ns < 0.8 * NS  # one step of 20 ms a read would be 1.1 s late by now


def test_a_missing_card_leaves_the_lamps_to_say_so() -> None:
    """No sound without the card, and no pretence: `open` fails, and the lamps still obey until `close`."""
    factory = MockFactory()
    card = FakeCard()
    card.present = False
    config = Config(board=BoardConfig(kind="tsuwa2", meter="none", capture="fake"), line=(LineConfig(id="1", port=1),))
    board = DeviceBoard(config, pin_factory=factory, alsa=FakeAlsa(card))
    with pytest.raises(BoardError, match="cannot be opened"):
        board.open()
    board.show("1", Lamp.LIT)
    board.show(SYSTEM_LAMP, Lamp.LIT)
    assert wait_for(lambda: factory.pin(24).state and factory.pin(25).state)
    with pytest.raises(BoardError, match="not open"):
        board.read(0.1)
    board.close()
    assert not factory.pin(24).state


def test_a_missing_announcement_card_does_not_keep_a_line_from_being_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told at once, and taken when it comes."""
    monkeypatch.setattr(playback, "WATCH_S", 0.05)
    factory = MockFactory()
    factory.pin(22).drive_high()
    config = Config(
        board=BoardConfig(kind="tsuwa2", meter="none", capture="fake", playback="fake"),
        line=(LineConfig(id="1", port=1),),
    )
    alsa = NoPlayback(FakeCard())
    board = DeviceBoard(config, pin_factory=factory, alsa=alsa)
    board.open()
    events: list[Event] = []

    def told(kind: type[Event], count: int) -> bool:
        events.extend(board.read(0.1))
        return len([event for event in events if isinstance(event, kind)]) >= count

    def faults() -> list[tuple[str, bool, bool]]:
        return [(e.line, e.failed, e.part is Part.CAPTURE) for e in events if isinstance(e, BoardFault)]

    assert wait_for(lambda: told(AudioFrame, 1))
    assert faults() == [("", True, False)]
    assert board.hears_itself("1")
    alsa.missing = False
    assert wait_for(lambda: told(BoardFault, 2))
    assert faults() == [("", True, False), ("", False, False)]
    board.play("1", bytes(320))
    assert wait_for(lambda: told(Playback, 2))
    board.close()


class NoPlayback(FakeAlsa):
    """A machine whose playback card is gone, while it is `missing`."""

    missing = True

    def PCM(self, **given: Any) -> Any:
        if self.missing and given["type"] == self.PCM_PLAYBACK:
            raise self.ALSAAudioError("No such device [nosuch]")
        return super().PCM(**given)


def wait_for(come: Callable[[], object]) -> bool:
    until = time.monotonic() + 10.0
    while time.monotonic() < until:
        if come():
            return True
        time.sleep(0.01)
    return False


def test_what_piled_up_is_told_in_the_order_of_time() -> None:
    factory = MockFactory()
    factory.pin(22).drive_high()
    board_config = BoardConfig(kind="tsuwa2", meter="none", capture="fake", playback="fake")
    config = Config(board=board_config, line=(LineConfig(id="1", port=1),))
    board = DeviceBoard(config, pin_factory=factory, alsa=FakeAlsa())
    board.open()
    board.read(0.1)
    time.sleep(0.2)
    factory.pin(17).drive_high()
    time.sleep(0.2)
    events = [event for event in board.read(0.1) if not isinstance(event, Tick)]
    board.close()
    ends = [event.mono_ns + (20_000_000 if isinstance(event, AudioFrame) else 0) for event in events]
    place = next(n for n, event in enumerate(events) if isinstance(event, ContactEdge))
    assert ends == sorted(ends)
    assert 5 <= place <= len(events) - 5
