"""Files that hold wrapped keys and cards, replaced and let go of by overwriting (Article 8(1): 上書き).

A file replaced by another leaves its octets in free blocks of the disk, and what an erased call left there could be
dug out. So the old file keeps a second name (`.NAME.gone-INODE`) until zeros were written over it in place, past the
page cache, and read back. A cut leaves that name, or the half-written new file; `sweep` takes up both. On a file
system that writes elsewhere what is overwritten (f2fs, btrfs) this reaches the file, not the blocks.

A reader may have the old file open meanwhile: it reads with `read_whole`.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tsuwaroku.errors import StoreError
from tsuwaroku.store import durable
from tsuwaroku.store.overwrite import Overwriter
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE

_GONE = ".gone-"
_LOOKS = 20  # at a file that is replaced again and again meanwhile


def replace(path: Path, data: bytes, mode: int = 0o640) -> None:
    """Old or new, never half; then zeros over the old one. Raises OSError where the new one is not in place.

    An old one that cannot be overwritten keeps its other name; `sweep` tells of it.
    """
    _clear(_temporary(path))
    old = _second_name(path)
    durable.replace_file(path, data, mode)
    if old is not None:
        with contextlib.suppress(StoreError, OSError):
            _scrub(old)


def discard(path: Path) -> None:
    """Take a file away; it is gone from its place on return, and zeros are written over it. Raises OSError as
    `replace` does."""
    gone = path.with_name(f".{path.name}{_GONE}{path.stat().st_ino}")
    path.rename(gone)
    durable.sync_directory(path.parent)
    with contextlib.suppress(StoreError, OSError):
        _scrub(gone)


def sweep(directory: Path) -> None:
    """What a cut or a bad block left of earlier ones. Raises StoreError, OSError where it cannot be overwritten."""
    for path in sorted(directory.glob(".*")):
        if path.name.endswith(".tmp"):
            _clear(path)
        elif _GONE in path.name:
            _let_go(path)


def read_whole(path: Path) -> bytes:
    """The file's octets as they were when it had this name; another process may be replacing it. Raises OSError."""
    for _ in range(_LOOKS):
        with path.open("rb") as file:
            octets = file.read()
            there = os.fstat(file.fileno()).st_ino
        try:
            if path.stat().st_ino == there:
                return octets
        except FileNotFoundError:
            continue  # and so is the next look's
    raise OSError(f"is replaced all the time: {path}")


def replaced(name: str) -> str:
    """The name of the file that a name of ours belongs to; any other name is given back."""
    if name.startswith(".") and name.endswith(".tmp"):
        return name[1 : -len(".tmp")]
    first, gone, inode = name.rpartition(_GONE)
    return first[1:] if gone and name.startswith(".") and inode.isdigit() else name


def _temporary(path: Path) -> Path:
    """Where `durable.replace_file` writes the new one."""
    return path.with_name(f".{path.name}.tmp")


def _second_name(path: Path) -> Path | None:
    try:
        gone = path.with_name(f".{path.name}{_GONE}{path.stat().st_ino}")
    except FileNotFoundError:
        return None
    with contextlib.suppress(FileExistsError):  # left by a cut between this and the renaming
        os.link(path, gone)
    durable.sync_directory(path.parent)
    return gone


def _let_go(gone: Path) -> None:
    """A second name: of a file that has its first one still (a cut, before the new one was there), or of an old one."""
    first = gone.with_name(gone.name[1 : gone.name.rindex(_GONE)])
    if first.exists() and first.samefile(gone):
        gone.unlink()
        durable.sync_directory(gone.parent)
    else:
        _scrub(gone)


def _clear(path: Path) -> None:
    if path.exists():
        _scrub(path)


def _scrub(path: Path) -> None:
    """Zeros in place, synced, read back; then its name goes. Raises StoreError, OSError."""
    length = -(-path.stat().st_size // BLOCK) * BLOCK
    if length:
        with Overwriter(path) as file:
            file.zero(0, length)
            file.sync()
            for at in range(0, length, SLOT_SIZE):
                if any(file.read(at, min(SLOT_SIZE, length - at))):
                    raise StoreError(
                        "has other octets than were written",
                        where=str(path),
                        remedy="replace the SSD; the erasure is tried again",
                    )
    path.unlink()
    durable.sync_directory(path.parent)
