"""From bouncing edges of the hook contact to accepted levels, each timed at the first edge of its burst.

Contact bounce is edges 0.5 to 8 ms apart, in bursts of any length. A level counts once it was held for
`bounce_ms`: 10 ms lies above bounce and below the shortest real level, the 13.9 ms make of a 20 pps dial
(facts: line interface values).
"""

from __future__ import annotations

import msgspec

MS = 1_000_000


class Transition(msgspec.Struct, frozen=True, gc=False):
    """The contact went to `active` at `at_ns`, the first edge of its burst.

    `initial`: that edge was the contact's first ever, so it tells a level at the start, not a change.
    """

    active: bool
    at_ns: int
    initial: bool = False


class Debouncer:
    """Edges in, transitions out. A contact counts as inactive until its first edge.

    Calls must come in the order of time; one with an earlier time than the last is taken as
    simultaneous with that and counted in `reversals`. Nothing raises.
    """

    def __init__(self, bounce_ms: float) -> None:
        self._bounce_ns = round(bounce_ms * MS)
        self._level = False
        self._raw = False
        self._fresh = True  # no edge seen yet
        self._initial = False  # the pending burst began with the first edge of all
        self._burst_ns: int | None = None
        self._edge_ns = 0
        self._now_ns = 0
        self.reversals = 0

    @property
    def level(self) -> bool:
        """The accepted level."""
        return self._level

    @property
    def raw(self) -> bool:
        """The level of the last edge."""
        return self._raw

    @property
    def pending_since(self) -> int | None:
        """The first edge of a burst not yet settled: a transition may still come with this time."""
        return self._burst_ns

    def edge(self, active: bool, t: int) -> list[Transition]:
        """An edge at `t`. Returns what settled before it (at most one transition)."""
        if t < self._now_ns:
            self.reversals += 1
        settled = self.tick(t)
        fresh, self._fresh = self._fresh, False
        if active == self._raw:
            # The edge between two like ones was lost, or this is the level at the start: no news.
            return settled
        self._raw = active
        self._edge_ns = self._now_ns
        if self._burst_ns is None:
            self._burst_ns, self._initial = self._now_ns, fresh
        return settled

    def tick(self, now: int) -> list[Transition]:
        """Time has come to `now`. Returns the transition that settled, if one did."""
        self._now_ns = max(self._now_ns, now)
        if self._burst_ns is None or self._now_ns < self._edge_ns + self._bounce_ns:
            return []
        at, self._burst_ns = self._burst_ns, None
        if self._raw == self._level:
            return []  # a glitch: the burst ended on the level it began with
        self._level = self._raw
        return [Transition(self._level, at, self._initial)]

    def deadline(self) -> int | None:
        """When `tick` is due next, or None."""
        return None if self._burst_ns is None else self._edge_ns + self._bounce_ns
