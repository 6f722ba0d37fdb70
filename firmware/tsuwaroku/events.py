"""What flows up from a board: audio, gaps, edges, presses. All times are CLOCK_MONOTONIC nanoseconds.

Structs of msgspec because one is made per line and 20 ms: they are the cheapest immutable
objects Python has, and the collector does not track them.
"""

from __future__ import annotations

import enum

import msgspec

FRAME_MS = 20


class Contact(enum.StrEnum):
    """The sensors of a line."""

    HOOK = "hook"
    RING = "ring"


class AudioFrame(msgspec.Struct, frozen=True, gc=False):
    """20 ms (the last one of a stream may be shorter) of one line, S16LE mono, as the codec gave it.

    `first_sample` counts from the start of the line's stream, lost samples included;
    `mono_ns` is the tracked time of its first sample.
    """

    line: str
    first_sample: int
    mono_ns: int
    pcm: bytes


class GapReason(enum.StrEnum):
    """Why samples are missing."""

    OVERRUN = "overrun"  # the driver's buffer ran over (xrun)
    UNPLUGGED = "unplugged"  # the card was gone
    SHORT_READ = "short_read"  # the driver gave less than a period; the rest is not trusted
    BACKLOG = "backlog"  # our own queue to the disk was full
    RESTART = "restart"  # the stream was reopened


class Gap(msgspec.Struct, frozen=True, gc=False):
    """`samples` samples from `first_sample` on are lost. Loss is data: never silence, never skipped."""

    line: str
    first_sample: int
    mono_ns: int
    samples: int
    reason: GapReason


class ContactEdge(msgspec.Struct, frozen=True, gc=False):
    """A sensor changed. `active`: off-hook for HOOK, ringing voltage present for RING.

    `mono_ns` is the time of the edge itself, good to 2 ms (facts: a 20 pps make is 14 ms).
    A board's first events give each sensor's level at the start; they are edges like any other.
    """

    line: str
    contact: Contact
    active: bool
    mono_ns: int


class ButtonPressed(msgspec.Struct, frozen=True, gc=False):
    """The line's 不当要求 button went down. Holding it gives one event, not many."""

    line: str
    mono_ns: int


class LineVoltage(msgspec.Struct, frozen=True, gc=False):
    """What a line's voltage was in the second up to `mono_ns`, A over B: its mean, lowest and highest.

    `threshold` is the learnt one, without sign; None while nothing is known. `dead`: nothing at all on the pair.
    """

    line: str
    volts: float
    low: float
    high: float
    threshold: float | None
    dead: bool
    mono_ns: int


class Playback(msgspec.Struct, frozen=True, gc=False):
    """What `Board.play` was asked for went onto the pair from `first_sample` on (`playing`) or ended."""

    line: str
    playing: bool
    first_sample: int
    mono_ns: int


class Part(enum.StrEnum):
    """Which of a line's devices. Only a fault of CAPTURE keeps the line from being recorded."""

    CAPTURE = "capture"
    ANNOUNCEMENT = "announcement"
    LAMP = "lamp"
    METER = "meter"


class BoardFault(msgspec.Struct, frozen=True, gc=False):
    """A device failed (`failed`) or came back. `line` is empty where every line is touched, or only the system lamp."""

    line: str
    failed: bool
    text: str
    mono_ns: int
    part: Part = Part.CAPTURE


class Tick(msgspec.Struct, frozen=True, gc=False):
    """Time has come to `mono_ns`, and every edge before it has been delivered. At least every 20 ms or so."""

    mono_ns: int


class EndOfInput(msgspec.Struct, frozen=True, gc=False):
    """A simulated board has nothing more to give."""

    mono_ns: int


Event = AudioFrame | Gap | ContactEdge | ButtonPressed | LineVoltage | Playback | BoardFault | Tick | EndOfInput
