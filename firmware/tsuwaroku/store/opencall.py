"""A call that is being written: what of it waits, the slot it goes into, and what its last extent must hold."""

from __future__ import annotations

import msgspec

from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.records.call import CallRecord, PublicRecord, Retention
from tsuwaroku.records.retention import day_of
from tsuwaroku.store.callstream import CHUNK_COST, CallStream
from tsuwaroku.store.chunks import MANIFEST, MANIFEST_PART, CallOpening
from tsuwaroku.store.keys import DeviceKey
from tsuwaroku.store.seal import CallKey, PartSealer, seal_card
from tsuwaroku.store.slot import (
    BLOCK,
    DOMAIN_EXTENT,
    DOMAIN_SLOT,
    EXTENT_HEADER,
    ITEM,
    MAX_CHUNK,
    SLOT_SIZE,
    ExtentHeader,
    SlotHeader,
    WrappedKey,
)

_CARD_LISTS = 256  # of a record too long for a card, marks and flashes are cut to so many there


class OpenExtent(msgspec.Struct, frozen=True):
    """An extent of an open slot. `position`: the stream position it reaches; `public`: of a last extent."""

    offset: int
    header: ExtentHeader
    payload: bytes
    position: int
    public: PublicRecord | None


class OpenSlot(msgspec.Struct):
    """The slot a call is being written to, with all that goes into it: should it fail, another takes that over.

    256 KiB a call at most, and those of a slot that is full only until its last extent is safe.
    """

    header: SlotHeader
    sealer: PartSealer
    offset: int = BLOCK
    extents: list[OpenExtent] = msgspec.field(default_factory=list)

    @property
    def number(self) -> int:
        return self.header.slot

    @property
    def room(self) -> int:
        return SLOT_SIZE - self.offset - EXTENT_HEADER

    def first_block(self, device: DeviceKey) -> bytes:
        """Block 0, signed."""
        return self.header.pack(device.sign(DOMAIN_SLOT, self.header.signed_octets()))

    def octets(self, extent: OpenExtent, device: DeviceKey) -> bytes:
        """An extent of it, signed."""
        signature = device.sign(DOMAIN_EXTENT, extent.header.signed_octets())
        return extent.header.pack(signature, extent.payload)

    def move(self, slot: int, generation: int, now: Instant) -> None:
        """From now on it is another slot: the same part with the same payloads, taken now."""
        self.header = msgspec.structs.replace(
            self.header,
            slot=slot,
            generation=generation,
            wall_ns=now.wall_ns,
            mono_ns=now.mono_ns,
            quality=now.quality,
        )
        self.extents = [
            msgspec.structs.replace(extent, header=msgspec.structs.replace(extent.header, generation=generation))
            for extent in self.extents
        ]


class Tail(msgspec.Struct):
    """What the last extent must hold: the end of the manifest, the public record, the card."""

    manifest: bytes
    public: PublicRecord
    public_json: bytes
    card: bytes

    @property
    def size(self) -> int:
        return CHUNK_COST + len(self.manifest) + 2 * ITEM.size + len(self.public_json) + len(self.card)


class OpenCall:
    """A call from its opening until its last extent is safe."""

    def __init__(self, opening: CallOpening, sequence: int, digest: bytes, wraps: tuple[WrappedKey, ...]) -> None:
        self.id = opening.id
        self.stream = CallStream(opening)
        self.sequence = sequence
        self.key = CallKey.random()
        self.wraps = wraps
        self.withheld = opening.key_withheld
        self.digest = digest
        self.index = 0
        self.parts = 0
        self.slot: OpenSlot | None = None
        self.tail: Tail | None = None
        self.closing = False
        self.told = False
        self.broken = ""  # why nothing more of it can be sealed
        self.committed: int | None = None  # None: nothing of it is on disk

    def end(self, record: CallRecord) -> None:
        """The call is over: its manifest, public record and card. Fills `record.audio` and `record.sequence`."""
        self.closing = True
        record.sequence = self.sequence
        self.stream.finish(record)
        octets = msgspec.json.encode(record)
        size = MAX_CHUNK - 1
        pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
        for piece in pieces[:-1]:
            self.stream.control(MANIFEST_PART + piece)
        public = _public(record, self.stream.opening)
        card = seal_card(self.key, self.id, _card(record, octets))
        self.tail = Tail(MANIFEST + pieces[-1], public, msgspec.json.encode(public), card)


def _public(record: CallRecord, opening: CallOpening) -> PublicRecord:
    return PublicRecord(
        id=record.id,
        sequence=record.sequence,
        line=record.line,
        date=day_of(opening.seized.wall_ns).isoformat(),
        outcome=record.outcome,
        integrity=record.integrity,
        marks=len(record.marks),
        retention=Retention(expires_on=record.retention.expires_on),
        continues=record.continues,
        clock=None if record.clock.quality == ClockQuality.SYNCHRONISED else record.clock,
    )


def _card(record: CallRecord, octets: bytes) -> bytes:
    """The record, without its long lists where it would not fit into a chunk: the manifest has them."""
    if len(octets) <= MAX_CHUNK:
        return octets
    short: CallRecord = msgspec.json.decode(octets, type=CallRecord)
    short.audio.runs, short.audio.gaps = [], []
    short.marks, short.flashes = short.marks[:_CARD_LISTS], short.flashes[:_CARD_LISTS]
    return msgspec.json.encode(short)
