"""The keeper's control interface, HTTP on a Unix socket, from the side of the console."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import msgspec

from tsuwaroku import errors
from tsuwaroku.config import OfficeConfig
from tsuwaroku.errors import ForbiddenError, ServiceError, TsuwarokuError
from tsuwaroku.service.asking import DEMO_PERSON
from tsuwaroku.service.clocking import ClockRequest, ClockSeen
from tsuwaroku.service.forecast import HoldEffect
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.lines import LineSeen
from tsuwaroku.service.link import reachable
from tsuwaroku.service.status import Place, Status

_ERRORS: dict[str, type[TsuwarokuError]] = {
    cls.__name__: cls
    for cls in (
        errors.ConfigError,
        errors.ScriptError,
        errors.BoardError,
        errors.StoreError,
        errors.ForeignStoreError,
        errors.RingError,
        errors.SecretError,
        errors.DamageError,
        errors.NotFoundError,
        errors.ServiceError,
        errors.RefusedError,
        errors.ForbiddenError,
        errors.MediumError,
    )
}
T = TypeVar("T")
DEMO_VARIABLE = "TSUWAROKU_DEMO_PERSON"
"""Environment: which person of the office acts, in a demonstration (`asking.played`)."""
TIMEOUT_S = 10.0
"""Longer than any answer takes that waits for one commit and one audit entry on a slow disk."""


class _Failure(msgspec.Struct):
    message: str
    where: str = ""
    remedy: str = ""
    class_: str = msgspec.field(default="", name="class")


class _FailureAnswer(msgspec.Struct):
    error: _Failure


class KeeperClient:
    """A connection to a running keeper. Every method raises ServiceError when it does not answer."""

    def __init__(self, path: Path) -> None:
        self.socket = path
        person = os.environ.get(DEMO_VARIABLE, "")
        self._http = httpx.Client(
            # a socket of this machine: no certificates are looked at, and loading them takes longer than the answer
            transport=httpx.HTTPTransport(uds=reachable(path), verify=False),
            base_url="http://keeper",
            timeout=TIMEOUT_S,
            headers={DEMO_PERSON: person} if person.isascii() and person.isprintable() and person else {},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def status(self) -> Status:
        """The live state of lines, ring and alarms."""
        return self._decode(self._ask("GET", "/v1/status"), Status)

    def lines(self) -> list[LineSeen]:
        """The lines whose calls are the asker's to see, with extensions and departments."""
        return self._decode(self._ask("GET", "/v1/lines"), list[LineSeen])

    def office(self) -> OfficeConfig:
        """What papers call the office."""
        return self._decode(self._ask("GET", "/v1/office"), OfficeConfig)

    def place(self) -> Place:
        """Which machine the keeper runs on."""
        return self._decode(self._ask("GET", "/v1/place"), Place)

    def mark(self, call_id: str, *, kind: str, by: str, withdraw: int | None) -> None:
        """Mark a call, or withdraw its mark of that number (from 1); durable on return."""
        body = {"kind": kind, "by": by, "withdraw": withdraw}
        self._ask("POST", f"/v1/calls/{call_id}/marks", body)

    def hold(self, asked: HoldRequest) -> None:
        """Hold calls, or release them; durable on return."""
        self._post("/v1/holds", asked)

    def hold_effect(self, asked: HoldRequest) -> HoldEffect:
        """What a hold would do to the ring."""
        return self._decode(self._post("/v1/holds/effect", asked), HoldEffect)

    def unrecorded(self) -> list[dict[str, Any]]:
        """When the box could not record (`service.unrecorded.Unrecorded`)."""
        return self._decode(self._ask("GET", "/v1/unrecorded"), list[dict[str, Any]])

    def clock(self) -> ClockSeen:
        """What the keeper knows of the date now, and what was said of the clock."""
        return self._decode(self._ask("GET", "/v1/clock"), ClockSeen)

    def propose_clock(self) -> None:
        """Say that the clock is right; durable on return."""
        self._ask("POST", "/v1/clock/propose", {})

    def confirm_clock(self, asked: ClockRequest) -> None:
        """Confirm what was shown; durable on return."""
        self._post("/v1/clock/confirm", asked)

    def audit(self, *, verb: str, subject: str, why: str) -> None:
        """Write an audit entry; it is durable on return."""
        self._ask("POST", "/v1/audit", {"verb": verb, "subject": subject, "why": why})

    def _post(self, path: str, asked: msgspec.Struct) -> bytes:
        return self._ask("POST", path, msgspec.to_builtins(asked))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        try:
            answer = self._http.request(method, path, json=body, extensions={"trace": self._reach})
        except httpx.TimeoutException as error:
            raise ServiceError(
                f"the service did not answer within {TIMEOUT_S:.0f} s",
                where=str(self.socket),
                remedy="see `journalctl -u tsuwaroku`; recording does not depend on this answer. "
                "From a PC: see whether the line to the box stands, then connect with ssh again",
            ) from error
        except (httpx.TransportError, OSError) as error:
            if self.socket.exists() and not os.access(self.socket, os.W_OK):
                raise ForbiddenError(
                    "this account may not connect to the service",
                    where=str(self.socket),
                    remedy="log in again as a member of the group that may connect (service.group)",
                ) from error
            raise ServiceError(
                "the service does not answer",
                where=str(self.socket),
                remedy="start it with `systemctl start tsuwaroku` (or `tsuwaroku run`), "
                "or name its store with --store DIR. From a PC: connect with ssh again, "
                "as a member of the group that may connect",
            ) from error
        if answer.is_success:
            return answer.content
        raise self._failure(answer)

    def _reach(self, event: str, _: dict[str, Any]) -> None:
        """Before a connection is made, the first or another one. Raises OSError where nobody listens. (httpx leaves the
        socket of a refused connection open.)"""
        if event == "connection.connect_unix_socket.started":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(TIMEOUT_S)
                probe.connect(reachable(self.socket))

    def _failure(self, answer: httpx.Response) -> TsuwarokuError:
        try:
            failure = msgspec.json.decode(answer.content, type=_FailureAnswer).error
        except msgspec.MsgspecError:
            return ServiceError(
                f"the service answered {answer.status_code} without saying why",
                where=str(self.socket),
                remedy="see `journalctl -u tsuwaroku`",
            )
        return _ERRORS.get(failure.class_, ServiceError)(failure.message, where=failure.where, remedy=failure.remedy)

    def _decode(self, content: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.MsgspecError as error:
            raise ServiceError(
                f"the service's answer is not understood ({error})",
                where=str(self.socket),
                remedy="restart the service after an update, so that both are of one version",
            ) from error
