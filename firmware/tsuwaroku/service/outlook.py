"""When the ring will be full, as an alarm with a date: looked at each hour, and at once after a hold.

The catalogue is read a few days a poll, so that a month of 36,000 calls holds nothing up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tsuwaroku.clock import NS, Instant
from tsuwaroku.config import Config
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.retention import configured
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.forecast import Cause, Occupancy, Shortage, Tally, shortage
from tsuwaroku.service.listing import Listing
from tsuwaroku.service.measured import kept_call
from tsuwaroku.service.plan import plan
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store.standing import Standing

AGAIN_NS = 3600 * NS
DAYS_A_POLL = 4  # of the catalogue: some 20 ms of work at 1,200 calls a day
SOON = timedelta(days=3)
"""From then on it is urgent: even in the last minute of the first of them 48 h are left."""


class Outlook:
    """`shortage`: what there is to warn of, as of the last look.

    A demonstration's ring promises no days, and is not looked at.
    """

    def __init__(
        self,
        config: Config,
        listing: Listing,
        slots: SlotTable,
        standing: Standing,
        alarms: AlarmBoard,
        *,
        demonstration: bool,
    ) -> None:
        self._config = config
        self._listing = listing
        self._slots = slots
        self._standing = standing
        self._alarms = alarms
        self._off = demonstration
        self.shortage: Shortage | None = None
        self._ring: Occupancy | None = None
        self._seen: object = None  # the circumstances of the last look
        self._again_ns = 0
        self._began_ns = 0
        self._rest: Iterator[str] | None = None
        self._tally: Tally | None = None

    def again(self) -> None:
        """Look anew with the next poll: a hold was set or released."""
        self._seen = self._ring = None

    def ring(self, judge: Judge) -> Occupancy:
        """As it was at the last look, an hour ago at most; looked at now where there was none. Raises StoreError."""
        if self._ring is not None and self._ring.today == judge.today:
            return self._ring
        tally = Tally(judge.today)
        for day in self._listing.catalogue.days():
            self._add(tally, day)
        return tally.occupancy(self._slots.free, configured(self._config.store).longest_days)

    def poll(self, judge: Judge, now: Instant, *, stopped: bool) -> None:
        """A piece of the look that is under way, if any is. `stopped`: nothing is erased now. Raises StoreError."""
        if self._off:
            return
        today = judge.erasing_day or judge.today  # not the day that a clock in dispute says
        seen = (today, stopped)
        if seen != self._seen or not self._began_ns <= now.mono_ns < self._again_ns:
            self._seen, self._began_ns, self._again_ns = seen, now.mono_ns, now.mono_ns + AGAIN_NS
            self._tally, self._rest = Tally(today), iter(self._listing.catalogue.days())
        if self._rest is None or self._tally is None:
            return
        for _ in range(DAYS_A_POLL):
            day = next(self._rest, None)
            if day is None:
                self._rest = None
                self._tell(self._tally, now, stopped)
                return
            self._add(self._tally, day)

    def _add(self, tally: Tally, day: str) -> None:
        for entry in self._listing.day(day):
            if not self._standing.gone(entry.call_id):
                tally.add(kept_call(entry, self._standing.hold(entry.call_id)))

    def _tell(self, tally: Tally, now: Instant, stopped: bool) -> None:
        ring = self._ring = tally.occupancy(self._slots.free, configured(self._config.store).longest_days)
        enough = plan(self._config, slots=self._slots.usable).sufficient
        short = self.shortage = shortage(ring, enough=enough, stopped=stopped)
        detail = ""
        if short is not None:
            detail = f"no slot is left on {short.day} ({short.free} free, {short.held} on hold)"
        for cause in Cause:
            standing = short is not None and short.cause is cause
            self._alarms.set(f"ring_short_{cause.value}", standing, now, detail=detail)
        soon = short is not None and short.day <= tally.today + SOON
        self._alarms.set("ring_full_soon", soon, now, detail=detail)
