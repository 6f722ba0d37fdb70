"""The keeper's memory of the date, `clock.json`: a look each poll; what the journals saw is replayed at each start.

A manager's confirmation is in the keeper's journal before it is believed, so it outlives the loss of that file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tsuwaroku.clock import Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.records.dating import Confirmation, Proposal, State, changed, replay
from tsuwaroku.records.judging import Judge, Suspension
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.store import clockfile
from tsuwaroku.store.journal_record import JournalRecord, JournalType

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

SUSPENSIONS = tuple(suspension.value for suspension in Suspension if suspension)


class Recalled:
    """What file and journals know. `state`; `proposal`: the technician's last one that nobody has confirmed since;
    `damaged`: what was wrong with the file."""

    def __init__(self, store: Store, recorder: Iterable[JournalRecord], keeper: Iterable[JournalRecord]) -> None:
        self.proposal: Proposal | None = None
        self.damaged = ""
        try:
            state = clockfile.load(store.clock_path, store.store_id)
        except StoreError as error:
            state, self.damaged = State(), str(error)
        confirmations: list[Confirmation] = []
        for record in keeper:
            if record.type is JournalType.CLOCK_CONFIRMED:
                confirmations.append(Confirmation(record.number, instant_of(record)))
                self.proposal = None
            elif record.type is JournalType.CLOCK_PROPOSED:
                self.proposal = proposal_in(record)
        self.state = replay(map(instant_of, recorder), state, confirmations)


def instant_of(record: JournalRecord) -> Instant:
    return Instant(record.wall_ns, record.mono_ns, record.boot_id, record.quality)


def proposal_in(record: JournalRecord) -> Proposal | None:
    """What a record of the type `clock proposed` says; None where that is nothing."""
    said = record.public
    line, ahead, off = said.get("line_ns"), said.get("ahead_ns"), said.get("off_ns")
    if not isinstance(line, int) or not isinstance(off, int) or not isinstance(ahead, int | None):
        return None
    return Proposal(instant_of(record), str(said.get("by", "")), line, ahead, off)


class ClockWatch:
    """`damaged`: what was wrong with the file, which is then made again; `proposal`: as `Recalled` has it."""

    def __init__(
        self,
        store: Store,
        recorder: Iterable[JournalRecord],
        keeper: Iterable[JournalRecord],
        alarms: AlarmBoard,
    ) -> None:
        self._store = store
        self._alarms = alarms
        self._saved: State | None = None
        self._saved_ns = 0
        found = Recalled(store, recorder, keeper)
        self.state, self.damaged, self.proposal = found.state, found.damaged, found.proposal

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

    def confirmed(self, state: State) -> None:
        """A manager's confirmation that is in the journal; the next look saves it."""
        self.state, self.proposal = state, None

    def _write(self, state: State) -> None:
        clockfile.save(self._store.clock_path, state, self._store.store_id)
