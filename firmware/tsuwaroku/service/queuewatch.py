"""The 不当要求 queue as the keeper has it, and its two alarms: looked at each hour, and at once after an act."""

from __future__ import annotations

from datetime import date

from tsuwaroku.clock import NS, Instant
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.queue import Marked, Queued, is_open, lapsing, passed, queue, urgent
from tsuwaroku.records.requests import Request, requests
from tsuwaroku.service.actswatch import ActsWatch
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.fates import Fate, Fates
from tsuwaroku.service.ledger import Ledger

AGAIN_NS = 3600 * NS


class QueueWatch(ActsWatch):
    """`again` whenever a mark or a hold changes; acts and days it sees for itself."""

    def __init__(self, fates: Fates, ledger: Ledger, alarms: AlarmBoard) -> None:
        super().__init__(ledger, alarms)
        self._fates = fates
        self._began_ns = 0
        self._again_ns = 0

    def queued(self, judge: Judge) -> list[Queued]:
        """The marked calls there are. Raises StoreError."""
        calls = [
            Marked(
                id=one.id,
                sequence=one.sequence,
                line=one.line,
                extension=one.extension,
                department=one.department,
                day=one.day,
                marks=one.marks,
                last_day=one.last_day,
                held_until=one.held_until,
            )
            for one in self._fates.marked(judge)
            if one.fate is Fate.KEPT and one.last_day is not None
        ]
        acts = self._ledger.acts
        return queue(calls, requests(acts), passed(acts), judge.today)

    def poll(self, judge: Judge, now: Instant) -> None:
        """Each hour, too: what became of a call is remembered that long."""
        if not self._began_ns <= now.mono_ns < self._again_ns:
            self._fates.forget()
            self.again()
        super().poll(judge, now)

    def look(self, judge: Judge, now: Instant) -> None:
        """As it is now. Raises StoreError."""
        found = requests(self._ledger.acts)
        left = lapsing(self.queued(judge))
        first = f"call #{left[0].sequence} until {left[0].last_day} ({len(left)} in all)" if left else ""
        self._alarms.set("mark_lapses", bool(left), now, detail=first)
        soon = urgent(found, self._last_days(found, judge), judge.today)
        first = f"request {soon[0].slug} until {soon[0].last_day} ({len(soon)} in all)" if soon else ""
        self._alarms.set("request_lapses", bool(soon), now, detail=first)
        self._began_ns, self._again_ns = now.mono_ns, now.mono_ns + AGAIN_NS

    def _last_days(self, found: list[Request], judge: Judge) -> dict[str, date]:
        named = {call for request in found if is_open(request) for call in request.calls}
        fates = [self._fates.of(call, judge) for call in sorted(named)]
        return {one.id: one.last_day for one in fates if one.fate is Fate.KEPT and one.last_day is not None}
