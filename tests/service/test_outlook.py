"""The forecast as an alarm: through the keeper, over days, with the reason that says what can be done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.service.daysworld import DAY, Days
from tsuwaroku.clock import NS
from tsuwaroku.service.holding import request
from tsuwaroku.service.outlook import AGAIN_NS, DAYS_A_POLL
from tsuwaroku.store.catalogue import CatalogueEntry


def box(tmp_path: Path, slots: int) -> Days:
    """A ring of a demonstration promises nothing, and its forecast is off; here it is on."""
    days = Days(tmp_path / "store", slots=slots)
    days.keeper._upkeep.outlook._off = False
    return days


def ring_alarms(days: Days) -> dict[str, str]:
    """Code -> detail, once a look of the forecast has come to its end."""
    days.keeper._upkeep.outlook.again()
    days.poll(3)
    return {code: alarm.detail for (code, _), alarm in days.keeper._alarms.standing.items() if code.startswith("ring_")}


def week(days: Days, calls: int = 2, length: int = 7) -> None:
    for _ in range(length):
        days.run_to("08:00")
        for _ in range(calls):
            days.call()


def test_a_ring_that_does_is_no_alarm(tmp_path: Path) -> None:
    days = box(tmp_path, 20)
    week(days, 2, 8)
    assert ring_alarms(days) == {}
    assert days.keeper.status().ring.full_on is None


def test_a_ring_that_is_too_small_is_told_days_ahead_with_the_day(tmp_path: Path) -> None:
    """4 calls a day for 6 days are 24 slots; 23 are there."""
    days = box(tmp_path, 23)
    week(days, 4, 2)
    found = ring_alarms(days)
    full = days.today + 4 * timedelta(days=1)
    assert found == {"ring_short_size": f"no slot is left on {full} (15 free, 0 on hold)"}
    assert days.keeper.status().ring.full_on == str(full)
    days.run_to("08:00")
    for _ in range(4):
        days.call()
    assert sorted(ring_alarms(days)) == ["ring_full_soon", "ring_short_size"]


def test_more_calls_than_the_ring_was_made_for(tmp_path: Path) -> None:
    days = box(tmp_path, 23)
    enough = replace(days.settings.store, off_hook_hours_a_day=0.0001)
    days.keeper._upkeep.outlook._config = replace(days.settings, store=enough)
    week(days, 4, 2)
    assert list(ring_alarms(days)) == ["ring_short_rate"]


def test_holds_that_will_not_fit_are_an_alarm_until_they_are_released(tmp_path: Path) -> None:
    """Set and released by the keeper itself: the alarm needs no hour to come and go."""
    days = box(tmp_path, 14)
    week(days, 2, 8)
    assert ring_alarms(days) == {}
    until = days.today + timedelta(days=200)
    names = [entry.public.id for day in days.keeper.listing.catalogue.days() for entry in days.keeper.listing.day(day)]
    days.keeper.hold(request(names[-4:], "訴訟", until), "suzuki")
    days.poll(3)
    standing = {code for code, _ in days.keeper._alarms.standing}
    assert "ring_short_holds" in standing
    detail = days.keeper._alarms.standing["ring_short_holds", ""].detail
    assert detail.startswith("no slot is left on ")
    assert detail.endswith(", 4 on hold)")
    days.keeper.hold(request(names[-4:], "和解", None), "suzuki")
    days.poll(3)
    assert {code for code, _ in days.keeper._alarms.standing if code.startswith("ring_")} == set()


def test_a_clock_in_dispute_fills_the_ring(tmp_path: Path) -> None:
    days = box(tmp_path, 14)
    week(days, 2, 8)
    days.error_ns = 30 * DAY
    days.poll(3)
    found = ring_alarms(days)
    assert ("clock_ahead", "") in days.keeper._alarms.standing
    assert "ring_short_erasure" in found
    days.error_ns = 0
    days.poll(3)
    assert ring_alarms(days) == {}


def test_it_is_looked_at_each_hour_a_few_days_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = box(tmp_path, 40)
    week(days, 1, 6)
    ring_alarms(days)
    read: list[str] = []
    real = days.keeper.listing.day

    def look(day: str) -> list[CatalogueEntry]:
        read.append(day)
        return real(day)

    monkeypatch.setattr(days.keeper.listing, "day", look)
    days.poll(2)
    assert read == []
    days.true_ns += AGAIN_NS
    days.true_ns += 2 * NS
    days.keeper._upkeep.outlook.poll(days.keeper._upkeep.watch.look(days.now()), days.now(), stopped=False)
    assert len(read) == DAYS_A_POLL
