"""Blocks that cannot be read (EIO): what stood there is damaged and said to be, everything else is read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.store.reading import Box, at, ident
from tsuwaroku.errors import StoreError
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.ring import RingFiles
from tsuwaroku.store.scan import StoredCall, scan_slots
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE
from tsuwaroku.store.verify import verify_store


class Unreadable:
    """pread of these (slot, block) fails, as the kernel's does: all of a read that touches one."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.bad: set[tuple[int, int]] = set()
        read = RingFiles.read

        def reading(ring: RingFiles, slot: int, offset: int, size: int) -> bytes:
            blocks = range(offset // BLOCK, -(-(offset + size) // BLOCK))
            if any((slot, block) in self.bad for block in blocks):
                raise ring._failure(0, "cannot be read", OSError(errno.EIO, os.strerror(errno.EIO)))
            return read(ring, slot, offset, size)

        patch.setattr(RingFiles, "read", reading)

    def whole(self, slot: int) -> None:
        self.bad |= {(slot, block) for block in range(SLOT_SIZE // BLOCK)}


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Unreadable:
    return Unreadable(monkeypatch)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Calls 1 and 3 short; 2 over three slots (1, 2, 3), 16 commits."""
    made = Box(tmp_path / "store")
    made.call(1)
    made.call(2, seconds=48, commits=16)
    made.call(3)
    return made


def calls(box: Box) -> dict[int, StoredCall]:
    return {call.sequence: call for call in scan_slots(box.store)}


def heard(box: Box, number: int) -> bytes:
    return b"".join(pcm for _, pcm in CallReader(calls(box)[number], box.store, box.private).pcm())


def test_a_block_in_a_call_costs_its_slots_rest_and_shows(box: Box, disk: Unreadable) -> None:
    whole = calls(box)[2]
    assert [header.slot for header in whole.headers] == [1, 2, 3]
    extent = next(one for one in whole.extents if one.slot == 2 and one.offset > BLOCK)
    disk.bad = {(2, extent.offset // BLOCK)}
    found = calls(box)
    assert found[2].problems[0] == f"slot 2, octet {extent.offset}: cannot be read from the disk"
    assert [found[n].problems for n in (1, 3)] == [[], []]
    pieces = list(CallReader(found[2], box.store, box.private).pcm())
    assert all(box.pcm[2][2 * (first - 1000) :].startswith(pcm) for first, pcm in pieces)
    assert len(box.pcm[2]) * 0.6 < sum(len(pcm) for _, pcm in pieces) < len(box.pcm[2])
    assert CallReader(found[2], box.store, box.private).record().integrity.value == "damaged"
    report = verify_store(box.store, box.private)
    assert (report.ok, [call.integrity for call in report.calls]) == (False, ["sealed", "damaged", "sealed"])


def test_a_header_block_costs_its_slot(box: Box, disk: Unreadable) -> None:
    disk.bad = {(2, 0)}
    report = verify_store(box.store)
    assert report.problems == ["slot 2: its header cannot be read from the disk"]
    assert [call.integrity for call in report.calls] == ["sealed", "damaged", "sealed"]
    assert report.calls[1].problems[0] == "part 1 is missing"
    assert (heard(box, 1), heard(box, 3)) == (box.pcm[1], box.pcm[3])


def test_what_nothing_stood_in_is_no_damage(box: Box, disk: Unreadable) -> None:
    ends = {call.extents[-1].slot: call.extents[-1] for call in calls(box).values()}
    disk.bad = {(slot, SLOT_SIZE // BLOCK - 1) for slot in ends}
    last_of_second = max(e.offset + e.header.disk_size for e in calls(box)[2].extents if e.slot == 1)
    disk.bad |= {(1, block) for block in range(last_of_second // BLOCK, SLOT_SIZE // BLOCK)}
    assert {number: call.problems for number, call in calls(box).items()} == {1: [], 2: [], 3: []}
    assert verify_store(box.store, box.private).ok
    assert heard(box, 2) == box.pcm[2]


def test_the_end_of_a_call_that_was_cut_off_may_have_stood_there(box: Box, disk: Unreadable) -> None:
    box.open(4)
    box.talk(4, 2, commits=2)
    end = calls(box)[4].extents[-1]
    disk.bad = {(end.slot, (end.offset + end.header.disk_size) // BLOCK)}
    offset = end.offset + end.header.disk_size
    assert calls(box)[4].problems == [f"slot {end.slot}, octet {offset}: cannot be read from the disk"]
    assert not calls(box)[4].torn


def test_a_slot_of_which_nothing_can_be_read_is_a_finding_of_verify_and_the_disk_to_others(
    box: Box, disk: Unreadable
) -> None:
    """Who settles calls must not take a disk that is away for calls that are cut short."""
    disk.whole(2)
    report = verify_store(box.store, box.private)
    assert not report.ok
    assert report.problems[0].startswith("slot 2: ")
    assert [call.integrity for call in report.calls] == ["sealed", "damaged", "sealed"]
    with pytest.raises(StoreError):
        scan_slots(box.store)


def test_a_disk_that_is_away_is_no_list_of_findings(tmp_path: Path, disk: Unreadable) -> None:
    box = Box(tmp_path / "large", slots=40)
    for slot in range(40):
        disk.whole(slot)
    with pytest.raises(StoreError, match="cannot be read"):
        verify_store(box.store)


def test_a_file_that_failed_is_opened_again_and_not_on_another_disk(box: Box, tmp_path: Path) -> None:
    """The SSD was pulled and put back: the same names are other files now."""
    ring = box.store.ring
    ring.read_block0(0)
    old = ring._fds[0]
    ring._failure(0, "cannot be read", OSError(errno.EIO, ""))
    assert ring.read_block0(0)[:8] == b"TSUWASLT"
    other = Box(tmp_path / "other", slots=12)
    mine, its = box.store.path, other.store.path
    before = (its / "ring" / "ring-00000.dat").read_bytes()
    ring._failure(0, "cannot be written", OSError(errno.EIO, ""))
    mine.rename(tmp_path / "away")
    its.rename(mine)
    box.open(4)
    with pytest.raises(StoreError, match="another store is here now"):
        box.writer.commit(at(70))
    assert (mine / "ring" / "ring-00000.dat").read_bytes() == before
    mine.rename(its)
    (tmp_path / "away").rename(mine)
    box.writer.commit(at(71))
    assert calls(box)[4].call_id == ident(4)
    assert old >= 0
