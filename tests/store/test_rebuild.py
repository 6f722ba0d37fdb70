from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.store.erasing import Erasing, due, erase, listed
from tests.store.reading import INSTANCE, Box, at, ident
from tsuwaroku.records.call import Hold, Integrity, PublicRecord
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.rebuild import Rebuilt, rebuild
from tsuwaroku.store.recovery import list_calls, settle_interrupted
from tsuwaroku.store.ring import RingFiles
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store", slots=16)


def entries(box: Box) -> list[CatalogueEntry]:
    return list(Catalogue(box.store.catalogue_dir).entries())


def lose_catalogue(box: Box) -> None:
    for path in box.store.catalogue_dir.iterdir():
        path.unlink()


def test_the_catalogue_is_made_again_as_it_was(box: Box) -> None:
    box.call(1)
    box.call(2, seconds=40, commits=8)
    box.open(3)
    box.talk(3, 1)
    listed(box)
    settle_interrupted(box.store, box.journal(), None, at(60))
    before = entries(box)
    for path in box.store.catalogue_dir.iterdir():
        path.write_bytes(b"")
    (box.store.catalogue_dir / "2026-01-01.json").write_bytes(b"")
    told: list[tuple[int, int]] = []
    keyless = Store.open(box.store.path)
    made = rebuild(keyless, lambda done, total: told.append((done, total)))
    assert (made, entries(box)) == (Rebuilt(calls=3, days=1, highest_sequence=3), before)
    assert [entry.public.sequence for entry in before] == [1, 2, 3]
    assert (told[-1], [done for done, _ in told]) == ((19, 19), sorted(done for done, _ in told))
    assert not (box.store.catalogue_dir / "2026-01-01.json").exists()


def test_of_a_sound_call_only_the_last_slot_is_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.call(1, seconds=40, commits=8)
    box.call(2)
    read: list[tuple[int, int]] = []
    original = RingFiles.read

    def watched(ring: RingFiles, slot: int, offset: int, size: int) -> bytes:
        read.append((slot, size))
        return original(ring, slot, offset, size)

    monkeypatch.setattr(RingFiles, "read", watched)
    assert rebuild(box.store).calls == 2
    assert [slot for slot, size in read if size == SLOT_SIZE] == [2, 3]
    assert [slot for slot, size in read if size == BLOCK] == [*range(16), 0, 1, 2, 3]


def test_holds_and_marks_outlive_the_catalogue(box: Box) -> None:
    for number in (1, 2, 3):
        box.call(number)
    journal, recipients = box.journal(), box.store.recipients.to_wrap()
    for number, until in ((1, "2027-03-31"), (2, "2027-01-31")):
        journal.append(JournalType.HOLD, at(70), ident(number), {"until": until}, {"reason": "訴訟"}, recipients)
    journal.append(JournalType.HOLD_RELEASED, at(60), ident(2))  # a clock that jumped back undoes nothing
    box.journal("recorder").append(JournalType.MARK, at(62), ident(3), {}, {"at_s": 1.0}, recipients)
    listed(box)
    before = list_calls(box.store, box.private)
    lose_catalogue(box)
    assert rebuild(box.store).held == {ident(1): date(2027, 3, 31)}
    assert list_calls(box.store, box.private) == before
    holds = [record.retention.hold for record in before]
    assert holds == [Hold(reason="訴訟", until="2027-03-31"), None, None]
    assert [len(record.marks) for record in before] == [0, 0, 1]


def test_erased_discarded_and_open_calls_are_not_listed_again(box: Box) -> None:
    for number in (1, 2, 3):
        box.call(number)
    box.journal("recorder").append(JournalType.DISCARDED, at(9), ident(1), {"sequence": 1})
    box.open(5)
    box.talk(5, 1)
    listed(box)
    erase(box, 3)

    def stop(slots: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Erasing(box.store, box.journal(), pause=stop).erase(due(2))
    lock = FileLock(box.store.recorder_lock, INSTANCE.hex().encode())
    lock.acquire()
    lose_catalogue(box)
    assert rebuild(box.store) == Rebuilt(calls=0, days=0, unfinished=1, highest_sequence=4)
    lock.release()
    assert entries(box) == []


def test_a_damaged_call_is_listed_as_such_and_an_unreadable_slot_is_named(box: Box) -> None:
    box.call(1, seconds=40, commits=8)
    box.call(2)
    box.spoil(1, 40)  # the header of a slot in the middle of the first
    box.spoil(3, BLOCK + 300)  # the only extents of the second
    made = rebuild(box.store)
    assert (made.calls, made.problems) == (1, ["slot 1: the signature of its header is wrong"])
    assert [(e.public.sequence, e.public.integrity, e.final) for e in entries(box)] == [(1, Integrity.DAMAGED, True)]
    assert isinstance(entries(box)[0].public, PublicRecord)
