"""Requests (Article 9) as a fold of acts: submitted, decided, copied. What an act says in the clear is here, too:

| verb | subject | detail | words |
|---|---|---|---|
| `request submitted` | slug, e.g. 2026-001 | `calls` (ids), `unknown_numbers`, `on` | `form` (`RequestForm`), `name` |
| `request approved` | slug | `calls` (ids), `return_by` (day or null), `as` (role) | `reason`, `name` |
| `request refused`, `request withdrawn` | slug | `as` (role) | `reason`, `name` |
| `copy begun`, `copy made`, `copy failed` | slug | `recipient`, `medium` (name); made: `octets`, `payload` | none |
| `recopy approved` | slug | `recipient` | `reason`, `name` |
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

import msgspec

from tsuwaroku.records.acts import SLUG, Act, ActVerb, Detail, detail_of, word_of


class Status(enum.StrEnum):
    """Where a request stands."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class CopyFor(enum.StrEnum):
    """Who gets a copy (Article 9(2)): the head of the department that asked, and the head of personnel."""

    HEAD = "head"
    PERSONNEL = "personnel"


class _OfRequest(Detail, frozen=True, kw_only=True):
    subject: ClassVar[re.Pattern[str] | None] = SLUG


class SubmittedDetail(_OfRequest, frozen=True, kw_only=True):
    """Of `request submitted`."""

    on: date
    calls: tuple[str, ...]
    unknown_numbers: int = 0


class DecidedDetail(_OfRequest, frozen=True, kw_only=True):
    """Of `request refused` and `request withdrawn`. `role`: of who decided; every one of this program's says it."""

    role: str = msgspec.field(name="as")


class ApprovedDetail(DecidedDetail, frozen=True, kw_only=True):
    """Of `request approved`. `calls`: those approved."""

    calls: tuple[str, ...]
    return_by: date | None


class CopyDetail(_OfRequest, frozen=True, kw_only=True):
    """Of `copy begun`, `copy made`, `copy failed`. `of`: number of the `copy begun`; `octets`: of one made."""

    recipient: CopyFor
    medium: str
    of: int | None = None
    octets: int = 0
    on: date | None = None


class RecopyDetail(_OfRequest, frozen=True, kw_only=True):
    """Of `recopy approved`."""

    recipient: CopyFor


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `slug`: fiscal year and number (`records.era.RequestNumber.slug`); `by`: the account that submitted
    it; `calls`: ids, those approved once it is; `made`: copies that count, a medium's name for each recipient, oldest
    first; `allowed`: how many copies each recipient may have, one and each recopy that was approved (Article 9(3)).

    `form`, `reason`: None where the words are sealed to somebody else.
    """

    slug: str
    number: int
    by: str
    on: date
    calls: tuple[str, ...]
    unknown_numbers: int = 0
    status: Status = Status.SUBMITTED
    decided_by: str = ""
    decided_at: str = ""
    return_by: date | None = None
    made: tuple[tuple[CopyFor, str], ...] = ()
    allowed: tuple[tuple[CopyFor, int], ...] = ((CopyFor.HEAD, 1), (CopyFor.PERSONNEL, 1))
    form: dict[str, Any] | None = None
    reason: str | None = None
    erased: bool = False  # the words: their years were over

    def left(self, recipient: CopyFor) -> int:
        """How many copies may still be made for somebody; none where it is not approved."""
        if self.status is not Status.APPROVED:
            return 0
        return dict(self.allowed)[recipient] - sum(1 for one, _ in self.made if one is recipient)


_DECIDED = {
    ActVerb.REQUEST_APPROVED: Status.APPROVED,
    ActVerb.REQUEST_REFUSED: Status.REFUSED,
    ActVerb.REQUEST_WITHDRAWN: Status.WITHDRAWN,
}


def requests(acts: Iterable[Act]) -> list[Request]:
    """Every request there ever was, in the order they were submitted. Acts about one that is not there, or that a rule
    forbids, do not come from this program and change nothing."""
    found: dict[str, Request] = {}
    for act in acts:
        if act.verb is ActVerb.REQUEST_SUBMITTED:
            if (said := detail_of(act, SubmittedDetail)) is not None:
                found.setdefault(act.subject, _submitted(act, said))
        elif act.subject in found:
            found[act.subject] = _after(found[act.subject], act)
    return list(found.values())


def _submitted(act: Act, said: SubmittedDetail) -> Request:
    form = (act.words or {}).get("form")
    return Request(
        slug=act.subject,
        number=act.number,
        by=act.actor,
        on=said.on,
        calls=said.calls,
        unknown_numbers=said.unknown_numbers,
        form=form if isinstance(form, dict) else None,
        erased=act.erased,
    )


def _after(request: Request, act: Act) -> Request:
    change = msgspec.structs.replace
    if act.verb in _DECIDED:
        said = detail_of(act, ApprovedDetail if act.verb is ActVerb.REQUEST_APPROVED else DecidedDetail)
        if said is None or request.status is not Status.SUBMITTED:
            return request
        approved = said if isinstance(said, ApprovedDetail) else None
        return change(
            request,
            status=_DECIDED[act.verb],
            decided_by=act.actor,
            decided_at=act.at,
            calls=request.calls if approved is None else approved.calls,
            return_by=None if approved is None else approved.return_by,
            reason=word_of(act, "reason"),
        )
    if act.verb is ActVerb.COPY_MADE and (made := detail_of(act, CopyDetail)) is not None:
        return change(request, made=(*request.made, (made.recipient, made.medium)))
    if act.verb is ActVerb.RECOPY_APPROVED and (more := detail_of(act, RecopyDetail)) is not None:
        return change(request, allowed=tuple((one, n + (one is more.recipient)) for one, n in request.allowed))
    return request
