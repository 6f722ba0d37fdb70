from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from ulid import ULID

from tests.store.cutting import cut_off
from tests.store.erasing import AFTER, ENDED, EXPIRES, NOW, Erasing, due, erase, files, found_in, listed, traces
from tests.store.reading import INSTANCE, Box, at, ident
from tsuwaroku.errors import RefusedError
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.erasure import Failure
from tsuwaroku.store.journal import Journal, JournalType, Sealed
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.overwrite import DROPPED
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.rebuild import rebuild
from tsuwaroku.store.recovery import list_calls, settle_interrupted
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE
from tsuwaroku.store.tombstone import Tombstone, Why, name_of, public_of
from tsuwaroku.store.verify import verify_store


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store", slots=10)


def fill(box: Box) -> None:
    """Three calls, the second over three slots, with late marks, a hold that is over and a wrap."""
    box.call(1, marks=1)
    box.call(2, seconds=40, commits=4)
    box.call(3)
    listed(box)
    recipients = box.store.recipients.to_wrap()
    recorder, keeper = box.journal("recorder"), box.journal()
    long = {"at_s": 1.0, "by": "市民課" * 1200}  # three blocks, most of it sealed
    recorder.append(JournalType.MARK, at(50), ident(1), {}, {"at_s": 1.0}, recipients)
    recorder.append(JournalType.MARK, at(51), ident(2), {}, long, recipients)
    keeper.append(JournalType.HOLD, at(52), ident(2), {"until": "2026-12-23"}, {"reason": "訴訟"}, recipients)
    keeper.append(JournalType.MARK, at(53), ident(3), {}, {"at_s": 2.0}, recipients)
    recorder.append(JournalType.WRAP, at(54), ident(2), wraps=scan_slots(box.store)[1].wraps)
    box.audit.append(
        at(55),
        "keeper",
        "calls closed",
        detail={"calls": {str(c.sequence): c.digest.hex() for c in scan_slots(box.store)}},
    )
    recorder.close()
    keeper.close()


def told(box: Box) -> tuple[bool, list[int], list[str], list[str]]:
    report = verify_store(box.store, box.private)
    assert not any(call.problems for call in report.calls)
    return report.ok, [call.sequence for call in report.calls], report.problems, report.notes


def listing(box: Box) -> list[int]:
    return [call.sequence for call in list_calls(box.store, box.private)]


# -- what an erasure does


def test_nothing_of_an_erased_call_is_left_and_nothing_of_another_is_touched(box: Box) -> None:
    fill(box)
    pieces = traces(box, 2)
    assert [name.split(".")[0] for name in found_in(box.store.path, pieces)] == [
        "catalogue/new",
        "journal/keeper-00000",
        "journal/recorder-00000",
        "ring/ring-00000",
    ]
    others = {slot: box.octets(slot) for slot in (0, 4, 5, 6, 7, 8, 9)}
    erasing = Erasing(box.store, box.journal())
    done = erasing.erase(due(2))
    assert [(stone.sequence, stone.ended_on, stone.expires_on, stone.why) for stone in done.calls] == [
        (2, ENDED, EXPIRES, Why.EXPIRED)
    ]
    assert (done.slots, done.read_back, done.failures) == ([(1, 1), (2, 1), (3, 1)], "direct", [])
    assert done.octets > 3 * (SLOT_SIZE + BLOCK)
    assert erasing.logged == [done]
    assert erasing.paused == [3, 3]
    assert found_in(box.store.path, pieces[1:]) == []
    assert found_in(box.store.path, pieces[:1], ["ring", "catalogue"]) == []
    assert {slot: box.octets(slot) for slot in others} == others
    for slot in (1, 2, 3):
        assert box.octets(slot) == fmt.free_block(slot, 1).ljust(SLOT_SIZE, b"\0")
    assert told(box) == (True, [1, 3], [], [])
    assert listing(box) == [1, 3]


def test_a_tombstone_tells_no_time_of_day_and_no_person(box: Box) -> None:
    fill(box)
    size = (box.store.journal_dir / "keeper-00000.dat").read_bytes().rstrip(b"\0")
    digest = scan_slots(box.store)[1].digest
    erase(box, 2)
    [stone] = read_amendments(box.store).tombstones.values()
    assert stone == Tombstone(
        name=name_of(ident(2)),
        sequence=2,
        digest=digest,
        ended_on=ENDED,
        expires_on=EXPIRES,
        why=Why.EXPIRED,
        slots=((1, 1), (2, 1), (3, 1)),
        on=AFTER,
        record=3,
    )
    added = (box.store.journal_dir / "keeper-00000.dat").read_bytes()[len(size) :]
    assert ident(2) not in added
    assert str(ULID.from_bytes(ident(2))).encode() not in added
    tomb, erased = Journal.open(box.store.journal_dir, "keeper", box.store).records()[-2:]
    assert (tomb.type, sorted(tomb.public), tomb.state) == (
        JournalType.TOMBSTONE,
        ["calls", "on", "sequence"],
        Sealed.NONE,
    )
    assert (erased.type, erased.public["sequences"], erased.public["read_back"]) == (JournalType.ERASED, [2], "direct")


def test_many_calls_share_one_tombstone_and_each_piece_is_followed_by_a_pause(box: Box) -> None:
    fill(box)
    erasing = Erasing(box.store, box.journal())
    done = erasing.erase(due(1), due(2), due(3))
    assert [stone.sequence for stone in done.calls] == [1, 2, 3]
    assert [r.type for r in erasing.journal.records()[-2:]] == [JournalType.TOMBSTONE, JournalType.ERASED]
    assert erasing.paused == [5, 5]
    assert done.detail() == {
        "calls": {str(number): ["2026-11-23", "2026-12-23", "expired"] for number in (1, 2, 3)},
        "slots": 5,
        "octets": done.octets,
        "read_back": "direct",
    }
    assert (told(box), listing(box)) == ((True, [], [], []), [])
    assert list(Catalogue(box.store.catalogue_dir).days()) == []
    assert erasing.erase(due(1), due(2), due(3)).calls == []  # they are erased already
    assert erasing.finish().calls == []
    assert len(erasing.logged) == 1


def test_calls_without_a_catalogue_and_calls_of_the_journal_alone_are_erased_too(box: Box) -> None:
    fill(box)
    for path in box.store.catalogue_dir.iterdir():
        path.unlink()
    recipients = box.store.recipients.to_wrap()
    public = {"sequence": 4, "line": "1", "date": "2026-11-23", "expires_on": "2026-12-23"}
    box.journal("recorder").append(
        JournalType.NOT_RECORDED, at(56), ident(4), public, {"caller": "0312345678"}, recipients
    )
    pieces = [*traces(box, 2)[1:], *traces_of_journal(box, 4)]
    done = Erasing(box.store, box.journal()).erase(due(2, box.store), due(4))
    assert [(stone.sequence, len(stone.slots), len(stone.digest)) for stone in done.calls] == [(2, 3, 32), (4, 0, 0)]
    assert found_in(box.store.path, pieces) == []
    assert told(box)[:3] == (True, [1, 3], [])
    assert listing(box) == [1, 3]
    assert Erasing(box.store, box.journal()).erase(due(9)).unknown == [ident(9)]


def traces_of_journal(box: Box, number: int) -> list[bytes]:
    records = Journal.open(box.store.journal_dir, "recorder", box.store).records()
    return [sealed for record in records if record.call_id == ident(number) for _, sealed in record.sealed]


def test_an_interrupted_call_is_erased_as_it_was_signed(box: Box) -> None:
    fill(box)
    box.open(4)
    box.talk(4, 2, commits=2)
    journal = box.journal()
    settle_interrupted(box.store, journal, None, at(60))
    digest = scan_slots(box.store)[-1].digest
    [stone] = Erasing(box.store, journal).erase(due(4)).calls
    assert (stone.sequence, stone.digest) == (4, digest)
    assert told(box) == (True, [1, 2, 3], [], [])


def test_a_slot_whose_header_is_damaged_goes_with_its_call(box: Box) -> None:
    fill(box)
    data = box.octets(2)[BLOCK : BLOCK + 400]
    box.overwrite(2, 0, b"?" * 100)
    assert erase(box, 2).slots == [(1, 1), (2, 1), (3, 1)]
    assert found_in(box.store.path, [data]) == []
    assert told(box) == (True, [1, 3], [], [])


def test_a_slot_that_was_taken_since_is_not_touched(box: Box) -> None:
    """A catalogue that names slots of others, and a header nobody can read of a later use."""
    fill(box)
    catalogue = Catalogue(box.store.catalogue_dir)
    entry = catalogue.get(str(ULID.from_bytes(ident(1))))
    assert entry is not None
    slots, generations = [*entry.slots, 4, 5, 2], [7, 1, 1, 0]  # not even the generation of its own is right
    catalogue.put(msgspec.structs.replace(entry, slots=slots, generations=generations))
    box.overwrite(2, 0, b"?" * 100)  # its extents say generation 1
    before = {slot: box.octets(slot) for slot in range(1, 10)}
    assert erase(box, 1).slots == [(0, 1)]
    assert {slot: box.octets(slot) for slot in range(1, 10)} == before


# -- what it refuses


@pytest.mark.parametrize("on", [EXPIRES, EXPIRES - timedelta(days=1), date(1970, 1, 1)])
def test_nothing_is_erased_before_its_time(box: Box, on: date) -> None:
    fill(box)
    before = files(box.store.path)
    erasing = Erasing(box.store, box.journal())
    with pytest.raises(RefusedError):
        erasing.erase(due(1), due(2), on=on)
    late = due(2, expires_on=AFTER)
    with pytest.raises(RefusedError):
        erasing.erase(due(1), late)
    assert files(box.store.path) == before


def test_by_powered_on_age_a_call_goes_whatever_the_calendar_says(box: Box) -> None:
    fill(box)
    [stone] = Erasing(box.store, box.journal()).erase(due(1, why=Why.AGE), on=date(1970, 2, 1)).calls
    assert (stone.why, stone.early) == (Why.AGE, False)
    assert told(box) == (True, [2, 3], [], [])


def test_a_call_on_hold_or_going_on_is_not_erased(box: Box) -> None:
    fill(box)
    journal = box.journal()
    journal.append(JournalType.HOLD, at(60), ident(1), {"until": AFTER.isoformat()})
    erasing = Erasing(box.store, journal)
    with pytest.raises(RefusedError):
        erasing.erase(due(2), due(1))
    box.open(4)
    box.talk(4, 1)
    lock = FileLock(box.store.recorder_lock, INSTANCE.hex().encode())
    lock.acquire()
    with pytest.raises(RefusedError):
        erasing.erase(due(4, box.store))
    lock.release()
    assert read_amendments(box.store).tombstones == {}
    assert erasing.erase(due(1, why=Why.HOLD_LAPSED), on=AFTER + timedelta(days=1)).calls[0].why is Why.HOLD_LAPSED


def test_what_has_a_tombstone_is_not_read_whatever_is_left_of_it(box: Box) -> None:
    fill(box)
    stored = scan_slots(box.store)[1]

    def stop(slots: int) -> None:
        raise InterruptedError

    journal = box.journal()
    digest = bytes(32)
    stone = Tombstone(
        name=name_of(ident(2)),
        sequence=2,
        digest=stored.digest or digest,
        ended_on=ENDED,
        expires_on=EXPIRES,
        why=Why.EXPIRED,
        slots=((1, 1),),
        on=AFTER,
    )
    CallReader(stored, box.store, box.private).record()
    journal.append(JournalType.TOMBSTONE, NOW, public=public_of([stone]))  # and nothing more was done
    with pytest.raises(RefusedError):
        CallReader(stored, box.store, box.private)
    assert listing(box) == [1, 3]
    note = "call 2 is being erased and not read any more; its erasure is unfinished"
    assert told(box) == (True, [1, 3], [], [note])


# -- trouble


def test_what_reads_back_differently_is_named_and_never_reported_as_erased(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(box)
    real = os.pwrite
    lose = True

    def losing(fd: int, data: Any, offset: int) -> int:
        """The disk says yes to the data of slot 2, and writes something else."""
        inside = 2 * SLOT_SIZE + BLOCK <= offset < 3 * SLOT_SIZE
        if lose and inside and not any(bytes(data)):
            return len(data)
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", losing)
    erasing = Erasing(box.store, box.journal())
    done = erasing.erase(due(1), due(2))
    ring = box.store.path / "ring" / "ring-00000.dat"
    problem = f"{ring}: slot 2 has other octets than were written"
    assert ([stone.sequence for stone in done.calls], done.slots) == ([1], [(0, 1)])
    assert done.failures == [Failure(sequence=2, slot=2, problem=problem)]
    assert box.octets(2)[:BLOCK] == fmt.erasing_block(2, 1, name_of(ident(2)))
    note = "call 2 is being erased and not read any more; its erasure is unfinished"
    assert told(box) == (True, [3], [], [note])
    again = erasing.finish()
    assert (again.calls, [failure.slot for failure in again.failures]) == ([], [2])
    lose = False
    assert [stone.sequence for stone in erasing.finish().calls] == [2]
    assert [[stone.sequence for stone in erasure.calls] for erasure in erasing.logged] == [[1], [2]]
    assert told(box) == (True, [3], [], [])


@pytest.mark.parametrize("call", ["pwrite", "fdatasync", "preadv"])
def test_a_disk_that_fails_keeps_the_call_unfinished(box: Box, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    fill(box)
    pieces = traces(box, 2)[1:]
    erasing = Erasing(box.store, box.journal())
    real = getattr(os, call)

    def failing(fd: int, *args: Any) -> Any:
        if os.readlink(f"/proc/self/fd/{fd}").endswith("ring-00000.dat"):
            raise OSError(errno.EIO, "Input/output error")
        return real(fd, *args)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing)
        done = erasing.erase(due(2))
    assert (done.calls, {failure.slot for failure in done.failures}, erasing.logged) == ([], {1, 2, 3}, [])
    assert listing(box) == [1, 3]
    assert [stone.sequence for stone in erasing.finish().calls] == [2]
    assert found_in(box.store.path, pieces) == []
    assert told(box) == (True, [1, 3], [], [])


def test_without_o_direct_the_page_cache_is_dropped_and_the_result_says_so(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(box)
    pieces = traces(box, 2)[1:]
    real = os.open
    dropped: list[tuple[int, int]] = []

    def refusing(path: Any, flags: int, *args: Any, **keywords: Any) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(path, flags, *args, **keywords)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(os, "posix_fadvise", lambda fd, offset, length, advice: dropped.append((offset, advice)))
    done = erase(box, 2)
    assert (done.read_back, done.failures) == (DROPPED, [])
    assert [one for one in dropped if one[0] >= SLOT_SIZE] == [
        (slot * SLOT_SIZE, os.POSIX_FADV_DONTNEED) for slot in (1, 2, 3)
    ]
    assert found_in(box.store.path, pieces) == []
    assert told(box) == (True, [1, 3], [], [])


def test_a_damaged_day_file_leaves_its_calls_unfinished_until_it_is_made_again(box: Box) -> None:
    fill(box)
    catalogue = Catalogue(box.store.catalogue_dir)
    rebuild(box.store)
    day = box.store.catalogue_dir / "2026-11-23.json"
    day.write_bytes(day.read_bytes()[:-20])
    erasing = Erasing(box.store, box.journal())
    done = erasing.erase(*(due(number, box.store) for number in (1, 2, 3)))
    assert (done.calls, {failure.sequence for failure in done.failures}) == ([], {1, 2, 3})
    catalogue.set_aside("2026-11-23")
    assert [path.name for path in box.store.catalogue_dir.glob("*damaged*")] == ["2026-11-23.json.damaged-1"]
    assert len(erasing.finish().calls) == 3
    assert list(box.store.catalogue_dir.glob("*damaged*")) == []


def test_what_a_torn_record_left_of_a_call_goes_with_it(box: Box) -> None:
    fill(box)
    journal = box.journal("recorder")
    before = journal.records()[-1].number
    secret = {"by": "ab" * 5000}
    journal.append(JournalType.MARK, at(60), ident(2), {}, secret, box.store.recipients.to_wrap())
    [left] = [sealed for _, sealed in journal.records()[-1].sealed]
    path = box.store.journal_dir / "recorder-00000.dat"
    octets = bytearray(path.read_bytes())
    end = len(octets.rstrip(b"\0"))
    octets[end - 600 : end] = bytes(600)  # its last block did not reach the disk
    path.write_bytes(octets)
    journal = box.journal("recorder")
    assert journal.records()[-1].number == before
    journal.append(JournalType.ALIVE, at(61))
    assert left[5000:5032] in path.read_bytes()
    erase(box, 2)
    assert left[5000:5032] not in path.read_bytes()
    assert left[:32] not in path.read_bytes()
    assert told(box) == (True, [1, 3], [], [])


# -- what verify must not be told


def a_stone(box: Box, number: int, **changes: Any) -> Tombstone:
    stored = next(call for call in scan_slots(box.store) if call.call_id == ident(number))
    given = {
        "name": name_of(ident(number)),
        "sequence": stored.sequence,
        "digest": stored.digest,
        "ended_on": ENDED,
        "expires_on": EXPIRES,
        "why": Why.EXPIRED,
        "slots": tuple((header.slot, header.generation) for header in stored.headers),
        "on": AFTER,
    }
    return Tombstone(**{**given, **changes})


def remove(box: Box, number: int) -> None:
    catalogue = Catalogue(box.store.catalogue_dir)
    for call in scan_slots(box.store):
        if call.call_id == ident(number):
            catalogue.remove("2026-11-23", {call.sequence})
            for header in call.headers:
                box.overwrite(header.slot, 0, fmt.free_block(header.slot, header.generation).ljust(SLOT_SIZE, b"\0"))


def test_a_missing_call_without_a_tombstone_shows_and_a_forged_one_excuses_nothing(box: Box) -> None:
    fill(box)
    stone = a_stone(box, 2)
    remove(box, 2)
    assert told(box) == (False, [1, 3], ["call 2 is missing"], [])
    keeper = box.store.journal_dir / "keeper-00000.dat"
    other = Box(box.store.path.parent / "other", slots=2)
    for signer in (other.store.device, None):
        journal = box.journal()
        octets = keeper.read_bytes()
        journal._device = signer or journal._device  # another box's key; or ours, in the wrong journal
        if signer is None:
            journal = box.journal("recorder")
        journal.append(JournalType.TOMBSTONE, NOW, public=public_of([stone]))
        assert "call 2 is missing" in told(box)[2]
        keeper.write_bytes(octets)
    journal = box.journal()
    journal.append(JournalType.TOMBSTONE, NOW, public={"sequence": 2, "on": "2026-12-24", "calls": b"?"})
    assert told(box)[2] == ["call 2 is missing", "keeper journal: the tombstone in record 3 is not readable"][::-1]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"on": EXPIRES}, "call 2 was erased on 2026-12-23, and was to be kept until 2026-12-23"),
        ({"on": ENDED}, "call 2 was erased on 2026-11-23, and was to be kept until 2026-12-23"),
        ({"digest": b"?" * 32}, "call 2 was erased on 2026-12-24, and was not what it was when it was closed"),
    ],
)
def test_a_tombstone_that_should_not_be_is_damage(box: Box, changes: dict[str, Any], problem: str) -> None:
    fill(box)
    journal = box.journal()
    journal.append(JournalType.TOMBSTONE, NOW, public=public_of([a_stone(box, 2, **changes)]))
    assert problem in told(box)[2]
    Erasing(box.store, journal).finish()
    assert problem in told(box)[2]


def test_an_erasure_under_a_hold_is_damage(box: Box) -> None:
    fill(box)
    journal = box.journal()
    journal.append(JournalType.HOLD, at(60), ident(1), {"until": "2027-03-31"})
    journal.append(JournalType.TOMBSTONE, NOW, public=public_of([a_stone(box, 1)]))
    journal.append(JournalType.HOLD, at(61), ident(3), {"until": "2027-03-31"})
    journal.append(JournalType.HOLD_RELEASED, at(62), ident(3))
    journal.append(JournalType.TOMBSTONE, NOW, public=public_of([a_stone(box, 3)]))
    journal.append(JournalType.HOLD, at(63), ident(3), {"until": "2027-03-31"})  # too late: it is gone
    assert told(box)[2] == ["call 1 was erased on 2026-12-24, while a hold stood"]


def test_sealed_parts_that_are_gone_or_damaged_without_a_tombstone_show(box: Box) -> None:
    fill(box)
    path = box.store.journal_dir / "recorder-00000.dat"
    whole = path.read_bytes()
    [(_, box_of_mark)] = Journal.open(box.store.journal_dir, "recorder", box.store).records()[0].sealed
    begin = whole.index(box_of_mark)
    path.write_bytes(whole[: begin + 9] + bytes(BLOCK - begin - 9) + whole[BLOCK:])
    assert told(box)[2] == ["recorder journal: the sealed part of record 1 is damaged"]
    head = whole.rindex(b"sealed_sha256", 0, begin) + 13 + 2 + 32
    path.write_bytes(whole[:head] + bytes(BLOCK - head) + whole[BLOCK:])
    assert told(box)[2] == ["recorder journal: the sealed part of record 1 is gone without a tombstone"]
    records = Journal.open(box.store.journal_dir, "recorder", box.store).records()
    assert [(record.number, record.state) for record in records] == [
        (1, Sealed.ERASED),
        (2, Sealed.WHOLE),
        (3, Sealed.WHOLE),
    ]
    erase(box, 1)
    assert told(box)[2] == []


def test_a_call_that_is_brought_back_shows(box: Box) -> None:
    fill(box)
    old = box.octets(2)
    erase(box, 2)
    box.overwrite(2, 0, old)
    assert told(box) == (False, [1, 3], ["call 2 was erased, and is in the ring again: slot 2"], [])
    box.overwrite(2, 0, fmt.erasing_block(2, 1, name_of(ident(7))))
    assert told(box)[2] == ["slot 2: says that it is being erased, and no tombstone does"]


def test_a_number_lost_in_a_cut_commit_stays_explained_when_its_witnesses_are_gone(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)
    box.open(2)
    box.talk(1, 1)
    box.overwrite(1, 0, fmt.free_block(1, 0).ljust(SLOT_SIZE, b"\0"))  # its blocks did not reach the disk
    box.new_writer(b"another!")
    box.call(3)
    journal = box.journal()
    settle_interrupted(box.store, journal, None, at(60))
    listed(box)
    note = "call 2 began with the last commit before an interruption and was lost"
    assert told(box) == (True, [1, 3], [], [note])
    Erasing(box.store, journal).erase(due(1), due(3))
    assert told(box) == (True, [], [], [note])


# -- cut off at every step


@pytest.mark.slow
def test_cut_off_at_any_step_it_is_finished_later(tmp_path: Path) -> None:
    """A ring of its own: with a call before, a call after and one free slot."""
    box = Box(tmp_path / "store", slots=6)
    fill(box)
    found = traces(box, 2)[1:]
    pieces = [*found[:8], *random.Random(1).sample(found[8:-8], 20), *found[-8:]]
    before = {slot: box.octets(slot) for slot in range(6)}
    others = {slot: before[slot] for slot in (0, 4, 5)}

    def work(path: Path) -> None:
        store = Store.open(path, need_device=True)
        try:
            Erasing(store, Journal.open(store.journal_dir, "keeper", store, store.device)).erase(due(2))
        finally:
            store.close()

    states = 0
    for path, way, step in cut_off(box.store.path, tmp_path, work):
        where = f"{way} {step}"
        store = Store.open(path, need_device=True)
        check_cut(store, box.private, before, where)
        journal = Journal.open(store.journal_dir, "keeper", store, store.device)
        erasing = Erasing(store, journal)
        tombstone = read_amendments(store).tombstone(ident(2))
        if tombstone is None:
            erasing.erase(due(2))
        else:
            erasing.finish()
        assert found_in(path, pieces) == [], where
        assert all(store.ring.read_slot(slot) == data for slot, data in others.items()), where
        report = verify_store(store, box.private)
        assert (report.ok, report.problems, report.notes) == (True, [], []), where
        assert [call.sequence for call in report.calls] == [1, 3], where
        assert read_amendments(store).unfinished() == [], where
        journal.close()
        store.close()
        states += 1
    assert states >= 100  # 28 steps, four ways


def check_cut(store: Store, private: PrivateKey, before: dict[int, bytes], where: str) -> None:
    """Before anybody puts it in order: all else is there, the call is whole or refused, and no slot of it is lent.

    `before`: every slot as it was before the erasure.
    """
    report = verify_store(store, private)
    torn = [problem for problem in report.problems if "torn or damaged after record" not in problem]
    assert (torn, [call.problems for call in report.calls if call.problems]) == ([], []), where
    gone = read_amendments(store).tombstone(ident(2)) is not None
    assert [call.sequence for call in list_calls(store, private)] == ([1, 3] if gone else [1, 2, 3]), where
    for slot in (1, 2, 3):
        data = store.ring.read_slot(slot)
        if data[:8] == fmt.MAGIC_FREE:
            assert data == fmt.free_block(slot, 1).ljust(SLOT_SIZE, b"\0"), where
        elif not gone:
            assert data == before[slot], where


# -- any order of calls, erasures, kills and new calls in old slots


class Turning(RuleBasedStateMachine):
    """A ring of 8 slots in which calls come and go."""

    folder: Callable[[], Path]

    def __init__(self) -> None:
        super().__init__()
        self.box = Box(type(self).folder() / "store", slots=8)
        self.number = 0
        self.living: dict[int, bytes] = {}  # number -> its sound
        self.half: set[int] = set()
        self.seen: list[bytes] = []
        self.generations = [0] * 8
        self.journal = self.box.journal()

    def _free(self) -> list[tuple[int, int]]:
        blocks = {slot: self.box.store.ring.read_block0(slot) for slot in range(8)}
        return [(slot, fmt.generation_of(b) + 1) for slot, b in blocks.items() if b[:8] == fmt.MAGIC_FREE]

    @rule(seconds=st.sampled_from([1.0, 17.0]), marks=st.integers(0, 1))
    def call(self, seconds: float, marks: int) -> None:
        free = self._free()
        if len(free) < 2:
            return
        self.number += 1
        Lease(slots=free, sequence_floor=self.number).save(self.box.store.lease_path, self.box.store.store_id)
        self.box.new_writer(self.number.to_bytes(8, "big"))
        self.box.call(self.number, seconds=seconds, commits=2)
        listed(self.box)
        if marks:
            recipients = self.box.store.recipients.to_wrap()
            self.journal.append(JournalType.MARK, at(60), ident(self.number), {}, {"at_s": 1.0}, recipients)
        self.living[self.number] = self.box.pcm[self.number]

    @precondition(lambda self: self.living)
    @rule(pick=st.randoms(use_true_random=False), stop=st.integers(0, 4))
    def erase(self, pick: random.Random, stop: int) -> None:
        numbers = pick.sample(sorted(self.living), pick.randint(1, min(3, len(self.living))))
        for number in numbers:
            self.seen += pick.sample(traces(self.box, number)[1:], 20)
            del self.living[number]

        def pause(slots: int) -> None:
            nonlocal stop
            stop -= 1
            if not stop:
                raise InterruptedError

        try:
            Erasing(self.box.store, self.journal, pause).erase(*(due(number) for number in numbers))
        except InterruptedError:
            self.half |= set(numbers)

    @rule()
    def finish(self) -> None:
        done = Erasing(self.box.store, self.journal).finish()
        assert {stone.sequence for stone in done.calls} == self.half
        self.half = set()

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = self.box.journal()

    @invariant()
    def sound(self) -> None:
        report = verify_store(self.box.store, self.box.private)
        assert (report.ok, report.problems) == (True, [])
        assert [call.sequence for call in report.calls] == sorted(self.living)
        for call in report.calls:
            assert call.samples == len(self.living[call.sequence]) // 2
        assert len(report.notes) == len(self.half)
        if not self.half:
            assert found_in(self.box.store.path, self.seen) == []
        generations = [fmt.generation_of(self.box.store.ring.read_block0(slot)) for slot in range(8)]
        assert all(now >= before for now, before in zip(generations, self.generations, strict=True))
        self.generations = generations


@pytest.mark.slow
def test_calls_come_and_go_and_slots_are_used_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    class Here(Turning):
        folder = staticmethod(lambda: tmp_path_factory.mktemp("turning"))

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
