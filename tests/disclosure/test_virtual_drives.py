"""What media owe, owed by those without hardware; and what those alone can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.disclosure import drives_contract
from tests.disclosure.drive_rigs import MIB, VirtualRig
from tsuwaroku.disclosure.virtual_drives import StickState, VirtualDrives, VirtualStick
from tsuwaroku.disclosure.wipe import wipe
from tsuwaroku.errors import MediumError, RefusedError


@pytest.fixture
def rig(tmp_path: Path) -> VirtualRig:
    return VirtualRig(tmp_path / "sticks")


globals().update(drives_contract.owed())


def test_which_of_two_is_meant_must_be_said(tmp_path: Path) -> None:
    for name in ("a", "b"):
        VirtualStick(tmp_path, name, StickState(serial=f"4C53000123041511{name}", capacity_octets=MIB)).plug()
    found = VirtualDrives(tmp_path).find()
    with pytest.raises(RefusedError, match="several media are plugged in: virtual:a, virtual:b"):
        found.only()
    assert found.at("virtual:b").serial.endswith("b")


def test_a_stick_can_be_told_when_to_be_pulled(tmp_path: Path) -> None:
    stick = VirtualStick(tmp_path, "a", StickState(serial="4C530001230415117", capacity_octets=4 * MIB))
    stick.change(pulled_after=6 * MIB)
    stick.plug()
    drives = VirtualDrives(tmp_path)
    with pytest.raises(MediumError, match="was pulled out"):
        wipe(drives, drives.find().only())
    assert drives.find().drives == ()
    stick.plug()
    assert wipe(drives, drives.find().only()).clean


def test_what_somebody_else_has_mounted_is_left_alone(tmp_path: Path) -> None:
    stick = VirtualStick(
        tmp_path, "a", StickState(serial="4C530001230415117", capacity_octets=MIB, mounted_at="/media/COPIES")
    )
    stick.plug()
    drives = VirtualDrives(tmp_path)
    with pytest.raises(MediumError, match="is mounted at /media/COPIES") as refused:
        wipe(drives, drives.find().only())
    assert "umount" in refused.value.remedy
