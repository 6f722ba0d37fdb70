"""What the line machine tells the service. Times are CLOCK_MONOTONIC ns of what happened, not of its noticing."""

from __future__ import annotations

import msgspec

from tsuwaroku.records.call import Direction, Outcome


class Seized(msgspec.Struct, frozen=True, gc=False):
    """A call begins: at the first ring's first edge, or at the off-hook edge.

    `resumed`: the line was off-hook when the machine first saw it, so the call is older than `at_ns`.
    """

    at_ns: int
    direction: Direction
    resumed: bool = False


class OffHook(msgspec.Struct, frozen=True, gc=False):
    """Capture starts: the audio of the call is that from `at_ns` less the pre-roll on."""

    at_ns: int


class Answered(msgspec.Struct, frozen=True, gc=False):
    """Somebody answered. `inferred`: nothing on an outbound call said so but the time since the last digit."""

    at_ns: int
    inferred: bool = False


class Flash(msgspec.Struct, frozen=True, gc=False):
    """A hooking flash of `length_ns` from `at_ns` on; the same call goes on."""

    at_ns: int
    length_ns: int


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The call ended at the start of the break `at_ns`; known at `decided_ns`, to where capture runs."""

    at_ns: int
    decided_ns: int
    outcome: Outcome


class Missed(msgspec.Struct, frozen=True, gc=False):
    """Nobody answered; `at_ns` is the last ring's end, `decided_ns` the end of the wait for another. No capture."""

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


Effect = Seized | OffHook | Answered | Flash | Ended | Missed | PartDue | Marked | MarkedLate | PressIgnored | Anomaly
