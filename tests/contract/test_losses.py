"""Losses on the real board, held against what the card itself says was lost.

The virtual board's losses are in its own tests; on the other cards none can be provoked.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.contract.fake_alsa import FakePcm, index_of
from tests.contract.rigs import LINES, NS, RATE, Act, FakeRig, Run, check_counts
from tsuwaroku.events import AudioFrame, BoardFault, Gap, GapReason, Playback, Tick
from tsuwaroku.hal import alsa
from tsuwaroku.hal.board import Board

ANNOUNCEMENT = bytes(9600)  # 0.6 s


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> FakeRig:
    return FakeRig(tmp_path_factory.mktemp("fake"))


def losses(fake: FakeRig, seconds: float, acts: list[Act]) -> tuple[Run, list[Gap]]:
    """Play, and hold every gap against what the card itself says was lost: within one period, on every line alike."""
    run = fake.run(seconds, acts)
    gaps: list[Gap] = []
    for channel, line in enumerate(LINES):
        stream = [event for event in run.of(AudioFrame, Gap) if event.line == line]
        position = 0
        before: AudioFrame | None = None
        own = []
        for event in stream:
            assert event.first_sample == position
            if isinstance(event, Gap):
                own.append(event)
                position += event.samples
                continue
            values = np.frombuffer(event.pcm, dtype="<i2").tolist()
            check_counts(event.pcm, channel)
            if before is not None:
                was = index_of(np.frombuffer(before.pcm, dtype="<i2").tolist()[-1], channel) + 1
                lost = (index_of(values[0], channel) - was) % 30_000
                said = event.first_sample - before.first_sample - len(before.pcm) // 2
                # 30,000 samples are 3.75 s: nothing here loses as much.
                assert abs(lost - said) <= 160
                assert (lost == 0) == (said == 0)
            position += len(values)
            before = event
        gaps = own
    return run, gaps


def test_an_overrun_is_a_gap_of_its_length(fake: FakeRig) -> None:
    def overrun(board: Board) -> None:
        fake.card.overrun = True

    _, gaps = losses(fake, 1.2, [(0.5, overrun), (0.8, overrun)])
    assert [gap.reason for gap in gaps] == [GapReason.OVERRUN] * 2
    assert all(gap.samples >= 160 for gap in gaps)


def test_a_reader_that_comes_too_late_loses_the_buffer_and_says_so(fake: FakeRig) -> None:
    def hold(board: Board) -> None:
        fake.card.hold_s = 0.7  # the buffer holds 0.5

    _, gaps = losses(fake, 1.3, [(0.3, hold)])
    assert [gap.reason for gap in gaps] == [GapReason.OVERRUN]


@pytest.mark.parametrize("short", [(100, 400), (159, 637), (160, 639), (161, 644), (0, 3)])
def test_a_short_read_never_shifts_the_octets(fake: FakeRig, short: tuple[int, int]) -> None:
    def cut(board: Board) -> None:
        fake.card.short = short

    _, gaps = losses(fake, 0.8, [(0.4, cut)])
    assert [gap.reason for gap in gaps] == [GapReason.SHORT_READ]


def test_unplugged_and_plugged_in_again(fake: FakeRig) -> None:
    def plug(present: bool) -> Act:
        def act(board: Board) -> None:
            fake.card.present = present

        return (0.4 if not present else 0.9, act)

    run, gaps = losses(fake, 2.6, [plug(False), plug(True)])
    assert [(fault.line, fault.failed) for fault in run.of(BoardFault)] == [("", True), ("", False)]
    assert "fake" in run.of(BoardFault)[0].text
    assert [gap.reason for gap in gaps] == [GapReason.UNPLUGGED]
    assert 0.5 * RATE <= gaps[0].samples <= 1.3 * RATE
    last = run.of(AudioFrame)[-1]
    assert abs(last.first_sample - (last.mono_ns - run.start_ns) * RATE / NS) < 0.06 * RATE
    held = [event.mono_ns for event in run.of(Tick)]
    assert np.median(np.diff(held)) <= 25_000_000


def test_a_card_that_only_falls_silent_is_reopened(fake: FakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alsa, "STALL_S", 0.3)
    monkeypatch.setattr(alsa, "RETRY_S", 0.2)

    def wedge(board: Board) -> None:
        fake.card.wedged = True

    def loosen(board: Board) -> None:
        fake.card.wedged = False

    run, gaps = losses(fake, 2.2, [(0.3, wedge), (1.4, loosen)])
    faults = run.of(BoardFault)
    assert [(fault.line, fault.failed) for fault in faults] == [("", True), ("", False)]
    assert faults[0].text == "sound card fake: gives no samples"
    assert fake.card.opened > 3  # capture and playback, and more than one attempt
    assert [gap.reason for gap in gaps] == [GapReason.UNPLUGGED]


def test_an_error_of_another_kind_does_not_leave_the_lines_deaf(fake: FakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """E.g. of the descriptors: the reader's thread goes on, and says so."""
    monkeypatch.setattr(alsa, "RETRY_S", 0.2)
    avail = FakePcm.avail

    def break_(board: Board) -> None:
        def broken(pcm: FakePcm) -> int:
            raise OSError(9, "Bad file descriptor")

        monkeypatch.setattr(FakePcm, "avail", broken)

    def mend(board: Board) -> None:
        monkeypatch.setattr(FakePcm, "avail", avail)

    run, gaps = losses(fake, 1.8, [(0.3, break_), (0.9, mend)])
    assert [fault.failed for fault in run.of(BoardFault)] == [True, False]
    assert [gap.reason for gap in gaps] == [GapReason.UNPLUGGED]


def test_a_recorder_that_does_not_read_blocks_nothing(fake: FakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "queue_s", 0.5)

    def stall(board: Board) -> None:
        time.sleep(1.0)

    _, gaps = losses(fake, 1.8, [(0.3, stall)])
    assert [gap.reason for gap in gaps] == [GapReason.BACKLOG]
    assert 0.3 * RATE <= gaps[0].samples <= 0.7 * RATE
    assert fake.card.opened == 2


def test_a_playback_card_that_fails_is_told(fake: FakeRig) -> None:
    def unplug(board: Board) -> None:
        fake.card.present = False

    run = fake.run(0.8, [(0.2, lambda board: board.play("11", ANNOUNCEMENT)), (0.4, unplug)])
    assert [(event.line, event.playing) for event in run.of(Playback)] == [("11", True), ("11", False)]
    assert {(fault.line, fault.failed) for fault in run.of(BoardFault)} == {("", True), ("11", True)}
