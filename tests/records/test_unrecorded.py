"""The stretches in which the box could not record, from what its journal says."""

from __future__ import annotations

import pytest

from tsuwaroku.clock import NS, ClockQuality, Instant
from tsuwaroku.records.unrecorded import ALIVE_EVERY_NS, Fact, FactKind, Stretch, stretches

MIN = 60 * NS
HOUR = 60 * MIN
BOOT_A_AT, BOOT_B_AT = 1_000_000 * NS, 1_000_000 * NS + 10 * HOUR  # Unix ns of their monotonic zero
A, B = b"A" * 16, b"B" * 16


def at(boot: bytes, mono_ns: int, wrong_ns: int = 0) -> Instant:
    zero = BOOT_A_AT if boot == A else BOOT_B_AT
    return Instant(zero + mono_ns + wrong_ns, mono_ns, boot, ClockQuality.SYNCHRONISED)


def dated(moment: Instant) -> int:
    """As the judge would: by its boot, not by what the clock said."""
    return (BOOT_A_AT if moment.boot_id == A else BOOT_B_AT) + moment.mono_ns


def fact(kind: FactKind, boot: bytes, mono_ns: int, wrong_ns: int = 0) -> Fact:
    return Fact(kind=kind, at=at(boot, mono_ns, wrong_ns))


STARTED, STOPPED, ALIVE, LOST = FactKind


def stretch(cause: str, begin: int, latest: int, end: int | None, line: str = "", *, silent: int = 0) -> Stretch:
    shortest = silent if end is None else end - latest
    longest = None if end is None else end - begin
    return Stretch(
        line=line,
        cause=cause,
        from_ns=begin,
        from_latest_ns=latest,
        to_ns=end,
        shortest_ns=shortest,
        longest_ns=longest,
    )


def test_a_recorder_that_runs_leaves_none() -> None:
    facts = [fact(STARTED, A, MIN), fact(ALIVE, A, 11 * MIN), fact(ALIVE, A, 21 * MIN)]
    assert stretches(facts, dated) == []
    assert stretches(facts, dated, at(A, 41 * MIN)) == []
    assert stretches([], dated, at(A, HOUR)) == []


def test_stopped_and_started_on_a_running_machine() -> None:
    facts = [fact(STARTED, A, MIN), fact(STOPPED, A, HOUR), fact(STARTED, A, HOUR + 7 * NS)]
    begin = BOOT_A_AT + HOUR
    assert stretches(facts, dated) == [stretch("stopped", begin, begin, begin + 7 * NS)]


def test_shut_down_and_started_again() -> None:
    """Off from its last word to the boot, then booting."""
    facts = [fact(STARTED, A, MIN), fact(STOPPED, A, HOUR), fact(STARTED, B, 40 * NS)]
    begin, ready = BOOT_A_AT + HOUR, BOOT_B_AT + 40 * NS
    assert stretches(facts, dated) == [
        stretch("off", begin, begin, BOOT_B_AT),
        stretch("booting", BOOT_B_AT, BOOT_B_AT, ready),
    ]


def test_a_power_cut_lies_between_the_last_word_and_the_next_one_owed() -> None:
    facts = [fact(STARTED, A, MIN), fact(ALIVE, A, HOUR), fact(STARTED, B, 40 * NS)]
    begin, ready = BOOT_A_AT + HOUR, BOOT_B_AT + 40 * NS
    assert stretches(facts, dated) == [
        stretch("off", begin, begin + ALIVE_EVERY_NS, BOOT_B_AT),
        stretch("booting", BOOT_B_AT, BOOT_B_AT, ready),
    ]


def test_a_cut_of_seconds_is_no_longer_than_it_can_be() -> None:
    facts = [fact(STARTED, A, MIN), fact(ALIVE, A, 10 * HOUR - 30 * NS), fact(STARTED, B, 20 * NS)]
    begin = BOOT_B_AT - 30 * NS
    assert stretches(facts, dated) == [
        stretch("off", begin, BOOT_B_AT, BOOT_B_AT),
        stretch("booting", BOOT_B_AT, BOOT_B_AT, BOOT_B_AT + 20 * NS),
    ]


def test_a_recorder_that_ended_without_a_word() -> None:
    facts = [fact(STARTED, A, MIN), fact(ALIVE, A, HOUR), fact(STARTED, A, HOUR + 12 * MIN)]
    begin = BOOT_A_AT + HOUR
    assert stretches(facts, dated) == [stretch("broken_off", begin, begin + 10 * MIN, begin + 12 * MIN)]


@pytest.mark.parametrize("wrong_ns", [-40 * 365 * 24 * HOUR, -HOUR, HOUR])
def test_the_clock_makes_no_length(wrong_ns: int) -> None:
    """In one boot lengths are monotonic; and where only a wrong date is left, none is negative."""
    facts = [fact(STARTED, A, MIN), fact(STOPPED, A, HOUR), fact(STARTED, A, 2 * HOUR, wrong_ns)]
    assert [(s.shortest_ns, s.longest_ns) for s in stretches(facts, lambda moment: moment.wall_ns)] == [(HOUR, HOUR)]
    backwards = [fact(STARTED, A, MIN), fact(ALIVE, A, HOUR), fact(STARTED, B, 40 * NS, -20 * HOUR)]
    assert [(s.cause, s.shortest_ns, s.longest_ns) for s in stretches(backwards, lambda moment: moment.wall_ns)] == [
        ("off", 0, 0),
        ("booting", 0, 0),
    ]


def test_losses_of_single_lines_stand_between_the_others() -> None:
    lost = Fact(kind=LOST, at=at(A, 2 * HOUR), until=at(A, 2 * HOUR + 5 * NS), line="201", why="no_room")
    begin = BOOT_A_AT + 2 * HOUR
    facts = [fact(STARTED, A, MIN), lost, fact(STOPPED, A, 3 * HOUR), fact(STARTED, A, 3 * HOUR + NS)]
    assert stretches(facts, dated) == [
        stretch("no_room", begin, begin, begin + 5 * NS, "201"),
        stretch("stopped", begin + HOUR, begin + HOUR, begin + HOUR + NS),
    ]


def test_a_loss_on_one_line_is_a_word_of_the_recorder() -> None:
    lost = Fact(kind=LOST, at=at(A, 2 * HOUR), until=at(A, 2 * HOUR + 5 * NS), line="201", why="backlog")
    facts = [fact(STARTED, A, MIN), lost, fact(STARTED, A, 3 * HOUR)]
    assert [s.from_ns for s in stretches(facts, dated) if not s.line] == [BOOT_A_AT + 2 * HOUR]


def test_one_that_goes_on() -> None:
    begin = BOOT_A_AT + HOUR
    stopped = [fact(STARTED, A, MIN), fact(STOPPED, A, HOUR)]
    assert stretches(stopped, dated, at(A, HOUR + MIN)) == [stretch("stopped", begin, begin, None, silent=MIN)]
    silent = [fact(STARTED, A, MIN), fact(ALIVE, A, HOUR)]
    assert stretches(silent, dated, at(A, HOUR + 20 * MIN)) == []
    assert stretches(silent, dated, at(A, HOUR + 21 * MIN)) == [
        stretch("broken_off", begin, begin + ALIVE_EVERY_NS, None, silent=11 * MIN)
    ]
    assert stretches(silent, dated, at(B, 10 * NS)) == [
        stretch("off", begin, begin + ALIVE_EVERY_NS, None, silent=9 * HOUR + 10 * NS - ALIVE_EVERY_NS)
    ]
