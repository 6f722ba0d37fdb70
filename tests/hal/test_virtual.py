"""The virtual board against sources written out by hand: every event of a stream is compared."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from tsuwaroku.clock import NS, VirtualClock
from tsuwaroku.errors import BoardError
from tsuwaroku.events import (
    AudioFrame,
    BoardFault,
    ButtonPressed,
    Contact,
    ContactEdge,
    EndOfInput,
    Event,
    Gap,
    GapReason,
    LineVoltage,
    Playback,
    Tick,
)
from tsuwaroku.hal import virtual
from tsuwaroku.hal.board import SYSTEM_LAMP, Board, Lamp
from tsuwaroku.hal.virtual import STEP_NS, Fault, LineSource, VirtualBoard

MS = 1_000_000
HOOK, RING = Contact.HOOK, Contact.RING


@dataclass
class Written:
    """A source of given samples and events; endless when `ends` is None."""

    line: str
    pcm: bytes = b""
    happenings: list[ContactEdge | ButtonPressed] = field(default_factory=list)
    mixes_notice: bool = True
    endless: bool = False
    asked: list[tuple[int, int]] = field(default_factory=list)

    def events(self, start_ns: int, end_ns: int) -> list[ContactEdge | ButtonPressed]:
        return [event for event in self.happenings if start_ns <= event.mono_ns < end_ns]

    def read(self, first_sample: int, count: int) -> bytes | None:
        self.asked.append((first_sample, count))
        return self.pcm[2 * first_sample : 2 * (first_sample + count)] or None

    def ends_ns(self) -> int | None:
        last = max((event.mono_ns for event in self.happenings), default=0)
        return None if self.endless else max(last, len(self.pcm) // 2 * 125_000)


def sound(samples: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).integers(-3000, 3000, samples).astype("<i2").tobytes()


def constant(value: int, samples: int) -> bytes:
    return np.full(samples, value, dtype="<i2").tobytes()


def board_of(*sources: LineSource, tail_s: float = 0.0, faults: Sequence[Fault] = ()) -> VirtualBoard:
    board = VirtualBoard(sources, VirtualClock(0), realtime=False, tail_s=tail_s, faults=faults)
    board.open()
    return board


def drain(board: Board) -> list[Event]:
    """Everything to the end of the input."""
    found: list[Event] = []
    while not found or not isinstance(found[-1], EndOfInput):
        found += board.read(1.0)
    return found


def frame(line: str, step: int, pcm: bytes) -> AudioFrame:
    return AudioFrame(line, 160 * step, step * STEP_NS, pcm[320 * step : 320 * (step + 1)])


def idle(line: str) -> list[Event]:
    return [ContactEdge(line, HOOK, False, 0), ContactEdge(line, RING, False, 0)]


def test_a_whole_stream_in_order() -> None:
    """Levels first; edges of all lines by time; each line's frame; a tick a step; ticks after the sound; the end."""
    one, two = sound(400, 1), sound(160, 2)
    first = Written("1", one, [ContactEdge("1", HOOK, True, 19_999_999), ButtonPressed("1", 25 * MS)])
    second = Written("2", two, [ContactEdge("2", RING, True, 3 * MS), ContactEdge("2", RING, False, 20 * MS)])
    board = board_of(first, second, tail_s=0.03)
    assert drain(board) == [
        *idle("1"),
        *idle("2"),
        ContactEdge("2", RING, True, 3 * MS),
        ContactEdge("1", HOOK, True, 19_999_999),
        frame("1", 0, one),
        frame("2", 0, two),
        Tick(20 * MS),
        ContactEdge("2", RING, False, 20 * MS),
        ButtonPressed("1", 25 * MS),
        frame("1", 1, one),
        Tick(40 * MS),
        AudioFrame("1", 320, 40 * MS, one[640:]),
        Tick(60 * MS),
        Tick(80 * MS),
        EndOfInput(80 * MS),
    ]
    assert [board.read(1.0), board.read(1.0)] == [[], []]


def test_a_source_says_its_own_level_at_the_start() -> None:
    board = board_of(Written("1", happenings=[ContactEdge("1", HOOK, True, 0), ContactEdge("1", RING, True, 1)]))
    assert board.read(1.0) == [
        ContactEdge("1", RING, False, 0),
        ContactEdge("1", HOOK, True, 0),
        ContactEdge("1", RING, True, 1),
        Tick(STEP_NS),
    ]


def test_the_clock_stands_at_the_end_of_each_step() -> None:
    clock = VirtualClock(5)
    board = VirtualBoard([Written("1", endless=True)], clock, realtime=False)
    board.open()
    stood = []
    for _ in range(3):
        board.read(1.0)
        stood.append(clock.mono_ns)
    assert stood == [20 * MS, 40 * MS, 60 * MS]


def test_every_sample_arrives_once_and_sources_are_asked_by_the_second() -> None:
    pcm = sound(2 * 8000 + 77)
    source = Written("1", pcm)
    frames = [event for event in drain(board_of(source, tail_s=1.5)) if isinstance(event, AudioFrame)]
    assert b"".join(event.pcm for event in frames) == pcm
    assert [event.first_sample for event in frames] == list(range(0, len(pcm) // 2, 160))
    assert [event.mono_ns for event in frames] == [event.first_sample * 125_000 for event in frames]
    assert source.asked == [(0, 8000), (8000, 8000), (16000, 8000)]


def test_play_is_mixed_from_the_next_sample_on_and_saturates() -> None:
    board = board_of(Written("1", constant(30000, 800)), Written("2", constant(5, 800)))
    board.read(1.0)
    board.play("1", constant(4000, 200))
    assert [board.read(1.0)[:2], board.read(1.0)[:2]] == [
        [Playback("1", True, 160, 20 * MS), AudioFrame("1", 160, 20 * MS, constant(32767, 160))],
        [
            Playback("1", False, 360, 45 * MS),
            AudioFrame("1", 320, 40 * MS, constant(32767, 40) + constant(30000, 120)),
        ],
    ]
    assert board.read(1.0)[:2] == [
        AudioFrame("1", 480, 60 * MS, constant(30000, 160)),
        AudioFrame("2", 480, 60 * MS, constant(5, 160)),
    ]


def test_play_saturates_downwards_too() -> None:
    board = board_of(Written("1", constant(-30000, 160)))
    board.play("1", constant(-30000, 160))
    assert board.read(1.0)[3] == AudioFrame("1", 0, 0, constant(-32768, 160))


def test_play_on_a_line_that_does_not_hear_itself_gives_the_events_and_leaves_the_sound() -> None:
    pcm = sound(320)
    board = board_of(Written("1", pcm, mixes_notice=False), Written("2", pcm))
    board.play("1", constant(4000, 160))
    assert drain(board)[4:] == [
        Playback("1", True, 0, 0),
        frame("1", 0, pcm),
        frame("2", 0, pcm),
        Tick(20 * MS),
        Playback("1", False, 160, 20 * MS),
        frame("1", 1, pcm),
        frame("2", 1, pcm),
        Tick(40 * MS),
        EndOfInput(40 * MS),
    ]
    assert (board.hears_itself("1"), board.hears_itself("2")) == (False, True)


def playbacks(events: Sequence[Event]) -> list[tuple[bool, int]]:
    return [(event.playing, event.first_sample) for event in events if isinstance(event, Playback)]


def test_stop_and_replacement_end_what_was_playing() -> None:
    board = board_of(Written("1", endless=True))
    found = []
    board.stop_playing("1")  # nothing plays: no effect
    board.play("1", constant(1, 8000))
    found.append(playbacks(board.read(1.0)))
    board.play("1", constant(2, 8000))
    found.append(playbacks(board.read(1.0)))
    board.stop_playing("1")
    board.stop_playing("1")
    found.append(playbacks(board.read(1.0)))
    board.play("1", constant(3, 8000))
    board.stop_playing("1")  # it never began
    found.append(playbacks(board.read(1.0)))
    board.play("1", b"")
    found.append(playbacks(board.read(1.0)))
    assert found == [
        [(True, 0)],
        [(False, 160), (True, 160)],
        [(False, 320)],
        [],
        [(True, 640), (False, 640)],
    ]


def test_playback_that_outlasts_the_input_ends_with_it() -> None:
    board = board_of(Written("1", sound(160)))
    board.play("1", constant(1, 8000))
    assert playbacks(drain(board)) == [(True, 0), (False, 160)]


def test_playback_events_stand_among_the_edges_by_time() -> None:
    press = ButtonPressed("1", 15 * MS)
    board = board_of(Written("1", b"", [press, ContactEdge("1", HOOK, True, 5 * MS)], endless=True))
    board.play("1", constant(1, 80))
    assert board.read(1.0) == [
        *idle("1"),
        Playback("1", True, 0, 0),
        ContactEdge("1", HOOK, True, 5 * MS),
        Playback("1", False, 80, 10 * MS),
        press,
        Tick(20 * MS),
    ]


def test_a_fault_drops_the_frames_it_touches_and_gives_one_gap() -> None:
    pcm = sound(160 * 6)
    faults = [Fault("1", 0.05, 0.02)]  # 50-70 ms: touches the third and fourth frame
    board = board_of(Written("1", pcm), Written("2", pcm), faults=faults)
    events = [event for event in drain(board) if isinstance(event, AudioFrame | Gap) and event.line == "1"]
    assert events == [
        frame("1", 0, pcm),
        frame("1", 1, pcm),
        Gap("1", 320, 40 * MS, 320, GapReason.OVERRUN),
        frame("1", 4, pcm),
        frame("1", 5, pcm),
    ]


def test_other_lines_keep_their_frames() -> None:
    pcm = sound(160 * 60)
    board = board_of(Written("1", pcm), Written("2", pcm), faults=[Fault("1", 0.9, 0.2)])
    assert [event for event in drain(board) if isinstance(event, AudioFrame) and event.line == "2"] == [
        frame("2", step, pcm) for step in range(60)
    ]


@pytest.mark.parametrize(("samples", "lost"), [(160 * 10, 160 * 5), (160 * 7 + 9, 160 * 2 + 9), (160 * 5, 0)])
def test_a_gap_is_no_longer_than_the_sound_there_was(samples: int, lost: int) -> None:
    board = board_of(Written("1", sound(samples)), tail_s=1.0, faults=[Fault("1", 0.1, 0.1)])
    gaps = [event for event in drain(board) if isinstance(event, Gap)]
    assert gaps == ([Gap("1", 800, 100 * MS, lost, GapReason.OVERRUN)] if lost else [])


def test_a_gap_that_outlasts_the_input_is_given_at_its_end() -> None:
    board = board_of(Written("1", sound(160 * 4), endless=False), faults=[Fault("1", 0.04, 9.0)])
    assert drain(board)[-2:] == [Gap("1", 320, 40 * MS, 320, GapReason.OVERRUN), EndOfInput(80 * MS)]


def test_faults_may_touch_and_overlap_without_losing_count() -> None:
    rng = random.Random(3)
    for _ in range(40):
        pcm = sound(8000 * 2 + rng.randrange(400))
        faults = [Fault("1", rng.uniform(0, 2.2), rng.uniform(0, 0.5)) for _ in range(rng.randint(1, 4))]
        at, kept = 0, b""
        for event in drain(board_of(Written("1", pcm), tail_s=0.1, faults=faults)):
            if isinstance(event, AudioFrame | Gap):
                assert event.first_sample == at
                samples = event.samples if isinstance(event, Gap) else len(event.pcm) // 2
                kept += pcm[2 * at : 2 * (at + samples)] if isinstance(event, Gap) else event.pcm
                at += samples
        assert (at, kept) == (len(pcm) // 2, pcm)


def test_a_stream_joined_in_its_middle() -> None:
    """Levels are those of the last edges before; samples keep their numbers; faults that are over are over."""
    pcm = sound(160 * 70)
    happenings: list[ContactEdge | ButtonPressed] = [
        ContactEdge("1", HOOK, True, 100 * MS),
        ButtonPressed("1", 200 * MS),
        ContactEdge("1", RING, True, 300 * MS),
        ContactEdge("1", RING, False, 980 * MS),
        ContactEdge("1", HOOK, False, 1010 * MS),
    ]
    faults = [Fault("1", 0.1, 0.2, GapReason.UNPLUGGED), Fault("1", 0.9, 0.10)]
    clock = VirtualClock(0)
    board = VirtualBoard(
        [Written("1", pcm, happenings)], clock, realtime=False, tail_s=0, faults=faults, start_ns=960 * MS
    )
    board.open()
    events = drain(board)
    assert events[:10] == [
        ContactEdge("1", HOOK, True, 960 * MS),
        ContactEdge("1", RING, True, 960 * MS),
        Tick(980 * MS),
        ContactEdge("1", RING, False, 980 * MS),
        Gap("1", 160 * 48, 960 * MS, 320, GapReason.OVERRUN),
        Tick(1000 * MS),
        ContactEdge("1", HOOK, False, 1010 * MS),
        frame("1", 50, pcm),
        Tick(1020 * MS),
        frame("1", 51, pcm),
    ]
    assert [event for event in events if isinstance(event, AudioFrame)] == [frame("1", n, pcm) for n in range(50, 70)]


def test_an_unplugged_card_is_reported_for_every_line() -> None:
    pcm = sound(160 * 4)
    fault = Fault("", 0.02, 0.04, GapReason.UNPLUGGED)
    board = board_of(Written("1", pcm), Written("2", pcm), faults=[fault])
    found = [event for event in drain(board) if isinstance(event, BoardFault | Gap)]
    assert found == [
        BoardFault("", True, "the simulated card is unplugged", 20 * MS),
        Gap("1", 160, 20 * MS, 320, GapReason.UNPLUGGED),
        Gap("2", 160, 20 * MS, 320, GapReason.UNPLUGGED),
        BoardFault("", False, "the simulated card is back", 60 * MS),
    ]


def test_lamps_and_their_history() -> None:
    board = board_of(Written("1", endless=True))
    board.show("1", Lamp.LIT)
    board.read(1.0)
    board.show("1", Lamp.LIT)
    board.show("1", Lamp.ACK)
    board.show(SYSTEM_LAMP, Lamp.SLOW)
    assert board.lamps == {"1": Lamp.LIT, SYSTEM_LAMP: Lamp.SLOW}
    board.close()
    board.close()
    assert board.lamps == {"1": Lamp.DARK, SYSTEM_LAMP: Lamp.DARK}
    assert board.history == [
        (0, "1", Lamp.LIT),
        (20 * MS, "1", Lamp.ACK),
        (20 * MS, SYSTEM_LAMP, Lamp.SLOW),
        (20 * MS, "1", Lamp.DARK),
        (20 * MS, SYSTEM_LAMP, Lamp.DARK),
    ]


def test_the_history_of_an_endless_office_stays_bounded() -> None:
    board = board_of(Written("1", endless=True))
    for _ in range(25_000):
        board.show("1", Lamp.ACK)
    assert 10_000 <= len(board.history) <= 20_000


def test_what_the_board_does_not_have_is_refused() -> None:
    board = board_of(Written("1"))
    with pytest.raises(BoardError, match="has no line '7'"):
        board.play("7", b"")
    with pytest.raises(BoardError, match="has no lamp '7'"):
        board.show("7", Lamp.LIT)
    with pytest.raises(BoardError, match="has no line '7'"):
        board_of(Written("1"), faults=[Fault("7", 0.0, 1.0)])
    with pytest.raises(BoardError, match="two sources have one line"):
        board_of(Written("1"), Written("1"))
    with pytest.raises(BoardError, match="no whole frame"):
        VirtualBoard([], VirtualClock(0), realtime=False, rate=11025)
    board.close()
    with pytest.raises(BoardError, match="is not open"):
        board.read(0.0)


class FakeTime:
    """A machine's monotonic clock that moves only by sleeping, and by work the test pretends."""

    def __init__(self) -> None:
        self.now = 1_000 * NS
        self.slept: list[float] = []

    def monotonic_ns(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * NS)


def test_real_time_waits_for_each_step_catches_up_and_never_drifts(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTime()
    monkeypatch.setattr(virtual, "time", fake)
    board = VirtualBoard([Written("1", endless=True)], VirtualClock(0), realtime=True)
    board.open()
    ticks = []
    for late_ms in (0, 0, 50, 0, 0, 0):
        ticks.append(board.read(1.0)[-1])
        fake.now += (late_ms + 1) * MS
    assert ticks == [Tick(n * STEP_NS) for n in range(1, 7)]
    assert fake.slept == pytest.approx([0.020, 0.019, 0.019, 0.007])  # at 111 ms: 80 and 100 are past, 120 is not
    assert fake.now == 1_000 * NS + 121 * MS


def test_real_time_joined_in_the_middle_waits_for_one_step_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTime()
    monkeypatch.setattr(virtual, "time", fake)
    hours = 30 * 3600 * NS
    edge = ContactEdge("1", HOOK, True, hours - 1)
    board = VirtualBoard([Written("1", b"", [edge])], VirtualClock(0), realtime=True, start_ns=hours)
    board.open()
    assert board.read(1.0) == [
        ContactEdge("1", HOOK, True, hours),
        ContactEdge("1", RING, False, hours),
        Tick(hours + STEP_NS),
    ]
    assert fake.slept == [0.02]


def test_real_time_gives_nothing_before_the_step_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTime()
    monkeypatch.setattr(virtual, "time", fake)
    board = VirtualBoard([Written("1")], VirtualClock(0), realtime=True, tail_s=0.02)
    board.open()
    assert [board.read(0.015), board.read(0.015), board.read(0.5), board.read(0.5)] == [
        [],
        [*idle("1"), Tick(STEP_NS)],
        [EndOfInput(STEP_NS)],
        [],
    ]
    assert fake.slept == pytest.approx([0.015, 0.005, 0.5])


def test_real_time_and_fast_give_the_same_stream() -> None:
    def stream(realtime: bool) -> list[Event]:
        happenings: list[ContactEdge | ButtonPressed] = [ContactEdge("1", HOOK, True, 77 * MS)]
        source = Written("1", sound(2000), happenings)
        board = VirtualBoard([source], VirtualClock(0), realtime=realtime, tail_s=0.1, faults=[Fault("1", 0.1, 0.04)])
        board.open()
        found: list[Event] = []
        while not found or not isinstance(found[-1], EndOfInput):
            events = board.read(0.013)
            found += events
            if any(isinstance(event, ContactEdge) and event.mono_ns for event in events):
                board.play("1", constant(500, 300))
        return found

    begun = time.monotonic()
    real = stream(True)
    took = time.monotonic() - begun
    assert real == stream(False)
    assert took >= 0.34  # 250 ms of sound and 100 ms of tail, in whole steps


def test_a_voltage_a_second_follows_the_hook_where_it_is_asked_for() -> None:
    happenings: list[ContactEdge | ButtonPressed] = [
        ContactEdge("1", HOOK, True, 500 * MS),
        ContactEdge("1", HOOK, False, 1500 * MS),
    ]
    sources = [Written("1", happenings=happenings), Written("2", sound(16_000))]
    board = VirtualBoard(sources, VirtualClock(0), realtime=False, tail_s=1.0, voltage=True)
    board.open()
    told = [event for event in drain(board) if isinstance(event, LineVoltage)]
    assert [(one.line, one.volts, one.mono_ns // NS) for one in told] == [
        *(("1", 9.0, 1), ("2", 48.0, 1)),
        *(("1", 48.0, 2), ("2", 48.0, 2)),
        *(("1", 48.0, 3), ("2", 48.0, 3)),
    ]
    assert {(one.low == one.volts == one.high, one.threshold, one.dead) for one in told} == {(True, 28.5, False)}
