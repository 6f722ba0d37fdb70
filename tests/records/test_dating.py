"""What each fault of the clock does to calls of every age: true time beside the box's.

In each row 32 days of calls, two a day, have gone by when the fault comes; 70 days follow it. The box looks once an
hour and erases what it may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.records import world as w
from tests.records.world import HOLDOVER, SYNCHRONISED, UNSYNCHRONISED, D, H, S, World
from tsuwaroku.clock import ClockQuality, Instant, from_iso
from tsuwaroku.errors import RefusedError
from tsuwaroku.records import dating
from tsuwaroku.records.dating import State, changed, confirm, observe, off_times_ns, propose, replay
from tsuwaroku.records.judging import Judge, would_go
from tsuwaroku.records.retention import day_of

Act = Callable[[World], None]
Y10 = 3650 * D


@dataclass
class Outcome:
    """How many days too early a call went at the worst (rounded up to 0.1), how many powered-on days too late (down),
    and in how many half-days after the fault one was refused too early, readable too late, or erasure was suspended.
    """

    early: float = 0.0
    late: float = 0.0
    refused: int = 0
    readable: int = 0
    suspended: int = 0
    why: str = ""


def outcome(fault: Act, start: str = "2026-11-01T09:00:00+09:00", days: int = 70) -> Outcome:
    world = World(true_ns=from_iso(start))
    for _ in range(32):
        world.run(12 * H)
        world.call()
        world.run(12 * H)
        world.call()
    fault(world)
    found = Outcome()
    reasons: set[str] = set()
    for _ in range(2 * days):
        world.run(12 * H)
        world.call()
        judge = world.judge()
        today = day_of(world.true_ns)
        readable = {id(call): judge.may_read(call.end, w.PERIOD).yes for call in world.calls}
        found.refused += any(not readable[id(call)] and today <= call.last_day for call in world.calls)
        found.readable += any(readable[id(call)] and today > call.last_day for call in world.calls)
        found.suspended += bool(judge.suspended)
        reasons.add(judge.suspended.value)
    found.early = -(-max(call.early_ns for call in world.calls) * 10 // D) / 10
    found.late = max(call.overdue_ns for call in world.calls) * 10 // D / 10
    found.why = ",".join(sorted(reasons - {""}))
    return found


def jump(error_ns: int, quality: ClockQuality = SYNCHRONISED, length_ns: int = 2 * H) -> Act:
    """The clock is wrong for a while, between calls and in mid-call."""

    def act(world: World) -> None:
        seized = world.now()
        world.clock(error_ns, quality)
        world.call(seized)
        world.run(length_ns)
        world.call()
        seized = world.now()
        world.clock(0)
        world.call(seized)

    return act


def off(length_ns: int, *, unset_ns: int = 60 * S, lie_ns: int = 0, lying_ns: int = 0) -> Act:
    """Without power, then 1970 for `unset_ns`, a lie for `lying_ns`, the truth."""

    def act(world: World) -> None:
        world.off(length_ns)
        world.call()
        world.run(unset_ns)
        world.call()
        if lying_ns:
            world.clock(lie_ns)
            world.call()
            world.run(lying_ns)
            world.call()
        world.clock(0)

    return act


def persists(error_ns: int, quality: ClockQuality) -> Act:
    return lambda world: world.clock(error_ns, quality)


JUMPS = {"10 s": 10 * S, "1 h": H, "1 day": D, "30 days": 30 * D, "10 years": Y10}
QUALITIES = (SYNCHRONISED, HOLDOVER, UNSYNCHRONISED)


@pytest.mark.slow
@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_that_is_put_right_changes_nothing(name: str, sign: int, quality: ClockQuality) -> None:
    assert outcome(jump(sign * JUMPS[name], quality), days=40) == Outcome()


AHEAD, BEHIND = "clock_ahead", "clock_behind"

TABLE: dict[str, tuple[Act, Outcome]] = {
    # what happens to every box: nothing is early, nothing late
    "power cut": (off(10 * S), Outcome()),
    "a night without power": (off(15 * H), Outcome()),
    "a weekend": (off(64 * H), Outcome()),
    "an office that is switched off daily": (lambda world: office(world, 6), Outcome()),
    # off-times that have to prove themselves: late by the stretch, and readable no longer than they may be
    "5 days": (off(5 * D), Outcome(late=3.0, suspended=5, why=AHEAD)),
    "5 days, and an office switched off daily": (lambda world: golden_week(world), Outcome(late=3.0)),
    "13 days": (off(13 * D - H), Outcome(late=3.0, suspended=5, why=AHEAD)),
    "5 days, then 1970 for a day": (off(5 * D, unset_ns=D), Outcome(late=4.0, suspended=5, why=AHEAD)),
    # the manager is waited for; until then 32 days of powered-on age
    "a month in a drawer": (off(30 * D), Outcome(late=31.5, suspended=140, why=AHEAD)),
    # no time server any more: the box cannot know how long the cut was, so erasure and refusal lag by its length
    "5 days, then 1970 for ever": (lambda world: world.off(5 * D), Outcome(late=4.9, readable=61)),
    # nor can it know whether the clock somebody set is right; what it shows is refused all the same
    "5 days, a clock set by hand": (
        lambda world: never_again(world, 5 * D),
        Outcome(late=6.8, suspended=140, why=AHEAD),
    ),
    "5 hours, never synchronised again": (
        lambda world: never_again(world, 5 * H),
        Outcome(late=1.5),
    ),
    # clocks that stay wrong while the box runs age no call; erasure pauses for the stretch at most, or goes by age
    "30 days ahead for ever": (persists(30 * D, SYNCHRONISED), Outcome(late=1.8, suspended=5, why=AHEAD)),
    "30 days behind for ever": (persists(-30 * D, SYNCHRONISED), Outcome(late=1.8, suspended=5, why=BEHIND)),
    "1024 weeks behind for ever": (persists(-7168 * D, SYNCHRONISED), Outcome(late=1.8, suspended=5, why=BEHIND)),
    "30 days ahead, unsynchronised": (persists(30 * D, UNSYNCHRONISED), Outcome(late=1.8, suspended=140, why=AHEAD)),
    "30 days behind, unsynchronised": (persists(-30 * D, UNSYNCHRONISED), Outcome()),
    "30 days ahead for 4 days": (jump(30 * D, length_ns=4 * D), Outcome(late=1.8, suspended=5, why=BEHIND)),
    "10 days behind for 4 days and a reboot": (
        lambda world: behind_through_a_reboot(world),
        Outcome(late=1.8, refused=5, suspended=5, why=AHEAD),
    ),
    # a time server that lies once, just after a power cut
    "+1 h": (off(10 * S, lie_ns=H, lying_ns=2 * H), Outcome(refused=3)),
    "+5 days for 2 h": (off(10 * S, lie_ns=5 * D, lying_ns=2 * H), Outcome()),
    "+30 days for 4 days": (off(10 * S, lie_ns=30 * D, lying_ns=4 * D), Outcome(late=1.8)),
    "+10 years for 40 days": (off(10 * S, lie_ns=Y10, lying_ns=40 * D), Outcome(late=1.8)),
    "-10 days for a day": (off(10 * S, lie_ns=-10 * D, lying_ns=D), Outcome(late=0.3)),
    "-10 days for 4 days": (
        off(10 * S, lie_ns=-10 * D, lying_ns=4 * D),
        Outcome(late=1.8, refused=5, suspended=5, why=AHEAD),
    ),
    # what a lie can do, and its bounds: 3 days at once, 13 after the stretch, or the length of a cut it hides
    "+3 days": (off(10 * S, lie_ns=3 * D - H, lying_ns=2 * H), Outcome(early=2.7, refused=5)),
    "+12 days for 4 days": (
        off(10 * S, lie_ns=12 * D, lying_ns=4 * D),
        Outcome(early=12.0, late=1.8, refused=5, suspended=5, why=BEHIND),
    ),
    "+2 days at each of 10 power cuts": (
        lambda world: hops(world, 10, 2 * D),
        Outcome(early=11.5, refused=5, suspended=5, why=BEHIND),
    ),
    "-2 days after a cut of 2 days, to the next": (
        lambda world: hidden_cut(world),
        Outcome(early=2.0, refused=4),
    ),
}


def never_again(world: World, length_ns: int) -> None:
    """Without power, and then right, but nobody says so."""
    world.off(length_ns)
    world.clock(0, UNSYNCHRONISED)


def office(world: World, weeks: int) -> None:
    for day in range(5 * weeks):
        world.run(8 * H)
        world.call()
        world.off(64 * H if day % 5 == 4 else 16 * H)
        world.clock(0)


def golden_week(world: World) -> None:
    """5 days, then three weeks of 8 hours a day: the stretch goes on over the nights."""
    for length in (5 * D, *[16 * H] * 4, 64 * H, *[16 * H] * 4, 64 * H, *[16 * H] * 4):
        world.off(length)
        world.clock(0)
        world.run(8 * H)
        world.call()


def behind_through_a_reboot(world: World) -> None:
    world.clock(-10 * D)
    world.run(4 * D)
    for length in (D, 0):
        world.off(10 * S)
        world.clock(-10 * D if length else 0)
        world.run(length)


def hops(world: World, cuts: int, lie_ns: int) -> None:
    for cut in range(1, cuts + 1):
        world.off(10 * S)
        world.clock(cut * lie_ns)
        world.run(H)
    world.clock(0)


def hidden_cut(world: World) -> None:
    world.off(2 * D)
    world.clock(-2 * D)
    world.run(H)
    world.call()
    world.off(10 * S)
    world.clock(0)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_what_a_fault_does(name: str) -> None:
    fault, expected = TABLE[name]
    assert outcome(fault) == expected


@pytest.mark.parametrize(
    "start", ["2027-12-05T09:00:00+09:00", "2028-01-28T09:00:00+09:00", "2027-01-29T23:30:00+09:00"]
)
def test_year_end_and_leap_day_are_days_like_others(start: str) -> None:
    assert outcome(off(10 * S), start, days=40) == Outcome()


# -- what is remembered


def box(days: int = 1) -> World:
    world = World()
    world.run(days * D)
    return world


def test_off_time_is_what_the_lines_rise_by() -> None:
    world = box()
    for length in (16 * H, 2 * D):
        world.off(length)
        world.clock(0)
        world.run(D)
    assert off_times_ns(world.state) == [16 * H, 2 * D]


def test_boots_without_a_synchronised_clock_lie_before_the_next_that_has_one() -> None:
    """All of the time without power is taken to have passed before them."""
    world = box()
    world.off(D)
    early = world.call()
    world.off(D)
    world.run(H)
    middle = world.call()
    world.off(D // 2)
    world.clock(0)
    found = off_times_ns(world.state)
    assert (found, sum(found)) == ([5 * D // 2, 0, 0], 5 * D // 2)
    judge = world.judge()
    dated = [(judge.dated_ns(call.end) - call.true_end_ns) / H for call in (early, middle)]
    assert dated == [36.0, 12.0]  # later than true by what was off after them


def test_a_call_of_1970_is_dated_right_once_the_time_is_known() -> None:
    world = box()
    world.off(2 * D)
    world.run(H)
    call = world.call()
    assert call.end.isoformat() == "1970-01-01T10:00:30.000+09:00"
    assert not world.may_erase(call).yes
    world.run(H)
    world.clock(0)
    assert world.judge().dated_ns(call.end) == call.true_end_ns


def test_the_first_date_ever_known_dates_what_was_before_it() -> None:
    world = World(quality=UNSYNCHRONISED, error_ns=-Y10)
    call = world.call()
    world.run(D)
    assert world.judge().suspended.value == "clock_never_set"
    world.clock(0)
    assert (world.judge().suspended.value, world.judge().dated_ns(call.end)) == ("", call.true_end_ns)


def test_a_look_at_the_past_changes_nothing() -> None:
    world = box()
    before = world.now()
    world.off(H)
    world.clock(0)
    world.run(H)
    past = Instant(0, world.now().mono_ns - 1, world.now().boot_id, SYNCHRONISED)
    assert observe(world.state, before) is world.state
    assert observe(world.state, past) is world.state


def test_replayed_from_records_the_memory_is_the_same() -> None:
    world = World()
    looks = [world.now()]
    for length in (H, D, 2 * H):
        world.run(D)
        looks.append(world.now())
        world.off(length)
        looks.append(world.now())
        world.clock(0)
        looks.append(world.now())
    assert replay(looks) == world.state
    assert replay(looks, world.state) == world.state
    assert replay(looks[-2:], replay(looks[:-2])) == world.state
    forgetful = State(boots=world.state.boots[1:], story=world.state.story, fresh_ns=world.state.fresh_ns)
    assert replay(looks, forgetful) == forgetful  # what is older is no news


def test_saving_at_once_is_for_more_than_a_look() -> None:
    world = box()
    before = world.state
    world.run(H)
    assert not changed(before, world.state)
    world.off(H)
    unset = world.state
    assert changed(before, unset)
    world.clock(0)
    assert changed(unset, world.state)


def test_the_table_of_boots_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dating, "MOST_BOOTS", 3)
    world = box()
    call = world.call()
    for _ in range(5):
        world.off(10 * S)
        world.clock(0)
    assert len(world.state.boots) == 3
    world.run(32 * D)
    assert [(call.early_ns, call.erased_ns is not None)] == [(0, True)]


def test_a_moment_of_a_lie_does_not_settle_a_disputed_off_time() -> None:
    """73 hours without power are in dispute; a time server says for a moment that they were 41. Nobody believes that at
    once: the truth of a second later would be a correction, and the calls of this boot age by it in the next."""
    world = World()
    world.off(73 * H)
    world.clock(0)
    world.clock(-31 * H - 1612 * S)
    call = world.call()
    world.clock(0)
    world.off(10 * S)
    world.clock(0)
    world.clock(60 * D)
    world.clock(0)
    world.run(32 * D)
    assert (call.early_ns, call.erased_ns is not None) == (0, True)


# -- the technician proposes, the manager confirms


def test_confirming_an_off_time_ages_what_came_before_it() -> None:
    world = box()
    old = world.call()
    world.off(40 * D)
    world.clock(0)
    new = world.call()
    calls = [("old", old.end, w.PERIOD, None), ("new", new.end, w.PERIOD, None)]
    proposal = propose(world.state, world.now(), "sato")
    assert (proposal.ahead_ns, proposal.off_ns) == (40 * D, 40 * D)
    assert would_go(world.state, world.now(), calls) == ["old"]
    world.state = confirm(world.state, world.now(), proposal)
    assert world.judge().suspended.value == ""
    world.look()
    assert [call.erased_ns is not None for call in (old, new)] == [True, False]


def test_confirming_a_clock_nobody_synchronised() -> None:
    world = box()
    world.off(5 * D)
    world.clock(0, UNSYNCHRONISED)
    assert world.judge().suspended.value == AHEAD
    world.state = confirm(world.state, world.now())
    assert (world.judge().suspended.value, off_times_ns(world.state)) == ("", [5 * D])


@pytest.mark.parametrize("error_ns", [30 * D, -30 * D])
def test_confirming_a_step_within_a_boot_ages_nothing(error_ns: int) -> None:
    world = box()
    call = world.call()
    world.clock(error_ns)
    proposal = propose(world.state, world.now(), "sato")
    assert (proposal.ahead_ns, proposal.off_ns) == (error_ns, 0)
    assert would_go(world.state, world.now(), [("call", call.end, w.PERIOD, None)]) == []
    world.state = confirm(world.state, world.now(), proposal)
    assert world.judge().suspended.value == ""
    assert world.judge().dated_ns(call.end) == call.true_end_ns + error_ns
    assert world.state.debt_ns == 0


def test_confirming_the_first_date() -> None:
    world = World(quality=UNSYNCHRONISED)
    proposal = propose(world.state, world.now(), "sato")
    assert (proposal.ahead_ns, proposal.off_ns) == (None, 0)
    world.state = confirm(world.state, world.now(), proposal)
    assert world.judge().suspended.value == ""


def test_what_was_not_proposed_is_not_confirmed() -> None:
    world = box()
    world.clock(5 * D)
    proposal = propose(world.state, world.now(), "sato")
    world.run(H)
    assert confirm(world.state, world.now(), proposal)
    world.clock(5 * D + 61 * S)
    with pytest.raises(RefusedError, match="no longer says"):
        confirm(world.state, world.now(), proposal)
    world.off(10 * S)
    world.clock(5 * D)
    with pytest.raises(RefusedError, match="no longer says"):
        confirm(world.state, world.now(), proposal)


def test_the_judge_looks_for_itself() -> None:
    world = box()
    assert Judge(State(), world.now()).state == observe(State(), world.now())
