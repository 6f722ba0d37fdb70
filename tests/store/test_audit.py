from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.reading import at
from tsuwaroku.clock import ClockQuality, Instant, from_iso
from tsuwaroku.errors import StoreError
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.auditcheck import check_log
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store


def moment(text: str) -> Instant:
    return Instant(from_iso(text), 0, bytes(16), ClockQuality.SYNCHRONISED)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store", slots=1, retention_days=30, demonstration=True)


@pytest.fixture
def private(store: Store) -> PrivateKey:
    return PrivateKey.load(store.path / "demo.key", lambda: "")


def fill(store: Store) -> AuditLog:
    log = AuditLog.open(store, store.device)
    log.append(moment("2026-11-23T09:00:00"), "manager", "play", "01CALL", "苦情の確認", {"seconds": 12.5})
    log.append(moment("2026-11-23T23:59:59"), "tsuwaroku", "start")
    log.append(moment("2026-11-24T00:00:00"), "handler", "play", "01CALL", "応対の改善")
    return log


def day(store: Store, name: str = "2026-11-23") -> Path:
    return store.audit_dir / f"{name}.jsonl"


def test_entries_run_across_days_and_words_need_the_key(store: Store, private: PrivateKey) -> None:
    log = fill(store)
    read = AuditLog.open(store)
    entries = list(read.entries())
    assert [(e.number, e.at, e.actor, e.verb, e.subject, e.detail) for e in entries] == [
        (1, "2026-11-23T09:00:00.000+09:00", "manager", "play", "01CALL", {"seconds": 12.5}),
        (2, "2026-11-23T23:59:59.000+09:00", "tsuwaroku", "start", "", {}),
        (3, "2026-11-24T00:00:00.000+09:00", "handler", "play", "01CALL", {}),
    ]
    assert [e.why(private) for e in entries] == ["苦情の確認", None, "応対の改善"]
    assert [e.why(PrivateKey(b"x" * 32)) for e in entries] == [None, None, None]
    assert [p.name for p in sorted(store.audit_dir.iterdir())] == ["2026-11-23.jsonl", "2026-11-24.jsonl"]
    assert read.head() == log.head() == bytes.fromhex(entries[-1].hash)
    assert check_log(read).problems == []
    assert not any("苦情" in p.read_text() or "\\u82e6" in p.read_text() for p in store.audit_dir.iterdir())


def test_a_restart_continues_the_chain_and_a_clock_set_back_does_not_reorder_it(store: Store) -> None:
    head = fill(store).head()
    again = AuditLog.open(store, store.device)
    assert again.head() == head
    entry = again.append(moment("2026-11-20T00:00:00"), "technician", "status")
    assert (entry.number, entry.prev) == (4, head.hex())
    assert check_log(AuditLog.open(store)).problems == []
    assert not day(store, "2026-11-20").exists()


def test_erased_words_leave_the_chain_whole(store: Store, private: PrivateKey) -> None:
    fill(store)
    lines = [msgspec.json.decode(line, type=AuditEntry) for line in day(store).read_bytes().splitlines()]
    day(store).write_bytes(b"".join(msgspec.structs.replace(e, sealed=None).line() for e in lines))
    log = AuditLog.open(store)
    assert [e.why(private) for e in log.entries()] == [None, None, "応対の改善"]
    gone = [e.number for e in log.entries() if e.words_gone]
    assert check_log(log).problems == [
        f"audit: the sealed words of entry {number} are gone, and no entry says why" for number in gone
    ]
    named = {"year": 2026, "ledgers": {"audit": 1}, "files": {"2026-11-23": gone}}
    log = AuditLog.open(store, store.device)
    log.append(moment("2026-11-24T01:00:00"), "manager", "words expired", detail=named)  # not the keeper's word
    assert len(check_log(log).problems) == len(gone)
    log.append(moment("2026-11-24T01:00:00"), "keeper", "words expired", detail=named)
    assert check_log(log).problems == []


def test_a_torn_line_is_reported_cut_off_and_noted(store: Store) -> None:
    fill(store)
    whole = day(store, "2026-11-24").read_bytes()
    day(store, "2026-11-24").write_bytes(whole + b'{"number":4,"at":"20')
    assert check_log(AuditLog.open(store)).problems == ["audit 2026-11-24.jsonl line 2: not an entry (torn or damaged)"]
    log = AuditLog.open(store, store.device)
    assert day(store, "2026-11-24").read_bytes() == whole
    log.append(moment("2026-11-24T01:00:00"), "manager", "status")
    entries = list(AuditLog.open(store).entries())[3:]
    torn = {"octets": 20, "sha256": hashlib.sha256(b'{"number":4,"at":"20').hexdigest()}
    assert [(e.number, e.verb, e.detail) for e in entries] == [(4, "audit.torn", torn), (5, "status", {})]
    assert check_log(AuditLog.open(store)).problems == []


@pytest.mark.parametrize("begin", [0, 40, 200])
def test_a_line_with_zeros_in_it_was_torn_though_it_has_its_end(store: Store, begin: int) -> None:
    """A sector in the middle of it never reached the disk."""
    fill(store)
    whole = day(store, "2026-11-24").read_bytes()
    line = whole.splitlines(keepends=True)[-1]
    day(store, "2026-11-24").write_bytes(whole + line[:begin] + bytes(100) + line[begin + 100 :])
    AuditLog.open(store, store.device).append(moment("2026-11-24T01:00:00"), "manager", "status")
    assert [entry.verb for entry in AuditLog.open(store).entries()][3:] == ["audit.torn", "status"]
    assert check_log(AuditLog.open(store)).problems == []


def test_a_torn_first_line_of_a_day_does_not_restart_the_chain(store: Store) -> None:
    head = fill(store).head()
    day(store, "2026-11-25").write_bytes(b"{")
    log = AuditLog.open(store, store.device)
    assert log.head() == head
    assert log.append(moment("2026-11-25T01:00:00"), "manager", "status").number == 5
    assert check_log(AuditLog.open(store)).problems == []


def rewritten(store: Store, lines: list[bytes]) -> list[str]:
    day(store).write_bytes(b"".join(lines))
    return check_log(AuditLog.open(store)).problems


def test_edits_deletions_insertions_and_another_boxs_signature_show(store: Store, tmp_path: Path) -> None:
    fill(store)
    first, second = day(store).read_bytes().splitlines(keepends=True)
    name = "audit 2026-11-23.jsonl"
    assert rewritten(store, [first.replace(b"manager", b"manages"), second]) == [
        f"{name} line 1: entry 1 was changed",
        f"{name} line 2: entry 2 does not follow entry 1",
    ]
    assert rewritten(store, [second]) == [f"{name} line 1: entries 1 to 1 are missing before it"]
    assert rewritten(store, [first, first, second]) == [
        f"{name} line 2: entry 1 does not follow entry 1",
    ]
    assert rewritten(store, [first, second + b"\n"]) == [f"{name} line 3: not an entry (torn or damaged)"]
    assert rewritten(store, [first.replace(b'"number":1', b'"number": 1'), second]) == [
        f"{name} line 1: not as it was written"
    ]
    other = Store.create(tmp_path / "other", slots=1, retention_days=30, demonstration=True)
    fill(other)
    foreign = day(other).read_bytes().splitlines(keepends=True)
    assert f"{name} line 1: the signature of entry 1 is wrong" in rewritten(store, [foreign[0], second])


def test_a_write_that_fails_leaves_no_half_entry(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log = fill(store)
    before = day(store, "2026-11-24").read_bytes()

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("tsuwaroku.store.audit.os.fdatasync", fail)
        with pytest.raises(StoreError):
            log.append(moment("2026-11-24T02:00:00"), "manager", "status")
    assert day(store, "2026-11-24").read_bytes() == before
    assert log.append(moment("2026-11-24T02:00:00"), "manager", "status").number == 4
    assert check_log(AuditLog.open(store)).problems == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_shows(store: Store, share: float, bit: int) -> None:
    if not day(store).exists():
        fill(store)
    pristine = day(store).read_bytes()
    octets = bytearray(pristine)
    octets[int(share * len(octets))] ^= 1 << bit
    day(store).write_bytes(octets)
    try:
        assert check_log(AuditLog.open(store)).problems != []
    finally:
        day(store).write_bytes(pristine)


@pytest.mark.slow
def test_nothing_of_400_days_is_removed(store: Store) -> None:
    """A file a day; the log is opened anew each month, and an end cut off beyond the last head shows by the head."""
    for day in range(400):
        if day % 30 == 0:
            log = AuditLog.open(store, store.device)
        log.append(at(day * 86_400), "handler", "play", f"01CALL{day}", "応対の改善")
        if day % 30 == 29:
            log.close()
    log.close()
    read = AuditLog.open(store)
    assert len(read.files()) == 400
    assert [entry.number for entry in read.entries()] == list(range(1, 401))
    found = check_log(read, {log.head()})
    assert (found.problems, found.entries, found.unnamed) == ([], 400, set())
    read.files()[-1].unlink()
    found = check_log(read, {log.head()})
    assert (found.problems, found.unnamed) == ([], {log.head()})
