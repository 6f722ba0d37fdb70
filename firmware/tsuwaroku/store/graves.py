"""The names of erased calls, 438,000 a year of eight busy lines, in 20 octets each. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GATHER = 4096
"""Names kept in a dictionary, at some 200 octets each, before they go into the arrays together."""


class Graves:
    """Name (16 octets) → number of the journal's record that has its tombstone, the first of two."""

    def __init__(self) -> None:
        self._new: dict[bytes, int] = {}
        self._sorted: tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint32]] | None = None
        self._gathered = 0

    def add(self, name: bytes, record: int) -> None:
        self._new.setdefault(name, record)
        if len(self._new) >= max(GATHER, self._gathered // 16):
            self._gather()

    def find(self, name: bytes) -> int | None:
        """The record's number, or None."""
        if self._sorted is None:
            return self._new.get(name)
        high, low, records = self._sorted
        first, second = int.from_bytes(name[:8], "big"), int.from_bytes(name[8:], "big")
        at = int(high.searchsorted(high.dtype.type(first)))
        while at < len(high) and int(high[at]) == first:
            if int(low[at]) == second:
                return int(records[at])
            at += 1
        return self._new.get(name)

    def _gather(self) -> None:
        import numpy as np  # not before: it takes as long to load as a list of calls takes

        halves = np.frombuffer(b"".join(self._new), dtype=">u8").reshape(-1, 2).astype(np.uint64)
        records = np.fromiter(self._new.values(), dtype=np.uint32, count=len(self._new))
        high, low = halves[:, 0], halves[:, 1]
        if self._sorted is not None:
            before = self._sorted
            high, low = np.concatenate((before[0], high)), np.concatenate((before[1], low))
            records = np.concatenate((before[2], records))
        order = np.argsort(high, kind="stable")  # of two for one name the first stays in front
        self._sorted = high[order], low[order], records[order]
        self._gathered, self._new = len(order), {}
