"""Call progress: the exchange's 400 Hz by its rhythm.

A block of 20 ms is a tone's where nearly all of its energy lies around 400 Hz. Runs of such blocks count only if their
frequency keeps still (it is measured by the phase from block to block): no voice does that. Runs and pauses then have
to fit a rhythm of the table, `cadence.py`, and are named there.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.signalling.cadence import Cadences, Run, Tone, ToneNamed, ToneOver, ToneParameters
from tsuwaroku.signalling.filters import RATE, Floats, Stream

_BLOCK: Final = 160  # 20 ms: eight cycles of 400 Hz, so each block of the steady tone has the same phase
_BLOCK_S: Final = _BLOCK / RATE
_MEAN: Final = np.full(_BLOCK, 1 / _BLOCK, dtype=np.float32)
_HUM: Final = (0.0, 50.0, 100.0, 150.0)
_FULL: Final = 32767.0 / 10 ** (3.14 / 20)  # the peak of a sine of 0 dBm0
# The zeros of a modulation of 15 Hz are no longer than this many blocks below the tone's power.
_DIP: Final = 2
# The power of a run is that of this many of its last blocks, several cycles of a modulation.
_RECENT: Final = 16
# A shorter run, its first and last block apart, is no tone of any kind.
_LEAST: Final = 2
# The phase tells a frequency up to whole 50 Hz; within 6 % of the tone, this share lies in the middle correlation.
_MIDDLE: Final = 0.45
_KEPT: Final = 128
_LOOK_S: Final = 0.5


class _Block(msgspec.Struct, frozen=True, gc=False):
    """20 ms: mean squares of what lies around the tone and of all but hum, and the tone's phase."""

    at: int
    narrow: float
    rest: float
    wave: complex


class _Open(msgspec.Struct):
    """A run of tone blocks that is not over: the first, the last _KEPT, their number, and those since that are none."""

    first: _Block
    blocks: list[_Block]
    count: int = 0
    dips: list[_Block] = []
    power: float = 0.0  # of the last few
    began: float = 0.0  # of the first few
    looks: int = 0  # at a run that goes on and on


class ToneDetector:
    """Samples of one line in, tones out. Never raises, whatever the sound."""

    def __init__(self, rate: int = RATE, parameters: ToneParameters | None = None) -> None:
        self._p = parameters or ToneParameters()
        self._stream = Stream(rate, _BLOCK)
        self._step = self._stream.step
        self._cadences = Cadences(self._p, RATE * self._step)
        self._basis = _basis(self._p.hertz)
        self._floor = float((_FULL * 10 ** (self._p.floor_dbm0 / 20)) ** 2 / 2)
        self._run: _Open | None = None

    @property
    def expected(self) -> Tone | None:
        """The tone whose rhythm is so far heard once, and too little of it to be named."""
        return self._cadences.expected

    @property
    def held_blocks(self) -> int:
        """Blocks kept of a run that is not over; there is a limit to them."""
        return len(self._run.blocks) + len(self._run.dips) if self._run else 0

    def feed(self, first_sample: int, pcm: NDArray[np.int16]) -> list[ToneNamed | ToneOver]:
        """Samples at the line's rate from `first_sample` on. A position that was not expected is a loss."""
        out: list[ToneNamed | ToneOver] = []
        if not self._stream.follows(first_sample):
            expected = self._stream.next or 0
            out += self.lost(expected, max(first_sample - expected, 0))
        at, samples = self._stream.feed(first_sample, pcm)
        if not samples.size:
            return out
        blocks = samples.reshape(-1, _BLOCK)
        parts = self._basis @ blocks.T
        squares = parts * parts
        narrow = np.add.reduce(squares[:6])
        rest = (blocks * blocks) @ _MEAN - np.add.reduce(squares[6:])
        tone = narrow > self._p.share * rest
        if self._run is None and not self._cadences.busy and not np.logical_or.reduce(tone):
            return out + self._cadences.idle(at + samples.size * self._step)
        waves = parts[2] - 1j * parts[3]
        for number, (is_tone, power, other, wave) in enumerate(
            zip(tone.tolist(), narrow.tolist(), rest.tolist(), waves.tolist(), strict=True)
        ):
            block = _Block(at + number * _BLOCK * self._step, power, other, wave)
            self._take(block, is_tone and power > self._floor, out)
        return out

    def lost(self, first_sample: int, samples: int) -> list[ToneNamed | ToneOver]:
        """A gap, or what is not to be listened to: rhythms do not go on across it, and a named tone is over."""
        self._stream.restart()
        self._run = None
        return self._cadences.lost()

    def _take(self, block: _Block, is_tone: bool, out: list[ToneNamed | ToneOver]) -> None:
        run = self._run
        if run is None:
            if is_tone:
                self._run = _Open(block, [])
                self._grow(self._run, [block])
            else:
                out += self._cadences.pause(block.at + _BLOCK * self._step, self._quiet(block))
            return
        if is_tone or self._under_speech(run, block):
            self._grow(run, [*run.dips, block])
            run.dips = []
            self._steady(run, out)
            return
        run.dips.append(block)
        if len(run.dips) > _DIP:
            self._end(run, out)

    def _grow(self, run: _Open, more: list[_Block]) -> None:
        run.blocks += more
        run.count += len(more)
        recent = run.blocks[-_RECENT:]
        run.power = sum(one.narrow for one in recent) / len(recent)
        if run.count <= _RECENT:
            run.began = run.power
        del run.blocks[:-_KEPT]

    def _under_speech(self, run: _Open, block: _Block) -> bool:
        """Whether a run goes on in a block in which somebody speaks too."""
        return len(run.blocks) > _DIP and 0.4 * run.power < block.narrow < 2.5 * run.power

    def _quiet(self, block: _Block) -> bool:
        """Whether a pause has nothing in it, beside the tone that was before."""
        power = self._cadences.power
        return block.rest < max(power / 4, self._floor) and block.narrow < max(power / 8, self._floor)

    def _steady(self, run: _Open, out: list[ToneNamed | ToneOver]) -> None:
        """A run that goes on and on is looked at every half second."""
        length = run.count * _BLOCK_S
        looks = int((length - self._p.continuous_s) / _LOOK_S) + 1 if length >= self._p.continuous_s else 0
        if looks <= run.looks:
            return
        run.looks = looks
        measured = self._measured(run, run.blocks[-round(self._p.continuous_s / _BLOCK_S) :])
        if measured is None:
            out += self._cadences.unsteady()
        else:
            out += self._cadences.continuous(measured, length, 10 * math.log10(run.power / run.began))

    def _end(self, run: _Open, out: list[ToneNamed | ToneOver]) -> None:
        """The run is over; its last blocks, the dips, begin the pause."""
        self._run = None
        measured = self._measured(run, run.blocks)
        out += self._cadences.run(measured, run.blocks[-1].at + _BLOCK * self._step)
        for number, block in enumerate(run.dips):
            # The first still has the end of the tone in it.
            out += self._cadences.pause(block.at + _BLOCK * self._step, number == 0 or self._quiet(block))

    def _measured(self, run: _Open, blocks: Sequence[_Block]) -> Run | None:
        """What a run, or its end, was; None where it was no steady tone."""
        inner = blocks[1:-1]
        if len(inner) < _LEAST:
            return None
        power = sum(one.narrow for one in inner) / len(inner)
        spread = math.sqrt(sum((one.narrow - power) ** 2 for one in inner) / len(inner))
        modulated = spread > self._p.modulation * power
        hertz = self._frequency(inner, 0.3 * power, self._p.coherence[modulated])
        if hertz is None or abs(hertz / self._p.hertz - 1) > self._p.hertz_off:
            return None
        if sum(abs(one.wave) ** 2 for one in inner) < _MIDDLE * power * len(inner):
            return None
        purity = power * len(inner) / sum(one.rest for one in inner) / _caught((hertz - self._p.hertz) * _BLOCK_S)
        whole = _BLOCK * self._step
        start, end = run.first.at, run.blocks[-1].at + whole
        if not modulated:  # the first block and the last are the tone's by the part that their power tells
            start += round((1 - min(run.first.narrow / power, 1.0)) * whole)
            end -= round((1 - min(run.blocks[-1].narrow / power, 1.0)) * whole)
        return Run(start, end, hertz, power, modulated, purity)

    def _frequency(self, blocks: Sequence[_Block], least: float, coherence: float) -> float | None:
        """The frequency by the phase from block to block, where it stands still; not in the zeros of a modulation."""
        sure = [(number, one.wave) for number, one in enumerate(blocks) if one.narrow >= least]
        pairs = [b * a.conjugate() for (n, a), (m, b) in pairwise(sure) if m == n + 1]
        if not pairs:
            return None
        turn = cmath.phase(sum(pairs))
        still = [(number, wave * cmath.exp(-1j * turn * number)) for number, wave in sure]
        phases = [0.0]
        for (_, a), (_, b) in pairwise(still):
            phases.append(phases[-1] + cmath.phase(b * a.conjugate()))
        middle = sum(number for number, _ in still) / len(still)
        lean = sum((number - middle) * phase for (number, _), phase in zip(still, phases, strict=True))
        lean /= max(sum((number - middle) ** 2 for number, _ in still), 1.0)
        total = sum(wave * cmath.exp(-1j * lean * number) for number, wave in still)
        if abs(total) < coherence * sum(abs(wave) for _, wave in still):
            return None
        return self._p.hertz + (turn + lean) / (2 * math.pi) / _BLOCK_S


def _caught(off: float) -> float:
    """What share of a sine `off` bins beside the tone the three correlations catch."""
    return sum(_sinc(off - n) ** 2 for n in (-1, 0, 1))


def _sinc(x: float) -> float:
    return 1.0 if abs(x) < 1e-9 else math.sin(math.pi * x) / (math.pi * x)


def _basis(hertz: float) -> Floats:
    """Correlations with the tone and 50 Hz beside it, then with hum, so that squares are mean squares."""
    t = np.arange(_BLOCK) * (2 * np.pi / RATE)
    rows: list[NDArray[np.float64]] = []
    for at in (hertz - 50, hertz, hertz + 50, *_HUM):
        scale = 1 / _BLOCK if at == 0 else math.sqrt(2) / _BLOCK
        rows += [scale * np.cos(at * t), scale * np.sin(at * t)]
    return np.stack(rows).astype(np.float32)
