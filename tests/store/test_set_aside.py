"""A block of the ring that cannot be written: its slot is set aside, and the call goes on in another without a loss."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.store.reading import RATE, Box, at, ident, sound
from tsuwaroku.errors import StoreError
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.leased import LeasedSlots
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.ring import RingFiles
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE
from tsuwaroku.store.verify import verify_store
from tsuwaroku.store.writer import CommitReport, SetAside

SLOTS_BLOCKS = SLOT_SIZE // BLOCK


class BadBlocks:
    """A disk on which some blocks take nothing: as with the kernel, it is the next sync of their file that says so."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.bad: set[tuple[int, int]] = set()  # slot, block
        self.dead = False
        self._failed = False
        write, sync = RingFiles.write, RingFiles.sync

        def written(ring: RingFiles, slot: int, offset: int, data: bytes) -> None:
            ring._touched.add(slot // 256)
            for block in range(offset // BLOCK, -(-(offset + len(data)) // BLOCK)):
                if self.dead or (slot, block) in self.bad:
                    self._failed = True
                else:
                    begin = block * BLOCK - offset
                    write(ring, slot, block * BLOCK, data[begin : begin + BLOCK])

        def synced(ring: RingFiles) -> None:
            failed, self._failed = self._failed, False
            if failed:
                raise ring._failure(0, "cannot be synced", OSError(errno.EIO, "Input/output error"))
            sync(ring)

        patch.setattr(RingFiles, "write", written)
        patch.setattr(RingFiles, "sync", synced)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> BadBlocks:
    return BadBlocks(monkeypatch)


class Talk:
    """Calls 1 and 2 side by side, a second of sound and a commit each second."""

    def __init__(self, box: Box, seconds: int = 40) -> None:
        self.box = box
        self.pcm = {n: sound(seconds, n) for n in (1, 2)}
        self.second = 0
        self.aside: list[SetAside] = []
        self.failures = 0
        for number in self.pcm:
            box.open(number)

    def go_on(self, seconds: int) -> None:
        for _ in range(seconds):
            for number, pcm in self.pcm.items():
                begin = self.second * RATE
                self.box.writer.audio(ident(number), begin, pcm[2 * begin : 2 * (begin + RATE)])
            self.second += 1
            self.commit()

    def commit(self) -> CommitReport | None:
        try:
            report = self.box.writer.commit(at(10 + self.second))
        except StoreError:
            self.failures += 1
            return None
        self.aside += report.set_aside
        return report

    def end(self) -> None:
        for number in self.pcm:
            self.box.close(number)

    def check(self) -> None:
        """Both calls are whole, to the last sample, and `verify` finds nothing wrong."""
        calls = scan_slots(self.box.store)
        assert [call.problems for call in calls] == [[], []]
        for number, call in zip(self.pcm, calls, strict=True):
            pcm = b"".join(piece for _, piece in CallReader(call, self.box.store, self.box.private).pcm())
            assert pcm == self.pcm[number][: 2 * RATE * self.second]
        report = verify_store(self.box.store, self.box.private)
        assert (report.problems, [call.problems for call in report.calls]) == ([], [[], []])
        assert [call.integrity for call in report.calls] == ["sealed", "sealed"]

    def slots(self, number: int) -> list[int]:
        (call,) = [call for call in scan_slots(self.box.store) if call.call_id == ident(number)]
        return [header.slot for header in call.headers]


@pytest.mark.parametrize("block", [0, 1, 7, 30], ids=["the header", "the first", "one in it", "a late one"])
def test_a_call_goes_on_in_another_slot_and_the_other_call_where_it_is(box: Box, disk: BadBlocks, block: int) -> None:
    disk.bad = {(0, block)}
    talk = Talk(box)
    talk.go_on(40)
    talk.end()
    assert talk.aside == [SetAside(0, 1)]
    assert talk.failures == 1  # a second late, once
    talk.check()
    assert 0 not in talk.slots(1)
    assert talk.slots(2)[0] == 1


def test_what_waited_for_long_and_goes_into_several_slots_is_whole(box: Box, disk: BadBlocks) -> None:
    """The disk is away; when it is back, a slot has become bad, and the next one of the same call is staged with it."""
    talk = Talk(box)
    talk.go_on(5)
    disk.dead = True
    talk.go_on(30)
    assert (talk.failures, talk.aside) == (30, [])
    disk.dead, disk.bad = False, {(0, block) for block in range(10, SLOTS_BLOCKS)}
    talk.go_on(2)
    talk.end()
    assert talk.aside == [SetAside(0, 1)]
    talk.check()


def test_a_disk_that_takes_nothing_costs_no_slot(box: Box, disk: BadBlocks) -> None:
    talk = Talk(box)
    talk.go_on(3)
    free = box.writer.free_slots
    disk.dead = True
    talk.go_on(12)
    assert (box.writer.free_slots, talk.failures, talk.aside) == (free, 12, [])
    disk.dead = False
    talk.go_on(3)
    talk.end()
    talk.check()
    assert talk.slots(1)[0] == 0


def test_a_slot_that_takes_it_at_the_second_try_is_kept(box: Box, disk: BadBlocks) -> None:
    disk.bad = {(0, 5)}
    talk = Talk(box)
    while not talk.failures:
        talk.go_on(1)
    disk.bad = set()
    talk.go_on(10)
    talk.end()
    assert talk.aside == []
    talk.check()


def test_a_spare_that_is_bad_too_is_set_aside_with_it(box: Box, disk: BadBlocks) -> None:
    disk.bad = {(0, 4), (2, 0), (3, 6)}
    talk = Talk(box)
    talk.go_on(30)
    talk.end()
    assert talk.aside == [SetAside(2, 1), SetAside(0, 1), SetAside(3, 1)]
    talk.check()
    assert talk.slots(1)[0] == 4


def test_without_a_spare_it_waits(box: Box, disk: BadBlocks) -> None:
    disk.bad = {(0, 9)}
    talk = Talk(box)
    box.writer._slots._free.clear()
    box.writer._slots._free.extend([(0, 1), (1, 1)])
    talk.go_on(20)
    assert (talk.aside, talk.failures > 5) == ([], True)
    box.writer._slots._free.extend([(5, 1), (6, 1), (7, 1), (8, 1), (9, 1)])
    talk.go_on(5)
    talk.end()
    assert talk.aside == [SetAside(0, 1)]
    talk.check()


def test_a_recorder_that_starts_anew_does_not_take_it(box: Box) -> None:
    box.journal("recorder").append(JournalType.SET_ASIDE, at(1), public={"slot": 0, "generation": 1})
    slots = LeasedSlots(box.store, {0})
    assert (slots.take(), len(slots)) == ((1, 1), 10)


def test_verify_notes_it_and_a_bad_header_there_is_no_damage(box: Box, disk: BadBlocks) -> None:
    disk.bad = {(0, 0)}
    talk = Talk(box)
    talk.go_on(4)
    talk.end()
    box.overwrite(0, 0, b"\xff" * BLOCK)
    assert verify_store(box.store).problems == ["slot 0: not a slot header"]
    box.journal("recorder").append(JournalType.SET_ASIDE, at(60), public={"slot": 0, "generation": 1})
    report = verify_store(box.store)
    assert (report.ok, report.problems) == (True, [])
    assert "slots set aside because they could not be written: 0" in report.notes


def test_a_call_that_is_given_up_leaves_nothing_staged(box: Box, disk: BadBlocks) -> None:
    talk = Talk(box)
    disk.dead = True
    talk.go_on(4)
    box.writer.abandon(ident(1))
    disk.dead = False
    del talk.pcm[1]
    talk.go_on(3)
    box.close(2)
    (call,) = scan_slots(box.store)
    assert (call.call_id, call.problems, call.last) == (ident(2), [], True)
