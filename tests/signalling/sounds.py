"""Signals of a line for the detectors' tests, written from the facts and not from the detectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
Wave = NDArray[np.float64]

ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
KEYS = "123A456B789C*0#D"
NOISE_DBM0 = -60.0

Event = TypeVar("Event", covariant=True)


class Detector(Protocol[Event]):
    def feed(self, first_sample: int, pcm: Pcm) -> Sequence[Event]: ...


def heard(detector: Detector[Event], pcm: Pcm, first: int = 0, piece: int = 1600) -> list[Event]:
    """All that a detector says to a stretch, in pieces of one size."""
    events: list[Event] = []
    for at in range(0, pcm.size, piece):
        events += detector.feed(first + at, pcm[at : at + piece])
    return events


def peak(dbm0: float) -> float:
    return float(32767 * 10 ** ((dbm0 - 3.14) / 20))


def sine(hertz: float, dbm0: float, seconds: float, phase: float = 0.0, rate: int = 8000) -> Wave:
    wave: Wave = peak(dbm0) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate + phase)
    return wave


def silence(seconds: float, rate: int = 8000) -> Wave:
    return np.zeros(round(seconds * rate))


def key(
    name: str,
    ms: float,
    dbm0: float = -20.0,
    twist: float = 2.0,
    off: tuple[float, float] = (0.0, 0.0),
    phases: tuple[float, float] = (0.0, 0.0),
    rate: int = 8000,
) -> Wave:
    """`dbm0` of both tones together, the high one `twist` dB over the low one."""
    row, column = divmod(KEYS.index(name), 4)
    low = dbm0 - 10 * np.log10(1 + 10 ** (twist / 10))
    return sine(ROWS[row] * (1 + off[0]), low, ms / 1000, phases[0], rate) + sine(
        COLUMNS[column] * (1 + off[1]), low + twist, ms / 1000, phases[1], rate
    )


def line(*parts: Wave, noise_dbm0: float = NOISE_DBM0, seed: int = 0) -> Pcm:
    """The parts one after the other, over the line's noise."""
    sound = np.concatenate(parts)
    sound = sound + np.random.default_rng(seed).normal(0, peak(noise_dbm0) / np.sqrt(2), sound.size)
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def rhythm(
    *stretches: float,
    dbm0: float = -20.0,
    off: float = 0.0,
    speed: float = 1.0,
    beat_hz: float = 0.0,
    depth: float = 1.0,
    phase: float = 0.0,
    hertz: float = 400.0,
    rate: int = 8000,
) -> Wave:
    """Seconds of tone and of pause in turn. `depth` of the modulation by `beat_hz`."""
    parts = []
    for number, seconds in enumerate(stretches):
        if number % 2:
            parts.append(silence(seconds * speed, rate))
            continue
        wave = sine(hertz * (1 + off), dbm0, seconds * speed, phase, rate)
        if beat_hz:
            t = np.arange(wave.size) / rate
            wave *= (1 + depth * np.cos(2 * np.pi * beat_hz * t + phase)) / (1 + depth)
        parts.append(wave)
    return np.concatenate(parts)


def draws(seed: int, count: int) -> Iterator[np.random.Generator]:
    """As many generators, each of its own."""
    for number in range(count):
        yield np.random.default_rng((seed, number))
