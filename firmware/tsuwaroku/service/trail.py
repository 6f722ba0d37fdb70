"""What happens to the keeper, on its way to the audit log; and trouble with the disk: what can be done is done, the
rest is told and tried again."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from tsuwaroku.clock import Clock, Instant
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.durable import replace_file
from tsuwaroku.store.layout import Store

MOST_TRACES = 10_000
MOST_SHOWN = 20  # tracebacks of one process
_T = TypeVar("_T")


class Trace(msgspec.Struct, frozen=True):
    """What happened, until the disk takes it."""

    at: Instant
    actor: str
    verb: str
    subject: str
    detail: dict[str, object]


class Trail:
    """Owns the audit log. `fault`: what failed since `begin`, empty where nothing did."""

    def __init__(self, store: Store, clock: Clock, alarms: AlarmBoard) -> None:
        self.audit = AuditLog.open(store, store.device)
        self.fault = ""
        self._store = store
        self._clock = clock
        self._alarms = alarms
        self._traces: deque[Trace] = deque(maxlen=MOST_TRACES)
        self._head = ""
        self._shown = 0

    def begin(self) -> None:
        """A round of work, in which all may go well."""
        self.fault = ""

    def end(self) -> None:
        """The alarm resolves where nothing failed in this round."""
        if not self.fault:
            self._alarms.set("records_failed", False, self._clock.now())

    def attempt(self, act: Callable[[], _T]) -> _T | None:
        """Its result, or None where it failed and the alarm was set: it is for the next round to try again. A defect of
        the program is no other failure here: the rest of the round is done, and the keeper goes on."""
        try:
            return act()
        except (TsuwarokuError, OSError) as error:
            self.fault = str(error)
        except Exception as fault:
            self.fault = f"{type(fault).__name__}: {fault}"
            self._show(fault)
        self._alarms.set("records_failed", True, self._clock.now(), detail=self.fault)
        return None

    def defect(self, fault: Exception) -> None:
        """What nobody foresaw, elsewhere than in `attempt`: an alarm for as long as this process runs."""
        self._show(fault)
        self._alarms.set("internal_fault", True, self._clock.now(), detail=f"{type(fault).__name__}: {fault}")

    def _show(self, fault: Exception) -> None:
        """To the system's journal, which the same one each two seconds would fill."""
        if self._shown < MOST_SHOWN:
            self._shown += 1
            traceback.print_exception(fault)

    def note(self, actor: str, verb: str, subject: str = "", detail: Mapping[str, object] | None = None) -> None:
        """An entry of the audit log about what has happened; it is kept until the disk takes it."""
        self._traces.append(Trace(self._clock.now(), actor, verb, subject, dict(detail or {})))
        self.attempt(self.write)

    def write(self) -> None:
        """What waits. Raises StoreError; before an act of a person nothing may wait."""
        while self._traces:
            trace = self._traces[0]
            self.audit.append(trace.at, trace.actor, trace.verb, subject=trace.subject, detail=trace.detail)
            self._traces.popleft()

    def publish_head(self) -> None:
        """The audit log's head, for the recorder to seal into every commit: a cut-off tail then shows."""
        head = self.audit.head().hex()
        if head != self._head:
            replace_file(self._store.run_dir / "audit.head", head.encode(), 0o640)
            self._head = head
