"""The date is set to anything at any moment: calls keep their sound to the sample, their order and honest times."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from tests.kernel.box import Box, config_for
from tests.kernel.guest import SHARE
from tests.kernel.header import Header
from tests.kernel.talk import Talk
from tests.kernel.world import NS, RATE, World, tsuwa2
from tsuwaroku.clock import SystemClock, from_iso
from tsuwaroku.config import Config, ServiceConfig
from tsuwaroku.records.call import CallRecord
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.layout import Store

pytestmark = [pytest.mark.slow]

HOUR_NS = 3600 * NS


def date_ns(date: str) -> int:
    """Unix nanoseconds of a date in UTC."""
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * NS


TODAY = date_ns("2026-11-24T03:00:00")
# What the date is set to; a number below a day is a step. The kernel takes none that lies before its own start.
FIRST_HOUR = date_ns("1970-01-01T00:30:00")
ROLLOVER = 2**31 * NS - 2 * NS  # 2 s before 32 bits of seconds are used up, 2038-01-19
CENTURY = date_ns("2100-02-28T23:59:58")
IN_CALL = (FIRST_HOUR, ROLLOVER, TODAY, HOUR_NS, -HOUR_NS, CENTURY, TODAY)
BETWEEN = (TODAY, FIRST_HOUR, ROLLOVER + 10 * NS, TODAY, -HOUR_NS, HOUR_NS, CENTURY)
TALK_S = 6.0
EVERY_S = 10.0  # a call, and what comes until the next
FIRST_S = 4.0


@pytest.fixture
def date() -> Iterator[None]:
    """The date as it would have been, afterwards."""
    offset_ns = time.time_ns() - time.monotonic_ns()
    yield
    time.clock_settime_ns(time.CLOCK_REALTIME, offset_ns + time.monotonic_ns())


@pytest.fixture
def header() -> Iterator[Header]:
    header = Header()
    yield header
    header.close()


def set_date(to_ns: int) -> None:
    """A date, or a step from the present one."""
    step = abs(to_ns) < 24 * HOUR_NS and to_ns != FIRST_HOUR
    time.clock_settime_ns(time.CLOCK_REALTIME, time.time_ns() + to_ns if step else to_ns)


def config() -> Config:
    """One line, and the machine's watchdog: no date is a reason to restart."""
    return msgspec.structs.replace(config_for("1"), service=ServiceConfig(watchdog="/dev/watchdog0"))


@pytest.mark.kernel(limit_s=120)
@pytest.mark.usefixtures("date")
def test_dates_set_in_mid_call_and_between_calls(tmp_path: Path, header: Header) -> None:
    assert boots() == 1
    begins = [FIRST_S + EVERY_S * number for number in range(len(IN_CALL))]
    talk = Talk("1", [(at, at + TALK_S) for at in begins])
    set_date(TODAY)
    box = Box(tmp_path / "store", config())
    world = World(header, {"1": tsuwa2(1)}, [talk], watch=True)
    box.start()
    world.start()
    seized_ns: list[int] = []
    for at, within, after in zip(begins, IN_CALL, BETWEEN, strict=True):
        world.wait_until(at)
        seized_ns.append(time.time_ns())
        world.wait_until(at + 3.0)
        set_date(within)
        world.wait_until(at + TALK_S + 3.0)
        set_date(after)
    world.wait_until(begins[-1] + EVERY_S)
    restarts = box.pair.restarts
    box.stop()
    world.stop()
    assert restarts == 0
    check_times(box.calls(), seized_ns)
    check_sound(box, talk, begins)
    check_lists(box)
    check_lamps(world, begins)
    assert boots() == 1


def boots() -> int:
    """How often this guest has started; the watchdog would begin all tests anew."""
    return int((SHARE / "boots").read_text())


def check_times(calls: list[CallRecord], seized_ns: list[int]) -> None:
    """Each call has the date it began with, and its own length, whatever was set in the middle of it."""
    assert [call.sequence for call in calls] == list(range(1, len(seized_ns) + 1))
    late = [from_iso(call.seized_at) - at_ns for call, at_ns in zip(calls, seized_ns, strict=True)]
    assert [late_ns for late_ns in late if not -NS // 20 <= late_ns <= NS // 20] == []
    lasted = [from_iso(call.ended_at or "") - from_iso(call.seized_at) for call in calls]
    assert [round(ns / NS, 2) for ns in lasted] == [TALK_S] * len(calls)
    assert {(call.clock.quality, call.clock.boot_id) for call in calls} == {
        ("unsynchronised", SystemClock().now().boot_id.hex())
    }
    assert [b.clock.mono_ns - a.clock.mono_ns for a, b in pairwise(calls)] == pytest.approx(
        [EVERY_S * NS] * (len(calls) - 1), abs=NS // 50
    )


def check_sound(box: Box, talk: Talk, begins: list[float]) -> None:
    """From 2 s before the call to the decision that it has ended, 1.5 s after it, and nothing is missing or moved."""
    noise = b"".join(talk.read(second * RATE, RATE) for second in range(int(begins[-1] + EVERY_S) + 1))
    calls = box.calls()
    sound = box.sound()
    found = [(noise.find(sound[call.id]) / 2 / RATE, len(sound[call.id]) / 2 / RATE) for call in calls]
    assert [place for place, _ in found] == pytest.approx([at - 2.0 for at in begins], abs=0.03)
    assert [length for _, length in found] == pytest.approx([2.0 + TALK_S + 1.5] * len(begins), abs=0.05)
    assert [call.audio.gaps for call in calls] == [[]] * len(begins)


def check_lists(box: Box) -> None:
    """Ring, catalogue, journals and audit log agree; each call is listed once, under the day of its record."""
    report = box.verify()
    assert (report.problems, report.ok) == ([], True)
    store = Store.open(box.path)
    entries = list(Catalogue(store.catalogue_dir).entries())
    days = {entry.public.id: entry.public.date for entry in entries}
    assert sorted(days) == sorted(call.id for call in box.calls())
    assert len(entries) == len(days)
    listed = {day: [e.public.id for e in Catalogue(store.catalogue_dir).for_day(day)] for day in set(days.values())}
    assert {call: day for day, calls in listed.items() for call in calls} == days
    store.close()


def check_lamps(world: World, begins: list[float]) -> None:
    """Lit from the edge to the decision, without a blink."""
    lit = [(glance.mono_ns, "1" in glance.lit) for glance in world.glances]
    changes = [(ns, on) for (_, before), (ns, on) in pairwise(lit) if on != before]
    assert [on for _, on in changes] == [True, False] * len(begins)
    seconds = [(ns - world.origin_ns) / NS for ns, _ in changes]
    assert seconds == pytest.approx([s for at in begins for s in (at + 0.05, at + TALK_S + 1.55)], abs=0.06)


# -- a machine without a battery clock


@pytest.mark.kernel(machine="no battery clock", limit_s=120)
def test_the_network_sets_the_date_in_mid_call(tmp_path: Path, header: Header) -> None:
    assert time.time() < 86_400
    talk = Talk("1", [(4.0, 12.0), (18.0, 24.0)])
    box = Box(tmp_path / "store", config())
    world = World(header, {"1": tsuwa2(1)}, [talk], watch=True)
    box.start()
    world.start()
    began_ns = time.time_ns()
    world.wait_until(8.0)
    set_date(TODAY)
    synchronise()
    world.wait_until(28.0)
    box.stop()
    world.stop()
    calls = box.calls()
    assert [call.clock.quality for call in calls] == ["unsynchronised", "synchronised"]
    # The first keeps the date it began with, and says how good it is; its length is that of the call.
    assert [from_iso(call.seized_at) / NS for call in calls] == pytest.approx(
        [began_ns / NS + 4.0, TODAY / NS + 10.0], abs=0.1
    )
    assert [from_iso(call.ended_at or "") - from_iso(call.seized_at) for call in calls] == pytest.approx(
        [8.0 * NS, 6.0 * NS], abs=NS // 20
    )
    noise = b"".join(talk.read(second * RATE, RATE) for second in range(30))
    sound = box.sound()
    assert [noise.find(sound[call.id]) / 2 / RATE for call in calls] == pytest.approx([2.0, 16.0], abs=0.03)
    check_lists(box)


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
    )


def synchronise() -> None:
    """Tell the kernel what an NTP client does: the clock is right (adjtimex(2): no error, no STA_UNSYNC)."""
    buffer = ctypes.create_string_buffer(512)
    timex = _Timex.from_buffer(buffer)
    timex.modes, timex.maxerror, timex.status = 0x0004 | 0x0010, 0, 0x0001
    assert ctypes.CDLL(None).adjtimex(buffer) >= 0
