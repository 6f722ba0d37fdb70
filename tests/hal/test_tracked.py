"""The tracked clock against simulated crystals and late reads."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tsuwaroku.hal.tracked import SampleClock

NS = 1_000_000_000
RATE = 8000
MS = 1_000_000


def reads(
    ppm: float, seconds: float, late_ms: float, seed: int = 1, start_ns: int = 5 * NS
) -> Iterator[tuple[int, int]]:
    """(samples taken, time of the read): a period of 20 ms each, read up to `late_ms` late, now and then stalled."""
    rng = random.Random(seed)
    for n in range(1, int(seconds * 50) + 1):
        taken_ns = start_ns + round(n * 160 * NS / RATE / (1 + ppm * 1e-6))
        stall = 300 * MS if rng.random() < 0.01 else 0
        yield n * 160, taken_ns + round(rng.random() * late_ms * MS) + stall


def true_ns(position: int, ppm: float, start_ns: int = 5 * NS) -> int:
    return start_ns + round(position * NS / RATE / (1 + ppm * 1e-6))


@pytest.mark.parametrize("ppm", [-100.0, -30.0, 0.0, 30.0, 100.0])
@pytest.mark.parametrize("late_ms", [0.2, 5.0, 20.0])
def test_follows_drift_through_jitter(ppm: float, late_ms: float) -> None:
    clock = SampleClock(RATE)
    clock.restart(0, 5 * NS)
    worst = 0
    for position, ns in reads(ppm, 300, late_ms):
        clock.observe(position, ns)
        if position > 10 * RATE:
            worst = max(worst, abs(clock.time_of(position) - true_ns(position, ppm)))
    assert worst < 1.5 * MS
    assert clock.drift_ppm == pytest.approx(-ppm, abs=25)


def test_a_stalled_reader_moves_nothing() -> None:
    clock = SampleClock(RATE)
    clock.restart(0, 0)
    for n in range(1, 501):
        clock.observe(n * 160, n * 20 * MS)
    before = clock.time_of(100_000)
    clock.observe(501 * 160, 501 * 20 * MS + 900 * MS)
    assert clock.time_of(100_000) == before


def test_the_first_second_takes_the_earliest_read() -> None:
    clock = SampleClock(RATE)
    clock.restart(0, 15 * MS)  # the start was noticed 15 ms late
    for n, late in enumerate((12, 3, 9, 18), start=1):
        clock.observe(n * 160, n * 20 * MS + late * MS)
    assert clock.time_of(0) == 3 * MS
    assert clock.position_at(3 * MS + 2 * NS) == 2 * RATE


def test_time_and_position_agree() -> None:
    clock = SampleClock(RATE)
    clock.restart(1000, 7 * NS)
    for position, ns in reads(80, 40, 5, start_ns=7 * NS):
        clock.observe(position + 1000, ns)
    for position in (0, 1000, 123_456, 10**9):
        assert abs(clock.position_at(clock.time_of(position)) - position) <= 1


def test_a_restart_keeps_the_rate_and_forgets_the_phase() -> None:
    clock = SampleClock(RATE)
    clock.restart(0, 5 * NS)
    for position, ns in reads(100, 60, 1):
        clock.observe(position, ns)
    learnt = clock.drift_ppm
    assert learnt == pytest.approx(-100, abs=15)
    clock.restart(1_000_000, 200 * NS)
    assert clock.drift_ppm == learnt
    assert clock.time_of(1_000_000) == 200 * NS
    assert clock.time_of(1_000_000 + 100 * RATE) == pytest.approx(300 * NS - 10 * MS, abs=2 * MS)


def test_an_impossible_rate_is_not_believed() -> None:
    clock = SampleClock(RATE)
    clock.restart(0, 0)
    for n in range(1, 3001):
        clock.observe(n * 160, n * 25 * MS)
    assert clock.drift_ppm == pytest.approx(1000, abs=0.1)
