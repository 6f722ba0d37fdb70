"""What is fuzzed, by name, and hypothesis's way to do it. `byatheris` is the other."""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import framers, lines, sounds
from tests.fuzz.source import Drawn, Source

TARGETS: dict[str, Callable[[Source], None]] = {"framers": framers.run, "sounds": sounds.run, "lines": lines.run}
_AT_ONCE = settings(
    max_examples=20,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def by_hypothesis(target: Callable[[Source], None], seconds: float, first: int) -> int:
    """Scripts tried in so long, from the seed `first` on. Raises what a script made raise, that script made small."""
    tried = 0
    until = time.monotonic() + seconds

    @_AT_ONCE
    @given(st.data())
    def scripts(data: st.DataObject) -> None:
        nonlocal tried
        tried += 1
        target(Drawn(data))

    number = first
    while time.monotonic() < until:
        seed(number)(scripts)()
        number += 1
    return tried
