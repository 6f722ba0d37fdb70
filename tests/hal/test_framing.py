"""The bounded queue and the cutting into frames, whatever the card's period."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.events import AudioFrame, BoardFault, Event, Gap, GapReason
from tsuwaroku.hal.framing import Block, CardQueue, Framer, Hole, Trouble

RATE = 8000
NS = 1_000_000_000


def at(position: int) -> int:
    return 3 * NS + position * NS // RATE


def blocks(table: np.ndarray, sizes: list[int]) -> list[Block]:
    out, first, turn = [], 0, 0
    while first < len(table):
        piece = table[first : first + sizes[turn % len(sizes)]]
        out.append(Block(first, at(first), len(piece), piece.astype("<i2").tobytes()))
        first += len(piece)
        turn += 1
    return out


@given(
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=5),
    channels=st.integers(1, 4),
    length=st.integers(0, 2000),
)
def test_any_period_gives_the_same_frames(sizes: list[int], channels: int, length: int) -> None:
    table = np.random.default_rng(length).integers(-32768, 32768, (length, channels))
    lines = {f"{n}": channels - 1 - n for n in range(channels)}
    framer = Framer(RATE, channels, lines)
    events: list[Event] = [event for block in blocks(table, sizes) for event in framer.take(block)]
    whole = length // 160
    wanted = [
        AudioFrame(line, n * 160, at(n * 160), table[n * 160 : (n + 1) * 160, channel].astype("<i2").tobytes())
        for n in range(whole)
        for line, channel in lines.items()
    ]
    assert events == wanted


def test_a_hole_cuts_the_frame_and_is_told_to_every_line() -> None:
    framer = Framer(RATE, 2, {"a": 0, "b": 1})
    table = np.arange(400).reshape(200, 2)
    events = [event for block in blocks(table, [200]) for event in framer.take(block)]
    events += framer.take(Hole(200, at(200), 77, GapReason.OVERRUN))
    events += framer.take(Block(277, at(277), 160, np.arange(320).astype("<i2").tobytes()))
    left, right = table[:, 0].astype("<i2").tobytes(), table[:, 1].astype("<i2").tobytes()
    assert events == [
        AudioFrame("a", 0, at(0), left[:320]),
        AudioFrame("b", 0, at(0), right[:320]),
        AudioFrame("a", 160, at(160), left[320:]),
        AudioFrame("b", 160, at(160), right[320:]),
        Gap("a", 200, at(200), 77, GapReason.OVERRUN),
        Gap("b", 200, at(200), 77, GapReason.OVERRUN),
        AudioFrame("a", 277, at(277), np.arange(0, 320, 2).astype("<i2").tobytes()),
        AudioFrame("b", 277, at(277), np.arange(1, 320, 2).astype("<i2").tobytes()),
    ]


def test_trouble_is_a_fault_of_every_line() -> None:
    assert Framer(RATE, 1, {"a": 0}).take(Trouble(True, "gone", 5)) == [BoardFault("", True, "gone", 5)]


def test_time_within_a_line_goes_forward() -> None:
    framer = Framer(RATE, 1, {"a": 0})
    first = framer.take(Block(0, at(0), 160, bytes(320)))
    second = framer.take(Block(160, at(0) - 5_000_000, 160, bytes(320)))
    assert [event.mono_ns for event in first + second] == [at(0), at(0) + 10_000_000]


def block(n: int) -> Block:
    return Block(n * 160, at(n * 160), 160, bytes([n]) * 320)


def test_a_full_queue_is_one_hole_told_when_there_is_room() -> None:
    rung: list[int] = []
    queue = CardQueue(480, lambda: rung.append(1))
    for n in range(6):
        queue.put(block(n))
    queue.put(Trouble(True, "gone", 9))
    queue.put(Hole(960, at(960), 40, GapReason.UNPLUGGED))
    assert queue.drain() == [block(0), block(1), block(2), Trouble(True, "gone", 9)]
    queue.put(Block(1000, at(1000), 160, bytes(320)))
    assert queue.drain() == [Hole(480, at(480), 520, GapReason.BACKLOG), Block(1000, at(1000), 160, bytes(320))]
    assert queue.drain() == []
    assert len(rung) == 9


def test_a_hole_in_a_queue_with_room_keeps_its_reason() -> None:
    queue = CardQueue(480, lambda: None)
    queue.put(block(0))
    queue.put(Hole(160, at(160), 200, GapReason.SHORT_READ))
    queue.put(Block(360, at(360), 160, bytes(320)))
    assert queue.drain() == [
        block(0),
        Hole(160, at(160), 200, GapReason.SHORT_READ),
        Block(360, at(360), 160, bytes(320)),
    ]
