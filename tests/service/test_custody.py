"""Copies and media at the keeper: what it takes from a client that may say anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.service.support import START
from tests.service.test_control import keeping
from tests.service.test_modes import config
from tests.store.erasing import AFTER, EXPIRES, NOW, Erasing, due, listed
from tests.store.reading import Box
from tsuwaroku.clock import VirtualClock
from tsuwaroku.console.custody_client import CustodyClient
from tsuwaroku.disclosure.identity import Registered
from tsuwaroku.disclosure.seal import STATEMENT_DOMAIN
from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.media import How
from tsuwaroku.records.requests import CopyFor
from tsuwaroku.records.retention import day_of
from tsuwaroku.records.roles import Role, Verb
from tsuwaroku.service import copying, custody
from tsuwaroku.service.api import Asked
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.copying import BeginRequest, MadeRequest, RecopyRequest
from tsuwaroku.service.custody import (
    DestroyRequest,
    HandOverRequest,
    LostRequest,
    RegisteringRequest,
    RegisterRequest,
    ReturnRequest,
    WipedRequest,
)
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.mediabook import token_secret
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.keys import verify_signature
from tsuwaroku.store.layout import Store

SLUG = "2026-001"
TODAY = day_of(START)
MANAGER = Asker(user="kanri", roles=frozenset({Role.MANAGER}))


def stick(name: str, serial: str = "4C530001230415117", nonce: str | None = None) -> Registered:
    return Registered(
        name=name,
        usb_id="0781:5567",
        vendor="V",
        model="M",
        serial=serial,
        wwid="",
        capacity_octets=1000,
        nonce=nonce or name.encode().hex().ljust(32, "0"),
    )


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    with keeping(tmp_path / "store") as keeper:
        yield keeper


@pytest.fixture
def client(keeper: Keeper) -> Iterator[CustodyClient]:
    with CustodyClient(keeper.store.path / "run" / "keeper.sock") as client:
        yield client


def approve(keeper: Keeper, slug: str = SLUG, calls: tuple[str, ...] = (), return_by: str | None = None) -> None:
    """A request without a call has none that could be refused."""
    on = TODAY.isoformat()
    detail = {"calls": list(calls), "on": on}
    keeper.ledger.add("handler", ActVerb.REQUEST_SUBMITTED, slug, detail=detail, words={})
    decided = {"calls": list(calls), "return_by": return_by, "as": "manager"}
    keeper.ledger.add("kanri", ActVerb.REQUEST_APPROVED, slug, detail=decided, words={})


def register(client: CustodyClient, name: str, **more: Any) -> None:
    client.act("/v1/media", RegisterRequest(identity=stick(name, serial=f"4C53000{name}0415117", **more)))


def begin(client: CustodyClient, medium: str = "M1", recipient: CopyFor = CopyFor.HEAD) -> int:
    return client.begin(BeginRequest(request=SLUG, recipient=recipient, medium=medium)).of


def made(client: CustodyClient, medium: str = "M1") -> None:
    of = begin(client, medium)
    client.made(MadeRequest(of=of, octets=5, payload={"data/1/record.json": "00"}))


def refused(keeper: Keeper) -> list[tuple[object, object]]:
    entries = AuditLog.open(keeper.store).entries()
    return [(entry.detail["verb"], entry.detail["why"]) for entry in entries if entry.verb == "refused"]


def test_the_secret_of_tokens_is_the_boxes_and_stays(tmp_path: Path) -> None:
    one, other = Box(tmp_path / "one"), Box(tmp_path / "other")
    secret = token_secret(one.store)
    assert len(secret) == 32
    assert secret == token_secret(Store.open(tmp_path / "one", need_device=True))
    assert secret != token_secret(other.store)


def test_a_medium_is_registered_once_under_one_name_as_one_hardware(keeper: Keeper, client: CustodyClient) -> None:
    register(client, "M1")
    for again in (
        stick("M1", serial="4C53000X0415117"),  # its name
        stick("M2", serial="4C53000M10415117"),  # its hardware
        stick("M3", serial="4C53000Y0415117", nonce=b"M1".hex().ljust(32, "0")),  # its token
        stick("M 4", serial="4C53000Z0415117"),
        stick("", serial="4C53000Z0415117"),
        stick("M5", serial="4C53000Z0415117", nonce="zz"),
        msgspec.structs.replace(stick("M6", serial="4C53000Z0415117"), capacity_octets=-1),
        msgspec.structs.replace(stick("M6", serial="4C53000Z0415117"), capacity_octets=1 << 70),
    ):
        with pytest.raises(RefusedError):
            client.act("/v1/media", RegisterRequest(identity=again))
    with pytest.raises(RefusedError, match=r"9\(5\)"):
        client.registering(
            RegisteringRequest(label="M9", usb_id="0781:5567", vendor="V", model="M", serial="4C53000M10415117")
        )
    assert [one.medium.name for one in client.media()] == ["M1"]
    assert (Verb.MEDIA_REGISTER, "Article 9(5)") in refused(keeper)
    assert client.identities().known == [stick("M1", serial="4C53000M10415117")]


def test_due_days(keeper: Keeper, client: CustodyClient) -> None:
    approve(keeper, return_by="2026-06-15")
    for name in ("M1", "M2"):
        register(client, name)
    assert client.begin(BeginRequest(request=SLUG, recipient=CopyFor.HEAD, medium="M1")).due_on == "2026-06-15"
    made(client)
    client.made(MadeRequest(of=begin(client, "M2", CopyFor.PERSONNEL), octets=5, payload={}))
    for name in ("M1", "M2"):
        client.act("/v1/media/hand-over", HandOverRequest(medium=name, to="青森 花子"))
    due = {one.medium.name: one.medium.due_on for one in client.media()}
    assert due == {"M1": TODAY.replace(month=6, day=15), "M2": TODAY + timedelta(days=30)}
    assert [one.overdue for one in client.media()] == [False, False]


def test_made_means_begun_and_once(keeper: Keeper, client: CustodyClient) -> None:
    approve(keeper)
    register(client, "M1")
    for number in (0, -1, 1 << 70, keeper.ledger.acts[0].number):
        with pytest.raises(RefusedError):
            client.made(MadeRequest(of=number, octets=5, payload={}))
    of = begin(client)
    with pytest.raises(RefusedError):
        client.made(MadeRequest(of=of, octets=-5, payload={}))
    client.made(MadeRequest(of=of, octets=5, payload={}))
    for act in (
        lambda: client.made(MadeRequest(of=of, octets=5, payload={})),
        lambda: client.failed(of, "MediumError"),
        lambda: begin(client),
    ):
        with pytest.raises(RefusedError):
            act()


def test_an_attempt_outlives_the_keeper_and_counts_if_it_is_the_last(keeper: Keeper, client: CustodyClient) -> None:
    """A keeper that starts again folds the same: the attempt is open, and its medium is as it was."""
    approve(keeper)
    register(client, "M1")
    of = begin(client)
    again = begin(client)  # the client died, and somebody began anew
    with pytest.raises(RefusedError, match="no longer counts"):
        client.made(MadeRequest(of=of, octets=5, payload={}))
    client.failed(again, "a name that is none: 青森")
    assert keeper.ledger.acts[-1].detail["why"] == ""
    third = begin(client)
    client.made(MadeRequest(of=third, octets=5, payload={}))
    from tsuwaroku.service.ledger import Ledger

    fresh = Ledger(keeper._trail, keeper._journal, VirtualClock(START))
    assert fresh.acts == keeper.ledger.acts


def test_the_device_signs_the_statement_of_an_open_attempt_and_nothing_else(
    keeper: Keeper, client: CustodyClient
) -> None:
    approve(keeper)
    register(client, "M1")
    of = begin(client)
    right = json.dumps({"request": "令和8年度 第1号", "medium": "M1", "files": {}}).encode()
    public = bytes.fromhex(keeper.store.info.device_keys[0])
    assert verify_signature(public, STATEMENT_DOMAIN, right, client.sign(of, right))
    for statement in (
        b"",
        b"[]",
        b"\xff",
        b'{"request": 1}',
        b"[" * 100_000,
        json.dumps({"request": "令和8年度 第2号", "medium": "M1"}).encode(),
        json.dumps({"request": "令和8年度 第1号", "medium": "M2"}).encode(),
    ):
        with pytest.raises(RefusedError):
            client.sign(of, statement)
    client.failed(of, "MediumError")
    with pytest.raises(RefusedError, match="no longer counts"):
        client.sign(of, right)


def test_a_recopy_is_approved_after_the_first_and_for_one_recipient(keeper: Keeper, client: CustodyClient) -> None:
    approve(keeper)
    register(client, "M1")
    asked = RecopyRequest(request=SLUG, recipient=CopyFor.HEAD, reason="破損")
    with pytest.raises(RefusedError, match=r"9\(3\)"):
        client.act("/v1/recopies", asked)
    made(client)
    with pytest.raises(RefusedError):
        client.act("/v1/recopies", RecopyRequest(request=SLUG, recipient=CopyFor.HEAD, reason=" "))
    with pytest.raises(RefusedError, match=r"9\(3\)"):
        client.act("/v1/recopies", RecopyRequest(request=SLUG, recipient=CopyFor.PERSONNEL, reason="破損"))
    client.act("/v1/recopies", asked)
    register(client, "M2")
    made(client, "M2")


def test_fields_that_are_empty_or_a_book_and_days_that_cannot_be(keeper: Keeper, client: CustodyClient) -> None:
    approve(keeper)
    register(client, "M1")
    made(client)
    acts = len(keeper.ledger.acts)
    day = timedelta(days=1)
    for path, asked in (
        ("hand-over", HandOverRequest(medium="M1", to="")),
        ("hand-over", HandOverRequest(medium="M1", to="x" * 501)),
        ("hand-over", HandOverRequest(medium="M1", to="甲", on=(TODAY + day).isoformat())),
        ("hand-over", HandOverRequest(medium="M1", to="甲", on=(TODAY - day).isoformat())),
        ("hand-over", HandOverRequest(medium="M1", to="甲", on="令和8年")),
        ("hand-over", HandOverRequest(medium="M1", to="甲", on="平成40年7月1日")),
        ("return", ReturnRequest(medium="M1", by="甲")),
        ("wiped", WipedRequest(medium="M1", clean=True, octets=1000, zero_octets=999, passes=2)),
        ("wiped", WipedRequest(medium="M1", clean=True, octets=10, zero_octets=10, passes=2)),
        ("wiped", WipedRequest(medium="M1", clean=True)),
        ("wiped", WipedRequest(medium="M1", clean=False)),
        ("wiped", WipedRequest(medium="M1", clean=False, note="x", octets=1 << 70)),
        ("destroy", DestroyRequest(medium="M1", how=How.CUT, by="甲", witness="乙")),
        ("lost", LostRequest(medium="M1", what="  ")),
    ):
        with pytest.raises(RefusedError) as told:
            client.act(f"/v1/media/{path}", asked)
        assert told.value.remedy
    assert len(keeper.ledger.acts) == acts
    client.act("/v1/media/wiped", WipedRequest(medium="M1", clean=True, octets=1000, zero_octets=1000, passes=2))
    for by, witness, how_text in (("", "乙", "x"), ("甲", "", "x"), ("甲 乙", "甲  乙", "x"), ("甲", "乙", "")):
        with pytest.raises(RefusedError):
            client.act(
                "/v1/media/destroy",
                DestroyRequest(medium="M1", how=How.OTHER, by=by, witness=witness, how_text=how_text),
            )
    assert len(keeper.ledger.acts) == acts + 1


def test_a_lost_medium_may_be_found_and_comes_back(keeper: Keeper, client: CustodyClient) -> None:
    approve(keeper)
    register(client, "M1")
    made(client)
    client.act("/v1/media/hand-over", HandOverRequest(medium="M1", to="甲"))
    client.act("/v1/media/lost", LostRequest(medium="M1", what="紛失"))
    assert client.media()[0].medium.state == "lost"
    with pytest.raises(RefusedError, match=r"9\(4\)"):
        client.wiping("M1")
    client.act("/v1/media/return", ReturnRequest(medium="M1", by="甲"))
    assert client.wiping("M1").known == [stick("M1", serial="4C53000M10415117")]


def test_what_is_overdue_is_an_alarm_until_it_is_back(keeper: Keeper, client: CustodyClient) -> None:
    approve(keeper, return_by=(TODAY - timedelta(days=1)).isoformat())
    register(client, "M1")
    made(client)
    assert "media_overdue" not in {alarm.code for alarm in keeper.status().alarms}
    client.act("/v1/media/hand-over", HandOverRequest(medium="M1", to="甲"))
    assert [alarm.detail for alarm in keeper.status().alarms if alarm.code == "media_overdue"] == ["M1"]
    assert [one.overdue for one in client.media()] == [True]
    client.act("/v1/media/return", ReturnRequest(medium="M1", by="甲"))
    assert "media_overdue" not in {alarm.code for alarm in keeper.status().alarms}


def test_an_erased_call_is_refused_with_the_day_and_the_rule(tmp_path: Path) -> None:
    box = Box(tmp_path / "store")
    box.call(1)
    box.call(2)
    listed(box)
    ids = [one.public.id for one in box_entries(box)]
    journal = Journal.open(box.store.journal_dir, "keeper", box.store, box.store.device)
    Erasing(box.store, journal).erase(due(1, box.store))
    journal.close()
    box.store.close()
    keeper = Keeper(Store.open(tmp_path / "store", need_device=True), config(), VirtualClock(NOW.wall_ns))
    keeper.start()
    try:
        approve(keeper, calls=tuple(ids[:1]))
        keeper.ledger.add("kanri", ActVerb.MEDIUM_REGISTERED, "M1", detail=registered("M1"), words={})
        with pytest.raises(RefusedError, match=f"erased on {AFTER}: its days ended on {EXPIRES} .Article 8.1"):
            copying.begin(keeper, asked(BeginRequest(request=SLUG, recipient=CopyFor.HEAD, medium="M1")))
        assert not any(act.verb is ActVerb.COPY_BEGUN for act in keeper.ledger.acts)
        assert custody.seen(keeper, asked(None))[0].medium.state == "registered"
    finally:
        keeper.close()


def box_entries(box: Box) -> list[Any]:
    from tsuwaroku.store.catalogue import Catalogue

    return list(Catalogue(box.store.catalogue_dir).entries())


def registered(name: str) -> dict[str, Any]:
    return {"identity": msgspec.to_builtins(stick(name)), "owner": "管財課長", "on": TODAY.isoformat()}


def asked(body: object) -> Asked:
    return Asked(by=MANAGER, path={}, query=None, body=body)


PATHS = (
    *("media", "media/registering", "media/hand-over", "media/return", "media/wiping", "media/wiped"),
    *("media/destroy", "media/lost", "recopies", "copies", "copies/sign", "copies/made", "copies/failed"),
)


def test_nonsense_is_refused_and_nothing_is_written(keeper: Keeper, client: CustodyClient) -> None:
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"medium": 1},
        {"medium": "\x00"},
        {"of": "x"},
        {"request": "9" * 5000},
        {"unknown": []},
    )
    for path in PATHS:
        for body in bodies:
            with pytest.raises((RefusedError, NotFoundError)):
                client._ask("POST", f"/v1/{path}", body)
    assert keeper.ledger.acts == []
