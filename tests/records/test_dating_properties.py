"""Chance tries to have a call erased before its 30 days of true time are over."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.world import HOLDOVER, SYNCHRONISED, UNSYNCHRONISED, D, H, S, World
from tsuwaroku.clock import ClockQuality
from tsuwaroku.records.judging import Why
from tsuwaroku.records.retention import day_of

Step = tuple[str, int]

LOOK = 6 * H
SPANS = [10 * S, H, 8 * H, D, 2 * D, 3 * D, 3 * D + H, 5 * D, 14 * D, 30 * D]
CORNERS = [0, 10 * S, 30 * S, H, D, 2 * D, 5 * D, 30 * D, 3650 * D]
lengths = st.one_of(st.sampled_from(SPANS), st.integers(1, 40 * D))
signed = st.sampled_from([sign * size for size in CORNERS for sign in (1, -1)])
errors = st.one_of(signed, st.integers(-60 * D, 60 * D))


def step(name: str, amount: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), st.just(0) if amount is None else amount)


honest = st.one_of(
    step("run", lengths),
    step("off", lengths),
    step("call"),
    step("truth"),
    step("unset", errors),
    step("drift", errors),
)
lying = st.one_of(honest, step("lie", errors))


def played(world: World, script: list[Step]) -> Iterator[World]:
    for name, amount in script:
        match name:
            case "run":
                world.run(amount)
            case "off":
                world.off(amount)
            case "call":
                world.call()
            case "truth":
                world.clock(0)
            case "lie":
                world.clock(amount)
            case "unset":
                world.clock(amount, UNSYNCHRONISED)
            case "drift":
                world.clock(amount, HOLDOVER)
        yield world


def nothing_went_early(world: World) -> None:
    assert [call.early_ns for call in world.calls] == [0] * len(world.calls)


def everything_old_is_gone(world: World) -> None:
    """32 days of powered-on age, and a look."""
    kept = [call for call in world.calls if call.erased_ns is None]
    assert [call for call in kept if world.powered_ns - call.powered_ns >= 32 * D + LOOK] == []


def without_a_lie(quality: ClockQuality, script: list[Step]) -> None:
    """Cuts and unsynchronised clocks of any kind: nothing early, and a clock that is right refuses nothing early."""
    for world in played(World(look_ns=LOOK, quality=quality), script):
        nothing_went_early(world)
        everything_old_is_gone(world)
        if world.quality is SYNCHRONISED and world.error_ns == 0:
            due = [call for call in world.calls if day_of(world.true_ns) <= call.last_day]
            assert [call for call in due if not world.may_read(call).yes] == []


def with_lies(quality: ClockQuality, script: list[Step]) -> None:
    """Whoever works both the time server and the plug: nothing goes by its date before 3 days of powered-on age."""
    for world in played(World(look_ns=LOOK, quality=quality), script):
        everything_old_is_gone(world)
        early = [call for call in world.calls if call.early_ns]
        assert [call for call in early if call.why is not Why.EXPIRED or call.erased_age_ns < 3 * D] == []


@st.composite
def lies_within_boots(draw: st.DrawFn) -> list[Step]:
    """Boots of which each hears the truth first; then lies of less than 3 days, each followed by the truth."""
    script: list[Step] = []
    for _ in range(draw(st.integers(1, 8))):
        script.append(("off", draw(lengths)))
        script += draw(st.lists(st.one_of(step("run", lengths), step("call"), step("unset", errors)), max_size=3))
        script.append(("truth", 0))
        for _ in range(draw(st.integers(0, 6))):
            script.append(draw(st.one_of(step("run", lengths), step("call"))))
            if draw(st.booleans()):
                run = draw(st.integers(1, 3 * D - 2 * LOOK))
                script += [("lie", draw(errors)), ("run", run), ("call", 0), ("truth", 0)]
    return script


def with_lies_within_boots(quality: ClockQuality, script: list[Step]) -> None:
    for world in played(World(look_ns=LOOK, quality=quality), script):
        nothing_went_early(world)
        everything_old_is_gone(world)


@st.composite
def healthy_days(draw: st.DrawFn) -> list[Step]:
    """A box that is switched off for up to two days now and then, and synchronised as soon as it is back."""
    script: list[Step] = []
    for _ in range(draw(st.integers(5, 40))):
        script += [("run", draw(st.integers(D, 5 * D))), ("call", 0)]
        if draw(st.booleans()):
            script += [("off", draw(st.integers(1, 2 * D))), ("call", 0), ("truth", 0), ("call", 0)]
    return script


def on_a_healthy_clock(script: list[Step]) -> None:
    """Readable to the last moment of D + 30, refused from the next, and gone at the next look."""
    for world in played(World(look_ns=LOOK), script):
        nothing_went_early(world)
        if world.quality is not SYNCHRONISED or world.judge().suspended:
            continue  # more than 13 days without power in 3 with it
        today = day_of(world.true_ns)
        wrong = [call for call in world.calls if world.may_read(call).yes is not (today <= call.last_day)]
        assert wrong == []
        assert [call for call in world.calls if call.overdue_ns > LOOK and call.erased_ns is None] == []


qualities = st.sampled_from(ClockQuality)
RULES = {
    without_a_lie: (qualities, st.lists(honest, min_size=4, max_size=40)),
    with_lies: (qualities, st.lists(lying, min_size=4, max_size=40)),
    with_lies_within_boots: (qualities, lies_within_boots()),
    on_a_healthy_clock: (healthy_days(),),
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule: Callable[..., None]) -> None:
    settings(max_examples=100, deadline=None)(given(*RULES[rule])(rule))()


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_at_length(rule: Callable[..., None]) -> None:
    settings(max_examples=5000, deadline=None)(given(*RULES[rule])(rule))()
