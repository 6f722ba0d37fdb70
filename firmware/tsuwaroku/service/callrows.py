"""The list of calls as the control socket gives it: what a list is made of, sealed as it is, to somebody with a key.

A list is asked for once (`POST /v1/lists`), which is an entry of the audit log where a key is named, and then fetched
in pieces under its ticket: one day of the catalogue after the other, then what the journals added. A piece is a row a
line, msgpack with its length before it. The days come with digests, so that who has kept a day need not ask for it.

A call whose days are over is there without card and keys: from then on nothing of it is to be read (Article 8(1)).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import msgspec

from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.errors import RefusedError, StoreError
from tsuwaroku.records.call import PublicRecord
from tsuwaroku.records.dating import Boot
from tsuwaroku.records.retention import Period
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Asked, Nothing, Route, Routes
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.attempts import attempt
from tsuwaroku.service.redating import remembered
from tsuwaroku.service.tickets import Tickets
from tsuwaroku.store.catalogue import CatalogueEntry, ulid_octets
from tsuwaroku.store.ends import End, read_end
from tsuwaroku.store.journal_record import JournalRecord, JournalType
from tsuwaroku.store.layout import StoreInfo
from tsuwaroku.store.recovery import not_recorded_public
from tsuwaroku.store.slot import WrappedKey

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper

GATHERED = "new"
"""The name of the day of calls that are in no day's file yet."""
PIECE = 64  # rows between two looks at what else there is to do: some ms
MOST_ENDS = 256
_LISTED = frozenset(
    {
        JournalType.MARK,
        JournalType.MARK_WITHDRAWN,
        JournalType.WRAP,
        JournalType.NOT_RECORDED,
        JournalType.HOLD,
        JournalType.HOLD_RELEASED,
    }
)
_LENGTH = 4
_PAUSE = 0xFFFFFFFF  # a length that is none: nothing yet, and something else was done meanwhile
_EXPIRES = re.compile(rb'"expires_on":"(\d{4}-\d\d-\d\d)"')
_NO_KEY = ""
KeyId = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{32})?$")]
_DayText = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d\d-\d\d)?$")]
T = TypeVar("T")


class ListRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days of seizure, both included, "" is open. `key_id`: of the key the caller has (hex), "" for none."""

    first_day: _DayText = ""
    last_day: _DayText = ""
    key_id: KeyId = _NO_KEY


class DayDigest(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` (hex) is another when anything of the day is, as this caller may see it."""

    day: str
    digest: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """`days`: the catalogue's, by the dates the calls' clocks had; those that may be wrong are always among them.
    `boots`: what the box remembers of its boots, for calls of a wrong clock."""

    ticket: str
    store: StoreInfo
    days: list[DayDigest]
    boots: list[Boot]


class CallRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One call of the catalogue. `card` and `wraps` (those of one key) are empty where the caller may not open it.
    `digest`: of the call's chain (hex). `final`: False for a call that was cut off; it has no card."""

    public: PublicRecord
    digest: str
    final: bool
    card: bytes = b""
    wraps: list[WrappedKey] = []


class AddedRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What the journals say of one call, in order; their sealed parts are those of one key. `public`: of a call for
    which there was no room, which is in no catalogue."""

    call_id: bytes
    records: list[JournalRecord]
    public: PublicRecord | None = None


class EndsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls by their ids."""

    calls: Annotated[list[str], msgspec.Meta(max_length=MOST_ENDS)]


class EndRow(msgspec.Struct, frozen=True, kw_only=True):
    """When a call ended, as the ring has it; octets in hex."""

    id: str
    wall_ns: int
    mono_ns: int
    boot_id: str
    quality: ClockQuality
    period: int
    exact: bool

    def end(self) -> End:
        """As the store has it."""
        at = Instant(self.wall_ns, self.mono_ns, bytes.fromhex(self.boot_id), self.quality)
        return End(at, Period.from_code(self.period), self.exact)


class OpenList(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticket stands for."""

    key_id: bytes


class _DayFile(NamedTuple):
    """What is known of a day's file. `doubtful`: it has calls of a clock that was not synchronised; `first_over`: the
    earliest of the last days of its calls, ISO."""

    version: tuple[int, int, int]
    digest: bytes
    doubtful: bool
    first_over: str


class CallLists:
    """The lists that are being fetched, and the digests of the catalogue's days. One owner: the keeper."""

    def __init__(self) -> None:
        self.tickets: Tickets[OpenList] = Tickets()
        self._known: dict[str, _DayFile] = {}

    def days(self, keeper: Keeper, first: str, last: str) -> list[tuple[str, bytes]]:
        """Days and digests of their files: those from `first` to `last`, a day more on either side, and whatever days
        have calls of a clock that was not synchronised. Once the days of a call are over, its day has another digest
        each day: nobody goes on showing it by what was kept on a PC. Raises StoreError."""
        low, high = _widened(first, -1) or "", _widened(last, 1) or "9"
        catalogue, today = keeper.listing.catalogue, keeper.today.isoformat()
        found = []
        for day in catalogue.written_days():
            version = catalogue.version_of(day)
            known = self._known.get(day)
            if known is None or known.version != version:
                octets = catalogue.octets_of(day)
                ends = (end.decode() for end in _EXPIRES.findall(octets))
                known = _DayFile(
                    version, hashlib.sha256(octets).digest(), b'"boot_id"' in octets, min(ends, default="")
                )
                self._known[day] = known
            if low <= day <= high or known.doubtful:
                over = today if known.first_over < today else ""
                found.append((day, hashlib.sha256(known.digest + over.encode()).digest()))
        for day in self._known.keys() - set(catalogue.written_days()):
            del self._known[day]
        gathered = catalogue.gathered_octets()
        if gathered:
            found.append((GATHERED, hashlib.sha256(gathered).digest()))
        return found


def _widened(day: str, by: int) -> str:
    if not day:
        return ""
    try:
        return (date.fromisoformat(day) + timedelta(days=by)).isoformat()
    except (ValueError, OverflowError) as error:
        raise RefusedError(f"{day[:40]} is not a date", remedy="write it like 2026-11-23") from error


def framed(rows: Iterator[msgspec.Struct | None], piece: int = PIECE) -> Iterator[bytes]:
    """Rows as they go over the socket, `piece` at a time; at a None, work that gave no row, there is time for something
    else, too."""
    buffer = bytearray()
    for count, row in enumerate(rows, start=1):
        if row is None:
            yield bytes(buffer) + _PAUSE.to_bytes(_LENGTH, "big")
            buffer.clear()
            continue
        octets = msgspec.msgpack.encode(row)
        buffer += len(octets).to_bytes(_LENGTH, "big") + octets
        if count % piece == 0:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer) + bytes(_LENGTH)  # a length of zero: nothing is missing


def unframed(octets: bytes, kind: type[T]) -> list[T]:
    """The rows again. Raises ValueError where they do not end as they should, DecodeError."""
    view, rows, at = memoryview(octets), [], 0
    while True:
        size = int.from_bytes(view[at : at + _LENGTH], "big")
        at += _LENGTH
        if size == 0:
            break
        if size == _PAUSE:
            continue
        if at + size > len(view):
            raise ValueError("cut off")
        rows.append(msgspec.msgpack.decode(view[at : at + size], type=kind))
        at += size
    if at != len(view):
        raise ValueError("cut off" if at > len(view) else "goes on after its end")
    return rows


def _ask(keeper: Keeper, asked: Asked) -> Listed:
    body: ListRequest = asked.body
    with attempt(keeper, asked.by, Verb.CALLS, "list", "bad input"):
        days = keeper.call_lists.days(keeper, body.first_day, body.last_day)
    if body.key_id:
        keeper.audit(asked.by.user, "calls listed", body.key_id, f"{body.first_day or '…'} – {body.last_day or '…'}")
    salt = b"" if asked.by.lines is None else msgspec.json.encode(sorted(asked.by.lines))
    ticket = keeper.call_lists.tickets.issue(
        asked.by.user, OpenList(key_id=bytes.fromhex(body.key_id)), keeper.now.mono_ns
    )
    return Listed(
        ticket=ticket,
        store=keeper.store.info,
        days=[DayDigest(day=day, digest=hashlib.sha256(digest + salt).hexdigest()) for day, digest in days],
        boots=list(remembered(keeper.store)),
    )


def _of(keeper: Keeper, asked: Asked) -> OpenList:
    return keeper.call_lists.tickets.of(asked.path["ticket"], asked.by.user, keeper.now.mono_ns)


def _day(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    given = _of(keeper, asked)
    day = asked.path["day"]
    if day != GATHERED:
        _widened(day, 0)
    catalogue = keeper.listing.catalogue
    try:
        entries = catalogue.gathered() if day == GATHERED else catalogue.written(day)
    except StoreError as error:
        keeper.listing.day(day)  # puts it aside; it is listed anew from the ring within seconds
        raise StoreError(
            f"the list of {day} was damaged and is being made again", where=error.where, remedy="try again in a minute"
        ) from error
    return framed(_rows(keeper, asked, given.key_id, entries))


def _rows(keeper: Keeper, asked: Asked, key_id: bytes, entries: Sequence[CatalogueEntry]) -> Iterator[CallRow]:
    today = keeper.today.isoformat()
    standing = keeper.standing
    for entry in entries:
        if not asked.by.sees(entry.public.line) or standing.gone(entry.call_id):
            continue
        row = CallRow(public=entry.public, digest=entry.digest, final=entry.final)
        if key_id and _readable(entry, standing.hold(entry.call_id), today):
            wraps = [wrap for wrap in entry.wraps if wrap.recipient == key_id]
            row = msgspec.structs.replace(row, card=entry.card, wraps=wraps)
        yield row


def _readable(entry: CatalogueEntry, held: date | None, today: str) -> bool:
    """By what was sealed, a cheap look: the judge of the clock is asked before a sound of it is given."""
    last = entry.public.retention.expires_on
    return entry.public.clock is not None or today <= last or (held is not None and today <= held.isoformat())


def _added(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    return framed(_added_rows(keeper, asked, _of(keeper, asked).key_id))


def _added_rows(keeper: Keeper, asked: Asked, key_id: bytes) -> Iterator[AddedRow | None]:
    standing = keeper.standing
    mine = None
    if asked.by.lines is not None:
        mine = set[bytes]()
        for day in keeper.listing.catalogue.days():
            entries = keeper.listing.day(day)
            mine |= {one.call_id for one in entries if asked.by.sees(one.public.line) and one.call_id in standing}
            yield None
    for call_id in list(standing):
        records = [for_key(one, key_id) for one in standing.in_order(call_id) if one.type in _LISTED]
        if not records or standing.gone(call_id):
            continue
        none = next((one for one in records if one.type is JournalType.NOT_RECORDED), None)
        public = None if none is None else not_recorded_public(none)
        seen = asked.by.sees(public.line) if public is not None else mine is None or call_id in mine
        if seen:
            yield AddedRow(call_id=call_id, records=records, public=public)


def for_key(record: JournalRecord, key_id: bytes) -> JournalRecord:
    """A record without what is sealed to others."""
    mine = [(recipient, box) for recipient, box in record.sealed if recipient == key_id]
    return msgspec.structs.replace(record, sealed=mine)


def _ends(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    _of(keeper, asked)
    body: EndsRequest = asked.body
    return framed(_end_rows(keeper, asked.by, dict.fromkeys(body.calls)), 1)  # a long call is a hundred reads


def _end_rows(keeper: Keeper, by: Asker, calls: Iterable[str]) -> Iterator[EndRow | None]:
    """Those that could be read."""
    for call_id in calls:
        try:
            known = ulid_octets(call_id) in keeper.listing.known  # looking for what is not there reads every day
            entry = keeper.listed(call_id) if known else None
            seen = entry is not None and by.sees(entry.public.line)
            yield end_row(call_id, read_end(keeper.store, entry)) if entry is not None and seen else None
        except (ValueError, StoreError):
            yield None


def end_row(call_id: str, end: End) -> EndRow:
    """As it goes over the socket."""
    return EndRow(
        id=call_id,
        wall_ns=end.at.wall_ns,
        mono_ns=end.at.mono_ns,
        boot_id=end.at.boot_id.hex(),
        quality=end.at.quality,
        period=end.period.code,
        exact=end.exact,
    )


def _end(keeper: Keeper, asked: Asked) -> Nothing:
    _of(keeper, asked)
    keeper.call_lists.tickets.end(asked.path["ticket"])
    return Nothing()


ROUTES: Routes = (
    Route(
        method="POST",
        path="/v1/lists",
        verb=Verb.CALLS,
        summary="begin a list of calls; with a key's id what it opens is given, and that is in the audit log",
        act=_ask,
        body=ListRequest,
        answer=Listed,
    ),
    Route(
        method="GET",
        path="/v1/lists/{ticket}/days/{day}",
        verb=Verb.CALLS,
        summary="the calls of one day: rows of msgpack, each with its length before it",
        act=_day,
        stream=True,
    ),
    Route(
        method="GET",
        path="/v1/lists/{ticket}/added",
        verb=Verb.CALLS,
        summary="what the journals added to calls: marks, holds, keys, calls without room; rows as of a day",
        act=_added,
        stream=True,
    ),
    Route(
        method="POST",
        path="/v1/lists/{ticket}/ends",
        verb=Verb.CALLS,
        summary="when some calls ended, as the ring has it: for calls of a wrong clock; rows as of a day",
        act=_ends,
        body=EndsRequest,
        stream=True,
    ),
    Route(
        method="POST",
        path="/v1/lists/{ticket}/end",
        verb=Verb.CALLS,
        summary="the list has been fetched",
        act=_end,
    ),
)
