"""A box over many days, in moments: true time beside its clock's, calls written as the recorder writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ulid import ULID

from tests.store.reading import sound
from tsuwaroku.clock import NS, ClockQuality, Instant, from_iso, representable
from tsuwaroku.config import Config, LineConfig, StoreConfig
from tsuwaroku.records.call import Audio, CallRecord, ClockRecord, Direction, Outcome, Retention
from tsuwaroku.records.retention import Period, day_of, expires_on
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import DEMO_KEY, Store
from tsuwaroku.store.scan import read_headers
from tsuwaroku.store.writer import CallOpening, RingWriter

SYNCHRONISED, _, UNSYNCHRONISED = ClockQuality
RATE = 8000
PERIOD = Period(5)
MINUTE, HOUR, DAY = 60 * NS, 3600 * NS, 86_400 * NS


class Killed(BaseException):
    """The process is gone in the middle of what it did."""


@dataclass
class Kept:
    """A call, by true time."""

    call_id: bytes
    ended: date
    slots: list[int]
    until: date | None = None

    @property
    def last_day(self) -> date:
        last = PERIOD.last_day(self.ended)
        return last if self.until is None else max(last, self.until)


@dataclass
class Days:
    """`error_ns`: the clock's, `quality`: what it says of itself."""

    path: Path
    slots: int
    true_ns: int = from_iso("2026-11-01T08:00:00+09:00")
    error_ns: int = 0
    quality: ClockQuality = SYNCHRONISED
    calls: list[Kept] = field(default_factory=list)
    boot: int = 1

    def __post_init__(self) -> None:
        self.booted_ns = self.true_ns - MINUTE
        self.settings = Config(line=(LineConfig(id="1"),), store=StoreConfig(retention_days=PERIOD.count))
        Store.create(self.path, slots=self.slots, retention_days=PERIOD.code, demonstration=True).close()
        self.key = PrivateKey.load(self.path / DEMO_KEY, lambda: "")
        self.taken: list[int] = []
        self.start()

    # -- the clock's protocol

    def now(self) -> Instant:
        return self.at(self.true_ns - self.booted_ns)

    def at(self, mono_ns: int) -> Instant:
        wall_ns = representable(self.booted_ns + mono_ns + self.error_ns)
        return Instant(wall_ns, mono_ns, self.boot.to_bytes(16, "big"), self.quality)

    @property
    def today(self) -> date:
        """By true time."""
        return day_of(self.true_ns)

    # -- the processes

    def start(self) -> None:
        self.store = Store.open(self.path, need_device=True)
        self.keeper = Keeper(self.store, self.settings, self)
        self.keeper.between = lambda: None
        self.keeper.start()
        instance = self.boot.to_bytes(8, "big")
        self.writer = RingWriter(self.store, instance=instance, audit_head=lambda: bytes(32), hold_back=0)

    def kill(self) -> None:
        """Everything the keeper had in memory is gone."""
        self.keeper._lock.release()
        self.store.close()

    def power_off(self, length_ns: int) -> None:
        """And on again, with a clock that shows 1970."""
        self.kill()
        self.power(length_ns)
        self.start()

    def power(self, off_ns: int) -> None:
        """Another boot begins, so much later."""
        self.true_ns += off_ns
        self.boot += 1
        self.booted_ns = self.true_ns - MINUTE
        self.error_ns, self.quality = -self.booted_ns, UNSYNCHRONISED

    def poll(self, times: int = 1) -> None:
        for _ in range(times):
            self.true_ns += 2 * NS
            self.keeper.poll()
        assert self.early() == []

    def run_to(self, clock: str, polls: int = 3) -> None:
        """To the next `clock` of true time, polled every six hours."""
        goal = from_iso(f"{self.today}T{clock}:00+09:00")
        goal += DAY if goal <= self.true_ns else 0
        while self.true_ns + 6 * HOUR < goal:
            self.true_ns += 6 * HOUR
            self.poll()
        self.true_ns = goal
        self.poll(polls)

    # -- calls

    def call(self, seconds: float = 2.0, *, until: date | None = None) -> Kept:
        """A call of which the keeper hears at once."""
        self.writer.reload_lease()
        number = len(self.calls) + 1
        began = self.now()
        call_id = (began.wall_ns // 1_000_000).to_bytes(6, "big") + number.to_bytes(10, "big")
        opening = CallOpening(
            id=call_id,
            line="1",
            extension="2101",
            direction="inbound",
            seized=began,
            rate=RATE,
            retention_days=PERIOD.code,
        )
        self.writer.open(opening)
        self.writer.audio(call_id, 1000, sound(seconds, number))
        self.writer.commit(self.now())
        self.true_ns += round(seconds * NS)
        self.writer.close(call_id, self._record(call_id, began))
        self.writer.commit(self.now())
        slots = [header.slot for header in read_headers(self.store).calls[call_id]]
        kept = Kept(call_id, self.today, slots)
        self.calls.append(kept)
        self.taken += slots
        self.poll()
        if until is not None:
            self.hold(kept, until)
        return kept

    def hold(self, kept: Kept, until: date) -> None:
        from tsuwaroku.store.journal import JournalType

        kept.until = until
        self.keeper._journal.append(JournalType.HOLD, self.now(), kept.call_id, {"until": until.isoformat()})

    def _record(self, call_id: bytes, began: Instant) -> CallRecord:
        ended = self.now()
        return CallRecord(
            id=str(ULID.from_bytes(call_id)),
            sequence=0,
            line="1",
            extension="2101",
            direction=Direction.INBOUND,
            seized_at=began.isoformat(),
            ended_at=ended.isoformat(),
            outcome=Outcome.ANSWERED,
            audio=Audio(rate=RATE),
            clock=ClockRecord(quality=began.quality.value, mono_ns=began.mono_ns, boot_id=began.boot_id.hex()),
            retention=Retention(expires_on=expires_on(ended.wall_ns, PERIOD).isoformat()),
        )

    # -- what the ring has

    def present(self) -> list[int]:
        """The calls any of whose slots can still be read, counted from 1."""
        there = read_headers(self.store).calls
        return [number for number, call in enumerate(self.calls, 1) if call.call_id in there]

    def kept(self) -> list[int]:
        """The calls whose last day is not over, by true time."""
        return [number for number, call in enumerate(self.calls, 1) if self.today <= call.last_day]

    def early(self) -> list[int]:
        """Calls that are gone before their time."""
        there = set(self.present())
        return [number for number in self.kept() if number not in there]
