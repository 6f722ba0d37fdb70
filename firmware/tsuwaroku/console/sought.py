"""What a call has to be to be found, and how that is written: times, numbers, lengths, directions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import typer

from tsuwaroku.console import render
from tsuwaroku.console.session import Record
from tsuwaroku.console.texts import WORDS, t
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.call import CallRecord, Direction, Integrity
from tsuwaroku.records.era import parse_day, parse_moment
from tsuwaroku.records.telephone import parse_telephone, same_telephone

_BETWEEN = re.compile(r"[\s\-‐‑‒–—―−ー()./・]")
_LENGTH = re.compile(r"(?:(?:(?P<h>[0-9]{1,2}):)?(?P<m>[0-9]{1,4}):(?P<s>[0-5]?[0-9])|(?P<only>[0-9]{1,6}))")


@dataclass(frozen=True, slots=True)
class Number:
    """Digits without hyphens: a part of a number, or a `whole` one."""

    digits: str
    whole: bool = False

    def within(self, record: CallRecord) -> bool:
        """Whether it is the caller's, the called or the dialled number, or of somebody who called meanwhile; or, not
        `whole`, a part of one. What was dialled may have a prefix, and no area code."""
        callers = [one.number for one in (record.caller, *record.waiting_callers) if one.number]
        others = [part for text in (record.called, record.dialled) if text for part in text.split(",")]
        if not self.whole:
            return any(self.digits in _digits(number) for number in (*callers, record.called, record.dialled) if number)
        return any(self._is(number) for number in callers) or any(
            same_telephone(self.digits, number) is True for number in others if number
        )

    def _is(self, number: str) -> bool:
        known = parse_telephone(number)
        return self.digits in ((known.digits or known.extension) if known else "", _digits(number))


@dataclass(frozen=True, slots=True)
class Sought:
    """What a call has to be; all of it, None and empty ask nothing.

    `begin`, `end`: fronts of an ISO time of Asia/Tokyo, both included. `lines`: it is on one of these. `extension`: as
    it was recorded, else (it had none, or there is no key) on one of `extension_lines`. `longer`, `shorter`: seconds as
    lists show them, both included; a call that was cut off was as long as it shows, or longer.
    """

    line: str | None = None
    lines: frozenset[str] | None = None
    extension: str | None = None
    extension_lines: frozenset[str] = frozenset()
    begin: str = ""
    end: str = ""
    marked: bool | None = None
    number: Number | None = None
    direction: Direction | None = None
    longer: int | None = None
    shorter: int | None = None

    def takes(self, record: Record) -> bool:
        """Whether a call is one of those."""
        return self._in_place(record) and self._in_time(record) and self._inside(record)

    def _in_place(self, record: Record) -> bool:
        if self.line is not None and record.line != self.line:
            return False
        if self.lines is not None and record.line not in self.lines:
            return False
        if self.extension is None:
            return True
        if isinstance(record, CallRecord) and record.extension not in ("", record.line):
            return record.extension == self.extension
        return record.line in self.extension_lines or record.line == self.extension

    def _in_time(self, record: Record) -> bool:
        seized = render.dated(record)
        return seized[: len(self.begin)] >= self.begin and (not self.end or seized[: len(self.end)] <= self.end)

    def _inside(self, record: Record) -> bool:
        if self.marked is not None and _marked(record) is not self.marked:
            return False
        if not isinstance(record, CallRecord):
            return self.number is None and self.direction is None and self.longer is None and self.shorter is None
        if self.direction is not None and record.direction is not self.direction:
            return False
        return self._long(record) and (self.number is None or self.number.within(record))

    def _long(self, record: CallRecord) -> bool:
        seconds = round(record.duration_s)
        if self.longer is not None and seconds < self.longer and not cut_off(record):
            return False
        return self.shorter is None or seconds <= self.shorter


def cut_off(record: Record) -> bool:
    """Whether nobody knows how long a call was, but that it was no shorter than it shows."""
    return isinstance(record, CallRecord) and (record.integrity is Integrity.RECOVERED or record.ended_at is None)


def _marked(record: Record) -> bool:
    """Without the key, withdrawn marks cannot be told from others and count."""
    if isinstance(record, CallRecord):
        return any(not mark.withdrawn for mark in record.marks)
    return record.marks > 0


# -- as people write it


def parse_when(text: str | None, option: str, *, key: bool) -> str:
    """The front of an ISO time that was meant; a time of day needs the key. Raises BadParameter."""
    if text is None:
        return ""
    try:
        return parse_day(text).isoformat()
    except RefusedError as error:
        no_day = error
    try:
        moment = parse_moment(text)
    except RefusedError as error:
        said = [one for one in (no_day, error) if " is not a date" not in one.message]  # a date by its look
        told = translate(said[0].message) if said else t("bad.when", value=text)
        raise typer.BadParameter(told, param_hint=option) from error
    if not key:
        raise typer.BadParameter(t("find.needs_key"), param_hint=option)
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M")


def in_order(begin: str, end: str) -> None:
    """Raises BadParameter for a time range that ends before it begins."""
    common = min(len(begin), len(end))
    if common and begin[:common] > end[:common]:
        raise typer.BadParameter(
            t("bad.order", begin=render.clock_time(begin), end=render.clock_time(end)), param_hint="--from, --to"
        )


def parse_number(text: str | None, *, whole: bool) -> Number | None:
    """A part of a number, or with `whole` or a = before it a whole one; in full width, with hyphens, +81 too. Raises
    BadParameter."""
    if text is None:
        if whole:
            raise typer.BadParameter(t("find.whole_of_what"), param_hint="--whole")
        return None
    half = unicodedata.normalize("NFKC", text).strip()
    exact = whole or half.startswith("=")
    half = half.removeprefix("=")
    known = parse_telephone(half)
    digits = _BETWEEN.sub("", half)
    if exact and known is None:
        raise typer.BadParameter(t("bad.whole_number", value=text), param_hint="--number")
    if known is not None and (exact or digits.startswith("+")):
        return Number((known.digits or known.extension).removeprefix("+"), exact)
    if not re.fullmatch(r"[0-9]+", digits):
        raise typer.BadParameter(t("bad.number", value=text), param_hint="--number")
    return Number(digits)


def parse_length(text: str | None, option: str) -> int | None:
    """Seconds of 90, 1:30 or 1:02:30, in full width too. Raises BadParameter."""
    if text is None:
        return None
    match = _LENGTH.fullmatch("".join(unicodedata.normalize("NFKC", text).split()))
    if match is None or (match["h"] and int(match["m"]) > 59):
        raise typer.BadParameter(t("bad.length", value=text), param_hint=option)
    if match["only"]:
        return int(match["only"])
    return 3600 * int(match["h"] or 0) + 60 * int(match["m"]) + int(match["s"])


def parse_direction(text: str | None) -> Direction | None:
    """Of its value, its beginning, or its word in either language. Raises BadParameter."""
    if text is None:
        return None
    wanted = unicodedata.normalize("NFKC", text).strip().casefold()
    for value in Direction:
        if wanted and (value.value.startswith(wanted) or wanted in WORDS["direction"][value.value]):
            return value
    names = ", ".join(f"{one.value} ({WORDS['direction'][one.value][0]})" for one in Direction)
    raise typer.BadParameter(t("bad.direction", value=text, names=names), param_hint="--direction")


def _digits(text: str) -> str:
    """Without hyphens and blanks; full-width digits are digits."""
    return "".join(str(int(one)) for one in text if one.isdecimal())
