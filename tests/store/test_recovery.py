from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from ulid import ULID

from tests.store.erasing import erase, listed
from tests.store.reading import INSTANCE, Box, a_record, at, ident
from tsuwaroku.errors import SecretError
from tsuwaroku.records.call import CallRecord, Hold, Integrity, Mark, Outcome, PublicRecord, Retention
from tsuwaroku.store.amendments import by_call
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.fold import by_seizure, fold, mark_name
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.rebuild import rebuild
from tsuwaroku.store.recovery import (
    catalogue_calls,
    entry_of,
    list_calls,
    read_amendments,
    settle_interrupted,
)
from tsuwaroku.store.ring import RingFiles
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import free_block


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store")


def catalogue(box: Box) -> Catalogue:
    return Catalogue(box.store.catalogue_dir)


def numbers(box: Box) -> list[int]:
    return [record.sequence for record in list_calls(box.store)]


# -- lists


def test_calls_are_listed_from_the_lease_and_from_the_catalogue_alike(box: Box) -> None:
    sealed = [box.call(number, marks=number) for number in (3, 1, 2)]
    public = [call.public for call in scan_slots(box.store)]
    in_order = [sealed[1], sealed[2], sealed[0]]  # by seizure; the sequence is that of opening
    for _ in range(2):
        assert list_calls(box.store) == public
        assert list_calls(box.store, box.private) == in_order
        catalogue_calls(box.store, catalogue(box))
    assert catalogue_calls(box.store, catalogue(box)) == []
    Lease().save(box.store.lease_path, box.store.store_id)
    assert list_calls(box.store, box.private) == in_order


def test_no_jump_of_the_clock_reorders_calls(box: Box) -> None:
    """In one boot the clock is set back by an hour; the next boot begins in 1970."""
    records = [a_record(number) for number in range(1, 5)]
    for number, record in enumerate(records, 1):
        record.sequence = number
        record.clock.boot_id = "aaab"[number - 1] * 32
    records[1].seized_at = at(-3600).isoformat()
    records[3].seized_at, records[3].clock.mono_ns = "1970-01-01T09:00:05.000+09:00", 0
    assert by_seizure(records[::-1]) == records


def test_calls_in_the_catalogue_cost_no_reading_of_the_ring(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.call(1)
    box.call(2)
    catalogue_calls(box.store, catalogue(box))
    Lease(slots=[(0, 1), (5, 1)]).save(box.store.lease_path, box.store.store_id)
    read: list[tuple[int, int]] = []
    original = RingFiles.read

    def watched(ring: RingFiles, slot: int, offset: int, size: int) -> bytes:
        read.append((slot, size))
        return original(ring, slot, offset, size)

    monkeypatch.setattr(RingFiles, "read", watched)
    assert [record.sequence for record in list_calls(box.store, box.private)] == [1, 2]
    assert read == [(0, 4096), (5, 4096)]


def test_a_call_whose_first_slots_are_no_longer_lent_is_listed_whole(box: Box) -> None:
    box.call(1, seconds=40)
    Lease(slots=[(slot, 1) for slot in range(2, 12)]).save(box.store.lease_path, box.store.store_id)
    [record] = list_calls(box.store)
    assert (record.sequence, record.integrity, record.outcome) == (1, Integrity.SEALED, Outcome.ANSWERED)
    Lease(slots=[(0, 1)]).save(box.store.lease_path, box.store.store_id)
    assert list_calls(box.store) == [record]


def test_open_calls_are_left_out_unless_asked_for(box: Box) -> None:
    box.call(1)
    box.open(2)
    box.talk(2, 1)
    lock = FileLock(box.store.recorder_lock, INSTANCE.hex().encode())
    lock.acquire()
    assert numbers(box) == [1]
    assert [record.sequence for record in list_calls(box.store, include_open=True)] == [1, 2]
    lock.release()
    assert [(r.sequence, r.integrity, r.outcome) for r in list_calls(box.store)] == [
        (1, Integrity.SEALED, Outcome.ANSWERED),
        (2, Integrity.RECOVERED, None),
    ]
    assert [(r.sequence, r.integrity, r.outcome) for r in list_calls(box.store, box.private)] == [
        (1, Integrity.SEALED, Outcome.ANSWERED),
        (2, Integrity.RECOVERED, Outcome.MISSED),
    ]


def test_a_damaged_day_is_read_from_the_ring_with_a_warning(box: Box) -> None:
    box.call(1)
    catalogue_calls(box.store, catalogue(box))
    catalogue(box).fold()
    Lease().save(box.store.lease_path, box.store.store_id)
    [path] = box.store.catalogue_dir.glob("*.json")
    path.write_bytes(b"{")
    warnings: list[str] = []
    assert [record.sequence for record in list_calls(box.store, box.private, warnings=warnings)] == [1]
    [warning] = warnings
    assert path.name in warning
    assert "start the service" in warning


def test_a_strangers_key_is_refused_and_a_new_recipients_key_lists_what_it_opens(box: Box) -> None:
    box.call(1)
    with pytest.raises(SecretError):
        list_calls(box.store, PrivateKey(b"x" * 32))
    entry = entry_of(scan_slots(box.store)[0])
    catalogue(box).put(msgspec.structs.replace(entry, wraps=[]))
    box.call(2)
    warnings: list[str] = []
    assert [record.sequence for record in list_calls(box.store, box.private, warnings=warnings)] == [2]
    assert [warning.split(":")[0] for warning in warnings] == ["call 1"]


def test_a_call_too_damaged_to_describe_is_a_warning(box: Box) -> None:
    box.call(1, seconds=40)
    box.call(2)
    catalogue_calls(box.store, catalogue(box))
    entry = catalogue(box).get(str(ULID.from_bytes(ident(1))))
    assert entry is not None
    catalogue(box).put(msgspec.structs.replace(entry, card=b"not a card" * 10))
    assert [record.sequence for record in list_calls(box.store, box.private)] == [1, 2]  # from the ring then
    for slot in entry.slots:
        box.overwrite(slot, 0, free_block(slot, 1))
    warnings: list[str] = []
    assert [record.sequence for record in list_calls(box.store, box.private, warnings=warnings)] == [2]
    assert [warning.split(":")[0] for warning in warnings] == ["call 1"]


def test_calls_that_are_gone_are_not_listed(box: Box) -> None:
    for number in (1, 2, 3):
        box.call(number)
    box.journal("recorder").append(JournalType.DISCARDED, at(9), ident(1), {"sequence": 1})
    listed(box)
    erase(box, 3)
    assert numbers(box) == [2]
    assert rebuild(box.store).calls == 1


def test_a_pressed_on_button_call_is_listed_by_the_journals_wrap(box: Box) -> None:
    box.open(1, withheld=True)
    box.talk(1, 1)
    sealed = box.close(1)
    with pytest.raises(SecretError):
        list_calls(box.store, box.private)
    box.journal("recorder").append(JournalType.WRAP, at(9), ident(1), wraps=box.writer.wrap(ident(1)))
    assert list_calls(box.store, box.private) == [sealed]


# -- settling


def test_interrupted_calls_are_settled_once_and_only_they(box: Box) -> None:
    box.call(1)
    box.open(2)
    box.talk(2, 2, commits=2)
    box.open(3)
    box.talk(3, 1)
    box.new_writer(b"recorde2")
    box.open(4)
    box.talk(4, 1)
    journal = box.journal()
    assert settle_interrupted(box.store, journal, INSTANCE, at(60)) == [str(ULID.from_bytes(ident(4)))]
    two, three = (str(ULID.from_bytes(ident(number))) for number in (2, 3))
    assert settle_interrupted(box.store, journal, b"recorde2", at(61)) == [two, three]
    assert settle_interrupted(box.store, journal, b"recorde2", at(62)) == []
    stored = {call.sequence: call for call in scan_slots(box.store)}
    assert [(r.type, r.call_id, r.public) for r in journal.records()] == [
        (
            JournalType.RECOVERED,
            ident(number),
            {
                "sequence": number,
                "digest": stored[number].digest.hex(),
                "extents": extents,
                "slots": [number - 1],
                "ended_on": "2026-11-23",
                "expires_on": "2026-12-23",
            },
        )
        for number, extents, end in ((4, 1, 5), (2, 2, 4), (3, 1, 4))
    ]
    entry = catalogue(box).get(two)
    assert entry is not None
    assert (entry.final, entry.card, entry.public) == (
        False,
        b"",
        PublicRecord(
            id=two,
            sequence=2,
            line="1",
            date="2026-11-23",
            outcome=None,
            integrity=Integrity.RECOVERED,
            retention=Retention(expires_on="2026-12-23"),
        ),
    )
    Lease().save(box.store.lease_path, box.store.store_id)
    assert [(r.sequence, r.integrity) for r in list_calls(box.store, box.private)] == [
        (2, Integrity.RECOVERED),
        (3, Integrity.RECOVERED),
        (4, Integrity.RECOVERED),
    ]


def test_a_settling_cut_off_before_the_catalogue_is_finished(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)
    journal = box.journal()
    [settled] = settle_interrupted(box.store, journal, None, at(9))
    [path] = box.store.catalogue_dir.iterdir()
    path.unlink()
    assert settle_interrupted(box.store, journal, None, at(10)) == [settled]
    assert len(journal.records()) == 1
    assert numbers(box) == [1]


def test_a_closed_call_whose_end_is_spoilt_is_not_settled(box: Box) -> None:
    box.call(1)
    catalogue_calls(box.store, catalogue(box))
    last = scan_slots(box.store)[0].extents[-1]
    box.spoil(last.slot, last.offset + 300)
    assert settle_interrupted(box.store, box.journal(), None, at(9)) == []


def test_discarded_and_never_committed_calls_are_not_settled(box: Box) -> None:
    box.open(1, withheld=True)
    box.talk(1, 1)
    box.open(2)
    box.talk(2, 1)
    box.overwrite(1, 4096, bytes(8192))
    journal = box.journal()
    journal.append(JournalType.DISCARDED, at(5), ident(1), {"sequence": 1})
    box.overwrite(1, 4096, bytes(256 * 1024 - 4096))
    assert settle_interrupted(box.store, journal, None, at(9)) == []
    assert numbers(box) == []


# -- folding


def added(
    box: Box, number: int, kind: JournalType, seconds: float, public: object = None, secret: object = None
) -> None:
    assert isinstance(public, dict | None)
    assert isinstance(secret, dict | None)
    box.journal("recorder" if kind is JournalType.MARK else "keeper").append(
        kind, at(seconds), ident(number), public, secret, box.store.recipients.to_wrap()
    )


def one(box: Box) -> CallRecord:
    [record] = list_calls(box.store, box.private)
    return record


def test_late_marks_and_withdrawals_are_folded_in(box: Box) -> None:
    box.call(1, marks=1)
    added(box, 1, JournalType.MARK, 9, {}, {"at_s": 8.0, "by": "button"})
    added(box, 1, JournalType.MARK, 21.5, {}, {"at_s": None, "by": "manager"})
    late = Mark(at_s=20.0, by="manager")  # answered 1.5 s after the start
    assert one(box).marks == [Mark(at_s=0.0), Mark(at_s=8.0), late]
    assert [record.marks for record in list_calls(box.store)] == [3]
    amendments = read_amendments(box.store)[ident(1)]
    assert [mark_name(1, amendments, index) for index in range(3)] == [["call", 0], ["recorder", 1], ["recorder", 2]]
    with pytest.raises(IndexError):
        mark_name(1, amendments, 3)
    added(box, 1, JournalType.MARK_WITHDRAWN, 30, {"mark": mark_name(1, amendments, 1)})
    added(box, 1, JournalType.MARK_WITHDRAWN, 31, {"mark": ["call", 0]})
    added(box, 1, JournalType.MARK_WITHDRAWN, 32, {"mark": ["call", 9]})
    assert one(box).marks == [Mark(at_s=0.0, withdrawn=True), Mark(at_s=8.0, withdrawn=True), late]
    assert [record.marks for record in list_calls(box.store)] == [3]


def test_a_hold_and_its_release_are_folded_in(box: Box) -> None:
    box.call(1)
    added(box, 1, JournalType.HOLD, 9, {"until": "2027-03-31"}, {"reason": "係争中"})
    assert one(box).retention == Retention(expires_on="2026-12-23", hold=Hold(reason="係争中", until="2027-03-31"))
    assert [r.retention.hold for r in list_calls(box.store)] == [Hold(reason="", until="2027-03-31")]
    added(box, 1, JournalType.HOLD_RELEASED, 10)
    assert one(box).retention.hold is None


def test_folding_changes_a_copy(box: Box) -> None:
    record = box.call(1, marks=1)
    added(box, 1, JournalType.MARK_WITHDRAWN, 9, {"mark": ["call", 0]})
    amendments = read_amendments(box.store)[ident(1)]
    assert [mark.withdrawn for mark in fold(record, amendments).marks] == [True]
    assert [mark.withdrawn for mark in record.marks] == [False]
    assert by_call(box.journal().records()) == {ident(1): amendments}


@pytest.mark.slow
def test_a_month_of_calls_is_listed_in_seconds(box: Box) -> None:
    box.call(1)
    [entry] = [entry_of(call) for call in scan_slots(box.store)]
    record, days = entry.public, catalogue(box)
    for day in range(30):
        entries = []
        for number in range(1200):
            sequence = day * 1200 + number + 1
            ulid = str(ULID.from_bytes(entry.call_id[:6] + sequence.to_bytes(10, "big")))
            public = msgspec.structs.replace(record, id=ulid, sequence=sequence, date=f"2026-11-{day + 1:02}")
            entries.append(msgspec.structs.replace(entry, public=public))
        days.replace_day(f"2026-11-{day + 1:02}", entries)
    Lease(slots=[(slot, 1) for slot in range(1, 12)]).save(box.store.lease_path, box.store.store_id)
    began = time.process_time()
    assert len(list_calls(box.store)) == 36_000
    assert time.process_time() - began < 10
