"""Takes a new medium into use: tried for its true size, formatted, and marked as this box's by its token.

A medium that has served is never registered again (9(5) has it wiped *and* destroyed), so one that a ledger knows by
its serial is refused, and so is one without a serial of its own unless the manager insists: nobody could tell it later.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tsuwaroku.disclosure.drive import (
    UNREADABLE,
    Claimed,
    Drive,
    Drives,
    Filesystem,
    Progress,
    pulled,
    without_filesystem,
    write_protected,
)
from tsuwaroku.disclosure.identity import (
    NAME,
    TOKEN,
    TOKEN_MOST,
    Match,
    Recognition,
    Registered,
    is_weak,
    known_as,
    name_in,
    pack_token,
    recognise,
    registered_as,
)
from tsuwaroku.disclosure.media import explaining, from_device, sync_file, sync_folder, sync_medium, write_fully
from tsuwaroku.disclosure.probe import Capacity, probe_capacity
from tsuwaroku.errors import MediumError, RefusedError

LABEL = "TSUWAROKU"


class Registration(msgspec.Struct, frozen=True):
    """A medium taken into use: what the ledger keeps of it, and how it was tried."""

    registered: Registered
    capacity: Capacity
    filesystem: Filesystem
    weak_serial: bool


def register(
    drives: Drives,
    drive: Drive,
    name: str,
    secret: bytes,
    *,
    known: Iterable[Registered] = (),
    filesystem: Filesystem = Filesystem.EXFAT,
    label: str = LABEL,
    whole: bool = False,
    accept_weak_serial: bool = False,
    progress: Progress | None = None,
) -> Registration:
    """Try, format and mark `drive`; all that was on it is lost. `known` is every medium ever registered, `name` the one
    it goes by from now on, `whole` tries every block, `progress` follows the trial.

    Raises RefusedError (a name that is none or taken, a weak serial, a medium that was registered before), MediumError
    (write-protected, in use, pulled out, of a size that it does not have, not keeping what is written); then it is not
    registered.
    """
    known = tuple(known)
    _check_new(drive, name, known, accept_weak_serial=accept_weak_serial)
    with drives.claim(drive) as claimed:
        if claimed.drive.read_only:
            raise write_protected(drive.device)
        if claimed.drive.filesystem == UNREADABLE:
            raise MediumError(
                "the medium cannot be read, and nobody can tell what is on it",
                where=drive.device,
                remedy="use another medium, and destroy this one if a copy was ever on it",
            )
        with explaining(Path(drive.device)), claimed.raw() as raw:
            capacity = probe_capacity(raw, whole=whole, progress=progress)
        if not capacity.honest:
            raise _counterfeit(drive, capacity)
        registered = registered_as(name, claimed.drive)
        _prepare(claimed, registered, secret, filesystem, label)
    return Registration(registered, capacity, filesystem, is_weak(drive.serial))


def filesystem_of(drive: Drive) -> Filesystem:
    """What it is formatted with; exFAT where that is none for copies."""
    return next((one for one in Filesystem if one.value == drive.filesystem), Filesystem.EXFAT)


def prepare(
    drives: Drives,
    drive: Drive,
    registered: Registered,
    secret: bytes,
    *,
    filesystem: Filesystem = Filesystem.EXFAT,
    label: str = LABEL,
) -> None:
    """Format a registered medium anew and mark it again: after an export that failed, or where it was formatted since.
    Only the caller knows that no copy on it counts. Raises RefusedError where it is another medium, MediumError."""
    with drives.claim(drive) as claimed:
        try:
            token = read_token(claimed)
        except MediumError:
            if not claimed.present():
                raise
            token = None  # unreadable, and about to be formatted
        found = recognise(claimed.drive, token, registered, secret)
        if found.match not in (Match.SAME, Match.NO_TOKEN, Match.OTHER_TOKEN):
            raise refusal(found, drive)
        _prepare(claimed, registered, secret, filesystem, label)


def recognise_drive(drives: Drives, drive: Drive, registered: Registered, secret: bytes) -> Recognition:
    """Look at what is plugged in, and compare. Raises MediumError where it cannot be read."""
    with drives.claim(drive) as claimed:
        return recognise(claimed.drive, read_token(claimed), registered, secret)


def find_registered(
    drives: Drives, drive: Drive, known: Iterable[Registered], secret: bytes
) -> tuple[Registered, Recognition] | None:
    """Which of all registered media this is, by its token or else by its serial; None for one that nobody registered.
    Raises MediumError where it cannot be read."""
    known = tuple(known)
    with drives.claim(drive) as claimed:
        token = read_token(claimed)
    claims = name_in(token) if token is not None else None
    for one in (*(one for one in known if one.name == claims), *known):
        found = recognise(drive, token, one, secret)
        if found.match is not Match.OTHER and (found.match is not Match.UNSURE or one.name == claims):
            return one, found
    return None


def refusal(found: Recognition, drive: Drive) -> RefusedError:
    """Why a medium is not the one to use."""
    return RefusedError(found.message, where=drive.device, remedy=found.remedy)


def read_token(claimed: Claimed) -> bytes | None:
    """The token's file, None where there is none: also on a medium without a file system. Raises MediumError."""
    try:
        Filesystem(claimed.drive.filesystem)
    except ValueError:
        return None
    with claimed.mounted(read_only=True) as root:
        token = token_in(root)
    if token is None and not claimed.stays():  # to FAT a folder that cannot be read is an empty one
        raise pulled(claimed.drive.device)
    return token


def token_in(root: Path) -> bytes | None:
    """The token's file below the root of a mounted medium. Raises MediumError."""
    path = root / TOKEN
    with explaining(path):
        if not path.is_file() or path.stat().st_size > TOKEN_MOST:
            return None
        return b"".join(bytes(piece) for piece in from_device(path))


def _check_new(drive: Drive, name: str, known: tuple[Registered, ...], *, accept_weak_serial: bool) -> None:
    if not NAME.fullmatch(name):
        raise RefusedError(
            f"{name!r} is no name for a medium in the ledger",
            remedy="use up to 64 characters without spaces, such as the number on its label",
        )
    if any(one.name == name for one in known):
        raise RefusedError(f"there has been a medium {name} already", remedy="give this one a name of its own")
    before = known_as(drive, known)
    if before is not None:
        raise RefusedError(
            f"this was registered before, as {before.name}: a medium that has served is wiped and destroyed (9(5))",
            where=drive.device,
            remedy="use a new medium; enter this one as destroyed",
        )
    if is_weak(drive.serial) and not accept_weak_serial:
        raise RefusedError(
            f"this medium has no serial number of its own ({drive.serial or 'none'}): it could not be told from others",
            where=drive.device,
            remedy="use one of a make that numbers its media",
        )


def _counterfeit(drive: Drive, capacity: Capacity) -> MediumError:
    return MediumError(
        f"the medium says that it has {capacity.claimed_octets} octets, and keeps {capacity.real_octets} at the most",
        where=drive.device,
        remedy="it is a counterfeit or worn out: never use it for anything",
    )


def _prepare(claimed: Claimed, registered: Registered, secret: bytes, filesystem: Filesystem, label: str) -> None:
    claimed.format(filesystem, label)
    with claimed.mounted() as root, explaining(root / TOKEN):
        _write(root / TOKEN, pack_token(registered, secret))
        sync_medium(root)
        sync_folder(root)
    # Once more from the beginning, as the next one to plug it in will find it.
    found = recognise(claimed.drive, read_token(claimed), registered, secret)
    if found.match is not Match.SAME:
        raise without_filesystem(claimed.drive.device, claimed.drive.filesystem)


def _write(path: Path, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, fd)
        write_fully(fd, content)
        sync_file(fd)
