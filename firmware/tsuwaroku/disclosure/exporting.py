"""One copy onto one registered medium, from claiming it to the last look at it: all of it, or nothing that counts.

1. claimed: nobody else touches it, and from here on a medium that was pulled stays gone;
2. mounted, and recognised by hardware and token under this very mount;
3. `medium.write_copy`: written, synced, read back, and marked as complete;
4. unmounted, so that everything is on the device, and mounted again read-only;
5. the copy inspected anew, with nothing left in memory of what was written: every file, and the token.

Where any of this fails the copy does not count, and as far as the medium still answers its mark of completeness is
taken off it. What cannot be reached (pulled after step 3) may hold a complete copy that nobody handed over: the error
says that it is to be kept locked away, and the next export with `replace` writes over it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import msgspec

from tsuwaroku.disclosure.drive import Claimed, Drive, Drives, Progress, pulled
from tsuwaroku.disclosure.identity import TOKEN, Match, Registered, recognise
from tsuwaroku.disclosure.medium import (
    CopiedFile,
    CopyState,
    Receipt,
    Source,
    State,
    inspect_copy,
    spoil_copy,
    write_copy,
)
from tsuwaroku.disclosure.names import check_names
from tsuwaroku.disclosure.registering import refusal, token_in
from tsuwaroku.errors import MediumError, RefusedError, TsuwarokuError


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that counts: on the medium, complete, twice read back. `octets` of its files, without the mark."""

    medium: str  # its name in the ledger
    drive: Drive
    folder: str
    files: tuple[CopiedFile, ...]
    octets: int


def export_onto(
    drives: Drives,
    drive: Drive,
    folder: str,
    files: Mapping[str, Source],
    *,
    registered: Registered,
    secret: bytes,
    replace: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Copy `files` into `folder`, in the top folder of the medium; on return the copy counts and the medium may be
    pulled out.

    `replace`: a finished copy in that folder is one that no ledger counts, and is written over. `progress` counts the
    octets three times: written, read back, inspected. Raises RefusedError (not the registered medium, a name that media
    cannot hold, a finished copy is there), MediumError (full, read-only, pulled out, too small for what it says, not
    what was written), StoreError (a source cannot be read). Then nothing counts as handed over.
    """
    if "/" in folder or folder.casefold() == TOKEN:
        raise RefusedError(
            f"{folder!r} is no name for the folder of a copy", remedy="give it another one, without a slash"
        )
    check_names([folder])
    check_names(f"{folder}/{name}" for name in files)
    with drives.claim(drive) as claimed:
        receipt = _write(claimed, folder, files, registered, secret, replace, progress)
        try:
            _inspect(claimed, folder, receipt, registered, secret, progress)
        except BaseException as error:
            _withdraw(claimed, folder)
            if isinstance(error, TsuwarokuError):
                raise _uncounted(error, registered) from error
            raise
    return Exported(
        medium=registered.name, drive=claimed.drive, folder=folder, files=receipt.files, octets=receipt.octets
    )


def inspect_export(drives: Drives, drive: Drive, folder: str, *, progress: Progress | None = None) -> CopyState:
    """What a folder on a medium holds now, without asking whose medium it is. Raises MediumError."""
    with drives.claim(drive) as claimed:
        with claimed.mounted(read_only=True) as root:
            state = inspect_copy(root / folder, progress=progress)
        if state.state is not State.COMPLETE and not claimed.stays():
            raise pulled(drive.device)
    return state


def _write(
    claimed: Claimed,
    folder: str,
    files: Mapping[str, Source],
    registered: Registered,
    secret: bytes,
    replace: bool,
    progress: Progress | None,
) -> Receipt:
    all_read_back = False  # from here on a mark of completeness may be on the device

    def told(done: int, total: int) -> None:
        nonlocal all_read_back
        all_read_back = done >= total
        if progress is not None:
            progress(done, total // 2 * 3)

    try:
        with claimed.mounted() as root:
            found = recognise(claimed.drive, token_in(root), registered, secret)
            if found.match is not Match.SAME:
                raise refusal(found, claimed.drive)
            if replace and inspect_copy(root / folder).state in (State.COMPLETE, State.DAMAGED):
                spoil_copy(root / folder)
            receipt = write_copy(root / folder, files, progress=told)
            all_read_back = True
    except BaseException as error:
        if all_read_back:
            _withdraw(claimed, folder)
            if isinstance(error, TsuwarokuError):
                raise _uncounted(error, registered) from error
        raise
    return receipt


def _inspect(
    claimed: Claimed,
    folder: str,
    receipt: Receipt,
    registered: Registered,
    secret: bytes,
    progress: Progress | None,
) -> None:
    """Step 5. Raises MediumError, RefusedError."""

    def told(done: int, total: int) -> None:
        if progress is not None:
            progress(2 * total + done, 3 * total)

    with claimed.mounted(read_only=True) as root:
        found = recognise(claimed.drive, token_in(root), registered, secret)
        if found.match is not Match.SAME:
            raise refusal(found, claimed.drive)
        state = inspect_copy(root / folder, progress=told)
    if state.state is not State.COMPLETE or state.files != tuple(sorted(receipt.files, key=lambda file: file.name)):
        raise MediumError(
            "the medium was mounted again, and the copy on it is not what was written",
            where=claimed.drive.device,
            remedy="use another medium: this one does not keep what is written to it",
        )


def _withdraw(claimed: Claimed, folder: str) -> None:
    """As far as it still answers, the copy is made incomplete again."""
    with contextlib.suppress(TsuwarokuError, OSError), claimed.mounted() as root:
        spoil_copy(root / folder)


def _uncounted(error: TsuwarokuError, registered: Registered) -> MediumError:
    return MediumError(
        f"the copy was written, and then this happened: {error.message}; it does not count as handed over",
        where=error.where,
        remedy=f"keep the medium {registered.name} locked away, for the copy may be readable; plug it in again and"
        " export anew",
    )
