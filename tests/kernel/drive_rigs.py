"""Media of the test kernel for the contract of `Drives`: a USB stick that can be pulled, and a disk with faults.

The stick's gadget reads and writes through a page cache, as if it had a megabyte of memory for each of storage, so it
hides faults that lie below it. Those are on a mapped disk, which is passed off as a stick.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from tests.disclosure.drive_rigs import MIB, SERIAL, SOUND, Faults, Rig
from tests.kernel.disks import RAM, RamDisk, run
from tests.kernel.usb import Stick
from tsuwaroku.disclosure.disks import DiskFacts, facts_of, insertion_of
from tsuwaroku.disclosure.drive import Drive, Drives
from tsuwaroku.disclosure.drives import UsbDrives

SECTOR = 512
GONE_S = 10.0
_MAPPED = "faulty"


class UsbRig(Rig):
    def __init__(self, folder: Path) -> None:
        self.mounts = folder / "media"
        self._drives = UsbDrives(mounts=self.mounts)
        self.stick: Stick | None = None

    @property
    def drives(self) -> Drives:
        return self._drives

    def new(self, faults: Faults = SOUND, serial: str = SERIAL) -> Drive:
        assert faults == Faults(read_only=faults.read_only), "a gadget hides all other faults"
        self.close()
        self.stick = Stick(RAM / "stick.img", self.octets // MIB, serial=serial, formatted=False)
        return self.replug(read_only=faults.read_only)

    def pull(self) -> None:
        assert self.stick is not None
        self.stick.pull()

    def replug(self, *, read_only: bool = False) -> Drive:
        self.replug_unseen(read_only=read_only)
        return self._drives.find().only()

    def replug_unseen(self, *, read_only: bool = False) -> None:
        """The same for what may be no medium by now."""
        assert self.stick is not None
        if self.stick.plugged:
            self.stick.pull()
        self.stick.protect(read_only)
        self.stick.plug()

    def content(self) -> bytes:
        assert self.stick is not None
        return self.stick.image.read_bytes()

    def close(self) -> None:
        if self.stick is not None:
            self.stick.close()
            self.stick.image.unlink()
            self.stick = None


class FaultyRig(Rig):
    """It cannot be pulled."""

    def __init__(self, folder: Path) -> None:
        self._drives = UsbDrives(mounts=folder / "media", disks=self._disks)
        self._disk = RamDisk(self.octets)
        self._serial = SERIAL
        self._table = ""
        self._name = ""

    def _disks(self) -> Iterator[DiskFacts]:
        if self._name:
            yield facts_of(self._name, usb_id="1d6b:0104", serial=self._serial, removable=True)

    @property
    def drives(self) -> Drives:
        return self._drives

    def new(self, faults: Faults = SOUND, serial: str = SERIAL) -> Drive:
        self._unmap()
        self._disk.octets[:] = bytes(self.octets)
        self._serial = serial
        real = faults.real_octets or self.octets
        runs = [
            (at, min(real, self.octets - at), f"linear {self._disk.device} 0") for at in range(0, self.octets, real)
        ]
        if faults.bad is not None:
            begin, end = faults.bad
            runs = [
                (0, begin, f"linear {self._disk.device} 0"),
                (begin, end - begin, "error"),
                (end, self.octets - end, f"linear {self._disk.device} {end // SECTOR}"),
            ]
        self._table = "\n".join(f"{at // SECTOR} {size // SECTOR} {what}" for at, size, what in runs if size)
        return self.replug(read_only=faults.read_only)

    def pull(self) -> None:
        raise AssertionError("a mapped disk cannot be pulled")

    def replug(self, *, read_only: bool = False) -> Drive:
        self._unmap()
        options = ["--readonly"] if read_only else []
        run("dmsetup", "create", _MAPPED, "--noudevsync", *options, "--table", self._table)
        run("dmsetup", "mknodes")
        self._name = (Path("/dev/mapper") / _MAPPED).resolve().name
        if not self._name.startswith("dm-"):
            number = run("dmsetup", "info", "-c", "--noheadings", "-o", "minor", _MAPPED).strip()
            self._name = f"dm-{number}"
        return self._drives.find().only()

    def content(self) -> bytes:
        return bytes(self._disk.octets)

    def close(self) -> None:
        self._unmap()
        self._disk.close()

    def _unmap(self) -> None:
        if self._name:
            run("dmsetup", "remove", "--noudevsync", _MAPPED)
            until = time.monotonic() + GONE_S
            while insertion_of(self._name):
                assert time.monotonic() < until, "the mapped disk stays"
                time.sleep(0.02)
            self._name = ""
