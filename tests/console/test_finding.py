"""`find` over an office's calls, and what it takes for a match."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.console.support import Run
from tests.console.test_reading import calls_json, key
from tsuwaroku.console.finding import Sought
from tsuwaroku.records.call import (
    Audio,
    Caller,
    CallRecord,
    ClockRecord,
    Direction,
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
    caller = Caller(number="03-1234-5678")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("345678", {"caller": caller}),
        ("9", {"caller": caller}),
        ("2101", {"called": "2101"}),
    ]
    asked += [("0123", {"dialled": "0123456"}), ("1", {})]
    assert [Sought(digits=digits).takes(record(**fields)) for digits, fields in asked] == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert Sought(digits="1").takes(PUBLIC) is False
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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--number", "0312"), "封印"),
        (("--from", "2026-11-23T09:30"), "封印"),
        (("--number", "abc"), "数字がありません"),
        (("--to", "yesterday"), "日付でも日時でもありません"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    run: Run, office: Path, options: tuple[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    refused = run("find", "--store", office, *options)
    assert (refused.code, said in refused.err.replace("\n", "")) == (2, True)
