"""What media owe, owed by USB sticks: found through libudev, formatted, mounted, pulled at any moment, wiped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disclosure import drives_contract
from tests.kernel.drive_rigs import UsbRig

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=60)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[UsbRig]:
    rig = UsbRig(tmp_path)
    yield rig
    rig.close()


globals().update(drives_contract.owed(faults=False))
