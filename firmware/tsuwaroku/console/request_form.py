"""The form of `request new`: read from a file, or asked for field by field; and the calls it can mean."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import typer

from tsuwaroku.clock import JST
from tsuwaroku.console import render
from tsuwaroku.console.lines import Lines, department_of
from tsuwaroku.console.texts import t
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.call import CallRecord, Outcome
from tsuwaroku.records.matching import CallFacts, Match, can_mean
from tsuwaroku.records.request import FIELDS, Problem, Reason, RequestForm, article_ja, problems
from tsuwaroku.records.request_file import LABELS, from_answers, from_toml

LARGEST = 1 << 20  # octets of a form's file
_ONLY_FOR_OTHER: Final = ("purpose", "serves")

Ask = Callable[[str, str], str]


def from_file(path: Path) -> RequestForm:
    """Raises RefusedError for a file that is none, or no form."""
    try:
        with path.open("rb") as file:
            octets = file.read(LARGEST + 1)
        text = octets.decode("utf-8")
    except OSError as error:
        raise RefusedError(
            f"cannot be read ({error.strerror})", where=str(path), remedy="check the file's name"
        ) from error
    except UnicodeDecodeError as error:
        raise RefusedError("is not UTF-8 text", where=str(path), remedy="save the file as UTF-8") from error
    if len(octets) > LARGEST:
        raise RefusedError("is too long for a form", where=str(path), remedy="check the file's name")
    return from_toml(text, str(path))


def asked_for(now: datetime, ask: Ask | None = None) -> RequestForm:
    """Every field of 別記様式, asked for on the terminal; those with problems again, until there are none.

    Raises RefusedError where there is no terminal.
    """
    if ask is None:
        if not sys.stdin.isatty():
            raise RefusedError(
                "there is no terminal to ask on",
                remedy="fill in the form of `tsuwaroku request template` and name it with --file FILE",
            )
        ask = _ask
    typer.echo(t("request.how"), err=True)
    answers: dict[str, str] = {}
    wanted: Iterable[str] = FIELDS
    while True:
        for field in wanted:
            if field not in _ONLY_FOR_OTHER or _other(answers.get("reasons", "")):
                answers[field] = ask(field, answers.get(field, ""))
            else:
                answers.pop(field, None)
        form = from_answers(answers.items())
        found = problems(form, now)
        if not found:
            return form
        for problem in found:
            typer.echo(problem_text(problem), err=True)
        again = {problem.field for problem in found}
        again |= set(_ONLY_FOR_OTHER) if "reasons" in again else set()
        wanted = [field for field in FIELDS if field in again]


def _ask(field: str, before: str) -> str:
    hint = t(f"request.hint.{field}")
    return str(typer.prompt(f"{LABELS[field]}{hint}", default=before, show_default=bool(before), err=True))


def _other(reasons: str) -> bool:
    return Reason.OTHER in from_answers([("reasons", reasons)]).reasons


def problem_text(problem: Problem) -> str:
    """One line: the field, what is wrong, the article, what to do."""
    article = t("request.article", article=article_ja(problem.article)) if problem.article else ""
    remedy = translate(problem.remedy)
    return t("request.problem", field=LABELS[problem.field], message=translate(problem.message), article=article,
             remedy=remedy)  # fmt: skip


# -- which calls


def meant(form: RequestForm, records: Sequence[CallRecord], lines: Lines) -> dict[Match, list[CallRecord]]:
    """The calls by whether the form can mean them. One that could not be recorded has nothing to be copied."""
    found: dict[Match, list[CallRecord]] = {match: [] for match in Match}
    for record in records:
        if record.outcome is not Outcome.NOT_RECORDED:
            found[can_mean(form, _facts(record, department_of(record, lines)))].append(record)
    return found


def _facts(record: CallRecord, department: str) -> CallFacts:
    numbers = (
        record.caller.number,
        record.called,
        record.dialled,
        *(waiting.number for waiting in record.waiting_callers),
    )
    known = tuple(number for number in numbers if number)
    seized = render.dated(record)
    ended = record.ended_at
    if ended is not None and seized != record.seized_at:  # the box knows the date better than its clock did
        ended = (_moment(seized) + (_moment(ended) - _moment(record.seized_at))).isoformat()
    return CallFacts(
        line=record.line,
        extension=record.extension,
        department=department,
        seized_at=seized,
        ended_at=ended,
        numbers=known or None,
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=JST) if moment.tzinfo is None else moment
