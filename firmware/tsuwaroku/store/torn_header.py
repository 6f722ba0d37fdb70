"""Slot headers that a power cut kept from becoming whole: a disk writes sectors, and a header is eight of them.

A header is written in one commit with the first extents of its slot, and nobody was told of that commit, so nothing is
lost with it. But its slot is then neither free nor in use. Whoever owns the lent slots at a start, the recorder, or the
keeper where none runs, makes such a slot free again (FORMAT.md, "Torn header"). A header that was whole once and was
damaged since looks alike: what tells them apart is that there is nothing of a later commit in the slot, and that the
catalogue knows of no call in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tsuwaroku.clock import Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.scan import checked_header, read_headers
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE, ExtentHeader, FormatError

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

Place = tuple[int, int]
"""(slot, the generation it was lent for)."""


def mend_headers(store: Store, lent: Iterable[Place], journal: Journal, now: Instant) -> list[Place]:
    """Make the lent slots with a torn header free; those that were. The journal is told first. Raises StoreError."""
    torn = [place for place in lent if _is_spoilt(store, place[0]) and _is_torn(store, *place)]
    listed = _listed(store) if torn else frozenset()
    torn = [place for place in torn if place not in listed]
    if torn:
        journal.append(JournalType.CHECKPOINT, now, public={"torn_headers": torn})
        for slot, generation in torn:
            store.ring.write(slot, 0, fmt.free_block(slot, generation))
        store.ring.sync()
    return torn


def _is_spoilt(store: Store, slot: int) -> bool:
    """Neither a free slot's header, nor one in use, nor one that is being erased."""
    try:
        block = store.ring.read_block0(slot)
        if fmt.erasing_name(block) is None:
            checked_header(store, slot, block)
    except FormatError:
        return True
    except StoreError:
        pass  # it cannot be read: that is another matter
    return False


def _is_torn(store: Store, slot: int, generation: int) -> bool:
    """Whether there is nothing in the slot but what one commit, its first, may have left."""
    try:
        block, data = store.ring.read_block0(slot), store.ring.read_slot(slot)
    except StoreError:
        return False
    extents = [extent for at in range(BLOCK, SLOT_SIZE, BLOCK) if (extent := _extent(store, data, at)) is not None]
    if max([fmt.generation_of(block), *(extent.generation for extent in extents)]) > generation:
        return False
    ours = [extent for extent in extents if extent.generation == generation]
    return len({extent.mono_ns for extent in ours}) <= 1 or _is_elsewhere(store, slot, ours[0])


def _extent(store: Store, data: bytes, at: int) -> ExtentHeader | None:
    try:
        extent = fmt.unpack_extent(data, at)
    except FormatError:
        return None
    if extent is None:
        return None
    octets = data[at : at + fmt.EXTENT_SIGNATURE_AT]
    return extent if store.vouches(extent.epoch, fmt.DOMAIN_EXTENT, octets, extent.signature) else None


def _is_elsewhere(store: Store, slot: int, extent: ExtentHeader) -> bool:
    """A call that moved here from a slot that could not be written still stands in that one: its header comes last."""
    parts = read_headers(store).calls.get(extent.call_id, [])
    return any(header.part == extent.part and header.slot != slot for header in parts)


def _listed(store: Store) -> frozenset[Place]:
    """The slots of every call that was listed, and so was whole."""
    catalogue = Catalogue.of(store)
    found: set[Place] = set()
    for day in catalogue.days():
        try:
            for entry in catalogue.for_day(day):
                found.update(zip(entry.slots, entry.generations, strict=False))
        except StoreError:
            continue  # the keeper puts it aside
    return frozenset(found)
