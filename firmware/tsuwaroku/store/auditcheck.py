"""Is the audit log as it was written, and whole? One pass over it, without a secret.

Chain, numbers and signatures show every edit, insertion, deletion and change of order within the log. Its end they do
not hold: that is the work of the heads that commits of the ring and records of the journals name.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

import msgspec

from tsuwaroku.store.audit import (
    DOMAIN_AUDIT,
    LONGEST,
    NO_HEAD,
    AuditEntry,
    AuditLog,
    closed_in,
    entry_in,
    journal_in,
    words_digest,
)
from tsuwaroku.store.keys import hex_octets, verify_signature
from tsuwaroku.store.words import expired_in

MOST_PROBLEMS = 50
"""Told one by one; a log that somebody wrote over has as many as lines."""


class AuditFindings(msgspec.Struct, kw_only=True):
    """`entries`: those that can be read. `closed`: digest (hex) by sequence number of every call the log knows to have
    been whole. `unnamed`: of the heads that were asked for, those no entry has. `journal`: so many records the keeper's
    journal has had."""

    problems: list[str] = msgspec.field(default_factory=list)
    entries: int = 0
    closed: dict[int, str] = msgspec.field(default_factory=dict)
    unnamed: set[bytes] = msgspec.field(default_factory=set)
    journal: int = 0


def check_log(log: AuditLog, heads: Set[bytes] = frozenset()) -> AuditFindings:
    """Check every line. `heads`: hashes of entries that something else names. Raises StoreError."""
    check = _Check(log, heads)
    check.run()
    return check.found


class _Check:
    def __init__(self, log: AuditLog, heads: Set[bytes]) -> None:
        self.found = AuditFindings(unnamed=set(heads) - {NO_HEAD})
        self._log = log
        self._number, self._head = 0, NO_HEAD
        self._more = 0
        self._gone: set[int] = set()
        self._told_gone: set[int] = set()

    def run(self) -> None:
        for name in self._log.strays():
            self._tell(f"audit {name}: is no file of the log")
        day = ""
        for path, count, line in self._log.lines():
            first, day = path.stem != day, path.stem
            for fault in self._line(line, day, first):
                self._tell(f"audit {path.name} line {count}: {fault}")
        for number in sorted(self._gone - self._told_gone):
            self._tell(f"audit: the sealed words of entry {number} are gone, and no entry says why")
        if self._more:
            self.found.problems.append(f"audit: {self._more} more problems")

    def _tell(self, problem: str) -> None:
        if len(self.found.problems) < MOST_PROBLEMS:
            self.found.problems.append(problem)
        else:
            self._more += 1

    def _line(self, line: bytes, day: str, first: bool) -> Iterator[str]:
        if len(line) > LONGEST:
            yield "longer than any entry; it is passed over, and so is the rest of the file if it does not end"
            return
        entry = entry_in(line)
        if entry is None:
            yield "not an entry (torn or damaged)"
            return
        if entry.line() != line:
            yield "not as it was written"
        if entry.number > self._number + 1:
            yield f"entries {self._number + 1} to {entry.number - 1} are missing before it"
        elif entry.number <= self._number or entry.prev != self._head.hex():
            yield f"entry {entry.number} does not follow entry {self._number}"
        written = entry.at[:10]  # Asia/Tokyo; later entries of a file may be of earlier days, by a clock set back
        if written > day or (first and written != day):
            yield f"an entry of {written} has no place in this file"
        digest = entry.computed_hash()
        yield from _faults(entry, digest, self._log)
        self._take(entry, digest)

    def _take(self, entry: AuditEntry, digest: bytes) -> None:
        self._number, self._head = entry.number, digest
        found = self.found
        found.entries += 1
        found.unnamed.discard(digest)
        found.closed |= closed_in(entry)
        if entry.words_gone:
            self._gone.add(entry.number)
        self._told_gone |= expired_in(entry)
        found.journal = max(found.journal, journal_in(entry))


def _faults(entry: AuditEntry, digest: bytes, log: AuditLog) -> Iterator[str]:
    if entry.hash != digest.hex():
        yield f"entry {entry.number} was changed"
    elif not 0 <= entry.epoch < len(log.keys) or not verify_signature(
        log.keys[entry.epoch], DOMAIN_AUDIT, digest, hex_octets(entry.sig)
    ):
        yield f"the signature of entry {entry.number} is wrong"
    if entry.sealed is not None and words_digest(entry.sealed) != entry.sealed_digest:
        yield f"the sealed words of entry {entry.number} were changed"
