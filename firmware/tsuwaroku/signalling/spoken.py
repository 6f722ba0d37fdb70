"""Does somebody speak on a line on which nobody has answered yet? Voices, not tones, whoever makes them."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.events import FRAME_MS
from tsuwaroku.signalling.voice import VoiceActivity

_WINDOW: Final = 50  # frames: a second
_ENOUGH: Final = 15  # of them, 0.3 s of voice
LOWEST_HZ: Final = 200.0  # below it is hum
HIGHEST_HZ: Final = 3400.0
_TONAL: Final = 0.85  # two lines with as much of the energy are keys or a tone, and no voice
_AFTER: Final = 6  # frames: after a tone the voice detector calls noise a voice for so long
_QUIET_DBM0: Final = -44.0
_QUIET: Final = (32767.0 / 10 ** ((3.14 - _QUIET_DBM0) / 20)) ** 2 / 2


class SpeechDetector:
    """Samples of one line in; says since when somebody speaks."""

    def __init__(self, rate: int) -> None:
        self._frame = rate * FRAME_MS // 1000
        self._voice = VoiceActivity(rate)
        self._lowest = round(LOWEST_HZ * FRAME_MS / 1000)
        self._highest = round(HIGHEST_HZ * FRAME_MS / 1000)
        self._window = np.hanning(self._frame).astype(np.float32)
        self._rest = np.zeros(0, dtype=np.int16)
        self._next: int | None = None
        self._recent: deque[int | None] = deque(maxlen=_WINDOW)  # the position of each frame with a voice in it
        self._after = 0

    def lost(self) -> None:
        """What comes next does not join what came before."""
        self._rest, self._next = self._rest[:0], None
        self._recent.clear()

    def feed(self, first_sample: int, pcm: NDArray[np.int16]) -> int | None:
        """Samples at the line's rate. The position since which somebody speaks, as long as somebody does."""
        if first_sample != self._next:
            self.lost()
        self._next = first_sample + pcm.size
        first = first_sample - self._rest.size
        samples = np.concatenate((self._rest, pcm)) if self._rest.size else pcm
        whole = samples.size // self._frame * self._frame
        self._rest = samples[whole:].copy()
        frames = samples[:whole].reshape(-1, self._frame)
        loud, tonal = self._measured(frames)
        for n, frame in enumerate(frames):
            voice = self._voice.is_speech(frame.tobytes())
            self._after = _AFTER if tonal[n] else max(self._after - 1, 0)
            self._recent.append(first + n * self._frame if voice and loud[n] and not self._after else None)
        spoken = [at for at in self._recent if at is not None]
        return spoken[0] if len(spoken) >= _ENOUGH else None

    def _measured(self, frames: NDArray[np.int16]) -> tuple[list[bool], list[bool]]:
        """Which frames are loud enough, and which of these are one or two sines and nearly nothing else."""
        loud = np.mean(np.square(frames, dtype=np.float32), axis=1) >= _QUIET
        if not loud.any():
            return loud.tolist(), loud.tolist()
        power = np.abs(np.fft.rfft(frames * self._window)) ** 2
        power = power[:, self._lowest : self._highest]
        return loud.tolist(), (loud & mostly_tonal(power)).tolist()


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
