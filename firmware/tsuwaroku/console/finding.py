"""`find`: calls by what somebody remembers of them: when, on which line, marked or not, a part of the number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from tsuwaroku.console import render
from tsuwaroku.console.options import JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.reading import EveryOption, LineFilter, listed
from tsuwaroku.console.session import Record, load_key, open_store
from tsuwaroku.console.texts import h, t
from tsuwaroku.records.call import CallRecord

_WHEN = "YYYY-MM-DD[THH:MM]"
FromFilter = Annotated[str | None, typer.Option("--from", metavar=_WHEN, help=h("opt.from"), show_default=False)]
ToFilter = Annotated[str | None, typer.Option("--to", metavar=_WHEN, help=h("opt.to"), show_default=False)]
MarkedFilter = Annotated[bool, typer.Option("--marked", metavar="", help=h("opt.marked"), show_default=False)]
NumberFilter = Annotated[
    str | None, typer.Option("--number", metavar="DIGITS", help=h("opt.number"), show_default=False)
]


@dataclass(frozen=True, slots=True)
class Sought:
    """What a call has to be. `begin`, `end`: fronts of an ISO time of Asia/Tokyo, both included; `digits`: a part of
    the caller's, the called or the dialled number."""

    line: str | None = None
    begin: str = ""
    end: str = ""
    marked: bool = False
    digits: str = ""

    def takes(self, record: Record) -> bool:
        """Whether a call is one of those."""
        seized = render.dated(record)
        if self.line is not None and record.line != self.line:
            return False
        if seized[: len(self.begin)] < self.begin or (self.end and seized[: len(self.end)] > self.end):
            return False
        return (not self.marked or _marked(record)) and (not self.digits or self._has_digits(record))

    def _has_digits(self, record: Record) -> bool:
        numbers = (record.caller.number, record.called, record.dialled) if isinstance(record, CallRecord) else ()
        return any(self.digits in _digits(number) for number in numbers if number)


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("find", help=h("find"))(find)


def find(
    ctx: typer.Context,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    begin: FromFilter = None,
    end: ToFilter = None,
    line: LineFilter = None,
    marked: MarkedFilter = False,
    number: NumberFilter = None,
    every: EveryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find calls."""
    sought = Sought(line, _when(begin, "--from", key), _when(end, "--to", key), marked, _part(number))
    if sought.digits and key is None:
        raise typer.BadParameter(t("find.needs_key"), param_hint="--number")
    opened = open_store(ctx, store)
    records = [record for record in listed(opened, load_key(key, passphrase_file)) if sought.takes(record)]
    if as_json:
        emit_json(records)
    else:
        screen().print(render.calls(records, with_key=key is not None, every=every))


def _when(text: str | None, option: str, key: object) -> str:
    """The front of an ISO time that was meant; a time of day needs the key."""
    if text is None:
        return ""
    for pattern in ("%Y-%m-%d", "%Y-%m-%dT%H:%M"):
        try:
            when = datetime.strptime(text, pattern)
        except ValueError:
            continue
        if "T" in pattern and key is None:
            raise typer.BadParameter(t("find.needs_key"), param_hint=option)
        return when.strftime(pattern)
    raise typer.BadParameter(t("bad.when", value=text), param_hint=option)


def _part(number: str | None) -> str:
    digits = _digits(number or "")
    if number is not None and not digits:
        raise typer.BadParameter(t("bad.number", value=number), param_hint="--number")
    return digits


def _digits(text: str) -> str:
    """Without hyphens and blanks; full-width digits are digits."""
    return "".join(str(int(one)) for one in text if one.isdecimal())


def _marked(record: Record) -> bool:
    """Without the key, withdrawn marks cannot be told from others and count."""
    if isinstance(record, CallRecord):
        return any(not mark.withdrawn for mark in record.marks)
    return record.marks > 0
