"""What the recorder asks of hardware: five verbs. Simulated boards ship in the product and pass the same tests."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol

from tsuwaroku.events import Event


class Lamp(enum.StrEnum):
    """What a lamp shows."""

    DARK = "dark"
    LIT = "lit"
    FAST = "fast"  # 4 Hz: a call is not being recorded, or the box cannot record
    SLOW = "slow"  # 0.5 Hz: attention (system lamp), an alarm that does not stop recording
    ACK = "ack"  # a short wink from the present state: the press was noted


SYSTEM_LAMP = "system"


class Board(Protocol):
    """A board with its lines. Used by one thread, the recorder's; what threads it has of its own, it hides."""

    rate: int
    """Samples per second of every line."""

    sampling: str
    """How the sound comes to that rate, for the audit log."""

    def open(self) -> None:
        """Claim the devices. Raises BoardError (naming device and remedy) and never falls back to another driver."""
        ...

    def read(self, timeout_s: float) -> Sequence[Event]:
        """The next events in order, each line's audio without holes (a hole is a Gap). Empty after `timeout_s`.

        The first read gives each sensor's present level as edges.
        """
        ...

    def play(self, line: str, pcm: bytes) -> None:
        """Start sending S16LE mono onto the pair; never blocks. Replaces what was playing. `Playback` events follow."""
        ...

    def stop_playing(self, line: str) -> None:
        """Stop at once; no effect when nothing plays."""
        ...

    def hears_itself(self, line: str) -> bool:
        """Whether what `play` sends is present in the captured audio, so that it can be proven."""
        ...

    def show(self, lamp: str, state: Lamp) -> None:
        """Set the lamp of a line (its id) or SYSTEM_LAMP; ACK returns to the state before by itself. Never blocks."""
        ...

    def close(self) -> None:
        """Release everything; lamps go dark. Safe to call twice."""
        ...
