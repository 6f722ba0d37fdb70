"""Makes a folder what a cut left, one state after the other: only what differs from the last one is written.

shop = Workshop(folder)
shop.make(state)                        the folder is that state
with shop.watching():                   whatever is changed in it is noted, and made right by the next `make`
    ...
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.crash.cuts import ZEROS, Blocks, Image, State
from tests.crash.recorded import BLOCK

_SPOILT = b"?"


@dataclass(slots=True)
class _There:
    """What is known to be in a file."""

    size: int
    blocks: Blocks = field(default_factory=dict)


class Workshop:
    """One folder, best in memory (/dev/shm)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, _There] = {}
        self._folders: set[str] = set()
        path.mkdir(parents=True)

    def make(self, state: State) -> None:
        """The folder is that state, and nothing else is in it."""
        self._clear(state)
        for folder in state.folders:
            if folder not in self._folders:
                (self.path / folder).mkdir(mode=0o700)
                self._folders.add(folder)
        names: dict[int, list[str]] = {}
        for path, image in state.files.items():
            names.setdefault(image.inode.number, []).append(path)
        for paths in names.values():
            self._put(paths[0], state.files[paths[0]], alone=len(paths) == 1)
            for path in paths[1:]:
                (self.path / path).unlink(missing_ok=True)
                os.link(self.path / paths[0], self.path / path)
            if len(paths) > 1:  # the next state may have two files there
                for path in paths:
                    self._files.pop(path, None)

    def is_made(self, state: State) -> bool:
        """Whether all of it is there, octet by octet."""
        there = {str(p.relative_to(self.path)): p.read_bytes() for p in self.path.rglob("*") if p.is_file()}
        return there == {path: image.octets() for path, image in state.files.items()}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Notes what is changed: blocks of files that are written in place, and every other file as a whole."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("pwrite", "write", "ftruncate"):
                patch.setattr(os, name, self._noting_fd(name, getattr(os, name)))
            for name in ("open", "rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir"):
                patch.setattr(os, name, self._noting_path(name, getattr(os, name)))
            yield

    def _clear(self, state: State) -> None:
        """Away with what is not in the state, or may be anything."""
        for folder, folders, files in os.walk(self.path):
            base = os.path.relpath(folder, self.path)
            for name in files:
                path = name if base == "." else f"{base}/{name}"
                if path not in state.files or path not in self._files:
                    os.unlink(os.path.join(folder, name))
                    self._files.pop(path, None)
            for name in list(folders):
                path = name if base == "." else f"{base}/{name}"
                if path not in state.folders:
                    shutil.rmtree(os.path.join(folder, name))
                    folders.remove(name)
                    self._folders = {one for one in self._folders if one != path and not one.startswith(f"{path}/")}
                    self._files = {p: t for p, t in self._files.items() if not p.startswith(f"{path}/")}
                else:
                    self._folders.add(path)

    def _put(self, path: str, image: Image, *, alone: bool) -> None:
        there = self._files.get(path)
        whole = self.path / path
        if not alone or there is None or there.size != image.size:
            whole.unlink(missing_ok=True)
            there = self._files[path] = _There(0)
        if there.size == image.size and there.blocks is image.blocks and image.size:
            return
        fd = os.open(whole, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for block in there.blocks.keys() - image.blocks.keys():
                if block * BLOCK < image.size:
                    os.pwrite(fd, ZEROS, block * BLOCK)
            for block, octets in image.blocks.items():
                if there.blocks.get(block) is not octets and block * BLOCK < image.size:
                    os.pwrite(fd, octets, block * BLOCK)
            os.ftruncate(fd, image.size)
        finally:
            os.close(fd)
        there.size, there.blocks = image.size, image.blocks

    def _relative(self, path: Any) -> str | None:
        whole = os.path.abspath(os.fspath(path))
        base = f"{self.path}/"
        return whole[len(base) :] if whole.startswith(base) else None

    def _noting_fd(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def act(fd: int, *args: Any) -> Any:
            result = real(fd, *args)
            path = self._relative(os.readlink(f"/proc/self/fd/{fd}"))
            there = None if path is None else self._files.get(path)
            if path is not None and there is not None:
                if name != "pwrite" or args[1] + result > there.size:
                    self._files.pop(path)
                else:
                    spoilt = range(args[1] // BLOCK, -(-(args[1] + result) // BLOCK))
                    there.blocks = there.blocks | dict.fromkeys(spoilt, _SPOILT)
            return result

        return act

    def _noting_path(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **keywords: Any) -> Any:
            changes = name != "open" or bool(args[1] & (os.O_CREAT | os.O_TRUNC))
            for argument in args[: 2 if name in ("rename", "replace", "link") else 1] if changes else ():
                path = self._relative(argument) if not isinstance(argument, int) else None
                if path is not None:
                    self._files.pop(path, None)
            return real(*args, **keywords)

        return act
