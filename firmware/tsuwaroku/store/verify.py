"""Is everything there, and as it was sealed? Needs no secret; with a private key every call is decoded, too.

Exempt are octets nobody committed: free slots beyond their header block, and what lies in a used slot after the
call's last extent (left-overs of an earlier use). Padding inside extents and journal records must be zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from ulid import ULID

from tsuwaroku.errors import NotFoundError, SecretError, StoreError
from tsuwaroku.records.call import Run
from tsuwaroku.store.amendments import Amendments, by_call, slots_aside
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.auditcheck import AuditFindings, check_log
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import Journal, JournalRecord
from tsuwaroku.store.keys import PrivateKey, Recipients
from tsuwaroku.store.origin import fingerprint as fingerprint_of
from tsuwaroku.store.origin import same_fingerprint
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.recovery import agrees, recovered_record
from tsuwaroku.store.scan import (
    Headers,
    Progress,
    StoredCall,
    live_instance,
    read_headers,
    scan_call,
    walk_calls,
)
from tsuwaroku.store.sequence import Sequence
from tsuwaroku.store.tombstone import name_of
from tsuwaroku.store.verify_erasure import erasure_problems
from tsuwaroku.store.whole import problems_of

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

PATIENCE = 32  # slots in a row that cannot be read, before it is the disk that cannot
_READS = 3  # of a file that another process is writing just now


class CallFinding(msgspec.Struct, kw_only=True):
    """One call. `integrity`: sealed, recovered, damaged, or open for one going on. The rest with a key only."""

    id: str
    sequence: int
    line: str
    integrity: str
    problems: list[str] = msgspec.field(default_factory=list)
    samples: int | None = None
    pcm_sha256: str | None = None
    runs: list[Run] | None = None


class Report(msgspec.Struct, kw_only=True):
    """What `verify` found. `ok`: nothing is damaged or missing. `notes` are no damage, but worth knowing.

    `origin`: "pinned" where the fingerprint given is this store's, else "unproven": whoever made the whole store anew
    could have signed it, too.
    """

    ok: bool = False
    origin: str = "unproven"
    fingerprint: str = ""
    calls: list[CallFinding] = msgspec.field(default_factory=list)
    problems: list[str] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    slots: int = 0
    journal_records: int = 0
    audit_entries: int = 0
    catalogue_entries: int = 0


def verify_store(
    store: Store,
    private_key: PrivateKey | None = None,
    only: str | None = None,
    progress: Progress | None = None,
    fingerprint: str | None = None,
    known_head: str = "",
    seen: Callable[[StoredCall], None] | None = None,
) -> Report:
    """Check everything, or with `only` (a ULID) one call and what bears on it.

    `known_head`: the hash (hex) of an audit entry that somebody noted outside the box; it must be there, still.
    `seen` is given each call of the ring that has no tombstone, as it was read: for whoever needs more of it.
    `progress(done, total)`; the total grows once the calls are known. Raises NotFoundError for an unknown `only`,
    SecretError for a demonstration key on a real store, StoreError on I/O errors.
    """
    if private_key is not None:
        store.admit(private_key)
    return _Verification(store, private_key, progress, known_head, seen).run(only, fingerprint)


class _Verification:
    def __init__(
        self,
        store: Store,
        private_key: PrivateKey | None,
        progress: Progress | None,
        known_head: str,
        seen: Callable[[StoredCall], None] | None,
    ) -> None:
        self._store = store
        self._seen = seen or (lambda stored: None)
        self._noted = bytes.fromhex(known_head)
        self._key = private_key
        self._progress = progress or (lambda done, total: None)
        self._report = Report(fingerprint=fingerprint_of(store))
        self._entries: dict[bytes, CatalogueEntry] = {}
        self._amendments = Amendments()
        self._records: list[JournalRecord] = []
        self._journal_problems: list[str] = []
        self._keepers_last = 0
        self._sequence = Sequence()
        self._heads: set[bytes] = set()
        self._log = AuditFindings()
        self._digests: dict[int, str] = {}  # of the calls that have their end
        locks = (store.recorder_lock, store.keeper_lock)
        self._reads = _READS if any(FileLock.held(lock) is not None for lock in locks) else 1

    def run(self, only: str | None, fingerprint: str | None) -> Report:
        report = self._report
        self._origin(fingerprint)
        self._catalogue()  # before the ring: a call it names must then be there
        self._journals()
        headers = read_headers(self._store, progress=self._progress, patience=PATIENCE)
        report.slots = headers.slots
        torn = {slot for stone in self._amendments.unfinished() for slot, _ in stone.slots}
        aside = slots_aside(self._records)
        if aside:
            numbers = ", ".join(str(slot) for slot in sorted(aside))
            self._note(f"slots set aside because they could not be written: {numbers}")
        report.problems += headers.problems_but(torn | aside)
        if only is not None:
            self._restrict(headers, only)
        for stored in walk_calls(self._store, headers, self._progress):
            if self._amendments.tombstone(stored.call_id) is not None:
                continue
            self._seen(stored)
            self._sequence.take(stored)
            self._heads.update(extent.header.audit_head for extent in stored.extents)
            if stored.last:
                self._digests[stored.sequence] = stored.digest.hex()
            self._call(stored)
        self._audit()  # after the ring: it must know every head the ring names
        self._finished()
        self._recipients()
        if only is None:
            self._missing(headers)
            self._uncovered(headers)
            self._report.problems += erasure_problems(self._amendments, self._log.closed)
            self._remains(headers)
        report.ok = not report.problems and not any(call.problems for call in report.calls)
        return report

    def _origin(self, fingerprint: str | None) -> None:
        keys = len(self._store.info.device_keys)
        if keys != 1:  # whoever could add a key could sign anything with it
            self._report.problems.append(f"store.json names {keys} device keys, and the box has had only one")
        if not self._store.info.is_signed():
            self._report.problems.append("store.json is not as this box signed it")
        if fingerprint is None:
            return
        if same_fingerprint(fingerprint, self._report.fingerprint):
            self._report.origin = "pinned"
        else:
            self._report.problems.append("the store is another box's: its fingerprint is not the one given")

    def _restrict(self, headers: Headers, only: str) -> None:
        headers.calls = {call: parts for call, parts in headers.calls.items() if str(ULID.from_bytes(call)) == only}
        if headers.calls:
            return
        if not any(entry.public.id == only for entry in self._entries.values()):
            raise NotFoundError("no such call", where=only, remedy="`tsuwaroku calls` lists them")
        self._report.problems.append(f"call {only} is in the catalogue, but not in the ring")

    def _catalogue(self) -> None:
        catalogue = Catalogue.of(self._store)
        self._report.problems += catalogue.problems()
        for day in catalogue.days():
            try:
                entries = catalogue.for_day(day)
            except StoreError:
                continue  # `problems` has named the file
            self._report.catalogue_entries += len(entries)
            self._entries.update({entry.call_id: entry for entry in entries})

    def _journals(self) -> None:
        found: list[str] = []
        self._records = []
        for owner in ("recorder", "keeper"):
            for _ in range(self._reads):
                journal = Journal.open(self._store.journal_dir, owner, self._store, every_signature=True)
                problems = journal.problems()
                if not problems:
                    break
            found += problems
            self._records += journal.records()
            self._keepers_last = journal.last[0]
        self._journal_problems = found
        self._report.journal_records = len(self._records)
        self._amendments = by_call(self._records)

    def _audit(self) -> None:
        named = self._heads | {
            bytes.fromhex(h) for r in self._records if isinstance(h := r.public.get("audit_head"), str)
        }
        noted = {self._noted} - {b""}
        for _ in range(self._reads):
            self._log = found = check_log(AuditLog.open(self._store), named | noted)
            if not found.problems and not found.unnamed:
                break
        if found.journal > self._keepers_last and self._reads > 1:
            self._journals()  # it has grown since
        self._report.problems += self._journal_problems + found.problems
        if found.journal > (last := self._keepers_last):
            self._report.problems.append(f"keeper journal: records {last + 1} to {found.journal} are gone from its end")
        self._report.audit_entries = found.entries
        if self._noted in found.unnamed:
            self._report.problems.append("audit: the entry that was noted outside the box is gone from the log")
        if lost := len(found.unnamed - (noted - named)):
            self._report.problems.append(f"audit: {lost} entries that ring or journal name are gone from the log")

    def _finished(self) -> None:
        """The audit log has the digest of each call from when it was closed; one cut short since differs."""
        findings = {call.sequence: call for call in self._report.calls}
        for number, digest in self._log.closed.items():
            self._sequence.closed(number)
            finding = findings.get(number)
            if finding is not None and self._digests.get(number) != digest:
                finding.problems.append("is not what it was when it was closed")
                finding.integrity = "damaged"

    def _recipients(self) -> None:
        path = self._store.path / "keys" / "recipients.json"
        try:
            Recipients.load(path, self._store.info.store_id, self._store.info.device_keys)
        except StoreError as error:
            self._report.problems.append(str(error))

    def _call(self, stored: StoredCall) -> None:
        finding = self._finding(stored)
        if finding is not None and finding.problems and self._reads > 1:
            finding = self._look_again(stored)
        if finding is not None:
            self._report.calls.append(finding)

    def _look_again(self, stored: StoredCall) -> CallFinding | None:
        """A call may have been closed, settled or erased while it was being read."""
        self._journals()
        slots = [header.slot for header in stored.headers]
        parts = read_headers(self._store, slots).calls.get(stored.call_id)
        return self._finding(scan_call(self._store, parts, live_instance(self._store)) if parts else stored)

    def _finding(self, stored: StoredCall) -> CallFinding | None:
        """None for a call that is not there: never committed, or erased."""
        amendments = self._amendments.get(stored.call_id, [])
        if self._amendments.gone(stored.call_id):
            if self._amendments.tombstone(stored.call_id) is None:
                self._note(f"call {stored.sequence} was discarded; its slots await overwriting")
            return None
        recovered = recovered_record(amendments)
        unsigned = stored.torn and (recovered is None or not agrees(stored, recovered))
        if not (stored.committed or stored.problems or unsigned or stored.call_id in self._entries):
            self._note(f"call {stored.sequence} was never committed")
            return None
        line = stored.headers[0].line
        finding = CallFinding(id=stored.id, sequence=stored.sequence, line=line, integrity="")
        entry = self._entries.get(stored.call_id)
        finding.problems += problems_of(stored, amendments, entry)
        if not stored.open_now:
            self._unsettled(stored, recovered, entry)
        if self._key is not None:
            self._decode(stored, finding, self._key)
        finding.integrity = _integrity(stored, finding.problems)
        return finding

    def _note(self, text: str) -> None:
        if text not in self._report.notes:
            self._report.notes.append(text)

    def _unsettled(self, stored: StoredCall, recovered: JournalRecord | None, entry: CatalogueEntry | None) -> None:
        """What the keeper has still to do is no damage."""
        if stored.last:
            if entry is None:
                self._note(f"call {stored.sequence} is not in the catalogue yet")
        elif recovered is None and not stored.torn:
            self._note(f"call {stored.sequence} was interrupted; the keeper has not settled it yet")

    def _decode(self, stored: StoredCall, finding: CallFinding, key: PrivateKey) -> None:
        try:
            check = CallReader(stored, self._store, key, amendments=self._amendments).check()
        except SecretError as error:
            self._note(f"call {stored.sequence} was not decoded: {error}")
            return
        finding.samples, finding.pcm_sha256, finding.runs = check.samples, check.pcm_sha256, check.runs
        if not stored.open_now:
            finding.problems += check.problems

    def _missing(self, headers: Headers) -> None:
        gaps = self._sequence.gaps(self._amendments)
        live = live_instance(self._store) is not None
        if live and gaps.missing:  # such a call may have come while the headers were being read
            self._journals()
            for call, parts in read_headers(self._store).calls.items():
                if call not in headers.calls:
                    self._sequence.take(scan_call(self._store, parts))
            gaps = self._sequence.gaps(self._amendments)
        for number in gaps.missing:
            if not live or number < self._sequence.highest:  # a higher one waits for a slot
                self._report.problems.append(f"call {number} is missing")
        for number in gaps.uncommitted:
            self._note(f"call {number} began with the last commit before an interruption and was lost")
        for number in gaps.doubled:
            self._report.problems.append(f"two calls have the sequence number {number}")

    def _uncovered(self, headers: Headers) -> None:
        """Catalogue entries without their call."""
        stray = {call: entry for call, entry in self._entries.items() if call not in headers.calls}
        if stray and self._reads > 1:
            self._journals()  # erased meanwhile?
        for call_id, entry in stray.items():
            if not self._amendments.gone(call_id):
                self._report.problems.append(f"call {entry.public.sequence} is in the catalogue, but not in the ring")

    def _remains(self, headers: Headers) -> None:
        """What is left of erased calls: expected of one that is not finished; of others, somebody brought it back."""
        left = {name_of(call): [part.slot for part in parts] for call, parts in headers.calls.items()}
        for slot, name in headers.erasing.items():
            left.setdefault(name, []).append(slot)
            if name not in self._amendments.tombstones:
                self._report.problems.append(f"slot {slot}: says that it is being erased, and no tombstone does")
        for stone in self._amendments.tombstones.values():
            if stone.sequence not in self._amendments.finished:
                self._note(f"call {stone.sequence} is being erased and not read any more; its erasure is unfinished")
            elif stone.name in left:
                slots = ", ".join(str(slot) for slot in left[stone.name])
                self._report.problems.append(
                    f"call {stone.sequence} was erased, and is in the ring again: slot {slots}"
                )


def _integrity(stored: StoredCall, problems: list[str]) -> str:
    if problems:
        return "damaged"
    if stored.open_now:
        return "open"
    return "sealed" if stored.last else "recovered"
