"""The control API as a table: method, path, right, and the shapes of question and answer.

Everything is made from this table: the routes, the check of rights, the description (OpenAPI 3.1) that clients and
fuzzers read. Times are ISO 8601, days ISO dates, octets base64.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tsuwaroku.records.roles import Verb
from tsuwaroku.service.asking import Asker

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


class Failure(msgspec.Struct, frozen=True):
    """What is wrong, where, and what to do about it."""

    message: str
    where: str = ""
    remedy: str = ""
    class_: str = msgspec.field(default="", name="class")


class FailureAnswer(msgspec.Struct, frozen=True):
    """Every answer that is not 200."""

    error: Failure


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question or an answer without content."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One question: who asks, the path's and the query's parameters, the body."""

    by: Asker
    path: dict[str, str]
    query: Any
    body: Any


Answerer = Callable[["Keeper", Asked], object]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `body`: of a POST; `query`: a struct of optional texts; `stream`: the answer is octets, an
    iterator of bytes, instead of JSON; `traced`: a question that is not understood is in the audit log as refused."""

    method: str
    path: str
    verb: Verb
    summary: str
    act: Answerer
    answer: type = Nothing
    body: type | None = None
    query: type | None = None
    stream: bool = False
    traced: bool = False


Routes = Sequence[Route]
Octets = Iterator[bytes]
_PARAMETER = re.compile(r"\{(\w+)\}")


def described(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The description of these routes (OpenAPI 3.1), JSON-able."""
    listed = list(routes)
    types = [FailureAnswer, *(one.answer for one in listed), *(one.body for one in listed if one.body is not None)]
    shapes, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    shape = dict(zip(types, shapes, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in listed:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, shape)
    return {
        "openapi": "3.1.0",
        "info": {"title": "tsuwaroku control", "version": version},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(route: Route, shape: dict[type, Any]) -> dict[str, Any]:
    refused = {"description": "refused", "content": {"application/json": {"schema": shape[FailureAnswer]}}}
    content = (
        {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        if route.stream
        else {"application/json": {"schema": shape[route.answer]}}
    )
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z]+', '_', route.path)}",
        "summary": route.summary,
        "x-verb": route.verb.value,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PARAMETER.findall(route.path)
        ],
        "responses": {"200": {"description": "done", "content": content}}
        | dict.fromkeys(("400", "403", "404", "409", "503"), refused),
    }
    if route.query is not None:
        operation["parameters"] += [
            {"name": field.encode_name, "in": "query", "required": field.required, "schema": {"type": "string"}}
            for field in msgspec.structs.fields(route.query)
        ]
    if route.body is not None:
        schema = {"application/json": {"schema": shape[route.body]}}
        operation["requestBody"] = {"required": True, "content": schema}
    return operation
