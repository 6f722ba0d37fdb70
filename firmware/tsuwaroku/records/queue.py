"""The 不当要求 queue (Articles 7(2)-1 and 8(1)): marked calls that wait for the manager, and what is urgent. Pure.

She holds such a call, opens a request for it, or lets it lapse. What she has done none of is an alarm once its last
days begin; so is an open request that touches a call with as few days left, whether marked or not.

| verb | subject | detail | words |
|---|---|---|---|
| `mark passed` | id of the call | `marks` (how many stood then) | `reason` |
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from tsuwaroku.records.acts import Act, ActVerb, Detail, detail_of
from tsuwaroku.records.requests import CopyFor, Request, Status

SOON_DAYS: Final = 7
"""With so many days left, or fewer, it is urgent. On its last day a call has none left."""


class Waiting(enum.StrEnum):
    """Where a marked call stands; the first that is true of it."""

    HELD = "held"
    REQUESTED = "requested"
    PASSED = "passed"
    WAITING = "waiting"


class PassedDetail(Detail, frozen=True, kw_only=True):
    """Of `mark passed`; the subject is the call. `marks`: how many stood then."""

    marks: int


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """One marked call. `day`: it was seized on, ISO; `marks`: those that stand; `last_day`: of keeping, holds included;
    `left`: days until then, 0 on it; `held_until`: of a hold that lengthens its keeping or did; `requests`: slugs of
    the open ones that name it.
    """

    id: str
    sequence: int
    line: str
    extension: str
    department: str
    day: str
    marks: int
    last_day: date
    left: int
    held_until: date | None
    requests: tuple[str, ...]
    state: Waiting


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """What the box knows of a marked call, as `Queued` has it."""

    id: str
    sequence: int
    line: str
    extension: str = ""
    department: str = ""
    day: str
    marks: int
    last_day: date
    held_until: date | None = None


class Urgent(msgspec.Struct, frozen=True):
    """An open request and the first day on which a call of it is kept for the last time."""

    slug: str
    last_day: date


def passed(acts: Iterable[Act]) -> dict[str, int]:
    """Call id -> how many marks it had when it was last let go. One that was marked again since waits again."""
    found = ((act.subject, detail_of(act, PassedDetail)) for act in acts if act.verb is ActVerb.QUEUE_PASSED)
    return {call: said.marks for call, said in found if said is not None}


def is_open(request: Request) -> bool:
    """Whether its calls are still needed: nobody has decided, or a copy that was approved is not made yet."""
    if request.status is Status.SUBMITTED:
        return True
    made = {recipient for recipient, _ in request.made}
    return request.status is Status.APPROVED and not made.issuperset(CopyFor)


def queue(calls: Iterable[Marked], requests: Sequence[Request], let_go: Mapping[str, int], today: date) -> list[Queued]:
    """The calls that still have a mark and a day, those with the fewest days left first."""
    naming: dict[str, list[str]] = {}
    for request in filter(is_open, requests):
        for call in request.calls:
            naming.setdefault(call, []).append(request.slug)
    found = [
        Queued(
            id=call.id,
            sequence=call.sequence,
            line=call.line,
            extension=call.extension,
            department=call.department,
            day=call.day,
            marks=call.marks,
            last_day=call.last_day,
            left=(call.last_day - today).days,
            held_until=call.held_until,
            requests=tuple(naming.get(call.id, ())),
            state=_state(call, call.id in naming, let_go.get(call.id, 0), today),
        )
        for call in calls
        if call.marks > 0 and call.last_day >= today
    ]
    return sorted(found, key=lambda one: (one.last_day, one.sequence))


def lapsing(queued: Iterable[Queued]) -> list[Queued]:
    """Those that lapse soon and that nobody looked at."""
    return [one for one in queued if one.state is Waiting.WAITING and one.left <= SOON_DAYS]


def urgent(requests: Iterable[Request], last_days: Mapping[str, date], today: date) -> list[Urgent]:
    """The open requests that touch a call with few days left; `last_days` of the calls that are there. The first to
    lapse comes first. A call that is gone, or past its days, makes nothing urgent: it is too late."""
    found = []
    for request in filter(is_open, requests):
        soon = [last_days[call] for call in request.calls if call in last_days]
        soon = [day for day in soon if 0 <= (day - today).days <= SOON_DAYS]
        if soon:
            found.append(Urgent(request.slug, min(soon)))
    return sorted(found, key=lambda one: (one.last_day, one.slug))


def _state(call: Marked, requested: bool, marks_let_go: int, today: date) -> Waiting:
    if call.held_until is not None and call.held_until >= today:
        return Waiting.HELD
    if requested:
        return Waiting.REQUESTED
    return Waiting.PASSED if marks_let_go >= call.marks else Waiting.WAITING
