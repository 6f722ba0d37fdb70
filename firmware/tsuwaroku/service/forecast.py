"""When the ring would be full at the present rate, and what a hold does to that. Pure: days and slots in, days out.

A call's slots are free the day after its last day of keeping (Article 8(1)), a held call's the day after its hold. So
the future is a sum: what comes free each day, less what a day like it takes. It is walked day by day.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import msgspec

ALARM_DAYS = 14
"""The alarm stands from two weeks before: a larger SSD has to be bought and put in. 48 h are the least that may be."""

HORIZON_DAYS = 400  # a hold of a year, and the month after it; at least the retention and two months
WEEKS = 4  # what the present rate is taken from
_DAY = timedelta(days=1)
ROUNDING = 1e-6  # slots: averages of weeks are thirds and quarters


class KeptCall(msgspec.Struct, frozen=True, kw_only=True):
    """What the forecast needs of a call: the day it was seized, slots, last day of keeping, last day of a hold."""

    day: date
    slots: int
    expires_on: date
    held_until: date | None = None

    @property
    def free_on(self) -> date:
        """The day on which its slots can be used again; `date.max`: never."""
        return _after(max(self.expires_on, self.held_until or self.expires_on))

    @property
    def held(self) -> bool:
        """Whether a hold keeps it beyond its own days."""
        return self.held_until is not None and self.held_until > self.expires_on


class Occupancy(msgspec.Struct, frozen=True, kw_only=True):
    """The ring today. `frees`: slots that come free, by day. `takes`: slots a day takes, Monday first.

    `left`: slots that are still to be taken today. `held`: slots that a hold keeps beyond their days; `without_holds`:
    what `frees` would be if all of them were released. `retention_days`: the most days a call is kept.
    """

    today: date
    free: int
    frees: Mapping[date, int]
    takes: tuple[float, ...]
    retention_days: int
    held: int = 0
    left: float = 0.0
    without_holds: Mapping[date, int] = {}


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """`broken_on`: the first day on which calls would find no slot; None: not within the horizon. `lowest`: the fewest
    free slots at the end of a day until then, `lowest_on` when."""

    broken_on: date | None
    lowest: int
    lowest_on: date

    def alarm(self, today: date) -> bool:
        """Whether people must act now."""
        return self.broken_on is not None and self.broken_on <= today + ALARM_DAYS * _DAY


class Cause(enum.StrEnum):
    """Why the ring runs full, and so what can be done about it."""

    ERASURE = "erasure"  # nothing is erased: the clock is in dispute, or the disk refuses
    HOLDS = "holds"  # without the holds it would not
    SIZE = "size"  # it is smaller than the guarantee needs
    RATE = "rate"  # more is recorded than it was made for


class Shortage(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told: the first day on which calls find no slot, why, and the slots free and held now."""

    day: date
    cause: Cause
    free: int
    held: int


class HoldEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is shown before a hold is confirmed. It is never refused for space."""

    slots: int
    until: date
    before: Forecast
    after: Forecast

    @property
    def breaks(self) -> bool:
        """Whether the ring runs full because of this hold, or sooner than without it."""
        if self.after.broken_on is None:
            return False
        return self.before.broken_on is None or self.after.broken_on < self.before.broken_on


class Tally:
    """Adds up calls, one at a time: what is taken and comes free on which day. `slots`: of all of them."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.slots = 0
        self._held = 0
        self._frees: dict[date, int] = {}
        self._without_holds: dict[date, int] = {}
        self._taken: dict[date, int] = {}

    def add(self, call: KeptCall) -> None:
        """A call that ought to be gone comes free today: it is being erased."""
        self.slots += call.slots
        self._held += call.slots if call.held else 0
        for frees, day in ((self._frees, call.free_on), (self._without_holds, _after(call.expires_on))):
            day = max(day, self.today)
            frees[day] = frees.get(day, 0) + call.slots
        self._taken[call.day] = self._taken.get(call.day, 0) + call.slots

    def occupancy(self, free: int, retention_days: int) -> Occupancy:
        """The ring that has these calls in it and `free` slots more.

        A weekday takes what it took on the average of the last four weeks, or last week, whichever is more; a box
        younger than that what it took since. The day that is not over counts where it is more already.
        """
        takes = _by_weekday(self.today, self._taken)
        return Occupancy(
            today=self.today,
            free=max(free, 0),
            frees=self._frees,
            takes=takes,
            retention_days=retention_days,
            held=self._held,
            left=takes[self.today.weekday()] - self._taken.get(self.today, 0),
            without_holds=self._without_holds,
        )


def occupancy(today: date, slots: int, calls: Iterable[KeptCall], retention_days: int) -> Occupancy:
    """The ring of `slots` slots with these calls."""
    tally = Tally(today)
    for call in calls:
        tally.add(call)
    return tally.occupancy(slots - tally.slots, retention_days)


def forecast(ring: Occupancy) -> Forecast:
    """Day by day from what is left of today. Calls to come are kept as long as those of today."""
    frees = {day: float(slots) for day, slots in ring.frees.items()}
    left = max(ring.left, 0.0)
    free = ring.free + frees.get(ring.today, 0.0) - left
    if free < -ROUNDING:
        return Forecast(broken_on=ring.today, lowest=0, lowest_on=ring.today)
    back = ring.today + (ring.retention_days + 1) * _DAY
    frees[back] = frees.get(back, 0.0) + left
    lowest, lowest_on = free, ring.today
    for ahead in range(1, max(HORIZON_DAYS, ring.retention_days + 62) + 1):
        day = ring.today + ahead * _DAY
        free += frees.get(day, 0.0)
        take = ring.takes[day.weekday()]
        free -= take
        back = day + (ring.retention_days + 1) * _DAY
        frees[back] = frees.get(back, 0.0) + take
        if free < -ROUNDING:
            return Forecast(broken_on=day, lowest=0, lowest_on=day)
        if free < lowest:
            lowest, lowest_on = free, day
    return Forecast(broken_on=None, lowest=int(lowest), lowest_on=lowest_on)


def shortage(ring: Occupancy, *, enough: bool, stopped: bool) -> Shortage | None:
    """What there is to warn of. `enough`: the ring is as large as its guarantee needs; `stopped`: nothing is erased.

    A shortage by holds is told however far it is, for it was decided by a person who can undo it; any other from
    `ALARM_DAYS` ahead, for rates change.
    """
    told = forecast(ring)
    if not told.alarm(ring.today) and stopped:
        stuck = forecast(msgspec.structs.replace(ring, frees={}, retention_days=HORIZON_DAYS))
        if stuck.alarm(ring.today):
            return _shortage(ring, stuck, Cause.ERASURE)
    if told.broken_on is None:
        return None
    near = told.alarm(ring.today)
    if ring.held:
        released = forecast(msgspec.structs.replace(ring, frees=ring.without_holds))
        if released.broken_on is None or (near and not released.alarm(ring.today)):
            return _shortage(ring, told, Cause.HOLDS)
    return _shortage(ring, told, Cause.RATE if enough else Cause.SIZE) if near else None


def _shortage(ring: Occupancy, told: Forecast, cause: Cause) -> Shortage:
    assert told.broken_on is not None
    return Shortage(day=told.broken_on, cause=cause, free=ring.free, held=ring.held)


def effect_of_hold(ring: Occupancy, call: KeptCall, until: date) -> HoldEffect:
    """`call` as it is now, in `ring`; held to the end of `until`."""
    frees = dict(ring.frees)
    old = max(call.free_on, ring.today)
    new = max(msgspec.structs.replace(call, held_until=until).free_on, ring.today)
    frees[old] = frees.get(old, 0) - call.slots
    frees[new] = frees.get(new, 0) + call.slots
    after = msgspec.structs.replace(ring, frees=frees)
    return HoldEffect(slots=call.slots, until=until, before=forecast(ring), after=forecast(after))


def _after(last: date) -> date:
    return last if last == date.max else last + _DAY


def _by_weekday(today: date, taken: Mapping[date, int]) -> tuple[float, ...]:
    if not taken:
        return (0.0,) * 7
    first = min(taken)
    takes = []
    for weekday in range(7):
        last = today - ((today.weekday() - weekday) % 7 or 7) * _DAY
        past = [last - week * 7 * _DAY for week in range(WEEKS)]
        known = [taken.get(day, 0) for day in past if day >= first]
        usual = sum(known) / len(known) if known else _mean(taken, first, today)
        takes.append(float(max([usual, *known[:1], *([taken.get(today, 0)] if weekday == today.weekday() else [])])))
    return tuple(takes)


def _mean(taken: Mapping[date, int], first: date, today: date) -> float:
    """What a day takes on a box younger than a week: the day that is not over counts for one."""
    return sum(taken.values()) / ((today - first).days + 1)
