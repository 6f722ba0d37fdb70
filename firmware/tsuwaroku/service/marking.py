"""Marks made or withdrawn by the verb `mark`: one way for the keeper, and for the console while no keeper runs."""

from __future__ import annotations

from ulid import ULID

from tsuwaroku.clock import Instant
from tsuwaroku.errors import NotFoundError
from tsuwaroku.records.call import MarkKind
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.fold import mark_name
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import read_amendments


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
) -> None:
    """Mark a call, or withdraw its mark of that number (from 1, as `show` numbers them). Durable on return.

    `journal` is the keeper's, open for writing; `in_call`: the marks the sealed call has, its journal's not counted.
    Raises NotFoundError for a mark that is not there.
    """
    raw = ULID.from_str(call_id).bytes
    recipients = store.recipients.to_wrap()
    if withdraw is None:
        head = audit.append(now, by, "mark", call_id).hash
        secret = {"at_s": None, "kind": kind.value, "by": by}
        journal.append(JournalType.MARK, now, raw, {"kind": kind.value, "audit_head": head}, secret, recipients)
        return
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
