"""Overwriting in place what another process's commits must not wait for, and reading back what the device has.

O_DIRECT where the file system takes it: nothing dirty is left in the page cache for the recorder's next fdatasync to
carry, and what is read back is the device's. Elsewhere the page cache is dropped.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tsuwaroku.errors import StoreError
from tsuwaroku.store.durable import sync_data
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE

DIRECT, DROPPED = "direct", "cache dropped"
_REMEDY = "check the SSD (`dmesg`, SMART) and its cable; the erasure is tried again"


class Overwriter:
    """One file, open for overwriting; offsets and lengths are whole blocks of 4 KiB. Every OSError comes out as
    StoreError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._view = memoryview(mmap.mmap(-1, SLOT_SIZE))  # page-aligned, as O_DIRECT wants it
        try:
            self._fd, self.how = _open(path)
        except OSError as error:
            raise self._failure(error, "cannot be opened for erasing") from error

    def __enter__(self) -> Overwriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def write(self, offset: int, data: bytes) -> None:
        """Durable after `sync`."""
        self._view[: len(data)] = data
        self._put(offset, len(data))

    def zero(self, offset: int, length: int) -> None:
        """Zeros, whole blocks; durable after `sync`."""
        self._view[:] = bytes(SLOT_SIZE)
        for at in range(offset, offset + length, SLOT_SIZE):
            self._put(at, min(SLOT_SIZE, offset + length - at))

    def sync(self) -> None:
        """What was written is on the device."""
        try:
            sync_data(self._fd)
        except OSError as error:
            raise self._failure(error, "cannot be synced") from error

    def read(self, offset: int, length: int) -> bytes:
        """What the device has there; only what was synced is sure to be it."""
        octets = b""
        try:
            if self.how is DROPPED:
                os.posix_fadvise(self._fd, offset, length, os.POSIX_FADV_DONTNEED)
            while len(octets) < length:
                size = min(SLOT_SIZE, length - len(octets))
                count = os.preadv(self._fd, [self._view[:size]], offset + len(octets))
                if not count:
                    break
                octets += bytes(self._view[:count])
        except OSError as error:
            raise self._failure(error, "cannot be read back") from error
        if len(octets) != length:
            raise StoreError("is cut short", where=str(self.path), remedy=_REMEDY)
        return octets

    def blank(self, spans: Sequence[tuple[int, int]]) -> None:
        """Zero (begin, end) octets of this file within blocks that hold other things, synced and read back."""
        for begin, end in spans:
            first = begin // BLOCK * BLOCK
            data = bytearray(self.read(first, -(-end // BLOCK) * BLOCK - first))
            data[begin - first : end - first] = bytes(end - begin)
            for at in range(0, len(data), SLOT_SIZE):
                self.write(first + at, bytes(data[at : at + SLOT_SIZE]))
        self.sync()
        for begin, end in spans:
            first = begin // BLOCK * BLOCK
            if any(self.read(first, -(-end // BLOCK) * BLOCK - first)[begin - first : end - first]):
                raise StoreError("has other octets than were written", where=str(self.path), remedy=_REMEDY)

    def _put(self, offset: int, length: int) -> None:
        try:
            done = 0
            while done < length:
                done += os.pwrite(self._fd, self._view[done:length], offset + done)
        except OSError as error:
            raise self._failure(error, "cannot be overwritten") from error

    def _failure(self, error: OSError, what: str) -> StoreError:
        return StoreError(f"{what} ({error.strerror or error})", where=str(self.path), remedy=_REMEDY)


def _open(path: Path) -> tuple[int, str]:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_DIRECT), DIRECT
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return os.open(path, os.O_RDWR | os.O_CLOEXEC), DROPPED
