"""Media for copies (Article 9(2) to (5)), as the keeper keeps them: each step an act, by clear details alone."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from tsuwaroku.disclosure.identity import NAME, Registered, is_weak
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.era import parse_day
from tsuwaroku.records.media import (
    How,
    Medium,
    refuse_day,
    refuse_destroy,
    refuse_hand_over,
    refuse_loss,
    refuse_name,
    refuse_return,
    refuse_wipe,
)
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Asked, Route, Routes
from tsuwaroku.service.mediabook import (
    Body,
    count,
    due_day,
    identity_of,
    kept_word,
    media_of,
    medium_of,
    posted,
    request_of,
    said,
    token_secret,
)

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


class RegisterRequest(Body, frozen=True, kw_only=True):
    """A medium that was tried, formatted and marked."""

    identity: Registered
    name: str = ""


class RegisteringRequest(Body, frozen=True, kw_only=True):
    """A medium that is plugged in, before anything is done to it."""

    label: str
    usb_id: str
    vendor: str
    model: str
    serial: str


class MediumRequest(Body, frozen=True, kw_only=True):
    """A medium by its name in the ledger."""

    medium: str


class HandOverRequest(MediumRequest, frozen=True, kw_only=True):
    """`to`: who received it; `on`: the day as it was written, "" for today; `name`: who handed it over."""

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


class Identities(msgspec.Struct, frozen=True, kw_only=True):
    """Every medium there ever was, as hardware, and what their tokens are sealed with."""

    known: list[Registered]
    secret: bytes


class MediumSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A medium and what is with it today."""

    medium: Medium
    since: date
    overdue: bool


def seen(keeper: Keeper, _: Asked) -> list[MediumSeen]:
    """All of them, without what is sealed."""
    today = keeper.today
    return [MediumSeen(medium=one, since=one.since(), overdue=one.overdue(today)) for one in media_of(keeper)]


def identities(keeper: Keeper, _: Asked) -> Identities:
    """What recognises a medium that is plugged in."""
    return Identities(known=[identity_of(one) for one in media_of(keeper)], secret=token_secret(keeper.store))


def registering(keeper: Keeper, asked: Asked) -> Identities:
    """Whether it may be registered, before it is formatted."""
    body: RegisteringRequest = asked.body
    _refuse_known(keeper, body.label, (body.usb_id, body.vendor, body.model, body.serial))
    return identities(keeper, asked)


def _refuse_known(keeper: Keeper, name: str, hardware: tuple[str, str, str, str]) -> None:
    """Raises RefusedError for a name that is none or taken, and for hardware that was ever registered (9(5))."""
    found = media_of(keeper)
    if not NAME.fullmatch(name):
        raise RefusedError("the name of a medium is missing", remedy="name it with --label, as on its label")
    refuse_name(found, name)
    for one in (identity_of(one) for one in found):
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
    new, found = body.identity, media_of(keeper)
    _refuse_known(keeper, new.name, (new.usb_id, new.vendor, new.model, new.serial))
    count(new.capacity_octets)
    if not re.fullmatch(r"[0-9a-f]{32}", new.nonce) or any(one.identity["nonce"] == new.nonce for one in found):
        raise RefusedError("the medium was not marked anew", remedy="use `tsuwaroku media register`")
    owner = keeper.settings.office.manager
    detail = {"identity": msgspec.to_builtins(new), "owner": owner, "on": keeper.today.isoformat()}
    words = {"name": kept_word(body.name)} if body.name else {}
    keeper.ledger.add(asked.by.user, ActVerb.MEDIUM_REGISTERED, new.name, detail=detail, words=words)
    return {}


def hand_over(keeper: Keeper, asked: Asked) -> object:
    """To the head of the department or of personnel (Article 9(2)); from here on its return has a day."""
    body: HandOverRequest = asked.body
    one = medium_of(keeper, body.medium)
    refuse_hand_over(one)
    said(body.to, "--to")
    on = _on(keeper, one, body.on)
    assert one.recipient is not None
    due = due_day(keeper, request_of(keeper, one.request), one.recipient, on)
    detail = {"on": on.isoformat(), "due_on": due.isoformat()}
    words = {"to": body.to.strip(), "name": kept_word(body.name)}
    _act(keeper, asked, ActVerb.MEDIUM_HANDED_OVER, one, detail, words)
    return {"due_on": due.isoformat()}


def take_back(keeper: Keeper, asked: Asked) -> object:
    """Returned (Article 9(4))."""
    body: ReturnRequest = asked.body
    one = medium_of(keeper, body.medium)
    refuse_return(one)
    said(body.by, "--by")
    detail = {"on": _on(keeper, one, body.on).isoformat()}
    return _act(
        keeper, asked, ActVerb.MEDIUM_RETURNED, one, detail, {"by": body.by.strip(), "name": kept_word(body.name)}
    )


def wiping(keeper: Keeper, asked: Asked) -> Identities:
    """Whether it may be wiped now, and which hardware it is."""
    one = medium_of(keeper, asked.body.medium)
    refuse_wipe(one)
    return Identities(known=[identity_of(one)], secret=token_secret(keeper.store))


def wiped(keeper: Keeper, asked: Asked) -> object:
    """The first half of Article 9(5); where it could not be done, that, too, for it is destroyed then."""
    body: WipedRequest = asked.body
    one = medium_of(keeper, body.medium)
    refuse_wipe(one)
    if not body.clean:
        said(body.note, "--broken")
    for number in (body.octets, body.zero_octets, body.passes):
        count(number)
    if body.clean and not (body.octets == body.zero_octets == one.identity["capacity_octets"] and body.passes):
        raise RefusedError(
            "a wipe counts only when every octet was read back as zero (Article 9(5))",
            where=one.name,
            remedy="wipe it with `tsuwaroku media wipe`",
        )
    detail = {"on": keeper.today.isoformat(), **_fields(body, "clean", "octets", "zero_octets", "passes")}
    words = {key: value for key, value in (("note", kept_word(body.note)), ("name", kept_word(body.name))) if value}
    return _act(keeper, asked, ActVerb.MEDIUM_WIPED, one, detail, words)


def destroy(keeper: Keeper, asked: Asked) -> object:
    """The second half of Article 9(5): how, by whom, and who saw it."""
    body: DestroyRequest = asked.body
    one = medium_of(keeper, body.medium)
    refuse_destroy(one)
    said(body.by, "--by")
    said(body.witness, "--witness")
    if body.by.split() == body.witness.split():
        raise RefusedError(
            "nobody is the witness of what he does himself", where="--witness", remedy="name somebody else who saw it"
        )
    if body.how is How.OTHER:
        said(body.how_text, "--how")
    detail = {"on": _on(keeper, one, body.on).isoformat(), "how": body.how.value}
    words = {"by": body.by.strip(), "witness": body.witness.strip(), "how": kept_word(body.how_text)}
    return _act(keeper, asked, ActVerb.MEDIUM_DESTROYED, one, detail, {**words, "name": kept_word(body.name)})


def lose(keeper: Keeper, asked: Asked) -> object:
    """An incident (Article 6(2))."""
    body: LostRequest = asked.body
    one = medium_of(keeper, body.medium)
    refuse_loss(one)
    said(body.what, "--what")
    detail = {"on": _on(keeper, one, body.on).isoformat(), "request": one.request}
    return _act(
        keeper, asked, ActVerb.MEDIUM_LOST, one, detail, {"what": body.what.strip(), "name": kept_word(body.name)}
    )


def _on(keeper: Keeper, one: Medium, text: str) -> date:
    on = parse_day(text, "--on") if text else keeper.today
    refuse_day(one, on, keeper.today)
    return on


def _fields(body: msgspec.Struct, *names: str) -> dict[str, Any]:
    return {name: getattr(body, name) for name in names}


def _act(
    keeper: Keeper, asked: Asked, verb: ActVerb, one: Medium, detail: dict[str, Any], words: dict[str, Any]
) -> object:
    keeper.ledger.add(asked.by.user, verb, one.name, detail=detail, words=words)
    return {}


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
    posted("/v1/media", Verb.MEDIA_REGISTER, register, RegisterRequest, "register a medium", _Done),
    posted("/v1/media/registering", Verb.MEDIA_REGISTER, registering, RegisteringRequest, "may it be?", Identities),
    posted("/v1/media/hand-over", Verb.CUSTODY, hand_over, HandOverRequest, "a medium was handed over", _Done),
    posted("/v1/media/return", Verb.CUSTODY, take_back, ReturnRequest, "a medium came back", _Done),
    posted("/v1/media/wiping", Verb.DISPOSE, wiping, MediumRequest, "may this medium be wiped now?", Identities),
    posted("/v1/media/wiped", Verb.DISPOSE, wiped, WipedRequest, "a medium was wiped, or cannot be", _Done),
    posted("/v1/media/destroy", Verb.DISPOSE, destroy, DestroyRequest, "a medium was destroyed", _Done),
    posted("/v1/media/lost", Verb.CUSTODY, lose, LostRequest, "a medium is lost", _Done),
)
