"""What the line machine tells the service. Times are CLOCK_MONOTONIC ns of what happened, not of its noticing."""

from __future__ import annotations

import msgspec

from tsuwaroku.records.call import Direction, Outcome
from tsuwaroku.signalling.cadence import Tone
from tsuwaroku.signalling.callerid import CallerId


class Seized(msgspec.Struct, frozen=True, gc=False):
    """A call begins: at the first ring's first edge, or at the off-hook edge.

    `resumed`: the line was off-hook when the machine first saw it, so the call is older than `at_ns`.
    `again`: a tone had ended the call before, and it was not over: somebody speaks on the same line.
    `by_sound`: nothing but a voice says that there is a call; the hook contact says on-hook.
    """

    at_ns: int
    direction: Direction
    resumed: bool = False
    again: bool = False
    by_sound: bool = False


class OffHook(msgspec.Struct, frozen=True, gc=False):
    """Capture starts: the audio of the call is that from `at_ns` less the pre-roll on."""

    at_ns: int


class PrimaryOver(msgspec.Struct, frozen=True, gc=False):
    """The loop was closed for the caller's number, from `at_ns` less `length_ns` on, and is open again."""

    at_ns: int
    length_ns: int


class Answered(msgspec.Struct, frozen=True, gc=False):
    """Somebody answered. `inferred`: no edge said so, but a voice, the end of the ring-back, or only time."""

    at_ns: int
    inferred: bool = False


class Unanswered(msgspec.Struct, frozen=True, gc=False):
    """The answer was inferred, and wrongly: it rings at the other end."""

    at_ns: int


class Dialled(msgspec.Struct, frozen=True, gc=False):
    """A digit or key was heard, known at `at_ns`. `level_dbm0` is None of a digit by pulses, which are this end's."""

    at_ns: int
    key: str
    began_ns: int
    level_dbm0: float | None = None


class NumberKnown(msgspec.Struct, frozen=True, gc=False):
    """Who calls, or why nobody says so. `waiting`: it is of another call, which waits."""

    at_ns: int
    caller: CallerId
    waiting: bool = False


class Progress(msgspec.Struct, frozen=True, gc=False):
    """The exchange said how a call goes on that nobody has answered yet: it rings there, or it is busy."""

    at_ns: int
    tone: Tone


class Flash(msgspec.Struct, frozen=True, gc=False):
    """A hooking flash of `length_ns` from `at_ns` on; the same call goes on."""

    at_ns: int
    length_ns: int


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The call ended at `at_ns`, the start of the break or (`by_tone`) of the exchange's tone, or (`by_sound`) when the
    last voice was heard on a line whose contact says on-hook; known at `decided_ns`, to where capture runs.
    """

    at_ns: int
    decided_ns: int
    outcome: Outcome
    by_tone: bool = False
    by_sound: bool = False


class Missed(msgspec.Struct, frozen=True, gc=False):
    """Nobody answered; `at_ns` is the last ring's end, `decided_ns` the end of the wait for another. There is sound
    only where a primary answer closed the loop.
    """

    at_ns: int
    decided_ns: int


class PartDue(msgspec.Struct, frozen=True, gc=False):
    """The call goes on in a linked part from `at_ns` on."""

    at_ns: int


class Marked(msgspec.Struct, frozen=True, gc=False):
    """The button marked the call in progress."""

    at_ns: int


class MarkedLate(msgspec.Struct, frozen=True, gc=False):
    """The button marked the last call, which ended at most `mark_window_s` before."""

    at_ns: int


class PressIgnored(msgspec.Struct, frozen=True, gc=False):
    """The button was pressed and there was no call to mark."""

    at_ns: int


class Anomaly(msgspec.Struct, frozen=True, gc=False):
    """Something that ought not to happen. It is logged, and capture goes on."""

    at_ns: int
    code: str
    detail: str


Effect = (
    Seized
    | OffHook
    | PrimaryOver
    | Answered
    | Unanswered
    | Dialled
    | NumberKnown
    | Progress
    | Flash
    | Ended
    | Missed
    | PartDue
    | Marked
    | MarkedLate
    | PressIgnored
    | Anomaly
)
