"""What media owe, owed by a block device that wraps its addresses or has bad blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disclosure import drives_contract
from tests.disclosure.drive_rigs import MIB, Faults
from tests.disclosure.drives_contract import FOLDER, SECRET, export, files_of
from tests.kernel.drive_rigs import FaultyRig
from tsuwaroku.disclosure.drive import Filesystem
from tsuwaroku.disclosure.exporting import inspect_export
from tsuwaroku.disclosure.identity import registered_as
from tsuwaroku.disclosure.medium import State
from tsuwaroku.disclosure.registering import prepare
from tsuwaroku.errors import MediumError

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=60)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[FaultyRig]:
    rig = FaultyRig(tmp_path)
    yield rig
    rig.close()


@pytest.mark.parametrize("kind", list(Filesystem))
def test_blocks_that_went_bad_since_end_an_export(rig: FaultyRig, kind: Filesystem) -> None:
    """And the medium is not said to have been pulled out."""
    drive = rig.new(Faults(bad=(5 * MIB, 6 * MIB)))
    registered = registered_as("M-1", drive)
    prepare(rig.drives, drive, registered, SECRET, filesystem=kind)
    with pytest.raises(MediumError, match="does not answer any more") as failed:
        export(rig, rig.replug(), registered, files_of(1, 1_800_000))
    assert "use another medium" in failed.value.remedy
    drive = rig.replug()
    assert drive.mounted_at == ()
    assert inspect_export(rig.drives, drive, FOLDER).state in (State.ABSENT, State.INCOMPLETE)


globals().update({test.__name__: test for test in drives_contract.FAULTY})
impatient, filed = drives_contract.impatient, drives_contract.filed
