"""The byte tables of FORMAT.md as structs: slot headers, extents, items. No I/O, no cryptography but digests."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator

import msgspec

from tsuwaroku.clock import ClockQuality

VERSION = 1
BLOCK = 4096
SLOT_SIZE = 256 * 1024
SLOTS_PER_FILE = 256
MAX_CHUNK = 64 * 1024
MAX_WRAPS = 16

MAGIC_USED = b"TSUWASLT"
MAGIC_FREE = b"TSUWAFRE"
MAGIC_ERASING = b"TSUWAERA"
MAGIC_EXTENT = b"TXNT"

DOMAIN_SLOT = b"tsuwaroku slot 1\0"
DOMAIN_EXTENT = b"tsuwaroku extent 1\0"

FLAG_KEY_WITHHELD = 1  # slot: mode on_button, the key is not wrapped here
FLAG_LAST = 1  # extent: the call ends here
FLAG_TOLD = 2  # extent: the notice of Article 7 was given or is not due; a recorder that resumes the call needs it

ITEM_CHUNK, ITEM_PUBLIC, ITEM_CARD = 1, 2, 3

HEADER = struct.Struct("<8sHHIQ16s16sQII16sQQ16sBBHI32s16s8s24s48x")
WRAP = struct.Struct("<16s96s")
WRAPS_AT = 256
SLOT_SIGNATURE_AT = 4032
EXTENT = struct.Struct("<4sHBB16sIIQIIQQQI4x32s32s")
EXTENT_SIGNATURE_AT = 144
EXTENT_HEADER = 256
ITEM = struct.Struct("<B3xI")
ERASING = struct.Struct("<8sHHIQ16s")

QUALITIES = (ClockQuality.SYNCHRONISED, ClockQuality.HOLDOVER, ClockQuality.UNSYNCHRONISED)


class FormatError(ValueError):
    """Octets that are not what FORMAT.md says. Internal to the store: readers turn it into a finding."""


class WrappedKey(msgspec.Struct, frozen=True):
    """A call key sealed to one recipient: id (16 octets) and SealedBox (96 octets)."""

    recipient: bytes
    sealed: bytes


class SlotHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Block 0 of a slot in use; see FORMAT.md for each field."""

    flags: int
    slot: int
    generation: int
    store_id: bytes
    call_id: bytes
    sequence: int
    part: int
    first_extent: int
    line: str
    wall_ns: int
    mono_ns: int
    boot_id: bytes
    quality: ClockQuality
    retention_days: int
    epoch: int
    digest_before: bytes
    continues: bytes
    instance: bytes
    stream_header: bytes
    wraps: tuple[WrappedKey, ...]
    signature: bytes = b""

    def signed_octets(self) -> bytes:
        """Octets 0…4031, what the device signs (with DOMAIN_SLOT before them)."""
        fixed = HEADER.pack(
            MAGIC_USED,
            VERSION,
            self.flags,
            self.slot,
            self.generation,
            self.store_id,
            self.call_id,
            self.sequence,
            self.part,
            self.first_extent,
            self.line.encode(),
            self.wall_ns,
            self.mono_ns,
            self.boot_id,
            QUALITIES.index(self.quality),
            len(self.wraps),
            self.retention_days,
            self.epoch,
            self.digest_before,
            self.continues,
            self.instance,
            self.stream_header,
        )
        wraps = b"".join(WRAP.pack(w.recipient, w.sealed) for w in self.wraps)
        return (fixed + wraps).ljust(SLOT_SIGNATURE_AT, b"\0")

    def pack(self, signature: bytes) -> bytes:
        """The whole 4096-octet block."""
        return self.signed_octets() + signature


def unpack_slot(block: bytes) -> SlotHeader | None:
    """The header in a 4096-octet block; None for a free slot. Raises FormatError. The signature is not checked here."""
    if len(block) < BLOCK:
        raise FormatError("slot header is cut short")
    magic = block[:8]
    if magic == MAGIC_FREE:
        return None
    if magic == MAGIC_ERASING:
        raise FormatError("is being erased")
    if magic != MAGIC_USED:
        raise FormatError("not a slot header")
    fields = HEADER.unpack_from(block)
    if fields[1] != VERSION:
        raise FormatError(f"slot of version {fields[1]}")
    quality, wraps = fields[14], fields[15]
    if quality >= len(QUALITIES) or wraps > MAX_WRAPS:
        raise FormatError("slot header out of range")
    try:
        line = fields[10].rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise FormatError("line id is not UTF-8") from error
    return SlotHeader(
        flags=fields[2],
        slot=fields[3],
        generation=fields[4],
        store_id=fields[5],
        call_id=fields[6],
        sequence=fields[7],
        part=fields[8],
        first_extent=fields[9],
        line=line,
        wall_ns=fields[11],
        mono_ns=fields[12],
        boot_id=fields[13],
        quality=QUALITIES[quality],
        retention_days=fields[16],
        epoch=fields[17],
        digest_before=fields[18],
        continues=fields[19],
        instance=fields[20],
        stream_header=fields[21],
        wraps=tuple(WrappedKey(*WRAP.unpack_from(block, WRAPS_AT + i * WRAP.size)) for i in range(wraps)),
        signature=bytes(block[SLOT_SIGNATURE_AT : SLOT_SIGNATURE_AT + 64]),
    )


def free_block(slot: int, generation: int) -> bytes:
    """Block 0 of a free slot."""
    head = struct.pack("<8sHHIQ", MAGIC_FREE, VERSION, 0, slot, generation)
    return head.ljust(BLOCK, b"\0")


def erasing_block(slot: int, generation: int, name: bytes) -> bytes:
    """Block 0 of a slot whose data is about to be overwritten. `name`: its call's (tombstone.py), 16 octets."""
    return ERASING.pack(MAGIC_ERASING, VERSION, 0, slot, generation, name).ljust(BLOCK, b"\0")


def erasing_name(block: bytes) -> bytes | None:
    """Whose slot is being erased; None for every other block 0."""
    return bytes(block[24:40]) if block[:8] == MAGIC_ERASING else None


def generation_of(block: bytes) -> int:
    """The generation in a slot's block 0, in use, free or being erased; 0 where it is none of these."""
    if block[:8] not in (MAGIC_USED, MAGIC_FREE, MAGIC_ERASING):
        return 0
    return int.from_bytes(block[16:24], "little")


class ExtentHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The head of an extent; see FORMAT.md."""

    flags: int
    quality: ClockQuality
    call_id: bytes
    part: int
    index: int
    generation: int
    payload_length: int
    items: int
    next_sequence: int
    wall_ns: int
    mono_ns: int
    epoch: int
    digest: bytes
    audit_head: bytes
    signature: bytes = b""

    @property
    def last(self) -> bool:
        return bool(self.flags & FLAG_LAST)

    @property
    def told(self) -> bool:
        return bool(self.flags & FLAG_TOLD)

    @property
    def disk_size(self) -> int:
        """Octets on disk, padding included."""
        return padded(EXTENT_HEADER + self.payload_length)

    def signed_octets(self) -> bytes:
        """Octets 0…143, what the device signs (with DOMAIN_EXTENT before them)."""
        return EXTENT.pack(
            MAGIC_EXTENT,
            VERSION,
            self.flags,
            QUALITIES.index(self.quality),
            self.call_id,
            self.part,
            self.index,
            self.generation,
            self.payload_length,
            self.items,
            self.next_sequence,
            self.wall_ns,
            self.mono_ns,
            self.epoch,
            self.digest,
            self.audit_head,
        )

    def pack(self, signature: bytes, payload: bytes) -> bytes:
        """The whole extent, padded to a block."""
        head = (self.signed_octets() + signature).ljust(EXTENT_HEADER, b"\0")
        return (head + payload).ljust(self.disk_size, b"\0")


def unpack_extent(data: bytes | memoryview, at: int = 0) -> ExtentHeader | None:
    """The extent header at `at`; None where there is none. Raises FormatError. Digest and signature are not checked."""
    if len(data) - at < EXTENT_HEADER or bytes(data[at : at + 4]) != MAGIC_EXTENT:
        return None
    fields = EXTENT.unpack_from(data, at)
    if fields[1] != VERSION:
        raise FormatError(f"extent of version {fields[1]}")
    if fields[3] >= len(QUALITIES) or padded(EXTENT_HEADER + fields[8]) > len(data) - at:
        raise FormatError("extent header out of range")
    return ExtentHeader(
        flags=fields[2],
        quality=QUALITIES[fields[3]],
        call_id=fields[4],
        part=fields[5],
        index=fields[6],
        generation=fields[7],
        payload_length=fields[8],
        items=fields[9],
        next_sequence=fields[10],
        wall_ns=fields[11],
        mono_ns=fields[12],
        epoch=fields[13],
        digest=fields[14],
        audit_head=fields[15],
        signature=bytes(data[at + EXTENT_SIGNATURE_AT : at + EXTENT_SIGNATURE_AT + 64]),
    )


def padded(length: int) -> int:
    """Up to the next block boundary."""
    return -(-length // BLOCK) * BLOCK


def pack_items(items: Iterable[tuple[int, bytes]]) -> bytes:
    """A payload from (kind, octets) pairs."""
    return b"".join(ITEM.pack(kind, len(body)) + body for kind, body in items)


def unpack_items(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """The (kind, octets) pairs of a payload. Raises FormatError."""
    at = 0
    while at < len(payload):
        if len(payload) - at < ITEM.size:
            raise FormatError("item header is cut short")
        kind, length = ITEM.unpack_from(payload, at)
        at += ITEM.size
        if length > len(payload) - at:
            raise FormatError("item is cut short")
        yield kind, payload[at : at + length]
        at += length


def first_digest(store_id: bytes, call_id: bytes, sequence: int) -> bytes:
    """The chain digest of a call before its first extent."""
    return hashlib.sha256(b"tsuwaroku call 1\0" + store_id + call_id + struct.pack("<Q", sequence)).digest()


def next_digest(before: bytes, call_id: bytes, index: int, payload: bytes) -> bytes:
    """The chain digest after an extent."""
    link = hashlib.sha256(b"tsuwaroku link 1\0" + before + call_id + struct.pack("<I", index))
    link.update(payload)
    return link.digest()
