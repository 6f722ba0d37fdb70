"""Two synthetic voices, clerk and citizen: syllables of a pulse train through formants. No speech engine.

They say nothing, but have what a voice detector and a codec look at: pitch, formants, a syllable
rhythm of about 5 a second, breathing pauses, and turns. Everything follows from the seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tsuwaroku.exchange.sound import RATE, Block, rms

NEAR_DBM0 = -16.0
FAR_DBM0 = NEAR_DBM0 - 12.0  # facts: on a two-wire bridge the near talker is 10-15 dB louder
PERIOD = 10 * RATE  # the turns of ten seconds are made at once, from (seed, number of the period)
_SYLLABLES = 24
_NEAR_SPEAKERS, _FAR_SPEAKERS = 4, 6
# Hz of the first three formants of a, i, u, e, o: common textbook values, rounded.
_VOWELS = ((780, 1300, 2550), (300, 2250, 3000), (350, 1250, 2350), (500, 1900, 2600), (480, 850, 2500))
_BANDWIDTHS = (80.0, 110.0, 160.0)
_FORMANT_GAINS = (1.0, 0.6, 0.3)


@dataclass(frozen=True, slots=True)
class Syllable:
    """Where one begins, counted from the start of the conversation, and who says it."""

    start: int
    near: bool
    wave: Block

    @property
    def end(self) -> int:
        return self.start + self.wave.size


@lru_cache(maxsize=_NEAR_SPEAKERS + _FAR_SPEAKERS)
def speaker(near: bool, number: int) -> tuple[Block, ...]:
    """The syllables of one voice, at its level on the line."""
    rng = np.random.default_rng([int(near), number])
    pitch = float(rng.choice((115.0, 135.0, 205.0, 230.0)) * rng.uniform(0.93, 1.07))
    level = rms(NEAR_DBM0 if near else FAR_DBM0)
    return tuple(_syllable(rng, pitch, _VOWELS[n % len(_VOWELS)], level) for n in range(_SYLLABLES))


def _syllable(rng: np.random.Generator, pitch: float, formants: tuple[int, ...], level: float) -> Block:
    """A consonant's breath, then a vowel with falling pitch; 140-260 ms at `level` (S16 rms)."""
    size = int(rng.uniform(0.14, 0.26) * RATE)
    glide = pitch * np.linspace(rng.uniform(1.02, 1.12), rng.uniform(0.88, 0.98), size)
    cycles = np.floor(np.cumsum(glide) / RATE)
    pulses = np.diff(cycles, prepend=0.0)
    t = np.arange(RATE // 40) / RATE
    throat: npt.NDArray[np.float64] = np.zeros(t.size)
    for hertz, width, gain in zip(formants, _BANDWIDTHS, _FORMANT_GAINS, strict=True):
        throat += gain * np.exp(-np.pi * width * t) * np.sin(2 * np.pi * hertz * rng.uniform(0.96, 1.04) * t)
    wave = np.convolve(pulses, throat)[:size]
    breath = int(0.03 * RATE)
    wave[:breath] += rng.normal(0, 0.15, breath)
    rise, fall = int(0.015 * RATE), int(0.04 * RATE)
    wave[:rise] *= np.linspace(0, 1, rise)
    wave[-fall:] *= np.linspace(1, 0, fall)
    wave *= level / np.sqrt(np.mean(wave**2))
    return wave.astype(np.float32)


@dataclass(slots=True)
class Conversation:
    """A Sound: from `start` to `end` two people talk. `near_first`: the clerk greets, as when a call comes in.

    Either voice can be left out (`near`, `far`), where a recording takes its place. Nobody is heard in the
    `mutes`, (from, to) stretches of the stream in which the loop is open or something else is on the line.
    """

    start: int
    end: int
    seed: int
    near_first: bool = True
    near: bool = True
    far: bool = True
    mutes: tuple[tuple[int, int], ...] = ()
    gains: tuple[float, float] = (1.0, 1.0)  # near, far
    _period: int = field(default=-1, init=False)
    _said: list[Syllable] = field(default_factory=list, init=False)

    def add(self, out: Block, first: int) -> None:
        a, b = max(first, self.start), min(first + out.size, self.end)
        voices = np.zeros(b - a, dtype=np.float32)
        origin = a - self.start
        for period in range(origin // PERIOD, (b - 1 - self.start) // PERIOD + 1):
            for syllable in self.syllables(period):
                c, d = max(syllable.start, origin), min(syllable.end, origin + voices.size)
                if c < d:
                    gain = np.float32(self.gains[0 if syllable.near else 1])
                    voices[c - origin : d - origin] += gain * syllable.wave[c - syllable.start : d - syllable.start]
        for begin, stop in self.mutes:
            voices[max(begin - a, 0) : max(stop - a, 0)] = 0.0
        out[a - first : b - first] += voices

    def syllables(self, period: int) -> list[Syllable]:
        """What is said in ten seconds, in order; none runs past them."""
        if period != self._period:
            self._period, self._said = period, list(self._say(period))
        return self._said

    def _say(self, period: int) -> list[Syllable]:
        rng = random.Random(self.seed * 1_000_003 + period)
        said: list[Syllable] = []
        for near, begin_s, end_s in self._turns(period, rng):
            if not (self.near if near else self.far):
                continue
            number = self.seed % _NEAR_SPEAKERS if near else self.seed // _NEAR_SPEAKERS % _FAR_SPEAKERS
            at = period * PERIOD + int(begin_s * RATE)
            end = period * PERIOD + int(end_s * RATE)
            left = rng.randint(5, 9)
            while (wave := rng.choice(speaker(near, number))).size <= end - at:
                said.append(Syllable(at, near, wave))
                left -= 1
                at += wave.size + int(RATE * (rng.uniform(0.01, 0.05) if left else rng.uniform(0.2, 0.4)))
                left = left or rng.randint(5, 9)
        return said

    def _turns(self, period: int, rng: random.Random) -> list[tuple[bool, float, float]]:
        """(near?, from, to) in seconds of the period. The first has the greeting, 1.5 s, and a pause after it."""
        first, other = self.near_first, not self.near_first
        if period == 0:
            return [(first, 0.3, 1.8), (other, rng.uniform(2.7, 3.1), 6.0), (first, rng.uniform(6.4, 6.8), 9.7)]
        change = rng.uniform(3.5, 6.0)
        return [(other, rng.uniform(0.0, 0.3), change), (first, change + rng.uniform(0.3, 0.7), 9.8)]
