"""Acts in the audit log: found among everything else, their words opened, sealed anew, and never changed in passing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tsuwaroku.clock import ClockQuality, Instant, from_iso
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.store.acts import Resealed, act_entries, acts
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.auditcheck import check_log
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store

NOW = Instant(from_iso("2026-11-23T09:00:00"), 0, bytes(16), ClockQuality.SYNCHRONISED)
WORDS = '{"reason":"窓口での対応を確かめる"}'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store", slots=1, retention_days=30, demonstration=True)


@pytest.fixture
def private(store: Store) -> PrivateKey:
    return PrivateKey.load(store.path / "demo.key", lambda: "")


def filled(store: Store) -> AuditLog:
    log = AuditLog.open(store, store.device)
    log.append(NOW, "keeper", "calls closed", detail={"calls": {"1": "00"}, "note": ActVerb.APPOINTED.value})
    log.append(NOW, "kacho", ActVerb.REQUEST_REFUSED.value, "2026-001", why=WORDS)
    log.append(NOW, "kacho", "play", ActVerb.REQUEST_REFUSED.value, why="fairness")
    log.append(NOW, "kacho", ActVerb.MEDIUM_LOST.value, "M-1", detail={"on": "2026-11-23"})
    return log


def test_acts_are_found_among_all_else(store: Store) -> None:
    filled(store)
    found = acts(act_entries(AuditLog.open(store)))
    assert [(one.number, one.verb, one.subject, one.words) for one in found] == [
        (2, ActVerb.REQUEST_REFUSED, "2026-001", None),
        (4, ActVerb.MEDIUM_LOST, "M-1", {}),
    ]


def test_words_open_with_their_key_and_no_other(store: Store, private: PrivateKey) -> None:
    entries = list(act_entries(filled(store)))
    assert [one.words for one in acts(entries, private)] == [msgspec.json.decode(WORDS), {}]
    assert [one.words for one in acts(entries, PrivateKey(b"x" * 32))] == [None, {}]


def reseal(store: Store, log: AuditLog, private: PrivateKey, change: str = "") -> None:
    """What the successor's key is given: words of entry 2, sealed to whom the log seals today."""
    entry = next(one for one in log.entries() if one.number == 2)
    opened = entry.opened(private)
    assert opened is not None
    again = [Resealed(2, opened[0], opened[1] + change)]
    log.append(NOW, "kacho", ActVerb.WORDS_RESEALED.value, why=msgspec.json.encode(again).decode())


def blank(store: Store, number: int) -> None:
    """An entry's words are erased, as after their years."""
    (path,) = store.audit_dir.glob("*.jsonl")
    lines = []
    for line in path.read_bytes().splitlines():
        entry = msgspec.json.decode(line)
        lines.append(msgspec.json.encode(entry | {"sealed": None} if entry["number"] == number else entry))
    path.write_bytes(b"\n".join(lines) + b"\n")


def test_words_sealed_again_are_read_and_the_chain_holds(store: Store, private: PrivateKey) -> None:
    log = filled(store)
    reseal(store, log, private)
    blank(store, 2)
    read = AuditLog.open(store)
    assert check_log(read).problems == ["audit: the sealed words of entry 2 are gone, and no entry says why"]
    assert [one.words for one in acts(act_entries(read), private)] == [msgspec.json.decode(WORDS), {}]


def test_words_that_were_changed_in_passing_are_none(store: Store, private: PrivateKey) -> None:
    log = filled(store)
    reseal(store, log, private, change=" ")
    blank(store, 2)
    assert [one.words for one in acts(act_entries(AuditLog.open(store)), private)] == [None, {}]
