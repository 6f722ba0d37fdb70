"""From a stretch of sound with FSK in it to octets: V.23 and Bell 202, 1200 bits a second, asynchronous.

The whole stretch is worked on at once, in the frequency domain: filtered to the band of the two tones (which takes out
hum), moved to zero and brought to 24 kHz, where a bit is 20 samples. A message is what follows a run of mark. The run
says which of the modulations it is, and how far off the sender's tones are. Two demodulators then read it:

- BLOCK: each octet as a whole. All 256 are tried against its ten bits, three bits at a time with the phase running on
  from bit to bit, as a modulator that is switched leaves it; the one that fits best wins. Start bits of a sender
  that pauses by whole bits lie on a grid, and where they do the grid says when each octet begins.
- BIT: each bit alone, the stronger of its two tones, and each octet from its own start bit on at the nominal speed. It
  knows nothing of phases and grids, and so needs no sender that keeps to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Phasors = npt.NDArray[np.complex128]
Decide = Callable[[Indices], tuple[int, float]]

BAUD = 1200
RATE = 24_000  # of the signal as it is looked at
BIT = RATE // BAUD
BITS = 10  # of an octet: start bit, eight, stop bit
CENTRE_HZ = 1700.0  # of the two tones, in both modulations
# A cosine from nothing to all, and back: hum and its harmonics are below, the tones' sidebands within.
BAND_HZ = (300.0, 700.0, 2800.0, 3400.0)
STEP_S = 0.32  # the transform is a multiple of this long: then CENTRE_HZ falls on one of its lines
PADDING_S = 0.02  # of silence behind the stretch, for the filter comes round from its end to its start

MARKS = 10  # bits of clear mark before a message; an exchange sends 20 and more
RUNS = 4  # are tried at most, the longest first: speech and fax carriers must not cost much
PAUSE = 20  # bits of mark end a message
BAD = 4  # octets in a row that are none end a message
CLEAR = 0.5  # of a bit's amplitude is the one tone: it is mark
MAX_OFF_HZ = 60.0  # a sender's tones are looked for within
SLACK = 7  # samples: a start edge found by its sign is moved by this at most, to where all ten bits fit
PRIOR = 0.01  # how much of the fit a start bit loses per sample² away from where the octet before puts it
POOR = 0.1  # margin below which an octet without a stop bit is none
SURE = 0.15  # margin of octets that may say how long a bit is
FEW = 8  # octets: fewer say nothing of a sender's clock
STEADY = 0.7  # how well start bits must fit a grid for it to be taken for the sender's
SPEED = 0.03  # a sender's clock is looked for within


class Tones(msgspec.Struct, frozen=True, gc=False):
    """Hz of a one (mark, and the idle line) and of a zero (space)."""

    mark: float
    space: float


V23 = Tones(1300.0, 2100.0)
BELL202 = Tones(1200.0, 2200.0)


class Octet(msgspec.Struct, frozen=True, gc=False):
    """One octet as it was received.

    `at_s`: when its start bit began, from the start of the stretch. `idle`: bits of mark before that, a stop bit not
    counted. `framed`: its stop bit was one. `margin`: how certain the least certain decision in it was, 0 to about 1.
    """

    value: int
    at_s: float
    idle: float
    framed: bool
    margin: float


class Message(msgspec.Struct, frozen=True, gc=False):
    """What follows a run of mark, as each demodulator reads it. `marks`: bits in the run."""

    tones: Tones
    marks: float
    block: list[Octet]
    bits: list[Octet]

    @property
    def readings(self) -> tuple[list[Octet], list[Octet]]:
        """The better one first."""
        return self.block, self.bits


def messages(samples: npt.NDArray[np.generic], rate: int, tones: Tones | None = None) -> list[Message]:
    """The messages in a stretch of sound, in order. `tones`: None takes those that the run of mark is nearer to."""
    whole = _baseband(samples, rate)
    seen = _Signal(whole, V23 if tones is None else tones, 0)
    longest = sorted(seen.runs(), key=lambda run: run[0] - run[1])[:RUNS]
    found: list[Message] = []
    over = 0
    for first, end in sorted(longest):
        if end <= over:
            continue  # a pause within the message before
        mark_hz = seen.mark_hz(first, end)
        nearest = min((V23, BELL202), key=lambda one: abs(one.mark - mark_hz)) if tones is None else tones
        off = min(max(mark_hz - nearest.mark, -MAX_OFF_HZ), MAX_OFF_HZ)
        signal = _Signal(whole[first:], Tones(nearest.mark + off, nearest.space + off), first)
        bits = signal.octets(BIT, None, signal.each_bit)
        if len(bits) >= 2:
            block = signal.block_octets(bits)
            last = max(reading[-1].at_s for reading in (bits, block) if reading)
            over = round(last * RATE) + BITS * BIT
            found.append(Message(nearest, (end - first) / BIT, block, bits))
    return found


class _Signal:
    """A stretch and what it is against two tones. Index i of the arrays is the bit whose first sample is i."""

    def __init__(self, whole: Phasors, tones: Tones, offset: int) -> None:
        self._tones = tones
        self._offset = offset  # of the first sample in the stretch as it was given
        power = _moving_sum(np.square(whole.real) + np.square(whole.imag))
        self._amplitude: Floats = np.sqrt(np.maximum(power, 0.0) * BIT) + 1e-9
        self._mark, self._space = (_with_tone(whole, hz) for hz in (tones.mark, tones.space))
        mark = np.abs(self._mark)
        self._soft: Floats = mark - np.abs(self._space)
        self._zeros = np.flatnonzero(self._soft < 0)
        self._unclear = np.flatnonzero((self._soft < 0) | (mark < CLEAR * self._amplitude))

    def runs(self) -> list[tuple[int, int]]:
        """Runs of clear mark that a message may follow: first sample, and first after it."""
        edges = np.concatenate(([-1], self._unclear, [len(self._soft)]))
        long = np.flatnonzero(np.diff(edges) > MARKS * BIT)
        return [(int(edges[at]) + 1, int(edges[at + 1]) + BIT // 2) for at in long]

    def mark_hz(self, first: int, end: int) -> float:
        """The frequency of a run of mark."""
        run = self._mark[first : end - BIT]
        turned = float(np.angle(np.vdot(run[:-BIT], run[BIT:])))
        nominal = 2 * np.pi * (self._tones.mark - CENTRE_HZ) / BAUD
        off = (turned - nominal + np.pi) % (2 * np.pi) - np.pi
        return self._tones.mark + off * BAUD / (2 * np.pi)

    def block_octets(self, bits: list[Octet]) -> list[Octet]:
        """The octets by BLOCK, from what BIT made of them."""
        grid = _grid(bits, self._offset)
        length = BIT if grid is None else grid[1]
        self._phases = _phases(self._tones, length)
        found = self.octets(length, PRIOR, self._each_block)
        grid = _grid(found, self._offset)
        if grid is None:
            return found
        first, length = grid
        self._phases = _phases(self._tones, length)
        starts = [one.at_s * RATE - self._offset for one in found]
        lines = [first + round((start - first) / length) * length for start in starts]
        return [self._octet(max(0.0, line), length, self._each_block) for line in lines]

    def octets(self, bit: float, prior: float | None, decide: Decide) -> list[Octet]:
        """The octets of the message that the stretch begins with."""
        found: list[Octet] = []
        bad = 0
        for start in self._starts(bit, prior):
            one = self._octet(start, bit, decide)
            if found and one.idle > PAUSE:
                break
            bad = 0 if one.framed and one.margin >= POOR else bad + 1
            found.append(one)
            if bad >= BAD:
                break
        return found[: len(found) - bad]

    def _octet(self, start: float, bit: float, decide: Decide) -> Octet:
        at = np.minimum(_bits_at(start, bit), len(self._soft) - 1)
        value, margin = decide(at)
        first = int(at[0])
        return Octet(value, (start + self._offset) / RATE, self._idle(first), bool(self._soft[at[-1]] > 0), margin)

    def _starts(self, bit: float, prior: float | None) -> Iterator[float]:
        """The first sample of each start bit that begins an octet."""
        at, end = 0, len(self._soft) - BITS * (BIT + 1) - SLACK
        expected: float | None = None
        while (edge := self._next_zero(at)) < end:
            # The window is half inside the start bit where its sum changes sign.
            start = self._settle(edge + BIT // 2, bit, expected, prior)
            if start < at - BIT // 2 or self._soft[round(start)] >= 0:
                at, expected = edge + 1, None  # a spike, not a start bit
                continue
            yield start
            # From the middle of the stop bit on; where that was none, the next start bit is where it should be.
            expected = start + BITS * bit
            stop = round(start + (BITS - 1) * bit)
            at = stop if self._soft[stop] > 0 else round(expected) - BIT // 2

    def _next_zero(self, at: int) -> int:
        found = int(np.searchsorted(self._zeros, at))
        return int(self._zeros[found]) if found < len(self._zeros) else len(self._soft)

    def _settle(self, start: int, bit: float, expected: float | None, prior: float | None) -> float:
        """The start bit's first sample near `start`: where its ten bits are clearest.

        Where octets follow one another by whole bits the one before says where this one should begin, which helps one
        that hardly changes, like 00.
        """
        tried = np.arange(max(0, start - SLACK), start + SLACK + 1)
        bits = self._soft[_bits_at(0, bit) + tried[:, None]]
        fit = np.abs(bits[:, 1:9]).sum(1) - bits[:, 0] + bits[:, 9]
        if prior is not None and expected is not None:
            expected += max(0, round((start - expected) / bit)) * bit
            if abs(start - expected) <= SLACK:
                fit -= prior * fit.max() * np.square(tried - expected)
                return (int(tried[int(np.argmax(fit))]) + expected) / 2
        return float(tried[int(np.argmax(fit))])

    def _idle(self, start: int) -> float:
        end = start - BIT  # later windows are partly in the start bit
        found = int(np.searchsorted(self._unclear, end))
        last = int(self._unclear[found - 1]) if found else -1
        return max(0, end - last) / BIT

    def each_bit(self, at: Indices) -> tuple[int, float]:
        """An octet by BIT."""
        soft = self._soft[at[1:9]]
        value = int(np.packbits(soft > 0, bitorder="little")[0])
        return value, float(np.min(np.abs(soft) / self._amplitude[at[1:9]]))

    def _each_block(self, at: Indices) -> tuple[int, float]:
        bits = np.stack((self._space[at], self._mark[at]))
        turned = np.zeros((256, BITS + 5), np.complex128)
        np.cumsum(self._phases * bits[_PATTERNS, np.arange(BITS)], axis=1, out=turned[:, 3:-2])
        turned[:, -2:] = turned[:, -3:-2]
        fit = np.abs(turned[:, 3:] - turned[:, :-3]).sum(1)
        best = int(np.argmax(fit))
        second = float(np.partition(fit, -2)[-2])
        return best, (float(fit[best]) - second) / float(self._amplitude[at].sum()) * BITS / 6


def _bits_at(start: float, bit: float) -> Indices:
    """The first samples of the ten bits of an octet."""
    at: Indices = np.rint(start + bit * np.arange(BITS)).astype(np.int64)
    return at


def _grid(octets: list[Octet], offset: int) -> tuple[float, float] | None:
    """A line of the grid that the start bits lie on, and its step: the length of a bit by the sender's clock.

    None where they lie on none: a sender that pauses for parts of a bit.
    """
    starts = np.array([one.at_s * RATE - offset for one in octets if one.margin >= SURE])
    if len(starts) < FEW:
        return None
    span = (starts[-1] - starts[0]) / BIT
    steps = round(2 * SPEED * span / 0.2 / 2) + 1  # at the far end of the message a step is 0.2 bits
    lengths = BIT * np.linspace(1 - SPEED, 1 + SPEED, 2 * steps + 1)
    sums = np.exp(2j * np.pi * starts / lengths[:, None]).sum(1)
    best = int(np.argmax(np.abs(sums)))
    if abs(sums[best]) < STEADY * len(starts):
        return None
    length = float(lengths[best])
    return float(np.angle(sums[best])) / (2 * np.pi) * length, length


def _phases(tones: Tones, bit: float) -> Phasors:
    """For each octet and bit, what turns the bit back by the phase that the bits before it have left."""
    hz = np.array([tones.space, tones.mark]) - CENTRE_HZ
    turn = (2 * np.pi * bit / RATE * hz)[_PATTERNS]
    phases: Phasors = np.exp(-1j * (np.cumsum(turn, axis=1) - turn))
    return phases


def _with_tone(whole: Phasors, hz: float) -> Phasors:
    """The sum over one bit from each sample on, against a tone whose phase is zero at its first sample."""
    phases: Phasors = np.exp(2j * np.pi * (hz - CENTRE_HZ) / RATE * np.arange(len(whole)))
    total = np.concatenate((np.zeros(1), np.cumsum(whole * phases.conj())))
    summed: Phasors = (total[BIT:] - total[:-BIT]) * phases[: len(whole) - BIT + 1]
    return summed


def _moving_sum(values: Floats) -> Floats:
    """Index i: the sum of the BIT values from i on."""
    total = np.concatenate((np.zeros(1), np.cumsum(values)))
    return total[BIT:] - total[:-BIT]


def _baseband(samples: npt.NDArray[np.generic], rate: int) -> Phasors:
    """The band of the two tones, moved down by CENTRE_HZ, at RATE."""
    seconds = STEP_S * (int((len(samples) / rate + PADDING_S) / STEP_S) + 1)
    spectrum = np.fft.rfft(samples.astype(np.float64), round(seconds * rate))
    low, high = (round(hz * seconds) for hz in (BAND_HZ[0], BAND_HZ[3]))
    hz = np.arange(low, high) / seconds
    rise = np.clip((hz - BAND_HZ[0]) / (BAND_HZ[1] - BAND_HZ[0]), 0, 1)
    fall = np.clip((BAND_HZ[3] - hz) / (BAND_HZ[3] - BAND_HZ[2]), 0, 1)
    moved = np.zeros(round(seconds * RATE), np.complex128)
    moved[np.arange(low, high) - round(CENTRE_HZ * seconds)] = (
        spectrum[low:high] * np.square(np.sin(np.pi / 2 * rise) * np.sin(np.pi / 2 * fall)) * (2 * RATE / rate)
    )
    whole: Phasors = np.fft.ifft(moved)[: round((len(samples) / rate + PADDING_S) * RATE)]
    return whole


def _patterns() -> Indices:
    """The ten bits of each octet: start bit, the octet from its lowest bit on, stop bit."""
    octets = np.arange(256)[:, None] >> np.arange(8) & 1
    return np.hstack((np.zeros((256, 1), np.int64), octets, np.ones((256, 1), np.int64)))


_PATTERNS = _patterns()
