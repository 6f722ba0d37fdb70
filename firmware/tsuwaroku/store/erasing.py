"""Erasing slots: block 0 first, which holds the wrapped keys, then the data, then what the device has is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tsuwaroku.errors import StoreError
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.overwrite import DIRECT, Overwriter
from tsuwaroku.store.ring import ring_name
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE, SLOTS_PER_FILE, FormatError
from tsuwaroku.store.tombstone import Tombstone, name_of

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

Place = tuple[Tombstone, int, int]
"""(tombstone, slot, generation)."""
Failed = tuple[Tombstone, int, StoreError]
_MOST_OPEN = 8


def own_generation(store: Store, slot: int, name: bytes) -> int | None:
    """The generation of a slot whose header names this call; None for any other."""
    block = store.ring.read_block0(slot)
    try:
        header = fmt.unpack_slot(block)
    except FormatError:
        return None
    return header.generation if header is not None and name_of(header.call_id) == name else None


def is_reused(store: Store, slot: int, generation: int, name: bytes) -> bool:
    """Whether the slot holds something else by now: it is free, or another call's.

    One whose block 0 nobody can read is still the call's, unless an extent of a later use stands in it.
    """
    block = store.ring.read_block0(slot)
    erasing = fmt.erasing_name(block)
    if erasing is not None:
        return erasing != name
    try:
        header = fmt.unpack_slot(block)
    except FormatError:
        return _used_since(store.ring.read_slot(slot), generation)
    return header is None or name_of(header.call_id) != name


def _used_since(data: bytes, generation: int) -> bool:
    for at in range(BLOCK, SLOT_SIZE, BLOCK):
        if data[at : at + 4] == fmt.MAGIC_EXTENT and int.from_bytes(data[at + 32 : at + 40], "little") > generation:
            return True
    return False


class SlotEraser:
    """Overwrites slots of the ring past the page cache. `octets`: written so far."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files: dict[int, Overwriter] = {}
        self.octets = 0
        self.how = DIRECT

    def close(self) -> None:
        """Close every file."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def is_ours(self, slot: int, generation: int, name: bytes) -> bool:
        """Whether there is anything of this call to erase in the slot. A slot nobody can read now is tried, and fails
        there."""
        try:
            return not is_reused(self._store, slot, generation, name)
        except StoreError:
            return True

    def destroy_keys(self, places: Sequence[Place]) -> Iterator[Failed]:
        """Overwrite block 0 of each slot, synced; yields those that failed."""

        def mark(place: Place) -> None:
            stone, slot, generation = place
            self._write(slot, 0, fmt.erasing_block(slot, generation, stone.name))

        yield from self._each(places, mark)

    def overwrite(self, places: Sequence[Place]) -> Iterator[Failed]:
        """Overwrite the data of each slot with zeros, synced, and compare what the device has; then the slot is free.

        A slot that reads back differently stays as it is: being erased, lent to nobody.
        """
        failed: list[Failed] = []

        def zero(place: Place) -> None:
            file, base = self._file(place[1])
            file.zero(base + BLOCK, SLOT_SIZE - BLOCK)
            self.octets += SLOT_SIZE - BLOCK

        def compare(place: Place) -> None:
            stone, slot, generation = place
            file, base = self._file(slot)
            expected = fmt.erasing_block(slot, generation, stone.name)
            data = file.read(base, SLOT_SIZE)
            if data[:BLOCK] != expected or data.count(0, BLOCK) != SLOT_SIZE - BLOCK:
                raise StoreError(
                    f"slot {slot} has other octets than were written",
                    where=str(file.path),
                    remedy="replace the SSD; the erasure is tried again",
                )

        def free(place: Place) -> None:
            self._write(place[1], 0, fmt.free_block(place[1], place[2]))

        rest = list(places)
        for act in (zero, compare, free):
            now = list(self._each(rest, act, sync=act is not compare))
            gone = {slot for _, slot, _ in now}
            rest = [place for place in rest if place[1] not in gone]
            failed += now
        yield from failed

    def _each(self, places: Sequence[Place], act: Callable[[Place], None], *, sync: bool = True) -> Iterator[Failed]:
        """Do it for each slot, then sync; yields those that failed. What fails costs that slot, or that file."""
        done: list[Place] = []
        for place in places:
            try:
                act(place)
            except StoreError as error:
                yield place[0], place[1], error
            else:
                done.append(place)
        for number in sorted({place[1] // SLOTS_PER_FILE for place in done}) if sync else ():
            try:
                self._files[number].sync()
            except StoreError as error:
                yield from ((stone, slot, error) for stone, slot, _ in done if slot // SLOTS_PER_FILE == number)
        if len(self._files) > _MOST_OPEN:
            self.close()

    def _write(self, slot: int, offset: int, data: bytes) -> None:
        file, base = self._file(slot)
        file.write(base + offset, data)
        self.octets += len(data)

    def _file(self, slot: int) -> tuple[Overwriter, int]:
        number, index = divmod(slot, SLOTS_PER_FILE)
        if number not in self._files:
            self._files[number] = Overwriter(self._store.ring.path / ring_name(number))
            self.how = self._files[number].how
        return self._files[number], index * SLOT_SIZE
