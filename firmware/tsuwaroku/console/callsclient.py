"""The keeper's routes about calls, lists of them and hearing them, from the side of the console."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from tsuwaroku.console.asperson import as_person
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.errors import ServiceError
from tsuwaroku.service.callrows import (
    MOST_ENDS,
    AddedRow,
    CallRow,
    EndRow,
    EndsRequest,
    Listed,
    ListRequest,
    unframed,
)
from tsuwaroku.service.hearing import HeardRequest, Opened, PlayRequest, ReadRequest, SlotRow
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE

T = TypeVar("T")


class CallsClient(KeeperClient):
    """Every method raises what the keeper answers, and ServiceError where it does not or what it says is not sound."""

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        with as_person():  # a copy is made under `sudo`, of calls that are the manager's to read
            return super()._ask(method, path, body)

    def begin_list(self, asked: ListRequest) -> Listed:
        return self._decode(self._post("/v1/lists", asked), Listed)

    def day(self, ticket: str, day: str) -> list[CallRow]:
        return self._rows(f"/v1/lists/{quote(ticket)}/days/{quote(day)}", CallRow)

    def added(self, ticket: str) -> list[AddedRow]:
        return self._rows(f"/v1/lists/{quote(ticket)}/added", AddedRow)

    def ends(self, ticket: str, calls: Sequence[str]) -> list[EndRow]:
        """Of these calls, as many as there are."""
        found: list[EndRow] = []
        for at in range(0, len(calls), MOST_ENDS):
            asked = EndsRequest(calls=list(calls[at : at + MOST_ENDS]))
            found += self._unframed(self._post(f"/v1/lists/{quote(ticket)}/ends", asked), EndRow)
        return found

    def listed(self, ticket: str) -> None:
        """The list has been fetched."""
        self._ask("POST", f"/v1/lists/{quote(ticket)}/end", {})

    def play(self, asked: PlayRequest) -> Opened:
        return self._decode(self._post("/v1/plays", asked), Opened)

    def read(self, asked: ReadRequest) -> Opened:
        return self._decode(self._post("/v1/reads", asked), Opened)

    def heads(self, ticket: str, slots: int) -> list[bytes]:
        """The header block of each slot."""
        octets = self._ask("GET", f"/v1/plays/{quote(ticket)}/heads")
        if len(octets) != slots * BLOCK:
            raise self._unsound("the headers of a call are cut off")
        return [octets[at : at + BLOCK] for at in range(0, len(octets), BLOCK)]

    def slot(self, ticket: str, number: int) -> SlotRow:
        octets = self._ask("GET", f"/v1/plays/{quote(ticket)}/slots/{number}")
        try:
            row = msgspec.msgpack.decode(octets, type=SlotRow)
        except msgspec.MsgspecError as error:
            raise self._unsound(str(error)) from error
        if len(row.data) != SLOT_SIZE:
            raise self._unsound("a slot of another size")
        return row

    def heard(self, ticket: str, asked: HeardRequest) -> None:
        self._post(f"/v1/plays/{quote(ticket)}/heard", asked)

    def _rows(self, path: str, kind: type[T]) -> list[T]:
        return self._unframed(self._ask("GET", path), kind)

    def _unframed(self, octets: bytes, kind: type[T]) -> list[T]:
        try:
            return unframed(octets, kind)
        except (msgspec.MsgspecError, ValueError) as error:
            raise self._unsound(str(error)) from error

    def _unsound(self, why: str) -> ServiceError:
        return ServiceError(
            f"the service's answer is not understood ({why})",
            where=str(self.socket),
            remedy="restart the service after an update, so that both are of one version",
        )
