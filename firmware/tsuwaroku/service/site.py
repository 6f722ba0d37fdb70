"""The numbers of a store in use that `plan` and the forecast are made from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from tsuwaroku.records.retention import Period, day_of
from tsuwaroku.service.forecast import Occupancy, occupancy
from tsuwaroku.service.measured import Measured, kept_calls, measure
from tsuwaroku.store.amendments import read_amendments, slots_aside
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What its calls took (None: no whole day yet), what its ring has left, and how many slots of it can be used."""

    measured: Measured | None
    ring: Occupancy
    slots: int


def look_at_site(path: Path, wall_ns: int) -> Site:
    """Needs no key. Raises StoreError."""
    store = Store.open(path)
    try:
        today = day_of(wall_ns)
        return Site(measured=measure(store, today), ring=occupancy_of(store, today), slots=usable_slots(store))
    finally:
        store.close()


def occupancy_of(store: Store, today: date) -> Occupancy:
    """The ring as the catalogue has it: for the forecast, and for what a hold would do. Raises StoreError."""
    calls = kept_calls(Catalogue.of(store).entries(), holds(store))
    period = Period.from_code(store.info.retention_days)
    return occupancy(today, usable_slots(store), calls, period.longest_days)


def usable_slots(store: Store) -> int:
    """All but those that were set aside. Raises StoreError."""
    return store.info.slots - len(slots_aside(Journal.open(store.journal_dir, "recorder", store).records()))


def holds(store: Store) -> dict[bytes, date]:
    """The last day of each call's hold; `date.max` where it has none. Raises StoreError."""
    amendments = read_amendments(store)
    return {call_id: until for call_id in amendments if (until := amendments.hold(call_id)) is not None}
