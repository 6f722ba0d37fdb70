"""Erasing calls: tombstone first, then every wrapped key, then every block, then what the device has is read back.

The durable order is FORMAT.md's, "Erase". Each step can be cut off anywhere and is done again by `Eraser.finish`: a
slot is being erased (`TSUWAERA`) or free (`TSUWAFRE`) only after its call has a durable tombstone, and free only after
its data was read back as zeros, so that no slot is lent with a call in it and none is overwritten after it was lent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.errors import RefusedError, StoreError
from tsuwaroku.store.amendments import Amended, Amendments
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.erasing import Failed, Place, SlotEraser, is_reused, own_generation
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.recovery import find_calls, recovered_record
from tsuwaroku.store.scan import StoredCall, read_headers, scan_call, scan_end
from tsuwaroku.store.sequence import Sequence as Numbers
from tsuwaroku.store.slot import SlotHeader
from tsuwaroku.store.standing import Standing
from tsuwaroku.store.tombstone import MOST_CALLS, Tombstone, Why, name_of, public_of

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

PIECE = 8
"""Slots erased between two pauses: 2 MiB at once did not show in the recorder's commits, 8 MiB did."""
_T = TypeVar("_T")
_WITNESSES = 32  # calls on either side of a number nobody knows, asked whether they knew of it


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose time is over, by the clock of the retention. `slots`: those the slot table has for it."""

    call_id: bytes
    ended_on: date
    expires_on: date
    why: Why = Why.EXPIRED
    slots: tuple[int, ...] = ()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A call that could not be erased whole; it is tried again. `slot` is None where a journal or day file failed."""

    sequence: int
    slot: int | None
    problem: str


class Erasure(msgspec.Struct, kw_only=True):
    """What was overwritten and read back now: the calls, their slots (slot, generation), free from here on.

    `read_back`: "direct" from the device, or "cache dropped" where the file system refuses O_DIRECT. `unknown`: ids of
    calls of which neither ring nor catalogue nor journal has anything.
    """

    calls: list[Tombstone] = msgspec.field(default_factory=list)
    slots: list[tuple[int, int]] = msgspec.field(default_factory=list)
    octets: int = 0
    read_back: str = ""
    failures: list[Failure] = msgspec.field(default_factory=list)
    unknown: list[bytes] = msgspec.field(default_factory=list)

    def detail(self) -> dict[str, object]:
        """For the audit log: numbers and dates, nothing personal, no time of day."""
        return {
            "calls": {
                str(stone.sequence): [stone.ended_on.isoformat(), stone.expires_on.isoformat(), stone.why.value]
                for stone in self.calls
            },
            "slots": len(self.slots),
            "octets": self.octets,
            "read_back": self.read_back,
        }

    def add(self, other: Erasure) -> None:
        """Take in what another piece of work did."""
        self.calls += other.calls
        self.slots += other.slots
        self.octets += other.octets
        self.read_back = other.read_back or self.read_back
        self.failures += other.failures


class Eraser:
    """Used by the keeper alone. `journal` is its own, open for writing; `recorder`: the recorder's, open for reading.

    `log` writes the audit entry and returns its hash (hex). It is called after the reading back and before the
    journal's ERASED record: a power cut between them repeats the entry, and none is ever missing. `pause(slots)` is
    called after each piece of at most `piece` slots: to sleep, to answer messages; what it raises ends the work, which
    `finish` takes up again.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        catalogue: Catalogue,
        *,
        log: Callable[[Erasure], str],
        pause: Callable[[int], None] = lambda slots: None,
        piece: int = PIECE,
        recorder: Journal | None = None,
    ) -> None:
        self._store = store
        self._journal = journal
        self._catalogue = catalogue
        self._log = log
        self._pause = pause
        self._piece = piece
        self._recorder = recorder or Journal.open(store.journal_dir, "recorder", store, keepers=journal)
        self.standing = Standing(self._recorder, journal)

    def erase(self, due: Sequence[Due], on: date, now: Instant) -> Erasure:
        """Erase calls for good. `on`: today, by the clock of the retention. Those erased already are passed over.

        Raises RefusedError, before anything is written, for a call whose time is not over, that is on hold or going on;
        StoreError where even the tombstone cannot be written. What fails later is in `failures`, and `finish`'s.
        """
        amendments = self.standing.refresh()
        todo = [one for one in due if self._journal.buried(name_of(one.call_id)) is None]
        for one in todo:
            refuse_early(one, on, amendments)
        entries = self._entries({name_of(one.call_id) for one in todo}, {one.ended_on for one in todo})
        found = [self._stone(one, on, entries, amendments) for one in todo]
        stones = [stone for stone in found if stone is not None]
        lost = self._lost(stones)
        done = Erasure(unknown=[one.call_id for one, stone in zip(todo, found, strict=True) if stone is None])
        for batch in _pieces(stones, MOST_CALLS):
            self._journal.append(JournalType.TOMBSTONE, now, public=public_of(batch, lost))
            done.add(self._carry_out(batch, now, entries))
            lost = []
        return done

    def finish(self, now: Instant) -> Erasure:
        """What a kill, a power cut or a bad disk left of earlier erasures. Without such, it reads the journals only."""
        stones = self.standing.refresh().unfinished()
        done = Erasure()
        for batch in _pieces(stones, MOST_CALLS):
            entries = self._entries({stone.name for stone in batch}, {stone.ended_on for stone in batch})
            done.add(self._carry_out(batch, now, entries))
        return done

    def lost_with(self, one: Due) -> list[int]:
        """Numbers lost in a cut commit of which this call is the last to bear witness: for one that is not erased but
        given up, its slots to be used again. Raises StoreError."""
        amendments = self.standing.refresh()
        entries = self._entries({name_of(one.call_id)}, {one.ended_on})
        stone = self._stone(one, one.ended_on, entries, amendments)
        return [] if stone is None else self._lost([stone])

    # -- before

    def _entries(self, names: set[bytes], ended_on: set[date]) -> dict[bytes, CatalogueEntry]:
        """The catalogue's entries of these calls."""
        found: dict[bytes, CatalogueEntry] = {}
        for day in self._days(ended_on):
            if len(found) == len(names):
                break
            try:
                entries = self._catalogue.for_day(day)
            except StoreError:
                continue  # the keeper puts it aside; whatever stood in it is in the ring
            found |= {name: entry for entry in entries if (name := name_of(entry.call_id)) in names}
        return found

    def _days(self, ended_on: set[date]) -> list[str]:
        """Of the catalogue, those first on which such calls are listed."""
        near = {day.isoformat() for day in _near(ended_on)}
        return sorted(self._catalogue.days(), key=lambda day: (day not in near, day))

    def _stone(self, one: Due, on: date, entries: dict[bytes, CatalogueEntry], amendments: Amended) -> Tombstone | None:
        """None for a call of which there is nothing."""
        name = name_of(one.call_id)
        entry = entries.get(name)
        places: dict[int, int] = {}
        if entry is not None:
            listed = zip(entry.slots, entry.generations, strict=True)
            places = {slot: g for slot, g in listed if not is_reused(self._store, slot, g, name)}
        for slot in {*one.slots, *places}:  # where a header can be read, it tells better
            generation = own_generation(self._store, slot, name)
            if generation is not None:
                places[slot] = generation
        sequence, digest = self._identity(one, entry, sorted(places), amendments)
        if sequence is None:
            return None
        return Tombstone(
            name=name,
            sequence=sequence,
            digest=digest,
            ended_on=one.ended_on,
            expires_on=one.expires_on,
            why=one.why,
            slots=tuple(sorted(places.items())),
            on=on,
        )

    def _identity(
        self, one: Due, entry: CatalogueEntry | None, slots: list[int], amendments: Amended
    ) -> tuple[int | None, bytes]:
        """Number and digest: as signed at its recovery, as listed, or as the ring has it; a call of which only the
        journal knows has no digest."""
        records = amendments.get(one.call_id, [])
        recovered = recovered_record(records)
        if recovered is not None:
            return recovered.public["sequence"], bytes.fromhex(recovered.public["digest"])
        if entry is not None:
            return entry.public.sequence, bytes.fromhex(entry.digest)
        for stored in find_calls(self._store, slots) if slots else ():
            if stored.call_id == one.call_id:
                _refuse_open(stored)
                return stored.sequence, stored.digest
        numbers = [r.public["sequence"] for r in records if r.type is JournalType.NOT_RECORDED]
        return (numbers[0] if numbers else None), b""

    def _lost(self, stones: list[Tombstone]) -> list[int]:
        """Numbers that no call and no journal knows, below those erased now or given out by their last commit: these
        commits tell whether they were lost in the last one before an interruption, and are about to go."""
        ours = {stone.sequence for stone in stones}
        numbers = range(self.standing.highest_erased + 1, max([*ours, self._given_out(stones)], default=0))
        open_numbers = {number for number in numbers if number not in ours and number not in self.standing.accounted}
        present: dict[int, CatalogueEntry] = {}
        for day in self._days({stone.ended_on for stone in stones}):
            if open_numbers <= present.keys():
                return []
            present |= {entry.public.sequence: entry for entry in self._readable(day)}
        ours_too = [slot for stone in stones for slot, _ in stone.slots]  # a header without extents is not listed
        return [n for n in sorted(open_numbers - present.keys()) if self._was_lost(n, present, ours_too)]

    def _given_out(self, stones: list[Tombstone]) -> int:
        """The next number as the calls' last commits knew it."""
        slots = [slot for stone in stones for slot, _ in stone.slots]
        ends = [scan_end(self._store, parts) or scan_call(self._store, parts) for parts in self._headers(slots)]
        return max((extent.header.next_sequence for end in ends for extent in end.extents), default=0)

    def _headers(self, slots: list[int]) -> list[list[SlotHeader]]:
        try:
            return list(read_headers(self._store, slots).calls.values())
        except StoreError:
            return []  # a slot that cannot be read bears no witness

    def _was_lost(self, number: int, present: dict[int, CatalogueEntry], ours: list[int]) -> bool:
        near = [entry for sequence, entry in present.items() if abs(sequence - number) <= _WITNESSES]
        numbers = Numbers()
        slots = {*ours, *(slot for entry in near for slot in entry.slots)}
        for parts in read_headers(self._store, sorted(slots)).calls.values():
            numbers.take(scan_call(self._store, parts))
        return number in numbers.gaps(Amendments(), above=number - 1).uncommitted

    def _readable(self, day: str) -> list[CatalogueEntry]:
        try:
            return self._catalogue.for_day(day)
        except StoreError:
            return []

    # -- the work

    def _carry_out(self, stones: list[Tombstone], now: Instant, entries: dict[bytes, CatalogueEntry]) -> Erasure:
        done = Erasure()
        slots = SlotEraser(self._store)
        try:
            bad = self._work(stones, slots, entries, done)
        finally:
            slots.close()
        done.octets, done.read_back = slots.octets + done.octets, slots.how
        done.calls = [stone for stone in stones if stone.sequence not in bad]
        done.slots = [place for stone in done.calls for place in stone.slots]
        if done.calls:
            head = self._log(done)
            public = {
                "sequences": [stone.sequence for stone in done.calls],
                "slots": len(done.slots),
                "octets": done.octets,
                "read_back": done.read_back,
                "audit_head": head,
            }
            self._journal.append(JournalType.ERASED, now, public=public)
        return done

    def _work(
        self, stones: list[Tombstone], slots: SlotEraser, entries: dict[bytes, CatalogueEntry], done: Erasure
    ) -> set[int]:
        """Every step for these calls; returns the numbers of those that must be tried again."""
        places = [(stone, slot, g) for stone in stones for slot, g in stone.slots if slots.is_ours(slot, g, stone.name)]
        bad: set[int] = set()

        def failed(stone: Tombstone, slot: int | None, error: StoreError) -> None:
            done.failures.append(Failure(sequence=stone.sequence, slot=slot, problem=str(error)))
            bad.add(stone.sequence)

        places = self._each_piece(slots.destroy_keys, places, failed)
        self._forget(stones, entries, done, failed)
        self._each_piece(slots.overwrite, places, failed)
        return bad

    def _each_piece(
        self,
        step: Callable[[Sequence[Place]], Iterable[Failed]],
        places: list[Place],
        failed: Callable[[Tombstone, int | None, StoreError], None],
    ) -> list[Place]:
        """The places that did not fail."""
        gone: set[int] = set()
        for piece in _pieces(places, self._piece):
            for stone, slot, error in step(piece):
                failed(stone, slot, error)
                gone.add(slot)
            self._pause(len(piece))
        return [place for place in places if place[1] not in gone]

    def _forget(
        self,
        stones: list[Tombstone],
        entries: dict[bytes, CatalogueEntry],
        done: Erasure,
        failed: Callable[[Tombstone, int | None, StoreError], None],
    ) -> None:
        """What journals and catalogue have of the calls: wrapped keys, cards, what people wrote."""
        names = {stone.name for stone in stones}
        try:
            for journal in (self._recorder, self._journal):
                done.octets += journal.erase_sealed(names)
        except StoreError as error:
            for stone in stones:
                failed(stone, None, error)
        days: dict[str, dict[int, Tombstone]] = {}
        for stone in stones:
            entry = entries.get(stone.name)
            listed = {entry.public.date} if entry is not None else {day.isoformat() for day in _near({stone.ended_on})}
            for day in listed:
                days.setdefault(day, {})[stone.sequence] = stone
        for day, listed_there in days.items():
            try:
                self._catalogue.remove(day, listed_there.keys())
            except StoreError as error:
                for stone in listed_there.values():
                    failed(stone, None, error)


def _near(ended_on: set[date]) -> set[date]:
    """Where calls that ended on these days are listed: on the day they began."""
    return ended_on | {date.fromordinal(day.toordinal() - 1) for day in ended_on}


def refuse_early(one: Due, on: date, amendments: Amended) -> None:
    """Raises RefusedError for a call whose last day is not over (Article 8(1)), or that is on hold."""
    shown = f"call kept until {one.expires_on}"
    if one.why is not Why.AGE and on <= one.expires_on:
        raise RefusedError(
            "the time of this call is not over, so it is not erased (Article 8(1))", where=shown, remedy="this is a bug"
        )
    until = amendments.hold(one.call_id)
    if until is not None and until >= on:
        raise RefusedError(
            f"this call is on hold until {until}, so it is not erased", where=shown, remedy="this is a bug"
        )


def _refuse_open(stored: StoredCall) -> None:
    if stored.open_now:
        raise RefusedError("this call is going on, so it is not erased", where=stored.id, remedy="this is a bug")


def _pieces(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
