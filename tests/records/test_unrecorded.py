"""The stretches in which the box could not record, from what its journal says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.clock import NS, ClockQuality, Instant
from tsuwaroku.records.unrecorded import ALIVE_EVERY_NS, Cause, Fact, FactKind, Stretch, note, stretches

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


STARTED, STOPPED, ALIVE, FAILED, RESTORED, LOST = FactKind


def stretch(cause: str, begin: int, latest: int, end: int | None, line: str = "", *, silent: int = 0) -> Stretch:
    shortest = silent if end is None else end - latest
    longest = None if end is None else end - begin
    return Stretch(
        line=line,
        cause=Cause(cause),
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


def failed(kind: FactKind, mono_ns: int, line: str, boot: bytes = A) -> Fact:
    return Fact(kind=kind, at=at(boot, mono_ns), line=line)


def test_a_disk_that_took_nothing_is_told_afterwards_less_what_waited_in_memory() -> None:
    lost = Fact(kind=LOST, at=at(A, 2 * HOUR), since=at(A, HOUR), waits_ns=MIN)
    begin = BOOT_A_AT + HOUR
    facts = [fact(STARTED, A, MIN), lost, fact(STOPPED, A, 3 * HOUR), fact(STARTED, A, 3 * HOUR + NS)]
    assert stretches(facts, dated) == [
        stretch("storage", begin, begin + MIN, begin + HOUR),
        stretch("stopped", begin + 2 * HOUR, begin + 2 * HOUR, begin + 2 * HOUR + NS),
    ]


def test_a_card_that_was_away_costs_its_line_and_is_a_word_of_the_recorder() -> None:
    facts = [fact(STARTED, A, MIN), failed(FAILED, HOUR, "201"), failed(RESTORED, 2 * HOUR, "201")]
    begin = BOOT_A_AT + HOUR
    assert stretches(facts, dated) == [stretch("capture", begin, begin, begin + HOUR, "201")]
    cut = [*facts, fact(STARTED, A, 3 * HOUR)]
    assert [(s.from_ns, s.to_ns) for s in stretches(cut, dated) if not s.line] == [
        (BOOT_A_AT + 2 * HOUR, BOOT_A_AT + 3 * HOUR)
    ]


def test_a_card_that_stays_away_does_so_to_the_end_of_its_recorder_or_to_this_day() -> None:
    """Each recorder tells its own: the next one says again what it has not."""
    away = [
        fact(STARTED, A, MIN),
        failed(FAILED, HOUR, "201"),
        failed(FAILED, HOUR + MIN, "201"),
        fact(ALIVE, A, 2 * HOUR),
    ]
    begin = BOOT_A_AT + HOUR
    assert stretches(away, dated) == []
    assert stretches(away, dated, at(A, 2 * HOUR + MIN)) == [
        stretch("capture", begin, begin, None, "201", silent=HOUR + MIN)
    ]
    stopped = [*away, fact(STOPPED, A, 3 * HOUR)]
    assert stretches([*stopped, fact(STARTED, A, 3 * HOUR + NS)], dated) == [
        stretch("capture", begin, begin, begin + 2 * HOUR, "201"),
        stretch("stopped", begin + 2 * HOUR, begin + 2 * HOUR, begin + 2 * HOUR + NS),
    ]
    assert [(s.cause, s.to_ns) for s in stretches(stopped, dated, at(A, 4 * HOUR))] == [
        ("capture", begin + 2 * HOUR),
        ("stopped", None),
    ]
    assert stretches([fact(STARTED, A, MIN), failed(RESTORED, HOUR, "201")], dated) == []


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


@given(
    kinds=st.lists(st.tuples(st.sampled_from([*FactKind, ALIVE, ALIVE, ALIVE]), st.booleans()), max_size=40),
    until=st.integers(0, 60),
)
def test_what_is_left_out_of_the_facts_changes_nothing(kinds: list[tuple[FactKind, bool]], until: int) -> None:
    boots = sorted(later for _, later in kinds)
    facts = [
        fact(kind, B if later else A, n * 10 * MIN)
        for n, ((kind, _), later) in enumerate(zip(kinds, boots, strict=True), 1)
    ]
    noted: list[Fact] = []
    for one in facts:
        note(noted, one)
    for now in (None, at(B, until * 10 * MIN)):
        assert stretches(noted, dated, now) == stretches(facts, dated, now)


def test_the_years_of_a_journal_are_few_facts() -> None:
    noted: list[Fact] = []
    note(noted, fact(STARTED, A, MIN))
    for number in range(1000):
        note(noted, fact(ALIVE, A, number * HOUR))
    assert noted == [fact(STARTED, A, MIN), fact(ALIVE, A, 999 * HOUR)]
