"""`queue`: marked calls that wait for the manager, and letting one lapse (Article 8(1)). Holding is `holding`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.errors import RefusedError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.queue import Queued, Waiting
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Asked, Route, Routes
from tsuwaroku.service.attempts import attempt, refuse_words
from tsuwaroku.service.fates import refuse_gone

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper

MOST_PARTS = 64


class QueueSeen(msgspec.Struct, frozen=True):
    """The queue on the box's day, ISO."""

    today: str
    calls: list[Queued]


class PassRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Marked calls (ULIDs, the parts of one) to let lapse, and why."""

    calls: list[str]
    reason: str


class Passed(msgspec.Struct, frozen=True):
    """Those that were let go now."""

    calls: list[str]


def show(keeper: Keeper, asked: Asked) -> QueueSeen:
    """A handler sees the calls of his lines."""
    judge = keeper.judge
    calls = [one for one in keeper.queue_watch.queued(judge) if asked.by.sees(one.line)]
    return QueueSeen(judge.today.isoformat(), calls)


def let_lapse(keeper: Keeper, asked: Asked) -> Passed:
    """An act for each call. Raises NotFoundError and RefusedError, audited: for a call that is gone, one without a mark
    that stands, one that is held or in an open request, one that was let go before."""
    body: PassRequest = asked.body
    calls = list(dict.fromkeys(body.calls))
    subject = calls[0] if calls else ""
    with attempt(keeper, asked.by, Verb.HOLD, subject, "bad reason"):
        refuse_words(body.reason, "", needed=True)
    with attempt(keeper, asked.by, Verb.HOLD, subject, "no such call"):
        if not 1 <= len(calls) <= MOST_PARTS:
            raise RefusedError("no call is named, or too many", remedy="name one call; its parts go with it")
        judge = keeper.judge
        for call in calls:
            refuse_gone(keeper.fates.of(call, judge))
    queued = {one.id: one for one in keeper.queue_watch.queued(judge)}
    named = [queued[call] for call in calls if call in queued]
    with attempt(keeper, asked.by, Verb.HOLD, subject, "nothing to let go"):
        _refuse(named, subject)
    done = []
    for one in named:
        if one.state is Waiting.WAITING:
            detail = {"marks": one.marks}
            keeper.ledger.add(
                asked.by.user, ActVerb.QUEUE_PASSED, one.id, detail=detail, words={"reason": body.reason.strip()}
            )
            done.append(one.id)
    return Passed(done)


def _refuse(named: list[Queued], subject: str) -> None:
    if not named:
        raise RefusedError(
            "this call has no mark that stands", where=subject, remedy="`tsuwaroku queue` lists the marked calls"
        )
    if any(one.state is Waiting.HELD for one in named):
        raise RefusedError(
            "this call is kept by a hold", where=subject, remedy="end the hold first: `tsuwaroku release-hold`"
        )
    asking = next((one for one in named if one.state is Waiting.REQUESTED), None)
    if asking is not None:
        raise RefusedError(
            f"this call is named in the open request {asking.requests[0]}",
            where=subject,
            remedy="decide on the request first",
        )
    if all(one.state is Waiting.PASSED for one in named):
        raise RefusedError(
            "this call was let go already", where=subject, remedy="nothing to do: it lapses on its last day"
        )


ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/queue",
        verb=Verb.QUEUE,
        summary="marked calls that wait for the manager, with their days left",
        act=show,
        answer=QueueSeen,
    ),
    Route(
        method="POST",
        path="/v1/queue/pass",
        verb=Verb.HOLD,
        summary="let a marked call lapse",
        act=let_lapse,
        body=PassRequest,
        answer=Passed,
    ),
)
