"""Clocks."""

from __future__ import annotations

import pytest

from tsuwaroku import clock
from tsuwaroku.clock import NS


def test_the_clock_of_a_demonstration_knows_nothing_of_the_machines_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has been up for forty days must not make a call of this morning forty days old."""
    up_ns, now_ns = 40 * 86_400 * NS, 1_780_000_000 * NS
    monkeypatch.setattr("tsuwaroku.clock.time.monotonic_ns", lambda: up_ns)
    monkeypatch.setattr("tsuwaroku.clock.time.time_ns", lambda: now_ns)
    demo = clock.DemoClock(now_ns - 5 * NS)
    now = demo.now()
    assert (now.mono_ns, now.wall_ns, now.boot_id) == (5 * NS, now_ns, clock.virtual_boot(now_ns - 5 * NS))
    assert demo.at(2 * NS).wall_ns == now_ns - 3 * NS
