"""Calls that are gone through several times, as a copy does: kept open as long as they are used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tsuwaroku.console.source import Source
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.reader import CallReader

MOST_OPEN = 16
"""The keeper lets an account have 32."""
IDLE_S = 200.0
"""What nobody used for so long is opened anew; the keeper forgets it after five minutes."""


class _Open:
    def __init__(self, reader: CallReader, end: ExitStack, used: float) -> None:
        self.reader = reader
        self.end = end
        self.used = used


class Readings:
    """The calls of one copy. `why`: for the audit log, where the keeper writes each opening down."""

    def __init__(
        self, where: Source, private: PrivateKey, why: str, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._where = where
        self._private = private
        self._why = why
        self._now = now
        self._open: dict[str, _Open] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for call_id in list(self._open):
            self._close(call_id)

    def of(self, call_id: str) -> CallReader:
        """One of them. Raises as `Source.reading` does."""
        known = self._open.get(call_id)
        if known is not None and self._now() - known.used > IDLE_S:
            self._close(call_id)
            known = None
        if known is None:
            while len(self._open) >= MOST_OPEN:
                self._close(min(self._open, key=lambda one: self._open[one].used))
            end = ExitStack()
            reader = end.enter_context(self._where.reading(call_id, self._private, why=self._why))
            known = self._open[call_id] = _Open(reader, end, self._now())
        known.used = self._now()
        return known.reader

    def pieces(self, call_id: str) -> Iterator[tuple[int, bytes]]:
        """Its sound, as `CallReader.pieces`."""
        for piece in self.of(call_id).pieces():
            if call_id in self._open:
                self._open[call_id].used = self._now()
            yield piece

    def _close(self, call_id: str) -> None:
        self._open.pop(call_id).end.close()
