"""When the ring would be full at the present rate, and what a hold does to that. Pure: days and slots in, days out.

A call's slots are free the day after its last day of keeping (Article 8(1)), a held call's the day after its hold. So
the future is a sum: what comes free each day, less what a day like it takes. It is walked day by day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import msgspec

ALARM_DAYS = 3
"""The alarm stands from the third day before: even if it is first looked at in the day's last minute, 48 h are left."""

HORIZON_DAYS = 400  # a hold of a year, and the month after it
WEEKS = 4  # what the present rate is taken from
_DAY = timedelta(days=1)


class KeptCall(msgspec.Struct, frozen=True, kw_only=True):
    """What the forecast needs of a call: the day it was seized, slots, last day of keeping, last day of a hold."""

    day: date
    slots: int
    expires_on: date
    held_until: date | None = None

    @property
    def free_on(self) -> date:
        """The day on which its slots can be used again; `date.max`: never."""
        last = max(self.expires_on, self.held_until or self.expires_on)
        return last if last == date.max else last + _DAY


class Occupancy(msgspec.Struct, frozen=True, kw_only=True):
    """The ring today. `frees`: slots that come free, by day. `takes`: slots a day takes, Monday first."""

    today: date
    free: int
    frees: Mapping[date, int]
    takes: tuple[float, ...]
    retention_days: int
    held: int = 0


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """`broken_on`: the first day on which calls would find no slot; None: not within the horizon. `lowest`: the fewest
    free slots at the end of a day until then, `lowest_on` when."""

    broken_on: date | None
    lowest: int
    lowest_on: date

    def alarm(self, today: date) -> bool:
        """Whether people must act now."""
        return self.broken_on is not None and self.broken_on <= today + ALARM_DAYS * _DAY


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


def occupancy(today: date, slots: int, calls: Iterable[KeptCall], retention_days: int) -> Occupancy:
    """The ring of `slots` slots with these calls. A call that ought to be gone comes free tomorrow: it is being erased.

    A weekday takes what it took on the average of the last four weeks, or last week, whichever is more; a box younger
    than that what it took since. The day that is not over counts where it is more already.
    """
    frees: dict[date, int] = {}
    taken: dict[date, int] = {}
    used = held = 0
    for call in calls:
        used += call.slots
        held += call.slots if call.held_until is not None and call.held_until > call.expires_on else 0
        day = max(call.free_on, today + _DAY)
        frees[day] = frees.get(day, 0) + call.slots
        taken[call.day] = taken.get(call.day, 0) + call.slots
    return Occupancy(
        today=today,
        free=max(slots - used, 0),
        frees=frees,
        takes=_by_weekday(today, taken),
        retention_days=retention_days,
        held=held,
    )


def forecast(ring: Occupancy) -> Forecast:
    """Day by day from tomorrow. Calls to come are kept as long as those of today."""
    free = float(ring.free)
    frees = {day: float(slots) for day, slots in ring.frees.items()}
    lowest, lowest_on = free, ring.today
    for ahead in range(1, HORIZON_DAYS + 1):
        day = ring.today + ahead * _DAY
        free += frees.get(day, 0.0)
        take = ring.takes[day.weekday()]
        free -= take
        back = day + (ring.retention_days + 1) * _DAY
        frees[back] = frees.get(back, 0.0) + take
        if free < lowest:
            lowest, lowest_on = free, day
        if free < 0:
            return Forecast(broken_on=day, lowest=0, lowest_on=day)
    return Forecast(broken_on=None, lowest=int(lowest), lowest_on=lowest_on)


def effect_of_hold(ring: Occupancy, call: KeptCall, until: date) -> HoldEffect:
    """`call` as it is now, in `ring`; held to the end of `until`."""
    frees = dict(ring.frees)
    old = max(call.free_on, ring.today + _DAY)
    new = max(msgspec.structs.replace(call, held_until=until).free_on, ring.today + _DAY)
    frees[old] = frees.get(old, 0) - call.slots
    frees[new] = frees.get(new, 0) + call.slots
    after = msgspec.structs.replace(ring, frees=frees)
    return HoldEffect(slots=call.slots, until=until, before=forecast(ring), after=forecast(after))


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
