"""Digits, pulses and call progress: what is missed of each, what is heard where nothing is, and what it costs.

Every figure is a share missed or a number of false alarms, so less is better; peers on the same signals follow theirs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sized
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from tests.bench import peersignals, speech
from tests.bench.measure import Figure, figure
from tests.signalling.sounds import KEYS, heard, key, line, rhythm, silence, sine
from tests.signalling.test_pulses import FAST, JITTER_MS, SLOW, number_edges
from tsuwaroku.signalling.cadence import Tone, ToneNamed
from tsuwaroku.signalling.dtmf import DtmfDetector
from tsuwaroku.signalling.pulses import KEYS as PULSE_KEYS
from tsuwaroku.signalling.pulses import PulseMeter
from tsuwaroku.signalling.tones import ToneDetector

Pcm = NDArray[np.int16]
FEED = 1600  # 200 ms
RATE = 8000


def signals(count: int = 800, numbers: int = 1000) -> list[Figure]:
    """What is missed: `count` keys, `numbers` pulse numbers, and a quarter of `count` of each tone."""
    found = [
        *_digits("dtmf", "keys missed, 40/30 ms, ±1.5 %, high 0 to 5 dB over", 0.0, keys_at_limits(count)),
        *_digits("dtmf_dial", "keys missed under 400 Hz at -10 dB", 1.0, keys_at_limits(count, 50, -10.0)),
        figure("pulses", "pulse numbers missed, 10 and 20 pps, jitter, bounce", "%", pulses_missed(numbers), 0.0),
    ]
    for kind in ("busy", "ring_back", "dial"):
        found += _tones(kind, count // 4)
    return found


def keys_at_limits(count: int, on_ms: float = 40, dial_db: float | None = None) -> tuple[str, Pcm]:
    """Keys at -24 dBm0 and 30 ms pause at random legal twists and frequencies; `dial_db`: a dial tone over them."""
    rng = np.random.default_rng(count)
    names = "".join(rng.permutation(list(KEYS * -(-count // 16))))
    parts = [silence(0.1)]
    for name in names:
        off = (float(rng.choice((-0.015, 0.015))), float(rng.choice((-0.015, 0.015))))
        phases = (rng.uniform(0, 6.28), rng.uniform(0, 6.28))
        parts += [key(name, on_ms, -24.0, rng.uniform(0, 5), off, phases), silence(0.03)]
    sound = np.concatenate([*parts, silence(0.2)])
    if dial_db is not None:
        sound = sound + sine(400, -24.0 + dial_db, sound.size / RATE)
    return names, line(sound)


def _digits(name: str, text: str, target: float, signal: tuple[str, Pcm]) -> list[Figure]:
    names, pcm = signal
    ours = "".join(digit.key for digit in heard(DtmfDetector(RATE), pcm))
    found = [figure(name, text, "%", missed(names, ours), target)]
    found.append(figure(f"{name}_spandsp", "  dtmf_rx as it comes", "%", missed(names, peersignals.spandsp_dtmf(pcm))))
    if peersignals.has_multimon():
        other = peersignals.multimon_dtmf(pcm)
        found.append(figure(f"{name}_multimon", "  multimon-ng", "%", missed(names, other)))
    return found


def missed(sent: str, got: str) -> float:
    """Per cent of the keys sent that are not in what was got, in order."""
    blocks = SequenceMatcher(None, sent, got, autojunk=False).get_matching_blocks()
    return 100.0 * (1 - sum(block.size for block in blocks) / len(sent))


def pulses_missed(numbers: int) -> float:
    """Per cent of numbers of ten digits, half at each speed, that were not read exactly."""
    rng, wrong = random.Random(numbers), 0
    for number in range(numbers):
        digits = "".join(rng.choice(PULSE_KEYS) for _ in range(10))
        meter, got = PulseMeter(), ""
        for closed, t in number_edges(rng, digits, FAST if number % 2 else SLOW, JITTER_MS, bounce=True):
            got += "".join(one.key for one in meter.edge(closed, t))
        got += "".join(one.key for one in meter.tick(10**12))
        wrong += got != digits
    return 100.0 * wrong / numbers


def _tones(kind: str, count: int) -> list[Figure]:
    ours = theirs = 0
    for pcm in progress(kind, count):
        named = [one for one in heard(ToneDetector(RATE), pcm) if isinstance(one, ToneNamed)]
        ours += not (named and {one.kind for one in named} == {Tone(kind)} and named[0].cycles <= 2)
        theirs += set(peersignals.super_tone(pcm)) != {kind}
    return [
        figure(f"tone_{kind}", f"{kind}: not named in 2 cycles, -38 to -10 dBm0, ±5 %", "%", 100 * ours / count, 1.0),
        figure(f"tone_{kind}_spandsp", "  super_tone_rx, given the same rhythms", "%", 100 * theirs / count),
    ]


def progress(kind: str, count: int) -> Iterator[Pcm]:
    """One tone at random limits: level, frequency, speed, and the ring-back's modulation."""
    stretches = {"busy": (0.5, 0.5) * 4, "ring_back": (1.0, 2.0) * 3, "dial": (5.0,)}[kind]
    for number in range(count):
        rng = np.random.default_rng((count, number))
        wave = rhythm(
            *stretches,
            dbm0=rng.uniform(-38, -10),
            off=rng.uniform(-0.05, 0.05),
            speed=rng.uniform(0.95, 1.05),
            beat_hz=float(rng.choice((0.0, 15.0, 16.0, 20.0))) if kind == "ring_back" else 0.0,
            phase=rng.uniform(0, 6.28),
        )
        yield line(silence(rng.uniform(0.3, 0.5)), wave, silence(4.0), seed=number)


def talk(hours: float) -> list[Figure]:
    """False alarms in synthetic Japanese speech, and the CPU of the three on it."""
    digits, tones = DtmfDetector(RATE), ToneDetector(RATE)
    alarms = {"digits": 0, "tones": 0, "spandsp": 0, "multimon": 0}
    seconds = {"dtmf": 0.0, "tones": 0.0}
    at = 0
    for pcm in speech.spoken(77, hours * 3600):
        alarms["digits"] += _timed(seconds, "dtmf", digits.feed, pcm, at)
        alarms["tones"] += _timed(seconds, "tones", tones.feed, pcm, at)
        alarms["spandsp"] += len(peersignals.spandsp_dtmf(pcm))
        if peersignals.has_multimon():
            alarms["multimon"] += len(peersignals.multimon_dtmf(pcm))
        at += pcm.size
    real = at / RATE / 3600
    found = [
        figure("talk_digits", f"false digits in {real:.1f} h of speech", "", alarms["digits"], 2.0),
        figure("talk_digits_spandsp", "  dtmf_rx as it comes", "", alarms["spandsp"]),
    ]
    if peersignals.has_multimon():
        found.append(figure("talk_digits_multimon", "  multimon-ng", "", alarms["multimon"]))
    return [
        *found,
        figure("talk_tones", f"false tones in {real:.1f} h of speech", "", alarms["tones"], 0.0),
        figure("cost_both", "CPU per line-hour of speech, digits and tones", "s", sum(seconds.values()) / real, 1.2),
        figure("cost_digits", "  of it digits", "s", seconds["dtmf"] / real),
        figure("cost_tones", "  of it tones", "s", seconds["tones"] / real),
    ]


def _timed(seconds: dict[str, float], name: str, feed: Callable[[int, Pcm], Sized], pcm: Pcm, first: int) -> int:
    """How many events a stretch gives; the CPU it takes is added up."""
    found, began = 0, time.process_time()
    for at in range(0, pcm.size, FEED):
        found += len(feed(first + at, pcm[at : at + FEED]))
    seconds[name] += time.process_time() - began
    return found
