"""A keeper in trouble: damaged files of its own, a full disk, a great many days. It goes on lending and says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.service.requestbox import RequestBox, call_id
from tests.service.support import START, calls_in, demo_key, no_slots
from tests.service.test_keeper import opened, record
from tests.service.test_lamp_truth import Box
from tests.service.test_modes import ONE_CALL, config, script
from tsuwaroku.clock import VirtualClock
from tsuwaroku.errors import StoreError
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.link import Note, Report
from tsuwaroku.store import durable
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.auditcheck import check_log
from tsuwaroku.store.catalogue import AtomicStorage, Catalogue
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import list_calls
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import free_block
from tsuwaroku.store.verify import verify_store


def keeper_of(store: Store) -> Keeper:
    keeper = Keeper(store, config(), VirtualClock(START))
    keeper.start()
    return keeper


def codes(keeper: Keeper) -> set[str]:
    return {alarm.code for alarm in keeper.status().alarms} - {"recorder_away"}


def recorded(tmp_path: Path, calls: int = 2) -> Store:
    store = opened(tmp_path, config(), 64)
    keeper = keeper_of(store)
    source = script(tmp_path, 20.0, ONE_CALL, [])
    for _ in range(calls):
        record(source, store, config(), keeper)
    keeper.close()
    return store


def full(*_: object, **__: object) -> Any:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("octets", [b"", b"{", b'{"_default": {"1": {}}}'], ids=["empty", "torn", "altered"])
def test_a_damaged_day_of_the_catalogue_is_put_aside_and_made_again_from_the_ring(
    tmp_path: Path, octets: bytes
) -> None:
    store = recorded(tmp_path)
    (day,) = store.catalogue_dir.glob("*.json")
    day.write_bytes(octets)
    keeper = keeper_of(store)
    assert keeper.status().calls_today == 2
    assert codes(keeper) == set()
    day.write_bytes(octets)  # and while it runs
    record(tmp_path / "script.toml", store, config(), keeper)
    keeper.status()
    keeper.poll()
    assert keeper.status().calls_today == 3
    keeper.close()
    assert [call.sequence for call in calls_in(tmp_path / "store")] == [1, 2, 3]
    assert verify_store(store, demo_key(tmp_path / "store")).problems == []
    assert len(list(store.catalogue_dir.glob("*.damaged*"))) == 2
    assert [entry.verb for entry in AuditLog.open(store).entries()].count("catalogue damaged") == 2
    store.close()


@pytest.mark.parametrize("octets", [b"", b'{"version": 1, "slots": [[0', b'{"version": 1, "slots": [["a", 1]]}'])
def test_a_damaged_lease_is_made_anew(tmp_path: Path, octets: bytes) -> None:
    store = recorded(tmp_path)
    store.lease_path.write_bytes(octets)
    keeper = keeper_of(store)
    lease = Lease.load(store.lease_path, store.store_id)
    assert lease.sequence_floor == 3
    assert len(lease.slots) == 62  # all that are free
    record(tmp_path / "script.toml", store, config(), keeper)
    keeper.close()
    assert [call.sequence for call in calls_in(tmp_path / "store")] == [1, 2, 3]
    assert verify_store(store, demo_key(tmp_path / "store")).problems == []
    store.close()


def test_a_full_disk_stops_neither_lending_nor_the_status_and_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catalogue and audit log cannot be written; the lease (a few octets where a file was) can."""
    store = recorded(tmp_path)
    lend = durable.replace_file
    monkeypatch.setattr("tsuwaroku.store.catalogue.durable.replace_file", full)
    monkeypatch.setattr(AuditLog, "_add", full)
    monkeypatch.setattr("tsuwaroku.service.trail.replace_file", full)
    monkeypatch.setattr("tsuwaroku.store.lease.replace_file", lend)
    keeper = keeper_of(store)
    assert Lease.load(store.lease_path, store.store_id).slots
    record(tmp_path / "script.toml", store, config(), keeper)
    keeper.message(Note("recorder started", "x", {}))
    assert keeper.poll() in (True, False)
    assert codes(keeper) == {"records_failed"}
    monkeypatch.undo()
    keeper.poll()
    assert codes(keeper) == set()
    keeper.close()
    assert [call.sequence for call in calls_in(tmp_path / "store")] == [1, 2, 3]
    verbs = [entry.verb for entry in AuditLog.open(store).entries()]
    assert verbs.count("keeper started") == 2
    assert verbs[-2:] == ["recorder started", "keeper stopped"] or "recorder started" in verbs
    assert verify_store(store, demo_key(tmp_path / "store")).problems == []
    store.close()


def test_an_entry_that_names_a_slot_of_no_ring_is_made_again_and_keeps_no_keeper_from_starting(tmp_path: Path) -> None:
    """One spoilt digit in a list that is derived: whoever reads that slot would fall over it at each start."""
    box = RequestBox(tmp_path / "store")
    box.end()
    (file,) = (box.path / "catalogue").glob("*.json")
    text = file.read_text()
    (slot,) = set(re.findall(r'"sequence":2,.*?"slots":\[(\d+)\]', text))
    file.write_text(re.sub(r'("sequence":2,.*?"slots":\[)\d+\]', r"\g<1>97]", text))
    box.start()
    box.clock.seconds += 2
    box.keeper.poll()
    entry = box.keeper.listed(call_id(2))
    assert entry is not None
    assert entry.slots == [int(slot)]
    assert [one.sequence for one in list_calls(box.store)] == [1, 2, 3]
    box.end()


def test_a_poll_reads_no_day_of_the_catalogue_and_no_slot_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call goes on for hours over a catalogue of a month: the keeper has nothing to do, and does nothing."""
    box = Box(tmp_path)
    box.until(8.0)
    catalogue = Catalogue(box.store.catalogue_dir)
    for day in range(1, 29):
        AtomicStorage(catalogue._path(f"2026-04-{day:02}")).write({"_default": {}})
    assert box.recorder._stations["1"].call is not None
    box.keeper.message(Report(box.recorder.status()))
    box.keeper.poll()
    reads: list[str] = []
    monkeypatch.setattr(AtomicStorage, "read", lambda self: reads.append("day"))
    whole = box.store.ring.read_slot

    def read_slot(slot: int) -> bytes:
        reads.append("slot")
        return whole(slot)

    monkeypatch.setattr(box.store.ring, "read_slot", read_slot)
    box.keeper.poll()
    assert reads == []
    monkeypatch.undo()
    box.end()


def test_numbers_of_calls_the_ring_has_nothing_of_are_not_given_out_again(tmp_path: Path) -> None:
    """A full ring: the call is listed as not recorded. The next recorder's first call has the next number."""
    box = Box(tmp_path, slots=8)
    lease = box.store.lease_path.read_bytes()
    no_slots(box.store, box.parts)
    box.until(26.0)
    box.end()
    store = Store.open(box.path, need_device=True)
    store.lease_path.write_bytes(lease)
    record(script(tmp_path, 20.0, ONE_CALL, []), store, config(), None)
    keeper_of(store).close()
    assert [(call.sequence, call.outcome.value) for call in calls_in(box.path)] == [
        (1, "not_recorded"),
        (2, "answered"),
    ]
    store.close()


def test_ring_that_cannot_be_read_for_a_moment_does_not_end_the_keeper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = recorded(tmp_path)
    keeper = keeper_of(store)

    def fail(slot: int) -> bytes:
        raise StoreError("cannot be read", where="ring")

    monkeypatch.setattr(store.ring, "read_block0", fail)
    assert keeper.poll() is False
    assert codes(keeper) == {"records_failed"}
    monkeypatch.undo()
    keeper.poll()
    assert codes(keeper) == set()
    keeper.close()
    store.close()


def test_a_slot_that_was_set_aside_is_lent_no_more_and_stands_as_an_alarm(tmp_path: Path) -> None:
    """Before and after a start, erased or not; whoever counts the ring's slots counts without it."""
    store = recorded(tmp_path)
    keeper = keeper_of(store)
    free = keeper.free_slots
    (first, *_) = [
        slot
        for slot, _ in Lease.load(store.lease_path, store.store_id).slots
        if keeper._upkeep.lending.slots.owner(slot) is None
    ]
    journal = Journal.open(store.journal_dir, "recorder", store, store.device)
    for slot in (first, 0):  # the second has a call in it
        journal.append(JournalType.SET_ASIDE, VirtualClock(START).now(), public={"slot": slot, "generation": 1})
    journal.close()
    keeper.poll()
    assert codes(keeper) == {"slots_set_aside"}
    assert [alarm.detail for alarm in keeper.status().alarms if alarm.code == "slots_set_aside"] == [f"0, {first}"]
    assert keeper.free_slots == free - 1
    assert {first, 0} & {slot for slot, _ in keeper._upkeep.lending.lease.slots} == set()
    keeper.close()
    block = store.ring.read_block0(0)
    store.ring.write(0, 0, free_block(0, 1))  # as after an erasure
    keeper = keeper_of(store)
    keeper._upkeep.lending.slots.look_again([0, first])
    assert (codes(keeper), keeper.free_slots) == ({"slots_set_aside"}, free - 1)
    granted = {slot for slot, _ in keeper._upkeep.lending.slots.grant(64)}
    assert {first, 0} & granted == set()
    store.ring.write(0, 0, block)
    keeper.close()
    store.close()


def test_a_call_that_cannot_be_read_keeps_no_other_from_being_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path, config(), 64)
    keeper = keeper_of(store)
    source = script(tmp_path, 20.0, ONE_CALL, [])
    keeper.close()
    for _ in range(3):
        record(source, store, config(), None)
    read = store.ring.read

    def reading(slot: int, offset: int, size: int) -> bytes:
        if slot == 0 and offset + size > 4096:
            raise StoreError("cannot be read (Input/output error)", where="ring")
        return read(slot, offset, size)

    keeper = Keeper(store, config(), VirtualClock(START))
    with monkeypatch.context() as patch:
        patch.setattr(store.ring, "read", reading)
        keeper.start()
        assert keeper.status().calls_today == 2
        assert codes(keeper) == {"call_damaged"}
        details = [alarm.detail for alarm in keeper.status().alarms if alarm.code == "call_damaged"]
        assert details == ["slot 0, octet 4096: cannot be read from the disk"]
    keeper.poll()
    assert keeper.status().calls_today == 3
    keeper.close()
    store.close()


def test_the_audit_log_keeps_the_digest_of_every_call_that_was_whole(tmp_path: Path) -> None:
    store = recorded(tmp_path, calls=3)
    digests = {call.sequence: call.digest.hex() for call in scan_slots(store)}
    assert len(digests) == 3
    assert check_log(AuditLog.open(store)).closed == digests
    store.close()
