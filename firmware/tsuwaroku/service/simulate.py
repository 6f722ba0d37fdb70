"""A call script through the whole recorder: the virtual board, both halves in one process, a real store.

In real time or as fast as the machine can, with the same calls: batches are cut by the board's time, and in fast
mode the queue to the disk waits instead of losing anything.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from tsuwaroku.clock import JST, NS, VirtualClock, virtual_boot
from tsuwaroku.config import Config, LineConfig
from tsuwaroku.errors import ConfigError, RingError
from tsuwaroku.exchange.script import Script, load_script
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.service.assembly import Assembled, new_instance, sounds_for
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.link import LeaseChanged, Upward
from tsuwaroku.service.setup import create_demo_store, refuse_real
from tsuwaroku.service.sizing import WORST_OCTETS_A_SECOND
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.layout import DEMO_KEY, Store

TAIL_S = 10.0  # silence after the script's end, in which timers run out (ring time-out 6 s, hang-up 1.5 s)


class Simulation(msgspec.Struct, frozen=True):
    """What `simulate` did. `key`: the demonstration key of the store; `notes`: what of the script was not played."""

    store: Path
    key: Path | None
    notes: list[str]
    seconds: float


class LocalLink:
    """Recorder and keeper in one process: a message is a call."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._changed = False
        self.connected = True
        self.live = False  # nobody asks a simulation for its status

    def send(self, message: Upward) -> None:
        if self._keeper.message(message):
            self._changed = True

    def receive(self) -> Sequence[LeaseChanged]:
        if not self._changed:
            return ()
        self._changed = False
        return (LeaseChanged(),)

    def close(self) -> None:
        self.connected = False


def default_start(now: datetime | None = None) -> int:
    """09:00 Asia/Tokyo of today (of yesterday before that), Unix ns: two runs on one day give the same times."""
    now = now or datetime.now(JST)
    start = now.replace(hour=9, minute=0, second=0, microsecond=0)
    if start > now:
        start -= timedelta(days=1)
    return int(start.timestamp()) * NS


def script_config(script: Script, config: Config | None) -> Config:
    """The configuration given, or one with the script's lines. Raises ConfigError where they do not fit."""
    if config is None:
        return Config(line=tuple(LineConfig(id=line) for line in script.lines))
    known = {line.id for line in config.line}
    missing = [line for line in script.lines if line not in known]
    if missing:
        raise ConfigError(
            f"has no line {missing[0]!r}, which the script uses",
            where="configuration",
            remedy=f"add a [[line]] with that id, or change the script {script.path}",
        )
    used = tuple(line for line in config.line if line.id in script.lines)
    return msgspec.structs.replace(config, line=used)


def slots_needed(seconds: float, lines: int, calls: int) -> int:
    """Slots for every second of every line at the worst rate, one more a call, and the lease's own margin."""
    octets = seconds * lines * WORST_OCTETS_A_SECOND
    return math.ceil(octets / (fmt.SLOT_SIZE - fmt.BLOCK)) + calls + 4 * lines


def simulate(
    script: Path,
    store_dir: Path,
    *,
    fast: bool,
    config: Config | None = None,
    start_wall_ns: int | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> Simulation:
    """Play `script` into the store at `store_dir`, made with a demonstration key if it is not there.

    Raises ScriptError, ConfigError, StoreError, RingError, and RefusedError for a real store; a bad script or
    configuration writes nothing.
    """
    began = time.monotonic()
    loaded = load_script(script)
    settings = script_config(loaded, config)
    sounds_for(settings, settings.board.rate)  # a bad announcement is refused before anything is written
    total_s = loaded.duration_s + TAIL_S
    calls = sum(len(loaded.timelines(line)) for line in loaded.lines) + 16 * len(loaded.raws)
    needed = slots_needed(loaded.duration_s, len(loaded.lines), calls)
    if not (store_dir / "store.json").exists():
        create_demo_store(store_dir, settings, needed)
    store = Store.open(store_dir, need_device=True)
    refuse_real(store)
    free = SlotTable(store).free
    if free < needed:  # before the first octet is written
        raise RingError(
            f"has {free} free slots of 256 KiB, the script may need {needed}",
            where=str(store_dir),
            remedy="play it into a new store (another --store DIR)",
        )
    start_ns = default_start() if start_wall_ns is None else start_wall_ns
    clock = VirtualClock(start_ns, boot_id=virtual_boot(start_ns))
    keeper = Keeper(store, settings, clock)
    keeper.start()
    try:
        board = VirtualBoard(loaded.sources(), clock, realtime=not fast, rate=settings.board.rate, tail_s=TAIL_S)
        board.open()
        link = LocalLink(keeper)
        assembled = Assembled(
            settings, board=board, clock=clock, store=store, link=link, instance=new_instance(), inline=fast
        )
        try:
            _run(assembled, keeper, total_s, progress)
        finally:
            board.close()
            assembled.release()
            keeper.poll()
    finally:
        keeper.close()
        store.close()
    key = store_dir / DEMO_KEY
    return Simulation(store_dir, key if key.exists() else None, list(loaded.notes), time.monotonic() - began)


def _run(assembled: Assembled, keeper: Keeper, total_s: float, progress: Callable[[float, float], None] | None) -> None:
    """The recorder to the script's end; the keeper has its turn every ten seconds of the script's time."""
    next_poll = 10.0

    def told(now_s: float) -> None:
        nonlocal next_poll
        if now_s >= next_poll:
            next_poll = now_s + 10.0
            if progress is not None:
                progress(min(now_s, total_s), total_s)

    assembled.recorder.run(lambda: False, told)
    if progress is not None:
        progress(total_s, total_s)
