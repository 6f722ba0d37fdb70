"""Alarms about what people have to do: looked at when an act was added, or a day has begun."""

from __future__ import annotations

import abc
from datetime import date

from tsuwaroku.clock import Instant
from tsuwaroku.records.judging import Judge
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.ledger import Ledger


class ActsWatch(abc.ABC):
    """Folds the acts anew only when there are more of them, or the day has changed: a poll is cheap else."""

    def __init__(self, ledger: Ledger, alarms: AlarmBoard) -> None:
        self._ledger = ledger
        self._alarms = alarms
        self._seen: tuple[int, date] | None = None

    def again(self) -> None:
        """Look anew with the next poll: something else has changed."""
        self._seen = None

    def poll(self, judge: Judge, now: Instant) -> None:
        """Set or resolve the alarms, where a look is due. Raises StoreError; the next poll then tries again."""
        seen = (len(self._ledger.acts), judge.today)
        if seen != self._seen:
            self.look(judge, now)
            self._seen = seen

    @abc.abstractmethod
    def look(self, judge: Judge, now: Instant) -> None:
        """Set or resolve. Raises StoreError."""
