"""Which call a recorder goes on with when it comes back, and that it comes back with slots to write to."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from tests.crash.box import make_day
from tests.service.support import calls_in, demo_key
from tests.store.writing import at, call_id, opening, record, sound
from tsuwaroku.clock import NS, ClockQuality, Instant, SystemClock, VirtualClock
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.records.call import PublicRecord
from tsuwaroku.service import lending
from tsuwaroku.service.assembly import predecessors
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.link import Hello
from tsuwaroku.service.process import Spec, make_board
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.station import Predecessor
from tsuwaroku.store.chunks import CallOpening
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.leased import Unfinished
from tsuwaroku.store.slot import SlotHeader
from tsuwaroku.store.verify import verify_store
from tsuwaroku.store.writer import RingWriter

CONFIG = Config(line=(LineConfig(id="L1"), LineConfig(id="L2")))
HEAD = bytes(32)


def store_with(path: Path, slots: int) -> Store:
    create_demo_store(path, CONFIG, slots)
    return Store.open(path, need_device=True)


def writer(store: Store, instance: bytes) -> RingWriter:
    return RingWriter(store, instance=instance, audit_head=lambda: HEAD)


def on(line: str, number: int) -> CallOpening:
    return msgspec.structs.replace(opening(number), line=line)


def closed(store: RingWriter, line: str, number: int, now: Instant) -> list[tuple[bytes, PublicRecord]]:
    """A whole call in one commit."""
    store.open(on(line, number))
    store.audio(call_id(number), 0, sound(1))
    store.close(call_id(number), record(number))
    return store.commit(now).closed


def test_a_line_that_had_another_call_since_does_not_resume_the_one_cut_off(tmp_path: Path) -> None:
    store = store_with(tmp_path / "store", 16)
    Lease(slots=[(n, 1) for n in range(16)]).save(store.lease_path, store.store_id)
    first = writer(store, b"first...")
    for line, number in (("L1", 1), ("L2", 2)):
        first.open(on(line, number))
        first.audio(call_id(number), 0, sound(1))
    first.commit(at(1))
    second = writer(store, b"second..")
    assert [h.call_id for h in second.unfinished()] == [call_id(1), call_id(2)]
    assert [call for call, _ in closed(second, "L1", 3, at(2))] == [call_id(3)]
    third = writer(store, b"third...")
    assert [h.call_id for h in third.unfinished()] == [call_id(2)]
    store.close()


def test_a_simulated_recorder_that_comes_back_knows_how_late_it_is(tmp_path: Path) -> None:
    """Calls cut off a moment ago are resumed, and those are not that were cut off long before."""
    day = make_day(tmp_path, 20.0, lines=1)
    config = Config(board=BoardConfig(kind="virtual", script=str(day.script)), line=(LineConfig(id="1"),))
    epoch = time.time_ns() - 3600 * NS
    _, clock = make_board(Spec(role="recorder", config=config, store="", epoch_wall_ns=epoch))
    assert 3600 <= clock.now().mono_ns / NS < 3610
    cut_off = [
        Unfinished(_header("1"), time.time_ns() - 11 * 60 * NS, 0, told=False),
        Unfinished(_header("2"), time.time_ns() - 60 * NS, 0, told=True),
    ]
    assert predecessors(cut_off, clock) == {"2": Predecessor(bytes(16), told=True)}


@pytest.mark.parametrize(
    ("behind_s", "quality", "resumed"),
    [
        (0, ClockQuality.SYNCHRONISED, True),
        (60, ClockQuality.UNSYNCHRONISED, True),
        (60, ClockQuality.SYNCHRONISED, False),
        (601, ClockQuality.UNSYNCHRONISED, False),
    ],
)
def test_a_machine_without_a_battery_clock_resumes_with_a_date_that_is_a_little_old(
    behind_s: int, quality: ClockQuality, resumed: bool
) -> None:
    """After a restart its clock begins with what was written down last, before the call that was cut off."""
    last_ns = 1_800_000_000 * NS
    clock = VirtualClock(last_ns - behind_s * NS, quality)
    call = Unfinished(_header("1"), last_ns, 0, told=False)
    assert (list(predecessors([call], clock)) == ["1"]) == resumed


def _header(line: str) -> SlotHeader:
    return SlotHeader(
        flags=0,
        slot=0,
        generation=1,
        store_id=bytes(16),
        call_id=bytes(16),
        sequence=1,
        part=0,
        first_extent=0,
        line=line,
        wall_ns=0,
        mono_ns=0,
        boot_id=bytes(16),
        quality=at(0).quality,
        retention_days=30,
        epoch=0,
        digest_before=bytes(32),
        continues=bytes(16),
        instance=bytes(8),
        stream_header=bytes(24),
        wraps=(),
    )


def test_every_recorder_that_says_hello_is_told_to_read_the_lease(tmp_path: Path) -> None:
    """It may have read an older one, or none: the keeper lent slots before the two met."""
    store = store_with(tmp_path / "store", 16)
    early = writer(store, b"early...")
    assert early.free_slots == 0
    keeper = Keeper(store, CONFIG, SystemClock())
    keeper.start()
    assert keeper.message(Hello(b"early...".hex(), 1)) is True
    early.reload_lease()
    assert early.free_slots == 16
    keeper.close()
    store.close()


def test_a_lease_made_longer_keeps_the_slots_of_calls_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a recorder that comes back would give their sequence numbers again and would not find what was cut off."""
    # Eight slots, and two for each line.
    monkeypatch.setattr(lending, "LEASE_HOURS", 8 * 256 / 20 / 3600 / len(CONFIG.line))
    monkeypatch.setattr(lending, "CALLS_AN_HOUR", 2.01 / lending.LEASE_HOURS)
    store = store_with(tmp_path / "store", 64)
    keeper = Keeper(store, CONFIG, SystemClock())
    keeper.start()
    assert keeper._upkeep.lending.size() == 12
    lock = FileLock(store.recorder_lock, b"running.".hex().encode())
    lock.acquire()
    running = writer(store, b"running.")
    running.open(on("L1", 1))
    running.audio(call_id(1), 0, sound(1))
    for number in range(2, 8):
        closed(running, "L2", number, at(number))
    running.open(on("L2", 8))
    running.audio(call_id(8), 0, sound(1))
    running.commit(at(9))
    assert keeper.poll() is True
    lock.release()
    again = writer(store, b"again...")
    assert [h.call_id for h in again.unfinished()] == [call_id(1), call_id(8)]
    assert again.open(on("L1", 9)) == 9
    keeper.close()
    store.close()


def test_a_call_on_the_button_that_nobody_can_open_any_more_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """Its key was in the memory of the recorder that died; whoever lists calls is not at fault, nor is their key."""
    store = store_with(tmp_path / "store", 16)
    keeper = Keeper(store, CONFIG, SystemClock())
    keeper.start()
    died = writer(store, b"died....")
    died.open(msgspec.structs.replace(on("L1", 1), key_withheld=True))
    died.audio(call_id(1), 0, sound(1))
    died.commit(at(1))
    keeper.poll()
    keeper.close()
    store.close()
    assert calls_in(tmp_path / "store") == []
    store = Store.open(tmp_path / "store", need_device=True)
    again = Keeper(store, CONFIG, SystemClock())
    again.start()
    assert again.free_slots == 16
    again.close()
    report = verify_store(store, demo_key(tmp_path / "store"))
    assert (report.ok, report.problems) == (True, [])
    store.close()
