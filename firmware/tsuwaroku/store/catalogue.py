"""The catalogue: what the ring says of each call, by day, for listing without reading the ring.

TinyDB, one file a day (day of seizure, Asia/Tokyo), through a storage of our own: its JSONStorage rewrites in place,
and a power cut left it unreadable in half of all modelled cuts. Derived: `rebuild` makes it again from the ring.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document
from ulid import ULID

from tsuwaroku.errors import StoreError
from tsuwaroku.records.call import PublicRecord
from tsuwaroku.records.retention import day_of
from tsuwaroku.store import durable
from tsuwaroku.store.slot import WrappedKey

_REMEDY = "start the service: its keeper makes the catalogue again from the ring"
_CACHED_DAYS = 2  # about 3 MB each at 1,200 calls a day
_Version = tuple[int, int, int]
_MOST_ASIDE = 9  # damaged files of one day that are kept
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the ring and the journal have it. `slots` and `generations` in part order, `digest` in hex.

    `card` is ciphertext (empty for a call without an end), `final`: the call has its last extent.
    """

    public: PublicRecord
    slots: list[int]
    generations: list[int]
    digest: str
    card: bytes
    wraps: list[WrappedKey]
    final: bool

    @property
    def call_id(self) -> bytes:
        """The 16 octets of the ULID. Raises ValueError (never for an entry that was read)."""
        return ULID.from_str(self.public.id).bytes


class AtomicStorage(Storage):
    """A day file as TinyDB sees it: read whole, replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The tables, or None where there is no file. Raises StoreError."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, dict[str, Any]])
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"cannot be read ({error})", where=str(self._path), remedy=_REMEDY) from error

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Durable on return. Raises StoreError."""
        try:
            durable.replace_file(self._path, msgspec.json.encode(data), 0o640)
        except OSError as error:
            raise StoreError(
                f"cannot be written ({error.strerror})", where=str(self._path), remedy="check the disk and its space"
            ) from error


class Catalogue:
    """All days. A call's document number is its opening sequence number. One owner writes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._writing: tuple[str, TinyDB] | None = None  # the day being written; others are opened as needed
        self._cache: dict[str, tuple[_Version, dict[str, CatalogueEntry]]] = {}

    def put(self, entry: CatalogueEntry) -> None:
        """Add a call, or replace what is known of it. Durable on return. Raises StoreError."""
        day, number = entry.public.date, entry.public.sequence
        document = Document(msgspec.to_builtins(entry), doc_id=number)
        table = self._day(day)
        known = table.get(doc_id=number)
        if known == document:
            return
        if known is None:
            table.insert(document)
        else:
            table.update(document, doc_ids=[number])

    def replace_day(self, day: str, entries: list[CatalogueEntry]) -> None:
        """Write a day anew, in one go; without entries its file goes. Raises StoreError."""
        self._writing = None
        path = self._path(day)
        if not entries:
            path.unlink(missing_ok=True)
            durable.sync_directory(self._directory)
            return
        ordered = sorted(entries, key=lambda entry: entry.public.sequence)
        AtomicStorage(path).write(
            {TinyDB.default_table_name: {str(e.public.sequence): msgspec.to_builtins(e) for e in ordered}}
        )

    def set_aside(self, day: str) -> None:
        """Rename a day's file, as evidence: it is made again from the ring. Raises StoreError."""
        self._writing = None
        self._cache.pop(day, None)
        path = self._path(day)
        try:
            number = min(len(list(self._directory.glob(f"{path.name}.damaged-*"))) + 1, _MOST_ASIDE)
            path.rename(path.with_name(f"{path.name}.damaged-{number}"))
            durable.sync_directory(self._directory)
        except OSError as error:
            raise StoreError(f"cannot be put aside ({error.strerror})", where=str(path), remedy=_REMEDY) from error

    def get(self, call_id: str) -> CatalogueEntry | None:
        """The call with that ULID. Raises StoreError."""
        try:
            begun = day_of(ULID.from_str(call_id).milliseconds * 1_000_000).isoformat()
        except ValueError:
            return None
        for day in sorted(self.days(), key=lambda day: day != begun):  # most likely the day its ULID names
            if call_id in (calls := self._read(day)):
                return calls[call_id]
        return None

    def days(self) -> list[str]:
        """The days with a file, oldest first."""
        return sorted(path.stem for path in self._directory.glob("*.json") if _DAY.fullmatch(path.stem))

    def for_day(self, day: date | str) -> list[CatalogueEntry]:
        """The calls seized on that day, by sequence. Raises StoreError naming the file and the remedy."""
        return sorted(self._read(str(day)).values(), key=lambda entry: entry.public.sequence)

    def _read(self, day: str) -> dict[str, CatalogueEntry]:
        """The day's calls by id; kept for the few days read last, as long as their files are the same."""
        path = self._path(day)
        version = _version(path)
        if day in self._cache and self._cache[day][0] == version:
            return self._cache[day][1]
        with contextlib.closing(_open(path)) as database:
            try:
                entries = [msgspec.convert(dict(document), CatalogueEntry) for document in database]
                by_id = {str(ULID.from_bytes(entry.call_id)): entry for entry in entries}
            except (msgspec.ValidationError, TypeError, ValueError) as error:
                raise StoreError(f"is damaged ({error})", where=str(path), remedy=_REMEDY) from error
        self._cache[day] = (version, by_id)
        while len(self._cache) > _CACHED_DAYS:
            del self._cache[next(iter(self._cache))]
        return by_id

    def entries(self) -> Iterator[CatalogueEntry]:
        """Every call, by day. Raises StoreError."""
        for day in self.days():
            yield from self.for_day(day)

    def problems(self) -> list[str]:
        """Day files that are not as this module writes them; what they say is compared with the ring by `verify`."""
        found = []
        for path in sorted(self._directory.glob("*.json")):
            try:
                octets = path.read_bytes()
                tables = msgspec.json.decode(octets, type=dict[str, dict[str, CatalogueEntry]])
                documents = tables.get(TinyDB.default_table_name, {})
                calls = {entry.call_id for entry in documents.values()}
            except (OSError, msgspec.DecodeError, ValueError) as error:
                found.append(f"catalogue {path.name}: cannot be read ({error})")
                continue
            wrong = len(calls) < len(documents) or any(n != str(e.public.sequence) for n, e in documents.items())
            strays = any(entry.public.date != path.stem for entry in documents.values())
            if wrong or strays or msgspec.json.encode(tables) != octets or len(tables) != 1 or not documents:
                found.append(f"catalogue {path.name}: not as it was written")
        return found

    def _path(self, day: str) -> Path:
        return self._directory / f"{day}.json"

    def _day(self, day: str) -> TinyDB:
        if self._writing is None or self._writing[0] != day:
            self._writing = (day, _open(self._path(day)))
        return self._writing[1]


def _version(path: Path) -> _Version:
    """Replaced whole, a file is another inode."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _open(path: Path) -> TinyDB:
    return TinyDB(path, storage=AtomicStorage)
