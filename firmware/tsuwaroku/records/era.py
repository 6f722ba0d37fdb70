"""和暦: dates by era as a city hall writes them, fiscal years, and the numbers of requests. Pure.

Days are Asia/Tokyo. An era begins with its first day (元号法 and its 政令; before, the 詔書), and the day before
belongs to the one before. Japan counts by the Gregorian calendar since 明治6年1月1日: earlier days of 明治 are dates
of another calendar, and refused. A new era is one more row of `ERAS`.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from tsuwaroku.clock import JST
from tsuwaroku.errors import RefusedError

_HOW = "write it like 令和8年5月1日 or 2026-05-01"
_HOW_TIME = "write it like 令和8年5月1日 14時5分 or 2026-05-01 14:05"
_HOW_NUMBER = "write it like 令和8年度 第1号"


class Era(msgspec.Struct, frozen=True):
    """`name` 令和, `letter` R, `first` its first day."""

    name: str
    letter: str
    first: date


GREGORIAN_SINCE: Final = date(1873, 1, 1)
LAST_YEAR: Final = 9998  # of a calendar that ends with 9999, whose fiscal year does not
ERAS: Final = (
    Era("明治", "M", date(1868, 1, 25)),
    Era("大正", "T", date(1912, 7, 30)),
    Era("昭和", "S", date(1926, 12, 25)),
    Era("平成", "H", date(1989, 1, 8)),
    Era("令和", "R", date(2019, 5, 1)),
)


def era_of(day: date) -> Era:
    """The era a day lies in. Raises RefusedError before 明治6年1月1日."""
    if day < GREGORIAN_SINCE:
        raise RefusedError(
            f"{day.isoformat()} lies before 明治6年1月1日, when today's calendar began", remedy="give a later date"
        )
    return next(era for era in reversed(ERAS) if era.first <= day)


def wareki(day: date) -> str:
    """令和8年5月1日; 令和元年5月1日. Raises RefusedError before 明治6年1月1日."""
    return _by(era_of(day), day)


def wareki_moment(moment: datetime) -> str:
    """令和8年5月1日 14時5分, Asia/Tokyo (a time without a zone is taken as that), seconds left out."""
    local = moment.replace(tzinfo=JST) if moment.tzinfo is None else moment.astimezone(JST)
    return f"{wareki(local.date())} {local.hour}時{local.minute}分"


def _by(era: Era, day: date) -> str:
    return f"{_year(era, day.year)}{day.month}月{day.day}日"


def _year(era: Era, year: int) -> str:
    number = year - era.first.year + 1
    return f"{era.name}{'元' if number == 1 else number}年"


# -- fiscal years, and the numbers of requests


def fiscal_year(day: date) -> int:
    """The western year in which the fiscal year of a day began: April to March (地方自治法208条)."""
    return day.year if day.month >= 4 else day.year - 1


def fiscal_days(year: int) -> tuple[date, date]:
    """First and last day of the fiscal year that began in `year`."""
    return date(year, 4, 1), date(year + 1, 3, 31)


def fiscal_text(year: int) -> str:
    """令和8年度 of 2026. By the era of 1 May: 2019 is 令和元年度, as the government had it, and 1988 昭和63年度."""
    return f"{_year(era_of(date(year, 5, 1)), year)}度"


class RequestNumber(msgspec.Struct, frozen=True, order=True):
    """The number of a request: `number` from 1 on, in the fiscal year that began in `fiscal_year` (western)."""

    fiscal_year: int
    number: int

    def __str__(self) -> str:
        """令和8年度 第1号."""
        return f"{fiscal_text(self.fiscal_year)} 第{self.number}号"

    @property
    def slug(self) -> str:
        """2026-001: for keys and file names."""
        return f"{self.fiscal_year}-{self.number:03d}"


def parse_number(text: str, where: str = "") -> RequestNumber:
    """The number of 令和8年度 第1号, 令和八年度第一号, R8-1, 2026-1 or 2026-001. Raises RefusedError.

    Both names of a year in which an era begins are read: 平成31年度 is 令和元年度.
    """
    match = _NUMBER.fullmatch(_plain(text))
    if match is None:
        raise RefusedError(f"{_shown(text)} is not the number of a request", where=where, remedy=_HOW_NUMBER)
    year = int(match["western"] or 0)
    if match["era"]:
        era = _named(match["era"])
        year = _western(era, match["year"], where)
        if not fiscal_year(era.first) <= year <= fiscal_year(_last(era)):
            early = year < fiscal_year(era.first)
            raise _not_of(era, match["year"], early, where, fiscal_text(year) if _countable(year) else "")
    if int(match["number"]) < 1 or not _countable(year):
        raise RefusedError(f"{_shown(text)} is not the number of a request", where=where, remedy=_HOW_NUMBER)
    return RequestNumber(year, int(match["number"]))


# -- reading


def parse_day(text: str, where: str = "") -> date:
    """The day of 令和8年5月1日, 令和元年5月1日, 令和八年五月一日, R8.5.1, 2026年5月1日, 2026-05-01 or 2026/5/1, in full
    width too.

    Raises RefusedError: for what is no date, a day that no calendar has, one that its era did not have, a year without
    an era.
    """
    match = _DAY.fullmatch(_plain(text))
    if match is None:
        raise RefusedError(f"{_shown(text)} is not a date", where=where, remedy=_HOW)
    return _day(match, where)


def parse_moment(text: str, where: str = "") -> datetime:
    """A day as `parse_day` reads it and a time behind it (14:05, 14時5分, 14時, 午後2時5分, 24:00 for a day's end), or
    ISO 8601 with a time. In Asia/Tokyo. Raises RefusedError."""
    plain = _plain(text)
    try:
        if _ISO.match(plain):
            moment = datetime.fromisoformat(plain)
            return _sound(moment.replace(tzinfo=JST) if moment.tzinfo is None else moment.astimezone(JST), where)
        match = _MOMENT.fullmatch(plain)
        if match is None:
            raise RefusedError(f"{_shown(text)} is not a date with a time", where=where, remedy=_HOW_TIME)
        day = _day(match, where)
        hour, minute, second = (int(match[a] or match[f"{a}2"] or 0) for a in ("hour", "minute", "second"))
        half = match["half"]
        # 12 of 午前 and 午後 is noon to some and midnight to others: who writes it is asked again.
        if hour > (11 if half else 24) or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
            raise RefusedError(f"no day has the time of {_shown(text)}", where=where, remedy=_HOW_TIME)
        start = datetime(day.year, day.month, day.day, tzinfo=JST)
        return start + timedelta(hours=hour + (12 if half == "午後" else 0), minutes=minute, seconds=second)
    except (ValueError, OverflowError) as error:  # of datetime: 2026-02-30T10:00, or the ends of its calendar
        raise RefusedError(f"{_shown(text)} is not a date with a time", where=where, remedy=_HOW_TIME) from error


_ERA = "|".join(era.name for era in ERAS) + "|[MTSHRmtshr]"
_YEAR = rf"(?:(?P<era>{_ERA}) ?(?P<year>[0-9]{{1,4}}|元)|(?P<western>[0-9]{{4}}))"
_DATE = (
    rf"{_YEAR} ?(?:年 ?(?P<month>[0-9]{{1,2}}) ?月 ?(?P<day>[0-9]{{1,2}}) ?日"
    r"|(?P<mark>[-/.])(?P<month2>[0-9]{1,2})(?P=mark)(?P<day2>[0-9]{1,2}))"
)
_WEEKDAY = r"(?: ?\([日月火水木金土]\))?"
_TIME = (
    r"(?P<half>午前|午後)? ?"
    r"(?:(?P<hour>[0-9]{1,2}) ?時(?: ?(?P<minute>[0-9]{1,2}) ?分(?: ?(?P<second>[0-9]{1,2}) ?秒)?)?"
    r"|(?P<hour2>[0-9]{1,2}):(?P<minute2>[0-9]{2})(?::(?P<second2>[0-9]{2}))?)"
)
_DAY: Final = re.compile(_DATE + _WEEKDAY)
# After 1 a space is needed, or 2026-5-1 14:05 would be the 11th; after 日 not.
_MOMENT: Final = re.compile(rf"{_DATE}{_WEEKDAY}(?: |(?<=[日)])){_TIME}")
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_NUMBER: Final = re.compile(rf"{_YEAR}(?: ?年度 ?第 ?| ?- ?)(?P<number>[0-9]{{1,6}}) ?号?")
_DIGITS: Final = {character: at for at, character in enumerate("〇一二三四五六七八九")}
_KANJI: Final = re.compile("[〇一二三四五六七八九十]+")


def _plain(text: str) -> str:
    """Half-width, single spaces, kanji numerals as digits; ㍻ and ㋿ are 平成 and 令和 to Unicode, too."""
    half = unicodedata.normalize("NFKC", text)
    return _KANJI.sub(lambda match: _from_kanji(match[0]), " ".join(half.split()))


def _from_kanji(text: str) -> str:
    if "十" not in text:
        return "".join(str(_DIGITS[character]) for character in text)
    tens, _, ones = text.partition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return text  # 十十: no number, and said to be none
    return str((_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0))


def _shown(text: str) -> str:
    """What was written, as far as a message has room for it."""
    clean = " ".join("".join(each if each.isprintable() else "?" for each in text).split())
    return f"'{clean if len(clean) <= 40 else clean[:39] + '…'}'"


def _day(match: re.Match[str], where: str) -> date:
    month, day = int(match["month"] or match["month2"]), int(match["day"] or match["day2"])
    era = _named(match["era"]) if match["era"] else None
    year = int(match["western"]) if era is None else _western(era, match["year"], where)
    try:
        found = date(year, month, day)
    except ValueError as error:
        # An era that has not got that year is the fault to name: 平成36年2月30日 has two.
        if era is not None and year > _last(era).year:
            raise _not_of(era, match["year"], False, where) from error
        raise RefusedError(f"the calendar has no {month}月{day}日 in that year", where=where, remedy=_HOW) from error
    _sound(datetime(found.year, found.month, found.day), where)
    if era is not None and not era.first <= found <= _last(era):
        raise _not_of(era, match["year"], found < era.first, where, wareki(found))
    return found


def _sound(moment: datetime, where: str) -> datetime:
    if not GREGORIAN_SINCE <= moment.date() <= date(LAST_YEAR, 12, 31):
        raise RefusedError("the date lies before 明治6年, or past the end of the calendar", where=where, remedy=_HOW)
    return moment


def _countable(year: int) -> bool:
    return GREGORIAN_SINCE.year <= year <= LAST_YEAR


def _named(text: str) -> Era:
    return next(era for era in ERAS if text.upper() in (era.name, era.letter))


def _western(era: Era, year: str, where: str) -> int:
    count = 1 if year == "元" else int(year)
    if count == 0:
        raise RefusedError(
            f"{era.name}0年 does not exist: an era begins with its first year, 元年", where=where, remedy=_HOW
        )
    return era.first.year + count - 1


def _last(era: Era) -> date:
    after = ERAS[ERAS.index(era) + 1 :]
    return after[0].first - timedelta(days=1) if after else date(LAST_YEAR, 12, 31)


def _not_of(era: Era, year: str, early: bool, where: str, meant: str = "") -> RefusedError:
    """`early`: before the era began, else after its end; `meant`: the same day by its right name."""
    remedy = f"if {meant} is meant, write that" if meant else _HOW
    if early:
        message = f"{era.name}{year}年: {era.name} began on {_by(era, era.first)}, after that day"
    else:
        message = f"{era.name}{year}年: {era.name} ended on {_by(era, _last(era))}, before that day"
    return RefusedError(message, where=where, remedy=remedy)
