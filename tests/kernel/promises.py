"""What the product promises while it records, marked in the log of a disk, and whether a disk keeps it.

A promise is whatever the product itself takes for durable, at the moment it does: what it then tells a lamp, the other
process or a person. Nothing is guessed from outside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from tests.crash.box import Span, subtract
from tests.service.marker import marker
from tests.service.support import demo_key
from tsuwaroku.clock import VirtualClock
from tsuwaroku.config import Config, LineConfig, LineTimers, Mode
from tsuwaroku.errors import SecretError, StoreError, TsuwarokuError
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.records.call import CallRecord, Integrity
from tsuwaroku.service import lending, ops, storage
from tsuwaroku.service import simulate as simulation
from tsuwaroku.service.assembly import Assembled, new_instance
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.simulate import LocalLink
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.reader import CallReader, Check
from tsuwaroku.store.recovery import find_calls, read_amendments
from tsuwaroku.store.scan import StoredCall
from tsuwaroku.store.slot import WrappedKey
from tsuwaroku.store.verify import verify_store

_Slots = frozenset[tuple[int, int]]
RATE = 8000
LOSS_S = 1.5
TICK_S = 0.1
START = 1_780_066_765 * 1_000_000_000  # 23:59:25 in Tokyo: midnight comes in the middle of it
AGAIN = START + 3600 * 1_000_000_000
BUTTON = LineTimers(mark_window_s=1.0)
CONFIG = Config(
    line=(
        LineConfig(id="1"),
        LineConfig(id="2", mode=Mode.ON_BUTTON, timers=BUTTON),
        LineConfig(id="3", mode=Mode.ON_BUTTON, timers=BUTTON),
    )
)


@dataclass(frozen=True, slots=True)
class Promise:
    """`kind` says what `facts` are; a "tick" promises nothing: its fact is the time of the stream in seconds."""

    kind: str
    facts: tuple[Any, ...]


class Promises:
    """Every promise so far, each marked in the log by its number. For several threads."""

    def __init__(self, mark: Callable[[str], None]) -> None:
        self._mark = mark
        self._lock = threading.Lock()
        self.all: list[Promise] = []

    def give(self, kind: str, *facts: Any) -> None:
        with self._lock:
            self.all.append(Promise(kind, facts))
            self._mark(str(len(self.all) - 1))

    def listen(self, patch: pytest.MonkeyPatch) -> None:
        """From now on the product's acknowledgements are promises."""

        def after(owner: Any, name: str, tell: Callable[..., None]) -> None:
            real = getattr(owner, name)

            def wrapped(self: Any, *args: Any, **keywords: Any) -> Any:
                result = real(self, *args, **keywords)
                tell(self, result, *args)
                return result

            patch.setattr(owner, name, wrapped)

        give = self.give
        marks: dict[bytes, int] = {}

        def committed(worker: Any, done: ops.Done, batch: ops.Batch) -> None:
            for op in batch.ops:
                if isinstance(op, ops.AddEvent) and op.kind == "mark":
                    marks[op.call_id] = marks.get(op.call_id, 0) + 1
            for call in done.covered:
                give("committed", call, worker._committed[call], marks.get(call, 0))
            for call, public in done.closed:
                give("closed", call, public.marks)

        after(storage.StorageWorker, "apply", committed)
        after(Journal, "append", lambda self, record, *_: give("journal", self.owner, record.number, record.digest))
        after(AuditLog, "append", lambda _, entry, *__: give("audit", entry.number, entry.hash))
        after(Catalogue, "put", lambda _, __, entry: give("catalogue", entry.call_id))
        after(Lease, "save", lambda lease, *_: give("lease", frozenset(map(tuple, lease.slots))))


def record_day(
    path: Path,
    script: Path,
    slots: int,
    promises: Promises,
    patch: pytest.MonkeyPatch,
    mutate: Callable[[pytest.MonkeyPatch], None] | None = None,
    *,
    realtime: bool = True,
) -> None:
    """A store is made, and recorder and keeper play `script` into it, with acts of people in between.

    In `realtime` (which costs nothing in virtual time) the recorder's two threads run as they do in the product, and
    the kernel's own writing of what is old enough comes in between. `mutate` is done to the product before the day
    begins.
    """
    patch.setattr(lending, "LEASE_HOURS", 0.001)
    patch.setattr(lending, "CALLS_AN_HOUR", 2000)
    create_demo_store(path, CONFIG, slots)
    promises.give("made")
    if mutate is not None:
        mutate(patch)
    promises.listen(patch)
    store = Store.open(path, need_device=True)
    clock = VirtualClock(START)
    keeper = Keeper(store, CONFIG, clock)
    keeper.start()
    board = VirtualBoard(load_script(script).sources(), clock, realtime=realtime, tail_s=simulation.TAIL_S)
    board.open()
    link = LocalLink(keeper)
    assembled = Assembled(
        CONFIG, board=board, clock=clock, store=store, link=link, instance=new_instance(), inline=not realtime
    )
    people = [
        (15.0, lambda: keeper.audit("technician:1000", "status read", "box", "a routine look")),
        (40.0, lambda: keeper.mark(_first_call(store), "unreasonable_demand", marker("manager:1001"), None)),
    ]
    next_tick = next_poll = 0.0

    def told(now_s: float) -> None:
        nonlocal next_tick, next_poll
        if now_s >= next_tick:
            next_tick = now_s + TICK_S
            promises.give("tick", now_s)
        if now_s >= next_poll:
            next_poll = now_s + 2.0
            if keeper.poll():
                link._changed = True
        if people and now_s >= people[0][0]:
            people.pop(0)[1]()

    try:
        assembled.recorder.run(lambda: False, told)
    finally:
        board.close()
        assembled.release()
        keeper.poll()
        keeper.close()
        store.close()


def _first_call(store: Store) -> str:
    return next(entry.public.id for entry in Catalogue(store.catalogue_dir).entries())


class Judge:
    """Looks at what power cuts left of one day. `off_hook`: when (s) which line records every call and is in one."""

    def __init__(self, off_hook: Mapping[str, Sequence[Span]], promises: Sequence[Promise]) -> None:
        self.off_hook = off_hook
        self.leases: list[frozenset[tuple[int, int]]] = [
            promise.facts[0] for promise in promises if promise.kind == "lease"
        ]
        self.worst_s = 0.0  # the most that was missing of a call in progress
        self._decoded: dict[object, tuple[Check, CallRecord]] = {}

    def faults(self, path: Path, promises: Sequence[Promise]) -> list[str]:
        """What of `promises`, those given before the cut, does not hold, and whatever else is wrong with the store.

        Records, catalogue and lease are read as the cut left them; then a keeper looks in, and the calls are read.
        """
        if not (path / "store.json").exists() and not promises:
            return []
        try:
            store = Store.open(path, need_device=True)
        except TsuwarokuError as error:
            return [f"the store does not open: {error}"]
        try:
            found = _records(store, promises) + _lease(store, promises, self.leases)
            keeper = Keeper(store, CONFIG, VirtualClock(AGAIN))
            keeper.start()
            keeper.close()
            if keeper._trail.fault:
                found.append(f"the keeper has trouble: {keeper._trail.fault}")
            report = verify_store(store)
            found += report.problems + [f"call {c.sequence}: {text}" for c in report.calls for text in c.problems]
            return found + _Calls(self, store).faults(promises)
        except (TsuwarokuError, OSError) as error:
            return [f"{type(error).__name__}: {error}"]
        finally:
            store.close()

    def read(self, stored: StoredCall, store: Store, wraps: Sequence[WrappedKey]) -> tuple[Check, CallRecord]:
        """A call decoded. Its digest stands for every octet of it, so what was decoded once is known."""
        key = (stored.call_id, stored.digest, stored.committed, stored.last, tuple(wraps))
        if key not in self._decoded:
            reader = CallReader(stored, store, demo_key(store.path), wraps)
            self._decoded[key] = reader.check(), reader.record()
        return self._decoded[key]


def _records(store: Store, promises: Sequence[Promise]) -> list[str]:
    """The promises about journals, audit log and catalogue that do not hold."""
    catalogue = Catalogue(store.catalogue_dir)
    found = catalogue.problems()
    journals = {
        (owner, record.number, record.digest)
        for owner in ("recorder", "keeper")
        for record in Journal.open(store.journal_dir, owner, store).records()
    }
    audit = {(entry.number, entry.hash) for entry in AuditLog.open(store).entries()}
    there: dict[str, set[Any]] = {
        "journal": journals,
        "audit": audit,
        "catalogue": {(entry.call_id,) for day in catalogue.days() for entry in _entries(catalogue, day)},
    }
    broken = [p for p in promises if p.kind in there and p.facts not in there[p.kind]]
    return found + [f"broken promise: {promise}" for promise in broken]


def _entries(catalogue: Catalogue, day: str) -> list[CatalogueEntry]:
    try:
        return catalogue.for_day(day)
    except StoreError:
        return []  # `problems` has named it


def _lease(store: Store, promises: Sequence[Promise], leases: Sequence[_Slots]) -> list[str]:
    """The lease must be the last one promised, or the one that was just being written."""
    given = sum(promise.kind == "lease" for promise in promises)
    lease = frozenset(Lease.load(store.lease_path, store.store_id).slots)
    fitting = leases[max(0, given - 1) : given + 1]
    return [] if lease in fitting or not given else [f"broken promise: the lease is not one of {fitting}"]


class _Calls:
    """The calls of one store."""

    def __init__(self, judge: Judge, store: Store) -> None:
        self._judge = judge
        self._store = store
        self._found: list[str] = []
        self._amendments = read_amendments(store)
        self._gone = {call for call in self._amendments if self._amendments.gone(call)}
        self._calls: dict[bytes, CallRecord] = {}
        self._nobodys: set[bytes] = set()  # on the button, and not pressed when the power went

    def faults(self, promises: Sequence[Promise]) -> list[str]:
        """Against all that was promised of them."""
        self._read()
        listed = {entry.call_id for entry in Catalogue(self._store.catalogue_dir).entries()} - self._gone
        halves = listed ^ (self._calls.keys() | self._nobodys)
        self._found += [f"call {ULID(call)} is listed, or there, but not both" for call in halves]
        for promise in promises:
            if promise.kind in ("committed", "closed"):
                self._check(promise, *promise.facts)
        self._check_loss(max((promise.facts[0] for promise in promises if promise.kind == "tick"), default=0.0))
        return self._found

    def _read(self) -> None:
        for stored in find_calls(self._store, None):
            if not stored.committed or stored.call_id in self._gone:
                continue
            try:
                wraps = self._amendments.wraps(stored.call_id)
                check, self._calls[stored.call_id] = self._judge.read(stored, self._store, wraps)
            except SecretError:
                self._nobodys.add(stored.call_id)
            else:
                self._found += [f"call {stored.sequence}: {text}" for text in check.problems]

    def _check(self, promise: Promise, call: bytes, *facts: int) -> None:
        if call in self._gone or call in self._nobodys:
            return
        record = self._calls.get(call)
        if record is None:
            self._found.append(f"broken promise: {promise}: it is not there")
            return
        end = (record.audio.first_sample or 0) + record.audio.samples
        if promise.kind == "committed":
            until, marks = facts
            kept = end >= until and len(record.marks) >= marks
        else:
            kept = record.integrity is Integrity.SEALED and len(record.marks) >= facts[0]
        if not kept:
            self._found.append(f"broken promise: {promise}: it ends at {end}, {record.integrity}, {record.marks}")

    def _check_loss(self, now_s: float) -> None:
        """Of a call that was going on, at most the last LOSS_S are missing; of every other, nothing."""
        for line, spans in self._judge.off_hook.items():
            until_now = [(begin, min(end, now_s)) for begin, end in spans if begin < now_s]
            runs = [run for call in self._calls.values() if call.line == line for run in call.audio.runs]
            recorded = [(run.first_sample / RATE, (run.first_sample + run.samples) / RATE) for run in runs]
            for begin, end in subtract(until_now, recorded):
                self._judge.worst_s = max(self._judge.worst_s, now_s - begin)
                if begin < now_s - LOSS_S:
                    self._found.append(f"line {line}: {begin:.3f} to {end:.3f} s are missing, cut at {now_s:.3f} s")
