"""Losses on the kernel's own card: what the board says was lost, held against what the far end gave.

The far end gives noise, in which each sample's place can be found. Time is virtual and both ends of the card share its
clock, so places are told exactly: what a crystal, a late interrupt or a busy machine add is in tests/hal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contract.bench import CARD, BenchRig, Plug
from tests.contract.rigs import LINES, NS, RATE, Act, Run, device_config, noise
from tsuwaroku.errors import BoardError
from tsuwaroku.events import AudioFrame, BoardFault, Gap, GapReason, Part, Playback, Tick
from tsuwaroku.hal import alsa
from tsuwaroku.hal.board import Board
from tsuwaroku.hal.device import DeviceBoard
from tsuwaroku.hal.playback import Player

pytestmark = [pytest.mark.slow, pytest.mark.kernel]
BUFFER = 4000  # board.buffer_ms
PERIOD = 160
STEP = 8  # snd-aloop counts in steps of 1 ms, and so seems to be ahead by as much after a start
ANNOUNCEMENT = np.random.default_rng(4).integers(1, 9000, 8000).astype("<i2")  # 1 s, no zero in it


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[BenchRig]:
    with BenchRig(tmp_path) as made:
        assert isinstance(made, BenchRig)
        yield made


@dataclass(frozen=True)
class Stretch:
    """Sound without a gap: where it is in the board's stream, where it was in the noise, its length; all in samples."""

    first: int
    place: int
    samples: int

    @property
    def behind(self) -> int:
        """How much later it is in the stream than in the noise. The same for all of a run, when nothing is wrong."""
        return self.first - self.place


def stretches(rig: BenchRig, run: Run, line: str) -> tuple[list[Stretch], list[tuple[int, int, GapReason]]]:
    """A line's sound and gaps. Positions must follow one another; each stretch must be noise to its last sample."""
    whole = rig.fed(line)
    found: list[Stretch] = []
    gaps: list[tuple[int, int, GapReason]] = []
    pcm, first, position = b"", 0, 0

    def end() -> None:
        if pcm:
            silent = 0 if found else (len(pcm) - len(pcm.lstrip(b"\0"))) // 2  # until the far end begins
            at = whole.find(pcm[2 * silent :])
            assert at % 2 == 0, f"line {line}: from sample {first} on it is not what the far end gave"
            found.append(Stretch(first + silent, at // 2, len(pcm) // 2 - silent))

    for event in run.of(AudioFrame, Gap):
        if event.line != line:
            continue
        assert event.first_sample == position
        if isinstance(event, Gap):
            end()
            gaps.append((event.first_sample, event.samples, event.reason))
            position += event.samples
            pcm, first = b"", position
        else:
            pcm += event.pcm
            position += len(event.pcm) // 2
    end()
    return found, gaps


class Hold:
    """A thread of the board that a stalled machine keeps waiting, once it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: type, method: str) -> None:
        self._for_s = 0.0
        real: Callable[..., Any] = getattr(kind, method)

        def held(*given: Any) -> Any:
            for_s, self._for_s = self._for_s, 0.0
            time.sleep(for_s)
            return real(*given)

        monkeypatch.setattr(kind, method, held)

    def at(self, at_s: float, for_s: float) -> Act:
        return (at_s, lambda board: setattr(self, "_for_s", for_s))


@pytest.mark.parametrize(
    ("rate", "period_ms"), [(8000, 5), (8000, 30), (8000, 200), (16000, 20), (44100, 20), (48000, 10)]
)
def test_nothing_is_lost_at_any_rate_and_period(rig: BenchRig, rate: int, period_ms: int) -> None:
    """Frames of 20 ms whatever the card's period is, contiguous, exactly what the far end gave."""
    rig.rate, rig.period_ms, rig.fed_s = rate, period_ms, 4.0
    run = rig.run(1.5)
    assert run.of(Gap) + run.of(BoardFault) == []
    for line in LINES:
        frames = [frame for frame in run.of(AudioFrame) if frame.line == line]
        assert [frame.first_sample for frame in frames] == [n * rate // 50 for n in range(len(frames))]
        assert len(frames) >= 62  # all but one long period
        rig.check(line, b"".join(frame.pcm for frame in frames))


def test_a_reader_held_back_less_than_the_buffer_loses_nothing(rig: BenchRig, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = Hold(monkeypatch, alsa.Capture, "_turn")
    run = rig.run(1.6, [hold.at(0.5, 0.45)])
    for line in LINES:
        found, gaps = stretches(rig, run, line)
        assert gaps == []
        assert [one.samples >= 1.4 * RATE for one in found] == [True]


@pytest.mark.parametrize("for_s", [0.5, 0.513, 0.7, 1.33])
def test_an_overrun_is_a_gap_to_the_sample(rig: BenchRig, monkeypatch: pytest.MonkeyPatch, for_s: float) -> None:
    """The card gave up what was in its buffer; what comes after is told at its true place."""
    hold = Hold(monkeypatch, alsa.Capture, "_turn")
    run = rig.run(for_s + 1.0, [hold.at(0.53, for_s)])
    for line in LINES:
        found, gaps = stretches(rig, run, line)
        before, after = found
        stop = before.first + before.samples
        assert gaps == [(stop, after.first - stop, GapReason.OVERRUN)]
        assert after.behind == pytest.approx(before.behind, abs=STEP)
        assert BUFFER <= gaps[0][1] <= for_s * RATE + 2 * PERIOD
    assert run.of(BoardFault) == []


def test_overruns_one_after_another_do_not_add_up(rig: BenchRig, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = Hold(monkeypatch, alsa.Capture, "_turn")
    run = rig.run(4.5, [hold.at(0.5, 0.6), hold.at(1.2, 0.55), hold.at(2.0, 0.9), hold.at(3.2, 0.51)])
    for line in LINES:
        found, gaps = stretches(rig, run, line)
        assert [reason for _, _, reason in gaps] == [GapReason.OVERRUN] * 4
        assert [one.behind for one in found] == pytest.approx([found[0].behind] * 5, abs=2 * STEP)


def test_a_recorder_that_does_not_read_loses_what_finds_no_room(rig: BenchRig) -> None:
    rig.queue_s = 0.5
    run = rig.run(2.0, [(0.5, lambda board: time.sleep(1.0))])
    for line in LINES:
        found, gaps = stretches(rig, run, line)
        assert [reason for _, _, reason in gaps] == [GapReason.BACKLOG]
        assert [one.behind for one in found] == [found[0].behind] * 2
        assert gaps[0][1] == pytest.approx(0.5 * RATE, abs=2 * PERIOD)


def unplugged(rig: BenchRig, more: list[Act]) -> tuple[Run, int, list[int]]:
    """Pulled at 0.5 s and put back at 2 s: the run, the place of what the far end gave first, and when it did."""
    plug = Plug(rig)
    began: list[int] = []

    def pull(board: Board) -> None:
        began.append(rig.fed_from_ns)
        plug.pull()

    def put(board: Board) -> None:
        plug.put()
        began.append(time.monotonic_ns())

    run = rig.run(5.0, sorted([*more, (0.5, pull), (2.0, put)], key=lambda act: act[0]))
    return run, (began[1] - began[0]) * RATE // NS, began


def test_unplugged_and_plugged_in_again(rig: BenchRig) -> None:
    """All is let go of within a second, so that the driver can go; then sound and announcements are as before."""
    run, second_at, began = unplugged(rig, [(3.5, lambda board: board.play("12", ANNOUNCEMENT.tobytes()))])
    for line in LINES:
        found, gaps = stretches(rig, run, line)
        before, after = found
        stop = before.first + before.samples
        assert gaps == [(stop, after.first - stop, GapReason.UNPLUGGED)]
        # The far end's second noise began `second_at` samples after its first.
        assert after.behind == pytest.approx(before.behind + second_at, abs=3 * STEP)
        assert 1.5 * RATE <= gaps[0][1] <= 2.6 * RATE
    faults = [(fault.line, fault.failed, fault.text) for fault in run.of(BoardFault) if fault.part is Part.CAPTURE]
    assert faults[0] == ("", True, "sound card plughw:CARD=tsuwa2: No such device [plughw:CARD=tsuwa2]")
    assert faults[-1] == ("", False, "sound card plughw:CARD=tsuwa2 is back")
    assert [failed for _, failed, _ in faults[1:-1]] == [True] * len(faults[1:-1])  # why it cannot be opened
    faults = [(fault.line, fault.failed, fault.text) for fault in run.of(BoardFault) if fault.part is not Part.CAPTURE]
    assert faults == [
        ("", True, "announcement card plughw:CARD=tsuwa2: is gone"),
        ("", False, "announcement card plughw:CARD=tsuwa2 is back"),
    ]
    assert [(event.line, event.playing) for event in run.of(Playback)] == [("12", True), ("12", False)]
    table = rig.played()
    assert table[: len(ANNOUNCEMENT), 1].tolist() == ANNOUNCEMENT.tolist()
    ticks = [event.mono_ns for event in run.of(Tick)]
    assert sorted(np.diff(ticks))[-2] <= 40_000_000  # once nobody reads: while the card is put back
    assert began[1] > began[0]


def test_unplugged_in_mid_announcement(rig: BenchRig) -> None:
    """It ends, is told, and the next one is heard whole."""
    run, _, _ = unplugged(
        rig,
        [
            (0.3, lambda board: board.play("11", ANNOUNCEMENT.tobytes())),
            (3.5, lambda board: board.play("11", ANNOUNCEMENT[::-1].tobytes())),
        ],
    )
    told = [(event.line, event.playing) for event in run.of(Playback)]
    assert told == [("11", True), ("11", False)] * 2
    ended = run.of(Playback)[1]
    assert ended.mono_ns - run.start_ns == pytest.approx(0.5 * NS, abs=0.05 * NS)
    faults = [(fault.line, fault.failed) for fault in run.of(BoardFault) if fault.part is not Part.CAPTURE]
    assert faults == [("11", True), ("11", False)]
    assert rig.played()[: len(ANNOUNCEMENT), 0].tolist() == ANNOUNCEMENT[::-1].tolist()


def test_an_announcement_soon_after_the_card_came_back_is_not_lost(rig: BenchRig) -> None:
    """The player still has the dead card when it is asked; it takes the new one."""
    plug = Plug(rig)
    run = Run()
    alsa_module = alsa.load_alsa()
    player = Player(
        alsa_module,
        alsa.CardSpec("plughw:CARD=tsuwa2", RATE, 2, PERIOD, 10 * PERIOD, "board.playback"),
        {"11": 0},
        position_at=lambda at_ns: 0,
        post=run.events.append,
    )
    player.open()
    rig.started()
    time.sleep(0.2)
    player.stop("11")  # wakes it: it looks next in a second
    plug.pull()
    player.play("11", ANNOUNCEMENT.tobytes())
    time.sleep(0.3)
    assert [(fault.line, fault.failed) for fault in run.of(BoardFault)] == [("11", True)]
    assert [event.playing for event in run.of(Playback)] == [False]
    plug.put()
    player.play("11", ANNOUNCEMENT.tobytes())
    time.sleep(1.3)
    player.close()
    rig.ended()
    assert [(fault.line, fault.failed) for fault in run.of(BoardFault)] == [("11", True), ("11", False)]
    assert [event.playing for event in run.of(Playback)] == [False, True, False]
    assert rig.played()[: len(ANNOUNCEMENT), 0].tolist() == ANNOUNCEMENT.tolist()


def test_a_player_held_back_until_the_card_ran_dry_plays_the_rest(
    rig: BenchRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hole in the announcement, nothing of it lost or twice, and its end told when it was."""
    hold = Hold(monkeypatch, Player, "_fill")
    run = rig.run(2.5, [(0.3, lambda board: board.play("12", ANNOUNCEMENT.tobytes())), hold.at(0.6, 0.5)])
    heard = rig.played()[:, 1]
    sounding = np.flatnonzero(heard)
    ends = np.flatnonzero(np.diff(sounding) > 1)
    assert len(ends) == 1
    before, after = heard[sounding[: ends[0] + 1]], heard[sounding[ends[0] + 1 :]]
    first = len(ANNOUNCEMENT) - len(after)
    assert after.tolist() == ANNOUNCEMENT[first:].tolist()
    assert before[:first].tolist() == ANNOUNCEMENT[:first].tolist()
    # A card that runs dry sounds what is left in its ring until it notices: here 2 ms.
    assert len(before) - first <= 16
    assert 0.2 * RATE <= sounding[ends[0] + 1] - sounding[ends[0]] <= 0.5 * RATE
    begin, end = run.of(Playback)
    assert [begin.playing, end.playing] == [True, False]
    lasted = (end.mono_ns - begin.mono_ns) * RATE // NS
    assert lasted == pytest.approx(int(sounding[-1] - sounding[0]) + 1, abs=PERIOD)


def test_an_announcement_card_that_comes_later_is_taken(rig: BenchRig) -> None:
    """Another program plays on it when the board opens: told, recorded all the same, and taken once it is free."""
    run = Run()
    with rig.far_end("PCM_PLAYBACK", device=f"hw:CARD={CARD},DEV=0"):
        board = rig.make()
        board.open()
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            run.events += board.read(0.05)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        run.events += board.read(0.05)
    assert [(fault.line, fault.failed, fault.part is Part.CAPTURE) for fault in run.of(BoardFault)] == [
        ("", True, False),
        ("", False, False),
    ]
    assert "Device or resource busy" in run.of(BoardFault)[0].text
    assert len(run.of(AudioFrame)) >= 2 * 90
    rig.started()
    board.play("12", ANNOUNCEMENT.tobytes())
    time.sleep(1.2)
    board.close()
    rig.ended()
    assert rig.played()[: len(ANNOUNCEMENT), 1].tolist() == ANNOUNCEMENT.tolist()


def test_stopping_one_line_costs_the_other_nothing(rig: BenchRig) -> None:
    """What the card had not played of the other line is played again from there: to the card's step, none missing."""
    sound = ANNOUNCEMENT.tobytes()
    acts: list[Act] = [
        (0.30, lambda board: board.play("11", sound)),
        (0.45, lambda board: board.play("12", sound)),
        (0.80, lambda board: board.stop_playing("11")),
    ]
    run = rig.run(2.0, acts)
    assert [(event.line, event.playing) for event in run.of(Playback)] == [
        ("11", True),
        ("12", True),
        ("11", False),
        ("12", False),
    ]
    table = rig.heard()
    stopped, other = (column[np.flatnonzero(column)] for column in table.T)
    assert len(stopped) == pytest.approx(0.5 * RATE, abs=200)
    assert stopped.tolist() == ANNOUNCEMENT[: len(stopped)].tolist()
    # One cut, at most a step of the card long, and every sample heard.
    steps = np.flatnonzero(np.diff(np.flatnonzero(table[:, 1])) > 1)
    assert len(steps) <= 1
    extra = len(other) - len(ANNOUNCEMENT)
    assert 0 <= extra <= STEP
    same = int(np.argmin(other[: len(ANNOUNCEMENT)] == ANNOUNCEMENT)) or len(ANNOUNCEMENT)
    assert other[same + extra :].tolist() == ANNOUNCEMENT[same:].tolist()


FORMATS = {"rate": "rate 16000, not 8000", "channels": "channels 1, not 2", "format": "format S32_LE, not S16_LE"}
REMEDIES = {
    "rate": "set board.rate = 16000 or use a converting PCM (plughw)",
    "channels": "set board.channels = 1",
    "format": 'use a converting PCM, e.g. "plughw:CARD=tsuwa2"',
}


@pytest.mark.parametrize(("what", "value"), [("rate", 16000), ("channels", 1), ("format", "PCM_FORMAT_S32_LE")])
def test_a_card_that_gives_something_else_is_told_with_a_remedy_that_works(
    rig: BenchRig, what: str, value: int | str
) -> None:
    """The other end of a loopback decides: what it has opened with, this end cannot change."""
    given = getattr(alsa.load_alsa(), value) if isinstance(value, str) else value
    with rig.far_end("PCM_PLAYBACK", **{what: given}) as far:
        far.write(bytes(4 * 2 * PERIOD))
        board = DeviceBoard(device_config(CARD, ""))
        with pytest.raises(BoardError) as caught:
            board.open()
        board.close()
        assert caught.value.message == f"the sound card tsuwa2 gave {FORMATS[what]}"
        assert caught.value.where == "board.capture"
        assert caught.value.remedy == REMEDIES[what]
        changed = {"rate": {"rate": 16000}, "channels": {}, "format": {}}[what]
        board = DeviceBoard(device_config(CARD if what == "rate" else f"plughw:CARD={CARD}", "", **changed))
        board.open()
        board.close()


def test_a_card_that_another_program_has_is_told(rig: BenchRig) -> None:
    with rig.far_end("PCM_CAPTURE", device=f"hw:CARD={CARD},DEV=0"):
        board = rig.make()
        with pytest.raises(BoardError) as caught:
            board.open()
        board.close()
    assert "Device or resource busy" in caught.value.message
    assert caught.value.remedy == "another program has it: stop that program, or use a shared (dsnoop) PCM"
    board = rig.make()
    board.open()
    board.close()


def test_no_card_is_told_with_what_there_is(rig: BenchRig) -> None:
    board = DeviceBoard(device_config("nosuch", ""))
    with pytest.raises(BoardError) as caught:
        board.open()
    board.close()
    assert caught.value.message.startswith("the sound card nosuch cannot be opened (")
    assert "cards present: tsuwa2;" in caught.value.remedy
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith(("alsa", "play", "lamps"))] == []
    assert noise("11", 1) != noise("12", 1)
