"""The machine's watchdog (Linux /dev/watchdog): petted while capture makes progress, so that a machine that can no
longer record restarts itself.

Opening the device arms it. From then on the machine restarts when nobody pets it for its time-out; only a clean stop
disarms it. A recorder that dies leaves it armed, and the one that is started again takes it over.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tsuwaroku.clock import NS
from tsuwaroku.errors import BoardError, ServiceError, TsuwarokuError
from tsuwaroku.service.vitals import Judge, Stall, Vitals

PET_S = 1.0
REOPEN_NS = 5 * NS  # after a device that could not be opened, or failed
JOIN_S = 5.0

# linux/watchdog.h: _IOR('W', 4), _IOWR('W', 6) and _IOR('W', 7) of an int
_SET_OPTIONS = 0x80045704
_SET_TIMEOUT = 0xC0045706
_GET_TIMEOUT = 0x80045707
_DISABLE = 1
_INT = struct.Struct("i")
_PET = b"\0"
_MAGIC_CLOSE = b"V"


class Device:
    """An open watchdog device, armed. `timeout_s` is what it granted; `misfit` says so where that is not what was
    asked for (it guards all the same)."""

    def __init__(self, path: str, timeout_s: int) -> None:
        """Open it, and so arm it. Raises BoardError with a remedy."""
        self._where = f"service.watchdog {path}"
        try:
            if not stat.S_ISCHR(os.stat(path).st_mode):
                raise self._no_watchdog()
            self._fd = os.open(path, os.O_WRONLY)
        except OSError as error:
            raise self._not_opened(error) from error
        try:
            self.timeout_s = self._set_timeout(timeout_s)
        except OSError as error:
            os.close(self._fd)  # no watchdog at all: nothing is armed
            raise self._no_watchdog() from error
        self.misfit: BoardError | None = None
        if self.timeout_s != timeout_s:
            self.misfit = BoardError(
                f"the watchdog keeps a time-out of {self.timeout_s} s, not {timeout_s} s",
                where=self._where,
                remedy=f"set service.watchdog_timeout_s = {self.timeout_s}",
            )

    def pet(self) -> None:
        """Put the restart off by the time-out. Raises BoardError."""
        try:
            os.write(self._fd, _PET)
        except OSError as error:
            raise BoardError(
                f"the watchdog device failed ({error.strerror})", where=self._where, remedy="see `dmesg`"
            ) from error

    def disarm(self) -> None:
        """A clean end: nothing restarts the machine any more. Raises BoardError where the device does not allow it."""
        refused = False
        try:
            fcntl.ioctl(self._fd, _SET_OPTIONS, _INT.pack(_DISABLE))
        except OSError as error:
            refused = error.errno == errno.EBUSY  # others mean that the driver does not know this way of asking
        with contextlib.suppress(OSError):
            os.write(self._fd, _MAGIC_CLOSE)
        os.close(self._fd)
        if refused:
            raise BoardError(
                f"the watchdog cannot be disarmed (nowayout): without a recorder the machine restarts"
                f" in {self.timeout_s} s",
                where=self._where,
                remedy="start the recorder again, or load the watchdog's driver without nowayout",
            )

    def abandon(self) -> None:
        """Close it, armed as it is."""
        with contextlib.suppress(OSError):
            os.close(self._fd)

    def _set_timeout(self, timeout_s: int) -> int:
        """What the device has then. Raises OSError where this is no watchdog."""
        try:
            answer: bytes = fcntl.ioctl(self._fd, _SET_TIMEOUT, _INT.pack(timeout_s))
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
            answer = fcntl.ioctl(self._fd, _GET_TIMEOUT, _INT.pack(0))  # out of its range: it keeps its own
        granted: int = _INT.unpack(answer)[0]
        return granted

    def _no_watchdog(self) -> BoardError:
        return BoardError(
            "is not a watchdog", where=self._where, remedy='name the device, mostly "/dev/watchdog0", or none'
        )

    def _not_opened(self, error: OSError) -> BoardError:
        match error.errno:
            case errno.EBUSY:
                text = "the watchdog is in use by another program"
                remedy = "systemd holds it where RuntimeWatchdogSec is set: set that or service.watchdog, not both"
            case errno.ENOENT | errno.ENODEV | errno.ENXIO:
                text = "there is no such watchdog"
                remedy = "load its driver (on a Raspberry Pi: dtparam=watchdog=on), or correct service.watchdog"
            case errno.EACCES | errno.EPERM:
                text = "the watchdog may not be opened by this user"
                remedy = "let the service's user write to the device (a udev rule)"
            case _:
                text, remedy = f"the watchdog cannot be opened ({error.strerror})", "see `dmesg`"
        return BoardError(text, where=self._where, remedy=remedy)


class Witness:
    """Whether a sound was heard since the machine's start, beyond the life of one recorder: a file with the boot's id.

    The disk it is on may hang, and that must hold up nobody: what is done here is done in a thread of its own.
    """

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path = path
        self._boot_id = boot_id
        self.heard = False  # by an earlier recorder of this boot, once that is known

    def recall(self) -> None:
        """Look into the file, some time."""
        self._aside(self._read)

    def remember(self) -> None:
        """Write the file, some time."""
        self._aside(lambda: self._path.write_text(self._boot_id))

    def _read(self) -> None:
        self.heard = self._path.read_text() == self._boot_id

    @staticmethod
    def _aside(act: Callable[[], object]) -> None:
        def attempt() -> None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                act()

        threading.Thread(target=attempt, name="watchdog witness", daemon=True).start()


def boot_id() -> str:
    """The kernel's id of this start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Watchdog:
    """Pets the device from a thread of its own, as long as the judge sees progress. Without a path it does nothing.

    A thread of its own, for coming up may take longer than the time-out: reading the ring, a card that is slow to
    open. `faults` are the alarms that stand because of it, code -> detail; it is replaced, never changed. `say` gets
    each new trouble once.
    """

    def __init__(
        self,
        path: str,
        timeout_s: int,
        witness: Witness,
        say: Callable[[TsuwarokuError], None],
        *,
        device: Callable[[str, int], Device] = Device,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._witness = witness
        self._say = say
        self._open = device
        self._now_ns = now_ns
        self._device: Device | None = None
        self._tried_ns: int | None = None
        self._vitals: Vitals | None = None
        self._judge = Judge(now_ns())
        self._remembered = False
        self.faults: Mapping[str, str] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Arm the device and pet it from now on."""
        if self._path:
            self._witness.recall()
            self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
            self._thread.start()

    def follow(self, vitals: Vitals | None) -> None:
        """These are the signs of life from now on; None while no recorder runs."""
        self._vitals = vitals

    def close(self, disarm: bool) -> None:
        """Stop petting. `disarm`: nobody is to record any more; otherwise the machine restarts unless a recorder
        takes over in time."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)
        if self._device is not None and disarm:
            try:
                self._device.disarm()
            except BoardError as error:
                self._say(error)
        elif self._device is not None:
            self._device.abandon()
        self._device = None

    def look(self) -> None:
        """One look, and a pat if all is well. Never raises what a device can do."""
        now_ns = self._now_ns()
        faults: dict[str, str] = {}
        try:
            device = self._ready(now_ns)
            if device is not None and (stall := self._stalled(now_ns, device.timeout_s)) is not None:
                self._note(faults, "capture_stalled", stall)
            elif device is not None:
                device.pet()
            if device is not None and device.misfit is not None:
                self._note(faults, "watchdog_failed", device.misfit)
            elif device is None and "watchdog_failed" in self.faults:
                faults["watchdog_failed"] = self.faults["watchdog_failed"]
        except BoardError as error:
            if self._device is not None:
                self._device.abandon()
                self._device = None
            self._note(faults, "watchdog_failed", error)
        if faults != self.faults:
            self.faults = faults

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(PET_S)

    def _ready(self, now_ns: int) -> Device | None:
        """The open device; None until it is time to try again. Raises BoardError."""
        if self._device is None and (self._tried_ns is None or now_ns - self._tried_ns >= REOPEN_NS):
            self._tried_ns = now_ns
            self._device = self._open(self._path, self._timeout_s)
        return self._device

    def _stalled(self, now_ns: int, timeout_s: int) -> ServiceError | None:
        self._judge.heard = self._judge.heard or self._witness.heard
        verdict = self._judge.look(now_ns, self._vitals)
        if self._judge.heard and not self._remembered:
            self._remembered = True
            self._witness.remember()
        if verdict is None:
            return None
        stall, _ = verdict
        match stall:
            case Stall.LOOP:
                text = "the recorder's loop stands still"
            case Stall.SOUND:
                text = "no line has given a sound for some time"
            case Stall.DISK:
                text = "the disk has not answered for minutes"
        return ServiceError(
            text,
            remedy=f"the watchdog restarts the machine within {timeout_s} s; stopping the service prevents that",
        )

    def _note(self, faults: dict[str, str], code: str, error: TsuwarokuError) -> None:
        faults[code] = f"{error} → {error.remedy}"
        if faults[code] != self.faults.get(code):
            self._say(error)
