"""Announcements on a card shared by two lines, on one that is not paced, and on none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory

from tests.contract.fake_alsa import FakeAlsa, FakeCard, FakePcm
from tests.hal.pace import NS, Pace
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.events import BoardFault, Event, Playback
from tsuwaroku.hal import playback
from tsuwaroku.hal.alsa import CardSpec
from tsuwaroku.hal.device import DeviceBoard
from tsuwaroku.hal.playback import Player

SOUND = np.random.default_rng(3).integers(1, 9000, 4800).astype("<i2")  # 0.6 s, no zero in it


class Desk:
    """A player on a fake card, and what it said. Time passes in `wait` and `go_on` alone, for both of them."""

    def __init__(self) -> None:
        self._pace = Pace()
        self.go_on = self._pace.go_on
        self.card = FakeCard(now_ns=self._pace.now_ns)
        self.events: list[Event] = []
        self.spoken: list[tuple[str, bool]] = []
        self.player = Player(
            FakeAlsa(self.card),
            CardSpec("fake", 8000, 2, 160, 1600, "board.playback"),
            {"a": 0, "b": 1},
            position_at=lambda mono_ns: mono_ns * 8000 // NS,
            post=self.events.append,
            speak=lambda line, on: self.spoken.append((line, on)),
            now_ns=self._pace.now_ns,
        )
        self.player._wake = self._pace
        self.player.open()

    def heard(self) -> np.ndarray[Any, Any]:
        """What left the card, from the first write on."""
        begun = self.card.played[0][0]
        table = np.zeros((24_000, 2), dtype="<i2")
        for at, data in self.card.played:
            piece = np.frombuffer(data, dtype="<i2").reshape(-1, 2)
            table[at - begun : at - begun + len(piece)] = piece
        return table

    def wait(self, count: int) -> list[tuple[str, bool]]:
        """The playbacks told, once there are `count`, or after three seconds."""
        for _ in range(300):
            self.go_on(0.01)
            if len(self.told()) >= count:
                break
        return self.told()

    def told(self) -> list[tuple[str, bool]]:
        return [(event.line, event.playing) for event in self.events if isinstance(event, Playback)]


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.player.close()
    made.player.close()


def test_stopping_one_line_is_prompt_and_costs_the_other_nothing(desk: Desk) -> None:
    desk.player.play("a", SOUND.tobytes())
    desk.player.play("b", SOUND[::-1].tobytes())
    desk.go_on(0.25)
    desk.player.stop("a")
    stopped = desk.card.count()
    assert desk.wait(4) == [("a", True), ("b", True), ("a", False), ("b", False)]
    table = desk.heard()
    last_of_a = int(np.flatnonzero(table[:, 0])[-1])
    # Not a sample more. Without the drop the whole buffer, 1,600 samples, would still be heard.
    assert last_of_a + 1 == stopped - desk.card.played[0][0]
    assert table[: last_of_a + 1, 0].tolist() == SOUND[: last_of_a + 1].tolist()
    other = table[:, 1][table[:, 1] != 0]
    assert other.tolist() == SOUND[::-1].tolist()
    assert sorted(desk.spoken) == [("a", False), ("a", True), ("b", False), ("b", True)]


def test_the_path_is_connected_before_the_first_sample_and_off_after_the_last(desk: Desk) -> None:
    desk.player.play("b", SOUND[:800].tobytes())
    assert desk.wait(2) == [("b", True), ("b", False)]
    assert desk.spoken == [("b", True), ("b", False)]
    begin, end = (event for event in desk.events if isinstance(event, Playback))
    assert end.mono_ns - begin.mono_ns == pytest.approx(0.1 * NS, abs=0.02 * NS)
    assert (begin.first_sample, end.first_sample) == (begin.mono_ns * 8000 // NS, end.mono_ns * 8000 // NS)


def test_a_card_that_takes_everything_at_once_is_held_to_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def take(pcm: FakePcm, data: bytes) -> int:
        sizes.append(len(data) // 4)
        return len(data) // 4

    monkeypatch.setattr(FakePcm, "avail", lambda pcm: 1600)
    monkeypatch.setattr(FakePcm, "write", take)
    desk.player.play("a", SOUND.tobytes())
    desk.wait(1)
    early = sum(sizes)
    assert desk.wait(2) == [("a", True), ("a", False)]
    assert 160 <= early <= 3200
    assert sum(sizes) == 4800 + playback._SILENCE * 160
    begin, end = (event for event in desk.events if isinstance(event, Playback))
    assert end.mono_ns - begin.mono_ns == pytest.approx(0.6 * NS, abs=0.05 * NS)


def test_without_a_card_for_it_playing_is_a_fault_that_is_told() -> None:
    line = LineConfig(id="1", port=1, hook="17", ring="!22")
    config = Config(board=BoardConfig(kind="custom", capture="fake"), line=(line,))
    made = DeviceBoard(config, pin_factory=MockFactory(), alsa=FakeAlsa())
    made.open()
    made.play("1", bytes(320))
    made.stop_playing("1")
    events = made.read(0.1)
    assert not made.hears_itself("1")
    assert [(e.line, e.failed, e.text) for e in events if isinstance(e, BoardFault)] == [
        ("1", True, "no announcement card is configured (board.playback)")
    ]
    made.close()
