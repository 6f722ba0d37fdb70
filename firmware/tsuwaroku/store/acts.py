"""Acts of records management in the audit log: found quickly, and their words opened with a private key."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator

import msgspec

from tsuwaroku.records.acts import Act, ActVerb, detail_of
from tsuwaroku.records.succession import ResealedDetail
from tsuwaroku.store.audit import AuditEntry, AuditLog, entry_in
from tsuwaroku.store.keys import PrivateKey

# Most entries are of other kinds (1,200 calls a day): those are passed over without being decoded.
_IS_ACT = re.compile(b'"verb":"(?:' + b"|".join(re.escape(verb.value.encode()) for verb in ActVerb) + b')"')
_VERBS = {verb.value: verb for verb in ActVerb}


class Resealed(msgspec.Struct, frozen=True):
    """Words of another entry, sealed anew: what its commitment was made of."""

    number: int
    salt: str
    why: str


def act_entries(audit: AuditLog) -> Iterator[AuditEntry]:
    """The entries that are acts, oldest first, unchecked (`auditcheck` checks). Raises StoreError."""
    for _, _, line in audit.lines():
        if _IS_ACT.search(line):
            entry = entry_in(line)
            if entry is not None and entry.verb in _VERBS:
                yield entry


def act_of(entry: AuditEntry, words: str | None = None) -> Act:
    """An entry as an act. `words`: what was sealed with it, JSON; where nothing was, nothing is hidden."""
    said: dict[str, object] | None = {} if entry.why_commitment is None else None
    if words is not None:
        with contextlib.suppress(msgspec.DecodeError):
            said = msgspec.json.decode(words, type=dict[str, object])
    return Act(
        number=entry.number,
        at=entry.at,
        actor=entry.actor,
        verb=ActVerb(entry.verb),
        subject=entry.subject,
        detail=entry.detail,
        words=said,
    )


def acts(entries: Iterable[AuditEntry], private: PrivateKey | None = None) -> list[Act]:
    """The acts, with the words that this key opens: sealed to it in the first place, or sealed again since.

    Words sealed again count only where they are what their entry committed to. Raises SecretError where a box made for
    this key does not open.
    """
    found = list(entries)
    again = {} if private is None else _resealed(found, private)
    kept = []
    for entry in found:
        words = None if private is None else entry.why(private)
        sealed_again = again.get(entry.number)
        if words is None and sealed_again is not None and entry.committed(sealed_again.salt, sealed_again.why):
            words = sealed_again.why
        if entry.verb != ActVerb.WORDS_RESEALED:
            kept.append(act_of(entry, words))
    return kept


def opened_words(entries: Iterable[AuditEntry], private: PrivateKey) -> list[Resealed]:
    """The words of these entries that this key opens, with what they were committed by: to be sealed again.

    Raises SecretError where a box made for this key does not open.
    """
    found = list(entries)
    again = _resealed(found, private)
    opened = []
    for entry in found:
        if entry.verb == ActVerb.WORDS_RESEALED:
            continue
        own = entry.opened(private)
        one = again.get(entry.number) if own is None else Resealed(entry.number, *own)
        if one is not None and entry.committed(one.salt, one.why):
            opened.append(one)
    return opened


def words_lacking(entries: Iterable[AuditEntry], key: str) -> list[AuditEntry]:
    """The entries whose words are neither sealed to this key (id, hex) nor sealed to it again since. Erased ones never
    come back."""
    found = list(entries)
    again = {
        number
        for entry in found
        if entry.verb == ActVerb.WORDS_RESEALED
        and _sealed_to(entry, key)
        and (said := detail_of(act_of(entry), ResealedDetail)) is not None
        for number in said.of
    }
    return [
        entry
        for entry in found
        if entry.verb != ActVerb.WORDS_RESEALED
        and entry.sealed is not None
        and not _sealed_to(entry, key)
        and entry.number not in again
    ]


def _sealed_to(entry: AuditEntry, key: str) -> bool:
    return any(recipient == key for recipient, _ in entry.sealed or ())


def _resealed(entries: Iterable[AuditEntry], private: PrivateKey) -> dict[int, Resealed]:
    found: dict[int, Resealed] = {}
    for entry in entries:
        words = entry.why(private) if entry.verb == ActVerb.WORDS_RESEALED else None
        if words is not None:
            try:
                found |= {one.number: one for one in msgspec.json.decode(words, type=list[Resealed])}
            except msgspec.DecodeError:
                continue
    return found
