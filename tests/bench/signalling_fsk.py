"""Caller ID by FSK in figures, beside spandsp's adsi_rx on the same signals.

A signal-to-noise ratio is the burst's power against that of white noise over 0 to 4 kHz. A figure is how many bursts of
those sent did not give their number; a wrong number anywhere is a figure of its own. Tests take a part at small counts.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.measure import Figure, figure
from tests.signalling import adsi
from tests.signalling.fsksource import BELL202, V23, Pcm, Sender, Sound, jclip, line, mdmf, noise, pcm, sdmf, tone
from tsuwaroku.signalling.callerid import Absence, CallerId, CallerIdReceiver

RATE = 8000
BLOCK = 1280  # samples fed at once: 160 ms
LEAD = 4000  # samples of line before a burst
NUMBER = "0312345678"
FRAME = jclip([(2, NUMBER.encode())])
VECTORS = Path(adsi.__file__).with_name("jclip.json")
SNRS = ((20, 1.0), (15, 1.0), (12, 1.0), (10, 0.99), (8, 0.925))
LEVELS = range(-44, 1, 4)


@dataclass
class Tally:
    """What became of bursts that all carry one number."""

    sent: int = 0
    right: int = 0
    wrong: int = 0
    unreadable: int = 0
    peer: int | None = None  # what spandsp read of the same signals; None where it has no say


def heard(signal: Pcm, rate: int = RATE, block: int = BLOCK) -> list[CallerId]:
    """What our receiver makes of it, fed in blocks."""
    receiver = CallerIdReceiver(rate)
    found = [one for at in range(0, len(signal), block) for one in receiver.feed(at, signal[at : at + block])]
    return found + receiver.flush()


def burst(random: np.random.Generator, sender: Sender, octets: bytes, disturbance: Sound | float) -> Pcm:
    """A burst somewhere on a line. `disturbance`: the signal-to-noise ratio, or the sound of the line."""
    sound = sender.with_(phase=random.uniform(0, 2 * np.pi)).sound(octets)
    samples = LEAD + len(sound) + LEAD
    out = line([(LEAD + int(random.integers(-2000, 200)), sound)], samples)
    if isinstance(disturbance, float | int):
        return pcm(out + noise(random, samples, sender.level_dbm0 - disturbance))
    return pcm(out + disturbance[:samples])


def tallied(
    count: int,
    sender: Sender,
    snr_db: float,
    *,
    octets: bytes = FRAME,
    number: str = NUMBER,
    standard: int | None = adsi.JCLIP,
    seed: int = 1,
    beside: Callable[[int], Sound] | None = None,
) -> Tally:
    """`count` bursts through our receiver, and through spandsp's of a standard where it is there."""
    random, tally = np.random.default_rng(seed), Tally()
    for _ in range(count):
        signal = burst(random, sender, octets, snr_db)
        if beside is not None:
            signal = pcm(signal + beside(len(signal)))
        found = heard(signal)
        tally.sent += 1
        tally.right += [one.number for one in found] == [number]
        tally.wrong += any(one.number not in (None, number) for one in found)
        tally.unreadable += any(one.absence is Absence.UNREADABLE for one in found)
        if standard is not None and adsi.library() is not None:
            peer = adsi.Receiver(standard)
            peer.feed(signal)
            tally.peer = (tally.peer or 0) + any(number.encode() in message for message in peer.messages)
            peer.close()
    return tally


def missed(key: str, text: str, tally: Tally, least: float = 1.0) -> list[Figure]:
    """Bursts that did not give their number, with spandsp's beside it."""
    text, unit = f"{text}: not read", f"of {tally.sent}"
    found = [figure(key, text, unit, tally.sent - tally.right, tally.sent - math.ceil(least * tally.sent - 1e-9))]
    if tally.peer is not None:
        found.append(figure(f"{key}_spandsp", "  adsi_rx", unit, tally.sent - tally.peer))
    if tally.wrong:
        found.append(figure(f"{key}_wrong", "  and wrong numbers", unit, tally.wrong, 0.0))
    return found


def by_noise(count: int, tones: tuple[float, float] = V23) -> list[Figure]:
    name, which = ("v23", "V.23") if tones == V23 else ("bell202", "1200/2200 Hz")
    return [
        one
        for snr, least in SNRS
        for one in missed(
            f"jclip_{name}_{snr}db",
            f"JCLIP, {which}, {snr} dB over noise",
            tallied(count, Sender(tones=tones), snr),
            least,
        )
    ]


def by_level(count: int) -> list[Figure]:
    return [
        one
        for level in LEVELS
        for one in missed(
            f"jclip_level{level}", f"JCLIP at {level} dBm0, 25 dB", tallied(count, Sender(level_dbm0=level), 25)
        )
    ]


def by_sender(count: int) -> list[Figure]:
    """Hum, speed, offset, mark bits, stop bits."""
    hum = tallied(count, Sender(), 20, beside=lambda n: tone(n, 50.0, -5.0))
    found = missed("jclip_hum", "JCLIP, 50 Hz hum 10 dB above, 20 dB", hum)
    senders: list[tuple[str, str, Sender, int]] = []
    for speed in (0.98, 1.02):
        senders.append((f"speed{speed:g}", f"speed {speed - 1:+.0%}", Sender(speed=speed), 20))
    for off in (-20.0, 20.0):
        senders.append((f"off{off:+g}hz", f"tones {off:+g} Hz", Sender(offset_hz=off), 20))
    for marks in (20, 50, 120, 200):
        senders.append((f"marks{marks}", f"{marks} mark bits", Sender(marks=marks), 20))
    for stops in (1, 2, 3, 4):
        senders.append((f"stops{stops}", f"{stops} stop bits", Sender(stop_bits=stops), 20))
    worst = Sender(speed=0.98, offset_hz=20.0, marks=20, stop_bits=4)
    senders.append(("worst", "-2 %, +20 Hz, 20 mark bits, 4 stop bits", worst, 15))
    for key, text, sender, snr in senders:
        found += missed(f"jclip_{key}", f"JCLIP, {text}, {snr} dB", tallied(count, sender, snr))
    return found


def by_standard(count: int) -> list[Figure]:
    """Bellcore and ETSI, with channel seizure before the mark as on-hook; their check is an octet."""
    said = [(1, b"11231203"), (2, NUMBER.encode()), (7, b"TEST")]
    single = sdmf(b"11231203" + NUMBER.encode())
    bell, etsi = Sender(tones=BELL202, seizure=300, marks=180), Sender(seizure=300, marks=180)
    kinds = (
        ("sdmf", "SDMF", bell, single, adsi.CLASS),
        ("mdmf", "MDMF", bell, mdmf(said), adsi.CLASS),
        ("etsi", "ETSI MDMF", etsi, mdmf(said), adsi.CLIP),
    )
    found = []
    for snr in (20, 12, 10):
        for key, text, sender, octets, standard in kinds:
            tally = tallied(count, sender, snr, octets=octets, standard=standard)
            found += missed(f"{key}_{snr}db", f"{text}, {snr} dB", tally, 0.99)
    return found


def lengths(*, counted_doubled: bool) -> Tally:
    """Numbers of every length from 0 to 40."""
    random, tally = np.random.default_rng(5), Tally()
    for length in range(41):
        number = "".join(str(digit) for digit in random.integers(0, 10, length))
        frame = jclip([(2, number.encode())], counted_doubled=counted_doubled)
        found = heard(burst(random, Sender(), frame, 25))
        tally.sent += 1
        tally.right += [(one.number, one.crc_ok) for one in found] == [(number or None, True)]
        tally.wrong += any(one.number not in (None, number) for one in found)
    return tally


def in_heavy_noise(count: int, octets: bytes = FRAME, tones: tuple[float, float] = V23) -> Tally:
    """Bursts at −1 to 6 dB: most are damaged, and none may give another number."""
    random, whole = np.random.default_rng(9), Tally()
    for _ in range(count):
        one = tallied(
            1,
            Sender(tones=tones),
            float(random.uniform(-1, 6)),
            octets=octets,
            standard=None,
            seed=int(random.integers(1 << 30)),
        )
        whole.sent += 1
        whole.right += one.right
        whole.wrong += one.wrong
        whole.unreadable += one.unreadable
    return whole


def seconds_a_line_hour(sound: Pcm) -> float:
    """CPU seconds for an hour of a line that goes on like this, in blocks of 160 ms."""
    receiver = CallerIdReceiver(RATE)
    began = time.process_time()
    for at in range(0, len(sound) - BLOCK + 1, BLOCK):
        receiver.feed(at, sound[at : at + BLOCK])
    return (time.process_time() - began) * 3600 * RATE / len(sound)


def costs(voice: Sound | None = None) -> list[Figure]:
    """`voice`: speech at about −20 dBm0, if there is some."""
    random = np.random.default_rng(3)
    idle = pcm(noise(random, RATE * 300, -60.0))
    unit = "s"
    found = [figure("cost_fsk_idle", "CPU a line-hour of FSK, idle line", unit, seconds_a_line_hour(idle), 0.15)]
    if voice is not None:
        talk = pcm(np.resize(voice, RATE * 300) + noise(random, RATE * 300, -60.0))
        found.append(figure("cost_fsk_talk", "  someone always speaking", unit, seconds_a_line_hour(talk), 0.5))
    return found


def vectors(count: int) -> Tally:
    """The facts' frames A to D, `count` times each."""
    random, tally = np.random.default_rng(6), Tally()
    reasons = {"P": Absence.WITHHELD, None: None}
    for one in json.loads(VECTORS.read_text(encoding="utf-8")) * count:
        said = [
            (it.number, it.called, it.absence)
            for it in heard(burst(random, Sender(), bytes.fromhex(one["octets"]), 25))
        ]
        tally.sent += 1
        tally.right += said == [(one["caller"], one["called"], reasons[one["reason"]])]
    return tally


def figures(count: int = 200, voice: Sound | None = None) -> list[Figure]:
    """The table. `count`: bursts a figure; ten times as many in the noise in which none may give a wrong number."""
    found = [
        *by_noise(count),
        *by_noise(count, BELL202),
        *by_level(max(1, count // 10)),
        *by_sender(count),
        *by_standard(count),
    ]
    found += missed("jclip_vectors", "JCLIP, frames A to D of the facts", vectors(max(1, count // 10)))
    for doubled in (False, True):
        tally = lengths(counted_doubled=doubled)
        how = "with" if doubled else "without"
        found += missed(f"jclip_lengths_{how}", f"JCLIP, numbers of 0 to 40, LEN {how} doubled DLEs", tally)
    for key, text, octets, tones in (
        ("jclip", "JCLIP", FRAME, V23),
        ("mdmf", "MDMF", mdmf([(2, NUMBER.encode())]), BELL202),
    ):
        tally = in_heavy_noise(10 * count, octets, tones)
        unit = f"of {tally.sent}"
        found.append(figure(f"{key}_heavy", f"{text} at -1 to 6 dB: wrong numbers", unit, tally.wrong, 0.0))
        found.append(figure(f"{key}_heavy_unreadable", "  told to be unreadable", unit, tally.unreadable))
        found.append(figure(f"{key}_heavy_right", "  right", unit, tally.right))
    return [*found, *costs(voice)]
