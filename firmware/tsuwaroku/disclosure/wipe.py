"""Overwrites all of a medium, and believes only what it reads back.

First random octets over every address, then zeros, each synced; then every address is read from the device and must be
zero. Random first, for a controller may note zeros down instead of writing them, and keep what was there.

What this does not reach: flash has more cells than addresses. What was in a cell that the controller has replaced, or
set aside as bad, may stay there, and a laboratory that takes the chips off may read it. No command to a USB stick
changes that. So a wipe is the first half of Article 9(5) and never the whole: afterwards the medium is destroyed. (The
copy on it was encrypted; a remnant is worth nothing without the passphrase that went another way.)

A wipe that was interrupted is none: nothing is kept of how far it came, and it begins anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import msgspec

from tsuwaroku.disclosure.drive import BLOCK, STEP, Claimed, Drive, Drives, Progress, Raw, pulled, write_protected
from tsuwaroku.errors import MediumError

MOST_BAD = 256  # blocks, then it is no use: each can cost a failing stick many seconds
_ZEROS = bytes(STEP)


class Stretch(msgspec.Struct, frozen=True):
    """Octets `at` to `at` + `octets` of a medium."""

    at: int
    octets: int


class Wiped(msgspec.Struct, frozen=True, kw_only=True):
    """What a wipe did. `zero_octets` were read back as zeros; `bad` could not be written or read, or were not zero."""

    device: str
    id_serial: str
    octets: int
    passes: int
    zero_octets: int
    seconds: float
    bad: tuple[Stretch, ...] = ()

    @property
    def clean(self) -> bool:
        return not self.bad and self.zero_octets == self.octets


class NotWipedError(MediumError):
    """The medium was not wiped, and never will be: something stays on it. `wiped` is for the ledger."""

    def __init__(self, message: str, *, where: str, remedy: str, wiped: Wiped) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.wiped = wiped


def _not_wiped(wiped: Wiped) -> NotWipedError:
    octets = sum(stretch.octets for stretch in wiped.bad)
    return NotWipedError(
        f"{octets} octets in {len(wiped.bad)} places of the medium could not be wiped",
        where=wiped.device,
        remedy="destroy it physically now, and record it as destroyed without having been wiped",
        wiped=wiped,
    )


def wipe(drives: Drives, drive: Drive, progress: Progress | None = None) -> Wiped:
    """Overwrite all of `drive`. `progress` counts three times its octets: two passes and the reading.

    Raises NotWipedError where a part could not be overwritten or read back, other MediumErrors where the medium is in
    use, write-protected, or was pulled: then it was not wiped.
    """
    with drives.claim(drive) as claimed:
        if claimed.drive.read_only:
            raise write_protected(drive.device)
        with claimed.raw() as raw:
            wiping = _Wiping(claimed, raw, progress or (lambda done, total: None))
            wiping.overwrite(os.urandom)
            wiping.overwrite(_zeros)
            wiping.read_back()
        wiped = wiping.result()
        if not claimed.present():
            raise pulled(drive.device)
    if not wiped.clean:
        raise _not_wiped(wiped)
    return wiped


def _zeros(size: int) -> bytes:
    return _ZEROS[:size]


class _Wiping:
    def __init__(self, claimed: Claimed, raw: Raw, progress: Progress) -> None:
        self._claimed = claimed
        self._raw = raw
        self._progress = progress
        self._began = time.monotonic()
        self._done = 0
        self._bad: dict[int, int] = {}  # place of a block: its octets
        self._zero = 0

    def overwrite(self, content: Callable[[int], bytes]) -> None:
        """One pass, synced. Raises MediumError, OSError."""

        def write(at: int, size: int) -> None:
            self._raw.write(at, content(size))

        self._everywhere(write)
        self._raw.sync()

    def read_back(self) -> None:
        """Raises MediumError."""

        def read(at: int, size: int) -> None:
            found = self._raw.read(at, size)
            if found == _ZEROS[:size]:
                self._zero += size
            elif size > BLOCK:
                raise OSError("not zero: look closer")
            else:
                self._set_aside(at, size)

        self._everywhere(read)

    def _everywhere(self, act: Callable[[int, int], None]) -> None:
        for at in range(0, self._raw.octets, STEP):
            size = min(STEP, self._raw.octets - at)
            try:
                act(at, size)
            except OSError as error:
                self._gone(error)
                for block in range(at, at + size, BLOCK):
                    self._one(act, block, min(BLOCK, at + size - block))
            self._done += size
            self._progress(self._done, 3 * self._raw.octets)

    def _one(self, act: Callable[[int, int], None], at: int, size: int) -> None:
        try:
            act(at, size)
        except OSError as error:
            self._gone(error)
            self._set_aside(at, size)

    def _gone(self, error: OSError) -> None:
        """A bad block is one thing, a medium that was pulled another. Raises MediumError."""
        known = self._bad or error.errno is None  # to have bad blocks; or it was only not zero
        if not (self._claimed.present() if known else self._claimed.stays()):
            raise pulled(self._claimed.drive.device) from error

    def _set_aside(self, at: int, size: int) -> None:
        self._bad[at] = size
        if len(self._bad) >= MOST_BAD:
            raise _not_wiped(self.result())

    def result(self) -> Wiped:
        bad: list[Stretch] = []
        for at, size in sorted(self._bad.items()):
            if bad and bad[-1].at + bad[-1].octets == at:
                bad[-1] = Stretch(bad[-1].at, bad[-1].octets + size)
            else:
                bad.append(Stretch(at, size))
        drive = self._claimed.drive
        return Wiped(
            device=drive.device,
            id_serial=drive.id_serial,
            octets=self._raw.octets,
            passes=2,
            zero_octets=self._zero,
            seconds=time.monotonic() - self._began,
            bad=tuple(bad),
        )
