"""Which disks may be media, judged by what the system says of them; libudev itself is asked in the test kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tsuwaroku.disclosure import disks
from tsuwaroku.disclosure.disks import DiskFacts, Part, disks_below, judge, mounts_of, usb_disks
from tsuwaroku.disclosure.drive import Drive, Unusable
from tsuwaroku.errors import MediumError

OWN = Path("/run/tsuwaroku/media")
STICK = DiskFacts(
    name="sdb",
    insertion=9,
    usb_id="0781:5567",
    vendor="SanDisk",
    model="Cruzer Blade",
    serial="4C530001230415117",
    wwid="",
    octets=15_500_000_256,
    removable=True,
    read_only=False,
    parts=(Part("sdb", "exfat", "COPIES"),),
)


def test_a_stick_is_a_medium() -> None:
    assert judge(STICK, OWN) == Drive(
        device="/dev/sdb",
        insertion=9,
        usb_id="0781:5567",
        vendor="SanDisk",
        model="Cruzer Blade",
        serial="4C530001230415117",
        id_serial="SanDisk_Cruzer_Blade_4C530001230415117",
        wwid="",
        capacity_octets=15_500_000_256,
        filesystem="exfat",
        label="COPIES",
    )


def test_a_reader_without_a_card_is_nothing() -> None:
    assert judge(msgspec.structs.replace(STICK, octets=0), OWN) is None


BOX = "this disk belongs to the box itself"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        *(({"mounts": (place,)}, BOX) for place in ("/", "/boot/firmware", "/srv/ring", "/var", "/home/a", "/mediaX")),
        ({"mounts": ("/media/a", "/boot")}, BOX),
        ({"name": "sda"}, BOX),
        ({"users": ("dm-0",)}, "this disk is in use by the system (dm-0)"),
        ({"users": ("swap",)}, "this disk is in use by the system (swap)"),
        (
            {"removable": False},
            "this is a fixed disk, as the box's own SSD is, and not a removable medium",
        ),
        *(
            (
                {"parts": (Part("sdb"), Part("sdb1", "vfat"), Part("sdb2", kind))},
                f"there is a Linux file system on it ({kind}): it may be a disk of the box",
            )
            for kind in (
                "ext2",
                "ext4",
                "f2fs",
                "btrfs",
                "xfs",
                "swap",
                "crypto_LUKS",
                "LVM2_member",
                "linux_raid_member",
            )
        ),
        (
            {"slots": 4},
            "this is in a card reader: the serial number is the reader's, and says nothing of the card",
        ),
        ({"ready": False}, "the system is still looking at it"),
    ],
)
def test_what_may_be_the_boxs_own_is_none(changes: dict[str, Any], why: str) -> None:
    facts = msgspec.structs.replace(STICK, **changes)
    judged = judge(facts, OWN, protected=["sda"])
    assert isinstance(judged, Unusable)
    assert (judged.device, judged.why, bool(judged.remedy)) == (facts.device, why, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"mounts": ("/media/clerk/COPIES",)},
        {"mounts": (f"{OWN}/sdb",)},
        {"mounts": ("/run/media/clerk/A", "/mnt")},
        {"read_only": True},
        {"parts": (Part("sdb"), Part("sdb1", "ntfs", "OLD"))},
        {"parts": (Part("sdb"),)},
        {"serial": ""},
    ],
)
def test_what_is_a_medium_all_the_same(changes: dict[str, Any]) -> None:
    judged = judge(msgspec.structs.replace(STICK, **changes), OWN, protected=["sda"])
    assert isinstance(judged, Drive)
    assert judged.mounted_at == changes.get("mounts", ())
    assert judged.read_only == changes.get("read_only", False)


def test_the_disk_below_a_path_is_found_through_its_partition(tmp_path: Path) -> None:
    """Also of a path that is not there yet."""
    own = os.stat(tmp_path).st_dev
    link = Path(f"/sys/dev/block/{os.major(own)}:{os.minor(own)}")
    if not link.exists():
        pytest.skip("the temporary folder lies on no disk")
    found = disks_below([tmp_path / "none" / "yet", tmp_path])
    assert len(found) == 1
    assert (Path("/sys/block") / found[0]).exists()


def test_disks_below_a_mapped_one_are_found(tmp_path: Path) -> None:
    for name in ("sda/sda2/partition", "sdb/size"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    slaves = tmp_path / "dm-0" / "slaves"
    slaves.mkdir(parents=True)
    (slaves / "sda2").symlink_to(tmp_path / "sda/sda2")
    (slaves / "sdb").symlink_to(tmp_path / "sdb")
    assert disks._disks_of(tmp_path / "dm-0") == {"sda", "sdb"}


def test_a_place_with_a_space_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "30 1 8:17 / /media/MY\\040STICK rw,nosuid - vfat /dev/sdb1 rw\n31 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    real = Path.read_text

    def read_text(path: Path, *args: Any, **more: Any) -> str:
        told = {"/proc/self/mountinfo": lines, "/sys/class/block/sdb1/dev": "8:17\n"}
        return told[str(path)] if str(path) in told else real(path, *args, **more)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert mounts_of(["sdb", "sdb1"]) == ("/media/MY STICK",)


def test_without_udevs_library_nothing_is_said_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyudev

    def context() -> None:
        raise ImportError("No library named udev")

    monkeypatch.setattr(pyudev, "Context", context)
    with pytest.raises(MediumError, match="udev's library is missing") as failed:
        usb_disks()
    assert "libudev1" in failed.value.remedy
