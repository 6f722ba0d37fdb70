"""Entries that are longer than an entry may be: none is written, and one of an older version hides nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.test_audit import day, fill, moment
from tsuwaroku.errors import RefusedError, StoreError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.store import audit
from tsuwaroku.store.audit import LONGEST_DETAIL, LONGEST_WHY, AuditEntry, AuditLog
from tsuwaroku.store.auditcheck import check_log
from tsuwaroku.store.layout import Store

LONG = 1 << 20  # octets, in place of the 16 MiB of a line
TOO_LONG = "longer than any entry; it is passed over, and so is the rest of the file if it does not end"
NEXT = "2026-11-24T01:00:00"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store", slots=1, retention_days=30, demonstration=True)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of `LONG` at the most: sixteen times less to write."""
    monkeypatch.setattr(audit, "LONGEST", LONG)
    monkeypatch.setattr("tsuwaroku.store.auditcheck.LONGEST", LONG)
    monkeypatch.setattr(audit, "_LARGEST", 4 * LONG)
    monkeypatch.setattr(audit, "ENDLESS", 8 * LONG)


def oversized(log: AuditLog, octets: int = LONG) -> AuditEntry:
    """As an older version wrote it, which asked for no length."""
    with pytest.MonkeyPatch.context() as older:
        older.setattr(audit, "LONGEST", 64 * LONG)
        older.setattr(audit, "LONGEST_WHY", 64 * LONG)
        return log.append(moment(NEXT), "hana", "note", why="a" * octets)


@pytest.mark.parametrize(
    ("why", "subject", "detail"),
    [
        ("a" * (LONGEST_WHY + 1), "", {}),
        ("字" * (LONGEST_WHY // 3 + 1), "", {}),
        ("", "x" * (LONGEST_DETAIL + 1), {}),
        ("", "", {"calls": ["01KSR496151AXPZWJ96Z1ZGX6X"] * 40_000}),
    ],
)
def test_what_a_person_says_at_too_great_length_is_refused_and_nothing_is_written(
    store: Store, why: str, subject: str, detail: dict[str, object]
) -> None:
    log = fill(store)
    before = day(store, "2026-11-24").read_bytes()
    with pytest.raises(RefusedError):
        log.append(moment(NEXT), "hana", "play", subject, why, detail)
    assert day(store, "2026-11-24").read_bytes() == before
    assert log.append(moment(NEXT), "hana", "play", "A", "字" * (LONGEST_WHY // 3)).number == 4
    assert check_log(AuditLog.open(store)).problems == []


def test_words_sealed_again_have_room_for_the_longest_there_are_in_quotes(store: Store) -> None:
    log = fill(store)
    assert log.append(moment(NEXT), "hana", ActVerb.WORDS_RESEALED, why="a" * LONGEST_WHY * 6).number == 4
    with pytest.raises(RefusedError):
        log.append(moment(NEXT), "hana", ActVerb.WORDS_RESEALED, why="a" * (LONGEST_WHY * 6 + 1))


def test_not_even_the_keeper_writes_a_line_that_no_reader_takes(store: Store, short: None) -> None:
    log = fill(store)
    head = log.head()
    with pytest.raises(RefusedError):
        log.append(moment(NEXT), "keeper", "calls closed", detail={"calls": {"1": "0" * LONG}})
    assert (log.head(), AuditLog.open(store).head()) == (head, head)


@pytest.mark.parametrize("octets", [LONG, 2 * LONG, 5 * LONG])
def test_what_follows_an_oversized_line_is_read_and_the_line_is_told_as_damage(
    store: Store, short: None, octets: int
) -> None:
    log = fill(store)
    oversized(log, octets)
    log.append(moment(NEXT), "kanri", "dismissed", "mallory", detail={"of": 1, "on": "2026-11-24"})
    log.close()
    read = AuditLog.open(store)
    assert [(e.number, e.verb) for e in read.entries()][-2:] == [(3, "play"), (5, "dismissed")]
    assert check_log(read).problems == [
        f"audit 2026-11-24.jsonl line 2: {TOO_LONG}",
        "audit 2026-11-24.jsonl line 3: entries 4 to 4 are missing before it",
    ]


@pytest.mark.parametrize("alone", [False, True])
def test_killed_after_an_oversized_line_the_chain_goes_on_from_it(store: Store, short: None, alone: bool) -> None:
    """`alone`: there is no entry before it."""
    log = AuditLog.open(store, store.device) if alone else fill(store)
    last = oversized(log)
    again = AuditLog.open(store, store.device)  # nobody closed the other
    entry = again.append(moment(NEXT), "keeper", "keeper started")
    assert (entry.number, entry.prev) == (last.number + 1, last.hash)
    assert again.head() == AuditLog.open(store).head() == bytes.fromhex(entry.hash)


def test_nothing_is_begun_beside_a_log_that_cannot_be_read(store: Store) -> None:
    day(store).write_bytes(b"rubbish\n" * 9)
    with pytest.raises(StoreError, match="none is begun beside it"):
        AuditLog.open(store, store.device)
    assert day(store).read_bytes() == b"rubbish\n" * 9
    day(store).unlink()
    assert AuditLog.open(store, store.device).append(moment(NEXT), "keeper", "start").number == 1


def test_a_last_file_without_the_end_of_a_line_is_no_place_to_go_on_from(store: Store, short: None) -> None:
    fill(store)
    day(store, "2026-11-24").write_bytes(b"x" * (9 * LONG))
    with pytest.raises(StoreError, match="cannot be found"):
        AuditLog.open(store, store.device)
    assert check_log(AuditLog.open(store)).problems == [f"audit 2026-11-24.jsonl line 1: {TOO_LONG}"]
