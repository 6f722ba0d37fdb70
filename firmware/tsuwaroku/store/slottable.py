"""The slot table's snapshot, `slots.table`: it saves the keeper the reading of a million headers at its start.

Derived, like the catalogue: one that is missing, torn, foreign or old costs time and nothing else. What it says is
taken for true only of slots that cannot have changed since (service/slots.py, `_catch_up`). Format: FORMAT.md.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.errors import StoreError
from tsuwaroku.store.durable import replace_file
from tsuwaroku.store.slot import VERSION, FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from tsuwaroku.store.layout import Store

FREE, LENT, USED = 0, 1, 2
"""State of a slot. A free one may still have its former owner, whose header it bears: a call nobody kept."""
RECENT = 0x80
"""Added to the state of slots that the lease had when the snapshot was made: read them again."""
NOBODY, UNREADABLE = -1, 0
"""Owners that are no call: of a free slot; of one that is neither free nor readable, which is never handed out."""

MAGIC = b"TSUWATBL"
DOMAIN_TABLE = b"tsuwaroku table 1\0"
HEAD = struct.Struct("<8sH2xI16sIIQQ32sIIQ32s")
SIGNATURE_AT = HEAD.size
BODY_AT = HEAD.size + 64

_OCTETS_A_SLOT = 8 + 4 + 1
_OCTETS_A_CALL = 16
_LEVEL = 1  # 13 MiB of a million slots in a tenth of a second


class TableImage(msgspec.Struct, kw_only=True):
    """The table as arrays over slots (generation u64, owner i32: the number of a call, NOBODY or UNREADABLE, state u8).

    `ids`: 16 octets a number, 0 is nobody's. `next`: where granting goes on.
    `checked`: slots below it had their signatures checked. `bound`: number and digest of a journal record that was
    there when it was made.
    """

    generation: NDArray[np.uint64]
    owner: NDArray[np.int32]
    state: NDArray[np.uint8]
    ids: bytes
    next: int
    checked: int
    highest_sequence: int
    bound: tuple[int, bytes]

    @property
    def arrays(self) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.uint8]]:
        return self.generation, self.owner, self.state


def pack(image: TableImage, store: Store) -> bytes:
    """The file's octets. Raises StoreError without the device key."""
    if store.device is None:
        raise StoreError("is open for reading only", where=str(store.table_path), remedy="this is a bug")
    squeezer = zlib.compressobj(_LEVEL)
    parts = [squeezer.compress(one.astype(one.dtype.newbyteorder("<"), copy=False).data) for one in image.arrays]
    body = b"".join([*parts, squeezer.compress(image.ids), squeezer.flush()])
    head = HEAD.pack(
        MAGIC,
        VERSION,
        len(image.generation),
        store.store_id,
        image.next,
        image.checked,
        image.highest_sequence,
        image.bound[0],
        image.bound[1],
        len(image.ids) // _OCTETS_A_CALL,
        store.device.epoch,
        len(body),
        hashlib.sha256(body).digest(),
    )
    return head + store.device.sign(DOMAIN_TABLE, head) + body


def unpack(octets: bytes, store: Store) -> TableImage:
    """What a file says. Raises FormatError where it is torn, another store's, another ring's or not this box's."""
    if len(octets) < BODY_AT:
        raise FormatError("the snapshot is cut short")
    fields = HEAD.unpack_from(octets)
    magic, version, slots, store_id, upcoming, checked, highest, number, digest, calls, epoch, length, sha = fields
    if (magic, version, slots, store_id) != (MAGIC, VERSION, store.info.slots, store.store_id):
        raise FormatError("the snapshot is not of this ring")
    if not store.vouches(epoch, DOMAIN_TABLE, octets[:SIGNATURE_AT], octets[SIGNATURE_AT:BODY_AT]):
        raise FormatError("the signature of the snapshot is wrong")
    body = octets[BODY_AT:]
    if len(body) != length or hashlib.sha256(body).digest() != sha:
        raise FormatError("the snapshot is torn")
    try:
        plain = zlib.decompress(body)
    except zlib.error as error:
        raise FormatError("the snapshot is torn") from error
    if len(plain) != slots * _OCTETS_A_SLOT + calls * _OCTETS_A_CALL or upcoming >= slots:
        raise FormatError("the snapshot is out of range")
    return TableImage(
        generation=np.frombuffer(plain, "<u8", slots).astype(np.uint64),
        owner=np.frombuffer(plain, "<i4", slots, slots * 8).astype(np.int32),
        state=np.frombuffer(plain, np.uint8, slots, slots * 12).copy(),
        ids=plain[slots * _OCTETS_A_SLOT :],
        next=upcoming,
        checked=checked,
        highest_sequence=highest,
        bound=(number, digest),
    )


def save(path: Path, image: TableImage, store: Store) -> int:
    """Durable on return; the octets written. Raises StoreError."""
    octets = pack(image, store)
    try:
        replace_file(path, octets, 0o640)
    except OSError as error:
        raise StoreError(
            f"cannot be written ({error.strerror})", where=str(path), remedy="check the disk and its permissions"
        ) from error
    return len(octets)


def load(path: Path, store: Store) -> TableImage:
    """Raises FormatError where there is none that can be used."""
    try:
        return unpack(path.read_bytes(), store)
    except OSError as error:
        raise FormatError(f"no snapshot ({error.strerror})") from error
