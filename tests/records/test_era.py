"""和暦: every day has one name, every name one day, and a name that never was is refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.clock import JST
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.era import (
    ERAS,
    GREGORIAN_SINCE,
    RequestNumber,
    era_of,
    fiscal_days,
    fiscal_text,
    fiscal_year,
    parse_day,
    parse_moment,
    parse_number,
    wareki,
    wareki_moment,
)

DAYS = st.dates(min_value=GREGORIAN_SINCE, max_value=date(9998, 12, 31))
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")

NAMES = [
    ("1873-01-01", "明治6年1月1日"),
    ("1912-07-29", "明治45年7月29日"),
    ("1912-07-30", "大正元年7月30日"),
    ("1926-12-24", "大正15年12月24日"),
    ("1926-12-25", "昭和元年12月25日"),
    ("1989-01-07", "昭和64年1月7日"),
    ("1989-01-08", "平成元年1月8日"),
    ("2019-04-30", "平成31年4月30日"),
    ("2019-05-01", "令和元年5月1日"),
    ("2019-12-31", "令和元年12月31日"),
    ("2020-01-01", "令和2年1月1日"),
    ("2026-05-01", "令和8年5月1日"),
]


@pytest.mark.parametrize(("western", "name"), NAMES)
def test_a_day_has_its_name(western: str, name: str) -> None:
    assert wareki(date.fromisoformat(western)) == name
    assert parse_day(name) == date.fromisoformat(western)


@given(DAYS)
def test_every_day_comes_back(day: date) -> None:
    era = era_of(day)
    count = day.year - era.first.year + 1
    assert parse_day(wareki(day)) == day
    assert parse_day(wareki(day).translate(FULL_WIDTH)) == day
    assert parse_day(f"{era.letter}{count}.{day.month}.{day.day}") == day
    assert parse_day(f"{era.name}{count}年{day.month:02d}月{day.day:02d}日") == day
    assert parse_day(day.isoformat()) == day


@given(DAYS, st.sampled_from(ERAS))
def test_a_day_by_another_era_is_refused_with_its_right_name(day: date, era: object) -> None:
    assert isinstance(era, type(ERAS[0]))
    count = day.year - era.first.year + 1
    if era is era_of(day) or not 1 <= count <= 9999:
        return
    with pytest.raises(RefusedError) as caught:
        parse_day(f"{era.name}{count}年{day.month}月{day.day}日", "begin")
    assert wareki(day) in caught.value.remedy
    assert caught.value.where == "begin"


@given(st.datetimes(datetime(1873, 1, 1), datetime(9998, 12, 31), timezones=st.just(JST)))
def test_every_moment_comes_back_to_the_minute(moment: datetime) -> None:
    minute = moment.replace(second=0, microsecond=0)
    assert parse_moment(wareki_moment(moment)) == minute
    assert parse_moment(minute.isoformat()) == minute
    assert parse_moment(f"{moment.year}-{moment.month}-{moment.day} {moment.hour}:{moment.minute:02d}") == minute


@given(st.text(max_size=30))
def test_no_text_breaks_the_readers(text: str) -> None:
    said = []
    for reader in (parse_day, parse_moment, parse_number):
        try:
            reader(text)
        except RefusedError as error:
            said.append(error)
    assert [error for error in said if not (error.remedy and error.message.isprintable())] == []


@pytest.mark.parametrize(
    "text",
    ["令和８年５月１日", "　令和 8年 5月 1日 ", "令和八年五月一日", "㋿8年5月1日", "R8.5.1", "r8/5/1", "R8-05-01",
     "2026年5月1日", "2026/5/1", "２０２６－５－１", "二〇二六年五月一日", "令和8年5月1日(金)", "令和8年5月1日（金）"],
)  # fmt: skip
def test_ways_to_write_a_day(text: str) -> None:
    assert parse_day(text) == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("text", "day"),
    [("令和八年十一月二十三日", date(2026, 11, 23)), ("平成三十一年四月三十日", date(2019, 4, 30)),
     ("昭和六十四年一月七日", date(1989, 1, 7)), ("令和十年十月十日", date(2028, 10, 10))],
)  # fmt: skip
def test_kanji_numerals(text: str, day: date) -> None:
    assert parse_day(text) == day


HOW = "write it like 令和8年5月1日 or 2026-05-01"
HEISEI_ENDED = "平成 ended on 平成31年4月30日, before that day"
REFUSED = [
    ("平成36年5月1日", f"平成36年: {HEISEI_ENDED}", "if 令和6年5月1日 is meant, write that"),
    ("平成31年5月1日", f"平成31年: {HEISEI_ENDED}", "if 令和元年5月1日 is meant, write that"),
    (
        "令和元年4月30日",
        "令和元年: 令和 began on 令和元年5月1日, after that day",
        "if 平成31年4月30日 is meant, write that",
    ),
    (
        "昭和101年1月1日",
        "昭和101年: 昭和 ended on 昭和64年1月7日, before that day",
        "if 令和8年1月1日 is meant, write that",
    ),
    ("令和0年1月1日", "令和0年 does not exist: an era begins with its first year, 元年", HOW),
    ("平成36年2月30日", f"平成36年: {HEISEI_ENDED}", HOW),
    ("令和8年2月30日", "the calendar has no 2月30日 in that year", HOW),
    ("令和8年13月1日", "the calendar has no 13月1日 in that year", HOW),
    ("明治5年12月2日", "the date lies before 明治6年, or past the end of the calendar", HOW),
    ("8年5月1日", "'8年5月1日' is not a date", HOW),
    ("8.5.1", "'8.5.1' is not a date", HOW),
    ("26-05-01", "'26-05-01' is not a date", HOW),
    ("令和8年5月", "'令和8年5月' is not a date", HOW),
    ("令和十十年1月1日", "'令和十十年1月1日' is not a date", HOW),
    ("万延元年3月18日", "'万延元年3月18日' is not a date", HOW),
    ("", "'' is not a date", HOW),
    ("令和8年5月1日\x1b[2J", "'令和8年5月1日?[2J' is not a date", HOW),
    ("9" * 60, f"'{'9' * 39}…' is not a date", HOW),
]


@pytest.mark.parametrize(("text", "message", "remedy"), REFUSED)
def test_what_never_was_is_refused(text: str, message: str, remedy: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_day(text)
    assert (caught.value.message, caught.value.remedy) == (message, remedy)


MOMENTS = [
    ("令和8年11月23日 14時5分", "2026-11-23T14:05:00"),
    ("令和8年11月23日14時05分", "2026-11-23T14:05:00"),
    ("令和８年１１月２３日　１４：０５", "2026-11-23T14:05:00"),
    ("令和8年11月23日(月) 午後2時5分", "2026-11-23T14:05:00"),
    ("令和8年11月23日 午後 2:05", "2026-11-23T14:05:00"),
    ("令和8年11月23日午前0時", "2026-11-23T00:00:00"),
    ("R8.11.23 9:30", "2026-11-23T09:30:00"),
    ("2026-5-1 14:05", "2026-05-01T14:05:00"),
    ("2026-11-23 14:05:07", "2026-11-23T14:05:07"),
    ("2026-11-23T14:05", "2026-11-23T14:05:00"),
    ("2026-11-23T05:05:00Z", "2026-11-23T14:05:00"),
    ("令和8年11月23日 24時", "2026-11-24T00:00:00"),
    ("令和8年12月31日 24:00", "2027-01-01T00:00:00"),
]


@pytest.mark.parametrize(("text", "expected"), MOMENTS)
def test_ways_to_write_a_moment(text: str, expected: str) -> None:
    assert parse_moment(text).isoformat() == f"{expected}+09:00"


@pytest.mark.parametrize(
    "text",
    ["令和8年11月23日", "2026-11-23", "2026-5-114:05", "令和8年11月23日 25時", "令和8年11月23日 24時1分",
     "令和8年11月23日 14時60分", "令和8年11月23日 午後12時30分", "令和8年11月23日 午後14時", "令和8年11月23日 14:5",
     "2026-02-30T10:00", "2026-11-23T25:00",
     "平成36年11月23日 14時", "0001-01-01T00:00+23:00", "9999-12-31T23:59-23:00", "14:05", ""],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_moment(text)


def test_a_moment_of_another_zone_is_told_in_ours() -> None:
    assert wareki_moment(datetime.fromisoformat("2026-12-31T15:05:59+00:00")) == "令和9年1月1日 0時5分"
    assert wareki_moment(datetime(2026, 5, 1, 14, 5)) == "令和8年5月1日 14時5分"


@pytest.mark.parametrize(
    ("day", "year", "name"),
    [("2026-03-31", 2025, "令和7年度"), ("2026-04-01", 2026, "令和8年度"), ("2027-03-31", 2026, "令和8年度"),
     ("2019-04-01", 2019, "令和元年度"), ("2019-03-31", 2018, "平成30年度"), ("1989-01-08", 1988, "昭和63年度")],
)  # fmt: skip
def test_fiscal_years(day: str, year: int, name: str) -> None:
    assert fiscal_year(date.fromisoformat(day)) == year
    assert fiscal_text(year) == name


@given(st.dates(date(1874, 1, 1), date(9997, 12, 31)))
def test_a_day_lies_in_its_fiscal_year_and_in_no_other(day: date) -> None:
    first, last = fiscal_days(fiscal_year(day))
    assert first <= day <= last
    assert last + timedelta(days=1) == fiscal_days(fiscal_year(day) + 1)[0]


@given(st.integers(1873, 9998), st.integers(1, 999_999))
def test_every_number_of_a_request_comes_back(year: int, number: int) -> None:
    one = RequestNumber(year, number)
    assert parse_number(str(one)) == one
    assert parse_number(one.slug) == one


def test_the_number_of_a_request() -> None:
    first = RequestNumber(2026, 1)
    assert str(first) == "令和8年度 第1号"
    assert first.slug == "2026-001"
    ways = [
        "令和8年度 第1号",
        "令和８年度第１号",
        "令和八年度第一号",
        "R8-1",
        "2026-1",
        "2026-001",
        " 令和8年度　第1号 ",
    ]
    assert [parse_number(way) for way in ways] == [first] * len(ways)
    assert parse_number("平成31年度 第3号") == parse_number("令和元年度 第3号") == RequestNumber(2019, 3)
    assert sorted([RequestNumber(2027, 1), RequestNumber(2026, 12), RequestNumber(2026, 2)]) == [
        RequestNumber(2026, 2), RequestNumber(2026, 12), RequestNumber(2027, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [("平成36年度 第1号", "平成36年: 平成 ended on 平成31年4月30日, before that day"),
     ("令和0年度 第1号", "令和0年 does not exist: an era begins with its first year, 元年"),
     ("令和8年度 第0号", "'令和8年度 第0号' is not the number of a request"),
     ("令和9999年度 第1号", "令和9999年: 令和 ended on 令和7980年12月31日, before that day"),
     ("第1号", "'第1号' is not the number of a request"),
     ("1", "'1' is not the number of a request"),
     ("9999-1", "'9999-1' is not the number of a request")],
)  # fmt: skip
def test_what_is_no_number_of_a_request(text: str, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_number(text)
    assert caught.value.message == message
