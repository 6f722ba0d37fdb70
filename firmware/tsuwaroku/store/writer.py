"""The recorder's side of the ring: open calls, one group commit for all of them, retried until it holds.

Durable order: FORMAT.md. A commit seals what waits into extents, writes them all, then one fdatasync per ring file
(groupcommit.py). Sealed extents are kept until that came back, and are written again after a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.errors import SecretError, StoreError
from tsuwaroku.events import GapReason
from tsuwaroku.records.call import CallRecord, PublicRecord
from tsuwaroku.store.callstream import CHUNK_COST, MAX_SPAN
from tsuwaroku.store.chunks import CallEvent, CallOpening
from tsuwaroku.store.groupcommit import GroupCommit, SetAside
from tsuwaroku.store.layout import Store
from tsuwaroku.store.leased import LeasedSlots, Unfinished
from tsuwaroku.store.opencall import OpenCall, OpenExtent, OpenSlot
from tsuwaroku.store.seal import CallKey, PartSealer
from tsuwaroku.store.slot import (
    FLAG_KEY_WITHHELD,
    FLAG_LAST,
    FLAG_TOLD,
    ITEM_CARD,
    ITEM_CHUNK,
    ITEM_PUBLIC,
    ExtentHeader,
    SlotHeader,
    WrappedKey,
    first_digest,
    next_digest,
    pack_items,
)

__all__ = ["CallEvent", "CallOpening", "CommitReport", "RingWriter", "SetAside", "Unfinished"]

NO_CALL = bytes(16)
_MAX_PROBLEMS = 100


class CommitReport(msgspec.Struct, kw_only=True):
    """What a commit made durable.

    `committed`: for each call on disk the stream position up to which it is safe (0 before its first sample).
    `closed`: calls whose last extent is safe since the last report. `waiting`: calls no slot was left for.
    `octets`: written, padding and headers included. `broken`: why calls could not be sealed (a defect of ours); they
    end where they are, the others go on. `set_aside`: slots that cannot be written; their calls went on in others.
    `unsealed`: recipients that could not be sealed to; a call for which that is so of all of them is `waiting`.
    """

    committed: dict[bytes, int]
    closed: list[tuple[bytes, PublicRecord]]
    waiting: set[bytes]
    free_slots: int
    octets: int
    broken: list[str] = msgspec.field(default_factory=list)
    set_aside: list[SetAside] = msgspec.field(default_factory=list)
    unsealed: list[str] = msgspec.field(default_factory=list)


class RingWriter:
    """Writes calls into leased slots. Owned by one thread; has no clock.

    `audit_head` gives the head of the audit log as known now. `pending_bound`: octets of encoded sound that may wait
    in RAM, all calls together; beyond it, further sound of a call that has no slot (or while the disk fails) becomes
    a gap "backlog". `hold_back`: FLAC frames (128 ms each at 8 kHz) a commit may leave for the next one where that
    saves a block. `sequence_floor`: numbers below it were given out before, as far as the journal knows. `aside`: slots
    that could not be written earlier. Raises SecretError where there is no device key, or nobody to seal calls to.
    """

    def __init__(
        self,
        store: Store,
        *,
        instance: bytes,
        audit_head: Callable[[], bytes],
        pending_bound: int = 16 << 20,
        hold_back: int = 2,
        sequence_floor: int = 1,
        aside: Collection[int] = (),
    ) -> None:
        if store.device is None:
            raise SecretError(
                "the device key is needed to record", where=str(store.path), remedy="run on the box itself"
            )
        if not store.recipients:
            raise SecretError(
                "calls would be sealed to nobody", where=str(store.path), remedy="make keys with `tsuwaroku keys init`"
            )
        self.problems: list[str] = []
        self._unsealed: dict[str, None] = {}
        self._store = store
        self._device = store.device
        self._recipients = store.recipients
        self._instance = instance
        self._audit_head = audit_head
        self._pending_bound = pending_bound
        self._hold_back = hold_back
        self._calls: dict[bytes, OpenCall] = {}
        self._withheld: dict[bytes, tuple[CallKey, str]] = {}  # closed calls of on_button lines, not decided yet
        self._waiting: set[bytes] = set()
        self._closed: list[tuple[bytes, PublicRecord]] = []
        self._slots = LeasedSlots(store, aside)
        self._group = GroupCommit(store.ring, self._slots, store.device)
        self._next_sequence = max(sequence_floor, self._slots.sequence_floor)

    # -- calls

    def reload_lease(self) -> None:
        """Take note of a changed lease. Raises StoreError."""
        self._slots.reload()
        self._next_sequence = max(self._next_sequence, self._slots.sequence_floor)

    @property
    def free_slots(self) -> int:
        """Leased slots not taken yet."""
        return len(self._slots)

    def unfinished(self) -> list[Unfinished]:
        """The last call of each line, where an earlier instance did not end it, in order of opening."""
        return self._slots.unfinished(self._instance)

    def open(self, opening: CallOpening) -> int:
        """Begin a call; returns its sequence number. It exists once the next commit has returned.

        Where it can be sealed to nobody it waits in RAM, as one does for which there is no slot, and each commit tries
        again: in a slot without a wrapped key it would be lost.
        """
        sequence = self._next_sequence
        self._next_sequence += 1
        digest = first_digest(self._store.store_id, opening.id, sequence)
        call = OpenCall(opening, sequence, digest, ())
        if not opening.key_withheld:
            self._wrap_call(call)
        self._calls[opening.id] = call
        return sequence

    def audio(self, call_id: bytes, first_sample: int, pcm: bytes) -> None:
        """Samples S16LE from `first_sample` on. Never raises; a jump becomes a gap "restart"."""
        call = self._find(call_id, "audio")
        if call is None or not self._is_place(first_sample, len(pcm) // 2):
            return
        if self._is_stuck(call) and self._pending() > self._pending_bound:
            call.stream.gap(first_sample, len(pcm) // 2, GapReason.BACKLOG)
        else:
            call.stream.audio(first_sample, pcm)

    def gap(self, call_id: bytes, first_sample: int, samples: int, reason: str) -> None:
        """`samples` samples from `first_sample` on are missing. Never raises."""
        call = self._find(call_id, "gap")
        if call is not None and self._is_place(first_sample, samples):
            call.stream.gap(first_sample, samples, reason)

    def event(self, call_id: bytes, kind: str, mono_ns: int, data: dict[str, object]) -> None:
        """Goes out with the next commit, whatever that costs in padding. Never raises."""
        if call := self._find(call_id, "event"):
            call.stream.event(CallEvent(kind, mono_ns, data))

    def told(self, call_id: bytes) -> None:
        """From now on the call's extents say that the notice was given or is not due. Never raises."""
        if call := self._find(call_id, "told"):
            call.told = True

    def close(self, call_id: bytes, record: CallRecord) -> bool:
        """The call is over. Fills `record.audio` (but for what it says of speech) and `record.sequence`.

        False where it will never be reported as closed: it is not open, or broke and is left as one cut off.
        """
        if (broken := self._calls.get(call_id)) is not None and broken.broken:
            self.abandon(call_id)
        call = self._find(call_id, "close")
        if call is None:
            return False
        call.end(record)
        return True

    def wrap(self, call_id: bytes) -> tuple[WrappedKey, ...]:
        """The button of an on_button line was pressed: the key wrapped for the recipients, for the journal.

        From now on new slot headers of the call carry it too. Empty where the key is gone. Raises StoreError where it
        can be sealed to nobody: nothing has changed then, and it can be tried again.
        """
        call = self._calls.get(call_id)
        if call is not None:
            if not call.wraps and not self._wrap_call(call):
                raise _sealed_to_nobody(call_id)
            call.withheld = False
            return call.wraps
        if call_id not in self._withheld:
            return ()
        key, line = self._withheld[call_id]
        wraps = self._wrap(key, call_id, line)
        if not wraps:
            raise _sealed_to_nobody(call_id)
        del self._withheld[call_id]
        key.forget()
        return wraps

    def abandon(self, call_id: bytes) -> None:
        """Forget the key and what waits: what is on disk of an on_button call can never be opened again."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            call.key.forget()
            self._group.drop(call)
            self._waiting.discard(call_id)
        if withheld := self._withheld.pop(call_id, None):
            withheld[0].forget()

    # -- commit

    def commit(self, now: Instant) -> CommitReport:
        """Make everything given so far durable, less what `hold_back` leaves. Raises StoreError on I/O errors;
        nothing is lost then, and the next call tries again from the same place."""
        octets = self._flush(now)
        head = self._audit_head()
        self._waiting.clear()
        for call in self._calls.values():
            try:
                if not call.broken and not self._stage(call, now, head):
                    self._waiting.add(call.id)
            except Exception as fault:  # a defect in one call must not cost the others; what it staged is whole
                call.broken = f"{type(fault).__name__}: {fault}"
        octets += self._flush(now)
        closed, self._closed = self._closed, []
        unsealed, self._unsealed = list(self._unsealed), {}
        return CommitReport(
            committed={c.id: c.committed for c in self._calls.values() if c.committed is not None},
            closed=closed,
            waiting=set(self._waiting),
            free_slots=len(self._slots),
            octets=octets,
            broken=[call.broken for call in self._calls.values() if call.broken],
            set_aside=self._group.take_aside(),
            unsealed=unsealed,
        )

    def _flush(self, now: Instant) -> int:
        """Write and sync what is staged; then its calls are told."""
        written, octets = self._group.flush(now)
        for write in written:
            if write.position is not None:
                write.call.committed = max(write.position, write.call.committed or 0)  # a slot may be written again
            if write.public is not None:
                self._close(write.call, write.public)
        return octets

    def _close(self, call: OpenCall, public: PublicRecord) -> None:
        del self._calls[call.id]
        self._closed.append((call.id, public))
        if call.withheld:
            self._withheld[call.id] = call.key, call.stream.opening.line
        else:
            call.key.forget()

    def _stage(self, call: OpenCall, now: Instant, head: bytes) -> bool:
        """Seal what of a call is due. False if slots ran out."""
        held = 0 if call.closing else call.stream.hold_back(self._hold_back)
        while call.stream.due(held) or call.tail is not None:
            if call.slot is None and not self._take_slot(call, now):
                return False
            assert call.slot is not None
            if not self._stage_extent(call, call.slot, held, now, head):
                call.slot = None  # full
        return True

    def _take_slot(self, call: OpenCall, now: Instant) -> bool:
        if not call.withheld and not call.wraps and not self._wrap_call(call):
            return False
        place = self._slots.take()
        if place is None:
            return False
        opening = call.stream.opening
        sealer = PartSealer(call.key, call.parts)
        header = SlotHeader(
            flags=FLAG_KEY_WITHHELD if call.withheld else 0,
            slot=place[0],
            generation=place[1],
            store_id=self._store.store_id,
            call_id=call.id,
            sequence=call.sequence,
            part=call.parts,
            first_extent=call.index,
            line=opening.line,
            wall_ns=now.wall_ns,
            mono_ns=now.mono_ns,
            boot_id=now.boot_id,
            quality=now.quality,
            retention_days=opening.retention_days,
            epoch=self._device.epoch,
            digest_before=call.digest,
            continues=opening.continues or NO_CALL,
            instance=self._instance,
            stream_header=sealer.header,
            wraps=() if call.withheld else call.wraps,
        )
        call.slot, call.parts = OpenSlot(header, sealer), call.parts + 1
        self._group.add_header(call.slot, call)
        return True

    def _stage_extent(self, call: OpenCall, slot: OpenSlot, held: int, now: Instant, head: bytes) -> bool:
        """One extent with as much as fits into the slot. False if nothing does."""
        room, items = slot.room, []
        while chunk := call.stream.next_chunk(room, held):
            items.append((ITEM_CHUNK, slot.sealer.push(chunk)))
            room -= CHUNK_COST + len(chunk)
        tail = call.tail
        if tail is None or call.stream.due(held) or tail.size > room:
            tail = None
        else:
            items.append((ITEM_CHUNK, slot.sealer.push(tail.manifest, final=True)))
            items += [(ITEM_PUBLIC, tail.public_json), (ITEM_CARD, tail.card)]
            call.tail = None
        if not items:
            return False
        payload = pack_items(items)
        call.digest = next_digest(call.digest, call.id, call.index, payload)
        extent = ExtentHeader(
            flags=(FLAG_LAST if tail else 0) | (FLAG_TOLD if call.told else 0),
            quality=now.quality,
            call_id=call.id,
            part=slot.header.part,
            index=call.index,
            generation=slot.header.generation,
            payload_length=len(payload),
            items=len(items),
            next_sequence=self._next_sequence,
            wall_ns=now.wall_ns,
            mono_ns=now.mono_ns,
            epoch=self._device.epoch,
            digest=call.digest,
            audit_head=head,
        )
        public = tail.public if tail else None
        staged = OpenExtent(slot.offset, extent, payload, call.stream.taken_until, public)
        slot.offset += self._group.add_extent(slot, staged, call)
        call.index += 1
        return True

    # -- bounds

    def _pending(self) -> int:
        return self._group.octets + sum(c.stream.pending_octets for c in self._calls.values())

    def _is_stuck(self, call: OpenCall) -> bool:
        return self._group.failing or call.id in self._waiting

    def reload_recipients(self) -> None:
        """Seal the calls that begin from now on to the list as it is on the disk. Raises StoreError; the list known so
        far then stays."""
        self._store.reload_recipients()

    def _wrap(self, key: CallKey, call_id: bytes, line: str) -> tuple[WrappedKey, ...]:
        """For the recipients of now; sealed to nobody a call would be lost, so the last known ones stand in. One that
        cannot be sealed to is passed over, and told; empty where that is so of all of both."""
        now, known = self._store.recipients, self._recipients
        for recipients in (now,) if now is known else (now, known):
            wraps = []
            for one in recipients.to_wrap(line):
                try:
                    wraps.append(key.wrap(one, call_id))
                except SecretError as fault:
                    self._unsealed[str(fault)] = None
            if wraps:
                self._recipients = recipients
                return tuple(wraps)
        self._unsealed[str(_sealed_to_nobody(call_id))] = None
        return ()

    def _wrap_call(self, call: OpenCall) -> bool:
        """Whether its key is wrapped for somebody now."""
        call.wraps = self._wrap(call.key, call.id, call.stream.opening.line)
        return bool(call.wraps)

    def _find(self, call_id: bytes, what: str) -> OpenCall | None:
        call = self._calls.get(call_id)
        if call is None or call.closing:
            self._problem(f"{what} for a call that is not open ({call_id.hex()})")
            return None
        return None if call.broken else call

    def _is_place(self, first_sample: int, samples: int) -> bool:
        """Whether the format can hold it; a board that says otherwise is not believed."""
        if first_sample >= 0 and 0 <= samples <= MAX_SPAN:
            return True
        self._problem(f"{samples} samples at {first_sample} are no stretch of a stream")
        return False

    def _problem(self, text: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(text)


def _sealed_to_nobody(call_id: bytes) -> StoreError:
    return StoreError(
        f"the call {call_id.hex()} can be sealed to nobody",
        remedy="`tsuwaroku keys show` lists whom calls are sealed to; name a new key with `tsuwaroku keys succeed`",
    )
