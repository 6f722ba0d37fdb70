"""Caller ID by FSK in figures, beside spandsp's adsi_rx on the same signals.

A signal-to-noise ratio is the burst's power against that of white noise over 0 to 4 kHz. `rows(200)` is the whole
table (two minutes); tests take a part of it at small counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.signalling import adsi
from tests.signalling.fsksource import BELL202, V23, Pcm, Sender, Sound, jclip, line, mdmf, noise, pcm, sdmf, tone
from tsuwaroku.signalling.callerid import Absence, CallerId, CallerIdReceiver

RATE = 8000
BLOCK = 1280  # samples fed at once: 160 ms
LEAD = 4000  # samples of line before a burst
NUMBER = "0312345678"
FRAME = jclip([(2, NUMBER.encode())])
SNRS = ((20, 1.0), (15, 1.0), (12, 1.0), (10, 0.99), (8, 0.925))
LEVELS = range(-44, 1, 4)


@dataclass(frozen=True)
class Row:
    """One line of the table. `peer`: what spandsp made of the same signals; None where it has no say."""

    figure: str
    value: str
    target: str
    met: bool | None
    peer: str | None = None


@dataclass
class Tally:
    """What became of bursts that all carry one number."""

    sent: int = 0
    right: int = 0
    wrong: int = 0
    unreadable: int = 0
    peer: int = 0


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
            tally.peer += any(number.encode() in message for message in peer.messages)
            peer.close()
    return tally


def row(figure: str, tally: Tally, least: float = 1.0) -> Row:
    """Frames right out of those sent; a wrong number misses any target."""
    met = tally.right >= least * tally.sent and not tally.wrong
    wrong = f", {tally.wrong} wrong" if tally.wrong else ""
    target = f"≥{round(least * tally.sent)}" if least < 1 else f"{tally.sent}"
    return Row(figure, f"{tally.right}/{tally.sent}{wrong}", target, met, str(tally.peer))


def by_noise(count: int, tones: tuple[float, float] = V23) -> list[Row]:
    which = "V.23" if tones == V23 else "1200/2200 Hz"
    return [
        row(f"JCLIP, {which}, {snr} dB over white noise", tallied(count, Sender(tones=tones), snr), least)
        for snr, least in SNRS
    ]


def by_level(count: int) -> list[Row]:
    return [row(f"JCLIP at {level} dBm0, 25 dB", tallied(count, Sender(level_dbm0=level), 25), 1.0) for level in LEVELS]


def by_sender(count: int) -> list[Row]:
    """Hum, speed, offset, mark bits, stop bits."""
    found = [
        row("JCLIP, 50 Hz hum 10 dB above, 20 dB", tallied(count, Sender(), 20, beside=lambda n: tone(n, 50.0, -5.0)))
    ]
    for speed in (0.98, 1.02):
        found.append(row(f"JCLIP, speed {speed - 1:+.0%}, 20 dB", tallied(count, Sender(speed=speed), 20)))
    for off in (-20.0, 20.0):
        found.append(row(f"JCLIP, tones {off:+g} Hz, 20 dB", tallied(count, Sender(offset_hz=off), 20)))
    for marks in (20, 50, 120, 200):
        found.append(row(f"JCLIP, {marks} mark bits, 20 dB", tallied(count, Sender(marks=marks), 20)))
    for stops in (1, 2, 3, 4):
        found.append(row(f"JCLIP, {stops} stop bits, 20 dB", tallied(count, Sender(stop_bits=stops), 20)))
    worst = Sender(speed=0.98, offset_hz=20.0, marks=20, stop_bits=4)
    return [*found, row("JCLIP, all of these at once, 15 dB", tallied(count, worst, 15))]


def by_standard(count: int) -> list[Row]:
    """Bellcore and ETSI, with channel seizure before the mark as on-hook; their check is an octet."""
    said = [(1, b"11231203"), (2, NUMBER.encode()), (7, b"TEST")]
    single = sdmf(b"11231203" + NUMBER.encode())
    bell, etsi = Sender(tones=BELL202, seizure=300, marks=180), Sender(seizure=300, marks=180)
    found = []
    for snr in (20, 12, 10):
        found += [
            row(f"SDMF, {snr} dB", tallied(count, bell, snr, octets=single, standard=adsi.CLASS), 0.99),
            row(f"MDMF, {snr} dB", tallied(count, bell, snr, octets=mdmf(said), standard=adsi.CLASS), 0.99),
            row(f"ETSI MDMF, {snr} dB", tallied(count, etsi, snr, octets=mdmf(said), standard=adsi.CLIP), 0.99),
        ]
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


def costs(voice: Sound | None = None) -> list[Row]:
    """`voice`: speech at about −20 dBm0, if there is some."""
    random = np.random.default_rng(3)
    idle = pcm(noise(random, RATE * 300, -60.0))
    found = [("idle line, −60 dBm0", seconds_a_line_hour(idle), 0.15)]
    if voice is not None:
        talk = np.resize(voice, RATE * 300) + noise(random, RATE * 300, -60.0)
        found.append(("someone always speaking", seconds_a_line_hour(pcm(talk)), 0.5))
    return [Row(f"CPU s a line-hour, {what}", f"{cost:.3f}", f"≤{most:g}", cost <= most) for what, cost, most in found]


def rows(count: int = 200, voice: Sound | None = None) -> list[Row]:
    """The table. `count`: bursts a row."""
    heavy = in_heavy_noise(10 * count)
    weak = in_heavy_noise(10 * count, mdmf([(2, NUMBER.encode())]), BELL202)
    found: Sequence[Row] = [
        *by_noise(count),
        *by_noise(count, BELL202),
        *by_level(max(1, count // 10)),
        *by_sender(count),
        *by_standard(count),
    ]
    for doubled in (False, True):
        how = "with" if doubled else "without"
        tally = lengths(counted_doubled=doubled)
        found = [
            *found,
            Row(f"JCLIP, number of 0 to 40, LEN {how} doubling", f"{tally.right}/41", "41", tally.right == 41),
        ]
    for name, tally in (("JCLIP", heavy), ("MDMF", weak)):
        said = f"{tally.wrong} ({tally.right} right, {tally.unreadable} unreadable of {tally.sent})"
        found = [*found, Row(f"{name} at −1 to 6 dB: wrong numbers", said, "0", tally.wrong == 0)]
    return [*found, *costs(voice)]


def main(count: int = 200) -> None:
    for one in rows(count):
        verdict = "" if one.met is None else "met" if one.met else "MISSED"
        print(f"{one.figure:<52} {one.value:>12}  {one.target:>6} {verdict:<7} {one.peer or ''}", flush=True)


if __name__ == "__main__":
    main()
