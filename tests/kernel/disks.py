"""Disks in the test kernel: files in RAM as block devices, a log of every write, mounting without a program."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import itertools
import mmap
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

RAM = Path("/dev/shm")
MAPPER = Path("/dev/mapper")
# include/uapi/linux/dm-ioctl.h: DM_TARGET_MSG = _IOWR(0xfd, 14, struct dm_ioctl), and the two structs it takes.
_DM_TARGET_MSG = 0xC138FD0E
_DM_IOCTL = struct.Struct("<3I I I I i I I 4x Q 128s 129s 7x")
_DM_VERSION = (4, 0, 0)
_MKFS: dict[str, tuple[str, ...]] = {
    "ext4": ("mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,nodiscard", "-J", "size=4"),
    "vfat": ("mkfs.vfat", "-F", "32", "-s", "1"),
    "exfat": ("mkfs.exfat",),
    "f2fs": ("mkfs.f2fs", "-q", "-t", "0"),
}
_numbers = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


def run(*argv: str) -> str:
    """A program's output. Raises AssertionError with what it said where it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"
    return done.stdout


def mount(device: Path, at: Path, kind: str, options: str = "", flags: int = 0) -> None:
    """Raises OSError."""
    at.mkdir(exist_ok=True)
    if _libc.mount(str(device).encode(), str(at).encode(), kind.encode(), flags, options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(device))


def unmount(at: Path) -> None:
    """Raises OSError where something below is open still."""
    if _libc.umount2(str(at).encode(), 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(at))


class RamDisk:
    """A block device over a file in RAM. `octets` is that file: what is written there is on the disk at once, as long
    as nothing is mounted."""

    def __init__(self, size: int) -> None:
        self._file = RAM / f"disk{next(_numbers)}"
        self._file.touch()
        os.truncate(self._file, size)
        self.size = size
        self.device = Path(run("losetup", "--find", "--show", str(self._file)).strip())
        self._octets: mmap.mmap | None = None

    @property
    def file(self) -> Path:
        return self._file

    @property
    def octets(self) -> mmap.mmap:
        """Mapped at once and whole: page by page it would cost 40 us each."""
        if self._octets is None:
            with self._file.open("r+b") as file:
                self._octets = mmap.mmap(file.fileno(), self.size, mmap.MAP_SHARED | mmap.MAP_POPULATE)
        return self._octets

    def close(self) -> None:
        run("losetup", "--detach", str(self.device))
        if self._octets is not None:
            self._octets.close()
        self._file.unlink()


class LoggedDisk:
    """A disk every write to which is logged, with marks between them; its file system is made under the log, too.

    with LoggedDisk("ext4", 24 << 20) as disk: ...      (mounted at `disk.at`)
    The log is `disk.log` after that, until `close`. `content` is what is on the disk at first: no file system is made
    then, and what mending it writes is logged, too.
    """

    def __init__(
        self, kind: str, size: int, options: str = "", *, content: bytes | None = None, log_size: int = 512 << 20
    ) -> None:
        self._kind = kind
        self._options = options
        self._disk = RamDisk(size)
        self._log = RamDisk(log_size)
        self._made = content is not None
        if content is not None:
            self._disk.octets[:] = content
        self.size = size
        self.at = Path("/run/logged")
        self._control = -1

    @property
    def log(self) -> Path:
        return self._log.file

    def __enter__(self) -> LoggedDisk:
        table = f"0 {self.size // 512} log-writes {self._disk.device} {self._log.device}"
        run("dmsetup", "create", "logged", "--noudevsync", "--table", table)
        run("dmsetup", "mknodes")
        self._control = os.open(MAPPER / "control", os.O_RDWR | os.O_CLOEXEC)
        if not self._made:
            run(*_MKFS[self._kind], str(MAPPER / "logged"))
        mount(MAPPER / "logged", self.at, self._kind, self._options)
        os.sync()
        self.mark("mounted")
        return self

    def mark(self, text: str) -> None:
        """Stands in the log when this returns, after everything that a sync had made safe before."""
        message = struct.pack("<Q", 0) + f"mark {text}".encode() + b"\0"
        head = _DM_IOCTL.pack(
            *_DM_VERSION, _DM_IOCTL.size + len(message), _DM_IOCTL.size, 0, 0, 0, 0, 0, b"logged", b""
        )
        fcntl.ioctl(self._control, _DM_TARGET_MSG, bytearray(head + message))

    def __exit__(self, *_: object) -> None:
        os.close(self._control)
        unmount(self.at)
        run("dmsetup", "remove", "--noudevsync", "logged")

    def close(self) -> None:
        self._disk.close()
        self._log.close()


@contextlib.contextmanager
def mounted(disk: RamDisk, kind: str, options: str = "") -> Iterator[Path]:
    """The place where the disk's files are meanwhile."""
    at = Path("/run/cut")
    mount(disk.device, at, kind, options)
    try:
        yield at
    finally:
        unmount(at)
