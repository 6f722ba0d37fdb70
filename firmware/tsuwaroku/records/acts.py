"""Acts of records management: what people did, as the audit log has it. Every ledger is a fold of these.

An act says in the clear what the box itself has to know to keep the rules (numbers of requests, ids of calls and media,
accounts, days). Whatever names a citizen, a clerk or a reason is in its sealed words.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, ClassVar, Final, TypeVar

import msgspec

SLUG: Final = re.compile(r"[0-9]{4}-[0-9]{3,9}")
"""A request's number as a subject (`records.era.RequestNumber.slug`)."""
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_YEARS = range(1900, 2200)  # of a day that an act may name


class ActVerb(enum.StrEnum):
    """The verbs of the audit log that ledgers are made of."""

    APPOINTED = "appointed"
    DISMISSED = "dismissed"
    APPOINTMENT_ENDED = "appointment ended"
    MANAGER_SUCCEEDED = "manager succeeded"
    RECOVERY_REPLACED = "recovery replaced"
    WORDS_RESEALED = "words sealed again"
    CALLS_REWRAPPED = "calls wrapped again"
    REQUEST_SUBMITTED = "request submitted"
    REQUEST_APPROVED = "request approved"
    REQUEST_REFUSED = "request refused"
    REQUEST_WITHDRAWN = "request withdrawn"
    QUEUE_PASSED = "mark passed"
    MEDIUM_REGISTERED = "medium registered"
    COPY_BEGUN = "copy begun"
    COPY_MADE = "copy made"
    COPY_FAILED = "copy failed"
    MEDIUM_HANDED_OVER = "medium handed over"
    RECOPY_APPROVED = "recopy approved"
    MEDIUM_RETURNED = "medium returned"
    MEDIUM_WIPED = "medium wiped"
    MEDIUM_DESTROYED = "medium destroyed"
    MEDIUM_LOST = "medium lost"
    DISCLOSURE_OPENED = "disclosure opened"
    DISCLOSURE_DECIDED = "disclosure decided"
    DISCLOSURE_CARRIED_OUT = "disclosure carried out"
    NOTICE_PUBLISHED = "notice published"
    WORDS_EXPIRED = "words expired"
    WORDS_ERASED = "words erased"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `number`: of its audit entry; `at`: ISO 8601; `actor`: the account that did it, as the kernel named it.

    `words`: None where they are sealed to somebody else or have been erased, empty where there never were any.
    `erased`: their years were over.
    """

    number: int
    at: str
    actor: str
    verb: ActVerb
    subject: str
    detail: dict[str, Any]
    words: dict[str, Any] | None = None
    erased: bool = False


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What acts of a verb say in the clear, as a type; each module of a fold has those of its verbs. Fields of later
    versions are passed over. `subject`: what theirs look like, where not everything will do."""

    subject: ClassVar[re.Pattern[str] | None] = None


D = TypeVar("D", bound=Detail)


def detail_of(act: Act, kind: type[D]) -> D | None:
    """What an act says; None where it does not say that, so that a fold has to pass it over: one of another version, or
    made by hand. `records.readable` finds those, and they are told."""
    if kind.subject is not None and not kind.subject.fullmatch(act.subject):
        return None
    try:
        day_of_act(act)
        said = msgspec.convert(act.detail, kind)
    except (msgspec.ValidationError, ValueError):
        return None
    days = [value for name in said.__struct_fields__ if isinstance(value := getattr(said, name), date)]
    return said if all(day.year in _YEARS for day in days) else None


def next_number(acts: Iterable[Act], verb: ActVerb, before: str) -> int:
    """The next of the numbers behind `before`, e.g. 2026-, in the subjects of a verb's acts: one that no fold can read
    has taken its number all the same."""
    subjects = (act.subject for act in acts if act.verb is verb)
    numbers = (subject.removeprefix(before) for subject in subjects if subject.startswith(before))
    return max((int(number) for number in numbers if _NUMBER.fullmatch(number)), default=0) + 1


def day_of_act(act: Act) -> date:
    """The day it was done by the clock of that day. Raises ValueError."""
    day = datetime.fromisoformat(act.at).date()
    if day.year not in range(1970, 2200):
        raise ValueError(act.at)
    return day


def word_of(act: Act, name: str) -> str | None:
    """A sealed word; None where the words are sealed to somebody else, or have none of that name."""
    said = (act.words or {}).get(name)
    return said if said is None or isinstance(said, str) else str(said)
