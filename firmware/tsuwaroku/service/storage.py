"""The storage side of the recorder: batches of operations become group commits.

Two ways of running it with the same results: `InlineStorage` in the caller's thread (simulation as fast as it can:
the queue waits), `ThreadStorage` in one of its own behind a bounded queue (real time: a full queue is a Gap and an
alarm, never a blocked reader).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec
import numpy as np

from tsuwaroku.clock import NS, Clock, Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.notice import proof
from tsuwaroku.notice.session import Sound
from tsuwaroku.records.call import Audio, CallRecord, Outcome
from tsuwaroku.records.retention import day_of
from tsuwaroku.service import ops
from tsuwaroku.service.ops import Batch, Done
from tsuwaroku.store.journal import NO_CALL, Journal, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.writer import CommitReport, RingWriter

_T = TypeVar("_T")
GIVE_UP_NS = 60 * NS
QUEUE_BATCHES = 60  # a minute of every line waits in RAM for a stalled disk


class StorageWorker:
    """Applies batches to the ring and the recorder's journal. Used by one thread."""

    def __init__(self, store: Store, writer: RingWriter, journal: Journal, rate: int, clock: Clock) -> None:
        self._store = store
        self._writer = writer
        self._journal = journal
        self._rate = rate
        self._clock = clock
        self._heard: dict[bytes, list[bool | None]] = {}
        self._verdicts: list[tuple[str, bool | None]] = []
        self._committed: dict[bytes, int] = {}
        self._closing: dict[bytes, tuple[CallRecord, Instant]] = {}  # closed, and not on the disk yet
        self._on_button: set[bytes] = set()
        self._withheld: dict[bytes, int] = {}  # sequence numbers of calls that wait for a press
        self._pressed: dict[bytes, Instant] = {}  # calls whose key is not wrapped for anybody yet
        self._unwritten: list[Callable[[], object]] = []
        self._faults: list[str] = []
        self.lease_changed = False
        self._recipients_due = False
        self._failing: Instant | None = None  # since when the disk takes nothing

    def apply(self, batch: Batch) -> Done:
        """Carry out a batch and commit it. A failing disk is reported, not raised: all is kept and tried again."""
        for op in batch.ops:
            self._try(lambda op=op: self._apply(op, batch))  # type: ignore[misc]
        self._try(self._read_lease)
        for call_id in list(self._pressed):
            self._try(lambda call_id=call_id: self._press(call_id))  # type: ignore[misc]
        self._try(self._journal_pending)  # the key of a pressed call before its mark (FORMAT.md)
        report = self._try(lambda: self._writer.commit(batch.now))
        covered: frozenset[bytes] = frozenset()
        if report is not None:
            covered = frozenset(call for call, to in report.committed.items() if self._committed.get(call) != to)
            self._committed = report.committed
            self._faults += [*report.broken, *report.unsealed]
            self._try(lambda: self._settle(report, batch.now))
        done = self._clock.now()
        self._measure(batch.now, done, failed=report is None or bool(self._unwritten))
        heard, self._verdicts = tuple(self._verdicts), []
        faults, self._faults = self._faults, []
        return Done(
            batch.now.mono_ns,
            done.mono_ns,
            covered=covered,
            closed=() if report is None else tuple(report.closed),
            heard=heard,
            waiting=frozenset() if report is None else frozenset(report.waiting),
            free_slots=None if report is None else report.free_slots,
            octets=0 if report is None else report.octets,
            error="; ".join(faults),
        )

    def _measure(self, began: Instant, done: Instant, *, failed: bool) -> None:
        """A disk that took nothing for longer than calls wait in memory: when it does again, for how long is said."""
        since = self._failing or began
        self._failing = since if failed else None
        if not failed and done.mono_ns - since.mono_ns > GIVE_UP_NS:
            public = {"unwritten_ns": done.mono_ns - since.mono_ns, "waits_ns": GIVE_UP_NS}
            self._journal_later(JournalType.ALIVE, done, NO_CALL, public)

    def _try(self, act: Callable[[], _T]) -> _T | None:
        """What fails costs nothing but itself: the rest of the batch is carried out, and the fault is told."""
        try:
            return act()
        except (StoreError, OSError) as fault:
            self._faults.append(str(fault))
        except Exception as fault:  # a defect of ours: it must show as an alarm and lose no other call
            self._faults.append(f"{type(fault).__name__}: {fault}")
        return None

    def _apply(self, op: ops.Op, batch: Batch) -> None:
        match op:
            case ops.AddAudio(call_id, first_sample, pcm):
                self._writer.audio(call_id, first_sample, pcm)
            case ops.AddEvent(call_id, kind, mono_ns, data):
                self._writer.event(call_id, kind, mono_ns, data)
            case ops.AddGap(call_id, first_sample, samples, reason):
                self._writer.gap(call_id, first_sample, samples, reason)
            case ops.OpenCall(opening):
                self._writer.open(opening)
                if opening.key_withheld:
                    self._on_button.add(opening.id)
            case ops.CloseCall(call_id, _, record):
                record.notice.heard = self._verdict(call_id)
                if self._writer.close(call_id, record):
                    self._closing[call_id] = (record, batch.now)
            case ops.Told(call_id):
                self._writer.told(call_id)
            case ops.ProveNotice():
                self._prove(op)
            case ops.Press(call_id):
                self._pressed[call_id] = batch.now
                self._press(call_id)
            case ops.Discard(call_id):
                self._pressed.pop(call_id, None)
                self._writer.abandon(call_id)
                unwritten = self._closing.pop(call_id, None)  # no slot, or a disk that does not take it
                sequence = self._withheld.pop(call_id, 0) if unwritten is None else unwritten[0].sequence
                public = {"line": op.line, "sequence": sequence}
                self._journal_later(JournalType.DISCARDED, batch.now, call_id, public)
            case ops.Word(kind, public):
                self._journal_later(kind, batch.now, NO_CALL, public)
            case ops.LateMark(call_id, mark):
                secret = {"at_s": mark.at_s, "kind": mark.kind.value, "by": mark.by}
                self._journal_later(JournalType.MARK, batch.now, call_id, {"kind": mark.kind.value}, secret)

    def _press(self, call_id: bytes) -> None:
        """The wrapped key of a pressed call is due in the journal. Raises StoreError where it can be sealed to nobody:
        it is tried again with each batch, for the press must not be lost."""
        wraps = self._writer.wrap(call_id)
        pressed = self._pressed.pop(call_id)
        if wraps:
            self._unwritten.append(lambda: self._journal.append(JournalType.WRAP, pressed, call_id, wraps=wraps))

    def _read_lease(self) -> None:
        """When told; and every second while there is no free slot, for the word of its change may have been lost."""
        if self.lease_changed or not self._writer.free_slots:
            self._recipients_due |= self.lease_changed
            self.lease_changed = False
            self._writer.reload_lease()
        if self._recipients_due:
            self._writer.reload_recipients()  # where that fails, it is tried again with the next batch
            self._recipients_due = False

    def _settle(self, report: CommitReport, now: Instant) -> None:
        """Slots that failed are written down, closed calls are done with. One that found no slot for a minute after its
        end is listed as not recorded."""
        for slot in report.set_aside:
            public = {"slot": slot.slot, "generation": slot.generation}
            self._journal_later(JournalType.SET_ASIDE, now, NO_CALL, public)
        for call_id, _ in report.closed:
            record, _ = self._closing.pop(call_id)
            if call_id in self._on_button:
                self._withheld[call_id] = record.sequence
        for call_id, (_, since) in list(self._closing.items()):
            never = call_id in report.waiting and call_id not in report.committed
            if never and now.mono_ns - since.mono_ns > GIVE_UP_NS:
                self._give_up(call_id, now)

    def _give_up(self, call_id: bytes, now: Instant) -> None:
        """Nothing of this call is on the disk and nothing will be: its record says so, and is kept in the journal."""
        record, _ = self._closing.pop(call_id)
        self._writer.abandon(call_id)
        record.outcome = Outcome.NOT_RECORDED
        record.audio = Audio(rate=record.audio.rate)
        public = {
            "line": record.line,
            "sequence": record.sequence,
            "date": day_of(now.wall_ns).isoformat(),
            "expires_on": record.retention.expires_on,
        }
        self._journal_later(JournalType.NOT_RECORDED, now, call_id, public, msgspec.to_builtins(record))

    def _journal_later(
        self,
        kind: JournalType,
        now: Instant,
        call_id: bytes,
        public: Mapping[str, object],
        secret: Mapping[str, object] | None = None,
    ) -> None:
        """Journal records are kept until the disk has taken them."""
        self._unwritten.append(
            lambda: self._journal.append(
                kind, now, call_id, public=public, secret=secret, recipients=self._store.recipients.to_wrap()
            )
        )

    def _journal_pending(self) -> None:
        """In their order. What the disk did not take is tried again; what fails for another reason would do so for
        ever: it is told, and what waits behind it is written. Raises StoreError, OSError."""
        while self._unwritten:
            try:
                self._unwritten[0]()
            except (StoreError, OSError):
                raise
            except Exception as fault:  # a defect of ours, or of what it was given
                self._faults.append(f"{type(fault).__name__}: {fault}")
            self._unwritten.pop(0)

    def _prove(self, op: ops.ProveNotice) -> None:
        captured = np.frombuffer(op.captured, dtype="<i2")
        reference = np.frombuffer(op.reference, dtype="<i2")
        if not op.captured:
            verdict = None
        elif op.kind == Sound.BEEP.value:
            verdict = proof.heard_beep(captured, self._rate).heard
        else:
            verdict = proof.heard(captured, reference, self._rate).heard
        self._heard.setdefault(op.call_id, []).append(verdict)
        self._verdicts.append((op.line, verdict))

    def _verdict(self, call_id: bytes) -> bool | None:
        """Heard if it was heard once; not heard if it never was and could have been."""
        verdicts = self._heard.pop(call_id, [])
        if True in verdicts:
            return True
        return False if False in verdicts else None

    def close(self) -> None:
        """The end: what no slot was found for is listed as not recorded."""
        now = self._clock.now()
        for call_id in [call_id for call_id in self._closing if call_id not in self._committed]:
            self._give_up(call_id, now)
        self._try(self._journal_pending)
        self._journal.close()


class Storage(Protocol):
    """What the recorder's thread sees."""

    def submit(self, batch: Batch) -> bool:
        """Hand on a batch; False when the queue is full (nothing was taken)."""
        ...

    def done(self) -> list[Done]:
        """What has come back since the last call."""
        ...

    def reload_lease(self) -> None:
        """The keeper lent more slots."""
        ...

    def close(self, timeout_s: float) -> bool:
        """Write what is queued, then stop. False when that did not end in time."""
        ...


class InlineStorage:
    """Applies each batch at once, in the caller's thread."""

    def __init__(self, worker: StorageWorker) -> None:
        self._worker = worker
        self._done: list[Done] = []

    def submit(self, batch: Batch) -> bool:
        self._done.append(self._worker.apply(batch))
        return True

    def done(self) -> list[Done]:
        done, self._done = self._done, []
        return done

    def reload_lease(self) -> None:
        self._worker.lease_changed = True

    def close(self, timeout_s: float) -> bool:
        self._worker.close()
        return True


class ThreadStorage:
    """Applies batches in a thread of its own. The queue to it is bounded by `batches`."""

    def __init__(self, worker: StorageWorker, batches: int = QUEUE_BATCHES) -> None:
        self._worker = worker
        self._queue: queue.Queue[Batch | None] = queue.Queue(batches)
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch) -> bool:
        try:
            self._queue.put_nowait(batch)
        except queue.Full:
            return False
        return True

    def done(self) -> list[Done]:
        found: list[Done] = []
        while not self._done.empty():
            found.append(self._done.get_nowait())
        return found

    def reload_lease(self) -> None:
        self._worker.lease_changed = True

    def close(self, timeout_s: float) -> bool:
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return False
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                self._done.put(self._worker.apply(batch))
            except Exception as failure:  # a bug here must show on the lamp, not end the thread in silence
                now = batch.now.mono_ns
                self._done.put(Done(now, now, frozenset(), error=f"{type(failure).__name__}: {failure}"))
        self._worker.close()
