"""The journal: amendments to calls that are closed, and what happened to the box. Format: FORMAT.md, "Journal".

Two processes keep one each (`recorder`, `keeper`); a record is durable when `append` returns and is never
written again, but for its sealed part when its call is erased. Reading is `journal_reader.py`'s.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.store import durable
from tsuwaroku.store.journal_reader import SEGMENT_SIZE, JournalReader, unusable
from tsuwaroku.store.journal_record import (
    CALL_ID_AT,
    DOMAIN_JOURNAL,
    MAGIC,
    NO_CALL,
    SIGNATURE_AT,
    JournalRecord,
    JournalType,
    Sealed,
    pack_body,
    pack_head,
    unpack_record,
)
from tsuwaroku.store.keys import DeviceKey, Recipient
from tsuwaroku.store.overwrite import Overwriter
from tsuwaroku.store.seal import seal_to_each
from tsuwaroku.store.slot import BLOCK, WrappedKey, padded
from tsuwaroku.store.tombstone import name_of
from tsuwaroku.store.torn_record import may_be_torn

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

__all__ = ["NO_CALL", "SEGMENT_SIZE", "Journal", "JournalRecord", "JournalType", "Sealed", "unpack_record"]


class Journal(JournalReader):
    """One journal. With a device key it can be appended to, by one process; without, it is read."""

    def __init__(
        self,
        directory: Path,
        owner: str,
        store: Store,
        device: DeviceKey | None = None,
        keepers: JournalReader | None = None,
        *,
        every_signature: bool = False,
    ) -> None:
        super().__init__(directory, owner, store, keepers, every_signature=every_signature)
        self._device = device
        self._fd = -1
        self._failed = False  # the last write; the file is opened again for the next
        self.damaged = False
        """Whether what stood after the last whole record was no tear (torn_record.py); it stays there, undeclared."""
        if device is not None:
            self.read()
            self._alone = True
            self._torn_at = self._offset
            self._offset += self._torn * BLOCK
            left = self._octets(self._segment, self._torn_at, self._offset) if self._torn else b""
            self.damaged = not may_be_torn(left, self._store_id)

    @classmethod
    def open(
        cls,
        directory: Path,
        owner: str,
        store: Store,
        device: DeviceKey | None = None,
        keepers: JournalReader | None = None,
        *,
        every_signature: bool = False,
    ) -> Journal:
        """The journal of `owner` ("recorder" or "keeper"). `keepers`: the keeper's, where it is open already; it has
        the tombstones. `every_signature`: for `verify`, though none of them adds to what the digests prove.

        Raises StoreError.
        """
        return cls(directory, owner, store, device, keepers, every_signature=every_signature)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

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
            self._declare(now)
        sealed = [(wrap.recipient, wrap.sealed) for wrap in wraps]
        if secret is not None:
            sealed += seal_to_each(recipients, msgspec.json.encode(secret))
        octets = self._pack(kind, now, call_id, *pack_body(dict(public or {}), sealed))
        record, place = unpack_record(self.owner, octets, 0, self._store_id)
        self._write(octets)
        self._take(record, place.moved(self._offset))
        return record

    def mend(self, now: Instant) -> None:
        """Declare what a power cut left of a record: until then it may as well be damage. Raises StoreError."""
        if self._torn:
            self._declare(now)

    def _declare(self, now: Instant) -> None:
        blocks, self._torn, where = self._torn, 0, self._segment
        try:
            self.append(JournalType.CHECKPOINT, now, public={"torn_blocks": 0 if self.damaged else blocks})
        except StoreError:
            self._torn = blocks
            raise
        end = SEGMENT_SIZE if self._segment != where else self._torn_at + blocks * BLOCK
        self._gaps.append((where, self._torn_at, end))

    def erase_sealed(self, names: Collection[bytes]) -> int:
        """Overwrite the sealed parts of all records of calls with these names (tombstone.py), and what torn records of
        theirs left; read back. Returns the octets. Raises StoreError.

        Safe beside the journal's owner: it writes a block once, and only blocks after its last record.
        """
        self.read()
        spans: dict[int, list[tuple[int, int]]] = {}
        for name in names:
            for segment, begin, end in self._sealed.get(name, ()):
                spans.setdefault(segment, []).append((begin, end))
        for segment, begin, end in self._gaps:  # after a restart in a power cut; there are few
            left = _torn_in(self._octets(segment, 0)[:end], begin, self._store_id, names)
            spans.setdefault(segment, []).extend(left)
        octets = 0
        for segment, where in spans.items():
            if where:
                with Overwriter(self._path(segment)) as file:
                    file.blank(sorted(where))
                octets += sum(end - begin for begin, end in where)
        for name in names:
            self._sealed.pop(name, None)
        return octets

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
            durable.write_all(self._fd, octets, self._offset)
            durable.sync_data(self._fd)
            self._failed = False
        except OSError as error:
            self._failed = True
            with contextlib.suppress(OSError):
                self.close()
            raise unusable(self._path(self._segment), "written", error) from error

    def _next_segment(self) -> None:
        following = self._segment + 1 if self._path(self._segment).exists() else self._segment
        durable.create_filled(self._path(following), SEGMENT_SIZE, None, None)
        self.close()
        self._segment, self._offset = following, 0


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
