"""The journal: amendments to calls that are closed, and what happened to the box. Format: FORMAT.md, "Journal".

Two processes keep one each (`recorder`, `keeper`); a record is durable when `append` returns and is never
written again. A record torn by a power cut stays where it is: the writer goes on after it with a checkpoint
that says so, and readers step over it.
"""

from __future__ import annotations

import enum
import hashlib
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from nacl.public import PublicKey, SealedBox

from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.store import durable
from tsuwaroku.store.keys import DeviceKey, PrivateKey, Recipient, verify_signature
from tsuwaroku.store.slot import BLOCK, QUALITIES, FormatError, WrappedKey, padded

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

VERSION = 1
SEGMENT_SIZE = 1024 * 1024
MAGIC = b"TJNL"
DOMAIN_JOURNAL = b"tsuwaroku journal 1\0"
NO_CALL = bytes(16)

HEAD = struct.Struct("<4sHHQ16s16sQQ16sB3xII4x32s")
SIGNATURE_AT = 128
BODY_AT = 192


class JournalType(enum.IntEnum):
    """What a record says; the numbers are FORMAT.md's."""

    MARK = 1
    MARK_WITHDRAWN = 2
    WRAP = 3
    DISCARDED = 4
    NOT_RECORDED = 5
    RECOVERED = 6
    RECORDER_STARTED = 7
    RECORDER_STOPPED = 8
    CHECKPOINT = 9
    HOLD = 10
    HOLD_RELEASED = 11
    TOMBSTONE = 12
    ALIVE = 13


class JournalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `sealed` pairs a recipient id (16 octets) with a SealedBox: JSON, in a `wrap` the call key.

    `digest` is what the next record names as the one before it.
    """

    owner: str
    number: int
    type: JournalType
    call_id: bytes
    wall_ns: int
    mono_ns: int
    boot_id: bytes
    quality: ClockQuality
    epoch: int
    public: dict[str, Any]
    sealed: list[tuple[bytes, bytes]]
    before: bytes
    digest: bytes

    @property
    def wraps(self) -> tuple[WrappedKey, ...]:
        """The wrapped keys of a `wrap` record; none in any other."""
        if self.type is not JournalType.WRAP:
            return ()
        return tuple(WrappedKey(recipient, box) for recipient, box in self.sealed)

    def secret(self, private: PrivateKey | None) -> dict[str, Any] | None:
        """What was sealed to this key's owner, or None. Raises SecretError where the box does not open."""
        for recipient, box in self.sealed:
            if private is not None and recipient == private.id and self.type is not JournalType.WRAP:
                return msgspec.json.decode(private.open_sealed(box), type=dict[str, Any])
        return None


class _Body(msgspec.Struct):
    public: dict[str, Any]
    sealed: list[tuple[bytes, bytes]]


def unpack_record(owner: str, data: bytes, at: int, store_id: bytes) -> tuple[JournalRecord, int]:
    """The record at `at` and its size on disk. Raises FormatError. The signature is not checked."""
    if data[at : at + 4] != MAGIC:
        raise FormatError("not a journal record")
    fields = HEAD.unpack_from(data, at)
    length = fields[10]
    size = padded(BODY_AT + length)
    if fields[1] != VERSION or fields[4] != store_id or fields[9] >= len(QUALITIES) or size > len(data) - at:
        raise FormatError("journal record out of range")
    octets = data[at + BODY_AT : at + BODY_AT + length]
    if any(data[at + BODY_AT + length : at + size]):
        raise FormatError("padding of a journal record is not zero")
    try:
        body = msgspec.msgpack.decode(octets, type=_Body)
        kind = JournalType(fields[2])
    except (msgspec.DecodeError, ValueError) as error:
        raise FormatError(f"journal record is not readable: {error}") from error
    record = JournalRecord(
        owner=owner,
        number=fields[3],
        type=kind,
        call_id=fields[5],
        wall_ns=fields[6],
        mono_ns=fields[7],
        boot_id=fields[8],
        quality=QUALITIES[fields[9]],
        epoch=fields[11],
        public=body.public,
        sealed=body.sealed,
        before=fields[12],
        digest=hashlib.sha256(data[at : at + SIGNATURE_AT] + octets).digest(),
    )
    return record, size


class Journal:
    """One journal. With a device key it can be appended to, by one process; without, it is read."""

    def __init__(self, directory: Path, owner: str, store: Store, device: DeviceKey | None = None) -> None:
        self._directory = directory
        self._owner = owner
        self._store_id = store.store_id
        self._keys = [bytes.fromhex(key) for key in store.info.device_keys]
        self._device = device
        self._records: list[JournalRecord] = []
        self._problems: list[str] = []
        self._segment = 0
        self._offset = 0  # where the next record belongs, in self._segment
        self._torn = 0  # blocks of a record cut by a power cut, at self._offset
        self._fd = -1
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

    def problems(self) -> list[str]:
        """What is damaged, missing or torn; empty for a sound journal."""
        found = list(self._problems)
        if self._torn:
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
        octets = self._pack(kind, now, call_id, msgspec.msgpack.encode(_Body(dict(public or {}), sealed)))
        record, size = unpack_record(self._owner, octets, 0, self._store_id)
        self._write(octets)
        self._offset += size
        self._records.append(record)
        return record

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

    def _pack(self, kind: JournalType, now: Instant, call_id: bytes, body: bytes) -> bytes:
        if self._device is None:
            raise StoreError("is open for reading only", where=str(self._directory), remedy="this is a bug")
        head = HEAD.pack(
            MAGIC,
            VERSION,
            kind,
            self._last_number + 1,
            self._store_id,
            call_id,
            now.wall_ns,
            now.mono_ns,
            now.boot_id,
            QUALITIES.index(now.quality),
            len(body),
            self._device.epoch,
            self._last_digest,
        )
        octets = head + self._device.sign(DOMAIN_JOURNAL, head + body) + body
        return octets.ljust(padded(len(octets)), b"\0")

    def _write(self, octets: bytes) -> None:
        try:
            if self._offset + len(octets) > SEGMENT_SIZE or not self._path(self._segment).exists():
                self._next_segment()
            if self._fd < 0:
                self._fd = os.open(self._path(self._segment), os.O_WRONLY | os.O_CLOEXEC)
            os.pwrite(self._fd, octets, self._offset)
            os.fdatasync(self._fd)
        except OSError as error:
            raise _unusable(self._path(self._segment), "written", error) from error

    def _next_segment(self) -> None:
        following = self._segment + 1 if self._path(self._segment).exists() else self._segment
        durable.create_filled(self._path(following), SEGMENT_SIZE, None, None)
        self.close()
        self._segment, self._offset = following, 0

    def _read_on(self) -> None:
        """Take in the records after the last one known, across segments."""
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

    def _take_in(self, data: bytes, carried: int) -> None:
        last_used = len(data.rstrip(b"\0"))
        self._torn = carried
        while self._offset < last_used:
            found = next(self._whole_records(data, self._offset), None)
            if found is None:  # nothing whole follows: torn, unless a later segment continues the chain
                self._torn = padded(last_used - self._offset) // BLOCK
                return
            record, at, size = found
            self._check_link(record, self._torn + (at - self._offset) // BLOCK)
            self._records.append(record)
            self._torn = 0
            self._offset = at + size

    def _whole_records(self, data: bytes, start: int) -> Iterator[tuple[JournalRecord, int, int]]:
        for at in range(start, len(data) - BLOCK + 1, BLOCK):
            try:
                record, size = unpack_record(self._owner, data, at, self._store_id)
            except FormatError:
                continue
            if self._signed(record, data, at):
                yield record, at, size

    def _signed(self, record: JournalRecord, data: bytes, at: int) -> bool:
        if record.epoch >= len(self._keys):
            return False
        length = HEAD.unpack_from(data, at)[10]
        octets = data[at : at + SIGNATURE_AT] + data[at + BODY_AT : at + BODY_AT + length]
        signature = data[at + SIGNATURE_AT : at + BODY_AT]
        return verify_signature(self._keys[record.epoch], DOMAIN_JOURNAL, octets, signature)

    def _check_link(self, record: JournalRecord, skipped: int) -> None:
        expected = self._last_number + 1
        if record.number != expected:
            self._problems.append(f"{self._owner} journal: records {expected} to {record.number - 1} are missing")
        elif record.before != self._last_digest:
            self._problems.append(f"{self._owner} journal: record {record.number} does not follow the one before")
        elif skipped and record.public.get("torn_blocks") != skipped:
            self._problems.append(f"{self._owner} journal: unknown octets before record {record.number}")


def seal_to(recipient: Recipient, text: bytes) -> tuple[bytes, bytes]:
    """The recipient's id and a SealedBox that only its private key opens."""
    box = SealedBox(PublicKey(bytes.fromhex(recipient.public_key)))
    return bytes.fromhex(recipient.id), box.encrypt(text)


def _unusable(path: Path, done: str, error: OSError) -> StoreError:
    return StoreError(
        f"cannot be {done} ({error.strerror})", where=str(path), remedy="check the disk; `tsuwaroku doctor` tells more"
    )
