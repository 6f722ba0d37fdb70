"""The keeper's side of the lease: slots are lent for an hour ahead, never twice, and come back when a call is none."""

from __future__ import annotations

from collections.abc import Iterable, Set
from pathlib import Path

from tsuwaroku.config import Config
from tsuwaroku.errors import StoreError
from tsuwaroku.service.sizing import WORST_OCTETS_A_SECOND
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store import slot as fmt
from tsuwaroku.store import slottable
from tsuwaroku.store.durable import sync_directory
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease

LEASE_HOURS = 1.0  # what the recorder can go on with while the keeper is away
CALLS_AN_HOUR = 180  # on one line, each taking a slot of its own at the least
TABLE_EVERY = 8192
"""Slots granted between two snapshots of the table: as many headers, or a second's, are read more after a power cut.
A snapshot of a million slots is 1 to 5 MiB, so this adds at most 0.3 % to what 2 GiB of calls write."""


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        sync_directory(path.parent)
    except OSError as error:
        raise StoreError(
            f"cannot be removed ({error.strerror})",
            where=str(path),
            remedy="check the disk, and take away what stands there",
        ) from error


class Lending:
    """Owns `lease.json` and the slot table."""

    def __init__(self, store: Store, config: Config, slots: SlotTable, lease: Lease) -> None:
        self.slots = slots
        self.lease = lease
        self._store = store
        self._lines = max(1, len(config.line))
        self._rate = config.board.rate
        self._left: list[tuple[int, int]] = []  # went out of the lease when it was last extended
        self._granted = 0 if slots.from_snapshot else TABLE_EVERY  # since the last snapshot
        if not slots.from_snapshot:  # what was not believed now must not be by the next start, beside a lease made anew
            _remove(store.table_path)
        slots.adopt(lease.slots)

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
        slots = self.slots
        kept = [place for place in self.lease.slots if slots.is_lent(*place) or slots.owner(place[0]) in needed]
        unused = sum(slots.is_lent(*place) for place in kept)
        wanted = self.size()
        if unused > wanted // 2 or slots.free <= unused:
            return False
        granted = slots.grant(wanted - unused)
        if not granted:
            return False
        floor = max(self.lease.sequence_floor, slots.highest_sequence + 1)
        lease = Lease(slots=[*kept, *granted], sequence_floor=floor)
        try:
            lease.save(self._store.lease_path, self._store.store_id)
        except StoreError:
            slots.take_back(granted)
            raise
        still = set(kept)
        self._left = [place for place in self.lease.slots if place not in still]
        self._granted += len(granted)
        self.lease = lease  # only now: one that was not written is tried again
        return True

    def keep_numbers(self) -> None:
        """Before calls are erased: that their numbers were given out may stand in their headers alone, and no number is
        given out twice. Raises StoreError."""
        floor = self.slots.highest_sequence + 1
        if self.lease.sequence_floor < floor:
            lease = Lease(slots=self.lease.slots, sequence_floor=floor)
            lease.save(self._store.lease_path, self._store.store_id)
            self.lease = lease

    @property
    def table_due(self) -> bool:
        """Whether it is time for a snapshot of the slot table."""
        return self._granted >= TABLE_EVERY

    def save_table(self, bound: tuple[int, bytes]) -> None:
        """A snapshot of the slot table; without one the next start takes longer. `bound`: a record the journal has.

        Raises StoreError.
        """
        self._granted = 0  # where the disk takes none, the next is tried when the next is due
        lent = [*self.lease.slots, *self._left]
        slottable.save(self._store.table_path, self.slots.image(lent, bound), self._store)

    def erased(self, slots: Iterable[int]) -> None:
        """These slots were overwritten and read back: what their headers say now counts."""
        erased = set(slots)
        self.slots.look_again(erased)
        self._drop(erased)

    def set_aside(self, slot: int) -> None:
        """The recorder could not write this slot: it is lent to it no more."""
        self.slots.set_aside(slot)
        self.lease.slots = [place for place in self.lease.slots if place[0] != slot]

    def give_back(self, call_id: bytes) -> None:
        """The slots of a call that is none are free; lent again, with a new generation, they are overwritten."""
        slots = set(self.slots.of(call_id))
        self.slots.release(call_id)
        self._drop(slots)

    def _drop(self, slots: Set[int]) -> None:
        """A use of these slots is over. One that was lent again already stays lent: a keeper that starts takes it for
        the former call's until it hears that nobody kept that, and the recorder may take it at any moment."""
        self.slots.keep_lent(self.lease.slots)
        self.lease.slots = [place for place in self.lease.slots if place[0] not in slots or self.slots.is_lent(*place)]
