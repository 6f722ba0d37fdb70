"""The sound of a call for a copy: one FLAC (or WAV) file of what was captured, bit for bit, and pieces for the page.

A file holds the captured octets in order, gaps left out: its SHA-256 as S16LE is the record's `pcm_sha256`, and the
record says where the gaps are. Hours of sound never lie in memory: they are asked for once more for each file.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator

import msgspec
import numpy as np
import pyflac

from tsuwaroku.errors import DamageError
from tsuwaroku.records.call import Audio, Run

Pcm = Callable[[], Iterable[tuple[int, bytes]]]
"""(first sample, S16LE) in order, of a minute or so each, from the beginning each time it is called."""

LEVEL, BLOCK = 5, 4096
PIECE_S = 60  # of a piece for the page: what a browser decodes at once
WAVE_BUCKETS = 4000  # at most, of the waveform: more than a screen has columns
WAV_HEAD = struct.Struct("<4sI4s4sIHHIIHH4sI")
_STREAMINFO_END = 4 + 4 + 34  # "fLaC", block header, STREAMINFO (RFC 9639, 8.1 and 8.2)
_LAST_METADATA = 0x80


class Measure(msgspec.Struct, frozen=True):
    """A file before it is written. `crc32` as zlib's."""

    size: int
    sha256: str
    crc32: int


class Piece(msgspec.Struct, frozen=True):
    """A piece of sound without a gap, as a FLAC file of `size` octets. `sha256` is over its S16LE octets."""

    first_sample: int
    samples: int
    sha256: str
    size: int


class Heard(msgspec.Struct, frozen=True):
    """What the sound of a call is. `wave`: lowest and highest value (i8, 127 for `peak`) of each `bucket` samples from
    the call's first one on, zeros in gaps, base64."""

    runs: tuple[Run, ...]
    pcm_sha256: str
    md5: bytes
    samples: int
    bucket: int
    wave: str
    peak: int


class Sound:
    """The sound of one call. Raises DamageError where it is not what the record says, unless it is `damaged` by its
    own record, and wherever it changes between two readings."""

    def __init__(self, call_id: str, audio: Audio, pcm: Pcm, *, damaged: bool = False) -> None:
        self._id = call_id
        self._audio = audio
        self._pcm = pcm
        self.heard = self._hear()
        told = (audio.runs, audio.pcm_sha256)
        if not damaged and (list(self.heard.runs), self.heard.pcm_sha256 if self.heard.runs else None) != told:
            raise self._fault("the sound is not what its record says")

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self._audio.rate

    def flac(self) -> Iterator[bytes]:
        """A FLAC file of all captured samples, its length and MD5 in it."""
        return _flac(self.rate, (pcm for _, pcm in self._again()), self.heard.samples, self.heard.md5)

    def wav(self) -> Iterator[bytes]:
        """A WAV file of the same."""
        size = 2 * self.heard.samples
        rate = self.rate
        yield WAV_HEAD.pack(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", size)
        for _, pcm in self._again():
            yield pcm

    def pieces(self) -> Iterator[tuple[Piece, bytes]]:
        """FLAC files of a minute at most, none across a gap."""
        for first, pcm in _cut(self._again(), PIECE_S * self.rate):
            md5 = hashlib.md5(pcm, usedforsecurity=False).digest()
            octets = b"".join(_flac(self.rate, [pcm], len(pcm) // 2, md5))
            yield Piece(first, len(pcm) // 2, hashlib.sha256(pcm).hexdigest(), len(octets)), octets

    def _again(self) -> Iterator[tuple[int, bytes]]:
        digest = hashlib.sha256()
        for first, pcm in self._pcm():
            digest.update(pcm)
            yield first, pcm
        if digest.hexdigest() != self.heard.pcm_sha256:
            raise self._fault("the sound changed while it was being copied")

    def _fault(self, message: str) -> DamageError:
        return DamageError(message, where=self._id, remedy="run `tsuwaroku verify`")

    def _hear(self) -> Heard:
        runs: list[Run] = []
        whole, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        run = hashlib.sha256()
        wave = _Wave(self._audio)
        first = count = 0
        for at, pcm in self._pcm():
            if len(pcm) % 2:
                raise self._fault("the sound has half a sample")
            if count and at != first + count:
                if at < first + count:
                    raise self._fault("the sound is not in order")
                runs.append(Run(first_sample=first, samples=count, pcm_sha256=run.hexdigest()))
                run, count = hashlib.sha256(), 0
            if not count:
                first = at
            for digest in (whole, md5, run):
                digest.update(pcm)
            wave.add(at, pcm)
            count += len(pcm) // 2
        if count:
            runs.append(Run(first_sample=first, samples=count, pcm_sha256=run.hexdigest()))
        total = sum(one.samples for one in runs)
        return Heard(tuple(runs), whole.hexdigest(), md5.digest(), total, wave.bucket, wave.done(), wave.peak)


class _Wave:
    """Lowest and highest value of each bucket of a call."""

    def __init__(self, audio: Audio) -> None:
        self._start = audio.first_sample or 0
        self.bucket = max(audio.rate // 100, -(-audio.samples // WAVE_BUCKETS))
        self._buckets = np.zeros((-(-audio.samples // self.bucket), 2), np.int16)
        self.peak = 0

    def add(self, first: int, pcm: bytes) -> None:
        values = np.frombuffer(pcm, "<i2")
        at = first - self._start
        # buckets before the first whole one, and whole ones: reduceat takes both at their edges
        edges = np.arange(-(-at // self.bucket) * self.bucket - at, len(values), self.bucket)
        edges = np.concatenate(([0], edges[edges > 0]))
        if not len(values) or at < 0:
            return
        numbers = (at + edges) // self.bucket
        inside = numbers < len(self._buckets)
        low, high = np.minimum.reduceat(values, edges)[inside], np.maximum.reduceat(values, edges)[inside]
        place = self._buckets[numbers[inside]]
        self._buckets[numbers[inside]] = np.stack((np.minimum(place[:, 0], low), np.maximum(place[:, 1], high)), 1)
        self.peak = max(self.peak, int(values.max()), -int(values.min()))

    def done(self) -> str:
        scaled = self._buckets.astype(np.int32) * 127 // max(self.peak, 1)
        return base64.b64encode(scaled.astype(np.int8).tobytes()).decode()


def measure(octets: Iterable[bytes]) -> Measure:
    """What these octets are, without keeping them."""
    size, crc, digest = 0, 0, hashlib.sha256()
    for piece in octets:
        size, crc = size + len(piece), zlib.crc32(piece, crc)
        digest.update(piece)
    return Measure(size, digest.hexdigest(), crc)


def _cut(pcm: Iterable[tuple[int, bytes]], samples: int) -> Iterator[tuple[int, bytes]]:
    """The same in pieces of `samples`, shorter only before a gap and at the end."""
    first, held = 0, bytearray()
    for at, octets in pcm:
        if held and at != first + len(held) // 2:
            yield first, bytes(held)
            held.clear()
        if not held:
            first = at
        held += octets
        while len(held) >= 2 * samples:
            yield first, bytes(held[: 2 * samples])
            del held[: 2 * samples]
            first += samples
    if held:
        yield first, bytes(held)


def _flac(rate: int, pcm: Iterable[bytes], samples: int, md5: bytes) -> Iterator[bytes]:
    made: list[bytes] = []

    def take(octets: bytes, length: int, count: int, frame: int) -> None:
        made.append(octets if count else b"")
        if not count:
            head.extend(octets)

    head = bytearray()
    encoder = pyflac.StreamEncoder(rate, take, compression_level=LEVEL, blocksize=BLOCK)
    encoder.process(np.zeros(0, np.int16))  # makes libFLAC write its header
    yield _streaminfo(bytes(head), samples, md5)
    made.clear()
    for octets in pcm:
        for at in range(0, len(octets), 2 * rate):  # a second at a time: libFLAC buffers little
            encoder.process(np.frombuffer(octets[at : at + 2 * rate], "<i2"))
        yield b"".join(made)
        made.clear()
    encoder.finish()
    yield b"".join(made)


def _streaminfo(head: bytes, samples: int, md5: bytes) -> bytes:
    """libFLAC's header less its comment, with what it could not know when it wrote it."""
    if len(head) < _STREAMINFO_END:
        raise RuntimeError("libFLAC gave no STREAMINFO")
    info = bytearray(head[:_STREAMINFO_END])
    info[4] |= _LAST_METADATA
    info[21] = info[21] & 0xF0 | samples >> 32
    info[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    info[26:42] = md5
    return bytes(info)
