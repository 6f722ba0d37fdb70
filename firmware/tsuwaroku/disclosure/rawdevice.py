"""A block device read and written as a whole, past the page cache."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from tsuwaroku.disclosure.drive import STEP, Raw

_BLKRRPART = 0x125F  # include/uapi/linux/fs.h: read the partition table again
_OPEN = os.O_RDWR | os.O_EXCL | os.O_DIRECT | os.O_CLOEXEC  # EXCL: nothing of it is mounted, nor will be meanwhile


class RawDevice:
    """An open block device. O_DIRECT wants whole sectors at whole sectors, from whole pages of memory."""

    def __init__(self, fd: int, buffer: mmap.mmap) -> None:
        self._fd = fd
        self._buffer = buffer
        self.octets = os.lseek(fd, 0, os.SEEK_END)

    def write(self, at: int, data: bytes) -> None:
        """Raises OSError."""
        for begin in range(0, len(data), STEP):
            piece = data[begin : begin + STEP]
            self._buffer[: len(piece)] = piece
            with memoryview(self._buffer) as view:
                done = 0
                while done < len(piece):
                    with view[done : len(piece)] as left:
                        done += os.pwritev(self._fd, [left], at + begin + done)

    def read(self, at: int, size: int) -> bytes:
        """Raises OSError."""
        size = min(size, self.octets - at)
        pieces = []
        while size > 0:
            with memoryview(self._buffer) as view, view[: min(size, STEP)] as wanted:
                count = os.preadv(self._fd, [wanted], at)
                pieces.append(bytes(wanted[:count]))
            if not count:  # it became smaller under our hands
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            at, size = at + count, size - count
        return b"".join(pieces)

    def sync(self) -> None:
        """Raises OSError."""
        os.fsync(self._fd)


def read_partitions(fd: int) -> None:
    """The kernel knows of the partitions that are there now, and of no others. Where one is mounted it knows already,
    and a loop device has none to know of."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, _BLKRRPART)


@contextlib.contextmanager
def opened_raw(device: Path) -> Iterator[Raw]:
    """The device, by nobody else used, synced at the end of the block. Raises OSError."""
    fd = os.open(device, _OPEN)
    try:
        with mmap.mmap(-1, STEP) as buffer:
            raw = RawDevice(fd, buffer)
            yield raw
            raw.sync()
        read_partitions(fd)
    finally:
        os.close(fd)
