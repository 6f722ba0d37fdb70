"""Single judgements: midnight, holds, powered-on age, and a clock that is set back."""

from __future__ import annotations

from datetime import date

import pytest

from tests.records.world import HOLDOVER, SYNCHRONISED, UNSYNCHRONISED, D, H, S, World
from tsuwaroku.clock import NS, ClockQuality, Instant, from_iso
from tsuwaroku.records.judging import Suspension, Verdict, Why
from tsuwaroku.records.retention import Period, Unit

LAST = date(2026, 12, 1)  # of a call that ended on 1 November, by "30 days"
DUE = from_iso("2026-12-02T00:00:00+09:00")
P30 = Period(30)


def one_call(look_ns: int = D) -> tuple[World, Instant]:
    """A healthy box and a call that ended at its start, 1 November 09:00."""
    world = World(look_ns=look_ns)
    return world, world.now()


@pytest.mark.parametrize(
    ("at", "reading", "erasing"),
    [
        (DUE - 1, Verdict(True, Why.KEPT, LAST), Verdict(False, Why.KEPT, LAST)),
        (DUE, Verdict(False, Why.EXPIRED, LAST), Verdict(True, Why.EXPIRED, LAST)),
    ],
)
def test_the_first_moment_of_the_31st_day_decides(at: int, reading: Verdict, erasing: Verdict) -> None:
    world, end = one_call()
    world.run(at - world.true_ns)
    judge = world.judge()
    assert (judge.may_read(end, P30), judge.may_erase(end, P30)) == (reading, erasing)


@pytest.mark.parametrize(
    ("period", "due"),
    [
        (Period(10), "2026-11-12"),
        (Period(1, Unit.MONTHS), "2026-12-02"),
        (Period(3, Unit.MONTHS), "2027-02-02"),
        (Period(1, Unit.YEARS), "2027-11-02"),
    ],
)
def test_other_ordinances(period: Period, due: str) -> None:
    world, end = one_call()
    world.run(from_iso(f"{due}T00:00:00+09:00") - world.true_ns - 1)
    assert [world.judge().may_read(end, period).yes, world.judge().may_erase(end, period).yes] == [True, False]
    world.run(1)
    assert [world.judge().may_read(end, period).yes, world.judge().may_erase(end, period).yes] == [False, True]


def test_a_call_may_end_up_to_a_day_before_another_and_go_with_it() -> None:
    """By calendar day: the call that ended at midnight is kept a minute short of 31 days, the last of its day 30."""
    world = World(true_ns=from_iso("2026-11-01T00:00:00+09:00"), look_ns=D)
    first = world.now()
    world.run(D - 1)
    last = world.now()
    world.run(30 * D)
    assert [world.judge().may_erase(end, P30).why for end in (first, last)] == [Why.KEPT, Why.KEPT]
    world.run(1)
    assert [world.judge().may_erase(end, P30).why for end in (first, last)] == [Why.EXPIRED, Why.EXPIRED]


def test_a_hold_keeps_reads_and_lapses() -> None:
    world, end = one_call()
    until = date(2027, 3, 31)
    world.run(DUE - world.true_ns)
    assert world.judge().may_read(end, P30, until) == Verdict(True, Why.HELD, until)
    assert world.judge().may_erase(end, P30, until) == Verdict(False, Why.HELD, until)
    world.run(from_iso("2027-04-01T00:00:00+09:00") - world.true_ns)
    assert world.judge().may_read(end, P30, until) == Verdict(False, Why.EXPIRED, until)
    assert world.judge().may_erase(end, P30, until) == Verdict(True, Why.AGED, until)


def test_a_hold_shorter_than_the_retention_changes_nothing() -> None:
    world, end = one_call()
    world.run(20 * D)
    assert world.judge().may_erase(end, P30, date(2026, 11, 5)) == Verdict(False, Why.KEPT, LAST)
    assert world.judge().may_read(end, P30, date(2026, 11, 5)) == Verdict(True, Why.KEPT, LAST)


@pytest.mark.parametrize("error_ns", [10 * 365 * D, -10 * 365 * D, 30 * D])
@pytest.mark.parametrize("quality", [SYNCHRONISED, UNSYNCHRONISED])
def test_neither_age_nor_clock_breaks_a_hold(error_ns: int, quality: ClockQuality) -> None:
    world, end = one_call()
    world.clock(error_ns, quality)
    world.run(2 * D)
    assert world.judge().may_erase(end, P30, date(2027, 3, 31)).why is Why.HELD
    world.clock(error_ns, UNSYNCHRONISED)
    world.run(60 * D)
    assert world.judge().may_erase(end, P30, date(2027, 3, 31)).why is Why.HELD
    assert world.judge().may_erase(end, P30).why is Why.AGED


def test_32_days_of_powered_on_age_are_enough_whatever_the_clock_says() -> None:
    world = World(quality=UNSYNCHRONISED, error_ns=-50 * 365 * D, look_ns=D)
    end = world.now()
    world.run(32 * D - 1)
    assert world.judge().may_erase(end, P30).why is Why.UNDATED
    world.run(1)
    assert world.judge().may_erase(end, P30).why is Why.AGED


@pytest.mark.parametrize("back_ns", [10 * S, H, D, 10 * D, 3650 * D])
@pytest.mark.parametrize("quality", [SYNCHRONISED, HOLDOVER, UNSYNCHRONISED])
def test_setting_the_clock_back_makes_nothing_readable_again(back_ns: int, quality: ClockQuality) -> None:
    world, end = one_call()
    world.off(H)
    world.clock(0)
    world.run(DUE - world.true_ns)
    assert not world.judge().may_read(end, P30).yes
    world.clock(-back_ns, quality)
    assert not world.judge().may_read(end, P30).yes
    world.run(4 * D)
    assert not world.judge().may_read(end, P30).yes
    world.off(10 * S)
    assert not world.judge().may_read(end, P30).yes


@pytest.mark.parametrize("quality", [SYNCHRONISED, UNSYNCHRONISED])
def test_a_clock_ahead_refuses_earlier_boots_only_while_it_is_ahead(quality: ClockQuality) -> None:
    world, before = one_call()
    world.off(H)
    world.clock(0)
    here = world.now()
    world.clock(40 * D, quality)
    world.run(H)
    assert [world.judge().may_read(end, P30).yes for end in (before, here)] == [False, True]
    world.clock(0)
    assert [world.judge().may_read(end, P30).yes for end in (before, here)] == [True, True]


@pytest.mark.parametrize(
    ("error_ns", "quality", "expected"),
    [
        (0, SYNCHRONISED, Suspension.NONE),
        (3 * D, SYNCHRONISED, Suspension.NONE),
        (3 * D + 1, SYNCHRONISED, Suspension.AHEAD),
        (-3 * D, SYNCHRONISED, Suspension.NONE),
        (-3 * D - 1, SYNCHRONISED, Suspension.BEHIND),
        (D, UNSYNCHRONISED, Suspension.NONE),
        (D + 1, UNSYNCHRONISED, Suspension.AHEAD),
        (D, HOLDOVER, Suspension.NONE),
        (D + 1, HOLDOVER, Suspension.AHEAD),
        (-20 * 365 * D, UNSYNCHRONISED, Suspension.NONE),
    ],
)
def test_what_suspends(error_ns: int, quality: ClockQuality, expected: Suspension) -> None:
    world, _ = one_call()
    world.run(D)
    world.clock(error_ns, quality)
    assert world.judge().suspended is expected


def test_a_suspended_call_says_that_it_waits_for_the_clock() -> None:
    world, end = one_call()
    world.off(H)
    world.clock(0)
    world.run(DUE - world.true_ns)
    world.clock(5 * D)
    assert world.judge().may_erase(end, P30) == Verdict(False, Why.SUSPENDED, LAST)


def test_the_stretch_lifts_the_suspension_and_an_interruption_begins_it_anew() -> None:
    world, _ = one_call(look_ns=H)
    world.off(5 * D)
    world.clock(0)
    world.run(3 * D - H)
    assert world.judge().suspended is Suspension.AHEAD
    world.clock(D)  # for an hour it says something else
    world.run(H)
    world.clock(0)
    world.run(3 * D - H)
    assert world.judge().suspended is Suspension.AHEAD
    world.run(H)
    assert world.judge().suspended is Suspension.NONE


def test_while_nobody_synchronises_the_stretch_stands_still() -> None:
    world, _ = one_call(look_ns=H)
    world.off(5 * D)
    world.clock(0)
    world.run(2 * D)
    world.clock(0, HOLDOVER)
    world.run(5 * D)
    world.clock(0)
    assert world.judge().suspended is Suspension.AHEAD
    world.run(D)
    assert world.judge().suspended is Suspension.NONE


def test_time_in_which_nobody_was_heard_is_no_part_of_the_stretch() -> None:
    world, _ = one_call()
    world.off(5 * D)
    world.clock(0)
    world.clock(0, HOLDOVER)
    world.true_ns += 5 * D  # and nobody looks
    world.clock(0)
    assert world.judge().suspended is Suspension.AHEAD


def test_a_lie_that_was_not_believed_leaves_no_date_behind() -> None:
    world, _ = one_call()
    call = world.call()
    world.clock(30 * D)
    world.off(2 * D)
    world.clock(0)
    assert world.judge().dated_ns(call.end) == call.true_end_ns


def test_erasure_goes_by_the_earlier_date() -> None:
    """The first word after a cut was an hour ahead; the clock is right now, and it is half past eleven."""
    world, _ = one_call()
    world.off(10 * S)
    world.clock(H)
    world.clock(0)
    world.run(from_iso("2026-11-03T23:30:00+09:00") - world.true_ns)
    assert (world.judge().erasing_day, world.judge().today) == (date(2026, 11, 3), date(2026, 11, 4))


def test_a_battery_clock_dates_the_calls_of_its_boot_for_reading() -> None:
    world, _ = one_call()
    world.off(5 * H)
    world.clock(0, UNSYNCHRONISED)
    call = world.call()
    assert world.judge().dated_ns(call.end) == call.true_end_ns
    world.clock(2 * D, UNSYNCHRONISED)  # so far ahead it is not believed
    assert world.judge().dated_ns(call.end) == call.true_end_ns
    world.run(32 * D)
    assert world.judge().erasing_day == date(2026, 12, 3)


def test_creeping_is_a_jump_in_the_end() -> None:
    """50 s an hour, each step too small to see: the calls of earlier boots do not age by it."""
    world, end = one_call(look_ns=H)
    world.off(H)
    world.clock(0)
    for step in range(20 * 24):
        world.clock(step * 50 * S)
        world.run(H)
    assert world.judge().erasing_day == date(2026, 11, 21)
    assert not world.judge().may_erase(end, P30).yes


def test_a_boot_nobody_looked_at_ended_before_this_one() -> None:
    world, _ = one_call()
    unseen = Instant(from_iso("2026-10-01T00:00:00+09:00"), 5, b"unseen".ljust(16), SYNCHRONISED)
    world.run(20 * D)
    assert world.judge().may_erase(unseen, P30) == Verdict(False, Why.KEPT, LAST)  # the record alone is no proof
    assert not world.judge().may_read(unseen, P30).yes  # but may refuse
    unset = Instant(0, 5, b"unseen".ljust(16), UNSYNCHRONISED)
    assert world.judge().end_day(unset) == date(2026, 11, 1)
    world.run(DUE - world.true_ns)
    assert world.judge().may_erase(unseen, P30).why is Why.EXPIRED


def test_a_record_within_a_minute_is_taken_at_its_word() -> None:
    """The date people see decides: two seconds of correction move no call to another day."""
    world = World(true_ns=from_iso("2026-11-01T23:59:57+09:00"))
    end = world.now()
    stepped = Instant(end.wall_ns + 4 * NS, end.mono_ns + 2 * NS, end.boot_id, SYNCHRONISED)
    assert stepped.isoformat() == "2026-11-02T00:00:01.000+09:00"
    assert [world.judge().end_day(moment) for moment in (end, stepped)] == [date(2026, 11, 1), date(2026, 11, 2)]
