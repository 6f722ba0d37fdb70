"""A public key nothing can be sealed to, in recipients.json, in an act, or met only when it is used: no call is lost
with it, no word waits behind another, and a person is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.marker import marker
from tests.service.support import calls_in, demo_key
from tests.service.test_lamp_truth import Box
from tests.store.reading import Box as Small
from tests.store.reading import at, ident
from tsuwaroku.errors import SecretError, StoreError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.call import Mark, MarkKind
from tsuwaroku.records.keyid import key_id
from tsuwaroku.service import ops
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.store import seal
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.keys import PrivateKey, Recipient, Recipients, Role
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.recovery import read_amendments
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.verify import verify_store

LOW = b"\1" + bytes(31)


def unusable(role: Role = "handler") -> Recipient:
    return Recipient(id=key_id(LOW).hex(), role=role, name="uid 61007", public_key=LOW.hex())


def with_one(path: Path, role: Role, *, alone: bool = False) -> None:
    store = Store.open(path, need_device=True)
    others = [] if alone else store.recipients.list
    store.set_recipients(Recipients([unusable(role), *others]))
    store.close()


def small_store(tmp_path: Path, role: Role = "recovery", *, alone: bool = False) -> Path:
    Box(tmp_path).end()
    with_one(tmp_path / "store", role, alone=alone)
    return tmp_path / "store"


@pytest.mark.parametrize("role", ["handler", "recovery", "manager"])
def test_calls_are_recorded_and_open_for_the_others(tmp_path: Path, role: Role) -> None:
    """Written by an older program, or restored: the list is signed by the box itself."""
    path = small_store(tmp_path, role)
    before = len(calls_in(path))
    box = Box(tmp_path)
    told = {alarm.code for alarm in box.keeper.status().alarms}
    assert ("key_unusable" in told) == (role != "handler")  # a handler's is taken off the list
    assert [one.role for one in box.store.recipients.unusable] == [role] * (role != "handler")
    box.until(6.0)
    assert box.lamp == "lit"
    box.until(26.0)
    box.end()
    calls = calls_in(path)
    assert len(calls) == before + 1
    assert all(call.integrity.value == "sealed" and call.audio.gaps == [] for call in calls)
    store = Store.open(path)
    assert verify_store(store, demo_key(path)).problems == []
    store.close()


def test_the_keeper_marks_holds_and_polls_all_the_same(tmp_path: Path) -> None:
    path = small_store(tmp_path)
    box = Box(tmp_path)
    box.until(26.0)
    (call,) = {call.id for call in calls_in(path)}
    box.keeper.mark(call, MarkKind.UNREASONABLE_DEMAND.value, marker("kanri"), None)
    box.keeper.hold(HoldRequest(calls=[call], until="2027-01-31", reason="訴訟の準備"), "kanri")
    box.keeper.audit("kanri", "play", call, "苦情の確認")
    box.keeper.poll()
    assert "records_failed" not in {alarm.code for alarm in box.keeper.status().alarms}
    box.end()


def test_an_appointment_with_such_a_key_is_none_and_is_named(tmp_path: Path) -> None:
    """Made by a program that took it: an act stays in the log for good."""
    box = Box(tmp_path)
    detail = {"post": "handler", "key": key_id(LOW).hex(), "public_key": LOW.hex(), "begin": "2026-11-01"}
    act = box.keeper.ledger.add("kanri", ActVerb.APPOINTED, "uid 61007", detail=detail, words={"name": "青森 花子"})
    box.keeper.poll()
    assert unusable().id not in {one.id for one in box.keeper.recipients.list}
    (alarm,) = [one for one in box.keeper.status().alarms if one.code == "acts_unreadable"]
    assert alarm.detail == str(act.number)
    box.end()


def refuse_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise SecretError("nothing can be sealed to this public key")

    monkeypatch.setattr(seal, "sealed_box", broken)


def test_sealed_to_nobody_a_call_takes_no_slot_but_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Small(tmp_path / "store")
    refuse_all(monkeypatch)
    box.open(1)
    pcm = b"\1\0" * 8000
    box.writer.audio(ident(1), 1000, pcm)
    report = box.writer.commit(at(3))
    assert (report.waiting, report.committed, report.octets) == ({ident(1)}, {}, 0)
    assert any("can be sealed to nobody" in fault for fault in report.unsealed)
    assert scan_slots(box.store) == []
    monkeypatch.undo()
    box.pcm[1] = pcm
    assert box.writer.commit(at(4)).unsealed == []
    box.close(1)
    (stored,) = scan_slots(box.store)
    assert list(CallReader(stored, box.store, box.private).pcm()) == [(1000, pcm)]


def test_one_that_cannot_be_sealed_to_is_passed_over_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key no list of ours knows to be unusable."""
    box = Small(tmp_path / "store")
    box.store.set_recipients(Recipients([unusable(), *box.store.recipients.list]))
    monkeypatch.setattr(Recipient, "takes_seals", True)
    box.open(1)
    box.writer.audio(ident(1), 1000, b"\1\0" * 8000)
    report = box.writer.commit(at(3))
    assert report.waiting == set()
    assert [unusable().id in fault for fault in report.unsealed] == [True]
    (stored,) = scan_slots(box.store)
    assert [wrap.recipient for wrap in stored.wraps] == [box.private.id]


@pytest.mark.parametrize("mended", [True, False])
def test_sealed_to_nobody_the_lamp_blinks_and_the_call_is_kept_or_listed_as_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mended: bool
) -> None:
    box = Box(tmp_path)
    refuse_all(monkeypatch)
    box.until(8.0)
    assert box.lamp == "fast"
    assert "storage_failed" in box.alarms()
    if mended:
        monkeypatch.undo()
    box.until(26.0)
    box.end()
    if mended:
        assert [(call.integrity.value, call.audio.gaps) for call in calls_in(box.path)] == [("sealed", [])]
    store = Store.open(box.path)
    assert len(scan_slots(store)) == mended
    kinds = [record.type for records in read_amendments(store).values() for record in records]
    assert kinds.count(JournalType.NOT_RECORDED) == (not mended)
    monkeypatch.undo()
    assert verify_store(store, demo_key(box.path)).problems == []
    store.close()


def test_a_press_that_could_not_be_wrapped_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Small(tmp_path / "store")
    box.open(1, withheld=True)
    box.talk(1, 1.0)
    box.close(1)
    refuse_all(monkeypatch)
    for _ in range(2):
        with pytest.raises(StoreError, match="can be sealed to nobody"):
            box.writer.wrap(ident(1))
    monkeypatch.undo()
    assert [wrap.recipient for wrap in box.writer.wrap(ident(1))] == [box.private.id]


def test_a_word_that_fails_for_ever_holds_up_no_other(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(6.0)
    worker = box.parts.recorder._storage._worker  # type: ignore[attr-defined]
    call = box.recorder._stations["1"].call
    assert call is not None
    odd = Mark(at_s=None, kind=MarkKind.UNREASONABLE_DEMAND, by=object())  # type: ignore[arg-type]
    before = worker._journal.last[0]
    done = worker.apply(
        ops.Batch(box.clock.now(), [ops.LateMark(call.id, odd), ops.Word(JournalType.ALIVE, {"after": 1})])
    )
    assert "object" in done.error
    assert worker._unwritten == []
    assert [record.type for record in worker._journal.since(before)] == [JournalType.ALIVE]
    assert worker.apply(ops.Batch(box.clock.now(), [])).error == ""
    box.until(26.0)
    box.end()
    assert [found.integrity.value for found in calls_in(box.path)] == ["sealed"]


def test_a_private_key_file_with_such_a_key_is_none(tmp_path: Path) -> None:
    from tsuwaroku.store.keys import public_side

    path = tmp_path / "key"
    good = PrivateKey(b"g" * 32)
    for public in (good.public, LOW):
        path.write_bytes(
            b'{"id":"%s","role":"manager","name":"","public_key":"%s"}'
            % (key_id(public).hex().encode(), public.hex().encode())
        )
        if public == LOW:
            with pytest.raises(SecretError, match="is not a private key file"):
                public_side(path)
        else:
            assert public_side(path).id == good.id.hex()
