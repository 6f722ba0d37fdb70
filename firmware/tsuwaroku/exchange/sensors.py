"""What the contacts of a board show that compares the line's voltage with two thresholds, as the two-line board does.

An exchange that feeds 24 V differs from one of 48 V in this alone: nothing of the feed is in the sound. Ringing pulses
the ring contact once a cycle on 48 V and twice on 24 V, and makes the hook contact flicker where the voltage passes
through nought; a hook threshold made for 48 V takes a line of 24 V for off-hook for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tsuwaroku.clock import NS
from tsuwaroku.events import Contact, ContactEdge

RINGING_VOLTS, RINGING_HZ = 75.0, 16.0  # facts: 65-83 Vrms, 15-20 Hz
LOOP_VOLTS = 8.0  # across a set that is off-hook: 30 mA through 270 ohm
_STEP_NS = 100_000
# The two-line board's thresholds (hook, ring), with its jumpers open, and closed for exchanges of 20 to 30 V.
THRESHOLDS = {48: (31.0, 65.0), 24: (17.0, 53.0)}


@dataclass(frozen=True, slots=True)
class Sensors:
    """The line's feed and the comparators on it, in volts."""

    feed: float = 48.0
    hook_volts: float = 31.0
    ring_volts: float = 65.0
    loop_volts: float = LOOP_VOLTS

    def off_hook(self, closed: bool) -> bool:
        """What the hook contact says of a loop at rest."""
        return (self.loop_volts if closed else self.feed) < self.hook_volts

    def at_start(self, line: str) -> list[ContactEdge]:
        """A line that looks off-hook at rest does so from the first moment on."""
        return [ContactEdge(line, Contact.HOOK, True, 0)] if self.off_hook(False) else []

    def rung(self, line: str, start_ns: int, end_ns: int) -> list[ContactEdge]:
        """Both contacts during one ring on an open loop."""
        t = np.arange(0, end_ns - start_ns, _STEP_NS)
        volts = np.abs(self.feed + RINGING_VOLTS * np.sqrt(2) * np.sin(2 * np.pi * RINGING_HZ / NS * t))
        found: list[ContactEdge] = []
        for contact, active, rest in (
            (Contact.RING, volts > self.ring_volts, False),
            (Contact.HOOK, volts < self.hook_volts, self.off_hook(False)),
        ):
            levels = [rest, *active.tolist(), rest]
            found += [
                ContactEdge(line, contact, level, start_ns + n * _STEP_NS)
                for n, (before, level) in enumerate(pairwise(levels))
                if level is not before
            ]
        return found
