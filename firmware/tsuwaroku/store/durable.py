"""Small helpers over `os`: files replaced whole, files written full before use, locks that die with their process."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from tsuwaroku.errors import ServiceError, StoreError

STEP = 256 * 1024
_LOCK_TRIES = 10
_LOCK_PAUSE_S = 0.02


def sync_directory(path: Path) -> None:
    """Make renames and new names in a directory durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes | memoryview, offset: int) -> None:
    """`pwrite` until everything is written. Raises OSError."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


def sync_data(fd: int) -> None:
    """`fdatasync`, believed only where it can be true: ext4 that somebody made read-only by force (sysrq) syncs nothing
    more, and answers that all is well. Raises OSError."""
    os.fdatasync(fd)
    if os.fstatvfs(fd).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def replace_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Old or new, never half: temporary file, fsync, rename, fsync of the directory. Raises OSError."""
    temporary = path.with_name(f".{path.name}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.fchmod(fd, mode)  # the umask, or a leftover of another mode
        write_all(fd, data, 0)
        os.fsync(fd)
    finally:
        os.close(fd)
    temporary.rename(path)
    sync_directory(path.parent)


def create_filled(
    path: Path,
    size: int,
    first: Callable[[int], bytes] | None = None,
    progress: Callable[[int], None] | None = None,
    mode: int = 0o600,
) -> None:
    """A file of `size` octets, every one written, then renamed into place. Raises OSError.

    It is written in steps of 256 KiB; `first(offset)` gives the octets a step begins with, the rest is zero.
    `progress` is told the octets written by each step.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    zeros = bytes(STEP)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        for offset in range(0, size, STEP):
            step = min(STEP, size - offset)
            head = first(offset) if first else b""
            write_all(fd, head + zeros[len(head) : step], offset)
            if progress:
                progress(step)
        os.fsync(fd)
    finally:
        os.close(fd)
    temporary.rename(path)
    sync_directory(path.parent)


class FileLock:
    """A flock on a file of its own: whoever holds it lives. `content` tells others who it is."""

    def __init__(self, path: Path, content: bytes = b"") -> None:
        self.path = path
        self._content = content
        self._fd = -1
        self._ours = False

    def acquire(self) -> None:
        """Take the lock until `release` or the end of the process. Raises ServiceError if another holds it, StoreError
        where its file cannot be written."""
        fd = -1
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            if not _flock(fd):
                raise ServiceError(
                    "already runs on this store", where=str(self.path), remedy="stop the other one first, or use it"
                )
            write_all(fd, self._content, 0)  # over what is there: a full disk has no room for a file cut to nothing
            os.ftruncate(fd, len(self._content))
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            raise StoreError(
                f"cannot be written ({error.strerror})",
                where=str(self.path),
                remedy="check the disk: its space, its permissions, and whether it became read-only (`dmesg`)",
            ) from error
        except ServiceError:
            os.close(fd)
            raise
        self._fd, self._ours = fd, True

    def release(self) -> None:
        """Let go. Harmless when not held."""
        self._ours = False
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def lost(self) -> bool:
        """Whether it was taken, and is not held at its path any more: the disk was mounted anew, or somebody exchanged
        the file. False while the disk is away."""
        if not self._ours:
            return False
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return self._fd < 0 or _identity(fd) != _identity(self._fd)
        finally:
            os.close(fd)

    def retake(self) -> None:
        """Take it where it is now, if it was lost. Raises as `acquire` does; then it is not held, and to be tried again
        before anything is written."""
        if self.lost():
            if self._fd >= 0:
                os.close(self._fd)  # it may be the same file by another way, and keep us out
                self._fd = -1
            self.acquire()

    @staticmethod
    def held(path: Path) -> bytes | None:
        """The content if a live process holds the lock, else None."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.pread(fd, 4096, 0)
        else:
            return None
        finally:
            os.close(fd)


def _identity(fd: int) -> tuple[int, int, bytes]:
    """Which file it is. A disk that comes back may have the same numbers, so its mount counts, too."""
    about, lines = os.fstat(fd), list[bytes]()
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/self/fdinfo/{fd}").read_bytes().splitlines()
    return about.st_dev, about.st_ino, next((line for line in lines if line.startswith(b"mnt_id")), b"")


def _flock(fd: int) -> bool:
    """Try for a moment: a `held` elsewhere touches the lock for an instant."""
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return True
    return False
