"""How loud the two parties of a call are, by its spurts of talk. Pure.

The near talker is 10 to 15 dB louder than the far one on any two-wire line, and each is now louder, now softer. Only
two groups of spurts that lie more than 20 dB apart, each of one mind about its level, are two parties of whom one is
far too low. The beginning and end of a word, and what the voice detector hangs on to after it, are no spurts.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.events import FRAME_MS


class PartyLimits(msgspec.Struct, frozen=True):
    """Conservative: an alarm about a line that is well would be one too many."""

    spurt_s: float = 0.2  # shorter ones are noises
    each_s: float = 10.0  # of talk in either group before anything is said
    apart_db: float = 20.0
    spread_db: float = 5.0  # of a group, one standard deviation
    newest: int = 600  # spurts that are looked at
    every_s: float = 5.0


LIMITS: Final = PartyLimits()


class Spurts:
    """The spurts of one call."""

    def __init__(self, rate: int, limits: PartyLimits = LIMITS) -> None:
        self._limits = limits
        self._run: list[float] = []
        self._spurts: deque[tuple[float, float]] = deque(maxlen=limits.newest)  # dB, seconds
        self._due = 0

    def frames(self, power: NDArray[np.floating], voices: Sequence[bool]) -> None:
        """Mean squares of 20 ms frames in order, and which hold a voice."""
        for each, voice in zip(power.tolist(), voices, strict=True):
            if voice:
                self._run.append(each)
            elif self._run:
                self._close()
        if len(self._run) * FRAME_MS > 5000:
            self._close()
        self._due += len(voices)

    def _close(self) -> None:
        run, self._run = self._run, []
        seconds = len(run) * FRAME_MS / 1000
        if seconds >= self._limits.spurt_s:
            # Its louder part: the rest is the rise, the fall and what comes after.
            level = sorted(run)[len(run) * 3 // 4]
            self._spurts.append((10 * math.log10(max(level, 1e-3)), seconds))

    def parties_apart(self) -> bool | None:
        """Whether one party is far too low; None while that cannot be told, or was told just before."""
        if self._due * FRAME_MS < self._limits.every_s * 1000 or len(self._spurts) < 4:
            return None
        self._due = 0
        level, seconds = (np.array(column) for column in zip(*sorted(self._spurts), strict=True))
        before = np.cumsum(seconds)[:-1]
        after = seconds.sum() - before
        enough = (before >= self._limits.each_s) & (after >= self._limits.each_s)
        if not enough.any():
            return None
        below = np.cumsum(level * seconds)
        centres = below[:-1] / before, (below[-1] - below[:-1]) / after
        between = np.where(enough, before * after * (centres[1] - centres[0]) ** 2, -1.0)
        cut = int(between.argmax())
        groups = (slice(None, cut + 1), slice(cut + 1, None))
        spread = max(
            math.sqrt(float(np.average((level[part] - centre[cut]) ** 2, weights=seconds[part])))
            for part, centre in zip(groups, centres, strict=True)
        )
        apart = float(centres[1][cut] - centres[0][cut])
        return apart > self._limits.apart_db and spread <= self._limits.spread_db
