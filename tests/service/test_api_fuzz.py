"""The API's own description, fuzzed against the real socket as real users: nothing breaks, and no right is exceeded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from tests.service import people
from tests.service.people import Answer, Question, ask, keeper_of, kept, needs_root, place
from tests.service.test_rights import APPOINTED, PEOPLE, appointment, manager_key, no_right
from tsuwaroku import __version__
from tsuwaroku.records.roles import RIGHTS, Verb
from tsuwaroku.service.api import described
from tsuwaroku.service.routes import ROUTES
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

pytestmark = needs_root

ASKING = ("manager", "deputy", "handler", "technician", "none")
KNOWN = [*(PEOPLE[name][0].name for name in PEOPLE), manager_key().list[0].id, "1", "2027-04-01", "7" * 26, ""]


def operations() -> list[tuple[Verb, Any]]:
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(described(ROUTES, __version__))))
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(found) == len(ROUTES)
    return [(Verb(one.definition.raw["x-verb"]), one) for one in found]


def asked(case: Any) -> Question:
    """A generated case as a question."""
    path = case.formatted_path
    if case.query:
        path += "?" + urlencode(case.query, doseq=True, errors="replace")
    body = None if case.method == "GET" else json.dumps(_plain(case.body)).encode()
    return case.method, path, body


def _plain(body: Any) -> Any:
    return body if isinstance(body, dict | list | str | int | float | bool | None) else {}


def shaped() -> st.SearchStrategy[tuple[Verb, Question]]:
    """As the description has it."""
    return st.one_of([one.as_strategy().map(lambda case, v=verb: (v, asked(case))) for verb, one in operations()])


def twisted() -> st.SearchStrategy[tuple[Verb, Question]]:
    """With the right fields, or some, of wrong kinds or of values that mean something; or no JSON at all."""
    value = st.one_of(st.sampled_from(KNOWN), st.none(), st.integers(), st.floats(), st.text(), st.lists(st.text()))

    def of(verb: Verb, route: Any) -> st.SearchStrategy[tuple[Verb, Question]]:
        path = quote(route.path.replace("{id}", "7" * 26).replace("{", "").replace("}", ""))
        if route.method == "GET":
            query = st.dictionaries(st.sampled_from(["key", "day", "line", "q"]), st.text(), max_size=3)
            return query.map(lambda found: (verb, ("GET", path + "?" + urlencode(found, errors="replace"), None)))
        names = [] if route.body is None else list(route.body.__struct_fields__)
        body = st.one_of(
            st.dictionaries(st.sampled_from([*names, "unknown"]), value).map(lambda found: json.dumps(found).encode()),
            st.binary(max_size=60),
            st.just(b"[" * 100_000),
        )
        return body.map(lambda octets: (verb, (route.method, path, octets)))

    return st.one_of([of(route.verb, route) for route in ROUTES])


@pytest.fixture(scope="module")
def store() -> Iterator[Path]:
    with place() as here:
        path, config = here / "store", people.settings(here / "store")
        with keeper_of(path, config, manager_key()) as socket_path:
            ask(PEOPLE["manager"][0], socket_path, [appointment(name, n) for n, name in enumerate(APPOINTED, 1)])
            yield path
        opened = Store.open(path)
        assert verify_store(opened).problems == []
        opened.close()
        with kept(path, config):  # and what was left does not keep a keeper from starting
            pass


@settings(
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
    derandomize=True,
    print_blob=False,
)
@given(found=st.lists(st.one_of(shaped(), twisted()), min_size=10, max_size=30))
def test_whatever_is_asked_nothing_breaks_and_no_right_is_exceeded(
    store: Path, found: list[tuple[Verb, Question]]
) -> None:
    for name in ASKING:
        person, roles = PEOPLE[name]
        answers = ask(person, store / "run" / "keeper.sock", [question for _, question in found])
        for (verb, question), answer in zip(found, answers, strict=True):
            may = not roles.isdisjoint(RIGHTS[verb])
            assert sound(answer), (question, answer)
            assert answer.status != 200 or may, (name, question)
            assert not (may and no_right(answer, verb)), (name, question)


def sound(answer: Answer) -> bool:
    """Not a fault of the keeper's: a failure of the disk (503) says what to do, and a defect would say that it is
    one."""
    if answer.status == 503:
        told = answer.json["error"]
        return bool(told["message"] and told["remedy"]) and "defect" not in told["message"]
    return answer.status < 500
