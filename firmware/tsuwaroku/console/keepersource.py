"""Calls from a keeper whose socket was forwarded here (`ssh -L`): it gives ciphertext, and the key stays on this PC.

Nothing is believed that the store's own reader would not believe: headers, extents and their chain are checked here
against the box's key, and what a list shows is opened here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from ulid import ULID

from tsuwaroku.console.callsclient import CallsClient
from tsuwaroku.console.output import screen
from tsuwaroku.console.render import dated
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import (
    DamageError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    SecretError,
    ServiceError,
)
from tsuwaroku.records.call import CallRecord
from tsuwaroku.records.retention import Period
from tsuwaroku.service.callrows import GATHERED, AddedRow, CallRow, Listed, ListRequest
from tsuwaroku.service.hearing import HeardRequest, Opened, PlayRequest, ReadRequest
from tsuwaroku.service.redating import corrected, misdated
from tsuwaroku.store.calllist import open_cards
from tsuwaroku.store.cardcache import CardCache, cache_directory
from tsuwaroku.store.fold import by_seizure, fold
from tsuwaroku.store.held import HeldAmendments, HeldStore
from tsuwaroku.store.journal_record import JournalRecord
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import StoredCall, read_headers, scan_call
from tsuwaroku.store.seal import open_wrapped
from tsuwaroku.store.whole import problems_of

if TYPE_CHECKING:
    from tsuwaroku.console.session import Record
    from tsuwaroku.console.source import Hearing
    from tsuwaroku.store.keys import PrivateKey

REPORT_S = 3.0  # between two words of what was heard; a client that is cut off loses no more
_LISTING = "listing"
_SHOWING = "checking"


class KeeperSource:
    """One connection for each act. Every method raises what the keeper answers, and ServiceError where it does not."""

    def __init__(self, socket: Path) -> None:
        self.where = str(socket)
        self._socket = socket

    def records(self, private: PrivateKey | None, *, first_day: str = "", last_day: str = "") -> list[Record]:
        with CallsClient(self._socket) as keeper:
            key_id = "" if private is None else private.id.hex()
            listed = keeper.begin_list(ListRequest(first_day=first_day, last_day=last_day, key_id=key_id))
            if private is not None:
                listed.store.admit(private, self.where)
            added = {row.call_id: row for row in keeper.added(listed.ticket)}
            notes: list[str] = []
            found: Sequence[Record] = (
                _public(keeper, listed, added)
                if private is None
                else _Opening(keeper, listed, added, private, self.where, notes).records(
                    whole=not first_day and not last_day
                )
            )
            wrong = misdated(listed.boots, found)
            ends = {one.id: None for one in wrong} | {
                row.id: row.end() for row in keeper.ends(listed.ticket, [one.id for one in wrong])
            }
            keeper.listed(listed.ticket)
        for note in notes:
            screen(err=True).print(translate(note), style="yellow", markup=False, soft_wrap=True)
        records = corrected(listed.boots, found, ends, Period.from_code(listed.store.retention_days))
        last = last_day or "9"
        return [one for one in records if first_day <= dated(one)[:10] <= last]

    def problems(self, record: Record) -> list[str]:
        with CallsClient(self._socket) as keeper:
            opened = keeper.read(ReadRequest(call=record.id, why=_SHOWING))
            held = _held(keeper, opened, self.where)
            found = _problems(_scanned(held, opened), opened)
            keeper.heard(opened.ticket, HeardRequest(done=True))
        return found

    @contextmanager
    def hearing(
        self, record: CallRecord, private: PrivateKey, *, purpose: str, note: str, listeners: Sequence[str]
    ) -> Iterator[Hearing]:
        asked = PlayRequest(
            call=record.id, purpose=purpose, note=note, listeners=list(listeners), key_id=private.id.hex()
        )
        with CallsClient(self._socket) as keeper:
            opened = keeper.play(asked)
            hearing = KeeperHearing(keeper, opened, record, private, self.where)
            try:
                yield hearing
            finally:
                hearing.end()

    @contextmanager
    def reading(self, call_id: str, private: PrivateKey, *, why: str) -> Iterator[CallReader]:
        with CallsClient(self._socket) as keeper:
            opened = keeper.read(ReadRequest(call=call_id, why=why, key_id=private.id.hex()))
            try:
                yield _reader(keeper, opened, private, self.where)
            finally:
                with suppress(ServiceError, NotFoundError):
                    keeper.heard(opened.ticket, HeardRequest(done=True))


class KeeperHearing:
    """A call that is heard. What is told of it is kept by the keeper, should this process go away."""

    def __init__(
        self, keeper: CallsClient, opened: Opened, record: CallRecord, private: PrivateKey, where: str
    ) -> None:
        self.record = record
        self._keeper = keeper
        self._ticket = opened.ticket
        self._stretches: list[tuple[float, float]] | None = None
        self._told_s = float("-inf")
        try:
            self._reader = _reader(keeper, opened, private, where)
            self.starts_at_s = self._reader.starts_at_s(record)
        except BaseException:
            self.end()
            raise
        self.problems = _problems(self._reader.stored, opened)

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        return self._reader.pieces()

    def checked(self) -> list[str]:
        return self._reader.checked().problems

    def heard(self, stretches: Sequence[tuple[float, float]]) -> None:
        self._stretches = list(stretches)
        if time.monotonic() - self._told_s >= REPORT_S:
            self._tell(done=False)
            self._told_s = time.monotonic()

    def end(self) -> None:
        """The last word. One that does not get through is made up for by the keeper: it has the one before."""
        with suppress(ServiceError, NotFoundError):
            self._tell(done=True)

    def _tell(self, *, done: bool) -> None:
        self._keeper.heard(self._ticket, HeardRequest(stretches=self._stretches, done=done))


class _Slots:
    """The octets of one call's slots, asked for as they are needed; the last one is kept."""

    def __init__(self, keeper: CallsClient, opened: Opened) -> None:
        self.slots = opened.store.slots
        self._keeper = keeper
        self._ticket = opened.ticket
        self._place = {slot: number for number, slot in enumerate(opened.entry.slots)}
        self._heads = keeper.heads(opened.ticket, len(opened.entry.slots))
        self._last: tuple[int, bytes, set[int]] | None = None

    def read_block0(self, slot: int) -> bytes:
        return self._heads[self._place[slot]]

    def salvage(self, slot: int) -> tuple[bytes, set[int]]:
        if self._last is None or self._last[0] != slot:
            row = self._keeper.slot(self._ticket, self._place[slot])
            self._last = slot, row.data, set(row.bad)
        return self._last[1], self._last[2]


def _held(keeper: CallsClient, opened: Opened, where: str) -> HeldStore:
    return HeldStore(opened.store, _Slots(keeper, opened), where)


def _scanned(held: HeldStore, opened: Opened) -> StoredCall:
    """The call as its slots say. Raises DamageError where they are not its own."""
    headers = read_headers(held, opened.entry.slots)
    found = headers.calls.get(opened.entry.call_id)
    if not found:
        why = "; ".join(headers.problems) or "its slots are another call's"
        raise DamageError(
            f"nothing of it can be read ({why})", where=opened.entry.public.id, remedy="run `tsuwaroku verify`"
        )
    stored = scan_call(held, found)
    stored.problems += headers.problems
    return stored


def _problems(stored: StoredCall, opened: Opened) -> list[str]:
    return problems_of(stored, opened.records, opened.entry)


def _reader(keeper: CallsClient, opened: Opened, private: PrivateKey, where: str) -> CallReader:
    held = _held(keeper, opened, where)
    amendments = HeldAmendments({opened.entry.call_id: opened.records})
    return CallReader(_scanned(held, opened), held, private, opened.entry.wraps, amendments)


def _public(keeper: CallsClient, listed: Listed, added: dict[bytes, AddedRow]) -> list[Record]:
    rows = _latest(row for day in listed.days for row in keeper.day(listed.ticket, day.day))
    found: list[Record] = [fold(row.public, _said(added, row.public.id)) for row in rows]
    found += [row.public for row in added.values() if row.public is not None]
    return sorted(found, key=lambda record: record.sequence)


def _latest(rows: Iterator[CallRow]) -> list[CallRow]:
    """Of rows about one call the last: what is in no day's file yet comes last."""
    return list({row.public.id: row for row in rows}.values())


def _said(added: dict[bytes, AddedRow], call_id: str) -> list[JournalRecord]:
    row = added.get(ULID.from_str(call_id).bytes)
    return [] if row is None else row.records


class _Opening:
    """One list with a key. Days that were opened before are kept on this PC (`store/cardcache.py`), under the keeper's
    digest of the day: it is made of ciphertext that is overwritten when the calls are erased, and goes with them."""

    def __init__(
        self,
        keeper: CallsClient,
        listed: Listed,
        added: dict[bytes, AddedRow],
        private: PrivateKey,
        where: str,
        notes: list[str],
    ) -> None:
        self._keeper = keeper
        self._listed = listed
        self._added = added
        self._private = private
        self._where = where
        self._notes = notes
        self._amendments = HeldAmendments({call_id: row.records for call_id, row in added.items()})
        self._cache = CardCache(cache_directory() / "sockets", bytes.fromhex(listed.store.store_id), private)
        self._kept: set[str] = set()
        self._refused: SecretError | None = None

    def records(self, *, whole: bool) -> list[Record]:
        """`whole`: of every day there is; what is kept of other days goes then. Raises SecretError where the key opens
        not one call."""
        found: dict[str, CallRecord] = {}
        others: list[Record] = []
        for day in self._listed.days:
            digest = bytes.fromhex(day.digest)
            opened, rest = self._day(day.day, digest)
            found |= {record.id: record for record in opened}
            for row in rest:
                found.pop(row.public.id, None)
                record = self._awkward(row, digest)
                if isinstance(record, CallRecord):
                    found[record.id] = record
                elif record is not None:
                    others.append(fold(record, _said(self._added, record.id)))
        for none in self._added.values():
            if none.public is not None:
                self._without_room(none, found)
        if self._refused is not None and not found:
            raise self._refused
        if whole:  # a list of some days says nothing of the others, which would all be opened anew next time
            self._cache.sweep(self._kept)
        folded = [fold(record, _said(self._added, record.id), self._private) for record in found.values()]
        return [*by_seizure(folded), *others]

    def _day(self, day: str, digest: bytes) -> tuple[list[CallRecord], list[CallRow]]:
        """The records of a day, and the rows whose card does not tell all."""
        kept = self._cache.get(day, digest) if day != GATHERED else None
        if kept is not None:
            self._kept.add(day)
            return kept, []
        rows = self._keeper.day(self._listed.ticket, day)
        opened = open_cards([row for row in rows if row.card], self._private, self._amendments)
        rest = [row for row in rows if row.public.id not in opened]
        if day != GATHERED and not rest:
            self._cache.put(day, digest, list(opened.values()))
            self._kept.add(day)
        return list(opened.values()), rest

    def _awkward(self, row: CallRow, digest: bytes) -> Record | None:
        """A call that was cut off has no card, and some cards do not hold it all: its slots tell."""
        call_id = ULID.from_str(row.public.id).bytes
        wraps = [*row.wraps, *self._amendments.wraps(call_id)]
        if not row.card and not wraps:
            return row.public  # its days are over
        kept = self._cache.get(row.public.id, digest)
        if kept:
            self._kept.add(row.public.id)
            return kept[0]
        try:
            open_wrapped(wraps, self._private, call_id)
            record = self._read(row)
        except SecretError as error:
            self._refused = error
            self._notes.append(f"call {row.public.sequence}: {error}")
            return None
        except (DamageError, RefusedError, ForbiddenError, NotFoundError) as error:
            self._notes.append(f"call {row.public.sequence}: {error}")
            return row.public
        self._cache.put(row.public.id, digest, [record])
        self._kept.add(row.public.id)
        return record

    def _read(self, row: CallRow) -> CallRecord:
        asked = ReadRequest(call=row.public.id, why=_LISTING, key_id=self._private.id.hex())
        opened = self._keeper.read(asked)
        try:
            return _reader(self._keeper, opened, self._private, self._where).record()
        finally:
            self._keeper.heard(opened.ticket, HeardRequest(done=True))

    def _without_room(self, row: AddedRow, found: dict[str, CallRecord]) -> None:
        for record in row.records:
            try:
                secret = record.secret(self._private)
                if secret is not None and "audio" in secret:
                    opened = msgspec.convert(secret, CallRecord)
                    found[opened.id] = opened
            except (SecretError, msgspec.ValidationError) as error:
                self._notes.append(f"call {record.public.get('sequence')}: {error}")
