"""One call's notice: when it starts, what stops it, and what the record says. Whole logs and whole records."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.notice.house import ANNOUNCEMENT_NS, House, Log, ns
from tsuwaroku.config import LineNotice, NoticeKind
from tsuwaroku.notice.policy import NoticePlan, Reason
from tsuwaroku.notice.session import NoticeSession, Play, Played, Sound
from tsuwaroku.records.call import Notice, NoticeOutcome

ANNOUNCEMENT, BEEP, BOTH = NoticeKind.ANNOUNCEMENT, NoticeKind.BEEP, NoticeKind.BOTH
GREETING = [(0.2, False), (0.8, True), (9.0, False)]


def failed(reason: Reason, kind: NoticeKind = ANNOUNCEMENT, at_s: float | None = None) -> Notice:
    return Notice(outcome=NoticeOutcome.FAILED, kind=kind.value, reason=reason.value, at_s=at_s)


def announced(at_s: float, *repeats: float, kind: NoticeKind = ANNOUNCEMENT) -> Notice:
    return Notice(outcome=NoticeOutcome.ANNOUNCED, kind=kind.value, at_s=at_s, repeats=list(repeats))


def by_button(at_s: float | None = None, kind: NoticeKind = ANNOUNCEMENT) -> Notice:
    return Notice(outcome=NoticeOutcome.EXEMPT, item=1, kind=kind.value, at_s=at_s, decided_by="button")


def test_it_starts_at_the_first_pause_after_the_greeting() -> None:
    house = House(ANNOUNCEMENT).at(10, "answered").says(10, GREETING).at(30, "ended")
    assert house.run(40) == [(11.5, "announcement")]
    assert house.session.outcome() == announced(1.56)
    assert house.session.plays == (Played(Sound.ANNOUNCEMENT, 92480, ns(11.56), ns(16.56), True),)


@pytest.mark.parametrize(
    ("pattern", "starts"),
    [
        ([(8.0, False)], 3.0),  # nobody says anything
        ([(8.0, True)], 3.0),  # nobody stops
        ([(0.28, True), (4.0, False)], 3.0),  # a cough
        ([(0.3, True), (4.0, False)], 0.8),
        ([(0.2, True), (0.1, False), (0.1, True), (4.0, False)], 0.9),  # in all, not in one breath
        ([(0.4, True), (0.48, False), (0.02, True), (0.5, False)], 1.4),
        ([(2.0, True), (0.48, False), (0.3, True), (4.0, False)], 3.0),  # the pause would end at 3.28
    ],
)
def test_the_pause(pattern: list[tuple[float, bool]], starts: float) -> None:
    assert House(ANNOUNCEMENT).at(0, "answered").says(0, pattern).run(4) == [(starts, "announcement")]


def test_a_hole_in_the_voice_frames_is_no_pause() -> None:
    house = House(ANNOUNCEMENT).at(0, "answered").says(0, [(0.4, True), (0.3, False)]).says(1.0, [(0.6, False)])
    assert house.run(2.9) == [(1.5, "announcement")]


def test_speech_before_the_answer_does_not_count() -> None:
    assert House(ANNOUNCEMENT).says(0, [(2, True)]).at(2, "answered").says(2, [(2, False)]).run(6) == [
        (5.0, "announcement")
    ]


def test_frames_from_before_the_answer_may_come_late() -> None:
    session = NoticeSession(NoticePlan(kind=ANNOUNCEMENT), LineNotice(), ANNOUNCEMENT_NS)
    session.answered(ns(1))
    for n in range(20):
        session.voice(ns(0.5 + n / 50), True)
    assert [session.voice(ns(1 + n / 50), False) for n in range(30)] == [[]] * 30


def test_the_configured_latest_time() -> None:
    assert House(ANNOUNCEMENT, LineNotice(latest_s=0)).at(7, "answered").run(8) == [(7.0, "announcement")]


def test_beeps_come_every_15_s() -> None:
    house = House(BEEP).at(0, "answered").at(40, "ended")
    assert house.run(50) == [(3.0, "beep"), (18.06, "beep"), (33.12, "beep")]
    assert house.session.outcome() == Notice(
        outcome=NoticeOutcome.BEEPED, kind="beep", at_s=3.06, repeats=[18.12, 33.18]
    )


def test_both_announce_and_then_beep() -> None:
    house = House(BOTH, LineNotice(beep_every_s=10)).at(0, "answered").at(30, "ended")
    assert house.run(50) == [(3.0, "announcement"), (18.06, "beep"), (28.12, "beep")]
    assert house.session.outcome() == announced(3.06, kind=BOTH)


def test_nobody_answered() -> None:
    house = House(ANNOUNCEMENT).at(5, "ended")
    assert house.run(10) == []
    assert house.session.outcome() == Notice(kind="announcement")


def test_the_record_of_a_call_in_progress_says_nothing_yet() -> None:
    house = House(ANNOUNCEMENT).at(0, "answered")
    house.run(7.9)
    assert house.session.outcome() == Notice(kind="announcement", at_s=None)
    house.run(8.1)
    assert house.session.outcome() == announced(3.06)


@pytest.mark.parametrize(
    ("ends", "log", "notice"),
    [
        (1.0, [], failed(Reason.CALL_ENDED_BEFORE)),
        (3.02, [(3.0, "announcement"), (3.02, "stop")], failed(Reason.CALL_ENDED_BEFORE)),
        (5.0, [(3.0, "announcement"), (5.0, "stop")], failed(Reason.CALL_ENDED_BEFORE_COMPLETION, at_s=3.06)),
        (7.9, [(3.0, "announcement"), (7.9, "stop")], failed(Reason.CALL_ENDED_BEFORE_COMPLETION, at_s=3.06)),
        (8.03, [(3.0, "announcement"), (8.03, "stop")], announced(3.06)),
        (9.0, [(3.0, "announcement")], announced(3.06)),
    ],
)
def test_the_call_ends(ends: float, log: Log, notice: Notice) -> None:
    house = House(ANNOUNCEMENT).at(0, "answered").at(ends, "ended").at(20, "tick")
    assert house.run(30) == log
    assert house.session.outcome() == notice


@pytest.mark.parametrize(
    ("at", "log", "notice"),
    [
        (-1.0, [], by_button()),
        (1.0, [], by_button()),
        (5.0, [(3.0, "announcement"), (5.0, "stop")], by_button(3.06)),
        (9.0, [(3.0, "announcement")], announced(3.06)),
    ],
)
def test_the_button_stops_it_under_item_1(at: float, log: Log, notice: Notice) -> None:
    house = (
        House(ANNOUNCEMENT).at(2, "answered").at(2 + at, "button").at(13, "flash").at(14, "returned").at(30, "ended")
    )
    assert [(round(when - 2, 3), what) for when, what in house.run(40)] == log
    assert house.session.outcome() == notice


def test_the_button_ends_the_row_of_beeps() -> None:
    house = House(BEEP).at(0, "answered").at(5, "button").at(60, "ended")
    assert house.run(70) == [(3.0, "beep")]
    assert house.session.outcome() == Notice(outcome=NoticeOutcome.BEEPED, kind="beep", at_s=3.06)


def test_the_button_stops_nothing_where_it_is_not_configured_to() -> None:
    house = House(ANNOUNCEMENT, LineNotice(button_stops=False)).at(0, "answered").at(4, "button").at(20, "ended")
    assert house.run(30) == [(3.0, "announcement")]
    assert house.session.outcome() == announced(3.06)


def test_a_flash_stops_it_and_it_starts_again_after() -> None:
    house = House(ANNOUNCEMENT).at(0, "answered").at(5, "flash").at(6, "flash").at(9, "returned").says(9, GREETING)
    house.at(30, "ended")
    assert house.run(40) == [(3.0, "announcement"), (5.0, "stop"), (10.5, "announcement")]
    assert house.session.outcome() == announced(10.56)
    assert [(play.start_ns, play.end_ns, play.whole) for play in house.session.plays] == [
        (ns(3.06), ns(5), False),
        (ns(10.56), ns(15.56), True),
    ]


def test_a_new_party_is_told_too() -> None:
    house = House(ANNOUNCEMENT).at(0, "answered").at(10, "flash").at(20, "returned").at(40, "flash").at(41, "returned")
    assert house.at(60, "ended").run(70) == [(3.0, "announcement"), (23.0, "announcement"), (44.0, "announcement")]
    assert house.session.outcome() == announced(3.06, 23.06, 44.06)


def test_a_repeat_cut_short_leaves_the_first() -> None:
    house = House(ANNOUNCEMENT).at(0, "answered").at(10, "flash").at(20, "returned").at(24, "ended")
    assert house.run(70) == [(3.0, "announcement"), (23.0, "announcement"), (24.0, "stop")]
    assert house.session.outcome() == announced(3.06)


@pytest.mark.parametrize(("ends", "beeps"), [(22.0, [18.06]), (36.0, [18.06, 35.0])])
def test_without_repetition_only_the_beeps_go_on(ends: float, beeps: list[float]) -> None:
    line = LineNotice(repeat_after_flash=False)
    house = House(BEEP, line).at(0, "answered").at(20, "flash").at(35, "returned").at(ends, "ended")
    assert house.run(60) == [(3.0, "beep"), *((at, "beep") for at in beeps)]


def test_without_repetition_a_notice_not_given_yet_still_comes() -> None:
    line = LineNotice(repeat_after_flash=False)
    house = House(ANNOUNCEMENT, line).at(0, "answered").at(1, "flash").at(2, "returned").at(30, "flash")
    assert house.at(31, "returned").at(50, "ended").run(60) == [(5.0, "announcement")]
    assert house.session.outcome() == announced(5.06)


def test_ended_after_an_interrupting_flash() -> None:
    house = House(ANNOUNCEMENT).at(0, "answered").at(5, "flash").at(9, "ended")
    assert house.run(10) == [(3.0, "announcement"), (5.0, "stop")]
    assert house.session.outcome() == failed(Reason.INTERRUPTED, at_s=3.06)


def test_a_board_that_does_not_play_is_asked_three_times() -> None:
    house = House(ANNOUNCEMENT, refuses=9).at(0, "answered").at(60, "ended")
    assert house.run(70) == [
        (3.0, "announcement"),
        (5.0, "stop"),
        (5.0, "announcement"),
        (7.0, "stop"),
        (7.0, "announcement"),
        (9.0, "stop"),
    ]
    assert house.session.outcome() == failed(Reason.PLAYBACK_FAILED)


def test_the_second_try_counts() -> None:
    house = House(ANNOUNCEMENT, refuses=1).at(0, "answered").at(60, "ended")
    assert house.run(70) == [(3.0, "announcement"), (5.0, "stop"), (5.0, "announcement")]
    assert house.session.outcome() == announced(5.06)


def test_a_board_that_breaks_off() -> None:
    house = House(ANNOUNCEMENT, breaks_after=[1, 4.9, 2]).at(0, "answered").at(60, "ended")
    assert house.run(70) == [(3.0, "announcement"), (4.06, "announcement"), (9.02, "announcement")]
    assert house.session.outcome() == failed(Reason.INTERRUPTED, at_s=3.06)


def test_a_board_that_never_says_it_ended_proves_nothing() -> None:
    house = House(ANNOUNCEMENT, silent_about_end=True).at(0, "answered").at(60, "ended")
    assert house.run(70)[:3] == [(3.0, "announcement"), (10.06, "stop"), (10.06, "announcement")]
    assert house.session.outcome() == failed(Reason.PLAYBACK_FAILED, at_s=3.06)


def test_a_missing_beep_of_the_row_waits_for_the_next() -> None:
    house = House(BEEP, breaks_after=[0.5, 0.1]).at(0, "answered").at(40, "ended")
    assert house.run(50) == [(3.0, "beep"), (18.06, "beep"), (33.22, "beep")]
    assert house.session.outcome() == Notice(outcome=NoticeOutcome.BEEPED, kind="beep", at_s=3.06, repeats=[33.28])


def test_a_late_tick_asks_once() -> None:
    session = NoticeSession(NoticePlan(kind=BEEP), LineNotice(), ANNOUNCEMENT_NS)
    session.answered(0)
    assert session.tick(ns(100)) == [Play(Sound.BEEP)]
    assert session.playback(True, 0, ns(100)) == []
    assert session.playback(False, 4000, ns(100.5)) == []
    assert session.deadline() == ns(115)
    assert session.tick(ns(500)) == [Play(Sound.BEEP)]


def test_a_stale_playback_is_not_taken_for_ours() -> None:
    session = NoticeSession(NoticePlan(kind=ANNOUNCEMENT), LineNotice(), ANNOUNCEMENT_NS)
    session.answered(0)
    assert session.playback(True, 0, ns(1)) == []
    session.tick(ns(3))
    session.playback(True, 0, ns(2.7))
    session.playback(False, 0, ns(8))
    assert session.plays == ()


def test_an_emergency_number_dialled_within_the_call() -> None:
    house = House(BOTH).at(0, "answered")
    house.run(5)
    assert len(house.session.withhold(Reason.EMERGENCY_NUMBER, ns(5))) == 1
    assert house.at(6, "flash").at(7, "returned").at(60, "ended").run(70) == [(3.0, "announcement")]
    assert house.session.outcome() == failed(Reason.EMERGENCY_NUMBER, BOTH, at_s=3.06)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_withheld_notice_plays_nothing(reason: Reason) -> None:
    house = House(NoticePlan(kind=BOTH, withheld=reason)).at(0, "answered").at(5, "button").at(60, "ended")
    assert house.run(70) == []
    assert house.session.outcome() == failed(reason, BOTH)


def test_an_exempt_call_plays_nothing_and_says_why() -> None:
    plan = NoticePlan(kind=NoticeKind.EXEMPT, item=4, decided_by="課長", decided_on="2026-05-01", basis="自動音声")
    house = House(plan).at(0, "answered").at(5, "button").at(60, "ended")
    assert house.run(70) == []
    assert house.session.outcome() == Notice(
        outcome=NoticeOutcome.EXEMPT,
        kind="exempt",
        item=4,
        decided_by="課長",
        decided_on="2026-05-01",
        reason="自動音声",
    )


def test_a_continued_call_inherits_and_is_not_told_again() -> None:
    notice = announced(3.06, kind=BOTH)
    house = House(ANNOUNCEMENT, session=NoticeSession.inherited(notice))
    assert house.at(0, "answered").at(20, "flash").at(21, "returned").at(60, "ended").run(70) == []
    assert house.session.outcome() == notice


def test_inherited_beeps_go_on() -> None:
    notice = announced(3.06, kind=BOTH)
    session = NoticeSession.inherited(notice, NoticePlan(kind=BOTH), LineNotice(), ns(100))
    house = House(BOTH, session=session).at(116, "flash").at(120, "returned").at(140, "ended")
    assert house.run(150) == [(115.0, "beep"), (130.06, "beep")]
    assert house.session.outcome() == notice


def test_a_call_continued_before_it_was_told_was_not_told() -> None:
    session = NoticeSession.inherited(Notice(kind="both"), NoticePlan(kind=BOTH), LineNotice(), 0)
    assert (session.outcome(), session.deadline()) == (failed(Reason.CAPTURE_BEGAN_IN_CALL, BOTH), None)


times = st.integers(0, 2500).map(lambda n: n / 50 + 0.003)
actions = st.lists(st.tuples(times, st.sampled_from(["flash", "returned", "button"])), max_size=6)
patterns = st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.8]), st.booleans()), max_size=12)


@given(
    kind=st.sampled_from([ANNOUNCEMENT, BEEP, BOTH]),
    happens=actions,
    pattern=patterns,
    ticks=st.lists(times, max_size=60),
    refuses=st.integers(0, 2),
    ends=times,
)
@settings(max_examples=150, deadline=None)
def test_more_ticks_change_nothing(
    kind: NoticeKind,
    happens: list[tuple[float, str]],
    pattern: list[tuple[float, bool]],
    ticks: list[float],
    refuses: int,
    ends: float,
) -> None:
    def play(extra: list[float]) -> tuple[Log, Notice, tuple[Played, ...]]:
        house = House(kind, extra_ticks=extra, refuses=refuses).at(0, "answered").says(0, pattern).at(ends, "ended")
        for at, name in happens:
            house.at(at, name)
        return house.run(60), house.session.outcome(), house.session.plays

    log, notice, plays = play(ticks)
    assert (log, notice, plays) == play([])
    # Whatever happened: the record of an ended call says how Article 7 was kept, and says it truly.
    whole = [play for play in plays if play.whole and play.kind is (Sound.BEEP if kind is BEEP else Sound.ANNOUNCEMENT)]
    told = notice.outcome in (NoticeOutcome.ANNOUNCED, NoticeOutcome.BEEPED)
    assert notice.outcome is not None
    assert told == bool(whole)
    assert [notice.at_s, *notice.repeats] == [p.start_ns / 1e9 for p in whole] if told else notice.repeats == []
    assert all(at <= ends + 1e-6 for at, _ in log)
    after_button = min((at for at, name in happens if name == "button" and at >= 0), default=99)
    assert all(at <= after_button + 1e-6 for at, what in log if what != "stop")
