"""An IIO device of the kernel's, made of files: what a driver would show in sysfs."""

from __future__ import annotations

import os
from pathlib import Path


class FakeAdc:
    """A converter called `name` with a reading a channel."""

    def __init__(self, root: Path, name: str = "mcp3208", number: int = 0, channels: int = 8) -> None:
        self.folder = root / f"iio:device{number}"
        self.folder.mkdir(parents=True)
        (self.folder / "name").write_text(f"{name}\n")
        for channel in range(channels):
            self.reads(channel, 2048)

    def reads(self, channel: int, raw: int | str) -> None:
        """In place, as a driver's file: who has it open sees it."""
        path = self.folder / f"in_voltage{channel}_raw"
        if not path.exists():
            path.write_text("")
        with path.open("r+b") as file:
            os.pwrite(file.fileno(), f"{raw}\n".ljust(8).encode(), 0)

    def volts(self, channel: int, volts: float) -> None:
        """As the sensing circuit of the boards makes a line's voltage."""
        self.reads(channel, round(2048 + volts * (162e3 / 20e6) * 4096 / 3.3))

    def leave(self) -> None:
        """Its driver is unbound."""
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()
