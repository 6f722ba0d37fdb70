"""A line's samples brought to 8 kHz, in whole blocks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE: Final = 8000
_OUT: Final = 32  # samples out of one row of the product


class Fir:
    """A linear-phase filter of odd length that keeps every `step`-th sample, with its memory of the past.

    What comes out is `delay` samples (of the input) late. It is a product of matrices, a few rows a feed: numpy's
    convolution costs several times as much.
    """

    def __init__(self, taps: Floats, step: int = 1) -> None:
        self.step = step
        self.delay = (taps.size - 1) // 2
        span = (_OUT - 1) * step + taps.size
        matrix = np.zeros((span, _OUT), dtype=np.float32)
        for column in range(_OUT):
            matrix[column * step : column * step + taps.size, column] = taps[::-1]
        self._matrix = matrix
        self._span = span
        self._past = np.zeros(taps.size - 1, dtype=np.float32)

    def reset(self) -> None:
        """As if there had been silence up to here."""
        self._past[:] = 0.0

    def feed(self, samples: Floats) -> Floats:
        """`samples` in a multiple of `step`; samples / step come out."""
        out, advance = samples.size // self.step, _OUT * self.step
        rows = -(-out // _OUT)
        held = self._past.size
        padded = np.zeros(max((rows - 1) * advance + self._span, held + samples.size), dtype=np.float32)
        padded[:held] = self._past
        padded[held : held + samples.size] = samples
        self._past = padded[samples.size : samples.size + held].copy()
        item = padded.itemsize
        windows = as_strided(padded, (rows, self._span), (advance * item, item), writeable=False)
        filtered: Floats = (np.ascontiguousarray(windows) @ self._matrix).reshape(-1)
        return filtered[:out]


def low_pass(step: int) -> Floats:
    """For one sample in `step`, down to RATE: 0.3 dB less at 3.4 kHz, 40 dB less from 4.6 kHz on."""
    taps = 32 * step + 1
    n = np.arange(taps) - (taps - 1) / 2
    shape = np.sinc(n / step) * np.kaiser(taps, 4.0)
    taps_out: Floats = (shape / shape.sum()).astype(np.float32)
    return taps_out


class Stream:
    """A line's stream of samples, brought to 8 kHz: pieces of any length in, whole blocks out.

    Positions count samples of the line at its own rate. A piece that does not follow on the last is a loss.
    """

    def __init__(self, rate: int, block: int) -> None:
        """`block`: samples at 8 kHz of which a multiple comes out."""
        if rate < RATE or rate % RATE:
            raise ValueError(f"a rate of {rate} is no multiple of {RATE}")
        self.step = rate // RATE
        self._block = block * self.step
        self._fir = Fir(low_pass(self.step), self.step) if self.step > 1 else None
        self._delay = self._fir.delay if self._fir else 0
        self._rest = np.zeros(0, dtype=np.float32)
        self.next: int | None = None

    def follows(self, first_sample: int) -> bool:
        """Whether a piece from there on joins what came before, or is the first of all."""
        return self.next is None or self.next == first_sample

    def feed(self, first_sample: int, pcm: NDArray[np.int16]) -> tuple[int, Floats]:
        """Position of the first sample out, and the samples. The caller has called `restart` after a loss."""
        samples = pcm.astype(np.float32)
        at = first_sample - self._rest.size
        if self._rest.size:
            samples = np.concatenate((self._rest, samples))
        whole = samples.size // self._block * self._block
        self._rest = samples[whole:]
        self.next = first_sample + pcm.size
        samples = samples[:whole]
        if self._fir is not None and whole:
            samples = self._fir.feed(samples)
        return at - self._delay, samples

    def restart(self) -> None:
        """What came before is not joined to what comes next."""
        self._rest = self._rest[:0]
        self.next = None
        if self._fir is not None:
            self._fir.reset()
