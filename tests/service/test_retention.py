"""Expired calls go, and no others: whole days of a keeper, its clock and a small ring."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.service.daysworld import DAY, HOUR, MINUTE, SYNCHRONISED, UNSYNCHRONISED, Days, Killed
from tsuwaroku.service.reading import may_read
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import list_calls
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.tombstone import Why, name_of
from tsuwaroku.store.verify import verify_store


def alarms(days: Days) -> set[str]:
    return {alarm.code for alarm in days.keeper._alarms.all()}


def is_sound(days: Days) -> None:
    report = verify_store(days.store, days.key)
    assert (report.ok, report.problems) == (True, [])


def why(days: Days, number: int) -> Why:
    return read_amendments(days.store).tombstones[name_of(days.calls[number - 1].call_id)].why


def test_a_call_goes_in_the_first_minutes_of_the_day_after_its_last(tmp_path: Path) -> None:
    days = Days(tmp_path / "store", 8)
    days.run_to("23:50")
    days.call()
    days.true_ns += 20 * MINUTE  # over midnight: one day more
    days.call()
    for _ in range(5):
        days.run_to("23:59")
        assert days.present() == [1, 2]
    days.run_to("00:01")
    assert (days.present(), why(days, 1)) == ([2], Why.EXPIRED)
    days.run_to("23:59")
    assert days.present() == [2]
    days.run_to("00:01")
    assert (days.present(), days.keeper.free_slots, alarms(days)) == ([], 8, {"recorder_away"} & alarms(days))
    assert list_calls(days.store, days.key) == []
    entries = [e for e in AuditLog.open(days.store).entries() if e.verb == "calls erased"]
    assert [sorted(e.detail["calls"].items()) for e in entries] == [
        [("1", ["2026-11-01", "2026-11-06", "expired"])],
        [("2", ["2026-11-02", "2026-11-07", "expired"])],
    ]
    is_sound(days)


def test_no_number_is_given_again_after_the_last_call_was_erased(tmp_path: Path) -> None:
    """The lease of the first hour is the only one there was: it was lent before any call."""
    days = Days(tmp_path / "store", 8)
    days.call()
    for _ in range(6):
        days.run_to("00:01")
    assert (days.present(), Lease.load(days.store.lease_path, days.store.store_id).sequence_floor) == ([], 2)
    days.power_off(HOUR)
    days.call()
    assert [entry.public.sequence for entry in days.keeper.listing.catalogue.entries()] == [2]
    is_sound(days)


def fault(days: Days, day: int) -> None:
    """What goes wrong on some of the days; each is over in the evening."""
    if day == 8:
        days.error_ns = DAY  # within a boot
    elif day == 12:
        days.error_ns, days.quality = 3650 * DAY, UNSYNCHRONISED
    elif day == 16:
        days.power_off(9 * HOUR)
    elif day == 20:
        days.error_ns = -HOUR
    elif day == 24:
        days.power_off(60 * HOUR)
    elif day == 30:
        days.error_ns = -30 * DAY


@pytest.mark.slow
def test_forty_days_in_a_ring_that_wraps_round(tmp_path: Path) -> None:
    days = Days(tmp_path / "store", 44)
    held = {5: 9, 21: 12, 50: 30}  # call -> days that it is held
    for day in range(40):
        for seconds in (2.0, 18.0, 2.0):
            number = len(days.calls) + 1
            until = days.today + timedelta(days=held[number]) if number in held else None
            days.call(seconds, until=until)
            days.true_ns += HOUR
        fault(days, day)
        days.call(1.0)  # under the clock of the fault
        days.poll(2)
        days.true_ns += HOUR
        days.error_ns, days.quality = 0, SYNCHRONISED
        days.poll(2)
        if day % 10 == 9:
            dies_in_mid_erasure(days, piece=day // 10 % 2)
        else:
            days.run_to("00:05", polls=6)
        assert (day, days.present()) == (day, days.kept())
        days.run_to("08:00")
        if day % 13 == 0:
            is_sound(days)
    assert [why(days, number) for number in (5, 21, 49)] == [Why.HOLD_LAPSED, Why.HOLD_LAPSED, Why.EXPIRED]
    assert 50 in days.present()
    # Round and round; what a hold kept back is taken once the ring comes by, out of step with its neighbours.
    laps = sum(after < before for before, after in pairwise(days.taken))
    assert (laps > 3, laps <= len(days.taken) / 30 + 1 + len(held)) == (True, True)
    is_sound(days)
    assert len(list_calls(days.store, days.key)) == len(days.kept())


def dies_in_mid_erasure(days: Days, piece: int) -> None:
    """After the keys (0), or before the word that all is done (1); the next keeper goes on."""
    pieces = iter(range(piece))

    def between() -> None:
        if next(pieces, None) is None:
            raise Killed

    days.run_to("23:58")
    days.true_ns += 5 * MINUTE
    days.keeper.between = between
    with pytest.raises(Killed):
        days.keeper.poll()
    days.kill()
    days.start()
    days.poll(4)


def test_a_wrong_clock_suspends_and_says_so(tmp_path: Path) -> None:
    days = Days(tmp_path / "store", 8)
    days.call()
    days.error_ns = 20 * DAY
    days.poll(3)
    assert (days.present(), "clock_ahead" in alarms(days)) == ([1], True)
    days.error_ns = 0
    days.poll()
    assert "clock_ahead" not in alarms(days)


def test_nothing_goes_while_the_holds_are_not_known(tmp_path: Path) -> None:
    days = Days(tmp_path / "store", 8)
    days.call(until=days.today + timedelta(days=60))
    days.call()
    days.hold(days.calls[1], days.today + timedelta(days=60))
    days.kill()
    journal = days.path / "journal" / "keeper-00000.dat"
    whole = journal.read_bytes()
    at = whole.index(days.calls[0].call_id)
    journal.write_bytes(whole[:at] + bytes(16) + whole[at + 16 :])
    days.start()
    days.true_ns += 10 * DAY
    days.poll(3)
    assert (days.present(), "holds_unknown" in alarms(days)) == ([1, 2], True)
    days.kill()
    journal.write_bytes(whole)
    days.start()
    days.poll(3)
    assert (days.present(), "holds_unknown" in alarms(days)) == ([1, 2], False)


def test_a_lost_memory_of_the_clock_is_replayed(tmp_path: Path) -> None:
    days = Days(tmp_path / "store", 8)
    days.call()
    days.kill()
    (days.path / "clock.json").write_bytes(b"{")
    days.start()
    days.run_to("12:00")
    for _ in range(6):
        days.run_to("00:05")
    assert (days.present(), days.today) == ([], days.calls[0].last_day + timedelta(days=1))
    verbs = [entry.verb for entry in AuditLog.open(days.store).entries()]
    assert verbs.count("clock memory damaged") == 1


def readable(days: Days) -> list[int]:
    """The calls that may be played now."""
    found = scan_slots(days.store)
    verdicts = {stored.call_id: may_read(days.store, stored, "", days.now()) for stored in found}
    there = [(number, verdicts.get(call.call_id)) for number, call in enumerate(days.calls, 1)]
    return [number for number, verdict in there if verdict is not None and verdict.yes]


def test_reading_ends_with_the_last_day_whether_erased_or_not(tmp_path: Path) -> None:
    days = Days(tmp_path / "store", 8)
    days.call()
    days.run_to("07:00")
    days.power_off(MINUTE)
    days.call()  # of 1970, for all its record says
    days.error_ns, days.quality = 0, SYNCHRONISED
    days.poll()
    assert readable(days) == [1, 2]
    for _ in range(5):
        days.run_to("23:59")
    assert (days.today, readable(days)) == (days.calls[0].last_day, [1, 2])
    days.true_ns += 5 * MINUTE  # and no poll
    assert (days.present(), readable(days)) == ([1, 2], [2])
    days.error_ns = -3 * DAY  # setting the clock back opens nothing
    assert readable(days) == [2]


def test_a_boot_in_which_no_keeper_looked_counts_all_the_same(tmp_path: Path) -> None:
    """Its calls are dated by the recorder's journal."""
    days = Days(tmp_path / "store", 8)
    days.kill()
    days.power(HOUR)
    days.error_ns, days.quality = 0, SYNCHRONISED
    store = Store.open(days.path, need_device=True)
    journal = Journal.open(store.journal_dir, "recorder", store, store.device)
    journal.append(JournalType.RECORDER_STARTED, days.now())
    journal.close()
    store.close()
    unseen = days.now().boot_id
    days.power(HOUR)
    days.start()
    assert [boot.boot_id for boot in days.keeper._upkeep.watch.state.boots][1:] == [unseen, days.now().boot_id]
