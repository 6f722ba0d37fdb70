"""A record of the journal as octets. Format: FORMAT.md, "Journal". No I/O.

What is sealed stands after what the signature covers, which has its SHA-256 only: so the sealed part can be
overwritten when its call is erased, and the chain still holds.
"""

from __future__ import annotations

import enum
import hashlib
import struct
from typing import Any

import msgspec

from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.slot import QUALITIES, FormatError, WrappedKey, padded

VERSION = 1
MAGIC = b"TJNL"
DOMAIN_JOURNAL = b"tsuwaroku journal 1\0"
NO_CALL = bytes(16)

HEAD = struct.Struct("<4sHHQ16s16sQQ16sB3xIII32s")
CALL_ID_AT = 32
SIGNATURE_AT = 128
BODY_AT = 192


class JournalType(enum.IntEnum):
    """What a record says; the numbers are FORMAT.md's."""

    MARK = 1
    MARK_WITHDRAWN = 2
    WRAP = 3
    DISCARDED = 4
    NOT_RECORDED = 5
    RECOVERED = 6
    RECORDER_STARTED = 7
    RECORDER_STOPPED = 8
    CHECKPOINT = 9
    HOLD = 10
    HOLD_RELEASED = 11
    TOMBSTONE = 12
    ALIVE = 13
    ERASED = 14
    SET_ASIDE = 15
    CLOCK_PROPOSED = 16
    CLOCK_CONFIRMED = 17


class Sealed(enum.Enum):
    """The state of a record's sealed part. ERASED: nothing but zeros; whether that is right, a tombstone tells."""

    NONE = "none"
    WHOLE = "whole"
    ERASED = "erased"
    DAMAGED = "damaged"


class JournalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `sealed` pairs a recipient id (16 octets) with a SealedBox: JSON, in a `wrap` the call key; it is
    empty unless `state` is WHOLE.

    `digest` is what the next record names as the one before it.
    """

    owner: str
    number: int
    type: JournalType
    call_id: bytes
    wall_ns: int
    mono_ns: int
    boot_id: bytes
    quality: ClockQuality
    epoch: int
    public: dict[str, Any]
    sealed: list[tuple[bytes, bytes]]
    before: bytes
    digest: bytes
    state: Sealed = Sealed.NONE

    @property
    def wraps(self) -> tuple[WrappedKey, ...]:
        """The wrapped keys of a `wrap` record; none in any other."""
        if self.type is not JournalType.WRAP:
            return ()
        return tuple(WrappedKey(recipient, box) for recipient, box in self.sealed)

    def secret(self, private: PrivateKey | None) -> dict[str, Any] | None:
        """What was sealed to this key's owner, or None. Raises SecretError where the box does not open."""
        for recipient, box in self.sealed:
            if private is not None and recipient == private.id and self.type is not JournalType.WRAP:
                return msgspec.json.decode(private.open_sealed(box), type=dict[str, Any])
        return None


class Extent(msgspec.Struct, frozen=True):
    """Where the parts of a record lie in its segment. `sealed_at` to `sealed_end`: what an erasure may zero."""

    at: int
    sealed_at: int
    sealed_end: int

    @property
    def end(self) -> int:
        """The next block after it."""
        return padded(self.sealed_end)

    def moved(self, by: int) -> Extent:
        """The same, `by` octets on."""
        return Extent(self.at + by, self.sealed_at + by, self.sealed_end + by)

    @property
    def signed_end(self) -> int:
        """The next block after what the signature covers."""
        return padded(self.sealed_at)


class _Body(msgspec.Struct):
    public: dict[str, Any]
    sealed_sha256: bytes


def pack_body(public: dict[str, Any], sealed: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """Body and sealed part."""
    blob = msgspec.msgpack.encode(sealed) if sealed else b""
    return msgspec.msgpack.encode(_Body(public, hashlib.sha256(blob).digest() if blob else b"")), blob


def pack_head(
    kind: JournalType,
    number: int,
    store_id: bytes,
    call_id: bytes,
    now: Instant,
    lengths: tuple[int, int],
    epoch: int,
    before: bytes,
) -> bytes:
    """Octets 0…127. `lengths`: of the body and of the sealed part."""
    return HEAD.pack(
        MAGIC,
        VERSION,
        kind,
        number,
        store_id,
        call_id,
        now.wall_ns,
        now.mono_ns,
        now.boot_id,
        QUALITIES.index(now.quality),
        lengths[0],
        epoch,
        lengths[1],
        before,
    )


def unpack_record(owner: str, data: bytes, at: int, store_id: bytes) -> tuple[JournalRecord, Extent]:
    """The record at `at`. Raises FormatError. The signature is not checked."""
    if data[at : at + 4] != MAGIC:
        raise FormatError("not a journal record")
    fields = HEAD.unpack_from(data, at)
    body_end = at + BODY_AT + fields[10]
    place = Extent(at, body_end, body_end + fields[12])
    if fields[1] != VERSION or fields[4] != store_id or fields[9] >= len(QUALITIES) or place.end > len(data):
        raise FormatError("journal record out of range")
    octets = data[at + BODY_AT : body_end]
    if any(data[place.sealed_end : place.end]):
        raise FormatError("padding of a journal record is not zero")
    try:
        body = msgspec.msgpack.decode(octets, type=_Body)
        kind = JournalType(fields[2])
        state, sealed = _sealed(data[place.sealed_at : place.sealed_end], body.sealed_sha256)
    except (msgspec.DecodeError, ValueError) as error:
        raise FormatError(f"journal record is not readable: {error}") from error
    record = JournalRecord(
        owner=owner,
        number=fields[3],
        type=kind,
        call_id=fields[5],
        wall_ns=fields[6],
        mono_ns=fields[7],
        boot_id=fields[8],
        quality=QUALITIES[fields[9]],
        epoch=fields[11],
        public=body.public,
        sealed=sealed,
        before=fields[13],
        digest=hashlib.sha256(data[at : at + SIGNATURE_AT] + octets).digest(),
        state=state,
    )
    return record, place


def signed_part(data: bytes, place: Extent) -> tuple[bytes, bytes]:
    """What the device signed, and its signature."""
    octets = data[place.at : place.at + SIGNATURE_AT] + data[place.at + BODY_AT : place.sealed_at]
    return octets, data[place.at + SIGNATURE_AT : place.at + BODY_AT]


def _sealed(blob: bytes, digest: bytes) -> tuple[Sealed, list[tuple[bytes, bytes]]]:
    if not blob and not digest:
        return Sealed.NONE, []
    if hashlib.sha256(blob).digest() == digest:
        return Sealed.WHOLE, msgspec.msgpack.decode(blob, type=list[tuple[bytes, bytes]])
    return (Sealed.DAMAGED if any(blob) else Sealed.ERASED), []
