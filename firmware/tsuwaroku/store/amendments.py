"""What both journals say of each call, and which calls are gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from tsuwaroku.store.journal import Journal
from tsuwaroku.store.journal_record import JournalRecord, JournalType
from tsuwaroku.store.slot import WrappedKey
from tsuwaroku.store.tombstone import Tombstone, name_of, tombstones

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store


_EXPLAINING = (JournalType.TOMBSTONE, JournalType.DISCARDED, JournalType.RECOVERED)


class Amended(dict[bytes, list[JournalRecord]]):
    """The records of each call by its id, oldest first."""

    def tombstone(self, call_id: bytes) -> Tombstone | None:
        """The tombstone of a call: whatever is left of it is not to be read."""
        raise NotImplementedError

    def unfinished(self) -> list[Tombstone]:
        """Calls that are to be erased, and may still be there in part."""
        raise NotImplementedError

    def gone(self, call_id: bytes) -> bool:
        """Erased, or its key thrown away because nobody pressed: the call is no longer listed."""
        discarded = any(record.type is JournalType.DISCARDED for record in self.get(call_id, ()))
        return discarded or self.tombstone(call_id) is not None

    def wraps(self, call_id: bytes) -> list[WrappedKey]:
        """The keys the journals have for a call."""
        return wraps_of(self.get(call_id, ()))

    def hold(self, call_id: bytes) -> date | None:
        """The last day of the hold put last on a call and not released since; it may be over. `date.max` where the
        record says none."""
        until: date | None = None
        for record in self.get(call_id, ()):
            if record.type is JournalType.HOLD:
                until = _day(record.public.get("until"))
            elif record.type is JournalType.HOLD_RELEASED:
                until = None
        return until


class Amendments(Amended):
    """Of everything in both journals, for one look; and the tombstones, which name no call id."""

    def __init__(self, records: Iterable[JournalRecord] = ()) -> None:
        super().__init__()
        ordered = _in_order(records)
        for record in ordered:
            if any(record.call_id):
                self.setdefault(record.call_id, []).append(record)
        self._about_erasure = [r for r in ordered if r.type in (JournalType.TOMBSTONE, JournalType.ERASED)]
        self._lost = [number for record in ordered for number in lost_in(record)]

    @cached_property
    def tombstones(self) -> dict[bytes, Tombstone]:
        """By name. Of two for one call the first counts."""
        found: dict[bytes, Tombstone] = {}
        for stone in tombstones(sorted(self._about_erasure, key=lambda record: record.number)):
            found.setdefault(stone.name, stone)
        return found

    @cached_property
    def finished(self) -> frozenset[int]:
        """The numbers of calls that were overwritten and read back."""
        erased = (record.public for record in self._about_erasure if record.type is JournalType.ERASED)
        return frozenset(number for public in erased for number in public.get("sequences", ()))

    @property
    def lost(self) -> frozenset[int]:
        """Numbers of calls that never reached the disk, as was found when the last witnesses of it went."""
        return frozenset(self._lost)

    def unfinished(self) -> list[Tombstone]:
        return [stone for stone in self.tombstones.values() if stone.sequence not in self.finished]

    def tombstone(self, call_id: bytes) -> Tombstone | None:
        return self.tombstones.get(name_of(call_id))


def lost_in(record: JournalRecord) -> list[int]:
    """The numbers that a keeper's tombstone, or its word on a call that was given up, explains."""
    if record.owner != "keeper" or record.type not in _EXPLAINING:
        return []
    return [number for number in record.public.get("lost", ()) if isinstance(number, int)]


def by_call(records: Iterable[JournalRecord]) -> Amendments:
    """The amendments of each call, oldest first."""
    return Amendments(records)


def read_amendments(store: Store) -> Amendments:
    """The records of both journals by call, oldest first. Raises StoreError."""
    recorder = Journal.open(store.journal_dir, "recorder", store).records()  # first: what is erased has its tombstone
    return by_call([*recorder, *Journal.open(store.journal_dir, "keeper", store).records()])


def slots_aside(records: Iterable[JournalRecord]) -> frozenset[int]:
    """The slots that were set aside, because they cannot be written."""
    slots = (record.public.get("slot") for record in records if record.type is JournalType.SET_ASIDE)
    return frozenset(slot for slot in slots if isinstance(slot, int))


def wraps_of(amendments: Iterable[JournalRecord]) -> list[WrappedKey]:
    """The keys the journal has for a call."""
    return [wrap for record in amendments for wrap in record.wraps]


def _in_order(records: Iterable[JournalRecord]) -> list[JournalRecord]:
    """By time, but never against the order of their journal: a clock that jumped back undoes no release of a hold."""
    latest: dict[str, int] = {}
    timed = []
    for record in sorted(records, key=lambda record: record.number):
        latest[record.owner] = max(latest.get(record.owner, 0), record.wall_ns)
        timed.append((latest[record.owner], record.owner, record.number, record))
    return [entry[3] for entry in sorted(timed, key=lambda entry: entry[:3])]


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return date.max  # a hold that cannot be read is a hold
