"""The real thing on loop devices, where they may be made. Its pulls and its lies are tried in the test kernel."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disclosure import drives_contract
from tests.disclosure.drive_rigs import LoopRig

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


globals().update(drives_contract.owed(pulls=False, faults=False))
