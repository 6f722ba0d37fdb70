"""True time beside the box's: a box that is powered or not, with a clock that is right, wrong, or lied to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from tsuwaroku.clock import NS, ClockQuality, Instant, from_iso, representable
from tsuwaroku.records.dating import DAY_NS, State
from tsuwaroku.records.judging import Judge, Verdict, Why
from tsuwaroku.records.retention import Period, day_of, due_ns

S, H, D = NS, 3600 * NS, DAY_NS
START = from_iso("2026-11-01T09:00:00+09:00")
PERIOD = Period(30)
SYNCHRONISED, HOLDOVER, UNSYNCHRONISED = ClockQuality


@dataclass
class Call:
    """`end`: what the record says. `erased_ns`: true time, and by which rule."""

    end: Instant
    true_end_ns: int
    powered_ns: int
    erased_ns: int | None = None
    erased_age_ns: int = 0  # in powered-on time
    why: Why | None = None
    overdue_ns: int = 0  # powered-on time for which it was still there after its last day

    @cached_property
    def last_day(self) -> date:
        """By true time."""
        return PERIOD.last_day(day_of(self.true_end_ns))

    @property
    def early_ns(self) -> int:
        """How long before its 30 days were over it was erased; 0 where it was not."""
        if self.erased_ns is None:
            return 0
        return max(0, due_ns(self.last_day) - self.erased_ns)


@dataclass
class World:
    """`look_ns`: the time between two looks of the keeper. Every look erases what may be erased."""

    true_ns: int = START
    look_ns: int = H
    error_ns: int = 0
    quality: ClockQuality = SYNCHRONISED
    state: State = field(default_factory=State)
    calls: list[Call] = field(default_factory=list)
    powered_ns: int = 0
    _boot: int = 0
    _booted_ns: int = START - 30 * S

    def __post_init__(self) -> None:
        self.look()

    def now(self) -> Instant:
        boot_id = self._boot.to_bytes(16, "big")
        return Instant(
            representable(self.true_ns + self.error_ns), self.true_ns - self._booted_ns, boot_id, self.quality
        )

    def clock(self, error_ns: int, quality: ClockQuality = SYNCHRONISED) -> None:
        """From now on the box's clock is wrong by so much, or not."""
        self.error_ns, self.quality = error_ns, quality
        self.look()

    def epoch(self) -> None:
        """A clock that was never set: 1970 and the time since the boot."""
        self.clock(-self._booted_ns, UNSYNCHRONISED)

    def run(self, length_ns: int) -> None:
        """Powered on for so long."""
        end = self.true_ns + length_ns
        while self.true_ns < end:
            step = min(self.look_ns, end - self.true_ns)
            for call in self.calls:
                if call.erased_ns is None:
                    call.overdue_ns += min(step, max(0, self.true_ns - due_ns(call.last_day)))
            self.true_ns += step
            self.powered_ns += step
            self.look()

    def off(self, length_ns: int) -> None:
        """Without power, then 30 s until the first look, with a clock that nobody set."""
        self.true_ns += length_ns
        self._boot += 1
        self._booted_ns = self.true_ns
        self.true_ns += 30 * S
        self.powered_ns += 30 * S
        self.epoch()

    def call(self, seized: Instant | None = None) -> Call:
        """A call ends now. Its record counts from the clock's time at its seizure, as the recorder does."""
        end = self.now()
        if seized is not None:
            wall_ns = seized.wall_ns + end.mono_ns - seized.mono_ns
            end = Instant(wall_ns, end.mono_ns, end.boot_id, seized.quality)
        call = Call(end, self.true_ns, self.powered_ns)
        self.calls.append(call)
        return call

    def judge(self) -> Judge:
        return Judge(self.state, self.now())

    def may_read(self, call: Call) -> Verdict:
        return self.judge().may_read(call.end, PERIOD)

    def may_erase(self, call: Call) -> Verdict:
        return self.judge().may_erase(call.end, PERIOD)

    def look(self) -> None:
        judge = self.judge()
        self.state = judge.state
        for call in self.calls:
            if call.erased_ns is None and (verdict := judge.may_erase(call.end, PERIOD)).yes:
                call.erased_ns, call.why = self.true_ns, verdict.why
                call.erased_age_ns = self.powered_ns - call.powered_ns
