"""The board on the kernel's own devices: snd-aloop as its card, gpio-sim as its pins.

It exists in the test kernel only, and nothing of the product is told of it: the tsuwa2 board as configured by default
finds a card named `tsuwa2` and a chip labelled as a Raspberry Pi's.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.contract.rigs import ACTIVE_LOW, LINES, PINS, RATE, HandsRig, Rig, Sound, device_config, lamp_pin, noise
from tests.kernel.header import Header
from tsuwaroku.config import Config
from tsuwaroku.hal.alsa import QUEUE_S, load_alsa
from tsuwaroku.hal.board import Board
from tsuwaroku.hal.device import DeviceBoard
from tsuwaroku.hal.hats.tsuwa2 import TSUWA2

CARD = "tsuwa2"
RELAYS = {line: int(port.speak) for line, port in zip(LINES, TSUWA2.ports, strict=True)}
LOOK_S = 0.01


class BenchRig(HandsRig):
    """Noise of `fed_s` seconds goes into the far end of the card once the board is open."""

    edge_late_ns = 1_000_000  # gpio-sim's interrupts come with the next tick
    pin_factory = ""
    queue_s = QUEUE_S
    fed_s = 60.0
    rate = RATE
    period_ms = 20
    lines: Sequence[str] = LINES  # those of the card's channels, in order
    speak: Mapping[str, int] = RELAYS  # the pins of the announcement paths

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._boards: list[Board] = []
        self._hung_up = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: list[Exception] = []
        self._heard: list[bytes] = []
        self.fed_from_ns = self.heard_from_ns = 0  # when the far end last began to speak, and to listen
        self.relays: list[tuple[int, tuple[bool, ...]]] = []  # each look: when, and whose announcement path is on

    def missing(self) -> str:
        return "" if Path("/sys/kernel/config/gpio-sim").exists() else "gpio-sim and snd-aloop are in the test kernel"

    def __enter__(self) -> Rig:
        self.header = Header()
        return self

    def __exit__(self, *error: object) -> None:
        for board in self._boards:  # a check that failed has left its own open
            board.close()
        self.header.close()

    def move(self, line: str, what: str, active: bool) -> None:
        self.header.drive(PINS[line][what], active != (what in ACTIVE_LOW))

    def config(self) -> Config:
        """The tsuwa2 board as it is delivered, but for its card's rate: sample for sample is compared here."""
        return device_config(
            *("", ""), pin_factory=self.pin_factory, rate=self.rate, card_rate=self.rate, period_ms=self.period_ms
        )

    def make(self) -> Board:
        self.rest()
        self._boards.append(DeviceBoard(self.config(), queue_s=self.queue_s))
        return self._boards[-1]

    def shines(self, board: Board, lamp: str) -> bool:
        return self.header.level(lamp_pin(lamp))

    def started(self) -> None:
        self._hung_up.clear()
        self._heard.clear()
        self.relays.clear()
        jobs = (self._feed, self._listen, self._look)
        self._threads = [threading.Thread(target=self._guarded, args=(job,)) for job in jobs]
        for thread in self._threads:
            thread.start()

    def ended(self) -> None:
        """Raises what went wrong at the far end."""
        self._hung_up.set()
        for thread in self._threads:
            thread.join()
        failures, self._failures = self._failures, []
        if failures:
            raise failures[0]

    def _guarded(self, job: Any) -> None:
        try:
            job()
        except Exception as error:
            self._failures.append(error)

    @contextlib.contextmanager
    def far_end(self, direction: str, **other: Any) -> Iterator[Any]:
        """The other side of the card: `direction` is "PCM_PLAYBACK" to be heard by the board, or "PCM_CAPTURE"."""
        alsa = load_alsa()
        given = {
            "mode": alsa.PCM_NORMAL,
            "device": f"hw:CARD={CARD},DEV=1",
            "rate": self.rate,
            "channels": len(self.lines),
            "format": alsa.PCM_FORMAT_S16_LE,
            "periodsize": self.piece,
            "periods": 8,
        } | other
        pcm = alsa.PCM(type=getattr(alsa, direction), **given)
        try:
            yield pcm
        finally:
            pcm.close()

    def _feed(self) -> None:
        table = np.stack([np.frombuffer(self.fed(line), dtype="<i2") for line in self.lines], axis=1)
        with self.far_end("PCM_PLAYBACK") as pcm:
            self.fed_from_ns = time.monotonic_ns()
            for first in range(0, len(table), self.piece):
                if self._hung_up.is_set():
                    return
                piece = table[first : first + self.piece].tobytes()
                if pcm.write(piece) != self.piece:
                    raise AssertionError(f"the far end came too late at sample {first}")

    @property
    def piece(self) -> int:
        """What the far end gives and takes at once, in samples: 20 ms."""
        return self.rate // 50

    def fed(self, line: str) -> bytes:
        """All that a line is given."""
        return noise(line, int(self.fed_s * self.rate))

    def _look(self) -> None:
        while not self._hung_up.wait(LOOK_S):
            now = time.monotonic_ns()
            self.relays.append((now, tuple(self.header.level(pin) for pin in self.speak.values())))

    def _listen(self) -> None:
        with self.far_end("PCM_CAPTURE") as pcm:
            self.heard_from_ns = time.monotonic_ns()
            while not self._hung_up.is_set():
                frames, data = pcm.read()
                if frames < 0:
                    raise AssertionError("the far end listened too late")
                self._heard.append(data)

    def check(self, line: str, pcm: bytes) -> None:
        """Silence until the far end is heard, then what it gives, to the last sample."""
        heard = np.frombuffer(pcm, dtype="<i2")
        begun = int(np.flatnonzero(heard)[0])
        given = np.frombuffer(self.fed(line), dtype="<i2")[: len(heard) - begun]
        assert begun < self.rate // 10, f"the far end was not heard for {begun} samples"
        wrong = np.flatnonzero(heard[begun:] != given)
        assert wrong.tolist() == []

    def heard(self) -> Sound:
        """All that the far end heard, from `heard_from_ns` on, a column a channel."""
        return np.frombuffer(b"".join(self._heard), dtype="<i2").reshape(-1, len(self.lines))

    def played(self) -> Sound:
        table = self.heard()
        sounding = np.flatnonzero(table.any(axis=1))
        return table[int(sounding[0]) if len(sounding) else len(table) :]


_DRIVER = Path("/sys/bus/platform/drivers/snd_aloop")


class Plug:
    """The plug of the card. Pulled, the card is gone at once for everybody; its driver waits until all have let go."""

    def __init__(self, rig: BenchRig) -> None:
        self._rig = rig
        self._pulling: threading.Thread | None = None

    def pull(self) -> None:
        self._pulling = threading.Thread(target=lambda: (_DRIVER / "unbind").write_text("snd_aloop.0"))
        self._pulling.start()

    def put(self) -> None:
        """Raises AssertionError where the board has not let go of the card that is gone."""
        assert self._pulling is not None
        with contextlib.suppress(load_alsa().ALSAAudioError):  # the far end was in it too
            self._rig.ended()
        self._pulling.join(0)
        assert not self._pulling.is_alive(), "somebody still holds the card that was pulled"
        (_DRIVER / "bind").write_text("snd_aloop.0")
        self._rig.started()


class RpiGpioRig(BenchRig):
    """The same pins through RPi.GPIO's factory; the module of that name is rpi-lgpio's, for gpio-sim is no Pi."""

    pin_factory = "rpigpio"

    def __enter__(self) -> Rig:
        from os import environ

        super().__enter__()
        environ["RPI_LGPIO_REVISION"] = "c03115"
        environ["RPI_LGPIO_CHIP"] = self.header.chip.removeprefix("gpiochip")
        return self
