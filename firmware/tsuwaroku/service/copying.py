"""Copies of calls (Article 9(2) and (3)), as the keeper keeps them.

The order of an export: `copy begun` is durable before the first octet is on the medium, `copy made` comes only after
the copy was read back whole. What is cut between the two leaves an attempt that never counts: the approval is unused,
a new attempt may begin, and the old one can no longer be said to have been made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from tsuwaroku.disclosure.identity import Registered
from tsuwaroku.disclosure.seal import STATEMENT_DOMAIN
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.era import parse_number
from tsuwaroku.records.media import refuse_copy
from tsuwaroku.records.requests import CopyFor, Status
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Asked, Routes
from tsuwaroku.service.fates import refuse_gone
from tsuwaroku.service.mediabook import (
    Body,
    count,
    due_day,
    identity_of,
    kept_word,
    media_of,
    posted,
    request_of,
    said,
    token_secret,
)
from tsuwaroku.service.requesting import fates_of, refuse_own_calls, refuse_own_request

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


class RecopyRequest(Body, frozen=True, kw_only=True):
    """One copy more for somebody (Article 9(3))."""

    request: str
    recipient: CopyFor
    reason: str
    name: str = ""


class BeginRequest(Body, frozen=True, kw_only=True):
    """A copy of an approved request, for one recipient, onto one medium ("" for one that nobody registered)."""

    request: str
    recipient: CopyFor
    medium: str


class SignRequest(Body, frozen=True, kw_only=True):
    """The statement of a copy that is being made (`disclosure/seal.py`)."""

    of: int
    statement: bytes


class MadeRequest(Body, frozen=True, kw_only=True):
    """The attempt counts. `payload`: SHA-256 by name of each file of the inner bag."""

    of: int
    octets: int
    payload: dict[str, str]


class FailedRequest(Body, frozen=True, kw_only=True):
    """The attempt does not count. `why`: the class of what went wrong."""

    of: int
    why: str = ""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt at a copy. `of`: its number, by which it is made or failed; `calls`: ids; `due_on`: ISO."""

    of: int
    request: str
    recipient: CopyFor
    medium: Registered
    calls: list[str]
    due_on: str
    device_key: bytes
    secret: bytes


class Signature(msgspec.Struct, frozen=True):
    """By the device's key."""

    signature: bytes


def begin(keeper: Keeper, asked: Asked) -> Begun:
    """Raises RefusedError, NotFoundError; else the attempt is in the audit log."""
    body: BeginRequest = asked.body
    request = request_of(keeper, body.request)
    if request.status is not Status.APPROVED:
        raise RefusedError(
            "this request has not been approved, so nothing is copied for it (Article 9(2))",
            where=request.slug,
            remedy="`tsuwaroku request show` says where it stands",
        )
    if request.left(body.recipient) < 1:
        raise RefusedError(
            "the copy of this request for this recipient has been made: one each (Article 9(2)), another only by"
            " approval (Article 9(3))",
            where=request.slug,
            remedy="the manager may approve another copy with `tsuwaroku request recopy`",
        )
    medium = refuse_copy(media_of(keeper), body.medium, request.slug, body.recipient)
    for call_id in request.calls:
        refuse_gone(keeper.fates.of(call_id, keeper.judge))
    secret = token_secret(keeper.store)
    detail = {"recipient": body.recipient.value, "medium": medium.name}
    act = keeper.ledger.add(asked.by.user, ActVerb.COPY_BEGUN, request.slug, detail=detail, words={})
    return Begun(
        of=act.number,
        request=request.slug,
        recipient=body.recipient,
        medium=identity_of(medium),
        calls=list(request.calls),
        due_on=due_day(keeper, request, body.recipient, keeper.today).isoformat(),
        device_key=keeper.store.device.public if keeper.store.device is not None else b"",
        secret=secret,
    )


def sign(keeper: Keeper, asked: Asked) -> Signature:
    """The device signs the statement of an attempt that is open, and of nothing else."""
    body: SignRequest = asked.body
    begun = open_attempt(keeper, body.of)
    try:
        statement = msgspec.json.decode(body.statement, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        statement = {}
    number = parse_number(begun.subject)
    if (statement.get("request"), statement.get("medium")) != (str(number), begun.detail["medium"]):
        raise RefusedError(
            "this statement is not of the copy that was begun", where=begun.subject, remedy="begin the export anew"
        )
    assert keeper.store.device is not None
    return Signature(keeper.store.device.sign(STATEMENT_DOMAIN, body.statement))


def made(keeper: Keeper, asked: Asked) -> object:
    """The copy counts."""
    body: MadeRequest = asked.body
    begun = open_attempt(keeper, body.of)
    count(body.octets)
    if request_of(keeper, begun.subject).left(CopyFor(begun.detail["recipient"])) < 1:
        raise _superseded(begun.subject)
    detail = {**begun.detail, "of": body.of, "octets": body.octets, "payload": body.payload}
    keeper.ledger.add(asked.by.user, ActVerb.COPY_MADE, begun.subject, detail=detail, words={})
    return {}


def failed(keeper: Keeper, asked: Asked) -> object:
    """The copy does not count."""
    body: FailedRequest = asked.body
    begun = open_attempt(keeper, body.of)
    why = body.why if re.fullmatch(r"[A-Za-z]{1,40}", body.why) else ""
    detail = {**begun.detail, "of": body.of, "why": why}
    keeper.ledger.add(asked.by.user, ActVerb.COPY_FAILED, begun.subject, detail=detail, words={})
    return {}


def recopy(keeper: Keeper, asked: Asked) -> object:
    """One copy more (Article 9(3)): never beforehand, for the first has not been made then; decided by whoever may
    decide on the request itself."""
    body: RecopyRequest = asked.body
    request = request_of(keeper, body.request)
    refuse_own_request(asked.by, request)
    refuse_own_calls(keeper, asked.by, fates_of(keeper, request.calls))
    said(body.reason, "--reason")
    if request.status is not Status.APPROVED or request.left(body.recipient) > 0:
        raise RefusedError(
            "another copy is approved only when the one that was approved has been made (Article 9(3))",
            where=request.slug,
            remedy="`tsuwaroku request show` says where the request stands",
        )
    words = {"reason": body.reason.strip(), "name": kept_word(body.name)}
    detail = {"recipient": body.recipient.value}
    keeper.ledger.add(asked.by.user, ActVerb.RECOPY_APPROVED, request.slug, detail=detail, words=words)
    return {}


def open_attempt(keeper: Keeper, of: int) -> Act:
    """The attempt of this number, where no newer one has taken its place. Raises RefusedError."""
    begun = next((a for a in keeper.ledger.acts if a.number == of and a.verb is ActVerb.COPY_BEGUN), None)
    if begun is None or not any(one.begun == of for one in media_of(keeper)):
        raise _superseded("" if begun is None else begun.subject)
    return begun


def _superseded(slug: str) -> RefusedError:
    return RefusedError(
        "this attempt at a copy no longer counts: it has ended, or another was begun since (Article 9(2))",
        where=slug,
        remedy="keep the medium locked away, for the copy may be readable; begin the export anew",
    )


_Done = dict[str, Any]

ROUTES: Routes = (
    posted("/v1/recopies", Verb.REQUEST_DECIDE, recopy, RecopyRequest, "approve one copy more", _Done),
    posted("/v1/copies", Verb.EXPORT, begin, BeginRequest, "begin a copy onto a medium", Begun),
    posted("/v1/copies/sign", Verb.EXPORT, sign, SignRequest, "sign what the copy being made holds", Signature),
    posted("/v1/copies/made", Verb.EXPORT, made, MadeRequest, "the copy is on the medium, read back", _Done),
    posted("/v1/copies/failed", Verb.EXPORT, failed, FailedRequest, "the copy did not succeed", _Done),
)
