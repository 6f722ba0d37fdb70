"""The keeper: owns everything on disk but the slots it has lent and the recorder's journal.

It learns what was recorded from the ring itself; messages from the recorder only make it prompt. So it may be
killed, stopped for an hour or started late, and nothing is lost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from ulid import ULID

from tsuwaroku import __version__
from tsuwaroku.clock import Clock, Instant
from tsuwaroku.config import Config
from tsuwaroku.errors import NotFoundError, RefusedError, StoreError, TsuwarokuError
from tsuwaroku.records.call import Integrity, MarkKind
from tsuwaroku.records.retention import configured, day_of
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.clockwatch import ClockWatch
from tsuwaroku.service.holding import HoldRequest, carry_out
from tsuwaroku.service.lending import Lending
from tsuwaroku.service.link import Closed, Hello, Note, Report, Upward
from tsuwaroku.service.listening import note_act
from tsuwaroku.service.listing import Listing
from tsuwaroku.service.marking import mark_call
from tsuwaroku.service.retention import Expiry
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.service.status import RecorderStatus, RingStatus, Status
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.audit import CALLS_CLOSED, AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.durable import FileLock, replace_file
from tsuwaroku.store.erasure import Eraser, Erasure
from tsuwaroku.store.journal import Journal, JournalRecord, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import entry_of, find_calls, settle_interrupted
from tsuwaroku.store.scan import StoredCall, live_instance, read_headers

GRACE_NS = 5_000_000_000  # both start together, and a recorder needs a second or two
RECORDER_SILENT_NS = 3_000_000_000
MOST_TRACES = 10_000
HEADERS_A_POLL = 500  # 60 ms of work here, 150 ms on a Pi, every two seconds: a million in a good hour
NAP_S = 0.02  # between two pieces of an erasure: the recorder's commits have the disk to themselves
_T = TypeVar("_T")


class Trace(msgspec.Struct, frozen=True):
    """What happened, on its way to the audit log."""

    at: Instant
    actor: str
    verb: str
    subject: str
    detail: dict[str, object]


class Keeper:
    """Used by one thread (or one event loop). `start` before anything else; `close` at the end."""

    def __init__(self, store: Store, config: Config, clock: Clock) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._lock = FileLock(store.path / "keeper.lock")
        self._alarms = AlarmBoard()
        self._recorder: RecorderStatus | None = None
        self._recorder_seen_ns: int | None = None
        self._instance = ""
        self._settled: set[bytes] = set()  # cut off and settled since the last recorder came: the next may resume them
        self._unlisted: set[bytes] = set()  # calls in leased slots that are not in the catalogue yet
        self._keyless: set[bytes] = set()  # calls of on_button lines of which nobody knows yet whether they are kept
        self._tried: object = None  # what `settle` last found nothing to do for
        self._traces: deque[Trace] = deque(maxlen=MOST_TRACES)  # for the audit log, which the disk may not take now
        self._day_lost = False
        self._fault = ""
        self._head = ""
        self.between: Callable[[], None] = lambda: time.sleep(NAP_S)
        """Called between the pieces of an erasure: to let the disk rest, and to hear the recorder."""

    def start(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Take the store, read the ring's headers, list what was recorded meanwhile, lend slots."""
        self._lock.acquire()
        self._started_ns = self._clock.now().mono_ns
        store = self._store
        self._journal = Journal.open(store.journal_dir, "keeper", store, store.device)
        self._recorder_journal = Journal.open(store.journal_dir, "recorder", store)
        self._journal_seen = 0
        self._audit = AuditLog.open(store, store.device)
        self._listing = Listing(Catalogue(store.catalogue_dir), self._lost_day)
        lease, whole = self._load_lease()
        slots = SlotTable(store, progress, self._journal_has if whole else None)
        self._trace("keeper", "keeper started", detail={"version": __version__})
        if slots.refused and store.table_path.exists():
            self._trace("keeper", "every header read", detail={"why": slots.refused})
        self._lending = Lending(store, self._config, slots, lease)
        self._start_expiry()
        self._relist()
        self.poll()

    def close(self) -> None:
        self._try(self._save_table)
        self._try(self._listing.catalogue.fold)
        self._trace("keeper", "keeper stopped")
        self._audit.close()
        self._journal.close()
        self._lock.release()

    def _start_expiry(self) -> None:
        self._watch = ClockWatch(self._store.clock_path, self._recorder_journal.records(), self._alarms)
        if self._watch.damaged:
            self._trace("keeper", "clock memory damaged", detail={"why": self._watch.damaged})
        eraser = Eraser(
            self._store,
            self._journal,
            self._listing.catalogue,
            log=self._log_erasure,
            pause=lambda slots: self.between(),
            recorder=self._recorder_journal,
        )
        journals = (self._recorder_journal, self._journal)
        period = configured(self._config.store)
        self._expiry = Expiry(self._store, self._listing, journals, self._alarms, eraser, self._erased, period)
        self._try(lambda: self._expiry.finish(self._clock.now()))

    def _load_lease(self) -> tuple[Lease, bool]:
        """The lease, and whether it could be read; else it is made anew, and every header is read.

        What the recorder still holds of it is lent to it again, with the same generations: whatever it took has a
        header by now, or will be passed over by it.
        """
        try:
            return Lease.load(self._store.lease_path), self._store.lease_path.exists()
        except StoreError as error:
            self._trace("keeper", "lease damaged", detail={"why": str(error)})
            numbers = [r.public.get("sequence") for j in (self._journal, self._recorder_journal) for r in j.records()]
            return Lease(sequence_floor=max([0, *(n for n in numbers if isinstance(n, int))]) + 1), False

    def _journal_has(self, number: int, digest: bytes) -> bool:
        return number == 0 or any((r.number, r.digest) == (number, digest) for r in self._journal.records())

    def _save_table(self) -> None:
        records = self._journal.records()
        self._lending.save_table((records[-1].number, records[-1].digest) if records else (0, bytes(32)))

    def _check_headers(self) -> None:
        """A start reads headers without their signatures; those are checked while the box is at work."""
        slots = self._lending.slots
        unchecked = slots.unchecked
        for problem in slots.check(HEADERS_A_POLL):
            self._alarms.set("call_damaged", True, self._clock.now(), detail=problem)
            self._trace("keeper", "header damaged", detail={"why": problem})
        if self._lending.table_due or (unchecked and not slots.unchecked):
            self._save_table()

    def _relist(self) -> None:
        """What the catalogue has, and what it has not."""
        self._day_lost = False
        self._listing.read()
        self._keyless = {call for call, opens in self._listing.known.items() if not opens}
        slots = self._lending.slots
        for call_id in slots.calls() - self._listing.known.keys():  # a snapshot may remember an erased one
            slots.look_again(slots.of(call_id))
        self._unlisted = slots.calls() - self._listing.known.keys()
        self._journal_seen = 0
        for record in self._journal.records():
            self._decided(record)
        self._release_discarded()

    def _lost_day(self, day: str, why: str) -> None:
        self._day_lost = True
        self._trace("keeper", "catalogue damaged", subject=day, detail={"why": why})

    # -- trouble with the disk: what can be done is done, the rest is told and tried again

    def _try(self, act: Callable[[], _T]) -> _T | None:
        try:
            return act()
        except (TsuwarokuError, OSError) as error:
            self._fault = str(error)
            self._alarms.set("records_failed", True, self._clock.now(), detail=self._fault)
            return None

    def _trace(self, actor: str, verb: str, subject: str = "", detail: Mapping[str, object] | None = None) -> None:
        """An entry of the audit log about what has happened; it is kept until the disk takes it."""
        self._traces.append(Trace(self._clock.now(), actor, verb, subject, dict(detail or {})))
        self._try(self._write_traces)

    def _write_traces(self) -> None:
        while self._traces:
            trace = self._traces[0]
            self._audit.append(trace.at, trace.actor, trace.verb, subject=trace.subject, detail=trace.detail)
            self._traces.popleft()

    # -- the recorder's messages

    def message(self, message: Upward) -> bool:
        """One message; True when the recorder ought to read its lease again."""
        return bool(self._try(lambda: self._message(message)))

    def _message(self, message: Upward) -> bool:
        match message:
            case Hello(instance):
                self._instance = instance
                self._refresh_lease()
                self.settle()
                if instance:
                    self._settled.clear()  # it has read its lease: what it resumes, it has found
                self._extend_lease()
                return True  # it may have started before there was a lease
            case Report(status):
                self._recorder = status
                self._recorder_seen_ns = self._clock.now().mono_ns
            case Closed(calls):
                self._refresh_lease()
                self._list_closed(ULID.from_str(call).bytes for call in calls)
                return self._extend_lease()
            case Note(verb, subject, detail):
                self._trace("recorder", verb, subject=subject, detail=detail)
        return False

    def recorder_gone(self) -> None:
        """Its end of the link was closed."""
        self._recorder = None
        self._try(self._refresh_lease)
        self._try(lambda: self._list_closed(self._waiting()))

    def poll(self) -> bool:
        """Catch up with the ring; True when the lease was extended. Every few seconds, and at once after messages."""
        self._fault = ""
        self._try(self._write_traces)
        if self._day_lost:
            self._try(self._relist)
        self._try(self._refresh_lease)
        self._try(self._release_discarded)
        self._try(lambda: self._list_closed(self._waiting()))
        self._try(self.settle)
        self._try(self._forget_keyless)
        self._try(self._expire)
        self._try(self._publish_head)
        changed = self._try(self._extend_lease)
        self._try(self._check_headers)
        if not self._fault:
            self._alarms.set("records_failed", False, self._clock.now())
        return bool(changed)

    def _publish_head(self) -> None:
        """The audit log's head, for the recorder to seal into every commit: a cut-off tail then shows."""
        head = self._audit.head().hex()
        if head != self._head:
            replace_file(self._store.run_dir / "audit.head", head.encode(), 0o640)
            self._head = head

    # -- slots

    @property
    def free_slots(self) -> int:
        """Slots that may be used, lent ones included."""
        return self._lending.slots.free

    def _refresh_lease(self) -> None:
        self._unlisted |= self._lending.refresh() - self._listing.known.keys()

    def _extend_lease(self) -> bool:
        return self._lending.extend(self._unlisted | self._settled)

    def _release_discarded(self) -> None:
        """Calls of on_button lines that nobody pressed for."""
        for record in self._recorder_journal.records()[self._journal_seen :]:
            self._journal_seen += 1
            self._decided(record)

    def _decided(self, record: JournalRecord) -> None:
        if record.type in (JournalType.WRAP, JournalType.DISCARDED):
            self._keyless.discard(record.call_id)
        if record.type is JournalType.DISCARDED:
            self._give_back(record.call_id)
        if record.type is JournalType.SET_ASIDE:
            self._set_aside(record)

    def _set_aside(self, record: JournalRecord) -> None:
        """A slot that cannot be written is counted out of the ring for good; the alarm stands as long as this disk."""
        slot, known = record.public.get("slot"), self._lending.slots.aside
        if not isinstance(slot, int) or slot in known:
            return
        self._lending.set_aside(slot)
        numbers = ", ".join(str(number) for number in self._lending.slots.aside)
        self._alarms.set("slots_set_aside", True, self._clock.now(), detail=numbers)

    # -- retention

    def _expire(self) -> None:
        now = self._clock.now()
        self._expiry.poll(self._watch.look(now), now)

    def _log_erasure(self, erasure: Erasure) -> str:
        self._write_traces()
        return self._audit.append(self._clock.now(), "keeper", "calls erased", detail=erasure.detail()).hash

    def _erased(self, erasure: Erasure, calls: Sequence[bytes]) -> None:
        """Their slots are free, and lent again in their turn."""
        self._lending.erased(slot for slot, _ in erasure.slots)
        for call_id in calls:
            self._listing.known.pop(call_id, None)
            self._unlisted.discard(call_id)
            self._keyless.discard(call_id)
            self._settled.discard(call_id)
        if not calls:
            self._listing.read()

    def _give_back(self, call_id: bytes) -> None:
        self._lending.give_back(call_id)
        self._unlisted.discard(call_id)

    # -- calls

    def _waiting(self) -> list[bytes]:
        """Calls that are not in the catalogue, less those the recorder says are going on: their turn comes."""
        going_on: set[bytes] = set()
        if self._recorder is not None:
            going_on = {ULID.from_str(line.call_id).bytes for line in self._recorder.lines if line.call_id}
        return sorted(self._unlisted - going_on)

    def _list_closed(self, calls: Iterable[bytes]) -> None:
        """Check every call the recorder closed, without a key, and put it into the catalogue.

        The audit log, whose head goes into every commit, keeps their digests: a call cut short later shows.
        """
        whole: dict[str, object] = {}
        for call_id in calls:  # one that cannot be read now is no reason not to list the others
            whole.update(self._try(lambda call_id=call_id: self._list(call_id)) or {})  # type: ignore[misc]
        if whole:
            self._trace("keeper", CALLS_CLOSED, detail={"calls": whole})

    def _list(self, call_id: bytes) -> dict[str, str]:
        """Number and digest of the call if it is closed now, and whole."""
        whole: dict[str, str] = {}
        for stored in find_calls(self._store, self._lending.slots.of(call_id)):
            if stored.last and stored.call_id in self._unlisted and not self._expiry.is_going(call_id):
                self._listing.put(call_id, entry_of(stored))
                self._unlisted.discard(stored.call_id)
                self._found(stored)
                if not stored.problems:
                    whole[str(stored.sequence)] = stored.digest.hex()
        return whole

    def _found(self, stored: StoredCall) -> None:
        """A damaged call is told at its hang-up, not months later."""
        if not stored.wraps:
            self._keyless.add(stored.call_id)
            self._journal_seen = 0  # it may have been decided before it was listed
        if stored.problems:
            self._damaged(stored.headers[0].line, stored.id, stored.problems[0])

    def _damaged(self, line: str, call: str, why: str) -> None:
        self._alarms.set("call_damaged", True, self._clock.now(), line, why)
        self._trace("keeper", "call damaged", subject=call)

    def settle(self) -> list[str]:
        """Sign a recovery record for every call that its recorder did not finish."""
        waiting = self._waiting()
        alive = bytes.fromhex(self._instance) if self._recorder is not None else None
        state = (waiting, alive, live_instance(self._store))
        if not waiting or state == self._tried:  # it reads journals and catalogue: not every two seconds for nothing
            return []
        now = self._clock.now()
        slots = [index for call_id in waiting for index in self._lending.slots.of(call_id)]
        try:
            settled = settle_interrupted(self._store, self._journal, alive, now, slots)
        except StoreError:
            self._listing.read()  # a damaged day is put aside, and it is tried again
            raise
        for call_id in settled:
            self._trace("keeper", "call recovered", subject=call_id)
            self._unlisted.discard(ULID.from_str(call_id).bytes)
            self._settled.add(ULID.from_str(call_id).bytes)
            entry = self._listing.catalogue.get(call_id)
            if entry is not None:
                if entry.public.integrity is Integrity.DAMAGED:
                    self._damaged(entry.public.line, call_id, call_id)
                self._listing.known[entry.call_id] = bool(entry.wraps)
                if not entry.wraps:
                    self._keyless.add(entry.call_id)
        self._release_empty(alive)
        self._tried = None if settled else state
        return settled

    def _forget_keyless(self) -> None:
        """on_button: a call whose recorder died before anybody pressed has lost its key with it, and nobody can ever
        open it. A tombstone says so, and its slots are free."""
        if not self._keyless:
            return
        live = live_instance(self._store)
        self._release_discarded()  # after that: a recorder may have kept a call just before it died
        for call_id in sorted(self._keyless):
            headers = read_headers(self._store, self._lending.slots.of(call_id)).calls.get(call_id, [])
            if not all(header.flags & fmt.FLAG_KEY_WITHHELD for header in headers):
                self._keyless.discard(call_id)
            elif headers and all(header.instance != live for header in headers):
                public = {"line": headers[0].line, "sequence": headers[0].sequence}
                self._journal.append(JournalType.DISCARDED, self._clock.now(), call_id, public=public)
                self._trace("keeper", "call discarded", subject=str(ULID.from_bytes(call_id)))
                self._keyless.discard(call_id)
                self._give_back(call_id)

    def _release_empty(self, alive: bytes | None) -> None:
        """A slot whose header was written and nothing after it holds no call: it is free again."""
        for call_id in self._waiting():
            for stored in find_calls(self._store, self._lending.slots.of(call_id)):
                ongoing = stored.open_now or stored.headers[-1].instance == alive
                if stored.committed or ongoing:
                    continue
                if stored.problems:  # nobody can tell what was in it: it stays, and a person is told
                    self._damaged(stored.headers[0].line, stored.id, stored.problems[0])
                else:
                    self._give_back(stored.call_id)

    # -- acts of people, through control

    def mark(self, call_id: str, kind: str, by: str, withdraw: int | None) -> dict[str, object]:
        """Mark a call, or withdraw one of its marks (counted from 1). Both stay in the record."""
        self._write_traces()
        entry = self._listing.catalogue.get(call_id)
        if entry is None:
            raise NotFoundError(f"no call {call_id}", remedy="`tsuwaroku calls` lists them")
        if kind not in {known.value for known in MarkKind}:
            raise RefusedError(f"{kind!r} is no kind of mark", remedy="use " + ", ".join(k.value for k in MarkKind))
        now = self._clock.now()
        in_call = entry.public.marks
        mark_call(
            self._store,
            self._journal,
            self._audit,
            now,
            call_id,
            in_call=in_call,
            kind=MarkKind(kind),
            by=by,
            withdraw=withdraw,
        )
        return {"id": call_id, "kind": kind, "withdrawn": withdraw}

    def hold(self, asked: HoldRequest, by: str) -> dict[str, object]:
        """Hold calls beyond their days, or release them."""
        self._write_traces()
        years = self._config.store.hold_years
        done = carry_out(self._store, self._journal, self._audit, self._clock.now(), by, asked, years)
        self._expiry.again()  # what was released may be due
        return done

    def audit(self, actor: str, verb: str, subject: str, why: str) -> dict[str, object]:
        """An entry durable before the act it records."""
        self._write_traces()
        entry = note_act(self._journal, self._audit, self._clock.now(), actor, verb, subject=subject, why=why)
        return {"number": entry.number, "hash": entry.hash}

    # -- status

    def status(self) -> Status:
        now = self._clock.now()
        seen_ns = self._recorder_seen_ns
        silent = self._recorder is None or seen_ns is None or now.mono_ns - seen_ns > RECORDER_SILENT_NS
        self._alarms.set("recorder_away", silent and now.mono_ns - self._started_ns > GRACE_NS, now)
        recorder = None if silent else self._recorder
        today = day_of(now.wall_ns)
        calls = self._try(lambda: self._listing.day(str(today))) or []
        return Status(
            at=now.isoformat(),
            station=self._config.station,
            version=__version__,
            store=str(self._store.path),
            demonstration=self._store.info.demonstration,
            recorder=recorder,
            ring=RingStatus(
                slots=self._store.info.slots, free=self._lending.slots.free, leased=len(self._lending.lease.slots)
            ),
            calls_today=len(calls),
            marks_today=sum(entry.public.marks for entry in calls),
            alarms=self._alarms.all() + ([] if recorder is None else recorder.alarms),
        )


def keeper_socket(store_dir: Path, config: Config) -> Path:
    """Where control listens."""
    return Path(config.service.socket) if config.service.socket else store_dir / "run" / "keeper.sock"


def link_socket(store_dir: Path) -> Path:
    """Where the keeper listens for the recorder."""
    return store_dir / "run" / "link.sock"
