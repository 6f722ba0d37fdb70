"""The pin header of a Raspberry Pi, made of gpio-sim: the kernel's own GPIO lines, driven from outside."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_CONFIGFS = Path("/sys/kernel/config/gpio-sim")
_PLATFORM = Path("/sys/devices/platform")
# What a Raspberry Pi 4 calls the chip of its header (hal/hats/tsuwa2.py).
PI_4_LABEL = "pinctrl-bcm2711"
LINES = 28


class Header:
    """A bank of 28 lines under the label of a Pi's own chip. `level` is what the wire from outside puts on a pin.

    With `names`, an expander's: its lines are called that, from the first on.
    """

    def __init__(self, label: str = PI_4_LABEL, name: str = "header", names: Sequence[str] = ()) -> None:
        self._folder = _CONFIGFS / name
        bank = self._folder / "bank0"
        bank.mkdir(parents=True)
        (bank / "num_lines").write_text(str(LINES))
        (bank / "label").write_text(label)
        self._lines = [bank / f"line{offset}" for offset in range(len(names))]
        for line, called in zip(self._lines, names, strict=True):
            line.mkdir()
            (line / "name").write_text(called)
        (self._folder / "live").write_text("1")
        device = (self._folder / "dev_name").read_text().strip()
        self.chip = (bank / "chip_name").read_text().strip()
        root = _PLATFORM / device / self.chip
        self._pulls = [os.open(root / f"sim_gpio{pin}" / "pull", os.O_WRONLY) for pin in range(LINES)]
        self._values = [os.open(root / f"sim_gpio{pin}" / "value", os.O_RDONLY) for pin in range(LINES)]

    def drive(self, pin: int, high: bool) -> None:
        """Put a level on a pin from outside. Its edge reaches the kernel's users at the next tick of 1 ms."""
        os.pwrite(self._pulls[pin], b"pull-up" if high else b"pull-down", 0)

    def level(self, pin: int) -> bool:
        """What is on a pin: of an output, what the program has set."""
        return os.pread(self._values[pin], 2, 0)[:1] == b"1"

    def close(self) -> None:
        """Take the chip away, as when its driver is unbound."""
        for descriptor in (*self._pulls, *self._values):
            os.close(descriptor)
        (self._folder / "live").write_text("0")
        for line in self._lines:
            line.rmdir()
        (self._folder / "bank0").rmdir()
        self._folder.rmdir()
