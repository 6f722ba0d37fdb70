"""What the erasure's tests share: a box whose calls are listed and may be erased, and eyes for what is left of one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

from tests.store.reading import Box, at, ident
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.erasure import Due, Eraser, Erasure
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import catalogue_calls
from tsuwaroku.store.scan import read_headers

ENDED = date(2026, 11, 23)
EXPIRES = ENDED + timedelta(days=30)
AFTER = EXPIRES + timedelta(days=1)
NOW = at(31 * 86_400)


def due(number: int, store: Store | None = None, **more: object) -> Due:
    slots: tuple[int, ...] = ()
    if store is not None:
        slots = tuple(header.slot for header in read_headers(store).calls.get(ident(number), []))
    given = {"call_id": ident(number), "ended_on": ENDED, "expires_on": EXPIRES, "slots": slots, **more}
    return Due(**given)  # type: ignore[arg-type]


def listed(box: Box) -> None:
    catalogue_calls(box.store, Catalogue(box.store.catalogue_dir))


class Erasing:
    """An eraser, and what it told."""

    def __init__(self, store: Store, journal: Journal, pause: Callable[[int], None] = lambda slots: None) -> None:
        self.logged: list[Erasure] = []
        self.paused: list[int] = []
        self.journal = journal

        def paused(slots: int) -> None:
            self.paused.append(slots)
            pause(slots)

        def log(erasure: Erasure) -> str:
            self.logged.append(erasure)
            return "00" * 32

        self.eraser = Eraser(store, journal, Catalogue(store.catalogue_dir), log=log, pause=paused)

    def erase(self, *calls: Due, on: date = AFTER) -> Erasure:
        return self.eraser.erase(calls, on, NOW)

    def finish(self) -> Erasure:
        return self.eraser.finish(NOW)


def erase(box: Box, *numbers: int) -> Erasure:
    with_journal = box.journal()
    try:
        return Erasing(box.store, with_journal).erase(*(due(number) for number in numbers))
    finally:
        with_journal.close()


def files(path: Path) -> dict[str, bytes]:
    """Every file of the store, whole."""
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def found_in(
    path: Path, pieces: Sequence[bytes], folders: Sequence[str] = ("ring", "journal", "catalogue")
) -> list[str]:
    """Files that have any of these octets anywhere."""
    return [
        name
        for name, octets in files(path).items()
        if name.split("/")[0] in folders and any(piece in octets for piece in pieces)
    ]


def traces(box: Box, number: int) -> list[bytes]:
    """What must be nowhere after the erasure: its id, wrapped keys, stream headers, card, and all of its ciphertext."""
    pieces = [ident(number)]
    for header in read_headers(box.store).calls[ident(number)]:
        data = box.octets(header.slot)
        pieces += [wrap.sealed for wrap in header.wraps] + [header.stream_header, header.digest_before]
        blocks = [data[at : at + 4096].rstrip(b"\0") for at in range(4096, len(data), 4096)]
        pieces += [block[at : at + 32] for block in blocks for at in range(256, len(block) - 32, 512)]
    for entry in Catalogue(box.store.catalogue_dir).entries():
        if entry.call_id == ident(number):
            pieces += [entry.card[:32], entry.card[-32:], *(wrap.sealed for wrap in entry.wraps)]
            # As JSON has them: whole groups of three octets from the field's beginning.
            pieces += [b64encode(octets[:30]) for octets in (entry.card, *(wrap.sealed for wrap in entry.wraps))]
    for owner in ("recorder", "keeper"):
        for record in Journal.open(box.store.journal_dir, owner, box.store).records():
            if record.call_id == ident(number):
                pieces += [sealed for _, sealed in record.sealed]
    return pieces
