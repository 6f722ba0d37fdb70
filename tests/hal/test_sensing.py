"""The hook of lines by contact and voltage together, on the whole board; and what is kept over a restart."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from tests.contract.fake_alsa import FakeAlsa
from tests.hal.iio import FakeAdc
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.events import BoardFault, Contact, ContactEdge, Event, LineVoltage, Part
from tsuwaroku.hal import sensing
from tsuwaroku.hal.device import DeviceBoard
from tsuwaroku.hal.feed import Learnt
from tsuwaroku.hal.meter import Meter
from tsuwaroku.hal.sensing import Sensing

NS = 1_000_000_000
HOOK = {"1": 17, "2": 27}
RING = {"1": 22, "2": 23}


class Bench:
    """A tsuwa2 board: hook contacts by mock pins, voltages by files."""

    def __init__(self, folder: Path) -> None:
        self.adc = FakeAdc(folder / "iio")
        self.pins = MockFactory()
        self.folder = folder
        self.kept = folder / "levels.json"
        self.events: list[Event] = []
        for line in HOOK:
            self.put(line, 48.0)
            self.pins.pin(RING[line]).drive_high()

    def put(self, line: str, volts: float) -> None:
        """A voltage on the pair, and what the comparator makes of it."""
        self.adc.volts(int(line) - 1, volts)
        pin = self.pins.pin(HOOK[line])
        (pin.drive_high if abs(volts) < 31 else pin.drive_low)()

    def open(self) -> None:
        lines = tuple(LineConfig(id=line, port=int(line)) for line in HOOK)
        config = Config(board=BoardConfig(kind="tsuwa2", capture="fake", playback="fake"), line=lines)
        self.board = DeviceBoard(
            config, pin_factory=self.pins, alsa=FakeAlsa(), kept=self.kept, iio=self.folder / "iio"
        )
        self.board.open()

    def read(self, seconds: float) -> list[Event]:
        found: list[Event] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found += self.board.read(0.05)
        self.events += found
        return found

    def hooks(self, events: list[Event], line: str) -> list[bool]:
        return [e.active for e in events if isinstance(e, ContactEdge) and e.line == line and e.contact is Contact.HOOK]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.board.close()


def test_levels_come_first_contacts_as_ever_and_a_voltage_a_second(bench: Bench) -> None:
    bench.put("2", 9)
    bench.open()
    began = bench.read(1.6)
    assert (bench.hooks(began, "1"), bench.hooks(began, "2")) == ([False], [True])
    told = [event for event in began if isinstance(event, LineVoltage)]
    assert [event.line for event in told] == ["1", "2"]
    assert [(round(e.volts), round(e.low), round(e.high), e.threshold, e.dead) for e in told] == [
        (48, 48, 48, None, False),
        (9, 9, 9, None, False),
    ]
    bench.put("1", -9)
    assert bench.hooks(bench.read(0.2), "1") == [True]
    assert [e for e in bench.events if isinstance(e, BoardFault)] == []


@pytest.mark.slow
def test_lines_learn_and_the_next_recorder_knows(bench: Bench) -> None:
    """34 V is off-hook on a line that rests at 48, whatever the comparator says; known at once after a restart."""
    bench.open()
    bench.read(2.3)
    bench.put("1", 34)
    events = bench.read(1.3)
    assert bench.hooks(events, "1") == [True]
    (edge,) = [e for e in events if isinstance(e, ContactEdge)]
    assert bench.hooks(bench.events, "2") == [False]
    bench.board.close()
    kept = json.loads(bench.kept.read_text())["lines"]
    assert kept["1"]["idle"] == pytest.approx(48, abs=0.2)
    assert kept["1"]["off_hook"] == pytest.approx(34, abs=0.2)
    assert kept["2"]["off_hook"] is None
    bench.open()
    assert bench.hooks(bench.read(0.3), "1")[-1] is True
    assert edge.mono_ns < time.monotonic_ns()


def test_a_dead_line_is_told_and_is_no_call(bench: Bench) -> None:
    bench.put("1", 0)
    bench.open()
    began = bench.read(1.3)
    assert bench.hooks(began, "1") == [False]
    assert [e.dead for e in began if isinstance(e, LineVoltage)] == [True, False]
    bench.put("1", 9)
    assert bench.hooks(bench.read(0.4), "1") == [True]


def test_without_the_converter_the_contacts_are_all_there_is(bench: Bench) -> None:
    bench.adc.leave()
    bench.open()
    began = bench.read(1.2)
    assert (bench.hooks(began, "1"), bench.hooks(began, "2")) == ([False], [False])
    faults = [e for e in began if isinstance(e, BoardFault)]
    assert [(e.line, e.failed, e.part) for e in faults] == [("", True, Part.METER)]
    assert [e for e in began if isinstance(e, LineVoltage)] == []
    bench.pins.pin(HOOK["1"]).drive_high()
    assert bench.hooks(bench.read(0.2), "1") == [True]


@pytest.mark.slow
def test_a_converter_that_dies_in_a_call_hands_the_line_back_to_the_comparator(bench: Bench) -> None:
    bench.kept.write_text('{"lines": {"1": {"idle": 48.0, "off_hook": 34.0}}, "version": 1}')
    bench.open()
    bench.read(0.3)
    bench.put("1", 34)
    assert bench.hooks(bench.read(0.4), "1") == [True]
    bench.adc.reads(0, "x")
    events = bench.read(1.6)
    assert bench.hooks(events, "1") == [False]
    assert [(e.failed, e.part) for e in events if isinstance(e, BoardFault)] == [(True, Part.METER)]


class Clock:
    now = 1000 * NS


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{",
        b"[]",
        b'{"lines": {"1": {"idle": "48"}}, "version": 1}',
        b'{"lines": {"1": {"idle": -48}}, "version": 1}',
        b'{"lines": {"1": {"idle": 48, "more": 1}}, "version": 1}',
        b'{"lines": {"1": {"idle": 48.0}}, "version": 2}',
    ],
)
def test_a_file_that_is_none_of_ours_is_as_good_as_none(tmp_path: Path, content: bytes | None) -> None:
    kept = tmp_path / "levels.json"
    if content is not None:
        kept.write_bytes(content)
    assert sensing._load(kept) == {}


def test_what_was_learnt_of_a_line_that_is_not_configured_now_stays(tmp_path: Path) -> None:
    kept = tmp_path / "levels.json"
    kept.write_text('{"lines": {"7": {"idle": 24.0, "off_hook": 6.0}, "1": {"idle": 40.0}}, "version": 1}')
    clock = Clock()
    made = Sensing(["1"], _NoMeter(), lambda: clock.now, kept)
    made._feeds["1"].learnt = Learnt(48.0, 9.0)
    made.close()
    made.close()
    assert sensing._load(kept) == {"7": Learnt(24.0, 6.0), "1": Learnt(48.0, 9.0)}
    assert [path.name for path in tmp_path.iterdir()] == ["levels.json"]


def test_it_is_written_when_there_is_news_and_not_for_every_tenth_of_a_volt(tmp_path: Path) -> None:
    kept = tmp_path / "levels.json"
    clock = Clock()
    made = Sensing(["1"], _NoMeter(), lambda: clock.now, kept)
    for volts, written in ((48.0, True), (48.3, False), (49.0, True)):
        kept.unlink(missing_ok=True)
        made._feeds["1"].learnt = Learnt(volts)
        clock.now += 601 * NS
        made.take([])
        made.close()
        assert kept.exists() == written


def test_a_directory_that_is_not_there_harms_nothing(tmp_path: Path) -> None:
    made = Sensing(["1"], _NoMeter(), lambda: Clock.now, tmp_path / "gone" / "levels.json")
    made._feeds["1"].learnt = Learnt(48.0)
    made.close()
    assert list(tmp_path.iterdir()) == []


class _NoMeter(Meter):
    def __init__(self) -> None:
        super().__init__("none", {}, float, lambda text: None)
