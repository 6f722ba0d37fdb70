"""The record of a call (通話記録): one object, stored in the call itself, rebuilt from there.

What people and programs see from `calls --json` and `show` is this struct as JSON. Times are ISO 8601
with zone; offsets `at_s` count from `answered_at` (from `seized_at` where nobody answered).
A value nobody determined is null: never a guess.
"""

from __future__ import annotations

import enum

import msgspec


class Direction(enum.StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"
    UNKNOWN = "unknown"  # capture began in mid-call and nothing tells


class Outcome(enum.StrEnum):
    ANSWERED = "answered"
    MISSED = "missed"
    ABANDONED = "abandoned"  # off-hook, and on-hook again before anybody answered
    NO_ANSWER = "no_answer"  # the same, and it rang at the other end
    BUSY = "busy"  # the exchange gave its busy tone: engaged, or refused
    FAILED = "failed"
    NOT_RECORDED = "not_recorded"


class Integrity(enum.StrEnum):
    SEALED = "sealed"
    RECOVERED = "recovered"  # interrupted; complete to its last commit
    DAMAGED = "damaged"


class NoticeOutcome(enum.StrEnum):
    ANNOUNCED = "announced"
    BEEPED = "beeped"
    EXEMPT = "exempt"
    FAILED = "failed"


class MarkKind(enum.StrEnum):
    UNREASONABLE_DEMAND = "unreasonable_demand"  # 不当要求


class _Part(msgspec.Struct, kw_only=True):
    pass


class Caller(_Part, kw_only=True):
    """`absence`: why there is no number (withheld, payphone, ...); both null = not determined."""

    number: str | None = None
    absence: str | None = None
    name: str | None = None


class Notice(_Part, kw_only=True):
    """How Article 7 was kept. `outcome` is null where no notice is due (nobody answered)."""

    outcome: NoticeOutcome | None = None
    item: int | None = None
    kind: str | None = None
    at_s: float | None = None
    heard: bool | None = None
    reason: str | None = None
    repeats: list[float] = msgspec.field(default_factory=list)
    decided_by: str | None = None  # of an exemption: who chose it, and when
    decided_on: str | None = None


class Mark(_Part, kw_only=True):
    """A press of the button or the verb `mark` (then without an offset). Withdrawing keeps the mark and says so."""

    at_s: float | None
    kind: MarkKind = MarkKind.UNREASONABLE_DEMAND
    by: str = "button"
    withdrawn: bool = False


def rebased(mark: Mark, by_s: float) -> Mark:
    """The same mark with its offset counted from another moment."""
    return mark if mark.at_s is None else msgspec.structs.replace(mark, at_s=round(mark.at_s + by_s, 3))


class InCallDigits(_Part, kw_only=True):
    """Keys or dialled digits in a call, from `at_s` on. `by`: "near", "far", or null where that cannot be told."""

    at_s: float
    keys: str
    by: str | None = None


class GapRecord(_Part, kw_only=True):
    """`samples` samples from `first_sample` (stream position) on are missing, and why."""

    first_sample: int
    samples: int
    reason: str


class Run(_Part, kw_only=True):
    """A stretch without a gap. `pcm_sha256` is over its S16LE octets."""

    first_sample: int
    samples: int
    pcm_sha256: str


class Audio(_Part, kw_only=True):
    """`first_sample` + `samples` span the call in the line's stream, gaps included.

    `pcm_sha256` is over all captured octets in order (for a call without gaps: the input's own). Speech is between
    answer and end, what we played left out; null where nobody spoke, or where that is not known.
    """

    rate: int
    first_sample: int | None = None
    samples: int = 0
    gaps: list[GapRecord] = msgspec.field(default_factory=list)
    pcm_sha256: str | None = None
    runs: list[Run] = msgspec.field(default_factory=list)
    peak_dbfs: float | None = None
    speech_ratio: float | None = None
    first_speech_s: float | None = None  # when it began, as the offsets `at_s`
    last_speech_s: float | None = None  # when the last of it ended


class ClockRecord(_Part, kw_only=True):
    """How good the record's times are. `dated_at`: when it was seized, as the box found out later (ISO 8601, the day
    alone without a key); null where it has nothing better than the record. Worked out for whoever reads: it stands in
    no sealed record.
    """

    quality: str
    mono_ns: int
    boot_id: str
    dated_at: str | None = None


class Hold(_Part, kw_only=True):
    reason: str
    until: str


class Retention(_Part, kw_only=True):
    """`expires_on`: the last day of keeping (Article 8(1): 30 days, the first not counted), Asia/Tokyo."""

    expires_on: str
    hold: Hold | None = None


class CallRecord(_Part, kw_only=True):
    """One call.

    `dialled`: everything dialled before the answer, a comma where the hook was flashed, a question mark where sound was
    lost meanwhile. Null: nothing was, or nothing could be heard.
    """

    id: str
    sequence: int
    line: str
    extension: str
    direction: Direction
    seized_at: str
    answered_at: str | None = None
    answer_inferred: bool = False
    ended_at: str | None = None
    duration_s: float = 0.0
    ring_s: float = 0.0
    outcome: Outcome
    caller: Caller = msgspec.field(default_factory=Caller)
    called: str | None = None
    dialled: str | None = None
    waiting_callers: list[Caller] = msgspec.field(default_factory=list)  # calls that knocked in this one
    in_call_digits: list[InCallDigits] = msgspec.field(default_factory=list)
    notice: Notice = msgspec.field(default_factory=Notice)
    marks: list[Mark] = msgspec.field(default_factory=list)
    flashes: list[float] = msgspec.field(default_factory=list)
    audio: Audio
    clock: ClockRecord
    retention: Retention
    integrity: Integrity = Integrity.SEALED
    continues: str | None = None
    started_by: str = "contact"  # of hook or ring; sound, where somebody spoke on a line that was on-hook
    ended_by: str = "hook"  # hook, tone, sound (nobody was heard any more), part (4 h), shutdown, power


class PublicRecord(_Part, kw_only=True):
    """What of a call may be known without a key (and stays in the clear in the ring).

    `outcome` is null for an interrupted call: only the key tells. `marks`: how many were made, withdrawn ones included.
    `clock` is null where the clock was synchronised: `date` is then the day it was.
    """

    id: str
    sequence: int
    line: str
    date: str
    outcome: Outcome | None
    integrity: Integrity = Integrity.SEALED
    marks: int = 0
    retention: Retention
    continues: str | None = None
    clock: ClockRecord | None = None
