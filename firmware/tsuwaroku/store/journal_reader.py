"""Reading the journal: every record in its chain, and what is damaged, missing or torn. Format: FORMAT.md, "Journal".

A record torn by a power cut stays where it is: the writer goes on after it with a checkpoint that says so, and readers
step over it.
"""

from __future__ import annotations

import errno
import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from tsuwaroku.errors import StoreError
from tsuwaroku.store.graves import Graves
from tsuwaroku.store.journal_record import (
    DOMAIN_JOURNAL,
    MAGIC,
    Extent,
    JournalRecord,
    JournalType,
    Sealed,
    signed_part,
    unpack_record,
)
from tsuwaroku.store.keys import verify_signature
from tsuwaroku.store.slot import BLOCK, FormatError, padded
from tsuwaroku.store.tombstone import Tombstone, buried_in, name_of, tombstones

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

SEGMENT_SIZE = 1024 * 1024
_BLOCKS = SEGMENT_SIZE // BLOCK
_ZEROS = bytes(BLOCK)


class JournalReader:
    """One journal as it is read. `every_signature`: for `verify`, though none of them adds to what the digests prove.
    `keepers`: the keeper's journal, where it is open already; it has the tombstones.

    Of a record it holds where it is, 12 octets, and nothing more: the journals of a year are some 360 MB. What was
    read is authentic: by its signature, or because the next record, authentic itself, has its digest.
    """

    def __init__(
        self,
        directory: Path,
        owner: str,
        store: Store,
        keepers: JournalReader | None = None,
        *,
        every_signature: bool = False,
    ) -> None:
        self.owner = owner
        self._directory = directory
        self._store = store
        self._store_id = store.store_id
        self._keys = [bytes.fromhex(key) for key in store.info.device_keys]
        self._every_signature = every_signature
        self._numbers = array("Q")  # of the records
        self._blocks = array("I")  # where they are, in blocks from the first segment's begin
        self._last_digest = bytes(32)
        self._sealed: dict[bytes, list[tuple[int, int, int]]] = {}  # what an erasure finds: segment, and where in it
        self._unsound: list[tuple[int, bytes, Sealed]] = []  # records whose sealed part is not whole: number, name
        self._gaps: list[tuple[int, int, int]] = []  # between records: segment, and where in it
        self._graves = Graves()
        self._keepers = self if owner == "keeper" else keepers
        self._problems: list[str] = []
        self._segment = 0
        self._offset = 0  # where the next record belongs, in self._segment
        self._torn = 0  # blocks of a record cut by a power cut, at self._offset
        self._alone = False  # nobody else writes it: it grows by our appending only
        self._begun = False  # taking in what is there
        self._passed: list[JournalRecord] | None = None  # records taken in just now, for whoever reads them anyhow

    def records(self) -> list[JournalRecord]:
        """Every record, oldest first; a reader takes in what was appended since. Raises StoreError."""
        if self._begun:
            return list(self.since(0))
        self._passed = []
        try:
            self.read()
            return self._passed
        finally:
            self._passed = None

    def since(self, number: int) -> Iterator[JournalRecord]:
        """The records after that number, oldest first, read as they are asked for. Raises StoreError."""
        if not (self._alone and self._begun):
            self.read()
        begin, end = bisect_right(self._numbers, number), len(self._numbers)
        for segment, indices in groupby(range(begin, end), lambda index: self._blocks[index] // _BLOCKS):
            first, *others = (self._blocks[index] % _BLOCKS * BLOCK for index in indices)
            data = self._octets(segment, first, self._offset if segment == self._segment else SEGMENT_SIZE)
            for at in (first, *others):
                try:
                    yield unpack_record(self.owner, data, at - first, self._store_id)[0]
                except FormatError as error:
                    raise unusable(self._path(segment), "read", OSError(errno.EIO, str(error))) from error

    @property
    def last(self) -> tuple[int, bytes]:
        """Number and digest of the last record; 0 and zeros where there is none."""
        return self._last_number, self._last_digest

    def has(self, number: int, digest: bytes) -> bool:
        """Whether there is that record, with that digest. Raises StoreError."""
        record = next(self.since(number - 1), None) if number else None
        return record is not None and (record.number, record.digest) == (number, digest)

    def tombstone(self, name: bytes) -> Tombstone | None:
        """The first of the call with this name (tombstone.py); of the keeper's journal. Raises StoreError."""
        number = self._graves.find(name)
        record = next(self.since(number - 1), None) if number is not None else None
        return None if record is None else next((one for one in tombstones([record]) if one.name == name), None)

    def buried(self, name: bytes) -> int | None:
        """The number of the record that has its tombstone, as far as was read here; None where none has."""
        return self._graves.find(name)

    def problems(self, *, torn: bool = True) -> list[str]:
        """What is damaged, missing or torn; empty for a sound journal. `torn` False: without what a kill leaves of a
        record that nobody was told is durable."""
        if not self._begun:
            self.read()
        found = list(self._problems)
        self._unsound = [one for one in self._unsound if not self._is_erased(one[1])]
        for number, _, state in self._unsound:
            if state is Sealed.ERASED:
                found.append(f"{self.owner} journal: the sealed part of record {number} is gone without a tombstone")
            else:
                found.append(f"{self.owner} journal: the sealed part of record {number} is damaged")
        if self._torn and torn:
            found.append(f"{self.owner} journal: torn or damaged after record {self._last_number}")
        present = self._segments()
        for segment in range(max(present, default=0) + 1):  # the first one is there from the store's making on
            path = self._path(segment)
            if segment not in present:
                found.append(f"{self.owner} journal: {path.name} is missing")
            elif path.stat().st_size != SEGMENT_SIZE:
                found.append(f"{self.owner} journal: {path.name} is not {SEGMENT_SIZE} octets long")
        return found

    def read(self) -> None:
        """Take in what was appended since, across segments. Raises StoreError."""
        if self._begun and self._nothing_new():
            return
        self._begun = True
        carried = 0  # blocks at the end of the segment before that hold no whole record
        for segment in [number for number in self._segments() if number >= self._segment]:
            data = self._octets(segment, 0)
            if segment != self._segment:
                if self._torn:
                    self._gaps.append((self._segment, self._offset, SEGMENT_SIZE))
                self._segment, self._offset, carried = segment, 0, self._torn
            self._take_in(data, carried)
            carried = 0

    @property
    def _last_number(self) -> int:
        return self._numbers[-1] if self._numbers else 0

    def _segments(self) -> list[int]:
        """Numbers of the segments that are there. One that is missing hides none of those after it."""
        numbers = [path.stem.removeprefix(f"{self.owner}-") for path in self._directory.glob(f"{self.owner}-*.dat")]
        return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())

    def _path(self, segment: int) -> Path:
        return self._directory / f"{self.owner}-{segment:05}.dat"

    def _octets(self, segment: int, begin: int, end: int | None = None) -> bytes:
        path = self._path(segment)
        try:
            with path.open("rb", buffering=0) as file:
                return os.pread(file.fileno(), SEGMENT_SIZE if end is None else end - begin, begin)
        except OSError as error:
            raise unusable(path, "read", error) from error

    def _nothing_new(self) -> bool:
        """A look at one block, for readers that ask often: its owner writes blocks in order, and a segment is whole
        before it is there."""
        path = self._path(self._segment)
        try:
            with path.open("rb", buffering=0) as file:
                following = os.pread(file.fileno(), BLOCK, self._offset)
        except FileNotFoundError:
            return False  # the journal's first segment, on a store in the making
        except OSError as error:
            raise unusable(path, "read", error) from error
        return not self._torn and not any(following) and not self._path(self._segment + 1).exists()

    def _take_in(self, data: bytes, carried: int) -> None:
        last_used = _used(data)
        self._torn = carried
        if not carried and not self._every_signature:
            for record, place in self._chained(data, last_used):
                self._take(record, place)
        while self._offset < last_used:
            found = next(self._accepted(data), None)
            if found is None:  # nothing whole follows: torn, unless a later segment continues the chain
                self._torn = padded(last_used - self._offset) // BLOCK
                return
            record, place = found
            self._check_link(record, self._torn + (place.at - self._offset) // BLOCK)
            self._take(record, place)
            self._torn = 0

    def _take(self, record: JournalRecord, place: Extent) -> None:
        if place.at > self._offset:
            self._gaps.append((self._segment, self._offset, place.at))
        self._numbers.append(record.number)
        self._blocks.append(self._segment * _BLOCKS + place.at // BLOCK)
        self._last_digest = record.digest
        self._offset = place.end
        if self._passed is not None:
            self._passed.append(record)
        if record.state is not Sealed.NONE:
            self._take_sealed(record, place)
        if record.type is JournalType.TOMBSTONE and self.owner == "keeper":
            for name, _ in buried_in(record):
                self._graves.add(name, record.number)
            if self._every_signature and not list(tombstones([record])):
                self._problems.append(f"keeper journal: the tombstone in record {record.number} is not readable")

    def _take_sealed(self, record: JournalRecord, place: Extent) -> None:
        name = name_of(record.call_id)
        if record.state is not Sealed.WHOLE:
            self._unsound.append((record.number, name, record.state))
        if record.state is not Sealed.ERASED:
            self._sealed.setdefault(name, []).append((self._segment, place.sealed_at, place.sealed_end))

    def _chained(self, data: bytes, last_used: int) -> list[tuple[JournalRecord, Extent]]:
        """All records up to the last one of a segment, if each follows the one before and the last one is whole and
        signed: by its chain, that one signature covers them all (measured: 10 µs a record instead of 70). Else none."""
        found: list[tuple[JournalRecord, Extent]] = []
        at, number, before = self._offset, self._last_number, self._last_digest
        while at < last_used:
            try:
                record, place = unpack_record(self.owner, data, at, self._store_id)
            except FormatError:
                return []
            if (record.number, record.before) != (number + 1, before):
                return []
            found.append((record, place))
            at, number, before = place.end, record.number, record.digest
        while found and found[-1][0].state not in (Sealed.NONE, Sealed.WHOLE):
            found.pop()  # what follows it is in the next segment, if anything does
        if not found or not self._signed(data, *found[-1]):
            return []
        return found

    def _accepted(self, data: bytes) -> Iterator[tuple[JournalRecord, Extent]]:
        """Whole records, and those that were whole: their writer went on from them, or their call was erased."""
        for record, place in self._signed_records(data, self._offset):
            if record.state in (Sealed.NONE, Sealed.WHOLE) or self._was_whole(record, place, data):
                yield record, place

    def _was_whole(self, record: JournalRecord, place: Extent, data: bytes) -> bool:
        following = next(self._signed_records(data, place.signed_end), None) or self._first_of_next_segment()
        if following is None:
            return self._is_erased(name_of(record.call_id))
        return (following[0].number, following[0].before) == (record.number + 1, record.digest)

    def _first_of_next_segment(self) -> tuple[JournalRecord, Extent] | None:
        path = self._path(self._segment + 1)
        return next(self._signed_records(path.read_bytes(), 0), None) if path.exists() else None

    def _signed_records(self, data: bytes, start: int) -> Iterator[tuple[JournalRecord, Extent]]:
        for at in range(start, len(data) - BLOCK + 1, BLOCK):
            if data[at : at + 4] != MAGIC:
                continue
            try:
                record, place = unpack_record(self.owner, data, at, self._store_id)
            except FormatError:
                continue
            if self._signed(data, record, place):
                yield record, place

    def _signed(self, data: bytes, record: JournalRecord, place: Extent) -> bool:
        return record.epoch < len(self._keys) and verify_signature(
            self._keys[record.epoch], DOMAIN_JOURNAL, *signed_part(data, place)
        )

    def _is_erased(self, name: bytes) -> bool:
        """Tombstones stand in the keeper's journal alone."""
        if self._keepers is None:
            self._keepers = JournalReader(self._directory, "keeper", self._store)
        if self._keepers is not self and not self._keepers._alone:
            self._keepers.read()
        return self._keepers.buried(name) is not None

    def _check_link(self, record: JournalRecord, skipped: int) -> None:
        expected = self._last_number + 1
        if record.number != expected:
            self._problems.append(f"{self.owner} journal: records {expected} to {record.number - 1} are missing")
        elif record.before != self._last_digest:
            self._problems.append(f"{self.owner} journal: record {record.number} does not follow the one before")
        elif skipped > _declared(record):
            self._problems.append(f"{self.owner} journal: unknown octets before record {record.number}")


def _used(data: bytes) -> int:
    """Octets up to the last one that is not zero; block by block, for octet by octet takes 2 ms a segment."""
    end = len(data)
    while end > BLOCK and data[end - BLOCK : end] == _ZEROS:
        end -= BLOCK
    return len(data[:end].rstrip(b"\0")) if end <= BLOCK else end - BLOCK + len(data[end - BLOCK : end].rstrip(b"\0"))


def _declared(record: JournalRecord) -> int:
    """Blocks before it that its writer found torn. An erasure may have left fewer of them in use."""
    blocks = record.public.get("torn_blocks", 0)
    return blocks if isinstance(blocks, int) else 0


def unusable(path: Path, done: str, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be {done} ({error.strerror})", where=str(path), remedy="check the disk; `tsuwaroku doctor` tells more"
    )
