"""FSK as an exchange sends it: octets as bits, and bits as one wave of two frequencies, its phase never broken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tsuwaroku.exchange.sound import RATE, Block, sine_peak

BAUD = 1200.0
# Facts: (mark, space) in Hz.
V23 = (1300.0, 2100.0)
BELL_202 = (1200.0, 2200.0)
_AFTER_BITS = 5  # mark held after the last octet, so that its stop bit ends like any other


def framed(octets: Iterable[int], seizure: int, mark: int, stop: int) -> bytes:
    """Bits, one an octet: `seizure` alternating from space on, `mark` ones, each octet with start and stop bits."""
    bits = [n % 2 for n in range(seizure)] + [1] * mark
    for octet in octets:
        bits += [0, *(octet >> n & 1 for n in range(8)), *[1] * stop]
    return bytes(bits + [1] * _AFTER_BITS)


@dataclass(frozen=True, slots=True)
class Burst:
    """A Sound: `bits` from `start` on. `twist_db`: how much louder the space is than the mark, half of it on each."""

    start: int
    bits: bytes
    tones: tuple[float, float]
    dbm0: float
    baud: float = BAUD
    twist_db: float = 0.0

    @property
    def end(self) -> int:
        return self.start + int(len(self.bits) * RATE / self.baud)

    def add(self, out: Block, first: int) -> None:
        a, b = max(first, self.start), min(first + out.size, self.end)
        wave = _wave(self.bits, self.tones, self.dbm0, self.baud, self.twist_db)
        out[a - first : b - first] += wave[a - self.start : b - self.start]


@lru_cache(maxsize=4)
def _wave(bits: bytes, tones: tuple[float, float], dbm0: float, baud: float, twist_db: float) -> Block:
    """The whole burst, a second or so. A bit's edge falls where it falls, between samples too."""
    ones = np.frombuffer(bits, dtype=np.uint8) != 0
    hertz = np.where(ones, tones[0], tones[1])
    turns = np.concatenate(([0.0], np.cumsum(hertz / baud)))
    # In bits; half a sample on, so that no edge is met exactly and rounding decides nothing.
    at = (np.arange(int(len(bits) * RATE / baud)) + 0.5) * (baud / RATE)
    phase = np.interp(at, np.arange(turns.size), turns)
    gains = np.where(ones, sine_peak(dbm0 - twist_db / 2), sine_peak(dbm0 + twist_db / 2))
    wave: Block = (gains[np.minimum(at.astype(np.intp), ones.size - 1)] * np.sin(2 * np.pi * phase)).astype(np.float32)
    return wave
