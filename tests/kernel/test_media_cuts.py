"""The power fails, or a medium is pulled out, at any moment of making copies: a copy is whole, or seen not to be.

The medium is a disk whose every write is logged (`blocklog`), on each file system that a medium may come with. Somebody
makes copies on it, deletes one, tries another twice; after hundreds of cuts every copy that had been acknowledged must
be complete, and none may look complete that is not.

What each file system asks for, found here:

- vfat has no journal, and its tables belong to no file. An fsync of a file mostly brings its entry and the chain of its
  clusters along, but not the folders above it, and syncfs writes but sends no FLUSH. A rename is two changes that
  nothing keeps together. So: no rename; fsync of files, syncfs, fsync of folders; and the mark last.
- exfat has no journal either, and one table less. Neither a rename nor trust in the fsync of files alone was found out
  in 12 times 400 cuts; a mark before what it marks was, at once.
- f2fs does not keep what its fsync promises (6.12). With the order that is safe on a file system with a journal, fsync
  before the rename and of the folder after it, 6 to 11 of 341 cuts cost a promise; it was as many with nodiscard and
  fsync_mode=strict, and whatever of the unflushed writes was kept. The log shows why: the FLUSH of such an fsync stands
  before the file's node block, at the first fsync after a checkpoint and not at later ones. f2fs numbers the node
  blocks that an fsync has to wait for; a checkpoint sets the number back to 0, and whoever waits takes 0 for "none"
  (f2fs_wait_on_node_pages_writeback). So the FLUSH goes out and fsync returns while the node block is on its way, and
  without it the roll-forward after a cut does not find what was written. The fsync of a folder and syncfs are
  checkpoints, which do wait: a copy has both before the mark and after it, and loses nothing. The store is not for
  f2fs: its audit log relies on fdatasync alone.
- ext4 needs none of this; with its journal any one of the three syncs does.
"""

from __future__ import annotations

import functools
import hashlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.kernel.blocklog import BlockLog, Replay
from tests.kernel.disks import LoggedDisk, RamDisk, mounted, run
from tsuwaroku.disclosure import media, medium
from tsuwaroku.disclosure.mark import pack_mark
from tsuwaroku.disclosure.medium import MARK, CopiedFile, State, inspect_copy, write_copy
from tsuwaroku.errors import MediumError

pytestmark = [pytest.mark.slow]

Files = Mapping[str, bytes]
Writer = Callable[[Path, Files], object]

SIZES = {"vfat": 20 << 20, "exfat": 20 << 20, "ext4": 20 << 20, "f2fs": 56 << 20}  # f2fs takes no smaller one
SECTOR = 512  # what reaches a stick whole or not at all
GRAINS = {"vfat": SECTOR, "exfat": SECTOR, "ext4": 4096, "f2fs": 4096}  # the latter two rely on whole blocks
LOOKED_AT_WITH = {
    "vfat": "",
    "exfat": "",
    "ext4": "",
    "f2fs": "nodiscard",
}  # what is discarded here costs time, and changes nothing
CUTS = {"vfat": 200, "exfat": 200, "ext4": 60, "f2fs": 100}
NIGHTLY_SEEDS = range(2, 7)


@functools.cache
def files_of(seed: int) -> Files:
    """A small bag. Whatever the seed, names and sizes are the same, so that one may be taken for another."""
    rng = random.Random(seed)
    sizes = {
        "bagit.txt": 55,
        "data/通話記録 0001.flac": 150_000,
        "data/0002.flac": 4096,
        "data/card.json": 700,
        "data/form/請求書.pdf": 40_001,
        "data/nothing": 0,
    }
    return {name: rng.randbytes(size) for name, size in sizes.items()}


@functools.cache
def listed(seed: int) -> tuple[CopiedFile, ...]:
    """As a whole mark lists them."""
    files = sorted(files_of(seed).items())
    return tuple(CopiedFile(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in files)


def nothing(*_: object) -> None:
    """A sync that does not."""


class NothingKept(random.Random):
    """The chance that keeps nothing of what was not flushed."""

    def choice(self, seq: object) -> float:  # type: ignore[override]
        return 0.0


TRIES = 12  # of an unsafe writer
GOING = -1  # instead of a seed: what somebody is deleting may be anything


class Session:
    """What somebody does with a medium, and what is promised of it. A mark in the log says how far that is."""

    def __init__(self, disk: LoggedDisk, writer: Writer, seed: int) -> None:
        self._disk = disk
        self._writer = writer
        self._rng = random.Random(seed)
        self.promised: list[dict[str, int]] = [{}]  # after each mark: folder -> seed of the files in it
        self.tried: dict[str, set[int]] = {}  # folder -> the seeds of all that was ever to be in it

    def play(self) -> None:
        """A copy, which is deleted; others after it, one of them at the second try."""
        self._copy("1", 1)
        self._promise({"1": GOING})
        run("rm", "-r", str(self._disk.at / "1"))
        media.sync_folder(self._disk.at)
        self._promise({})
        self._copy("2", 2)
        self._begin("1", 3)
        self._copy("1", 4)
        self._copy("3", 5)

    def _copy(self, folder: str, seed: int) -> None:
        self.tried.setdefault(folder, set()).add(seed)
        self._writer(self._disk.at / folder, files_of(seed))
        self._promise({**self.promised[-1], folder: seed})

    def _begin(self, folder: str, seed: int) -> None:
        """A copy that somebody breaks off."""
        self.tried.setdefault(folder, set()).add(seed)

        def enough(done: int, total: int) -> None:
            if done > total // 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_copy(self._disk.at / folder, files_of(seed), progress=enough)

    def _promise(self, promised: dict[str, int]) -> None:
        self.promised.append(promised)
        self._disk.mark(str(len(self.promised) - 1))
        self.pause()

    def pause(self, *_: int) -> None:
        """Meanwhile the system writes by itself what is old enough."""
        time.sleep(self._rng.choice((0, 0, 0, 0.4, 6, 40)))


def copied(folder: Path, files: Files, session: Session) -> None:
    """The product's writer."""
    write_copy(folder, files, progress=session.pause)


def broken(
    kind: str, writer: Callable[[Path, Files, Session], object] = copied, seed: int = 1, cuts: int | None = None
) -> Iterator[str]:
    """What is wrong after each of many cuts: right after every promise, and at other places by chance."""
    disk = LoggedDisk(kind, SIZES[kind])
    with disk:
        session = Session(disk, lambda folder, files: writer(folder, files, session), seed)
        session.play()
    log = BlockLog(disk.log)
    cut = RamDisk(disk.size)
    try:
        yield from _judged(kind, log, session, cut, random.Random(seed), CUTS[kind] if cuts is None else cuts)
    finally:
        cut.close()
        log.close()
        disk.close()


def _judged(kind: str, log: BlockLog, session: Session, cut: RamDisk, rng: random.Random, number: int) -> Iterator[str]:
    replay = Replay(log, cut.size, GRAINS[kind])
    marks = {place: int(e.mark) for place, e in enumerate(log.entries) if e.mark is not None and e.mark.isdigit()}
    first = min(marks)
    wanted = {place + 1 for place in marks}
    others = sorted(set(range(first, len(log.entries) + 1)) - wanted)
    places = sorted([*wanted, *rng.sample(others, min(len(others), number - len(wanted)))])
    states: Counter[str] = Counter()
    for place in places:
        replay.cut(place, rng, cut.octets)
        until = replay.end_of_stake(place)  # what is taken back by then may be gone
        before = max((n for at, n in marks.items() if at < place), default=0)
        stand = [session.promised[n] for n in {before, *(n for at, n in marks.items() if place <= at < until)}]
        with mounted(cut, kind, LOOKED_AT_WITH[kind]) as at:
            for folder, tried in session.tried.items():
                promised = {said.get(folder) for said in stand}
                state, fault = _looked_at(at / folder, next(iter(promised)) if len(promised) == 1 else None, tried)
                states[state] += 1
                if fault and GOING not in promised:
                    yield f"{kind}, place {place}, folder {folder}: {fault}"
    print(f"{kind}: {len(places)} cuts at {len(log.entries) - first} places; what copies were: {dict(states)}")


def _looked_at(folder: Path, promised: int | None, tried: set[int]) -> tuple[str, str]:
    """What a folder is, and what is wrong with that."""
    try:
        found = inspect_copy(folder)
    except MediumError as error:
        return "unreadable", f"was promised, and {error}" if promised is not None else ""
    if promised is not None and (found.state, found.files) != (State.COMPLETE, listed(promised)):
        return found.state, f"was promised, and is {found.state}: {found.problems}"
    if found.state is State.DAMAGED:
        return found.state, f"is marked as complete, and {found.problems}"
    if found.state is State.COMPLETE and found.files not in [listed(seed) for seed in tried]:
        return found.state, "is complete with something else"
    return found.state, ""


@pytest.mark.kernel(limit_s=150)
@pytest.mark.parametrize("kind", list(SIZES))
def test_a_copy_is_whole_or_seen_not_to_be(kind: str) -> None:
    assert list(broken(kind)) == []


@pytest.mark.nightly
@pytest.mark.kernel(limit_s=1200)
@pytest.mark.parametrize("kind", list(SIZES))
@pytest.mark.parametrize("seed", NIGHTLY_SEEDS)
def test_at_every_place(kind: str, seed: int) -> None:
    assert list(broken(kind, seed=seed, cuts=1 << 30)) == []


@pytest.mark.kernel(limit_s=100)
@pytest.mark.parametrize(("sync", "lost"), [(nothing, [1, 2, 3, 4]), (media.sync_medium, [])])
def test_on_f2fs_an_fsync_is_not_enough(sync: Callable[[Path], object], lost: list[int]) -> None:
    """The first one after a checkpoint. Where a later kernel loses nothing, the note at the top is out of date."""
    disk = LoggedDisk("f2fs", SIZES["f2fs"])
    with disk:
        for number in range(1, 5):
            os.sync()
            with (disk.at / "list").open("ab") as file:
                file.write(bytes([number]) * 5000)
                file.flush()
                os.fsync(file.fileno())
                sync(disk.at)
                disk.mark(str(number))
    log = BlockLog(disk.log)
    cut = RamDisk(disk.size)
    replay = Replay(log, disk.size)
    found = []
    for place, entry in enumerate(log.entries):
        if entry.mark is not None and entry.mark.isdigit():
            replay.cut(place + 1, NothingKept(), cut.octets)
            with mounted(cut, "f2fs") as at:
                octets = (at / "list").read_bytes() if (at / "list").exists() else b""
            if not octets.endswith(bytes([int(entry.mark)])):
                found.append(int(entry.mark))
    cut.close()
    log.close()
    disk.close()
    assert found == lost


# -- writers that are not safe


def mark_first(folder: Path, files: Files, session: Session) -> None:
    """All is synced, but the mark comes before what it marks."""
    folder.mkdir(exist_ok=True)
    done = tuple(CopiedFile(n, len(c), hashlib.sha256(c).hexdigest()) for n, c in files.items())
    _synced(folder / MARK, pack_mark(done))
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        _synced(folder / name, content)
    media.sync_medium(folder)
    for path in (folder / "data/form", folder / "data", folder, folder.parent):
        media.sync_folder(path)


def by_rename(folder: Path, files: Files, session: Session) -> None:
    """As on a disk with a journal: a temporary file, fsync, rename, fsync of the folder."""
    done = tuple(CopiedFile(n, len(c), hashlib.sha256(c).hexdigest()) for n, c in files.items())
    for name, content in {**files, MARK: pack_mark(done)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name("new.tmp")
        _synced(temporary, content)
        temporary.rename(path)
        media.sync_folder(path.parent)
        session.pause()


def _synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def unsynced(folder: Path, files: Files, session: Session) -> None:
    """The product's writer, and nothing is synced."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("sync_file", "sync_folder", "sync_medium"):
            patch.setattr(medium, name, nothing)
        copied(folder, files, session)


def files_synced_alone(folder: Path, files: Files, session: Session) -> None:
    """The product's writer, which trusts that an fsync of a file makes the file safe."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("sync_folder", "sync_medium"):
            patch.setattr(medium, name, nothing)
        copied(folder, files, session)


@pytest.mark.kernel(limit_s=120)
@pytest.mark.parametrize(
    ("kind", "writer"),
    [
        ("vfat", mark_first),
        ("vfat", by_rename),
        ("vfat", unsynced),
        # Folders of a sector or two come with their files' own sectors most of the time: it takes thousands of cuts.
        pytest.param("vfat", files_synced_alone, marks=pytest.mark.nightly),
        ("exfat", mark_first),
        ("exfat", unsynced),
        ("ext4", unsynced),
        ("f2fs", unsynced),
    ],
)
def test_an_unsafe_writer_is_found_out(kind: str, writer: Callable[[Path, Files, Session], object]) -> None:
    found = next((fault for seed in range(1, TRIES + 1) for fault in broken(kind, writer, seed, 400)), "")
    print(found)
    assert found
