"""Puts a recorder together from its parts: the one place that knows which parts there are."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from tsuwaroku.clock import Clock, ClockQuality, Instant, VirtualClock
from tsuwaroku.config import Config
from tsuwaroku.errors import ConfigError, StoreError
from tsuwaroku.exchange.demo import office
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.board import Board
from tsuwaroku.hal.device import DeviceBoard
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.notice.beep import beep
from tsuwaroku.service.announcement import load_announcement
from tsuwaroku.service.link import KeeperLink
from tsuwaroku.service.recorder import Recorder
from tsuwaroku.service.station import Predecessor
from tsuwaroku.service.storage import InlineStorage, Storage, StorageWorker, ThreadStorage
from tsuwaroku.service.telling import Sounds
from tsuwaroku.store.amendments import slots_aside
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.torn_header import mend_headers
from tsuwaroku.store.writer import RingWriter, Unfinished

# FLAC frames of 128 ms that a commit may leave for the next one: at most 1 s + 0.256 s and the commit's
# own time are then not on the disk yet, inside the 1.5 s of promise 3. Two would leave 0.1 s to spare.
HOLD_BACK = 1
# A line found off-hook is in the call that was cut off only if that was just now.
# What the board has learnt of the lines' voltages; the recorder's own, and no loss.
LEVELS_FILE = "run/levels.json"
END_S = 10.0  # for a disk to take what waits
RESUME_WITHIN_NS = 10 * 60 * 1_000_000_000


def new_instance() -> bytes:
    """The id of one run of a recorder: 8 random octets."""
    return secrets.token_bytes(8)


def device_board(config: Config, store: Path) -> Board:
    """The real board of a configuration, with what it learns kept in the store. Raises BoardError or ConfigError."""
    return DeviceBoard(config, kept=store / LEVELS_FILE)


def virtual_board(config: Config, clock: VirtualClock, elapsed_ns: int) -> Board:
    """The simulated board in real time, joined `elapsed_ns` after its stream began. Raises ScriptError."""
    lines = tuple(line.id for line in config.line)
    sources = load_script(Path(config.board.script)).sources() if config.board.script else office(lines)
    if {source.line for source in sources} != set(lines):
        raise ConfigError(
            f"the lines are {', '.join(lines)}, those of the script {', '.join(source.line for source in sources)}",
            where=f"board.script {config.board.script}",
            remedy="make them the same",
        )
    return VirtualBoard(
        sources, clock, realtime=True, rate=config.board.rate, start_ns=max(0, elapsed_ns), voltage=True
    )


def sounds_for(config: Config, rate: int) -> Sounds:
    """Announcement and beep at the line's rate. Raises ConfigError."""
    return Sounds(load_announcement(config.announcement, rate).tobytes(), beep(rate).tobytes(), rate)


class Assembled:
    """A recorder with what has to be given back after it ran."""

    def __init__(
        self,
        config: Config,
        *,
        board: Board,
        clock: Clock,
        store: Store,
        link: KeeperLink,
        instance: bytes,
        inline: bool = False,
    ) -> None:
        """Take the store for this recorder. Raises ServiceError when another one holds it."""
        sounds = sounds_for(config, board.rate)
        self._storage: Storage | None = None
        self._lock = FileLock(store.recorder_lock, instance.hex().encode())
        self._lock.acquire()
        store.lock = self._lock
        try:
            journal = take_over(store, clock.now())
            self.writer = RingWriter(
                store,
                instance=instance,
                audit_head=lambda: audit_head(store),
                hold_back=HOLD_BACK,
                sequence_floor=sequence_floor(journal),
                aside=slots_aside(journal.records()),
            )
            worker = StorageWorker(store, self.writer, journal, board.rate, clock)
            self._storage = InlineStorage(worker) if inline else ThreadStorage(worker)
            self.recorder = Recorder(
                config,
                board=board,
                clock=clock,
                storage=self._storage,
                link=link,
                sounds=sounds,
                instance=instance,
                free_slots=self.writer.free_slots,
                predecessors=predecessors(self.writer.unfinished(), clock),
            )
        except BaseException:
            self.release()
            raise

    def release(self) -> bool:
        """Stop what still writes, then let the store go: a successor would find itself sharing slots with it.

        False when the disk did not let it stop; the store is then kept until this process ends.
        """
        if self._storage is not None and not self._storage.close(END_S):
            return False
        self._lock.release()
        return True


def take_over(store: Store, now: Instant) -> Journal:
    """The recorder's journal; what a power cut left half in it, and in the lent slots, is put right. A disk that does
    not take that now may take it later: it is no reason not to record."""
    journal = Journal.open(store.journal_dir, "recorder", store, store.device)
    with contextlib.suppress(StoreError):
        journal.mend(now)
        mend_headers(store, Lease.load(store.lease_path, store.store_id).slots, journal, now)
    return journal


def predecessors(cut_off: list[Unfinished], clock: Clock) -> dict[str, Predecessor]:
    """The last cut-off call of each line, where it is recent enough to be the one still going on."""
    now = clock.now()

    def recent(call: Unfinished) -> bool:
        mono_ns = now.mono_ns - call.last_mono_ns
        if any(now.boot_id) and call.header.boot_id == now.boot_id and mono_ns >= 0:
            return mono_ns <= RESUME_WITHIN_NS  # the same boot (a simulation has none): no step of the clock matters
        age_ns = now.wall_ns - call.last_wall_ns
        # Without a battery clock a machine begins with the date that it wrote down last, a minute or so ago.
        synchronised = now.quality is ClockQuality.SYNCHRONISED
        return (0 if synchronised else -RESUME_WITHIN_NS) <= age_ns <= RESUME_WITHIN_NS

    return {call.header.line: Predecessor(call.call_id, call.told) for call in cut_off if recent(call)}


def sequence_floor(journal: Journal) -> int:
    """Above every number the journal accounts for: the ring may hold nothing of such calls."""
    numbers = [record.public.get("sequence") for record in journal.records()]
    return max([0, *(number for number in numbers if isinstance(number, int))]) + 1


def audit_head(store: Store) -> bytes:
    """The head of the audit log as the keeper last left it, 32 octets; sealed into every commit."""
    try:
        return bytes.fromhex((store.run_dir / "audit.head").read_text())
    except (OSError, ValueError):
        return bytes(32)
