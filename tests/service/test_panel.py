"""The lamp tells the truth: lit on the raw edge, lit only while a fresh commit covers the call, fast otherwise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.clock import NS
from tsuwaroku.hal.board import Lamp
from tsuwaroku.service.panel import COVERED_NS, GRACE_NS, SETTLE_NS, LinePanel

MS = NS // 1000


def test_idle_is_dark() -> None:
    panel = LinePanel()
    assert [panel.lamp(t * NS) for t in range(3)] == [Lamp.DARK] * 3


def test_raw_edge_lights_within_100_ms_before_any_commit() -> None:
    panel = LinePanel()
    panel.hook(True, 10 * NS)
    assert panel.lamp(10 * NS + SETTLE_NS - 1) is Lamp.DARK
    assert panel.lamp(10 * NS + 100 * MS) is Lamp.LIT
    assert panel.lamp(10 * NS + GRACE_NS) is Lamp.LIT


def test_flicker_of_the_ringing_voltage_does_not_light() -> None:
    panel = LinePanel()
    shown = []
    for half_cycle in range(20):
        start = half_cycle * 31 * MS
        panel.hook(True, start)
        shown.append(panel.lamp(start + 10 * MS))
        panel.hook(False, start + 10 * MS)
        shown.append(panel.lamp(start + 20 * MS))
    assert shown == [Lamp.DARK] * 40


def test_no_commit_within_the_grace_blinks() -> None:
    panel = LinePanel()
    panel.hook(True, 0)
    panel.call_began(0)
    assert panel.lamp(GRACE_NS) is Lamp.LIT
    assert panel.lamp(GRACE_NS + 1) is Lamp.FAST
    assert panel.unrecorded_call(GRACE_NS + 1)


def test_commits_keep_it_lit_and_their_absence_blinks() -> None:
    panel = LinePanel()
    panel.hook(True, 0)
    panel.call_began(0)
    for second in range(1, 6):
        panel.covered(second * NS)
        assert panel.lamp(second * NS + COVERED_NS) is Lamp.LIT
    assert panel.lamp(5 * NS + COVERED_NS + 1) is Lamp.FAST
    panel.covered(8 * NS)
    assert panel.lamp(8 * NS) is Lamp.LIT


def test_a_commit_of_the_call_before_covers_nothing() -> None:
    panel = LinePanel()
    panel.hook(True, 0)
    panel.call_began(0)
    panel.covered(NS)
    panel.call_ended()
    panel.hook(False, 2 * NS)
    panel.hook(True, 3 * NS)
    panel.call_began(3 * NS)
    assert panel.lamp(3 * NS + GRACE_NS + 1) is Lamp.FAST


def test_box_that_cannot_record_never_looks_as_if() -> None:
    panel = LinePanel()
    panel.able = False
    assert panel.lamp(0) is Lamp.FAST
    panel.hook(True, NS)
    assert panel.lamp(NS + 200 * MS) is Lamp.FAST
    assert panel.unrecorded_call(NS + 200 * MS)


def test_line_in_mode_off_stays_dark() -> None:
    panel = LinePanel()
    panel.watched = False
    panel.hook(True, 0)
    assert panel.lamp(10 * NS) is Lamp.DARK
    assert not panel.unrecorded_call(10 * NS)


@given(st.lists(st.integers(min_value=1, max_value=4 * NS), min_size=1, max_size=30), st.integers(0, 5 * NS))
def test_lit_in_a_call_means_a_commit_at_most_two_seconds_old(gaps: list[int], later: int) -> None:
    panel = LinePanel()
    panel.hook(True, 0)
    panel.call_began(0)
    now = 0
    for gap in gaps:
        now += gap
        panel.covered(now)
    fresh = later <= COVERED_NS
    assert (panel.lamp(now + later) is Lamp.LIT) == fresh
    assert panel.unrecorded_call(now + later) != fresh
