"""The two processes of a running box. Started by the supervisor, which hands the specification on standard input.

The recorder comes up whatever else is missing: without keys, ring or card it blinks every lamp, says what is wrong,
and tries again; it never pretends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from tsuwaroku.clock import Clock, DemoClock, Instant, SystemClock, VirtualClock, virtual_boot
from tsuwaroku.config import Config
from tsuwaroku.errors import ServiceError, StoreError, TsuwarokuError
from tsuwaroku.hal.board import SYSTEM_LAMP, Board, Lamp
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.link import Hello, Note, Report, SocketLink
from tsuwaroku.service.setup import device_key_path
from tsuwaroku.service.status import LineStatus, RecorderStatus
from tsuwaroku.service.watchdog import Watchdog, Witness, boot_id
from tsuwaroku.store.memory import keep_memory_private

RETRY_S = 5.0
DEFECT_S = 0.5  # a fresh process records again within a second or two; longer would lose more of a call


class Spec(msgspec.Struct, kw_only=True):
    """What a process is told. `epoch_wall_ns`: when the virtual board's stream began. `parent`: who started it."""

    role: str
    config: Config
    store: str
    epoch_wall_ns: int = 0
    parent: int = 0


class StopFlag:
    """Set by SIGINT or SIGTERM."""

    def __init__(self) -> None:
        self.set = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def __call__(self) -> bool:
        return self.set

    def _stop(self, *_: object) -> None:
        self.set = True


def main() -> int:
    """`python -m tsuwaroku.service.process`, a Spec as JSON on standard input."""
    spec = msgspec.json.decode(sys.stdin.buffer.read(), type=Spec)
    keep_memory_private()
    die_with_parent()
    if spec.parent and os.getppid() != spec.parent:
        return 0  # it died before we could ask to be told of it
    return run(spec)


def run(spec: Spec) -> int:
    """Until a signal says stop. The exit code is that of the error which ended it, if any."""
    try:
        if spec.role == "keeper":
            run_keeper(spec)
        else:
            run_recorder(spec)
    except TsuwarokuError as error:
        complain(error)
        return error.exit_code
    return 0


def complain(error: TsuwarokuError) -> None:
    """One line for the journal."""
    print(f"tsuwaroku: {error}" + (f" — {error.remedy}" if error.remedy else ""), file=sys.stderr, flush=True)


def run_keeper(spec: Spec) -> None:
    """The keeper's process."""
    from tsuwaroku.service import control
    from tsuwaroku.service.keeper import Keeper
    from tsuwaroku.service.sockets import keeper_socket, link_socket
    from tsuwaroku.store.layout import Store

    path = Path(spec.store)
    store = Store.open(path, device_key_path=device_key_path(spec.config), need_device=True)
    played = store.info.demonstration and spec.config.board.kind == "virtual"
    clock = DemoClock(spec.epoch_wall_ns) if played else SystemClock()
    keeper = Keeper(store, spec.config, clock)
    control.run_keeper(keeper, keeper_socket(path, spec.config), link_socket(path))
    store.close()


def run_recorder(spec: Spec) -> None:
    """The recorder's process: capture, and the machine's watchdog as long as it succeeds."""
    stop = StopFlag()
    be_prompt()
    guard = make_watchdog(spec)
    guard.start()
    try:
        _keep_recording(spec, stop, guard)
    finally:
        guard.close(disarm=stop())  # after a defect it stays armed, for the next recorder to take over


def make_watchdog(spec: Spec) -> Watchdog:
    """The one the configuration names, or one that does nothing."""
    service = spec.config.service
    witness = Witness(Path(spec.store) / "run" / "heard", boot_id())
    return Watchdog(service.watchdog, service.watchdog_timeout_s, witness, complain)


def _keep_recording(spec: Spec, stop: Callable[[], bool], guard: Watchdog) -> None:
    """What is missing is named and tried again every few seconds, with every lamp blinking."""
    told = ""
    while not stop():
        board: Board | None = None
        try:
            board, clock = make_board(spec)
            board.open()
            _record(spec, board, clock, stop, guard)
        except (TsuwarokuError, OSError) as failure:
            error = failure if isinstance(failure, TsuwarokuError) else _of_system(failure)
            if str(error) != told:
                told = str(error)
                complain(error)
            _say_unable(spec, error, board, stop, guard)
        except Exception as defect:  # lamps and status say so; then the process ends, and a fresh one is started
            told_defect = ServiceError(f"the program met a defect of its own ({defect!r})", remedy="report it")
            _say_unable(spec, told_defect, board, stop, guard, DEFECT_S)
            raise
        finally:
            if board is not None:
                board.close()


def make_board(spec: Spec) -> tuple[Board, Clock]:
    """By `board.kind`: the virtual one, or a real one. Never one instead of the other."""
    from tsuwaroku.service import assembly

    if spec.config.board.kind == "virtual":
        clock = VirtualClock(spec.epoch_wall_ns, SystemClock().now().quality, virtual_boot(spec.epoch_wall_ns))
        elapsed_ns = max(0, time.time_ns() - spec.epoch_wall_ns)
        clock.mono_ns = elapsed_ns  # calls that were cut off are judged by their age before the first read
        return assembly.virtual_board(spec.config, clock, elapsed_ns), clock
    return assembly.device_board(spec.config, Path(spec.store)), SystemClock()


def _record(spec: Spec, board: Board, clock: Clock, stop: Callable[[], bool], guard: Watchdog) -> None:
    from tsuwaroku.service.assembly import Assembled, new_instance
    from tsuwaroku.service.plan import plan, refuse_below_guarantee
    from tsuwaroku.service.sockets import link_socket
    from tsuwaroku.store.layout import Store

    path = Path(spec.store)
    store = Store.open(path, device_key_path=device_key_path(spec.config), need_device=True)
    instance = new_instance()
    link = SocketLink(link_socket(path), Hello(instance.hex(), os.getpid()))
    try:
        if not store.info.is_demonstration:  # which promises no days
            refuse_below_guarantee(spec.config, plan(spec.config, slots=store.info.slots))
        assembled = Assembled(spec.config, board=board, clock=clock, store=store, link=link, instance=instance)
    except BaseException:
        store.close()
        raise
    gc.collect()
    gc.freeze()  # facts/platform: the tail of a 20 ms tick falls by a factor of four
    watched = Watched(assembled.recorder.alarms, clock, guard)
    guard.follow(assembled.recorder.vitals)

    def each(now_s: float) -> None:
        link.poll(now_s)
        for code in watched.tell():
            link.send(Note(f"alarm {code}", instance.hex(), {"detail": guard.faults[code]}))

    try:
        assembled.recorder.run(stop, each)
    finally:
        guard.follow(None)
        link.close()
        if not assembled.release():
            stuck = ServiceError("the disk does not answer", where=spec.store, remedy="check the SSD and `dmesg`")
            complain(stuck)
            sys.exit(stuck.exit_code)  # its thread may still write: no other recorder in this process
        store.close()


class Watched:
    """Shows the watchdog's faults among a recorder's alarms."""

    def __init__(self, alarms: AlarmBoard, clock: Clock, guard: Watchdog) -> None:
        self._alarms = alarms
        self._clock = clock
        self._guard = guard
        self._shown: Mapping[str, str] = {}

    def tell(self) -> list[str]:
        """Called all the time; the codes of those that are new."""
        faults = self._guard.faults
        if faults is self._shown:
            return []
        before, self._shown = self._shown, faults
        for code in {*before, *faults}:
            self._alarms.set(code, code in faults, self._clock.now(), detail=faults.get(code, ""))
        return [code for code in faults if code not in before]


def _of_system(failure: OSError) -> StoreError:
    return StoreError(
        f"{failure.strerror or failure}",
        where=str(failure.filename or "the recorder"),
        remedy="check the disk: its space, its permissions, and whether it became read-only (`dmesg`)",
    )


def _say_unable(
    spec: Spec,
    error: TsuwarokuError,
    board: Board | None,
    stop: Callable[[], bool],
    guard: Watchdog,
    seconds: float = RETRY_S,
) -> None:
    """Every lamp and `status` say that nothing is being recorded, and why, until it is time to try again."""
    from tsuwaroku.service.sockets import link_socket

    link = SocketLink(link_socket(Path(spec.store)), Hello("", os.getpid()))
    clock = SystemClock()
    until = time.monotonic() + seconds
    while not stop() and time.monotonic() < until:
        with contextlib.suppress(TsuwarokuError):
            if board is not None:
                for lamp in (*(line.id for line in spec.config.line), SYSTEM_LAMP):
                    board.show(lamp, Lamp.FAST)
        link.poll(time.monotonic())
        link.send(Report(unable_status(spec.config, error, clock.now(), guard.faults)))
        time.sleep(0.2)
    link.close()


def unable_status(
    config: Config, error: TsuwarokuError, now: Instant, faults: Mapping[str, str] | None = None
) -> RecorderStatus:
    """What the keeper is told of a recorder that cannot record. `faults`: the watchdog's alarms, code -> detail."""
    alarms = AlarmBoard()
    for code, detail in (faults or {}).items():
        alarms.set(code, True, now, detail=detail)
    alarms.set("cannot_record", True, now, detail=f"{error} → {error.remedy}" if error.remedy else str(error))
    return RecorderStatus(
        instance="",
        pid=os.getpid(),
        at=now.isoformat(),
        ready=False,
        system_lamp=Lamp.FAST,
        lines=[
            LineStatus(
                id=line.id,
                extension=line.extension or line.id,
                department=line.department,
                mode=line.mode.value,
                state="idle",
                lamp=Lamp.FAST,
            )
            for line in config.line
        ],
        alarms=alarms.all(),
        free_slots=0,
        clock_quality=now.quality.value,
    )


def be_prompt() -> None:
    """Real-time scheduling where the system allows it (facts/platform: p99 0.14 ms against 7.8 ms)."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the supervisor dies (PR_SET_PDEATHSIG), so that none is left behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
