"""Copies and their media (Article 9(2) to (5)), as the keeper keeps them: each step an act, by clear details alone.

The order of an export: `copy begun` is durable before the first octet is on the medium, `copy made` comes only after
the copy was read back whole. What is cut between the two leaves an attempt that never counts: the approval is unused,
a new attempt may begin, and the old one can no longer be said to have been made.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from ulid import ULID

from tsuwaroku.disclosure.identity import NAME, Registered, is_weak
from tsuwaroku.disclosure.seal import STATEMENT_DOMAIN
from tsuwaroku.errors import NotFoundError, RefusedError, StoreError
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.era import parse_number
from tsuwaroku.records.media import (
    How,
    Medium,
    media,
    medium_called,
    refuse_copy,
    refuse_day,
    refuse_destroy,
    refuse_hand_over,
    refuse_loss,
    refuse_name,
    refuse_return,
    refuse_wipe,
)
from tsuwaroku.records.requests import CopyFor, Request, Status, requests
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Answerer, Asked, Route, Routes
from tsuwaroku.store.ends import read_end
from tsuwaroku.store.tombstone import Why

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper
    from tsuwaroku.store.layout import Store

TOKEN_DOMAIN = b"tsuwaroku medium token 1\0"
LONGEST = 500  # letters of a word of an act
MOST_OCTETS = 1 << 50  # of a medium: a number that is none ends here


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RegisterRequest(_Body, frozen=True, kw_only=True):
    """A medium that was tried, formatted and marked."""

    identity: Registered
    name: str = ""


class RegisteringRequest(_Body, frozen=True, kw_only=True):
    """A medium that is plugged in, before anything is done to it."""

    label: str
    usb_id: str
    vendor: str
    model: str
    serial: str


class MediumRequest(_Body, frozen=True, kw_only=True):
    """A medium by its name in the ledger."""

    medium: str


class HandOverRequest(MediumRequest, frozen=True, kw_only=True):
    """`to`: who received it; `on`: the day, ISO, "" for today; `name`: who handed it over."""

    to: str
    on: str = ""
    name: str = ""


class ReturnRequest(MediumRequest, frozen=True, kw_only=True):
    """`by`: who brought it back; `name`: who took it."""

    by: str
    on: str = ""
    name: str = ""


class WipedRequest(MediumRequest, frozen=True, kw_only=True):
    """What a wipe did; `clean`: every octet read back as zero. Of one that cannot be wiped, `note` says why."""

    clean: bool
    octets: int = 0
    zero_octets: int = 0
    passes: int = 0
    note: str = ""
    name: str = ""


class DestroyRequest(MediumRequest, frozen=True, kw_only=True):
    """`how_text`: of OTHER; `by`, `witness`: two people."""

    how: How
    by: str
    witness: str
    how_text: str = ""
    on: str = ""
    name: str = ""


class LostRequest(MediumRequest, frozen=True, kw_only=True):
    """`what` happened."""

    what: str
    on: str = ""
    name: str = ""


class RecopyRequest(_Body, frozen=True, kw_only=True):
    """One copy more for somebody (Article 9(3))."""

    request: str
    recipient: CopyFor
    reason: str
    name: str = ""


class BeginRequest(_Body, frozen=True, kw_only=True):
    """A copy of an approved request, for one recipient, onto one medium ("" for one that nobody registered)."""

    request: str
    recipient: CopyFor
    medium: str


class SignRequest(_Body, frozen=True, kw_only=True):
    """The statement of a copy that is being made (`disclosure/seal.py`)."""

    of: int
    statement: bytes


class MadeRequest(_Body, frozen=True, kw_only=True):
    """The attempt counts. `payload`: SHA-256 by name of each file of the inner bag."""

    of: int
    octets: int
    payload: dict[str, str]


class FailedRequest(_Body, frozen=True, kw_only=True):
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


class Identities(msgspec.Struct, frozen=True, kw_only=True):
    """Every medium there ever was, as hardware, and what their tokens are sealed with."""

    known: list[Registered]
    secret: bytes


class MediumSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A medium and what is with it today."""

    medium: Medium
    since: date
    overdue: bool


def token_secret(store: Store) -> bytes:
    """This box's key for tokens, 32 octets: of the device key, so it lies nowhere and stays as long as that does.

    (A signature of Ed25519 over the same octets is always the same.) Raises StoreError without the device key.
    """
    if store.device is None:
        raise StoreError("needs the device's key", where=str(store.path), remedy="do this on the box itself")
    return hashlib.sha256(store.device.sign(TOKEN_DOMAIN, bytes(store.store_id))).digest()


# -- copies


def begin(keeper: Keeper, asked: Asked) -> Begun:
    """Raises RefusedError, NotFoundError; else the attempt is in the audit log."""
    body: BeginRequest = asked.body
    request = _request(keeper, body.request)
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
    medium = refuse_copy(_media(keeper), body.medium, request.slug, body.recipient)
    for call_id in request.calls:
        refuse_unkept(keeper, call_id)
    secret = token_secret(keeper.store)
    detail = {"recipient": body.recipient.value, "medium": medium.name}
    act = keeper.ledger.add(asked.by.user, ActVerb.COPY_BEGUN, request.slug, detail=detail, words={})
    return Begun(
        of=act.number,
        request=request.slug,
        recipient=body.recipient,
        medium=_identity(medium),
        calls=list(request.calls),
        due_on=_due(keeper, request, body.recipient, keeper.today).isoformat(),
        device_key=keeper.store.device.public if keeper.store.device is not None else b"",
        secret=secret,
    )


def sign(keeper: Keeper, asked: Asked) -> Signature:
    """The device signs the statement of an attempt that is open, and of nothing else."""
    body: SignRequest = asked.body
    begun = _open(keeper, body.of)
    try:
        said = msgspec.json.decode(body.statement, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = {}
    number = parse_number(begun.subject)
    if (said.get("request"), said.get("medium")) != (str(number), begun.detail["medium"]):
        raise RefusedError(
            "this statement is not of the copy that was begun", where=begun.subject, remedy="begin the export anew"
        )
    assert keeper.store.device is not None
    return Signature(keeper.store.device.sign(STATEMENT_DOMAIN, body.statement))


def made(keeper: Keeper, asked: Asked) -> object:
    """The copy counts."""
    body: MadeRequest = asked.body
    begun = _open(keeper, body.of)
    _count(body.octets)
    if _request(keeper, begun.subject).left(CopyFor(begun.detail["recipient"])) < 1:
        raise _superseded(begun.subject)
    detail = {**begun.detail, "of": body.of, "octets": body.octets, "payload": body.payload}
    keeper.ledger.add(asked.by.user, ActVerb.COPY_MADE, begun.subject, detail=detail, words={})
    return {}


def failed(keeper: Keeper, asked: Asked) -> object:
    """The copy does not count."""
    body: FailedRequest = asked.body
    begun = _open(keeper, body.of)
    why = body.why if re.fullmatch(r"[A-Za-z]{1,40}", body.why) else ""
    detail = {**begun.detail, "of": body.of, "why": why}
    keeper.ledger.add(asked.by.user, ActVerb.COPY_FAILED, begun.subject, detail=detail, words={})
    return {}


def recopy(keeper: Keeper, asked: Asked) -> object:
    """One copy more (Article 9(3)): never beforehand, for the first has not been made then."""
    body: RecopyRequest = asked.body
    request = _request(keeper, body.request)
    _said(body.reason, "--reason")
    if request.status is not Status.APPROVED or request.left(body.recipient) > 0:
        raise RefusedError(
            "another copy is approved only when the one that was approved has been made (Article 9(3))",
            where=request.slug,
            remedy="`tsuwaroku request show` says where the request stands",
        )
    words = {"reason": body.reason.strip(), "name": _word(body.name)}
    detail = {"recipient": body.recipient.value}
    keeper.ledger.add(asked.by.user, ActVerb.RECOPY_APPROVED, request.slug, detail=detail, words=words)
    return {}


def refuse_unkept(keeper: Keeper, call_id: str) -> None:
    """Raises RefusedError for a call that was erased, or whose days are over, saying when and by which rule;
    NotFoundError for one that never was."""
    try:
        raw = ULID.from_str(call_id).bytes
    except ValueError as error:
        raise NotFoundError(f"no call {call_id}", remedy="`tsuwaroku calls` lists them") from error
    standing = keeper.standing
    stone = standing.tombstone(raw)
    remedy = "nothing can be done; the manager may hold calls only before they expire"
    if stone is not None:
        raise RefusedError(
            f"this call was erased on {stone.on}: its hold had ended on {stone.expires_on} (Article 8(1))"
            if stone.why is Why.HOLD_LAPSED
            else f"this call was erased on {stone.on}: it was kept until {stone.expires_on} (Article 8(1))",
            where=call_id,
            remedy=remedy,
        )
    entry = keeper.listed(call_id)
    if entry is None:
        raise NotFoundError(f"no call {call_id}", remedy="`tsuwaroku calls` lists them")
    held = standing.hold(raw)
    try:
        end = read_end(keeper.store, entry)
        verdict = keeper.judge.may_read(end.at, end.period, held)
        over, last = not verdict.yes, verdict.last_day
    except StoreError:  # its slots cannot be read; the export itself will say what is wrong with them
        last = max(date.fromisoformat(entry.public.retention.expires_on), held or date.min)
        over = last < keeper.today
    if over:
        raise RefusedError(
            f"this call was kept until {last} (Article 8(1)) and may no longer be read", where=call_id, remedy=remedy
        )


# -- media


def seen(keeper: Keeper, _: Asked) -> list[MediumSeen]:
    """All of them, without what is sealed."""
    today = keeper.today
    return [MediumSeen(medium=one, since=one.since(), overdue=one.overdue(today)) for one in _media(keeper)]


def identities(keeper: Keeper, _: Asked) -> Identities:
    """What recognises a medium that is plugged in."""
    return Identities(known=[_identity(one) for one in _media(keeper)], secret=token_secret(keeper.store))


def registering(keeper: Keeper, asked: Asked) -> Identities:
    """Whether it may be registered, before it is formatted."""
    body: RegisteringRequest = asked.body
    _refuse_known(keeper, body.label, (body.usb_id, body.vendor, body.model, body.serial))
    return identities(keeper, asked)


def _refuse_known(keeper: Keeper, name: str, hardware: tuple[str, str, str, str]) -> None:
    """Raises RefusedError for a name that is none or taken, and for hardware that was ever registered (9(5))."""
    found = _media(keeper)
    if not NAME.fullmatch(name):
        raise RefusedError("the name of a medium is missing", remedy="name it with --label, as on its label")
    refuse_name(found, name)
    for one in (_identity(one) for one in found):
        if not is_weak(one.serial) and (one.usb_id, one.vendor, one.model, one.serial) == hardware:
            raise RefusedError(
                f"this was registered before, as {one.name}, and is never registered again: a used medium is wiped and"
                " destroyed (Article 9(5))",
                where=name,
                remedy="take a new medium",
            )


def register(keeper: Keeper, asked: Asked) -> object:
    """A new medium; one that was registered under any name before is refused (9(5))."""
    body: RegisterRequest = asked.body
    new, found = body.identity, _media(keeper)
    _refuse_known(keeper, new.name, (new.usb_id, new.vendor, new.model, new.serial))
    _count(new.capacity_octets)
    if not re.fullmatch(r"[0-9a-f]{32}", new.nonce) or any(one.identity["nonce"] == new.nonce for one in found):
        raise RefusedError("the medium was not marked anew", remedy="use `tsuwaroku media register`")
    owner = keeper.settings.office.manager
    detail = {"identity": msgspec.to_builtins(new), "owner": owner, "on": keeper.today.isoformat()}
    words = {"name": _word(body.name)} if body.name else {}
    keeper.ledger.add(asked.by.user, ActVerb.MEDIUM_REGISTERED, new.name, detail=detail, words=words)
    return {}


def hand_over(keeper: Keeper, asked: Asked) -> object:
    """To the head of the department or of personnel (Article 9(2)); from here on its return has a day."""
    body: HandOverRequest = asked.body
    one = _medium(keeper, body.medium)
    refuse_hand_over(one)
    _said(body.to, "--to")
    on = _on(keeper, one, body.on)
    assert one.recipient is not None
    due = _due(keeper, _request(keeper, one.request), one.recipient, on)
    detail = {"on": on.isoformat(), "due_on": due.isoformat()}
    words = {"to": body.to.strip(), "name": _word(body.name)}
    _act(keeper, asked, ActVerb.MEDIUM_HANDED_OVER, one, detail, words)
    return {"due_on": due.isoformat()}


def take_back(keeper: Keeper, asked: Asked) -> object:
    """Returned (Article 9(4))."""
    body: ReturnRequest = asked.body
    one = _medium(keeper, body.medium)
    refuse_return(one)
    _said(body.by, "--by")
    detail = {"on": _on(keeper, one, body.on).isoformat()}
    return _act(keeper, asked, ActVerb.MEDIUM_RETURNED, one, detail, {"by": body.by.strip(), "name": _word(body.name)})


def wiping(keeper: Keeper, asked: Asked) -> Identities:
    """Whether it may be wiped now, and which hardware it is."""
    one = _medium(keeper, asked.body.medium)
    refuse_wipe(one)
    return Identities(known=[_identity(one)], secret=token_secret(keeper.store))


def wiped(keeper: Keeper, asked: Asked) -> object:
    """The first half of Article 9(5); where it could not be done, that, too, for it is destroyed then."""
    body: WipedRequest = asked.body
    one = _medium(keeper, body.medium)
    refuse_wipe(one)
    if not body.clean:
        _said(body.note, "--broken")
    for number in (body.octets, body.zero_octets, body.passes):
        _count(number)
    if body.clean and not (body.octets == body.zero_octets == one.identity["capacity_octets"] and body.passes):
        raise RefusedError(
            "a wipe counts only when every octet was read back as zero (Article 9(5))",
            where=one.name,
            remedy="wipe it with `tsuwaroku media wipe`",
        )
    detail = {"on": keeper.today.isoformat(), **_fields(body, "clean", "octets", "zero_octets", "passes")}
    words = {key: value for key, value in (("note", _word(body.note)), ("name", _word(body.name))) if value}
    return _act(keeper, asked, ActVerb.MEDIUM_WIPED, one, detail, words)


def destroy(keeper: Keeper, asked: Asked) -> object:
    """The second half of Article 9(5): how, by whom, and who saw it."""
    body: DestroyRequest = asked.body
    one = _medium(keeper, body.medium)
    refuse_destroy(one)
    _said(body.by, "--by")
    _said(body.witness, "--witness")
    if body.by.split() == body.witness.split():
        raise RefusedError(
            "nobody is the witness of what he does himself", where="--witness", remedy="name somebody else who saw it"
        )
    if body.how is How.OTHER:
        _said(body.how_text, "--how")
    detail = {"on": _on(keeper, one, body.on).isoformat(), "how": body.how.value}
    words = {"by": body.by.strip(), "witness": body.witness.strip(), "how": _word(body.how_text)}
    return _act(keeper, asked, ActVerb.MEDIUM_DESTROYED, one, detail, {**words, "name": _word(body.name)})


def lose(keeper: Keeper, asked: Asked) -> object:
    """An incident (Article 6(2))."""
    body: LostRequest = asked.body
    one = _medium(keeper, body.medium)
    refuse_loss(one)
    _said(body.what, "--what")
    detail = {"on": _on(keeper, one, body.on).isoformat(), "request": one.request}
    return _act(keeper, asked, ActVerb.MEDIUM_LOST, one, detail, {"what": body.what.strip(), "name": _word(body.name)})


# -- what they share


def _media(keeper: Keeper) -> list[Medium]:
    return media(keeper.ledger.acts)


def _medium(keeper: Keeper, name: str) -> Medium:
    return medium_called(_media(keeper), name)


def _identity(one: Medium) -> Registered:
    return msgspec.convert(one.identity, Registered)


def _request(keeper: Keeper, text: str) -> Request:
    slug = parse_number(text).slug
    for one in requests(keeper.ledger.acts):
        if one.slug == slug:
            return one
    raise NotFoundError("there is no request of this number", where=slug, remedy="`tsuwaroku request list` lists them")


def _open(keeper: Keeper, of: int) -> Act:
    """The attempt of this number, where no newer one has taken its place. Raises RefusedError."""
    begun = next((a for a in keeper.ledger.acts if a.number == of and a.verb is ActVerb.COPY_BEGUN), None)
    if begun is None or not any(one.begun == of for one in _media(keeper)):
        raise _superseded("" if begun is None else begun.subject)
    return begun


def _superseded(slug: str) -> RefusedError:
    return RefusedError(
        "this attempt at a copy no longer counts: it has ended, or another was begun since (Article 9(2))",
        where=slug,
        remedy="keep the medium locked away, for the copy may be readable; begin the export anew",
    )


def _due(keeper: Keeper, request: Request, recipient: CopyFor, on: date) -> date:
    """The day the approval names, for the department's copy; else the city's rule."""
    settings = keeper.settings.media
    if recipient is CopyFor.HEAD and request.return_by is not None:
        return request.return_by
    days = settings.head_days if recipient is CopyFor.HEAD else settings.personnel_days
    return on + timedelta(days=days)


def _on(keeper: Keeper, one: Medium, text: str) -> date:
    try:
        on = date.fromisoformat(text) if text else keeper.today
    except ValueError as error:
        raise RefusedError(f"{text} is not a date", where="--on", remedy="write it like 2027-03-31") from error
    refuse_day(one, on, keeper.today)
    return on


def _said(text: str, where: str) -> None:
    if not text.strip() or len(text) > LONGEST:
        raise RefusedError(
            f"this field is empty, or longer than {LONGEST} letters", where=where, remedy="say it in a few words"
        )


def _word(text: str) -> str:
    return text.strip()[:LONGEST]


def _count(number: int) -> None:
    if not 0 <= number <= MOST_OCTETS:
        raise RefusedError(f"{number} is no number of octets", remedy="use the tsuwaroku command")


def _fields(body: msgspec.Struct, *names: str) -> dict[str, Any]:
    return {name: getattr(body, name) for name in names}


def _act(
    keeper: Keeper, asked: Asked, verb: ActVerb, one: Medium, detail: dict[str, Any], words: dict[str, Any]
) -> object:
    keeper.ledger.add(asked.by.user, verb, one.name, detail=detail, words=words)
    return {}


_ARTICLE = re.compile(r"Article \d+(?:\(\d+\))*")


def _kept(verb: Verb, act: Answerer) -> Answerer:
    """An attempt at what a rule forbids leaves a trace, with the article and nothing that was typed."""

    def answer(keeper: Keeper, asked: Asked) -> object:
        try:
            return act(keeper, asked)
        except (RefusedError, NotFoundError) as error:
            article = _ARTICLE.search(error.message)
            keeper.refused(asked.by, verb, act.__name__, why=article[0] if article else "bad input")
            raise

    return answer


def _post(path: str, verb: Verb, act: Answerer, body: type, summary: str, answer: type) -> Route:
    return Route(method="POST", path=path, verb=verb, summary=summary, act=_kept(verb, act), body=body, answer=answer)


_Done = dict[str, Any]

ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/media",
        verb=Verb.MEDIA_READ,
        summary="media for copies, and where each is",
        act=seen,
        answer=list[MediumSeen],
    ),
    Route(
        method="GET",
        path="/v1/media/identities",
        verb=Verb.MEDIA_REGISTER,
        summary="what recognises a medium that is plugged in",
        act=identities,
        answer=Identities,
    ),
    _post("/v1/media", Verb.MEDIA_REGISTER, register, RegisterRequest, "register a medium", _Done),
    _post("/v1/media/registering", Verb.MEDIA_REGISTER, registering, RegisteringRequest, "may it be?", Identities),
    _post("/v1/media/hand-over", Verb.CUSTODY, hand_over, HandOverRequest, "a medium was handed over", _Done),
    _post("/v1/media/return", Verb.CUSTODY, take_back, ReturnRequest, "a medium came back", _Done),
    _post("/v1/media/wiping", Verb.DISPOSE, wiping, MediumRequest, "may this medium be wiped now?", Identities),
    _post("/v1/media/wiped", Verb.DISPOSE, wiped, WipedRequest, "a medium was wiped, or cannot be", _Done),
    _post("/v1/media/destroy", Verb.DISPOSE, destroy, DestroyRequest, "a medium was destroyed", _Done),
    _post("/v1/media/lost", Verb.CUSTODY, lose, LostRequest, "a medium is lost", _Done),
    _post("/v1/recopies", Verb.REQUEST_DECIDE, recopy, RecopyRequest, "approve one copy more", _Done),
    _post("/v1/copies", Verb.EXPORT, begin, BeginRequest, "begin a copy onto a medium", Begun),
    _post("/v1/copies/sign", Verb.EXPORT, sign, SignRequest, "sign what the copy being made holds", Signature),
    _post("/v1/copies/made", Verb.EXPORT, made, MadeRequest, "the copy is on the medium, read back", _Done),
    _post("/v1/copies/failed", Verb.EXPORT, failed, FailedRequest, "the copy did not succeed", _Done),
)
