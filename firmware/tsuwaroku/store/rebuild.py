"""The catalogue made again from ring and journals alone, without a private key, in the time of one look at each call.

A call's last slot says all the catalogue holds: public record, card, digest. The signatures of its first and last
header and of its last extents are checked, and the chain within that slot; `verify` checks the rest. Calls that have no
sound end are read whole.
"""

from __future__ import annotations

from array import array
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.store import slot as fmt
from tsuwaroku.store.amendments import Amendments, read_amendments
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.recovery import entry_of
from tsuwaroku.store.scan import (
    PROGRESS_STEP,
    Progress,
    StoredCall,
    checked_header,
    live_instance,
    read_headers,
    scan_call,
    scan_end,
)
from tsuwaroku.store.slot import FormatError

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

_PART = 32  # bits of a slot's number below its part's


class Rebuilt(msgspec.Struct, kw_only=True):
    """What was found. `held`: calls under a hold, and its last day. `unfinished`: erasures for `Eraser.finish`.

    `highest_sequence`: of calls, erased ones and such as only the journals know. `problems`: slots nobody can read.
    """

    calls: int = 0
    days: int = 0
    held: dict[bytes, date] = msgspec.field(default_factory=dict)
    unfinished: int = 0
    highest_sequence: int = 0
    problems: list[str] = msgspec.field(default_factory=list)


def rebuild(store: Store, progress: Progress | None = None) -> Rebuilt:
    """Make every day file again. `progress(done, total)` counts slots, then calls besides. Raises StoreError.

    Marks and holds stand in the journals and need nothing. A call that is going on is listed when it closes.
    """
    amendments = read_amendments(store)
    ring = _Ring(store, progress)
    days: dict[str, list[CatalogueEntry]] = {}
    total, live = store.ring.slots + len(ring.calls), live_instance(store)
    for done, call_id in enumerate(ring.calls, start=1):
        stored = None if amendments.gone(call_id) else ring.stored(call_id, live)
        if stored is not None and stored.committed and not stored.open_now:
            entry = entry_of(stored)
            days.setdefault(entry.public.date, []).append(entry)
        if progress is not None:
            progress(store.ring.slots + done, total)
    catalogue = Catalogue.of(store)
    for day in sorted({*catalogue.days(), *days}):
        catalogue.replace_day(day, days.get(day, []))
    listed = {entry.call_id for entries in days.values() for entry in entries}
    return Rebuilt(
        calls=len(listed),
        days=len(days),
        held={call: until for call in amendments if call in listed and (until := amendments.hold(call)) is not None},
        unfinished=len(amendments.unfinished()),
        highest_sequence=_highest(ring.highest, amendments),
        problems=[f"slot {slot}: {problem}" for slot, problem in sorted(ring.unreadable.items())],
    )


class _Ring:
    """What every header says, its signature unchecked: a full ring has a million, and most of them decide nothing."""

    def __init__(self, store: Store, progress: Progress | None) -> None:
        self._store = store
        self.calls: dict[bytes, array[int]] = {}  # part and slot of each header, in one number
        self.unreadable: dict[int, str] = {}
        self.highest = 0
        for slot in range(store.ring.slots):
            if progress is not None and slot % PROGRESS_STEP == 0:
                progress(slot, store.ring.slots)
            self._glance(slot, store.ring.read_block0(slot))

    def _glance(self, slot: int, block: bytes) -> None:
        if block[:8] in (fmt.MAGIC_FREE, fmt.MAGIC_ERASING):
            return
        fields = fmt.HEADER.unpack_from(block)
        magic, version, number, store_id, call_id, sequence, part = (fields[at] for at in (0, 1, 3, 5, 6, 7, 8))
        if (magic, version, number, store_id) != (fmt.MAGIC_USED, fmt.VERSION, slot, self._store.store_id):
            self.unreadable[slot] = "not a slot header"
            return
        self.calls.setdefault(call_id, array("Q")).append(part << _PART | slot)
        self.highest = max(self.highest, sequence)

    def stored(self, call_id: bytes, live: bytes | None) -> StoredCall | None:
        """The call, told by its end where it has one. None for one whose headers nobody signed."""
        places = sorted(self.calls[call_id])
        slots = [place & (1 << _PART) - 1 for place in places]
        if [place >> _PART for place in places] == list(range(len(places))):
            stored = self._by_its_end(slots)
            if stored is not None:
                return stored
        headers = read_headers(self._store, slots)
        self.unreadable |= headers.unreadable
        parts = headers.calls.get(call_id)
        return scan_call(self._store, parts, live) if parts else None

    def _by_its_end(self, slots: list[int]) -> StoredCall | None:
        blocks = {slot: self._store.ring.read_block0(slot) for slot in slots}
        try:
            for slot in {slots[0], slots[-1]}:
                checked_header(self._store, slot, blocks[slot])
            headers = [fmt.unpack_slot(block) for block in blocks.values()]
        except FormatError:
            return None
        known = [header for header in headers if header is not None]
        return scan_end(self._store, known) if len(known) == len(slots) else None


def _highest(present: int, amendments: Amendments) -> int:
    numbered = (r.public.get("sequence") for records in amendments.values() for r in records)
    told = (number for number in numbered if isinstance(number, int))
    return max([0, present, *told, *(stone.sequence for stone in amendments.tombstones.values())])
