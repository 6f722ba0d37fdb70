"""Where in a line's sound is FSK? A gate that costs next to nothing while there is none, and the stretches it finds.

Two looks at each 20 ms, the second only where the first says so. First, two sums: two samples apart, tones of 1200 to
2200 Hz are in opposite phase, and what speech consists of mostly is not. Second, a spectrum: at least three quarters of
the power lies between 1000 and 2500 Hz, and it is not too faint. A burst is half a second and more, so three such
looks in 320 ms open the gate; what is in front of it and behind it is kept, too.

Pure: no clock, no disk, no thread. Nothing raises, whatever the sound.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from tsuwaroku.errors import ConfigError

Pcm = npt.NDArray[np.int16]

RATE = 8000  # the gate's; a card's rate is a multiple of it
BLOCK = 2560  # samples at RATE that are looked at in one go
ROW = 160  # of them, 20 ms, for a look
ROWS = BLOCK // ROW
LAG = 2  # samples
# Of the power; -0.31 to -0.45 in mark, -0.95 to -0.99 in space, below -0.5 in octets, and mostly above in speech.
OPPOSITE = -0.5
PURE = 0.75  # of the power above 350 Hz lies in the band; in white noise 0.4, at 8 dB over such noise 0.93
MAYBE = 2  # first looks of a block that make the second worth while
OPEN = 3  # second looks of a block, or of two across their border, that open the gate
ENOUGH = 5  # in a stretch that is worth reading: the shortest frame takes 0.12 s with its mark
QUIET = 5  # looks at the end of a block without any: the burst is over
FLOOR_DBM0 = -50.0  # in the band
LONGEST = 14  # blocks of one stretch: 4.5 s. More would take long to read in one go; a frame of 255 octets takes 2.2 s
KEPT = 9  # of them are kept where the stretch goes on: a frame begun in these 2.9 s is whole in the next

# Power of one row: the square sum of a sine of FLOOR_DBM0 (+3.14 dBm0 fills S16).
_FLOOR = ROW * (32768.0 * 10 ** ((FLOOR_DBM0 - 3.14) / 20)) ** 2 / 2
_WINDOW = np.hanning(ROW).astype(np.float32)
_ONES = np.ones(ROW, np.float32)
# Of a spectrum's lines, 50 Hz apart; and the window and the one-sided spectrum in the power.
_BAND, _ALL = slice(20, 51), slice(7, None)
_SCALE = 2.0 / float(np.square(_WINDOW).sum())


Looks = npt.NDArray[np.bool_]
_NONE: Looks = np.zeros(ROWS, np.bool_)


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """Sound in which there may be FSK. `first_sample` is the stream's, `pcm` at the line's own rate.

    `again`: it goes on in the next stretch, which begins with this one's last samples, as many.
    """

    first_sample: int
    pcm: Pcm
    again: int = 0


class FskGate:
    """Sound in, stretches out. What is held is bounded by LONGEST blocks."""

    def __init__(self, rate: int) -> None:
        """`rate`: samples per second. Raises ConfigError for one that is no multiple of 8000."""
        if rate <= 0 or rate % RATE:
            raise ConfigError(
                f"rate = {rate} cannot be searched for caller ID",
                where="board",
                remedy="set rate to 8000, 16000 or another multiple of 8000",
            )
        self._step = rate // RATE
        self._size = BLOCK * self._step
        self._next: int | None = None  # the stream's sample after the last one fed
        self._waiting: list[Pcm] = []
        self._waiting_samples = 0
        self._before: Pcm | None = None  # the block before, while the gate is closed
        self._at_end = 0  # looks at its end that were FSK
        self._held: list[Pcm] = []  # the stretch, while it is open
        self._seen = 0  # looks in it, and just before it, that were FSK

    @property
    def open(self) -> bool:
        """There may be FSK in what came last."""
        return bool(self._held)

    def feed(self, first_sample: int, pcm: Pcm) -> list[Stretch]:
        """Sound from the stream's `first_sample` on. Returns the stretches that are complete by it."""
        found = [] if self._next in (None, first_sample) else self._cut()
        self._next = first_sample + len(pcm)
        self._waiting.append(pcm)
        self._waiting_samples += len(pcm)
        if self._waiting_samples < self._size:
            return found
        joined = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        whole = len(joined) - len(joined) % self._size
        for at in range(0, whole, self._size):
            found += self._block(joined[at : at + self._size], self._next - len(joined) + at + self._size)
        self._waiting, self._waiting_samples = [], 0
        if whole < len(joined):
            self._waiting, self._waiting_samples = [joined[whole:].copy()], len(joined) - whole
        return found

    def lost(self, first_sample: int, samples: int) -> list[Stretch]:
        """`samples` from `first_sample` on are missing: what came before is all there is of its stretch."""
        found = self._cut()
        self._next = first_sample + max(0, samples)
        return found

    def flush(self) -> list[Stretch]:
        """Nothing more comes, or nobody wants it."""
        return self._cut()

    def _cut(self) -> list[Stretch]:
        tail, end = self._waiting, self._next or 0
        found: list[Stretch] = []
        if tail:
            # A block that is not full is looked at as if silence followed.
            last = np.concatenate(tail)
            found = self._block(np.pad(last, (0, self._size - len(last))), end + self._size - len(last))
        if self._held:
            found.append(self._stretch(end + (self._size - self._waiting_samples if tail else 0)))
        self._waiting, self._waiting_samples = [], 0
        self._before, self._held, self._at_end = None, [], 0
        return found

    def _block(self, block: Pcm, end: int) -> list[Stretch]:
        looks = _looks(block[:: self._step], sure=bool(self._held))
        if not self._held:
            if looks is _NONE:  # nearly always
                self._before, self._at_end = block, 0
                return []
            at_end, self._at_end = self._at_end, _run(looks[::-1])
            if np.count_nonzero(looks) < OPEN and at_end + _run(looks) < OPEN:
                self._before = block
                return []
            self._held = [] if self._before is None else [self._before]
            self._seen = at_end
        self._held.append(block)
        self._seen += int(np.count_nonzero(looks))
        if not looks[-QUIET:].any():
            over = [self._stretch(end)] if self._seen >= ENOUGH else []
            self._held, self._before, self._at_end = [], block, 0
            return over
        if len(self._held) >= LONGEST:
            done = self._stretch(end, again=KEPT * self._size)
            del self._held[:-KEPT]
            return [done]
        return []

    def _stretch(self, end: int, again: int = 0) -> Stretch:
        pcm = np.concatenate(self._held)
        return Stretch(end - len(pcm), pcm, again)


def _looks(block: Pcm, *, sure: bool) -> Looks:
    """Which rows of a block may be FSK. `sure`: the first look is not needed."""
    x = block.astype(np.float32)
    if not sure and not _worth_while(x):
        return _NONE
    spectrum = np.fft.rfft(x.reshape(ROWS, ROW) * _WINDOW)
    lines = np.square(spectrum.real) + np.square(spectrum.imag)
    band, total = lines[:, _BAND].sum(1), lines[:, _ALL].sum(1)
    looks: Looks = (band >= PURE * total) & (band * _SCALE > _FLOOR)
    return looks


def _worth_while(x: npt.NDArray[np.float32]) -> bool:
    if np.dot(x, x) < MAYBE * _FLOOR:
        return False
    apart = x[LAG:-LAG] - x[: -2 * LAG]  # 50 Hz is 28 dB down in it
    later = x[2 * LAG :] - x[LAG:-LAG]
    used = (ROWS - 1) * ROW
    power = np.square(apart[:used]).reshape(-1, ROW) @ _ONES
    sums = (apart[:used] * later[:used]).reshape(-1, ROW) @ _ONES
    first = (sums < OPPOSITE * power) & (power > _FLOOR)
    return int(np.count_nonzero(first)) >= MAYBE


def _run(looks: Looks) -> int:
    """How many from the first on are true."""
    return ROWS if looks.all() else int(np.argmin(looks))
