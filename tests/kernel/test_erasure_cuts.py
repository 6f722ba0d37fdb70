"""The power fails at any moment of an erasure: what was reported as erased is in no file, and no call is half gone.

As tests/store/test_erasure.py cuts it off step by step, here on ext4 over a disk whose every write is logged, after
every write and with any part of what was not flushed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kernel.blocklog import BlockLog, Replay
from tests.kernel.disks import LoggedDisk, RamDisk, mounted
from tests.kernel.test_powercuts import no_sync_in_journal
from tests.store.erasing import Erasing, due, found_in, traces
from tests.store.reading import Box, ident
from tests.store.test_erasure import check_cut, fill
from tsuwaroku.errors import StoreError
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=100)]

SIZE = 24 << 20
SLOTS = 6
REST = (0, 4, 5)  # slots of the call before, the call after, and a free one


@dataclass
class Night:
    """One erasure on a logged disk. `pieces` must be nowhere afterwards; `before`: every slot as it was."""

    disk: LoggedDisk
    log: BlockLog
    private: PrivateKey
    pieces: Sequence[bytes]
    before: dict[int, bytes]

    def place_of(self, mark: str) -> int:
        return next(n for n, entry in enumerate(self.log.entries) if entry.mark == mark)

    def close(self) -> None:
        self.log.close()
        self.disk.close()


def have_night(mutate: Callable[[pytest.MonkeyPatch], None] | None = None) -> Night:
    """Three calls, and the second is erased, by a product that `mutate` has been at."""
    disk = LoggedDisk("ext4", SIZE)
    with disk, pytest.MonkeyPatch.context() as patch:
        box = Box(disk.at / "store", slots=SLOTS)
        fill(box)
        found = traces(box, 2)[1:]
        pieces = [*found[:8], *random.Random(1).sample(found[8:-8], 20), *found[-8:]]
        before = {slot: box.octets(slot) for slot in range(SLOTS)}
        box.audit.close()
        box.store.close()
        os.sync()
        disk.mark("filled")
        if mutate is not None:
            mutate(patch)
        erase(disk.at / "store")
        disk.mark("erased")
    return Night(disk, BlockLog(disk.log), box.private, pieces, before)


def erase(path: Path) -> None:
    store = Store.open(path, need_device=True)
    journal = Journal.open(store.journal_dir, "keeper", store, store.device)
    try:
        erasing = Erasing(store, journal)
        if read_amendments(store).tombstone(ident(2)) is None:
            erasing.erase(due(2))
        else:
            erasing.finish()
    finally:
        journal.close()
        store.close()


def faults(night: Night, path: Path, promised: bool) -> list[str]:
    """What is wrong with a store as a cut left it; then the next start finishes the work, and what is wrong then."""
    store = Store.open(path, need_device=True)
    try:
        try:
            check_cut(store, night.private, night.before, "")
        except AssertionError as error:
            return [f"as the cut left it: {error}"]
        if promised and (left := found_in(path, night.pieces)):
            return [f"was reported as erased, and is in {left}"]
    finally:
        store.close()
    erase(path)
    store = Store.open(path, need_device=True)
    try:
        report = verify_store(store, night.private)
        found = [*report.problems, *report.notes]
        found += [f"is in {name}" for name in found_in(path, night.pieces)]
        found += [f"slot {slot} is another" for slot in REST if store.ring.read_slot(slot) != night.before[slot]]
        if [call.sequence for call in report.calls] != [1, 3] or read_amendments(store).unfinished():
            found.append("it is not finished")
        return found
    finally:
        store.close()


def judged(night: Night, disk: RamDisk, places: Sequence[int], rng: random.Random) -> Iterator[tuple[int, list[str]]]:
    replay = Replay(night.log, SIZE)
    done = night.place_of("erased")
    for place in places:
        replay.cut(place, rng, disk.octets)
        with mounted(disk, "ext4") as at:
            try:
                found = faults(night, at / "store", place > done)
            except (StoreError, OSError) as error:
                found = [f"{type(error).__name__}: {error}"]
        if found:
            yield place, found


@pytest.fixture
def cut_disk() -> Iterator[RamDisk]:
    disk = RamDisk(SIZE)
    yield disk
    disk.close()


def test_an_erasure_cut_off_anywhere_is_finished_and_one_that_was_reported_is_true(cut_disk: RamDisk) -> None:
    night = have_night()
    try:
        places = list(range(night.place_of("filled"), len(night.log.entries) + 1))
        found = list(judged(night, cut_disk, places, random.Random(4)))
        print(f"{len(places)} cuts")
        assert found == []
        # Below the file system, too: blocks that are no file's any more.
        assert [piece for piece in night.pieces if cut_disk.octets.find(piece) >= 0] == []
    finally:
        night.close()


def test_keys_destroyed_before_the_tombstone_is_durable_are_found_out(cut_disk: RamDisk) -> None:
    night = have_night(no_sync_in_journal)
    try:
        places = range(night.place_of("filled"), len(night.log.entries) + 1)
        assert next(judged(night, cut_disk, places, random.Random(5)), None) is not None
    finally:
        night.close()
