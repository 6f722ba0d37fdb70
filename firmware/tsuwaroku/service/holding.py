"""保存延長 (Article 8(1), proviso): the manager keeps a call beyond its days, to a day she names, for a reason.

One way for the keeper, and for the console while no keeper runs. A call that went on for hours is several linked parts;
whoever holds one of them holds them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from ulid import ULID

from tsuwaroku.clock import Instant
from tsuwaroku.errors import NotFoundError, RefusedError, StoreError
from tsuwaroku.records.call import CallRecord, PublicRecord
from tsuwaroku.records.dating import State
from tsuwaroku.records.judging import Judge
from tsuwaroku.store import clockfile
from tsuwaroku.store.amendments import Amendments, read_amendments
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import Journal, JournalType

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

LONGEST_REASON = 1000  # letters; a journal record has room for far more


class HoldRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for. `calls`: ULIDs of the parts; `until`: ISO date, None to release."""

    calls: list[str]
    until: str | None
    reason: str


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


def reading_day(store: Store, now: Instant) -> date:
    """Today, by the clock that decides what may be read; by the wall clock where its memory is lost."""
    try:
        state = clockfile.load(store.clock_path)
    except StoreError:
        state = State()
    return Judge(state, now).today


def refuse_hold(store: Store, amendments: Amendments, asked: HoldRequest, today: date, years: int) -> None:
    """Raises NotFoundError for an unknown call; RefusedError for one that is gone, whose time is over, that is held so
    long already, and for an end that is none, or more than `years` away."""
    _refuse_reason(asked.reason)
    until = _day(asked.until)
    for call_id in asked.calls:
        expires_on = _last_day(store, amendments, call_id, today)
        if until <= expires_on:
            raise RefusedError(
                f"this call is kept until {expires_on} anyway",
                where=call_id,
                remedy="name a later day with --until; to end a hold sooner, use `tsuwaroku release-hold`",
            )
    if until > _years_after(today, years):
        raise RefusedError(
            f"a hold until {until} is longer than {years} years",
            where="--until",
            remedy="name an earlier day; a hold that stands can be made longer at any time",
        )


def refuse_release(store: Store, amendments: Amendments, asked: HoldRequest) -> None:
    """Raises NotFoundError for an unknown call, RefusedError where none of them is held."""
    _refuse_reason(asked.reason)
    for call_id in asked.calls:
        _retention(store, amendments, call_id)
    if not any(amendments.hold(ULID.from_str(call_id).bytes) for call_id in asked.calls):
        raise RefusedError("this call is not on hold", where=asked.calls[0], remedy="`tsuwaroku show` shows a hold")


def carry_out(
    store: Store, journal: Journal, audit: AuditLog, now: Instant, by: str, asked: HoldRequest, years: int
) -> dict[str, object]:
    """Hold these calls, or release them. Durable on return; the audit entry is so before. `journal`: the keeper's, open
    for writing. Raises as `refuse_hold` and `refuse_release` do, before anything is written; StoreError."""
    amendments = read_amendments(store)
    if asked.until is None:
        refuse_release(store, amendments, asked)
        kind, verb, public = JournalType.HOLD_RELEASED, "hold released", {}
    else:
        refuse_hold(store, amendments, asked, reading_day(store, now), years)
        kind, verb, public = JournalType.HOLD, "hold", {"until": asked.until}
    recipients = store.recipients.to_wrap()
    for call_id in asked.calls:
        head = audit.append(now, by, verb, call_id, why=asked.reason, detail=public).hash
        said = {**public, "audit_head": head}
        secret = {"reason": asked.reason, "by": by}
        journal.append(kind, now, ULID.from_str(call_id).bytes, said, secret, recipients)
    return {"calls": asked.calls, "until": asked.until}


def _refuse_reason(reason: str) -> None:
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


def _last_day(store: Store, amendments: Amendments, call_id: str, today: date) -> date:
    """Of keeping, with the hold that stands. Raises RefusedError where it is over."""
    expires_on = _retention(store, amendments, call_id)
    held = amendments.hold(ULID.from_str(call_id).bytes)
    last = expires_on if held is None else max(expires_on, held)
    if last < today:
        raise RefusedError(
            f"this call was kept until {last} (Article 8(1)) and can no longer be held",
            where=call_id,
            remedy="nothing can be done: a hold has to be put on a call before its time is over",
        )
    return last


def _retention(store: Store, amendments: Amendments, call_id: str) -> date:
    """The last day without a hold."""
    entry = Catalogue(store.catalogue_dir).get(call_id)
    if amendments.gone(ULID.from_str(call_id).bytes):
        raise RefusedError(
            "this call was erased", where=call_id, remedy="`tsuwaroku erase-log` says when and by what rule"
        )
    if entry is None:
        raise NotFoundError(f"no call {call_id}", remedy="`tsuwaroku calls` lists them")
    return date.fromisoformat(entry.public.retention.expires_on)


def request(calls: Sequence[str], reason: str, until: date | None) -> HoldRequest:
    """A request as people make it."""
    return HoldRequest(calls=list(calls), until=None if until is None else until.isoformat(), reason=reason.strip())
