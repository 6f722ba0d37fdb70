"""Disclosure outside (Article 10), as the keeper carries it out: asked, checked by its rules, an act of the audit log.

An attempt that a rule forbids leaves a trace, and changes nothing.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.errors import ForbiddenError
from tsuwaroku.records import disclosures as rules
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.disclosures import Disclosure, Opening, Stage
from tsuwaroku.records.era import parse_day
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Route, Routes
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.attempts import attempt, right_or_input
from tsuwaroku.service.fates import CallFate, Fate, refuse_gone

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


class OpenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As `records.disclosures.Opening`; `approve_by` and `on` as they were written."""

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
    on: str = ""


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
    """A disclosure without its words. `kept_to`: the last day of whichever of its calls goes first, holds included;
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
        asked = Opening(**(said | {"on": parse_day(body.on, "--on") if body.on else None}))
        today = keeper.today
        rules.refuse_opening(asked, today)
        _refuse_calls(keeper, asker, asked)
    detail: dict[str, object] = {
        "case": asked.case,
        "way": asked.way,
        "calls": list(asked.calls),
        "on": (asked.on or today).isoformat(),
    }
    if approve_by is not None:
        detail["approve_by"] = approve_by.isoformat()
    names = ("basis", "reference", "recipient", "purpose", "copy_basis", "name")
    words = {name: text.strip() for name in names if (text := getattr(asked, name)).strip()}
    slug = rules.next_slug(keeper.ledger.acts, today)
    keeper.ledger.add(asker.user, ActVerb.DISCLOSURE_OPENED, slug, detail=detail, words=words)
    return _seen(keeper, _find(keeper, slug))


def decide(keeper: Keeper, asker: Asker, slug: str, body: DecideRequest) -> Seen:
    """Approve or refuse one. Raises as `open_one` does."""
    with attempt(keeper, asker, Verb.DISCLOSE_DECIDE, slug, right_or_input):
        on = _day(keeper, body.on)
        one = _find(keeper, slug)
        rules.refuse_decision(
            one,
            asker.user,
            approved=body.approved,
            decided_by=body.decided_by,
            decision=body.decision,
            reason=body.reason,
            on=on,
            today=keeper.today,
        )
        if body.approved and one.done_on is None:
            rules.refuse_gone_by(one, _last_day(keeper, one), on)
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
        rules.refuse_gone_by(one, _last_day(keeper, one), on)
    words = {name: text.strip() for name in ("to", "medium") if (text := getattr(body, name)).strip()}
    if body.name.strip():
        words["attended_by"] = body.name.strip()
    detail = {"way": one.way.value, "on": on.isoformat()}
    keeper.ledger.add(asker.user, ActVerb.DISCLOSURE_CARRIED_OUT, slug, detail=detail, words=words)
    return _seen(keeper, _find(keeper, slug))


def listed(keeper: Keeper) -> Listed:
    """All of them, without their words."""
    return Listed([_seen(keeper, one) for one in rules.disclosures(keeper.ledger.acts)])


def _refuse_calls(keeper: Keeper, asker: Asker, asked: Opening) -> None:
    """One that is gone may be named where it was there on the day of the emergency."""
    for call_id, fate in zip(asked.calls, _fates(keeper, asked.calls), strict=True):
        there = asked.on is not None and fate.last_day is not None and asked.on <= fate.last_day
        if not there:
            refuse_gone(fate)
        if not asker.sees(fate.line):
            raise ForbiddenError(
                "this call is of a line you are not appointed for", where=call_id, remedy="ask the records manager"
            )


def _find(keeper: Keeper, slug: str) -> Disclosure:
    return rules.find(rules.disclosures(keeper.ledger.acts), slug)


def _seen(keeper: Keeper, one: Disclosure) -> Seen:
    waits = one.stage is Stage.OPENED or one.done_on is None
    kept = [fate for fate in _fates(keeper, one.calls) if fate.fate is Fate.KEPT] if waits else []
    first = min((fate.last_day.isoformat() for fate in kept if fate.last_day is not None), default=None)
    return Seen(disclosure=one, kept_to=first, overdue=one.overdue(keeper.today))


def _last_day(keeper: Keeper, one: Disclosure) -> date | None:
    """Of that of its calls which went last; None where one is still there."""
    fates = _fates(keeper, one.calls)
    if any(fate.fate is Fate.KEPT for fate in fates):
        return None
    return max((fate.last_day for fate in fates if fate.last_day is not None), default=date.min)


def _fates(keeper: Keeper, calls: tuple[str, ...]) -> list[CallFate]:
    judge = keeper.judge
    return [keeper.fates.of(call_id, judge) for call_id in calls]


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
