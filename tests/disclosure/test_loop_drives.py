"""The real thing on loop devices, where they may be made. Its pulls and its lies are tried in the test kernel."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disclosure import drives_contract
from tests.disclosure.drive_rigs import LoopRig
from tsuwaroku.disclosure import drives
from tsuwaroku.disclosure.drive import Filesystem
from tsuwaroku.errors import MediumError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path("/dev/loop-control").exists() or shutil.which("losetup") is None,
        reason="loop devices are the superuser's",
    ),
]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[LoopRig]:
    rig = LoopRig(tmp_path)
    yield rig
    rig.close()


def test_a_file_system_that_the_kernel_has_not_is_told(rig: LoopRig) -> None:
    missing = [kind for kind in Filesystem if kind not in rig.filesystems]
    if not missing:
        pytest.skip("this kernel mounts both")
    drive = rig.new()
    with rig.drives.claim(drive) as claimed:
        claimed.format(missing[0], "COPIES")
        with (
            pytest.raises(MediumError, match=f"this system's kernel cannot mount {missing[0].value}") as failed,
            claimed.mounted(),
        ):
            pass
    assert failed.value.remedy


def test_whoever_may_not_use_disks_is_told(rig: LoopRig, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = rig.new()
    real = os.open

    def forbidden(path: str, flags: int, *more: int) -> int:
        if str(path).startswith("/dev/loop"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, *more)

    monkeypatch.setattr(os, "open", forbidden)
    monkeypatch.setattr(drives, "GONE_S", 0.0)
    with pytest.raises(MediumError, match="may not use disks") as failed, rig.drives.claim(drive):
        pass
    assert "CAP_SYS_ADMIN" in failed.value.remedy


globals().update(drives_contract.owed(pulls=False, faults=False))
