"""Acts of records management, as the keeper keeps them: appended to the audit log, folded for its rules.

The audit log is the truth. What is held here is its clear part, and the sealed words as they are, read once at the
start and kept up: acts are few, and looking for them among the calls of a year takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import msgspec

from tsuwaroku.clock import Clock
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.appointments import Appointment, appointments
from tsuwaroku.records.succession import Succession, successions
from tsuwaroku.service.trail import Trail
from tsuwaroku.store.acts import act_entries, act_of
from tsuwaroku.store.audit import AuditEntry
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.words import expired_in


class Ledger:
    """One owner: the keeper, or the console in its stead."""

    def __init__(self, trail: Trail, journal: Journal, clock: Clock) -> None:
        """Reads the acts of the audit log. Raises StoreError."""
        self._trail = trail
        self._journal = journal
        self._clock = clock
        found = list(act_entries(trail.audit))
        expired = set[int]().union(*(expired_in(entry) for entry in found))  # though a cut came before their erasing
        self._entries = [_without_words(entry) if entry.number in expired else entry for entry in found]
        self._acts = [act_of(entry) for entry in self._entries]
        self._appointments: list[Appointment] | None = None

    @property
    def acts(self) -> list[Act]:
        """All of them, oldest first, without their words."""
        return self._acts

    @property
    def entries(self) -> list[AuditEntry]:
        """The same as the audit log has them, with their sealed words: for whoever has a key."""
        return self._entries

    @property
    def appointments(self) -> list[Appointment]:
        """Every appointment there ever was."""
        if self._appointments is None:
            self._appointments = appointments(self._acts)
        return self._appointments

    @property
    def successions(self) -> list[Succession]:
        """Every change of the manager there ever was."""
        return successions(self._acts)

    def forget_words(self, numbers: Set[int]) -> None:
        """The words of these entries are given to nobody from now on."""
        for at, entry in enumerate(self._entries):
            if entry.number in numbers and entry.sealed is not None:
                self._entries[at] = _without_words(entry)
                self._acts[at] = act_of(self._entries[at])
        self._appointments = None

    def add(
        self,
        by: str,
        verb: ActVerb,
        subject: str = "",
        *,
        detail: Mapping[str, Any],
        words: Mapping[str, Any] | Sequence[Any],
    ) -> Act:
        """An act; durable on return, and not to be cut off the log unseen. `detail` in the clear: nothing personal;
        `words` are sealed. Raises StoreError: it was then not done."""
        now = self._clock.now()
        self._trail.write()
        why = msgspec.json.encode(words).decode() if words else ""
        entry = self._trail.audit.append(now, by, verb.value, subject, why=why, detail=detail)
        act = act_of(entry)
        self._entries.append(entry)
        self._acts.append(act)
        self._appointments = None
        self._journal.append(JournalType.CHECKPOINT, now, public={"audit_head": entry.hash})
        return act


def _without_words(entry: AuditEntry) -> AuditEntry:
    return msgspec.structs.replace(entry, sealed=None)
