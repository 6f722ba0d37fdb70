"""`retention-statement`: both sides of Article 8(1) for one day, checked in ring, journals and audit log, and signed.

What had to be kept on that day is there and verifies, or was erased when its time was over; what was older is erased.
The signature is the device key's over `DOMAIN_STATEMENT` and the statement as JSON with sorted keys, no spaces, UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.errors import RefusedError, SecretError, StoreError
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.retention import Period
from tsuwaroku.service.eraselog import ErasedCall, erase_log, ranges
from tsuwaroku.service.holding import judge_of
from tsuwaroku.store.amendments import Amendments, read_amendments
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.ends import End, end_of, read_end
from tsuwaroku.store.keys import verify_signature
from tsuwaroku.store.scan import StoredCall
from tsuwaroku.store.sequence import accounted_numbers
from tsuwaroku.store.verify import Report, verify_store

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

DOMAIN_STATEMENT = b"tsuwaroku statement 1\0"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of calls are ranges like "1–3, 7". `day`: ISO date; `made_at`: ISO 8601, `clock` its quality.

    `kept`: had to be there on `day`, and are there; `kept_then`: had to be, were kept to their last day, and erased
    after it; `held`: of `kept`, only because of a hold. `overdue`: older than their last day and not erased by the day
    after it; `due`: to be erased on the day this was made. `erased`: on `day`, each with its rule. `erased_before`: how
    many before. `unrecorded`: numbers of calls that nobody pressed for or there was no room for; `lost`: that a power
    cut took with the commit that they began in. `notes` accounts for what else is no damage. `holds`: all of it is so.
    """

    version: int = 1
    store_id: str
    day: str
    made_at: str
    clock: str
    retention: str
    kept: str
    kept_count: int
    held: str
    kept_then: str
    kept_then_count: int
    erased: list[ErasedCall]
    erased_before: int
    overdue: str
    due: str
    unfinished: str
    unrecorded: str
    lost: str
    highest: int
    audit_head: str
    problems: list[str]
    notes: list[str]
    holds: bool


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A statement, the public device key and its signature, both in hex."""

    statement: Statement
    device_key: str
    signature: str


def state(
    store: Store, now: Instant, day: date | None = None, progress: Callable[[int, int], None] | None = None
) -> Signed:
    """The statement for `day`, today if None. Raises RefusedError for a day to come, SecretError without the device
    key, StoreError."""
    if store.device is None:
        raise SecretError(
            "a statement is signed with the device key", where=str(store.path), remedy="make it on the box itself"
        )
    judge = judge_of(store, now)
    asked = judge.today if day is None else day
    if asked > judge.today:
        raise RefusedError(f"{asked} is still to come", where="--date", remedy="name today or an earlier day")
    making = _Statement(store, judge, asked)
    statement = making.make(now, verify_store(store, progress=progress, seen=making.take))
    return Signed(
        statement=statement,
        device_key=store.device.public.hex(),
        signature=store.device.sign(DOMAIN_STATEMENT, _octets(statement)).hex(),
    )


def is_signed(signed: Signed) -> bool:
    """Whether the key it names signed it; whose key that is, is told by `keys show`."""
    try:
        key, signature = bytes.fromhex(signed.device_key), bytes.fromhex(signed.signature)
    except ValueError:
        return False
    return verify_signature(key, DOMAIN_STATEMENT, _octets(signed.statement), signature)


def _octets(statement: Statement) -> bytes:
    return msgspec.json.encode(statement, order="sorted")


class _Statement:
    def __init__(self, store: Store, judge: Judge, day: date) -> None:
        self._store = store
        self._judge = judge
        self._day = day
        self._spans: dict[bytes, tuple[Instant, End]] = {}  # of each call in the ring
        self._kept: list[int] = []
        self._held: list[int] = []
        self._overdue: list[int] = []
        self._due: list[int] = []

    def make(self, now: Instant, report: Report) -> Statement:
        amendments = read_amendments(self._store)
        catalogue = Catalogue.of(self._store)
        for day_file in catalogue.days():
            try:
                entries = catalogue.for_day(day_file)
            except StoreError:  # it is among the problems that `verify` found
                continue
            for entry in entries:
                if not amendments.gone(entry.call_id):
                    self._present(entry, amendments)
        day, stones = self._day, list(amendments.tombstones.values())
        then = [stone.sequence for stone in stones if stone.ended_on <= day <= stone.expires_on]
        of_calls = [f"call {call.sequence}: {problem}" for call in report.calls for problem in call.problems]
        problems = [*report.problems, *of_calls]
        unfinished = [stone.sequence for stone in amendments.unfinished()]
        stuck = [stone.sequence for stone in amendments.unfinished() if stone.on < self._judge.today]
        return Statement(
            store_id=self._store.info.store_id,
            day=day.isoformat(),
            made_at=now.isoformat(),
            clock=now.quality.value,
            retention=str(Period.from_code(self._store.info.retention_days)),
            kept=ranges(self._kept),
            kept_count=len(self._kept),
            held=ranges(self._held),
            kept_then=ranges(then),
            kept_then_count=len(then),
            erased=erase_log(self._store, day, day).calls,
            erased_before=sum(stone.on < day for stone in stones),
            overdue=ranges(self._overdue),
            due=ranges(self._due),
            unfinished=ranges(unfinished),
            unrecorded=ranges(list(accounted_numbers(amendments))),
            lost=ranges(list(amendments.lost)),
            highest=max([0, *(c.sequence for c in report.calls), *(stone.sequence for stone in stones)]),
            audit_head=AuditLog.open(self._store).head().hex(),
            problems=problems,
            notes=report.notes,
            holds=not (problems or self._overdue or stuck),
        )

    def take(self, stored: StoredCall) -> None:
        """A call as `verify` read it: when it began and ended, as the ring has it."""
        end = end_of(stored)
        if end is not None:
            head = stored.headers[0]
            self._spans[stored.call_id] = Instant(head.wall_ns, head.mono_ns, head.boot_id, head.quality), end

    def _present(self, entry: CatalogueEntry, amendments: Amendments) -> None:
        """Its days by the judge of the clock: those of the catalogue are what the clock of then said."""
        number, until = entry.public.sequence, amendments.hold(entry.call_id)
        began, end = self._spans.get(entry.call_id) or (None, read_end(self._store, entry))
        expires_on = self._judge.last_day(end.at, end.period)
        last = self._judge.last_day(end.at, end.period, until)
        if self._first_day(entry, began) <= self._day <= last:
            self._kept.append(number)
            if expires_on < self._day:
                self._held.append(number)
        if last < self._judge.today:
            late = last + timedelta(days=1) < self._judge.today
            (self._overdue if late else self._due).append(number)

    def _first_day(self, entry: CatalogueEntry, began: Instant | None) -> date:
        if began is None or self._judge.dated_ns(began) == began.wall_ns:
            return date.fromisoformat(entry.public.date)
        return self._judge.end_day(began)
