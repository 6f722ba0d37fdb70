"""Requests (Article 9): taken in, numbered by fiscal year, withdrawn, decided. The keeper's side.

It has no private key: it judges a form when it comes, and after that goes by the numbers and ids that acts say in the
clear. One thread does all of it, so no two requests get one number. Each refusal is audited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import msgspec
from msgspec import Meta

from tsuwaroku.clock import JST, NS
from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError
from tsuwaroku.records.acts import Act, ActVerb, next_number
from tsuwaroku.records.era import RequestNumber, fiscal_year, parse_day
from tsuwaroku.records.judging import Judge, Suspension
from tsuwaroku.records.request import Problem, RequestForm, article_ja, normalised, problems
from tsuwaroku.records.request_file import LABELS
from tsuwaroku.records.requests import Request, Status, requests
from tsuwaroku.records.roles import Role, Verb
from tsuwaroku.service.api import Asked, Route, Routes
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.attempts import attempt, refuse_words
from tsuwaroku.service.fates import CallFate, Fate, refuse_gone
from tsuwaroku.service.ownership import owns_all
from tsuwaroku.store.audit import AuditEntry

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper

MOST_CALLS = 1000  # of one request
LONGEST_LOAN_YEARS = 5  # a later day to return a medium on is taken for a slip of the pen

_ABOUT_REQUESTS = frozenset(
    {
        ActVerb.REQUEST_SUBMITTED,
        ActVerb.REQUEST_APPROVED,
        ActVerb.REQUEST_REFUSED,
        ActVerb.REQUEST_WITHDRAWN,
        ActVerb.COPY_BEGUN,
        ActVerb.COPY_MADE,
        ActVerb.COPY_FAILED,
        ActVerb.RECOPY_APPROVED,
    }
)


class _Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class CheckRequest(_Question, frozen=True, kw_only=True):
    """A form that somebody means to submit, and calls he means by name."""

    form: RequestForm
    calls: list[str] = []


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """`problems`: all that keeps the form from being taken. `form`: in its normal form, null where there are any.
    `today`: the box's day."""

    problems: list[Problem]
    form: RequestForm | None
    today: str


class SubmitRequest(_Question, frozen=True, kw_only=True):
    """`calls`: ids of those found; none, where nothing was found and the paper is to be answered all the same.
    `unknown_numbers`: how many could be meant beside them, whose number nobody knows. `name`: who took it in."""

    form: RequestForm
    calls: list[str] = []
    unknown_numbers: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    name: str = ""


class Numbered(msgspec.Struct, frozen=True):
    """The number it got: 2026-001, and as people write it."""

    slug: str
    number: str


class ApproveRequest(_Question, frozen=True, kw_only=True):
    """`calls`: those approved, of the request's; null: all of them. `return_by`: the day the media are due, as it was
    written."""

    calls: list[str] | None = None
    return_by: str | None = None
    reason: str = ""
    name: str = ""


class ReasonRequest(_Question, frozen=True, kw_only=True):
    """A refusal or a withdrawal needs a reason."""

    reason: str
    name: str = ""


class RequestsSeen(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` without their words; those are sealed in `entries`, which are to be folded with a key."""

    today: str
    requests: list[Request]
    entries: list[AuditEntry]


class RequestSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One request; `calls`: what became of each of its calls."""

    today: str
    request: Request
    calls: list[CallFate]
    entries: list[AuditEntry]


# -- taking in


def check(keeper: Keeper, asked: Asked) -> Checked:
    """What is wrong with a form, all at once. Raises NotFoundError, RefusedError for a call that is none, or gone."""
    body: CheckRequest = asked.body
    _named_calls(keeper, asked.by, body.calls)
    found = problems(body.form, _now(keeper))
    if found:
        keeper.refused(asked.by, Verb.REQUEST_NEW, found[0].field, "bad form")
    return Checked(problems=found, form=None if found else normalised(body.form), today=keeper.today.isoformat())


def submit(keeper: Keeper, asked: Asked) -> Numbered:
    """Durable on return, under the next number of the fiscal year. Raises RefusedError for a form with problems,
    NotFoundError and RefusedError for calls that are none, or gone; ForbiddenError for those of other lines."""
    body: SubmitRequest = asked.body
    with attempt(keeper, asked.by, Verb.REQUEST_NEW, "", "bad form"):
        _refuse_form(problems(body.form, _now(keeper)))
        refuse_words("", body.name, needed=False)
    calls = _named_calls(keeper, asked.by, body.calls)
    today = _day(keeper.judge)
    number = _next_number(keeper.ledger.acts, fiscal_year(today))
    keeper.ledger.add(
        asked.by.user,
        ActVerb.REQUEST_SUBMITTED,
        number.slug,
        detail={"calls": calls, "unknown_numbers": body.unknown_numbers, "on": today.isoformat()},
        words={"form": msgspec.to_builtins(normalised(body.form)), "name": body.name.strip()},
    )
    return Numbered(number.slug, str(number))


def _refuse_form(found: Sequence[Problem]) -> None:
    if found:
        first = found[0]
        article = f"（要綱{article_ja(first.article)}）" if first.article else ""
        raise RefusedError(first.message, where=f"{LABELS[first.field]}{article}", remedy=first.remedy)


def _named_calls(keeper: Keeper, by: Asker, named: Iterable[str]) -> list[str]:
    """Their ids as the box writes them."""
    judge = keeper.judge
    calls = list(dict.fromkeys(named))
    with attempt(keeper, by, Verb.REQUEST_NEW, "", "too many calls"):
        if len(calls) > MOST_CALLS:
            raise RefusedError(
                f"a request names {MOST_CALLS} calls at most", remedy="narrow the stretch of time that is asked for"
            )
    found = []
    for call in calls:
        fate = keeper.fates.of(call, judge)
        with attempt(keeper, by, Verb.REQUEST_NEW, call, f"call {fate.fate.value}"):
            refuse_gone(fate)
        with attempt(keeper, by, Verb.REQUEST_NEW, call, "another's line"):
            if not by.sees(fate.line):
                raise ForbiddenError(
                    "this call is of a line that is not yours to see",
                    where=f"#{fate.sequence}",
                    remedy="ask the records manager",
                )
        found.append(fate.id)
    return list(dict.fromkeys(found))


def _next_number(acts: Iterable[Act], year: int) -> RequestNumber:
    return RequestNumber(year, next_number(acts, ActVerb.REQUEST_SUBMITTED, f"{year}-"))


# -- looking


def listed(keeper: Keeper, asked: Asked) -> RequestsSeen:
    """Every request; for a handler of some lines his own, and those whose calls are all of his lines."""
    mine = [one for one in requests(keeper.ledger.acts) if _sees(keeper, asked.by, one)]
    slugs = {one.slug for one in mine}
    return RequestsSeen(today=keeper.today.isoformat(), requests=mine, entries=_entries(keeper, slugs))


def show(keeper: Keeper, asked: Asked) -> RequestSeen:
    """Raises NotFoundError, for another line's request too."""
    slug = asked.path["slug"]
    with attempt(keeper, asked.by, Verb.REQUEST_READ, slug, "no such request"):
        request = _find(keeper, slug)
        if not _sees(keeper, asked.by, request):
            _no_such(slug)
    judge = keeper.judge
    return RequestSeen(
        today=judge.today.isoformat(),
        request=request,
        calls=[keeper.fates.of(call, judge) for call in request.calls],
        entries=_entries(keeper, {slug}),
    )


def _entries(keeper: Keeper, slugs: set[str]) -> list[AuditEntry]:
    """Those about these requests; and words sealed again, which may be theirs."""
    return [
        entry
        for entry in keeper.ledger.entries
        if (entry.verb in _ABOUT_REQUESTS and entry.subject in slugs) or entry.verb == ActVerb.WORDS_RESEALED
    ]


def _find(keeper: Keeper, slug: str) -> Request:
    return next((one for one in requests(keeper.ledger.acts) if one.slug == slug), None) or _no_such(slug)


def _no_such(slug: str) -> NoReturn:
    raise NotFoundError("there is no such request", where=slug[:40], remedy="`tsuwaroku request list` lists them")


def _sees(keeper: Keeper, by: Asker, request: Request) -> bool:
    if by.lines is None or request.by == by.user:
        return True
    judge = keeper.judge
    return bool(request.calls) and all(by.sees(keeper.fates.of(call, judge).line) for call in request.calls)


# -- deciding


def withdraw(keeper: Keeper, asked: Asked) -> Numbered:
    """By whoever submitted it, or the manager. Raises NotFoundError, RefusedError, ForbiddenError."""
    slug, body = asked.path["slug"], asked.body
    with attempt(keeper, asked.by, Verb.REQUEST_WITHDRAW, slug, "no such request"):
        request = _find(keeper, slug)
    with attempt(keeper, asked.by, Verb.REQUEST_WITHDRAW, slug, "another's request"):
        if request.by != asked.by.user and not _managing(asked.by):
            raise ForbiddenError(
                "a request is withdrawn by whoever submitted it, or by the manager",
                where=slug,
                remedy="ask one of them",
            )
    with attempt(keeper, asked.by, Verb.REQUEST_WITHDRAW, slug, "decided already"):
        _refuse_decided(request)
    return _reasoned(keeper, asked, Verb.REQUEST_WITHDRAW, ActVerb.REQUEST_WITHDRAWN, slug, body)


def refuse(keeper: Keeper, asked: Asked) -> Numbered:
    """Raises NotFoundError, RefusedError, ForbiddenError."""
    slug, body = asked.path["slug"], asked.body
    request = _decidable(keeper, asked.by, slug)
    fates = fates_of(keeper, request.calls)
    with attempt(keeper, asked.by, Verb.REQUEST_DECIDE, slug, "own calls"):
        refuse_own_calls(keeper, asked.by, fates)
    return _reasoned(keeper, asked, Verb.REQUEST_DECIDE, ActVerb.REQUEST_REFUSED, slug, body)


def approve(keeper: Keeper, asked: Asked) -> Numbered:
    """The calls named, of those the request found. Raises NotFoundError, RefusedError, ForbiddenError: for a call that
    is gone, saying when and under which rule."""
    slug = asked.path["slug"]
    body: ApproveRequest = asked.body
    request = _decidable(keeper, asked.by, slug)
    calls = list(request.calls if body.calls is None else dict.fromkeys(body.calls))
    with attempt(keeper, asked.by, Verb.REQUEST_DECIDE, slug, "calls not asked for"):
        _refuse_others(request, calls)
    fates = fates_of(keeper, calls)
    for fate in fates:
        with attempt(keeper, asked.by, Verb.REQUEST_DECIDE, slug, f"call {fate.fate.value}"):
            refuse_gone(fate)
    with attempt(keeper, asked.by, Verb.REQUEST_DECIDE, slug, "own calls"):
        refuse_own_calls(keeper, asked.by, fates)
    with attempt(keeper, asked.by, Verb.REQUEST_DECIDE, slug, "bad day or words"):
        return_by = _return_by(body.return_by, keeper.today)
        refuse_words(body.reason, body.name, needed=False)
    keeper.ledger.add(
        asked.by.user,
        ActVerb.REQUEST_APPROVED,
        slug,
        detail={"calls": calls, "return_by": return_by, "as": _as(asked.by)},
        words={"reason": body.reason.strip(), "name": body.name.strip()},
    )
    return _numbered(slug)


def _decidable(keeper: Keeper, by: Asker, slug: str) -> Request:
    with attempt(keeper, by, Verb.REQUEST_DECIDE, slug, "no such request"):
        request = _find(keeper, slug)
    with attempt(keeper, by, Verb.REQUEST_DECIDE, slug, "decided already"):
        _refuse_decided(request)
    with attempt(keeper, by, Verb.REQUEST_DECIDE, slug, "own request"):
        refuse_own_request(by, request)
    return request


def refuse_own_request(by: Asker, request: Request) -> None:
    """Raises ForbiddenError for whoever submitted it."""
    if request.by == by.user:
        raise ForbiddenError(
            "whoever submitted a request does not decide on it (Article 9(2))",
            where=request.slug,
            remedy="the manager or the deputy decides, whichever did not submit it",
        )


def _refuse_decided(request: Request) -> None:
    if request.status is not Status.SUBMITTED:
        on, remedy = request.decided_at[:10], "that stands; if need be, hand in a new request"
        if request.status is Status.APPROVED:
            raise RefusedError(f"this request was approved on {on}", where=request.slug, remedy=remedy)
        if request.status is Status.REFUSED:
            raise RefusedError(f"this request was refused on {on}", where=request.slug, remedy=remedy)
        raise RefusedError(f"this request was withdrawn on {on}", where=request.slug, remedy=remedy)


def _refuse_others(request: Request, calls: Sequence[str]) -> None:
    if not calls:
        raise RefusedError(
            "no call is named that could be provided",
            where=request.slug,
            remedy="refuse the request with a reason; one that names calls can be handed in anew",
        )
    if not set(calls) <= set(request.calls):
        raise RefusedError(
            "a call is named that the request does not ask for (Article 9(1))",
            where=request.slug,
            remedy="`tsuwaroku request show` lists its calls; for others a request of their own is needed",
        )


def refuse_own_calls(keeper: Keeper, by: Asker, fates: Sequence[CallFate]) -> None:
    """Nobody decides alone on calls at his own telephone; of a call that is gone nobody knows whose it was. Raises
    ForbiddenError."""
    known = [one for one in fates if one.fate in (Fate.KEPT, Fate.EXPIRED)]
    if owns_all(keeper.settings.service, by.user, known):
        raise ForbiddenError(
            "these calls are of your own extension alone",
            where=by.user,
            remedy="the other of manager and deputy decides",
        )


def _return_by(text: str | None, today: date) -> str | None:
    if text is None:
        return None
    day = parse_day(text, "--return-by")
    if not today <= day or day.year > today.year + LONGEST_LOAN_YEARS:
        raise RefusedError(
            f"the media cannot be due on {day}",
            where="--return-by",
            remedy=f"name a day from today on, within {LONGEST_LOAN_YEARS} years (Article 9(4))",
        )
    return day.isoformat()


def _reasoned(keeper: Keeper, asked: Asked, verb: Verb, act: ActVerb, slug: str, body: ReasonRequest) -> Numbered:
    with attempt(keeper, asked.by, verb, slug, "bad reason"):
        refuse_words(body.reason, body.name, needed=True)
    words = {"reason": body.reason.strip(), "name": body.name.strip()}
    keeper.ledger.add(asked.by.user, act, slug, detail={"as": _as(asked.by)}, words=words)
    return _numbered(slug)


def fates_of(keeper: Keeper, calls: Iterable[str]) -> list[CallFate]:
    """What became of them, at one moment."""
    judge = keeper.judge
    return [keeper.fates.of(call, judge) for call in calls]


def _day(judge: Judge) -> date:
    """The day a request is taken in on: not the one of a clock that is ahead of what can be believed, for its number
    is never given again."""
    ahead = judge.suspended is Suspension.AHEAD
    return (judge.erasing_day if ahead else None) or judge.today


def _managing(by: Asker) -> bool:
    return not by.roles.isdisjoint({Role.MANAGER, Role.DEPUTY})


def _as(by: Asker) -> str:
    """As what somebody acted, for the papers."""
    return next((role.value for role in (Role.MANAGER, Role.DEPUTY, Role.HANDLER) if role in by.roles), "")


def _numbered(slug: str) -> Numbered:
    year, _, number = slug.partition("-")
    return Numbered(slug, str(RequestNumber(int(year), int(number))))


def _now(keeper: Keeper) -> datetime:
    return datetime.fromtimestamp(keeper.now.wall_ns // NS, JST)


ROUTES: Routes = (
    Route(
        method="POST",
        path="/v1/requests/check",
        verb=Verb.REQUEST_NEW,
        summary="what keeps a form from being taken",
        act=check,
        body=CheckRequest,
        answer=Checked,
    ),
    Route(
        method="POST",
        path="/v1/requests",
        verb=Verb.REQUEST_NEW,
        summary="submit a request; it gets its number",
        act=submit,
        body=SubmitRequest,
        answer=Numbered,
    ),
    Route(
        method="GET",
        path="/v1/requests",
        verb=Verb.REQUEST_READ,
        summary="the requests, their words sealed",
        act=listed,
        answer=RequestsSeen,
    ),
    Route(
        method="GET",
        path="/v1/requests/{slug}",
        verb=Verb.REQUEST_READ,
        summary="one request and what became of its calls",
        act=show,
        answer=RequestSeen,
    ),
    Route(
        method="POST",
        path="/v1/requests/{slug}/withdraw",
        verb=Verb.REQUEST_WITHDRAW,
        summary="withdraw a request",
        act=withdraw,
        body=ReasonRequest,
        answer=Numbered,
    ),
    Route(
        method="POST",
        path="/v1/requests/{slug}/approve",
        verb=Verb.REQUEST_DECIDE,
        summary="approve a request, for the calls named",
        act=approve,
        body=ApproveRequest,
        answer=Numbered,
    ),
    Route(
        method="POST",
        path="/v1/requests/{slug}/refuse",
        verb=Verb.REQUEST_DECIDE,
        summary="refuse a request, with a reason",
        act=refuse,
        body=ReasonRequest,
        answer=Numbered,
    ),
)
