"""The numbers a person decides by, for a box to be bought and for one in use."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.bench.manycalls import FIRST_DAY, make
from tests.store.reading import Box, ident
from tests.store.writing import at
from tsuwaroku.config import Config, LineConfig, StoreConfig
from tsuwaroku.errors import RingError
from tsuwaroku.service.forecast import KeptCall, Occupancy, occupancy
from tsuwaroku.service.measured import Measured, kept_calls, measure, octets_a_second
from tsuwaroku.service.plan import plan, refuse_below_guarantee
from tsuwaroku.service.site import holds, look_at_site, occupancy_of
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal_record import JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import catalogue_calls
from tsuwaroku.store.slot import SLOT_SIZE

GIB = 1 << 30
SITE = Measured(days=28, calls_a_day=400, octets_a_day=2.0 * GIB, octets_a_second=9000.0, hours_a_day=3.0)


def config(**store: object) -> Config:
    lines = tuple(LineConfig(id=str(n)) for n in range(8))
    return Config(line=lines, store=StoreConfig(**store))  # type: ignore[arg-type]


def test_what_the_guarantee_needs() -> None:
    figures = plan(config())
    a_day = 8 * 24 * 3600 * 20 * 1024
    assert abs(figures.needed_bytes - a_day * 32 * 1.1 * 1.05) < SLOT_SIZE
    assert (figures.needed_bytes, figures.sufficient, figures.kept_days) == (figures.configured_bytes, True, 32.0)
    assert (figures.measured, figures.broken_on, figures.wear_a_year, figures.free_slots) == (None, None, None, None)


def test_what_this_site_measured_says() -> None:
    ring = Occupancy(today=FIRST_DAY, free=100, frees={}, takes=(10.0,) * 7, retention_days=30, held=7)
    figures = plan(config(ring_size="100 GiB", accept_shorter=True), None, 600 << 40, SITE, ring)
    assert figures.measured_needed_bytes is not None
    assert abs(figures.measured_needed_bytes - 2 * GIB * 32 * 1.1 * 1.05) < SLOT_SIZE
    assert figures.measured_kept_days == round(100 / 1.155 / 2, 1)
    assert figures.written_per_year_bytes == int(365 * 2 * GIB * 2.1)
    assert figures.wear_a_year == round(365 * 2 * 2.1 / (600 * 1024), 4)
    assert (figures.free_slots, figures.held_slots) == (100, 7)
    assert figures.broken_on == (FIRST_DAY + timedelta(days=11)).isoformat()


def test_below_the_guarantee_is_refused_unless_accepted_in_so_many_words() -> None:
    small = config(ring_size="10 GiB")
    with pytest.raises(RingError, match="need"):
        refuse_below_guarantee(small, plan(small))
    accepted = config(ring_size="10 GiB", accept_shorter=True)
    refuse_below_guarantee(accepted, plan(accepted))


def test_the_last_weeks_of_a_store_are_measured_without_a_key(tmp_path: Path) -> None:
    make(tmp_path / "store", 90, 30)
    store = Store.open(tmp_path / "store")
    last = FIRST_DAY + timedelta(days=29)
    assert measure(store, last) == Measured(
        days=28, calls_a_day=3.0, octets_a_day=3 * 29 * SLOT_SIZE, octets_a_second=None, hours_a_day=None
    )
    assert measure(store, FIRST_DAY) is None
    ring = occupancy_of(store, last)
    assert (sum(ring.frees.values()), ring.takes, ring.held) == (90 * 29, (87.0,) * 7, 0)
    store.close()


def test_octets_a_second_are_those_from_one_slot_to_the_next(tmp_path: Path) -> None:
    box = Box(tmp_path / "store")
    box.call(1, seconds=40, commits=8)
    box.call(2)
    catalogue = Catalogue(box.store.catalogue_dir)
    catalogue_calls(box.store, catalogue)
    entries = list(catalogue.entries())
    slots = [len(entry.slots) for entry in entries]
    assert slots[0] > 1
    assert slots[1] == 1
    rate = octets_a_second(box.store, entries)
    assert rate is not None
    assert 4_000 < rate < 40_000
    assert octets_a_second(box.store, entries[1:]) is None
    [day] = catalogue.days()
    found = measure(box.store, date.fromisoformat(day) + timedelta(days=1))
    assert found is not None
    assert found.octets_a_day == sum(slots) * SLOT_SIZE
    assert found.hours_a_day == pytest.approx(sum(slots) * SLOT_SIZE / rate / 3600)


def test_holds_count_from_the_journal(tmp_path: Path) -> None:
    box = Box(tmp_path / "store")
    for number in (1, 2, 3):
        box.call(number)
    catalogue_calls(box.store, Catalogue(box.store.catalogue_dir))
    journal = box.journal()
    journal.append(JournalType.HOLD, at(1), ident(1), {"until": "2027-03-31"})
    journal.append(JournalType.HOLD, at(1), ident(2), {"until": "2027-03-31"})
    journal.append(JournalType.HOLD_RELEASED, at(2), ident(2))
    journal.append(JournalType.HOLD, at(3), ident(3), {})
    assert holds(box.store) == {ident(1): date(2027, 3, 31), ident(3): date.max}
    entries = list(Catalogue(box.store.catalogue_dir).entries())
    calls = kept_calls(entries, holds(box.store))
    assert [call.held_until for call in calls] == [date(2027, 3, 31), None, date.max]
    assert [call.free_on for call in calls][::2] == [date(2027, 4, 1), date.max]
    site = look_at_site(box.store.path, at(0).wall_ns)
    ring = site.ring
    assert site.slots == box.store.info.slots
    today = ring.today
    assert ring == occupancy(today, box.store.info.slots, calls, box.store.info.retention_days)
    assert ring.held == 2
    assert isinstance(calls[0], KeptCall)
