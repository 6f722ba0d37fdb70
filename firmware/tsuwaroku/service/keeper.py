"""The keeper: owns everything on disk but the slots it has lent and the recorder's journal.

It learns what was recorded from the ring itself; messages from the recorder only make it prompt. So it may be
killed, stopped for an hour or started late, and nothing is lost.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from tsuwaroku import __version__
from tsuwaroku.clock import Clock, Instant
from tsuwaroku.config import Config
from tsuwaroku.errors import RefusedError, ServiceError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.appointments import noted_ended
from tsuwaroku.records.call import MarkKind
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.retention import day_of
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.actswatch import ActsWatch
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.asking import Asker, asker_of
from tsuwaroku.service.asking import Peer as Asking
from tsuwaroku.service.attempts import BAD_INPUT, attempt
from tsuwaroku.service.callrows import CallLists
from tsuwaroku.service.clocking import ClockRequest, ClockSeen, confirm_clock, propose_clock
from tsuwaroku.service.fates import Fates
from tsuwaroku.service.forecast import HoldEffect
from tsuwaroku.service.hearing import Hearings
from tsuwaroku.service.holding import HoldRequest, carry_out, effect_on, refuse_hold
from tsuwaroku.service.ledger import Ledger
from tsuwaroku.service.link import Upward
from tsuwaroku.service.listening import note_act
from tsuwaroku.service.listing import Listing
from tsuwaroku.service.marking import mark_call, may_mark
from tsuwaroku.service.mediawatch import MediaWatch
from tsuwaroku.service.oddacts import OddActsWatch
from tsuwaroku.service.paperwatch import PaperWatch
from tsuwaroku.service.queuewatch import QueueWatch
from tsuwaroku.service.refusals import NO_RIGHT, PerMinute, Refusals
from tsuwaroku.service.sealing import due_recipients
from tsuwaroku.service.status import Place, RingStatus, Status
from tsuwaroku.service.trail import Trail
from tsuwaroku.service.upkeep import Upkeep
from tsuwaroku.service.wordsweep import WordSweep
from tsuwaroku.store.audit import KEEPER, AuditLog
from tsuwaroku.store.catalogue import CatalogueEntry
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.keys import Recipients
from tsuwaroku.store.layout import Store
from tsuwaroku.store.slot import WrappedKey
from tsuwaroku.store.standing import Standing

GRACE_NS = 5_000_000_000  # both start together, and a recorder needs a second or two
RECORDER_SILENT_NS = 3_000_000_000
NAP_S = 0.02  # between two pieces of an erasure: the recorder's commits have the disk to themselves


class Keeper:
    """Used by one thread (or one event loop). `start` before anything else; `close` at the end."""

    def __init__(self, store: Store, config: Config, clock: Clock) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._lock = FileLock(store.path / "keeper.lock")
        self._alarms = AlarmBoard()
        self._recipients_changed = False
        self.between: Callable[[], None] = lambda: time.sleep(NAP_S)
        """Called between the pieces of an erasure: to let the disk rest, and to hear the recorder."""
        self.reading_unrecorded = False  # somebody is being answered when the box could not record

    def start(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Take the store, read the ring's headers, list what was recorded meanwhile, lend slots."""
        self._lock.acquire()
        self._started_ns = self._clock.now().mono_ns
        store, clock, alarms = self._store, self._clock, self._alarms
        alarms.set("store_changed", not store.info.is_as_made, clock.now(), detail=str(store.path / "store.json"))
        self._journal = Journal.open(store.journal_dir, "keeper", store, store.device)
        self._recorder_journal = Journal.open(store.journal_dir, "recorder", store, keepers=self._journal)
        self._trail = Trail(store, clock, alarms)
        journals = self._journal, self._recorder_journal
        self._upkeep = Upkeep(store, self._config, clock, alarms, self._trail, *journals, self._pause, progress)
        self._ledger = Ledger(self._trail, self._journal, clock)
        self._refusals = Refusals(self._trail, clock)
        self.said_by_consoles = PerMinute(clock)
        self._fates = Fates(store, self._config, self.listing, self._upkeep.expiry.standing)
        self.call_lists = CallLists()
        self.hearings = Hearings(self.audit)
        self._queue_watch = QueueWatch(self._fates, self._ledger, alarms)
        papers, media = PaperWatch(self._config, self._ledger, alarms), MediaWatch(self._ledger, alarms)
        odd = OddActsWatch(self._ledger, alarms)
        self._watches: tuple[ActsWatch, ...] = (self._queue_watch, papers, media, odd)
        self._words = WordSweep(self._ledger, self._trail, self._config.ledger_years)
        self.follow_appointments()
        self._upkeep.start()
        self.poll()

    def _pause(self) -> None:
        self.between()

    def refuse_other_place(self) -> None:
        """What is open here is on a disk that was taken away and mounted anew: only a new start finds it all again.
        Raises ServiceError."""
        if self._lock.lost():
            raise ServiceError(
                "the disk was mounted anew",
                where=str(self._store.path),
                remedy="nothing to do: the keeper starts again",
            )

    def close(self) -> None:
        self._trail.attempt(self.hearings.end_all)
        self._upkeep.close()
        self._trail.note("keeper", "keeper stopped", detail={"journal": self._journal.last[0]})
        self._trail.audit.close()
        self._journal.close()
        self._lock.release()

    def message(self, message: Upward) -> bool:
        """One message of the recorder; True when it ought to read its lease again."""
        return bool(self._trail.attempt(lambda: self._upkeep.message(message)))

    def recorder_gone(self) -> None:
        """Its end of the link was closed."""
        self._upkeep.recorder_gone()

    def poll(self) -> bool:
        """Catch up with the ring; True when the lease was extended or calls are sealed to others. Every few
        seconds, and at once after messages."""
        trail = self._trail
        trail.begin()
        trail.attempt(trail.write)
        self._upkeep.catch_up()
        self._look()
        self.follow_appointments()
        trail.attempt(self._note_ended)
        trail.attempt(lambda: self._words.poll(self.judge, self._clock.now()))
        trail.attempt(self._end_lapsed)
        trail.attempt(trail.publish_head)
        changed = self._upkeep.lend()
        trail.end()
        listed, self._recipients_changed = self._recipients_changed, False
        return changed or listed

    def settle(self) -> list[str]:
        """Sign a recovery record for every call that its recorder did not finish. Raises StoreError."""
        return self._upkeep.settle()

    @property
    def free_slots(self) -> int:
        """Slots that may be used, lent ones included."""
        return self._upkeep.lending.slots.free

    def _end_lapsed(self) -> None:
        """Lists and hearings nobody has gone on with."""
        now_ns = self._clock.now().mono_ns
        for ticket, _, _ in self.call_lists.tickets.lapsed(now_ns):
            self.call_lists.tickets.end(ticket)
        self.hearings.end_lapsed(now_ns)

    def _look(self) -> None:
        """What people have to do, as alarms."""
        for one in self._watches:
            self._trail.attempt(functools.partial(one.poll, self.judge, self._clock.now()))

    # -- acts of people, through control

    @property
    def settings(self) -> Config:
        """The configuration."""
        return self._config

    @property
    def ledger(self) -> Ledger:
        """The acts of records management."""
        return self._ledger

    def asker(self, peer: Asking) -> Asker:
        """What the process at the other end of a connection may do today."""
        found, demo = self._ledger.appointments, self._store.info.is_demonstration
        return asker_of(peer, self._config.service, found, self.today, demonstration=demo)

    @property
    def now(self) -> Instant:
        """What the clock shows."""
        return self._clock.now()

    @property
    def judge(self) -> Judge:
        """Who decides what day it is, now, by what was known at the last look."""
        return self._upkeep.judge()

    @property
    def fates(self) -> Fates:
        """What became of each call."""
        return self._fates

    @property
    def queue_watch(self) -> QueueWatch:
        """The marked calls that wait for the manager."""
        return self._queue_watch

    def refused(self, asker: Asker, verb: Verb, subject: str, why: str = NO_RIGHT) -> None:
        """Somebody asked for what is not theirs, or for what a rule forbids: that leaves a trace, too."""
        self._refusals.note(asker.user, verb.value, subject, why)

    def defect(self, fault: Exception) -> None:
        """Something nobody foresaw, while somebody was being answered."""
        self._trail.defect(fault)

    @property
    def today(self) -> date:
        """The day by which an appointment holds: a clock turned back makes none longer."""
        return self.judge.today

    @property
    def recipients(self) -> Recipients:
        """Whom calls are sealed to now."""
        return self._store.recipients

    @property
    def listing(self) -> Listing:
        """The calls there are."""
        return self._upkeep.listing

    @property
    def standing(self) -> Standing:
        """What the journals say of each call, up to now. Raises StoreError."""
        return self._upkeep.expiry.standing.refresh()

    def keep_wrap(self, call_id: bytes, wrap: WrappedKey) -> None:
        """A call's key for one more recipient; durable on return. Raises StoreError."""
        self._journal.append(JournalType.WRAP, self._clock.now(), call_id, wraps=[wrap])

    def keep_hold(self, call_id: bytes, public: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        """The hold that stands, once more, its reason sealed to whom words are for now. Raises StoreError."""
        now, recipients = self._clock.now(), self._store.recipients.to_wrap()
        self._journal.append(JournalType.HOLD, now, call_id, dict(public), dict(secret), recipients)

    def follow_appointments(self) -> None:
        """Calls and words are sealed to whom the acts say today. The acts are durable before the list, and the list
        before the recorder is told; a failure is an alarm, and the next poll tries again."""
        self._trail.attempt(self._follow)

    def _follow(self) -> None:
        due = Recipients(
            due_recipients(self.recipients.list, self._ledger.appointments, self._ledger.successions, self.today)
        )
        if due != self.recipients:
            self._store.set_recipients(due)
            self._trail.audit.seal_to(due.to_wrap())
            self._recipients_changed = True
        unusable = ", ".join(f"{one.role} {one.name}" for one in self.recipients.unusable)
        self._alarms.set("key_unusable", bool(unusable), self._clock.now(), detail=unusable)

    def _note_ended(self) -> None:
        """Appointments whose last day is over for certain: a clock that is ahead ends none for good."""
        day = self.judge.erasing_day
        noted = noted_ended(self._ledger.acts)
        for one in self._ledger.appointments:
            over = day is not None and one.end is not None and one.end < day and one.dismissed is None
            if over and one.number not in noted:
                detail = {"of": one.number, "on": str(one.end)}
                self._ledger.add(KEEPER, ActVerb.APPOINTMENT_ENDED, one.user, detail=detail, words={})

    @property
    def audit_log(self) -> AuditLog:
        """For reading."""
        return self._trail.audit

    @property
    def journals(self) -> tuple[Journal, Journal]:
        """The recorder's and its own, for reading."""
        return self._recorder_journal, self._journal

    @property
    def store(self) -> Store:
        """The store, with its device key."""
        return self._store

    def listed(self, call_id: str) -> CatalogueEntry | None:
        """The catalogue's entry of a call."""
        return self.listing.catalogue.get(call_id)

    def mark(self, call_id: str, kind: str, by: Asker, withdraw: int | None) -> dict[str, object]:
        """Mark a call of one's own lines, or withdraw one of its marks (counted from 1). Both stay in the record."""
        self._trail.write()
        entry = may_mark(self, by, call_id)
        name = entry.public.id
        with attempt(self, by, Verb.MARK, name, BAD_INPUT):
            if kind not in {known.value for known in MarkKind}:
                known_kinds = ", ".join(k.value for k in MarkKind)
                raise RefusedError(f"{kind[:40]!r} is no kind of mark", remedy="use " + known_kinds)
            mark_call(
                self._store,
                self._journal,
                self._trail.audit,
                self._clock.now(),
                name,
                in_call=entry.public.marks,
                kind=MarkKind(kind),
                by=by.user,
                withdraw=withdraw,
                amendments=self.standing.in_order(entry.call_id),
            )
        self._queue_watch.again()
        return {"id": name, "kind": kind, "withdrawn": withdraw}

    def hold(self, asked: HoldRequest, by: str) -> dict[str, object]:
        """Hold calls beyond their days, or release them."""
        self._trail.write()
        years, standing = self._config.store.hold_years, self._upkeep.expiry.standing.refresh()
        now, listed = self._clock.now(), self.listing.catalogue
        done = carry_out(self._store, self._journal, self._trail.audit, now, by, asked, years, standing, listed)
        self._upkeep.again()
        self._queue_watch.again()
        return done

    def effect_of_hold(self, asked: HoldRequest) -> HoldEffect:
        """What a hold would do to the ring. Raises as `hold` does; nothing is changed."""
        judge, standing = self.judge, self._upkeep.expiry.standing.refresh()
        listed = self.listing.catalogue
        refuse_hold(self._store, standing, asked, judge, self._config.store.hold_years, listed)
        return effect_on(self._upkeep.outlook.ring(judge), self._store, standing, asked, listed)

    def clock(self) -> ClockSeen:
        """A look at the clock, and what people said of it."""
        now = self._clock.now()
        state = self._upkeep.watch.look(now).state
        return ClockSeen(at=now, state=state, proposal=self._upkeep.watch.proposal)

    def propose_clock(self, by: str) -> dict[str, object]:
        """The technician says that the clock is right."""
        self._trail.write()
        self._upkeep.watch.proposal = propose_clock(self._journal, self._trail.audit, self.clock(), by)
        return {}

    def confirm_clock(self, asked: ClockRequest, by: str) -> dict[str, object]:
        """The manager says so: what she was shown is believed, or nothing is."""
        self._trail.write()
        seen, amended = self.clock(), self._upkeep.expiry.standing.refresh()
        self._upkeep.watch.confirmed(confirm_clock(self._journal, self._trail.audit, seen, by, asked, amended))
        self._trail.attempt(
            lambda: self._upkeep.watch.look(self._clock.now())
        )  # the journal has it, should the disk fail now
        self._upkeep.again()
        return {}

    def audit(self, actor: str, verb: str, subject: str, why: str) -> dict[str, object]:
        """An entry durable before what it records; no act of a ledger (`note_act`)."""
        self._trail.write()
        entry = note_act(self._journal, self._trail.audit, self._clock.now(), actor, verb, subject=subject, why=why)
        return {"number": entry.number, "hash": entry.hash}

    # -- status

    def place(self) -> Place:
        """Which machine this is."""
        return Place(
            boot_id=self._clock.now().boot_id.hex(),
            demonstration=self._store.info.is_demonstration,
            local_console=self._config.service.local_console,
        )

    def status(self) -> Status:
        now = self._clock.now()
        self._look()
        peer = self._upkeep.peer
        seen_ns = peer.seen_ns
        silent = peer.status is None or seen_ns is None or now.mono_ns - seen_ns > RECORDER_SILENT_NS
        self._alarms.set("recorder_away", silent and now.mono_ns - self._started_ns > GRACE_NS, now)
        recorder = None if silent else peer.status
        today = day_of(now.wall_ns)
        calls = self._trail.attempt(lambda: self.listing.day(str(today))) or []
        short = self._upkeep.outlook.shortage
        return Status(
            at=now.isoformat(),
            station=self._config.station,
            version=__version__,
            store=str(self._store.path),
            demonstration=self._store.info.is_demonstration,
            recorder=recorder,
            ring=RingStatus(
                slots=self._store.info.slots,
                free=self._upkeep.lending.slots.free,
                leased=len(self._upkeep.lending.lease.slots),
                full_on=None if short is None else short.day.isoformat(),
            ),
            calls_today=len(calls),
            marks_today=sum(entry.public.marks for entry in calls),
            alarms=self._alarms.all() + ([] if recorder is None else recorder.alarms),
        )
