"""What of disclosures (Article 10) and of the public notice (Article 5) is due, as alarms."""

from __future__ import annotations

from tsuwaroku.clock import Instant
from tsuwaroku.config import Config
from tsuwaroku.records.disclosures import disclosures
from tsuwaroku.records.judging import Judge
from tsuwaroku.service.actswatch import ActsWatch
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.ledger import Ledger
from tsuwaroku.service.notices import last_published, published_facts


class PaperWatch(ActsWatch):
    """The configuration is that of this start: another one needs a new start anyway."""

    def __init__(self, config: Config, ledger: Ledger, alarms: AlarmBoard) -> None:
        super().__init__(ledger, alarms)
        self._digest = published_facts(config).digest()

    def look(self, judge: Judge, now: Instant) -> None:
        """As it is today."""
        late = [one.slug for one in disclosures(self._ledger.acts) if one.overdue(judge.today)]
        self._alarms.set("disclosure_overdue", bool(late), now, detail=", ".join(late))
        last = last_published(self._ledger.acts)
        moved = last is not None and last.digest != self._digest
        self._alarms.set("notice_outdated", moved, now)
