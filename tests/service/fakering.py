"""A ring of header blocks in memory, for tests of the slot table: no data, no files but lease and snapshot."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from tsuwaroku.clock import ClockQuality
from tsuwaroku.errors import StoreError
from tsuwaroku.store.keys import DeviceKey, verify_signature
from tsuwaroku.store.layout import Store, StoreInfo
from tsuwaroku.store.slot import BLOCK, DOMAIN_SLOT, SLOT_SIZE, VERSION, SlotHeader, free_block

DEVICE = DeviceKey(b"d" * 32)
STORE_ID = b"s" * 16


def ident(number: int) -> bytes:
    """The id of call `number`."""
    return hashlib.sha256(b"%d" % number).digest()[:16]


def used_block(slot: int, generation: int, number: int, part: int = 0, device: DeviceKey = DEVICE) -> bytes:
    """The signed header of a part of call `number`, whose opening sequence number that is."""
    head = SlotHeader(
        flags=0,
        slot=slot,
        generation=generation,
        store_id=STORE_ID,
        call_id=ident(number),
        sequence=number,
        part=part,
        first_extent=0,
        line="1",
        wall_ns=0,
        mono_ns=0,
        boot_id=bytes(16),
        quality=ClockQuality.HOLDOVER,
        retention_days=30,
        epoch=0,
        digest_before=bytes(32),
        continues=bytes(16),
        instance=bytes(8),
        stream_header=bytes(24),
        wraps=(),
    )
    return head.pack(device.sign(DOMAIN_SLOT, head.signed_octets()))


class FakeRing:
    """Block 0 of each slot; those in `bad` cannot be read. `reads`: how many blocks were."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.blocks: dict[int, bytes] = {}
        self.bad: set[int] = set()
        self.reads = 0

    def read_block0(self, slot: int) -> bytes:
        return self.read(slot, 0, BLOCK)

    def read(self, slot: int, offset: int, size: int) -> bytes:
        assert offset == 0
        self.reads += 1
        if slot in self.bad:
            raise StoreError("cannot be read", where=str(slot), remedy="") from OSError(errno.EIO, "")
        return self.blocks.get(slot, free_block(slot, 0))[:size]

    def heads(self, first: int, count: int, size: int) -> bytes:
        return b"".join(self.read(slot, 0, size) for slot in range(first, first + count))

    def expect(self, slots: Iterable[int]) -> None:
        assert all(0 <= slot < self.slots for slot in slots)


class FakeStore:
    """As much of a store as the slot table and the lease need."""

    def __init__(self, directory: Path, slots: int, store_id: bytes = STORE_ID, device: DeviceKey = DEVICE) -> None:
        self.path = directory
        self.ring = FakeRing(slots)
        self.device = device
        self.store_id = store_id
        self.lease_path, self.table_path = directory / "lease.json", directory / "slots.table"
        self.info = StoreInfo(
            version=VERSION,
            store_id=store_id.hex(),
            created="",
            slots=slots,
            slot_size=SLOT_SIZE,
            device_keys=[device.public.hex()],
            demonstration=True,
            retention_days=30,
        ).signed(device)

    def vouches(self, epoch: int, domain: bytes, octets: bytes, signature: bytes) -> bool:
        return epoch == 0 and verify_signature(self.device.public, domain, octets, signature)

    @property
    def it(self) -> Store:
        """What the code under test takes it for."""
        return cast(Store, self)
