"""Thirty days of an office: one boot each working morning at that day's date, one store through all of them.

A box that is off takes no time in a test, so nights and week-ends are what they are in many offices: the room's main
switch is turned off in the evening, and in the morning all starts by itself. The product knows nothing of it. A box
that stays on by night has a test of its own, of 24 hours (test_days.py); one of thirty days and nights in one boot
takes most of a day, and is run where somebody asks for it (TSUWAROKU_NIGHTS=1).
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.kernel.guest import PYTHON, Guest, Machine
from tests.kernel.office import CALLS_A_DAY, DAY_S
from tests.kernel.office_month import LINES, Day
from tests.kernel.plugin import need_kernel
from tests.service.support import demo_key
from tsuwaroku.clock import JST
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.verify import verify_store

FIRST = date(2026, 6, 1)  # a Monday
SLOTS_A_CALL = 6  # 103 s at 9.5 KiB a second, and the part of a slot that is left at the end
DAY_LIMIT_S = 3 * 3600.0  # 25 minutes alone on a machine, 75 on one at its limit


def working_days(days: int) -> list[date]:
    """Of so many calendar days; the holidays of Japan are worked through."""
    return [day for n in range(days) if (day := FIRST + timedelta(n)).weekday() < 5]


def slots_for(days: int, hours: float) -> int:
    """Of a ring that holds so many working days."""
    return math.ceil(days * len(LINES) * CALLS_A_DAY * hours * 3600 / DAY_S * SLOTS_A_CALL) + 100


def boot(
    share: Path, number: int, day: date, hours: float, slots: int, mornings: Sequence[float], last_s: float
) -> Day:
    """One boot on the morning of a day, until the box is switched off."""
    begins = datetime(day.year, day.month, day.day, 8, 29, 30, tzinfo=JST)
    machine = Machine(start_ns=round(begins.timestamp()) * 10**9, memory_mb=768 if len(mornings) == 1 else 1600)
    opens = ",".join(map(str, mornings))
    job = [str(PYTHON), "-m", "tests.kernel.office_month", *map(str, (number, hours, slots)), opens, str(last_s)]
    ended = Guest(need_kernel(), machine, share).run(job, DAY_LIMIT_S * len(mornings), fresh=number == 0)
    assert ended.status == 0, ended.say()
    told = msgspec.json.decode((share / f"day-{number}.json").read_bytes(), type=Day)
    print(f"{day}: {told.planned} calls, {ended.seconds:.0f} s", file=sys.stderr, flush=True)
    return told


def live(share: Path, days: Sequence[date], hours: float) -> list[Day]:
    """Boot, work, switch off, each day. The progress is in the test's output, and the guest's in `share`/console."""
    slots = slots_for(len(days), hours)
    return [boot(share, number, day, hours, slots, [0.0], hours * 3600) for number, day in enumerate(days)]


def check(share: Path, days: Sequence[date], told: Sequence[Day]) -> None:
    """Each boot as the exchange played it; then catalogue, ring, lease and audit log over all days."""
    assert [day.complaints for day in told] == [[]] * len(told)
    store = Store.open(share / "store")
    report = verify_store(store, demo_key(store.path))
    assert (report.ok, report.problems) == (True, [])
    catalogue = Catalogue(store.catalogue_dir)
    assert catalogue.days() == [str(day) for day in days]
    listed = [len(catalogue.for_day(day)) for day in days]
    assert (listed if len(told) > 1 else [sum(listed)]) == [day.planned for day in told]
    calls = scan_slots(store)
    assert [call.sequence for call in calls] == list(range(1, len(calls) + 1))
    # Each call begins after the one before in the ring, and no slot was used a second time.
    assert sorted(calls, key=lambda call: call.headers[0].slot) == calls
    used = [header.slot for call in calls for header in call.headers]
    assert sorted(used) == list(range(len(used)))
    assert {header.generation for call in calls for header in call.headers} == {1}
    lent = [at for at, _ in Lease.load(store.lease_path, store.store_id).slots]
    assert len(lent) == len(set(lent))
    log = AuditLog.open(store)
    starts = [entry.at[:10] for entry in log.entries() if entry.verb == "keeper started"]
    assert starts == [str(day) for day in days[: len(told)]]
    log.close()
    store.close()


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.timeout(0)
def test_thirty_days_of_an_office(tmp_path: Path) -> None:
    days = working_days(30)
    check(tmp_path, days, live(tmp_path, days, DAY_S / 3600))


def live_on(share: Path, days: int, hours: float, day_s: float) -> list[Day]:
    """One boot for all days, the office open on those that `working_days` gives."""
    open_s = [float((day - FIRST).days) * day_s for day in working_days(days)]
    return [boot(share, 0, FIRST, hours, slots_for(len(open_s), hours), open_s, days * day_s)]


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.skipif(not os.environ.get("TSUWAROKU_NIGHTS"), reason="most of a day: TSUWAROKU_NIGHTS=1 asks for it")
def test_thirty_days_and_their_nights(tmp_path: Path) -> None:
    check(tmp_path, working_days(30), live_on(tmp_path, 30, DAY_S / 3600, 86_400.0))
