"""When the ring runs full, by hand-made rings whose answer can be counted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsuwaroku.service.forecast import (
    ALARM_DAYS,
    HORIZON_DAYS,
    Cause,
    Forecast,
    HoldEffect,
    KeptCall,
    Occupancy,
    Shortage,
    effect_of_hold,
    forecast,
    occupancy,
    shortage,
)

TODAY = date(2026, 11, 24)  # a Tuesday
DAY = timedelta(days=1)


def days_of(slots_a_day: int, days: int = 31, held: tuple[int, date] | None = None) -> list[KeptCall]:
    """One call a day, today's included; `held`: days ago, and to when."""
    return [
        KeptCall(
            day=TODAY - ago * DAY,
            slots=slots_a_day,
            expires_on=TODAY + (30 - ago) * DAY,
            held_until=held[1] if held is not None and held[0] == ago else None,
        )
        for ago in range(days)
    ]


def test_a_ring_that_keeps_what_it_must_never_runs_full() -> None:
    ring = occupancy(TODAY, 320, days_of(10), 30)
    assert (ring.free, ring.held, ring.takes) == (10, 0, (10.0,) * 7)
    assert sum(ring.frees.values()) == 310
    assert forecast(ring) == Forecast(broken_on=None, lowest=10, lowest_on=TODAY)
    assert forecast(occupancy(TODAY, 310, days_of(10), 30)).broken_on is None


@pytest.mark.parametrize(
    ("days", "slots", "broken"),
    [(1, 20, 2), (1, 25, 2), (1, 40, 4), (20, 250, 6), (31, 309, None)],
)
def test_it_runs_full_on_the_day_that_counting_says(days: int, slots: int, broken: int | None) -> None:
    """So many days of 10 slots each are in it; nothing comes free before the oldest call has had its 30."""
    found = forecast(occupancy(TODAY, slots, days_of(10, days), 30)).broken_on
    assert found == (None if broken is None else TODAY + broken * DAY)


def test_a_call_that_is_overdue_comes_free_today() -> None:
    old = KeptCall(day=TODAY - 40 * DAY, slots=5, expires_on=TODAY - 10 * DAY)
    assert occupancy(TODAY, 9, [old], 30).frees == {TODAY: 5}


def test_what_is_left_of_today_counts() -> None:
    """Tuesdays take 40; 10 are taken, 30 to come, 20 free: it breaks today, not tomorrow."""
    calls = [
        KeptCall(day=TODAY - ago * DAY, slots=slots, expires_on=TODAY + (30 - ago) * DAY)
        for ago, slots in [(0, 10), (7, 40), (14, 40)]
    ]
    assert occupancy(TODAY, 110, calls, 30).left == 30.0
    assert forecast(occupancy(TODAY, 110, calls, 30)).broken_on == TODAY
    assert forecast(occupancy(TODAY, 120, calls, 30)).broken_on == TODAY + 7 * DAY


def test_why_it_runs_full_is_what_can_be_done_about_it() -> None:
    held = occupancy(TODAY, 315, days_of(10, held=(29, date(2027, 3, 31))), 30)
    assert shortage(held, enough=True, stopped=False) == Shortage(
        day=TODAY + 2 * DAY, cause=Cause.HOLDS, free=5, held=10
    )
    steady = occupancy(TODAY, 320, days_of(10), 30)
    assert shortage(steady, enough=True, stopped=False) is None
    stuck = shortage(steady, enough=True, stopped=True)
    assert stuck == Shortage(day=TODAY + 2 * DAY, cause=Cause.ERASURE, free=10, held=0)
    growing = occupancy(TODAY, 100, days_of(10, 5), 30)
    assert shortage(growing, enough=True, stopped=False) == Shortage(
        day=TODAY + 6 * DAY, cause=Cause.RATE, free=50, held=0
    )
    assert shortage(growing, enough=False, stopped=False) == Shortage(
        day=TODAY + 6 * DAY, cause=Cause.SIZE, free=50, held=0
    )


def test_a_far_shortage_is_told_only_where_a_person_decided_it() -> None:
    """250 slots at 10 a day: full in 20 days. Held calls that break it in months are told at once."""
    assert shortage(occupancy(TODAY, 250, days_of(10, 5), 30), enough=True, stopped=False) is None
    calls = days_of(10, held=(0, date(2027, 3, 31)))
    ring = occupancy(TODAY, 315, calls, 30)
    told = shortage(ring, enough=True, stopped=False)
    assert told is not None
    assert (told.day, told.cause) == (TODAY + 31 * DAY, Cause.HOLDS)


def test_a_weekday_takes_what_it_usually_takes_or_took_last() -> None:
    calls = [
        KeptCall(day=TODAY - ago * DAY, slots=slots, expires_on=TODAY + (30 - ago) * DAY)
        for ago, slots in [(0, 9), (1, 4), (8, 8), (15, 8), (22, 8), (29, 99), (3, 50), (10, 10), (17, 10), (24, 10)]
    ]
    # Mondays 4 8 8 8; Tuesdays nothing but 9 today; Saturdays 50 10 10 10 → last Saturday is more than the average
    assert occupancy(TODAY, 999, calls, 30).takes == (7.0, 9.0, 0.0, 0.0, 0.0, 50.0, 0.0)


def test_a_hold_keeps_its_slots_and_the_rest_must_do() -> None:
    ring = occupancy(TODAY, 315, days_of(10, held=(29, date(2027, 3, 31))), 30)
    assert (ring.held, ring.frees.get(TODAY + 2 * DAY, 0), ring.frees[date(2027, 4, 1)]) == (10, 0, 10)
    assert forecast(ring).broken_on == TODAY + 2 * DAY  # the day its slots were to be used again
    assert forecast(occupancy(TODAY, 320, days_of(10, held=(29, date(2027, 3, 31))), 30)).broken_on is None


def test_what_a_hold_would_do_is_what_it_does() -> None:
    calls = days_of(10)
    for until in (date(2026, 12, 1), date(2027, 3, 31), date.max):
        told = effect_of_hold(occupancy(TODAY, 315, calls, 30), calls[29], until)
        held = days_of(10, held=(29, until))
        assert told == HoldEffect(
            slots=10,
            until=until,
            before=forecast(occupancy(TODAY, 315, calls, 30)),
            after=forecast(occupancy(TODAY, 315, held, 30)),
        )
        assert (told.breaks, told.after.broken_on) == (True, TODAY + 2 * DAY)
    assert not effect_of_hold(occupancy(TODAY, 315, calls, 30), calls[29], calls[29].expires_on).breaks
    assert not effect_of_hold(occupancy(TODAY, 320, calls, 30), calls[3], date(2027, 3, 31)).breaks


def test_a_hold_that_changes_nothing_about_an_early_end_does_not_break_it() -> None:
    calls = days_of(10, 5)
    effect = effect_of_hold(occupancy(TODAY, 100, calls, 30), calls[0], date(2027, 3, 31))
    assert (effect.before.broken_on, effect.breaks) == (TODAY + 6 * DAY, False)


def test_what_is_still_to_come_today_comes_free_with_the_rest_of_the_day() -> None:
    """Tuesdays take 40 and nothing else is recorded: 200 slots hold five Tuesdays, for ever."""
    calls = [KeptCall(day=TODAY - ago * DAY, slots=40, expires_on=TODAY + (30 - ago) * DAY) for ago in (7, 14, 21, 28)]
    assert occupancy(TODAY, 200, calls, 30).left == 40.0
    assert forecast(occupancy(TODAY, 200, calls, 30)).broken_on is None
    assert forecast(occupancy(TODAY, 199, calls, 30)).broken_on == TODAY


@settings(max_examples=60, deadline=None)
@given(slots=st.integers(1, 600), takes=st.lists(st.integers(0, 40), min_size=31, max_size=31))
def test_a_forecast_is_the_ring_played_forward(slots: int, takes: list[int]) -> None:
    calls = [
        KeptCall(day=TODAY - ago * DAY, slots=take, expires_on=TODAY + (30 - ago) * DAY)
        for ago, take in enumerate(takes)
    ]
    if sum(takes) > slots:
        return
    ring = occupancy(TODAY, slots, calls, 30)
    in_ring = [(call.free_on, float(call.slots)) for call in calls]
    broken = None
    for ahead in range(HORIZON_DAYS + 1):
        day = TODAY + ahead * DAY
        in_ring = [(free_on, size) for free_on, size in in_ring if free_on > day]
        today = takes[0] if ahead == 0 else 0  # what is in it already
        in_ring.append((day + 31 * DAY, ring.takes[day.weekday()] - today))
        if sum(size for _, size in in_ring) > slots + 1e-6:
            broken = day
            break
    told = forecast(ring).broken_on
    assert told == broken or (told is not None and broken is not None and abs((told - broken).days) == 0)


@pytest.mark.parametrize("minute", [0, 24 * 60 - 1])
def test_the_alarm_comes_48_hours_ahead_at_any_minute_of_the_day(minute: int) -> None:
    """The ring fills up by a slot a day; the alarm is looked at once a day, at that minute."""
    for start in range(10):
        ring = Occupancy(today=TODAY, free=start, frees={}, takes=(1.0,) * 7, retention_days=30)
        broken = forecast(ring).broken_on
        assert broken == TODAY + (start + 1) * DAY
        alarm = forecast(ring).alarm(TODAY)
        hours_left = ((broken - TODAY).days * 24 * 60 - minute) / 60
        assert alarm == (start + 1 <= ALARM_DAYS)
        assert alarm or hours_left > 48 + 24  # so the next look, a day later, is in time, too


def test_an_empty_box_forecasts_nothing() -> None:
    ring = occupancy(TODAY, 100, [], 30)
    assert forecast(ring) == Forecast(broken_on=None, lowest=100, lowest_on=TODAY)
    assert not forecast(ring).alarm(TODAY)
