"""Boards and the hands that work them: every rig plays the same scenario and says what it really did and when."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gpiozero.pins.mock import MockFactory

from tests.contract.fake_alsa import FakeAlsa, FakeCard, index_of
from tests.hal.iio import FakeAdc
from tsuwaroku.clock import VirtualClock
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.errors import BoardError
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge, EndOfInput, Event, Tick
from tsuwaroku.hal.alsa import Capture, CardSpec, load_alsa
from tsuwaroku.hal.board import SYSTEM_LAMP, Board
from tsuwaroku.hal.chips import Chips
from tsuwaroku.hal.device import DeviceBoard
from tsuwaroku.hal.framing import Block
from tsuwaroku.hal.virtual import VirtualBoard

NS = 1_000_000_000
RATE = 8000
LINES = ("11", "12")
SECONDS = 2.2
Sound = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Move:
    """At `at_s` a sensor or the button of a line goes active (off-hook, ringing, pressed) or back."""

    at_s: float
    line: str
    what: str  # "hook", "ring", "button"
    active: bool


def _bounces(at_s: float, line: str, what: str, active: bool) -> list[Move]:
    return [Move(at_s + ms / 1000, line, what, active == (n % 2 == 0)) for n, ms in enumerate((0, 2, 5, 9, 12))]


# Line 12 is off-hook from the start. Contacts bounce 2 to 4 ms apart and are passed on as they are; the button's
# bounces, its chatter while it is held and its bouncing release are one press; the second press is another.
SCENARIO = sorted(
    [
        Move(0.0, "12", "hook", True),
        *_bounces(0.30, "11", "hook", True),
        Move(0.50, "12", "ring", True),
        Move(0.53, "12", "ring", False),
        Move(0.56, "12", "ring", True),
        Move(0.59, "12", "ring", False),
        *_bounces(0.70, "11", "button", True),
        Move(1.00, "11", "button", False),
        Move(1.006, "11", "button", True),
        *_bounces(1.20, "11", "button", False),
        Move(1.40, "11", "button", True),
        Move(1.45, "11", "button", False),
        Move(1.60, "12", "hook", False),
        *_bounces(1.70, "11", "hook", False),
    ],
    key=lambda move: move.at_s,
)
PRESSES = [("11", 0.70), ("11", 1.40)]
BOUNCE_S = 0.02  # a button that is up for longer may have been released


@dataclass
class Run:
    """What came out, and what was really done: (line, contact, active, earliest ns, latest ns)."""

    events: list[Event] = field(default_factory=list)
    edges: list[tuple[str, Contact, bool, int, int]] = field(default_factory=list)
    presses: list[tuple[str, int, int]] = field(default_factory=list)
    held_up: bool = False
    start_ns: int = 0
    slowest_call_s: float = 0.0
    first_read: list[Event] = field(default_factory=list)

    def of(self, *kinds: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]


Act = tuple[float, Callable[[Board], None]]


class Rig(ABC):
    """One kind of board. `run` opens a fresh board, plays the scenario, performs `acts` at their times, closes it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def missing(self) -> str:
        """Why this machine cannot have the board; empty where it can."""
        return ""

    def __enter__(self) -> Rig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @abstractmethod
    def make(self) -> Board:
        """A board that is not open yet."""

    @abstractmethod
    def run(self, seconds: float = SECONDS, acts: list[Act] | None = None) -> Run: ...

    @abstractmethod
    def check(self, line: str, pcm: bytes) -> None:
        """Assert that a line's whole stream is its input, bit for bit."""

    @abstractmethod
    def shines(self, board: Board, lamp: str) -> bool:
        """Whether the lamp is anything but dark."""

    def played(self) -> Sound | None:
        """What the last run sent out from its first sample on, a column a channel; None where that cannot be heard."""
        return None


def step(board: Board, run: Run, timeout_s: float, acts: list[Act], elapsed_s: float) -> bool:
    """Perform what is due and read once; False at the end of the input."""
    while acts and acts[0][0] <= elapsed_s:
        before = time.perf_counter()
        acts.pop(0)[1](board)
        run.slowest_call_s = max(run.slowest_call_s, time.perf_counter() - before)
    events = list(board.read(timeout_s))
    if not run.events:
        run.first_read = events
    run.events += events
    return not any(isinstance(event, EndOfInput) for event in events)


# ---------------------------------------------------------------- virtual


class _Source:
    mixes_notice = False

    def __init__(self, line: str, pcm: bytes) -> None:
        self.line = line
        self._pcm = pcm
        self._moves: list[ContactEdge | ButtonPressed] = []
        for move in SCENARIO:
            when = round(move.at_s * NS)
            if move.line == line and move.what != "button":
                self._moves.append(ContactEdge(line, Contact(move.what), move.active, when))
        self._moves += [ButtonPressed(line, round(at * NS)) for who, at in PRESSES if who == line]
        self._moves.sort(key=lambda event: event.mono_ns)

    def events(self, start_ns: int, end_ns: int) -> list[ContactEdge | ButtonPressed]:
        return [event for event in self._moves if start_ns <= event.mono_ns < end_ns]

    def read(self, first_sample: int, count: int) -> bytes | None:
        return self._pcm[2 * first_sample : 2 * (first_sample + count)]

    def ends_ns(self) -> int | None:
        return len(self._pcm) // 2 * NS // RATE


def noise(line: str, samples: int) -> bytes:
    seed = LINES.index(line) + 1
    return np.random.default_rng(seed).integers(-32768, 32768, samples).astype("<i2").tobytes()


class VirtualRig(Rig):
    """The simulated board, as fast as it goes. Its time is its own."""

    def make(self, seconds: float = SECONDS) -> Board:
        clock = VirtualClock(1_800_000_000 * NS)
        sources = [_Source(line, noise(line, int(seconds * RATE))) for line in LINES]
        return VirtualBoard(sources, clock, realtime=False, tail_s=0.1)

    def run(self, seconds: float = SECONDS, acts: list[Act] | None = None) -> Run:
        board, run, pending = self.make(seconds), Run(), list(acts or [])
        board.open()
        elapsed = 0.0
        while step(board, run, 1.0, pending, elapsed):
            ticks = run.of(Tick)
            elapsed = ticks[-1].mono_ns / NS if ticks else 0.0
        board.close()
        for move in SCENARIO:
            if move.what != "button" and move.at_s > 0:
                when = round(move.at_s * NS)
                run.edges.append((move.line, Contact(move.what), move.active, when, when))
        run.presses = [(line, round(at * NS), round(at * NS)) for line, at in PRESSES]
        return run

    def check(self, line: str, pcm: bytes) -> None:
        assert pcm == noise(line, int(SECONDS * RATE))

    def shines(self, board: Board, lamp: str) -> bool:
        assert isinstance(board, VirtualBoard)
        return board.lamps[lamp].value != "dark"


# ---------------------------------------------------------------- devices

PINS = {
    "11": {"hook": 17, "ring": 22, "button": 12, "lamp": 24},
    "12": {"hook": 27, "ring": 23, "button": 6, "lamp": 13},
}
SYSTEM_PIN = 25
ACTIVE_LOW = {"ring", "button"}


def device_config(capture: str, playback: str, **other: Any) -> Config:
    board = BoardConfig(
        **{"kind": "tsuwa2", "meter": "none", "capture": capture, "playback": playback, "channels": 2, **other}
    )
    return Config(board=board, line=tuple(LineConfig(id=line, port=n + 1) for n, line in enumerate(LINES)))


class HandsRig(Rig):
    """A real board in the time of this machine: hands move its contacts while it is read."""

    edge_late_ns = 0
    """How much later than the hand the pin itself may change."""

    @abstractmethod
    def move(self, line: str, what: str, active: bool) -> None:
        """Put a sensor or the button of a line there, as the HAT wires it."""

    def rest(self) -> None:
        """The contacts as the scenario begins with them."""
        for line in LINES:
            for what in ("hook", "ring", "button"):
                self.move(line, what, line == "12" and what == "hook")

    def run(self, seconds: float = SECONDS, acts: list[Act] | None = None) -> Run:
        """Once more where a busy machine held the hands up in a bounce of a button: it is one no longer then."""
        for _ in range(4):
            run = self._run(seconds, acts)
            if not run.held_up:
                break
        return run

    def _run(self, seconds: float, acts: list[Act] | None) -> Run:
        board, run, pending = self.make(), Run(), list(acts or [])
        board.open()
        try:
            run.start_ns = time.monotonic_ns()
            self.started()
            hands = threading.Thread(target=self._play, args=(run, seconds))
            hands.start()
            while (elapsed := (time.monotonic_ns() - run.start_ns) / NS) < seconds:
                step(board, run, 0.05, pending, elapsed)
            hands.join()
        finally:
            board.close()
            self.ended()
        return run

    def started(self) -> None:
        """The board is open: let the sound begin."""

    def ended(self) -> None:
        """The board is closed: let the sound end."""

    def _play(self, run: Run, seconds: float) -> None:
        released = Move(0.0, "", "button", False), 0
        for move in SCENARIO:
            if not 0 < move.at_s < seconds - 0.1:
                continue
            time.sleep(max(0.0, move.at_s - (time.monotonic_ns() - run.start_ns) / NS))
            before = time.monotonic_ns()
            self.move(move.line, move.what, move.active)
            after = time.monotonic_ns() + self.edge_late_ns
            if move.what != "button":
                run.edges.append((move.line, Contact(move.what), move.active, before, after))
            elif not move.active:
                released = move, before
            elif move.at_s - released[0].at_s < BOUNCE_S < (after - released[1]) / NS:
                run.held_up = True
            if (
                move.what == "button"
                and move.active
                and any(move == Move(at, line, "button", True) for line, at in PRESSES)
            ):
                run.presses.append((move.line, before, after))


class DeviceRig(HandsRig):
    """The real board over gpiozero's mock pins; what the card is, the subclasses say."""

    alsa: Any = None
    capture = ""
    playback = ""
    queue_s = 4.0

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.pins = MockFactory()

    def move(self, line: str, what: str, active: bool) -> None:
        pin = self.pins.pin(PINS[line][what])
        (pin.drive_high if active != (what in ACTIVE_LOW) else pin.drive_low)()

    def make(self) -> Board:
        self.pins.reset()
        self.rest()
        config = device_config(self.capture, self.playback)
        return DeviceBoard(config, pin_factory=self.pins, alsa=self.alsa, queue_s=self.queue_s)

    def shines(self, board: Board, lamp: str) -> bool:
        return bool(self.pins.pin(lamp_pin(lamp)).state)


def lamp_pin(lamp: str) -> int:
    """The number of a lamp's pin."""
    return SYSTEM_PIN if lamp == SYSTEM_LAMP else PINS[lamp]["lamp"]


class FakeRig(DeviceRig):
    """A card made of arithmetic, in real time, 80 ppm fast."""

    capture = playback = "fake"

    def make(self) -> Board:
        self.card = FakeCard(ppm=80)
        self.alsa = FakeAlsa(self.card)
        return super().make()

    def check(self, line: str, pcm: bytes) -> None:
        check_counts(pcm, LINES.index(line))

    def played(self) -> Sound:
        begun = self.card.played[0][0]
        table = np.zeros((40_000, 2), dtype="<i2")
        for at, data in self.card.played:
            piece = np.frombuffer(data, dtype="<i2").reshape(-1, 2)
            table[at - begun : at - begun + len(piece)] = piece
        return table


class ExpanderRig(FakeRig):
    """Two lines of the tsuwa8 board: their pins on three expanders, found by the names of their lines."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.expanders = [MockFactory() for _ in range(3)]
        places = [("HOOK1", "HOOK2", "RING1_N", "RING2_N"), ("INJ_EN1", "INJ_EN2"), ("LED_REC1", "LED_REC2")]
        places[2] += ("BTN1_N", "BTN2_N")
        # From 4 on: of a Pi's header, which these mocks are, GPIO2 and 3 have pulls of their own.
        self.named = {
            name: (chip, offset)
            for chip, names in zip(self.expanders, places, strict=True)
            for offset, name in enumerate(names, 4)
        }

    def move(self, line: str, what: str, active: bool) -> None:
        name = {"hook": "HOOK{}", "ring": "RING{}_N", "button": "BTN{}_N"}[what].format(LINES.index(line) + 1)
        chip, offset = self.named[name]
        pin = chip.pin(offset)
        (pin.drive_high if active != (what in ACTIVE_LOW) else pin.drive_low)()

    def make(self) -> Board:
        self.card = FakeCard(ppm=80)
        for chip in self.expanders:
            chip.reset()
        self.pins.reset()
        self.rest()
        config = device_config("fake", "fake", kind="tsuwa8")
        return DeviceBoard(config, pin_factory=Chips(self.pins, self.named), alsa=FakeAlsa(self.card))

    def shines(self, board: Board, lamp: str) -> bool:
        chip, pin = (self.pins, 16) if lamp == SYSTEM_LAMP else self.named[f"LED_REC{LINES.index(lamp) + 1}"]
        return bool(chip.pin(pin).state)


class MeteredRig(FakeRig):
    """A board that measures its lines too: 48 V on-hook, 9 V off-hook."""

    def move(self, line: str, what: str, active: bool) -> None:
        if what == "hook":
            self.adc.volts(LINES.index(line), 9.0 if active else 48.0)
        super().move(line, what, active)

    def make(self) -> Board:
        iio = Path(tempfile.mkdtemp(dir=self.directory))
        self.adc = FakeAdc(iio)
        self.pins.reset()
        self.rest()
        self.card = FakeCard(ppm=80)
        config = device_config("fake", "fake", meter="")
        return DeviceBoard(config, pin_factory=self.pins, alsa=FakeAlsa(self.card), iio=iio)


def check_counts(pcm: bytes, channel: int) -> None:
    """Every sample of the fake card is the one after the one before."""
    places = [index_of(value, channel) for value in np.frombuffer(pcm, dtype="<i2").tolist()]
    assert places == [(places[0] + n) % 30_000 for n in range(len(places))]


_CONF = """</usr/share/alsa/alsa.conf>
pcm.pair {{ type file slave.pcm null file /dev/null infile "{infile}" format raw }}
pcm.out {{ type file slave.pcm null file "{outfile}" format raw }}
"""


class FileRig(DeviceRig):
    """alsa-lib's `file` plug-in over `null`, through the real pyalsaaudio. It is not paced; the board must be."""

    capture, playback = "pair", "out"

    def missing(self) -> str:
        try:
            import alsaaudio  # noqa: F401
        except ImportError as error:
            return f"pyalsaaudio cannot be imported ({error})"
        return "" if Path("/usr/share/alsa/alsa.conf").exists() else "alsa-lib's own configuration is not installed"

    def __enter__(self) -> Rig:
        table = np.stack([np.frombuffer(noise(line, RATE * 6), dtype="<i2") for line in LINES], axis=1)
        (self.directory / "in.raw").write_bytes(table.tobytes())
        conf = self.directory / "asound.conf"
        conf.write_text(_CONF.format(infile=self.directory / "in.raw", outfile=self.outfile))
        # alsa-lib reads the variable again at each open, so this reaches a library that is already loaded.
        self._before = os.environ.get("ALSA_CONFIG_PATH")
        os.environ["ALSA_CONFIG_PATH"] = str(conf)
        return self

    @property
    def outfile(self) -> Path:
        return self.directory / "out.raw"

    def __exit__(self, *error: object) -> None:
        if self._before is None:
            del os.environ["ALSA_CONFIG_PATH"]
        else:
            os.environ["ALSA_CONFIG_PATH"] = self._before

    def check(self, line: str, pcm: bytes) -> None:
        assert pcm == noise(line, RATE * 6)[: len(pcm)]

    def played(self) -> Sound:
        return np.frombuffer(self.outfile.read_bytes(), dtype="<i2").reshape(-1, 2)


_PIPEWIRE = """context.properties = {
  default.clock.rate = 8000  default.clock.allowed-rates = [ 8000 ]
  default.clock.quantum = 160  default.clock.min-quantum = 160  default.clock.max-quantum = 160
}
context.objects = [ { factory = adapter  args = {
  factory.name = support.null-audio-sink  node.name = pair  media.class = Audio/Sink
  audio.position = [ FL FR ]  audio.rate = 8000
} } ]
"""
_SESSION = "pipewire & p=$!; wireplumber & w=$!; read -r _; kill $w $p; wait"


class PipewireRig(DeviceRig):
    """A card in real time without hardware: the monitor of PipeWire's null sink at 8 kHz, in a session of its own."""

    capture, playback = "pipewire", "null"

    def missing(self) -> str:
        lacking = [name for name in ("dbus-run-session", "pipewire", "wireplumber") if shutil.which(name) is None]
        if lacking:
            return f"{', '.join(lacking)} not installed (apt-get install pipewire pipewire-alsa wireplumber dbus)"
        return "" if load_alsa().pcms().count("pipewire") else "pipewire-alsa is not installed"

    def __enter__(self) -> Rig:
        runtime = self.directory / "run"
        runtime.mkdir(mode=0o700)
        fragments = self.directory / "config" / "pipewire" / "pipewire.conf.d"
        fragments.mkdir(parents=True)
        (fragments / "pair.conf").write_text(_PIPEWIRE)
        self._before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        mine = {"XDG_CONFIG_HOME": self.directory / "config", "XDG_STATE_HOME": self.directory / "state"}
        log = (self.directory / "session.log").open("wb")
        self._session = subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", _SESSION],
            env=os.environ | {name: str(path) for name, path in mine.items()} | {"HOME": str(self.directory)},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        self._await_sound()
        return self

    def _await_sound(self) -> None:
        """Until the session manager links what is opened: a stream that is not linked gives nothing."""
        alsa = load_alsa()
        for _ in range(40):
            time.sleep(0.25)
            with contextlib.suppress(BoardError, alsa.ALSAAudioError):
                capture = Capture(alsa, CardSpec("pipewire", RATE, 2, 160, 4000))
                capture.open()
                time.sleep(0.5)
                items = capture.drain()
                capture.close()
                if any(isinstance(item, Block) for item in items):
                    return
        log = (self.directory / "session.log").read_text(errors="replace")[-500:]
        self.__exit__()
        pytest.skip(f"PipeWire is installed, but its session gives no sound within 30 s: {log}")

    def __exit__(self, *error: object) -> None:
        if self._before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = self._before
        self._session.communicate(b"\n", timeout=20)

    def started(self) -> None:
        threading.Thread(target=self._feed, daemon=True).start()

    def _feed(self) -> None:
        alsa = load_alsa()
        table = np.stack([np.frombuffer(noise(line, RATE * 3), dtype="<i2") for line in LINES], axis=1)
        sink = alsa.PCM(
            type=alsa.PCM_PLAYBACK,
            device="pipewire",
            rate=RATE,
            channels=2,
            periodsize=160,
            periods=8,
            format=alsa.PCM_FORMAT_S16_LE,
        )
        for first in range(0, len(table), 160):
            sink.write(table[first : first + 160].tobytes())
        sink.close()

    def check(self, line: str, pcm: bytes) -> None:
        """Silence until the feed is linked, then the feed, for most of the time."""
        heard = pcm[len(pcm) - len(pcm.lstrip(b"\0")) :]
        heard = pcm[len(pcm) - (len(heard) + 1) // 2 * 2 :]
        assert len(heard) > RATE * 2
        whole = noise(line, RATE * 3)
        assert heard == whole[whole.index(heard[:64]) :][: len(heard)]
        assert whole.index(heard[:64]) < 2 * 160


RIGS: dict[str, type[Rig]] = {
    "virtual": VirtualRig,
    "fake": FakeRig,
    "expanders": ExpanderRig,
    "metered": MeteredRig,
    "file": FileRig,
    "pipewire": PipewireRig,
}
