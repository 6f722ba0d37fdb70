"""The days of Article 8(1), counted as 民法140条 and 143条 count them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tsuwaroku.clock import NS, from_iso
from tsuwaroku.config import StoreConfig
from tsuwaroku.errors import ConfigError
from tsuwaroku.records.retention import (
    Hold,
    Period,
    Release,
    Unit,
    configured,
    due_ns,
    expires_on,
    first_ns,
    held_until,
    last_day,
    parse_period,
    standing_holds,
)

MONTHS, YEARS = Unit.MONTHS, Unit.YEARS

LAST_DAYS = [
    (Period(30), "2026-11-23", "2026-12-23"),
    (Period(30), "2026-12-31", "2027-01-30"),
    (Period(30), "2028-01-30", "2028-02-29"),  # a leap day is a day
    (Period(30), "2027-01-30", "2027-03-01"),
    (Period(10), "2026-12-25", "2027-01-04"),
    (Period(1), "2026-11-23", "2026-11-24"),
    (Period(3, MONTHS), "2026-11-23", "2027-02-23"),  # begins on the 24th; the day before 24 February
    (Period(1, MONTHS), "2026-12-31", "2027-01-31"),  # begins on 1 January: the whole month
    (Period(1, MONTHS), "2027-01-30", "2027-02-28"),  # begins on the 31st, which February has not
    (Period(1, MONTHS), "2028-01-30", "2028-02-29"),
    (Period(1, MONTHS), "2027-01-31", "2027-02-28"),  # begins on 1 February
    (Period(1, MONTHS), "2027-02-28", "2027-03-31"),
    (Period(1, YEARS), "2026-11-23", "2027-11-23"),
    (Period(1, YEARS), "2028-02-28", "2029-02-28"),  # begins on 29 February
    (Period(1, YEARS), "2027-02-28", "2028-02-29"),  # begins on 1 March
    (Period(5, YEARS), "2026-12-31", "2031-12-31"),
]


@pytest.mark.parametrize(("period", "ended", "expected"), LAST_DAYS)
def test_last_day(period: Period, ended: str, expected: str) -> None:
    assert period.last_day(date.fromisoformat(ended)).isoformat() == expected


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ("2026-11-23T23:59:59.999999+09:00", "2026-12-23"),
        ("2026-11-24T00:00:00+09:00", "2026-12-24"),
        ("2026-11-23T15:00:00+00:00", "2026-12-24"),  # midnight in Tokyo
        ("2027-12-31T14:59:59+00:00", "2028-01-30"),
    ],
)
def test_the_day_is_that_of_the_end_in_tokyo(ended: str, expected: str) -> None:
    assert expires_on(from_iso(ended)).isoformat() == expected
    assert expires_on(from_iso(ended), Period(30)).isoformat() == expected
    assert expires_on(from_iso(ended), 30).isoformat() == expected


def test_due_from_the_first_moment_of_the_next_day() -> None:
    assert due_ns(date(2026, 12, 23)) == from_iso("2026-12-24T00:00:00+09:00")
    assert first_ns(date(2028, 2, 29)) == from_iso("2028-02-28T15:00:00+00:00")
    assert expires_on(due_ns(date(2026, 12, 23)) - 1, 1) == date(2026, 12, 24)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 days", Period(30)),
        ("30日", Period(30)),
        ("３０日間", Period(30)),
        (" 1 day ", Period(1)),
        ("3 months", Period(3, MONTHS)),
        ("3か月", Period(3, MONTHS)),
        ("3ヶ月間", Period(3, MONTHS)),
        ("3箇月", Period(3, MONTHS)),
        ("1 year", Period(1, YEARS)),
        ("5年", Period(5, YEARS)),
        ("5 Years", Period(5, YEARS)),
    ],
)
def test_periods_are_read_as_ordinances_word_them(text: str, expected: Period) -> None:
    assert parse_period(text) == expected
    assert parse_period(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "30", "days", "-1 days", "1.5 years", "3 weeks", "30 days and more"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a retention") as caught:
        parse_period(text, "store.retention")
    assert (caught.value.where, caught.value.remedy) == (
        "store.retention",
        'write it like "30 days", "3 months" or "5年"',
    )


@pytest.mark.parametrize("text", ["0 days", "3661 days", "121 months", "11 years"])
def test_a_period_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="out of range"):
        parse_period(text)


ALL = [Period(30), Period(10), Period(3660), Period(3, MONTHS), Period(7, MONTHS), Period(1, YEARS), Period(5, YEARS)]


def test_a_header_carries_the_rule_not_its_outcome() -> None:
    assert [period.code for period in ALL] == [30, 10, 3660, 0x4003, 0x4007, 0x8001, 0x8005]
    assert [Period.from_code(period.code) for period in ALL] == ALL
    assert Period.from_code(0xC001) == Period(1, YEARS)  # no such unit: the longest
    assert all(period.code < 1 << 16 for period in ALL)


@pytest.mark.parametrize("period", [*ALL, Period(18, MONTHS), Period(120, MONTHS), Period(10, YEARS)])
def test_longest_days_is_enough_for_every_day_and_wastes_little(period: Period) -> None:
    start = date(2026, 1, 1)
    most = max((period.last_day(day) - day).days for day in (start + timedelta(days=n) for n in range(4 * 366)))
    assert most <= period.longest_days <= most + 2


def hold(number: int, until: str, call: str = "A") -> Hold:
    return Hold(call=call, number=number, until=date.fromisoformat(until), at="2026-11-23T10:00:00+09:00", by="suzuki")


def release(number: int | None, call: str = "A") -> Release:
    return Release(call=call, number=number, at="2026-11-23T11:00:00+09:00", by="suzuki")


FIRST, SECOND, OTHER = hold(1, "2027-03-31"), hold(4, "2027-01-31"), hold(5, "2027-12-31", "B")


@pytest.mark.parametrize(
    ("acts", "standing"),
    [
        ([], {}),
        ([FIRST, SECOND, OTHER], {"A": (FIRST, SECOND), "B": (OTHER,)}),
        ([FIRST, SECOND, release(1)], {"A": (SECOND,)}),
        ([FIRST, OTHER, release(1)], {"B": (OTHER,)}),
        ([FIRST, SECOND, OTHER, release(None)], {"B": (OTHER,)}),
        ([FIRST, release(None), SECOND], {"A": (SECOND,)}),  # a hold after a release stands
        ([release(1), FIRST], {"A": (FIRST,)}),
        ([FIRST, release(9), release(1, "B")], {"A": (FIRST,)}),
    ],
)
def test_holds_are_folded_in_their_order(acts: list[Hold | Release], standing: dict[str, tuple[Hold, ...]]) -> None:
    assert standing_holds(acts) == standing


def test_a_hold_lengthens_and_never_shortens() -> None:
    ended = date(2026, 11, 23)
    assert held_until([]) is None
    assert held_until([SECOND, FIRST]) == date(2027, 3, 31)
    assert last_day(ended, Period(30)) == date(2026, 12, 23)
    assert last_day(ended, Period(30), date(2027, 3, 31)) == date(2027, 3, 31)
    assert last_day(ended, Period(30), date(2026, 12, 1)) == date(2026, 12, 23)
    assert due_ns(date(2027, 3, 31)) - due_ns(date(2027, 3, 30)) == 86_400 * NS


def test_a_configuration_gives_its_retention_in_words_or_in_days() -> None:
    assert [configured(store) for store in (StoreConfig(), StoreConfig(retention_days=10))] == [Period(30), Period(10)]
    assert configured(StoreConfig(retention="3か月", retention_days=10)) == Period(3, Unit.MONTHS)
    with pytest.raises(ConfigError, match="is not a retention"):
        configured(StoreConfig(retention="ever"))
