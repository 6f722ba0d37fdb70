"""The public notice (Article 5), as the keeper knows it: its facts, the years' figures, and that it was posted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.errors import RefusedError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.era import parse_day
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Route, Routes
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.attempts import attempt, right_or_input
from tsuwaroku.service.figures import tallies
from tsuwaroku.service.notices import Published, PublishedFacts, last_published, published_facts

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper

_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
LONGEST_URL = 500


class NoticeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """`digest`: of the facts; `last`: what was published last; `outdated`: it says something else."""

    facts: PublishedFacts
    digest: str
    today: str
    last: Published | None
    outdated: bool


class PublishRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`digest`: of the facts that whoever approves it has seen; `name`: of her."""

    digest: str
    posted_on: str
    url: str
    name: str = ""


def seen(keeper: Keeper) -> NoticeSeen:
    """What the page would say of the configuration now."""
    facts = published_facts(keeper.settings)
    digest, last = facts.digest(), last_published(keeper.ledger.acts)
    outdated = last is not None and last.digest != digest
    return NoticeSeen(facts=facts, digest=digest, today=keeper.today.isoformat(), last=last, outdated=outdated)


def publish(keeper: Keeper, asker: Asker, body: PublishRequest) -> NoticeSeen:
    """Note that the notice was approved, and posted. Raises RefusedError; StoreError."""
    with attempt(keeper, asker, Verb.PUBLISH, "", right_or_input):
        posted_on = parse_day(body.posted_on, "--posted-on")
        if posted_on > keeper.today:
            raise RefusedError(
                "the notice is recorded once it has been posted (Article 5)",
                where="--posted-on",
                remedy="name the day it was posted on",
            )
        if len(body.url) > LONGEST_URL or _URL.fullmatch(body.url) is None:
            raise RefusedError(
                "is not the address of a page", where="--url", remedy="write it like https://www.city.example.jp/page"
            )
        if body.digest != published_facts(keeper.settings).digest():
            raise RefusedError(
                "the configuration has moved on since this notice was drafted (Article 5)",
                where="--approve",
                remedy="draft it anew with `tsuwaroku publish --out FILE`, and post that",
            )
    words = {"url": body.url} | ({"name": body.name.strip()} if body.name.strip() else {})
    detail = {"digest": body.digest, "posted_on": posted_on.isoformat()}
    keeper.ledger.add(asker.user, ActVerb.NOTICE_PUBLISHED, detail=detail, words=words)
    return seen(keeper)


def _figures(keeper: Keeper) -> Iterator[bytes]:
    for part in tallies(keeper.audit_log, keeper.listing.catalogue, keeper.journals):
        yield msgspec.json.encode(part) + b"\n"


ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/notice",
        verb=Verb.PUBLISH,
        summary="what the public notice says of the configuration, and what was published last",
        act=lambda keeper, _: seen(keeper),
        answer=NoticeSeen,
    ),
    Route(
        method="GET",
        path="/v1/figures",
        verb=Verb.PUBLISH,
        summary="counts of fiscal years, a JSON line for each part: they add up",
        act=lambda keeper, _: _figures(keeper),
        stream=True,
    ),
    Route(
        method="POST",
        path="/v1/notice",
        verb=Verb.PUBLISH,
        summary="note that the notice was approved and posted",
        act=lambda keeper, asked: publish(keeper, asked.by, asked.body),
        body=PublishRequest,
        answer=NoticeSeen,
    ),
)
