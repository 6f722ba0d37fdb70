"""What became of a call that somebody names: it is kept, or it is gone, and then when and by what rule it went."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from ulid import ULID

from tsuwaroku.config import Config, LineConfig
from tsuwaroku.errors import NotFoundError, RefusedError, StoreError, TsuwarokuError
from tsuwaroku.records.judging import Judge
from tsuwaroku.service.listing import Listing
from tsuwaroku.store.catalogue import CatalogueEntry, ulid_octets
from tsuwaroku.store.ends import End, read_end
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.journal_record import JournalRecord
from tsuwaroku.store.standing import Standing
from tsuwaroku.store.tombstone import Why

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

MOST_REMEMBERED = 4096  # calls, 2 KB each: those that are marked, or in requests


class Fate(enum.StrEnum):
    KEPT = "kept"
    EXPIRED = "expired"  # its days are over; it is there for as long as nothing could be erased
    ERASED = "erased"
    DISCARDED = "discarded"  # nobody pressed for it, and its key was thrown away at hang-up
    UNKNOWN = "unknown"


class CallFate(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `extension` and `department` of its line, as configured now; `day`: it was seized on, ISO; `marks`:
    those that stand; `last_day`: of keeping, holds included; `held_until`: of the hold put last.

    Of an erased call: its number, `last_day`, the day it was erased `on`, and `why`, a word of `tombstone.Why`.
    """

    id: str
    fate: Fate
    sequence: int = 0
    line: str = ""
    extension: str = ""
    department: str = ""
    day: str = ""
    marks: int = 0
    last_day: date | None = None
    held_until: date | None = None
    on: date | None = None
    why: str = ""


class Fates:
    """Used by the keeper. What was read of a call is remembered until `forget`: the days go by the judge alone."""

    def __init__(self, store: Store, config: Config, listing: Listing, standing: Standing) -> None:
        self._store = store
        self._lines = {line.id: line for line in config.line}
        self._listing = listing
        self._standing = standing
        self._read: dict[bytes, tuple[CatalogueEntry, End | None]] = {}

    def forget(self) -> None:
        """Read anew what is asked for from now on."""
        self._read.clear()

    def of(self, call_id: str, judge: Judge) -> CallFate:
        """What became of the call of that ULID, in any way of writing one. Raises StoreError."""
        try:
            raw = ulid_octets(call_id)
        except ValueError:
            return CallFate(id=call_id, fate=Fate.UNKNOWN)
        standing = self._standing.refresh()
        if standing.gone(raw):
            self._read.pop(raw, None)
            return self._gone(call_id, raw)
        found = self._known(raw, call_id)
        if found is None:
            return CallFate(id=call_id, fate=Fate.UNKNOWN)
        entry, end = found
        held = standing.hold(raw)
        if end is None:  # a disk that cannot be read: by what was sealed
            day = date.fromisoformat(entry.public.retention.expires_on)
            last = day if held is None else max(day, held)
            yes = last >= judge.today
        else:
            last = judge.last_day(end.at, end.period, held)
            yes = judge.may_read(end.at, end.period, held).yes
        line = self._lines.get(entry.public.line, LineConfig(id="unknown"))
        return CallFate(
            id=entry.public.id,
            fate=Fate.KEPT if yes else Fate.EXPIRED,
            sequence=entry.public.sequence,
            line=entry.public.line,
            extension=line.extension,
            department=line.department,
            day=entry.public.date,
            marks=_marks(entry.public.marks, standing.get(raw, ())),
            last_day=last,
            held_until=held,
        )

    def marked(self, judge: Judge) -> list[CallFate]:
        """The calls with a mark that stands, oldest first. Raises StoreError."""
        late = {
            call
            for call, records in self._standing.refresh().items()
            if any(record.type is JournalType.MARK for record in records)
        }
        found = [self.of(_text(raw), judge) for raw in sorted(self._listing.marked | late)]
        return [one for one in found if one.fate in (Fate.KEPT, Fate.EXPIRED) and one.marks > 0]

    def _known(self, raw: bytes, call_id: str) -> tuple[CatalogueEntry, End | None] | None:
        if raw in self._read:
            return self._read[raw]
        if raw not in self._listing.known:  # looking for what is not there reads every day
            return None
        entry = self._listing.catalogue.get(_text(raw))
        if entry is None:
            return None
        try:
            end: End | None = read_end(self._store, entry)
        except StoreError:
            return entry, None
        if len(self._read) < MOST_REMEMBERED:
            self._read[raw] = entry, end
        return entry, end

    def _gone(self, call_id: str, raw: bytes) -> CallFate:
        stone = self._standing.tombstone(raw)
        if stone is None:
            return CallFate(id=call_id, fate=Fate.DISCARDED)
        return CallFate(
            id=call_id,
            fate=Fate.ERASED,
            sequence=stone.sequence,
            last_day=stone.expires_on,
            on=stone.on,
            why=stone.why.value,
        )


def refuse_gone(one: CallFate) -> None:
    """Raises RefusedError for a call that is no longer to be had, NotFoundError for one that never was."""
    error = _refusal(one)
    if error is not None:
        raise error


def _refusal(one: CallFate) -> TsuwarokuError | None:
    match one.fate:
        case Fate.KEPT:
            return None
        case Fate.UNKNOWN:
            return NotFoundError(f"no call {one.id[:40]}", remedy="`tsuwaroku calls` lists them")
        case Fate.EXPIRED:
            message = f"this call was kept until {one.last_day} (Article 8(1)) and can no longer be provided"
        case Fate.DISCARDED:
            message = "this call was not recorded: nobody pressed the button, and its key was thrown away at its end"
        case Fate.ERASED:
            message = erased_text(one.on, one.last_day, one.why)
    return RefusedError(
        message,
        where=f"#{one.sequence}" if one.sequence else one.id[:40],
        remedy="tell whoever asked for it; `tsuwaroku erase-log` is the proof of an erasure",
    )


def erased_text(on: date | str | None, last: date | str | None, why: str) -> str:
    """When a call was erased, and under which rule."""
    if why == Why.HOLD_LAPSED:
        return f"this call was erased on {on}: its hold ended on {last} (Article 8(1), proviso)"
    if why == Why.AGE:
        return f"this call was erased on {on}: by the time the box was powered on, its days were over (Article 8(1))"
    return f"this call was erased on {on}: its days ended on {last} (Article 8(1))"


def _marks(in_call: int, records: Iterable[JournalRecord]) -> int:
    """How many were made, less those that were withdrawn; one may have been withdrawn twice."""
    made, withdrawn = in_call, set()
    for record in records:
        if record.type is JournalType.MARK:
            made += 1
        elif record.type is JournalType.MARK_WITHDRAWN:
            withdrawn.add(str(record.public.get("mark")))
    return made - len(withdrawn)


def _text(raw: bytes) -> str:
    return str(ULID.from_bytes(raw))
