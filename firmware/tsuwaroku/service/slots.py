"""The keeper's slot table: which slots are used, by which call, and which are free, from their header blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tsuwaroku.store import slot as fmt
from tsuwaroku.store.layout import Store

UNREADABLE = b""
"""Owner of a slot that is neither free nor readable: never handed out; `verify` names it."""


LOOK_AHEAD = 32
"""Untaken lent slots to pass over before the rest is taken for untaken: the recorder skips unreadable ones."""


class SlotTable:
    """Grants go round the ring in circular order, from the slot after the one taken last."""

    def __init__(self, store: Store, progress: Callable[[int, int], None] | None = None) -> None:
        self._store = store
        self._total = store.info.slots
        self._generation = [0] * self._total
        self.used: dict[int, bytes] = {}  # slot -> the call that owns it
        self._by_call: dict[bytes, set[int]] = {}
        self._newest = (0, -1)  # wall time when it was taken, slot
        self.highest_sequence = 0
        for index in range(self._total):
            self._read(index, store.ring.read_block0(index))
            if progress is not None and index % 1024 == 0:
                progress(index, self._total)
        self._next = (self._newest[1] + 1) % self._total

    @property
    def free(self) -> int:
        return self._total - len(self.used)

    def of(self, call_id: bytes) -> list[int]:
        """The slots of a call, in order."""
        return sorted(self._by_call.get(call_id, ()))

    def calls(self) -> set[bytes]:
        """Every call in the ring."""
        return set(self._by_call) - {UNREADABLE}

    def refresh(self, lent: Sequence[tuple[int, int]]) -> set[bytes]:
        """The calls in lent slots, with those taken since the last look.

        The recorder takes slots in the order they were lent, so a run of untaken ones ends the reading.
        """
        taken: set[bytes] = set()
        untaken = 0
        for index, generation in lent:
            if index not in self.used or self._generation[index] < generation:
                if untaken > LOOK_AHEAD:
                    continue
                block = self._store.ring.read_block0(index)
                if fmt.generation_of(block) < generation:
                    untaken += 1
                    continue
                self._read(index, block)
            taken.add(self.used.get(index, UNREADABLE))
        return taken - {UNREADABLE}

    def release(self, call_id: bytes) -> None:
        """The slots of a call are free again; their next use overwrites them."""
        for index in self._by_call.pop(call_id, set()):
            del self.used[index]

    def grant(self, count: int, lent: set[int]) -> list[tuple[int, int]]:
        """Up to `count` free slots not yet lent, as (slot, generation), in circular order."""
        granted: list[tuple[int, int]] = []
        for step in range(self._total):
            if len(granted) == count:
                break
            index = (self._next + step) % self._total
            if index not in self.used and index not in lent:
                granted.append((index, self._generation[index] + 1))
        if granted:
            self._next = (granted[-1][0] + 1) % self._total
        return granted

    def _read(self, index: int, block: bytes) -> None:
        self._generation[index] = fmt.generation_of(block)
        try:
            header = fmt.unpack_slot(block)
        except fmt.FormatError:
            self._own(index, UNREADABLE)
            return
        if header is None:
            self._own(index, None)
            return
        self._own(index, header.call_id)
        self._newest = max(self._newest, (header.wall_ns, index))
        self.highest_sequence = max(self.highest_sequence, header.sequence)

    def _own(self, index: int, owner: bytes | None) -> None:
        before = self.used.pop(index, None)
        if before is not None and before != owner:
            self._by_call[before].discard(index)
            if not self._by_call[before]:
                del self._by_call[before]
        if owner is not None:
            self.used[index] = owner
            self._by_call.setdefault(owner, set()).add(index)
