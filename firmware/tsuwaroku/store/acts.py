"""Acts of records management in the audit log: found quickly, and their words opened with a private key."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Set

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


def is_act(line: bytes) -> bool:
    """Whether a line of the log may be an act: cheap, and never wrong about one that is."""
    return _IS_ACT.search(line) is not None


def is_act_verb(verb: str) -> bool:
    """Whether entries of this verb are acts."""
    return verb in _VERBS


def act_entries(audit: AuditLog) -> Iterator[AuditEntry]:
    """The entries that are acts, oldest first, unchecked (`auditcheck` checks). Raises StoreError."""
    for _, _, line in audit.lines():
        if is_act(line):
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
        erased=entry.words_gone,
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


def opened_words(
    entries: Iterable[AuditEntry], private: PrivateKey, again: Mapping[int, Resealed] | None = None
) -> list[Resealed]:
    """The words of these entries that this key opens, with what they were committed by: to be sealed again. `again`: of
    `sealed_again`, where these entries are not all there are.

    Raises SecretError where a box made for this key does not open.
    """
    found = list(entries)
    known = _resealed(found, private) if again is None else again
    opened = []
    for entry in found:
        if entry.verb == ActVerb.WORDS_RESEALED:
            continue
        own = entry.opened(private)
        one = known.get(entry.number) if own is None else Resealed(entry.number, *own)
        if one is not None and entry.committed(one.salt, one.why):
            opened.append(one)
    return opened


def sealed_again(entries: Iterable[AuditEntry], private: PrivateKey) -> dict[int, Resealed]:
    """Words by the number of their entry, from the acts that sealed them again for this key; what their entry committed
    to is still to be asked. Raises SecretError."""
    return _resealed(entries, private)


def resealed_to(entries: Iterable[AuditEntry], key: str) -> set[int]:
    """Numbers of the entries whose words were sealed to this key (id, hex) again."""
    return {
        number
        for entry in entries
        if entry.verb == ActVerb.WORDS_RESEALED
        and _sealed_to(entry, key)
        and (said := detail_of(act_of(entry), ResealedDetail)) is not None
        for number in said.of
    }


def words_lacking(entries: Iterable[AuditEntry], key: str, again: Set[int] | None = None) -> list[AuditEntry]:
    """The entries whose words are neither sealed to this key (id, hex) nor sealed to it again since (`again`: of
    `resealed_to`, where these are not all entries). Erased ones never come back."""
    found = list(entries)
    known = resealed_to(found, key) if again is None else again
    return [
        entry
        for entry in found
        if entry.verb != ActVerb.WORDS_RESEALED
        and entry.sealed is not None
        and not _sealed_to(entry, key)
        and entry.number not in known
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
