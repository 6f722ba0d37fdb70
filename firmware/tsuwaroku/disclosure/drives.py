"""The media in the USB ports of this machine.

A medium is claimed by an exclusive `flock` on its device: that keeps another process of ours away, and udevd, which
would else look at what was just written and make the next step fail as busy (systemd's "locking block device access").
Whole access and mounting are exclusive in the kernel besides. The kernel numbers what is plugged in (`insertion`), so
a medium that was pulled and put in again, or another one under the same name, is never taken for the claimed one.

Mounting, and access to disks at all, is the superuser's: the service needs CAP_SYS_ADMIN and the group `disk`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from tsuwaroku.disclosure.disks import DiskFacts, dead_mounts, disks_below, insertion_of, judge, usb_disks
from tsuwaroku.disclosure.drive import (
    STEP,
    Drive,
    Filesystem,
    Found,
    Raw,
    Unusable,
    check_label,
    in_use,
    mounted_elsewhere,
    pulled,
    without_filesystem,
    write_protected,
)
from tsuwaroku.disclosure.media import explained, sync_medium
from tsuwaroku.disclosure.mounting import can_mount, detach, mount, unmount
from tsuwaroku.disclosure.rawdevice import opened_raw, read_partitions
from tsuwaroku.disclosure.tools import run_tool
from tsuwaroku.errors import MediumError, TsuwarokuError

MOUNTS = Path("/run/tsuwaroku/media")
LOCK_S = 5.0  # for udevd, which has just seen the medium; another task of ours takes minutes
GONE_S = 3.0  # from an error of a stick that is pulled until the kernel has taken notice; measured: under 0.5
_MKFS = {
    Filesystem.EXFAT: (("mkfs.exfat", "-L"), "exfatprogs"),
    Filesystem.FAT32: (("mkfs.vfat", "-F", "32", "-I", "-n"), "dosfstools"),
}
_FSCK = {
    Filesystem.EXFAT: (("fsck.exfat", "-p"), "exfatprogs"),
    Filesystem.FAT32: (("fsck.vfat", "-a"), "dosfstools"),
}
_MENDED = 1  # of both programs: nothing wrong, or all mended


class UsbDrives:
    """`protected` are paths of the box whose disks are never touched, whatever else speaks for them: the store's."""

    def __init__(
        self,
        *,
        mounts: Path = MOUNTS,
        protected: Sequence[Path] = (),
        disks: Callable[[], Iterable[DiskFacts]] = usb_disks,
    ) -> None:
        self._mounts = mounts
        self._protected = (Path("/"), *protected)
        self._disks = disks

    def find(self) -> Found:
        """Raises MediumError where udev's library or `blkid` is missing."""
        own = disks_below(self._protected)
        judged = [judge(facts, self._mounts, own) for facts in self._disks()]
        return Found(
            tuple(one for one in judged if isinstance(one, Drive)),
            tuple(one for one in judged if isinstance(one, Unusable)),
        )

    @contextlib.contextmanager
    def claim(self, drive: Drive) -> Iterator[ClaimedDisk]:
        """Raises MediumError; RefusedError where it has become a disk of the box."""
        fd = _open(drive)
        try:
            _lock(fd, drive)
            read_partitions(fd)  # a disk shows before its partitions do, and these may be of Linux
            found = self.find()
            now = next((one for one in found.drives if one.device == drive.device), None)
            if now is None and any(one.device == drive.device for one in found.unusable):
                found.at(drive.device)  # says why
            if now is None or now.insertion != drive.insertion:
                raise pulled(drive.device)
            for place in dead_mounts(self._mounts):
                with contextlib.suppress(OSError):  # another task may just be about it
                    detach(Path(place))
            for place in now.mounted_at:
                if not Path(place).is_relative_to(self._mounts):
                    raise mounted_elsewhere(drive.device, place)
                with _explaining(drive):
                    unmount(Path(place))  # a task of ours that was killed has left it so
            now = msgspec.structs.replace(now, mounted_at=())
            yield ClaimedDisk(now, self._mounts / Path(drive.device).name)
        finally:
            os.close(fd)


def _open(drive: Drive) -> int:
    try:
        return os.open(drive.device, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if not _stays(drive):
            raise pulled(drive.device) from error
        if error.errno == errno.ENOENT:
            raise MediumError(
                "the system knows this medium, and this process has no way to it",
                where=drive.device,
                remedy="run the service on the machine itself, not in a container",
            ) from error
        raise _explained(error, drive) from error


def _lock(fd: int, drive: Drive) -> None:
    """Raises MediumError where another task has it."""
    until = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise in_use(drive.device) from error
            time.sleep(0.1)
        else:
            return


def _stays(drive: Drive) -> bool:
    """Whether it is there still, once the kernel has had the time to notice that it is not."""
    name = Path(drive.device).name
    until = time.monotonic() + GONE_S
    while insertion_of(name) == drive.insertion:
        if time.monotonic() > until:
            return True
        time.sleep(0.05)
    return False


class ClaimedDisk:
    """A disk that this process has the lock of."""

    def __init__(self, drive: Drive, at: Path) -> None:
        self.drive = drive
        self._at = at

    @property
    def _name(self) -> str:
        return Path(self.drive.device).name

    def present(self) -> bool:
        return insertion_of(self._name) == self.drive.insertion

    @contextlib.contextmanager
    def raw(self) -> Iterator[Raw]:
        with self._telling(), opened_raw(Path(self.drive.device)) as raw:
            yield raw

    def format(self, filesystem: Filesystem, label: str) -> None:
        check_label(label)
        self._check_writable()
        with self.raw() as raw:  # old tables at either end would be found again
            for at in (0, max(0, raw.octets - STEP)):
                raw.write(at, bytes(min(STEP, raw.octets - at)))
        argv, package = _MKFS[filesystem]
        done = run_tool([*argv, label, self.drive.device], package)
        if done.status != 0 or not self.present():
            raise self._failed(f"the medium could not be formatted ({_last_line(done.output)})")
        self.drive = _with(self.drive, filesystem, label)

    @contextlib.contextmanager
    def mounted(self, *, read_only: bool = False) -> Iterator[Path]:
        if not self.present():
            raise pulled(self.drive.device)
        try:
            filesystem = Filesystem(self.drive.filesystem)
        except ValueError as error:
            raise without_filesystem(self.drive.device, self.drive.filesystem) from error
        if not read_only:
            self._check_writable()
            self._mend(filesystem)
        with self._telling():
            self._at.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._mount(filesystem, read_only)
        try:
            yield self._at
            with self._telling():
                if not read_only:
                    sync_medium(self._at)
        except BaseException as error:
            self._abandon()
            if isinstance(error, Exception) and self._was_pulled(error):
                raise pulled(self.drive.device) from error
            raise
        with self._telling():
            try:
                unmount(self._at)
            except OSError:
                self._abandon()
                raise
            if not self.present():
                raise pulled(self.drive.device)

    def _mount(self, filesystem: Filesystem, read_only: bool) -> None:
        try:
            mount(Path(self.drive.device), self._at, filesystem, read_only=read_only)
        except OSError as error:
            if error.errno == errno.ENODEV and not can_mount(filesystem):
                raise MediumError(
                    f"this system's kernel cannot mount {filesystem.value}",
                    where=self.drive.device,
                    remedy="use the kernel of Raspberry Pi OS or Debian, or prepare the medium with the other one of"
                    " exFAT and FAT32",
                ) from error
            if error.errno == errno.EINVAL:
                raise without_filesystem(self.drive.device, f"damaged {filesystem.value}") from error
            raise

    def _abandon(self) -> None:
        """After an error: nothing stays mounted in sight."""
        try:
            unmount(self._at)
        except OSError:
            with contextlib.suppress(OSError):
                detach(self._at)

    def _mend(self, filesystem: Filesystem) -> None:
        """What was pulled in the middle of writing is not written to before its tables agree. Raises MediumError."""
        argv, package = _FSCK[filesystem]
        done = run_tool([*argv, self.drive.device], package)
        if done.status > _MENDED:
            raise self._failed(f"the medium's file system is damaged ({_last_line(done.output)})")

    def _check_writable(self) -> None:
        if self.drive.read_only:
            raise write_protected(self.drive.device)

    def _failed(self, message: str) -> MediumError:
        if not self.stays():
            return pulled(self.drive.device)
        return MediumError(
            message, where=self.drive.device, remedy="prepare it anew; if that fails too, use another medium"
        )

    def _was_pulled(self, error: BaseException) -> bool:
        """Whether that is what an error comes from: of this program's any, for to FAT a folder that cannot be read is
        an empty one, and a medium that is gone one without the files it should have."""
        return not (self.stays() if isinstance(error, TsuwarokuError) else self.present())

    def stays(self) -> bool:
        return _stays(self.drive)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Errors in people's words; whatever a medium that was pulled brings about is said to be that."""
        try:
            with _explaining(self.drive):
                yield
        except TsuwarokuError as error:
            if self._was_pulled(error):
                raise pulled(self.drive.device) from error
            raise


@contextlib.contextmanager
def _explaining(drive: Drive) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _explained(error, drive) from error


def _explained(error: OSError, drive: Drive) -> TsuwarokuError:
    if error.errno in (errno.EPERM, errno.EACCES) and not drive.read_only:
        return MediumError(
            "this process may not use disks",
            where=drive.device,
            remedy="run the service with CAP_SYS_ADMIN and the group `disk`",
        )
    return explained(error, Path(drive.device))


def _with(drive: Drive, filesystem: Filesystem, label: str) -> Drive:
    return msgspec.structs.replace(drive, filesystem=filesystem.value, label=label, mounted_at=())


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
