"""What is known of a call while it goes on, and the record it becomes. No I/O."""

from __future__ import annotations

from array import array
from itertools import groupby

import msgspec
from ulid import ULID

from tsuwaroku.clock import NS, Instant, iso
from tsuwaroku.config import LineConfig, Mode
from tsuwaroku.events import FRAME_MS
from tsuwaroku.records.call import (
    Audio,
    Caller,
    CallRecord,
    ClockRecord,
    Direction,
    InCallDigits,
    Mark,
    Notice,
    NoticeOutcome,
    Outcome,
    Retention,
    rebased,
)
from tsuwaroku.records.retention import expires_on
from tsuwaroku.service.dialling import Dialling
from tsuwaroku.service.ops import Op
from tsuwaroku.signalling.callerid import Absence, CallerId
from tsuwaroku.store.chunks import CallOpening

_SPOKEN_FRAMES = 5  # in a row, 0.1 s: the shortest word there is


class Speech(msgspec.Struct, frozen=True):
    """The share of speech among a call's frames, and when the first of it began and the last ended, from the answer."""

    ratio: float | None = None
    first_s: float | None = None
    last_s: float | None = None


class OngoingCall:
    """A call from its seizure on. Offsets and times count from there by monotonic time: a step of the clock cannot
    tear a call."""

    def __init__(self, line: LineConfig, rate: int, seized: Instant, direction: Direction, mode: Mode) -> None:
        self.id = ULID.from_timestamp(seized.wall_ns / NS).bytes
        self.line = line
        self.rate = rate
        self.seized = seized
        self.direction = direction
        self.mode = mode
        self.parts = [self.id]  # with those before this one; one press keeps them all
        self.pressed = False
        self.continues: bytes | None = None
        self.inherited: Notice | None = None
        self.told: NoticeOutcome | None = None  # of the notice, as last written into the stream
        self.off_hook_ns: int | None = None
        self.answered_ns: int | None = None
        self.inferred = False
        self.by_sound = False  # nothing but a voice said that it began
        self.marks: list[Mark] = []
        self.flashes: list[float] = []
        self.dialling = Dialling()
        self.caller: CallerId | None = None
        self.waiting: list[CallerId] = []
        self.early: list[Op] = []  # events of before the call is opened
        self.deaf = False  # sound was lost while the caller's number may have been sent
        self.progress = Outcome.ABANDONED  # what the exchange said of it, before anybody answered
        self.voice_at = array("q")
        self.voice = bytearray()

    @property
    def ulid(self) -> str:
        return str(ULID.from_bytes(self.id))

    @property
    def outcome_so_far(self) -> Outcome:
        """What it is if it ends now."""
        if self.answered_ns is not None:
            return Outcome.ANSWERED
        return Outcome.MISSED if self.direction is Direction.INBOUND else self.progress

    @property
    def ring_s(self) -> float:
        """How long it rang before somebody answered."""
        if self.direction is not Direction.INBOUND or self.answered_ns is None:
            return 0.0
        return round(max(0, self.answered_ns - self.seized.mono_ns) / NS, 3)

    @property
    def started_by(self) -> str:
        return "sound" if self.by_sound else "contact"

    @property
    def in_call_digits(self) -> list[InCallDigits]:
        """Keys since the answer."""
        return [InCallDigits(at_s=self.at_s(one.at_ns), keys=one.keys, by=one.by) for one in self.dialling.in_call]

    def answer(self, at_ns: int, inferred: bool) -> None:
        """Somebody answered: offsets count from there, those before it too."""
        self._rebase((self.answered_ns or self.seized.mono_ns) - at_ns)
        self.answered_ns, self.inferred = at_ns, inferred
        self.dialling.answered()

    def unanswer(self) -> None:
        """Nobody had."""
        if self.answered_ns is not None:
            self._rebase(self.answered_ns - self.seized.mono_ns)
        self.answered_ns, self.inferred = None, False
        self.dialling.unanswered()

    def _rebase(self, by_ns: int) -> None:
        self.flashes = [round(at_s + by_ns / NS, 3) for at_s in self.flashes]
        self.marks = [rebased(mark, by_ns / NS) for mark in self.marks]

    @property
    def from_caller(self) -> Caller:
        """For the record. `not_offered` only where it was listened for, all the time, and nothing came."""
        if self.caller is not None:
            return shown(self.caller)
        heard_all = self.direction is Direction.INBOUND and not self.deaf and self.continues is None
        return Caller(absence=Absence.NOT_OFFERED.value) if heard_all else Caller()

    def taken_events(self) -> list[Op]:
        """Those of before now that the call is opened."""
        early, self.early = self.early, []
        return early

    def number_known(self, caller: CallerId) -> bool:
        """Whether this says more than what was known: one that could be read goes before one that could not."""
        known = self.caller
        if known is not None and (known.absence is not Absence.UNREADABLE or caller.absence is Absence.UNREADABLE):
            return False
        self.caller = caller
        return True

    def wall_ns(self, mono_ns: int) -> int:
        return self.seized.wall_ns + mono_ns - self.seized.mono_ns

    def iso(self, mono_ns: int) -> str:
        """Wall time of a moment of this call."""
        return iso(self.wall_ns(mono_ns))

    def at_s(self, mono_ns: int) -> float:
        """Seconds since the answer (since the seizure where nobody answered)."""
        return round((mono_ns - (self.answered_ns or self.seized.mono_ns)) / NS, 3)

    def speech(self, start_sample: int, end_sample: int) -> Speech:
        """Between two stream positions; what we played ourselves is not counted. A single frame is no speech yet."""
        inside = [(at, f) for at, f in zip(self.voice_at, self.voice, strict=True) if start_sample <= at < end_sample]
        if not inside:
            return Speech()
        runs = [tuple(run) for voiced, run in groupby(inside, key=lambda frame: bool(frame[1])) if voiced]
        runs = [run for run in runs if len(run) >= _SPOKEN_FRAMES]
        ratio = round(sum(flag for _, flag in inside) / len(inside), 3)
        if not runs:
            return Speech(ratio)
        first, last = runs[0][0][0] - start_sample, runs[-1][-1][0] - start_sample + self.rate * FRAME_MS // 1000
        return Speech(ratio, round(first / self.rate, 3), round(last / self.rate, 3))

    def next_part(self, at_ns: int) -> OngoingCall:
        """The linked call in which this one goes on from `at_ns`."""
        before = self.seized
        seized = Instant(self.wall_ns(at_ns), at_ns, before.boot_id, before.quality)
        part = OngoingCall(self.line, self.rate, seized, self.direction, self.mode)
        part.continues = self.id
        part.parts = [*self.parts, part.id]
        part.pressed = self.pressed
        part.off_hook_ns = at_ns
        part.answered_ns = at_ns if self.answered_ns is not None else None
        part.inferred, part.by_sound = self.inferred, self.by_sound
        part.dialling = self.dialling.next_part()
        part.progress = self.progress
        part.caller, part.deaf = self.caller, self.deaf
        return part

    def opening(self, retention_days: int, first_ns: int | None = None) -> CallOpening:
        """`first_ns`: the time of the first sample, by which the end of a call that is cut off can be told."""
        return CallOpening(
            id=self.id,
            line=self.line.id,
            extension=self.line.extension or self.line.id,
            direction=self.direction.value,
            seized=self.seized,
            rate=self.rate,
            continues=self.continues,
            mode=self.mode.value,
            retention_days=retention_days,
            key_withheld=self.mode is Mode.ON_BUTTON,
            details={
                "seized_at": iso(self.seized.wall_ns),
                "ring_s": self.ring_s,
                "started_by": self.started_by,
                "first_sample_mono_ns": self.seized.mono_ns if first_ns is None else first_ns,
            },
        )

    def record(
        self,
        ended_ns: int,
        outcome: Outcome,
        *,
        notice: Notice,
        ended_by: str,
        retention_days: int,
        speech: Speech,
    ) -> CallRecord:
        """The record, less what the writer knows: sequence number and audio facts."""
        answered = self.answered_ns
        ring_s = self.ring_s
        if outcome is Outcome.MISSED:
            ring_s = round((ended_ns - self.seized.mono_ns) / NS, 3)
        return CallRecord(
            id=self.ulid,
            sequence=0,
            line=self.line.id,
            extension=self.line.extension or self.line.id,
            direction=self.direction,
            seized_at=iso(self.seized.wall_ns),
            answered_at=None if answered is None else self.iso(answered),
            answer_inferred=self.inferred,
            ended_at=self.iso(ended_ns),
            duration_s=0.0 if answered is None else round((ended_ns - answered) / NS, 3),
            ring_s=ring_s,
            outcome=outcome,
            caller=self.from_caller,
            called=None if self.caller is None else self.caller.called,
            dialled=self.dialling.text,
            waiting_callers=[shown(caller) for caller in self.waiting],
            in_call_digits=self.in_call_digits,
            notice=notice,
            marks=self.marks,
            flashes=self.flashes,
            audio=Audio(
                rate=self.rate,
                speech_ratio=speech.ratio,
                first_speech_s=speech.first_s,
                last_speech_s=speech.last_s,
            ),
            clock=ClockRecord(
                quality=self.seized.quality.value, mono_ns=self.seized.mono_ns, boot_id=self.seized.boot_id.hex()
            ),
            retention=Retention(expires_on=expires_on(self.wall_ns(ended_ns), retention_days).isoformat()),
            continues=None if self.continues is None else str(ULID.from_bytes(self.continues)),
            started_by=self.started_by,
            ended_by=ended_by,
        )


def shown(caller: CallerId) -> Caller:
    """As a record has it; frame and check value are in the call's events."""
    return Caller(number=caller.number, absence=caller.absence and caller.absence.value, name=caller.name)
