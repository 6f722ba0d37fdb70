"""Mounting media: only the file systems that media have, and nothing on them may run, be a device or change rights."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from pathlib import Path

from tsuwaroku.disclosure.drive import Filesystem

# include/uapi/linux/mount.h
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _DIRSYNC, _NOATIME = 1, 2, 4, 8, 128, 1024
_DETACH = 2
# Files are written through by hand (`medium`), so no "sync": it would wear a stick out and take hours. Folders are
# (DIRSYNC): else a new one may be there before its cluster was emptied, and show what an older folder had in it. After
# an error nothing is written to what may be damaged; nobody but this program's user reads what is mounted.
OPTIONS = {
    Filesystem.EXFAT: "iocharset=utf8,umask=077,errors=remount-ro",
    Filesystem.FAT32: "utf8=1,umask=077,errors=remount-ro",
}
BUSY_S = 5.0  # for whoever just looks at it: an indexer, a person's shell that is about to leave
_libc = ctypes.CDLL(None, use_errno=True)


def mount(device: Path, at: Path, filesystem: Filesystem, *, read_only: bool) -> None:
    """Raises OSError; ENODEV where the kernel has no such file system."""
    flags = _NOSUID | _NODEV | _NOEXEC | _DIRSYNC | _NOATIME | (_RDONLY if read_only else 0)
    _check(_libc.mount(bytes(device), bytes(at), filesystem.value.encode(), flags, OPTIONS[filesystem].encode()), at)


def unmount(at: Path) -> None:
    """Waits a little for whoever is busy there. Raises OSError."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            _check(_libc.umount2(bytes(at), 0), at)
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def detach(at: Path) -> None:
    """Out of sight at once, whoever is busy there: for a medium that is gone. Raises OSError."""
    _check(_libc.umount2(bytes(at), _DETACH), at)


def can_mount(filesystem: Filesystem) -> bool:
    """Whether the running kernel has it, loaded already."""
    lines = Path("/proc/filesystems").read_text(encoding="ascii").splitlines()
    return any(line.split()[-1] == filesystem.value for line in lines)


def _check(result: int, at: Path) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(at))
