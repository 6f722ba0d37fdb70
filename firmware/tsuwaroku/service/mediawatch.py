"""Media that ought to have come back (Article 9(4)): an alarm until they have."""

from __future__ import annotations

from datetime import date

from tsuwaroku.clock import Instant
from tsuwaroku.records.media import media, overdue
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.ledger import Ledger


class MediaWatch:
    """Folds the acts anew only when there are more of them, or the day has changed."""

    def __init__(self, ledger: Ledger, alarms: AlarmBoard) -> None:
        self._ledger = ledger
        self._alarms = alarms
        self._seen: tuple[int, date] | None = None

    def poll(self, today: date, now: Instant) -> None:
        """The alarm as it is today; its detail names the media, the longest overdue first."""
        seen = (len(self._ledger.acts), today)
        if seen != self._seen:
            self._seen = seen
            late = [one.name for one in overdue(media(self._ledger.acts), today)]
            self._alarms.set("media_overdue", bool(late), now, detail=", ".join(late))
