"""What a line's sound says about the line: each fault is found, resolves by itself, and is not seen where it is not."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.signalling.sounds import Pcm, Wave, line, peak, rhythm, silence, sine
from tests.signalling.test_onhook import far, talk
from tsuwaroku.exchange.voice import Conversation
from tsuwaroku.signalling.levels import Fault, LineLevels
from tsuwaroku.signalling.voice import VoiceActivity

RATE = 8000


def feed(levels: LineLevels, pcm: Pcm, *, off_hook: bool = True) -> list[frozenset[Fault]]:
    """What stood after each second."""
    vad = VoiceActivity(RATE)
    stood: list[frozenset[Fault]] = []
    for at in range(0, pcm.size - RATE + 1, RATE):
        second = pcm[at : at + RATE]
        voices = [vad.is_speech(second[n : n + 160].tobytes()) for n in range(0, RATE, 160)] if off_hook else []
        levels.second(second.tobytes(), off_hook=off_hook, voices=voices)
        stood.append(levels.found)
    return stood


def first(stood: list[frozenset[Fault]], fault: Fault) -> int | None:
    """The second after which it stood."""
    return next((n + 1 for n, found in enumerate(stood) if fault in found), None)


def zeros(seconds: int, value: int = 0) -> Pcm:
    return np.full(seconds * RATE, value, dtype=np.int16)


@pytest.mark.parametrize("off_hook", [True, False])
@pytest.mark.parametrize("value", [0, -1, -32768])
def test_a_dead_channel_gives_one_value_for_a_minute(value: int, off_hook: bool) -> None:
    levels = LineLevels(RATE)
    stood = feed(levels, zeros(70, value), off_hook=off_hook)
    assert first(stood, Fault.DEAD) in (60, 61)
    assert feed(levels, line(silence(1.0)), off_hook=off_hook)[-1] == frozenset()
    # One bit that moves is alive; so is a value that changes.
    alive = zeros(70)
    alive[::RATE] = 1
    assert first(feed(LineLevels(RATE), alive, off_hook=False), Fault.DEAD) is None


def test_an_off_hook_line_without_even_noise() -> None:
    hiss = line(silence(70.0), noise_dbm0=-75.0)
    levels = LineLevels(RATE)
    assert first(feed(levels, hiss), Fault.SILENT) == 60
    assert feed(levels, line(talk(2.0)))[-1] == frozenset()
    assert first(feed(LineLevels(RATE), hiss, off_hook=False), Fault.SILENT) is None
    # An ordinary line with nobody speaking, and a word now and then on a quiet one.
    assert feed(LineLevels(RATE), line(silence(90.0)))[-1] == frozenset()
    words = np.concatenate([silence(50.0), talk(3.0), silence(50.0)])
    assert first(feed(LineLevels(RATE), line(words, noise_dbm0=-75.0)), Fault.SILENT) is None


def test_silence_of_one_call_is_not_counted_in_the_next() -> None:
    levels = LineLevels(RATE)
    for _ in range(3):
        assert Fault.SILENT not in feed(levels, line(silence(40.0), noise_dbm0=-75.0))[-1]
        levels.off_hook_ended()
    feed(levels, line(silence(40.0), noise_dbm0=-75.0))
    levels.lost()
    assert Fault.SILENT not in feed(levels, line(silence(40.0), noise_dbm0=-75.0))[-1]


@pytest.mark.parametrize("hertz", [49.8, 50.0, 50.2, 60.0])
@pytest.mark.parametrize("dbm0", [-36.0, -22.0, -6.0])
@pytest.mark.parametrize("off_hook", [True, False])
def test_hum(hertz: float, dbm0: float, off_hook: bool) -> None:
    wave = sine(hertz, dbm0, 40.0) + sine(3 * hertz, dbm0 - 20, 40.0)
    levels = LineLevels(RATE)
    assert first(feed(levels, line(wave), off_hook=off_hook), Fault.HUM) == 11
    assert levels.found == {Fault.HUM}
    assert feed(levels, line(silence(30.0)), off_hook=off_hook)[-1] == frozenset()


def test_hum_under_talk_is_found_in_its_pauses() -> None:
    wave = talk(120.0) + sine(50, -20, 120.0)
    assert first(feed(LineLevels(RATE), line(wave)), Fault.HUM) is not None


@pytest.mark.parametrize(
    "wave",
    [
        pytest.param(talk(120.0), id="talk"),
        pytest.param(talk(120.0, 5), id="talk of others"),
        pytest.param(silence(60.0), id="noise"),
        pytest.param(sine(400, -10, 60.0), id="dial tone"),
        pytest.param(rhythm(*[1.0, 2.0] * 20, beat_hz=16), id="ring-back"),
        pytest.param(rhythm(*[1.0, 2.0] * 20, hertz=16, dbm0=3), id="ringing"),
        pytest.param(rhythm(*[1.0, 2.0] * 20, hertz=20, dbm0=-3), id="ringing at 20 Hz"),
        pytest.param(sine(50, -50, 60.0), id="hum that nobody hears"),
        pytest.param(talk(120.0, db=10), id="loud talk"),
    ],
)
def test_a_good_line_has_no_fault(wave: Wave) -> None:
    assert {fault for found in feed(LineLevels(RATE), line(wave)) for fault in found} == set()


def clipped(wave: Wave, top: float) -> Wave:
    return np.clip(wave, -top, top)


@pytest.mark.parametrize("top_dbm0", [3.14, 0.0, -6.0])
def test_clipping(top_dbm0: float) -> None:
    levels = LineLevels(RATE)
    found = first(feed(levels, line(clipped(talk(60.0, db=18 + top_dbm0), peak(top_dbm0)))), Fault.CLIPPING)
    assert found is not None
    assert found <= 30
    assert levels.found == {Fault.CLIPPING}
    assert feed(levels, line(talk(62.0)))[-1] == frozenset()


def test_ringing_that_overdrives_the_card_is_no_clipped_call() -> None:
    ring = clipped(4 * rhythm(*[1.0, 2.0] * 10, hertz=16, dbm0=3), peak(3.14))
    assert feed(LineLevels(RATE), line(ring), off_hook=False)[-1] == frozenset()


def parties(seconds: float, near_db: float, far_db: float, seed: int) -> Wave:
    out = np.zeros(round(seconds * RATE), dtype=np.float32)
    Conversation(0, out.size, seed, gains=(10 ** (near_db / 20), 10 ** (far_db / 20))).add(out, 0)
    return out.astype(float)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("near_db", "far_db", "low"),
    [
        pytest.param(0.0, 0.0, False, id="12 dB apart, as on every line"),
        pytest.param(0.0, -4.0, False, id="16 dB"),
        pytest.param(0.0, 12.0, False, id="alike"),
        pytest.param(0.0, -14.0, True, id="26 dB"),
        pytest.param(6.0, -10.0, True, id="28 dB"),
    ],
)
def test_one_party_far_too_low(near_db: float, far_db: float, low: bool, seed: int) -> None:
    stood = feed(LineLevels(RATE), line(parties(90.0, near_db, far_db, seed)))
    assert (Fault.PARTY_LOW in stood[-1]) == low
    assert low or first(stood, Fault.PARTY_LOW) is None
    found = first(stood, Fault.PARTY_LOW)
    assert found is None or found > 20  # ten seconds of talk of each, at least


def test_one_party_alone_says_nothing_and_a_later_call_resolves_it() -> None:
    assert first(feed(LineLevels(RATE), line(far(90.0))), Fault.PARTY_LOW) is None
    levels = LineLevels(RATE)
    assert Fault.PARTY_LOW in feed(levels, line(parties(90.0, 0, -14, 1)))[-1]
    levels.off_hook_ended()
    assert Fault.PARTY_LOW in levels.found  # until a call shows that it is well again
    assert feed(levels, line(talk(90.0)))[-1] == frozenset()


def test_an_odd_second_is_none() -> None:
    levels = LineLevels(RATE)
    for pcm in (b"", bytes(2), bytes(RATE)):
        levels.second(pcm, off_hook=True)
    levels.second(zeros(1)[: RATE - 160].tobytes(), off_hook=True, voices=[True] * 50)
    assert levels.found == frozenset()


def test_it_costs_next_to_nothing() -> None:
    """0.1 s of processor an hour are 28 us a second; a loaded machine may take some times as long."""
    levels = LineLevels(RATE)
    seconds = [line(silence(1.0), seed=seed).tobytes() for seed in range(10)]
    began = time.process_time()
    for _ in range(60):
        for pcm in seconds:
            levels.second(pcm, off_hook=False)
    assert (time.process_time() - began) / 600 < 250e-6
