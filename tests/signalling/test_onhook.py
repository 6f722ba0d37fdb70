"""The voice on an on-hook line: what starts a call by sound, and all that never may."""

from __future__ import annotations

import numpy as np
import pytest

from tests.signalling.sounds import Pcm, Wave, key, line, peak, rhythm, silence, sine
from tsuwaroku.exchange.voice import Conversation
from tsuwaroku.signalling.onhook import OnHookVoice

RATE = 8000


def talk(seconds: float, seed: int = 1, db: float = 0.0) -> Wave:
    """Two people, the near one at -16 and the far one at -28 dBm0."""
    out = np.zeros(round(seconds * RATE), dtype=np.float32)
    Conversation(0, out.size, seed).add(out, 0)
    return out.astype(float) * 10 ** (db / 20)


def far(seconds: float, seed: int = 1) -> Wave:
    out = np.zeros(round(seconds * RATE), dtype=np.float32)
    Conversation(0, out.size, seed, near=False).add(out, 0)
    return out.astype(float)


def since(pcm: Pcm, piece: int = 1600) -> list[tuple[float, float]]:
    """(when it was heard, since when somebody speaks), in seconds; the first of each stretch."""
    ear = OnHookVoice(RATE)
    found: list[tuple[float, float]] = []
    before = False
    for at in range(0, pcm.size, piece):
        began = ear.feed(at, pcm[at : at + piece])
        if began is not None and not before:
            found.append(((at + piece) / RATE, began / RATE))
        before = began is not None
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("noise_dbm0", [-60.0, -45.0])
def test_talk_is_heard_within_seconds(seed: int, noise_dbm0: float) -> None:
    heard, began = since(line(silence(2.0), talk(20.0, seed), noise_dbm0=noise_dbm0))[0]
    assert began <= heard - 1.2
    assert 2.0 <= began <= heard <= 2.0 + 10.0


@pytest.mark.parametrize("seed", range(6))
def test_the_far_end_alone_is_heard(seed: int) -> None:
    assert since(line(silence(1.0), far(30.0, seed)))


HUM = sine(50, -22, 30.0) + sine(150, -42, 30.0)
BURSTS = np.concatenate([np.concatenate([sine(2000, -10, 0.01), silence(0.99)]) for _ in range(30)])


def fsk(seconds: float) -> Wave:
    """1200 bit/s at random: as many data as no exchange sends."""
    bits = np.random.default_rng(3).integers(0, 2, round(seconds * 1200))
    hertz = np.repeat(np.where(bits, 1300.0, 2100.0), RATE // 1200 + 1)[: round(seconds * RATE)]
    wave: Wave = peak(-14) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    return wave


def steps() -> Wave:
    """Noise of another level each three seconds."""
    levels = np.random.default_rng(1).uniform(-45, -15, 30)
    return np.concatenate(
        [np.random.default_rng(n).normal(0, peak(dbm0) / 2**0.5, 3 * RATE) for n, dbm0 in enumerate(levels)]
    )


def crackle() -> Wave:
    """A bad contact: short bursts of noise, now and then."""
    rng = np.random.default_rng(2)
    wave = silence(60.0)
    for _ in range(400):
        at, size = rng.integers(0, wave.size - 400), rng.integers(8, 300)
        wave[at : at + size] += rng.normal(0, 3000, size)
    return wave


def keys() -> Wave:
    return np.concatenate([np.concatenate([key(name, 80), silence(0.08)]) for name in 4 * "0312345678"])


def ringing() -> Wave:
    """16 Hz that the sound card cuts off at the top: harmonics far into the band."""
    wave: Wave = np.clip(rhythm(*[1.0, 2.0] * 10, hertz=16, dbm0=3.0) * 4, -32767, 32767)
    return wave


@pytest.mark.parametrize(
    "wave",
    [
        pytest.param(silence(30.0), id="noise"),
        pytest.param(HUM, id="hum"),
        pytest.param(sine(60, -12, 30.0) + sine(180, -18, 30.0) + sine(300, -24, 30.0), id="hum with harmonics"),
        pytest.param(talk(60.0, db=-34.0), id="crosstalk at -50 dBm0"),
        pytest.param(talk(60.0, 7, db=-34.0) + np.tile(HUM, 2), id="crosstalk over hum"),
        pytest.param(ringing(), id="ringing"),
        pytest.param(rhythm(*[0.5, 0.5] * 30, hertz=16, dbm0=3.0), id="CAR"),
        pytest.param(rhythm(*[0.5, 0.5] * 30), id="busy"),
        pytest.param(rhythm(*[1.0, 2.0] * 10, beat_hz=16), id="ring-back"),
        pytest.param(sine(400, -10, 30.0), id="dial tone"),
        pytest.param(rhythm(30.0, beat_hz=16, dbm0=-5), id="howler"),
        pytest.param(BURSTS, id="clicks"),
        pytest.param(steps(), id="noise in steps"),
        pytest.param(keys(), id="keys"),
        pytest.param(rhythm(*[1.0, 2.0] * 10, beat_hz=20, depth=0.5), id="ring-back at 20 Hz"),
        pytest.param(np.concatenate([silence(1.0), fsk(8.0), silence(1.0)]), id="data"),
    ],
)
@pytest.mark.parametrize("noise_dbm0", [-60.0, -42.0, -30.0])
def test_nothing_else_is_a_voice(wave: Wave, noise_dbm0: float) -> None:
    for seed in range(2):
        assert since(line(wave, noise_dbm0=noise_dbm0, seed=seed)) == []


def test_a_word_is_not_enough_and_a_loss_joins_nothing() -> None:
    pcm = line(talk(20.0))
    ear = OnHookVoice(RATE)
    for at in range(0, pcm.size - 1600, 8000):  # every fifth block, and nothing between
        assert ear.feed(at, pcm[at : at + 1600]) is None
    assert since(line(silence(2.0), talk(1.0), silence(5.0))) == []


def test_how_the_samples_come_changes_nothing_but_when() -> None:
    pcm = line(silence(2.0), talk(10.0))
    begun = {round(since(pcm, piece)[0][1], 1) for piece in (800, 1600, 3200)}
    assert max(begun) - min(begun) <= 0.3


@pytest.mark.parametrize("noise_dbm0", [-60.0, -42.0])
def test_a_bad_contact_is_no_voice(noise_dbm0: float) -> None:
    for seed in range(4):
        assert since(line(crackle(), noise_dbm0=noise_dbm0, seed=seed)) == []
