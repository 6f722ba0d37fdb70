"""How long a call is kept: Article 8(1), 記録された日から30日間, and the manager's holds (its proviso).

Days are Asia/Tokyo. The day of the call's end is not counted (民法140条), so a call that ended on day D under
"30 days" is kept, and may be read, to the end of D + 30; from D + 31 00:00 it is refused and due for erasure.
Months and years go by the calendar (民法143条): they end the day before the day that answers to their first,
or with the month that has no such day. 民法142条 (a last day that is a holiday) is about acts to be done, not keeping.
"""

from __future__ import annotations

import calendar
import enum
import math
import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from tsuwaroku.clock import JST, NS
from tsuwaroku.config import StoreConfig
from tsuwaroku.errors import ConfigError

_UNIT_SHIFT = 14  # of a header's 16 bits
_MOST_DAYS = 3660  # ten years, the longest retention that sizing a ring makes sense for
_WORDS = {
    "days": ("day", "days", "d", "日", "日間"),
    "months": (
        "month",
        "months",
        "月",
        "月間",
        "か月",
        "ヶ月",
        "カ月",
        "ケ月",
        "ヵ月",
        "箇月",
        "か月間",
        "ヶ月間",
        "箇月間",
    ),
    "years": ("year", "years", "y", "年", "年間", "か年", "箇年"),
}


class Unit(enum.StrEnum):
    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"


_UNITS = tuple(Unit)
_MOST = {Unit.DAYS: _MOST_DAYS, Unit.MONTHS: 120, Unit.YEARS: 10}


class Period(msgspec.Struct, frozen=True):
    """A retention as an ordinance words it: 30 days, 3 months, 5 years."""

    count: int
    unit: Unit = Unit.DAYS

    def __str__(self) -> str:
        return f"{self.count} {self.unit.value.removesuffix('s') if self.count == 1 else self.unit.value}"

    @property
    def code(self) -> int:
        """What slot headers and the store carry, 16 bits: the count, and in bits 14 and 15 the unit (days 0).

        The rule itself, not its outcome: a call that opens on 31 January and ends on 1 February has another last
        day by "1 month" than by any number of days computed when it opened.
        """
        return _UNITS.index(self.unit) << _UNIT_SHIFT | self.count

    @classmethod
    def from_code(cls, code: int) -> Period:
        """The period of a header. An unknown unit is taken for years, the longest: a damaged header erases nothing."""
        unit = _UNITS[min(code >> _UNIT_SHIFT, len(_UNITS) - 1)]
        return cls(code & (1 << _UNIT_SHIFT) - 1, unit)

    @property
    def longest_days(self) -> int:
        """The most days it can come to, for the size of a ring."""
        if self.unit is Unit.DAYS:
            return self.count
        years, months = divmod(self.count, 12 if self.unit is Unit.MONTHS else 1)
        # Three months have 92 days at most, and of n years running a quarter, rounded up, are leap years.
        return years * 365 + math.ceil(years / 4) + math.ceil(months * 92 / 3)

    def last_day(self, first: date) -> date:
        """The last day of keeping for what ended on `first`; `first` itself is not counted."""
        if self.unit is Unit.DAYS:
            return first + timedelta(days=self.count)
        start = first + timedelta(days=1)
        months = start.month - 1 + self.count * (12 if self.unit is Unit.YEARS else 1)
        year, month = start.year + months // 12, months % 12 + 1
        length = calendar.monthrange(year, month)[1]
        if start.day > length:
            return date(year, month, length)
        return date(year, month, start.day) - timedelta(days=1)


THIRTY_DAYS = Period(30)


def parse_period(text: str, where: str = "store.retention") -> Period:
    """The period of "30 days", "30日間", "3 months", "3か月", "1 year", "5年". Raises ConfigError."""
    match = re.fullmatch(r"(\d{1,5})\s*(\D+?)", unicodedata.normalize("NFKC", text).strip().lower())
    unit = next((unit for unit in Unit if match and match[2] in _WORDS[unit.value]), None)
    if match is None or unit is None:
        raise ConfigError(
            f"{text!r} is not a retention", where=where, remedy='write it like "30 days", "3 months" or "5年"'
        )
    if not 1 <= int(match[1]) <= _MOST[unit]:
        raise ConfigError(
            f"a retention of {text!r} is out of range",
            where=where,
            remedy=f"use 1 to {_MOST[Unit.DAYS]} days, {_MOST[Unit.MONTHS]} months or {_MOST[Unit.YEARS]} years",
        )
    return Period(int(match[1]), unit)


def configured(store: StoreConfig) -> Period:
    """The retention of a configuration: `retention` where it is given, else `retention_days`. Raises ConfigError."""
    return parse_period(store.retention) if store.retention else Period(store.retention_days)


def day_of(wall_ns: int) -> date:
    """The calendar day in Asia/Tokyo."""
    return datetime.fromtimestamp(wall_ns // NS, JST).date()


def first_ns(day: date) -> int:
    """00:00 of a day in Asia/Tokyo, Unix nanoseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=JST).timestamp()) * NS


def expires_on(ended_wall_ns: int, period: Period | int = THIRTY_DAYS) -> date:
    """The last day on which a call that ended then may be read; an int is a `Period.code`."""
    rule = Period.from_code(period) if isinstance(period, int) else period
    return rule.last_day(day_of(ended_wall_ns))


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """The manager keeps a call to the end of `until`; it lapses by itself.

    `call`: the call's ULID; `number`: of the journal record; `at`: ISO 8601; `by`: who.
    """

    call: str
    number: int
    until: date
    at: str
    by: str


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A hold ends early; `number` None: all that stand on the call."""

    call: str
    number: int | None
    at: str
    by: str


def standing_holds(acts: Iterable[Hold | Release]) -> dict[str, tuple[Hold, ...]]:
    """Of each call the holds that nobody released, oldest first; lapsed ones are in it: `until` speaks for itself.

    `acts` come in the journal's order, never by their times: a clock set back must not undo a release.
    """
    standing: dict[str, tuple[Hold, ...]] = {}
    for act in acts:
        before = standing.pop(act.call, ())
        if isinstance(act, Hold):
            after = (*before, act)
        else:
            after = tuple(hold for hold in before if act.number is not None and hold.number != act.number)
        if after:
            standing[act.call] = after
    return standing


def held_until(holds: Iterable[Hold]) -> date | None:
    """The last day of the longest of them."""
    return max((hold.until for hold in holds), default=None)


def last_day(end_day: date, period: Period, until: date | None = None) -> date:
    """The effective last day: a hold lengthens keeping, and never shortens it."""
    expires = period.last_day(end_day)
    return expires if until is None else max(expires, until)


def due_ns(last: date) -> int:
    """From this moment on reading is refused and erasure is due: 00:00 of the day after, Unix nanoseconds."""
    return first_ns(last + timedelta(days=1))
