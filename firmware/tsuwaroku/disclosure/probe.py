"""Finds out a medium that says it is larger than it is: marks are written over all its addresses, and read back.

A counterfeit stick answers for addresses that it does not have. Its controller takes them modulo what there is, or
drops what is written there. The quick trial writes a *window* at the beginning, every block of it, and single blocks
all over the rest, no two further apart than the window is long. Whatever size the addresses wrap at, one of the single
blocks then falls into the window and spoils it there; and whatever is dropped is missing when it is read. All is
written before anything is read, so that no cache of the stick's own answers for its memory. What a controller does
beyond these two, only the whole trial finds: every block, which takes as long as filling the medium twice.

Both destroy what is on the medium. The marks hold their own address, so that a wrapped one tells the true size.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import struct
import time
from collections.abc import Iterator

import msgspec

from tsuwaroku.disclosure.drive import BLOCK, STEP, Progress, Raw

SAMPLES = 2048  # about; on a 64 GB stick a window of 32 MiB: half a minute with a slow one
SEED = 16
_HEAD = struct.Struct(f"<{SEED}sQ")


class Capacity(msgspec.Struct, frozen=True):
    """What a trial found. `real_octets` where it could be told; `wrong` counts the marks that were not read back."""

    claimed_octets: int
    tried_octets: int
    wrong: int
    real_octets: int | None
    whole: bool
    seconds: float

    @property
    def honest(self) -> bool:
        return self.wrong == 0


def probe_capacity(
    raw: Raw, *, whole: bool = False, samples: int = SAMPLES, progress: Progress | None = None
) -> Capacity:
    """Write marks and read them back. Raises OSError where the medium fails or is pulled."""
    began = time.monotonic()
    marks = _Marks(raw.octets)
    stretches = [(0, raw.octets)] if whole else list(_stretches(raw.octets, samples))
    total, done = 2 * sum(size for _, size in stretches), 0

    def told(octets: int) -> None:
        nonlocal done
        done += octets
        if progress is not None:
            progress(done, total)

    for at, size in _pieces(stretches):
        raw.write(at, marks.at(at, size))
        told(size)
    raw.sync()
    for at, size in _pieces(stretches):
        marks.compare(at, raw.read(at, size))
        told(size)
    return Capacity(raw.octets, total // 2, marks.wrong, marks.real(), whole, time.monotonic() - began)


def _stretches(octets: int, samples: int) -> Iterator[tuple[int, int]]:
    """(place, length): the window, then single blocks as far apart as it is long, and the last block."""
    window = min(octets, max(STEP, -(-octets // samples // STEP) * STEP))
    yield 0, window
    if window == octets:
        return
    last = (octets - 1) // BLOCK * BLOCK
    yield from ((at, BLOCK) for at in range(window, last, window - BLOCK))
    if last >= window:
        yield last, octets - last


def _pieces(stretches: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for begin, size in stretches:
        for at in range(begin, begin + size, STEP):
            yield at, min(STEP, begin + size - at)


class _Marks:
    """What belongs at each block, and what was found to be wrong."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._seed = secrets.token_bytes(SEED)  # so that marks of an earlier trial are none
        self.wrong = 0
        self._away: list[int] = []
        self._first_bad: int | None = None

    def at(self, at: int, size: int) -> bytes:
        return b"".join(self._block(place)[: at + size - place] for place in range(at, at + size, BLOCK))

    def _block(self, at: int) -> bytes:
        head = _HEAD.pack(self._seed, at)
        return head + hashlib.shake_128(head).digest(BLOCK - len(head))

    def compare(self, at: int, found: bytes) -> None:
        for place in range(at, at + len(found), BLOCK):
            block = found[place - at : place - at + BLOCK]
            if block == self._block(place)[: len(block)]:
                continue
            self.wrong += 1
            if self._first_bad is None or place < self._first_bad:
                self._first_bad = place
            if len(block) >= _HEAD.size:
                seed, written = _HEAD.unpack_from(block)
                if seed == self._seed and written != place:
                    self._away.append(abs(written - place))

    def real(self) -> int | None:
        """The true size where marks wrapped onto one another, else up to where nothing was wrong (a guess from above).
        None for an honest medium. What lies in another's place is any number of true sizes away."""
        if not self.wrong:
            return None
        return math.gcd(*self._away) if self._away else self._first_bad
