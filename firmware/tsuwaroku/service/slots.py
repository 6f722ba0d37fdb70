"""The keeper's slot table: which slots are used, by which call, and which are free.

Made from the slots' header blocks, or from the snapshot of an earlier table and the few headers that may have changed
since. Whatever it was made from, a slot is lent only after its own header was looked at once more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.errors import StoreError
from tsuwaroku.service.owners import Owners
from tsuwaroku.store import slot as fmt
from tsuwaroku.store import slotheads, slottable
from tsuwaroku.store.layout import Store
from tsuwaroku.store.slottable import FREE, LENT, NOBODY, RECENT, UNREADABLE, USED, TableImage

LOOK_AHEAD = 32
"""Untaken lent slots to pass over before the rest is taken for untaken: the recorder skips unreadable ones."""

_GROUP = 1024  # slots whose free ones are counted together: granting passes over whole groups in use


class SlotTable:
    """Grants go round the ring in circular order, from the slot after the one granted last.

    `known(number, digest)`: whether the keeper's journal has that record, which a snapshot names; None: do not use one.
    `refused`: why a snapshot was not used. Raises StoreError where the disk cannot be read.
    """

    def __init__(
        self,
        store: Store,
        progress: Callable[[int, int], None] | None = None,
        known: Callable[[int, bytes], bool] | None = None,
    ) -> None:
        self._store = store
        self._total = store.info.slots
        self._owners = Owners()
        self._aside: set[int] = set()
        self._failures = self._next = self._checked = self._used = 0
        self.highest_sequence = 0
        self.refused = "none is wanted"
        image = None if known is None else self._usable(known)
        self._looked = 0 if image is not None else self._total
        if image is None:
            self._adopt(slotheads.read_all(store, progress))
        else:
            self._adopt(image)
            self._catch_up(image)

    @property
    def free(self) -> int:
        """Slots that no call uses, lent ones included."""
        return self._total - self._used

    @property
    def from_snapshot(self) -> bool:
        return not self.refused

    def owner(self, slot: int) -> bytes | None:
        """The call in a slot; None where there is none, empty where nobody can tell."""
        return self._owners.call(int(self._owner[slot])) if self._state[slot] == USED else None

    def of(self, call_id: bytes) -> list[int]:
        """The slots of a call, in order."""
        number = self._owners.number(call_id)
        if number == NOBODY:
            return []
        low, high = self._owners.span(number)
        found = (self._owner[low:high] == number) & (self._state[low:high] == USED)
        return [int(slot) for slot in np.flatnonzero(found) + low]

    def calls(self) -> set[bytes]:
        """Every call in the ring."""
        used = np.unique(self._owner[self._state == USED])
        return {self._owners.call(int(number)) for number in used if number > UNREADABLE}

    def is_lent(self, slot: int, generation: int) -> bool:
        """Whether this grant stands and was not yet used, as far as the table knows."""
        return bool(self._state[slot] == LENT) and int(self._generation[slot]) + 1 == generation

    # -- what the recorder did

    def adopt(self, lent: Iterable[tuple[int, int]]) -> None:
        """Grants of an earlier table, in their order: they are not granted again, and the next come after them.

        A table that went on from the last slot *taken* would leave the rest of the lease before what is granted next,
        and a start from its snapshot would give up among them (`_catch_up`).
        """
        for slot, generation in lent:
            self.keep_lent([(slot, generation)])
            self._next = (slot + 1) % self._total

    def keep_lent(self, lent: Iterable[tuple[int, int]]) -> None:
        """These grants stand. Granting goes on where it was: going back, it would hand out slots that a snapshot has
        behind it, where a start looks last."""
        for slot, generation in lent:
            if self._state[slot] == FREE and int(self._generation[slot]) < generation:
                self._set(slot, LENT, int(self._owner[slot]))

    def refresh(self, lent: Sequence[tuple[int, int]]) -> set[bytes]:
        """The calls in lent slots, with those taken since the last look. Raises StoreError.

        The recorder takes slots in the order they were lent, so a run of untaken ones ends the reading.
        """
        taken: set[bytes] = set()
        untaken = 0
        for slot, generation in lent:
            if self._state[slot] == FREE and int(self._generation[slot]) >= generation:
                continue  # that use is over, nobody kept its call: only the lease on the disk still has it
            if self._state[slot] != USED or int(self._generation[slot]) < generation:
                if untaken > LOOK_AHEAD:
                    continue
                block = self._store.ring.read_block0(slot)
                if fmt.generation_of(block) < generation:
                    untaken += 1
                    continue
                self._believe(slot, block)
            taken.add(self.owner(slot) or b"")
        return taken - {b""}

    def release(self, call_id: bytes) -> None:
        """The slots of a call are free again; their next use overwrites them.

        For calls that nobody kept, whose headers stay; of erased ones `look_again` at the slots. A table made from an
        old snapshot may take another call's slot for this one's: every header is read again, and one that cannot be
        read stays in use.
        """
        for slot in self.of(call_id):
            try:
                block = self._store.ring.read_block0(slot)
            except StoreError:
                continue
            self._set(slot, FREE, int(self._owner[slot]))
            self._look(slot, block)

    def set_aside(self, slot: int) -> None:
        """It cannot be written: whatever becomes of the call in it, it is never free again."""
        if 0 <= slot < self._total and slot not in self._aside:
            self._aside.add(slot)
            if self._state[slot] != USED:
                self._set(slot, USED, UNREADABLE)

    @property
    def aside(self) -> list[int]:
        """The slots that were set aside."""
        return sorted(self._aside)

    @property
    def usable(self) -> int:
        """Slots of the ring, less those."""
        return self._total - len(self._aside)

    def look_again(self, slots: Iterable[int]) -> None:
        """Read these headers again: they were erased, or may have been. One that cannot be read stays as it was."""
        for slot in slots:
            with contextlib.suppress(StoreError):
                self._look(slot, self._store.ring.read_block0(slot))

    # -- lending

    def grant(self, count: int) -> list[tuple[int, int]]:
        """Up to `count` free slots not yet lent, as (slot, generation), in circular order. Raises StoreError.

        It costs what it grants, however many slots are held: groups without a free slot are not looked into.
        A slot whose header is not what the table says is put right and not granted; one that cannot be read now is
        passed over, and many of them mean that the disk is away: then nothing is granted.
        """
        granted: list[tuple[int, int]] = []
        begin, bad = self._next, set[int]()
        self._store.ring.expect(self._free_from(begin, count))
        while len(granted) < count:
            wanted = [s for s in self._free_from(self._next, count - len(granted) + len(bad)) if s not in bad]
            if not wanted:
                break
            for slot in wanted[: count - len(granted)]:
                try:
                    self._look(slot, self._store.ring.read_block0(slot))
                except StoreError:
                    bad.add(slot)
                    if len(bad) > LOOK_AHEAD:
                        self.take_back(granted)
                        self._next = begin
                        raise
                    continue
                if self._state[slot] == FREE:
                    self._set(slot, LENT, int(self._owner[slot]))
                    granted.append((slot, int(self._generation[slot]) + 1))
                self._next = (slot + 1) % self._total
        return granted

    def take_back(self, granted: Sequence[tuple[int, int]]) -> None:
        """A grant that came to nothing: the same slots are granted next."""
        for slot, _ in granted:
            if self._state[slot] == LENT:
                self._set(slot, FREE, int(self._owner[slot]))
        if granted:
            self._next = granted[0][0]

    def _free_from(self, begin: int, count: int) -> list[int]:
        """Up to `count` free slots in circular order from `begin`, at most one lap."""
        groups = np.flatnonzero(self._free_in)
        own = begin // _GROUP
        split = int(np.searchsorted(groups, own))
        found: list[int] = []
        for lap, part in enumerate((groups[split:], groups[: split + 1])):
            for group in part:
                low = int(group) * _GROUP
                slots = np.flatnonzero(self._state[low : low + _GROUP] == FREE) + low
                if group == own:
                    slots = slots[slots < begin] if lap else slots[slots >= begin]
                elif lap and group > own:
                    continue
                found += slots[: count - len(found)].tolist()
                if len(found) == count:
                    return found
        return found

    # -- signatures of headers that were taken over unread

    def check(self, limit: int) -> list[str]:
        """Check the signatures of the next headers, at most `limit`; what is wrong with them. Raises StoreError.

        A slot whose header this box did not sign is nobody's: it is not handed out, and belongs to no call.
        """
        problems = []
        while self._checked < self._total and limit > 0:
            slot = self._checked
            if self._state[slot] == USED and self._owner[slot] != UNREADABLE:
                limit -= 1
                block = self._store.ring.read_block0(slot)
                if fmt.generation_of(block) == self._generation[slot] and not slotheads.vouched(self._store, block):
                    self._set(slot, USED, UNREADABLE)
                    problems.append(f"slot {slot}: the signature of its header is wrong")
            self._checked += 1
        return problems

    @property
    def unchecked(self) -> int:
        """Slots `check` has yet to come by."""
        return self._total - self._checked

    def look_through(self, limit: int) -> bool:
        """Look at the next slots a snapshot said are free, at most `limit`; whether one was not, and is put right.

        Once after each start from a snapshot: whatever it may have missed, it does not miss for long.
        """
        free = np.flatnonzero(self._state[self._looked :] == FREE)[:limit] + self._looked
        self._looked = int(free[-1]) + 1 if len(free) == limit else self._total
        wrong = False
        for slot in free.tolist():
            with contextlib.suppress(StoreError):  # it is read once more before it is lent
                wrong |= self._look(slot, self._store.ring.read_block0(slot))
        return wrong

    # -- the snapshot

    def image(self, lent: Iterable[tuple[int, int]], bound: tuple[int, bytes]) -> TableImage:
        """The table for a snapshot. `lent`: the slots of the lease, which the recorder may be writing just now."""
        state = self._state.copy()
        recent = np.fromiter((slot for slot, _ in lent), np.int64)
        state[recent] |= RECENT
        return TableImage(
            generation=self._generation,
            owner=self._owner,
            state=state,
            ids=self._owners.ids(),
            next=self._next,
            checked=self._checked,
            highest_sequence=self.highest_sequence,
            bound=bound,
        )

    def _usable(self, known: Callable[[int, bytes], bool]) -> TableImage | None:
        self.refused = ""
        try:
            image = slottable.load(self._store.table_path, self._store)
        except fmt.FormatError as error:
            self.refused = str(error)
            return None
        if not known(*image.bound):
            self.refused = "the snapshot is of another history of this store"
            return None
        return image

    def _adopt(self, image: TableImage) -> None:
        self._generation, self._owner = image.generation, image.owner
        self._state = image.state & np.uint8(0xFF ^ RECENT)
        self._state[self._state == LENT] = FREE
        self._owners.count_anew(image.ids, self._owner)
        self._used = int(np.count_nonzero(self._state == USED))
        free = np.flatnonzero(self._state == FREE) // _GROUP
        self._free_in: NDArray[np.int64] = np.bincount(free, minlength=-(-self._total // _GROUP))
        self._next, self._checked = image.next, image.checked
        self.highest_sequence = image.highest_sequence

    def _catch_up(self, image: TableImage) -> None:
        """Read what may have changed since the snapshot. Raises StoreError where much cannot be read.

        The recorder takes lent slots only, in the order they were lent, and they are lent in circular order from
        `next`. So what was taken since lies in the lease of then, or from `next` on without a gap of more than it
        passes over. A slot that was erased since is its call's no more, and the catalogue does not have that call:
        the keeper has the slots of such a call read again (`look_again`). Those of the lease of then say nothing about
        how far granting came: they may have been taken, erased and lent once more.
        """
        doubtful = (image.state & RECENT != 0) | (image.state == LENT) | (image.owner == UNREADABLE)
        for slot in np.flatnonzero(doubtful).tolist():
            self._look_leniently(slot)
        same = 0
        for slot in self._free_from(image.next, self._total):
            if doubtful[slot]:
                continue
            if not self._look_leniently(slot):
                same += 1
                if same > LOOK_AHEAD:
                    break
            else:  # taken, and free again perhaps
                same, self._next = 0, (slot + 1) % self._total

    # -- headers

    def _look_leniently(self, slot: int) -> bool:
        """As `_look`, of a slot that may be unreadable; many mean that the disk is away: StoreError."""
        try:
            block = self._store.ring.read_block0(slot)
        except StoreError:
            self._failures += 1
            if self._failures > LOOK_AHEAD:
                raise
            self._set(slot, USED, UNREADABLE)
            return True
        self._failures = 0
        return self._look(slot, block)

    def _look(self, slot: int, block: bytes) -> bool:
        """Put the table right about a slot; True where it was wrong. A free slot may bear the header of its former
        owner, whom nobody kept."""
        seen = slotheads.glance(block, slot, self._store.store_id)
        if seen is not None and seen.generation == self._generation[slot]:
            owner = self._owners.number(seen.call_id) if seen.used else NOBODY
            if owner == self._owner[slot] and (seen.used or self._state[slot] != USED):
                return False
            if not seen.used and self._state[slot] != USED:
                self._set(slot, int(self._state[slot]), NOBODY)  # erased since
                return False
        self._believe(slot, block)
        return True

    def _believe(self, slot: int, block: bytes) -> None:
        """The slot is what its header says."""
        seen = slotheads.glance(block, slot, self._store.store_id)
        if seen is None or (seen.used and not slotheads.vouched(self._store, block)):
            self._set(slot, USED, UNREADABLE)
            return
        self._generation[slot] = seen.generation
        if not seen.used:
            self._set(slot, FREE, NOBODY)
            return
        self._set(slot, USED, self._owners.add(seen.call_id))
        self.highest_sequence = max(self.highest_sequence, seen.sequence)

    def _set(self, slot: int, state: int, owner: int) -> None:
        if state != USED and slot in self._aside:
            state, owner = USED, UNREADABLE
        before, former = int(self._state[slot]), int(self._owner[slot])
        self._state[slot], self._owner[slot] = state, owner
        self._used += (state == USED) - (before == USED)
        self._free_in[slot // _GROUP] += (state == FREE) - (before == FREE)
        if owner != former:
            if owner != NOBODY:
                self._owners.name(owner, slot)
            if former != NOBODY:
                self._owners.unname(former)
