"""The recorder's loop: events to line stations, a batch a second to storage, lamps and alarms from what came back.

One thread owns everything here. Batches are cut by the board's time, so the same input gives the same calls
whether it runs in real time or as fast as it can.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import numpy as np

from tsuwaroku.clock import NS, Clock
from tsuwaroku.config import Config
from tsuwaroku.events import (
    AudioFrame,
    BoardFault,
    ButtonPressed,
    ContactEdge,
    EndOfInput,
    Gap,
    LineVoltage,
    Part,
    Playback,
    Tick,
)
from tsuwaroku.hal.board import SYSTEM_LAMP, Board, Lamp
from tsuwaroku.notice.policy import Reason
from tsuwaroku.records.retention import configured
from tsuwaroku.records.unrecorded import ALIVE_EVERY_NS
from tsuwaroku.service import ops
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.link import Closed, KeeperLink, Note, Report
from tsuwaroku.service.ops import Batch, Done
from tsuwaroku.service.station import LineStation, Predecessor
from tsuwaroku.service.status import LineStatus, RecorderStatus, VoltageStatus
from tsuwaroku.service.storage import Storage
from tsuwaroku.service.telling import Sounds
from tsuwaroku.service.vitals import Vitals
from tsuwaroku.signalling.levels import Fault
from tsuwaroku.signalling.line import State
from tsuwaroku.store.journal import JournalType

BATCH_NS = NS
STALL_NS = 2 * NS
REPORT_NS = NS // 5
# The notices that failed for the box's own sake; a caller who hung up first is no fault.
NOTICE_FAULTS = frozenset({Reason.PLAYBACK_FAILED.value})
SENSOR_ANOMALIES = frozenset({"hook_chatter", "time_reversed", "speech_on_hook"})
FAULTS = {
    Part.CAPTURE: "card_failed",
    Part.ANNOUNCEMENT: "announcement_failed",
    Part.LAMP: "board_failed",
    Part.METER: "meter_failed",
}
VOLTAGE_NS = 3 * NS  # one that is older is none
MOST_TRACES = 10
KEEPER_GRACE_NS = 10 * NS  # both start together, and a restart takes seconds
RESOLVE_NS = 60 * NS  # an alarm about a past loss resolves after a minute without another


class Recorder:
    """Capture on every line of a board, until the board's input ends or `stop` is asked for."""

    def __init__(
        self,
        config: Config,
        *,
        board: Board,
        clock: Clock,
        storage: Storage,
        link: KeeperLink,
        sounds: Sounds,
        instance: bytes,
        free_slots: int,
        predecessors: dict[str, Predecessor] | None = None,
    ) -> None:
        self._board = board
        self._clock = clock
        self._storage = storage
        self._link = link
        self._instance = instance
        self._stations = {
            line.id: LineStation(
                line,
                board=board,
                clock=clock,
                sounds=sounds,
                announcement=config.announcement,
                retention_days=configured(config.store).code,
            )
            for line in config.line
        }
        for line_id, before in (predecessors or {}).items():
            if line_id in self._stations:
                self._stations[line_id].predecessor = before
        self.alarms = AlarmBoard()
        self.vitals = Vitals()
        self._lamps: dict[str, Lamp] = {}
        self._voltages: dict[str, LineVoltage] = {}
        self._next_batch_ns: int | None = None
        self._next_report_ns = 0
        self._outstanding: list[int] = []  # times of the batches not yet back from storage
        self._backlog: list[ops.Op] = []  # operations a full queue did not take, and words of its own
        self._next_word_ns: int | None = None
        self._unable: set[str] = set()  # lines without a card; "" for all
        self._again = False  # storage still holds something it could not write
        self._free_slots = free_slots
        self._lost_ns: dict[tuple[str, str], int] = {}
        self._now_ns = 0
        self._keeper_seen_ns: int | None = None
        self._traces = 0
        self._ended = False

    def run(self, stop: Callable[[], bool], progress: Callable[[float], None] | None = None) -> None:
        """Until `stop()` or the end of the input; then every call in progress is closed and written."""
        about = {"pid": str(os.getpid()), "sound": self._board.sampling}
        self._link.send(Note("recorder started", self._instance.hex(), about))
        while not self._ended and not stop():
            self.step()
            if progress is not None:
                progress(self._now_ns / NS)
        self.finish()

    def step(self, timeout_s: float = 0.1) -> None:
        """One read of the board and all that follows from it."""
        self.vitals.turns += 1
        for event in self._board.read(timeout_s):
            try:
                if isinstance(event, AudioFrame):
                    self.vitals.frames += 1
                    if (station := self._stations.get(event.line)) is not None:
                        station.audio(event)
                else:
                    self._other(event)
            except Exception as fault:  # a defect of ours on one line must not end capture on all
                self._broken(getattr(event, "line", ""), fault)

    def finish(self) -> None:
        """Close what is open, write it, and stop the storage side."""
        for station in self._stations.values():
            station.shutdown(self._now_ns)
        self._backlog.append(ops.Word(JournalType.RECORDER_STOPPED))
        self._flush(self._now_ns)
        self._link.send(Note("recorder stopped", self._instance.hex(), {}))
        if not self._storage.close(10.0):
            self.alarms.set("storage_stalled", True, self._clock.now())
        self._collect()
        self._link.send(Report(self.status()))

    # -- events

    def _other(self, event: object) -> None:
        match event:
            case Tick(mono_ns):
                self._tick(mono_ns)
            case ContactEdge() | ButtonPressed() | Gap() | Playback():
                if (station := self._stations.get(event.line)) is not None:
                    self._of_line(station, event)
            case LineVoltage():
                self._voltages[event.line] = event
            case BoardFault():
                self.alarms.set(FAULTS[event.part], event.failed, self._clock.now(), event.line, event.text)
                if event.part is Part.CAPTURE:
                    self._able(event.line, able=not event.failed)
            case EndOfInput():
                self._ended = True

    def _able(self, line: str, *, able: bool) -> None:
        """A line, or "" for all, has its sound card, or has none."""
        for station in self._stations.values():
            if line in ("", station.line.id):
                station.panel.able = able
        if able is (line in self._unable):
            self._unable ^= {line}
            self._backlog.append(ops.Word(JournalType.ALIVE, {"line": line, "capture": able}))

    def _of_line(self, station: LineStation, event: ContactEdge | ButtonPressed | Gap | Playback) -> None:
        match event:
            case ContactEdge():
                station.contact(event)
            case ButtonPressed():
                station.button(event)
            case Gap():
                station.gap(event)
                self._lost("audio_lost", event.line, f"{event.samples} samples: {event.reason.value}")
            case Playback():
                station.playback(event)

    def _broken(self, line: str, fault: Exception) -> None:
        """Something that cannot happen did: told as an alarm, with its trace in the journal the first few times."""
        self._lost("internal_fault", line, f"{type(fault).__name__}: {fault}")
        if self._traces < MOST_TRACES:
            self._traces += 1
            traceback.print_exception(fault, file=sys.stderr)

    def _tick(self, now_ns: int) -> None:
        self._now_ns = now_ns
        urgent = False
        for line_id, station in self._stations.items():
            try:
                station.tick(now_ns)
            except Exception as fault:  # as in `step`
                self._broken(line_id, fault)
            urgent = urgent or station.urgent
        if self._next_batch_ns is None:
            self._next_batch_ns = (now_ns // BATCH_NS + 1) * BATCH_NS
        if urgent or now_ns >= self._next_batch_ns:
            if now_ns >= self._next_batch_ns:
                self._next_batch_ns = (now_ns // BATCH_NS + 1) * BATCH_NS
                self._second()
            self._flush(now_ns)
        self._collect()
        self._show(now_ns)
        if now_ns >= self._next_report_ns and self._link.live:
            self._next_report_ns = now_ns + REPORT_NS
            self._link.send(Report(self.status()))

    def _second(self) -> None:
        """Once a second: alarms that resolve by themselves, the clock."""
        now = self._clock.now()
        for (code, line), at_ns in list(self._lost_ns.items()):
            if now.mono_ns - at_ns > RESOLVE_NS:
                self.alarms.set(code, False, now, line)
                del self._lost_ns[(code, line)]
        self.alarms.set("clock_unsynchronised", now.quality.value == "unsynchronised", now)
        if self._link.connected or self._keeper_seen_ns is None:
            self._keeper_seen_ns = self._now_ns
        self.alarms.set("keeper_away", self._now_ns - self._keeper_seen_ns > KEEPER_GRACE_NS, now)
        for line_id, station in self._stations.items():
            station.watch(now.wall_ns)
            station.measure()
            for fault in Fault:
                self.alarms.set(fault.value, fault in station.levels.found, now, line_id)
            voltage = self._voltage(line_id)
            self.alarms.set("line_dead", voltage is not None and voltage.dead, now, line_id)
            failed = station.telling.failed
            self.alarms.set("notice_failed", failed in NOTICE_FAULTS, now, line_id, failed or "")
            if station.anomaly in SENSOR_ANOMALIES:
                self._lost("hook_sensor_suspect", line_id, station.anomaly or "")
            elif station.machine.state is State.BY_SOUND:
                self._lost("hook_sensor_suspect", line_id, "speech_on_hook")
            station.anomaly = None

    # -- storage

    def _flush(self, now_ns: int) -> None:
        """Hand everything since the last batch to storage; a full queue costs the audio, never the reader."""
        gathered, self._backlog = [*self._own_word(now_ns), *self._backlog], []
        for station in self._stations.values():
            gathered += station.take()
        if not gathered and not self._again and not any(s.capture.capturing for s in self._stations.values()):
            return
        batch = Batch(self._clock.at(now_ns), gathered)
        if self._storage.submit(batch):
            self._outstanding.append(now_ns)
            self.vitals.asked += 1
            return
        self._backlog = ops.shed(gathered)
        lines = [line for line, s in self._stations.items() if s.capture.capturing]
        for line in lines:
            self._lost("backlog", line, "the queue to the disk is full")

    def _own_word(self, now_ns: int) -> list[ops.Op]:
        """That it has started, and then that it is alive: of a box that nobody telephones with, too, its journal shows
        whether it could have recorded. It also tries the disk."""
        if self._next_word_ns is not None and now_ns < self._next_word_ns:
            return []
        kind = JournalType.RECORDER_STARTED if self._next_word_ns is None else JournalType.ALIVE
        self._next_word_ns = now_ns + ALIVE_EVERY_NS
        return [ops.Word(kind)]

    def _collect(self) -> None:
        if self._link.receive():
            self._storage.reload_lease()
            self._again = True
        for done in self._storage.done():
            self._account(done)
        stalled = bool(self._outstanding) and self._now_ns - self._outstanding[0] > STALL_NS
        if stalled or ("storage_stalled", "") in self.alarms.standing:
            self.alarms.set("storage_stalled", stalled, self._clock.now())

    def _account(self, done: Done) -> None:
        """What came back from the disk drives lamps and alarms."""
        self.vitals.answered += 1
        if self._outstanding:
            self._outstanding.pop(0)
        now = self._clock.now()
        self.alarms.set("storage_failed", bool(done.error), now, detail=done.error)
        self._again = bool(done.error) or bool(done.waiting)
        if done.free_slots is not None:
            self._free_slots = done.free_slots
            self.alarms.set("ring_full", bool(done.waiting), now)
        for station in self._stations.values():
            if station.call is not None and station.call.id in done.covered:
                station.panel.covered(done.now_ns)  # what came later is not on the disk, however fresh the commit
        for line, heard in done.heard:
            if heard is not None:
                self.alarms.set("notice_not_heard", not heard, now, line)
        if done.closed:
            self._link.send(Closed([public.id for _, public in done.closed]))

    def _lost(self, code: str, line: str, detail: str) -> None:
        now = self._clock.now()  # not the last tick's: before the first there is none
        self._lost_ns[(code, line)] = now.mono_ns
        self.alarms.set(code, True, now, line, detail)

    # -- lamps and status

    def _show(self, now_ns: int) -> None:
        for line_id, station in self._stations.items():
            lamp = station.panel.lamp(now_ns)
            self._light(line_id, lamp)
            unrecorded = station.panel.unrecorded_call(now_ns)
            if unrecorded or ("not_recorded", line_id) in self.alarms.standing:
                self.alarms.set("not_recorded", unrecorded, self._clock.now(), line_id)
        self._light(SYSTEM_LAMP, self._system_lamp())

    def _light(self, name: str, lamp: Lamp) -> None:
        if self._lamps.get(name) is lamp:
            return
        try:
            self._board.show(name, lamp)
        except Exception as fault:  # a lamp that cannot be lit must not end capture; it is tried again
            self._lost("board_failed", "" if name == SYSTEM_LAMP else name, f"lamp: {fault}")
        else:
            self._lamps[name] = lamp

    def _system_lamp(self) -> Lamp:
        severities = {alarm.severity for alarm in self.alarms.standing.values()}
        if "critical" in severities:
            return Lamp.FAST
        return Lamp.SLOW if severities else Lamp.LIT

    def status(self) -> RecorderStatus:
        """The live state, for the keeper."""
        now = self._clock.now()
        return RecorderStatus(
            instance=self._instance.hex(),
            pid=os.getpid(),
            at=now.isoformat(),
            ready=all(station.panel.able for station in self._stations.values()),
            system_lamp=self._lamps.get(SYSTEM_LAMP, Lamp.DARK),
            lines=[self._line_status(station) for station in self._stations.values()],
            alarms=self.alarms.all(),
            free_slots=self._free_slots,
            clock_quality=now.quality.value,
        )

    def _voltage(self, line: str) -> LineVoltage | None:
        """The last one measured, unless nothing is measured any more."""
        voltage = self._voltages.get(line)
        return voltage if voltage is not None and self._now_ns - voltage.mono_ns < VOLTAGE_NS else None

    def _line_status(self, station: LineStation) -> LineStatus:
        call = station.call
        age = station.panel.age_ns(self._now_ns)
        voltage = self._voltage(station.line.id)
        return LineStatus(
            id=station.line.id,
            extension=station.line.extension or station.line.id,
            department=station.line.department,
            mode=(call.mode if call is not None else station.line.mode).value,
            state=station.machine.state.name.lower(),
            lamp=self._lamps.get(station.line.id, Lamp.DARK),
            level_dbfs=level_dbfs(station),
            call_id=None if call is None else call.ulid,
            since=None if call is None else call.iso(call.seized.mono_ns),
            marks=0 if call is None else len(call.marks),
            covered_s=None if age is None else round(age / NS, 2),
            notice=station.telling.state(),
            voltage=None if voltage is None else voltage_status(voltage),
        )


def voltage_status(voltage: LineVoltage) -> VoltageStatus:
    """Rounded to what the converter can tell."""
    return VoltageStatus(
        volts=round(voltage.volts, 1),
        low=round(voltage.low, 1),
        high=round(voltage.high, 1),
        threshold=None if voltage.threshold is None else round(voltage.threshold, 1),
        dead=voltage.dead,
    )


def level_dbfs(station: LineStation) -> float | None:
    """Peak of the last fifth of a second; None where there is no audio."""
    pcm = b"".join(piece.pcm for piece in station.capture.latest(10) if isinstance(piece, AudioFrame))
    if not pcm:
        return None
    peak = int(np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32)).max())
    return round(20 * float(np.log10(max(peak, 1) / 32768)), 1)
