"""What both journals say of the calls that are there, kept up as they grow: for the keeper, which asks all day.

Of erased calls nothing is held here; their names are the journal's (`graves.py`). Of a call whose key was thrown away
there is its name. So a year of tombstones costs no more than what is there, and a look costs what is new.
"""

from __future__ import annotations

from tsuwaroku.store.amendments import Amended, lost_in, slots_aside
from tsuwaroku.store.graves import Graves
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.journal_record import JournalRecord, JournalType
from tsuwaroku.store.sequence import number_accounted
from tsuwaroku.store.tombstone import Tombstone, buried_in, name_of


class Standing(Amended):
    """`highest_erased`: of the numbers with a tombstone. `accounted`: numbers above it of which only the journals know.
    `aside`: slots that cannot be written.

    Records come by journal, not by time: what one journal says of a call is in its order. `in_order` has them by time.
    """

    def __init__(self, recorder: Journal, keeper: Journal) -> None:
        super().__init__()
        self.highest_erased = 0
        self.accounted: set[int] = set()
        self.aside: set[int] = set()
        self._recorder = recorder
        self._keeper = keeper
        self._seen: dict[str, int] = {}
        self._latest: dict[str, int] = {}  # journal -> the latest time of a record in it
        self._when: dict[tuple[str, int], int] = {}  # record held here -> the latest time in its journal up to it
        self._names: dict[bytes, bytes] = {}  # of the calls held here: name -> id
        self._discarded = Graves()
        self._unfinished: dict[bytes, int] = {}  # name -> sequence number

    def refresh(self) -> Standing:
        """Itself, with what was appended since. Raises StoreError."""
        for journal in (self._keeper, self._recorder):  # tombstones first: what they are about is not taken in
            seen = self._seen.get(journal.owner, 0)
            for record in journal.since(seen):
                self._seen[journal.owner] = record.number
                self._latest[journal.owner] = max(self._latest.get(journal.owner, 0), record.wall_ns)
                self._take(record)
        return self

    def in_order(self, call_id: bytes) -> list[JournalRecord]:
        """What is said of a call, as `Amendments` has it: by time, but never against the order of a journal."""

        def place(record: JournalRecord) -> tuple[int, str, int]:
            return self._when[record.owner, record.number], record.owner, record.number

        return sorted(self.get(call_id, ()), key=place)

    def tombstone(self, call_id: bytes) -> Tombstone | None:
        return self._keeper.tombstone(name_of(call_id))

    def unfinished(self) -> list[Tombstone]:
        stones = (self._keeper.tombstone(name) for name in self._unfinished)
        return [stone for stone in stones if stone is not None]

    def gone(self, call_id: bytes) -> bool:
        name = name_of(call_id)
        return self._discarded.find(name) is not None or self._keeper.buried(name) is not None

    def kept(self, call_id: bytes) -> bool | None:
        """Of a call without a key in its slots: whether somebody pressed for it; None where nobody knows yet."""
        if self._discarded.find(name_of(call_id)) is not None:
            return False
        return True if any(record.type is JournalType.WRAP for record in self.get(call_id, ())) else None

    def _take(self, record: JournalRecord) -> None:
        if record.type is JournalType.TOMBSTONE:
            self._bury(record)
        elif record.type is JournalType.ERASED:
            self._finish(set(record.public.get("sequences", ())))
        elif record.type is JournalType.SET_ASIDE:
            self.aside |= slots_aside([record])
        elif any(record.call_id):
            self._add(record, name_of(record.call_id))

    def _add(self, record: JournalRecord, name: bytes) -> None:
        number = number_accounted(record)
        if number is not None and number > self.highest_erased:
            self.accounted.add(number)
        self.accounted.update(number for number in lost_in(record) if number > self.highest_erased)
        if record.type is JournalType.DISCARDED:
            self._discarded.add(name, record.number)
            self._drop(record.call_id)
        elif not self.gone(record.call_id) or name in self._unfinished:
            self._names[name] = record.call_id
            self.setdefault(record.call_id, []).append(record)
            self._when[record.owner, record.number] = self._latest[record.owner]

    def _bury(self, record: JournalRecord) -> None:
        for name, number in buried_in(record):
            again = number <= self.highest_erased and self._keeper.buried(name) != record.number
            if not again:
                self._unfinished[name] = number
            self.highest_erased = max(self.highest_erased, number)
        self.accounted.update(lost_in(record))
        self.accounted = {number for number in self.accounted if number > self.highest_erased}

    def _finish(self, numbers: set[int]) -> None:
        """Read back as zeros: nothing is left to say of these calls."""
        for name in [name for name, number in self._unfinished.items() if number in numbers]:
            del self._unfinished[name]
            call_id = self._names.pop(name, None)
            if call_id is not None:
                self._drop(call_id)

    def _drop(self, call_id: bytes) -> None:
        for record in self.pop(call_id, ()):
            self._when.pop((record.owner, record.number), None)
