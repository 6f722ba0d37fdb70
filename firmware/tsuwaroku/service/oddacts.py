"""Acts that no fold can go by: an alarm that names their entries, for as long as they are in the log: always."""

from __future__ import annotations

from typing import Final

from tsuwaroku.clock import Instant
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.readable import unreadable
from tsuwaroku.service.actswatch import ActsWatch

MOST_NAMED: Final = 20


class OddActsWatch(ActsWatch):
    """The alarm's detail has the numbers of the entries, the first of them where there are many."""

    def look(self, judge: Judge, now: Instant) -> None:
        """As it is now."""
        found = unreadable(self._ledger.acts)
        named = ", ".join(str(number) for number in found[:MOST_NAMED])
        more = f" (+{len(found) - MOST_NAMED})" if len(found) > MOST_NAMED else ""
        self._alarms.set("acts_unreadable", bool(found), now, detail=named + more)
