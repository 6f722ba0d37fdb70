"""The layer that records and the states that are made of it: what a cut may leave of small things, in full."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest

from tests.crash.cuts import Choice, Disk, State, states_of
from tests.crash.recorded import BLOCK, Recording
from tests.crash.workshop import Workshop
from tsuwaroku.store import durable
from tsuwaroku.store.overwrite import Overwriter

OLD, NEW = b"o" * 10_000, b"n" * 5_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "f" / "below").mkdir(parents=True)
    (tmp_path / "f" / "file").write_bytes(OLD)
    return tmp_path / "f"


def all_states(recording: Recording, place: int) -> list[State]:
    """Every one with whole blocks."""
    disk = Disk(recording)
    disk.go_to(place)
    units = disk.units()
    ways = itertools.product(*(range(disk.depth(unit) + 1) for unit in units))
    choices: list[Choice] = [dict(zip(units, way, strict=True)) for way in ways]
    return [disk.state(choice) for choice in choices]


def contents(recording: Recording, place: int) -> set[tuple[tuple[str, bytes], ...]]:
    """Names and octets of each."""
    states = all_states(recording, place)
    return {tuple(sorted((path, image.octets()) for path, image in state.files.items())) for state in states}


def test_a_file_replaced_is_old_or_new_and_never_half(folder: Path) -> None:
    recording = Recording(folder)
    with recording.running():
        durable.replace_file(folder / "file", NEW)
    recording.compare()
    seen = set()
    for place in range(len(recording.log) + 1):
        seen |= {dict(one)["file"] for one in contents(recording, place)}
    assert seen == {OLD, NEW}
    assert contents(recording, len(recording.log)) == {(("file", NEW),)}


def test_and_half_where_it_was_not_synced(folder: Path) -> None:
    recording = Recording(folder)
    with recording.running():
        fd = os.open(folder / "new", os.O_WRONLY | os.O_CREAT)
        os.pwrite(fd, NEW, 0)
        os.close(fd)
        (folder / "new").rename(folder / "file")
        durable.sync_directory(folder)
    recording.compare()
    half = NEW[:BLOCK].ljust(len(NEW), b"\0")
    torn = bytes(BLOCK) + NEW[BLOCK:]
    sizes = {NEW, half, torn, bytes(len(NEW)), NEW[:BLOCK], bytes(BLOCK), b""}
    assert {dict(one)["file"] for one in contents(recording, len(recording.log))} == sizes


def test_a_name_without_a_sync_of_its_folder_may_be_gone(folder: Path) -> None:
    recording = Recording(folder)
    with recording.running():
        fd = os.open(folder / "below" / "one", os.O_WRONLY | os.O_CREAT)
        os.write(fd, b"1")
        os.fsync(fd)
        os.close(fd)
        (folder / "below" / "two").mkdir()
    recording.compare()
    there = contents(recording, len(recording.log))
    assert there == {(("file", OLD),), (("below/one", b"1"), ("file", OLD))}
    with_folders = {tuple(sorted(s.folders)) for s in all_states(recording, len(recording.log))}
    assert with_folders == {("below",), ("below", "below/two")}


def test_an_inode_is_not_its_name(folder: Path) -> None:
    """The old file keeps a second name while the new one comes into its place; zeros go over it, then its name."""
    recording = Recording(folder)
    with recording.running():
        os.link(folder / "file", folder / "gone")
        durable.sync_directory(folder)
        durable.replace_file(folder / "file", NEW)
        with Overwriter(folder / "gone") as file:
            file.zero(0, 3 * BLOCK)
            file.sync()
        (folder / "gone").unlink()
        durable.sync_directory(folder)
    recording.compare()
    seen: set[tuple[bytes, bytes | None]] = set()
    for place in range(len(recording.log) + 1):
        for one in contents(recording, place):
            files = dict(one)
            seen.add((files["file"], files.get("gone")))
    zeros = {old for _, old in seen if old is not None and old != OLD}
    assert all(set(old[at : at + BLOCK]) in ({0}, {ord("o")}, {ord("o"), 0}) for old in zeros for at in (0, BLOCK))
    assert {file for file, old in seen if old is None or old == OLD} == {OLD, NEW}
    assert {file for file, old in seen if old in zeros} == {NEW}  # nothing goes over the one that still has the name
    assert contents(recording, len(recording.log)) == {(("file", NEW),)}


def test_overwriting_what_still_has_its_name_would_show(folder: Path) -> None:
    """The same without the sync between: the folder may have the old name, for a file of zeros."""
    recording = Recording(folder)
    with recording.running():
        (folder / "file").rename(folder / "gone")
        with Overwriter(folder / "gone") as file:
            file.zero(0, 3 * BLOCK)
            file.sync()
    recording.compare()
    assert (("file", bytes(3 * BLOCK)),) in contents(recording, len(recording.log))


def test_appended_and_cut_short(folder: Path) -> None:
    recording = Recording(folder)
    with recording.running():
        fd = os.open(folder / "file", os.O_RDWR | os.O_APPEND)
        os.write(fd, b"a line")
        os.fdatasync(fd)
        os.ftruncate(fd, len(OLD))
        os.pwrite(fd, b"another", 0)  # at the end, as O_APPEND has it
        os.close(fd)
    recording.compare()
    octets = {dict(one)["file"] for one in contents(recording, len(recording.log))}
    assert octets == {OLD + b"a line", OLD, OLD + b"anothe", OLD + b"another", OLD + b"a line\0"}


def test_what_goes_past_the_layer_is_noticed(folder: Path) -> None:
    recording = Recording(folder)
    with recording.running():
        (folder / "file").write_bytes(NEW)
    with pytest.raises(AssertionError):
        recording.compare()


def test_a_folder_is_made_each_state_whatever_was_done_to_it(folder: Path, tmp_path: Path) -> None:
    recording = Recording(folder)
    with recording.running():
        durable.replace_file(folder / "file", NEW)
        os.link(folder / "file", folder / "below" / "again")
        fd = os.open(folder / "below" / "again", os.O_RDWR)
        os.pwrite(fd, b"x" * 700, 4000)
        os.close(fd)
        durable.replace_file(folder / "file", OLD)
        (folder / "below" / "again").unlink()
    recording.compare()
    states = states_of(recording, 200, 1)
    assert len(states) >= 40
    rng = random.Random(1)
    rng.shuffle(states)
    shop = Workshop(tmp_path / "shop")
    for state in states:
        shop.make(state)
        assert shop.is_made(state)
        with shop.watching():
            for path in sorted(state.files):
                fd = os.open(shop.path / path, os.O_RDWR)
                os.pwrite(fd, b"spoilt", rng.randrange(9000))
                os.close(fd)
            durable.replace_file(shop.path / "below" / "stray", b"?")
            if "file" in state.files:
                (shop.path / "file").rename(shop.path / "elsewhere")
