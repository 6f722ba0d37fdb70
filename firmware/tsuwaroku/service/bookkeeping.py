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
    low, high = ("" if first is None else first.isoformat()), ("9" if last is None else last.isoformat())
    return (entry for entry in audit.entries() if low <= entry.at[:10] <= high)


def erasures_of(audit: AuditLog, first: date | None = None, last: date | None = None) -> Iterator[AuditEntry]:
    """Entries about erased calls. Raises StoreError."""
    low, high = ("" if first is None else first.isoformat()), ("9" if last is None else last.isoformat())
    for _, _, line in audit.lines():
        entry = entry_in(line) if _IS_ERASURE in line else None
        if entry is not None and entry.verb == ERASED and low <= entry.at[:10] <= high:
            yield entry


def _erasures(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    with attempt(keeper, asked.by, Verb.LEDGERS, "erasures", right_or_input):
        first, last = days_of(asked.query)
    return (entry.line() for entry in erasures_of(keeper.audit_log, first, last))


def _audit(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    """Whoever reads the log is in it."""
    with attempt(keeper, asked.by, Verb.AUDIT_READ, "audit", right_or_input):
        first, last = days_of(asked.query)
    keeper.audit(asked.by.user, "audit read", f"{first or ''}..{last or ''}", "")
    return (entry.line() for entry in entries_of(keeper.audit_log, first, last))


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
        summary="the audit log's entries about erased calls, a JSON line each",
        act=_erasures,
        query=Range,
        stream=True,
    ),
    Route(
        method="GET",
        path="/v1/audit",
        verb=Verb.AUDIT_READ,
        summary="the audit log of some days, a JSON line each, words sealed",
        act=_audit,
        query=Range,
        stream=True,
    ),
)
