"""A small FSK modulator and what disturbs a line, written from the facts and not from the receiver.

Levels are dBm0 (a sine that fills S16 is +3.14 dBm0). A signal-to-noise ratio is the signal's power against that of
white noise over the whole band of the samples, 0 to 4 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

RATE = 8000
Sound = npt.NDArray[np.float64]
Pcm = npt.NDArray[np.int16]
V23 = (1300.0, 2100.0)
BELL202 = (1200.0, 2200.0)


@dataclass(frozen=True)
class Sender:
    """How an exchange sends octets."""

    tones: tuple[float, float] = V23
    level_dbm0: float = -15.0
    marks: int = 80
    marks_after: int = 10
    stop_bits: int = 1
    seizure: int = 0  # alternating bits before the marks
    speed: float = 1.0
    offset_hz: float = 0.0
    phase: float = 0.0
    rate: int = RATE

    def with_(self, **changes: object) -> Sender:
        return replace(self, **changes)  # type: ignore[arg-type]

    def bits(self, octets: bytes) -> list[int]:
        out = [n % 2 for n in range(self.seizure)] + [1] * self.marks
        for octet in octets:
            out += [0, *(octet >> n & 1 for n in range(8)), *[1] * self.stop_bits]
        return out + [1] * self.marks_after

    def sound(self, octets: bytes) -> Sound:
        """The burst alone; the phase runs on from bit to bit."""
        bits = np.array(self.bits(octets))
        bit_samples = self.rate / (1200.0 * self.speed)
        which = (np.arange(int(len(bits) * bit_samples)) / bit_samples).astype(int)
        mark, space = self.tones
        hz = np.where(bits[which] == 1, mark, space) + self.offset_hz
        phase = self.phase + 2 * np.pi * np.cumsum(hz) / self.rate
        return amplitude(self.level_dbm0) * np.sin(phase)


def amplitude(dbm0: float) -> float:
    """The peak of a sine of this level."""
    return float(32768 * 10 ** ((dbm0 - 3.14) / 20))


def noise(random: np.random.Generator, samples: int, dbm0: float) -> Sound:
    """White noise of this power."""
    return random.normal(0.0, amplitude(dbm0) / np.sqrt(2), samples)


def tone(samples: int, hz: float, dbm0: float, rate: int = RATE) -> Sound:
    return amplitude(dbm0) * np.sin(2 * np.pi * hz * np.arange(samples) / rate)


def line(sounds: Sequence[tuple[int, Sound]], samples: int) -> Sound:
    """Sounds, each from its sample on, added up."""
    out = np.zeros(samples)
    for at, sound in sounds:
        out[at : at + len(sound)] += sound[: max(0, samples - at)]
    return out


def pcm(sound: Sound) -> Pcm:
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def parity(octets: bytes) -> bytes:
    """Seven bits each, made even by bit 7."""
    return bytes(octet & 0x7F | (octet & 0x7F).bit_count() % 2 << 7 for octet in octets)


def crc(octets: bytes) -> int:
    """x16 + x12 + x5 + 1, lowest bit first, from zero."""
    remainder = 0
    for octet in octets:
        for n in range(8):
            bit = (remainder ^ octet >> n) & 1
            remainder = remainder >> 1 ^ (0x8408 if bit else 0)
    return remainder


def jclip(parameters: Sequence[tuple[int, bytes]], *, counted_doubled: bool = False, kind: int = 0x40) -> bytes:
    """A whole frame. `counted_doubled`: its LEN counts the doubling of DLEs."""
    plain = b"".join(bytes([number, len(data)]) + data for number, data in parameters)
    stuffed = plain.replace(b"\x10", b"\x10\x10")
    length = bytes([len(stuffed) if counted_doubled else len(plain)]).replace(b"\x10", b"\x10\x10")
    body = parity(b"\x07\x10\x02" + bytes([kind]) + length + stuffed + b"\x10\x03")
    return parity(b"\x10\x01") + body + crc(body).to_bytes(2, "little")


def mdmf(parameters: Sequence[tuple[int, bytes]], kind: int = 0x80) -> bytes:
    data = b"".join(bytes([number, len(each)]) + each for number, each in parameters)
    return checked(bytes([kind, len(data)]) + data)


def sdmf(data: bytes) -> bytes:
    return checked(bytes([0x04, len(data)]) + data)


def checked(octets: bytes) -> bytes:
    return octets + bytes([-sum(octets) & 0xFF])
