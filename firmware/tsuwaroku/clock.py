"""Time as an argument: monotonic nanoseconds for order, wall time with its quality for people.

Nothing below `service` reads a clock; it is handed `mono_ns` (CLOCK_MONOTONIC, the clock of
the kernel's GPIO and ALSA timestamps) or an `Instant`.
"""

from __future__ import annotations

import ctypes
import enum
import hashlib
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

import msgspec

NS = 1_000_000_000
# Asia/Tokyo has had no daylight saving since 1951; a fixed offset needs no zone database.
JST = timezone(timedelta(hours=9), "JST")


class ClockQuality(enum.StrEnum):
    """How far the wall time of a record can be trusted."""

    SYNCHRONISED = "synchronised"
    HOLDOVER = "holdover"
    UNSYNCHRONISED = "unsynchronised"


class Instant(msgspec.Struct, frozen=True):
    """One moment: wall time (Unix ns), monotonic time (ns), the boot it belongs to, and its quality."""

    wall_ns: int
    mono_ns: int
    boot_id: bytes
    quality: ClockQuality

    def isoformat(self) -> str:
        """ISO 8601 in Asia/Tokyo, to the millisecond."""
        return iso(self.wall_ns)


def iso(wall_ns: int) -> str:
    """ISO 8601 in Asia/Tokyo, to the millisecond, of a Unix time in nanoseconds."""
    millis = (wall_ns + 500_000) // 1_000_000
    moment = datetime.fromtimestamp(millis // 1000, JST).replace(microsecond=millis % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds")


def from_iso(text: str) -> int:
    """Unix nanoseconds of an ISO 8601 text; a text without a zone is taken as Asia/Tokyo."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=JST)
    delta = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
    return (delta.days * 86_400 + delta.seconds) * NS + delta.microseconds * 1000


class Clock(Protocol):
    """Where the service takes its time from."""

    def now(self) -> Instant:
        """The present moment."""
        ...

    def at(self, mono_ns: int) -> Instant:
        """The moment of a monotonic time near the present, e.g. of an edge or a sample."""
        ...


def representable(wall_ns: int) -> int:
    """The nearest time that every record can hold (1970 to 2262): a clock this wrong must not end the recording."""
    return min(max(wall_ns, 0), (1 << 63) - 1)


def virtual_boot(start_wall_ns: int) -> bytes:
    """The boot id of a simulation that begins then, 16 octets: its calls are dated apart from another one's."""
    return hashlib.sha256(b"virtual boot %d" % start_wall_ns).digest()[:16]


class VirtualClock:
    """The clock of a simulation: it stands where the board last put it. Its monotonic time begins at zero: one that
    goes on where another ended is another boot, and says so by `boot_id`."""

    def __init__(
        self,
        start_wall_ns: int,
        quality: ClockQuality = ClockQuality.SYNCHRONISED,
        boot_id: bytes = bytes(16),
    ) -> None:
        self._start_wall_ns = start_wall_ns
        self._quality = quality
        self._boot_id = boot_id
        self.mono_ns = 0

    def now(self) -> Instant:
        return self.at(self.mono_ns)

    def at(self, mono_ns: int) -> Instant:
        return Instant(representable(self._start_wall_ns + mono_ns), mono_ns, self._boot_id, self._quality)


class _Timex(ctypes.Structure):
    # Only `status` is read; the tail is padding generous enough for every architecture (adjtimex(2)).
    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    ]


_STA_UNSYNC = 0x0040


def boot_id() -> bytes:
    """The 16 octets by which the kernel tells this boot of this machine from every other. Raises OSError."""
    text = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return bytes.fromhex(text.replace("-", ""))


class SystemClock:
    """The machine's clock; its quality is what the kernel's NTP discipline says (adjtimex)."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._boot_id = boot_id()
        self._was_synchronised = False
        self._quality = ClockQuality.UNSYNCHRONISED
        self._quality_asked_ns = -NS

    def now(self) -> Instant:
        return self.at(time.monotonic_ns())

    def at(self, mono_ns: int) -> Instant:
        mono_now = time.monotonic_ns()
        wall_ns = representable(time.time_ns() - (mono_now - mono_ns))
        if mono_now - self._quality_asked_ns >= NS:
            self._quality_asked_ns = mono_now
            self._quality = self._ask_quality()
        return Instant(wall_ns, mono_ns, self._boot_id, self._quality)

    def _ask_quality(self) -> ClockQuality:
        timex = _Timex()
        if self._libc.adjtimex(ctypes.byref(timex)) >= 0 and not timex.status & _STA_UNSYNC:
            self._was_synchronised = True
            return ClockQuality.SYNCHRONISED
        return ClockQuality.HOLDOVER if self._was_synchronised else ClockQuality.UNSYNCHRONISED


class DemoClock:
    """The machine's clock, as one that was powered on at `epoch_wall_ns`: a simulated exchange began then, and nothing
    of a demonstration depends on how long the machine under it has been up."""

    def __init__(self, epoch_wall_ns: int) -> None:
        self._system = SystemClock()
        self._zero_ns = time.monotonic_ns() - max(0, time.time_ns() - epoch_wall_ns)
        self._boot_id = virtual_boot(epoch_wall_ns)

    def now(self) -> Instant:
        return self.at(time.monotonic_ns() - self._zero_ns)

    def at(self, mono_ns: int) -> Instant:
        moment = self._system.at(mono_ns + self._zero_ns)
        return Instant(moment.wall_ns, mono_ns, self._boot_id, moment.quality)
