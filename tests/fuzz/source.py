"""Where a fuzzed script comes from: octets that a fuzzer mutates, or choices that hypothesis draws and shrinks.

The targets ask for small whole numbers only, so one target serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Source(Protocol):
    """Decides everything in a script."""

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1; 0 where nothing is left to decide with."""


class Octets:
    """A fuzzer's octets, read from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def below(self, limit: int) -> int:
        size = (max(limit - 1, 1).bit_length() + 7) // 8
        part = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(part, "big") % limit


class Drawn:
    """hypothesis."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def below(self, limit: int) -> int:
        return self._data.draw(st.integers(0, limit - 1))


def one_of(source: Source, choices: Sequence[T]) -> T:
    return choices[source.below(len(choices))]


def octets(source: Source, most: int) -> bytes:
    """Up to `most` octets."""
    return bytes(source.below(256) for _ in range(source.below(most + 1)))
