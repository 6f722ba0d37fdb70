"""A call's slots without the store's files: their octets come from somewhere else, one slot after the other.

What walks a call and opens it asks a store for little: octets of slots, and whether this box signed them. Here these
come from whoever has the files; nothing is believed that the store's own reader would not believe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tsuwaroku.store.amendments import Amended
from tsuwaroku.store.tombstone import Tombstone

if TYPE_CHECKING:
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.layout import StoreInfo


class SlotOctets(Protocol):
    """The part of `RingFiles` that reading takes; every method as there."""

    @property
    def slots(self) -> int: ...

    def read_block0(self, slot: int) -> bytes: ...
    def salvage(self, slot: int) -> tuple[bytes, set[int]]: ...


class HeldStore:
    """As much of a store as `scan` and `reader` take. `where`: what people are told it is."""

    def __init__(self, info: StoreInfo, ring: SlotOctets, where: str) -> None:
        self.info = info
        self.ring = ring
        self.where = where

    @property
    def store_id(self) -> bytes:
        """The 16 octets of the store id. Raises ValueError where it is none."""
        return bytes.fromhex(self.info.store_id)

    def vouches(self, epoch: int, domain: bytes, octets: bytes, signature: bytes) -> bool:
        """As `Store.vouches`."""
        return self.info.vouches(epoch, domain, octets, signature)

    def admit(self, key: PrivateKey) -> None:
        """As `Store.admit`."""
        self.info.admit(key, self.where)


class HeldAmendments(Amended):
    """What the journals say of some calls, as the keeper put it in order. It tells nothing of those that are gone."""

    def tombstone(self, call_id: bytes) -> Tombstone | None:
        return None

    def unfinished(self) -> list[Tombstone]:
        return []
