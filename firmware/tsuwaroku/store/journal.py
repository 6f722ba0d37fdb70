"""The journal: amendments to calls that are closed, and what happened to the box. Format: FORMAT.md, "Journal".

Two processes keep one each (`recorder`, `keeper`); a record is durable when `append` returns and is never
written again, but for its sealed part when its call is erased. A record torn by a power cut stays where it is: the
writer goes on after it with a checkpoint that says so, and readers step over it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from nacl.public import PublicKey, SealedBox

from tsuwaroku.clock import Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.store import durable
from tsuwaroku.store.journal_record import (
    CALL_ID_AT,
    DOMAIN_JOURNAL,
    MAGIC,
    NO_CALL,
    SIGNATURE_AT,
    Extent,
    JournalRecord,
    JournalType,
    Sealed,
    pack_body,
    pack_head,
    signed_part,
    unpack_record,
)
from tsuwaroku.store.keys import DeviceKey, Recipient, verify_signature
from tsuwaroku.store.overwrite import Overwriter
from tsuwaroku.store.slot import BLOCK, FormatError, WrappedKey, padded
from tsuwaroku.store.tombstone import name_of, tombstones

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

__all__ = ["NO_CALL", "SEGMENT_SIZE", "Journal", "JournalRecord", "JournalType", "Sealed", "seal_to", "unpack_record"]

SEGMENT_SIZE = 1024 * 1024


class Journal:
    """One journal. With a device key it can be appended to, by one process; without, it is read."""

    def __init__(self, directory: Path, owner: str, store: Store, device: DeviceKey | None = None) -> None:
        self._directory = directory
        self._owner = owner
        self._store = store
        self._store_id = store.store_id
        self._keys = [bytes.fromhex(key) for key in store.info.device_keys]
        self._device = device
        self._records: list[JournalRecord] = []
        self._places: list[tuple[int, Extent]] = []  # of the records: segment, and where in it
        self._tombstones: set[bytes] = set()  # names, as far as known here
        self._keepers: Journal | None = None
        self._problems: list[str] = []
        self._segment = 0
        self._offset = 0  # where the next record belongs, in self._segment
        self._torn = 0  # blocks of a record cut by a power cut, at self._offset
        self._fd = -1
        self._failed = False  # the last write; the file is opened again for the next
        self._begun = False  # taking in what is there
        self._read_on()
        if device is not None:
            self._offset += self._torn * BLOCK

    @classmethod
    def open(cls, directory: Path, owner: str, store: Store, device: DeviceKey | None = None) -> Journal:
        """The journal of `owner` ("recorder" or "keeper"). Raises StoreError."""
        return cls(directory, owner, store, device)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def records(self) -> list[JournalRecord]:
        """Every record, oldest first; a reader takes in what was appended since."""
        if self._device is None:
            self._read_on()
        return list(self._records)

    def problems(self, *, torn: bool = True) -> list[str]:
        """What is damaged, missing or torn; empty for a sound journal. `torn` False: without what a kill leaves of a
        record that nobody was told is durable."""
        found = list(self._problems)
        for number, state in [(r.number, r.state) for r in self._records if not self._sound(r)]:
            if state is Sealed.ERASED:
                found.append(f"{self._owner} journal: the sealed part of record {number} is gone without a tombstone")
            else:
                found.append(f"{self._owner} journal: the sealed part of record {number} is damaged")
        if self._torn and torn:
            found.append(f"{self._owner} journal: torn or damaged after record {self._last_number}")
        present = self._segments()
        for segment in range(max(present, default=0) + 1):  # the first one is there from the store's making on
            path = self._path(segment)
            if segment not in present:
                found.append(f"{self._owner} journal: {path.name} is missing")
            elif path.stat().st_size != SEGMENT_SIZE:
                found.append(f"{self._owner} journal: {path.name} is not {SEGMENT_SIZE} octets long")
        return found

    def append(
        self,
        kind: JournalType,
        now: Instant,
        call_id: bytes = NO_CALL,
        public: Mapping[str, Any] | None = None,
        secret: Mapping[str, Any] | None = None,
        recipients: Sequence[Recipient] = (),
        wraps: Sequence[WrappedKey] = (),
    ) -> JournalRecord:
        """Write a record; it is durable on return. `secret` is sealed to `recipients`, `wraps` go in as they are.

        Raises StoreError; the record was then not written and can be tried again.
        """
        if self._torn:
            blocks, self._torn = self._torn, 0
            self.append(JournalType.CHECKPOINT, now, public={"torn_blocks": blocks})
        sealed = [(wrap.recipient, wrap.sealed) for wrap in wraps]
        if secret is not None:
            sealed += [seal_to(recipient, msgspec.json.encode(secret)) for recipient in recipients]
        octets = self._pack(kind, now, call_id, *pack_body(dict(public or {}), sealed))
        record, place = unpack_record(self._owner, octets, 0, self._store_id)
        self._write(octets)
        self._take(record, place.moved(self._offset))
        return record

    def erase_sealed(self, names: Collection[bytes]) -> int:
        """Overwrite the sealed parts of all records of calls with these names (tombstone.py), and what torn records of
        theirs left; read back. Returns the octets. Raises StoreError.

        Safe beside the journal's owner: it writes a block once, and only blocks after its last record.
        """
        self.records()
        octets = 0
        for segment in self._segments():
            spans = [*self._sealed_spans(segment, names), *self._torn_spans(segment, names)]
            if spans:
                with Overwriter(self._path(segment)) as file:
                    file.blank(spans)
                octets += sum(end - begin for begin, end in spans)
        for index, record in enumerate(self._records):
            if record.state is not Sealed.NONE and name_of(record.call_id) in names:
                self._records[index] = msgspec.structs.replace(record, sealed=[], state=Sealed.ERASED)
        return octets

    @property
    def _last_number(self) -> int:
        return self._records[-1].number if self._records else 0

    @property
    def _last_digest(self) -> bytes:
        return self._records[-1].digest if self._records else bytes(32)

    def _segments(self) -> list[int]:
        """Numbers of the segments that are there. One that is missing hides none of those after it."""
        numbers = [path.stem.removeprefix(f"{self._owner}-") for path in self._directory.glob(f"{self._owner}-*.dat")]
        return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())

    def _path(self, segment: int) -> Path:
        return self._directory / f"{self._owner}-{segment:05}.dat"

    def _pack(self, kind: JournalType, now: Instant, call_id: bytes, body: bytes, sealed: bytes) -> bytes:
        if self._device is None:
            raise StoreError("is open for reading only", where=str(self._directory), remedy="this is a bug")
        head = pack_head(
            kind,
            self._last_number + 1,
            self._store_id,
            call_id,
            now,
            (len(body), len(sealed)),
            self._device.epoch,
            self._last_digest,
        )
        octets = head + self._device.sign(DOMAIN_JOURNAL, head + body) + body + sealed
        return octets.ljust(padded(len(octets)), b"\0")

    def _write(self, octets: bytes) -> None:
        try:
            if self._failed:
                self._store.refuse_other()
            if self._offset + len(octets) > SEGMENT_SIZE or not self._path(self._segment).exists():
                self._next_segment()
            if self._fd < 0:
                self._fd = os.open(self._path(self._segment), os.O_WRONLY | os.O_CLOEXEC)
            os.pwrite(self._fd, octets, self._offset)
            os.fdatasync(self._fd)
            self._failed = False
        except OSError as error:
            self._failed = True
            with contextlib.suppress(OSError):
                self.close()
            raise _unusable(self._path(self._segment), "written", error) from error

    def _next_segment(self) -> None:
        following = self._segment + 1 if self._path(self._segment).exists() else self._segment
        durable.create_filled(self._path(following), SEGMENT_SIZE, None, None)
        self.close()
        self._segment, self._offset = following, 0

    def _read_on(self) -> None:
        """Take in the records after the last one known, across segments."""
        if self._begun and self._nothing_new():
            return
        self._begun = True
        carried = 0  # blocks at the end of the segment before that hold no whole record
        for segment in [number for number in self._segments() if number >= self._segment]:
            path = self._path(segment)
            try:
                data = path.read_bytes()
            except OSError as error:
                raise _unusable(path, "read", error) from error
            if segment != self._segment:
                self._segment, self._offset, carried = segment, 0, self._torn
            self._take_in(data, carried)
            carried = 0

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
            raise _unusable(path, "read", error) from error
        return not self._torn and not any(following) and not self._path(self._segment + 1).exists()

    def _take_in(self, data: bytes, carried: int) -> None:
        last_used = len(data.rstrip(b"\0"))
        self._torn = carried
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
        self._records.append(record)
        self._places.append((self._segment, place))
        self._offset = place.end
        if record.type is JournalType.TOMBSTONE and self._owner == "keeper":
            names = {stone.name for stone in tombstones([record])}
            self._tombstones |= names
            if not names:
                self._problems.append(f"keeper journal: the tombstone in record {record.number} is not readable")

    def _accepted(self, data: bytes) -> Iterator[tuple[JournalRecord, Extent]]:
        """Whole records, and those that were whole: their writer went on from them, or their call was erased."""
        for record, place in self._signed_records(data, self._offset):
            if record.state in (Sealed.NONE, Sealed.WHOLE) or self._was_whole(record, place, data):
                yield record, place

    def _was_whole(self, record: JournalRecord, place: Extent, data: bytes) -> bool:
        following = next(self._signed_records(data, place.signed_end), None) or self._first_of_next_segment()
        if following is None:
            return self._is_erased(record.call_id)
        return (following[0].number, following[0].before) == (record.number + 1, record.digest)

    def _first_of_next_segment(self) -> tuple[JournalRecord, Extent] | None:
        path = self._path(self._segment + 1)
        return next(self._signed_records(path.read_bytes(), 0), None) if path.exists() else None

    def _signed_records(self, data: bytes, start: int) -> Iterator[tuple[JournalRecord, Extent]]:
        for at in range(start, len(data) - BLOCK + 1, BLOCK):
            if data[at : at + 4] != MAGIC:
                continue
            try:
                record, place = unpack_record(self._owner, data, at, self._store_id)
            except FormatError:
                continue
            if record.epoch < len(self._keys) and verify_signature(
                self._keys[record.epoch], DOMAIN_JOURNAL, *signed_part(data, place)
            ):
                yield record, place

    def _sound(self, record: JournalRecord) -> bool:
        return record.state in (Sealed.NONE, Sealed.WHOLE) or self._is_erased(record.call_id)

    def _is_erased(self, call_id: bytes) -> bool:
        """Tombstones stand in the keeper's journal alone."""
        if self._owner == "keeper":
            return name_of(call_id) in self._tombstones
        if self._keepers is None:
            self._keepers = Journal(self._directory, "keeper", self._store)
        self._keepers.records()
        return self._keepers._is_erased(call_id)

    def _sealed_spans(self, segment: int, names: Collection[bytes]) -> Iterator[tuple[int, int]]:
        for record, (where, place) in zip(self._records, self._places, strict=True):
            if where == segment and record.state is not Sealed.NONE and name_of(record.call_id) in names:
                yield place.sealed_at, place.sealed_end

    def _torn_spans(self, segment: int, names: Collection[bytes]) -> Iterator[tuple[int, int]]:
        """What torn records of these calls left between whole ones; at the journal's end is its owner's to write."""
        at = 0
        data = self._path(segment).read_bytes()
        places = [place for where, place in self._places if where == segment]
        beyond = [] if segment == self._segment else [Extent(len(data), len(data), len(data))]
        for place in [*places, *beyond]:
            yield from _torn_in(data[: place.at], at, self._store_id, names)
            at = place.end

    def _check_link(self, record: JournalRecord, skipped: int) -> None:
        expected = self._last_number + 1
        if record.number != expected:
            self._problems.append(f"{self._owner} journal: records {expected} to {record.number - 1} are missing")
        elif record.before != self._last_digest:
            self._problems.append(f"{self._owner} journal: record {record.number} does not follow the one before")
        elif skipped > _declared(record):
            self._problems.append(f"{self._owner} journal: unknown octets before record {record.number}")


def _declared(record: JournalRecord) -> int:
    """Blocks before it that its writer found torn. An erasure may have left fewer of them in use."""
    blocks = record.public.get("torn_blocks", 0)
    return blocks if isinstance(blocks, int) else 0


def _torn_in(data: bytes, start: int, store_id: bytes, names: Collection[bytes]) -> Iterator[tuple[int, int]]:
    begin: int | None = None
    for at in range(start, len(data), BLOCK):
        if data[at : at + 4] == MAGIC and data[at + 16 : at + CALL_ID_AT] == store_id:
            if begin is not None:
                yield begin, at
            ours = name_of(data[at + CALL_ID_AT : at + CALL_ID_AT + 16]) in names
            begin = at + SIGNATURE_AT if ours else None
    if begin is not None and start < len(data):
        yield begin, len(data)


def seal_to(recipient: Recipient, text: bytes) -> tuple[bytes, bytes]:
    """The recipient's id and a SealedBox that only its private key opens."""
    box = SealedBox(PublicKey(bytes.fromhex(recipient.public_key)))
    return bytes.fromhex(recipient.id), box.encrypt(text)


def _unusable(path: Path, done: str, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be {done} ({error.strerror})", where=str(path), remedy="check the disk; `tsuwaroku doctor` tells more"
    )
