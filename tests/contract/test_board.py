"""What every board owes the recorder. One scenario a board, played once; each test looks at another promise."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.contract.rigs import LINES, NS, RATE, SECONDS, Act, Rig, Run
from tsuwaroku.errors import BoardError
from tsuwaroku.events import (
    AudioFrame,
    ButtonPressed,
    Contact,
    ContactEdge,
    Gap,
    Playback,
    Tick,
)
from tsuwaroku.hal.board import SYSTEM_LAMP, Board, Lamp

MS = 1_000_000
ANNOUNCEMENT = np.random.default_rng(9).integers(-9000, 9000, 4800).astype("<i2").tobytes()  # 0.6 s
ACTS: list[Act] = [
    (0.20, lambda board: board.play("11", ANNOUNCEMENT)),
    # Long enough that a busy machine has begun to play before the next act.
    (0.95, lambda board: board.play("12", ANNOUNCEMENT)),
    (1.30, lambda board: board.stop_playing("12")),
    (1.33, lambda board: board.stop_playing("12")),
    (1.35, lambda board: board.play("11", ANNOUNCEMENT)),
    (1.65, lambda board: board.play("11", ANNOUNCEMENT[:3200])),
    (1.90, lambda board: board.show("11", Lamp.FAST)),
]


@pytest.fixture(scope="module")
def run(rig: Rig) -> Run:
    return rig.run(acts=list(ACTS))


def test_frames_are_contiguous_and_regular(run: Run) -> None:
    assert not run.of(Gap)
    for line in LINES:
        frames = [frame for frame in run.of(AudioFrame) if frame.line == line]
        assert [frame.first_sample for frame in frames] == [n * 160 for n in range(len(frames))]
        assert {len(frame.pcm) for frame in frames} == {320}
        assert len(frames) >= (SECONDS - 0.2) * 50
        steps = np.diff([frame.mono_ns for frame in frames])
        assert steps.min() >= 10 * MS
        assert abs(steps.mean() - 20 * MS) < 0.3 * MS


def test_frames_are_exactly_the_input(rig: Rig, run: Run) -> None:
    for line in LINES:
        pcm = b"".join(frame.pcm for frame in run.of(AudioFrame) if frame.line == line)
        rig.check(line, pcm)


def test_the_first_read_gives_every_level(run: Run) -> None:
    levels = [event for event in run.first_read if isinstance(event, ContactEdge)]
    assert sorted((edge.line, edge.contact, edge.active) for edge in levels) == [
        ("11", Contact.HOOK, False),
        ("11", Contact.RING, False),
        ("12", Contact.HOOK, True),
        ("12", Contact.RING, False),
    ]


def test_every_edge_is_told_once_with_its_own_time(run: Run) -> None:
    edges = run.of(ContactEdge)[4:]
    assert [(edge.line, edge.contact, edge.active) for edge in edges] == [entry[:3] for entry in run.edges]
    for edge, (*_, earliest, latest) in zip(edges, run.edges, strict=True):
        assert earliest - 2 * MS <= edge.mono_ns <= latest


def test_an_edge_comes_before_the_sound_after_it(run: Run) -> None:
    last = 0
    for event in run.events:
        if isinstance(event, AudioFrame):
            last = max(last, event.mono_ns)
        elif isinstance(event, ContactEdge):
            assert last - event.mono_ns < 40 * MS


def test_a_press_held_and_bouncing_is_one(run: Run) -> None:
    presses = run.of(ButtonPressed)
    assert [press.line for press in presses] == [line for line, _, _ in run.presses]
    for press, (_, earliest, latest) in zip(presses, run.presses, strict=True):
        assert earliest - 2 * MS <= press.mono_ns <= latest


def test_ticks_never_overtake_an_edge(run: Run) -> None:
    tick = -1
    for event in run.events:
        if isinstance(event, Tick):
            assert event.mono_ns > tick
            tick = event.mono_ns
        elif isinstance(event, ContactEdge | ButtonPressed):
            assert event.mono_ns >= tick
    ticks = [event.mono_ns for event in run.of(Tick)]
    assert np.median(np.diff(ticks)) <= 25 * MS


def test_playing_is_told_from_its_first_to_its_last_sample(run: Run) -> None:
    told = run.of(Playback)
    assert [(event.line, event.playing) for event in told] == [
        ("11", True),
        ("11", False),  # ran out
        ("12", True),
        ("12", False),  # stopped
        ("11", True),
        ("11", False),  # replaced
        ("11", True),
        ("11", False),
    ]
    lasted = [(end.mono_ns - begin.mono_ns) / MS for begin, end in zip(told[::2], told[1::2], strict=True)]
    assert lasted == pytest.approx([600, 350, 300, 200], abs=250)  # a busy machine
    for event in told:
        frame = max((f for f in run.of(AudioFrame) if f.mono_ns <= event.mono_ns), key=lambda f: f.mono_ns)
        place = frame.first_sample + (event.mono_ns - frame.mono_ns) * RATE // NS
        assert abs(event.first_sample - place) <= 200
    assert run.slowest_call_s < 0.1


def test_what_was_played(rig: Rig, run: Run) -> None:
    """The first announcement went onto its own channel whole, and only there; silence followed until the next."""
    first = np.frombuffer(ANNOUNCEMENT, dtype="<i2")
    table = rig.played()
    if table is None:
        pytest.skip("what goes out cannot be read back here; the virtual board's mixing has tests of its own")
    assert table[: len(first), 0].tolist() == first.tolist()
    assert not table[: len(first), 1].any()
    assert not table[len(first) : len(first) + 400].any()
    assert table[:, 1].any()


def shines(rig: Rig, board: Board, wanted: list[bool]) -> list[bool]:
    """The lamps, once they are as wanted, or after two seconds."""
    end = time.monotonic() + 2
    while True:
        seen = [rig.shines(board, lamp) for lamp in (*LINES, SYSTEM_LAMP)]
        if seen == wanted or time.monotonic() > end:
            return seen
        board.read(0.01)


def test_lamps(rig: Rig) -> None:
    board = rig.make()
    board.open()
    for state, wanted in ((Lamp.LIT, [True] * 3), (Lamp.DARK, [False] * 3)):
        for lamp in (*LINES, SYSTEM_LAMP):
            board.show(lamp, state)
        assert shines(rig, board, wanted) == wanted
    board.show("11", Lamp.LIT)
    board.show(SYSTEM_LAMP, Lamp.LIT)
    board.show("11", Lamp.ACK)
    time.sleep(0.3)
    assert shines(rig, board, [True, False, True]) == [True, False, True]
    board.close()
    assert [rig.shines(board, lamp) for lamp in (*LINES, SYSTEM_LAMP)] == [False] * 3


def test_what_the_board_has_not(rig: Rig) -> None:
    board = rig.make()
    with pytest.raises(BoardError):
        board.read(0)
    board.open()
    for act in (
        lambda: board.play("99", bytes(320)),
        lambda: board.stop_playing("99"),
        lambda: board.hears_itself("99"),
        lambda: board.show("99", Lamp.LIT),
    ):
        with pytest.raises(BoardError):
            act()
    assert board.rate == RATE
    board.stop_playing("11")
    board.close()
    board.close()
