"""Samples cut into the frames of a voice detector, and what such a frame has in the telephone's band."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.events import FRAME_MS

LOWEST_HZ: Final = 200.0  # below it is hum
HIGHEST_HZ: Final = 3400.0


class VoiceFrames:
    """One line. What does not fill a frame waits for the next samples. `size`: samples of a frame."""

    def __init__(self, rate: int) -> None:
        self.size = rate * FRAME_MS // 1000
        self.window = np.hanning(self.size).astype(np.float32)
        self._lowest = round(LOWEST_HZ * FRAME_MS / 1000)
        self._highest = round(HIGHEST_HZ * FRAME_MS / 1000)
        self._rest = np.zeros(0, dtype=np.int16)
        self._next: int | None = None

    def lost(self) -> None:
        """What comes next does not join what came before."""
        self._rest, self._next = self._rest[:0], None

    def joins(self, first_sample: int) -> bool:
        """Whether these samples come right after the last ones."""
        return first_sample == self._next

    def cut(self, first_sample: int, pcm: NDArray[np.int16]) -> tuple[int, NDArray[np.int16]]:
        """The position of the first whole frame, and all of them, a row each; there may be none."""
        self._next = first_sample + pcm.size
        first = first_sample - self._rest.size
        samples = np.concatenate((self._rest, pcm)) if self._rest.size else pcm
        whole = samples.size // self.size * self.size
        self._rest = samples[whole:].copy()
        return first, samples[:whole].reshape(-1, self.size)

    def power(self, frames: NDArray[np.int16]) -> NDArray[np.floating]:
        """Their power spectra from 200 to 3400 Hz."""
        power = np.abs(np.fft.rfft(frames * self.window)) ** 2
        return power[:, self._lowest : self._highest]
