"""What a line's sound says about the line itself: a dead channel, hum, clipping, silence, one party far too low.

Fed with one second at a time. A second of an idle line costs its extremes and, now and then, one transform for hum.
What is found stands until the sound says otherwise: each fault resolves by itself. Pure.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.events import FRAME_MS
from tsuwaroku.signalling.spurts import Spurts


class Fault(enum.StrEnum):
    """Codes of the alarms."""

    DEAD = "channel_dead"
    SILENT = "line_silent"
    HUM = "hum"
    CLIPPING = "clipping"
    PARTY_LOW = "party_low"


class Limits(msgspec.Struct, frozen=True):
    """Where they come from is in GLOSSARY.md (sound of a line)."""

    dead_s: int = 60  # of one value: a converter's own noise moves its last bit
    silent_s: int = 60  # DESIGN: an off-hook line dead silent for 60 s
    silent_dbm0: float = -68.0  # below a quiet line's noise, -60 dBm0
    hum_every_s: int = 5
    hum_dbm0: float = -40.0  # half of the loudness of a far talker, -28
    hum_share: float = 0.5  # of all energy, speech and noise included
    hum_of: tuple[int, int] = (3, 6)  # measurements that raise it; without one in as many it resolves
    clip_dbm0: float = -9.0  # nothing below it is cut off by a converter or by a telephone set's protection
    clip_flat: float = 0.01  # samples so near to the extreme are on its top
    clip_run: int = 4  # in a row; of a sine of more than 90 Hz fewer are
    clip_edge: float = 0.04  # and it is come to and left steeply: of a sine's top the next sample lies nearer
    clip_samples: int = 40  # a second, in such runs
    clip_of: tuple[int, int] = (3, 60)  # seconds off-hook


LIMITS: Final = Limits()
_MAINS_HZ: Final = (50, 60)
_HARMONICS: Final = (1, 3, 5, 7)


class LineLevels:
    """One line. Nothing raises, whatever the sound."""

    def __init__(self, rate: int, limits: Limits = LIMITS) -> None:
        self._rate = rate
        self._limits = limits
        self._dead = 0
        self._value: int | None = None
        self._silent = 0
        self._until_hum = 0
        self._hums: deque[bool] = deque(maxlen=limits.hum_of[1])
        self._clips: deque[bool] = deque(maxlen=limits.clip_of[1])
        self._found: set[Fault] = set()
        self._spurts = Spurts(rate)
        self._window = np.hanning(rate).astype(np.float32)

    @property
    def found(self) -> frozenset[Fault]:
        """What stands now."""
        return frozenset(self._found)

    def lost(self) -> None:
        """There was no whole second: what was counted in a row begins anew."""
        self._dead = self._silent = 0

    def off_hook_ended(self) -> None:
        """The next call is another, with other parties."""
        self._silent = 0
        self._found.discard(Fault.SILENT)
        self._spurts = Spurts(self._rate)

    def second(self, pcm: bytes, *, off_hook: bool, voices: Sequence[bool] = ()) -> None:
        """A second of S16LE. `voices`: of a call's 20 ms frames in it, in order, which hold a voice."""
        samples = np.frombuffer(pcm, dtype="<i2")
        if samples.size < self._rate // 2:
            self.lost()
            return
        low, high = int(samples.min()), int(samples.max())
        self._judge_dead(low, high)
        if self._dead:
            self._found.discard(Fault.HUM)
        elif self._until_hum <= 0 and samples.size >= self._rate:
            self._until_hum = self._limits.hum_every_s - 1
            self._judge_hum(samples[: self._rate])
        else:
            self._until_hum -= 1
        if off_hook:
            self._judge_silent(samples, low, high)
            self._clips.append(self._clipped(samples, max(high, -low)))
            self._stand(Fault.CLIPPING, self._clips, self._limits.clip_of[0])
            self._judge_parties(samples, voices)

    # -- one by one

    def _judge_dead(self, low: int, high: int) -> None:
        """Not a single sample differs from any other, in a minute."""
        constant = low == high and (self._value is None or self._value == low)
        self._value = low if low == high else None
        self._dead = self._dead + 1 if constant else 0
        self._set(Fault.DEAD, self._dead >= self._limits.dead_s)

    def _judge_silent(self, samples: NDArray[np.int16], low: int, high: int) -> None:
        quiet = peak(self._limits.silent_dbm0)
        # Noise peaks at less than six times its mean: most seconds are loud, and this need not be looked at closer.
        silent = high - low <= 12 * quiet and float(np.std(samples)) * 2**0.5 <= quiet
        self._silent = self._silent + 1 if silent else 0
        self._set(Fault.SILENT, self._silent >= self._limits.silent_s)

    def _judge_hum(self, samples: NDArray[np.int16]) -> None:
        """A second is as many samples as the rate: each hertz is a line of the spectrum."""
        power = np.abs(np.fft.rfft((samples - samples.mean(dtype=np.float32)) * self._window)) ** 2
        whole = float(power[3:].sum())
        hums = [sum(float(power[hz * n - 2 : hz * n + 3].sum()) for n in _HARMONICS) for hz in _MAINS_HZ]
        # A sine of this peak has this much in its lines.
        least = peak(self._limits.hum_dbm0) ** 2 / 4 * float(np.sum(self._window**2)) * self._rate
        hum = max(hums)
        self._hums.append(hum >= least and hum >= self._limits.hum_share * whole)
        self._stand(Fault.HUM, self._hums, self._limits.hum_of[0])

    def _clipped(self, samples: NDArray[np.int16], top: int) -> bool:
        """Tops that are flat: several samples in a row as near to the extreme as makes no difference."""
        if top < peak(self._limits.clip_dbm0):
            return False
        low = top * (1 - self._limits.clip_edge)
        count = 0
        for side in (samples.astype(np.float32), -samples.astype(np.float32)):
            on_top = side >= top * (1 - self._limits.clip_flat)
            edges = np.flatnonzero(np.diff(on_top, prepend=False, append=False))
            begins, ends = edges[::2], edges[1::2]
            inside = (begins > 0) & (ends < side.size) & (ends - begins >= self._limits.clip_run)
            begins, ends = begins[inside], ends[inside]
            steep = np.maximum(side[begins - 1], side[ends]) <= low
            count += int((ends - begins)[steep].sum())
        return count >= self._limits.clip_samples

    def _judge_parties(self, samples: NDArray[np.int16], voices: Sequence[bool]) -> None:
        frame = self._rate * FRAME_MS // 1000
        whole = min(len(voices), samples.size // frame)
        if not whole:
            return
        frames = samples[: whole * frame].reshape(whole, frame).astype(np.float32)
        self._spurts.frames(np.einsum("ij,ij->i", frames, frames) / frame, voices[:whole])
        apart = self._spurts.parties_apart()
        if apart is not None:
            self._set(Fault.PARTY_LOW, apart)

    def _stand(self, fault: Fault, seen: deque[bool], raises: int) -> None:
        """Raised by so many of the last; resolved when there is none among them."""
        count = sum(seen)
        if count >= raises:
            self._found.add(fault)
        elif not count:
            self._found.discard(fault)

    def _set(self, fault: Fault, stands: bool) -> None:
        (self._found.add if stands else self._found.discard)(fault)


def peak(dbm0: float) -> float:
    """Of a sine of that level, in S16."""
    return float(32767.0 / 10 ** ((3.14 - dbm0) / 20))
