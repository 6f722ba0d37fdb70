"""What a power cut may leave of a recorded run: everything secured by a sync before it, and of the rest any part.

A file's data may have reached the disk block by block (4 KiB), in any order and in any of the versions it has had since
the last sync, a block in part (sectors of 512 octets); its size may be any it has had. The changes of a directory come
in their order, as far as they came: each directory for itself. A file's own sync secures no name of it, a
directory's no octet of a file. No file system is as bad as all that at once; nothing of it is forbidden to one.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.crash.recorded import BLOCK, Entry, Inode, Names, Promise, Recording, Resize, Sync, Write

SECTOR = 512
ZEROS = bytes(BLOCK)
_MOST_SIZES = 3  # of those in the middle of one long write
_MISSES = 150  # states known already, one after the other: there may be no more at this place
_TORN = 2  # ways to tear each block, where nothing more is asked for

Blocks = dict[int, bytes]


@dataclass(slots=True)
class Image:
    """A file after a cut. Blocks that are not there are zeros. `inode`: two names of one file have the same."""

    inode: Inode
    size: int
    blocks: Blocks

    def octets(self) -> bytes:
        count = -(-self.size // BLOCK)
        return b"".join(self.blocks.get(block, ZEROS) for block in range(count))[: self.size]


@dataclass(slots=True)
class State:
    """A disk after a cut at `place`. `digest` tells states apart by their octets and names alone."""

    place: int
    digest: bytes
    files: dict[str, Image]
    folders: list[str]


@dataclass(slots=True)
class _File:
    """`blocks`, `size`: secured. `versions`: what each block has been since, oldest first; `sizes`: the sizes since."""

    size: int
    blocks: Blocks
    mark: int
    versions: dict[int, list[bytes]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)

    def last(self, block: int) -> bytes:
        return self.versions[block][-1] if block in self.versions else self.blocks.get(block, ZEROS)


@dataclass(slots=True)
class _Folder:
    """`names`: secured; `changes`: those since."""

    names: dict[str, Inode]
    changes: list[Names] = field(default_factory=list)


Unit = tuple[str, Inode, int]
"""("block", file, number), ("size", file, 0) or ("names", folder, 0): what may reach the disk or not by itself."""
Choice = dict[Unit, int | bytes]
"""How far each unit came: so many of its versions, or for a torn block its octets. One that is not named: all."""


class Disk:
    """The states after a cut at one place of the log; `go_to` the next, forward only."""

    def __init__(self, recording: Recording) -> None:
        self.place = 0
        self._log: list[Entry] = recording.log
        self._root = recording.root
        self._files: dict[Inode, _File] = {}
        self._folders: dict[Inode, _Folder] = {}
        self._marks: dict[tuple[int, bytes], int] = {}
        self._take_in(recording.root)

    def go_to(self, place: int) -> None:
        """As if the power failed before the entry of the log with that number."""
        while self.place < place:
            self._apply(self._log[self.place])
            self.place += 1

    def units(self) -> list[Unit]:
        """What no sync has secured at this place."""
        found: list[Unit] = []
        for inode, file in self._files.items():
            found += [("block", inode, block) for block in file.versions]
            found += [("size", inode, 0)] if file.sizes else []
        found += [("names", inode, 0) for inode, folder in self._folders.items() if folder.changes]
        return found

    def depth(self, unit: Unit) -> int:
        """How many versions it has had since it was secured."""
        kind, inode, block = unit
        if kind == "names":
            return len(self._folders[inode].changes)
        return len(self._files[inode].sizes if kind == "size" else self._files[inode].versions[block])

    def whole(self) -> State:
        """All of it came: what a kill leaves."""
        return self.state({})

    def bare(self) -> State:
        """Nothing came that was not secured."""
        return self.state(dict.fromkeys(self.units(), 0))

    def half_written(self) -> State | None:
        """What a kill in the middle of the next entry, a write, leaves: its first half (of the ring whole blocks)."""
        entry = self._log[self.place] if self.place < len(self._log) else None
        if not isinstance(entry, Write) or len(entry.data) < 2:
            return None
        half = len(entry.data) // 2
        half = half // BLOCK * BLOCK if len(entry.data) > BLOCK and half >= BLOCK else half
        file = self._files[entry.inode]
        size = max(file.sizes[-1] if file.sizes else file.size, entry.offset + half)
        kept = Write(entry.inode, entry.offset, entry.data[:half], entry.before, size)
        saved = ({block: list(versions) for block, versions in file.versions.items()}, list(file.sizes))
        self._write(kept)
        state = self.whole()
        file.versions, file.sizes = saved
        return state

    def state(self, choice: Choice) -> State:
        """The disk with just so much of each unit."""
        files: dict[str, Image] = {}
        folders: list[str] = []
        self._walk(self._root, "", choice, files, folders)
        marks = []
        known: dict[Inode, tuple[Image, int]] = {}
        for path, image in files.items():
            if image.inode not in known:
                known[image.inode] = self._image(image.inode, choice)
            files[path], mark = known[image.inode]
            marks.append((path, files[path].size, mark))
        twins = [[p for p, i in files.items() if i.inode is inode] for inode in known]
        linked = [paths for paths in twins if len(paths) > 1]
        text = repr((sorted(marks), sorted(folders), sorted(linked)))
        return State(self.place, hashlib.blake2b(text.encode(), digest_size=16).digest(), files, folders)

    def choices(self, rng: random.Random) -> Iterator[Choice]:
        """Ways the cut may have gone, without an end where there is anything to choose: each unit missing alone, or
        there alone; blocks torn; then whatever chance brings."""
        units = self.units()
        if not units:
            return
        none: Choice = dict.fromkeys(units, 0)
        for unit in units:
            for kept in range(self.depth(unit)):
                yield {unit: kept}
                yield {**none, unit: kept + 1}
        blocks = [unit for unit in units if unit[0] == "block"]
        for _ in range(_TORN):
            for unit in blocks:
                torn = self._torn(unit, rng)
                yield {unit: torn}
                yield {**none, unit: torn}
        while True:
            share = rng.choice((0.1, 0.3, 0.5))
            yield {
                unit: self._torn(unit, rng)
                if unit[0] == "block" and rng.random() < share
                else rng.randint(0, self.depth(unit))
                for unit in units
            }

    # -- the log

    def _take_in(self, inode: Inode) -> None:
        if inode.is_directory:
            self._folders[inode] = _Folder(dict(inode.names))
            for one in inode.names.values():
                self._take_in(one)
        elif inode not in self._files:
            octets = inode.octets
            blocks = {at // BLOCK: octets[at : at + BLOCK] for at in range(0, len(octets), BLOCK)}
            blocks = {n: block.ljust(BLOCK, b"\0") for n, block in blocks.items() if any(block)}
            self._files[inode] = _File(len(octets), blocks, sum(self._mark(n, block) for n, block in blocks.items()))

    def _apply(self, entry: Entry) -> None:
        match entry:
            case Write():
                self._write(entry)
            case Resize(inode, size):
                self._file(inode).sizes.append(size)
            case Names(directory, changes):
                self._folder(directory).changes.append(entry)
                for _, named in changes:
                    if named is not None and named.is_directory:
                        self._folder(named)
                    elif named is not None:
                        self._file(named)
            case Sync(inode):
                self._sync(inode)
            case Promise():
                pass

    def _file(self, inode: Inode) -> _File:
        return self._files.setdefault(inode, _File(0, {}, 0))

    def _folder(self, inode: Inode) -> _Folder:
        return self._folders.setdefault(inode, _Folder({}))

    def _write(self, entry: Write) -> None:
        file = self._file(entry.inode)
        end = entry.offset + len(entry.data)
        for block in range(entry.offset // BLOCK, -(-end // BLOCK)):
            at = block * BLOCK
            known = file.last(block)
            old = known[: max(0, entry.before - at)].ljust(BLOCK, b"\0") if at + BLOCK > entry.before else known
            begin, finish = max(entry.offset, at) - at, min(end, at + BLOCK) - at
            new = old[:begin] + entry.data[at + begin - entry.offset : at + finish - entry.offset] + old[finish:]
            if new != known:
                file.versions.setdefault(block, []).append(new)
        if entry.after > entry.before:
            pages = range((entry.before // BLOCK + 1) * BLOCK, entry.after, BLOCK)
            step = max(1, len(pages) // _MOST_SIZES)
            file.sizes += [*list(pages)[::step], entry.after]

    def _sync(self, inode: Inode) -> None:
        if inode.is_directory:
            folder = self._folder(inode)
            folder.names = self._names(folder, len(folder.changes))
            folder.changes = []
            return
        file = self._file(inode)
        for block, versions in file.versions.items():
            file.mark += self._mark(block, versions[-1]) - self._mark(block, file.blocks.get(block, ZEROS))
        file.blocks = file.blocks | {block: versions[-1] for block, versions in file.versions.items()}  # states have it
        file.versions = {}
        if file.sizes:
            file.size, file.sizes = file.sizes[-1], []

    # -- states

    def _names(self, folder: _Folder, count: int) -> dict[str, Inode]:
        names = dict(folder.names)
        for entry in folder.changes[:count]:
            for name, inode in entry.changes:
                if inode is None:
                    names.pop(name, None)
                else:
                    names[name] = inode
        return names

    def _walk(self, folder: Inode, path: str, choice: Choice, files: dict[str, Image], folders: list[str]) -> None:
        there = self._folders[folder]
        count = choice.get(("names", folder, 0), len(there.changes))
        assert isinstance(count, int)
        for name, inode in self._names(there, count).items():
            at = f"{path}{name}"
            if inode.is_directory:
                folders.append(at)
                self._walk(inode, f"{at}/", choice, files, folders)
            else:
                files[at] = Image(inode, 0, {})

    def _image(self, inode: Inode, choice: Choice) -> tuple[Image, int]:
        """The file, and a number that stands for its octets."""
        file = self._files[inode]
        if not file.versions and not file.sizes:
            return Image(inode, file.size, file.blocks), file.mark
        size, mark = file.size, file.mark
        if file.sizes:
            kept = choice.get(("size", inode, 0), len(file.sizes))
            assert isinstance(kept, int)
            size = file.sizes[kept - 1] if kept else file.size
        blocks = dict(file.blocks)
        for block, versions in file.versions.items():
            came = choice.get(("block", inode, block), len(versions))
            octets = came if isinstance(came, bytes) else versions[came - 1] if came else file.blocks.get(block, ZEROS)
            mark += self._mark(block, octets) - self._mark(block, file.blocks.get(block, ZEROS))
            blocks[block] = octets
        for block in [block for block in blocks if (block + 1) * BLOCK > size]:  # nothing stands behind the end
            octets = blocks[block]
            inside = octets[: max(0, size - block * BLOCK)]
            if any(octets[len(inside) :]):
                mark += self._mark(block, inside.ljust(BLOCK, b"\0")) - self._mark(block, octets)
                blocks[block] = inside.ljust(BLOCK, b"\0")
        return Image(inode, size, blocks), mark

    def _torn(self, unit: Unit, rng: random.Random) -> bytes:
        """Two neighbouring versions of a block, mixed by sectors: a random mixture, or up to a place the new one."""
        _, inode, block = unit
        file = self._files[inode]
        kept = rng.randrange(len(file.versions[block]))
        new = file.versions[block][kept]
        old = file.versions[block][kept - 1] if kept else file.blocks.get(block, ZEROS)
        unlike = [at for at in range(0, BLOCK, SECTOR) if old[at : at + SECTOR] != new[at : at + SECTOR]]
        if rng.random() < 0.3:
            taken = set(unlike[: rng.randint(0, len(unlike))])
        else:
            taken = {at for at in unlike if rng.random() < 0.5}
        return b"".join((new if at in taken else old)[at : at + SECTOR] for at in range(0, BLOCK, SECTOR))

    def _mark(self, block: int, octets: bytes) -> int:
        if octets == ZEROS:
            return 0
        key = (block, octets)
        if key not in self._marks:
            digest = hashlib.blake2b(octets, digest_size=16, salt=block.to_bytes(8, "little")).digest()
            self._marks[key] = int.from_bytes(digest, "little")
        return self._marks[key]


def states_of(recording: Recording, most: int, seed: int) -> list[State]:
    """Up to so many distinct states of a run: at every place what a kill leaves, before it and in the middle of it, and
    the least a cut leaves; then more of each place in turn, as long as there are more. A state that may be left at
    several places is judged at the last of them, where most was promised by then. In the order of their places.
    """
    rng = random.Random(seed)
    log = recording.log
    found: dict[bytes, State] = {}

    def take(state: State | None) -> bool:
        fresh = state is not None and state.digest not in found
        if state is not None and (fresh or state.place > found[state.digest].place):
            found[state.digest] = state
        return fresh

    disk = Disk(recording)
    for place in range(len(log) + 1):
        disk.go_to(place)
        take(disk.whole())
        take(disk.bare())
        take(disk.half_written())
    rich = [place for place in range(len(log) + 1) if place == len(log) or not isinstance(log[place], Promise)]
    while rich and len(found) < most:
        disk, more = Disk(recording), []
        for index, place in enumerate(rich):
            disk.go_to(place)
            wanted = -(-max(0, most - len(found)) // (len(rich) - index))
            misses = 0
            for choice in disk.choices(rng):
                if wanted <= 0 or misses > _MISSES:
                    break
                if take(disk.state(choice)):
                    wanted, misses = wanted - 1, 0
                else:
                    misses += 1
            more += [place] if misses == 0 and wanted <= 0 else []
        rich = more
    return sorted(found.values(), key=lambda state: state.place)
