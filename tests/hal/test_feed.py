"""The hook of a line by comparator and voltage: what is learnt, what is believed, and what can teach nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.hal.feed import DEAD_V, MS, NS, OFF_HOOK_BELOW, Feed, Learnt

STEP_NS = 20 * MS
# Ω of copper, volts of the exchange, Ω of its feed.
GRID = list(itertools.product(range(0, 1501, 250), (44, 48, 53), (400, 800, 1000)))
COMPARATOR_V = 31.0  # 17 with the jumpers closed


class Line:
    """A pair under a board: its comparators, sampled every 20 ms, and what was told of its hook."""

    def __init__(self, feed: Feed, comparator_v: float = COMPARATOR_V) -> None:
        self.feed = feed
        self.comparator_v = comparator_v
        self.now = 1000 * NS
        self.below: bool | None = None
        self.told: list[tuple[bool, float]] = []  # each change, with the time since the voltage last changed
        self.changed = self.now

    @property
    def hook(self) -> bool | None:
        return self.told[-1][0] if self.told else None

    def _tell(self, level: bool | None) -> None:
        if level is not None:
            self.told.append((level, (self.now - self.changed) / NS))

    def _compare(self, volts: float) -> None:
        below = abs(volts) < self.comparator_v
        if below != self.below:
            self.below = below
            self._tell(self.feed.contact(below, self.now))

    def stand(self, volts: float, seconds: float) -> None:
        """This voltage, with a little noise, for so long."""
        self.changed = self.now
        noise = itertools.cycle((0.0, 0.1, -0.1, 0.05))
        for _ in range(round(seconds * NS / STEP_NS)):
            self._compare(volts)
            self._tell(self.feed.sample(volts + next(noise), self.now))
            self.now += STEP_NS

    def ring(self, seconds: float, volts: float = 48.0, hz: float = 16.0) -> None:
        """75 V rms on top of the idle voltage, a half wave at a time through the comparators."""
        import math

        self.changed = self.now
        last = False
        step = 1 * MS
        for n in range(round(seconds * NS / step)):
            now = volts + 106 * math.sin(2 * math.pi * hz * n * step / NS)
            if (abs(now) > 65) != last:
                last = abs(now) > 65
                self.feed.ringing(last, self.now)
            self._compare(now)
            if n % 20 == 0:
                self._tell(self.feed.sample(now, self.now))
            self.now += step
        if last:
            self.feed.ringing(False, self.now)

    def dial(self, digit: int, idle: float, off: float) -> None:
        """Breaks of 67 ms, makes of 33, at 10 pps; the comparator is the one that is looked at."""
        for _ in range(digit):
            self.stand(idle, 0.06)
            self.stand(off, 0.04)


def line(idle: float | None = None, off_hook: float | None = None, comparator_v: float = COMPARATOR_V) -> Line:
    return Line(Feed(Learnt(idle, off_hook)), comparator_v)


def test_where_the_comparator_is_right_its_edges_are_passed_at_once() -> None:
    pair = line()
    pair.stand(48, 3)
    pair.stand(9, 3)
    pair.stand(48, 3)
    pair.stand(9, 3)
    assert [level for level, _ in pair.told] == [False, True, False, True]
    assert [late for _, late in pair.told] == [0, 0, 0, 0]
    assert pair.feed.learnt.idle == pytest.approx(48, abs=0.2)
    assert pair.feed.learnt.off_hook == pytest.approx(9, abs=0.2)
    assert pair.feed.learnt.threshold == pytest.approx(28.5, abs=0.2)


@pytest.mark.parametrize("off", [32, 34, 37])
def test_a_telephone_that_the_comparator_does_not_see_is_seen_by_the_voltage(off: float) -> None:
    """Near the exchange, at the end of a long loop: within a tenth of a second, from the first call on."""
    pair = line()
    pair.stand(48, 3)
    pair.stand(off, 2)
    pair.stand(48, 2)
    pair.stand(off, 2)
    assert [level for level, _ in pair.told] == [False, True, False, True]
    assert max(late for _, late in pair.told) <= 0.1
    assert off < (pair.feed.learnt.threshold or 0) < 48


@pytest.mark.parametrize(("loop", "battery", "feed"), GRID)
def test_no_loop_is_missed_at_the_exchanges_end(loop: int, battery: float, feed: int) -> None:
    """Every telephone of 20 mA and more, over copper of 0 to 1500 Ω. A fixed threshold misses some of these."""
    current = min(battery / (feed + loop + 200), 0.13)
    if current < 0.02:
        return
    off = battery - current * feed
    pair = line()
    for volts in (battery, off, battery, off, battery):
        pair.stand(volts, 2.5)
    assert [level for level, _ in pair.told] == [False, True, False, True, False]


def test_the_fixed_threshold_alone_would_miss_some_of_them() -> None:
    """Why all this is needed: the grid of the test above, by the comparator."""
    missed = 0
    for loop, battery, feed in GRID:
        current = min(battery / (feed + loop + 200), 0.13)
        missed += current >= 0.02 and battery - current * feed > COMPARATOR_V
    assert missed >= 10


def test_a_24_volt_line_without_its_jumpers_is_known_after_two_rings() -> None:
    """Until then it counts as off-hook and is captured: no call is lost by not knowing."""
    pair = line()
    pair.stand(24, 5)
    assert (pair.hook, pair.feed.learnt.idle) == (True, None)
    for _ in range(2):
        pair.ring(1, 24)
        pair.stand(24, 2)
    assert pair.hook is False
    assert pair.feed.learnt.idle == pytest.approx(24, abs=0.3)
    pair.told.clear()
    pair.stand(7, 3)
    pair.stand(24, 3)
    pair.stand(7, 3)
    assert [level for level, _ in pair.told] == [True, False, True]


def test_a_recorder_that_starts_in_a_call_the_comparator_cannot_see_knows_it_from_before() -> None:
    pair = line(48, 34)
    pair.stand(34, 1)
    assert pair.told == [(False, 0.0), (True, pytest.approx(0.06, abs=0.03))]
    ignorant = line()
    ignorant.stand(34, 5)
    assert ignorant.hook is False
    ignorant.stand(48, 5)  # hung up: now it is seen what 34 V was
    assert ignorant.feed.learnt.off_hook == pytest.approx(34, abs=0.3)
    ignorant.stand(34, 1)
    assert ignorant.hook is True


@pytest.mark.parametrize("hz", [15, 16, 16.7, 20, 25])
def test_ringing_teaches_nothing_and_is_no_hook(hz: float) -> None:
    """The comparator's own flicker in it passes, as ever: who debounces it knows of ringing."""
    pair = line(48, 9)
    pair.stand(48, 3)
    before = pair.feed.learnt
    for _ in range(5):
        pair.ring(1, hz=hz)
        pair.stand(48, 2)
    after = pair.feed.learnt
    assert after.off_hook == before.off_hook
    assert after.idle == pytest.approx(before.idle, abs=0.5)
    assert pair.hook is False


def test_a_dead_line_is_not_off_hook() -> None:
    """After two seconds; a shorter opening of the loop is the exchange's way to say that the other end hung up."""
    pair = line(48, 9)
    pair.stand(48, 3)
    before = pair.feed.learnt
    pair.stand(0, 1.5)
    assert (pair.hook, pair.feed.dead) == (True, False)
    pair.stand(0, 600)
    assert (pair.hook, pair.feed.dead) == (False, True)
    assert pair.feed.learnt == before
    pair.told.clear()
    pair.stand(48, 3)
    assert (pair.told, pair.feed.dead) == ([], False)
    pair.stand(9, 1)
    assert pair.hook is True


def test_a_line_that_is_dead_from_the_start_makes_no_call() -> None:
    pair = line()
    pair.stand(0, 60)
    assert pair.feed.dead
    assert [level for level, _ in pair.told] in ([False], [True, False])
    assert pair.hook is False
    pair.stand(9, 1)  # back, in the middle of a call
    assert (pair.hook, pair.feed.dead) == (True, False)


def test_a_near_telephone_is_not_taken_for_a_dead_line() -> None:
    pair = line(48, 9)
    pair.stand(48, 3)
    pair.stand(2.0, 600)
    assert (pair.hook, pair.feed.dead) == (True, False)


def test_polarity_does_not_matter_and_its_reversal_in_a_call_ends_none() -> None:
    pair = line()
    for volts in (-48.0, -9.0, 9.0, -9.0, -48.0):
        pair.stand(volts, 3)
    assert [level for level, _ in pair.told] == [False, True, False]
    assert pair.feed.learnt.threshold == pytest.approx(28.5, abs=0.3)


def test_a_battery_that_sags_is_followed_and_a_waiting_lamps_voltage_is_not() -> None:
    pair = line(50, 9)
    for volts in (50, 49, 48, 47, 46, 45, 44):
        pair.stand(volts, 300)
    assert pair.feed.learnt.idle == pytest.approx(44, abs=0.5)
    pair.stand(90, 60)
    assert pair.feed.learnt.idle == pytest.approx(44, abs=0.5)
    assert {level for level, _ in pair.told} == {False}


def test_another_exchange_is_learnt_by_its_rings() -> None:
    """48 V before, 28 V now: taken for off-hook, and recorded, until it rings."""
    pair = line(48, 9, comparator_v=15)
    pair.stand(28, 30)
    assert pair.hook is True
    for _ in range(3):
        pair.ring(1, 28)
        pair.stand(28, 2)
    assert pair.hook is False
    assert pair.feed.learnt.idle == pytest.approx(28, abs=0.5)


def test_dial_pulses_are_the_comparators() -> None:
    pair = line(48, 9)
    pair.stand(48, 3)
    pair.stand(9, 2)
    pair.told.clear()
    pair.dial(7, 48, 9)
    assert [level for level, _ in pair.told] == [False, True] * 7
    assert {late for _, late in pair.told} == {0.0}


def test_a_broken_converter_leaves_the_comparator_alone() -> None:
    """At the end of its scale it sees no line; at its middle none where the comparator sees one; mute, nothing."""
    for volts in (203.0, -203.0):
        pair = line(48, 9)
        for below in (False, True, False):
            assert pair.feed.contact(below, pair.now) is below
            for _ in range(200):
                assert pair.feed.sample(volts, pair.now) is None
                pair.now += STEP_NS
    pair = line(48, 9)
    pair.feed.contact(False, pair.now)
    for _ in range(200):
        assert pair.feed.sample(0.0, pair.now) is None
        pair.now += STEP_NS
    assert not pair.feed.dead
    pair = line(48, 34)
    pair.stand(48, 3)
    pair.stand(34, 1)
    assert pair.hook is True  # by the voltage, against the comparator
    assert pair.feed.stale(pair.now) is None
    pair.now += 2 * NS
    assert pair.feed.stale(pair.now) is False
    assert pair.feed.contact(True, pair.now) is True


def pieces() -> st.SearchStrategy[list[tuple[str, float, float]]]:
    volts = st.one_of(st.floats(0, 60), st.sampled_from([0.0, 2.0, 9.0, 24.0, 34.0, 48.0]), st.floats(-60, 0))
    piece = st.tuples(st.sampled_from(["stand", "ring"]), volts, st.floats(0.05, 4))
    return st.lists(piece, min_size=1, max_size=12)


def play(pair: Line, what: list[tuple[str, float, float]]) -> Iterator[Learnt]:
    for kind, volts, seconds in what:
        if kind == "ring":
            pair.ring(min(seconds, 1.5), abs(volts))
        else:
            pair.stand(volts, seconds)
        yield pair.feed.learnt


@given(pieces())
def test_whatever_a_line_does_the_levels_stay_sane(what: list[tuple[str, float, float]]) -> None:
    pair = line()
    for learnt in play(pair, what):
        if learnt.idle is None:
            assert learnt.off_hook is None
            continue
        assert 3 <= learnt.idle <= 60.5
        assert learnt.threshold is not None
        assert learnt.threshold <= 0.9001 * learnt.idle
        if learnt.off_hook is not None:
            assert DEAD_V < learnt.off_hook < 1.01 * learnt.idle
    levels = [level for level, _ in pair.told]
    assert all(a != b for a, b in itertools.pairwise(levels))


@given(pieces(), st.floats(40, 54), st.floats(2.5, 0.8 * 40))
def test_nothing_that_came_before_keeps_it_from_seeing_the_comparators_own_calls_in_the_end(
    what: list[tuple[str, float, float]], idle: float, off: float
) -> None:
    """After some rings whatever was learnt of the line is of the line as it is."""
    pair = line()
    for _ in play(pair, what):
        pass
    for _ in range(3):
        pair.ring(1, idle)
        pair.stand(idle, 3)
    for _ in range(2):
        pair.stand(off if off < OFF_HOOK_BELOW * idle else 9.0, 3)
        assert pair.hook is True
        pair.stand(idle, 3)
        assert pair.hook is False
