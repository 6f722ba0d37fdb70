"""Finds USB mass storage through udev's library, and judges which of it may be a medium for copies.

libudev is asked for the disks and their USB devices, and the kernel's own attributes are read (/sys), not what udevd
has worked out of them: so a medium has the same identity with udevd and without it, in a container or a test kernel.
What lies on a disk is asked of `blkid` past its cache, for udevd's own note of that is old after a format.

A disk is refused rather than taken: not removable, mounted where the system lives, in use by swap or a device mapper,
holding a path of the box (`protected`), or with a Linux file system on it, as the ring's SSD has. Whatever is not on
USB is not even listed.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tsuwaroku.disclosure.drive import UNREADABLE, Drive, Unusable
from tsuwaroku.disclosure.tools import run_tool
from tsuwaroku.errors import MediumError

SYS_BLOCK = Path("/sys/class/block")
SYS_DEV = Path("/sys/dev/block")
SECTOR = 512  # the unit of a disk's size in /sys, whatever its own sectors are
_DISK = "0"  # of SCSI's device types; 5 is a CD
UDEVD = Path("/run/udev/control")
LOOK_S = 30.0  # a stick that does not answer is given up by the kernel in about that time
# Places that `blkid` looks at, and lengths: all that media and disks of Linux have.
SIGNATURES = ((0, 68 << 10), (4 << 20, 4096))
# Where people and desktops mount sticks; a disk that is mounted anywhere else belongs to the box.
GUESTS = (Path("/media"), Path("/mnt"), Path("/run/media"))
# What a city's stick never has, and a disk of a Linux machine has.
_LINUX = re.compile(
    r"ext[234]|f2fs|btrfs|xfs|bcachefs|jfs|reiserfs|swap|crypto_LUKS|LVM2_member|linux_raid_member|zfs_member|squashfs"
)
_OCTAL = re.compile(r"\\([0-7]{3})")


class Part(msgspec.Struct, frozen=True):
    """A disk or a partition of it, and what lies there."""

    name: str
    filesystem: str = ""
    label: str = ""


class DiskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the system says of one disk. `parts` begins with the disk itself; `users` are swap and mapped devices."""

    name: str
    insertion: int
    usb_id: str
    vendor: str
    model: str
    serial: str
    wwid: str
    octets: int
    removable: bool
    read_only: bool
    slots: int = 1  # disks of the same USB device
    ready: bool = True
    parts: tuple[Part, ...] = ()
    mounts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    @property
    def device(self) -> str:
        return f"/dev/{self.name}"


def judge(facts: DiskFacts, own: Path, protected: Sequence[str] = ()) -> Drive | Unusable | None:
    """A medium for copies, why it is none, or None for a reader without a card. `own` is the folder that media are
    mounted in by this program; `protected` names the disks that hold a path of the box."""
    if not facts.octets:
        return None
    refused = _refused(facts, own, protected)
    if refused is not None:
        return refused
    whole = facts.parts[0] if facts.parts else Part(facts.name)
    return Drive(
        device=facts.device,
        insertion=facts.insertion,
        usb_id=facts.usb_id,
        vendor=facts.vendor,
        model=facts.model,
        serial=facts.serial,
        id_serial="_".join("_".join(word.split()) for word in (facts.vendor, facts.model, facts.serial) if word),
        wwid=facts.wwid,
        capacity_octets=facts.octets,
        filesystem=whole.filesystem,
        label=whole.label,
        mounted_at=facts.mounts,
        read_only=facts.read_only,
    )


def _refused(facts: DiskFacts, own: Path, protected: Sequence[str]) -> Unusable | None:
    """Why a disk is no medium for copies; None where it is one."""
    another = "use an ordinary USB stick that holds nothing else"
    at = [place for place in facts.mounts if not any(Path(place).is_relative_to(top) for top in (own, *GUESTS))]
    if facts.name in protected or at:
        return Unusable(facts.device, "this disk belongs to the box itself", another)
    if facts.users:
        return Unusable(facts.device, f"this disk is in use by the system ({facts.users[0]})", another)
    if not facts.removable:
        return Unusable(
            facts.device, "this is a fixed disk, as the box's own SSD is, and not a removable medium", another
        )
    if facts.slots > 1:
        return Unusable(
            facts.device,
            "this is in a card reader: the serial number is the reader's, and says nothing of the card",
            "use a USB stick",
        )
    for part in facts.parts:
        if _LINUX.fullmatch(part.filesystem):
            return Unusable(
                facts.device,
                f"there is a Linux file system on it ({part.filesystem}): it may be a disk of the box",
                "if it is meant as a medium for copies, format it on a PC first",
            )
    if not facts.ready:
        return Unusable(facts.device, "the system is still looking at it", "wait some seconds, then begin anew")
    return None


def usb_disks() -> list[DiskFacts]:
    """Every disk on USB, by name. Raises MediumError where udev's library is missing."""
    import pyudev

    try:
        context = pyudev.Context()
    except ImportError as error:
        raise MediumError(
            "udev's library is missing, so no medium can be found",
            where="libudev.so.1",
            remedy="install the package libudev1",
        ) from error
    on_usb = [
        (disk, usb)
        for disk in context.list_devices(subsystem="block", DEVTYPE="disk")
        if (usb := disk.find_parent("usb", "usb_device")) is not None
        and _read(SYS_BLOCK / disk.sys_name / "device/type") == _DISK
    ]
    slots = Counter(usb.sys_path for _, usb in on_usb)
    # Without udevd nothing is ever initialised, and nobody else will look at the disk.
    found = [
        _facts(
            disk.sys_name,
            usb.attributes,
            slots=slots[usb.sys_path],
            ready=disk.is_initialized or not UDEVD.exists(),
        )
        for disk, usb in on_usb
    ]
    return sorted(found, key=lambda facts: facts.name)


def _facts(name: str, usb: Any, *, slots: int, ready: bool) -> DiskFacts:
    def said(attribute: str) -> str:
        return bytes(usb.get(attribute) or b"").decode("utf-8", "replace").strip()

    usb_id = f"{said('idVendor')}:{said('idProduct')}"
    return facts_of(name, usb_id=usb_id, serial=said("serial"), slots=slots, ready=ready)


def facts_of(
    name: str, *, usb_id: str, serial: str, removable: bool | None = None, slots: int = 1, ready: bool = True
) -> DiskFacts:
    """What the kernel says of a disk whose USB device has been found. A disk that is pulled meanwhile has no octets."""
    folder = SYS_BLOCK / name
    names = [name, *sorted(path.parent.name for path in folder.glob("*/partition"))]
    octets = SECTOR * int(_read(folder / "size") or 0)
    return DiskFacts(
        name=name,
        insertion=insertion_of(name),
        usb_id=usb_id,
        vendor=_read(folder / "device/vendor"),
        model=_read(folder / "device/model"),
        serial=serial,
        wwid=_read(folder / "device/wwid") or _read(folder / "wwid"),
        octets=octets,
        removable=_read(folder / "removable") == "1" if removable is None else removable,
        read_only=_read(folder / "ro") == "1",
        slots=slots,
        ready=ready,
        parts=tuple(_part(one) for one in names) if octets else (),
        mounts=mounts_of(names),
        users=_users_of(folder, names),
    )


def insertion_of(name: str) -> int:
    """The kernel's number of this plugging-in (Linux 5.15 and newer); 0 where the disk is gone."""
    return int(_read(SYS_BLOCK / name / "diskseq") or 0)


def mounts_of(names: Iterable[str]) -> tuple[str, ...]:
    """Where these disks and partitions are mounted."""
    numbers = {_read(SYS_BLOCK / name / "dev") for name in names} - {""}
    return tuple(sorted(place for number, place in _mounts() if number in numbers))


def dead_mounts(below: Path) -> tuple[str, ...]:
    """Where something is mounted below a folder whose disk is gone."""
    return tuple(
        sorted(
            place
            for number, place in _mounts()
            if Path(place).is_relative_to(below) and not number.startswith("0:") and not (SYS_DEV / number).exists()
        )
    )


def _mounts() -> Iterator[tuple[str, str]]:
    """(device number, place) of all that is mounted."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        _, _, number, _, place, *_ = line.split(" ")
        yield number, _OCTAL.sub(lambda match: chr(int(match[1], 8)), place)


def disks_below(paths: Iterable[Path]) -> tuple[str, ...]:
    """The names of the disks that these paths lie on, through partitions and mapped devices; what is not there yet
    counts as the folder it will be made in."""
    found: set[str] = set()
    for path in paths:
        there = next(place for place in (path, *path.absolute().parents) if place.exists())
        device = os.stat(there).st_dev
        link = SYS_DEV / f"{os.major(device)}:{os.minor(device)}"
        if link.exists():
            found |= _disks_of(link.resolve())
    return tuple(sorted(found))


def _disks_of(block: Path) -> set[str]:
    below = list(block.glob("slaves/*"))
    if below:
        return set().union(*(_disks_of(slave.resolve()) for slave in below))
    return {block.parent.name if (block / "partition").exists() else block.name}


def _users_of(folder: Path, names: list[str]) -> tuple[str, ...]:
    holders = [path.name for path in (*folder.glob("holders/*"), *folder.glob("*/holders/*"))]
    try:
        swaps = Path("/proc/swaps").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        swaps = []
    used = {line.split()[0] for line in swaps if line.strip()}
    return tuple(sorted({*holders, *("swap" for name in names if f"/dev/{name}" in used)}))


def _part(name: str) -> Part:
    """What lies on a disk or partition, as `blkid` sees it now. To it what cannot be read is the same as nothing."""
    done = run_tool(["blkid", "-p", "-o", "export", f"/dev/{name}"], "util-linux", LOOK_S)
    said = dict(line.split("=", 1) for line in done.output.splitlines() if "=" in line)
    if done.status != 0 and not _readable(Path(f"/dev/{name}")):
        return Part(name, UNREADABLE)
    return Part(name, said.get("TYPE", ""), said.get("LABEL", ""))


def _readable(device: Path) -> bool:
    """Where file systems have their signatures."""
    try:
        with device.open("rb", buffering=0) as file:
            for at, size in SIGNATURES:
                file.seek(at)
                file.read(size)
    except OSError:
        return False
    return True


def _read(path: Path) -> str:
    """An attribute of the kernel's, "" where it is not there (any more)."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
