"""Writes copies onto a medium such that after a power cut, or a pull, at any moment a copy is whole or seen not to be.

A copy is a folder of files with the mark of completeness (`mark.py`) in it. On FAT a rename is no way to put something
in place whole: cut off, it leaves a name without content. So nothing is renamed, and the order is:

1. folders, each synced into the one above it;
2. the files under their own names, each with fsync;
3. the file system itself with syncfs, for FAT's tables belong to no file, then every folder with fsync;
4. all of it read back from the device, past the page cache, and compared with what was to be written;
5. the place of the mark: as many zeros as the mark is long, synced. So the last step changes neither folder nor table
   and can spoil nothing that is whole, and a block that still holds a deleted copy's mark never passes for this one's;
6. the mark over the zeros, synced and read back. Only then has the copy been made.

A mark torn in the middle does not agree with itself, and without a whole mark a copy is incomplete whatever else is
there. Tried on vfat, exfat, ext4 and f2fs; nothing here asks for more of a file system than that a sync means it.
"""

from __future__ import annotations

import enum
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from tsuwaroku.disclosure.made import Made
from tsuwaroku.disclosure.mark import CopiedFile, pack_mark, unpack_mark
from tsuwaroku.disclosure.media import (
    FAT_MOST,
    FAT_TYPES,
    STEP,
    SYNC_EVERY,
    explaining,
    filesystem_of,
    from_device,
    sync_file,
    sync_folder,
    sync_medium,
    too_large,
    write_fully,
)
from tsuwaroku.disclosure.names import check_names
from tsuwaroku.errors import MediumError, RefusedError, StoreError

__all__ = [
    "MARK",
    "CopiedFile",
    "CopyState",
    "Progress",
    "Receipt",
    "Source",
    "State",
    "inspect_copy",
    "spoil_copy",
    "write_copy",
]

Source = Path | bytes | Made
"""Where a file's octets come from: another file, these, or made while they are written."""
Progress = Callable[[int, int], None]
"""Told (octets done, octets in all); reading back counts, too. What it raises ends the copy, which stays incomplete."""

MARK = "copy-complete.txt"
_MARK_MOST = 64 << 20  # octets of a file that may be a mark
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class State(enum.StrEnum):
    """What a folder holds. `damaged`: the copying came to its end, and something was lost or changed since."""

    ABSENT = "absent"
    INCOMPLETE = "incomplete"
    COMPLETE = "complete"
    DAMAGED = "damaged"


class Receipt(msgspec.Struct, frozen=True):
    """A copy that is on the device, read back and marked as complete. `octets` without the mark's."""

    folder: str
    files: tuple[CopiedFile, ...]
    octets: int


class CopyState(msgspec.Struct, frozen=True):
    """`problems` say why it is neither complete nor absent; `files` are those of the mark, where it is whole."""

    state: State
    problems: list[str] = msgspec.field(default_factory=list)
    files: tuple[CopiedFile, ...] = ()


def write_copy(folder: Path, files: Mapping[str, Source], *, progress: Progress | None = None) -> Receipt:
    """Copy `files` (name -> source; "/" between folders) into `folder`, made in a folder that is there.

    On return the copy is on the device, complete. An incomplete copy of the same names is written over, a complete one
    never. Raises MediumError (full, read-only, pulled out, not what was written), RefusedError (a name or size that
    media cannot hold, a folder with other things in it), StoreError (a source that cannot be read); what there is on
    the medium is then no copy or an incomplete one, or, where only the very last sync failed, perhaps a complete one.
    """
    check_names([*files, MARK])
    copy = _Copy(folder, files, progress or (lambda done, total: None))
    copy.admit()
    with explaining(folder):
        copied = copy.write()
        copy.compare(copied)
        copy.mark(pack_mark(copied))
    return Receipt(str(folder), copied, sum(file.size for file in copied))


def inspect_copy(folder: Path, *, progress: Progress | None = None) -> CopyState:
    """Whether a folder holds a complete copy: every file of its mark is read from the device. Files that the mark
    does not name (a PC leaves some) do not count. Raises MediumError where not even the mark can be read."""
    with explaining(folder):
        if not folder.is_dir():
            return CopyState(State.ABSENT)
        files = _read_mark(folder)
    if files is None:
        return CopyState(State.INCOMPLETE, ["the copying did not come to its end"])
    total, done = sum(file.size for file in files), 0
    problems = []
    for file in files:
        fault = _difference(folder / file.name, file)
        if fault:
            problems.append(f"{file.name}: {fault}")
        done += file.size
        if progress is not None:
            progress(done, total)
    return CopyState(State.DAMAGED if problems else State.COMPLETE, problems, files)


def spoil_copy(folder: Path) -> None:
    """Make a complete copy an incomplete one: its mark is overwritten with zeros, then taken away. Nothing where there
    is no mark. Raises MediumError."""
    path = folder / MARK
    with explaining(path):
        if not path.is_file():
            return
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            write_fully(fd, bytes(os.fstat(fd).st_size))
            sync_file(fd)
        finally:
            os.close(fd)
        path.unlink()
        sync_medium(folder)
        sync_folder(folder)


class _Copy:
    """One copy being made."""

    def __init__(self, folder: Path, files: Mapping[str, Source], progress: Progress) -> None:
        self._folder = folder
        self._files = files
        self._progress = progress
        self._sizes = {name: _size_of(source) for name, source in files.items()}
        self._done, self._total = 0, 2 * sum(self._sizes.values())
        inner = {parent for name in files for parent in Path(name).parents} - {Path()}
        self._folders = [folder, *sorted(folder / path for path in inner)]  # each after the one it lies in

    def admit(self) -> None:
        """Nothing is written that cannot come to an end. Raises RefusedError, MediumError."""
        with explaining(self._folder):
            if self._folder.exists():
                self._admit_folder()
            above = self._folder.parent
            if filesystem_of(above) in FAT_TYPES:
                for name, size in self._sizes.items():
                    if size > FAT_MOST:
                        raise too_large(name)
            room = os.statvfs(above)
        cluster = room.f_frsize
        needed = sum(-(-size // cluster) + 1 for size in self._sizes.values()) * cluster
        free = room.f_bavail * cluster + self._left_over()
        if needed > free:
            raise MediumError(
                f"the medium has {free} octets free, the copy needs {needed}",
                where=str(self._folder),
                remedy="use an empty or a larger medium, and begin anew",
            )

    def _admit_folder(self) -> None:
        if _read_mark(self._folder) is not None:
            raise RefusedError(
                "holds a finished copy, which is never written over",
                where=str(self._folder),
                remedy="copy into a new folder",
            )
        ours = {*self._files, MARK}
        strange = sorted(name for name in _names_in(self._folder) if name not in ours)
        if strange:
            raise RefusedError(
                f"holds something else than a copy that was cut off ({strange[0]})",
                where=str(self._folder),
                remedy="copy into a new folder",
            )

    def _left_over(self) -> int:
        """Octets that are free again once the files of an incomplete copy are cut to nothing."""
        paths = [self._folder / name for name in self._files]
        return sum(path.stat().st_blocks * 512 for path in paths if path.is_file())

    def write(self) -> tuple[CopiedFile, ...]:
        """Steps 1 to 3; what was given to the medium. Raises OSError, StoreError."""
        for folder in self._folders:
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)
        (self._folder / MARK).unlink(missing_ok=True)
        sync_folder(self._folder)
        copied = tuple(self._write_file(name, source) for name, source in self._files.items())
        self._sync()
        return copied

    def _write_file(self, name: str, source: Source) -> CopiedFile:
        digest, size, unsynced = hashlib.sha256(), 0, 0
        path = self._folder / name
        with explaining(path):
            fd = os.open(path, _WRITE, 0o644)
            try:
                for piece in _pieces(source):
                    write_fully(fd, piece)
                    digest.update(piece)
                    size, unsynced = size + len(piece), unsynced + len(piece)
                    if unsynced >= SYNC_EVERY:
                        os.fdatasync(fd)
                        unsynced = 0
                    self._told(len(piece))
                sync_file(fd)
            finally:
                os.close(fd)
        return CopiedFile(name, size, digest.hexdigest())

    def _sync(self) -> None:
        """The folders after all else: syncfs writes what vfat holds back, but tells no device to empty its cache."""
        sync_medium(self._folder)
        for folder in reversed(self._folders):
            sync_folder(folder)
        sync_folder(self._folder.parent)

    def compare(self, copied: tuple[CopiedFile, ...]) -> None:
        """Step 4. Raises MediumError where the medium has something else than it was given."""
        listed = _names_in(self._folder)
        for file in copied:
            fault = "is missing" if file.name not in listed else _difference(self._folder / file.name, file)
            if fault:
                raise _unlike(self._folder / file.name, fault)
            self._told(file.size)

    def mark(self, octets: bytes) -> None:
        """Steps 5 and 6. Raises OSError, MediumError."""
        path = self._folder / MARK
        fd = os.open(path, _WRITE | os.O_EXCL, 0o644)
        try:
            for content in (bytes(len(octets)), octets):
                os.lseek(fd, 0, os.SEEK_SET)
                write_fully(fd, content)
                sync_file(fd)
                self._sync()
        finally:
            os.close(fd)
        if _read(path) != octets:
            raise _unlike(path, "is not what was copied")

    def _told(self, octets: int) -> None:
        self._done = min(self._done + octets, self._total)  # a source may grow
        self._progress(self._done, self._total)


def _unlike(path: Path, fault: str) -> MediumError:
    return MediumError(
        f"was read back from the medium, and {fault}",
        where=str(path),
        remedy="use another medium: this one does not keep what is written to it",
    )


def _size_of(source: Source) -> int:
    if isinstance(source, Made):
        return source.size
    try:
        return len(source) if isinstance(source, bytes) else source.stat().st_size
    except OSError as error:
        raise _unreadable(source, error) from error


def _pieces(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield from (source[at : at + STEP] for at in range(0, len(source), STEP))
        return
    if isinstance(source, Made):
        yield from source.pieces()
        return
    try:
        with source.open("rb", buffering=0) as file:
            while piece := file.read(STEP):
                yield piece
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Source, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be read ({error.strerror})", where=str(source), remedy="check the disk and its permissions"
    )


def _names_in(folder: Path) -> set[str]:
    """Every file below a folder, as the folders list it."""
    below = [Path(at) / name for at, _, names in os.walk(folder, onerror=_raise) for name in names]
    return {path.relative_to(folder).as_posix() for path in below}


def _raise(error: OSError) -> None:
    raise error


def _read(path: Path) -> bytes:
    return b"".join(bytes(piece) for piece in from_device(path))


def _read_mark(folder: Path) -> tuple[CopiedFile, ...] | None:
    """The files of a whole mark, else None. Raises OSError where it is there and cannot be read."""
    path = folder / MARK
    if not path.is_file() or path.stat().st_size > _MARK_MOST:
        return None
    return unpack_mark(_read(path))


def _difference(path: Path, file: CopiedFile) -> str:
    """How what is on the device differs from what was copied; "" where it does not."""
    digest, size = hashlib.sha256(), 0
    try:
        if not path.is_file():
            return "is missing"
        for piece in from_device(path):
            digest.update(piece)
            size += len(piece)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if size != file.size:
        return f"has {size} octets instead of {file.size}"
    return "" if digest.hexdigest() == file.sha256 else "is not what was copied"
