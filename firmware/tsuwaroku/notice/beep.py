"""The recording tone: 1400 Hz for 0.5 s each 15 s (facts, notice tone; Federal Standard 1037, Japan's tone tables)."""

from __future__ import annotations

import numpy as np

from tsuwaroku.notice.level import Pcm, to_rms

BEEP_HZ = 1400.0  # +-1.5 %
BEEP_S = 0.5
BEEP_NS = 500_000_000
BEEP_DBM0 = -19.0  # facts: about -20 to -18 dBm
EDGE_S = 0.010  # without it the tone's ends click across the whole band


def beep(rate: int, *, level_dbm0: float = BEEP_DBM0) -> Pcm:
    """One tone at `rate` samples a second (8000 to 48000), S16; `level_dbm0` holds between the ramped edges."""
    count = round(rate * BEEP_S)
    tone = np.sin(2 * np.pi * BEEP_HZ / rate * np.arange(count)) * to_rms(level_dbm0) * np.sqrt(2)
    edge = round(rate * EDGE_S)
    ramp = (1 - np.cos(np.pi * (np.arange(edge) + 0.5) / edge)) / 2
    tone[:edge] *= ramp
    tone[-edge:] *= ramp[::-1]
    pcm: Pcm = np.rint(tone).astype(np.int16)
    return pcm
