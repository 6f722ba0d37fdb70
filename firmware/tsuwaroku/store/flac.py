"""FLAC, level 5, 1024 samples a frame: each frame stands alone and is handed out as soon as it is full."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pyflac
import soundfile

from tsuwaroku.store.slot import FormatError

BLOCK_SAMPLES = 1024
LEVEL = 5
_STREAMINFO_END = 4 + 4 + 34  # "fLaC", block header, STREAMINFO (RFC 9639, 8.1 and 8.2)
_LAST_METADATA = 0x80
_READ_SAMPLES = 65536


class RunEncoder:
    """Encodes one gap-free run. `on_frame(octets, samples)` is called for each whole FLAC frame, in order.

    `header` (fLaC + STREAMINFO, its total unknown) and any run of frames after it decode alone.
    Feed a second at a time: each call costs about as much as encoding 5 ms does.
    """

    def __init__(self, rate: int, on_frame: Callable[[bytes, int], None]) -> None:
        self._on_frame = on_frame
        self._head = bytearray()
        self._encoder = pyflac.StreamEncoder(rate, self._write, compression_level=LEVEL, blocksize=BLOCK_SAMPLES)
        self._encoder.process(np.zeros(0, np.int16))  # makes libFLAC write its header
        self.header = bytes(self._head[:_STREAMINFO_END])
        if len(self.header) != _STREAMINFO_END:
            raise RuntimeError("libFLAC gave no STREAMINFO")
        # the comment block after it is left out, so STREAMINFO becomes the last metadata block
        self.header = self.header[:4] + bytes([self.header[4] | _LAST_METADATA]) + self.header[5:]

    def write(self, pcm: bytes) -> None:
        """S16LE mono samples."""
        self._encoder.process(np.frombuffer(pcm, "<i2"))

    def finish(self) -> None:
        """Hand out the last, shorter frame. Nothing can be written afterwards."""
        self._encoder.finish()

    def _write(self, octets: bytes, length: int, samples: int, frame: int) -> None:
        if samples:
            self._on_frame(octets, samples)
        else:
            self._head += octets


class _Stream(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    def seekable(self) -> bool:
        """No: libsndfile cannot seek in a stream whose total is unknown."""
        return False


def decode(header: bytes, frames: bytes) -> bytes:
    """S16LE of a run's header and any number of whole frames. Raises FormatError."""
    if not frames:
        return b""
    pieces = []
    try:
        with _Stream(io.BytesIO(header + frames)) as stream:
            while True:
                piece = stream.read(_READ_SAMPLES, dtype="int16")
                pieces.append(piece.astype("<i2", copy=False).tobytes())
                if len(piece) < _READ_SAMPLES:
                    return b"".join(pieces)
    except (soundfile.SoundFileError, ValueError) as error:
        raise FormatError("FLAC does not decode") from error
