"""What is wrong with a line: noise, hum, echo, wrong levels and frequencies, clipping, a dead channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from tsuwaroku.exchange.sound import RATE, Block, Sound, Tone, noise_at, sine_peak

_Level = Annotated[float, Meta(ge=-90.0, le=3.0)]
_Gain = Annotated[float, Meta(ge=-60.0, le=40.0)]
_Percent = Annotated[float, Meta(ge=-20.0, le=20.0)]
END = 1 << 60  # a sound that never ends
_HARMONIC_DB = -20.0  # hum has a third harmonic


class Impair(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `impair` of a [[line]] or a [[call]]. What is not given is as on a good line."""

    noise_dbm0: _Level | None = None  # added to the line's own, -60
    hum_dbm0: _Level | None = None
    hum_hz: Annotated[float, Meta(ge=40.0, le=70.0)] | None = None  # 50 unless given
    echo_ms: Annotated[float, Meta(gt=0.0, le=500.0)] | None = None
    echo_db: Annotated[float, Meta(ge=-60.0, le=0.0)] | None = None  # -20 unless given
    twist_db: Annotated[float, Meta(ge=-20.0, le=20.0)] | None = None  # the upper tone above the lower: DTMF and FSK
    frequency_error: _Percent | None = None  # of every tone that is made, in percent
    speed_error: _Percent | None = None  # of FSK bits, dial pulses and cadences, in percent
    tone_dbm0: _Level | None = None  # call progress tones
    dtmf_dbm0: _Level | None = None  # the lower tone of the line's own keys; the far end's are 12 dB below
    fsk_dbm0: _Level | None = None
    near_db: _Gain | None = None  # the voice at this end
    far_db: _Gain | None = None  # the voice at the other end
    gain_db: _Gain | None = None  # everything in the call
    clip_dbm0: _Level | None = None  # no sample goes beyond the peak of a sine of this level
    dead: bool | None = None  # the channel gives zeros, whatever happens on the pair

    @property
    def scale(self) -> float:
        """Of frequencies."""
        return 1.0 + (self.frequency_error or 0.0) / 100.0

    @property
    def speed(self) -> float:
        """Of bits, pulses and cadences: above 1 is too fast."""
        return 1.0 + (self.speed_error or 0.0) / 100.0

    def over(self, line: Impair) -> Impair:
        """This call's on that line. Noise, hum and dead are not taken over: they are the line's at all times."""
        own = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}
        always = {"noise_dbm0", "hum_dbm0", "hum_hz", "dead"}
        taken = {name: getattr(line, name) for name in self.__struct_fields__ if name not in always}
        return Impair(**{**taken, **own})


GOOD = Impair()


def factor(db: float | None) -> float:
    return 1.0 if not db else float(10.0 ** (db / 20.0))


@dataclass(frozen=True, slots=True)
class Noise:
    """A Sound: more noise than the line has anyhow."""

    start: int
    end: int
    dbm0: float
    seed: int

    def add(self, out: Block, first: int) -> None:
        a, b = max(first, self.start), min(first + out.size, self.end)
        out[a - first : b - first] += noise_at(self.seed, a, b - a, self.dbm0)


@dataclass(frozen=True, slots=True)
class Dead:
    """A Sound that takes every other away, noise too; it has to be the last of all."""

    start: int
    end: int

    def add(self, out: Block, first: int) -> None:
        out[max(first, self.start) - first : min(first + out.size, self.end) - first] = 0.0


@dataclass(frozen=True, slots=True)
class Through:
    """A Sound: `sounds` as the line lets them through, from `start` to `end`: gain, echo, clipping."""

    start: int
    end: int
    sounds: tuple[Sound, ...]
    impair: Impair

    def add(self, out: Block, first: int) -> None:
        a, b = max(first, self.start), min(first + out.size, self.end)
        late = round((self.impair.echo_ms or 0.0) * RATE / 1000)
        heard = np.zeros(b - a + late, dtype=np.float32)
        for sound in self.sounds:
            if sound.start < b and sound.end > a - late:
                sound.add(heard, a - late)
        now = heard[late:]
        if late:
            echo_db = -20.0 if self.impair.echo_db is None else self.impair.echo_db
            now = now + heard[: b - a] * np.float32(factor(echo_db))
        now = now * np.float32(factor(self.impair.gain_db))
        if self.impair.clip_dbm0 is not None:
            peak = sine_peak(self.impair.clip_dbm0)
            now = np.clip(now, -peak, peak)
        out[a - first : b - first] += now


def always(impair: Impair, seed: int) -> list[Sound]:
    """What of a line's impairments is there between calls too."""
    return _added(impair, seed, 0, END)


def spoiled(sounds: Sequence[Sound], impair: Impair, seed: int, start: int, end: int) -> tuple[Sound, ...]:
    """A call's sounds on such a line, the call being from `start` to `end`."""
    if impair.echo_ms is not None or impair.gain_db is not None or impair.clip_dbm0 is not None:
        tail = end + round((impair.echo_ms or 0.0) * RATE / 1000)
        sounds = [Through(start, tail, tuple(sounds), impair)]
    return (*sounds, *_added(impair, seed, start, end))


def _added(impair: Impair, seed: int, start: int, end: int) -> list[Sound]:
    added: list[Sound] = []
    if impair.noise_dbm0 is not None:
        added.append(Noise(start, end, impair.noise_dbm0, seed))
    if impair.hum_dbm0 is not None:
        hertz = impair.hum_hz or 50.0
        sines = ((hertz, impair.hum_dbm0), (3 * hertz, impair.hum_dbm0 + _HARMONIC_DB))
        added.append(Tone(start, end, sines))
    if impair.dead:
        added.append(Dead(start, end))
    return added
