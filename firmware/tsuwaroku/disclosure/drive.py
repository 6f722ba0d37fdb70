"""What a medium for copies is to the rest of the program, whatever back end finds it: `Drives` and what it hands out.

`drives.UsbDrives` is the real one, `virtual_drives.VirtualDrives` the one without hardware; both owe the same
(tests/disclosure/drives_contract.py). Few methods, and whatever is built of them (`exporting`, `registering`, `wipe`,
`probe`) knows no back end.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from tsuwaroku.errors import MediumError, RefusedError

Progress = Callable[[int, int], None]
"""Told (octets done, octets in all). What it raises ends the act, which then has not been done."""

LABEL = re.compile(r"[A-Z0-9_-]{1,11}")  # what every file system can have, and Windows shows as it is
STEP = 1 << 20
UNREADABLE = "unreadable"
"""Instead of a file system's name, where nobody can tell."""
BLOCK = 4096  # octets; places and lengths of raw access are whole blocks, but for the end of a drive


class Filesystem(enum.StrEnum):
    """What a medium for copies can be formatted with, by the system's names. Others are never mounted."""

    EXFAT = "exfat"
    FAT32 = "vfat"


class Drive(msgspec.Struct, frozen=True, kw_only=True):
    """One medium that may be used for copies: USB mass storage whose medium is removable.

    `serial` is the USB device's own, "" where it has none; `id_serial` is udev's name for the whole (vendor, model,
    serial), `wwid` the kernel's. `filesystem` is what lies on the whole device ("" for none or a partitioned one, or
    UNREADABLE), `mounted_at` wherever it, or a part of it, is mounted. `insertion` numbers what was plugged in since
    the boot: the same number is the same medium, never pulled meanwhile.
    """

    device: str
    insertion: int
    usb_id: str  # "0781:5567"
    vendor: str
    model: str
    serial: str
    id_serial: str
    wwid: str
    capacity_octets: int
    filesystem: str = ""
    label: str = ""
    mounted_at: tuple[str, ...] = ()
    read_only: bool = False


class Unusable(msgspec.Struct, frozen=True):
    """USB mass storage that is no medium for copies: why, and what to do instead."""

    device: str
    why: str
    remedy: str = ""


class Found(msgspec.Struct, frozen=True):
    """What is plugged in, each part by device."""

    drives: tuple[Drive, ...] = ()
    unusable: tuple[Unusable, ...] = ()

    def only(self) -> Drive:
        """The one medium there is. Raises MediumError where there is none, RefusedError where there are several."""
        if len(self.drives) > 1:
            raise RefusedError(
                f"several media are plugged in: {', '.join(drive.device for drive in self.drives)}",
                remedy="take out all but the one that is meant, or name its device",
            )
        if self.drives:
            return self.drives[0]
        if self.unusable:
            raise _unusable(self.unusable[0])
        raise MediumError("no medium is plugged in", remedy="plug the USB stick into the box and begin anew")

    def at(self, device: str) -> Drive:
        """The medium of this device. Raises RefusedError for anything else: the box's own disks above all."""
        for drive in self.drives:
            if drive.device == device:
                return drive
        for one in self.unusable:
            if one.device == device:
                raise _unusable(one)
        raise RefusedError(
            "is no USB medium that is plugged in; no other disk is ever written to",
            where=device,
            remedy="name the device of a USB stick that is plugged in",
        )


def _unusable(one: Unusable) -> RefusedError:
    return RefusedError(one.why, where=one.device, remedy=one.remedy)


class Raw(Protocol):
    """All of a medium as one row of octets. Each method raises OSError."""

    octets: int

    def write(self, at: int, data: bytes) -> None: ...

    def read(self, at: int, size: int) -> bytes:
        """As the device has it, past every cache of this machine. May be shorter at the end alone."""

    def sync(self) -> None:
        """All that was written is on the device, past the cache it has of its own as far as it obeys."""


class Claimed(Protocol):
    """A medium that nobody else uses meanwhile. A medium that was pulled out stays gone, whatever is plugged in then.

    All that fails for the medium's sake is MediumError (or OSError from `Raw`).
    """

    drive: Drive

    def present(self) -> bool:
        """Whether it is the same medium still, never pulled out since it was claimed."""

    def stays(self) -> bool:
        """The same after an error: asked until the system has had the time to notice a pull, some seconds."""

    def raw(self) -> AbstractContextManager[Raw]:
        """While nothing of it is mounted. What is open when the block ends is synced."""

    def format(self, filesystem: Filesystem, label: str) -> None:
        """A new, empty file system over the whole device; all that was on it is lost to everyday means."""

    def mounted(self, *, read_only: bool = False) -> AbstractContextManager[Path]:
        """Its files, under the path. When the block has ended without an error everything is on the device and it may
        be pulled out; MediumError where that cannot be had. One that was pulled before is mended first, if writable."""


class Drives(Protocol):
    """A machine's media."""

    def find(self) -> Found:
        """What is plugged in. Raises MediumError where the system cannot say."""

    def claim(self, drive: Drive) -> AbstractContextManager[Claimed]:
        """Raises MediumError where it is gone, is another one by now, or is in use: by another process, or mounted."""


def check_label(label: str) -> None:
    """Raises RefusedError for what not every file system can be named."""
    if not LABEL.fullmatch(label):
        raise RefusedError(
            f"{label!r} is no name for a medium",
            remedy="use up to 11 of A to Z, 0 to 9, hyphen and underscore",
        )


def pulled(where: str) -> MediumError:
    """The medium is not the one that was claimed any more."""
    return MediumError(
        "the medium was pulled out",
        where=where,
        remedy="put it in again and begin anew: nothing of this act counts",
    )


def in_use(where: str) -> MediumError:
    """Another process has it."""
    return MediumError(
        "the medium is in use by another task",
        where=where,
        remedy="wait until that has ended, then begin anew",
    )


def mounted_elsewhere(where: str, at: str) -> MediumError:
    """Somebody else has mounted it."""
    return MediumError(
        f"the medium is mounted at {at} and may be in use",
        where=where,
        remedy="unmount it there (`umount`), then begin anew",
    )


def without_filesystem(where: str, found: str) -> MediumError:
    """Nothing on it that would be mounted."""
    return MediumError(
        f"the medium has no file system of a medium for copies ({found or 'none'})",
        where=where,
        remedy="register it, or prepare it anew if it is registered",
    )


def write_protected(where: str) -> MediumError:
    """A switch on the stick, or a stick at the end of its life."""
    return MediumError(
        "the medium is write-protected",
        where=where,
        remedy="release its write protection; if it has none it is worn out: use another medium and destroy this one",
    )
