"""Dial pulses: numbers at the edges of the legal ranges with jitter and bounce; what is no digit."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.signalling.hook import MS
from tsuwaroku.signalling.pulses import KEYS, PulseDigit, PulseMeter

# Facts: pulses a second, break and pause in ms; the make is what is left of a period.
SLOW = (9.0, 11.0, 52.7, 77.8, 27.3, 46.7, 600.0)
FAST = (18.4, 21.6, 29.6, 38.0, 13.9, 19.6, 450.0)
JITTER_MS = 2.0

Edge = tuple[bool, int]


def pulse_shape(rng: random.Random, speed: tuple[float, ...]) -> tuple[float, float]:
    """A legal break and make, ms."""
    slowest, fastest, break_least, break_most, make_least, make_most, _ = speed
    while True:
        off = rng.choice((break_least, break_most, rng.uniform(break_least, break_most)))
        on = rng.choice((make_least, make_most, rng.uniform(make_least, make_most)))
        if 1000 / fastest <= off + on <= 1000 / slowest:
            return off, on


def number_edges(
    rng: random.Random, digits: str, speed: tuple[float, ...], jitter_ms: float, bounce: bool
) -> list[Edge]:
    """The contact from off-hook on; edges late by up to `jitter_ms`, some with bounce of up to 3 ms behind."""
    edges: list[Edge] = []
    off, on = pulse_shape(rng, speed)
    at = 1000.0

    def add(closed: bool, ms: float) -> None:
        t = ms + rng.uniform(0, jitter_ms)
        edges.append((closed, round(t * MS)))
        if bounce:
            for _ in range(rng.randrange(3)):
                t += rng.uniform(0.2, 0.7)
                edges.append((not closed, round(t * MS)))
                t += rng.uniform(0.1, 0.7)
                edges.append((closed, round(t * MS)))

    add(True, 0.0)
    for digit in digits:
        for _ in range(KEYS.index(digit) + 1):
            add(False, at)
            add(True, at + off)
            at += off + on
        at += speed[6] - on + rng.uniform(0, 500)
    return edges


def read(edges: list[Edge], until_ms: float = 60_000.0, exactly: bool = False) -> list[PulseDigit]:
    """With `exactly`, time comes in between at each deadline too."""
    meter = PulseMeter()
    found: list[PulseDigit] = []
    for closed, t in edges:
        while exactly and (due := meter.deadline()) is not None and due <= t:
            found += meter.tick(due)
        found += meter.edge(closed, t)
    return found + meter.tick(round(until_ms * MS))


def ms(*stretches: float) -> list[Edge]:
    """Off-hook at 0, then stretches of make and break in turn."""
    edges, at = [(True, 0)], 0.0
    for number, length in enumerate(stretches):
        at += length
        edges.append((number % 2 == 1, round(at * MS)))
    return edges


def keys(digits: list[PulseDigit]) -> str:
    return "".join(digit.key for digit in digits)


@pytest.mark.parametrize(("speed", "pps"), [(SLOW, 10), (FAST, 20)])
def test_five_hundred_numbers_over_the_legal_range(speed: tuple[float, ...], pps: int) -> None:
    rng = random.Random(pps)
    for _ in range(500):
        digits = "".join(rng.choice(KEYS) for _ in range(10))
        found = read(number_edges(rng, digits, speed, JITTER_MS, bounce=True), exactly=rng.random() < 0.5)
        assert keys(found) == digits
        assert {digit.pps for digit in found} == {pps}


def test_times_are_those_of_the_edges() -> None:
    assert read(ms(1000, 60, 40, 60, 40, 60, 700, 60, 700)) == [
        PulseDigit("3", 1000 * MS, 1260 * MS, 10),
        PulseDigit("1", 1960 * MS, 2020 * MS, 10),
    ]


def test_a_digit_ends_after_200_ms_of_loop_and_says_when() -> None:
    meter = PulseMeter()
    for closed, t in ms(1000, 60, 40, 60):
        assert meter.edge(closed, t) == []
    assert meter.tick(1170 * MS) == []
    assert (meter.under_way, meter.deadline()) == (True, 1360 * MS)
    assert meter.tick(1360 * MS - 1) == []
    assert meter.tick(1360 * MS) == [PulseDigit("2", 1000 * MS, 1160 * MS, 10)]
    assert (meter.under_way, meter.deadline()) == (False, None)


def test_a_break_that_began_in_time_but_is_not_settled_yet_belongs_to_the_digit() -> None:
    meter = PulseMeter()
    for closed, t in ms(1000, 60, 199.5):
        assert meter.edge(closed, t) == []
    assert meter.tick(round(1260.5 * MS)) == []
    assert meter.edge(True, round(1319.5 * MS)) == []
    assert keys(meter.tick(2000 * MS)) == "2"


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        pytest.param((1000, 24, 500), "", id="a glitch"),
        pytest.param((1000, 25, 500), "1", id="the shortest pulse"),
        pytest.param((1000, 90, 500), "1", id="the longest pulse"),
        pytest.param((1000, 90.1, 500), "", id="too long for a pulse"),
        pytest.param((1000, 60, 40, 10, 30, 60, 500), "2", id="a glitch between two pulses"),
        pytest.param((1000, 60, 40, 120, 40, 60, 500), "", id="a digit with a long break in it"),
        pytest.param((1000, 60, 40, 120, 600, 60, 500), "1", id="the digit after it"),
        pytest.param((1000, 500, 600, 60, 500), "1", id="a flash, then a digit"),
        pytest.param((1000, *(60, 40) * 9, 60, 600), "0", id="ten pulses"),
        pytest.param((1000, *(60, 40) * 10, 60, 600), "", id="eleven"),
        pytest.param((1000, *(60, 40) * 499, 60, 600, 60, 500), "1", id="five hundred"),
        pytest.param((1000, 60, 199, 60, 500), "2", id="a pause too short"),
        pytest.param((1000, 60, 200, 60, 500), "11", id="a pause long enough"),
        pytest.param((1000, 60), "1", id="the line stays closed"),
        pytest.param((1000, 60, 40), "", id="the handset is put down"),
    ],
)
def test_what_is_a_digit(stretches: tuple[float, ...], expected: str) -> None:
    assert keys(read(ms(*stretches))) == expected


def test_both_speeds_in_one_number() -> None:
    found = read(ms(1000, 60, 40, 60, 700, 33, 17, 33, 17, 33, 600, 33, 600))
    assert [(digit.key, digit.pps) for digit in found] == [("2", 10), ("3", 20), ("1", 20)]


def test_a_reset_forgets_the_digit_under_way() -> None:
    meter = PulseMeter()
    for closed, t in ms(1000, 60, 40, 60):
        meter.edge(closed, t)
    meter.tick(1170 * MS)
    meter.reset()
    assert (meter.under_way, meter.deadline()) == (False, None)
    assert meter.tick(5000 * MS) == []


@given(st.lists(st.tuples(st.booleans(), st.integers(-50 * MS, 400 * MS)), max_size=120))
def test_any_edges_leave_a_way_out(steps: list[tuple[bool, int]]) -> None:
    """No exception; every deadline, once reached, is past; a second after the loop closed all is told."""
    meter, t = PulseMeter(), 0
    found: list[PulseDigit] = []
    for closed, step in steps:
        t += step
        found += meter.edge(closed, t)
        due = meter.deadline()
        if due is not None:
            found += meter.tick(due)
            later = meter.deadline()
            assert later is None or later > due
    found += meter.edge(True, t + 1000 * MS)
    found += meter.tick(t + 10_000 * MS)
    assert (meter.under_way, meter.deadline()) == (False, None)
    assert all(digit.key in KEYS and digit.ended_ns > digit.began_ns and digit.pps in (10, 20) for digit in found)
    assert [digit.began_ns for digit in found] == sorted(digit.began_ns for digit in found)
