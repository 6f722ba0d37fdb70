"""The numbers of a store in use that `plan` and the forecast are made from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tsuwaroku.records.retention import day_of
from tsuwaroku.service.forecast import Occupancy, occupancy
from tsuwaroku.service.measured import Measured, kept_calls, measure
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.layout import Store


def look_at_site(path: Path, wall_ns: int) -> tuple[Measured | None, Occupancy]:
    """What its calls took, and what its ring has left. Needs no key. Raises StoreError."""
    store = Store.open(path)
    try:
        today = day_of(wall_ns)
        return measure(store, today), occupancy_of(store, today)
    finally:
        store.close()


def occupancy_of(store: Store, today: date) -> Occupancy:
    """The ring as the catalogue has it: for the forecast, and for what a hold would do. Raises StoreError."""
    calls = kept_calls(Catalogue(store.catalogue_dir).entries(), holds(store))
    return occupancy(today, store.info.slots, calls, store.info.retention_days)


def holds(store: Store) -> dict[bytes, date]:
    """The last day of each call's hold; `date.max` where it has none. Raises StoreError."""
    amendments = read_amendments(store)
    return {call_id: until for call_id in amendments if (until := amendments.hold(call_id)) is not None}
