"""A layer under the store that logs every change of the disk and every sync, with what the product promised in between.

recording = Recording(folder)           what lies there now counts as safely on the disk
with recording.running():               os.open, pwrite, fsync, rename, link, unlink, ... are logged from here on
    ...
    recording.promise("closed", call)
recording.compare()                     what the log makes of the folder is what lies there: no change went past it
cut.Disk(recording)                     what a power cut at any place of the log may have left

An inode is told apart from its names: a file keeps its octets under a second name, and without any.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BLOCK = 4096
_CHANGES = ("pwrite", "write", "pwritev", "writev", "fsync", "fdatasync", "truncate", "ftruncate")
_NAMES = ("open", "close", "rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir")
_UNKNOWN = ("symlink", "mknod", "mkfifo", "sendfile", "copy_file_range", "splice", "posix_fallocate", "sync", "dup2")


@dataclass(eq=False, slots=True)
class Inode:
    """A file or a directory. `octets`: the file's when the recording began; `names`: the directory's, then."""

    number: int
    is_directory: bool = False
    octets: bytes = b""
    names: dict[str, Inode] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Write:
    """`before` and `after`: the file's size."""

    inode: Inode
    offset: int
    data: bytes
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Resize:
    inode: Inode
    size: int


@dataclass(frozen=True, slots=True)
class Names:
    """What names of a directory stand for from now on (None: nothing), all at once."""

    directory: Inode
    changes: tuple[tuple[str, Inode | None], ...]


@dataclass(frozen=True, slots=True)
class Sync:
    inode: Inode


@dataclass(frozen=True, slots=True)
class Promise:
    """What the product takes for durable at this place. `kind` says what `facts` are."""

    kind: str
    facts: tuple[Any, ...]


Entry = Write | Resize | Names | Sync | Promise


class Recording:
    """The log of one run. For one thread."""

    def __init__(self, root: Path) -> None:
        self.path = root
        self.log: list[Entry] = []
        self._count = 0
        self._real: dict[str, Callable[..., Any]] = {}
        self._fds: dict[int, Inode] = {}
        self.root = self._taken_in(root)
        self._now: dict[Inode, dict[str, Inode]] = {}  # names as they are
        self._sizes: dict[Inode, int] = {}
        self._note_present(self.root)

    def octets(self, path: str) -> bytes:
        """A file as it was when the recording began; nothing where there was none."""
        at = self.root
        for name in path.split("/"):
            if name not in at.names:
                return b""
            at = at.names[name]
        return at.octets

    def promise(self, kind: str, *facts: Any) -> None:
        """From here on it must be there after a cut."""
        self.log.append(Promise(kind, facts))

    @contextlib.contextmanager
    def running(self) -> Iterator[pytest.MonkeyPatch]:
        """Everything the block does below the folder is logged. The patch is undone with the layer."""
        with pytest.MonkeyPatch.context() as patch:
            self._real = {name: getattr(os, name) for name in (*_CHANGES, *_NAMES)}
            for name in _CHANGES:
                patch.setattr(os, name, self._change(name))
            for name in _NAMES:
                patch.setattr(os, name, self._named(name))
            for name in _UNKNOWN:
                patch.setattr(os, name, _refuse(name))
            yield patch

    def compare(self) -> None:
        """Fails where the folder is not what the log says: something was changed past the layer."""
        from tests.crash.cuts import Disk

        disk = Disk(self)
        disk.go_to(len(self.log))
        logged = {path: image.octets() for path, image in disk.whole().files.items()}
        there = {str(path.relative_to(self.path)): path.read_bytes() for path in self.path.rglob("*") if path.is_file()}
        assert logged.keys() == there.keys()
        assert [path for path, octets in there.items() if logged[path] != octets] == []

    # -- what lies there

    def _inode(self, *, directory: bool = False, octets: bytes = b"") -> Inode:
        self._count += 1
        return Inode(self._count, directory, octets)

    def _taken_in(self, path: Path, known: dict[int, Inode] | None = None) -> Inode:
        known = {} if known is None else known
        number = path.stat().st_ino
        if path.is_dir():
            inode = self._inode(directory=True)
            inode.names = {one.name: self._taken_in(one, known) for one in sorted(path.iterdir())}
        else:
            inode = known.get(number) or self._inode(octets=path.read_bytes() if path.is_file() else b"")
            known[number] = inode
        return inode

    def _note_present(self, inode: Inode) -> None:
        if inode.is_directory:
            self._now[inode] = dict(inode.names)
            for one in inode.names.values():
                self._note_present(one)
        else:
            self._sizes[inode] = len(inode.octets)

    # -- where it is

    def _place(self, path: Any) -> tuple[Inode, str] | None:
        """Directory and name of a path below the folder; None for any other."""
        if isinstance(path, int):
            return None
        whole = os.path.abspath(os.fspath(path))
        base = str(self.path)
        if isinstance(whole, bytes) or not whole.startswith(base + "/"):
            return None
        *folders, name = whole[len(base) + 1 :].split("/")
        at = self.root
        for folder in folders:
            at = self._now[at][folder]
        return at, name

    def _found(self, path: Any) -> Inode | None:
        if os.path.abspath(os.fspath(path)) == str(self.path):
            return self.root
        place = self._place(path)
        return None if place is None else self._now[place[0]].get(place[1])

    def _open_inode(self, fd: int) -> Inode | None:
        """Of a file below the folder; one opened before the recording began has the name it has now."""
        if fd not in self._fds:
            path = os.readlink(f"/proc/self/fd/{fd}")
            if not path.startswith(str(self.path)):
                return None
            found = self._found(path)
            assert found is not None, path
            self._fds[fd] = found
        return self._fds[fd]

    # -- the stand-ins

    def _change(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def change(target: Any, *args: Any, **keywords: Any) -> Any:
            inode = self._found(target) if name == "truncate" else self._open_inode(target)
            if inode is None:
                return real(target, *args, **keywords)
            offset = _offset(name, target, args) if "write" in name else 0
            result = real(target, *args, **keywords)
            if name in ("fsync", "fdatasync"):
                self.log.append(Sync(inode))
            elif "truncate" in name:
                self._resize(inode, args[0])
            else:
                data = args[0] if name in ("pwrite", "write") else b"".join(bytes(part) for part in args[0])
                self._write(inode, offset, bytes(memoryview(data)[:result]))
            return result

        return change

    def _named(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def act(*args: Any, **keywords: Any) -> Any:
            assert not any(isinstance(keywords.get(key), int) for key in ("dir_fd", "src_dir_fd", "dst_dir_fd")), name
            result = real(*args, **keywords)
            self._act(name, args, result)
            return result

        return act

    def _act(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        if name == "close":
            self._fds.pop(args[0], None)
        elif name == "open":
            self._opened(args[0], args[1], result)
        elif name in ("rename", "replace"):
            self._moved(*args[:2])
        elif (place := self._place(args[1] if name == "link" else args[0])) is not None:
            directory, last = place
            made: Inode | None = None
            if name == "link":
                made = self._found(args[0])
            elif name == "mkdir":
                made = self._inode(directory=True)
                self._now[made] = {}
            self._rename(directory, (last, made))

    def _opened(self, path: Any, flags: int, fd: int) -> None:
        self._fds.pop(fd, None)
        found = self._found(path) if not isinstance(path, int) else None
        place = self._place(path)
        if found is None and place is not None:
            found = self._inode()
            self._sizes[found] = 0
            self._rename(place[0], (place[1], found))
        elif found is not None and flags & os.O_TRUNC and self._sizes[found]:
            self._resize(found, 0)
        if found is not None:
            self._fds[fd] = found

    def _moved(self, source: Any, target: Any) -> None:
        old, new = self._place(source), self._place(target)
        if old is None and new is None:
            return
        assert old is not None
        assert new is not None
        assert old[0] is new[0], "a rename from one directory to another"
        self._rename(old[0], (old[1], None), (new[1], self._now[old[0]][old[1]]))

    def _rename(self, directory: Inode, *changes: tuple[str, Inode | None]) -> None:
        names = self._now[directory]
        for name, inode in changes:
            if inode is None:
                names.pop(name, None)
            else:
                names[name] = inode
        self.log.append(Names(directory, changes))

    def _write(self, inode: Inode, offset: int, data: bytes) -> None:
        before = self._sizes[inode]
        after = self._sizes[inode] = max(before, offset + len(data))
        self.log.append(Write(inode, offset, data, before, after))

    def _resize(self, inode: Inode, size: int) -> None:
        self._sizes[inode] = size
        self.log.append(Resize(inode, size))


def _offset(name: str, fd: int, args: tuple[Any, ...]) -> int:
    """Where a write begins; a file open for appending takes it at its end, whatever was asked (pwrite(2), BUGS)."""
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND:
        return os.fstat(fd).st_size
    return int(args[1]) if name.startswith("pwrite") else os.lseek(fd, 0, os.SEEK_CUR)


def _refuse(name: str) -> Callable[..., Any]:
    real = getattr(os, name)

    def unknown(*args: Any, **keywords: Any) -> Any:
        if name == "dup2":
            return real(*args, **keywords)
        raise AssertionError(f"os.{name}: the layer does not know what it does to the disk")

    return unknown
