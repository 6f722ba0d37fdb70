"""Levelling for the listener only: on a two-wire bridge the near talker is 10–15 dB louder (telephony facts)."""

from __future__ import annotations

import numpy as np

FULL_SCALE = 32768.0
TARGET = 10 ** (-20 / 20)  # RMS, of full scale
GATE = 10 ** (-50 / 20)  # below it there is no speech: the gain stays
MOST = 10 ** (18 / 20)
CEILING = 0.95
RISE_PER_S = 10 ** (12 / 20)  # the gain grows by 12 dB a second at the most and falls at once


class Leveller:
    """Follows the loudness with a slow gain of 0 to +18 dB; never above full scale."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._gain = 1.0

    def level(self, pcm: bytes) -> bytes:
        """S16LE mono in, as many octets out. One block is about 100 ms."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64) / FULL_SCALE
        if not samples.size:
            return pcm
        loud = float(np.sqrt(np.mean(samples**2)))
        peak = float(np.max(np.abs(samples)))
        wanted = self._gain if loud < GATE else min(max(TARGET / loud, 1.0), MOST)
        rise = self._gain * RISE_PER_S ** (samples.size / self._rate)
        after = min(wanted, rise, max(CEILING / peak, 1.0) if peak else MOST)
        gains = np.linspace(min(self._gain, after), after, samples.size)
        self._gain = after
        out = np.clip(samples * gains * FULL_SCALE, -FULL_SCALE, FULL_SCALE - 1)
        return np.round(out).astype("<i2").tobytes()
