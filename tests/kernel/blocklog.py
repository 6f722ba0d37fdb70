"""Reads what dm-log-writes wrote down of a disk, and makes the disk again as a power cut would have left it.

The format, and what is in the log when, are the kernel's: Documentation/admin-guide/device-mapper/log-writes.rst. A
write is put into the log once it cannot be lost any more: an ordinary one at the end of the next FLUSH, with all others
that had come to their end when that FLUSH was given, and before the FLUSH's own entry; one with FUA as soon as it has
come to its end. A mark is put in at once. So

- everything before a place in the log was safe at that moment: a promise marked there rests on it alone;
- of the ordinary writes between that place and the next FLUSH any part may have reached the disk, in any order: the
  disk had them in its cache, or was about to get them;
- no further than to the next FUA, though: an ordinary write that stands after it may have been given after it had come
  to its end (a file system relies on that order, it is what it asked FUA for), and in the log it cannot be told when;
- of a FUA write that stands next any part may be there, too.

What is kept of the writes at stake is drawn by chance, in pieces of a sector or of a block.
"""

from __future__ import annotations

import mmap
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = 0x6A736677736872
VERSION = 1
SUPER = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
STEP = 1 << 18
# How much of the writes at stake is kept: nothing, all, and shares that make both rare and common ones likely.
SHARES = (0.0, 0.1, 0.5, 0.5, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `size` octets at `at` of the disk, whose content stands at `source` of the log (a discard has none).

    `mark` is the text of a mark, None of anything else.
    """

    flags: int
    at: int
    size: int
    source: int
    mark: str | None = None

    @property
    def is_write(self) -> bool:
        """Does it change the disk?"""
        return self.mark is None and self.size > 0


class BlockLog:
    """The entries of a log device, oldest first. Read it when the target has been removed: it is written to its end
    then."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._octets = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        magic, version, count, self._sector = SUPER.unpack_from(self._octets)
        if (magic, version) != (MAGIC, VERSION):
            raise ValueError(f"{path}: no log of dm-log-writes, version {VERSION}")
        self.entries = list(self._read(count))

    def _read(self, count: int) -> Iterator[Entry]:
        at = self._sector
        for _ in range(count):
            sector, sectors, flags, length = ENTRY.unpack_from(self._octets, at)
            text = self._octets[at + ENTRY.size : at + ENTRY.size + length]
            at += self._sector
            size = sectors * self._sector
            if flags & MARK:
                yield Entry(flags, 0, 0, 0, text.split(b"\0")[0].decode())
            elif flags & DISCARD:
                yield Entry(flags, sector * self._sector, size, -1)
            else:
                yield Entry(flags, sector * self._sector, size, at)
                at += size

    def content(self, entry: Entry, first: int, size: int) -> bytes:
        """`size` octets of a write, from `first` of its own on; zeros of a discard."""
        return bytes(size) if entry.source < 0 else self._octets[entry.source + first : entry.source + first + size]

    def close(self) -> None:
        self._octets.close()


class Replay:
    """The disk of a log, cut by cut and forward only. `grain`: octets that reach a disk whole or not at all; `content`:
    what was on it before the first entry, if not zeros."""

    def __init__(self, log: BlockLog, size: int, grain: int = 4096, content: bytes | None = None) -> None:
        self._log = log
        # A page touched for the first time costs 40 us in the test kernel; all of them at once cost far less.
        self._safe = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
        if content is not None:
            self._safe[:] = content
        self._done = 0
        self._grain = grain

    def cut(self, place: int, rng: random.Random, onto: mmap.mmap) -> int:
        """What a power cut may leave when all entries before `place` are safe; returns the pieces kept by chance."""
        if place < self._done:
            raise ValueError("cuts go forward")
        for entry in self._log.entries[self._done : place]:
            if entry.is_write:
                for first in range(0, entry.size, STEP):
                    size = min(STEP, entry.size - first)
                    self._safe[entry.at + first : entry.at + first + size] = self._log.content(entry, first, size)
        self._done = place
        with memoryview(onto) as to, memoryview(self._safe) as safe:
            to[:] = safe  # without a copy in between: fresh pages are what costs most in the test kernel
        kept = 0
        share = rng.choice(SHARES)
        for entry in self.at_stake(place):
            for first in range(0, entry.size, self._grain):
                if rng.random() < share:
                    size = min(self._grain, entry.size - first)
                    onto[entry.at + first : entry.at + first + size] = self._log.content(entry, first, size)
                    kept += 1
        return kept

    def at_stake(self, place: int) -> list[Entry]:
        """The writes of which any part may have reached the disk when the power went at `place`."""
        end = self.end_of_stake(place)
        found = [entry for entry in self._log.entries[place:end] if entry.is_write]
        if found or end == len(self._log.entries) or self._log.entries[end].flags & FLUSH:
            return found
        return [self._log.entries[end]]

    def end_of_stake(self, place: int) -> int:
        """Where the next FLUSH or FUA after `place` stands; the log's length where there is none. What the disk then
        holds may be of any moment up to there."""
        entries = self._log.entries
        return next((n for n in range(place, len(entries)) if entries[n].flags & (FLUSH | FUA)), len(entries))
