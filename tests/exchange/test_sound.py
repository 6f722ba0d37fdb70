"""Levels, tones, noise and voices, measured on what is rendered."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import webrtcvad

from tsuwaroku.exchange.sound import (
    BLOCK,
    DIAL_TONE,
    RATE,
    RING_BACK,
    RING_BACK_BEAT_HZ,
    Sound,
    Tone,
    dtmf,
    mixdown,
    sine_peak,
    to_sample,
)
from tsuwaroku.exchange.voice import PERIOD, Conversation, speaker


def rendered(sounds: list[Sound], seconds: int, seed: int = 5) -> npt.NDArray[np.float64]:
    pcm = b"".join(mixdown(sounds, seed, block) for block in range(seconds))
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def level(signal: npt.NDArray[np.float64]) -> float:
    """dBm0: a sine that fills S16 is +3.14."""
    return float(20 * np.log10(np.sqrt(np.mean(signal**2)) / (32767 / np.sqrt(2))) + 3.14)


def test_a_full_scale_sine_is_3_14_dbm0() -> None:
    assert sine_peak(3.14) == pytest.approx(32767)


def test_times_fall_on_the_next_sample() -> None:
    assert [to_sample(ns) for ns in (0, 1, 125_000, 125_001)] == [0, 1, 1, 2]


def test_line_noise_is_minus_60_dbm0_and_differs_by_line_and_second() -> None:
    assert level(rendered([], 20)) == pytest.approx(-60.0, abs=0.2)
    seconds = {mixdown([], seed, block) for seed in range(20) for block in range(50)}
    assert len(seconds) == 1000
    assert mixdown([], 3, 7) == mixdown([], 3, 7)


def test_noise_stays_the_same_under_a_sound() -> None:
    """A sound is added; it does not change the noise beside it."""
    noisy = rendered([Tone(4000, 4800, DIAL_TONE)], 1)
    assert np.array_equal(noisy[:4000], rendered([], 1)[:4000])
    assert np.array_equal(noisy[4800:], rendered([], 1)[4800:])


def spectrum_peaks(signal: npt.NDArray[np.float64], count: int) -> list[int]:
    size = np.abs(np.fft.rfft(signal * np.hanning(signal.size)))
    found = []
    for _ in range(count):
        at = int(np.argmax(size))
        found.append(round(at * RATE / signal.size))
        size[max(at - 60, 0) : at + 60] = 0
    return sorted(found)


def test_dial_tone() -> None:
    tone = rendered([Tone(0, 2 * RATE, DIAL_TONE)], 2)
    assert level(tone) == pytest.approx(-20.0, abs=0.05)
    assert spectrum_peaks(tone, 1) == [400]


def test_ring_back_is_400_hz_beating_at_16() -> None:
    tone = rendered([Tone(0, RATE, RING_BACK, RING_BACK_BEAT_HZ)], 1)
    envelope = np.abs(tone).reshape(-1, 40).max(axis=1)
    beats = np.fft.rfft(envelope - envelope.mean())
    assert (spectrum_peaks(tone, 1), int(np.argmax(np.abs(beats)))) == ([400], 16)


@pytest.mark.parametrize(
    ("key", "low", "high"), [("1", 697, 1209), ("6", 770, 1477), ("0", 941, 1336), ("#", 941, 1477)]
)
def test_dtmf(key: str, low: int, high: int) -> None:
    tone = rendered([Tone(0, RATE, dtmf(key))], 1)
    assert spectrum_peaks(tone, 2) == [low, high]
    assert dtmf(key)[1][1] - dtmf(key)[0][1] == 2.0


def test_sounds_too_loud_saturate() -> None:
    tone = rendered([Tone(0, RATE, ((400.0, 3.0), (1000.0, 3.0)))], 1)
    phase = 2 * np.pi * np.arange(RATE) / RATE
    wanted = sine_peak(3.0) * (np.sin(400 * phase) + np.sin(1000 * phase))
    assert np.max(np.abs(wanted)) > 40_000
    assert np.max(np.abs(tone - np.clip(wanted, -32768, 32767))) < 200  # the line's noise


def test_a_conversation_does_not_depend_on_where_it_is_cut() -> None:
    """Blocks asked in any order, and a stretch across the ten-second turns."""
    talk = Conversation(3000, 40 * RATE, 11)
    whole = np.zeros(41 * RATE, dtype=np.float32)
    talk.add(whole[3000 : 40 * RATE], 3000)
    for first in (25 * RATE + 77, 3000 + PERIOD - 100, 39 * RATE, 0):
        part = np.zeros(BLOCK, dtype=np.float32)
        Conversation(3000, 40 * RATE, 11).add(part, first)
        assert np.array_equal(part, whole[first : first + BLOCK])


def test_seeds_differ_and_repeat() -> None:
    def of(seed: int) -> bytes:
        return rendered([Conversation(0, 8 * RATE, seed)], 8).tobytes()

    assert len({of(seed) for seed in range(12)}) == 12
    assert of(4) == of(4)


def turns(talk: Conversation, periods: int) -> list[tuple[bool, float, float]]:
    """(near?, from, to) of every run of syllables of one talker, in seconds."""
    found: list[tuple[bool, float, float]] = []
    for period in range(periods):
        for said in talk.syllables(period):
            if found and found[-1][0] == said.near:
                found[-1] = (said.near, found[-1][1], said.end / RATE)
            else:
                found.append((said.near, said.start / RATE, said.end / RATE))
    return found


@pytest.mark.parametrize("near_first", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_the_first_greets_then_pauses_then_both_take_turns(near_first: bool, seed: int) -> None:
    said = turns(Conversation(0, 60 * RATE, seed, near_first), 5)
    greeting, answer = said[0], said[1]
    assert greeting[0] is near_first
    assert greeting[1] == pytest.approx(0.3, abs=0.01)
    assert 1.0 < greeting[2] <= 1.8
    assert 2.7 <= answer[1] <= 3.1
    assert [near for near, _, _ in said] == [near_first ^ bool(n % 2) for n in range(len(said))]
    assert all(later[1] > earlier[2] for earlier, later in pairwise(said))


def test_the_near_voice_is_12_db_louder() -> None:
    syllables = [np.concatenate(speaker(near, 0)).astype(np.float64) for near in (True, False)]
    assert level(syllables[0]) == pytest.approx(-16.0, abs=0.1)
    assert level(syllables[0]) - level(syllables[1]) == pytest.approx(12.0, abs=0.1)


def test_nobody_is_heard_while_the_loop_is_open() -> None:
    out = np.zeros(10 * RATE, dtype=np.float32)
    Conversation(0, 10 * RATE, 3, mutes=((8000, 12800),)).add(out, 0)
    free = np.zeros(10 * RATE, dtype=np.float32)
    Conversation(0, 10 * RATE, 3).add(free, 0)
    free[8000:12800] = 0
    assert np.any(free[:8000])
    assert np.array_equal(out, free)


@pytest.mark.parametrize("seed", range(0, 24, 5))
def test_a_voice_detector_takes_the_syllables_for_speech(seed: int) -> None:
    """webrtcvad, mode 2: more than 70 % of each talker's syllables, and quiet lines stay quiet."""
    start, seconds = 2 * RATE, 32
    talk = Conversation(start, seconds * RATE, seed)
    pcm = b"".join(mixdown([talk], seed, block) for block in range(seconds))
    detector = webrtcvad.Vad(2)
    speech = [detector.is_speech(pcm[at : at + 320], RATE) for at in range(0, len(pcm), 320)]
    for near in (True, False):
        heard = []
        for said in (said for period in range(3) for said in talk.syllables(period) if said.near is near):
            frames = speech[(start + said.start) // 160 + 1 : (start + said.end) // 160]
            heard.append(2 * sum(frames) >= len(frames))
        assert sum(heard) > 0.7 * len(heard) > 10
    assert sum(speech[10:100]) <= 2
