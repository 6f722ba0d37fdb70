"""Clocks that are wrong, jump, or have not been set: calls stay whole, in order, and are resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.support import demo_key
from tests.service.test_lamp_truth import Box
from tests.service.test_modes import ONE_CALL, config, script
from tsuwaroku.clock import NS
from tsuwaroku.service.assembly import new_instance, predecessors
from tsuwaroku.service.simulate import simulate
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import list_calls
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
