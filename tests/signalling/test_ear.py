"""The ear of a line: blocks at fixed positions, what a state listens for, losses, our own playing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.signalling.sounds import Pcm, Wave, key, line, rhythm, silence, sine
from tests.signalling.test_voice import voice_like
from tsuwaroku.events import AudioFrame, Gap, GapReason
from tsuwaroku.signalling.cadence import Tone
from tsuwaroku.signalling.ear import Ear, Heard, Key, Listening, Spoken, ToneHeard
from tsuwaroku.signalling.hook import MS

SECOND = 1000 * MS
RATE = 8000
START_NS = 7 * SECOND  # of the stream's first sample


def frames(pcm: Pcm, size: int = 160, first: int = 0) -> list[AudioFrame]:
    return [
        AudioFrame("1", first + at, START_NS + (first + at) * SECOND // RATE, pcm[at : at + size].tobytes())
        for at in range(0, pcm.size, size)
    ]


def listen(ear: Ear, listening: Listening = Listening.DIALLED) -> list[tuple[float, Heard]]:
    """What is heard in all blocks, each with the second of the stream at which its block ended."""
    found: list[tuple[float, Heard]] = []
    while (block := ear.due(10**15)) is not None:
        found += [((block.end_ns - START_NS) / SECOND, one) for one in ear.judge(block, listening)]
    return found


def keys(found: list[tuple[float, Heard]]) -> str:
    return "".join(one.key for _, one in found if isinstance(one, Key))


def spoken(*waves: Wave, listening: Listening = Listening.DIALLED, size: int = 160) -> list[tuple[float, Heard]]:
    ear = Ear(RATE)
    for frame in frames(line(*waves), size):
        ear.audio(frame)
    return listen(ear, listening)


def voice(seconds: float) -> Wave:
    return np.frombuffer(voice_like(RATE, seconds), dtype="<i2").astype(float)


CALL = (silence(0.5), key("1", 80), silence(0.1), key("9", 80), silence(1.0), rhythm(1.0, 2.0, 1.0, 2.0, beat_hz=16))


def test_a_key_counts_at_the_end_of_its_block_and_says_when_it_began() -> None:
    found = spoken(*CALL)
    (at, one), (after, two) = [(at, one) for at, one in found if isinstance(one, Key)]
    assert (one.key, two.key, at, after) == ("1", "9", 0.6, 0.8)
    assert [round((each.began_ns - START_NS) / SECOND, 2) for each in (one, two)] == [0.5, 0.68]


def test_how_the_frames_come_changes_nothing() -> None:
    whole = spoken(*CALL)
    assert {type(one) for _, one in whole} == {Key, ToneHeard}
    for size in (40, 161, 400, 1600, 5000):
        assert spoken(*CALL, size=size) == whole


def test_blocks_lie_at_fixed_positions_wherever_the_stream_begins() -> None:
    pcm = line(*CALL)
    early, late = Ear(RATE), Ear(RATE)
    for frame in frames(pcm):
        early.audio(frame)
    for frame in frames(pcm[777:], first=777):
        late.audio(frame)
    assert listen(late) == listen(early)


def test_a_block_waits_for_its_tick() -> None:
    ear = Ear(RATE)
    for frame in frames(line(silence(0.5))):
        ear.audio(frame)
    assert ear.due(START_NS + 200 * MS - 1) is None
    block = ear.due(START_NS + 200 * MS)
    assert block is not None
    assert block.end_ns == START_NS + 200 * MS
    assert ear.due(START_NS + 399 * MS) is None


def test_ring_back_is_told_with_each_cycle_and_before_it_is_named() -> None:
    tones = [(at, one.tone, one.cycles) for at, one in spoken(*CALL) if isinstance(one, ToneHeard)]
    named = [(at, cycles) for at, tone, cycles in tones if cycles]
    assert {tone for _, tone, _ in tones} == {Tone.RING_BACK}
    assert [cycles for _, cycles in named] == [1, 2]
    assert named[0][0] <= 1.76 + 1.0 + 0.9 + 0.2


def test_what_a_state_does_not_listen_for_is_not_heard() -> None:
    assert keys(spoken(*CALL, listening=Listening.TALK)) == "19"
    assert spoken(*CALL, listening=Listening.ON_HOOK) == []
    talk = spoken(silence(0.5), voice(2.0), listening=Listening.TALK)
    assert [one for _, one in talk if isinstance(one, Spoken)] == []


def test_speech_is_heard_within_half_a_second() -> None:
    found = [(at, one) for at, one in spoken(silence(1.0), voice(3.0)) if isinstance(one, Spoken)]
    at, one = found[0]
    assert at <= 1.0 + 0.8
    assert round((one.began_ns - START_NS) / SECOND, 1) in (1.0, 1.1, 1.2)


@pytest.mark.parametrize(
    "waves",
    [
        pytest.param((silence(0.5), *(key(k, 100) for k in "159D"), silence(1.0)), id="keys"),
        pytest.param((silence(0.5), sine(400, -20, 4.0), silence(1.0)), id="dial tone"),
        pytest.param((rhythm(*[1.0, 2.0] * 3, beat_hz=16),), id="ring-back"),
        pytest.param((rhythm(*[0.5, 0.5] * 6),), id="busy"),
        pytest.param((rhythm(*[0.25, 0.25] * 12),), id="dial tone of a PBX"),
        pytest.param((silence(6.0),), id="noise"),
    ],
)
@pytest.mark.parametrize("noise_dbm0", [-60.0, -42.0])
def test_no_tone_is_speech(waves: tuple[Wave, ...], noise_dbm0: float) -> None:
    for seed in range(3):
        ear = Ear(RATE)
        for frame in frames(line(*waves, noise_dbm0=noise_dbm0, seed=seed)):
            ear.audio(frame)
        assert [one for _, one in listen(ear) if isinstance(one, Spoken)] == []


def test_a_gap_joins_nothing_and_doubles_nothing() -> None:
    pcm = line(silence(0.5), key("1", 300), silence(0.5), key("2", 100), silence(0.5))
    ear = Ear(RATE)
    lost = range(int(0.62 * RATE), int(0.70 * RATE))
    for frame in frames(pcm[: lost.start]):
        ear.audio(frame)
    ear.gap(Gap("1", lost.start, START_NS + lost.start * SECOND // RATE, len(lost), GapReason.OVERRUN))
    for frame in frames(pcm[lost.stop :], first=lost.stop):
        ear.audio(frame)
    assert keys(listen(ear)) == "12"


def test_a_gap_of_hours_costs_no_blocks() -> None:
    ear = Ear(RATE)
    pcm = line(silence(0.5), key("1", 100), silence(0.5))
    for frame in frames(pcm):
        ear.audio(frame)
    hours = 3 * 3600 * RATE
    ear.gap(Gap("1", pcm.size, START_NS + pcm.size * SECOND // RATE, hours, GapReason.UNPLUGGED))
    for frame in frames(pcm, first=pcm.size + hours):
        ear.audio(frame)
    assert keys(listen(ear)) == "11"


def test_what_we_play_is_not_the_lines() -> None:
    pcm = line(silence(0.5), key("1", 100), silence(0.4), key("2", 100), silence(0.4), key("3", 100), silence(0.5))
    ear = Ear(RATE)
    ear.blank(int(0.9 * RATE), None)
    ear.blank(int(0.9 * RATE), int(1.3 * RATE))
    for frame in frames(pcm):
        ear.audio(frame)
    assert keys(listen(ear)) == "13"
    ear = Ear(RATE)
    ear.blank(int(0.9 * RATE), None)  # nobody said yet that it has ended
    for frame in frames(pcm):
        ear.audio(frame)
    assert keys(listen(ear)) == "1"


def test_the_echo_of_a_key_is_no_second_one() -> None:
    """An echo of 40 ms may cancel the tone for a moment, and goes on after it."""
    wave = np.concatenate([silence(0.5), key("4", 100), silence(0.1), key("4", 100), silence(0.5)])
    for delay in range(30, 60, 3):
        late = np.concatenate([silence(delay / 1000), wave])[: wave.size]
        ear = Ear(RATE)
        for frame in frames(line(wave + 0.13 * late)):
            ear.audio(frame)
        assert keys(listen(ear)) == "44"


def test_nobody_ticks_and_memory_is_bounded() -> None:
    ear = Ear(RATE)
    for frame in frames(line(silence(60.0))):
        ear.audio(frame)
    assert len(listen(ear)) == 0
    assert ear.due(10**15) is None
