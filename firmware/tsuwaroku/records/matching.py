"""Which calls a request can mean (Article 9(1)). Pure.

A request narrows by time, by who was called or called, and by who talked; a call whose number nobody knows is neither
meant nor not, and is counted apart. Nothing is left out because the box knows less than the form.
"""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from tsuwaroku.clock import JST
from tsuwaroku.records.request import RequestForm, asked_span
from tsuwaroku.records.telephone import parse_telephone, same_telephone


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a call a request is held against. `seized_at`, `ended_at`: ISO 8601 (None: it goes on); `numbers`: every
    number of the other party, dialled digits included, None where there is none; `extension` and `department` may be
    empty: then nothing is said by them."""

    line: str
    extension: str = ""
    department: str = ""
    seized_at: str
    ended_at: str | None = None
    numbers: tuple[str, ...] | None = None


class Match(enum.StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN_NUMBER = "unknown_number"  # all else fits, and the call's number is not known


def can_mean(form: RequestForm, call: CallFacts) -> Match:
    """Whether a form that has no `problems` can mean this call.

    The number the call was with decides where both are known. The desk decides by its extension; where the form does
    not know it, by the department, but only if the other party's number is not known either: a clerk may have used
    another's telephone. Raises RefusedError for times that cannot be read.
    """
    if not _in_time(form, call) or not _at_desk(form, call):
        return Match.NO
    wanted = None if form.far_number.unknown is not None else parse_telephone(form.far_number.value)
    own = _own_department(form, call)
    if wanted is None:
        return Match.YES if own else Match.NO
    numbers = [number for each in call.numbers or () for number in each.split(",") if number.strip()]
    verdicts = [same_telephone(wanted.digits or wanted.extension, number) for number in numbers]
    if True in verdicts:
        return Match.YES
    if None in verdicts or not verdicts:
        return Match.UNKNOWN_NUMBER if own else Match.NO
    return Match.NO


def _in_time(form: RequestForm, call: CallFacts) -> bool:
    begin, end = asked_span(form)
    seized = _moment(call.seized_at)
    ended = None if call.ended_at is None else _moment(call.ended_at)
    return seized < end and (ended is None or ended >= begin)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=JST) if moment.tzinfo is None else moment


def _extension(form: RequestForm) -> str:
    """The extension of the desk; empty where the form gives none: an outside number says nothing of the desk."""
    if form.near_number.unknown is not None:
        return ""
    telephone = parse_telephone(form.near_number.value)
    return telephone.extension if telephone else ""


def _at_desk(form: RequestForm, call: CallFacts) -> bool:
    wanted = _extension(form)
    return not wanted or not call.extension or wanted in (call.extension, call.line)


def _own_department(form: RequestForm, call: CallFacts) -> bool:
    """Whether nothing speaks for another department's call: the desk is named, or the call's department is ours."""
    if _extension(form) or not call.department:
        return True
    return "".join(call.department.split()) == "".join(form.department.split())
