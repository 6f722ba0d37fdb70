"""Marks made or withdrawn by the verb `mark`: one way for the keeper, and for the console while no keeper runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ulid import ULID

from tsuwaroku.clock import Instant
from tsuwaroku.errors import NotFoundError
from tsuwaroku.records.call import MarkKind
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.admission import admitted, entry_of
from tsuwaroku.service.asking import Asker
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import CatalogueEntry
from tsuwaroku.store.fold import mark_name
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.journal_record import JournalRecord
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import read_amendments

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


def may_mark(keeper: Keeper, by: Asker, call_id: str) -> CatalogueEntry:
    """The entry of a call that somebody may mark now: it is kept, and of one of their lines. Refused attempts are in
    the audit log. Raises ForbiddenError, RefusedError, NotFoundError."""
    return entry_of(keeper, admitted(keeper, by, Verb.MARK, call_id), call_id)


def mark_call(
    store: Store,
    journal: Journal,
    audit: AuditLog,
    now: Instant,
    call_id: str,
    *,
    in_call: int,
    kind: MarkKind,
    by: str,
    withdraw: int | None,
    amendments: Sequence[JournalRecord] | None = None,
) -> None:
    """Mark a call, or withdraw its mark of that number (from 1, as `show` numbers them). Durable on return.

    `journal` is the keeper's, open for writing; `in_call`: the marks the sealed call has, its journal's not counted.
    `amendments`: what the journals say of the call, in order, for who has it; reading them takes seconds.
    Raises NotFoundError for a mark that is not there.
    """
    raw = ULID.from_str(call_id).bytes
    recipients = store.recipients.to_wrap()
    if withdraw is None:
        head = audit.append(now, by, "mark", call_id).hash
        secret = {"at_s": None, "kind": kind.value, "by": by}
        journal.append(JournalType.MARK, now, raw, {"kind": kind.value, "audit_head": head}, secret, recipients)
        return
    if amendments is None:
        amendments = read_amendments(store).get(raw, [])
    try:
        if withdraw < 1:
            raise IndexError
        name = mark_name(in_call, amendments, withdraw - 1)
    except IndexError as error:
        raise NotFoundError(
            f"this call has no mark {withdraw}", where=call_id, remedy="`tsuwaroku show` numbers the marks"
        ) from error
    head = audit.append(now, by, "mark withdrawn", call_id, detail={"mark": withdraw}).hash
    journal.append(JournalType.MARK_WITHDRAWN, now, raw, {"mark": name, "audit_head": head}, {"by": by}, recipients)
