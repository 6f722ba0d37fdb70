"""保存延長 (Article 8(1), proviso): the manager keeps a call beyond its days, to a day she names, for a reason.

One way for the keeper, and for the console while no keeper runs. A call that went on for hours is several linked parts;
whoever holds one of them holds them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import msgspec
from ulid import ULID

from tsuwaroku.clock import Instant
from tsuwaroku.errors import NotFoundError, RefusedError, StoreError
from tsuwaroku.records.call import CallRecord, PublicRecord
from tsuwaroku.records.dating import State
from tsuwaroku.records.judging import Judge
from tsuwaroku.service.forecast import HoldEffect, Occupancy, effect_of_hold
from tsuwaroku.service.measured import kept_call
from tsuwaroku.store import clockfile
from tsuwaroku.store.amendments import Amended, read_amendments
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.ends import read_end
from tsuwaroku.store.journal import Journal, JournalType

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

LONGEST_REASON = 1000  # letters; a journal record has room for far more
MOST_PARTS = 64  # of one call; the end of each is looked for in the ring


class HoldRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for. `calls`: ULIDs of the parts; `until`: ISO date, None to release."""

    calls: Annotated[list[str], msgspec.Meta(max_length=MOST_PARTS)]
    until: str | None
    reason: str


def _named(asked: HoldRequest) -> list[str]:
    """Each call once."""
    return list(dict.fromkeys(asked.calls))


def parts_of(record: CallRecord | PublicRecord, records: Iterable[CallRecord | PublicRecord]) -> list[str]:
    """The ids of all parts of a call, in their order."""
    before = {one.id: one.continues for one in records if one.continues}
    after = {of: one for one, of in before.items()}
    first = record.id
    while first in before and before[first] != first:
        first = before[first]
    parts = [first]
    while parts[-1] in after and after[parts[-1]] not in parts:
        parts.append(after[parts[-1]])
    return parts


def judge_of(store: Store, now: Instant) -> Judge:
    """Who decides what day it is and when a call ended; by the wall clock alone where the clock's memory is lost."""
    try:
        state = clockfile.load(store.clock_path, store.store_id)
    except StoreError:
        state = State()
    return Judge(state, now)


def refuse_hold(
    store: Store,
    amendments: Amended,
    asked: HoldRequest,
    judge: Judge,
    years: int,
    catalogue: Catalogue | None = None,
) -> None:
    """Raises NotFoundError for an unknown call; RefusedError for one that is gone, whose time is over, that is held so
    long already, and for an end that is none, or more than `years` away. `catalogue`: for who has read it."""
    refuse_reason(asked.reason)
    until, calls, catalogue = _day(asked.until), _named(asked), catalogue or Catalogue.of(store)
    ends = [_last_day(store, amendments, catalogue, call_id, judge) for call_id in calls]
    for call_id, last in zip(calls, ends, strict=True):
        if until < last or (until == last and len(set(ends)) == 1):  # a power cut may have left the parts unlike
            raise RefusedError(
                f"this call is kept until {last} anyway",
                where=call_id,
                remedy="name a later day with --until; to end a hold sooner, use `tsuwaroku release-hold`",
            )
    if until > _years_after(judge.today, years):
        raise RefusedError(
            f"a hold until {until} is longer than {years} years",
            where="--until",
            remedy="name an earlier day; a hold that stands can be made longer at any time",
        )


def refuse_release(store: Store, amendments: Amended, asked: HoldRequest, catalogue: Catalogue | None = None) -> None:
    """Raises NotFoundError for an unknown call, RefusedError where none of them is held."""
    refuse_reason(asked.reason)
    catalogue = catalogue or Catalogue.of(store)
    for call_id in _named(asked):
        _entry(catalogue, amendments, call_id)
    if not any(amendments.hold(_raw(call_id)) for call_id in asked.calls):
        raise RefusedError(
            "this call is not on hold",
            where=asked.calls[0] if asked.calls else "",
            remedy="`tsuwaroku show` shows a hold",
        )


def carry_out(
    store: Store,
    journal: Journal,
    audit: AuditLog,
    now: Instant,
    by: str,
    asked: HoldRequest,
    years: int,
    amendments: Amended | None = None,
    catalogue: Catalogue | None = None,
) -> dict[str, object]:
    """Hold these calls, or release them. Durable on return; the audit entry is so before. `journal`: the keeper's, open
    for writing. `amendments`: for who has them; reading the journals of a year takes seconds. Raises as `refuse_hold`
    and `refuse_release` do, before anything is written; StoreError."""
    amendments = read_amendments(store) if amendments is None else amendments
    if asked.until is None:
        refuse_release(store, amendments, asked, catalogue)
        kind, verb, public = JournalType.HOLD_RELEASED, "hold released", {}
    else:
        refuse_hold(store, amendments, asked, judge_of(store, now), years, catalogue)
        kind, verb, public = JournalType.HOLD, "hold", {"until": asked.until}
    recipients = store.recipients.to_wrap()
    for call_id in _named(asked):
        head = audit.append(now, by, verb, call_id, why=asked.reason, detail=public).hash
        said = {**public, "audit_head": head}
        secret = {"reason": asked.reason, "by": by}
        journal.append(kind, now, ULID.from_str(call_id).bytes, said, secret, recipients)
    return {"calls": _named(asked), "until": asked.until}


def effect_on(
    ring: Occupancy, store: Store, amendments: Amended, asked: HoldRequest, catalogue: Catalogue | None = None
) -> HoldEffect:
    """What the hold does to the ring's guarantee; the parts of a call count as one. Raises as `refuse_hold` does."""
    catalogue = catalogue or Catalogue.of(store)
    entries = [_entry(catalogue, amendments, call_id) for call_id in _named(asked)]
    parts = [kept_call(entry, amendments.hold(entry.call_id)) for entry in entries]
    if not parts:
        raise NotFoundError("no call is named", remedy="`tsuwaroku calls` lists them")
    whole = msgspec.structs.replace(parts[-1], slots=sum(part.slots for part in parts))
    return effect_of_hold(ring, whole, _day(asked.until))


def refuse_reason(reason: str) -> None:
    """Raises RefusedError where a person gives none, or a book."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise RefusedError(
            f"a reason is needed, of at most {LONGEST_REASON} letters", where="--reason", remedy="say why in a sentence"
        )


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError as error:
        raise RefusedError(f"{text} is not a date", where="--until", remedy="write it like 2027-03-31") from error


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def _last_day(store: Store, amendments: Amended, catalogue: Catalogue, call_id: str, judge: Judge) -> date:
    """Of keeping, with the hold that stands. Raises RefusedError where it is over."""
    entry = _entry(catalogue, amendments, call_id)
    held = amendments.hold(entry.call_id)
    try:  # the clock may have been wrong when it ended, ahead or behind, and be known better now
        end = read_end(store, entry)
        last = judge.last_day(end.at, end.period, held)
    except StoreError:  # a disk that cannot be read keeps nobody from holding what was on it
        expires_on = date.fromisoformat(entry.public.retention.expires_on)
        last = expires_on if held is None else max(expires_on, held)
    if last < judge.today:
        raise RefusedError(
            f"this call was kept until {last} (Article 8(1)) and can no longer be held",
            where=call_id,
            remedy="nothing can be done: a hold has to be put on a call before its time is over",
        )
    return last


def _entry(catalogue: Catalogue, amendments: Amended, call_id: str) -> CatalogueEntry:
    if amendments.gone(_raw(call_id)):
        raise RefusedError(
            "this call was erased", where=call_id, remedy="`tsuwaroku erase-log` says when and by what rule"
        )
    entry = catalogue.get(call_id)
    if entry is None:
        raise NotFoundError(f"no call {call_id}", remedy="`tsuwaroku calls` lists them")
    return entry


def _raw(call_id: str) -> bytes:
    """The id's 16 octets; the request comes from another process."""
    try:
        return ULID.from_str(call_id).bytes
    except ValueError as error:
        raise NotFoundError(f"no call {call_id}", remedy="`tsuwaroku calls` lists them") from error


def request(calls: Sequence[str], reason: str, until: date | None) -> HoldRequest:
    """A request as people make it."""
    return HoldRequest(calls=list(calls), until=None if until is None else until.isoformat(), reason=reason.strip())
