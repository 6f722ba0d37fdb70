"""Media that ought to have come back (Article 9(4)): an alarm until they have."""

from __future__ import annotations

from tsuwaroku.clock import Instant
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.media import media, overdue
from tsuwaroku.service.actswatch import ActsWatch


class MediaWatch(ActsWatch):
    """The alarm's detail names the media, the longest overdue first."""

    def look(self, judge: Judge, now: Instant) -> None:
        """As it is today."""
        late = [one.name for one in overdue(media(self._ledger.acts), judge.today)]
        self._alarms.set("media_overdue", bool(late), now, detail=", ".join(late))
