"""Does somebody speak on a line on which nobody has answered yet? Voices, not tones, whoever makes them."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.signalling.voice import VoiceActivity
from tsuwaroku.signalling.voiceframes import VoiceFrames

_WINDOW: Final = 50  # frames: a second
_ENOUGH: Final = 15  # of them, 0.3 s of voice
_TONAL: Final = 0.85  # two lines with as much of the energy are keys or a tone, and no voice
_AFTER: Final = 6  # frames: after a tone the voice detector calls noise a voice for so long
_QUIET_DBM0: Final = -44.0
_QUIET: Final = (32767.0 / 10 ** ((3.14 - _QUIET_DBM0) / 20)) ** 2 / 2


class SpeechDetector:
    """Samples of one line in; says since when somebody speaks."""

    def __init__(self, rate: int) -> None:
        self._frames = VoiceFrames(rate)
        self._voice = VoiceActivity(rate)
        self._recent: deque[int | None] = deque(maxlen=_WINDOW)  # the position of each frame with a voice in it
        self._after = 0

    def lost(self) -> None:
        """What comes next does not join what came before."""
        self._frames.lost()
        self._recent.clear()

    def feed(self, first_sample: int, pcm: NDArray[np.int16]) -> int | None:
        """Samples at the line's rate. The position since which somebody speaks, as long as somebody does."""
        if not self._frames.joins(first_sample):
            self.lost()
        first, frames = self._frames.cut(first_sample, pcm)
        loud, tonal = self._measured(frames)
        for n, frame in enumerate(frames):
            voice = self._voice.is_speech(frame.tobytes())
            self._after = _AFTER if tonal[n] else max(self._after - 1, 0)
            self._recent.append(first + n * self._frames.size if voice and loud[n] and not self._after else None)
        spoken = [at for at in self._recent if at is not None]
        return spoken[0] if len(spoken) >= _ENOUGH else None

    def _measured(self, frames: NDArray[np.int16]) -> tuple[list[bool], list[bool]]:
        """Which frames are loud enough, and which of these are one or two sines and nearly nothing else."""
        loud = np.mean(np.square(frames, dtype=np.float32), axis=1) >= _QUIET
        if not loud.any():
            return loud.tolist(), loud.tolist()
        return loud.tolist(), (loud & mostly_tonal(self._frames.power(frames))).tolist()


def mostly_tonal(power: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Of frames' power spectra: which are one or two sines and nearly nothing else."""
    rest = power.copy()
    lines = np.zeros(len(power))
    row = np.arange(len(power))
    for _ in range(2):
        top = rest.argmax(axis=1)
        for off in (-2, -1, 0, 1, 2):
            near = np.clip(top + off, 0, rest.shape[1] - 1)
            lines += rest[row, near]
            rest[row, near] = 0.0
    tonal: NDArray[np.bool_] = lines >= _TONAL * (power.sum(axis=1) + 1.0)
    return tonal
