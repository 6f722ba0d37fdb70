"""What the acts of copies and of media share: the fold, the days, what a field may hold, and the trace of a refusal."""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.disclosure.identity import Registered
from tsuwaroku.errors import NotFoundError, RefusedError, StoreError, TsuwarokuError
from tsuwaroku.records.era import parse_number
from tsuwaroku.records.media import Medium, media, medium_called
from tsuwaroku.records.requests import CopyFor, Request, requests
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Answerer, Asked, Route
from tsuwaroku.service.attempts import attempt, right_or_input

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper
    from tsuwaroku.store.layout import Store

TOKEN_DOMAIN = b"tsuwaroku medium token 1\0"
LONGEST = 500  # letters of a word of an act
MOST_OCTETS = 1 << 50  # of a medium: a number that is none ends here


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


def token_secret(store: Store) -> bytes:
    """This box's key for tokens, 32 octets: of the device key, so it lies nowhere and stays as long as that does.

    (A signature of Ed25519 over the same octets is always the same.) Raises StoreError without the device key.
    """
    if store.device is None:
        raise StoreError("needs the device's key", where=str(store.path), remedy="do this on the box itself")
    return hashlib.sha256(store.device.sign(TOKEN_DOMAIN, bytes(store.store_id))).digest()


def media_of(keeper: Keeper) -> list[Medium]:
    return media(keeper.ledger.acts)


def medium_of(keeper: Keeper, name: str) -> Medium:
    return medium_called(media_of(keeper), name)


def identity_of(one: Medium) -> Registered:
    return msgspec.convert(one.identity, Registered)


def request_of(keeper: Keeper, text: str) -> Request:
    slug = parse_number(text).slug
    for one in requests(keeper.ledger.acts):
        if one.slug == slug:
            return one
    raise NotFoundError("there is no request of this number", where=slug, remedy="`tsuwaroku request list` lists them")


def due_day(keeper: Keeper, request: Request, recipient: CopyFor, on: date) -> date:
    """The day the approval names, for the department's copy; else the city's rule."""
    settings = keeper.settings.media
    if recipient is CopyFor.HEAD and request.return_by is not None:
        return request.return_by
    days = settings.head_days if recipient is CopyFor.HEAD else settings.personnel_days
    return on + timedelta(days=days)


def said(text: str, where: str) -> None:
    if not text.strip() or len(text) > LONGEST:
        raise RefusedError(
            f"this field is empty, or longer than {LONGEST} letters", where=where, remedy="say it in a few words"
        )


def kept_word(text: str) -> str:
    return text.strip()[:LONGEST]


def count(number: int) -> None:
    if not 0 <= number <= MOST_OCTETS:
        raise RefusedError(f"{number} is no number of octets", remedy="use the tsuwaroku command")


_ARTICLE = re.compile(r"Article \d+(?:\(\d+\))*")


def _article(error: TsuwarokuError) -> str:
    article = _ARTICLE.search(error.message)
    return article[0] if article else right_or_input(error)


def kept(path: str, verb: Verb, act: Answerer) -> Answerer:
    """An attempt at what a rule forbids leaves a trace, with the article and nothing that was typed."""

    def answer(keeper: Keeper, asked: Asked) -> object:
        with attempt(keeper, asked.by, verb, path, _article):
            return act(keeper, asked)

    return answer


def posted(path: str, verb: Verb, act: Answerer, body: type, summary: str, answer: type) -> Route:
    return Route(
        method="POST", path=path, verb=verb, summary=summary, act=kept(path, verb, act), body=body, answer=answer
    )
