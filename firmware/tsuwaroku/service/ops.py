"""What the recorder's thread asks of the storage thread, once a second in one batch, and what comes back.

Nothing else crosses: the queue between them is bounded, and a batch that finds it full loses its audio as Gaps.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.events import GapReason
from tsuwaroku.records.call import CallRecord, Mark, PublicRecord
from tsuwaroku.store.chunks import CallOpening
from tsuwaroku.store.journal import JournalType


class OpenCall(msgspec.Struct, frozen=True):
    opening: CallOpening


class AddAudio(msgspec.Struct, frozen=True):
    call_id: bytes
    first_sample: int
    pcm: bytes


class AddGap(msgspec.Struct, frozen=True):
    call_id: bytes
    first_sample: int
    samples: int
    reason: str


class AddEvent(msgspec.Struct, frozen=True):
    call_id: bytes
    kind: str
    mono_ns: int
    data: dict[str, Any]


class Told(msgspec.Struct, frozen=True):
    """The other party of this call has been told, or need not be."""

    call_id: bytes


class ProveNotice(msgspec.Struct, frozen=True):
    """Was `reference` present in `captured` (S16LE, from half a second before it was played to half a second after)?"""

    call_id: bytes
    line: str
    kind: str
    captured: bytes
    reference: bytes


class CloseCall(msgspec.Struct, frozen=True):
    """The call is over; the writer fills in the audio facts and the proof, and seals the manifest."""

    call_id: bytes
    line: str
    record: CallRecord


class LateMark(msgspec.Struct, frozen=True):
    """A press after hang-up: an amendment to a sealed call."""

    call_id: bytes
    mark: Mark


class Press(msgspec.Struct, frozen=True):
    """on_button: the call is to be kept. The key is wrapped for the recipients and journalled."""

    call_id: bytes


class Discard(msgspec.Struct, frozen=True):
    """on_button: nobody pressed in time. The key is forgotten; a tombstone stays."""

    call_id: bytes
    line: str


class Word(msgspec.Struct, frozen=True):
    """What the recorder says of itself in its journal (FORMAT.md): what could not be recorded is told by it."""

    kind: JournalType
    public: dict[str, Any] = {}


Op = OpenCall | AddAudio | AddGap | AddEvent | Told | ProveNotice | CloseCall | LateMark | Press | Discard | Word


class Batch(msgspec.Struct, frozen=True):
    """Everything since the last batch, in order; `now` is when it was put together."""

    now: Instant
    ops: list[Op]


class Done(msgspec.Struct, frozen=True):
    """What became of one batch.

    `covered`: calls of which something new is durable. `heard`: verdicts on notices by line. `waiting`: calls for
    which there is no slot. `error`: what failed of it (the rest did not). `free_slots` is None where the commit failed.
    """

    now_ns: int
    done_ns: int
    covered: frozenset[bytes]
    closed: tuple[tuple[bytes, PublicRecord], ...] = ()
    heard: tuple[tuple[str, bool | None], ...] = ()
    waiting: frozenset[bytes] = frozenset()
    free_slots: int | None = None
    octets: int = 0
    error: str = ""


def shed(found: list[Op]) -> list[Op]:
    """What is kept of operations that the full queue did not take: their sound becomes gaps, and those that touch one,
    so that a disk which hangs for days costs no memory to speak of. A proof without its sound proves nothing."""
    kept: list[Op] = []
    last: dict[bytes, int] = {}  # where the call's latest gap is
    for op in found:
        if isinstance(op, AddAudio):
            op = AddGap(op.call_id, op.first_sample, len(op.pcm) // 2, GapReason.BACKLOG.value)
        elif isinstance(op, ProveNotice):
            op = msgspec.structs.replace(op, captured=b"")
        if isinstance(op, AddGap):
            before = kept[last[op.call_id]] if op.call_id in last else None
            if (
                isinstance(before, AddGap)
                and before.reason == op.reason
                and before.first_sample + before.samples == op.first_sample
            ):
                kept[last[op.call_id]] = msgspec.structs.replace(before, samples=before.samples + op.samples)
                continue
            last[op.call_id] = len(kept)
        kept.append(op)
    return kept
