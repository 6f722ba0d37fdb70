"""FORMAT.md and slot.py say the same: the document's tables are compared with the structs, octet for octet."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

import tsuwaroku.store.slot as slot
from tsuwaroku.clock import ClockQuality
from tsuwaroku.store.slot import ExtentHeader, FormatError, SlotHeader, WrappedKey, unpack_extent, unpack_slot

FORMAT = (Path(slot.__file__).parent / "FORMAT.md").read_text()


def table(heading: str) -> list[tuple[int, int, str]]:
    """(offset, size, field) of the table below a heading; a row without a plain size ends it."""
    section = FORMAT.split(heading, 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (.*) \|$", section, re.M)
    return [(int(offset), int(size), what) for offset, size, what in rows]


def fields(layout: struct.Struct) -> list[tuple[int, int]]:
    """(offset, size) of each field of a struct, padding left out."""
    found, offset = [], 0
    for count, kind in re.findall(r"(\d*)([a-zA-Z])", layout.format):
        times = 1 if kind in "sx" or not count else int(count)
        size = struct.calcsize("<" + (count if kind in "sx" else "") + kind)
        for _ in range(times):
            if kind != "x":
                found.append((offset, size))
            offset += size
    assert offset == layout.size
    return found


def test_slot_header_is_the_documents() -> None:
    rows = table("### Slot header")
    fixed = [(offset, size) for offset, size, what in rows if what != "zero" and offset < slot.WRAPS_AT]
    assert fields(slot.HEADER) == fixed
    assert slot.HEADER.size == slot.WRAPS_AT
    assert (slot.SLOT_SIGNATURE_AT, 64) in [(offset, size) for offset, size, what in rows if "signature" in what]
    assert f"| {slot.WRAPS_AT} | n × {slot.WRAP.size} |" in FORMAT
    assert slot.WRAPS_AT + slot.MAX_WRAPS * slot.WRAP.size == 2048


def test_extent_header_is_the_documents() -> None:
    rows = table("### Extent")
    signature = slot.EXTENT_SIGNATURE_AT
    fixed = [(offset, size) for offset, size, what in rows if what != "zero" and offset < signature]
    assert fields(slot.EXTENT) == fixed
    assert slot.EXTENT.size == signature
    assert (signature, 64) in [(offset, size) for offset, size, _ in rows]
    assert f"| {slot.EXTENT_HEADER} | | payload |" in FORMAT


def test_sizes_magics_and_domains_are_the_documents() -> None:
    assert f"## Slot ({slot.SLOT_SIZE // 1024} KiB)" in FORMAT
    assert f"{slot.SLOTS_PER_FILE} slots each" in FORMAT
    assert f"at most {slot.MAX_WRAPS}" in FORMAT
    for magic in (slot.MAGIC_USED, slot.MAGIC_FREE, slot.MAGIC_ERASING, slot.MAGIC_EXTENT):
        assert f"`{magic.decode()}`" in FORMAT
    for domain in (slot.DOMAIN_SLOT, slot.DOMAIN_EXTENT):
        assert domain.endswith(b"\0")
        assert f"domain `{domain[:-1].decode()}`" in FORMAT
    assert slot.ITEM.size == 8
    assert slot.ITEM.pack(3, 7) == b"\3\0\0\0\7\0\0\0"


def header(**changes: object) -> SlotHeader:
    values: dict[str, object] = {
        "flags": 1,
        "slot": 2,
        "generation": 3,
        "store_id": b"s" * 16,
        "call_id": b"c" * 16,
        "sequence": 4,
        "part": 5,
        "first_extent": 6,
        "line": "市民課",
        "wall_ns": 7,
        "mono_ns": 8,
        "boot_id": b"b" * 16,
        "quality": ClockQuality.UNSYNCHRONISED,
        "retention_days": 30,
        "epoch": 9,
        "digest_before": b"d" * 32,
        "continues": b"k" * 16,
        "instance": b"i" * 8,
        "stream_header": b"h" * 24,
        "wraps": tuple(WrappedKey(bytes([n]) * 16, bytes([n]) * 96) for n in range(16)),
        "signature": b"S" * 64,
    }
    return SlotHeader(**(values | changes))  # type: ignore[arg-type]


def test_slot_header_round_trip() -> None:
    packed = header().pack(b"S" * 64)
    assert len(packed) == slot.BLOCK
    assert unpack_slot(packed) == header()
    assert slot.generation_of(packed) == 3


def test_free_block_keeps_the_generation() -> None:
    block = slot.free_block(9, 77)
    assert (len(block), unpack_slot(block), slot.generation_of(block)) == (4096, None, 77)


@pytest.mark.parametrize(("at", "octet"), [(0, 0x41), (8, 2), (120, 3), (121, 17), (72, 0xFF)])
def test_other_slot_headers_are_refused(at: int, octet: int) -> None:
    block = bytearray(header().pack(b"S" * 64))
    block[at] = octet
    with pytest.raises(FormatError):
        unpack_slot(bytes(block))


def test_extent_round_trip_and_refusals() -> None:
    payload = slot.pack_items([(slot.ITEM_CHUNK, b"x" * 5000), (slot.ITEM_CARD, b"")])
    extent = ExtentHeader(
        flags=slot.FLAG_LAST,
        quality=ClockQuality.HOLDOVER,
        call_id=b"c" * 16,
        part=1,
        index=2,
        generation=3,
        payload_length=len(payload),
        items=2,
        next_sequence=4,
        wall_ns=5,
        mono_ns=6,
        epoch=7,
        digest=b"d" * 32,
        audit_head=b"a" * 32,
        signature=b"S" * 64,
    )
    packed = extent.pack(b"S" * 64, payload)
    assert len(packed) == extent.disk_size == 8192
    assert unpack_extent(packed) == extent
    assert list(slot.unpack_items(packed[256 : 256 + len(payload)])) == [(1, b"x" * 5000), (3, b"")]
    assert unpack_extent(bytes(4096)) is None
    for broken in (packed[:4096], packed[:4] + b"\2" + packed[5:], packed[:7] + b"\3" + packed[8:]):
        with pytest.raises(FormatError):
            unpack_extent(broken)
    for cut in (payload[:-1], payload[:7], payload[:4000]):
        with pytest.raises(FormatError):
            list(slot.unpack_items(cut))
