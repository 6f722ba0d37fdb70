"""Acts of people that leave a trace before they are carried out: one way for the keeper, and for the console while no
keeper runs."""

from __future__ import annotations

from tsuwaroku.clock import Instant
from tsuwaroku.store.acts import is_act_verb
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.journal import Journal, JournalType


def note_act(
    journal: Journal, audit: AuditLog, now: Instant, actor: str, verb: str, *, subject: str = "", why: str = ""
) -> AuditEntry:
    """An audit entry, and the log's head in the keeper's journal: the entry cannot be cut off unseen even before the
    recorder's next commit seals that head. Durable on return. Raises StoreError; the act must then not be done.

    ValueError, with nothing written, for an act that ledgers are made of: those are written by their own rules alone
    (`Ledger.add`)."""
    if is_act_verb(verb):
        raise ValueError(f"{verb!r} is an act of a ledger")
    entry = audit.append(now, actor, verb, subject=subject, why=why)
    journal.append(JournalType.CHECKPOINT, now, public={"audit_head": entry.hash})
    return entry
