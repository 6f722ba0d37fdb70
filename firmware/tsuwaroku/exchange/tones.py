"""The tones by which an exchange tells how a call stands: what they sound like, and for how long on and off.

Facts: dial tone 400 Hz continuous, a PBX's internal one 0.25/0.25 s, ring-back 400 Hz modulated 1/2 s, busy 0.5/0.5 s.
Not in the facts, and to be confirmed in the field: howler and call-waiting tone, both 400 Hz modulated at 16 Hz here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tsuwaroku.exchange.sound import DIAL_TONE, RATE, RING_BACK, RING_BACK_BEAT_HZ, Block, Tone

Progress = Literal["dial", "internal", "ring_back", "plain_ring_back", "busy", "howler", "waiting", "silence"]
Sines = tuple[tuple[float, float], ...]

# The alerting signal before data: Bellcore's CAS in a call, ETSI's DT-AS before a ring.
ALERTING: Sines = ((2130.0, -19.0), (2750.0, -19.0))


@dataclass(frozen=True, slots=True)
class Signal:
    """On and off in seconds; off 0 = continuous."""

    sines: Sines
    on_s: float = 1.0
    off_s: float = 0.0
    beat_hz: float = 0.0


SIGNALS: dict[Progress, Signal] = {
    "dial": Signal(DIAL_TONE),
    "internal": Signal(DIAL_TONE, 0.25, 0.25),
    "ring_back": Signal(RING_BACK, 1.0, 2.0, RING_BACK_BEAT_HZ),
    "plain_ring_back": Signal(RING_BACK, 1.0, 2.0),
    "busy": Signal(DIAL_TONE, 0.5, 0.5),
    "howler": Signal(((400.0, -8.0),), beat_hz=16.0),
    "waiting": Signal(DIAL_TONE, 0.5, 7.5, 16.0),
    "silence": Signal(()),
}


@dataclass(frozen=True, slots=True)
class Cadence:
    """A Sound: a tone that is `on` samples on and `off` samples off, from `start` to `end`, however long that is."""

    start: int
    end: int
    sines: Sines
    on: int
    off: int
    beat_hz: float = 0.0

    def add(self, out: Block, first: int) -> None:
        a, b = max(first, self.start), min(first + out.size, self.end)
        part = np.zeros(b - a, dtype=np.float32)
        Tone(self.start, self.end, self.sines, self.beat_hz).add(part, a)
        part[np.arange(a - self.start, b - self.start) % (self.on + self.off) >= self.on] = 0.0
        out[a - first : b - first] += part


def samples(seconds: float) -> int:
    return round(seconds * RATE)
