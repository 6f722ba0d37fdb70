"""The debouncer: what settles, when, and with which time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.signalling.hook import MS, Debouncer, Transition

OFF, ON = True, False


def settle(*edges: tuple[float, bool], until: float = 1000) -> list[Transition]:
    """What edges given as (ms, active) settle to."""
    hook = Debouncer(10)
    out: list[Transition] = []
    for at, active in edges:
        out += hook.edge(active, round(at * MS))
    return out + hook.tick(round(until * MS))


def at(ms: float, active: bool, initial: bool = False) -> Transition:
    return Transition(active, round(ms * MS), initial)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        pytest.param([(0, ON)], [], id="on-hook at the start is no change"),
        pytest.param([(0, OFF)], [at(0, OFF, initial=True)], id="off-hook at the start"),
        pytest.param([(0, OFF), (3, ON)], [], id="a glitch at the start"),
        pytest.param([(0, OFF), (3, ON), (50, OFF)], [at(50, OFF)], id="after a glitch at the start: a change"),
        pytest.param([(0, ON), (50, OFF)], [at(50, OFF)], id="clean"),
        pytest.param([(0, ON), (50, OFF), (50.5, ON), (58.5, OFF)], [at(50, OFF)], id="timed at the first edge"),
        pytest.param([(0, ON), (50, OFF), (58, ON)], [], id="a burst that ends where it began"),
        pytest.param([(0, ON), (50, OFF), (60, ON)], [at(50, OFF), at(60, ON)], id="held exactly bounce_ms"),
        pytest.param([(0, ON), (50, OFF), (59.999, ON)], [], id="held a microsecond less"),
        pytest.param([(0, ON), (50, OFF), (63.9, ON)], [at(50, OFF), at(63.9, ON)], id="a 20 pps make"),
        pytest.param([(0, ON), (50, OFF), (52, OFF)], [at(50, OFF)], id="the same level twice is no news"),
        pytest.param([(0, ON), (50, OFF), (50, ON), (50, OFF)], [at(50, OFF)], id="equal times"),
        pytest.param([(0, ON)] + [(50 + 8 * n, n % 2 == 0) for n in range(1001)], [at(50, OFF)], id="8 s of bounce"),
    ],
)
def test_settles(edges: list[tuple[float, bool]], expected: list[Transition]) -> None:
    assert settle(*edges, until=9000) == expected


def test_deadline_and_pending() -> None:
    hook = Debouncer(10)
    assert (hook.deadline(), hook.pending_since) == (None, None)
    hook.edge(OFF, 5 * MS)
    hook.edge(ON, 7 * MS)
    assert (hook.deadline(), hook.pending_since, hook.raw) == (17 * MS, 5 * MS, False)
    hook.edge(OFF, 8 * MS)
    assert hook.tick(18 * MS - 1) == []
    assert hook.tick(18 * MS) == [at(5, OFF, initial=True)]
    assert (hook.deadline(), hook.pending_since, hook.level) == (None, None, True)


def test_an_earlier_time_counts_as_the_last_and_is_counted() -> None:
    hook = Debouncer(10)
    hook.edge(ON, 100 * MS)
    assert hook.edge(OFF, 90 * MS) == []
    assert hook.reversals == 1
    assert hook.tick(110 * MS) == [at(100, OFF)]


@given(st.lists(st.tuples(st.booleans(), st.integers(-50 * MS, 500 * MS))))
def test_any_edges_alternate_and_keep_their_order(edges: list[tuple[bool, int]]) -> None:
    hook = Debouncer(10)
    out: list[Transition] = []
    for active, t in edges:
        out += hook.edge(active, t)
    out += hook.tick(10**12)
    assert [one.active for one in out] == [n % 2 == 0 for n in range(len(out))]
    assert all(one.at_ns >= 0 for one in out)
    assert all(later.at_ns - one.at_ns >= 10 * MS for one, later in pairwise(out))
    assert hook.deadline() is None
