"""A box in simulated time, for a year: recorder and keeper as two processes on one store, each of which may die.

True time stands beside what the box's clock says. Slots are scaled: `scaled_slots` makes the format's 256 KiB smaller
for one test, so that the rings of a year are small enough to be looked at every day.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import tsuwaroku.store
from tests.store.cutting import CutOff, cutting
from tsuwaroku.clock import NS, ClockQuality, Instant, representable
from tsuwaroku.config import Config, LineConfig, StoreConfig
from tsuwaroku.records.judging import Judge
from tsuwaroku.service.assembly import HOLD_BACK, audit_head, sequence_floor, take_over
from tsuwaroku.service.clocking import going, request
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.lending import Lending
from tsuwaroku.service.link import Hello
from tsuwaroku.service.ops import Batch, Done, Op
from tsuwaroku.service.storage import StorageWorker
from tsuwaroku.store import durable, slot
from tsuwaroku.store.amendments import read_amendments, slots_aside
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import DEMO_KEY, Store
from tsuwaroku.store.writer import RingWriter

SYNCHRONISED, _, UNSYNCHRONISED = ClockQuality
SECOND, MINUTE, HOUR, DAY = NS, 60 * NS, 3600 * NS, 86_400 * NS
RATE = 8000
LINES = 8
SLOT = 16 * 1024
"""Of a slot's 256 KiB: the header's block and three more, so that a call of half a second takes several."""
LEASED = 60  # slots lent at a time: on a real box an hour of all lines
KILLED = ("before", "torn")  # what a dead process leaves of the step it died in
POWERLESS = ("power", "power again")  # what is left of everything that was not synced


@contextlib.contextmanager
def scaled_slots(octets: int = SLOT) -> Iterator[None]:
    """Slots of so many octets, and leases of `LEASED` of them."""
    names = [module.name for module in pkgutil.iter_modules(tsuwaroku.store.__path__, "tsuwaroku.store.")]
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            module = importlib.import_module(name)
            if hasattr(module, "SLOT_SIZE"):
                patch.setattr(module, "SLOT_SIZE", octets)
        assert octets == slot.SLOT_SIZE
        patch.setattr(durable, "STEP", octets)  # a ring file is filled in steps of a slot
        patch.setattr(Lending, "size", lambda _: LEASED)
        yield


@dataclass
class Boot:
    """By true time. `off_ns`: without power before it; `heard`: the box was sure of its date when it was last right."""

    began_ns: int
    off_ns: int
    heard: bool = False


class YearBox:
    """`error_ns`: the clock's, beside `true_ns`; `quality`: what it says of itself. It is a `Clock`."""

    def __init__(self, path: Path, slots: int, start_ns: int) -> None:
        self.path = path
        self.true_ns = start_ns
        self.error_ns, self.quality = 0, SYNCHRONISED
        self.boots = [Boot(start_ns - MINUTE, 0)]
        self.on, self.off_since_ns = False, 0
        self.instances = 0
        lines = tuple(LineConfig(id=str(number)) for number in range(1, LINES + 1))
        self.config = Config(line=lines, store=StoreConfig(retention_days=30))
        Store.create(path, slots=slots, retention_days=30, demonstration=True).close()
        self.key = PrivateKey.load(path / DEMO_KEY, lambda: "")
        self.switched_on()

    # -- the clock's protocol

    def now(self) -> Instant:
        return self.at(self.true_ns - self.boots[-1].began_ns)

    def at(self, mono_ns: int) -> Instant:
        wall_ns = representable(self.boots[-1].began_ns + mono_ns + self.error_ns)
        return Instant(wall_ns, mono_ns, (len(self.boots)).to_bytes(16, "big"), self.quality)

    @property
    def right(self) -> bool:
        """Whether the clock shows the true time, and knows it."""
        return self.on and self.quality is SYNCHRONISED and self.error_ns == 0

    # -- power

    def power_cut(self) -> None:
        """Both processes are gone, and what they knew."""
        self.keeper_dies()
        self.recorder_dies()
        self.on, self.off_since_ns = False, self.true_ns

    def power_again(self, date_written: bool) -> None:
        """Now, with a clock that shows 1970, or the date that was written down last; the recorder is there first."""
        off_ns = self.true_ns - self.off_since_ns
        self.boots.append(Boot(self.true_ns, off_ns))
        self.true_ns += 20 * SECOND
        self.error_ns = -off_ns if date_written else -self.boots[-1].began_ns
        self.quality = UNSYNCHRONISED
        self.switched_on()

    def switched_on(self) -> None:
        self.on = True
        self.recorder_starts()
        self.keeper_starts()

    # -- the processes

    def keeper_starts(self) -> None:
        self.store = Store.open(self.path, need_device=True)
        self.keeper = Keeper(self.store, self.config, self)
        self.keeper.between = lambda: None
        self.keeper.start()
        self.keeper.message(Hello(self._instance.hex(), 1))
        self.worker.lease_changed = True
        self._heard()

    def keeper_dies(self) -> None:
        """What it had in memory is gone; the kernel closes its files."""
        self.keeper._lock.release()
        self.keeper._journal.close()
        self.keeper._trail.audit.close()
        self.store.close()

    def recorder_starts(self) -> None:
        self.instances += 1
        self._instance = self.instances.to_bytes(8, "big")
        store = self._recorder_store = Store.open(self.path, need_device=True)
        self._recorder_lock = FileLock(store.recorder_lock, self._instance.hex().encode())
        self._recorder_lock.acquire()
        self.recorder_journal = take_over(store, self.now())
        writer = self.writer = RingWriter(
            store,
            instance=self._instance,
            audit_head=lambda: audit_head(store),
            hold_back=HOLD_BACK,
            sequence_floor=sequence_floor(self.recorder_journal),
            aside=slots_aside(self.recorder_journal.records()),
        )
        self.worker = StorageWorker(store, writer, self.recorder_journal, RATE, self)
        self.recorder_journal.append(JournalType.RECORDER_STARTED, self.now())

    def recorder_dies(self) -> None:
        self._recorder_lock.release()
        self.recorder_journal.close()
        self._recorder_store.close()

    def recorder_comes_again(self) -> None:
        """It died alone; the keeper hears of the next one."""
        self.recorder_starts()
        self.keeper.recorder_gone()
        self.keeper.message(Hello(self._instance.hex(), 1))
        self.worker.lease_changed = True

    # -- work

    def record(self, ops: Sequence[Op]) -> Done:
        """A batch of the recorder's, committed."""
        done = self.worker.apply(Batch(self.now(), list(ops)))
        assert (done.error, done.waiting) == ("", frozenset())
        return done

    def poll(self, times: int = 1) -> None:
        """The keeper's, every two seconds."""
        for _ in range(times):
            self.true_ns += 2 * SECOND
            if self.keeper.poll():
                self.worker.lease_changed = True
            assert self.keeper._trail.fault == ""
        self._heard()

    def drain(self) -> None:
        """Polls until the pass over the calls that began with the day is through."""
        self.poll()
        for _ in range(10_000):
            if self.keeper._upkeep.expiry._rest is None:
                return
            self.poll()
        raise AssertionError("the erasure does not come to its end")

    def _heard(self) -> None:
        """A claim that is in dispute may come to nothing, and the boot is then dated as one that nobody heard."""
        if self.right:
            self.boots[-1].heard = not Judge(self.keeper._upkeep.watch.state, self.now()).suspended

    def dying(self, who: Callable[[], None], step: int, way: str, work: Callable[[], None]) -> bool:
        """`work`, cut off at a step of its own; then `who` is dead. Whether it came so far."""
        try:
            with cutting(step, way):
                work()
        except CutOff:
            who()
            return True
        return False

    def confirmed(self) -> None:
        """The technician proposes the clock; the manager is shown which calls would go, and confirms it."""
        self.keeper.propose_clock("technician")
        seen = self.keeper.clock()
        calls = going(self.store, seen)
        self.keeper.confirm_clock(request(seen, read_amendments(self.store), len(calls), "停電"), "manager")
