"""Was what we played present on the pair? Judged from the captured audio alone, by correlation.

What lies over it (talkers up to 27 dB louder, hum, tones) is taken out first: in 32 ms frames the spectrum is divided
by its own envelope, so that no moment and no band outweighs the others (`_whiten`). What is left is correlated with
the reference; the score is the highest correlation within the search, in units of its rms elsewhere. Gain, polarity,
delay and the line's filter do not matter to it.

Measured with 400 random calls of each kind (the announcement at -15 dBm0 or the beep at -19, attenuated by 0-20 dB,
0-400 ms late, either polarity, random two-wire filters with an echo; over it one or two synthetic talkers at -20 to
-8 dBm0, mains hum in a third of the calls; noise -50 dBm0):

    | captured                     | announcement, 5.3 s: heard, score | beep: heard, score |
    |------------------------------|-----------------------------------|--------------------|
    | what was played              | 400, at least 21.7                | 400, at least 22.6 |
    | talkers only                 | 0, at most 5.8                    | 0, at most 10.3    |
    | another announcement, talk   | 0, at most 6.0                    | 0, at most 8.2     |
    | hum only                     | 0, at most 5.2                    | 0, at most 6.7     |
    | noise only                   | 0, at most 5.3                    | 0, at most 6.5     |
    | 2 s of it, 400 calls         | 400, at least 10.1                | -                  |
    | 100 ppm of drift, 100 calls  | 100, at least 9.2                 | -                  |

The beep's figures are the worse of two models of talkers. 8 s of audio cost 8 ms on a PC core. Human talkers and real
hybrids have not been measured.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from tsuwaroku.notice.beep import BEEP_HZ, BEEP_S
from tsuwaroku.notice.level import Pcm

Signal = npt.NDArray[np.float64]

SEARCH_S = 0.5
SHORTEST_S = 0.8
SURE_S = 2.0  # below this a low score proves nothing: at 0.8 s a third of what is there is missed
SPEECH_THRESHOLD = 8.0
BEEP_THRESHOLD = 15.0
STEADY_RATIO = 2.0  # 1400 Hz in the beep against 1400 Hz beside it, as power: a hum's 28th harmonic is always there
_RATE = 8000  # everything is judged in the telephone band
_BAND_HZ = (300.0, 3400.0)
_FRAME = 256  # 32 ms
_SMOOTH = 9  # bins, 280 Hz: keeps formants' envelope, not the pitch's harmonics
_FLOOR = 1e-4  # of the band's mean power: bands that hold nothing are not raised to the level of the others
_PEAK = 80  # samples beside the peak that belong to it: 10 ms, the line's ringing
_NEIGHBOURS_HZ = tuple(sign * float(hz) for hz in range(24, 201, 8) for sign in (-1, 1))


class Verdict(msgspec.Struct, frozen=True):
    """`heard` is None where it cannot be judged. `offset_s`: where it begins, from the start of what was captured."""

    heard: bool | None
    score: float
    offset_s: float | None


UNKNOWN = Verdict(None, 0.0, None)


def heard(captured: Pcm, reference: Pcm, rate: int, *, gap: bool = False) -> Verdict:
    """Whether the speech `reference` is in `captured`, both S16 at `rate` (8000 to 48000).

    `captured` runs from 0.5 s before the playback's nominal start to 0.5 s after its end: what it is longer than
    `reference` is what is searched. Cannot be judged with a `gap` in it, shorter than the reference, with a reference
    under 0.8 s, or with one under 2 s that was not found.
    """
    if gap or len(reference) < SHORTEST_S * rate or len(captured) < len(reference):
        return UNKNOWN
    found = _whiten(_telephone(captured, rate), 1.5)
    wanted = _whiten(_telephone(reference, rate), 0.5)
    score, lag = _highest(np.abs(_correlate(found, wanted)))
    if score < SPEECH_THRESHOLD and len(reference) < SURE_S * rate:
        return Verdict(None, round(score, 2), None)
    return _verdict(score >= SPEECH_THRESHOLD, score, lag)


def heard_beep(captured: Pcm, rate: int, *, gap: bool = False) -> Verdict:
    """Whether a beep is in `captured`, which runs from 0.5 s before its nominal start to 0.5 s after its end.

    The score is the power at 1400 Hz over half a second against that of neighbouring frequencies, times how far its
    phase holds through it (1: throughout; a voice's harmonic drifts). A tone that goes on outside the half second is
    no beep. `offset_s` is good to 0.15 s. Cannot be judged with a `gap`, or with less than 0.3 s beside the beep.
    """
    if gap or len(captured) < (BEEP_S + 0.3) * rate:
        return UNKNOWN
    signal = _whiten(_telephone(captured, rate), 1.0)
    size = round(BEEP_S * _RATE)
    tone = np.abs(_demodulate(signal, BEEP_HZ, size)) ** 2
    beside = [np.mean(np.abs(_demodulate(signal, BEEP_HZ + hz, size)) ** 2) for hz in _NEIGHBOURS_HZ]
    lag = int(tone.argmax())
    score = float(tone[lag] / max(float(np.mean(beside)), 1e-9)) * _coherence(signal, lag, size)
    steady = _steadiness(signal, lag, size)
    return _verdict(score >= BEEP_THRESHOLD and steady >= STEADY_RATIO, score, lag)


def _verdict(is_heard: bool, score: float, lag: int) -> Verdict:
    return Verdict(is_heard, round(score, 2), round(lag / _RATE, 4) if is_heard else None)


def _telephone(pcm: Pcm, rate: int) -> Signal:
    """At 8000 samples a second, by cutting the spectrum."""
    signal = pcm.astype(np.float64)
    if rate == _RATE:
        return signal
    signal = np.concatenate([signal, np.zeros(-len(signal) % (rate // 100))])
    count = len(signal) * _RATE // rate
    return np.fft.irfft(np.fft.rfft(signal)[: count // 2 + 1], count) * _RATE / rate


def _whiten(signal: Signal, power: float) -> Signal:
    """Each 32 ms frame's spectrum divided by its envelope to `power` (1: flat); 300-3400 Hz only."""
    hop = _FRAME // 2
    window = np.sqrt(np.hanning(_FRAME + 1)[:-1])
    padded = np.concatenate([np.zeros(hop), signal, np.zeros(_FRAME + -len(signal) % hop)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::hop] * window
    spectra = np.fft.rfft(frames, axis=1)
    powers = np.abs(spectra) ** 2
    hertz = np.fft.rfftfreq(_FRAME, 1 / _RATE)
    band = (hertz >= _BAND_HZ[0]) & (hertz <= _BAND_HZ[1])
    half = _SMOOTH // 2
    sums = np.cumsum(np.pad(powers, ((0, 0), (half + 1, half)), mode="edge"), axis=1)
    envelope = (sums[:, _SMOOTH:] - sums[:, :-_SMOOTH]) / _SMOOTH + float(powers[:, band].mean()) * _FLOOR + 1e-9
    pieces = np.fft.irfft(spectra * band / envelope ** (power / 2), axis=1) * window
    whole = np.zeros(hop * (len(pieces) + 1))
    for first in (0, 1):
        row = pieces[first::2].ravel()
        whole[first * hop : first * hop + len(row)] += row
    return whole[hop : hop + len(signal)]


def _correlate(long: Signal, short: Signal) -> Signal:
    """At every lag at which `short` lies inside `long`."""
    size = 1 << (len(long) + len(short)).bit_length()
    product = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    return np.fft.irfft(product, size)[: len(long) - len(short) + 1]


def _highest(strength: Signal) -> tuple[float, int]:
    """The highest value in units of the rms of all others, and where it is."""
    lag = int(strength.argmax())
    others = np.concatenate([strength[: max(lag - _PEAK, 0)], strength[lag + _PEAK + 1 :]])
    rest = float(np.sqrt(np.mean(others**2))) if len(others) else 0.0
    return (float(strength[lag]) / rest if rest > 0 else 0.0), lag


def _demodulate(signal: Signal, hz: float, size: int) -> npt.NDArray[np.complex128]:
    """The mean of `signal` turned down by `hz`, over each stretch of `size` samples."""
    turned = signal * np.exp(-2j * np.pi * hz / _RATE * np.arange(len(signal)))
    sums = np.concatenate([[0], np.cumsum(turned)])
    means: npt.NDArray[np.complex128] = (sums[size:] - sums[:-size]) / size
    return means


def _coherence(signal: Signal, lag: int, size: int) -> float:
    """Of the power at 1400 Hz in eighths of the beep, the part that adds up over the whole of it (0 to 1)."""
    parts = _demodulate(signal[lag : lag + size], BEEP_HZ, size // 8)[:: size // 8]
    total = len(parts) * float((np.abs(parts) ** 2).sum())
    return float(np.abs(parts.sum()) ** 2) / total if total > 0 else 0.0


def _steadiness(signal: Signal, lag: int, size: int) -> float:
    """Power at 1400 Hz, 50 ms at a time, within the beep against that before and after it."""
    step = _RATE // 20
    short = np.abs(_demodulate(signal, BEEP_HZ, step)) ** 2
    inside = short[lag + step // 2 : lag + size - step - step // 2]
    outside = np.concatenate([short[: max(lag - 2 * step, 0)], short[lag + size + step :]])
    return float(inside.mean() / max(float(outside.mean()), 1e-12)) if len(outside) else 0.0
