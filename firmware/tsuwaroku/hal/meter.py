"""The voltage of each line, from an ADC that the kernel drives (IIO), found by its name.

A thread reads each channel's file every 20 ms: a conversion of an MCP3208 takes 24 µs on the bus. What it cannot read
is a fault, and tried again every second; nothing else depends on it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from tsuwaroku.errors import BoardError

NS = 1_000_000_000
EVERY_S = 0.02
RETRY_S = 1.0
IIO = Path("/sys/bus/iio/devices")
_QUEUE = 4096  # 10 s of eight lines


class Sample(msgspec.Struct, frozen=True, gc=False):
    """The voltage between a line's wires, A over B."""

    line: str
    volts: float
    mono_ns: int


class Meter:
    """`channels` is the channel of each line, `volts` makes a voltage of a reading. `fault("")`: all is well again."""

    def __init__(
        self,
        name: str,
        channels: Mapping[str, int],
        volts: Callable[[int], float],
        fault: Callable[[str], None],
        *,
        root: Path = IIO,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._name = name
        self._channels = dict(channels)
        self._volts = volts
        self._fault = fault
        self._root = root
        self._now_ns = now_ns
        self._samples: deque[Sample] = deque(maxlen=_QUEUE)
        self._files: dict[str, int] = {}
        self._failing = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Begin; the first samples are there on return. Never raises: what is missing is a fault, told and retried."""
        self._turn()
        self._thread = threading.Thread(target=self._run, name=f"meter {self._name}", daemon=True)
        self._thread.start()

    def drain(self) -> list[Sample]:
        """What was measured since the last time, in order."""
        samples = []
        with contextlib.suppress(IndexError):
            while True:
                samples.append(self._samples.popleft())
        return samples

    def close(self) -> None:
        """Safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._release()

    def _run(self) -> None:
        while not self._stop.wait(RETRY_S if self._failing else EVERY_S):
            self._turn()

    def _turn(self) -> None:
        try:
            if not self._files:
                self._claim()
            for line, file in self._files.items():
                raw = int(os.pread(file, 16, 0))
                self._samples.append(Sample(line, self._volts(raw), self._now_ns()))
        except BoardError as error:
            self._failed(error)
        except (OSError, ValueError) as error:
            self._failed(
                BoardError(
                    f"the voltage ADC {self._name} cannot be read ({error})",
                    where="board.meter",
                    remedy="check its wiring, and the board's overlay",
                )
            )
        else:
            if self._failing:
                self._failing = False
                self._fault("")

    def _failed(self, error: BoardError) -> None:
        self._release()
        if not self._failing:
            self._failing = True
            self._fault(f"{error.message}; {error.remedy}")

    def _claim(self) -> None:
        folder = self._found()
        for line, channel in self._channels.items():
            self._files[line] = os.open(folder / f"in_voltage{channel}_raw", os.O_RDONLY | os.O_CLOEXEC)

    def _found(self) -> Path:
        names: dict[str, list[Path]] = {}
        for folder in sorted(self._root.glob("iio:device*")):
            with contextlib.suppress(OSError):
                names.setdefault((folder / "name").read_text(encoding="utf-8").strip(), []).append(folder)
        found = names.get(self._name, [])
        if len(found) != 1:
            present = ", ".join(names) or "none"
            raise BoardError(
                f"{len(found)} of the voltage ADCs are named {self._name}",
                where="board.meter",
                remedy=f"ADCs present: {present}; load the board's overlay or name another in board.meter",
            )
        return found[0]

    def _release(self) -> None:
        for file in self._files.values():
            with contextlib.suppress(OSError):
                os.close(file)
        self._files.clear()
