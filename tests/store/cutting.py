"""Ends a piece of work at any of the steps that change the disk, in this process: for the store's own tests.

`cut_off` runs the work once for each step and each way to be cut off: killed before it, killed in its middle (a random
half of what it writes is there, in sectors of 512), and without power (the same of all that no sync has secured).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECTOR = 512
STEPS = ("pwrite", "fdatasync", "fsync", "rename", "unlink")
WAYS = ("before", "torn", "power", "power again")


class CutOff(BaseException):
    """Here the program ends. Not an Exception: nobody catches a kill."""


class _Disk:
    def __init__(self, at: int, way: str, sector: int = SECTOR) -> None:
        self._at, self._way, self._sector = at, way, sector
        self._real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in STEPS}
        self._unsecured: list[tuple[str, int, bytes]] = []  # path, offset, the sector that was there
        self._rng = random.Random(f"{way} {at}")
        self.names: list[str] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for name in STEPS:
            patch.setattr(os, name, self._stand_in(name))
        patch.setattr(Path, "rename", lambda path, target: os.rename(path, target))
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: os.unlink(path))

    def _stand_in(self, name: str) -> Callable[..., Any]:
        def step(*args: Any, **keywords: Any) -> Any:
            self.names.append(name)
            if len(self.names) == self._at:
                self._end(name, args)
            if name == "pwrite":
                self._note(args[0], len(args[1]), args[2])
            done = self._real[name](*args, **keywords)
            if name in ("fdatasync", "fsync"):
                path = os.readlink(f"/proc/self/fd/{args[0]}")
                self._unsecured = [one for one in self._unsecured if one[0] != path]
            return done

        return step

    def _note(self, fd: int, length: int, offset: int) -> None:
        path = os.readlink(f"/proc/self/fd/{fd}")
        with open(path, "rb") as file:
            file.seek(offset)
            for at in range(offset, offset + length, self._sector):
                self._unsecured.append((path, at, file.read(self._sector)))

    def _end(self, name: str, args: tuple[Any, ...]) -> None:
        if self._way == "torn" and name == "pwrite":
            fd, data, offset = args[0], bytes(args[1]), args[2]
            path = os.readlink(f"/proc/self/fd/{fd}")
            with open(path, "r+b") as file:
                for at in range(0, len(data), self._sector):
                    if self._rng.random() < 0.5:
                        file.seek(offset + at)
                        file.write(data[at : at + self._sector])
        if self._way.startswith("power"):
            for path, at, old in reversed(self._unsecured):
                if os.path.exists(path) and self._rng.random() < 0.5:
                    with open(path, "r+b") as file:
                        file.seek(at)
                        file.write(old)
        raise CutOff


@contextmanager
def cutting(step: int, way: str, sector: int = SECTOR) -> Iterator[list[str]]:
    """What is done in here ends with `CutOff` at its `step`-th change of the disk, if it comes so far; the steps taken.
    The disk writes `sector` octets or none of them."""
    disk = _Disk(step, way, sector)
    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        yield disk.names


def cut_off(base: Path, folder: Path, work: Callable[[Path], None], every: int = 1) -> Iterator[tuple[Path, str, int]]:
    """Copies of the store at `base`, each with `work` cut off at another step: (path, way, step). A copy is removed
    when the next one is asked for. `every`: take only each so many-th step."""
    for way in WAYS:
        step = 1
        while True:
            path = folder / f"{way}-{step}".replace(" ", "-")
            shutil.copytree(base, path)
            with pytest.MonkeyPatch.context() as patch:
                _Disk(step, way).install(patch)
                try:
                    work(path)
                    through = True
                except CutOff:
                    through = False
            yield path, way, step
            shutil.rmtree(path)
            if through:
                break
            step += every
