"""A box in moments, for recordings of what it does to its disk: the recorder's storage and the keeper, as they are,
over a store of few slots, with the clock in hand.

    box = Acting(path)
    call = box.open()
    box.talk(call, 3)                   a batch a second, each a commit
    box.hang_up(call)
    box.poll()                          the keeper looks
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from ulid import ULID

from tsuwaroku.clock import NS, ClockQuality, Instant, from_iso
from tsuwaroku.config import Config, LineConfig, Mode, StoreConfig
from tsuwaroku.records.call import Audio, CallRecord, ClockRecord, Direction, Mark, Outcome, Retention
from tsuwaroku.records.retention import Period, day_of, expires_on
from tsuwaroku.service import lending, ops
from tsuwaroku.service.assembly import HOLD_BACK, audit_head, sequence_floor, take_over
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.storage import StorageWorker
from tsuwaroku.store.amendments import slots_aside
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import Journal, JournalRecord
from tsuwaroku.store.keys import Recipients, make_recovery_key
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.writer import CallOpening, RingWriter

RATE = 8000
PERIOD = Period(5)
CONFIG = Config(
    line=(LineConfig(id="1"), LineConfig(id="2", mode=Mode.ON_BUTTON), LineConfig(id="3")),
    store=StoreConfig(retention_days=PERIOD.count),
)
MINUTE, HOUR, DAY = 60 * NS, 3600 * NS, 86_400 * NS


@dataclass(eq=False)
class Talk:
    """A call as the box has made it so far. `given`: samples handed to the storage."""

    id: bytes
    line: str
    began: Instant
    given: int = 0
    marks: int = 0

    @property
    def name(self) -> str:
        """The ULID."""
        return str(ULID.from_bytes(self.id))


@dataclass
class Acting:
    """`tell` is told of what is promised, and of sound as it is given away. `boot` makes boot id and instance."""

    path: Path
    slots: int = 12
    wall_ns: int = from_iso("2026-11-23T12:00:00+09:00")
    boot: int = 1
    lent: int = 4
    tell: Callable[..., None] = lambda *_: None
    calls: list[Talk] = field(default_factory=list)
    may_go: set[bytes] = field(default_factory=set)  # their time is over: whether they are there or not is all right
    loud: int = 400
    spoilt: set[str] = field(default_factory=set)  # files of the catalogue that were so before the cut
    settings: Config = CONFIG
    late_ns: int = 0  # how much more than usual a failing disk may cost

    def __post_init__(self) -> None:
        self.booted_ns = self.wall_ns - MINUTE
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(lending.Lending, "size", lambda _: self.lent)
        self._noise = np.random.default_rng(5).normal(0, 1, 40 * RATE)
        self.starts = 0  # of recorders
        self.worker: StorageWorker | None = None
        self.keeper: Keeper | None = None

    # -- the clock's protocol

    def now(self) -> Instant:
        return self.at(self.wall_ns - self.booted_ns)

    def at(self, mono_ns: int) -> Instant:
        boot_id = self.boot.to_bytes(16, "big")
        return Instant(self.booted_ns + mono_ns, mono_ns, boot_id, ClockQuality.SYNCHRONISED)

    # -- the processes

    def create(self) -> None:
        """As delivered, it seals to three: here to the demonstration's key and to two that nobody has."""
        store = Store.create(self.path, slots=self.slots, retention_days=PERIOD.code, demonstration=True)
        others = [make_recovery_key()[1] for _ in range(2)]
        store.set_recipients(Recipients([*store.recipients.list, *others]))
        store.close()

    def start_keeper(self) -> Keeper:
        self._keepers = Store.open(self.path, need_device=True)
        self.keeper = Keeper(self._keepers, self.settings, self)
        self.keeper.between = lambda: None
        self.keeper.start()
        return self.keeper

    def stop_keeper(self) -> None:
        assert self.keeper is not None
        self.keeper.close()
        self._keepers.close()
        self.keeper = None

    def start_recorder(self) -> None:
        self.store = store = Store.open(self.path, need_device=True)
        self.starts += 1
        instance = (self.boot << 32 | self.starts).to_bytes(8, "big")
        self._lock = FileLock(store.recorder_lock, instance.hex().encode())
        self._lock.acquire()
        self.journal = take_over(store, self.now())
        self.writer = RingWriter(
            store,
            instance=instance,
            audit_head=lambda: audit_head(store),
            hold_back=HOLD_BACK,
            sequence_floor=sequence_floor(self.journal),
            aside=slots_aside(self.journal.records()),
        )
        self.worker = StorageWorker(store, self.writer, self.journal, RATE, self)

    def stop_recorder(self) -> None:
        assert self.worker is not None
        self.worker.close()
        self._lock.release()
        self.store.close()
        self.worker = None

    def start(self) -> None:
        self.start_keeper()
        self.start_recorder()

    def stop(self) -> None:
        """A clean end of whatever runs."""
        if self.worker is not None:
            self.stop_recorder()
        if self.keeper is not None:
            self.stop_keeper()

    def die(self) -> None:
        """Both processes are gone, and what they had in memory; files and locks go as the kernel lets them go."""
        if self.worker is not None:
            self.journal.close()
            self._lock.release()
            self.store.close()
        if self.keeper is not None:
            self.keeper._trail.audit.close()
            self.keeper._journal.close()
            self.keeper._lock.release()
            self._keepers.close()
        self.worker = self.keeper = None

    def reboot(self, after_ns: int = 5 * MINUTE) -> None:
        """Without power for so long; nothing runs yet."""
        self.die()
        self.wall_ns += after_ns
        self.boot += 1
        self.booted_ns = self.wall_ns - MINUTE

    def let_go(self) -> None:
        """Away with whatever runs, and with what was done to the product."""
        self.die()
        self._patch.undo()

    # -- what the recorder does

    def batch(self, *found: ops.Op) -> ops.Done:
        """What came since the last one; a commit."""
        assert self.worker is not None
        self.wall_ns += NS // 50
        return self.worker.apply(ops.Batch(self.now(), list(found)))

    def open(self, line: str = "1", *, continues: Talk | None = None) -> Talk:
        """It exists with the next batch."""
        number = len(self.calls) + 1
        began = self.now()
        call = Talk((began.wall_ns // 1_000_000).to_bytes(6, "big") + number.to_bytes(10, "big"), line, began)
        self.calls.append(call)
        opening = CallOpening(
            id=call.id,
            line=line,
            extension="2101",
            direction="inbound",
            seized=began,
            rate=RATE,
            continues=None if continues is None else continues.id,
            retention_days=PERIOD.code,
            key_withheld=line == "2",
        )
        self._opened = getattr(self, "_opened", [])
        self._opened.append(ops.OpenCall(opening))
        return call

    def sound(self, call: Talk, seconds: float) -> ops.Op:
        samples = round(seconds * RATE)
        begin = (call.given * 7 + len(call.id)) % (len(self._noise) - samples)
        pcm = (self._noise[begin : begin + samples] * self.loud).clip(-32768, 32767).astype("<i2").tobytes()
        op = ops.AddAudio(call.id, 1000 + call.given, pcm)
        call.given += samples
        self.tell("given", call.id, 1000 + call.given)
        return op

    def talk(self, *calls: Talk, seconds: int = 1) -> None:
        """All of them at once, a batch a second."""
        for _ in range(seconds):
            self.wall_ns += NS
            begun, self._opened = getattr(self, "_opened", []), []
            self.batch(*begun, *(self.sound(call, 1.0) for call in calls))

    def mark(self, call: Talk) -> None:
        """The button, in the call."""
        call.marks += 1
        self.batch(ops.AddEvent(call.id, "mark", self.now().mono_ns, msgspec.to_builtins(Mark(at_s=1.0))))

    def hang_up(self, *calls: Talk) -> None:
        begun, self._opened = getattr(self, "_opened", []), []
        self.batch(*begun, *(ops.CloseCall(call.id, call.line, self.record(call)) for call in calls))

    def record(self, call: Talk) -> CallRecord:
        now = self.now()
        began = call.began
        return CallRecord(
            id=call.name,
            sequence=0,
            line=call.line,
            extension="2101",
            direction=Direction.INBOUND,
            seized_at=began.isoformat(),
            ended_at=now.isoformat(),
            outcome=Outcome.ANSWERED if call.given else Outcome.MISSED,
            marks=[Mark(at_s=1.0) for _ in range(call.marks)],
            audio=Audio(rate=RATE),
            clock=ClockRecord(quality=began.quality.value, mono_ns=began.mono_ns, boot_id=began.boot_id.hex()),
            retention=Retention(expires_on=expires_on(now.wall_ns, PERIOD).isoformat()),
        )

    def call(self, seconds: int = 1, line: str = "1", *, continues: Talk | None = None) -> Talk:
        """A whole call, listed."""
        call = self.open(line, continues=continues)
        self.talk(call, seconds=seconds)
        self.hang_up(call)
        self.poll()
        return call

    # -- what the keeper does

    def poll(self, times: int = 1) -> None:
        """And the recorder hears of a new lease."""
        assert self.keeper is not None
        for _ in range(times):
            self.wall_ns += 2 * NS
            if self.keeper.poll() and self.worker is not None:
                self.worker.lease_changed = True

    def hold(self, *calls: Talk, days: int = 30) -> None:
        assert self.keeper is not None
        until = (self.today + timedelta(days=days)).isoformat()
        asked = HoldRequest(calls=[call.name for call in calls], until=until, reason="a complaint")
        self.keeper.hold(asked, "manager:1001")

    def release(self, *calls: Talk) -> None:
        assert self.keeper is not None
        asked = HoldRequest(calls=[call.name for call in calls], until=None, reason="settled")
        self.keeper.hold(asked, "manager:1001")

    @property
    def today(self) -> date:
        return day_of(self.wall_ns)

    def days_later(self, days: int) -> None:
        """The same boot, the same hour."""
        self.wall_ns += days * DAY

    def expire(self, *calls: Talk) -> None:
        """Their time is over, six days after; the keeper has not looked yet."""
        self.days_later(PERIOD.count + 1)
        self.may_go |= {call.id for call in calls}


def listen(promise: Callable[..., None], patch: pytest.MonkeyPatch) -> None:
    """What the product acknowledges from now on is promised: to a lamp, the other process or a person. `promise` is
    told its kind, and facts."""

    def after(owner: Any, name: str, tell: Callable[..., None]) -> None:
        real = getattr(owner, name)

        def wrapped(self: Any, *args: Any, **keywords: Any) -> Any:
            result = real(self, *args, **keywords)
            tell(self, result, *args)
            return result

        patch.setattr(owner, name, wrapped)

    marks: dict[bytes, int] = {}

    def committed(worker: StorageWorker, done: ops.Done, batch: ops.Batch) -> None:
        for op in batch.ops:
            if isinstance(op, ops.AddEvent) and op.kind == "mark":
                marks[op.call_id] = marks.get(op.call_id, 0) + 1
        for call in done.covered:
            promise("committed", call, worker._committed[call], marks.get(call, 0))
        for call, public in done.closed:
            promise("closed", call, public.marks)

    def written(journal: Journal, record: JournalRecord, *_: object) -> None:
        promise("journal", journal.owner, record.number, record.digest, record)

    def logged(_: AuditLog, entry: AuditEntry, *__: object) -> None:
        promise("audit", entry.number, entry.hash)

    after(StorageWorker, "apply", committed)
    after(Journal, "append", written)
    after(AuditLog, "append", logged)
    after(Catalogue, "put", lambda _, __, entry: promise("catalogue", entry.call_id))
    after(Lease, "save", lambda lease, *_: promise("lease", frozenset(map(tuple, lease.slots))))
