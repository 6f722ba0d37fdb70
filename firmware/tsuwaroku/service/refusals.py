"""Refused questions in the audit log: each leaves a trace, and a flood of them no flood there."""

from __future__ import annotations

from tsuwaroku.clock import NS, Clock
from tsuwaroku.errors import RefusedError
from tsuwaroku.service.trail import Trail

VERB = "refused"
NO_RIGHT = "no right"
A_MINUTE = 20
"""Entries a minute of one account. More are counted and told with the next entry, for each costs a sync of the disk."""


class PerMinute:
    """Counts what each account does in a minute of the clock that nobody sets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute: dict[str, tuple[int, int]] = {}  # account -> the minute, how many in it

    def another(self, user: str) -> bool:
        """Whether this one is among the first `A_MINUTE`."""
        minute = self._clock.now().mono_ns // (60 * NS)
        begun, count = self._minute.get(user, (minute, 0))
        count = count if begun == minute else 0
        if count >= A_MINUTE:
            return False
        self._minute[user] = (minute, count + 1)
        return True

    def take(self, user: str) -> None:
        """Raises RefusedError where it is not."""
        if not self.another(user):
            raise RefusedError(
                f"more than {A_MINUTE} entries of one account in a minute", where=user, remedy="try again in a minute"
            )


class Refusals:
    """What was refused to whom."""

    def __init__(self, trail: Trail, clock: Clock) -> None:
        self._trail = trail
        self._minute = PerMinute(clock)
        self._untold: dict[str, int] = {}

    def note(self, user: str, verb: str, subject: str, why: str = NO_RIGHT) -> None:
        """`why`: in a word or two, nothing personal."""
        if not self._minute.another(user):
            self._untold[user] = self._untold.get(user, 0) + 1
            return
        detail: dict[str, object] = {"verb": verb, "why": why}
        more = self._untold.pop(user, 0)
        if more:
            detail["untold_before"] = more
        self._trail.note(user, VERB, subject=subject[:200], detail=detail)
