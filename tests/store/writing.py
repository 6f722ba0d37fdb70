"""What the writer's tests share: a small store, instants, records, and a second reader written from FORMAT.md alone."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from tsuwaroku.clock import NS, ClockQuality, Instant
from tsuwaroku.records.call import (
    Audio,
    CallRecord,
    ClockRecord,
    Direction,
    Mark,
    Outcome,
    PublicRecord,
    Retention,
)
from tsuwaroku.store.chunks import CallOpening, unpack_opening, unpack_run, unpack_span
from tsuwaroku.store.flac import decode
from tsuwaroku.store.keys import PrivateKey, verify_signature
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.ring import RingFiles
from tsuwaroku.store.seal import PartOpener, open_card, open_wrapped
from tsuwaroku.store.slot import (
    BLOCK,
    DOMAIN_EXTENT,
    DOMAIN_SLOT,
    EXTENT_HEADER,
    ITEM_CARD,
    ITEM_CHUNK,
    ITEM_PUBLIC,
    FormatError,
    SlotHeader,
    WrappedKey,
    first_digest,
    next_digest,
    unpack_extent,
    unpack_items,
    unpack_slot,
)

RATE = 8000
START_S = 1_795_000_000
AUDIT_HEAD = hashlib.sha256(b"audit").digest()
NUMBER = "0312345678"


def make_store(path: Path, slots: int = 8, leased: int | None = None) -> Store:
    store = Store.create(path, slots=slots, retention_days=30, demonstration=True)
    lend(store, slots if leased is None else leased)
    return store


def lend(store: Store, slots: int, floor: int = 1) -> None:
    Lease(slots=[(slot, 1) for slot in range(slots)], sequence_floor=floor).save(store.lease_path, store.store_id)


def at(seconds: float) -> Instant:
    ns = round(seconds * NS)
    return Instant(START_S * NS + ns, ns, b"boot" * 4, ClockQuality.HOLDOVER)


def call_id(number: int) -> bytes:
    return hashlib.sha256(b"call %d" % number).digest()[:16]


def opening(number: int, *, withheld: bool = False, continues: bytes | None = None) -> CallOpening:
    return CallOpening(
        id=call_id(number),
        line=f"L{number}",
        extension="2101",
        direction="inbound",
        seized=at(0),
        rate=RATE,
        continues=continues,
        key_withheld=withheld,
        details={"number": NUMBER},
    )


def record(number: int, marks: int = 0) -> CallRecord:
    result = CallRecord(
        id=f"CALL{number}",
        sequence=0,
        line=f"L{number}",
        extension="2101",
        direction=Direction.INBOUND,
        seized_at=at(0).isoformat(),
        outcome=Outcome.ANSWERED,
        marks=[Mark(at_s=float(i)) for i in range(marks)],
        audio=Audio(rate=RATE, speech_ratio=0.5),
        clock=ClockRecord(quality="holdover", mono_ns=0, boot_id="00"),
        retention=Retention(expires_on="2026-12-23"),
    )
    result.caller.number = NUMBER
    return result


def sound(seconds: float, seed: int = 1, level: float = 60.0) -> bytes:
    """Line noise, S16LE."""
    samples = np.random.default_rng(seed).normal(0, level, round(seconds * RATE))
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


@dataclass
class Flac:
    """A run as it is read."""

    first: int
    header: bytes
    frames: list[bytes] = field(default_factory=list)
    samples: int = 0


@dataclass
class ReadCall:
    """A call as the second reader finds it on the disk."""

    headers: list[SlotHeader] = field(default_factory=list)
    opening: CallOpening | None = None
    order: str = ""  # the chunks' types
    runs: list[tuple[int, bytes]] = field(default_factory=list)
    gaps: list[tuple[int, int, str]] = field(default_factory=list)
    events: list[tuple[str, int, object]] = field(default_factory=list)
    extents: int = 0
    next_sequences: list[int] = field(default_factory=list)
    last: bool = False
    final: bool = False
    manifest: CallRecord | None = None
    public: PublicRecord | None = None
    card: CallRecord | None = None

    @property
    def pcm(self) -> bytes:
        return b"".join(pcm for _, pcm in self.runs)


def read_store(
    store: Store,
    private: PrivateKey,
    wraps: dict[bytes, tuple[WrappedKey, ...]] | None = None,
    *,
    torn: bool = False,
) -> dict[bytes, ReadCall]:
    """Every call on the disk with wrapped keys (in the slots, or `wraps`), up to where it stops being sound.
    Asserts all signatures and the shape of everything else; `torn`: of what a power cut left whole."""
    ring = RingFiles(store.path / "ring", store.info.slots)
    device = bytes.fromhex(store.info.device_keys[0])
    slots: dict[bytes, list[tuple[SlotHeader, bytes]]] = defaultdict(list)
    for slot in range(store.info.slots):
        try:
            header = unpack_slot(ring.read_block0(slot))
        except FormatError:
            continue
        if header is not None:
            assert (header.slot, header.store_id) == (slot, store.store_id)
            if not verify_signature(device, DOMAIN_SLOT, header.signed_octets(), header.signature):
                assert torn
                continue
            slots[header.call_id].append((header, ring.read_slot(slot)))
    ring.close()
    calls = {}
    for ident, parts in slots.items():
        parts.sort(key=lambda p: p[0].part)
        late = (wraps or {}).get(ident, ())
        if not (late or parts[0][0].wraps) or (torn and parts[0][0].part):
            continue
        call = _read_call(store, private, ident, parts, late, torn)
        if call.extents:
            calls[ident] = call
    return calls


def _read_call(
    store: Store,
    private: PrivateKey,
    ident: bytes,
    parts: list[tuple[SlotHeader, bytes]],
    wraps: tuple[WrappedKey, ...],
    torn: bool,
) -> ReadCall:
    device = bytes.fromhex(store.info.device_keys[0])
    call = ReadCall(headers=[header for header, _ in parts])
    assert torn or [h.part for h in call.headers] == list(range(len(parts)))
    key = open_wrapped(wraps or parts[0][0].wraps, private, ident)
    digest, manifest = first_digest(store.store_id, ident, parts[0][0].sequence), b""
    flac: list[Flac] = []
    for header, data in parts:
        if (header.digest_before, header.first_extent) != (digest, call.extents):
            assert torn
            break
        opener, offset = PartOpener(key, header.part, header.stream_header), BLOCK
        while offset < len(data) and (extent := unpack_extent(data, offset)):
            payload = data[offset + EXTENT_HEADER : offset + EXTENT_HEADER + extent.payload_length]
            digest_after = next_digest(digest, ident, call.extents, payload)
            if (extent.call_id, extent.index, extent.digest) != (ident, call.extents, digest_after):
                break
            assert (extent.part, extent.generation, extent.audit_head) == (header.part, header.generation, AUDIT_HEAD)
            assert verify_signature(device, DOMAIN_EXTENT, extent.signed_octets(), extent.signature)
            assert not call.last
            digest, offset, call.extents = digest_after, offset + extent.disk_size, call.extents + 1
            call.last = extent.last
            call.next_sequences.append(extent.next_sequence)
            items = list(unpack_items(payload))
            assert len(items) == extent.items
            for kind, body in items:
                if kind == ITEM_CHUNK:
                    assert not call.final
                    chunk, call.final = opener.pull(body)
                    assert len(chunk) <= 65536
                    manifest += _take(call, flac, chunk)
                elif kind == ITEM_PUBLIC:
                    call.public = msgspec.json.decode(body, type=PublicRecord)
                elif kind == ITEM_CARD:
                    call.card = msgspec.json.decode(open_card(key, ident, body), type=CallRecord)
    call.runs = [(run.first, decode(run.header, b"".join(run.frames))) for run in flac]
    if call.final:
        call.manifest = msgspec.json.decode(manifest, type=CallRecord)
    return call


def _take(call: ReadCall, flac: list[Flac], chunk: bytes) -> bytes:
    """File one chunk; returns what it adds to the manifest."""
    kind, body = chunk[:1].decode(), chunk[1:]
    call.order += kind
    if kind == "o":
        call.opening = unpack_opening(body)
    elif kind == "r":
        first, head = unpack_run(body)
        flac.append(Flac(first, head))
    elif kind == "a":
        first, samples, frames = unpack_span(body)
        assert samples <= RATE
        run = flac[-1]
        assert len(decode(run.header, frames)) == 2 * samples
        assert first == run.first + run.samples
        run.frames.append(frames)
        run.samples += samples
    elif kind == "g":
        first, samples, reason = unpack_span(body)
        call.gaps.append((first, samples, reason.decode()))
    elif kind == "e":
        event = msgspec.msgpack.decode(body)
        call.events.append((event["kind"], event["mono_ns"], event["data"]))
    else:
        assert kind in "mM"
        return body
    return b""
