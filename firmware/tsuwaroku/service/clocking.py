"""What people say of the clock: the technician proposes that it is right, the manager confirms it.

One way for the keeper, and for the console while no keeper runs. The manager is shown beforehand which calls would go;
what she was shown is what is carried out, or nothing is: `sight` holds everything that decides it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.clock import NS, Instant, iso, representable
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.dating import (
    SLACK_NS,
    Proposal,
    State,
    agrees,
    confirm,
    observe,
    propose,
    refuse_impossible,
)
from tsuwaroku.records.judging import Judge, would_go
from tsuwaroku.records.retention import Period
from tsuwaroku.service.clockwatch import Recalled, instant_of
from tsuwaroku.service.holding import refuse_reason
from tsuwaroku.store.amendments import Amended, read_amendments
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.ends import End, glance_end, read_end
from tsuwaroku.store.fold import fold
from tsuwaroku.store.journal import Journal, JournalRecord, JournalType
from tsuwaroku.store.recovery import not_recorded, not_recorded_public

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store


class ClockSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One look: all that a judgement needs, and names no call. `proposal`: the last one nobody confirmed since."""

    at: Instant
    state: State
    proposal: Proposal | None


class ProposalShown(msgspec.Struct, frozen=True, kw_only=True):
    """`lapsed`: "moved" where the clock has been set since, "restarted" where the machine has been, "" where it
    stands."""

    by: str
    at: str
    lapsed: str


class ClockView(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told of the clock. Times are ISO 8601.

    `believed`: the date as the box knows it, null where it never knew one; `ahead_s`: of the clock, of that; `aging_s`:
    by how much earlier calls would age if the clock were confirmed. `suspended`: the alarm that says why nothing is
    erased by its date, or empty. `agreed`: clock and box say the same.
    """

    clock: str
    quality: str
    believed: str | None
    ahead_s: float | None
    aging_s: float
    suspended: str
    agreed: bool
    proposal: ProposalShown | None


class ClockRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The manager's word. `wall_ns`, `mono_ns`, `boot_id` (hex): of the look she was shown; `sight`: of that look;
    `calls`: how many calls she was shown as going."""

    wall_ns: int
    mono_ns: int
    boot_id: str
    sight: str
    calls: int
    reason: str


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """A call that the confirmation lets erasure take. Days as they are once it is confirmed; `marks`: made on it,
    withdrawn ones included."""

    id: str
    sequence: int
    line: str
    ended_on: str
    kept_to: str
    marks: int


def look(store: Store, now: Instant) -> ClockSeen:
    """What the store itself knows, while no keeper runs. Raises StoreError."""
    journals = (Journal.open(store.journal_dir, owner, store).records() for owner in ("recorder", "keeper"))
    found = Recalled(store, *journals)
    return ClockSeen(at=now, state=observe(found.state, now), proposal=found.proposal)


def view(seen: ClockSeen) -> ClockView:
    """The same in people's terms."""
    judge = Judge(seen.state, seen.at)
    boot = judge.state.boots[-1]
    here = propose(judge.state, seen.at, "")
    believed = None if boot.low_ns is None else representable(boot.low_ns + boot.powered_ns(seen.at.mono_ns))
    return ClockView(
        clock=seen.at.isoformat(),
        quality=seen.at.quality.value,
        believed=None if believed is None else iso(believed),
        ahead_s=None if here.ahead_ns is None else round(here.ahead_ns / NS, 3),
        aging_s=round(max(0, here.off_ns) / NS, 3),
        suspended=judge.suspended.value,
        agreed=agrees(judge.state, seen.at),
        proposal=None if seen.proposal is None else _shown(seen.proposal, here),
    )


def _shown(proposal: Proposal, here: Proposal) -> ProposalShown:
    moved = abs(proposal.line_ns - here.line_ns) > SLACK_NS
    restarted = proposal.at.boot_id != here.at.boot_id
    return ProposalShown(
        by=proposal.by,
        at=proposal.at.isoformat(),
        lapsed="restarted" if restarted else "moved" if moved else "",
    )


def refuse_confirm(seen: ClockSeen) -> None:
    """Raises RefusedError where there is nothing to confirm, the clock is wrong for certain, or it is another one than
    the technician proposed. A proposal from before a restart says nothing of this clock, and hinders nobody."""
    _refuse_agreed(seen.state, seen.at)
    confirm(seen.state, seen.at, _in_this_boot(seen))


def _refuse_agreed(state: State, now: Instant) -> None:
    refuse_impossible(now)
    if agrees(state, now):
        raise RefusedError(
            "the clock says what the box knows: there is nothing to confirm",
            remedy="nothing has to be done; `tsuwaroku clock` shows both",
        )


def _in_this_boot(seen: ClockSeen) -> Proposal | None:
    proposal = seen.proposal
    return proposal if proposal is not None and proposal.at.boot_id == seen.at.boot_id else None


def sight(seen: ClockSeen, amended: Amended) -> str:
    """A digest of what decides which calls a confirmation lets go: what is believed, the days before and after, the
    holds, and the proposal. Raises RefusedError as `confirm` does."""
    before = Judge(seen.state, seen.at)
    after = Judge(confirm(seen.state, seen.at, _in_this_boot(seen)), seen.at)
    holds = {call.hex(): str(amended.hold(call)) for call in amended if not amended.gone(call) and amended.hold(call)}
    boots = [(boot.boot_id.hex(), boot.low_ns, boot.standing.value) for boot in before.state.boots]
    proposed = None if seen.proposal is None else (seen.proposal.line_ns, seen.proposal.by)
    days = [str(judge.erasing_day) for judge in (before, after)]
    said = (boots, before.state.debt_ns, before.suspended.value, days, sorted(holds.items()), proposed)
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def going(store: Store, seen: ClockSeen, progress: Callable[[float, float], None] | None = None) -> list[Going]:
    """The calls that would go, those with a mark first, then by number. Reads a block of each call, more of those that
    may go. Raises StoreError; RefusedError as `confirm` does."""
    amendments = read_amendments(store)
    after = Judge(confirm(seen.state, seen.at, _in_this_boot(seen)), seen.at)
    found: dict[str, Going] = {}

    def shown(entry: CatalogueEntry | JournalRecord, end: End) -> tuple[str, Instant, Period, date | None]:
        bare = not_recorded_public(entry) if isinstance(entry, JournalRecord) else entry.public
        public = fold(bare, amendments.get(entry.call_id, []))
        until = amendments.hold(entry.call_id)
        found[public.id] = Going(
            id=public.id,
            sequence=public.sequence,
            line=public.line,
            ended_on=after.end_day(end.at).isoformat(),
            kept_to=after.last_day(end.at, end.period, until).isoformat(),
            marks=public.marks,
        )
        return public.id, end.at, end.period, until

    def candidates() -> Iterator[tuple[str, Instant, Period, date | None]]:
        period = Period.from_code(store.info.retention_days)
        for record in not_recorded(amendments):
            yield shown(record, End(instant_of(record), period, True))
        catalogue = Catalogue.of(store)
        days = catalogue.days()
        for number, day in enumerate(days):
            for entry in catalogue.for_day(day):
                if amendments.gone(entry.call_id):
                    continue
                end = glance_end(store, entry)
                if after.may_erase(end.at, end.period, amendments.hold(entry.call_id)).yes:
                    yield shown(entry, read_end(store, entry))
            if progress is not None:
                progress(number + 1, len(days))

    names = would_go(seen.state, seen.at, candidates())
    return sorted((found[name] for name in names), key=lambda one: (not one.marks, one.sequence, one.id))


def request(seen: ClockSeen, amended: Amended, calls: int, reason: str) -> ClockRequest:
    """The manager's word on what she was shown."""
    return ClockRequest(
        wall_ns=seen.at.wall_ns,
        mono_ns=seen.at.mono_ns,
        boot_id=seen.at.boot_id.hex(),
        sight=sight(seen, amended),
        calls=calls,
        reason=reason.strip(),
    )


def propose_clock(journal: Journal, audit: AuditLog, seen: ClockSeen, by: str) -> Proposal:
    """The technician's word, durable on return; the audit entry is so before. Believes nothing and erases nothing.

    `journal`: the keeper's, open for writing. Raises RefusedError, before anything is written; StoreError.
    """
    _refuse_agreed(seen.state, seen.at)
    said = propose(seen.state, seen.at, by)
    head = audit.append(seen.at, by, "clock proposed", detail=_in_seconds(said)).hash
    public = {"by": by, "line_ns": said.line_ns, "ahead_ns": said.ahead_ns, "off_ns": said.off_ns, "audit_head": head}
    journal.append(JournalType.CLOCK_PROPOSED, seen.at, public=public)
    return said


def confirm_clock(
    journal: Journal, audit: AuditLog, seen: ClockSeen, by: str, asked: ClockRequest, amended: Amended
) -> State:
    """What is believed from now on. The audit entry with its reason is durable before the journal record, and that on
    return: whoever has it need not have `clock.json`.

    `seen`: a look of this moment. Raises RefusedError, before anything is written, where it is not what was shown;
    StoreError.
    """
    refuse_reason(asked.reason)
    refuse_confirm(seen)
    shown_line, line = asked.wall_ns - asked.mono_ns, seen.at.wall_ns - seen.at.mono_ns
    same = asked.boot_id == seen.at.boot_id.hex() and abs(line - shown_line) <= SLACK_NS
    if not same or asked.sight != sight(seen, amended):
        raise RefusedError(
            "the clock, the day or a hold has changed since this was shown, and nothing was confirmed",
            remedy="run it again, and read anew which calls would go",
        )
    said = propose(seen.state, seen.at, by)
    detail = {**_in_seconds(said), "calls_shown": asked.calls}
    head = audit.append(seen.at, by, "clock confirmed", why=asked.reason, detail=detail).hash
    state = confirm(seen.state, seen.at)
    public = {"line_ns": said.line_ns, "ahead_ns": said.ahead_ns, "off_ns": said.off_ns, "audit_head": head}
    record = journal.append(JournalType.CLOCK_CONFIRMED, seen.at, public=public)
    return msgspec.structs.replace(state, confirmed=record.number)


def _in_seconds(said: Proposal) -> dict[str, object]:
    ahead = None if said.ahead_ns is None else round(said.ahead_ns / NS, 3)
    return {"ahead_s": ahead, "aging_s": round(max(0, said.off_ns) / NS, 3)}
