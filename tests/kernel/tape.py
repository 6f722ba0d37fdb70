"""The last minutes of what a card was given, and whether a call's sound is that, sample for sample."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RATE = 8000
NEEDLE = 1600  # samples that tell where a piece of sound is: a fifth of a second, noise included


class Tape:
    """Keeps `seconds` of interleaved S16LE of `channels`. Written by the world's thread, read by any."""

    def __init__(self, channels: int, seconds: float) -> None:
        self._channels = channels
        self._table: npt.NDArray[np.int16] = np.zeros((round(seconds * RATE), channels), dtype="<i2")
        self._end = 0
        self._lock = threading.Lock()

    def write(self, pcm: bytes) -> None:
        """What the card is given next."""
        piece = np.frombuffer(pcm, dtype="<i2").reshape(-1, self._channels)
        with self._lock:
            at = self._end % len(self._table)
            before = min(len(piece), len(self._table) - at)
            self._table[at : at + before] = piece[:before]
            self._table[: len(piece) - before] = piece[before:]
            self._end += len(piece)

    def cut(self, channel: int, first: int, samples: int) -> bytes:
        """One channel's samples from `first` (counted from the beginning of all) on. Raises LookupError if gone."""
        with self._lock:
            kept = max(0, self._end - len(self._table))
            if not kept <= first <= first + samples <= self._end:
                raise LookupError(f"samples {first} to {first + samples} are not on {kept} to {self._end}")
            at = first % len(self._table)
            column = self._table[:, channel]
            return column[at : at + samples].tobytes() + column[: max(0, at + samples - len(column))].tobytes()

    def find(self, channel: int, pcm: bytes) -> list[int]:
        """Everywhere that `pcm` lies."""
        first = max(0, self._end - len(self._table))
        stream = self.cut(channel, first, self._end - first)
        found, at = [], stream.find(pcm)
        while at >= 0:
            if at % 2 == 0:
                found.append(first + at // 2)
            at = stream.find(pcm, at + 1)
        return found


def misheard(tape: Tape, channel: int, runs: Sequence[tuple[int, bytes]], distance: int | None) -> tuple[int, str]:
    """(distance, complaint): whether a call's stretches are what the card was given, at one and the same distance.

    `runs` are (position in the card's stream, S16LE); the distance is that position less the tape's. None: not known
    yet, and found by the sound alone.
    """
    for first, pcm in runs:
        if distance is None:
            places = tape.find(channel, pcm[: 2 * NEEDLE])
            if len(places) != 1:
                return 0, f"its beginning lies at {places}"
            distance = first - places[0]
        given = tape.cut(channel, first - distance, len(pcm) // 2)
        if given != pcm:
            wrong = np.flatnonzero(np.frombuffer(given, "<i2") != np.frombuffer(pcm, "<i2"))
            return distance, f"{len(wrong)} of {len(pcm) // 2} samples differ, from {wrong[0]} on"
    return distance or 0, "" if runs else "it has no sound"
