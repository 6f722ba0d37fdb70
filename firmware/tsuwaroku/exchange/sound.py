"""Levels, the noise of a line, tones, and the mixing of a line's second of sound.

Levels are dBm0 of ITU-T G.711, whose A-law codec overloads at a sine of +3.14 dBm0: here a sine
that just fills S16 is +3.14 dBm0. All positions are samples of the line's stream at 8 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

RATE = 8000
NS_PER_SAMPLE = 1_000_000_000 // RATE  # 125 µs, exactly
BLOCK = RATE  # one second: rendered at once, and the only part of a stream that is kept
OVERLOAD_DBM0 = 3.14
NOISE_DBM0 = -60.0  # facts: line noise on which the codec figures were measured
_NOISE_TABLE = 1 << 17

Block = npt.NDArray[np.float32]


class Sound(Protocol):
    """Something to be heard from sample `start` to before `end`."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...

    def add(self, out: Block, first: int) -> None:
        """Add its part of the stretch `out`, whose first value is stream sample `first`."""
        ...


def sine_peak(dbm0: float) -> float:
    """The S16 amplitude of a sine of this level."""
    return float(32767 * 10 ** ((dbm0 - OVERLOAD_DBM0) / 20))


def rms(dbm0: float) -> float:
    """The S16 root mean square of a signal of this level."""
    return float(sine_peak(dbm0) / np.sqrt(2))


def to_sample(ns: int) -> int:
    """The first sample at or after a stream time."""
    return -(-ns // NS_PER_SAMPLE)


@cache
def _noise() -> tuple[Block, npt.NDArray[np.int16]]:
    """16 s of Gaussian line noise, from which each second takes a stretch at a place of its own."""
    noise = np.random.default_rng(1972).normal(0.0, rms(NOISE_DBM0), _NOISE_TABLE).astype(np.float32)
    return noise, np.rint(noise).astype("<i2")


def noise_at(seed: int, first: int, count: int, dbm0: float) -> Block:
    """Noise of a level from the stream's sample `first` on; each second of each seed has its own."""
    table, _ = _noise()
    gain = np.float32(10.0 ** ((dbm0 - NOISE_DBM0) / 20.0))
    parts: list[Block] = []
    while count:
        block, skip = divmod(first, BLOCK)
        size = min(count, BLOCK - skip)
        at = (seed * 0xC2B2AE35 + block * 0x27D4EB2F) % (_NOISE_TABLE - BLOCK) + skip
        parts.append(table[at : at + size] * gain)
        first, count = first + size, count - size
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def mixdown(sounds: Sequence[Sound], seed: int, block: int) -> bytes:
    """S16LE of the stream's second number `block`: line noise and every sound's part of it. Saturates."""
    first = block * BLOCK
    # Two odd multipliers scatter the places; the same second of the same line is always the same noise.
    offset = (seed * 0x9E3779B1 + block * 0x85EBCA6B) % (_NOISE_TABLE - BLOCK)
    noise, quiet = _noise()
    audible = [sound for sound in sounds if sound.start < first + BLOCK and sound.end > first]
    if not audible:
        return quiet[offset : offset + BLOCK].tobytes()
    out = noise[offset : offset + BLOCK].copy()
    for sound in audible:
        sound.add(out, first)
    np.rint(out, out=out)
    np.clip(out, -32768, 32767, out=out)
    return out.astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class Tone:
    """Sines sounding together: (Hz, dBm0) each; `beat_hz` modulates all of them (facts: ring-back, 15-20 Hz)."""

    start: int
    end: int
    sines: tuple[tuple[float, float], ...]
    beat_hz: float = 0.0

    def add(self, out: Block, first: int) -> None:
        a, b = max(first, self.start), min(first + out.size, self.end)
        phase = np.arange(a - self.start, b - self.start) * (2 * np.pi / RATE)
        wave = np.zeros(b - a)
        for hertz, dbm0 in self.sines:
            wave += sine_peak(dbm0) * np.sin(hertz * phase)
        if self.beat_hz:
            wave *= 0.5 - 0.5 * np.cos(self.beat_hz * phase)
        out[a - first : b - first] += wave.astype(np.float32)


# Facts: dial tone 400 Hz at -19 to about -22 dBm; ring-back 400 Hz modulated by 15-20 Hz.
DIAL_TONE = ((400.0, -20.0),)
RING_BACK = ((400.0, -20.0),)
RING_BACK_BEAT_HZ = 16.0
# What of the ringing voltage leaks through the coupling; not measured on any board.
RINGING = ((16.0, -30.0),)
_DTMF_ROWS = (697.0, 770.0, 852.0, 941.0)  # ITU-T Q.23
_DTMF_COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
_DTMF_KEYS = "123A456B789C*0#D"
DTMF_LOW_DBM0, DTMF_TWIST_DB = -10.0, 2.0  # facts: the high tone 0-5 dB above the low one


def dtmf(key: str, low_dbm0: float = DTMF_LOW_DBM0, twist_db: float = DTMF_TWIST_DB) -> tuple[tuple[float, float], ...]:
    """The two sines of a key, one of 0-9*# and, from exchanges alone, A-D."""
    row, column = divmod(_DTMF_KEYS.index(key), 4)
    return ((_DTMF_ROWS[row], low_dbm0), (_DTMF_COLUMNS[column], low_dbm0 + twist_db))
