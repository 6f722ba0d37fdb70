"""Looks at what a power cut left of an acting box: is every promise kept, and everything else sound?"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from tests.crash.acting import CONFIG, HOUR, RATE
from tests.crash.cuts import SECTOR
from tests.crash.recorded import Promise
from tsuwaroku.clock import NS, ClockQuality, Instant
from tsuwaroku.errors import SecretError, StoreError, TsuwarokuError
from tsuwaroku.records.call import CallRecord, Integrity
from tsuwaroku.service.assembly import take_over
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store import clockfile, slottable
from tsuwaroku.store.amendments import Amendments, by_call
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import Journal, JournalRecord, JournalType
from tsuwaroku.store.keys import PrivateKey, verify_signature
from tsuwaroku.store.layout import DEMO_KEY, Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.reader import CallReader, Check
from tsuwaroku.store.recovery import find_calls
from tsuwaroku.store.scan import StoredCall
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE, FormatError, erasing_name
from tsuwaroku.store.tombstone import name_of
from tsuwaroku.store.verify import verify_store

LOSS = round(1.5 * RATE)
"""Samples of a call going on that a cut may cost, of those that had been given to the storage."""
_ACTS = {
    JournalType.HOLD: "hold",
    JournalType.HOLD_RELEASED: "hold released",
    JournalType.MARK: "mark",
    JournalType.MARK_WITHDRAWN: "mark withdrawn",
}
_NO_DAMAGE = (
    "slots set aside",
    "was lost",
    "was never committed",
    "was not decoded",
    "slots await overwriting",
    "cannot be written",
)

_verified = functools.lru_cache(1 << 16)(verify_signature)


def remember_signatures(patch: pytest.MonkeyPatch) -> None:
    """A signature found right once is right: checking hundreds of them anew after each cut takes most of the time.

    In whatever module of the product checks them, under whatever name it has the function.
    """
    for module in [module for name, module in sys.modules.items() if name.startswith("tsuwaroku.")]:
        for name, value in list(vars(module).items()):
            if value is verify_signature:
                patch.setattr(module, name, _verified)


@functools.lru_cache(64)
def _demo_key(octets: bytes, path: Path) -> PrivateKey:
    return PrivateKey.load(path, lambda: "")


class _Later:
    """The clock at the next start: an hour later by NTP, another boot."""

    def __init__(self, wall_ns: int) -> None:
        self._wall_ns = wall_ns

    def now(self) -> Instant:
        return self.at(2 * NS)

    def at(self, mono_ns: int) -> Instant:
        return Instant(self._wall_ns + mono_ns, mono_ns, b"the next boot...", ClockQuality.SYNCHRONISED)


@dataclass
class Judge:
    """`wall_ns`: when the run ended; `may_go`: calls whose time is over; `all_given`: every promise of the run;
    `ring`: its octets when the recording began."""

    wall_ns: int
    may_go: frozenset[bytes]
    all_given: Sequence[Promise]
    ring: bytes
    spoilt: frozenset[str] = frozenset()  # files of the catalogue that need not be whole
    loss: int = LOSS
    worst_s: float = 0.0  # the most that was missing of a call in progress
    _decoded: dict[Any, tuple[Check, CallRecord]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._spoilt = {f"{name}:" for name in {"new.jsonl", *self.spoilt}}
        self._leases = [promise.facts[0] for promise in self.all_given if promise.kind == "lease"]

    def faults(self, path: Path, given: Sequence[Promise]) -> list[str]:
        """What does not hold of what was promised before the cut, and whatever else is wrong with the store.

        Records, catalogue and lease are read as the cut left them; then a keeper looks in, and the calls are read.
        """
        try:
            store = Store.open(path, need_device=True)
        except TsuwarokuError as error:
            return [f"the store does not open: {error}"]
        try:
            found = self._as_left(store, given)
            looks = [self._recorder_looks, self._keeper_looks]
            for look in looks if len(given) % 2 else reversed(looks):  # either may be up first
                found += look(store)
            report = verify_store(store)
            found += report.problems + [f"call {c.sequence}: {text}" for c in report.calls for text in c.problems]
            found += [f"verify notes: {note}" for note in report.notes if not any(ok in note for ok in _NO_DAMAGE)]
            return found + _Calls(self, store).faults(given)
        except (TsuwarokuError, OSError) as error:
            return [f"{type(error).__name__}: {error}"]
        finally:
            store.close()

    def _keeper_looks(self, store: Store) -> list[str]:
        keeper = Keeper(store, CONFIG, _Later(self.wall_ns + HOUR))
        keeper.between = lambda: None
        keeper.start()
        for _ in range(8):  # words that were told to go are gone soon
            if keeper._words._open:
                keeper.poll()
        left = [number for number, _ in keeper._words._open]
        keeper.close()
        if left:
            return [f"words are not erased: {left}"]
        return [f"the keeper has trouble: {keeper._trail.fault}"] if keeper._trail.fault else []

    def _recorder_looks(self, store: Store) -> list[str]:
        journal = take_over(store, _Later(self.wall_ns + HOUR).now())
        journal.close()
        return journal.problems()

    def read(
        self, stored: StoredCall, store: Store, amendments: Amendments, key: PrivateKey
    ) -> tuple[Check, CallRecord]:
        """A call decoded. Its digest stands for every octet of it, so what was decoded once is known."""
        known = (stored.call_id, stored.digest, stored.committed, stored.last)
        wraps = amendments.wraps(stored.call_id)
        if known not in self._decoded or not (stored.wraps or wraps):
            reader = CallReader(stored, store, key, wraps, amendments)
            self._decoded[known] = reader.check(), reader.record()
        return self._decoded[known]

    # -- before anybody repairs anything

    def _as_left(self, store: Store, given: Sequence[Promise]) -> list[str]:
        """The promises about journals, audit log, catalogue and lease that do not hold; files that are half."""
        found: list[str] = []
        journals = [
            record
            for owner in ("recorder", "keeper")
            for record in Journal.open(store.journal_dir, owner, store).records()
        ]
        amendments = by_call(journals)
        catalogue = Catalogue(store.catalogue_dir)
        found += [problem for problem in catalogue.problems() if problem.split()[1] not in self._spoilt]
        audit = list(AuditLog.open(store).entries())
        there: dict[str, set[Any]] = {
            "journal": {(record.owner, record.number, record.digest) for record in journals},
            "audit": {(entry.number, entry.hash) for entry in audit},
            "catalogue": {(entry.call_id,) for day in catalogue.days() for entry in _entries(catalogue, day)},
        }
        for promise in given:
            facts = promise.facts[:3]
            if promise.kind not in there or facts in there[promise.kind]:
                continue
            if promise.kind != "catalogue" or not amendments.gone(facts[0]):
                found.append(f"broken promise: {promise.kind} {facts[:2]} is not there")
        return found + self._lease(store, given) + _half(store) + _untold(journals, audit)

    def _lease(self, store: Store, given: Sequence[Promise]) -> list[str]:
        """The lease must be the last one promised, or the one that was just being written."""
        count = sum(promise.kind == "lease" for promise in given)
        lease = frozenset(Lease.load(store.lease_path, store.store_id).slots)
        fitting = self._leases[max(0, count - 1) : count + 1]
        return ["broken promise: the lease is not the last one"] if count and lease not in fitting else []


def _entries(catalogue: Catalogue, day: str) -> list[Any]:
    try:
        return list(catalogue.for_day(day))
    except StoreError:
        return []  # `problems` has named it


def _half(store: Store) -> list[str]:
    """Files that are old or new, and never half."""
    found = []
    try:
        clockfile.load(store.clock_path, store.store_id)
        if store.table_path.exists():
            slottable.load(store.table_path, store)
    except (StoreError, FormatError) as error:
        found.append(str(error))
    return found


def _untold(journals: Iterable[JournalRecord], audit: Iterable[AuditEntry]) -> list[str]:
    """Acts of people, and erasures, that the audit log does not know of."""
    told: dict[tuple[str, str], int] = {}
    erased: set[str] = set()
    for entry in audit:
        told[(entry.verb, entry.subject)] = told.get((entry.verb, entry.subject), 0) + 1
        if entry.verb == "calls erased":
            erased |= entry.detail["calls"].keys()
    found = []
    for record in journals:
        if record.owner == "keeper" and record.type in _ACTS:
            key = (_ACTS[record.type], str(ULID.from_bytes(record.call_id)))
            told[key] = told.get(key, 0) - 1
            if told[key] < 0:
                found.append(f"the audit log knows nothing of {key}")
        if record.type is JournalType.ERASED:
            missing = {str(number) for number in record.public["sequences"]} - erased
            found += [f"the audit log knows nothing of the erasure of call {number}" for number in missing]
    return found


class _Calls:
    """The calls of one store, after the keeper was there."""

    def __init__(self, judge: Judge, store: Store) -> None:
        self._judge = judge
        self._store = store
        self._found: list[str] = []
        records = [
            record
            for owner in ("recorder", "keeper")
            for record in Journal.open(store.journal_dir, owner, store).records()
        ]
        self._amendments = by_call(records)
        self._records = records
        self._calls: dict[bytes, CallRecord] = {}
        self._nobodys: set[bytes] = set()  # on the button, and not pressed when the power went

    def faults(self, given: Sequence[Promise]) -> list[str]:
        self._read()
        self._listed()
        sound: dict[bytes, int] = {}
        for promise in given:
            if promise.kind == "given":
                sound[promise.facts[0]] = promise.facts[1]
            elif promise.kind in ("committed", "closed"):
                self._check(promise)
            elif promise.kind == "journal":
                self._check_record(promise.facts[3])
        self._check_loss(sound, {p.facts[0] for p in given if p.kind == "closed"})
        self._check_erased()
        return self._found

    def _gone(self, call: bytes) -> bool:
        return self._amendments.gone(call)

    def _read(self) -> None:
        path = self._store.path / DEMO_KEY
        key = _demo_key(path.read_bytes(), path)
        numbers: dict[int, bytes] = {}
        for stored in find_calls(self._store, None):
            if not stored.committed:
                continue
            if numbers.setdefault(stored.sequence, stored.call_id) != stored.call_id:
                self._found.append(f"two calls have the number {stored.sequence}")
            if self._gone(stored.call_id):
                continue
            try:
                check, self._calls[stored.call_id] = self._judge.read(stored, self._store, self._amendments, key)
            except SecretError:
                self._nobodys.add(stored.call_id)
            else:
                self._found += [f"call {stored.sequence}: {text}" for text in check.problems]

    def _listed(self) -> None:
        entries = {entry.call_id for entry in Catalogue(self._store.catalogue_dir).entries()}
        halves = (entries - {call for call in entries if self._gone(call)}) ^ (self._calls.keys() | self._nobodys)
        self._found += [f"call {ULID.from_bytes(call)} is listed, or there, but not both" for call in halves]

    def _check(self, promise: Promise) -> None:
        """What was committed is there to its last sample, and every mark; what was closed has its end."""
        call, *facts = promise.facts
        if call in self._nobodys or (self._gone(call) and self._excused(call)):
            return
        record = self._calls.get(call)
        if record is None:
            self._found.append(f"broken promise: {promise.kind} {ULID.from_bytes(call)}: it is not there")
            return
        end = (record.audio.first_sample or 0) + record.audio.samples
        if promise.kind == "committed":
            kept = end >= facts[0] and len(record.marks) >= facts[1]
        else:
            kept = record.integrity is Integrity.SEALED and len(record.marks) >= facts[0]
        if not kept:
            self._found.append(f"broken promise: {promise}: it ends at {end}, {record.integrity}, {record.marks}")

    def _excused(self, call: bytes) -> bool:
        """Nobody pressed for it; or its time is over."""
        if self._amendments.tombstone(call) is not None:
            return call in self._judge.may_go and self._amendments.hold(call) is None
        return not self._amendments.wraps(call)

    def _check_record(self, record: JournalRecord) -> None:
        """A call is held from the moment of the record; a call that has its tombstone is nowhere."""
        if record.type is JournalType.HOLD and self._amendments.hold(record.call_id) is None:
            later = [r.type for r in self._amendments.get(record.call_id, ()) if r.number > record.number]
            if JournalType.HOLD_RELEASED not in later and record.call_id not in self._judge.may_go:
                self._found.append(f"call {ULID.from_bytes(record.call_id)} is not held any more")
        if record.type is JournalType.HOLD and record.call_id not in self._calls.keys() | self._judge.may_go:
            self._found.append(f"the held call {ULID.from_bytes(record.call_id)} is not there")

    def _check_loss(self, sound: dict[bytes, int], closed: set[bytes]) -> None:
        """Of a call that was going on, at most the last LOSS samples are missing; a call not yet committed has at most
        so many."""
        for call, until in sound.items():
            if call in closed or call in self._nobodys or self._gone(call):
                continue
            record = self._calls.get(call)
            end = 1000 if record is None else (record.audio.first_sample or 0) + record.audio.samples
            self._judge.worst_s = max(self._judge.worst_s, (until - end) / RATE)
            if until - end > self._judge.loss:
                self._found.append(f"{(until - end) / RATE:.3f} s of call {ULID.from_bytes(call)} are missing")

    def _left_over(self, slot: int) -> bool:
        """Whether any sector of a slot's data is what it was when the recording began."""
        before = self._judge.ring[slot * SLOT_SIZE : (slot + 1) * SLOT_SIZE]
        data = self._store.ring.read_slot(slot)
        if data.count(0, BLOCK) == len(data) - BLOCK:
            return False
        sectors = ((data[at : at + SECTOR], before[at : at + SECTOR]) for at in range(BLOCK, SLOT_SIZE, SECTOR))
        return any(now == then and any(now) for now, then in sectors)

    def _check_erased(self) -> None:
        """Of every call with a tombstone nothing is left: the keeper has finished what was cut off."""
        names = self._amendments.tombstones
        places = {slot: stone for stone in names.values() for slot, _ in stone.slots}
        ring = self._store.ring
        for slot in range(ring.slots):
            block = ring.read_block0(slot)
            if erasing_name(block) is not None:
                self._found.append(f"slot {slot} is still being erased")
            stone = places.get(slot)
            if stone is None:
                continue
            if self._left_over(slot):
                self._found.append(f"slot {slot} still has octets of call {stone.sequence}")
            if name_of(block[40:56]) == stone.name:
                self._found.append(f"slot {slot} still has the header of call {stone.sequence}")
        for record in self._records:
            if (
                record.sealed
                and any(record.call_id)
                and name_of(record.call_id) in names
                and any(any(sealed) for _, sealed in record.sealed)
            ):
                self._found.append(f"record {record.number} of an erased call still has its sealed part")
