"""The catalogue: what the ring says of each call, by day, for listing without reading the ring.

TinyDB, one file a day (day of seizure, Asia/Tokyo), through a storage of our own: its JSONStorage rewrites in place,
and a power cut left it unreadable in half of all modelled cuts. Derived: `rebuild` makes it again from the ring.

A day's file is replaced whole, so calls are gathered in `new.jsonl`, a line each, and taken over together: a file
of 1,200 calls written anew for every one of them would be 1.4 GB a day.

It has copies of wrapped keys and cards, so no file of it is replaced or removed without being overwritten (`scrub`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from tinydb import TinyDB
from tinydb.middlewares import CachingMiddleware
from tinydb.storages import Storage
from tinydb.table import Document
from ulid import ULID

from tsuwaroku.errors import StoreError
from tsuwaroku.records.call import PublicRecord
from tsuwaroku.records.retention import day_of
from tsuwaroku.store import durable, scrub
from tsuwaroku.store.slot import WrappedKey

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

GATHERED = 256
"""Calls in `new.jsonl` before they are taken over: 2 KB a call there, and a day's file every 256 calls."""

MAX_SLOTS = 1 << 32  # no ring has more: a slot's number is 32 bits

_NEW = "new.jsonl"
_REMEDY = "start the service: its keeper makes the catalogue again from the ring"
_CACHED_DAYS = 2  # about 3 MB each at 1,200 calls a day
_Version = tuple[int, int, int]
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
_MOST_ASIDE = 9  # damaged files of one day that are kept
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


_LETTERS = 26
_CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = bytes(b"0123456789abcdefghijklmnopqrstuv"[_CROCKFORD.index(n)] if n in _CROCKFORD else 33 for n in range(256))


def ulid_octets(text: str) -> bytes:
    """As `ULID.from_str(text).bytes`, at a twentieth of its time: the keeper asks it of every call several times a day.

    Raises ValueError."""
    try:
        if len(text) != _LETTERS:
            raise ValueError
        return int(text.encode("ascii").translate(_DIGITS), 32).to_bytes(16, "big")
    except (ValueError, OverflowError):
        return ULID.from_str(text).bytes  # which says what is wrong, or takes small letters


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
        return ulid_octets(self.public.id)


class AtomicStorage(Storage):
    """A day file as TinyDB sees it: read whole, replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The tables, or None where there is no file. Raises StoreError."""
        try:
            return msgspec.json.decode(scrub.read_whole(self._path), type=dict[str, dict[str, Any]])
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"cannot be read ({error})", where=str(self._path), remedy=_REMEDY) from error

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Durable on return. Raises StoreError."""
        try:
            scrub.replace(self._path, msgspec.json.encode(data))
        except OSError as error:
            raise _unwritten(self._path, error) from error


class Catalogue:
    """All days. A call's document number is its opening sequence number. One owner writes. `slots`: of the ring; an
    entry that names another is damage."""

    def __init__(self, directory: Path, slots: int = MAX_SLOTS) -> None:
        self._directory = directory
        self._slots = slots
        self._cache: dict[str, tuple[_Version, dict[int, CatalogueEntry]]] = {}
        self._new: tuple[_Version, dict[int, CatalogueEntry]] = ((0, 0, 0), {})  # gathered, by number
        self.spoilt = False  # a line of `new.jsonl` says nothing any more; until it is written anew

    @classmethod
    def of(cls, store: Store) -> Catalogue:
        """A store's."""
        return cls(store.catalogue_dir, store.info.slots)

    def put(self, entry: CatalogueEntry) -> None:
        """Add a call, or replace what is known of it. Durable on return. Raises StoreError."""
        number = entry.public.sequence
        if self._numbered(entry.public.date).get(number) == entry:
            return
        new = self._gathered()
        if number in new and new[number].public.date != entry.public.date:
            self.fold()  # it moves to another day; its document of the old one is the old one's
        self._append(entry)
        if len(self._gathered()) >= GATHERED:
            self.fold()

    def fold(self) -> None:
        """Take the gathered calls over into the files of their days. Raises StoreError; then they stay gathered."""
        new = self._gathered()
        for day in sorted({entry.public.date for entry in new.values()}):
            self._merge(day, [entry for entry in new.values() if entry.public.date == day])
        self._keep_gathered([])

    def replace_day(self, day: str, entries: list[CatalogueEntry]) -> None:
        """Write a day anew, in one go; without entries its file goes. Raises StoreError."""
        path = self._path(day)
        if entries:
            ordered = sorted(entries, key=lambda entry: entry.public.sequence)
            AtomicStorage(path).write(
                {TinyDB.default_table_name: {str(e.public.sequence): msgspec.to_builtins(e) for e in ordered}}
            )
        elif path.exists():
            _discard(path)
        self._keep_gathered([entry for entry in self._gathered().values() if entry.public.date != day])

    def remove(self, day: str, numbers: Collection[int]) -> None:
        """Take calls out of a day, which is written anew. With them goes what was put aside of that day, too: it has
        keys and cards of calls that are no more, and so have files that were let go of and not overwritten yet. Durable
        on return. Raises StoreError."""
        known = self.for_day(day)
        kept = [entry for entry in known if entry.public.sequence not in numbers]
        if len(kept) < len(known):
            self.replace_day(day, kept)
        elif (self._directory / _NEW).exists():  # lines that say nothing any more may be theirs
            self._keep_gathered(self._gathered().values())
        for path in sorted(self._directory.glob(f"{day}.json.damaged-*")):
            _discard(path)
        try:
            scrub.sweep(self._directory)
        except OSError as error:
            raise _unwritten(self._path(day), error) from error

    def set_aside(self, day: str) -> None:
        """Rename a day's file, as evidence: it is made again from the ring. Raises StoreError."""
        self._cache.pop(day, None)
        path = self._path(day)
        try:
            number = min(len(list(self._directory.glob(f"{path.name}.damaged-*"))) + 1, _MOST_ASIDE)
            aside = path.with_name(f"{path.name}.damaged-{number}")
            if aside.exists():
                scrub.discard(aside)
            path.rename(aside)
            durable.sync_directory(self._directory)
        except OSError as error:
            raise StoreError(f"cannot be put aside ({error.strerror})", where=str(path), remedy=_REMEDY) from error

    def get(self, call_id: str) -> CatalogueEntry | None:
        """The call with that ULID. Raises StoreError."""
        try:
            wanted = ULID.from_str(call_id)
        except ValueError:
            return None
        try:
            begun = day_of(wanted.milliseconds * 1_000_000).isoformat()
        except (ValueError, OverflowError):  # a ULID may name the year 10889, and no call of it is here
            return None
        for day in sorted(self.days(), key=lambda day: day != begun):  # most likely the day its ULID names
            for entry in self._numbered(day).values():
                if entry.public.id == call_id and entry.call_id == wanted.bytes:
                    return entry
        return None

    def days(self) -> list[str]:
        """The days with a call, oldest first."""
        return sorted({*self.written_days(), *(entry.public.date for entry in self._gathered().values())})

    def for_day(self, day: date | str) -> list[CatalogueEntry]:
        """The calls seized on that day, by sequence. Raises StoreError naming the file and the remedy."""
        return sorted(self._numbered(str(day)).values(), key=lambda entry: entry.public.sequence)

    def written_days(self) -> list[str]:
        """The days that have a file, oldest first."""
        return sorted(path.stem for path in self._directory.glob("*.json") if _DAY.fullmatch(path.stem))

    def written(self, day: str) -> list[CatalogueEntry]:
        """The calls of a day's file, without those gathered since. Raises StoreError."""
        return list(self._written(day).values())

    def gathered(self) -> list[CatalogueEntry]:
        """The calls that no day's file has yet, or has otherwise."""
        return list(self._gathered().values())

    def version_of(self, day: str) -> tuple[int, int, int]:
        """Another one whenever the file of that day is another."""
        return _version(self._path(day))

    def octets_of(self, day: str) -> bytes:
        """The file of a day as it is; empty where it cannot be read."""
        try:
            return scrub.read_whole(self._path(day))
        except OSError:
            return b""

    def entries(self) -> Iterator[CatalogueEntry]:
        """Every call, by day. Raises StoreError."""
        for day in self.days():
            yield from self.for_day(day)

    def gathered_octets(self) -> bytes:
        """`new.jsonl` as it is; a list reads it before the files of the days."""
        try:
            return scrub.read_whole(self._directory / _NEW)
        except OSError:
            return b""

    def day_octets(self) -> dict[str, bytes]:
        """The file of each day as it is; empty where it cannot be read."""
        found = {}
        for day in self.written_days():
            try:
                found[day] = scrub.read_whole(self._path(day))
            except FileNotFoundError:  # erased at this moment
                continue
            except OSError:
                found[day] = b""
        return found

    def problems(self) -> list[str]:
        """Files that are not as this module writes them; what they say is compared with the ring by `verify`."""
        found = []
        for path in sorted(self._directory.glob("*.json")):
            try:
                octets = scrub.read_whole(path)
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
        lines = self._whole_lines(self._directory / _NEW)
        if any(entry is None or msgspec.json.encode(entry) != line for line, entry in lines):
            found.append(f"catalogue {_NEW}: not as it was written")
        return found

    def _path(self, day: str) -> Path:
        return self._directory / f"{day}.json"

    def _numbered(self, day: str) -> dict[int, CatalogueEntry]:
        """A day's calls by number. What is gathered is read before the file it goes into: nothing falls between."""
        new = {number: entry for number, entry in self._gathered().items() if entry.public.date == day}
        return {**self._written(day), **new}

    def _written(self, day: str) -> dict[int, CatalogueEntry]:
        """What the day's file says; kept for the few days read last, as long as their files are the same."""
        path = self._path(day)
        version = _version(path)
        if day in self._cache and self._cache[day][0] == version:
            return self._cache[day][1]
        try:
            octets = scrub.read_whole(path)
            tables = msgspec.json.decode(octets, type=dict[str, dict[int, CatalogueEntry]])
            calls = tables.get(TinyDB.default_table_name, {})
            for entry in calls.values():
                self._check(entry)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:  # a DecodeError is a ValueError
            broken = isinstance(error, msgspec.ValidationError) or not isinstance(error, (OSError, *_UNREADABLE))
            what = f"is damaged ({error})" if broken else f"cannot be read ({error})"
            raise StoreError(what, where=str(path), remedy=_REMEDY) from error
        self._cache[day] = (version, calls)
        while len(self._cache) > _CACHED_DAYS:
            del self._cache[next(iter(self._cache))]
        return calls

    def _merge(self, day: str, entries: list[CatalogueEntry]) -> None:
        """Into the day's file, written once. Raises StoreError."""
        known = self._written(day)
        database = TinyDB(self._path(day), storage=CachingMiddleware(AtomicStorage))  # type: ignore[no-untyped-call]
        documents = [Document(msgspec.to_builtins(entry), doc_id=entry.public.sequence) for entry in entries]
        database.insert_multiple(one for one in documents if one.doc_id not in known)
        for one in documents:
            if one.doc_id in known:
                database.update(one, doc_ids=[one.doc_id])
        database.close()

    def _gathered(self) -> dict[int, CatalogueEntry]:
        """The calls in `new.jsonl`, by number; a torn line is none, and its call is listed again."""
        path = self._directory / _NEW
        version = _version(path)
        if version != self._new[0]:
            entries = [entry for _, entry in self._whole_lines(path)]
            self.spoilt = None in entries
            self._new = (version, {entry.public.sequence: entry for entry in entries if entry is not None})
        return self._new[1]

    def _check(self, entry: CatalogueEntry) -> None:
        """Raises ValueError for what no call of this ring is."""
        _ = entry.call_id
        if not all(0 <= slot < self._slots for slot in entry.slots):
            raise ValueError(f"call {entry.public.sequence} has a slot that is not in the ring")

    def _whole_lines(self, path: Path) -> Iterator[tuple[bytes, CatalogueEntry | None]]:
        """Each line that has its end, and what it says; None where that is nothing."""
        try:
            octets = scrub.read_whole(path)
        except OSError:
            return
        for line in octets.split(b"\n")[:-1]:
            try:
                entry = msgspec.json.decode(line, type=CatalogueEntry)
                self._check(entry)
            except ValueError:
                yield line, None
            else:
                yield line, entry

    def _append(self, entry: CatalogueEntry) -> None:
        path = self._directory / _NEW
        new = self._gathered()
        try:
            begun = path.exists()
            if begun and not _ends_whole(path):
                self._keep_gathered(new.values())
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            try:
                durable.write_all(fd, msgspec.json.encode(entry) + b"\n", os.fstat(fd).st_size)
                durable.sync_data(fd)
            finally:
                os.close(fd)
            if not begun:
                durable.sync_directory(self._directory)
        except OSError as error:
            raise _unwritten(path, error) from error
        self._new = (_version(path), {**new, entry.public.sequence: entry})

    def _keep_gathered(self, entries: Iterable[CatalogueEntry]) -> None:
        """Write `new.jsonl` anew. Raises StoreError."""
        path = self._directory / _NEW
        kept = {entry.public.sequence: entry for entry in entries}
        if not kept and not path.exists():
            return
        try:
            if not kept:
                scrub.discard(path)
                self._new, self.spoilt = ((0, 0, 0), {}), False
                return
            scrub.replace(path, b"".join(msgspec.json.encode(e) + b"\n" for e in kept.values()))
        except OSError as error:
            raise _unwritten(path, error) from error
        self._new, self.spoilt = (_version(path), kept), False


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return file.read(1) in (b"", b"\n")


def _version(path: Path) -> _Version:
    """Replaced whole, a file is another inode."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _discard(path: Path) -> None:
    try:
        scrub.discard(path)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot be written ({error.strerror})", where=str(path), remedy="check the disk and its space")
