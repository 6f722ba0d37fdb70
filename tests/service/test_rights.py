"""Every cell of the table of rights, over the real socket, as real Unix users."""

from __future__ import annotations

import pwd
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.service.people import (
    CONNECT,
    HANDLERS,
    KEEPER,
    MANAGERS,
    TECHNICIANS,
    Answer,
    Person,
    Question,
    ask,
    keeper_of,
    needs_root,
    place,
    post,
    settings,
)
from tsuwaroku.records.roles import RIGHTS, Role, Verb
from tsuwaroku.service.api import Route
from tsuwaroku.service.refusals import A_MINUTE
from tsuwaroku.service.routes import ROUTES
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.keys import PrivateKey, Recipient, Recipients, key_id

pytestmark = needs_root

PEOPLE: dict[str, tuple[Person, frozenset[Role]]] = {
    "none": (Person(61010, (CONNECT,)), frozenset()),
    "not appointed": (Person(61011, (CONNECT, HANDLERS)), frozenset()),
    "technician": (Person(61012, (CONNECT, TECHNICIANS)), frozenset({Role.TECHNICIAN})),
    "root": (Person(0, (0,)), frozenset({Role.TECHNICIAN})),
    "the service itself": (Person(KEEPER, (KEEPER,)), frozenset({Role.TECHNICIAN})),
    "handler": (Person(61013, (CONNECT, HANDLERS)), frozenset({Role.HANDLER})),
    "left the group": (Person(61014, (CONNECT,)), frozenset()),
    "deputy": (Person(61015, (CONNECT, HANDLERS)), frozenset({Role.DEPUTY})),
    "manager": (Person(61016, (CONNECT, MANAGERS)), frozenset({Role.MANAGER})),
    "handler and technician": (
        Person(61017, (CONNECT, HANDLERS, TECHNICIANS)),
        frozenset({Role.HANDLER, Role.TECHNICIAN}),
    ),
}
APPOINTED = {"handler": "handler", "left the group": "handler", "deputy": "deputy", "handler and technician": "handler"}


class Box(NamedTuple):
    path: Path
    socket: Path


def manager_key() -> Recipients:
    public = PrivateKey(b"m" * 32).public
    one = Recipient(id=key_id(public).hex(), role="manager", name="管理責任者", public_key=public.hex())
    return Recipients([one])


def appointment(name: str, number: int) -> Question:
    post_name = APPOINTED[name]
    body = {
        "user": PEOPLE[name][0].name,
        "name": "青森 花子",
        "public_key": PrivateKey(bytes([number]) * 32).public.hex(),
    }
    return post("/v1/staff/handlers" if post_name == "handler" else "/v1/staff/deputies", body)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with place() as here, keeper_of(here / "store", settings(here / "store"), manager_key()) as socket_path:
        questions = [appointment(name, number) for number, name in enumerate(APPOINTED, 1)]
        answers = ask(PEOPLE["manager"][0], socket_path, questions)
        assert [answer.status for answer in answers] == [200] * len(APPOINTED), answers
        yield Box(here / "store", socket_path)


def question(route: Route) -> Question:
    """One that may be asked by whoever has the right to, and that nobody is answered: the body is no request at all."""
    return route.method, re.sub(r"\{\w+\}", "none", route.path), None if route.method == "GET" else b"[]"


def no_right(answer: Answer, verb: Verb) -> bool:
    return answer.status == 403 and answer.json["error"]["message"].startswith(f"{verb.value} is not for ")


@pytest.mark.parametrize("name", PEOPLE)
def test_each_role_is_refused_exactly_what_the_table_says_and_that_is_audited(box: Box, name: str) -> None:
    person, roles = PEOPLE[name]
    before = len(list(AuditLog(box.path / "audit").entries()))
    answers = ask(person, box.socket, [question(route) for route in ROUTES])
    refused = [no_right(answer, route.verb) for route, answer in zip(ROUTES, answers, strict=True)]
    assert refused == [roles.isdisjoint(RIGHTS[route.verb]) for route in ROUTES]
    assert all(answer.status != 500 for answer in answers)
    entries = list(AuditLog(box.path / "audit").entries())[before:]
    noted = [entry for entry in entries if entry.verb == "refused"]
    nonsense = [route.verb.value for route in ROUTES if route.traced]
    found = [(entry.detail["verb"], entry.detail["why"]) for entry in noted]
    traces = [one for one in found if one[1] == "no right" or one[0] in nonsense]
    due = [
        (route.verb.value, "no right" if no else "bad input")
        for route, no in zip(ROUTES, refused, strict=True)
        if no or route.traced
    ]
    assert traces == due[:A_MINUTE]
    assert {entry.actor for entry in noted} <= {person.name, "root"}


def test_every_verb_that_is_asked_for_is_in_the_table_and_each_role_may_something() -> None:
    assert set(RIGHTS) == set(Verb)
    assert {route.verb for route in ROUTES} <= set(RIGHTS)
    assert all(any(role in allowed for allowed in RIGHTS.values()) for role in Role)


@pytest.mark.parametrize("kind", ["demonstration", "local_console"])
def test_who_has_the_box_to_herself_may_do_everything_and_nobody_else_more(kind: str) -> None:
    with place() as here:
        path = here / "store"
        demonstration = kind == "demonstration"
        config = settings(path, local_console=not demonstration)
        with keeper_of(path, config, None if demonstration else manager_key()) as socket_path:
            for name, roles in (("the service itself", frozenset(Role)), ("root", None), ("not appointed", None)):
                person, usual = PEOPLE[name]
                answers = ask(person, socket_path, [question(route) for route in ROUTES])
                refused = [no_right(answer, route.verb) for route, answer in zip(ROUTES, answers, strict=True)]
                may = usual if roles is None else roles
                assert refused == [may.isdisjoint(RIGHTS[route.verb]) for route in ROUTES]


def test_whoever_is_in_no_group_does_not_get_as_far_as_a_question(box: Box) -> None:
    with pytest.raises(AssertionError):
        ask(Person(61020, (61020,)), box.socket, [("GET", "/v1/status", None)])


def test_accounts_and_groups_have_names_on_a_real_box() -> None:
    """`daemon` and its group of that name are on every Debian; so are `bin` and `sys`."""
    daemon, system = pwd.getpwnam("daemon"), pwd.getpwnam("bin")
    with place() as here:
        config = settings(here / "store")
        named = msgspec.structs.replace(config.service, manager_group="daemon", handler_group="bin")
        config = msgspec.structs.replace(config, service=named)
        with keeper_of(here / "store", config, manager_key()) as socket_path:
            manager = Person(daemon.pw_uid, (daemon.pw_gid, CONNECT))
            handler = Person(system.pw_uid, (system.pw_gid, CONNECT))
            body = {"user": "bin", "name": "青森 花子", "public_key": PrivateKey(b"h" * 32).public.hex()}
            assert ask(handler, socket_path, [("GET", "/v1/staff", None)])[0].status == 403
            assert ask(manager, socket_path, [post("/v1/staff/handlers", body)])[0].status == 200
            assert ask(handler, socket_path, [("GET", "/v1/staff", None)])[0].status == 200
            appointed = ask(handler, socket_path, [post("/v1/staff/handlers", body)])[0]
            assert (appointed.status, no_right(appointed, Verb.APPOINT)) == (403, True)
        actors = [(entry.actor, entry.verb) for entry in AuditLog(here / "store" / "audit").entries()]
        assert [actor for actor in actors if actor[0] in ("daemon", "bin")] == [
            ("bin", "refused"),
            ("daemon", "appointed"),
            ("bin", "refused"),
        ]
