"""Sealed octets on their way to the ring: one group commit for all calls, tried again until it holds.

A slot that cannot be written is set aside, and its call goes on in another one (FORMAT.md, "Slot"). Where no slot can
be written it is the disk that fails, and everything waits where it is.
"""

from __future__ import annotations

import contextlib

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.records.call import PublicRecord
from tsuwaroku.store.keys import DeviceKey
from tsuwaroku.store.leased import LeasedSlots
from tsuwaroku.store.opencall import OpenCall, OpenExtent, OpenSlot
from tsuwaroku.store.ring import RingFiles

TRIES = (
    2  # of a commit, a second apart, before its slots are tried one by one: a disk that was away for a moment is back
)
_SPARES = 2  # leased slots that may turn out bad, too, before it is the disk


class SetAside(msgspec.Struct, frozen=True):
    """A slot that cannot be written."""

    slot: int
    generation: int


class Write(msgspec.Struct):
    """Sealed octets for a slot, and what is true of their call once they are safe."""

    slot: OpenSlot
    offset: int
    data: bytes
    call: OpenCall
    position: int | None = None  # of an extent: the stream position it reaches
    public: PublicRecord | None = None  # of a last extent


class GroupCommit:
    """What is staged. Owned by the writer's thread."""

    def __init__(self, ring: RingFiles, slots: LeasedSlots, device: DeviceKey) -> None:
        self._ring = ring
        self._slots = slots
        self._device = device
        self._staged: list[Write] = []
        self._failures = 0
        self._moved = False  # a call of what is staged goes on in another slot
        self._aside: list[SetAside] = []
        self.octets = 0
        """Staged and not safe yet."""

    @property
    def failing(self) -> bool:
        """Whether what is staged was refused the last time."""
        return self._failures > 0

    def take_aside(self) -> list[SetAside]:
        """The slots set aside since the last call."""
        found, self._aside = self._aside, []
        return found

    def add_header(self, slot: OpenSlot, call: OpenCall) -> None:
        """Block 0 of a slot taken now."""
        self._add(Write(slot, 0, slot.first_block(self._device), call))

    def add_extent(self, slot: OpenSlot, extent: OpenExtent, call: OpenCall) -> int:
        """The next extent of a slot; returns its octets on disk."""
        slot.extents.append(extent)
        octets = slot.octets(extent, self._device)
        self._add(Write(slot, extent.offset, octets, call, extent.position, extent.public))
        return len(octets)

    def drop(self, call: OpenCall) -> None:
        """Nothing more of this call."""
        self._staged = [write for write in self._staged if write.call is not call]
        self._count()

    def flush(self, now: Instant) -> tuple[list[Write], int]:
        """Write and sync what is staged; returns it, and its octets. Raises StoreError: all of it stays staged."""
        if not self._staged:
            return [], 0
        try:
            self._put_all()
        except StoreError:
            self._failures += 1
            if self._failures < TRIES or not self._move_on(now):
                raise
            self._put_all()
        self._failures, self._moved = 0, False
        written, octets = self._staged, self.octets
        self._staged, self.octets = [], 0
        return written, octets

    # -- slots that fail

    def _move_on(self, now: Instant) -> bool:
        """Set aside the slots that fail while others do not; whether there were any."""
        moved = False
        slots = {id(write.slot): (write.slot, write.call) for write in self._staged}
        for slot, call in slots.values():
            own = [write for write in self._staged if write.slot is slot]
            if self._takes(own):
                continue
            place = self._spare()
            if place is None or self._takes(own):  # the disk was away, and may be back
                continue
            self._aside.append(SetAside(slot.number, slot.header.generation))
            slot.move(*place, now)
            self._stage_anew(slot, call)
            moved = True
        return moved

    def _spare(self) -> tuple[int, int] | None:
        """The next leased slot that can be written. None where none of a few can: then it is the disk."""
        bad: list[tuple[int, int]] = []
        while (place := self._slots.take()) is not None:
            try:
                self._ring.write(place[0], 0, self._ring.read_block0(place[0]))
                self._ring.sync()
            except StoreError:
                bad.append(place)
                if len(bad) <= _SPARES:
                    continue
                self._slots.give_back(bad)
                return None
            self._aside += [SetAside(*slot) for slot in bad]
            return place
        self._slots.give_back(bad)
        return None

    def _stage_anew(self, slot: OpenSlot, call: OpenCall) -> None:
        """Everything the call has in the slot, as it is for its new place."""
        self._staged = [write for write in self._staged if write.slot is not slot]
        staged = [Write(slot, 0, slot.first_block(self._device), call)]
        staged += [
            Write(slot, one.offset, slot.octets(one, self._device), call, one.position, one.public)
            for one in slot.extents
        ]
        self._staged += staged
        self._moved = True
        self._count()

    def _takes(self, writes: list[Write]) -> bool:
        try:
            self._put(writes)
        except StoreError:
            with contextlib.suppress(StoreError):
                self._ring.sync()  # nothing of it is left for the next one's sync to fail at
            return False
        return True

    def _put_all(self) -> None:
        """All that is staged. Of a call that moves the header comes last: once that is there, nothing is read from the
        old slot any more, and what was committed in it must be in the new one."""
        if self._moved:
            self._put([write for write in self._staged if write.offset])
        self._put([write for write in self._staged if not (self._moved and write.offset)])

    def _put(self, writes: list[Write]) -> None:
        for write in writes:
            self._ring.write(write.slot.number, write.offset, write.data)
        self._ring.sync()

    def _add(self, write: Write) -> None:
        self._staged.append(write)
        self.octets += len(write.data)

    def _count(self) -> None:
        self.octets = sum(len(write.data) for write in self._staged)
