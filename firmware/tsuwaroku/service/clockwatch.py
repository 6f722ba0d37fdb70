"""The keeper's memory of the date, `clock.json`: a look each poll; what the journals saw is replayed at each start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tsuwaroku.clock import Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.records.dating import State, changed, replay
from tsuwaroku.records.judging import Judge, Suspension
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.store import clockfile
from tsuwaroku.store.journal_record import JournalRecord

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

SUSPENSIONS = tuple(suspension.value for suspension in Suspension if suspension)


class ClockWatch:
    """`damaged`: what was wrong with the file, which is then made again."""

    def __init__(self, store: Store, records: Iterable[JournalRecord], alarms: AlarmBoard) -> None:
        self._store = store
        self._alarms = alarms
        self._saved: State | None = None
        self._saved_ns = 0
        self.damaged = ""
        try:
            state = clockfile.load(store.clock_path, store.store_id)
        except StoreError as error:
            state, self.damaged = State(), str(error)
        instants = (Instant(r.wall_ns, r.mono_ns, r.boot_id, r.quality) for r in records)
        self.state = replay(instants, state)

    def look(self, now: Instant) -> Judge:
        """What may be read and erased now; the memory is saved when it is due. Raises StoreError where it cannot be."""
        judge = Judge(self.state, now)
        self.state = judge.state
        for code in SUSPENSIONS:
            self._alarms.set(code, code == judge.suspended.value, now)
        due = now.mono_ns - self._saved_ns >= clockfile.SAVE_EVERY_NS or now.mono_ns < self._saved_ns
        if self._saved is None or due or changed(self._saved, self.state):
            self.save(now)
        return judge

    def save(self, now: Instant) -> None:
        """Durable on return. Raises StoreError."""
        self._write(self.state)
        self._saved, self._saved_ns = self.state, now.mono_ns

    def _write(self, state: State) -> None:
        clockfile.save(self._store.clock_path, state, self._store.store_id)

    def set(self, state: State, now: Instant) -> None:
        """A manager's confirmation; believed only once it is durable. Raises StoreError."""
        self._write(state)
        self.state = self._saved = state
        self._saved_ns = now.mono_ns
