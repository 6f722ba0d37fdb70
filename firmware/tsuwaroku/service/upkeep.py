"""The keeper's work that nobody asks for: the lease, what was recorded, what has expired, headers, the day it is full.

It learns what was recorded from the ring itself; messages from the recorder only make it prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ulid import ULID

from tsuwaroku import __version__
from tsuwaroku.clock import Clock
from tsuwaroku.config import Config
from tsuwaroku.errors import StoreError
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.retention import configured
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.clockwatch import ClockWatch
from tsuwaroku.service.intake import Intake, Peer
from tsuwaroku.service.lending import Lending
from tsuwaroku.service.link import Closed, Hello, Note, Report, Upward
from tsuwaroku.service.listing import Listing
from tsuwaroku.service.outlook import Outlook
from tsuwaroku.service.retention import Expiry
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.service.trail import Trail
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.erasure import Eraser, Erasure
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.scan import live_instance
from tsuwaroku.store.torn_header import mend_headers

HEADERS_A_POLL = 500  # 60 ms of work here, 150 ms on a Pi, every two seconds: a million in a good hour


class Upkeep:
    """Made, it has mended what a power cut left and read the ring's headers; `start` lists what was recorded meanwhile.

    `journal`: the keeper's own, for writing; `recorders`: the other. `pause`: between the pieces of an erasure.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        clock: Clock,
        alarms: AlarmBoard,
        trail: Trail,
        journal: Journal,
        recorders: Journal,
        pause: Callable[[], None],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.peer = Peer()
        self._store = store
        self._clock = clock
        self._alarms = alarms
        self._trail = trail
        self._journal = journal
        self._recorders = recorders
        self._day_lost = False
        self.listing = Listing(Catalogue.of(store), self._lost_day)
        lease, whole = self._load_lease()
        self._mend(lease)
        slots = SlotTable(store, progress, self._journal_has if whole else None)
        trail.note("keeper", "keeper started", detail={"version": __version__, "journal": journal.last[0]})
        if journal.damaged:
            trail.note("keeper", "journal damaged", detail={"after": str(journal.last[0])})
        if slots.refused and store.table_path.exists():
            trail.note("keeper", "every header read", detail={"why": slots.refused})
        self.lending = Lending(store, config, slots, lease)
        self.watch = ClockWatch(store, recorders.since(0), journal.since(0), alarms)
        if self.watch.damaged:
            trail.note("keeper", "clock memory damaged", detail={"why": self.watch.damaged})
        self.expiry = self._expiry(config, pause)
        self._intake = Intake(store, journal, self.lending, self.listing, self.expiry, self.peer, alarms, trail, clock)
        self.outlook = Outlook(
            config, self.listing, slots, self.expiry.standing, alarms, demonstration=store.info.is_demonstration
        )

    def start(self) -> None:
        """Finish an erasure that was cut off, and list what is not listed."""
        self._trail.attempt(lambda: self.expiry.finish(self._clock.now()))
        self._relist()

    def close(self) -> None:
        """Leave a snapshot for the next start."""
        self._trail.attempt(self.save_table)
        self._trail.attempt(self.listing.catalogue.fold)

    def catch_up(self) -> None:
        """With the ring; each part of it tried, whatever became of the others."""
        attempt, intake = self._trail.attempt, self._intake
        if self._day_lost:
            attempt(self._relist)
        attempt(intake.refresh_lease)
        attempt(intake.release_discarded)
        attempt(self._list_closed)
        attempt(intake.settle)
        attempt(intake.forget_keyless)
        attempt(self._expire)

    def lend(self) -> bool:
        """Extend the lease, where that is due, and look through some headers; True where the lease was extended."""
        extended = self._trail.attempt(self._intake.extend_lease)
        self._trail.attempt(self._check_headers)
        return bool(extended)

    def settle(self) -> list[str]:
        """Sign a recovery record for every call that its recorder did not finish. Raises StoreError."""
        return self._intake.settle()

    def judge(self) -> Judge:
        """Who decides what day it is, now, by what was known at the last look."""
        return Judge(self.watch.state, self._clock.now())

    def again(self) -> None:
        """A hold or a clock has changed: what was kept may be due, and the ring fuller or emptier than it was."""
        self.expiry.again()
        self.outlook.again()

    # -- the recorder's messages

    def message(self, message: Upward) -> bool:
        """True when the recorder ought to read its lease again. Raises StoreError."""
        match message:
            case Hello(instance):
                self.peer.instance = instance
                self._intake.refresh_lease()
                self._intake.settle()
                if instance:
                    self._intake.resumed()
                self._intake.extend_lease()
                return True  # it may have started before there was a lease
            case Report(status):
                self.peer.status = status
                self.peer.seen_ns = self._clock.now().mono_ns
            case Closed(calls):
                self._intake.refresh_lease()
                self._intake.list_closed(ULID.from_str(call).bytes for call in calls)
                return self._intake.extend_lease()
            case Note(verb, subject, detail):
                self._trail.note("recorder", verb, subject=subject, detail=detail)
        return False

    def recorder_gone(self) -> None:
        """Its end of the link was closed."""
        self.peer.status = None
        self._trail.attempt(self._intake.refresh_lease)
        self._trail.attempt(self._list_closed)

    # -- the lease and the slot table

    def _load_lease(self) -> tuple[Lease, bool]:
        """The lease, and whether it could be read; else it is made anew, and every header is read.

        What the recorder still holds of it is lent to it again, with the same generations: whatever it took has a
        header by now, or will be passed over by it.
        """
        try:
            return Lease.load(self._store.lease_path, self._store.store_id), self._store.lease_path.exists()
        except StoreError as error:
            self._trail.note("keeper", "lease damaged", detail={"why": str(error)})
            numbers = [r.public.get("sequence") for j in (self._journal, self._recorders) for r in j.since(0)]
            return Lease(sequence_floor=max([0, *(n for n in numbers if isinstance(n, int))]) + 1), False

    def _mend(self, lease: Lease) -> None:
        """What a power cut left half in our journal; in the lent slots, too, where no recorder has them."""
        now = self._clock.now()
        self._trail.attempt(lambda: self._journal.mend(now))
        if live_instance(self._store) is None:
            self._trail.attempt(lambda: mend_headers(self._store, lease.slots, self._journal, now))

    def _journal_has(self, number: int, digest: bytes) -> bool:
        return number == 0 or self._journal.has(number, digest)

    def save_table(self) -> None:
        """A snapshot of the slot table. Raises StoreError."""
        self.lending.save_table(self._journal.last)

    def _check_headers(self) -> None:
        """A start reads headers without their signatures, and from a snapshot not all of them; the rest is done while
        the box is at work."""
        slots = self.lending.slots
        if slots.look_through(HEADERS_A_POLL):
            self._relist()
        unchecked = slots.unchecked
        for problem in slots.check(HEADERS_A_POLL):
            self._alarms.set("call_damaged", True, self._clock.now(), detail=problem)
            self._trail.note("keeper", "header damaged", detail={"why": problem})
        if self.lending.table_due or (unchecked and not slots.unchecked):
            self.save_table()

    # -- the catalogue

    def _relist(self) -> None:
        """What the catalogue has, and what it has not."""
        self._day_lost = False
        self._intake.relist()

    def _list_closed(self) -> None:
        self._intake.list_closed(self._intake.waiting())

    def _lost_day(self, day: str, why: str) -> None:
        self._day_lost = True
        self._trail.note("keeper", "catalogue damaged", subject=day, detail={"why": why})

    # -- retention

    def _expiry(self, config: Config, pause: Callable[[], None]) -> Expiry:
        eraser = Eraser(
            self._store,
            self._journal,
            self.listing.catalogue,
            log=self._log_erasure,
            pause=lambda slots: pause(),
            recorder=self._recorders,
        )
        return Expiry(
            self._store,
            self.listing,
            self._journal,
            self._alarms,
            eraser,
            self._erased,
            configured(config.store),
            self.lending.keep_numbers,
        )

    def _expire(self) -> None:
        now = self._clock.now()
        judge = self.watch.look(now)
        self.expiry.poll(judge, now)
        self.outlook.poll(judge, now, stopped=self.expiry.stopped)

    def _log_erasure(self, erasure: Erasure) -> str:
        self._trail.write()
        return self._trail.audit.append(self._clock.now(), "keeper", "calls erased", detail=erasure.detail()).hash

    def _erased(self, erasure: Erasure, calls: Sequence[bytes]) -> None:
        """Their slots are free, and lent again in their turn."""
        self.lending.erased(slot for slot, _ in erasure.slots)
        self._intake.forget(calls)
        if not calls:
            self.listing.read()
