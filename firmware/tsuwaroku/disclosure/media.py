"""A mounted medium: written through to the device, read past the page cache, its errors in people's words."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from tsuwaroku.errors import MediumError, RefusedError, TsuwarokuError

STEP = 1 << 20
FAT_TYPES = ("vfat", "msdos")
FAT_MOST = (1 << 32) - 1  # octets of a file: its size has 32 bits in a directory entry
# More than this never waits in RAM for the device: a slow stick would else hold it all back for the last fsync, and
# the recorder's own with it.
SYNC_EVERY = 16 << 20

_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_BAD_NAME = (errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ)
# Of a medium that is pulled out while it is written to: an I/O error first, then no device; where the system unmounts
# what is gone, no such file; where a half-read table is taken for damage, that.
GONE = (
    errno.EIO,
    errno.ENODEV,
    errno.ENXIO,
    errno.ENOENT,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.ESHUTDOWN,
    errno.EUCLEAN,
    errno.ENOMEDIUM,
    errno.EREMOTEIO,
)


def explained(error: OSError, where: Path) -> TsuwarokuError:
    """What a person can do about an error of a medium."""
    place = str(where)
    if error.errno in _FULL:
        return MediumError("the medium is full", where=place, remedy="use an empty or a larger medium, and begin anew")
    if error.errno in _READ_ONLY:
        return MediumError(
            f"the medium cannot be written to ({error.strerror})",
            where=place,
            remedy="release its write protection; if it has none, take it out, put it in again and begin anew",
        )
    if error.errno in GONE:
        return MediumError(
            f"the medium does not answer any more ({error.strerror})",
            where=place,
            remedy="put it in again and begin anew; if that fails too, use another medium",
        )
    if error.errno == errno.EBUSY:
        return MediumError(
            "something else on this machine uses the medium",
            where=place,
            remedy="end what has its files open, then begin anew",
        )
    if error.errno == errno.EFBIG:
        return too_large(place)
    if error.errno in _BAD_NAME:
        return RefusedError(
            f"the medium cannot hold a file of this name ({error.strerror})",
            where=place,
            remedy="format the medium as exFAT or FAT32 with long names, or give the file another name",
        )
    return MediumError(f"the medium fails ({error.strerror})", where=place, remedy="use another medium, and begin anew")


def too_large(where: str) -> RefusedError:
    """A file that FAT cannot hold."""
    return RefusedError(
        "is larger than 4 GiB, the most a file can have on a FAT medium",
        where=where,
        remedy="use a medium formatted as exFAT or ext4",
    )


@contextlib.contextmanager
def explaining(where: Path) -> Iterator[None]:
    """OSErrors of the medium come out as MediumError or RefusedError."""
    try:
        yield
    except OSError as error:
        raise explained(error, where) from error


def filesystem_of(path: Path) -> str:
    """The type ("vfat", "ext4", ...) of what `path` lies on, "" where the system does not say."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        left, _, right = line.partition(" - ")
        if left.split()[2] == wanted:
            return right.split()[0]
    return ""


def sync_file(fd: int) -> None:
    """Octets and length are on the device. Raises OSError."""
    os.fsync(fd)


def sync_folder(path: Path) -> None:
    """The names in a folder are on the device. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_medium(path: Path) -> None:
    """Everything the file system holds back is on the device: its tables, too. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if libc.syncfs(fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(fd)


def write_fully(fd: int, data: bytes | memoryview) -> None:
    """`write` until everything is written. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def from_device(path: Path) -> Iterator[memoryview]:
    """A file piece by piece (at most STEP), as the device has it and not as the page cache remembers it. A piece is
    good until the next one is asked for. Raises OSError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:  # not every file system can
            raise
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    with mmap.mmap(-1, STEP) as buffer, memoryview(buffer) as view:  # O_DIRECT wants whole pages
        try:
            left = os.fstat(fd).st_size
            while left > 0 and (count := os.readv(fd, [buffer])):
                with view[:count] as piece:
                    yield piece
                left -= count
        finally:
            os.close(fd)
