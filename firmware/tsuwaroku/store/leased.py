"""The leased slots as the recorder sees them: which are free, which were used and by whom."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

import msgspec

from tsuwaroku.errors import StoreError
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.slot import (
    BLOCK,
    DOMAIN_EXTENT,
    DOMAIN_SLOT,
    EXTENT_HEADER,
    ExtentHeader,
    FormatError,
    SlotHeader,
    generation_of,
    next_digest,
    unpack_extent,
    unpack_slot,
)


class UsedSlot(msgspec.Struct, frozen=True):
    """A leased slot in use: its header and its extents, as far as they hold."""

    header: SlotHeader
    extents: list[ExtentHeader]


class Unfinished(msgspec.Struct, frozen=True):
    """A call that was cut off: its last slot's header, when it was last committed, whether the party was told."""

    header: SlotHeader
    last_wall_ns: int
    last_mono_ns: int
    told: bool

    @property
    def call_id(self) -> bytes:
        return self.header.call_id


class LeasedSlots:
    """Reads lease and headers; hands out free slots in the lease's order. Reading is lenient: a slot that cannot be
    read is not used, and `problems` says so. `aside`: slots that cannot be written."""

    def __init__(self, store: Store, aside: Collection[int] = ()) -> None:
        self._store = store
        self._aside = aside
        self._known: dict[tuple[int, int], UsedSlot | None] = {}  # None: free, taken here, or not to be used
        self._free: deque[tuple[int, int]] = deque()
        self._taken: set[tuple[int, int]] = set()
        self.sequence_floor = 1
        self.problems: list[str] = []
        self.reload()

    def reload(self) -> None:
        """Read lease.json again, and the headers of slots that are new in it. Raises StoreError."""
        lease = Lease.load(self._store.lease_path, self._store.store_id)
        free = []
        for slot, generation in lease.slots:
            place = (slot, generation)
            if place not in self._known and self._look(slot, generation):
                continue
            if self._known[place] is None and place not in self._taken and slot not in self._aside:
                free.append(place)
        self._free = deque(free)
        self.sequence_floor = max(self.sequence_floor, lease.sequence_floor, self._highest_seen() + 1)

    def take(self) -> tuple[int, int] | None:
        """(slot, generation) to use next, or None."""
        if not self._free:
            return None
        place = self._free.popleft()
        self._taken.add(place)
        return place

    def give_back(self, places: list[tuple[int, int]]) -> None:
        """Taken and not used: they are next again, in this order."""
        self._free.extendleft(reversed(places))
        self._taken -= set(places)

    def __len__(self) -> int:
        return len(self._free)

    def unfinished(self, instance: bytes) -> list[Unfinished]:
        """The last call of each line, where another instance did not end it, in order of opening.

        Of a line's calls only the last one: a line that has had another call since is not in the one cut off.
        """
        calls: dict[bytes, list[UsedSlot]] = {}
        for used in self._known.values():
            if used is not None and used.header.instance != instance and used.extents:
                calls.setdefault(used.header.call_id, []).append(used)
        last: dict[str, UsedSlot] = {}
        for slots in calls.values():
            end = max(slots, key=lambda used: (used.header.part, used.header.mono_ns))
            line = end.header.line
            if line not in last or last[line].header.sequence < end.header.sequence:
                last[line] = end
        cut = [
            Unfinished(end.header, end.extents[-1].wall_ns, end.extents[-1].mono_ns, end.extents[-1].told)
            for end in last.values()
            if not end.extents[-1].last
        ]
        return sorted(cut, key=lambda call: call.header.sequence)

    def _look(self, slot: int, generation: int) -> bool:
        """Read a slot new in the lease. True if it is not to be used and not in use either."""
        place = (slot, generation)
        try:
            block = self._store.ring.read_block0(slot)
            if generation_of(block) < generation:
                self._known[place] = None
                return False
            self._known[place] = self._read_used(slot, block)
        except (StoreError, ValueError) as error:
            self.problems.append(f"leased slot {slot} is not used: {error}")
            self._known[place] = None
            self._taken.add(place)
        else:
            if self._known[place] is None:
                self._taken.add(place)
        return True

    def _read_used(self, slot: int, block: bytes) -> UsedSlot | None:
        header = unpack_slot(block)
        if header is None or header.store_id != self._store.store_id or header.slot != slot:
            return None
        if not self._store.vouches(header.epoch, DOMAIN_SLOT, header.signed_octets(), header.signature):
            return None
        return UsedSlot(header, self._walk(header, self._store.ring.read_slot(slot)))

    def _walk(self, header: SlotHeader, data: bytes) -> list[ExtentHeader]:
        """The extents that belong to the slot's call, up to the first that does not match."""
        extents: list[ExtentHeader] = []
        at, digest = BLOCK, header.digest_before
        while at < len(data):
            try:
                extent = unpack_extent(data, at)
            except FormatError:
                break
            index = header.first_extent + len(extents)
            if extent is None or (extent.call_id, extent.part, extent.index, extent.generation) != (
                header.call_id,
                header.part,
                index,
                header.generation,
            ):
                break
            payload = data[at + EXTENT_HEADER : at + EXTENT_HEADER + extent.payload_length]
            digest = next_digest(digest, header.call_id, index, payload)
            if digest != extent.digest:
                break
            if not self._store.vouches(extent.epoch, DOMAIN_EXTENT, extent.signed_octets(), extent.signature):
                break
            extents.append(extent)
            at += extent.disk_size
        return extents

    def _highest_seen(self) -> int:
        """The highest sequence number given out, as far as the leased slots tell."""
        seen = [0]
        for used in self._known.values():
            if used is not None:
                seen.append(used.header.sequence)
                seen += [extent.next_sequence - 1 for extent in used.extents]
        return max(seen)
