"""A USB stick that can be plugged in and pulled: a mass-storage gadget on the kernel's own dummy host controller.

The kernel sees what it would see of a real one: a disk that appears, and that is gone in the middle of a write.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.kernel.disks import run

GADGET = Path("/sys/kernel/config/usb_gadget/stick")
CONTROLLERS = Path("/sys/class/udc")
BLOCK = Path("/sys/block")
MIB = 1 << 20
SEEN_S = 10.0  # until a stick that was plugged in is a disk; measured: 1.4


class Stick:
    """One stick, out of its port at first. `image` is what is on it, pulled or not."""

    def __init__(
        self, image: Path, megabytes: int, *, read_only: bool = False, serial: str = "0001", formatted: bool = True
    ) -> None:
        """A new one, formatted as sticks are sold (vfat) unless `formatted` says no."""
        self.image = image
        with image.open("wb") as file:
            file.truncate(megabytes * MIB)
        if formatted:
            run("mkfs.vfat", "-n", "COPIES", str(image))
        self._make_gadget(read_only, serial)

    def _make_gadget(self, read_only: bool, serial: str) -> None:
        for folder in ("strings/0x409", "configs/c.1", "functions/mass_storage.0"):
            (GADGET / folder).mkdir(parents=True)
        unit = GADGET / "functions/mass_storage.0/lun.0"
        for path, text in (
            (GADGET / "idVendor", "0x1d6b"),  # the Linux Foundation's, for gadgets
            (GADGET / "idProduct", "0x0104"),
            (GADGET / "strings/0x409/serialnumber", serial),
            (unit / "removable", "1"),
            (unit / "ro", str(int(read_only))),
            (unit / "file", str(self.image)),
        ):
            path.write_text(text)
        (GADGET / "configs/c.1/mass_storage.0").symlink_to(GADGET / "functions/mass_storage.0")

    def plug(self) -> Path:
        """Put it in; returns its block device once it can be read. Raises AssertionError where none appears."""
        _wait_until(lambda: not _disks(), "the stick before is still there")
        (GADGET / "UDC").write_text(os.listdir(CONTROLLERS)[0])
        _wait_until(lambda: any(map(_size, _disks())), "the stick does not appear")
        [disk] = _disks()
        return Path("/dev") / disk

    def protect(self, read_only: bool) -> None:
        """Its write protection, while it is out."""
        unit = GADGET / "functions/mass_storage.0/lun.0"
        (unit / "file").write_text("\n")
        (unit / "ro").write_text(str(int(read_only)))
        (unit / "file").write_text(str(self.image))

    @property
    def plugged(self) -> bool:
        return bool((GADGET / "UDC").read_text().strip())

    def pull(self) -> None:
        """Take it out, whatever is going on."""
        (GADGET / "UDC").write_text("\n")

    def close(self) -> None:
        """Away with it."""
        if self.plugged:
            self.pull()
        (GADGET / "configs/c.1/mass_storage.0").unlink()
        for folder in ("configs/c.1", "functions/mass_storage.0", "strings/0x409", ""):
            (GADGET / folder).rmdir()


def _disks() -> set[str]:
    return {disk.name for disk in BLOCK.iterdir() if disk.name.startswith("sd")}


def _size(disk: str) -> int:
    return int((BLOCK / disk / "size").read_text())


def _wait_until(so: Callable[[], bool], otherwise: str) -> None:
    began = time.monotonic()
    while not so():
        assert time.monotonic() - began < SEEN_S, otherwise
        time.sleep(0.02)


def repair(device: Path) -> None:
    """What has to be done with a vfat stick that was pulled, before it is used again."""
    done = subprocess.run(["fsck.vfat", "-a", str(device)], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: repaired
