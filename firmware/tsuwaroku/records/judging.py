"""The judge of the clock: what may be read, and what may be erased, by what the box knows of the date (`dating.py`).

Reading is refused from the later of two dates, the box's own and the clock's: setting the clock back makes nothing
readable again. Within one boot the monotonic clock alone says how old a call is: a clock that jumps while the box runs
neither refuses nor erases the calls of that boot. A clock ahead refuses older ones as long as it is ahead.

Erasure goes by the earlier date, and not while the clock is in dispute (`Suspension`); a call whose boot has no date
yet is not erased by one. But when a call is two days older in powered-on time than its retention is long (32 days), it
has expired whatever the clock says. A held call waits for its date: a hold is the manager's, and lapses by nothing
else. A boot that is not remembered ended before the present one began; so much is sure, and erasure goes by it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date

import msgspec

from tsuwaroku.clock import ClockQuality, Instant, representable
from tsuwaroku.records import retention
from tsuwaroku.records.dating import (
    DAY_NS,
    GUESS_NS,
    JUMP_NS,
    SLACK_NS,
    Standing,
    State,
    confirm,
    observe,
)
from tsuwaroku.records.retention import Period, day_of

DAYS_BEYOND = 2  # the days of the end and of the last midnight: 32 days of age lie beyond D+31 00:00 in any case


class Suspension(enum.StrEnum):
    """Why nothing is erased by its date now; each is an alarm."""

    NONE = ""
    NEVER_SET = "clock_never_set"  # no synchronised clock yet, and no word of the manager
    AHEAD = "clock_ahead"  # by more than can be believed: time without power, or a wrong clock
    BEHIND = "clock_behind"


class Why(enum.StrEnum):
    KEPT = "kept"
    HELD = "held"
    EXPIRED = "expired"
    AGED = "aged"  # by powered-on time
    SUSPENDED = "suspended"  # expired, but for the clock's dispute
    UNDATED = "undated"  # its boot's date is not known yet


class Verdict(msgspec.Struct, frozen=True):
    """`last_day`: of keeping, as judged now, with holds."""

    yes: bool
    why: Why
    last_day: date


class Judge:
    """The decisions at one moment; cheap to ask about every call. Times are Unix ns."""

    def __init__(self, state: State, now: Instant) -> None:
        self.state = observe(state, now)
        self._now = now
        self._boots = {boot.boot_id: boot for boot in self.state.boots}
        self._boot = self._boots[now.boot_id]
        self._powered_ns = self._boot.powered_ns(now.mono_ns)
        own = self._own(self._boot.low_ns)
        self.suspended = self._suspension(own)
        heard = now.quality is ClockQuality.SYNCHRONISED
        self._erasing_ns = own if own is None or not heard else min(own, now.wall_ns)
        self._reading_ns = max(now.wall_ns, own or 0)

    def _own(self, line_ns: int | None) -> int | None:
        return None if line_ns is None else representable(line_ns + self._powered_ns)

    def _suspension(self, own_ns: int | None) -> Suspension:
        if own_ns is None:
            return Suspension.NEVER_SET
        gap = self._now.wall_ns - own_ns
        if self._now.quality is not ClockQuality.SYNCHRONISED:
            # Behind says nothing: a box without a battery clock wakes up in 1970.
            return Suspension.AHEAD if gap > GUESS_NS else Suspension.NONE
        if gap < -JUMP_NS:
            return Suspension.BEHIND
        disputed = self._boot.standing is not Standing.KNOWN and gap > SLACK_NS
        return Suspension.AHEAD if gap > JUMP_NS or disputed else Suspension.NONE

    @property
    def today(self) -> date:
        """The day by which reading is refused to calls of earlier boots."""
        return day_of(self._reading_ns)

    @property
    def erasing_day(self) -> date | None:
        """The day it is for erasure, at the least; None where no date was ever known."""
        return None if self._erasing_ns is None else day_of(self._erasing_ns)

    def dated_ns(self, moment: Instant) -> int:
        """When a moment was: the latest it can have been, by the date of its boot where that is known."""
        boot = self._boots.get(moment.boot_id)
        if boot is None:
            bound = self._unseen_ns
            return moment.wall_ns if moment.quality is not ClockQuality.UNSYNCHRONISED else bound or moment.wall_ns
        return boot.dated_ns(moment)

    @property
    def _unseen_ns(self) -> int | None:
        """What happened in a boot that was never looked at, or is forgotten, happened before this one at the latest."""
        return None if self._boot.low_ns is None else representable(self._boot.low_ns + self._boot.started_ns)

    def end_day(self, end: Instant) -> date:
        """The day a call ended, from which its retention counts."""
        return day_of(self.dated_ns(end))

    def last_day(self, end: Instant, period: Period, until: date | None = None) -> date:
        """The last day of keeping, with the hold that reaches furthest (`retention.held_until`)."""
        return retention.last_day(self.end_day(end), period, until)

    def may_read(self, end: Instant, period: Period, until: date | None = None) -> Verdict:
        """Whether a call that ended then may still be read."""
        last = self.last_day(end, period, until)
        if self._reading_day(end) <= last:
            held = until is not None and last == until and self._reading_day(end) > period.last_day(self.end_day(end))
            return Verdict(True, Why.HELD if held else Why.KEPT, last)
        return Verdict(False, Why.EXPIRED, last)

    def may_erase(self, end: Instant, period: Period, until: date | None = None) -> Verdict:
        """Whether the call must go now. `yes` is final: after it no clock brings the call back."""
        ended = self.end_day(end)
        if end.boot_id not in self._boots and self._unseen_ns is not None:
            ended = max(ended, day_of(self._unseen_ns))  # the record alone is no proof
        last = retention.last_day(ended, period, until)
        today = self.erasing_day
        if until is not None and (today is None or today <= until):
            return Verdict(False, Why.HELD, last)
        days = (period.last_day(ended) - ended).days + DAYS_BEYOND
        if self.powered_age_ns(end) >= days * DAY_NS:
            return Verdict(True, Why.AGED, last)
        if today is None or not self._dated(end):
            return Verdict(False, Why.UNDATED, last)
        if today <= last:
            return Verdict(False, Why.KEPT, last)
        return Verdict(False, Why.SUSPENDED, last) if self.suspended else Verdict(True, Why.EXPIRED, last)

    def powered_age_ns(self, end: Instant) -> int:
        """Powered-on time since, at the least."""
        boot = self._boots.get(end.boot_id)
        return self._powered_ns - (self._boot.started_ns if boot is None else boot.powered_ns(end.mono_ns))

    def _reading_day(self, end: Instant) -> date:
        if end.boot_id == self._now.boot_id and (own := self._own(self._boot.high_ns)) is not None:
            near = abs(self._now.wall_ns - own) <= SLACK_NS
            return day_of(max(own, self._now.wall_ns) if near else own)
        return self.today

    def _dated(self, end: Instant) -> bool:
        boot = self._boots.get(end.boot_id, self._boot)
        return boot.standing is Standing.KNOWN


def would_go(state: State, now: Instant, calls: Iterable[tuple[str, Instant, Period, date | None]]) -> list[str]:
    """The calls (name, end, retention, held until) that `confirm` would let erasure take, and that stay without it."""
    before, after = Judge(state, now), Judge(confirm(state, now), now)
    return [
        name
        for name, end, period, until in calls
        if after.may_erase(end, period, until).yes and not before.may_erase(end, period, until).yes
    ]
