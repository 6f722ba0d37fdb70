from __future__ import annotations

from pathlib import Path

import pytest

from tests.records.world import D, World
from tsuwaroku.errors import StoreError
from tsuwaroku.records.dating import State
from tsuwaroku.store import clockfile


def remembered() -> State:
    """With two boots, a story in dispute and everything else it can hold."""
    world = World()
    world.run(D)
    world.off(5 * D)
    world.clock(0)
    world.run(D)
    return world.state


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    state = remembered()
    assert len(state.boots) == 2
    clockfile.save(path, state)
    assert clockfile.load(path) == state
    assert [entry.name for entry in tmp_path.iterdir()] == ["clock.json"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_size < 4096


def test_a_new_store_remembers_nothing(tmp_path: Path) -> None:
    assert clockfile.load(tmp_path / "clock.json") == State()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"version":1}', b'{"version":1,"state":{"boots":7}}'])
def test_a_damaged_file_is_told_and_never_taken_for_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clock.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot be read") as caught:
        clockfile.load(path)
    assert (caught.value.where, caught.value.remedy) == (str(path), "restart the keeper")


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clockfile.save(path, remembered())
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2'))
    with pytest.raises(StoreError, match="is of version 2"):
        clockfile.load(path)


def test_a_disk_that_takes_nothing_keeps_the_old(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clockfile.save(path, State())
    (tmp_path / ".clock.json.tmp").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        clockfile.save(path, remembered())
    assert clockfile.load(path) == State()
