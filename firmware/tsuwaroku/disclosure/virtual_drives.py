"""Media without hardware: a file each, with the faults that real ones have. For demonstrations, and for tests.

A folder holds `NAME.json` (what the stick says of itself, whether it is plugged in, its faults) and `NAME.img` (what it
holds, sparse). So a stick outlives the process, and another process can pull it. Its files are kept in the image as a
list behind a header block: whatever overwrites the image, wraps addresses or loses blocks does to the files what
it would do on a real one. While it is mounted they lie in a folder, and go into the image when it is unmounted, or
pulled, as far as they are then.

What it does not show: the order in which a real stick loses what was not synced (tests/kernel does), and being full
before it is unmounted.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tsuwaroku.disclosure.drive import (
    BLOCK,
    UNREADABLE,
    Drive,
    Filesystem,
    Found,
    Raw,
    check_label,
    in_use,
    mounted_elsewhere,
    pulled,
    without_filesystem,
    write_protected,
)
from tsuwaroku.disclosure.media import explaining

_MAGIC = b"tsuwaroku virtual medium 1\n"


class StickState(msgspec.Struct, kw_only=True):
    """What `NAME.json` says. `real_octets` below the capacity: addresses wrap there. `bad` are octets, from and to,
    that cannot be written or read. `pulled_after`: so many octets of raw access from now, it is pulled."""

    serial: str
    capacity_octets: int
    usb_id: str = "1d6b:0104"
    vendor: str = "VIRTUAL"
    model: str = "Stick"
    real_octets: int | None = None
    read_only: bool = False
    bad: list[tuple[int, int]] = []
    pulled_after: int | None = None
    plugged: bool = False
    insertion: int = 0
    mounted_at: str = ""  # by somebody else


class VirtualStick:
    """One stick, and the hands that plug and pull it."""

    def __init__(self, folder: Path, name: str, state: StickState | None = None) -> None:
        """A new one, out of its port, where `state` is given; else the one that is there."""
        self._note = folder / f"{name}.json"
        self.image = folder / f"{name}.img"
        self.mount = folder / f"{name}.mounted"
        self.name = name
        if state is not None:
            folder.mkdir(parents=True, exist_ok=True)
            with self.image.open("wb") as file:
                file.truncate(state.real_octets or state.capacity_octets)
            self.save(state)

    @property
    def state(self) -> StickState:
        return msgspec.json.decode(self._note.read_bytes(), type=StickState)

    def save(self, state: StickState) -> None:
        new = self._note.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(state))
        new.replace(self._note)

    def change(self, **changes: object) -> None:
        """Other faults from now on."""
        self.save(msgspec.structs.replace(self.state, **changes))

    def plug(self) -> None:
        state = self.state
        self.change(plugged=True, insertion=state.insertion + 1)

    def pull(self) -> None:
        """Take it out, whatever is going on. What had been written to its files by now is on it."""
        self.change(plugged=False, pulled_after=None)
        if self.mount.exists():
            gone = self.mount.with_suffix(".gone")
            self.mount.rename(gone)
            with contextlib.suppress(OSError):
                _pack(gone, _VirtualRaw(self, forced=True))
            shutil.rmtree(gone)

    def drive(self) -> Drive:
        """As it looks from outside."""
        state = self.state
        filesystem, label = _header_of(_VirtualRaw(self, forced=True))
        return Drive(
            device=f"virtual:{self.name}",
            insertion=state.insertion,
            usb_id=state.usb_id,
            vendor=state.vendor,
            model=state.model,
            serial=state.serial,
            id_serial="_".join(word for word in (state.vendor, state.model, state.serial) if word),
            wwid="",
            capacity_octets=state.capacity_octets,
            filesystem=filesystem,
            label=label,
            mounted_at=(state.mounted_at,) if state.mounted_at else (),
            read_only=state.read_only,
        )


class VirtualDrives:
    """Every stick of a folder that is plugged in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self) -> Found:
        sticks = [VirtualStick(self._folder, path.stem) for path in sorted(self._folder.glob("*.json"))]
        return Found(tuple(stick.drive() for stick in sticks if stick.state.plugged))

    @contextlib.contextmanager
    def claim(self, drive: Drive) -> Iterator[ClaimedStick]:
        stick = VirtualStick(self._folder, drive.device.removeprefix("virtual:"))
        claimed = ClaimedStick(stick, drive)
        if not stick.image.exists() or not claimed.present():
            raise pulled(drive.device)
        with stick.image.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise in_use(drive.device) from error
            claimed.drive = stick.drive()
            for place in claimed.drive.mounted_at:
                raise mounted_elsewhere(drive.device, place)
            yield claimed


class ClaimedStick:
    """A virtual stick that this process has the lock of."""

    def __init__(self, stick: VirtualStick, drive: Drive) -> None:
        self._stick = stick
        self.drive = drive

    def present(self) -> bool:
        state = self._stick.state
        return state.plugged and state.insertion == self.drive.insertion

    def stays(self) -> bool:
        return self.present()

    @contextlib.contextmanager
    def raw(self) -> Iterator[Raw]:
        self._check_present()
        with self._explaining():
            yield _VirtualRaw(self._stick)

    def format(self, filesystem: Filesystem, label: str) -> None:
        check_label(label)
        if self.drive.read_only:
            raise write_protected(self.drive.device)
        with self.raw() as raw:
            raw.write(0, _header(filesystem.value, label, 0))
        self.drive = self._stick.drive()

    @contextlib.contextmanager
    def mounted(self, *, read_only: bool = False) -> Iterator[Path]:
        self._check_present()
        if self.drive.filesystem not in list(Filesystem):
            raise without_filesystem(self.drive.device, self.drive.filesystem)
        if self.drive.read_only and not read_only:
            raise write_protected(self.drive.device)
        at = self._stick.mount
        shutil.rmtree(at, ignore_errors=True)  # of a task that was killed: nothing of it was unmounted
        at.mkdir(mode=0o700)
        with self._explaining():
            if not _unpack(_VirtualRaw(self._stick), at):
                raise without_filesystem(self.drive.device, f"damaged {self.drive.filesystem}")
        try:
            yield at
            if not read_only and self.present():
                with self._explaining():
                    _pack(at, _VirtualRaw(self._stick))
        except BaseException as error:
            # What a real one has after an error: whatever was written until then.
            if not read_only and self.present() and at.exists():
                with contextlib.suppress(OSError):
                    _pack(at, _VirtualRaw(self._stick))
            if isinstance(error, Exception) and not self.present():
                raise pulled(self.drive.device) from error
            raise
        finally:
            shutil.rmtree(at, ignore_errors=True)
        self._check_present()

    def _check_present(self) -> None:
        if not self.present():
            raise pulled(self.drive.device)

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            with explaining(Path(self.drive.device)):
                yield
        except Exception as error:
            if not self.present():
                raise pulled(self.drive.device) from error
            raise


class _VirtualRaw:
    """The image behind the faults. `forced`: from inside the stick, where it need not be plugged in."""

    def __init__(self, stick: VirtualStick, *, forced: bool = False) -> None:
        state = stick.state
        self._stick = stick
        self._forced = forced
        self._insertion = state.insertion
        self._real = state.real_octets or state.capacity_octets
        self._bad = state.bad
        self._read_only = state.read_only
        self._left = None if forced else state.pulled_after
        self.octets = state.capacity_octets

    def write(self, at: int, data: bytes) -> None:
        if at + len(data) > self.octets:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._read_only and not self._forced:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        self._touch(at, len(data))
        with self._stick.image.open("r+b") as file:
            for place, begin, size in self._runs(at, len(data)):
                file.seek(place)
                file.write(data[begin : begin + size])

    def read(self, at: int, size: int) -> bytes:
        size = max(0, min(size, self.octets - at))
        self._touch(at, size)
        pieces = []
        with self._stick.image.open("rb") as file:
            for place, _, length in self._runs(at, size):
                file.seek(place)
                pieces.append(file.read(length))
        return b"".join(pieces)

    def sync(self) -> None:
        self._touch(0, 0)

    def _runs(self, at: int, size: int) -> Iterator[tuple[int, int, int]]:
        """(place in the image, place in the data, length): addresses wrap at what there is."""
        done = 0
        while done < size:
            place = (at + done) % self._real
            length = min(size - done, self._real - place)
            yield place, done, length
            done += length

    def _touch(self, at: int, size: int) -> None:
        """Raises OSError where it is not there, or bad there."""
        state = self._stick.state
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                self._stick.pull()
                self._left = None
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        if not self._forced and not (state.plugged and state.insertion == self._insertion):
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        if any(at < end and begin < at + size for begin, end in self._bad):
            raise OSError(errno.EIO, os.strerror(errno.EIO))


class _Files(msgspec.Struct):
    folders: list[str]  # each after the one it lies in
    files: dict[str, bytes]


class _Header(msgspec.Struct):
    filesystem: str
    label: str
    octets: int


def _header(filesystem: str, label: str, octets: int) -> bytes:
    return (_MAGIC + msgspec.json.encode(_Header(filesystem, label, octets)) + b"\n").ljust(BLOCK, b"\0")


def _read_header(raw: Raw) -> _Header | None:
    block = raw.read(0, BLOCK)
    if not block.startswith(_MAGIC):
        return None
    try:
        return msgspec.json.decode(block[len(_MAGIC) : block.index(b"\n", len(_MAGIC))], type=_Header)
    except (ValueError, msgspec.MsgspecError):
        return None


def _header_of(raw: Raw) -> tuple[str, str]:
    try:
        header = _read_header(raw)
    except OSError:
        return UNREADABLE, ""
    return (header.filesystem, header.label) if header else ("", "")


def _pack(folder: Path, raw: Raw) -> None:
    """The header last. Raises OSError; ENOSPC where there is no room."""
    header = _read_header(raw)
    if header is None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    below = sorted(folder.rglob("*"))
    names = {path: path.relative_to(folder).as_posix() for path in below}
    files = {name: path.read_bytes() for path, name in names.items() if path.is_file()}
    content = msgspec.msgpack.encode(_Files([name for path, name in names.items() if path.is_dir()], files))
    raw.write(BLOCK, content)
    raw.write(0, _header(header.filesystem, header.label, len(content)))


def _unpack(raw: Raw, folder: Path) -> bool:
    """Whether the header and what is behind it could be made sense of. Raises OSError."""
    header = _read_header(raw)
    if header is None:
        return False
    if not header.octets:
        return True
    try:
        content = msgspec.msgpack.decode(raw.read(BLOCK, header.octets), type=_Files)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    for name in content.folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, octets in content.files.items():
        (folder / name).write_bytes(octets)
    return True
