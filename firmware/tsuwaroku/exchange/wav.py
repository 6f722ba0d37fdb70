"""Reading the one kind of sound file a script may name: WAV, 8 kHz, 16 bits, one channel.

Read by position, a second at a time, not mapped: mapped pages of eight hour-long files would
count as half a gigabyte of the recorder's memory.
"""

from __future__ import annotations

import os
import wave
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tsuwaroku.errors import ScriptError
from tsuwaroku.exchange.sound import RATE, Block

_CONVERT = "convert it, e.g. `sox in.wav -r 8000 -b 16 -c 1 out.wav`"


@dataclass(frozen=True, slots=True)
class Wav:
    """A checked file: its samples begin `offset` octets into it."""

    path: Path
    offset: int
    samples: int

    def open(self) -> WavReader:
        return WavReader(self)


def check(path: Path, where: str) -> Wav:
    """Look at a file's header and length. Raises ScriptError (beginning with `where`) for any other kind of file."""
    try:
        with path.open("rb") as file, wave.open(file) as header:
            offset, size = file.tell(), os.fstat(file.fileno()).st_size
            rate, width, channels = header.getframerate(), header.getsampwidth(), header.getnchannels()
            samples = header.getnframes()
    except OSError as error:
        raise ScriptError(
            f"{path.name} cannot be read ({error.strerror})", where=where, remedy="paths count from the script's folder"
        ) from error
    except (wave.Error, EOFError, ValueError) as error:
        detail = str(error) or "it ends too early"
        raise ScriptError(f"{path.name} is not a PCM WAV file: {detail}", where=where, remedy=_CONVERT) from error
    if (rate, width, channels) != (RATE, 2, 1):
        found = f"{rate} Hz, {8 * width} bits, {channels} channel{'s' * (channels != 1)}"
        raise ScriptError(f"{path.name} is {found}: 8000 Hz, 16 bits, 1 channel needed", where=where, remedy=_CONVERT)
    if offset + 2 * samples > size:
        there = max(size - offset, 0) // 2
        raise ScriptError(
            f"{path.name} is cut short: {there} samples of the {samples} its header promises",
            where=where,
            remedy="copy or convert the file again",
        )
    if not samples:
        raise ScriptError(f"{path.name} has no samples", where=where, remedy="name a recording that is not empty")
    return Wav(path, offset, samples)


class WavReader:
    """The samples of a checked file, opened when the first are wanted, closed with the last reference to it."""

    def __init__(self, wav: Wav) -> None:
        self._wav = wav
        self._fd = -1

    def read(self, first: int, count: int) -> bytes:
        """S16LE of up to `count` samples from `first` on; shorter at the end, empty after it. Raises ScriptError."""
        count = min(count, self._wav.samples - first)
        if count <= 0:
            return b""
        try:
            if self._fd < 0:
                self._fd = os.open(self._wav.path, os.O_RDONLY | os.O_CLOEXEC)
                weakref.finalize(self, os.close, self._fd)
            data = os.pread(self._fd, 2 * count, self._wav.offset + 2 * first)
        except OSError as error:
            raise ScriptError(
                f"cannot be read any more ({error.strerror})",
                where=str(self._wav.path),
                remedy="leave the sound files in place while the script plays",
            ) from error
        return data[: len(data) // 2 * 2]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A Sound: a recording that begins at `start` and is cut at `end`; after its own end it is silent."""

    start: int
    end: int
    reader: WavReader
    mutes: tuple[tuple[int, int], ...] = ()
    gain: float = 1.0

    def add(self, out: Block, first: int) -> None:
        a, b = max(first, self.start), min(first + out.size, self.end)
        pcm = np.frombuffer(self.reader.read(a - self.start, b - a), dtype="<i2").astype(np.float32)
        for begin, stop in self.mutes:
            pcm[max(begin - a, 0) : max(stop - a, 0)] = 0.0
        out[a - first : a - first + pcm.size] += np.float32(self.gain) * pcm
