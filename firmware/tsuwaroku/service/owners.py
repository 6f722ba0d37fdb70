"""The calls that own slots, as small numbers: a million slots name their call in four octets each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.store.slottable import NOBODY, UNREADABLE

_NO_CALL = bytes(16)


class Owners:
    """Numbers of calls, how many slots name each, and between which two they lie.

    A call whose last slot is taken from it is forgotten, and its number used again: as many calls as the ring
    holds, whatever number of them has gone through it.
    """

    def __init__(self) -> None:
        self._number: dict[bytes, int] = {}
        self._ids: list[bytes] = [_NO_CALL]
        self._slots: list[int] = [0]
        self._span: list[tuple[int, int]] = [(0, 0)]
        self._unused: list[int] = []

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._number)

    def number(self, call_id: bytes) -> int:
        """The call's number, or NOBODY."""
        return self._number.get(call_id, NOBODY)

    def call(self, number: int) -> bytes:
        """The id; empty for UNREADABLE."""
        return b"" if number == UNREADABLE else self._ids[number]

    def span(self, number: int) -> tuple[int, int]:
        """The lowest slot the call was ever named in, and one beyond the highest."""
        return self._span[number]

    def add(self, call_id: bytes) -> int:
        """The call's number, a new one where it has none."""
        number = self._number.get(call_id)
        if number is None:
            number = self._unused.pop() if self._unused else len(self._ids)
            if number == len(self._ids):
                self._ids.append(call_id)
                self._slots.append(0)
                self._span.append((0, 0))
            self._ids[number] = call_id
            self._slots[number] = 0
            self._number[call_id] = number
        return number

    def name(self, number: int, slot: int) -> None:
        """One slot more is the call's."""
        low, high = self._span[number] if self._slots[number] else (slot, slot)
        self._span[number] = (min(low, slot), max(high, slot + 1))
        self._slots[number] += 1

    def unname(self, number: int) -> None:
        """One slot fewer."""
        self._slots[number] -= 1
        if not self._slots[number] and number != UNREADABLE:
            del self._number[self._ids[number]]
            self._ids[number] = _NO_CALL
            self._unused.append(number)

    def ids(self) -> bytes:
        """16 octets a number, zeros where it is none's: what `count_anew` takes back."""
        return b"".join(self._ids)

    def count_anew(self, ids: bytes, owner: NDArray[np.int32]) -> None:
        """Take over the numbers of a table that was read whole."""
        total = len(ids) // 16
        self._ids = [ids[16 * number : 16 * number + 16] for number in range(total)]
        slots = np.bincount(owner[owner >= 0], minlength=total)
        low, high = np.zeros(total, np.int64), np.zeros(total, np.int64)
        named = np.flatnonzero(owner >= 0)
        low[owner[named[::-1]]] = named[::-1]  # of equal indices the last assignment stays
        high[owner[named]] = named + 1
        self._slots = slots.tolist()
        self._span = list(zip(low.tolist(), high.tolist(), strict=True))
        self._number = {self._ids[n]: n for n in range(1, total) if self._slots[n]}
        self._unused = [n for n in range(1, total) if not self._slots[n]]
