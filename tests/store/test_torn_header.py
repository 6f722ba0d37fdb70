"""Slot headers torn by a power cut are made free again; a header that was whole once is evidence, and left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.erasing import listed
from tests.store.reading import Box, at
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.slot import BLOCK, free_block
from tsuwaroku.store.torn_header import mend_headers
from tsuwaroku.store.verify import verify_store


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store", slots=6)


def mend(box: Box) -> list[tuple[int, int]]:
    journal = box.journal()
    try:
        return mend_headers(box.store, Lease.load(box.store.lease_path, box.store.store_id).slots, journal, at(100))
    finally:
        journal.close()


def tear(box: Box, slot: int, *sectors: int) -> None:
    """Only these sectors of the header have reached the disk."""
    new, old = box.store.ring.read_block0(slot), free_block(slot, 0)
    whole = [(new if n in sectors else old)[512 * n : 512 * (n + 1)] for n in range(BLOCK // 512)]
    box.overwrite(slot, 0, b"".join(whole))


def opened(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)


@pytest.mark.parametrize("sectors", [(0,), (7,), (0, 1), (1, 2, 3, 4, 5, 6, 7)])
def test_a_torn_header_is_made_free_and_told(box: Box, sectors: tuple[int, ...]) -> None:
    opened(box)
    tear(box, 0, *sectors)
    assert len(verify_store(box.store).problems) == 1
    assert mend(box) == [(0, 1)]
    assert box.store.ring.read_block0(0) == free_block(0, 1)
    record = box.journal().records()[-1]
    assert (record.type, record.public) == (JournalType.CHECKPOINT, {"torn_headers": [[0, 1]]})
    assert (verify_store(box.store).problems, mend(box)) == ([], [])


def test_a_slot_made_free_is_not_taken_for_the_same_generation(box: Box) -> None:
    """What the torn commit left in it must not be taken for the next call's."""
    opened(box)
    tear(box, 0, 0)
    mend(box)
    box.new_writer(b"recorde2")
    box.call(2)
    assert [record.sequence for record in verify_store(box.store).calls] == [1]
    assert box.store.ring.read_block0(0) == free_block(0, 1)


def later(box: Box) -> None:
    """The call went on: its header had been synced by then."""
    opened(box)
    box.talk(1, 1)
    tear(box, 0, 0)


def known(box: Box) -> None:
    box.call(1, 1.0, commits=1)
    listed(box)
    tear(box, 0, 0)


def reused(box: Box) -> None:
    """By a lease that is older than what stands in the slot."""
    opened(box)
    tear(box, 0, 0)
    Lease(slots=[(0, 0)]).save(box.store.lease_path, box.store.store_id)


def not_lent(box: Box) -> None:
    opened(box)
    tear(box, 0, 0)
    Lease(slots=[(1, 1)]).save(box.store.lease_path, box.store.store_id)


@pytest.mark.parametrize("damage", [later, known, reused, not_lent])
def test_a_header_that_was_whole_once_is_damage(box: Box, damage: Callable[[Box], None]) -> None:
    damage(box)
    before = box.octets(0)
    assert mend(box) == []
    assert box.octets(0) == before
    assert len(verify_store(box.store).problems) >= 1


def test_whole_headers_and_free_slots_are_left_alone(box: Box) -> None:
    box.call(1)
    opened_before = [box.octets(slot) for slot in range(6)]
    assert mend(box) == []
    assert [box.octets(slot) for slot in range(6)] == opened_before
