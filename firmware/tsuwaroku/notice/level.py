"""Levels of what we send, in dBm0: a full-scale sine of 16 bits is +3.14 dBm0 (ITU-T G.711, table for A-law)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

FULL_SCALE_DBM0 = 3.14
MEAN_MAX_DBM0 = -8.0  # facts, notice tone and announcement: the legal send mean is <= -8 dBm
PEAK_MAX_DBM0 = -3.0  # same place: peak limit
QUIET_BELOW_TARGET_DB = 10.0  # -25 dBm0 at the usual target of -15
SHORTEST_S = 1.0
LONGEST_S = 15.0
NOTHING_DBM0 = -120.0  # what silence is given: below one step of 16 bits
_FRAME_S = 0.020
_MARGIN_DB = 15.9  # ITU-T P.56: what is further below the active level than this is not speech
_CLIPPED_RUN = 3  # so many neighbouring samples at the end of the scale are a clipped peak


def of_rms(rms: float) -> float:
    """dBm0 of a signal whose root mean square is `rms` steps of 16 bits."""
    return max(20 * math.log10(max(rms, 1e-9) * math.sqrt(2) / 32768) + FULL_SCALE_DBM0, NOTHING_DBM0)


def to_rms(dbm0: float) -> float:
    """The root mean square, in steps of 16 bits, of a signal of that level."""
    return 32768 / math.sqrt(2) * 10 ** ((dbm0 - FULL_SCALE_DBM0) / 20)


def peak(pcm: Pcm) -> float:
    """dBm0 of the sine that would reach as high as the highest sample."""
    return of_rms(float(np.abs(pcm.astype(np.int32)).max(initial=0)) / math.sqrt(2))


def speech_mean(pcm: Pcm, rate: int) -> float:
    """Mean level in dBm0 over the 20 ms frames with speech in them, pauses left out.

    A frame is speech if it is at most 15.9 dB below the result (the margin of ITU-T P.56; its envelope
    detector is not needed for a clean recording). -120 for silence or less than one frame.
    """
    size = round(rate * _FRAME_S)
    frames = pcm[: len(pcm) // size * size].astype(np.float64).reshape(-1, size)
    powers = np.sort((frames**2).mean(axis=1))[::-1]
    if not len(powers) or powers[0] < 1e-6:
        return NOTHING_DBM0
    # Loudest first: the mean falls as quieter frames join, so the frames that belong are a prefix.
    means = np.cumsum(powers) / np.arange(1, len(powers) + 1)
    inside = powers >= means * 10 ** (-_MARGIN_DB / 10)
    count = len(powers) if inside.all() else int(np.argmin(inside))
    return of_rms(math.sqrt(means[count - 1]))


def is_clipped(pcm: Pcm) -> bool:
    """Whether three samples in a row stand at the end of the scale."""
    full = ((pcm == 32767) | (pcm == -32768)).astype(np.int8)
    return bool((np.convolve(full, np.ones(_CLIPPED_RUN, dtype=np.int8), "valid") == _CLIPPED_RUN).any())


def check_level(pcm: Pcm, rate: int, target: float = -15.0, *, line_rate: int | None = None) -> list[str]:
    """What speaks against sending this recording, in words; an empty list if nothing does.

    `rate` is the recording's, `line_rate` the line's (None: any will do), `target` the configured mean in dBm0.
    """
    problems = []
    if line_rate is not None and rate != line_rate:
        problems.append(f"its rate is {rate} Hz, the line's is {line_rate} Hz")
    seconds = len(pcm) / rate
    if seconds < SHORTEST_S:
        problems.append(f"it lasts {seconds:.1f} s, less than {SHORTEST_S:.0f} s")
    if seconds > LONGEST_S:
        problems.append(f"it lasts {seconds:.1f} s, more than {LONGEST_S:.0f} s")
    mean, high = speech_mean(pcm, rate), peak(pcm)
    if mean > MEAN_MAX_DBM0:
        problems.append(f"too loud: mean {mean:.1f} dBm0, at most {MEAN_MAX_DBM0:.0f} is allowed")
    if mean < target - QUIET_BELOW_TARGET_DB:
        problems.append(f"too quiet: mean {mean:.1f} dBm0, at least {target - QUIET_BELOW_TARGET_DB:.0f} is needed")
    if high > PEAK_MAX_DBM0:
        problems.append(f"peaks reach {high:.1f} dBm0, at most {PEAK_MAX_DBM0:.0f} is allowed")
    if len(pcm) >= _CLIPPED_RUN and is_clipped(pcm):
        problems.append("it is clipped")
    return problems
