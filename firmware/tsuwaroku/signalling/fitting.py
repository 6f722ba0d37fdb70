"""Sines in a short stretch of sound: frequencies by a spectrum, amplitudes by least squares, and edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.signalling.filters import RATE

_HUM: Final = (0.0, 50.0, 60.0, 100.0, 120.0)  # Hz
_STEP: Final = 20  # edges are looked for in steps of 2.5 ms,
_SPAN: Final = 2  # by the power of 5 ms, longer than any beat of the two tones
FFT: Final = 2048
HERTZ: Final = RATE / FFT


def peak_hz(spectrum: NDArray[np.float64], band: slice) -> float:
    """The frequency of the highest line in a band, between the bins."""
    at = int(np.argmax(spectrum[band])) + int(band.start)
    left, top, right = (math.log(float(spectrum[at + n]) + 1e-9) for n in (-1, 0, 1))
    bend = left - 2 * top + right
    # No line at all, only a slope at the band's end, has its top outside.
    aside = 0.5 * (left - right) / bend if bend < -1e-12 else 0.0
    return (at + min(max(aside, -0.5), 0.5)) * HERTZ


def energy_near(spectrum: NDArray[np.float64], hertz: float, width: float) -> float:
    """Of the bins up to `width` beside a frequency."""
    first, last = max(round((hertz - width) / HERTZ), 0), round((hertz + width) / HERTZ)
    total: float = np.add.reduce(spectrum[first : last + 1]).item()
    return total


def sines(hertz: Sequence[float], size: int) -> NDArray[np.float64]:
    """A cosine and a sine of each frequency, column by column. Real: OpenBLAS wakes threads for small complex products,
    and their waiting costs more than all the rest.
    """
    angles = np.outer(np.arange(size), np.array(hertz) * (2 * np.pi / RATE))
    waves = np.empty((size, 2 * len(hertz)))
    waves[:, ::2], waves[:, 1::2] = np.cos(angles), np.sin(angles)
    return waves


def fitted(sound: NDArray[np.float64], waves: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of each wave comes nearest to the sound, by weighted least squares."""
    weighted = waves * weights[:, None]
    gram = weighted.T @ waves
    gram[np.diag_indices_from(gram)] += 1e-9 * (np.trace(gram) + 1.0)
    return np.linalg.solve(gram, weighted.T @ sound).astype(np.float64, copy=False)


def hum_in(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """An offset, mains of either frequency, and its second harmonic."""
    waves = sines(_HUM, sound.size)
    hum: NDArray[np.float64] = waves @ fitted(sound, waves, np.ones(sound.size))
    return hum


def edges_of(sound: NDArray[np.float64], least: float, middle: int) -> tuple[int, int] | None:
    """From where to where, around the middle, the power of 5 ms is at least `least`."""
    steps = sound.size // _STEP
    powers = (sound[: steps * _STEP].reshape(steps, _STEP) ** 2).mean(axis=1)
    smooth = np.convolve(powers, np.full(_SPAN, 1 / _SPAN), "valid")  # entry n is centred on sample (n + 1) _STEP
    on = (smooth >= least).tolist()
    at = min(max(middle // _STEP - 1, 0), len(on) - 1)
    if not on or not on[at]:
        return None
    first = last = at
    while first > 0 and on[first - 1]:
        first -= 1
    while last + 1 < len(on) and on[last + 1]:
        last += 1
    return (first + 1) * _STEP, (last + 1) * _STEP
