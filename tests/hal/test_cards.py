"""Several sound cards on one board: each is a clock, a stream and a failure of its own."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory

from tests.contract.fake_alsa import ALSAAudioError, FakeAlsa, FakeCard, FakePcm, index_of
from tests.contract.rigs import check_counts
from tsuwaroku.config import BoardConfig, CardConfig, Config, LineConfig
from tsuwaroku.errors import BoardError
from tsuwaroku.events import AudioFrame, BoardFault, Event, Gap, GapReason, Part, Playback
from tsuwaroku.hal import alsa as hal_alsa
from tsuwaroku.hal.device import DeviceBoard

NS = 1_000_000_000
RATE = 8000
CHANNEL = {"1": 0, "2": 1, "3": 0, "4": 3}  # two lines on the board's own card, two on the other


class TwoCards(FakeAlsa):
    """A machine with a card `one` and a card `two`, each with a crystal of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.of = {"one": FakeCard(ppm=80), "two": FakeCard(ppm=-120)}

    def cards(self) -> list[str]:
        return [name for name, card in self.of.items() if card.present]

    def PCM(self, **asked: Any) -> FakePcm:
        card = self.of.get(asked["device"].removeprefix("hw:CARD="))
        if card is None or not card.present:
            raise ALSAAudioError(f"No such device [{asked['device']}]")
        card.opened += 1
        given = {
            "format_name": "S16_LE",
            "channels": asked["channels"],
            "rate": asked["rate"],
            "period_size": asked["periodsize"],
            "buffer_size": asked["periodsize"] * asked["periods"],
        } | card.grants
        return FakePcm(card, asked["type"] == self.PCM_PLAYBACK, given)


def config() -> Config:
    pins = {"1": ("17", "27"), "2": ("22", "23"), "3": ("5", "6"), "4": ("12", "13")}
    return Config(
        board=BoardConfig(
            kind="custom", capture="one", playback="one", channels=2, card=(CardConfig(name="two", channels=4),)
        ),
        line=tuple(
            LineConfig(id=line, card="two" if line in "34" else "", port=CHANNEL[line] + 1, hook=hook, ring=ring)
            for line, (hook, ring) in pins.items()
        ),
    )


class Desk:
    """A board on both cards, and everything it has told."""

    def __init__(self) -> None:
        self.alsa = TwoCards()
        self.board = DeviceBoard(config(), pin_factory=MockFactory(), alsa=self.alsa)
        self.events: list[Event] = []

    def until(self, come: Callable[[], object], limit_s: float = 10.0) -> None:
        """Read until it has come."""
        end = time.monotonic() + limit_s
        while not come():
            assert time.monotonic() < end
            self.events += self.board.read(0.1)

    def read(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.events += self.board.read(0.1)

    def faults(self) -> list[tuple[str, bool, bool]]:
        return [(e.line, e.failed, e.part is Part.CAPTURE) for e in self.events if isinstance(e, BoardFault)]

    def stream(self, line: str) -> list[AudioFrame | Gap]:
        """A line's frames and gaps, which follow one another without a hole."""
        found = [e for e in self.events if isinstance(e, AudioFrame | Gap) and e.line == line]
        position = 0
        for piece in found:
            assert piece.first_sample == position
            position += len(piece.pcm) // 2 if isinstance(piece, AudioFrame) else piece.samples
        return found

    def gaps(self, line: str) -> list[GapReason]:
        return [piece.reason for piece in self.stream(line) if isinstance(piece, Gap)]

    def sound(self, line: str) -> list[bytes]:
        """The stretches between gaps."""
        runs = [b""]
        for piece in self.stream(line):
            if isinstance(piece, AudioFrame):
                runs[-1] += piece.pcm
            elif runs[-1]:
                runs.append(b"")
        return runs


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(hal_alsa, "RETRY_S", 0.1)
    made = Desk()
    yield made
    made.board.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith(("alsa", "play"))] == []


def test_each_line_has_the_channel_of_its_card(desk: Desk) -> None:
    desk.board.open()
    desk.read(1.0)
    for line, channel in CHANNEL.items():
        (pcm,) = desk.sound(line)
        assert len(pcm) > 0.9 * 2 * RATE
        check_counts(pcm, channel)
    assert desk.faults() == []
    times = [e.mono_ns + NS // 50 for e in desk.events if isinstance(e, AudioFrame)]
    # Merged by time, card beside card; on a busy machine the time of a card is known to a millisecond.
    assert max(a - b for a, b in itertools.pairwise(times)) <= NS // 50 + NS // 1000


def test_a_card_that_fails_fails_its_lines_alone(desk: Desk) -> None:
    desk.board.open()
    desk.read(0.4)
    desk.alsa.of["two"].present = False
    desk.until(lambda: len(desk.faults()) >= 2)
    assert desk.faults()[:2] == [("3", True, True), ("4", True, True)]
    desk.read(0.6)
    desk.alsa.of["two"].present = True
    desk.until(lambda: ("4", False, True) in desk.faults())
    desk.read(0.4)
    assert desk.faults()[-2:] == [("3", False, True), ("4", False, True)]
    assert {line for line, _, _ in desk.faults()} == {"3", "4"}
    assert [desk.gaps(line) for line in "1234"] == [[], [], [GapReason.UNPLUGGED], [GapReason.UNPLUGGED]]
    for line in "12":
        check_counts(desk.sound(line)[0], CHANNEL[line])
    before, after = desk.sound("4")
    check_counts(before, 3)
    check_counts(after, 3)
    lost = index_of(int(np.frombuffer(after[:2], "<i2")[0]), 3) - index_of(int(np.frombuffer(before[-2:], "<i2")[0]), 3)
    (gap,) = [piece for piece in desk.stream("4") if isinstance(piece, Gap)]
    assert abs(lost - 1 - gap.samples) <= 160  # one period, as capture promises


def test_a_card_that_is_missing_at_first_is_taken_when_it_comes(desk: Desk) -> None:
    desk.alsa.of["two"].present = False
    opened_ns = time.monotonic_ns()
    desk.board.open()
    desk.read(0.5)
    assert desk.faults()[:2] == [("3", True, True), ("4", True, True)]
    text = next(e.text for e in desk.events if isinstance(e, BoardFault))
    assert text == (
        "board.card.two.capture: the sound card two cannot be opened (No such device [two]); "
        "cards present: one; PCMs: null; plug the card in or name another in board.card.two.capture"
    )
    assert desk.gaps("3") == [GapReason.UNPLUGGED]  # so that a call without sound has its place in time
    assert len(desk.sound("1")[0]) > 0.4 * 2 * RATE
    desk.alsa.of["two"].present = True
    desk.until(lambda: ("4", False, True) in desk.faults())
    desk.read(0.4)
    stream = desk.stream("4")
    assert [type(piece) for piece in stream[:3]] == [Gap, Gap, AudioFrame]
    check_counts(b"".join(desk.sound("4")), 3)
    last = stream[-1]
    assert abs(last.first_sample - (last.mono_ns - opened_ns) * RATE / NS) < 0.03 * RATE
    assert desk.gaps("1") == []


def test_a_card_of_another_kind_says_what_is_wrong_with_it(desk: Desk) -> None:
    """It was pulled, and what came back has two channels where four are configured."""
    desk.board.open()
    desk.read(0.3)
    desk.alsa.of["two"].present = False
    desk.until(desk.faults)
    desk.alsa.of["two"].grants = {"channels": 2}
    desk.alsa.of["two"].present = True
    told = "gave channels 2, not 4; set board.card.two.channels = 2"
    desk.until(lambda: any(isinstance(e, BoardFault) and e.failed and e.text.endswith(told) for e in desk.events))
    desk.read(0.5)
    assert len([e for e in desk.events if isinstance(e, BoardFault) and e.text.endswith(told)]) == 2  # not each second
    desk.alsa.of["two"].grants = {}
    desk.until(lambda: ("4", False, True) in desk.faults())


def test_without_any_card_the_board_does_not_open(desk: Desk) -> None:
    for card in desk.alsa.of.values():
        card.present = False
    with pytest.raises(BoardError, match="the sound card one cannot be opened") as caught:
        desk.board.open()
    assert caught.value.where == "board.capture"


def test_announcements_go_onto_the_card_of_their_line(desk: Desk) -> None:
    """The other card has no playback: its lines are told so, at once, and are recorded all the same."""
    desk.board.open()
    desk.read(0.2)
    assert [desk.board.hears_itself(line) for line in "1234"] == [True, True, False, False]
    desk.board.play("2", b"\x01\x01" * 800)
    desk.board.play("3", b"\x01\x01" * 800)
    desk.until(lambda: len([e for e in desk.events if isinstance(e, Playback)]) == 2)
    assert [(e.line, e.playing) for e in desk.events if isinstance(e, Playback)] == [("2", True), ("2", False)]
    assert [(e.line, e.text, e.part is Part.CAPTURE) for e in desk.events if isinstance(e, BoardFault)] == [
        ("3", "no announcement card is configured (board.card.two.playback)", False)
    ]
    assert (bool(desk.alsa.of["one"].played), desk.alsa.of["two"].played) == (True, [])
    with pytest.raises(BoardError, match="has no line '5'"):
        desk.board.play("5", b"")
