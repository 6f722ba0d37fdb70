"""Old calls and old words for a new key: whoever has a key that opens them sends them wrapped anew.

The keeper cannot open anything; it takes only what is for somebody on the list of recipients, and words only where they
are what the audit log committed to. Cut off at any place, it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from ulid import ULID

from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.era import fiscal_year
from tsuwaroku.records.keeping import matter_of
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Asked, Route, Routes
from tsuwaroku.service.wordsweep import HOLD
from tsuwaroku.store.acts import Resealed, act_of, is_act, is_act_verb, resealed_to, words_lacking
from tsuwaroku.store.amendments import wraps_of
from tsuwaroku.store.audit import LONGEST_WHY, AuditEntry, entry_in
from tsuwaroku.store.catalogue import ulid_octets
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.keys import Recipient
from tsuwaroku.store.slot import WRAP, WrappedKey
from tsuwaroku.store.words import has_words

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper
    from tsuwaroku.store.catalogue import CatalogueEntry

MOST = 100
"""Calls, or words, sent at once: each call costs a sync of the disk."""
RECORDER = "recorder"
"""The owner of the journal in which nobody but the recorder writes."""
HOLDING = (JournalType.HOLD, JournalType.HOLD_RELEASED)
_SEALED = WRAP.size - 16  # octets: SealedBox(call key ‖ call id)


class LackingQuery(msgspec.Struct, forbid_unknown_fields=True):
    """`key`: id (hex) of the recipient; `day`: ISO date; `again`: also calls for which somebody has sent wraps."""

    key: str
    day: str = ""
    again: bool = False


class LackingCall(msgspec.Struct, frozen=True):
    """A call that a recipient cannot open. `wraps`: of all who can."""

    id: str
    wraps: list[WrappedKey]


class Lacking(msgspec.Struct, frozen=True):
    """`recipient`: whom to wrap for; `days`: that have calls; `calls`: of the day asked for; `sent`: how many of that
    day have wraps for the recipient that somebody sent. Whether those open, the keeper cannot know: she can, and says
    so to whoever sends them again."""

    recipient: Recipient
    days: list[str]
    calls: list[LackingCall]
    sent: int = 0


class Rewrapped(msgspec.Struct, frozen=True):
    """A call's key wrapped for the recipient."""

    call: str
    sealed: bytes


class RewrapRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`wraps`: at most `MOST`."""

    key: str
    wraps: list[Rewrapped]


class WordsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """`key`: id (hex) of the recipient."""

    key: str


class LogQuery(msgspec.Struct, forbid_unknown_fields=True):
    """`key`: id (hex) of the recipient; `day`: of a file of the audit log, ISO."""

    key: str
    day: str = ""


class LogLacking(msgspec.Struct, frozen=True):
    """`days`: that have a file; `entries`: of the day asked for, no acts, whose words the recipient cannot open."""

    days: list[str]
    entries: list[AuditEntry]


class WordsLacking(msgspec.Struct, frozen=True):
    """`entries`: acts whose words the recipient cannot open, and all in which words were sealed again."""

    entries: list[AuditEntry]


class ResealRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`words`: at most `MOST`, of acts; with `day`, of the other entries in the log's file of that day."""

    key: str
    words: list[Resealed]
    day: str = ""


class Taken(msgspec.Struct, frozen=True):
    """How many were new."""

    taken: int


def lacking(keeper: Keeper, query: LackingQuery) -> Lacking:
    """What a recipient cannot open of a day's calls. Raises NotFoundError, RefusedError."""
    recipient = _recipient(keeper, query.key)
    days = keeper.listing.catalogue.days()
    if query.day and query.day not in days:
        raise NotFoundError("no call of this day is listed", where=query.day[:40], remedy="ask for the days first")
    entries = keeper.listing.day(query.day) if query.day else []
    calls, sent = [], 0
    for entry in entries:
        wraps = _wraps(keeper, entry)
        if not wraps or not recipient.hears(entry.public.line) or _recorded_for(keeper, recipient, entry):
            continue
        once = _sent(recipient, wraps)
        sent += bool(once)
        if not once or query.again:
            calls.append(LackingCall(entry.public.id, wraps))
    return Lacking(recipient, days, calls, sent)


def rewrap(keeper: Keeper, asked: Asked) -> Taken:
    """Take wrapped keys. The act is in the audit log before the first of them. One more for a recipient that has one is
    taken, too, for what was sent before may not open; but for a call that the recorder itself wrapped for her. Raises
    NotFoundError, RefusedError."""
    body: RewrapRequest = asked.body
    recipient = _recipient(keeper, body.key)
    _refuse_many(len(body.wraps))
    new: dict[str, bytes] = {}
    for one in body.wraps:
        if len(one.sealed) != _SEALED:
            raise RefusedError("is no wrapped key", where=one.call[:40], remedy="use the tsuwaroku command")
        entry = _entry(keeper, one.call)
        wraps = [] if entry is None else _wraps(keeper, entry)
        if entry is None or not wraps or not recipient.hears(entry.public.line):
            continue  # erased meanwhile, or not this person's: the others count
        if one.sealed not in _sent(recipient, wraps) and not _recorded_for(keeper, recipient, entry):
            new[entry.public.id] = one.sealed
    if new:
        keeper.ledger.add(asked.by.user, ActVerb.CALLS_REWRAPPED, recipient.id, detail={"calls": list(new)}, words={})
    for call, sealed in new.items():
        keeper.keep_wrap(ULID.from_str(call).bytes, WrappedKey(bytes.fromhex(recipient.id), sealed))
    return Taken(len(new))


def words(keeper: Keeper, query: WordsQuery) -> WordsLacking:
    """Acts whose words a recipient cannot open. Raises NotFoundError."""
    recipient = _reader(keeper, query.key)
    entries = keeper.ledger.entries
    again = [entry for entry in entries if entry.verb == ActVerb.WORDS_RESEALED]
    return WordsLacking([*words_lacking(entries, recipient.id), *again])


def log_words(keeper: Keeper, query: LogQuery) -> LogLacking:
    """Why somebody listened, held a call or confirmed the clock: words of entries that are no acts. Raises
    NotFoundError, RefusedError."""
    recipient = _reader(keeper, query.key)
    days = [path.stem for path in keeper.audit_log.files()]
    if query.day and query.day not in days:
        raise NotFoundError("the log has no file of this day", where=query.day[:40], remedy="ask for the days first")
    return LogLacking(days, _of_log(keeper, recipient, query.day) if query.day else [])


def _of_log(keeper: Keeper, recipient: Recipient, day: str) -> list[AuditEntry]:
    again = resealed_to(keeper.ledger.entries, recipient.id)
    lines = (line for _, _, line in keeper.audit_log.lines({day}) if has_words(line) and not is_act(line))
    found = [entry for line in lines if (entry := entry_in(line)) is not None and not is_act_verb(entry.verb)]
    return words_lacking(found, recipient.id, again)


def reseal(keeper: Keeper, asked: Asked) -> Taken:
    """Seal words again, to all who may read them now. Raises NotFoundError, RefusedError."""
    body: ResealRequest = asked.body
    recipient = _reader(keeper, body.key)
    _refuse_many(len(body.words))
    known = _of_log(keeper, recipient, body.day) if body.day else words_lacking(keeper.ledger.entries, recipient.id)
    due = {entry.number: entry for entry in known}
    new = {one.number: one for one in body.words if one.number in due}
    for one in new.values():
        if not due[one.number].committed(one.salt, one.why):
            keeper.refused(asked.by, Verb.REWRAP, str(one.number), "other words")
            raise RefusedError(
                "these are not the words of the entry", where=str(one.number), remedy="run `tsuwaroku verify`"
            )
    together: dict[object, list[Resealed]] = {}
    for one in new.values():  # what is erased one day, each matter in its own time, is in no box with anything else
        together.setdefault(_matter(due[one.number]), []).append(one)
        _hold_again(keeper, due[one.number], one)
    for some in (piece for each in together.values() for piece in _pieces(each)):
        keeper.ledger.add(
            asked.by.user,
            ActVerb.WORDS_RESEALED,
            recipient.id,
            detail={"of": [one.number for one in some]},
            words=[msgspec.to_builtins(one) for one in some],
        )
    return Taken(len(new))


def _pieces(words: list[Resealed]) -> Iterator[list[Resealed]]:
    """As many at once as an entry of one person has room for; what is longer by itself goes by itself."""
    piece: list[Resealed] = []
    octets = 0
    for one in words:
        size = len(msgspec.json.encode(one)) + 1
        if piece and octets + size > LONGEST_WHY:
            yield piece
            piece, octets = [], 0
        piece.append(one)
        octets += size
    if piece:
        yield piece


def _matter(entry: AuditEntry) -> object:
    """What is erased together: of entries that are no acts, those of a fiscal year, and why a call is held by
    itself."""
    if is_act_verb(entry.verb):
        return matter_of(act_of(entry)) or entry.number
    if entry.verb == HOLD:
        return entry.number
    try:
        return fiscal_year(date.fromisoformat(entry.at[:10]))
    except ValueError:
        return entry.number


def _hold_again(keeper: Keeper, entry: AuditEntry, words: Resealed) -> None:
    """The record of a hold that stands once more, for `show` reads the reason there. Before the act that ends the
    matter: twice is as good as once."""
    if entry.verb != HOLD:
        return
    try:
        call_id = ulid_octets(entry.subject)
    except ValueError:
        return
    holds = [one for one in keeper.standing.get(call_id, ()) if one.type in HOLDING]
    if holds and holds[-1].type is JournalType.HOLD and holds[-1].public.get("audit_head") == entry.hash:
        keeper.keep_hold(call_id, holds[-1].public, {"reason": words.why, "by": entry.actor})


def _recipient(keeper: Keeper, key: str) -> Recipient:
    found = next((one for one in keeper.recipients.list if one.id == key), None)
    if found is None:
        raise NotFoundError(
            "calls are not sealed to this key", where=key[:40], remedy="`tsuwaroku keys show` lists those they are for"
        )
    return found


def _reader(keeper: Keeper, key: str) -> Recipient:
    """Words of people are for those of all lines."""
    found = _recipient(keeper, key)
    if found not in keeper.recipients.to_wrap():
        raise RefusedError(
            "words are not for who is appointed for some lines", where=found.name, remedy="appoint for all lines"
        )
    return found


def _entry(keeper: Keeper, call: str) -> CatalogueEntry | None:
    try:
        return keeper.listing.catalogue.get(call)
    except ValueError:
        return None


def _wraps(keeper: Keeper, entry: CatalogueEntry) -> list[WrappedKey]:
    """Every wrapped key of a call; none where it is gone, or waits to be kept or not."""
    standing = keeper.standing
    call_id = ulid_octets(entry.public.id)
    return [] if standing.gone(call_id) else [*entry.wraps, *standing.wraps(call_id)]


def _sent(recipient: Recipient, wraps: list[WrappedKey]) -> list[bytes]:
    """What is sealed to her."""
    return [wrap.sealed for wrap in wraps if wrap.recipient.hex() == recipient.id]


def _recorded_for(keeper: Keeper, recipient: Recipient, entry: CatalogueEntry) -> bool:
    """Whether the recorder itself wrapped the call's key for her: in its slots, or when the button was pressed."""
    pressed = [one for one in keeper.standing.get(entry.call_id, ()) if one.owner == RECORDER]
    return bool(_sent(recipient, [*entry.wraps, *wraps_of(pressed)]))


def _refuse_many(count: int) -> None:
    if count > MOST:
        raise RefusedError(f"more than {MOST} at once", remedy="use the tsuwaroku command")


ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/wraps",
        verb=Verb.REWRAP,
        summary="the calls of a day that a recipient cannot open",
        act=lambda keeper, asked: lacking(keeper, asked.query),
        query=LackingQuery,
        answer=Lacking,
    ),
    Route(
        method="POST",
        path="/v1/wraps",
        verb=Verb.REWRAP,
        summary="keys of calls, wrapped for a recipient by who can open them",
        act=rewrap,
        body=RewrapRequest,
        answer=Taken,
    ),
    Route(
        method="GET",
        path="/v1/words",
        verb=Verb.REWRAP,
        summary="acts whose words a recipient cannot open",
        act=lambda keeper, asked: words(keeper, asked.query),
        query=WordsQuery,
        answer=WordsLacking,
    ),
    Route(
        method="GET",
        path="/v1/words/log",
        verb=Verb.REWRAP,
        summary="entries of the log that are no acts, whose words a recipient cannot open",
        act=lambda keeper, asked: log_words(keeper, asked.query),
        query=LogQuery,
        answer=LogLacking,
    ),
    Route(
        method="POST",
        path="/v1/words",
        verb=Verb.REWRAP,
        summary="words of acts, sealed again by who can open them",
        act=reseal,
        body=ResealRequest,
        answer=Taken,
    ),
)
