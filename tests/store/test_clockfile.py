from __future__ import annotations

from pathlib import Path

import pytest

from tests.records.world import D, World
from tsuwaroku.errors import StoreError
from tsuwaroku.records.dating import State
from tsuwaroku.store import clockfile
from tsuwaroku.store.checked import sealed
from tsuwaroku.store.clockfile import _File

STORE = bytes(range(16))


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
    clockfile.save(path, state, STORE)
    assert clockfile.load(path, STORE) == state
    assert [entry.name for entry in tmp_path.iterdir()] == ["clock.json"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_size < 4096


def test_a_new_store_remembers_nothing(tmp_path: Path) -> None:
    assert clockfile.load(tmp_path / "clock.json", STORE) == State()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"version":1}', b'{"version":1,"state":{}}'])
def test_a_damaged_file_is_told_and_never_taken_for_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clock.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot be read") as caught:
        clockfile.load(path, STORE)
    assert (caught.value.where, caught.value.remedy) == (str(path), "restart the keeper")


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clockfile.save(path, remembered(), STORE)
    path.write_bytes(sealed(_File(version=2, state=State()), STORE))
    with pytest.raises(StoreError, match="is of version 2"):
        clockfile.load(path, STORE)


def test_a_disk_that_takes_nothing_keeps_the_old(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clockfile.save(path, State(), STORE)
    (tmp_path / ".clock.json.tmp").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        clockfile.save(path, remembered(), STORE)
    assert clockfile.load(path, STORE) == State()


def test_one_bit_or_another_store_is_told(tmp_path: Path) -> None:
    """A date one digit off could let calls go early."""
    path = tmp_path / "clock.json"
    clockfile.save(path, remembered(), STORE)
    octets = path.read_bytes()
    for at in range(len(octets)):
        for bit in range(8):
            path.write_bytes(octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :])
            try:
                assert clockfile.load(path, STORE) == remembered(), (at, bit)  # the name of a field with a default
            except StoreError as told:
                assert told.remedy  # noqa: PT017
    path.write_bytes(octets)
    with pytest.raises(StoreError, match="another store's"):
        clockfile.load(path, bytes(16))
