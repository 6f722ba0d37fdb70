"""`find` over an office's calls, and what it takes for a match."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.console.support import Run
from tests.console.test_reading import calls_json, key
from tsuwaroku.console.sought import (
    Number,
    Sought,
    in_order,
    parse_direction,
    parse_length,
    parse_number,
    parse_when,
)
from tsuwaroku.records.call import (
    Audio,
    Caller,
    CallRecord,
    ClockRecord,
    Direction,
    Integrity,
    Mark,
    Outcome,
    PublicRecord,
    Retention,
)


def record(**fields: Any) -> CallRecord:
    plain = CallRecord(
        id="01K",
        sequence=1,
        line="1",
        extension="2101",
        direction=Direction.INBOUND,
        seized_at="2026-11-23T09:30:59.250+09:00",
        outcome=Outcome.ANSWERED,
        audio=Audio(rate=8000),
        clock=ClockRecord(quality="synchronised", mono_ns=0, boot_id=""),
        retention=Retention(expires_on="2026-12-23"),
    )
    return msgspec.structs.replace(plain, **fields)


PUBLIC = PublicRecord(
    id="01K", sequence=1, line="1", date="2026-11-23", outcome=None, marks=1, retention=Retention(expires_on="")
)


@pytest.mark.parametrize(
    ("begin", "end", "taken"),
    [
        ("2026-11-23", "2026-11-23", True),
        ("2026-11-24", "", False),
        ("", "2026-11-22", False),
        ("2026-11-23T09:30", "2026-11-23T09:30", True),
        ("2026-11-23T09:31", "", False),
        ("", "2026-11-23T09:29", False),
    ],
)
def test_times_include_both_ends(begin: str, end: str, taken: bool) -> None:
    assert Sought(begin=begin, end=end).takes(record()) is taken
    if "T" not in begin + end:
        assert Sought(begin=begin, end=end).takes(PUBLIC) is taken


def test_marks_and_numbers() -> None:
    withdrawn, standing = Mark(at_s=1.0, withdrawn=True), Mark(at_s=2.0)
    found = [Sought(marked=True).takes(record(marks=marks)) for marks in ([], [withdrawn], [withdrawn, standing])]
    assert (found, Sought(marked=True).takes(PUBLIC)) == ([False, False, True], True)
    others = [Sought(marked=False).takes(record(marks=marks)) for marks in ([], [withdrawn], [withdrawn, standing])]
    assert (others, Sought(marked=False).takes(PUBLIC)) == ([True, True, False], False)
    caller = Caller(number="0312345678")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("345678", {"caller": caller}),
        ("9", {"caller": caller}),
        ("2101", {"called": "2101"}),
    ]
    asked += [("0123", {"dialled": "0123456"}), ("1", {})]
    assert [Sought(number=Number(digits)).takes(record(**fields)) for digits, fields in asked] == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert Sought(number=Number("1")).takes(PUBLIC) is False
    assert [Sought(line=line).takes(record()) for line in ("1", "2")] == [True, False]


def test_find_is_calls_with_a_choice(run: Run, office: Path) -> None:
    every = calls_json(run, office)
    assert run("find", *key(office), "--json").json == every
    for line in ("1", "2"):
        assert run("find", *key(office), "--line", line, "--json").json == [c for c in every if c["line"] == line]
    marked = [call for call in every if any(not mark["withdrawn"] for mark in call["marks"])]
    assert 0 < len(marked) < len(every)
    assert run("find", *key(office), "--marked", "--json").json == marked
    minute = every[1]["seized_at"][:16]
    there = [call for call in every if call["seized_at"][:16] == minute]
    assert run("find", *key(office), "--from", minute, "--to", minute, "--json").json == there
    day = ("--from", every[0]["seized_at"][:10])
    assert run("find", "--store", office, *day, "--json").json == run("calls", "--store", office, "--json").json
    assert run("find", "--store", office, "--to", "2020-01-01", "--json").json == []
    assert f"#{marked[0]['sequence']} " in run("find", *key(office), "--marked").out


BOX = """
[store]
path = "{store}"
[[line]]
id = "1"
extension = "2101"
department = "市民課"
[[line]]
id = "2"
extension = "2102"
department = "市民税課"
[[line]]
id = "3"
extension = "2103"
department = "福祉課"
[[line]]
id = "9"
mode = "off"
"""


@pytest.fixture
def box(office: Path, tmp_path: Path) -> tuple[object, ...]:
    """The options of whoever has the key, and the configuration of the box."""
    config = tmp_path / "box.toml"
    config.write_text(BOX.format(store=office), encoding="utf-8")
    return ("--config", config, "find", *key(office))


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (("--department", "市民課"), {"1"}),
        (("--department", "市民"), {"1", "2"}),
        (("--department", " 福 祉 課 "), {"3"}),
        (("--extension", "２１０３"), {"3"}),
        (("--extension", "9"), set()),
        (("--line", "2"), {"2"}),
        (("--line", "9"), set()),
        (("--department", "市民", "--line", "3"), set()),
        (("--department", "福祉課", "--extension", "2103"), {"3"}),
    ],
)
def test_whose_telephone_it_was(run: Run, box: tuple[object, ...], options: tuple[str, ...], lines: set[str]) -> None:
    """With the key and without: whose a line is the configuration says."""
    with_key, without = run(*box, *options, "--json"), run(*box[:5], *options, "--json")
    assert (with_key.code, without.code) == (0, 0)
    assert {call["line"] for call in with_key.json} == {call["line"] for call in without.json} == lines
    places = {"1": ("2101", "市民課"), "2": ("2102", "市民税課"), "3": ("2103", "福祉課")}
    assert all((call["extension"], call["department"]) == places[call["line"]] for call in without.json)
    assert all(call["department"] == places[call["line"]][1] for call in with_key.json)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--department", "総務課"), "市民課, 市民税課, 福祉課"),
        (("--department", "　"), "市民課, 市民税課, 福祉課"),
        (("--extension", "2104"), "2101, 2102, 2103, 9"),
        (("--line", "4"), "1, 2, 3, 9"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    run: Run, box: tuple[object, ...], options: tuple[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    ran = run(*box[:5], *options)
    assert (ran.code, ran.out, told in ran.err, "ありません" in ran.err) == (11, "", True, True)


def test_without_a_configuration_nobody_guesses_whose_a_line_is(run: Run, office: Path, tmp_path: Path) -> None:
    for option in (("--department", "市民課"), ("--extension", "2101")):
        ran = run("find", "--store", office, *option)
        assert (ran.code, "nobody says here which lines are whose" in ran.err) == (11, True)
    assert run("find", *key(office), "--extension", "3", "--json").json != []  # the key says those of the records
    assert run("find", "--store", tmp_path / "none", "--line", "7").code == 6


def test_departments_have_a_column_where_there_is_room(
    run: Run, box: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    room = run(*box).out
    assert ("市民税課" in room, "0312345678" in room) == (True, False)
    monkeypatch.setenv("COLUMNS", "120")
    wide = run(*box).out
    assert ("市民税課" in wide, "0312345678" in wide) == (True, True)
    assert max(cell_len(line) for line in wide.splitlines()) <= 112
    monkeypatch.setenv("COLUMNS", "80")
    narrow = run(*box[:5]).out
    assert ("市民税課" in narrow, "2/2102" in narrow) == (False, True)
    assert max(cell_len(line) for line in narrow.splitlines()) <= 80


def test_an_extension_is_the_one_the_call_had(run: Run, office: Path) -> None:
    """Who has it now is no party to what was said then."""
    moved = Sought(extension="2101", extension_lines=frozenset({"7"}))
    assert [moved.takes(record(line=line, extension=own)) for line, own in (("1", "2101"), ("7", "2199"))] == [
        True,
        False,
    ]
    assert [moved.takes(record(line=line, extension=line)) for line in ("1", "7")] == [False, True]
    assert [moved.takes(msgspec.structs.replace(PUBLIC, line=line)) for line in ("1", "7")] == [False, True]


@pytest.mark.parametrize(
    ("text", "whole", "seconds"),
    [
        ("03-1234-5678", False, ("0312345678", False)),
        ("０３（１２３４）５６７８", False, ("0312345678", False)),
        ("５６７８", False, ("5678", False)),
        ("=0312345678", False, ("0312345678", True)),
        ("＝０３ー１２３４ー５６７８", False, ("0312345678", True)),
        ("+81 3 1234 5678", False, ("0312345678", False)),
        ("117", True, ("117", True)),
        ("内線2101", True, ("2101", True)),
    ],
)
def test_numbers_as_people_write_them(text: str, whole: bool, seconds: tuple[str, bool]) -> None:
    assert parse_number(text, whole=whole) == Number(*seconds)


@pytest.mark.parametrize(
    ("text", "whole"), [("", False), ("-", False), ("abc1", False), ("12a", False), ("5678 ", True), ("=", False),
                        ("03123456", True), ("=031234567890123", False), ("〇三", False), (None, True)]
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str | None, whole: bool) -> None:
    if text == "5678 ":
        assert parse_number(text, whole=whole) == Number("5678", True)  # an extension may have four digits
        return
    with pytest.raises(typer.BadParameter):
        parse_number(text, whole=whole)


@pytest.mark.parametrize(
    ("fields", "part", "whole"),
    [
        ({"caller": Caller(number="0312345678")}, True, True),
        ({"caller": Caller(number="03-1234-5678")}, True, True),
        ({"caller": Caller(number="90312345678")}, True, False),
        ({"dialled": "0,0312345678"}, True, True),
        ({"dialled": "1840312345678"}, True, True),
        ({"dialled": "03123?5678"}, False, False),
        ({"dialled": "0312345679"}, False, False),
        ({"waiting_callers": [Caller(number="0312345678")]}, True, True),
        ({"caller": Caller(absence="withheld")}, False, False),
        ({}, False, False),
    ],
)
def test_a_part_of_a_number_and_all_of_it(fields: dict[str, Any], part: bool, whole: bool) -> None:
    asked = [Sought(number=Number("0312345678", kind)).takes(record(**fields)) for kind in (False, True)]
    assert asked == [part, whole]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1:30", 90),
        ("１：３０", 90),
        ("1:02:30", 3750),
        ("90:00", 5400),
        ("0", 0),
        ("0:05", 5),
        (None, None),
    ],
)
def test_lengths_as_people_write_them(text: str | None, seconds: int | None) -> None:
    assert parse_length(text, "--longer") == seconds


@pytest.mark.parametrize("text", ["", "-5", "1:75", "1:99:00", "1分", "1.5", ":30", "1:", "inf", "1:2:3:4", "9" * 9])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_length(text, "--longer")


def test_lengths_are_those_that_lists_show_and_a_call_cut_off_may_be_longer() -> None:
    lengths = (29.4, 29.6, 30.4, 30.6)
    assert [Sought(longer=30).takes(record(duration_s=s, ended_at="x")) for s in lengths] == [False, True, True, True]
    assert [Sought(shorter=30).takes(record(duration_s=s, ended_at="x")) for s in lengths] == [True, True, True, False]
    cut = [record(duration_s=5.0, integrity=Integrity.RECOVERED, ended_at="x"), record(duration_s=5.0, ended_at=None)]
    assert [Sought(longer=30).takes(one) for one in cut] == [True, True]
    assert [Sought(shorter=4).takes(one) for one in cut] == [False, False]  # it was longer than that already
    assert Sought(longer=0).takes(PUBLIC) is False


@pytest.mark.parametrize(
    ("text", "value"),
    [("inbound", "inbound"), ("in", "inbound"), ("着信", "inbound"), ("発信", "outbound"), ("OUT", "outbound"),
     ("内線", "internal"), ("不明", "unknown")],
)  # fmt: skip
def test_directions_in_both_languages(text: str, value: str) -> None:
    assert parse_direction(text) == Direction(value)


@pytest.mark.parametrize(
    ("text", "front"),
    [("2026-11-23", "2026-11-23"), ("令和8年11月23日", "2026-11-23"), ("R8.11.23", "2026-11-23"),
     ("２０２６／１１／２３", "2026-11-23"), ("2026-11-23T09:30", "2026-11-23T09:30"),
     ("2026-11-23 9:30", "2026-11-23T09:30"), ("令和8年11月23日 午後2時5分", "2026-11-23T14:05"),
     ("2026-11-23T09:30:15", "2026-11-23T09:30:15"), (None, "")],
)  # fmt: skip
def test_times_as_people_write_them(text: str | None, front: str) -> None:
    assert parse_when(text, "--from", key=True) == front


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--number", "0312"), "封印"),
        (("--from", "2026-11-23T09:30"), "封印"),
        (("--direction", "inbound"), "封印"),
        (("--longer", "0"), "封印"),
        (("--shorter", "1:00"), "封印"),
        (("--number", "abc"), "番号として読めません"),
        (("--to", "yesterday"), "日付でも日時でもありません"),
        (("--to", "2026-02-30"), "その年に 2月30日 はありません"),
        (("--from", "2026-11-23 25:00"), "25:00' という時刻はありません"),
        (("--from", "平成36年1月1日"), "平成"),
        (("--from", "2026-11-24", "--to", "2026-11-23"), "始め（2026-11-24）が終わり（2026-11-23）より後"),
        (("--direction", "よこ"), "inbound (着信)"),
        (("--longer", "2:00", "--shorter", "1:59"), "ありえません"),
        (("--marked", "--unmarked"), "両方は選べません"),
        (("--whole",), "--number で指定"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    run: Run, office: Path, options: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    monkeypatch.setenv("COLUMNS", "200")
    refused = run("find", "--store", office, *options)
    assert (refused.code, said in refused.err, "Invalid value" in refused.err) == (2, True, False)


def test_a_range_that_begins_within_the_day_it_ends_is_one(run: Run, office: Path) -> None:
    in_order("2026-11-23T09:30", "2026-11-23")
    in_order("2026-11-23", "2026-11-23T09:30")
    with pytest.raises(typer.BadParameter):
        in_order("2026-11-23T09:31", "2026-11-23T09:30")


@given(text=st.one_of(st.text(max_size=30), st.from_regex(r"[0-9０-９:=+ー年月日時分. /T-]{1,20}", fullmatch=True)))
def test_whatever_is_typed_is_understood_or_refused(text: str) -> None:
    for parse in (
        lambda: parse_when(text, "--from", key=True),
        lambda: parse_when(text, "--from", key=False),
        lambda: parse_length(text, "--longer"),
        lambda: parse_number(text, whole=False),
        lambda: parse_number(text, whole=True),
        lambda: parse_direction(text),
    ):
        with suppress(typer.BadParameter):
            found = parse()
            assert found is not None
            if isinstance(found, Number):
                assert found.digits.isascii()
                assert found.digits.isdigit()
