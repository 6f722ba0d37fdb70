"""Is one call still what it was sealed, settled and listed as? What whoever shows or plays it asks; `verify` asks all.

Lists are made from the catalogue and do not look into the ring: what has been spoilt there since shows here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.journal_record import JournalRecord
from tsuwaroku.store.recovery import agrees, entry_of, recovered_record
from tsuwaroku.store.scan import StoredCall, scan_slots

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store


def problems_of(
    stored: StoredCall, amendments: Sequence[JournalRecord], entry: CatalogueEntry | None = None
) -> list[str]:
    """What is wrong with it, as far as it shows without a key. Of one that is going on, only what is wrong in itself:
    nobody has settled or listed it yet."""
    if stored.open_now:
        return stored.problems
    later = _settled(stored, amendments)
    if entry is not None and entry != entry_of(stored) and not (stored.problems or later):
        later.append("ring and catalogue say different things of it")
    return [*stored.problems, *later]


def listed_problems(store: Store, call_id: str) -> list[str]:
    """The same of a call in the catalogue, by its id as people see it; of one that is not listed nothing is known.

    Raises StoreError where the disk cannot be read.
    """
    entry = Catalogue.of(store).get(call_id)
    if entry is None:
        return []
    amendments = read_amendments(store)
    stored = next((call for call in scan_slots(store, entry.slots) if call.call_id == entry.call_id), None)
    if stored is not None:
        return problems_of(stored, amendments.get(entry.call_id, ()), entry)
    return [] if amendments.gone(entry.call_id) else ["is not in the ring any more"]


def _settled(stored: StoredCall, amendments: Sequence[JournalRecord]) -> list[str]:
    """An interrupted call must be what was signed when the box came back."""
    if stored.last:
        return []
    recovered = recovered_record(amendments)
    if recovered is not None:
        return [] if agrees(stored, recovered) else ["is not what was signed when it was recovered"]
    if stored.torn:
        return ["ends in a torn or damaged extent, and nobody has signed how far it goes"]
    return []
