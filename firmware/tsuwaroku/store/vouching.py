"""What of a sealed call lets somebody without the ring check its record: the last commits, as they were signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsuwaroku.errors import StoreError
from tsuwaroku.store.slot import BLOCK, EXTENT_HEADER

if TYPE_CHECKING:
    from tsuwaroku.store.held import HeldStore
    from tsuwaroku.store.layout import Store
    from tsuwaroku.store.scan import StoredCall

SIGNED_HEADER = 208  # octets of an extent's header up to the end of its signature (FORMAT.md, *Extent*)


def last_commits(store: Store | HeldStore, stored: StoredCall) -> tuple[tuple[bytes, bytes], ...]:
    """(header, payload) of a call's last extent, and before it the header of the one whose digest it goes on from, with
    no payload (a call of one extent goes on from its own name). Empty for a call without its end: nothing in it was
    signed as the whole. Raises StoreError where the ring cannot be read."""
    if not stored.last:
        return ()
    found = []
    for extent in stored.extents[-2:]:
        data, bad = store.ring.salvage(extent.slot)
        end = extent.offset + EXTENT_HEADER + extent.header.payload_length
        if any(extent.offset < at + BLOCK and at < end for at in bad):
            raise StoreError("cannot be read", where=f"slot {extent.slot}", remedy="run `tsuwaroku verify`")
        octets = data[extent.offset : end]
        payload = octets[EXTENT_HEADER:] if extent is stored.extents[-1] else b""
        found.append((octets[:SIGNED_HEADER], payload))
    return tuple(found)
