"""Is everything there, and as it was sealed? Needs no secret; with a private key every call is decoded, too.

Exempt are octets nobody committed: free slots beyond their header block, and what lies in a used slot after the
call's last extent (left-overs of an earlier use). Padding inside extents and journal records must be zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.errors import NotFoundError, SecretError, StoreError
from tsuwaroku.records.call import Run
from tsuwaroku.store.audit import NO_HEAD, AuditLog
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.fold import by_call, is_gone, wraps_of
from tsuwaroku.store.journal import Journal, JournalRecord
from tsuwaroku.store.keys import PrivateKey, Recipients
from tsuwaroku.store.origin import fingerprint as fingerprint_of
from tsuwaroku.store.origin import same_fingerprint
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.recovery import agrees, entry_of, recovered_record
from tsuwaroku.store.scan import Progress, Scan, StoredCall, live_instance, read_headers, scan_call, scan_ring
from tsuwaroku.store.sequence import missing_numbers

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

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
) -> Report:
    """Check everything, or with `only` (a ULID) one call and what bears on it.

    `progress(done, total)`; the total grows once the calls are known. Raises NotFoundError for an unknown `only`,
    SecretError for a demonstration key on a real store, StoreError on I/O errors.
    """
    if private_key is not None:
        store.admit(private_key)
    return _Verification(store, private_key, progress).run(only, fingerprint)


class _Verification:
    def __init__(self, store: Store, private_key: PrivateKey | None, progress: Progress | None) -> None:
        self._store = store
        self._key = private_key
        self._progress = progress or (lambda done, total: None)
        self._report = Report(fingerprint=fingerprint_of(store))
        self._entries: dict[bytes, CatalogueEntry] = {}
        self._amendments: dict[bytes, list[JournalRecord]] = {}
        self._records: list[JournalRecord] = []

    def run(self, only: str | None, fingerprint: str | None) -> Report:
        report = self._report
        self._origin(fingerprint)
        self._catalogue()  # before the ring: a call it names must then be there
        scan = self._one(only) if only else scan_ring(self._store, progress=self._progress)
        report.slots = scan.slots
        report.problems += scan.problems
        self._journals()
        self._audit(scan.calls)
        self._recipients()
        for done, stored in enumerate(scan.calls):
            self._call(stored)
            self._progress(scan.slots + done + 1, scan.slots + len(scan.calls))
        if only is None:
            self._sequence(scan)
            self._uncovered(scan.calls)
        report.ok = not report.problems and not any(call.problems for call in report.calls)
        return report

    def _origin(self, fingerprint: str | None) -> None:
        if fingerprint is None:
            return
        if same_fingerprint(fingerprint, self._report.fingerprint):
            self._report.origin = "pinned"
        else:
            self._report.problems.append("the store is another box's: its fingerprint is not the one given")

    def _one(self, only: str) -> Scan:
        headers = read_headers(self._store, progress=self._progress)
        live = live_instance(self._store)
        calls = [scan_call(self._store, parts, live) for parts in headers.calls.values()]
        calls = [stored for stored in calls if stored.id == only]
        if not calls and not any(entry.public.id == only for entry in self._entries.values()):
            raise NotFoundError("no such call", where=only, remedy="`tsuwaroku calls` lists them")
        if not calls:
            self._report.problems.append(f"call {only} is in the catalogue, but not in the ring")
        return Scan(calls, headers.problems, headers.slots)

    def _catalogue(self) -> None:
        catalogue = Catalogue(self._store.catalogue_dir)
        self._report.problems += catalogue.problems()
        for day in catalogue.days():
            try:
                entries = catalogue.for_day(day)
            except StoreError:
                continue  # `problems` has named the file
            self._report.catalogue_entries += len(entries)
            self._entries.update({entry.call_id: entry for entry in entries})

    def _journals(self) -> None:
        locks = {"recorder": self._store.recorder_lock, "keeper": self._store.keeper_lock}
        for owner, lock in locks.items():
            reads = _READS if FileLock.held(lock) is not None else 1
            for _ in range(reads):
                journal = Journal.open(self._store.journal_dir, owner, self._store)
                found = journal.problems()
                if not found:
                    break
            self._report.problems += found
            self._records += journal.records()
        self._report.journal_records = len(self._records)
        self._amendments = by_call(self._records)

    def _audit(self, calls: Iterable[StoredCall]) -> None:
        reads = _READS if FileLock.held(self._store.keeper_lock) is not None else 1
        for _ in range(reads):
            log = AuditLog.open(self._store)
            found = log.problems()
            if not found:
                break
        heads = {entry.computed_hash() for entry in log.entries()} | {NO_HEAD}
        self._report.problems += found
        self._report.audit_entries = len(heads) - 1
        named = {extent.header.audit_head for stored in calls for extent in stored.extents}
        named |= {bytes.fromhex(head) for r in self._records if isinstance(head := r.public.get("audit_head"), str)}
        if named - heads:
            self._report.problems.append(
                f"audit: entries are gone that the ring knows of ({len(named - heads)} heads are not in the log)"
            )

    def _recipients(self) -> None:
        path = self._store.path / "keys" / "recipients.json"
        try:
            Recipients.load(path, self._store.info.store_id, self._store.info.device_keys)
        except StoreError as error:
            self._report.problems.append(str(error))

    def _call(self, stored: StoredCall) -> None:
        amendments = self._amendments.get(stored.call_id, [])
        gone = is_gone(amendments)
        if not stored.committed and not stored.problems and not stored.torn and stored.call_id not in self._entries:
            self._report.notes.append(f"call {stored.sequence} was never committed")
            return
        finding = CallFinding(
            id=stored.id,
            sequence=stored.sequence,
            line=stored.headers[0].line,
            integrity="",
            problems=[*stored.problems],
        )
        if not stored.open_now and not gone:
            finding.problems += self._settled(stored, amendments)
            self._compare(stored, finding)
        if self._key is not None and not gone:
            self._decode(stored, finding, self._key, amendments)
        if gone:
            self._report.notes.append(f"call {stored.sequence} was erased or discarded and awaits overwriting")
        finding.integrity = _integrity(stored, finding.problems)
        if not gone or finding.problems:
            self._report.calls.append(finding)

    def _settled(self, stored: StoredCall, amendments: list[JournalRecord]) -> list[str]:
        """An interrupted call must be what was signed when the box came back."""
        if stored.last:
            return []
        recovered = recovered_record(amendments)
        if recovered is not None:
            return [] if agrees(stored, recovered) else ["is not what was signed when it was recovered"]
        if stored.torn:
            return ["ends in a torn or damaged extent, and nobody has signed how far it goes"]
        self._report.notes.append(f"call {stored.sequence} was interrupted; the keeper has not settled it yet")
        return []

    def _compare(self, stored: StoredCall, finding: CallFinding) -> None:
        entry = self._entries.get(stored.call_id)
        if entry is None:
            if stored.last:
                self._report.notes.append(f"call {stored.sequence} is not in the catalogue yet")
        elif entry != entry_of(stored) and not finding.problems:
            finding.problems.append("ring and catalogue say different things of it")

    def _decode(
        self, stored: StoredCall, finding: CallFinding, key: PrivateKey, amendments: list[JournalRecord]
    ) -> None:
        try:
            check = CallReader(stored, self._store, key, wraps_of(amendments)).check()
        except SecretError as error:
            self._report.notes.append(f"call {stored.sequence} was not decoded: {error}")
            return
        finding.samples, finding.pcm_sha256, finding.runs = check.samples, check.pcm_sha256, check.runs
        if not stored.open_now:
            finding.problems += check.problems

    def _sequence(self, scan: Scan) -> None:
        calls = scan.calls
        found = missing_numbers(calls, self._records)
        live = live_instance(self._store) is not None
        if live and (found.missing or found.uncommitted):  # it may have come while the ring was being read
            calls = scan_ring(self._store).calls
            found = missing_numbers(calls, self._records)
        highest = max((stored.sequence for stored in calls), default=0)
        for number in found.missing:
            if not live or number < highest:
                self._report.problems.append(f"call {number} is missing")
        for number in found.uncommitted:
            self._report.notes.append(f"call {number} began with the last commit before an interruption and was lost")
        for number in found.doubled:
            self._report.problems.append(f"two calls have the sequence number {number}")

    def _uncovered(self, calls: list[StoredCall]) -> None:
        """Catalogue entries without their call."""
        present = {stored.call_id for stored in calls}
        for call_id, entry in self._entries.items():
            if call_id not in present and not is_gone(self._amendments.get(call_id, ())):
                self._report.problems.append(f"call {entry.public.sequence} is in the catalogue, but not in the ring")


def _integrity(stored: StoredCall, problems: list[str]) -> str:
    if problems:
        return "damaged"
    if stored.open_now:
        return "open"
    return "sealed" if stored.last else "recovered"
