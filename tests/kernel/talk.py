"""A line for tests of time and trouble: a seeded noise throughout, and calls from when to when the test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.kernel.world import NS, RATE
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge


@dataclass(slots=True)
class Talk:
    """`off_hook`: (from, to) in seconds of the stream, ascending; a call that is on when the stream begins starts at 0.

    Noise of about -26 dBm0 for `seconds`: no stretch of it is like another, so a sample out of place is found.
    """

    line: str
    off_hook: Sequence[tuple[float, float]]
    seconds: int = 3600
    presses: Sequence[float] = ()
    seed: int = 1
    mixes_notice: bool = False

    def events(self, start_ns: int, end_ns: int) -> list[ContactEdge | ButtonPressed]:
        """What happens at `start_ns` <= t < `end_ns`, in order."""
        acts: list[ContactEdge | ButtonPressed] = [ButtonPressed(self.line, round(at * NS)) for at in self.presses]
        for begin, end in self.off_hook:
            acts.append(ContactEdge(self.line, Contact.HOOK, True, round(begin * NS)))
            acts.append(ContactEdge(self.line, Contact.HOOK, False, round(end * NS)))
        return sorted((act for act in acts if start_ns <= act.mono_ns < end_ns), key=lambda act: act.mono_ns)

    def read(self, first_sample: int, count: int) -> bytes:
        """S16LE; whole seconds are asked for."""
        second, rest = divmod(first_sample, RATE)
        assert (rest, count) == (0, RATE)
        if second >= self.seconds:
            return b""
        noise = np.random.default_rng((self.seed, second)).normal(0, 1100, RATE)
        return np.clip(noise, -32768, 32767).astype("<i2").tobytes()

    def ends_ns(self) -> int:
        """When nothing more will happen."""
        return self.seconds * NS
