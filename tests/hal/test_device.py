"""What the real board adds to its parts: the order of events and of time."""

from __future__ import annotations

import time

from gpiozero.pins.mock import MockFactory

from tests.contract.fake_alsa import FakeAlsa
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.events import AudioFrame, Contact, ContactEdge, Tick
from tsuwaroku.hal.device import TICK_LAG_NS, DeviceBoard

NS = 1_000_000_000


def test_an_edge_that_was_overtaken_is_given_the_time_of_the_tick() -> None:
    factory = MockFactory()
    factory.pin(22).drive_high()
    config = Config(
        board=BoardConfig(kind="telrec2", capture="fake", playback="fake"), line=(LineConfig(id="1", port=1),)
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


def test_what_piled_up_is_told_in_the_order_of_time() -> None:
    factory = MockFactory()
    factory.pin(22).drive_high()
    board_config = BoardConfig(kind="telrec2", capture="fake", playback="fake")
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
