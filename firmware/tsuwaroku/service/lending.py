"""The keeper's side of the lease: slots are lent for an hour ahead, never twice, and come back when a call is none."""

from __future__ import annotations

from collections.abc import Set

from tsuwaroku.config import Config
from tsuwaroku.service.sizing import WORST_OCTETS_A_SECOND
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease

LEASE_HOURS = 1.0  # what the recorder can go on with while the keeper is away
CALLS_AN_HOUR = 180  # on one line, each taking a slot of its own at the least


class Lending:
    """Owns `lease.json` and the slot table."""

    def __init__(self, store: Store, config: Config, slots: SlotTable, lease: Lease) -> None:
        self.slots = slots
        self.lease = lease
        self._store = store
        self._lines = max(1, len(config.line))
        self._rate = config.board.rate

    def size(self) -> int:
        """Slots for an hour of every line at the worst rate, and for as many calls as an hour can have."""
        octets = self._lines * LEASE_HOURS * 3600 * WORST_OCTETS_A_SECOND * self._rate / 8000
        return int(octets / fmt.SLOT_SIZE) + int(self._lines * LEASE_HOURS * CALLS_AN_HOUR)

    def refresh(self) -> set[bytes]:
        """The calls in lent slots, with those taken since the last look. Raises StoreError."""
        return self.slots.refresh(self.lease.slots)

    def extend(self, needed: Set[bytes]) -> bool:
        """Lend more when half is used; True if so. Raises StoreError; then nothing was lent.

        The new lease holds what is unused of the old one, so that nothing is lent twice, and the slots of the
        `needed` calls: a recorder that starts anew finds in them what was cut off.
        """
        used = self.slots.used
        kept = [(at, generation) for at, generation in self.lease.slots if at not in used or used[at] in needed]
        unused = sum(at not in used for at, _ in kept)
        wanted = self.size()
        if unused > wanted // 2 or self.slots.free <= unused:
            return False
        granted = self.slots.grant(wanted - unused, {at for at, _ in kept})
        if not granted:
            return False
        floor = max(self.lease.sequence_floor, self.slots.highest_sequence + 1)
        lease = Lease(slots=[*kept, *granted], sequence_floor=floor)
        lease.save(self._store.lease_path)
        self.lease = lease  # only now: one that was not written is tried again
        return True

    def give_back(self, call_id: bytes) -> None:
        """The slots of a call that is none are free; lent again, with a new generation, they are overwritten."""
        slots = set(self.slots.of(call_id))
        self.slots.release(call_id)
        self.lease.slots = [(at, generation) for at, generation in self.lease.slots if at not in slots]
