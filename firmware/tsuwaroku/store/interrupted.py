"""The record of a call that was cut off: computed from its stream, by rule, never a guess."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from ulid import ULID

from tsuwaroku.clock import NS, from_iso, iso
from tsuwaroku.records.call import (
    Audio,
    Caller,
    CallRecord,
    ClockRecord,
    Direction,
    InCallDigits,
    Integrity,
    Mark,
    Notice,
    Outcome,
    Retention,
    rebased,
)
from tsuwaroku.records.retention import expires_on
from tsuwaroku.store.chunks import CallEvent, CallOpening

if TYPE_CHECKING:
    from tsuwaroku.store.scan import StoredCall

_T = TypeVar("_T")


class _Facts(msgspec.Struct):
    """What opening and events told so far."""

    seized_at: str
    direction: Direction = Direction.UNKNOWN
    answered: bool = False
    answered_at: str | None = None
    answer_inferred: bool = False
    ring_s: float = 0.0
    caller: Caller = msgspec.field(default_factory=Caller)
    called: str | None = None
    dialled: str | None = None
    in_call_digits: list[InCallDigits] = msgspec.field(default_factory=list)
    waiting_callers: list[Caller] = msgspec.field(default_factory=list)
    notice: Notice = msgspec.field(default_factory=Notice)
    marks: list[Mark] = msgspec.field(default_factory=list)
    flashes: list[float] = msgspec.field(default_factory=list)
    outcome: Outcome | None = None
    ended_at: str | None = None
    started_by: str = "contact"
    ended_by: str = "power"
    progress: Outcome = Outcome.ABANDONED  # what the exchange said of a call that nobody answered


def record_of(
    stored: StoredCall, opening: CallOpening | None, events: Iterable[CallEvent], audio: Audio, *, damaged: bool
) -> CallRecord:
    """The record up to the last committed sample. Without an end of its own the call ended by "power"."""
    first = stored.headers[0]
    facts = _Facts(seized_at=iso(opening.seized.wall_ns if opening else first.wall_ns))
    if opening is not None:
        _take(facts, {"direction": opening.direction})
        _take(facts, opening.details)
    for event in events:
        _take_event(facts, event)
    ended_ns = from_iso(facts.ended_at) if facts.ended_at else _last_committed_ns(stored, opening, audio)
    begun_ns = from_iso(facts.answered_at or facts.seized_at)
    continues = opening.continues if opening else None
    return CallRecord(
        id=stored.id,
        sequence=stored.sequence,
        line=first.line,
        extension=opening.extension if opening else "",
        direction=facts.direction,
        seized_at=facts.seized_at,
        answered_at=facts.answered_at,
        answer_inferred=facts.answer_inferred,
        ended_at=iso(ended_ns),
        duration_s=max(0.0, round((ended_ns - begun_ns) / NS, 3)),
        ring_s=facts.ring_s,
        outcome=facts.outcome or _outcome(facts),
        caller=facts.caller,
        called=facts.called,
        dialled=facts.dialled,
        in_call_digits=facts.in_call_digits,
        waiting_callers=facts.waiting_callers,
        notice=facts.notice,
        marks=facts.marks,
        flashes=facts.flashes,
        audio=audio,
        clock=_clock(stored, opening),
        retention=Retention(expires_on=expires_on(ended_ns, first.retention_days).isoformat()),
        integrity=Integrity.DAMAGED if damaged else Integrity.RECOVERED,
        continues=str(ULID.from_bytes(continues)) if continues else None,
        started_by=facts.started_by,
        ended_by=facts.ended_by,
    )


def _outcome(facts: _Facts) -> Outcome:
    if facts.answered or facts.answered_at:
        return Outcome.ANSWERED
    return Outcome.MISSED if facts.direction is Direction.INBOUND else facts.progress


def _last_committed_ns(stored: StoredCall, opening: CallOpening | None, audio: Audio) -> int:
    """Wall time of the last committed sample; of the last commit where nothing places the samples in time."""
    first_mono = opening.details.get("first_sample_mono_ns") if opening else None
    if opening is not None and isinstance(first_mono, int) and audio.samples:
        return opening.seized.wall_ns + first_mono - opening.seized.mono_ns + audio.samples * NS // audio.rate
    return stored.extents[-1].header.wall_ns if stored.extents else stored.headers[0].wall_ns


def _clock(stored: StoredCall, opening: CallOpening | None) -> ClockRecord:
    at = opening.seized if opening else stored.headers[0]
    return ClockRecord(quality=at.quality, mono_ns=at.mono_ns, boot_id=at.boot_id.hex())


def _take_event(facts: _Facts, event: CallEvent) -> None:
    data = event.data
    if event.kind == "answered":
        _take(facts, data)
        facts.answered = True
        _answered_at(facts, _as(data.get("at"), str) or facts.answered_at)
        facts.answer_inferred = _as(data.get("inferred"), bool) or False
    elif event.kind == "unanswered":  # the answer had only been inferred
        facts.answered, facts.answer_inferred = False, False
        _answered_at(facts, None)
    elif event.kind in ("dialled", "keys"):  # everything so far
        _take(facts, data)
    elif event.kind == "caller_id":
        _take(facts, {"caller": data.get("caller"), "called": data.get("called")})
    elif event.kind == "caller_waiting":
        caller = _as(data.get("caller"), Caller)
        facts.waiting_callers += [] if caller is None else [caller]
    elif event.kind == "progress":
        facts.progress = _as(data.get("outcome"), Outcome) or facts.progress
    elif event.kind == "seized":
        _take(facts, data)  # its `wall` is of the off-hook; the call was seized at its first ring
    elif event.kind == "flash":
        at_s = _as(data.get("at_s"), float)
        facts.flashes += [] if at_s is None else [at_s]
    elif event.kind == "mark":
        mark = _as(data, Mark)
        facts.marks += [] if mark is None else [mark]
    elif event.kind in ("notice", "ending"):
        _take(facts, {"notice": data} if event.kind == "notice" else data)


def _answered_at(facts: _Facts, at: str | None) -> None:
    """The answer's time; offsets noted before it, which counted from the seizure, count from it."""
    with contextlib.suppress(ValueError):
        by_s = (from_iso(facts.answered_at or facts.seized_at) - from_iso(at or facts.seized_at)) / NS
        facts.flashes = [round(at_s + by_s, 3) for at_s in facts.flashes]
        facts.marks = [rebased(mark, by_s) for mark in facts.marks]
    facts.answered_at = at


def _take(facts: _Facts, data: Mapping[str, Any]) -> None:
    """Every field of `facts` that `data` has with a fitting value; the rest stays as it is."""
    for field in msgspec.structs.fields(_Facts):
        given = data.get(field.name)
        if given is None or field.name in ("marks", "flashes", "waiting_callers"):
            continue
        if field.name == "notice" and isinstance(given, Mapping):
            given = {**msgspec.to_builtins(facts.notice), **given}
        fitting = _as(given, field.type)
        if fitting is not None:
            setattr(facts, field.name, fitting)


def _as(given: Any, kind: type[_T]) -> _T | None:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError:
        return None
