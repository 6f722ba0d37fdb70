"""Whether capture makes progress: counters that the recorder leaves, and a judge who looks at them. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tsuwaroku.clock import NS

# The loop turns 50 times a second; it has no business that takes seconds, for it never waits for a disk.
LOOP_NS = 10 * NS
# A card that was unplugged by mistake is back within this; a USB host that is wedged is not.
SOUND_NS = 30 * NS
# A minute of sound waits in memory and would be lost by a restart; the kernel itself tries for up to 180 s (six times
# 30 s) to get a disk going again. Beyond both nothing is being recorded, and a restart is what is left.
DISK_NS = 180 * NS


@dataclass(slots=True)
class Vitals:
    """Counted up by the recorder's thread alone. Whoever looks compares: what has changed, has moved."""

    turns: int = 0  # of the loop
    frames: int = 0  # of sound, of whichever line
    asked: int = 0  # batches handed to storage
    answered: int = 0  # batches that came back from it, written or with an error


class Stall(enum.StrEnum):
    """What stands still."""

    LOOP = "loop"
    SOUND = "sound"
    DISK = "disk"


class Judge:
    """Looks about once a second. All times are monotonic nanoseconds, so no step of the clock matters.

    Nothing counts as stalled before a sound was heard since the machine's start (`heard`; True from the beginning
    where an earlier run of the recorder heard one): where no card ever worked a restart has not helped, and the next
    would not either. The same goes for a disk that never answered.
    """

    def __init__(self, now_ns: int, heard: bool = False) -> None:
        self.heard = heard
        self._seen = Vitals()
        self._turn_ns = self._sound_ns = self._disk_ns = now_ns

    def look(self, now_ns: int, vitals: Vitals | None) -> tuple[Stall, int] | None:
        """What stands still and for how long (ns), or None. `vitals` is None while no recorder runs: it is being
        started, or tries again to come up; then only sound is waited for."""
        if vitals is None:
            self._turn_ns = self._disk_ns = now_ns
        else:
            self._follow(now_ns, vitals)
        if not self.heard:
            return None
        for stall, since_ns, most_ns in (
            (Stall.LOOP, self._turn_ns, LOOP_NS),
            (Stall.SOUND, self._sound_ns, SOUND_NS),
            (Stall.DISK, self._disk_ns, DISK_NS),
        ):
            if now_ns - since_ns > most_ns:
                return stall, now_ns - since_ns
        return None

    def _follow(self, now_ns: int, vitals: Vitals) -> None:
        seen = self._seen
        if vitals.turns != seen.turns:
            self._turn_ns = now_ns
        if vitals.frames not in (0, seen.frames):  # 0: a recorder that has only just begun
            self._sound_ns = now_ns
            self.heard = True
        waits = vitals.asked > vitals.answered > 0
        if not waits or vitals.answered != seen.answered:
            self._disk_ns = now_ns
        self._seen = Vitals(vitals.turns, vitals.frames, vitals.asked, vitals.answered)
