"""The keeper's routes about requests and the queue, from the side of the console."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from tsuwaroku.console.client import KeeperClient
from tsuwaroku.records.request import RequestForm
from tsuwaroku.service.queueing import Passed, PassRequest, QueueSeen
from tsuwaroku.service.requesting import (
    ApproveRequest,
    Checked,
    CheckRequest,
    Numbered,
    ReasonRequest,
    RequestSeen,
    RequestsSeen,
    SubmitRequest,
)


class RequestClient(KeeperClient):
    """Every method raises what the keeper answers, and ServiceError where it does not. Acts are durable on return."""

    def check(self, form: RequestForm, calls: Sequence[str]) -> Checked:
        """What keeps a form from being taken; `calls` as somebody named them."""
        return self._decode(self._post("/v1/requests/check", CheckRequest(form=form, calls=list(calls))), Checked)

    def submit(self, asked: SubmitRequest) -> Numbered:
        return self._decode(self._post("/v1/requests", asked), Numbered)

    def requests(self) -> RequestsSeen:
        return self._decode(self._ask("GET", "/v1/requests"), RequestsSeen)

    def request(self, slug: str) -> RequestSeen:
        return self._decode(self._ask("GET", _path(slug)), RequestSeen)

    def approve(self, slug: str, asked: ApproveRequest) -> Numbered:
        return self._decode(self._post(f"{_path(slug)}/approve", asked), Numbered)

    def refuse(self, slug: str, asked: ReasonRequest) -> Numbered:
        return self._decode(self._post(f"{_path(slug)}/refuse", asked), Numbered)

    def withdraw(self, slug: str, asked: ReasonRequest) -> Numbered:
        return self._decode(self._post(f"{_path(slug)}/withdraw", asked), Numbered)

    def queue(self) -> QueueSeen:
        return self._decode(self._ask("GET", "/v1/queue"), QueueSeen)

    def let_lapse(self, asked: PassRequest) -> Passed:
        return self._decode(self._post("/v1/queue/pass", asked), Passed)


def _path(slug: str) -> str:
    return f"/v1/requests/{quote(slug, safe='')}"
