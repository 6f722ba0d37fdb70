"""The ring meter: envelope and 16 Hz contacts, kicks, cadence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.signalling.hook import MS
from tsuwaroku.signalling.ringing import RingEnded, RingMeter, RingStarted

Stretch = tuple[float, float]


def rings(
    *stretches: Stretch, until: float = 60_000, confirm: float = 40, silence: float = 200
) -> list[RingStarted | RingEnded]:
    """What stretches of voltage, as (start, end) in ms, make."""
    meter = RingMeter(confirm, silence)
    out: list[RingStarted | RingEnded] = []
    for start, end in stretches:
        out += meter.edge(True, round(start * MS))
        out += meter.edge(False, round(end * MS))
    return out + meter.tick(round(until * MS))


def cycles(start: float, length: float, hz: float = 16, on: float = 20) -> list[Stretch]:
    """A contact that follows the ringing voltage: `on` ms a cycle."""
    count = int(length * hz / 1000)
    return [(start + n * 1000 / hz, start + n * 1000 / hz + on) for n in range(count)]


def ring(start: float, end: float) -> list[RingStarted | RingEnded]:
    return [RingStarted(round(start * MS)), RingEnded(round(end * MS))]


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        pytest.param([(100, 1100), (3100, 4100)], ring(100, 1100) + ring(3100, 4100), id="envelope"),
        pytest.param([(100, 600), (1100, 1600)], ring(100, 600) + ring(1100, 1600), id="CAR, 0.5 s on and off"),
        pytest.param(cycles(100, 1000), ring(100, 100 + 15 * 62.5 + 20), id="16 Hz"),
        pytest.param(cycles(100, 1000, on=12), ring(100, 100 + 15 * 62.5 + 12), id="16 Hz, 12 ms a cycle"),
        pytest.param(cycles(100, 1000, hz=15, on=12), ring(100, 100 + 14 * 1000 / 15 + 12), id="15 Hz, 12 ms a cycle"),
        pytest.param(cycles(100, 1000, hz=25, on=28), ring(100, 100 + 24 * 40 + 28), id="25 Hz, 28 ms a cycle"),
        pytest.param([(50 * n, 50 * n + 1) for n in range(200)], [], id="kicks of 20 pps pulses"),
        pytest.param([(100 * n, 100 * n + 10) for n in range(200)], [], id="10 ms each 100 ms is 30 ms in 250"),
        pytest.param([(0, 20), (230, 250)], ring(0, 250), id="40 ms within exactly 250 ms"),
        pytest.param([(0, 20), (230.001, 250.001)], [], id="40 ms within a microsecond more"),
        pytest.param([(0, 40)], ring(0, 40), id="exactly 40 ms"),
        pytest.param([(0, 39.999)], [], id="a microsecond less than 40 ms"),
        pytest.param([(0, 5), (240, 300)], ring(240, 300), id="an old kick does not date the ring"),
        pytest.param([(0, 100), (299.999, 400)], ring(0, 400), id="a pause under 200 ms"),
        pytest.param([(0, 100), (300, 400)], ring(0, 100) + ring(300, 400), id="a pause of 200 ms"),
        pytest.param([(0, 100), (300, 310)], ring(0, 100), id="a kick after a ring is no ring"),
        pytest.param([(0, 1), (1.5, 3), (8, 300), (301, 303)], ring(0, 303), id="a bouncing envelope"),
    ],
)
def test_rings(stretches: list[Stretch], expected: list[RingStarted | RingEnded]) -> None:
    assert rings(*stretches) == expected


def test_confirmation_and_silence_fall_due_to_the_nanosecond() -> None:
    meter = RingMeter(40, 200)
    meter.edge(True, 0)
    meter.edge(False, 15 * MS)
    meter.edge(True, 60 * MS)
    assert (meter.deadline(), meter.pending_since, meter.ringing) == (85 * MS, 0, False)
    assert meter.tick(85 * MS - 1) == []
    assert meter.tick(85 * MS) == [RingStarted(0)]
    assert (meter.deadline(), meter.pending_since, meter.ringing) == (None, None, True)
    meter.edge(False, 90 * MS)
    assert (meter.deadline(), meter.pending_since) == (290 * MS, 90 * MS)
    assert meter.tick(290 * MS - 1) == []
    assert meter.tick(290 * MS) == [RingEnded(90 * MS)]
    assert (meter.deadline(), meter.pending_since, meter.ringing) == (None, None, False)


def test_a_kick_is_given_up_when_nothing_can_make_it_a_ring() -> None:
    meter = RingMeter(40, 200)
    meter.edge(True, 0)
    meter.edge(False, 1 * MS)
    meter.tick(211 * MS)
    assert meter.pending_since == 0
    meter.tick(211 * MS + 1)
    assert [meter.pending_since, meter.deadline()] == [None, None]


def test_voltage_of_a_ring_does_not_count_for_the_next() -> None:
    assert rings((0, 20), (30, 60), (90, 115), silence=20) == ring(0, 60)


def test_longer_confirmation_than_the_window() -> None:
    assert rings((0, 299), confirm=300) == []
    assert rings((0, 300), confirm=300) == ring(0, 300)
    assert rings((0, 200), (201, 320), confirm=300) == []


def test_an_earlier_time_counts_as_the_last_and_is_counted() -> None:
    meter = RingMeter(40, 200)
    meter.edge(True, 100 * MS)
    meter.edge(False, 90 * MS)
    assert meter.reversals == 1
    assert meter.tick(1000 * MS) == []


def brute(edges: list[int], confirm: int, window: int, silence: int) -> list[RingStarted | RingEnded]:
    """The definition, step by step in whole ms: voltage of a window that begins at an edge."""
    level = [False] * (max(edges, default=0) + 1000)
    for on, off in zip(edges[::2], edges[1::2], strict=False):
        level[on:off] = [True] * (off - on)
    out: list[RingStarted | RingEnded] = []
    starts: list[int] = []
    ringing, quiet = False, 0
    for t in range(len(level)):
        if ringing and level[t]:
            quiet = 0
        elif ringing:
            quiet += 1
            if quiet == silence:
                out.append(RingEnded((t + 1 - silence) * MS))
                ringing, starts = False, []
        else:
            if level[t] and not level[t - 1]:
                starts.append(t)
            won = [s for s in starts if t + 1 <= s + window and sum(level[s : t + 1]) >= confirm]
            if won:
                out.append(RingStarted(won[0] * MS))
                ringing, quiet = True, 0
    return out


@given(st.lists(st.integers(1, 60), min_size=2, max_size=40))
def test_agrees_with_the_definition(gaps: list[int]) -> None:
    edges = [sum(gaps[: n + 1]) for n in range(len(gaps) // 2 * 2)]
    stretches = list(zip(edges[::2], edges[1::2], strict=True))
    assert rings(*stretches) == brute(edges, 40, 250, 200)


@given(st.lists(st.tuples(st.booleans(), st.integers(-50 * MS, 3000 * MS))))
def test_any_edges_give_starts_and_ends_in_turn(edges: list[tuple[bool, int]]) -> None:
    meter = RingMeter(40, 200)
    out: list[RingStarted | RingEnded] = []
    for active, t in edges:
        out += meter.edge(active, t)
    out += meter.tick(10**12)
    assert [type(one) for one in out] == [RingStarted if n % 2 == 0 else RingEnded for n in range(len(out))]
    times = [one.at_ns for one in out]
    assert times == sorted(times)
    assert all(t >= 0 for t in times)
