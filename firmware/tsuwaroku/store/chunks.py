"""The plaintext of chunks (FORMAT.md, *Chunk*): packing and unpacking. One type octet, then the body."""

from __future__ import annotations

import struct
from typing import Any, TypeVar

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.store.slot import FormatError

OPENING, RUN, AUDIO, GAP, EVENT, MANIFEST, MANIFEST_PART = b"o", b"r", b"a", b"g", b"e", b"m", b"M"

RUN_HEAD = struct.Struct("<Q")
SPAN = struct.Struct("<QI")  # first sample, samples
AUDIO_HEAD = 1 + SPAN.size

_T = TypeVar("_T")


class CallOpening(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a call begins; sealed as its first chunk. `id` and `continues` are ULIDs (16 octets).

    `key_withheld`: mode on_button, the key stays in RAM until the button is pressed.
    """

    id: bytes
    line: str
    extension: str = ""
    direction: str = "unknown"
    seized: Instant
    rate: int
    continues: bytes | None = None
    mode: str = "every_call"
    retention_days: int = 30
    key_withheld: bool = False
    details: dict[str, Any] = msgspec.field(default_factory=dict)


class CallEvent(msgspec.Struct, frozen=True):
    """Something that happened in a call: answered, flash, mark, notice, anomaly."""

    kind: str
    mono_ns: int
    data: dict[str, Any]


def pack_opening(opening: CallOpening) -> bytes:
    return OPENING + msgspec.msgpack.encode(opening)


def pack_run(first_sample: int, header: bytes) -> bytes:
    """`header`: fLaC + STREAMINFO."""
    return RUN + RUN_HEAD.pack(first_sample) + header


def pack_audio(first_sample: int, samples: int, frames: bytes) -> bytes:
    return AUDIO + SPAN.pack(first_sample, samples) + frames


def pack_gap(first_sample: int, samples: int, reason: str) -> bytes:
    return GAP + SPAN.pack(first_sample, samples) + reason.encode()


def pack_event(event: CallEvent) -> bytes:
    return EVENT + msgspec.msgpack.encode(event)


def unpack_opening(body: bytes) -> CallOpening:
    """Raises FormatError, as all of these do."""
    return _decode(body, CallOpening)


def unpack_event(body: bytes) -> CallEvent:
    return _decode(body, CallEvent)


def unpack_run(body: bytes) -> tuple[int, bytes]:
    """(first sample, fLaC + STREAMINFO)."""
    if len(body) < RUN_HEAD.size:
        raise FormatError("run chunk is cut short")
    return RUN_HEAD.unpack_from(body)[0], body[RUN_HEAD.size :]


def unpack_span(body: bytes) -> tuple[int, int, bytes]:
    """(first sample, samples, rest) of an audio or gap chunk."""
    if len(body) < SPAN.size:
        raise FormatError("chunk is cut short")
    first, samples = SPAN.unpack_from(body)
    return first, samples, body[SPAN.size :]


def _decode(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise FormatError(f"{kind.__name__} does not decode") from error
