from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.store.reading import INSTANCE, Box, a_record, ident
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.scan import StoredCall, scan_ring, scan_slots
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store")


def state(call: StoredCall) -> tuple[int, int, int, bool, bool, bool]:
    return call.sequence, len(call.headers), call.committed, call.last, call.torn, call.open_now


def test_calls_come_by_sequence_with_what_needs_no_key(box: Box) -> None:
    first, second = box.call(1, marks=2), box.call(2)
    one, two = scan_slots(box.store)
    assert [state(one), state(two)] == [(1, 1, 3, True, False, False), (2, 1, 3, True, False, False)]
    assert (one.id, two.id) == (first.id, second.id)
    assert one.public is not None
    assert (one.public.id, one.public.sequence, one.public.marks) == (first.id, 1, 2)
    assert (one.digest, one.problems) == (one.extents[-1].header.digest, [])
    assert len(one.card) > 100
    assert [wrap.recipient for wrap in one.wraps] == [box.private.id]
    assert [call.sequence for call in scan_slots(box.store, [1])] == [2]


def test_a_call_over_several_slots_is_one_call(box: Box) -> None:
    box.call(1, seconds=60, commits=6)
    [call] = scan_slots(box.store)
    assert [header.part for header in call.headers] == list(range(len(call.headers)))
    assert len(call.headers) >= 3
    assert call.committed == len(call.extents)
    assert (call.last, call.problems) == (True, [])


def test_an_open_call_is_open_while_its_recorder_lives_and_interrupted_afterwards(box: Box) -> None:
    box.open(1)
    box.talk(1, 2, commits=2)
    lock = FileLock(box.store.recorder_lock, INSTANCE.hex().encode())
    lock.acquire()
    assert [state(call) for call in scan_slots(box.store)] == [(1, 1, 2, False, False, True)]
    lock.release()
    [call] = scan_slots(box.store)
    assert (state(call), call.interrupted, call.public, call.card) == ((1, 1, 2, False, False, False), True, None, b"")


def test_left_overs_of_an_earlier_use_are_no_problem(box: Box) -> None:
    box.open(1)
    box.talk(1, 2)
    [call] = scan_slots(box.store)
    end = call.extents[-1].offset + call.extents[-1].header.disk_size
    older = box.octets(0)[BLOCK:end].replace(ident(1), ident(9))
    older = older[:32] + (77).to_bytes(8, "little") + older[40:]  # another generation
    box.overwrite(0, end, older)
    [again] = scan_slots(box.store)
    assert (again.problems, again.torn, again.committed) == ([], False, call.committed)


@pytest.mark.parametrize("offset", [0, 8, 32, 28, 80, 150, 300])
def test_a_last_extent_that_does_not_fit_is_torn(box: Box, offset: int) -> None:
    box.open(1)
    box.talk(1, 3, commits=3)
    [whole] = scan_slots(box.store)
    box.spoil(0, whole.extents[-1].offset + offset)
    [call] = scan_slots(box.store)
    assert (state(call), call.problems) == ((1, 1, 2, False, True, False), [])
    assert call.digest == whole.extents[1].header.digest


def test_an_extent_spoilt_in_the_middle_is_damage_and_what_follows_is_kept(box: Box) -> None:
    box.call(1, seconds=60, commits=12)
    [whole] = scan_slots(box.store)
    victim = next(e for e in whole.extents if e.slot == 1)
    box.spoil(1, victim.offset + 300)
    [call] = scan_slots(box.store)
    assert call.problems == [f"slot 1, octet {victim.offset}: extent does not match its digest"]
    assert (call.last, call.torn, call.card, call.public) == (True, False, whole.card, whole.public)
    assert call.extents == [e for e in whole.extents if e.slot != 1]
    assert call.committed == victim.header.index


def test_a_slot_lost_in_the_middle_is_damage(box: Box) -> None:
    box.call(1, seconds=60, commits=12)
    box.overwrite(1, 0, fmt.free_block(1, 1))
    [call] = scan_slots(box.store)
    assert call.problems == ["part 1 is missing"]
    assert [header.part for header in call.headers][:2] == [0, 2]
    assert call.last


def test_the_end_of_a_commit_that_never_came_true_is_torn(box: Box) -> None:
    """One commit went over two slots, and the power cut kept the first slot's extent off the disk."""
    box.open(1)
    box.talk(1, 2)
    box.talk(1, 30)
    [whole] = scan_slots(box.store)
    cut = whole.extents[1]
    assert {e.slot for e in whole.extents[1:]} == {0, 1}
    box.overwrite(0, cut.offset, bytes(SLOT_SIZE - cut.offset))
    [call] = scan_slots(box.store)
    assert (state(call), call.problems) == ((1, 2, 1, False, True, False), [])
    assert call.extents == whole.extents[:1]


def test_an_interrupted_call_spoilt_before_its_last_commit_is_damaged(box: Box) -> None:
    box.open(1)
    box.talk(1, 60, commits=12)
    [whole] = scan_slots(box.store)
    victim = next(e for e in whole.extents if e.slot == 0)
    box.spoil(0, victim.offset + 300)
    [call] = scan_slots(box.store)
    assert (call.problems, call.torn, call.last) == (
        [f"slot 0, octet {BLOCK}: extent does not match its digest"],
        False,
        False,
    )


def test_what_the_box_itself_would_never_write_shows(box: Box) -> None:
    box.call(1, seconds=40)
    [whole] = scan_slots(box.store)
    end = whole.extents[-1].offset + whole.extents[-1].header.disk_size
    slot = whole.headers[-1].slot
    box.overwrite(slot, end, box.octets(slot)[BLOCK : 2 * BLOCK])
    assert scan_slots(box.store)[0].problems == [f"slot {slot}: goes on after the end of the call"]
    box.overwrite(slot, end, bytes(BLOCK))
    changed = msgspec.structs.replace(whole.headers[1], sequence=9)
    assert box.store.device is not None
    signature = box.store.device.sign(fmt.DOMAIN_SLOT, changed.signed_octets())
    box.overwrite(changed.slot, 0, changed.pack(signature))
    assert scan_slots(box.store)[0].problems == [f"slot {changed.slot} has sequence number 9"]


def test_two_slots_of_one_part_show(box: Box) -> None:
    box.call(1)
    [whole] = scan_slots(box.store)
    twin = msgspec.structs.replace(whole.headers[0], slot=7)
    assert box.store.device is not None
    box.overwrite(7, 0, twin.pack(box.store.device.sign(fmt.DOMAIN_SLOT, twin.signed_octets())))
    assert scan_slots(box.store)[0].problems == ["slots 0 and 7 both claim part 0"]


def test_a_public_record_of_another_call_shows(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)
    box.writer.close(ident(1), a_record(2))
    box.commit(1)
    assert scan_slots(box.store)[0].problems == ["the public record is another call's"]


def test_padding_must_be_zero(box: Box) -> None:
    box.call(1)
    [whole] = scan_slots(box.store)
    victim = whole.extents[0]
    for offset in (fmt.EXTENT_HEADER - 1, victim.header.disk_size - 1):
        restore = box.spoil(0, victim.offset + offset)
        assert [call.problems for call in scan_slots(box.store)] == [[f"slot 0, octet {BLOCK}: padding is not zero"]]
        restore()


def test_slots_that_are_neither_free_nor_readable_are_named(box: Box, tmp_path: Path) -> None:
    box.call(1)
    box.overwrite(3, 0, b"garbage")
    box.spoil(4, BLOCK - 1)
    box.spoil(0, 16)
    scan = scan_ring(box.store)
    assert (scan.calls, scan.slots) == ([], 12)
    assert scan.problems == [
        "slot 0: the signature of its header is wrong",
        "slot 3: not a slot header",
        "slot 4: a free slot whose header is not a free slot's",
    ]
    other = Box(tmp_path / "other")
    other.call(1)
    box.overwrite(0, 0, other.octets(0))
    box.overwrite(3, 0, fmt.free_block(3, 0))
    box.overwrite(4, 0, fmt.free_block(4, 0))
    assert scan_ring(box.store).problems == ["slot 0: belongs to another store"]


def test_a_slot_copied_elsewhere_shows(box: Box) -> None:
    box.call(1)
    box.overwrite(5, 0, box.octets(0))
    scan = scan_ring(box.store)
    assert scan.problems == ["slot 5: says it is slot 0"]
    assert [call.problems for call in scan.calls] == [[]]


def test_progress_ends_at_the_total(box: Box) -> None:
    box.call(1)
    told: list[tuple[int, int]] = []
    scan_slots(box.store, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (13, 13)
