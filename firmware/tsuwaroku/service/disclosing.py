"""Disclosure outside (Article 10), as the keeper carries it out: asked, checked by its rules, an act of the audit log.

An attempt that a rule forbids leaves a trace, and changes nothing.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError
from tsuwaroku.records import disclosures as rules
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.disclosures import Disclosure, Opening, Stage
from tsuwaroku.records.era import parse_day
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Route, Routes
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.attempts import attempt, right_or_input

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


class OpenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As `records.disclosures.Opening`; `approve_by` as it was written."""

    case: str
    calls: tuple[str, ...]
    recipient: str
    purpose: str
    basis: str = ""
    reference: str = ""
    way: str = "inspection"
    copy_basis: str = ""
    name: str = ""
    approve_by: str = ""


class DecideRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`decided_by`: the 決裁者; `decision`: the 決裁番号; `on`: the day of it, empty for today."""

    approved: bool
    decided_by: str
    decision: str = ""
    reason: str = ""
    on: str = ""


class DoneRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`to`: who inspected it or took the copy; `medium`: what that is on; `name`: of who was there; `on`: empty for
    today."""

    to: str
    way: str = "inspection"
    medium: str = ""
    name: str = ""
    on: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A disclosure without its words. `kept_to`: the first day on which one of its calls is erased, unless it is held;
    None where all of them are gone. `overdue`: an emergency that waits for its approval."""

    disclosure: Disclosure
    kept_to: str | None
    overdue: bool


class Listed(msgspec.Struct, frozen=True):
    """All of them, oldest first."""

    disclosures: list[Seen]


def open_one(keeper: Keeper, asker: Asker, body: OpenRequest) -> Seen:
    """Open a disclosure. Raises RefusedError, NotFoundError; StoreError."""
    with attempt(keeper, asker, Verb.DISCLOSE, "", right_or_input):
        approve_by = parse_day(body.approve_by, "--approve-by") if body.approve_by else None
        said = msgspec.structs.asdict(body) | {"approve_by": approve_by}
        asked = Opening(**said)
        today = keeper.today
        rules.refuse_opening(asked, today)
        _refuse_calls(keeper, asker, asked.calls)
    detail: dict[str, object] = {
        "case": asked.case,
        "way": asked.way,
        "calls": list(asked.calls),
        "on": today.isoformat(),
    }
    if approve_by is not None:
        detail["approve_by"] = approve_by.isoformat()
    names = ("basis", "reference", "recipient", "purpose", "copy_basis", "name")
    words = {name: text.strip() for name in names if (text := getattr(asked, name)).strip()}
    slug = rules.next_slug(rules.disclosures(keeper.ledger.acts), today)
    keeper.ledger.add(asker.user, ActVerb.DISCLOSURE_OPENED, slug, detail=detail, words=words)
    return _seen(keeper, _find(keeper, slug))


def decide(keeper: Keeper, asker: Asker, slug: str, body: DecideRequest) -> Seen:
    """Approve or refuse one. Raises as `open_one` does."""
    with attempt(keeper, asker, Verb.DISCLOSE_DECIDE, slug, right_or_input):
        on = _day(keeper, body.on)
        rules.refuse_decision(
            _find(keeper, slug),
            asker.user,
            approved=body.approved,
            decided_by=body.decided_by,
            decision=body.decision,
            reason=body.reason,
            on=on,
            today=keeper.today,
        )
    words = {
        name: text.strip() for name in ("decided_by", "decision", "reason") if (text := getattr(body, name)).strip()
    }
    detail = {"approved": body.approved, "on": on.isoformat()}
    keeper.ledger.add(asker.user, ActVerb.DISCLOSURE_DECIDED, slug, detail=detail, words=words)
    return _seen(keeper, _find(keeper, slug))


def carry_out(keeper: Keeper, asker: Asker, slug: str, body: DoneRequest) -> Seen:
    """Note that it was inspected, or that the copy was handed out. Raises as `open_one` does."""
    with attempt(keeper, asker, Verb.DISCLOSE, slug, right_or_input):
        on = _day(keeper, body.on)
        one = _find(keeper, slug)
        rules.refuse_carrying_out(one, body.way, to=body.to, medium=body.medium, on=on, today=keeper.today)
    words = {name: text.strip() for name in ("to", "medium") if (text := getattr(body, name)).strip()}
    if body.name.strip():
        words["attended_by"] = body.name.strip()
    detail = {"way": one.way.value, "on": on.isoformat()}
    keeper.ledger.add(asker.user, ActVerb.DISCLOSURE_CARRIED_OUT, slug, detail=detail, words=words)
    return _seen(keeper, _find(keeper, slug))


def listed(keeper: Keeper) -> Listed:
    """All of them, without their words."""
    return Listed([_seen(keeper, one) for one in rules.disclosures(keeper.ledger.acts)])


def _refuse_calls(keeper: Keeper, asker: Asker, calls: tuple[str, ...]) -> None:
    for call_id in calls:
        public = keeper.kept_call(call_id)
        if not asker.sees(public.line):
            raise ForbiddenError(
                "this call is of a line you are not appointed for", where=call_id, remedy="ask the records manager"
            )


def _find(keeper: Keeper, slug: str) -> Disclosure:
    return rules.find(rules.disclosures(keeper.ledger.acts), slug)


def _seen(keeper: Keeper, one: Disclosure) -> Seen:
    days = []
    for call_id in one.calls:
        try:
            days.append(keeper.kept_call(call_id).retention.expires_on)
        except (NotFoundError, RefusedError):  # erased since
            continue
    waits = one.stage is Stage.OPENED or one.done_on is None
    return Seen(disclosure=one, kept_to=min(days, default=None) if waits else None, overdue=one.overdue(keeper.today))


def _day(keeper: Keeper, text: str) -> date:
    return parse_day(text, "--on") if text else keeper.today


ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/disclosures",
        verb=Verb.DISCLOSE,
        summary="disclosures outside (Article 10), without their words",
        act=lambda keeper, _: listed(keeper),
        answer=Listed,
    ),
    Route(
        method="POST",
        path="/v1/disclosures",
        verb=Verb.DISCLOSE,
        summary="open a disclosure: case, basis, recipient, calls",
        act=lambda keeper, asked: open_one(keeper, asked.by, asked.body),
        body=OpenRequest,
        answer=Seen,
    ),
    Route(
        method="POST",
        path="/v1/disclosures/{slug}/decision",
        verb=Verb.DISCLOSE_DECIDE,
        summary="approve or refuse a disclosure",
        act=lambda keeper, asked: decide(keeper, asked.by, asked.path["slug"], asked.body),
        body=DecideRequest,
        answer=Seen,
    ),
    Route(
        method="POST",
        path="/v1/disclosures/{slug}/done",
        verb=Verb.DISCLOSE,
        summary="note that a disclosure was carried out",
        act=lambda keeper, asked: carry_out(keeper, asked.by, asked.path["slug"], asked.body),
        body=DoneRequest,
        answer=Seen,
    ),
)
