"""A ring of full size without its sound: every header is there and signed, what lies behind it is sparse."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from tsuwaroku.clock import ClockQuality
from tsuwaroku.store.durable import create_filled, replace_file
from tsuwaroku.store.keys import DeviceKey, Recipients, make_demo_key
from tsuwaroku.store.layout import DEMO_KEY, Store, StoreInfo
from tsuwaroku.store.ring import file_sizes, ring_name
from tsuwaroku.store.slot import (
    BLOCK,
    DOMAIN_SLOT,
    SLOT_SIZE,
    SLOTS_PER_FILE,
    VERSION,
    SlotHeader,
    WrappedKey,
    free_block,
)

START_NS = 1_790_000_000 * 10**9


def call_id(number: int) -> bytes:
    """A ULID of its own for each call, in order of time."""
    return (START_NS // 10**6 + number * 70_000).to_bytes(6, "big") + hashlib.sha256(b"%d" % number).digest()[:10]


def header(store_id: bytes, slot: int, generation: int, number: int, part: int) -> SlotHeader:
    """The header of one part of call `number`."""
    return SlotHeader(
        flags=0,
        slot=slot,
        generation=generation,
        store_id=store_id,
        call_id=call_id(number),
        sequence=number,
        part=part,
        first_extent=part * 20,
        line=str(number % 8 + 1),
        wall_ns=START_NS + number * 70_000_000_000 + part,
        mono_ns=number * 70_000_000_000 + part,
        boot_id=b"b" * 16,
        quality=ClockQuality.SYNCHRONISED,
        retention_days=30,
        epoch=0,
        digest_before=bytes(32),
        continues=bytes(16),
        instance=b"i" * 8,
        stream_header=bytes(24),
        wraps=tuple(WrappedKey(bytes([one]) * 16, bytes(96)) for one in range(3)),
    )


def owners(slots: int, calls: int) -> Iterator[tuple[int, int]]:
    """(call number from 1, part) of each slot in circular order: calls of uneven lengths that fill the ring."""
    slot = 0
    for number in range(1, calls + 1):
        end = slots * number // calls if number % 7 else min(slots, slots * number // calls + slots // calls // 2)
        for part in range(max(end - slot, 1)):
            if slot < slots:
                yield number, part
                slot += 1


def _write(path: Path, size: int, blocks: list[tuple[int, int, int]], store_id: bytes, key: Path) -> None:
    device = DeviceKey.load(key)
    with path.open("wb") as file:
        os.ftruncate(file.fileno(), size)
        for index, (slot, number, part) in enumerate(blocks):
            if number:
                head = header(store_id, slot, 1, number, part)
                block = head.pack(device.sign(DOMAIN_SLOT, head.signed_octets()))
            else:
                block = free_block(slot, 0)
            assert len(block) == BLOCK
            os.pwrite(file.fileno(), block, index * SLOT_SIZE)


def make(path: Path, slots: int, calls: int, free: int = 0) -> None:
    """A demonstration store with `calls` calls in all slots but the last `free` ones."""
    for name in ("keys", "ring", "journal", "catalogue", "audit", "run"):
        (path / name).mkdir(parents=True, exist_ok=True)
    device = DeviceKey.create(path / "keys" / "device.key")
    store_id = hashlib.sha256(str(path).encode()).digest()[:16]
    whose = [*owners(slots - free, calls)] + [(0, 0)] * free
    with ProcessPoolExecutor() as pool:
        jobs = []
        for index, size in enumerate(file_sizes(slots)):
            first = index * SLOTS_PER_FILE
            blocks = [(first + n, *one) for n, one in enumerate(whose[first : first + SLOTS_PER_FILE])]
            file = path / "ring" / ring_name(index)
            jobs.append(pool.submit(_write, file, size, blocks, store_id, path / "keys" / "device.key"))
        for job in jobs:
            job.result()
    for owner in ("recorder", "keeper"):
        create_filled(path / "journal" / f"{owner}-00000.dat", 1 << 20)
    Recipients([make_demo_key(path / DEMO_KEY)]).save(path / "keys" / "recipients.json", store_id.hex(), device)
    info = StoreInfo(
        version=VERSION,
        store_id=store_id.hex(),
        created="",
        slots=slots,
        slot_size=SLOT_SIZE,
        device_keys=[device.public.hex()],
        demonstration=True,
        retention_days=30,
    ).signed(device)
    replace_file(path / "store.json", msgspec.json.encode(info), 0o640)
    Store.open(path).close()
