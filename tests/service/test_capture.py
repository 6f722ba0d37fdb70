"""Exact first and last samples, and loss as loss, whatever the pace of handing on."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.clock import NS
from tsuwaroku.events import AudioFrame, Gap, GapReason
from tsuwaroku.service.capture import LineCapture
from tsuwaroku.service.ops import AddAudio, AddGap, Op

RATE = 8000
CALL = b"c" * 16
STREAM = np.random.default_rng(1).integers(-2000, 2000, 20 * RATE).astype("<i2").tobytes()


def frame(number: int) -> AudioFrame:
    first = number * 160
    return AudioFrame("1", first, first * NS // RATE, STREAM[2 * first : 2 * first + 320])


def joined(ops: list[Op]) -> bytes:
    return b"".join(op.pcm for op in ops if isinstance(op, AddAudio))


@given(
    off_hook_ms=st.integers(0, 9000), talk_ms=st.integers(200, 6000), every=st.integers(1, 80), late=st.integers(1, 20)
)
def test_a_call_is_the_input_bit_for_bit(off_hook_ms: int, talk_ms: int, every: int, late: int) -> None:
    """`late`: frames that came in before the off-hook was noticed; `every`: frames between two hand-overs."""
    capture = LineCapture(RATE, 2.0)
    off_hook = off_hook_ms * 1_000_000
    until = off_hook + talk_ms * 1_000_000
    ops: list[Op] = []
    first = None
    for number in range(20 * 50):
        end_ns = (number + 1) * 20_000_000
        if end_ns > until + 20_000_000 and first is not None:
            break
        capture.add(frame(number))
        if first is None and end_ns >= off_hook + late * 20_000_000:
            first = capture.start(CALL, off_hook)
        elif capture.capturing and number % every == 0 and end_ns <= until:
            ops += capture.take()
    assert first is not None
    ops += capture.finish(until)
    wanted_first = max(0, off_hook_ms * 8 - 2 * RATE)
    assert first == wanted_first
    assert joined(ops) == STREAM[2 * wanted_first : 2 * (off_hook_ms + talk_ms) * 8]
    position = first
    for op in ops:
        assert isinstance(op, AddAudio)
        assert op.first_sample == position
        position += len(op.pcm) // 2


def test_a_gap_keeps_its_place() -> None:
    capture = LineCapture(RATE, 0.0)
    for number in range(10):
        capture.add(frame(number))
    capture.start(CALL, 0)
    capture.add(Gap("1", 1600, 200_000_000, 320, GapReason.OVERRUN))
    for number in range(12, 20):
        capture.add(frame(number))
    ops = capture.finish(400_000_000)
    assert [(type(op), op.first_sample) for op in ops if isinstance(op, AddAudio | AddGap)] == [
        (AddAudio, 0),
        (AddGap, 1600),
        (AddAudio, 1920),
    ]
    assert ops[1] == AddGap(CALL, 1600, 320, "overrun")
    assert joined(ops) == STREAM[:3200] + STREAM[3840:6400]


def test_a_linked_part_begins_where_the_one_before_ended() -> None:
    capture = LineCapture(RATE, 2.0)
    for number in range(100):
        capture.add(frame(number))
    capture.start(CALL, 500_000_000)
    first = joined(capture.finish_at(9_999))
    capture.start_at(b"d" * 16, 9_999)
    second = joined(capture.finish_at(16_000))
    assert first + second == STREAM[: 2 * 16_000]


def test_before_any_audio_a_call_is_empty_and_does_not_fail() -> None:
    capture = LineCapture(RATE, 2.0)
    assert capture.start(CALL, NS) == 0
    assert capture.take() == []
    assert capture.finish(5 * NS) == []
