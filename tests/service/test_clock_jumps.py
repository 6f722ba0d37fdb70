"""Clocks that are wrong, jump, or have not been set: calls stay whole, in order, and are resumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.service.marker import marker
from tests.service.support import START, calls_in, demo_key
from tests.service.test_lamp_truth import Box
from tests.service.test_modes import ONE_CALL, config, script
from tsuwaroku.clock import NS, ClockQuality, VirtualClock, from_iso
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.assembly import new_instance, predecessors
from tsuwaroku.service.simulate import simulate
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import list_calls
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.verify import verify_store
from tsuwaroku.store.writer import RingWriter

DAY_S = 86_400
YEAR_S = 365 * DAY_S


def sound_store(path: Path, calls: int = 1) -> list[float]:
    """Durations of the calls of a store in which nothing is wrong."""
    store = Store.open(path)
    assert verify_store(store, demo_key(path)).problems == []
    found = list_calls(store, demo_key(path))
    store.close()
    assert len(found) == calls
    return [call.duration_s for call in found]


@pytest.mark.parametrize("jump_s", [-60 * YEAR_S, -DAY_S, -5, 5, 3 * DAY_S, 74 * YEAR_S, 400 * YEAR_S])
def test_a_clock_that_jumps_in_mid_call_tears_no_call(tmp_path: Path, jump_s: int) -> None:
    box = Box(tmp_path)
    box.until(10.0)
    box.clock._start_wall_ns += jump_s * NS
    box.until(26.0)
    box.end()
    assert sound_store(box.path) == [16.0]


@pytest.mark.parametrize("start_s", [-DAY_S, 0, 130 * YEAR_S, 700 * YEAR_S])
def test_a_clock_that_was_never_set_records_all_the_same(tmp_path: Path, start_s: int) -> None:
    """Before 1970, at it, in 2100, and beyond what 64 bits of nanoseconds hold."""
    source = script(tmp_path, 20.0, ONE_CALL, [])
    simulate(source, tmp_path / "store", fast=True, config=config(), start_wall_ns=start_s * NS)
    assert sound_store(tmp_path / "store") == [6.0]


@pytest.mark.parametrize("jump_s", [-YEAR_S, -60, 0, 60, YEAR_S])
def test_a_call_is_resumed_whatever_the_clock_did_meanwhile(tmp_path: Path, jump_s: int) -> None:
    """Within one boot the monotonic clock knows how long ago it was."""
    box = Box(tmp_path)
    box.clock._boot_id = b"this boot" + bytes(7)
    box.until(10.0)
    box.parts.release()
    box.clock._start_wall_ns += jump_s * NS
    box.clock.mono_ns += 5 * NS
    again = RingWriter(box.store, instance=new_instance(), audit_head=lambda: bytes(32))
    assert list(predecessors(again.unfinished(), box.clock)) == ["1"]
    box.clock.mono_ns += 700 * NS
    assert predecessors(again.unfinished(), box.clock) == {}


# -- every jump of the list, in mid-call and between calls, beside calls of an earlier boot

JUMPS_S = [10, -10, 3600, -3600, DAY_S, -DAY_S, 30 * DAY_S, -30 * DAY_S, 10 * YEAR_S, -10 * YEAR_S]
EPOCH, YEAR_END = 0, from_iso("2026-12-31T23:59:57+09:00")
EVERY_S, BEGUN_S = 8.0, 2.5


class Jumping:
    """A call each 8 s for as many as there are jumps; it lasts from 2.5 s to 5.5 s of each. `within` happens in its
    middle, `between` after it. The keeper looks after each, and erases what it believes is due."""

    def __init__(self, tmp_path: Path, quality: ClockQuality, calls: int) -> None:
        text = "".join(
            f'[[call]]\nline = "1"\nat = {number * EVERY_S + 1}\ndirection = "inbound"\nrings = 1\ntalk = 3.0\n'
            for number in range(calls)
        )
        (tmp_path / "before.toml").write_text(text, encoding="utf-8")
        simulate(tmp_path / "before.toml", tmp_path / "store", fast=True, config=config(), start_wall_ns=START)
        self.before = calls_in(tmp_path / "store")
        self.clock = VirtualClock(START + 60 * 3600 * NS, quality, b"the boot after i")
        self.box = Box(tmp_path, text=text, clock=self.clock)

    def run(self, within: list[Callable[[], None]], between: list[Callable[[], None]]) -> None:
        for number, (one, other) in enumerate(zip(within, between, strict=True)):
            self.box.until(number * EVERY_S + BEGUN_S + 1.5)
            one()
            self.box.keeper.poll()
            self.box.until(number * EVERY_S + BEGUN_S + 5.0)
            other()
            self.box.keeper.poll()
        self.box.until(len(within) * EVERY_S + 4)
        self.box.keeper.poll()
        self.box.keeper.mark(self.before[-1].id, "unreasonable_demand", marker("sato"), None)
        self.box.end()

    def jump(self, by_s: float) -> Callable[[], None]:
        def act() -> None:
            self.clock._start_wall_ns += round(by_s * NS)

        return act

    def set(self, wall_ns: int) -> Callable[[], None]:
        def act() -> None:
            self.clock._start_wall_ns = wall_ns - self.clock.mono_ns

        return act


def sound_of(call: CallRecord) -> tuple[float, int, str | None, int]:
    return call.duration_s, call.audio.samples, call.audio.pcm_sha256, len(call.audio.gaps)


@pytest.mark.slow
@pytest.mark.parametrize("quality", list(ClockQuality))
@pytest.mark.parametrize("kind", ["steps", "dates"])
def test_no_jump_erases_reorders_doubles_or_shortens_a_call(tmp_path: Path, quality: ClockQuality, kind: str) -> None:
    calls = len(JUMPS_S) if kind == "steps" else 4
    jumping = Jumping(tmp_path, quality, calls)
    if kind == "steps":
        within = [jumping.jump(by_s) for by_s in JUMPS_S]
        between = [jumping.jump(by_s) for by_s in (JUMPS_S[5:] + JUMPS_S[:5])]
    else:
        dates = [jumping.set(wall_ns) for wall_ns in (EPOCH, YEAR_END, START + 60 * 3600 * NS, YEAR_END)]
        within, between = dates, dates[1:] + dates[:1]
    jumping.run(within, between)
    path = tmp_path / "store"
    found = calls_in(path)
    assert [call.sequence for call in found] == list(range(1, 2 * calls + 1))
    assert len({call.id for call in found}) == 2 * calls
    assert [sound_of(call) for call in found] == [sound_of(call) for call in jumping.before] * 2
    assert {from_iso(c.ended_at or "") - from_iso(c.seized_at) for c in found} == {
        from_iso(c.ended_at or "") - from_iso(c.seized_at) for c in jumping.before
    }
    assert [call.clock.quality for call in found[calls:]] == [quality.value] * calls
    store = Store.open(path)
    assert verify_store(store, demo_key(path)).problems == []
    assert [entry for entry in AuditLog.open(store).entries() if entry.verb == "calls erased"] == []
    every_record_says_how_good_its_time_is(store, quality, calls)
    store.close()


def every_record_says_how_good_its_time_is(store: Store, quality: ClockQuality, calls: int) -> None:
    """Headers, extents, public records, journals, audit entries: of the second boot, with its clock's quality."""
    later = [stored for stored in scan_slots(store) if stored.sequence > calls]
    assert {header.quality for stored in later for header in stored.headers} == {quality}
    assert {extent.header.quality for stored in later for extent in stored.extents} == {quality}
    said = [stored.public.clock.quality for stored in later if stored.public is not None and stored.public.clock]
    assert said == ([] if quality is ClockQuality.SYNCHRONISED else [quality.value] * calls)
    records = Journal.open(store.journal_dir, "keeper", store).records()
    assert [record.quality for record in records if record.type is JournalType.MARK] == [quality]
    entries = [entry for entry in AuditLog.open(store).entries() if entry.verb == "keeper started"]
    assert [entry.clock for entry in entries] == ["synchronised", quality.value]
