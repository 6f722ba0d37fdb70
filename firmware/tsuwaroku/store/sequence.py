"""Opening sequence numbers: the chain across calls that makes a missing one show. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from tsuwaroku.store.journal import JournalRecord, JournalType
from tsuwaroku.store.scan import StoredCall

_ACCOUNTED = (JournalType.TOMBSTONE, JournalType.DISCARDED, JournalType.NOT_RECORDED)


class Sequence(msgspec.Struct):
    """`missing`: gone without a trace. `uncommitted`: lost in the very commit that an interruption cut."""

    missing: list[int]
    uncommitted: list[int]
    doubled: list[int]


def missing_numbers(calls: list[StoredCall], records: Iterable[JournalRecord]) -> Sequence:
    """What is not as it should be with numbers 1 to the highest that any call or extent knows of."""
    present = Counter(stored.sequence for stored in calls)
    accounted = {r.public.get("sequence") for r in records if r.type in _ACCOUNTED}
    opened = [extent.header.next_sequence - 1 for stored in calls for extent in stored.extents]
    highest = max([0, *present, *opened])
    gaps = [number for number in range(1, highest + 1) if number not in present and number not in accounted]
    uncommitted = [number for number in gaps if _cut_in_commit(number, calls)]
    return Sequence(
        missing=[number for number in gaps if number not in uncommitted],
        uncommitted=uncommitted,
        doubled=sorted(number for number, times in present.items() if times > 1),
    )


def _cut_in_commit(number: int, calls: list[StoredCall]) -> bool:
    """Did only the last commit of the recorder that opened it know of call `number`?

    Then other calls' extents of that commit reached the disk and this call's did not. A later commit of the same
    recorder proves that the call was on the disk.
    """
    before: set[bytes] = set()
    commits: dict[bytes, set[int]] = {}
    for stored in calls:
        instances = {header.slot: header.instance for header in stored.headers}
        for extent in stored.extents:
            instance = instances[extent.slot]
            if extent.header.next_sequence > number:
                commits.setdefault(instance, set()).add(extent.header.mono_ns)
            else:
                before.add(instance)
    openers = before & commits.keys()
    return bool(openers) and all(len(commits[instance]) == 1 for instance in openers)
