"""Files replaced and let go of by overwriting: whatever is cut, nothing old stays under any name."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tsuwaroku.errors import StoreError
from tsuwaroku.store import scrub
from tsuwaroku.store.overwrite import Overwriter

OLD = b"wrapped key of a call " * 700
NEW = b"the list without it " * 500
STEPS = ("link", "open", "write", "pwrite", "fsync", "fdatasync", "replace", "rename", "unlink")


class Cut(BaseException):
    """The process ends here."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "day.json"
    file.write_bytes(OLD)
    return file


@pytest.fixture
def old(path: Path) -> Iterator[Callable[[], bytes]]:
    """What lies where the old file lay, whatever its name is by now."""
    with path.open("rb") as file:
        yield lambda: os.pread(file.fileno(), 1 << 20, 0)


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_what_is_replaced_is_overwritten(path: Path, old: Callable[[], bytes]) -> None:
    scrub.replace(path, NEW)
    assert path.read_bytes() == NEW
    assert set(old()) == {0}
    assert len(old()) >= len(OLD)
    assert names(path) == ["day.json"]


def test_what_is_discarded_is_overwritten(path: Path, old: Callable[[], bytes]) -> None:
    scrub.discard(path)
    assert set(old()) == {0}
    assert names(path) == []


def test_a_new_file_has_nothing_to_overwrite(tmp_path: Path) -> None:
    scrub.replace(tmp_path / "new", NEW)
    assert names(tmp_path / "new") == ["new"]


@pytest.mark.parametrize("act", ["replace", "discard"])
def test_a_cut_at_any_step_is_finished_by_the_next_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """Old or new at its place, and once swept nothing of the old one but there."""
    cuts = 0
    for at in range(1, 100):
        folder = tmp_path / str(at)
        folder.mkdir()
        path = folder / "day.json"
        path.write_bytes(OLD)
        with path.open("rb") as held, monkeypatch.context() as patch:
            steps = _cut_at(patch, at)
            try:
                if act == "replace":
                    scrub.replace(path, NEW)
                else:
                    scrub.discard(path)
                done = True
            except Cut:
                done = False
            patch.undo()
            scrub.sweep(folder)
            scrub.sweep(folder)  # nothing is left to do
            there = path.read_bytes() if path.exists() else b""
            assert there in ((OLD, NEW) if act == "replace" else (OLD, b""))
            assert names(path) == (["day.json"] if there else [])
            if there != OLD:
                assert set(os.pread(held.fileno(), 1 << 20, 0)) == {0}
        if done:
            assert at > len(steps)
            break
        cuts += 1
    assert cuts >= 9


def _cut_at(patch: pytest.MonkeyPatch, at: int) -> list[str]:
    steps: list[str] = []

    def stand_in(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def step(*args: Any, **keywords: Any) -> Any:
            steps.append(name)
            if len(steps) == at:
                raise Cut
            return real(*args, **keywords)

        return step

    for name in STEPS:
        patch.setattr(os, name, stand_in(name))
    return steps


def test_a_block_that_cannot_be_overwritten_is_tried_again(
    path: Path, old: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new file counts all the same, and the old one keeps a name by which it is found."""

    def broken(*_: object) -> None:
        raise StoreError("cannot be overwritten")

    with monkeypatch.context() as patch:
        patch.setattr(Overwriter, "zero", broken)
        scrub.replace(path, NEW)
        assert (path.read_bytes(), old()) == (NEW, OLD)
        with pytest.raises(StoreError):
            scrub.sweep(path.parent)
    assert len(names(path)) == 2
    scrub.sweep(path.parent)
    assert set(old()) == {0}
    assert names(path) == ["day.json"]


def test_octets_that_come_back_wrong_are_not_counted_as_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrub.replace(path, NEW)
    real = Overwriter.read
    with monkeypatch.context() as patch:
        patch.setattr(Overwriter, "read", lambda self, at, length: real(self, at, length)[:-1] + b"\1")
        scrub.replace(path, OLD)
        assert len(names(path)) == 2
        with pytest.raises(StoreError, match="has other octets"):
            scrub.sweep(path.parent)


def test_a_reader_never_sees_zeros(path: Path) -> None:
    """While it is replaced a hundred times."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(scrub.read_whole(path))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(100):
        scrub.replace(path, NEW if turn % 2 else OLD)
    ended.set()
    reader.join()
    assert seen <= {OLD, NEW}
    assert seen
