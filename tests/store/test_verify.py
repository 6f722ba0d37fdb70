from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from tests.store.reading import INSTANCE, Box, a_record, at, ident
from tsuwaroku.errors import NotFoundError, SecretError
from tsuwaroku.store import opencall
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.origin import fingerprint
from tsuwaroku.store.recovery import catalogue_calls, settle_interrupted
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE, free_block
from tsuwaroku.store.verify import Report, verify_store


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store")


def fill(box: Box) -> None:
    """Three calls in the catalogue, the second over several slots, and one interrupted and settled."""
    box.call(1, marks=1)
    box.call(2, seconds=40, commits=8)
    box.call(3)
    box.open(4)
    box.talk(4, 2, commits=2)
    journal = box.journal()
    catalogue_calls(box.store, Catalogue(box.store.catalogue_dir))
    settle_interrupted(box.store, journal, None, at(60))
    Catalogue(box.store.catalogue_dir).fold()
    journal.append(JournalType.MARK, at(61), ident(1), {"kind": "x"}, {"at_s": 1.0}, box.store.recipients.to_wrap())
    box.audit.append(at(62), "manager", "play", str(ULID.from_bytes(ident(1))), "苦情の確認")
    box.journal("recorder").append(JournalType.RECORDER_STARTED, at(0), public={"audit_head": box.audit.head().hex()})


def told(report: Report) -> tuple[bool, list[str], list[list[str]], list[str]]:
    return report.ok, [call.integrity for call in report.calls], [c.problems for c in report.calls], report.problems


def test_a_sound_store_is_ok_with_and_without_the_key(box: Box) -> None:
    fill(box)
    integrities = ["sealed", "sealed", "sealed", "recovered"]
    report = verify_store(box.store)
    assert (told(report), report.notes) == ((True, integrities, [[], [], [], []], []), [])
    assert [(call.sequence, call.line, call.samples) for call in report.calls] == [(n, "1", None) for n in (1, 2, 3, 4)]
    assert (report.slots, report.catalogue_entries, report.audit_entries) == (12, 4, 2)
    assert (report.journal_records, report.origin) == (3, "unproven")
    steps: list[tuple[int, int]] = []
    report = verify_store(box.store, box.private, progress=lambda done, total: steps.append((done, total)))
    assert told(report) == (True, integrities, [[], [], [], []], [])
    assert [call.samples for call in report.calls[:3]] == [len(box.pcm[n]) // 2 for n in (1, 2, 3)]
    assert all(len(call.pcm_sha256 or "") == 64 and len(call.runs or []) == 1 for call in report.calls)
    used = sum(len(call.headers) for call in scan_slots(box.store))
    assert steps[-1] == (12 + used, 12 + used)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_only_one_call(box: Box) -> None:
    fill(box)
    wanted = str(ULID.from_bytes(ident(2)))
    report = verify_store(box.store, box.private, only=wanted)
    assert (report.ok, [call.id for call in report.calls]) == (True, [wanted])
    with pytest.raises(NotFoundError):
        verify_store(box.store, only=str(ULID()))


def test_the_fingerprint_pins_the_origin(box: Box) -> None:
    pinned = fingerprint(box.store)
    assert len(pinned.split()) == 16
    report = verify_store(box.store, fingerprint=pinned.upper().replace(" ", ":"))
    assert (report.ok, report.origin, report.fingerprint) == (True, "pinned", pinned)
    report = verify_store(box.store, fingerprint="0000 " + pinned[5:])
    assert (report.ok, report.origin) == (False, "unproven")


def test_a_demonstration_key_is_refused_on_a_real_store_and_a_strangers_key_is_noted(box: Box) -> None:
    fill(box)
    report = verify_store(box.store, PrivateKey(b"x" * 32))
    assert report.ok
    assert [note.split(":")[0] for note in report.notes] == [f"call {n} was not decoded" for n in (1, 2, 3, 4)]
    info = box.store.path / "store.json"
    info.write_bytes(info.read_bytes().replace(b'"demonstration": true', b'"demonstration": false'))
    real = type(box.store).open(box.store.path)
    with pytest.raises(SecretError):
        verify_store(real, box.private)


# -- missing calls


def remove(box: Box, number: int) -> None:
    """Overwrite a call's slots with free ones, as somebody would who knows the format."""
    for call in scan_slots(box.store):
        if call.call_id == ident(number):
            for header in call.headers:
                box.overwrite(header.slot, 0, free_block(header.slot, header.generation).ljust(SLOT_SIZE, b"\0"))


def forget(box: Box, number: int) -> None:
    catalogue = Catalogue(box.store.catalogue_dir)
    for day in catalogue.days():
        catalogue.replace_day(day, [e for e in catalogue.for_day(day) if e.call_id != ident(number)])


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_removed_call_is_missing_even_if_the_catalogue_is_edited_too(box: Box, number: int) -> None:
    fill(box)
    remove(box, number)
    missing = f"call {number} is missing"
    assert verify_store(box.store).problems == [missing, f"call {number} is in the catalogue, but not in the ring"]
    forget(box, number)
    assert verify_store(box.store).problems == [missing]
    only = str(ULID.from_bytes(ident(number)))
    with pytest.raises(NotFoundError):
        verify_store(box.store, only=only)


def test_the_last_call_removed_is_missing_where_a_later_commit_knew_it(box: Box) -> None:
    box.open(1)
    box.call(2)
    box.talk(1, 1)
    remove(box, 2)
    assert verify_store(box.store).problems == ["call 2 is missing"]


@pytest.mark.parametrize("kind", [JournalType.DISCARDED, JournalType.NOT_RECORDED])
def test_calls_the_journal_accounts_for_are_not_missing(box: Box, kind: JournalType) -> None:
    fill(box)
    remove(box, 2)
    forget(box, 2)
    box.journal().append(kind, at(70), ident(2), public={"sequence": 2})
    assert told(verify_store(box.store)) == (True, ["sealed", "sealed", "recovered"], [[], [], []], [])


def test_a_call_lost_in_the_commit_that_was_cut_is_noted(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)
    box.open(2)
    box.talk(1, 1)
    remove(box, 2)  # its blocks did not reach the disk, those of call 1 in the same commit did
    lost = "call 2 began with the last commit before an interruption and was lost"
    report = verify_store(box.store)
    assert (report.problems, lost in report.notes) == ([], True)
    box.new_writer(b"another!")
    box.call(3)
    assert [call.sequence for call in scan_slots(box.store)] == [1, 3]
    report = verify_store(box.store)
    assert (report.problems, lost in report.notes) == ([], True)


def test_two_calls_of_one_number_show(box: Box) -> None:
    box.call(1)
    Lease(slots=[(slot, 1) for slot in range(1, 12)]).save(box.store.lease_path, box.store.store_id)
    box.new_writer(b"another!")
    box.call(2)
    assert verify_store(box.store).problems == ["two calls have the sequence number 1"]


# -- interrupted and open calls


def test_open_interrupted_and_torn_calls(box: Box) -> None:
    box.open(1)
    box.talk(1, 2, commits=2)
    lock = FileLock(box.store.recorder_lock, INSTANCE.hex().encode())
    lock.acquire()
    last = scan_slots(box.store)[0].extents[-1]
    restore = box.spoil(last.slot, last.offset + 300)  # being written just now
    assert told(verify_store(box.store, box.private)) == (True, ["open"], [[]], [])
    lock.release()
    torn = ["ends in a torn or damaged extent, and nobody has signed how far it goes"]
    assert told(verify_store(box.store)) == (False, ["damaged"], [torn], [])
    journal = box.journal()
    settle_interrupted(box.store, journal, None, at(9))
    assert told(verify_store(box.store, box.private)) == (True, ["recovered"], [[]], [])
    restore()
    assert told(verify_store(box.store)) == (
        False,
        ["damaged"],
        [["is not what was signed when it was recovered"]],
        [],
    )


def test_an_interrupted_call_not_yet_settled_and_a_closed_one_not_yet_listed_are_notes(box: Box) -> None:
    box.call(1)
    box.open(2)
    box.talk(2, 1)
    report = verify_store(box.store)
    assert told(report) == (True, ["sealed", "recovered"], [[], []], [])
    assert report.notes == [
        "call 1 is not in the catalogue yet",
        "call 2 was interrupted; the keeper has not settled it yet",
    ]


def test_a_header_without_an_extent_is_a_call_that_never_was(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)
    box.overwrite(0, BLOCK, bytes(SLOT_SIZE - BLOCK))
    report = verify_store(box.store, box.private)
    assert (told(report), report.notes) == ((True, [], [], []), ["call 1 was never committed"])


def test_a_discarded_call_is_not_checked_any_more(box: Box) -> None:
    box.open(1, withheld=True)
    box.talk(1, 1)
    box.writer.abandon(ident(1))
    box.journal("recorder").append(JournalType.DISCARDED, at(5), ident(1), {"sequence": 1})
    report = verify_store(box.store, box.private)
    assert told(report) == (True, [], [], [])
    assert report.notes == ["call 1 was discarded; its slots await overwriting"]


# -- catalogue, audit, recipients


def test_a_catalogue_that_says_something_else_shows(box: Box) -> None:
    fill(box)
    [path] = box.store.catalogue_dir.glob("*.json")
    tables = json.loads(path.read_bytes())
    tables["_default"]["1"]["public"]["outcome"] = "missed"
    path.write_text(json.dumps(tables, separators=(",", ":"), ensure_ascii=False))
    report = verify_store(box.store)
    assert [call.problems for call in report.calls] == [["ring and catalogue say different things of it"], [], [], []]
    path.write_bytes(b"{")
    [problem] = verify_store(box.store).problems
    assert path.name in problem


def test_a_truncated_audit_log_shows_by_the_heads_ring_and_journal_name(box: Box) -> None:
    box.call(1)
    box.audit.append(at(1), "manager", "play")
    box.call(2)
    [path] = box.store.audit_dir.glob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole.splitlines(keepends=True)[0])
    gone = "audit: 1 entries that ring or journal name are gone from the log"
    assert verify_store(box.store).problems == [gone]
    path.write_bytes(whole)
    box.audit.append(at(2), "manager", "play")
    box.journal().append(JournalType.CHECKPOINT, at(3), public={"audit_head": box.audit.head().hex()})
    assert verify_store(box.store).problems == []
    path.write_bytes(whole)
    assert verify_store(box.store).problems == [gone]


def test_changed_recipients_show(box: Box) -> None:
    path = box.store.path / "keys" / "recipients.json"
    path.write_bytes(path.read_bytes().replace(b'"demonstration"', b'"manager"', 1))
    assert len(verify_store(box.store).problems) == 1


def test_a_manifest_that_does_not_match_its_sound_shows_with_the_key(box: Box) -> None:
    """Sealed wrong by the recorder itself: no signature tells, decoding does."""
    box.open(1)
    box.talk(1, 1)
    record = a_record(1)
    stream = box.writer._calls[ident(1)].stream
    stream._whole.update(b"not in the call")
    box.writer.close(ident(1), record)
    box.writer.commit(at(5))
    assert verify_store(box.store).ok
    [call] = verify_store(box.store, box.private).calls
    assert "audio.pcm_sha256 is not what was sealed" in call.problems


def test_a_card_or_public_record_that_differs_from_the_manifest_shows_with_the_key(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = opencall._public
    with monkeypatch.context() as patched:
        patched.setattr(opencall, "_card", lambda record, octets: octets.replace(b"0312345678", b"0312345679"))
        box.call(1)
        patched.undo()
        patched.setattr(opencall, "_public", lambda *given: msgspec.structs.replace(original(*given), marks=5))
        box.call(2)
    assert verify_store(box.store).ok
    assert [call.problems for call in verify_store(box.store, box.private).calls] == [
        ["the card differs from the manifest"],
        ["the public record differs from the manifest"],
    ]


# -- every bit


def committed(box: Box) -> list[tuple[int, int, int]]:
    """(slot, offset, octets) of every header and extent."""
    spans = []
    for call in scan_slots(box.store):
        spans += [(header.slot, 0, BLOCK) for header in call.headers]
        spans += [(e.slot, e.offset, e.header.disk_size) for e in call.extents]
    return spans


def flip(path: Path, offset: int, bit: int) -> Callable[[], int]:
    before = path.read_bytes()
    octets = bytearray(before)
    octets[offset] ^= 1 << bit
    path.write_bytes(octets)
    return lambda: path.write_bytes(before)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Box:
    box = Box(tmp_path_factory.mktemp("full") / "store")
    fill(box)
    assert verify_store(box.store).ok
    return box


FLIPS = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
share = st.floats(0, 1, exclude_max=True)


@FLIPS
@given(which=share, where=share, bit=st.integers(0, 7), head=st.booleans())
def test_any_bit_of_the_ring(full: Box, which: float, where: float, bit: int, head: bool) -> None:
    spans = committed(full)
    slot, offset, size = spans[int(which * len(spans))]
    restore = full.spoil(slot, offset + int(where * (min(size, 256) if head else size)), bit)
    try:
        assert not verify_store(full.store).ok
    finally:
        restore()


@FLIPS
@given(file=st.sampled_from(["audit", "catalogue", "journal"]), where=share, bit=st.integers(0, 7), pick=share)
def test_any_bit_of_journal_audit_log_and_catalogue(full: Box, file: str, where: float, bit: int, pick: float) -> None:
    paths = sorted(path for path in (full.store.path / file).iterdir() if path.stat().st_size)
    path = paths[int(pick * len(paths))]
    restore = flip(path, int(where * len(path.read_bytes().rstrip(b"\0"))), bit)
    try:
        assert not verify_store(full.store).ok
    finally:
        restore()
