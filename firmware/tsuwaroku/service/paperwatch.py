"""What of disclosures and the public notice is due, as alarms: looked at when an act was added, or a day has begun."""

from __future__ import annotations

from tsuwaroku.clock import Clock
from tsuwaroku.config import Config
from tsuwaroku.records.disclosures import disclosures
from tsuwaroku.records.retention import day_of
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.ledger import Ledger
from tsuwaroku.service.notices import last_published, published_facts


class PaperWatch:
    """One of the keeper's parts. The configuration is that of this start: another one needs a new start anyway."""

    def __init__(self, config: Config, ledger: Ledger, alarms: AlarmBoard, clock: Clock) -> None:
        self._ledger = ledger
        self._alarms = alarms
        self._clock = clock
        self._digest = published_facts(config).digest()
        self._seen: object = None

    def poll(self) -> None:
        """Cheap where nothing is new."""
        seen = (len(self._ledger.acts), day_of(self._clock.now().wall_ns))
        if seen != self._seen:
            self.look()
            self._seen = seen

    def look(self) -> None:
        """Raise or resolve."""
        now = self._clock.now()
        today = day_of(now.wall_ns)
        late = [one.slug for one in disclosures(self._ledger.acts) if one.overdue(today)]
        self._alarms.set("disclosure_overdue", bool(late), now, detail=", ".join(late))
        last = last_published(self._ledger.acts)
        moved = last is not None and last.digest != self._digest
        self._alarms.set("notice_outdated", moved, now)
