"""Sticks of the kernel bench for the scenario of an office's year: one gadget, into which each stick's image is put."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from tests.kernel.disks import RAM
from tests.kernel.usb import BLOCK, GADGET, MIB, Stick
from tests.scenarios.office_year.people import forked
from tsuwaroku.disclosure.drives import UsbDrives

UNIT = GADGET / "functions/mass_storage.0/lun.0"
SECTOR = 512
WRITTEN = MIB // 16  # octets of an export, before it is pulled
PATIENCE_S = 60.0


class UsbSticks:
    """The `Media` of a box with a USB port. `formats_s`: how long each export onto it took, by the guest's time."""

    capacity = 16 * MIB

    def __init__(self) -> None:
        self._stick = Stick(self._image("first"), self.capacity // MIB, serial="first", formatted=False)
        self._hand = 0

    def new(self, name: str) -> None:
        with self._image(name).open("wb") as file:
            file.truncate(self.capacity)
        self.plug(name)

    def plug(self, name: str) -> None:
        self.pull()
        (UNIT / "file").write_text("\n")
        (GADGET / "strings/0x409/serialnumber").write_text(self.serial(name))
        (UNIT / "file").write_text(str(self._image(name)))
        self._stick.plug()

    def pull(self) -> None:
        if self._hand:
            assert os.waitpid(self._hand, 0)[1] == 0
            self._hand = 0
        if self._stick.plugged:
            self._stick.pull()

    def pulled_in_an_export(self) -> None:
        [disk] = [one for one in BLOCK.iterdir() if one.name.startswith("sd")]
        before = _written(disk)

        def watch() -> int:
            until = time.monotonic() + PATIENCE_S
            while _written(disk) - before < WRITTEN:
                assert time.monotonic() < until
                time.sleep(0.002)
            self._stick.pull()
            return 0

        self._hand = forked(watch)

    def serial(self, name: str) -> str:
        return f"4C53000123{name.removeprefix('M-')}77A"

    def files(self, name: str, into: Path) -> Path:
        self.plug(name)
        drives = UsbDrives()
        with drives.claim(drives.find().only()) as claimed, claimed.mounted(read_only=True) as root:
            return Path(shutil.copytree(root, into))

    def blank(self, name: str) -> bool:
        self.pull()
        return not any(self._image(name).read_bytes())

    def close(self) -> None:
        self.pull()
        self._stick.close()
        for image in RAM.glob("office-*.img"):
            image.unlink()

    @staticmethod
    def _image(name: str) -> Path:
        return RAM / f"office-{name}.img"


def _written(disk: Path) -> int:
    """Octets written so far."""
    return int((disk / "stat").read_text().split()[6]) * SECTOR
