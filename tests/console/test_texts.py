"""Every word in both languages, and none that nobody says."""

from __future__ import annotations

import ast
import string
import typing
from enum import Enum
from pathlib import Path

import pytest

from tsuwaroku import errors
from tsuwaroku.clock import ClockQuality
from tsuwaroku.config import Mode
from tsuwaroku.console import texts
from tsuwaroku.events import GapReason
from tsuwaroku.records.call import Direction, Integrity, MarkKind, NoticeOutcome, Outcome
from tsuwaroku.signalling.callerid import Absence
from tsuwaroku.signalling.line import State
from tsuwaroku.store.keys import Role
from tsuwaroku.store.tombstone import Why

SOURCES = sorted(Path(texts.__file__).parent.glob("*.py"))
TABLES = {"t": texts.TEXTS, "h": texts.HELP_TEXTS}


def asked_for(function: str) -> tuple[set[str], set[str]]:
    """Keys the console asks `t` or `h` for: whole ones, and the fixed beginnings of those made up on the way."""
    whole: set[str] = set()
    beginnings: set[str] = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function):
                continue
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.JoinedStr):
                    assert isinstance(part.values[0], ast.Constant)
                    beginnings.add(str(part.values[0].value))
            made_up = {
                id(part)
                for joined in ast.walk(node.args[0])
                if isinstance(joined, ast.JoinedStr)
                for part in ast.walk(joined)
            }
            whole |= {
                part.value
                for part in ast.walk(node.args[0])
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in made_up
            }
    return whole, beginnings


@pytest.mark.parametrize("function", ["t", "h"])
def test_every_text_is_asked_for_and_every_text_asked_for_is_there(function: str) -> None:
    whole, beginnings = asked_for(function)
    table = set(TABLES[function])
    assert sorted(whole - table) == []
    assert sorted(key for key in table - whole if not any(key.startswith(first) for first in beginnings)) == []


@pytest.mark.parametrize("parts", [texts.PARTS, texts.HELP_PARTS], ids=["phrases", "helps"])
def test_no_key_stands_for_two_texts(parts: tuple[dict[str, tuple[str, str]], ...]) -> None:
    """The later one would be shown in the place of the other."""
    every = [key for part in parts for key in part]
    assert sorted(key for key in set(every) if every.count(key) > 1) == []


@pytest.mark.parametrize("table", [texts.TEXTS, texts.HELP_TEXTS], ids=["phrases", "helps"])
def test_both_languages_say_the_same_values(table: dict[str, tuple[str, str]]) -> None:
    def named(text: str) -> set[str | None]:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}

    assert [key for key, pair in table.items() if not all(pair)] == []
    assert [key for key, (ja, en) in table.items() if named(ja) != named(en)] == []


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("direction", Direction),
        ("outcome", Outcome),
        ("integrity", Integrity),
        ("notice", NoticeOutcome),
        ("mark", MarkKind),
        ("state", State),
        ("mode", Mode),
        ("clock", ClockQuality),
        ("gap", GapReason),
        ("erased_why", Why),
        ("absence", Absence),
    ],
)
def test_every_value_has_a_word(kind: str, values: type[Enum]) -> None:
    assert {str(value.value) for value in values} - set(texts.WORDS[kind]) == set()


def test_every_role_and_error_has_a_word() -> None:
    assert set(texts.WORDS["role"]) == set(typing.get_args(Role))
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.TsuwarokuError) and value is not errors.TsuwarokuError
    }
    assert set(texts.WORDS["error"]) == classes


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "ja_JP.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({}, False),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C", "LC_MESSAGES": "ja_JP.UTF-8"}, True),
        ({"LC_MESSAGES": "en_GB.UTF-8", "LC_ALL": "ja"}, True),
    ],
)
def test_the_language_is_the_locales(
    variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANG")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert texts.japanese() is expected
    assert texts.word("outcome", Outcome.MISSED) == ("不在" if expected else "missed")


def test_what_nobody_named_is_shown_as_it_is() -> None:
    assert [texts.word("state", value) for value in ("new_state", None, "")] == ["new_state", "–", "–"]
