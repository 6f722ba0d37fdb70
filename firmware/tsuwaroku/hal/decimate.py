"""From the rate a card runs at to the rate that is recorded, an integer number of times lower.

For cards that cannot run at the recorded rate themselves: the codec of tsuwa2 and a Pi 4 agree at 48 kHz alone, and
8-channel converters begin there. The low-pass is libsamplerate's `sinc_medium`: measured from 48 to 8 kHz it is flat
within 0.01 dB to 3400 Hz, lets nothing above 4.1 kHz through (below −118 dB), delays by 5.6 ms and costs 0.35 % of an
x86's core for a line.
Output sample k of a run is taken at its input sample k × factor: the delay moves nothing in time.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.hal.framing import Block, CardItem, Hole

if TYPE_CHECKING:
    import samplerate

NS = 1_000_000_000
CONVERTER = "sinc_medium"
FULL_SCALE = 32768.0
# Zeros that bring the last samples of a run out of the filter, in output samples: its length is 45.
_TAIL = 64


def method(rate: int, factor: int) -> str:
    """What is done, for the log that whoever doubts a recording reads."""
    return f"{rate} Hz / {factor} by libsamplerate {CONVERTER} (samplerate {version('samplerate')})"


class Decimator:
    """One card's stream. A hole stays a hole: nothing is filtered across it, and positions go on behind it."""

    def __init__(self, rate: int, factor: int, channels: int) -> None:
        self._rate = rate
        self._factor = factor
        self._channels = channels
        from samplerate import Resampler  # most cards run at the recorded rate, and need none

        self._resampler = Resampler
        self._filter: samplerate.Resampler | None = None
        self._run = (0, 0)  # where the present run began, in samples of the card and in ours
        self._end = 0  # of what has come, in samples of the card
        self._next = 0  # the next sample to give, in ours

    def take(self, item: CardItem) -> list[CardItem]:
        """What an item of the card's becomes, in positions of the lower rate."""
        if isinstance(item, Block):
            return self._block(item)
        if isinstance(item, Hole):
            return self._hole(item)
        return [item]

    def _block(self, block: Block) -> list[CardItem]:
        if self._filter is None:
            self._filter = self._resampler(CONVERTER, channels=self._channels)
            self._run = block.first, self._next
        samples = np.frombuffer(block.pcm, dtype="<i2").astype(np.float32).reshape(-1, self._channels)
        self._end = block.first + block.samples
        return self._given(self._filtered(samples), block.first, block.mono_ns)

    def _hole(self, hole: Hole) -> list[CardItem]:
        given: list[CardItem] = []
        if self._filter is not None:
            zeros = np.zeros((_TAIL * self._factor, self._channels), dtype=np.float32)
            begun, at = self._run
            left = at + -(-(self._end - begun) // self._factor) - self._next
            given = self._given(self._filtered(zeros)[:left], hole.first, hole.mono_ns)
            self._filter = None
        first = self._next
        # The run behind it begins between two of our samples: at the later one.
        self._next = max(first + 1, -(-(hole.first + hole.samples) // self._factor))
        return [*given, Hole(first, hole.mono_ns, self._next - first, hole.reason)]

    def _filtered(self, samples: NDArray[np.float32]) -> NDArray[np.int16]:
        assert self._filter is not None
        out = np.asarray(self._filter.process(samples / FULL_SCALE, 1 / self._factor)).reshape(-1, self._channels)
        return np.clip(np.rint(out * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")

    def _given(self, out: NDArray[np.int16], first: int, mono_ns: int) -> list[CardItem]:
        """As a block, its time reckoned from that of the card's sample `first`."""
        if not len(out):
            return []
        begun, at = self._run
        place = begun + (self._next - at) * self._factor
        block = Block(self._next, mono_ns + (place - first) * NS // self._rate, len(out), out.tobytes())
        self._next += len(out)
        return [block]
