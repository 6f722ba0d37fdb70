"""DTMF: candidates by a few products of matrices, each straightened and then judged by libspandsp2.

The library alone, with the parameters of the facts, is not enough: at ±1.5 % of frequency with the high tone 5 dB over
the low one, both legal, it hears less than half of the keys (its blocks of 102 samples are too narrow for 1633 Hz
± 24), and hardly any under a dial tone. So a stretch that may be a key is measured here first: frequencies, edges,
levels. A dial tone and hum are taken out, both tones are moved to where the library expects them, and what remains of
the sound, noise and voices, is left as it was for the library to judge. That also keeps it from nearly all of the
talk, and its cost.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.signalling.filters import RATE, Floats, Stream
from tsuwaroku.signalling.fitting import FFT, HERTZ, edges_of, energy_near, fitted, hum_in, peak_hz, sines
from tsuwaroku.signalling.spandsp import BLOCK, Receiver

ROWS: Final = (697.0, 770.0, 852.0, 941.0)
COLUMNS: Final = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS: Final = "123A456B789C*0#D"

_HUM_MATTERS: Final = 0.02
_HOP: Final = 80  # 10 ms
_WINDOW: Final = 160  # a pause of 30 ms holds one whole, a tone of 40 ms two
_HEAD: Final = 960  # a key held longer is judged by this much of it
_MARGIN: Final = 160
_MEAN: Final = np.full(_WINDOW, 1 / _WINDOW, dtype=np.float32)
_TONES: Final = slice(0, 4)  # of the waves fitted: a cosine and a sine of each of the two tones,
_DIAL: Final = slice(4, 6)  # and of the dial tone
_PAIRS: Final = 14  # correlations of a window, each a cosine and a sine
_ABOVE_HUM: Final = round(200 / HERTZ)
_ROW_BAND: Final = slice(round(660 / HERTZ), round(990 / HERTZ))
_COLUMN_BAND: Final = slice(round(1150 / HERTZ), round(1710 / HERTZ))
_FULL: Final = 32767.0 / 10 ** (3.14 / 20)  # the peak of a sine of 0 dBm0


class DtmfParameters(msgspec.Struct, frozen=True):
    """Between what must be taken and what must be refused (facts: ITU-T Q.24) lies each limit."""

    dial_tone_hz: float = 400.0
    dial_tone_off: float = 0.05
    frequency_off: float = 0.025  # Q.24: take 1.5 %, refuse 3.5 %
    shortest_ms: float = 32.0  # Q.24: take 40 ms, refuse 23
    quiet_dbm0: float = -40.0  # of each tone
    twist_db: float = 9.0  # beyond this the library need not be asked
    # Least share of the two tones in the energy, dial tone and hum apart: of 20 ms, where a tone 1.5 % off is caught
    # by two thirds alone; of a key's spectrum; and of its sound, at frequencies that keep still.
    candidate: float = 0.4
    pure: float = 0.8
    still: float = 0.8


class Digit(msgspec.Struct, frozen=True, gc=False):
    """A key, one of 0-9*#ABCD. `first_sample` and `samples` are in the line's stream, edges good to 5 ms;
    `level_dbm0` is that of both tones together.
    """

    key: str
    first_sample: int
    samples: int
    level_dbm0: float


class _Heard(msgspec.Struct, frozen=True, gc=False):
    """A key found in a stretch, at 8 kHz positions of the stretch."""

    key: str
    start: int
    end: int
    level_dbm0: float


class DtmfDetector:
    """Samples of one line in, keys out, each when it is over. Never raises, whatever the sound."""

    def __init__(self, rate: int = RATE, parameters: DtmfParameters | None = None) -> None:
        """Raises BoardError where libspandsp2 is missing (`spandsp.check_library`)."""
        self._p = parameters or DtmfParameters()
        self._stream = Stream(rate, _HOP)
        self._receiver = Receiver()
        self._basis = _basis(self._p.dial_tone_hz)
        near = [self._p.dial_tone_hz * (1 + off) / HERTZ for off in (-self._p.dial_tone_off, self._p.dial_tone_off)]
        self._dial_band = slice(round(near[0]), round(near[1]) + 1)
        # Peak that a feed must reach, and power (mean square) that each tone must.
        self._quiet_peak = float(_FULL * 10 ** (self._p.quiet_dbm0 / 20))
        self._quiet_power = self._quiet_peak**2 / 2
        self._twist = 10 ** (self._p.twist_db / 10)
        self._after_gap: tuple[str, int] | None = None
        self._drop()

    def _drop(self) -> None:
        self._audio = np.zeros(0, dtype=np.float32)  # what may still be needed; it begins at `_at`
        self._at = 0
        self._seen = 0  # of it, where the next window begins
        self._open: int | None = None  # of it, where a row of candidate windows began
        self._last = 0  # and where the last of them ended
        self._held: Digit | None = None  # a key recognised in that row already

    @property
    def held_samples(self) -> int:
        """Samples kept for what is not decided yet: a quarter of a second at most."""
        return self._audio.size

    def feed(self, first_sample: int, pcm: NDArray[np.int16]) -> list[Digit]:
        """Samples at the line's rate from `first_sample` on. A position that was not expected is a loss."""
        digits: list[Digit] = []
        if not self._stream.follows(first_sample):
            expected = self._stream.next or 0
            digits += self.lost(expected, max(first_sample - expected, 0))
        at, samples = self._stream.feed(first_sample, pcm)
        if not samples.size:
            return digits
        if not self._audio.size:
            self._at = at
        self._audio = np.concatenate((self._audio, samples)) if self._audio.size else samples
        digits += self._look()
        self._forget()
        return digits

    def lost(self, first_sample: int, samples: int) -> list[Digit]:
        """A gap, or what is not to be listened to. A key that was already recognised ends at it, and where the same
        key sounds on right behind it, that is not a second one.
        """
        digits: list[Digit] = []
        held = self._held
        if held is None and self._open is not None:
            self._close(digits)
        elif held is not None:
            digits.append(self._until(held, self._at + self._last * self._stream.step))
        self._after_gap = None
        if digits and digits[-1].first_sample + digits[-1].samples + self._ms(40) >= first_sample:
            self._after_gap = (digits[-1].key, first_sample + samples + self._ms(40))
        self._stream.restart()
        self._drop()
        return digits

    def _ms(self, ms: int) -> int:
        """In samples of the line."""
        return ms * RATE * self._stream.step // 1000

    def _look(self) -> list[Digit]:
        """Take the windows that are complete now."""
        audio, seen = self._audio, self._seen
        count = (audio.size - seen - _WINDOW) // _HOP + 1
        if count <= 0:
            return []
        digits: list[Digit] = []
        self._seen = seen + count * _HOP
        part = audio[seen:]
        loud = max(float(part.max()), -float(part.min())) >= self._quiet_peak
        candidates = self._candidates(part, count) if loud else np.zeros(count, dtype=bool)
        if self._open is None and not candidates.any():
            return digits
        for number, candidate in enumerate(candidates.tolist()):
            begin = seen + number * _HOP
            if candidate:
                if self._open is None:
                    self._open, self._last = begin, begin + _WINDOW
                else:
                    self._last = begin + _WINDOW
                if self._held is None and self._last - self._open >= _HEAD:
                    self._hold(digits)
            elif self._open is not None:
                self._close(digits)
        return digits

    def _candidates(self, part: Floats, count: int) -> NDArray[np.bool_]:
        """Which windows of 20 ms, 10 ms apart, may lie in a key. This runs over all talk: it must stay cheap."""
        item = part.itemsize
        windows = np.ndarray((count, _WINDOW), np.float32, part, 0, (_HOP * item, item)).copy()
        parts = self._basis @ windows.T
        parts *= parts
        powers = parts[:_PAIRS] + parts[_PAIRS:]
        rows, columns = np.maximum.reduce(powers[:4]), np.maximum.reduce(powers[4:8])
        windows *= windows
        total = windows @ _MEAN - np.add.reduce(powers[8:])
        found: NDArray[np.bool_] = rows + columns > self._p.candidate * total
        if np.logical_or.reduce(found):
            floor = self._quiet_power / 4  # half of the window may be silent
            found &= (np.minimum(rows, columns) > floor) & (rows < 2 * self._twist * columns)
            found &= columns < 2 * self._twist * rows
        return found

    def _hold(self, digits: list[Digit]) -> None:
        """A long row of candidates: a key held down, or no key so far."""
        heard = self._judge(self._open or 0, self._last)
        if heard is None:
            self._open = self._last - _HEAD // 2
            return
        self._held = self._digit(heard)

    def _close(self, digits: list[Digit]) -> None:
        """The row of candidates is over."""
        held, begin, end = self._held, self._open, self._last
        self._open = self._held = None
        digit: Digit | None = None
        if held is not None:
            digit = self._until(held, self._at + (end - _HOP // 2) * self._stream.step)
        elif begin is not None and end - begin > _WINDOW and (heard := self._judge(begin, end)) is not None:
            digit = self._digit(heard)
        if digit is None:
            return
        after, self._after_gap = self._after_gap, None
        if after is None or after[0] != digit.key or digit.first_sample > after[1]:
            digits.append(digit)

    def _until(self, held: Digit, end: int) -> Digit:
        return Digit(held.key, held.first_sample, max(end - held.first_sample, held.samples), held.level_dbm0)

    def _digit(self, heard: _Heard) -> Digit:
        step = self._stream.step
        first = self._at + heard.start * step
        return Digit(heard.key, first, (heard.end - heard.start) * step, heard.level_dbm0)

    def _judge(self, begin: int, end: int) -> _Heard | None:
        """Is there a key in this stretch of the audio?"""
        stretch = self._audio[begin:end].astype(np.float64)
        window = np.hanning(stretch.size)
        spectrum = np.abs(np.fft.rfft(stretch * window, FFT)) ** 2
        row, column = peak_hz(spectrum, _ROW_BAND), peak_hz(spectrum, _COLUMN_BAND)
        key = self._key(row, column)
        if key is None or not self._two_tones(spectrum, row, column, stretch.size):
            return None
        origin = max(begin - _MARGIN, 0)
        sound = self._audio[origin : end + _MARGIN].astype(np.float64)
        if float(spectrum[:_ABOVE_HUM].sum()) > _HUM_MATTERS * float(spectrum.sum()):
            sound -= hum_in(sound)
        dial = peak_hz(spectrum, self._dial_band)
        return self._measure(key, (row, column, dial), sound, begin, origin, end)

    def _key(self, row: float, column: float) -> int | None:
        """The number in KEYS, if both frequencies are right."""
        r = min(range(4), key=lambda n: abs(ROWS[n] - row))
        c = min(range(4), key=lambda n: abs(COLUMNS[n] - column))
        off = max(abs(row / ROWS[r] - 1), abs(column / COLUMNS[c] - 1))
        return None if off > self._p.frequency_off else r * 4 + c

    def _two_tones(self, spectrum: NDArray[np.float64], row: float, column: float, size: int) -> bool:
        """Whether two lines and a dial tone are nearly all there is."""
        lobe = 2 * RATE / size  # half of the main lobe of Hann's window
        low, high = energy_near(spectrum, row, lobe), energy_near(spectrum, column, lobe)
        hertz, width = self._p.dial_tone_hz, lobe * 0.75
        rest = float(spectrum[_ABOVE_HUM:].sum()) - energy_near(spectrum, hertz, width)
        twist = self._twist
        return low + high >= self._p.pure * rest and low <= twist * high and high <= twist * low

    def _measure(
        self, key: int, hertz: tuple[float, float, float], sound: NDArray[np.float64], begin: int, origin: int, end: int
    ) -> _Heard | None:
        """Edges and levels by least squares; then the library's word. `sound` has a margin around the stretch."""
        waves = sines(hertz, sound.size)
        inner = slice(begin - origin, end - origin)
        weights = np.zeros(sound.size)
        weights[inner] = np.hanning(end - begin)
        fit = fitted(sound, waves, weights)
        clean = sound - waves[:, _DIAL] @ fit[_DIAL]
        if not self._still(clean - waves[:, _TONES] @ fit[_TONES], clean, weights):
            return None
        power = float(fit[_TONES] @ fit[_TONES]) / 2
        edges = edges_of(clean, power / 2, (begin + end) // 2 - origin)
        if edges is None or edges[1] - edges[0] < self._p.shortest_ms * RATE / 1000:
            return None
        first, last = edges
        on = slice(first, last)
        fit = fitted(sound[on], waves[on], np.ones(last - first))
        clean = sound[on] - waves[on, _DIAL] @ fit[_DIAL]
        rest = clean - waves[on, _TONES] @ fit[_TONES]
        low, high = (float(fit[n] ** 2 + fit[n + 1] ** 2) for n in (0, 2))
        if min(low, high) / 2 < self._quiet_power or not self._still(rest, clean, np.ones(last - first)):
            return None
        nominal = sines((ROWS[key // 4], COLUMNS[key % 4]), sound.size)[on]
        if not self._confirmed(KEYS[key], rest + nominal @ fit[_TONES]):
            return None
        return _Heard(KEYS[key], origin + first, origin + last, round(10 * math.log10((low + high) / _FULL**2), 1))

    def _still(self, rest: NDArray[np.float64], whole: NDArray[np.float64], weights: NDArray[np.float64]) -> bool:
        """Whether two sines of one frequency each leave little over. Voices glide."""
        return float(weights @ (rest * rest)) <= (1 - self._p.still) * float(weights @ (whole * whole))

    def _confirmed(self, key: str, sound: NDArray[np.float64]) -> bool:
        """Whether libspandsp2 hears this key in it, and no other."""
        self._receiver.reset()
        padded = np.zeros(sound.size + 3 * BLOCK)
        padded[: sound.size] = np.clip(np.rint(sound), -32768, 32767)
        heard = {change.key for change in self._receiver.feed(padded.astype(np.int16)) if change.key}
        return heard == {key}

    def _forget(self) -> None:
        """Keep what an open row, or the margin before the next, may need."""
        keep = self._seen if self._open is None else self._open
        if self._held is not None:
            keep = self._seen
        keep = max(keep - _MARGIN, 0)
        if not keep:
            return
        self._audio = self._audio[keep:].copy()
        self._at += keep * self._stream.step
        self._seen -= keep
        self._last = max(self._last - keep, 0)
        if self._open is not None:
            self._open = max(self._open - keep, 0)


def _basis(dial_hz: float) -> Floats:
    """Correlations with the eight tones, then with a dial tone's neighbourhood and hum: squares are mean squares."""
    t = np.arange(_WINDOW) * (2 * np.pi / RATE)
    hertz = (*ROWS, *COLUMNS, dial_hz - 50, dial_hz, dial_hz + 50, 0.0, 50.0, 100.0)
    scales = [(1.0 if f == 0 else math.sqrt(2)) / _WINDOW for f in hertz]
    waves = [scale * wave(f * t) for wave in (np.cos, np.sin) for scale, f in zip(scales, hertz, strict=True)]
    return np.stack(waves).astype(np.float32)
