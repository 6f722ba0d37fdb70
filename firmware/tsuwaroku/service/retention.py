"""Letting expired calls go: each day in its first minutes, after each start, and a piece a poll.

Every call is asked about anew in each pass, oldest first: the judge of the clock may have learned since what day its
end was. A pass reads one block of each call, and its last slot only when by that block it may be due. Nothing that is
held goes, and nothing at all while the holds are not known: a hold in a damaged journal is one nobody can see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from tsuwaroku.clock import NS, Instant
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.records.judging import Judge, Verdict
from tsuwaroku.records.judging import Why as Judged
from tsuwaroku.records.retention import Period
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.listing import Listing
from tsuwaroku.store.catalogue import CatalogueEntry
from tsuwaroku.store.ends import glance_end, read_end
from tsuwaroku.store.erasure import Due, Eraser, Erasure
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import not_recorded
from tsuwaroku.store.tombstone import Why, name_of

JUDGED_A_POLL = 500
"""Calls asked about in one poll, a block read of each: 36,000 of a month take two and a half minutes."""
SLOTS_A_POLL = 64
"""Slots erased in one poll, or one call: 16 MiB written and read back. A day of 8 lines off-hook all the time, 5,000
slots, takes three minutes; each poll costs a record of the journal, so fewer would make it grow."""
AGAIN_NS = 6 * 3600 * NS  # calls go by powered-on age at any hour
RETRY_NS = 600 * NS


class Expiry:
    """`freed(erasure, calls)` is told of every erasure that was read back, `before` what is called before any call gets
    its tombstone; `period`: of calls without a slot.

    `standing`: what both journals say of the calls that are there.
    """

    def __init__(
        self,
        store: Store,
        listing: Listing,
        journal: Journal,
        alarms: AlarmBoard,
        eraser: Eraser,
        freed: Callable[[Erasure, Sequence[bytes]], None],
        period: Period,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._listing = listing
        self._journal = journal
        self.standing = eraser.standing
        self._alarms = alarms
        self._eraser = eraser
        self._freed = freed
        self._period = period
        self._before = before
        self._day: object = None  # what the pass under way, or the last one, began with
        self._again_ns = 0
        self._began_ns = 0
        self._rest: Iterator[Due | None] | None = None
        self._judge: Judge | None = None
        self._failed = ""
        self._holds_unknown = False

    @property
    def stopped(self) -> bool:
        """Whether nothing is erased by its date now."""
        return self._holds_unknown or (self._judge is not None and bool(self._judge.suspended))

    def again(self) -> None:
        """Begin a new pass with the next poll: a hold was released, or the clock confirmed."""
        self._day = None

    def is_going(self, call_id: bytes) -> bool:
        """Whether a call has its tombstone: what may still be there of it is nobody's to list."""
        return self._journal.buried(name_of(call_id)) is not None

    def lost_with(self, call_id: bytes, day: date, slots: Sequence[int]) -> list[int]:
        """Numbers that only this call can still explain, before its slots are used again. Raises StoreError."""
        return self._eraser.lost_with(Due(call_id=call_id, ended_on=day, expires_on=day, slots=tuple(slots)))

    def finish(self, now: Instant) -> None:
        """What a kill or a bad disk left of earlier erasures. Raises StoreError."""
        done = self._eraser.finish(now)
        if done.calls:
            self._freed(done, ())
        self._note(done)

    def poll(self, judge: Judge, now: Instant) -> None:
        """A piece of the pass that is under way, if any is. Raises StoreError."""
        self._judge = judge
        self.standing.refresh()
        day = (judge.erasing_day, judge.suspended)
        if day != self._day or not self._began_ns <= now.mono_ns < self._again_ns:
            self._day, self._began_ns, self._again_ns = day, now.mono_ns, now.mono_ns + AGAIN_NS
            self._failed = ""
            self.finish(now)
            self._rest = self._walk() if self._holds_known(now) else None
        if self._rest is None:
            return
        due = self._next_due()
        if due:
            self._erase(due, judge.erasing_day or judge.today, now)
        if self._rest is None or self._failed:
            self._alarms.set("erasure_failed", bool(self._failed), now, detail=self._failed)
        if self._failed:
            self._again_ns = min(self._again_ns, now.mono_ns + RETRY_NS)

    def _holds_known(self, now: Instant) -> bool:
        problems = self._journal.problems(torn=False)
        self._holds_unknown = bool(problems)
        self._alarms.set("holds_unknown", self._holds_unknown, now, detail=problems[0] if problems else "")
        return not problems

    # -- which calls

    def _next_due(self) -> list[Due]:
        """Until there is enough to erase in this poll, or enough was asked."""
        due: list[Due] = []
        slots = 0
        assert self._rest is not None
        for _ in range(JUDGED_A_POLL):
            try:
                one = next(self._rest)
            except StopIteration:
                self._rest = None
                break
            except BaseException:
                self._rest, self._day = None, None  # a generator that raised is over: the pass begins anew
                raise
            if one is not None:
                due.append(one)
                slots += max(1, len(one.slots))
                if slots >= SLOTS_A_POLL:
                    break
        return due

    def _walk(self) -> Iterator[Due | None]:
        """One of each call, None for those that stay. Raises StoreError where the disk cannot be read."""
        for record in not_recorded(self.standing):
            end = Instant(record.wall_ns, record.mono_ns, record.boot_id, record.quality)
            verdict = self._verdict(record.call_id, end, self._period)
            yield self._due(record.call_id, end, self._period, verdict, ())
        for day in self._listing.catalogue.days():
            for entry in self._listing.day(day):
                yield self._judged(entry)

    def _judged(self, entry: CatalogueEntry) -> Due | None:
        if self.standing.gone(entry.call_id):
            return None
        end = glance_end(self._store, entry)
        if not self._verdict(entry.call_id, end.at, end.period).yes:
            return None  # it ended later than that
        end = read_end(self._store, entry)
        verdict = self._verdict(entry.call_id, end.at, end.period)
        return self._due(entry.call_id, end.at, end.period, verdict, tuple(entry.slots))

    def _verdict(self, call_id: bytes, end: Instant, period: Period) -> Verdict:
        assert self._judge is not None
        return self._judge.may_erase(end, period, self.standing.hold(call_id))

    def _due(
        self, call_id: bytes, end: Instant, period: Period, verdict: Verdict, slots: tuple[int, ...]
    ) -> Due | None:
        if not verdict.yes:
            return None
        judge = self._judge
        assert judge is not None
        ended, today = judge.end_day(end), judge.erasing_day
        lapsed = verdict.last_day == self.standing.hold(call_id) and verdict.last_day > period.last_day(ended)
        by_date = today is not None and today > verdict.last_day and not judge.suspended
        aged = verdict.why is Judged.AGED and not by_date  # one that was held is older than that by its date, too
        why = Why.AGE if aged else Why.HOLD_LAPSED if lapsed else Why.EXPIRED
        return Due(call_id=call_id, ended_on=ended, expires_on=verdict.last_day, why=why, slots=slots)

    # -- the act

    def _erase(self, due: list[Due], on: date, now: Instant) -> None:
        """All at once; where that is refused, one by one: a call that cannot go keeps no other."""
        try:
            self._erase_these(due, on, now)
        except TsuwarokuError as error:
            if len(due) == 1:
                self._failed = str(error)
                return
            for one in due:
                self._erase([one], on, now)

    def _erase_these(self, due: list[Due], on: date, now: Instant) -> None:
        self._before()
        done = self._eraser.erase(due, on, now)
        names = {stone.name for stone in done.calls}
        self._freed(done, [one.call_id for one in due if name_of(one.call_id) in names])
        self._note(done)

    def _note(self, done: Erasure) -> None:
        if done.failures:
            self._failed = done.failures[0].problem
