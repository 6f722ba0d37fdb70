"""Opening sequence numbers: the chain across calls that makes a missing one show. Pure."""

from __future__ import annotations

from collections import Counter

import msgspec

from tsuwaroku.store.amendments import Amendments
from tsuwaroku.store.journal_record import JournalRecord, JournalType
from tsuwaroku.store.scan import StoredCall

_ACCOUNTED = (JournalType.DISCARDED, JournalType.NOT_RECORDED)


class Gaps(msgspec.Struct):
    """`missing`: gone without a trace. `uncommitted`: lost in the very commit that an interruption cut. `doubled`: two
    calls, erased ones included, have it."""

    missing: list[int]
    uncommitted: list[int]
    doubled: list[int]


def accounted_numbers(amendments: Amendments) -> set[int]:
    """Numbers of calls of which only the journals know."""
    numbers = (number_accounted(record) for records in amendments.values() for record in records)
    return {number for number in numbers if number is not None}


def number_accounted(record: JournalRecord) -> int | None:
    """The number of a call that need not be in the ring, as this record says: nobody pressed, there was no room, or
    nothing of it was committed when it was cut off."""
    number = record.public.get("sequence")
    never = record.type is JournalType.RECOVERED and record.public.get("extents") == 0
    return number if (never or record.type in _ACCOUNTED) and isinstance(number, int) else None


class Sequence:
    """Takes in one call after the other; keeps of their extents only what the numbers need."""

    def __init__(self) -> None:
        self._present: Counter[int] = Counter()
        self._closed: set[int] = set()  # numbers the audit log knows as closed
        # for each recorder instance: next sequence number -> monotonic times of its first and last commit that named it
        self._commits: dict[bytes, dict[int, tuple[int, int]]] = {}

    @property
    def highest(self) -> int:
        """The highest number of a call seen."""
        return max(self._present, default=0)

    def take(self, stored: StoredCall) -> None:
        """Take note of a call."""
        self._present[stored.sequence] += 1
        instances = {header.slot: header.instance for header in stored.headers}
        for extent in stored.extents:
            known = self._commits.setdefault(instances[extent.slot], {})
            mono = extent.header.mono_ns
            first, last = known.get(extent.header.next_sequence, (mono, mono))
            known[extent.header.next_sequence] = min(first, mono), max(last, mono)
        opening = stored.headers[0]
        if opening.part == 0:  # its first commit knew of the call itself, even where no extent of it is left
            known = self._commits.setdefault(opening.instance, {})
            first, last = known.get(opening.sequence + 1, (opening.mono_ns, opening.mono_ns))
            known[opening.sequence + 1] = min(first, opening.mono_ns), max(last, opening.mono_ns)

    def closed(self, number: int) -> None:
        """A call with that number was once whole."""
        self._closed.add(number)

    def gaps(self, amendments: Amendments, above: int = 0) -> Gaps:
        """What is not as it should be with the numbers from `above` + 1 to the highest that anything knows of.

        Of a number that was found uncommitted when the last calls that bore witness were erased, the tombstone says so.
        """
        erased = Counter(stone.sequence for stone in amendments.tombstones.values())
        opened = [following - 1 for known in self._commits.values() for following in known]
        numbers = range(above + 1, max([self.highest, *opened, *self._closed, *erased]) + 1)
        accounted = accounted_numbers(amendments).union(erased, self._present)
        gaps = [number for number in numbers if number not in accounted]
        lost = amendments.lost - self._closed
        uncommitted = [n for n in gaps if n in lost or (n not in self._closed and self._cut_in_commit(n))]
        return Gaps(
            missing=sorted(set(gaps).difference(uncommitted)),
            uncommitted=uncommitted,
            doubled=sorted(number for number, times in (self._present + erased).items() if times > 1),
        )

    def _cut_in_commit(self, number: int) -> bool:
        """Did only the last commit of the recorder that opened it know of call `number`?

        Then other calls' extents of that commit reached the disk and this call's did not. A later commit of the same
        recorder proves that the call was on the disk.
        """
        openers = 0
        for known in self._commits.values():
            later = [times for following, times in known.items() if following > number]
            if later and len(later) < len(known):
                openers += 1
                if min(first for first, _ in later) != max(last for _, last in later):
                    return False
        return openers > 0 or self._cut_in_first_commit(number)

    def _cut_in_first_commit(self, number: int) -> bool:
        """The same for a recorder that never came to a second commit: the first one to know of later calls only."""
        later = [known for known in self._commits.values() if min(known, default=0) > number]
        times = min(later, key=min).values() if later else ()
        return bool(times) and min(first for first, _ in times) == max(last for _, last in times)
