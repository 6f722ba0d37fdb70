"""What ledgers are made of, as the control socket gives it: lines of the audit log, as they stand.

Their words stay sealed: whoever has the key opens them on her own machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.errors import RefusedError
from tsuwaroku.records.era import parse_day
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Asked, Route, Routes
from tsuwaroku.service.attempts import attempt, right_or_input
from tsuwaroku.service.ledgers import ERASED, of_config
from tsuwaroku.store.audit import AuditEntry, AuditLog, entry_in

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper

PIECE = 256
"""Lines read at a time: a few ms."""
_IS_ERASURE = f'"verb":"{ERASED}"'.encode()


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Days, both included; empty for open ends."""

    first: str = ""
    last: str = ""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger without anything sealed in it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    as_of: date
    office: str = ""
    note: str = ""


def days_of(asked: Range) -> tuple[date | None, date | None]:
    """Raises RefusedError."""
    first = parse_day(asked.first, "--from") if asked.first else None
    last = parse_day(asked.last, "--to") if asked.last else None
    if first is not None and last is not None and last < first:
        raise RefusedError("the range ends before it begins", where="--to", remedy="name a later day")
    return first, last


def entries_of(audit: AuditLog, first: date | None = None, last: date | None = None) -> Iterator[AuditEntry]:
    """Entries of these days, oldest first. Raises StoreError."""
    return (entry for entry in _read(audit, first, last) if entry is not None)


def erasures_of(audit: AuditLog, first: date | None = None, last: date | None = None) -> Iterator[AuditEntry]:
    """Entries about erased calls. Raises StoreError."""
    return (entry for entry in _read(audit, first, last, erasures=True) if entry is not None)


def _read(
    audit: AuditLog, first: date | None, last: date | None, *, erasures: bool = False
) -> Iterator[AuditEntry | None]:
    """The same, and None after every `PIECE` lines: whoever else waits has a turn though nothing is found.

    No entry is of a later day than its file, so files before the first day are not read; one of an earlier day may be
    in any file, for a clock is set back.
    """
    low, high = ("" if first is None else first.isoformat()), ("9" if last is None else last.isoformat())
    days = None if first is None else {path.stem for path in audit.files() if path.stem >= low}
    for number, (_, _, line) in enumerate(audit.lines(days), 1):
        entry = entry_in(line) if not erasures or _IS_ERASURE in line else None
        if entry is not None and (not erasures or entry.verb == ERASED) and low <= entry.at[:10] <= high:
            yield entry
        if number % PIECE == 0:
            yield None


def _told(found: Iterator[AuditEntry | None]) -> Iterator[bytes]:
    """As lines; an empty one, which says nothing, where there is none yet."""
    return (b"\n" if entry is None else entry.line() for entry in found)


def _erasures(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    with attempt(keeper, asked.by, Verb.LEDGERS, "erasures", right_or_input):
        first, last = days_of(asked.query)
    return _told(_read(keeper.audit_log, first, last, erasures=True))


def _audit(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    """Whoever reads the log is in it."""
    with attempt(keeper, asked.by, Verb.AUDIT_READ, "audit", right_or_input):
        first, last = days_of(asked.query)
    keeper.audit(asked.by.user, "audit read", f"{first or ''}..{last or ''}", "")
    return _told(_read(keeper.audit_log, first, last))


def _devices(keeper: Keeper) -> Sheet:
    return Sheet(**msgspec.structs.asdict(of_config(keeper.settings, keeper.today)))


ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/ledgers/devices",
        verb=Verb.LEDGERS,
        summary="the ledger of installed devices, from the configuration",
        act=lambda keeper, _: _devices(keeper),
        answer=Sheet,
    ),
    Route(
        method="GET",
        path="/v1/ledgers/acts",
        verb=Verb.LEDGERS,
        summary="the audit log's entries of records management, a JSON line each, words sealed",
        act=lambda keeper, _: (entry.line() for entry in keeper.ledger.entries),
        stream=True,
    ),
    Route(
        method="GET",
        path="/v1/ledgers/erasures",
        verb=Verb.LEDGERS,
        summary="the audit log's entries about erased calls, a JSON line each; empty lines between them",
        act=_erasures,
        query=Range,
        stream=True,
    ),
    Route(
        method="GET",
        path="/v1/audit",
        verb=Verb.AUDIT_READ,
        summary="the audit log of some days, a JSON line each, words sealed; empty lines between them",
        act=_audit,
        query=Range,
        stream=True,
    ),
)
