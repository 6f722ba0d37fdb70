"""The keeper: owns everything on disk but the slots it has lent and the recorder's journal.

It learns what was recorded from the ring itself; messages from the recorder only make it prompt. So it may be
killed, stopped for an hour or started late, and nothing is lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from ulid import ULID

from tsuwaroku import __version__
from tsuwaroku.clock import Clock
from tsuwaroku.config import Config
from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.call import MarkKind
from tsuwaroku.records.retention import day_of
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.link import Closed, Hello, Note, Report, Upward
from tsuwaroku.service.marking import mark_call
from tsuwaroku.service.sizing import WORST_OCTETS_A_SECOND
from tsuwaroku.service.status import RecorderStatus, RingStatus, Status
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.durable import FileLock, replace_file
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import entry_of, find_calls, settle_interrupted

LEASE_HOURS = 1.0  # what the recorder can go on with while the keeper is away
RECORDER_SILENT_NS = 3_000_000_000


class SlotTable:
    """Which slots are free, from their header blocks. Grants go round the ring in circular order."""

    def __init__(self, store: Store, progress: Callable[[int, int], None] | None = None) -> None:
        self._store = store
        total = store.info.slots
        self._generation = [0] * total
        self._taken: dict[int, int] = {}  # wall time when the slot was taken
        self.highest_sequence = 0
        self.used: dict[int, bytes] = {}
        for index in range(total):
            self._read(index, store.ring.read_block0(index))
            if progress is not None and index % 1024 == 0:
                progress(index, total)
        newest = max(self.used, key=lambda index: self._taken.get(index, 0), default=-1)
        self._next = (newest + 1) % total

    def _read(self, index: int, block: bytes) -> None:
        self._generation[index] = fmt.generation_of(block)
        header = None
        with contextlib.suppress(fmt.FormatError):
            header = fmt.unpack_slot(block)
        if header is None and block[:8] == fmt.MAGIC_FREE:
            self.used.pop(index, None)
        elif header is None:
            self.used[index] = b""  # unreadable: never handed out, `verify` names it
        else:
            self.used[index] = header.call_id
            self._taken[index] = header.wall_ns
            self.highest_sequence = max(self.highest_sequence, header.sequence)

    def refresh(self, lent: Sequence[tuple[int, int]]) -> set[bytes]:
        """Read the headers of lent slots again; the calls found in those that were taken since they were lent."""
        taken: set[bytes] = set()
        for index, generation in lent:
            block = self._store.ring.read_block0(index)
            if fmt.generation_of(block) >= generation:
                self._read(index, block)
                taken.add(self.used.get(index, b""))
        return taken - {b""}

    def release(self, call_id: bytes) -> None:
        """The slots of a discarded call are free again; their next use overwrites them."""
        for index in [i for i, owner in self.used.items() if owner == call_id]:
            del self.used[index]

    @property
    def free(self) -> int:
        return len(self._generation) - len(self.used)

    def grant(self, count: int, lent: set[int]) -> list[tuple[int, int]]:
        """Up to `count` free slots not yet lent, as (slot, generation), in circular order."""
        granted: list[tuple[int, int]] = []
        total = len(self._generation)
        for step in range(total):
            if len(granted) == count:
                break
            index = (self._next + step) % total
            if index not in self.used and index not in lent:
                granted.append((index, self._generation[index] + 1))
        if granted:
            self._next = (granted[-1][0] + 1) % total
        return granted


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
        self._unlisted: set[bytes] = set()  # calls in leased slots that are not in the catalogue yet
        self._head = ""

    def start(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Take the store, read the ring's headers, list what was recorded meanwhile, lend slots."""
        self._lock.acquire()
        store = self._store
        self._journal = Journal.open(store.journal_dir, "keeper", store, store.device)
        self._recorder_journal = Journal.open(store.journal_dir, "recorder", store)
        self._journal_seen = 0
        self._audit = AuditLog.open(store, store.device)
        self._catalogue = Catalogue(store.catalogue_dir)
        self._slots = SlotTable(store, progress)
        self._lease = Lease.load(store.lease_path) if store.lease_path.exists() else Lease(slots=[], sequence_floor=1)
        listed = {entry.public.id for entry in self._catalogue.entries()}
        self._unlisted = {
            call_id for call_id in self._slots.used.values() if call_id and str(ULID.from_bytes(call_id)) not in listed
        }
        self._release_discarded()
        self._audit.append(self._clock.now(), "keeper", "keeper started", detail={"version": __version__})
        self.poll()

    def close(self) -> None:
        self._audit.append(self._clock.now(), "keeper", "keeper stopped")
        self._journal.close()
        self._lock.release()

    # -- the recorder's messages

    def message(self, message: Upward) -> bool:
        """One message; True when the recorder ought to read its lease again."""
        match message:
            case Hello(instance):
                self._instance = instance
                self._refresh_lease()
                self.settle()
                self._extend_lease()
                return True  # it may have started before there was a lease
            case Report(status):
                self._recorder = status
                self._recorder_seen_ns = self._clock.now().mono_ns
            case Closed():
                self._refresh_lease()
                self._list_closed()
                return self._extend_lease()
            case Note(verb, subject, detail):
                self._audit.append(self._clock.now(), "recorder", verb, subject=subject, detail=dict(detail))
        return False

    def recorder_gone(self) -> None:
        """Its end of the link was closed."""
        self._recorder = None
        self._refresh_lease()
        self._list_closed()

    def poll(self) -> bool:
        """Catch up with the ring; True when the lease was extended. Every few seconds, and at once after messages."""
        self._refresh_lease()
        self._release_discarded()
        self._list_closed()
        self.settle()
        self._publish_head()
        return self._extend_lease()

    def _publish_head(self) -> None:
        """The audit log's head, for the recorder to seal into every commit: a cut-off tail then shows."""
        head = self._audit.head().hex()
        if head != self._head:
            self._head = head
            replace_file(self._store.run_dir / "audit.head", head.encode(), 0o640)

    # -- slots

    @property
    def free_slots(self) -> int:
        """Slots that may be used, lent ones included."""
        return self._slots.free

    def lease_size(self) -> int:
        """Slots for an hour of every line at the worst rate, within the ring."""
        lines = max(1, len(self._config.line))
        octets = lines * LEASE_HOURS * 3600 * WORST_OCTETS_A_SECOND * self._config.board.rate / 8000
        return int(octets / fmt.SLOT_SIZE) + 2 * lines

    def _refresh_lease(self) -> None:
        for call_id in self._slots.refresh(self._lease.slots):
            if self._catalogue.get(str(ULID.from_bytes(call_id))) is None:
                self._unlisted.add(call_id)

    def _extend_lease(self) -> bool:
        """Lend more when half is used.

        The new lease holds what is unused of the old one, so that nothing is lent twice, and the slots of calls not
        yet listed: a recorder that starts anew finds in them what was cut off.
        """
        used = self._slots.used
        kept = [
            (at, generation) for at, generation in self._lease.slots if at not in used or used[at] in self._unlisted
        ]
        unused = sum(at not in used for at, _ in kept)
        wanted = self.lease_size()
        if unused > wanted // 2:
            return False
        granted = self._slots.grant(wanted - unused, {at for at, _ in kept})
        if not granted:
            return False
        self._lease = Lease(slots=[*kept, *granted], sequence_floor=self._sequence_floor())
        self._lease.save(self._store.lease_path)
        return True

    def _sequence_floor(self) -> int:
        return max(self._lease.sequence_floor, self._slots.highest_sequence + 1)

    def _release_discarded(self) -> None:
        """Calls of on_button lines that nobody pressed for."""
        for record in self._recorder_journal.records()[self._journal_seen :]:
            self._journal_seen += 1
            if record.type is JournalType.DISCARDED:
                self._give_back(record.call_id)

    def _give_back(self, call_id: bytes) -> None:
        """The slots of a call that is none are free; lent again, with a new generation, they are overwritten."""
        slots = set(self._slots_of({call_id}))
        self._slots.release(call_id)
        self._unlisted.discard(call_id)
        self._lease.slots = [(at, generation) for at, generation in self._lease.slots if at not in slots]

    # -- calls

    def _list_closed(self) -> None:
        """Check every call the recorder closed, without a key, and put it into the catalogue."""
        if not self._unlisted:
            return
        for stored in find_calls(self._store, self._slots_of(self._unlisted)):
            if not stored.last or stored.call_id not in self._unlisted:
                continue
            self._catalogue.put(entry_of(stored))
            self._unlisted.discard(stored.call_id)
            if stored.problems:
                now = self._clock.now()
                self._alarms.set("call_damaged", True, now, stored.headers[0].line, stored.problems[0])
                self._audit.append(now, "keeper", "call damaged", subject=stored.id)

    def settle(self) -> list[str]:
        """Sign a recovery record for every call that its recorder did not finish."""
        if not self._unlisted:
            return []
        alive = bytes.fromhex(self._instance) if self._recorder is not None else None
        now = self._clock.now()
        settled = settle_interrupted(self._store, self._journal, alive, now, self._slots_of(self._unlisted))
        for call_id in settled:
            self._audit.append(now, "keeper", "call recovered", subject=call_id)
            self._unlisted.discard(ULID.from_str(call_id).bytes)
        self._release_empty(alive)
        return settled

    def _release_empty(self, alive: bytes | None) -> None:
        """A slot whose header was written and nothing after it holds no call: it is free again."""
        for stored in find_calls(self._store, self._slots_of(self._unlisted)):
            ongoing = stored.open_now or stored.headers[-1].instance == alive
            if not stored.committed and not stored.problems and not ongoing:
                self._give_back(stored.call_id)

    def _slots_of(self, calls: set[bytes]) -> list[int]:
        return [index for index, owner in self._slots.used.items() if owner in calls]

    # -- acts of people, through control

    def mark(self, call_id: str, kind: str, by: str, withdraw: int | None) -> dict[str, object]:
        """Mark a call, or withdraw one of its marks (counted from 1). Both stay in the record."""
        entry = self._catalogue.get(call_id)
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

    def audit(self, actor: str, verb: str, subject: str, why: str) -> dict[str, object]:
        """An entry durable before the act it records."""
        entry = self._audit.append(self._clock.now(), actor, verb, subject=subject, why=why)
        return {"number": entry.number, "hash": entry.hash}

    # -- status

    def status(self) -> Status:
        now = self._clock.now()
        silent = self._recorder_seen_ns is None or now.mono_ns - self._recorder_seen_ns > RECORDER_SILENT_NS
        self._alarms.set("recorder_away", silent, now)
        recorder = None if silent else self._recorder
        today = day_of(now.wall_ns)
        calls = self._catalogue.for_day(today)
        return Status(
            at=now.isoformat(),
            station=self._config.station,
            version=__version__,
            store=str(self._store.path),
            demonstration=self._store.info.demonstration,
            recorder=recorder,
            ring=RingStatus(slots=self._store.info.slots, free=self._slots.free, leased=len(self._lease.slots)),
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
