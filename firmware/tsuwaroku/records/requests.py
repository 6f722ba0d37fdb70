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
from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

from tsuwaroku.records.acts import Act, ActVerb


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
            found.setdefault(act.subject, _submitted(act))
        elif act.subject in found:
            found[act.subject] = _after(found[act.subject], act)
    return list(found.values())


def _submitted(act: Act) -> Request:
    words = act.words or {}
    return Request(
        slug=act.subject,
        number=act.number,
        by=act.actor,
        on=date.fromisoformat(act.detail["on"]),
        calls=tuple(act.detail["calls"]),
        unknown_numbers=act.detail.get("unknown_numbers", 0),
        form=words.get("form"),
    )


def _after(request: Request, act: Act) -> Request:
    change = msgspec.structs.replace
    if act.verb in _DECIDED and request.status is Status.SUBMITTED:
        return_by = act.detail.get("return_by")
        return change(
            request,
            status=_DECIDED[act.verb],
            decided_by=act.actor,
            decided_at=act.at,
            calls=tuple(act.detail.get("calls", request.calls)),
            return_by=None if return_by is None else date.fromisoformat(return_by),
            reason=(act.words or {}).get("reason"),
        )
    if act.verb is ActVerb.COPY_MADE:
        return change(request, made=(*request.made, (CopyFor(act.detail["recipient"]), act.detail["medium"])))
    if act.verb is ActVerb.RECOPY_APPROVED:
        who = CopyFor(act.detail["recipient"])
        return change(request, allowed=tuple((one, n + (one is who)) for one, n in request.allowed))
    return request
