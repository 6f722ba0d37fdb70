"""All that can be asked of the control socket: the tables of the parts, one after the other."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import msgspec

from tsuwaroku.records.roles import Verb
from tsuwaroku.service import bookkeeping, disclosing, publishing, queueing, requesting, rewrapping, staffing
from tsuwaroku.service.api import Asked, Route, Routes
from tsuwaroku.service.callrows import ROUTES as LISTS
from tsuwaroku.service.clocking import ClockRequest, ClockSeen
from tsuwaroku.service.copying import ROUTES as COPIES
from tsuwaroku.service.custody import ROUTES as CUSTODY
from tsuwaroku.service.forecast import HoldEffect
from tsuwaroku.service.hearing import ROUTES as HEARINGS
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.lines import ROUTES as LINES
from tsuwaroku.service.status import Place, Status
from tsuwaroku.service.unrecorded import ROUTES as UNRECORDED


class MarkRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A mark on a call, or with `withdraw` (its number, from 1) one taken back. `by` is what the client says, and not
    believed."""

    kind: str = "unreasonable_demand"
    by: str = ""
    withdraw: int | None = None


class ConsoleVerb(enum.StrEnum):
    """What only the console knows of, and the log has to: no act of a ledger, and nothing that a rule goes by."""

    WRONG_PASSPHRASE = "wrong passphrase"


class AuditRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What happened at somebody's console. `subject`: the id of a key, hex."""

    verb: ConsoleVerb
    subject: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", max_length=32)]
    why: Annotated[str, msgspec.Meta(max_length=200)] = ""


def _mark(keeper: Keeper, asked: Asked) -> object:
    body: MarkRequest = asked.body
    return keeper.mark(asked.path["id"], body.kind, asked.by, body.withdraw)


def _audit(keeper: Keeper, asked: Asked) -> object:
    """Raises RefusedError beyond so many a minute: what is left is told later, together."""
    body: AuditRequest = asked.body
    keeper.said_by_consoles.take(asked.by.user)
    return keeper.audit(asked.by.user, body.verb.value, body.subject, body.why)


_Done = dict[str, Any]

_BOX: Routes = (
    Route(
        method="GET",
        path="/v1/status",
        verb=Verb.STATUS,
        summary="lines, ring and alarms as they are now",
        act=lambda keeper, _: keeper.status(),
        answer=Status,
    ),
    Route(
        method="GET",
        path="/v1/place",
        verb=Verb.STATUS,
        summary="which machine this is, for a client that must not use a private key on it",
        act=lambda keeper, _: keeper.place(),
        answer=Place,
    ),
    Route(
        method="POST",
        path="/v1/calls/{id}/marks",
        verb=Verb.MARK,
        summary="mark a call, or withdraw a mark",
        act=_mark,
        body=MarkRequest,
        answer=_Done,
    ),
    Route(
        method="POST",
        path="/v1/holds",
        verb=Verb.HOLD,
        summary="hold calls beyond their days, or release them",
        act=lambda keeper, asked: keeper.hold(asked.body, asked.by.user),
        body=HoldRequest,
        answer=_Done,
    ),
    Route(
        method="POST",
        path="/v1/holds/effect",
        verb=Verb.HOLD,
        summary="what a hold would do to the ring; nothing is changed",
        act=lambda keeper, asked: keeper.effect_of_hold(asked.body),
        body=HoldRequest,
        answer=HoldEffect,
    ),
    Route(
        method="POST",
        path="/v1/audit",
        verb=Verb.AUDIT_NOTE,
        summary="what happened at a console, durable on return",
        act=_audit,
        body=AuditRequest,
        answer=_Done,
        traced=True,
    ),
    Route(
        method="GET",
        path="/v1/clock",
        verb=Verb.CLOCK_SHOW,
        summary="what the clock shows and what the box knows of the date",
        act=lambda keeper, _: keeper.clock(),
        answer=ClockSeen,
    ),
    Route(
        method="POST",
        path="/v1/clock/propose",
        verb=Verb.CLOCK_PROPOSE,
        summary="say that the clock is right",
        act=lambda keeper, asked: keeper.propose_clock(asked.by.user),
        answer=_Done,
    ),
    Route(
        method="POST",
        path="/v1/clock/confirm",
        verb=Verb.CLOCK_CONFIRM,
        summary="confirm the clock, and the calls that go by it",
        act=lambda keeper, asked: keeper.confirm_clock(asked.body, asked.by.user),
        body=ClockRequest,
        answer=_Done,
    ),
)

ROUTES: Routes = (
    *_BOX,
    *LINES,
    *UNRECORDED,
    *LISTS,
    *HEARINGS,
    *staffing.ROUTES,
    *rewrapping.ROUTES,
    *disclosing.ROUTES,
    *publishing.ROUTES,
    *bookkeeping.ROUTES,
    *CUSTODY,
    *COPIES,
    *requesting.ROUTES,
    *queueing.ROUTES,
)
