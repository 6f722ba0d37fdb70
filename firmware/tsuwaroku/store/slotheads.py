"""What slot headers say at a glance, for the slot table: a million of them in seconds, their signatures unread."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.errors import StoreError
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.slot import MAGIC_FREE, MAGIC_USED, SLOTS_PER_FILE, VERSION
from tsuwaroku.store.slottable import FREE, NOBODY, UNREADABLE, USED, TableImage

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

GLANCE = struct.Struct("<8sH2xIQ16s16sQI")
_GLANCES = np.dtype(
    [
        ("magic", "<u8"),
        ("version", "<u2"),
        ("flags", "<u2"),
        ("slot", "<u4"),
        ("generation", "<u8"),
        ("store", "<u8", 2),
        ("call", "<u8", 2),
        ("sequence", "<u8"),
        ("part", "<u4"),
    ]
)
MOST_FAILURES = 32
"""Headers one after the other that cannot be read: beyond that it is not a bad block, the disk is away."""


class Glance(msgspec.Struct, frozen=True):
    """What a slot's block 0 says of itself; the signature is not checked. `used` False: free, and no more is said."""

    used: bool
    generation: int
    call_id: bytes
    sequence: int
    part: int


def glance(block: bytes, slot: int, store_id: bytes) -> Glance | None:
    """Block 0 of a slot; None where it is neither a free slot's nor one of this slot of this store."""
    magic, version, number, generation, store, call, sequence, part = GLANCE.unpack_from(block)
    if version != VERSION or number != slot:
        return None
    if magic == MAGIC_FREE:
        return Glance(False, generation, b"", 0, 0)
    if magic != MAGIC_USED or store != store_id:
        return None
    return Glance(True, generation, call, sequence, part)


class Glances(msgspec.Struct, frozen=True):
    """What many headers say, as arrays. `known`: it is a free slot's or one in use; `used`: the latter."""

    known: NDArray[np.bool_]
    used: NDArray[np.bool_]
    generation: NDArray[np.uint64]
    sequence: NDArray[np.uint64]
    part: NDArray[np.uint32]
    calls: list[tuple[int, int, bytes]]


def glances(heads: bytes, first: int, store_id: bytes) -> Glances:
    """The same of slots one after the other, from `first` on; `heads`: GLANCE.size octets of each.

    `calls`: (begin, end, call id) of each run of headers with one call id; what is not in use has one, too.
    """
    read = np.frombuffer(heads, _GLANCES)
    right = (read["version"] == VERSION) & (read["slot"] == np.arange(first, first + len(read)))
    used = (
        right & (read["magic"] == _number(MAGIC_USED)) & (read["store"] == np.frombuffer(store_id, "<u8")).all(axis=1)
    )
    ids = read["call"]
    ends = [*(np.flatnonzero((ids[1:] != ids[:-1]).any(axis=1)) + 1).tolist(), len(read)]
    runs = [(begin, end, ids[begin].tobytes()) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
    known = used | (right & (read["magic"] == _number(MAGIC_FREE)))
    return Glances(known, used, read["generation"], read["sequence"], read["part"], runs)


def _number(magic: bytes) -> int:
    return int.from_bytes(magic, "little")


def vouched(store: Store, block: bytes) -> bool:
    """Whether this box signed the header in a slot's block 0."""
    try:
        header = fmt.unpack_slot(block)
    except fmt.FormatError:
        return False
    at = fmt.SLOT_SIGNATURE_AT
    return header is not None and store.vouches(header.epoch, fmt.DOMAIN_SLOT, block[:at], header.signature)


def read_all(store: Store, progress: Callable[[int, int], None] | None = None) -> TableImage:
    """The table from every header, the signature of none checked but the newest's. Raises StoreError.

    A header that cannot be read is nobody's; many of them mean that the disk is away.
    """
    total = store.info.slots
    generation, owner = np.zeros(total, np.uint64), np.full(total, NOBODY, np.int32)
    state, failures = np.zeros(total, np.uint8), 0
    sequence, part = np.zeros(total, np.uint64), np.zeros(total, np.uint32)
    numbers: dict[bytes, int] = {}
    for first in range(0, total, SLOTS_PER_FILE):
        here = slice(first, min(first + SLOTS_PER_FILE, total))
        heads, failures = _heads(store, first, here.stop - first, failures)
        seen = glances(heads, first, store.store_id)
        generation[here] = np.where(seen.known, seen.generation, 0)
        state[here] = np.where(seen.known & ~seen.used, FREE, USED)
        sequence[here], part[here] = np.where(seen.used, seen.sequence, 0), seen.part
        for begin, end, call_id in seen.calls:
            if seen.used[begin:end].any():
                owner[first + begin : first + end] = numbers.setdefault(call_id, len(numbers) + 1)
        owner[here] = np.where(seen.used, owner[here], np.where(seen.known, NOBODY, UNREADABLE))
        if progress is not None and first % 1024 == 0:
            progress(first, total)
    image = TableImage(
        generation=generation,
        owner=owner,
        state=state,
        ids=b"".join([bytes(16), *numbers]),
        next=0,
        checked=0,
        highest_sequence=0,
        bound=(0, bytes(32)),
    )
    _find_newest(store, image, sequence, part)
    return image


def _find_newest(store: Store, image: TableImage, sequence: NDArray[np.uint64], part: NDArray[np.uint32]) -> None:
    """Granting goes on after the last slot of the call opened last: by its number, for a clock may be wrong.

    What one header says decides about every number to come, so that one is checked at once.
    """
    while (highest := int(sequence.max(initial=0))) > 0:
        slots = np.flatnonzero(sequence == highest)
        slot = int(slots[np.argmax(part[slots])])
        if vouched(store, store.ring.read_block0(slot)):
            image.highest_sequence = highest
            image.next = (slot + 1) % len(sequence)
            return
        image.owner[slot], sequence[slot] = UNREADABLE, 0


def _heads(store: Store, first: int, count: int, failures: int) -> tuple[bytes, int]:
    """What headers begin with, zeros where one cannot be read, and how many failed one after the other at the end."""
    try:
        return store.ring.heads(first, count, GLANCE.size), 0
    except StoreError:
        heads = []
    for slot in range(first, first + count):
        try:
            heads.append(store.ring.read(slot, 0, GLANCE.size))
            failures = 0
        except StoreError:
            heads.append(bytes(GLANCE.size))
            failures += 1
            if failures > MOST_FAILURES:
                raise
    return b"".join(heads), failures
