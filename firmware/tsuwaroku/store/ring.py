"""The preallocated ring files: slots addressed by number, writes counted until synced. No meaning, only octets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from tsuwaroku.errors import StoreError
from tsuwaroku.store.durable import sync_data, write_all
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE, SLOTS_PER_FILE

_MAX_OPEN = 64  # 200 GiB are 3,200 files; a process has 1,024 descriptors
_DISK_REMEDY = "check the SSD (`dmesg`, SMART) and its cable; what waits is kept and tried again"


def ring_name(index: int) -> str:
    """File name of the ring file with that index."""
    return f"ring-{index:05d}.dat"


def file_sizes(slots: int) -> list[int]:
    """Octets of each ring file of a ring with that many slots; the last one may be shorter."""
    full, rest = divmod(slots, SLOTS_PER_FILE)
    return [SLOTS_PER_FILE * SLOT_SIZE] * full + ([rest * SLOT_SIZE] if rest else [])


class RingFiles:
    """Slots of a ring directory. Not for several threads. Every OSError comes out as StoreError.

    A file that failed is opened anew the next time: a disk that was away may have come back under the same name.
    `refuse_other` is asked before; it raises StoreError where it is not the same disk.
    """

    def __init__(
        self, path: Path, slots: int, writable: bool = False, refuse_other: Callable[[], None] | None = None
    ) -> None:
        self.path = path
        self.slots = slots
        self._flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC
        self._fds: dict[int, int] = {}
        self._touched: set[int] = set()
        self._failed = False
        self._refuse_other = refuse_other or (lambda: None)
        self._check_files()

    def read_block0(self, slot: int) -> bytes:
        """The 4096 octets of a slot's header block."""
        return self.read(slot, 0, BLOCK)

    def read_slot(self, slot: int) -> bytes:
        """All 256 KiB of a slot."""
        return self.read(slot, 0, SLOT_SIZE)

    def read(self, slot: int, offset: int, size: int) -> bytes:
        """`size` octets at `offset` in a slot."""
        file, base = self._place(slot, offset, size)
        try:
            data = os.pread(self._fd(file), size, base)
        except OSError as error:
            raise self._failure(file, "cannot be read", error) from error
        if len(data) != size:
            raise StoreError("is cut short", where=str(self.path / ring_name(file)), remedy=_DISK_REMEDY)
        return data

    def salvage(self, slot: int) -> tuple[bytes, set[int]]:
        """All of a slot, block by block where it cannot be read at once: zeros stand for the blocks that cannot, and
        their offsets are told. Raises StoreError where none can: then it may be the disk that is away."""
        with contextlib.suppress(StoreError):
            return self.read_slot(slot), set()
        blocks: dict[int, bytes] = {}
        for at in range(0, SLOT_SIZE, BLOCK):
            with contextlib.suppress(StoreError):
                blocks[at] = self.read(slot, at, BLOCK)
        if not blocks:
            return self.read_slot(slot), set()
        bad = {at for at in range(0, SLOT_SIZE, BLOCK) if at not in blocks}
        return b"".join(blocks.get(at, bytes(BLOCK)) for at in range(0, SLOT_SIZE, BLOCK)), bad

    def expect(self, slots: Iterable[int]) -> None:
        """Have the disk fetch these slots' header blocks, all at once: read one after the other, each waits for it."""
        with contextlib.suppress(OSError):  # whoever reads it is told
            for slot in slots:
                file, base = self._place(slot, 0, BLOCK)
                os.posix_fadvise(self._fd(file), base, BLOCK, os.POSIX_FADV_WILLNEED)

    def heads(self, first: int, count: int, size: int) -> bytes:
        """The first `size` octets of each of `count` slots, one after the other; the disk fetches them all at once."""
        slots = range(first, first + count)
        self.expect(slots)
        return b"".join([self.read(slot, 0, size) for slot in slots])

    def write(self, slot: int, offset: int, data: bytes) -> None:
        """Write at `offset` in a slot; durable after `sync`. The same write again is harmless."""
        file, base = self._place(slot, offset, len(data))
        try:
            self._touched.add(file)
            write_all(self._fd(file), data, base)
        except OSError as error:
            raise self._failure(file, "cannot be written", error) from error

    def sync(self) -> None:
        """One fdatasync per file touched since the last success, whether or not one fails. After a failure everything
        must be written again: the kernel has dropped the pages (fsync(2), EIO)."""
        failures: list[StoreError] = []
        for file in sorted(self._touched):
            try:
                sync_data(self._fd(file))
            except OSError as error:
                failures.append(self._failure(file, "cannot be synced", error))
        if failures:
            raise failures[0]
        self._touched.clear()
        self._failed = False

    def close(self) -> None:
        """Close every file."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()

    def _place(self, slot: int, offset: int, size: int) -> tuple[int, int]:
        if not 0 <= slot < self.slots or offset < 0 or offset + size > SLOT_SIZE:
            raise ValueError(f"slot {slot} + {offset}, {size} octets: outside the ring")
        file, index = divmod(slot, SLOTS_PER_FILE)
        return file, index * SLOT_SIZE + offset

    def _fd(self, file: int) -> int:
        fd = self._fds.get(file)
        if fd is None:
            if self._failed:
                self._refuse_other()
            self._make_room()
            fd = self._fds[file] = os.open(self.path / ring_name(file), self._flags)
        return fd

    def _make_room(self) -> None:
        if len(self._fds) >= _MAX_OPEN:
            oldest = next((f for f in self._fds if f not in self._touched), None)
            if oldest is not None:
                os.close(self._fds.pop(oldest))

    def _check_files(self) -> None:
        for index, size in enumerate(file_sizes(self.slots)):
            path = self.path / ring_name(index)
            try:
                found = path.stat().st_size
            except OSError as error:
                raise StoreError(
                    f"ring file is missing ({error.strerror})",
                    where=str(path),
                    remedy="mount the right disk, or restore the file",
                ) from error
            if found != size:
                raise StoreError(
                    f"ring file has {found} octets instead of {size}",
                    where=str(path),
                    remedy="restore the file; ring files never change their size",
                )

    def _failure(self, file: int, what: str, error: OSError) -> StoreError:
        self._failed = True
        if (fd := self._fds.pop(file, -1)) >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)
        return StoreError(
            f"{what} ({error.strerror or error})", where=str(self.path / ring_name(file)), remedy=_DISK_REMEDY
        )
