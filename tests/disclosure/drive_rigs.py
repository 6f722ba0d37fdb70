"""Media for the contract of `Drives`, whatever is behind them, and the hands that plug and pull them."""

from __future__ import annotations

import contextlib
import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tsuwaroku.disclosure.disks import DiskFacts, facts_of
from tsuwaroku.disclosure.drive import Drive, Drives, Filesystem
from tsuwaroku.disclosure.drives import UsbDrives
from tsuwaroku.disclosure.virtual_drives import StickState, VirtualDrives, VirtualStick

MIB = 1 << 20
SERIAL = "4C530001230415117"


class Faults(msgspec.Struct, frozen=True):
    """What is wrong with a medium. `real_octets`: its addresses wrap there; `bad`: octets that fail, from and to."""

    read_only: bool = False
    real_octets: int | None = None
    bad: tuple[int, int] | None = None


SOUND = Faults()


class Rig(ABC):
    """One port, and one medium at a time."""

    octets = 8 * MIB
    filesystems: tuple[Filesystem, ...] = tuple(Filesystem)

    @property
    @abstractmethod
    def drives(self) -> Drives: ...

    @abstractmethod
    def new(self, faults: Faults = SOUND, serial: str = SERIAL) -> Drive:
        """A new medium, plugged in; the one before is gone."""

    @abstractmethod
    def pull(self) -> None: ...

    @abstractmethod
    def replug(self, *, read_only: bool = False) -> Drive:
        """Take it out if it is in, and put it in again."""

    @abstractmethod
    def content(self) -> bytes:
        """What the medium really holds, all of it."""


class VirtualRig(Rig):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self.stick = VirtualStick(folder, "none")
        self._drives = VirtualDrives(folder)

    @property
    def drives(self) -> Drives:
        return self._drives

    def new(self, faults: Faults = SOUND, serial: str = SERIAL) -> Drive:
        if self._number:
            self.stick.pull()
        self._number += 1
        state = StickState(
            serial=serial,
            capacity_octets=self.octets,
            real_octets=faults.real_octets,
            read_only=faults.read_only,
            bad=[faults.bad] if faults.bad else [],
        )
        self.stick = VirtualStick(self._folder, f"stick{self._number}", state)
        return self.replug(read_only=faults.read_only)

    def pull(self) -> None:
        self.stick.pull()

    def replug(self, *, read_only: bool = False) -> Drive:
        self.stick.pull()
        self.stick.change(read_only=read_only)
        self.stick.plug()
        return self._drives.find().only()

    def content(self) -> bytes:
        return self.stick.image.read_bytes()


class LoopRig(Rig):
    """A loop device of our own, passed off as a stick to the real thing. It cannot be pulled, nor lie."""

    def __init__(self, folder: Path) -> None:
        self._image = folder / "loop.img"
        self._name = ""
        self._serial = SERIAL
        self._drives = UsbDrives(mounts=folder / "media", disks=self._disks)
        self.filesystems = tuple(kind for kind in Filesystem if _kernel_has(kind))

    def _disks(self) -> Iterator[DiskFacts]:
        if self._name:
            yield facts_of(self._name, usb_id="1d6b:0104", serial=self._serial, removable=True)

    @property
    def drives(self) -> Drives:
        return self._drives

    def new(self, faults: Faults = SOUND, serial: str = SERIAL) -> Drive:
        self.close()
        self._image.write_bytes(b"")
        os.truncate(self._image, self.octets)
        self._serial = serial
        return self.replug(read_only=faults.read_only)

    def pull(self) -> None:
        raise AssertionError("a loop device cannot be pulled")

    def replug(self, *, read_only: bool = False) -> Drive:
        self.close()
        options = ["--read-only"] if read_only else []
        done = subprocess.run(
            ["losetup", "--find", "--show", *options, str(self._image)], capture_output=True, text=True, check=True
        )
        self._name = Path(done.stdout.strip()).name
        return self._drives.find().only()

    def content(self) -> bytes:
        return self._image.read_bytes()

    def close(self) -> None:
        if self._name:
            subprocess.run(["losetup", "--detach", f"/dev/{self._name}"], check=True)
            self._name = ""


def _kernel_has(kind: Filesystem) -> bool:
    with contextlib.suppress(OSError):
        subprocess.run(["modprobe", "--quiet", kind.value], check=False, stderr=subprocess.DEVNULL)
    lines = Path("/proc/filesystems").read_text().splitlines()
    return any(line.split()[-1] == kind.value for line in lines)
