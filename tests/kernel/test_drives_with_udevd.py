"""The box has udevd, which looks at every disk that appears or was written to: it gets in nobody's way."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disclosure.drives_contract import FOLDER, SECRET, export, taken_on
from tests.kernel.disks import run
from tests.kernel.drive_rigs import UsbRig
from tsuwaroku.disclosure.drive import Filesystem
from tsuwaroku.disclosure.exporting import inspect_export
from tsuwaroku.disclosure.medium import State
from tsuwaroku.disclosure.registering import prepare
from tsuwaroku.disclosure.wipe import wipe

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=60)]

UDEVD = Path("/usr/lib/systemd/systemd-udevd")
CONTROL = Path("/run/udev/control")
READY_S = 10.0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SettledRig]:
    """With udevd, and a medium is waited for until udevd has seen it, as a person does."""
    udevd = subprocess.Popen([str(UDEVD)], stdin=subprocess.DEVNULL)
    until = time.monotonic() + READY_S
    while not CONTROL.exists():
        assert time.monotonic() < until, "udevd does not come up"
        time.sleep(0.05)
    rig = SettledRig(tmp_path)
    yield rig
    rig.close()
    udevd.terminate()
    udevd.wait()
    CONTROL.unlink(missing_ok=True)


class SettledRig(UsbRig):
    seen_unready = 0

    def replug_unseen(self, *, read_only: bool = False) -> None:
        super().replug_unseen(read_only=read_only)
        self.seen_unready += [one.why for one in self.drives.find().unusable] == ["the system is still looking at it"]
        run("udevadm", "settle", "--timeout=10")


def test_a_medium_from_its_registration_to_its_wipe(rig: SettledRig) -> None:
    for kind in Filesystem:
        registered = taken_on(rig, rig.new(), filesystem=kind)
        drive = rig.drives.find().only()  # at once, while udevd looks at what was written
        export(rig, drive, registered)
        assert inspect_export(rig.drives, drive, FOLDER).state is State.COMPLETE
        prepare(rig.drives, drive, registered, SECRET, filesystem=kind)
        export(rig, drive, registered)
        assert wipe(rig.drives, rig.replug()).clean
    info = run("udevadm", "info", "--query=property", drive.device)
    assert f"ID_SERIAL_SHORT={drive.serial}" in info
    assert f"ID_SERIAL={drive.id_serial}-0:0" in info  # and the number of the disk within its USB device
    assert rig.seen_unready > 0  # one that udevd has not seen yet is not used
