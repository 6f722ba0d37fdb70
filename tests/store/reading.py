"""What the readers' tests share: a small store with real calls in it, and hands to spoil it with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ulid import ULID

from tsuwaroku.clock import NS, ClockQuality, Instant
from tsuwaroku.records.call import Audio, Caller, CallRecord, ClockRecord, Direction, Mark, Outcome, Retention
from tsuwaroku.records.retention import expires_on
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.keys import PrivateKey, Recipients
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.slot import SLOT_SIZE, SLOTS_PER_FILE
from tsuwaroku.store.writer import CallOpening, RingWriter

RATE = 8000
START_NS = 1_795_424_400 * NS  # 2026-11-23 18:00 in Tokyo
INSTANCE = b"recorder"
NUMBER = "0312345678"


def at(seconds: float) -> Instant:
    return Instant(START_NS + round(seconds * NS), round(seconds * NS), b"boot" * 4, ClockQuality.SYNCHRONISED)


def ahead(seconds: float) -> Instant:
    """A time server that is ten years ahead, within the boot of `at`."""
    now = at(seconds)
    return Instant(now.wall_ns + 3652 * 86_400 * NS, now.mono_ns, now.boot_id, now.quality)


def ident(number: int) -> bytes:
    """A ULID of the time the call began."""
    return ((START_NS // 1_000_000) + number).to_bytes(6, "big") + number.to_bytes(10, "big")


def sound(seconds: float, seed: int) -> bytes:
    """Noise, S16LE; loud enough to fill slots fast."""
    values = np.random.default_rng(seed).normal(0, 4000, round(seconds * RATE))
    return values.clip(-32768, 32767).astype("<i2").tobytes()


class Box:
    """A store and the recorder that writes it."""

    def __init__(self, path: Path, slots: int = 12, audit: bool = True, recipients: Recipients | None = None) -> None:
        """A demonstration, but with `recipients`; then there is no `private` key here."""
        demonstration = recipients is None
        self.store = Store.create(
            path, slots=slots, retention_days=30, demonstration=demonstration, recipients=recipients
        )
        Lease(slots=[(slot, 1) for slot in range(slots)]).save(self.store.lease_path, self.store.store_id)
        if demonstration:
            self.private = PrivateKey.load(path / "demo.key", lambda: "")
        self.audit = AuditLog.open(self.store, self.store.device)
        if audit:
            self.audit.append(at(0), "keeper", "start")
        self.writer = self.new_writer(INSTANCE)
        self.pcm: dict[int, bytes] = {}

    def new_writer(self, instance: bytes) -> RingWriter:
        self.writer = RingWriter(self.store, instance=instance, audit_head=self.audit.head, hold_back=0)
        return self.writer

    def journal(self, owner: str = "keeper") -> Journal:
        return Journal.open(self.store.journal_dir, owner, self.store, self.store.device)

    def open(
        self, number: int, *, withheld: bool = False, details: dict[str, object] | None = None, line: str = "1"
    ) -> bytes:
        """Call `number` begins `number` seconds after the start, off-hook at once."""
        opening = CallOpening(
            id=ident(number),
            line=line,
            extension="2101",
            direction="inbound",
            seized=at(number),
            rate=RATE,
            key_withheld=withheld,
            details=details or {},
        )
        self.writer.open(opening)
        self.pcm[number] = b""
        return opening.id

    def talk(self, number: int, seconds: float, commits: int = 1) -> None:
        """More sound, in as many commits."""
        for _ in range(commits):
            pcm = sound(seconds / commits, seed=number * 1000 + len(self.pcm[number]))
            self.writer.audio(ident(number), 1000 + len(self.pcm[number]) // 2, pcm)
            self.pcm[number] += pcm
            self.commit(number)

    def commit(self, number: int) -> None:
        self.writer.commit(at(number + len(self.pcm[number]) / 2 / RATE))

    def close(self, number: int, marks: int = 0, line: str = "1") -> CallRecord:
        record = a_record(number, marks)
        record.line = line
        self.writer.close(ident(number), record)
        self.writer.commit(at(number + len(self.pcm[number]) / 2 / RATE + 1))
        return record

    def call(self, number: int, seconds: float = 2.0, commits: int = 2, marks: int = 0, line: str = "1") -> CallRecord:
        """A whole call."""
        self.open(number, line=line)
        self.talk(number, seconds, commits)
        return self.close(number, marks, line)

    def call_by(self, number: int, clock: Callable[[float], Instant]) -> CallRecord:
        """A whole call of two seconds on a day when the box's clock was `clock`."""
        self.open(number)
        self.pcm[number] = sound(2.0, seed=number)
        self.writer.audio(ident(number), 1000, self.pcm[number])
        self.writer.commit(clock(number + 2))
        record = a_record(number)
        end = clock(number + 3)
        record.seized_at, record.ended_at = clock(number).isoformat(), end.isoformat()
        record.retention.expires_on = expires_on(end.wall_ns).isoformat()
        self.writer.close(ident(number), record)
        self.writer.commit(end)
        return record

    def octets(self, slot: int) -> bytes:
        return self.store.ring.read_slot(slot)

    def ring_file(self, slot: int) -> tuple[Path, int]:
        file, index = divmod(slot, SLOTS_PER_FILE)
        return self.store.path / "ring" / f"ring-{file:05}.dat", index * SLOT_SIZE

    def overwrite(self, slot: int, offset: int, octets: bytes) -> None:
        path, base = self.ring_file(slot)
        with path.open("r+b") as file:
            file.seek(base + offset)
            file.write(octets)

    def spoil(self, slot: int, offset: int, bit: int = 0) -> Callable[[], None]:
        """Flip a bit; returns what flips it back."""
        before = self.store.ring.read(slot, offset, 1)
        self.overwrite(slot, offset, bytes([before[0] ^ 1 << bit]))
        return lambda: self.overwrite(slot, offset, before)


def a_record(number: int, marks: int = 0) -> CallRecord:
    return CallRecord(
        id=str(ULID.from_bytes(ident(number))),
        sequence=0,
        line="1",
        extension="2101",
        direction=Direction.INBOUND,
        seized_at=at(number).isoformat(),
        answered_at=at(number + 0.5).isoformat(),
        ended_at=at(number + 3).isoformat(),
        outcome=Outcome.ANSWERED,
        caller=Caller(number=NUMBER),
        marks=[Mark(at_s=float(index)) for index in range(marks)],
        audio=Audio(rate=RATE, speech_ratio=0.5),
        clock=ClockRecord(quality="synchronised", mono_ns=at(number).mono_ns, boot_id=at(number).boot_id.hex()),
        retention=Retention(expires_on="2026-12-23"),
    )
