"""Random calls to judge: talkers, hum and noise of known level, and a two-wire line of random loss and shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tsuwaroku.notice import level
from tsuwaroku.notice.level import Pcm

RATE = 8000
Signal = npt.NDArray[np.float64]
Rng = np.random.Generator


def talker(rng: Rng, count: int, dbm0: float) -> Signal:
    """Syllables of a gliding pulse train through three moving formants, with pauses; mean `dbm0` while it talks."""
    parts: list[Signal] = []
    while sum(map(len, parts)) < count:
        size = int(rng.uniform(0.1, 0.3) * RATE)
        pitch = rng.uniform(90, 260) * np.linspace(1, rng.uniform(0.8, 1.2), size)
        pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0.0) + rng.normal(0, 0.02, size)
        t = np.arange(200) / RATE
        throat = np.zeros(200)
        for low, high in ((300, 800), (900, 2300), (2300, 3100)):
            throat += np.exp(-300 * t) * np.sin(2 * np.pi * rng.uniform(low, high) * t) * rng.uniform(0.3, 1)
        parts.append(np.convolve(pulses, throat)[:size] * np.hanning(size))
        parts.append(np.zeros(int(rng.choice([0, 0, 400, 4000]))))
    return at_level(np.concatenate(parts)[:count], dbm0)


def at_level(signal: Signal, dbm0: float) -> Signal:
    scaled = signal / np.abs(signal).max() * 16000
    gain = 10 ** ((dbm0 - level.speech_mean(scaled.astype(np.int16), RATE)) / 20)
    return np.asarray(scaled * gain)


def line(rng: Rng, signal: Signal) -> Signal:
    """High and low passes (300-3400 Hz or so, with their phase), an echo, 0-20 dB of loss, either polarity."""
    s = 2j * np.pi * np.fft.rfftfreq(2 * len(signal), 1 / RATE)
    high, low = 2 * np.pi * rng.uniform(150, 350), 2 * np.pi * rng.uniform(2500, 4000)
    shape = (s / (s + high)) ** 2 * (low / (s + low)) ** 2
    shape = shape * (1 + rng.uniform(0, 0.4) * np.exp(-s * rng.uniform(0.001, 0.03)))
    shaped = np.fft.irfft(np.fft.rfft(signal, 2 * len(signal)) * shape, 2 * len(signal))[: len(signal)]
    return np.asarray(shaped * 10 ** (-rng.uniform(0, 20) / 20) * rng.choice([-1, 1]))


def hum(rng: Rng, count: int, dbm0: float) -> Signal:
    base, t = rng.choice([50, 60]), np.arange(count) / RATE
    wave = sum(np.sin(2 * np.pi * base * k * t + rng.uniform(0, 6)) / k for k in range(1, 30))
    return at_level(np.asarray(wave), dbm0)


def captured(
    rng: Rng, count: int, played: Pcm | None, *, talk: bool = True, hum_dbm0: float | None = None
) -> tuple[Pcm, int]:
    """What the codec gives from 0.5 s before the playback to 0.5 s after, and where `played` begins in it."""
    whole = rng.normal(0, level.to_rms(-50), count + RATE)
    begins = RATE // 2 + int(rng.integers(0, RATE * 2 // 5))
    if played is not None:
        sent = np.zeros(len(whole))
        sent[begins : begins + len(played)] = played
        whole += line(rng, sent)
    if talk:
        whole += talker(rng, len(whole), rng.uniform(-20, -8))
    if hum_dbm0 is not None:
        whole += hum(rng, len(whole), hum_dbm0)
    pcm: Pcm = np.clip(np.rint(whole), -32768, 32767).astype(np.int16)
    return pcm, begins
