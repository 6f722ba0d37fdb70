"""The list of calls as people wait for it: 36,000 of them in a third of a second.

It says what `recovery.list_calls` says, call for call. That one reads whole entries; this one what a list shows, from
the catalogue's files themselves, and cards that were opened before from the boxes of `cardcache`.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec
from tinydb import TinyDB
from ulid import ULID

from tsuwaroku.errors import SecretError
from tsuwaroku.records.call import CallRecord, PublicRecord
from tsuwaroku.store.amendments import Amended, Amendments, read_amendments
from tsuwaroku.store.cardcache import CardCache, decoded
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.fold import by_seizure, fold
from tsuwaroku.store.journal_record import JournalRecord
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import (
    entry_of,
    find_calls,
    list_calls,
    not_recorded,
    not_recorded_public,
    open_rows,
)
from tsuwaroku.store.scan import StoredCall
from tsuwaroku.store.seal import card_fits, open_card, open_wrapped
from tsuwaroku.store.slot import FormatError, WrappedKey

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

_R = TypeVar("_R", CallRecord, PublicRecord)


class _Shown(msgspec.Struct, frozen=True):
    """As much of an entry as a list without a key shows."""

    public: PublicRecord


class Carded(Protocol):
    """What it takes to open the card of a call."""

    @property
    def public(self) -> PublicRecord: ...
    @property
    def card(self) -> bytes: ...
    @property
    def wraps(self) -> list[WrappedKey]: ...


class _Carded(msgspec.Struct, frozen=True):
    """As much of an entry as it takes to open its card."""

    public: PublicRecord
    card: bytes
    wraps: list[WrappedKey]


def quick_public(store: Store, warnings: list[str]) -> list[PublicRecord]:
    """As `list_calls` without a key. Raises StoreError."""
    with _without_collections():
        files = _day_files(store)
        new, written = files.pop("", b""), dict[str, PublicRecord]()
        try:
            for octets in files.values():
                written |= {e.public.id: e.public for e in _decode(octets, dict[str, dict[str, _Shown]]).values()}
        except (msgspec.DecodeError, ValueError):
            return list_calls(store, warnings=warnings)  # it names the file, and reads the ring for it
        written |= {entry.public.id: entry.public for entry in _lines(new)}
        amendments = read_amendments(store)
        rows = [(entry_of(stored), stored) for stored in _uncatalogued(store, written)]
        found = [*written.values(), *(entry.public for entry, _ in rows)]
        records = _amended(found, amendments, None)
        records += [not_recorded_public(record) for record in not_recorded(amendments)]
        return sorted(records, key=lambda record: record.sequence)


def quick_records(store: Store, private: PrivateKey, cache: CardCache | None, warnings: list[str]) -> list[CallRecord]:
    """As `list_calls` with a key. Raises StoreError, SecretError."""
    with _without_collections():
        store.admit(private)
        files = _day_files(store)
        amendments = read_amendments(store)
        new = {str(ULID.from_bytes(entry.call_id)): entry for entry in _lines(files.pop("", b""))}
        records: dict[str, CallRecord] = {}
        awkward: list[tuple[CatalogueEntry, StoredCall | None]] = [(entry, None) for entry in new.values()]
        for day, (octets, kept) in _boxes(cache, files).items():
            try:
                opened, left = (kept, []) if kept is not None else _open_day(octets, private, amendments)
            except (msgspec.DecodeError, ValueError):
                return list_calls(store, private, warnings=warnings)
            if cache is not None and kept is None and not left:
                cache.put(day, octets, opened)
            records |= {record.id: record for record in opened}
            awkward += [(entry, None) for entry in left]
        if cache is not None:
            cache.sweep(files.keys())
        for name in new:
            records.pop(name, None)
        listed = {*records, *new, *(entry.public.id for entry, _ in awkward)}
        awkward += [(entry_of(stored), stored) for stored in _uncatalogued(store, listed)]
        awkward = [row for row in awkward if not amendments.gone(row[0].call_id)]
        found = _amended(records.values(), amendments, private)
        found += _rest(store, private, awkward, amendments, warnings, bool(found))
        return by_seizure(found)


def _boxes(cache: CardCache | None, files: dict[str, bytes]) -> dict[str, tuple[bytes, list[CallRecord] | None]]:
    """Each day's file, and the records of its box. Digests and ciphers work beside each other, without the lock; the
    decoder in one thread alone: msgspec 0.22 has crashed with several of them at it."""
    if cache is None:
        return {day: (octets, None) for day, octets in files.items()}
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        plain = pool.map(cache.open, files.keys(), files.values())
        return {day: (octets, decoded(one)) for (day, octets), one in zip(files.items(), plain, strict=True)}


def _rest(
    store: Store,
    private: PrivateKey,
    rows: list[tuple[CatalogueEntry, StoredCall | None]],
    amendments: Amendments,
    warnings: list[str],
    some: bool,
) -> list[CallRecord]:
    """What does not open at a touch. A key that opened some calls need not open these."""
    found: list[CallRecord] = []
    try:
        found += open_rows(store, private, rows, amendments, warnings)
    except SecretError:
        if not some:
            raise
    for amendment in not_recorded(amendments):
        try:
            found.append(msgspec.convert(amendment.secret(private), CallRecord))
        except (SecretError, msgspec.ValidationError) as error:
            warnings.append(f"call {amendment.public.get('sequence')}: {error}")
    return found


def _open_day(
    octets: bytes, private: PrivateKey, amendments: Amendments
) -> tuple[list[CallRecord], list[CatalogueEntry]]:
    """The records of a day's cards, and the entries whose card does not tell all. Raises DecodeError, ValueError."""
    entries = list(_decode(octets, dict[str, dict[str, _Carded]]).values())
    opened = open_cards(entries, private, amendments)
    left = {entry.public.id for entry in entries} - opened.keys()
    if not left:
        return list(opened.values()), []
    whole = _decode(octets, dict[str, dict[str, CatalogueEntry]]).values()
    return list(opened.values()), [entry for entry in whole if entry.public.id in left]


def open_cards(entries: Sequence[Carded], private: PrivateKey, amendments: Amended) -> dict[str, CallRecord]:
    """The records of those whose card opens and tells all, by id."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:  # libsodium works without the interpreter's lock
        parts = pool.map(lambda n: [_card(one, private, amendments) for one in entries[n::threads]], range(threads))
    opened: dict[str, CallRecord] = {}
    for n, part in enumerate(parts):
        for entry, card in zip(entries[n::threads], part, strict=True):
            record = _record(entry, card)
            if record is not None:
                opened[record.id] = record
    return opened


def _card(entry: Carded, private: PrivateKey, amendments: Amended) -> bytes | None:
    call_id = ULID.from_str(entry.public.id).bytes
    try:
        wraps = [*entry.wraps, *amendments.wraps(call_id)]
        key = open_wrapped(wraps, private, call_id, card_fits(call_id, entry.card))
        return open_card(key, call_id, entry.card)
    except (SecretError, FormatError):
        return None


def _record(entry: Carded, card: bytes | None) -> CallRecord | None:
    """What the card says, if it is this call's and says all."""
    if card is None:
        return None
    try:
        record = msgspec.json.decode(card, type=CallRecord)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    whole = record.id == entry.public.id and (record.audio.runs or not record.audio.samples)
    return record if whole else None


def _amended(records: Collection[_R], amendments: Amendments, private: PrivateKey | None) -> list[_R]:
    """The records with what the journals say of them, less those that are gone."""
    buried = {stone.sequence for stone in amendments.tombstones.values()}
    about: dict[str, list[JournalRecord]] = {str(ULID.from_bytes(one)): added for one, added in amendments.items()}
    found = []
    for record in records:
        if record.sequence in buried or record.id in about:
            if amendments.gone(ULID.from_str(record.id).bytes):
                continue
            record = fold(record, about.get(record.id, []), private)
        found.append(record)
    return found


def _uncatalogued(store: Store, listed: Collection[str]) -> Iterator[StoredCall]:
    """Calls in the leased slots that no list has yet, less those going on."""

    class Known(Collection[bytes]):
        """The same names as octets, made only of those that are asked for."""

        def __contains__(self, call_id: object) -> bool:
            return isinstance(call_id, bytes) and str(ULID.from_bytes(call_id)) in listed

        def __iter__(self) -> Iterator[bytes]:
            return iter(())

        def __len__(self) -> int:
            return len(listed)

    slots = [slot for slot, _ in Lease.load(store.lease_path, store.store_id).slots]
    return (stored for stored in find_calls(store, slots, Known()) if stored.committed and not stored.open_now)


def _day_files(store: Store) -> dict[str, bytes]:
    """The octets of each day's file; under "" what is gathered, which is read before the files it goes into.

    Raises StoreError.
    """
    catalogue = Catalogue.of(store)
    return {"": catalogue.gathered_octets(), **catalogue.day_octets()}


def _lines(octets: bytes) -> list[CatalogueEntry]:
    """Of lines about one call the last one."""
    found: dict[int, CatalogueEntry] = {}
    for line in octets.split(b"\n")[:-1]:
        with contextlib.suppress(msgspec.DecodeError, ValueError):
            entry = msgspec.json.decode(line, type=CatalogueEntry)
            found[entry.public.sequence] = entry
    return list(found.values())


_E = TypeVar("_E")


def _decode(octets: bytes, kind: type[dict[str, dict[str, _E]]]) -> dict[str, _E]:
    return msgspec.json.decode(octets, type=kind).get(TinyDB.default_table_name, {})


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Nothing made here is garbage, and looking for it among millions of objects takes most of the time (measured:
    0.83 s with, 0.10 s without, for 36,000 records). What was made is not looked through later either: it is no ring
    of references, and goes when nobody has it any more."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
