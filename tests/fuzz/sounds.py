"""Sound for the ear: tones, keys, bursts, noise and octets of any kind, in any frames, with losses and blanks.

Nothing raises; nothing grows; what is heard began before it was heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.fuzz.framers import check, damaged, frame
from tests.fuzz.source import Source, octets, one_of
from tests.signalling.fsksource import BELL202, V23, Sender
from tests.signalling.sounds import KEYS, key, rhythm, sine
from tsuwaroku.events import AudioFrame, Gap, GapReason
from tsuwaroku.signalling import fsk, tones
from tsuwaroku.signalling.callerid.bydtmf import LONGEST
from tsuwaroku.signalling.ear import _MOST_WAITING, NS, Block, Ear, Heard, Listening, NumberHeard

Pcm = NDArray[np.int16]
RATES = (8000, 8000, 8000, 16000, 48000)
START_NS = 5 * NS
_HERTZ = (400, 400, 400, 200, 50, 697, 1209, 1300, 1633, 2100, 3900)
_LEVELS = (3.0, -10.0, -20.0, -38.0, -44.0, -50.0, -70.0)


def run(source: Source) -> None:
    """One script: stretches of sound, each cut into frames of one size, some of them lost."""
    rate = one_of(source, RATES)
    ear = Ear(rate)
    listening = one_of(source, tuple(Listening))
    at = source.below(3) * rate
    for _ in range(source.below(12)):
        pcm = stretch(source, rate)
        for event in frames(source, rate, at, pcm):
            match event:
                case AudioFrame():
                    ear.audio(event)
                case Gap():
                    ear.gap(event)
                    at += event.samples
        at += pcm.size
        match source.below(6):
            case 0:
                ear.blank(max(at - source.below(rate), 0), None if source.below(2) else at + source.below(rate))
            case 1:
                listening = one_of(source, tuple(Listening))
        held(ear, rate)
        while (block := ear.due(ns(rate, at) - source.below(2) * NS)) is not None:
            checked(ear, rate, block, ear.judge(block, listening))
    ear.blank(at, at + 1)
    for event in frames(source, rate, at, np.zeros(5 * rate, dtype=np.int16)):
        if isinstance(event, AudioFrame):
            ear.audio(event)
    while (block := ear.due(ns(rate, at + 6 * rate))) is not None:
        checked(ear, rate, block, ear.judge(block, Listening.ON_HOOK))
    assert (ear._left, list(ear._blocks)) == (0, [])


def ns(rate: int, sample: int) -> int:
    return START_NS + sample * NS // rate


def checked(ear: Ear, rate: int, block: Block, heard: list[Heard]) -> list[Heard]:
    """What was heard in a block; a tone or a frame may have begun long before it."""
    for one in heard:
        assert START_NS - NS // 100 <= one.began_ns <= block.end_ns  # a filter's delay
        if isinstance(one, NumberHeard):
            check(one.caller)
    held(ear, rate)
    return heard


def held(ear: Ear, rate: int) -> None:
    """Nothing in the ear grows."""
    collected = [*ear._parts, *(pcm for _, pcm in ear._runs)]
    assert sum(len(pcm) // 2 for pcm in collected) <= ear._size
    assert len(ear._blocks) <= _MOST_WAITING
    assert ear._keys.held_samples <= 8000 // 4 + ear._size * 8000 // rate
    assert ear._tones.held_blocks <= tones._KEPT + tones._DIP + 1
    cadences = ear._tones._cadences
    assert len(cadences._cycles) <= len(cadences._p.rhythms)
    assert len(cadences._waiting._bursts) <= 8
    assert ear._speech._frames._rest.size < ear._speech._frames.size
    assert ear._on_hook_voice._cutter._rest.size < ear._on_hook_voice._cutter.size
    assert ear._speech._recent.maxlen is not None
    gate = ear._numbers._gate
    assert len(gate._held) < fsk.LONGEST
    assert gate._waiting_samples < gate._size
    assert len(ear._number_by_keys._keys) < LONGEST


def frames(source: Source, rate: int, first: int, pcm: Pcm, *, whole: bool = False) -> Iterator[AudioFrame | Gap]:
    """A stretch as a board gives it; `whole`: in one frame, and without a loss."""
    if whole:
        yield AudioFrame("1", first, ns(rate, first), pcm.tobytes())
        return
    size = one_of(source, (rate // 50, rate // 50, rate // 50, 1, 37, rate // 4, rate))
    if size < rate // 100:
        size = max(size, pcm.size // 200)  # not a million frames
    for at in range(0, pcm.size, size):
        yield AudioFrame("1", first + at, ns(rate, first + at), pcm[at : at + size].tobytes())
    if source.below(8) == 0:
        lost = 1 + source.below(one_of(source, (10, rate, 20 * rate)))
        yield Gap("1", first + pcm.size, ns(rate, first + pcm.size), lost, GapReason.OVERRUN)


def stretch(source: Source, rate: int) -> Pcm:
    """A few seconds of one thing over the noise of a line."""
    level = one_of(source, _LEVELS)
    seconds = (1 + source.below(30)) / 10
    match source.below(10):
        case 0:
            wave = np.zeros(round(seconds * rate))
        case 1:
            return np.resize(np.frombuffer(octets(source, 400) + b"\0\0", dtype="<i2", count=1), round(seconds * rate))
        case 2:
            raw = octets(source, 400)
            return np.resize(np.frombuffer(raw + bytes(2 + len(raw) % 2), dtype="<i2"), round(seconds * rate))
        case 3:
            wave = _hiss(rate)[: round(seconds * rate)] * 10 ** (level / 20)
        case 4 | 5:
            parts = [
                part
                for _ in range(1 + source.below(8))
                for part in (
                    key(one_of(source, KEYS), 30 + source.below(120), level, source.below(9) - 2.0, rate=rate),
                    np.zeros((20 + source.below(120)) * rate // 1000),
                )
            ]
            wave = np.concatenate(parts)
        case 6:
            burst = Sender(
                tones=one_of(source, (V23, BELL202)),
                level_dbm0=level,
                marks=source.below(250),
                stop_bits=1 + source.below(4),
                speed=0.97 + source.below(7) / 100,
                seizure=source.below(2) * 300,
                rate=rate,
            )
            wave = burst.sound(damaged(source, frame(source)))
        case 7 | 8:
            on, off = (100 + source.below(1500)) / 1000, (20 + source.below(2500)) / 1000
            wave = rhythm(
                *(on, off) * (1 + source.below(4)),
                dbm0=level,
                off=(source.below(15) - 7) / 100,
                beat_hz=float(one_of(source, (0, 0, 15, 16, 20, 33))),
                hertz=float(one_of(source, _HERTZ)),
                rate=rate,
            )
        case _:
            wave = sine(one_of(source, _HERTZ), level, 2 * seconds, rate=rate)
    wave = wave + 0.001 * np.resize(_hiss(rate), wave.size)
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


@cache
def _hiss(rate: int) -> NDArray[np.float64]:
    """White noise, full scale."""
    return np.random.default_rng(rate).uniform(-32768, 32767, 3 * rate)
