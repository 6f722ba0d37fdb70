"""Does somebody speak on a line whose contact says on-hook? Then the contact is wrong, and a call may be lost.

An idle line must never seem to speak: not by its noise, hum, ringing, data and tones, nor by another line's talk that
crosses over. So a voice counts only where the voice detector says so for 1.2 of three seconds, in frames that are
loud between 200 and 3400 Hz, that are no tones, and whose levels differ as those of syllables do. Noise, and data of a
caller's number, are even.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.events import FRAME_MS
from tsuwaroku.signalling.spoken import mostly_tonal
from tsuwaroku.signalling.voice import VoiceActivity
from tsuwaroku.signalling.voiceframes import VoiceFrames


class OnHookLimits(msgspec.Struct, frozen=True):
    """Crosstalk may not exceed -70 dB (GLOSSARY: between lines); -50 dBm0 would be a line that is broken."""

    window_s: float = 3.0
    enough_s: float = 1.2
    loud_dbm0: float = -40.0  # the far voice is -28 dBm0, and 10 dB less over a bad loop
    uneven_db: float = 1.9  # from one frame to the third after it, in the mean: noise 0.9, data 0.1, talk 2 to 13


LIMITS: Final = OnHookLimits()
WINDOW_S: Final = LIMITS.window_s
_APART: Final = 0.16
_LAG: Final = 3  # frames: a syllable's rise or fall


class OnHookVoice:
    """Samples of one line in; says since when somebody speaks. Silence costs one mean of squares a block."""

    def __init__(self, rate: int, limits: OnHookLimits = LIMITS) -> None:
        self._cutter = VoiceFrames(rate)
        self._voice = VoiceActivity(rate)
        self._enough = round(limits.enough_s * 1000 / FRAME_MS)
        self._uneven_db = limits.uneven_db
        sine = 32767.0 / 10 ** ((3.14 - limits.loud_dbm0) / 20)
        self._loud = sine**2 / 2
        # What a frame of white noise with that mean square has in the band, as the transform gives it.
        self._loud_power = self._loud * float(np.sum(self._cutter.window**2)) * self._cutter.size / 2
        self._frames: deque[tuple[int, float] | None] = deque(maxlen=round(limits.window_s * 1000 / FRAME_MS))
        self._voices = 0

    def lost(self) -> None:
        """What comes next does not join what came before."""
        self._frames.clear()
        self._voices = 0
        self._cutter.lost()

    def feed(self, first_sample: int, pcm: NDArray[np.int16]) -> int | None:
        """Samples at the line's rate. The position since which somebody speaks, as long as somebody does."""
        if not self._cutter.joins(first_sample):
            self.lost()
        first, frames = self._cutter.cut(first_sample, pcm)
        if not frames.size or not (self._voices or self._worth(frames)):
            for _ in frames:  # none of it can be loud
                self._take(None)
            return None
        power = self._cutter.power(frames)
        level = power.sum(axis=1)
        tonal = mostly_tonal(power)
        for n, frame in enumerate(frames):
            voice = self._voice.is_speech(frame.tobytes())
            loud = bool(level[n] >= self._loud_power)
            counts = voice and loud and not tonal[n]
            self._take((first + n * self._cutter.size, 10 * math.log10(level[n])) if counts else None)
        return self._since()

    def _worth(self, frames: NDArray[np.int16]) -> bool:
        """Whether a voice may be in them. The difference of neighbours has next to nothing of hum, half of a voice."""
        samples = frames.astype(np.float32)
        if np.einsum("ij,ij->i", samples, samples).max() < self._loud * self._cutter.size:
            return False
        apart = np.diff(samples)
        return bool(np.einsum("ij,ij->i", apart, apart).max() >= _APART * self._loud * self._cutter.size)

    def _take(self, frame: tuple[int, float] | None) -> None:
        if len(self._frames) == self._frames.maxlen and self._frames[0] is not None:
            self._voices -= 1
        self._frames.append(frame)
        self._voices += frame is not None

    def _since(self) -> int | None:
        if self._voices < self._enough:
            return None
        frames = list(self._frames)
        pairs = [(a[1], b[1]) for a, b in zip(frames, frames[_LAG:], strict=False) if a is not None and b is not None]
        if not pairs or sum(abs(a - b) for a, b in pairs) < self._uneven_db * len(pairs):
            return None
        return next(frame[0] for frame in frames if frame is not None)
