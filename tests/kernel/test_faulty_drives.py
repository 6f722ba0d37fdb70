"""What media owe, owed by a block device that wraps its addresses or has bad blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disclosure import drives_contract
from tests.kernel.drive_rigs import FaultyRig

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=60)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[FaultyRig]:
    rig = FaultyRig(tmp_path)
    yield rig
    rig.close()


globals().update({test.__name__: test for test in drives_contract.FAULTY})
impatient, filed = drives_contract.impatient, drives_contract.filed
