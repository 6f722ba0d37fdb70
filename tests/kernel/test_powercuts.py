"""The power fails at any moment of a recorder's day: everything promised by then is on the disk.

The store lies on ext4 over a disk whose every write is logged (`blocklog`). One day is recorded, with every promise
marked in the log (`promises`); then the disk is made again as a cut would have left it, after each promise and at
hundreds of other places, mounted, and judged. A day takes a second here, a cut 0.07.
"""

from __future__ import annotations

import os
import random
import sys
import wave
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.crash.judging import remember_signatures
from tests.kernel.blocklog import BlockLog, Replay
from tests.kernel.disks import LoggedDisk, RamDisk, mounted
from tests.kernel.promises import AGAIN, CONFIG, LOSS_S, RATE, Judge, Promise, Promises, record_day
from tests.service.support import calls_in, demo_key
from tsuwaroku.clock import VirtualClock
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.service import simulate as simulation
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.store import durable, journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.ring import RingFiles
from tsuwaroku.store.verify import verify_store

pytestmark = [pytest.mark.slow]

KIND = "ext4"
SIZE = 24 << 20
SLOTS = 16
CUTS = int(os.environ.get("CUTS", "560"))
# Line 1 has a call marked after its end, a long one that is marked, and one nobody answers; lines 2 and 3 record on the
# button, with calls that are kept and calls that are not.
SCRIPT = """
[[raw]]
line = "1"
audio = "sound.wav"
contacts = [[1.0, "hook", "off"], [8.0, "hook", "on"], [12.0, "hook", "off"], [46.0, "hook", "on"],
            [48.0, "ring", "on"], [49.0, "ring", "off"]]
press = [3.6, 9.9, 30.0]
[[raw]]
line = "2"
audio = "sound.wav"
contacts = [[3.0, "hook", "off"], [7.5, "hook", "on"], [36.0, "hook", "off"], [42.0, "hook", "on"]]
press = [4.9]
[[raw]]
line = "3"
audio = "sound.wav"
contacts = [[0.7, "hook", "off"], [2.6, "hook", "on"], [20.0, "hook", "off"], [26.0, "hook", "on"]]
press = [23.0]
"""
OFF_HOOK = {"1": [(1.0, 8.0), (12.0, 46.0)]}
NEXT = """
[[raw]]
line = "1"
audio = "sound.wav"
contacts = [[1.0, "hook", "off"], [4.0, "hook", "on"]]
"""


@dataclass
class Day:
    """A day on a logged disk. `places`: where in the log each promise stands."""

    script: Path
    disk: LoggedDisk
    log: BlockLog
    promises: list[Promise]
    places: list[int]

    def given(self, place: int) -> list[Promise]:
        """What had been promised when the power went at `place`."""
        return [promise for promise, at in zip(self.promises, self.places, strict=True) if at < place]

    def place_of(self, kind: str) -> int:
        return next(at for promise, at in zip(self.promises, self.places, strict=True) if promise.kind == kind)

    def cuts(self, number: int, rng: random.Random, first: int) -> list[int]:
        """Places to cut at: right after every promise, and others by chance."""
        promised = [
            at + 1 for p, at in zip(self.promises, self.places, strict=True) if p.kind != "tick" and at >= first
        ]
        others = sorted(set(range(first, len(self.log.entries) + 1)) - set(promised))
        return sorted([*promised, *rng.sample(others, max(0, number - len(promised)))])

    def close(self) -> None:
        self.log.close()
        self.disk.close()


def write_scripts(folder: Path) -> tuple[Path, Path]:
    """The day's script, and that of the day after."""
    sound = np.random.default_rng(5).normal(0, 400, 50 * RATE).astype("<i2").tobytes()
    with wave.open(str(folder / "sound.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound)
    for name, text in (("day.toml", SCRIPT), ("next.toml", NEXT)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "day.toml", folder / "next.toml"


def have_day(folder: Path, options: str = "", mutate: Callable[[pytest.MonkeyPatch], None] | None = None) -> Day:
    """Records the script, on a file system mounted with `options`, by a product that `mutate` has been at."""
    script, _ = write_scripts(folder)
    disk = LoggedDisk(KIND, SIZE, options)
    with disk, pytest.MonkeyPatch.context() as patch:
        promises = Promises(disk.mark)
        record_day(disk.at / "store", script, SLOTS, promises, patch, mutate)
    log = BlockLog(disk.log)
    places = [n for n, entry in enumerate(log.entries) if entry.mark is not None and entry.mark.isdigit()]
    return Day(script, disk, log, promises.all, places)


@pytest.fixture
def cut_disk() -> Iterator[RamDisk]:
    disk = RamDisk(SIZE)
    yield disk
    disk.close()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    recorded = have_day(tmp_path_factory.mktemp("day"))
    yield recorded
    recorded.close()


def faults_of(
    day: Day,
    places: Sequence[int],
    rng: random.Random,
    disk: RamDisk,
    judge: Judge,
    again: Callable[[Path], None] | None = None,
) -> Iterator[tuple[int, list[str]]]:
    """(place, what is wrong there) for each place where something is. `again` is done to a store now and then."""
    replay = Replay(day.log, SIZE)
    for number, place in enumerate(places):
        replay.cut(place, rng, disk.octets)
        with mounted(disk, KIND) as at, pytest.MonkeyPatch.context() as patch:
            remember_signatures(patch)
            found = judge.faults(at / "store", day.given(place))
            if again is not None and number % 40 == 20:
                again(at / "store")
        if found:
            yield place, found


@pytest.mark.kernel(limit_s=300)
def test_whatever_was_promised_before_a_cut_is_there_after_it(day: Day, cut_disk: RamDisk) -> None:
    """And at most the last 1.5 s of a call in progress are not, and the next recorder goes on with what there is."""
    kinds = Counter(promise.kind for promise in day.promises)
    assert kinds["made"] == 1
    assert (kinds["closed"], kinds["catalogue"]) == (5, 5)
    assert (kinds["lease"] >= 2, kinds["journal"] >= 5, kinds["audit"] >= 10, kinds["committed"] >= 60) == (True,) * 4
    rng = random.Random(1)
    judge = Judge(OFF_HOOK, day.promises)
    places = day.cuts(CUTS, rng, day.place_of("made"))
    assert len(places) == CUTS
    following = day.script.with_name("next.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "slots_needed", lambda *_: 1)  # it reckons with hours of sound
        found = list(faults_of(day, places, rng, cut_disk, judge, lambda store: record_again(store, following)))
    print(f"{len(places)} cuts of {len(day.log.entries)} places; at most {judge.worst_s:.3f} s of a call missing")
    assert found == []
    assert 0.5 < judge.worst_s <= LOSS_S


def record_again(store: Path, script: Path) -> None:
    """The next recorder: its call is there too, and everything is sound."""
    before = {call.id for call in calls_in(store)}
    simulation.simulate(script, store, fast=True, config=CONFIG, start_wall_ns=AGAIN + 3600 * 10**9)
    calls = calls_in(store)
    assert len({call.id for call in calls} - before) == 1
    assert len({call.sequence for call in calls}) == len(calls)
    opened = Store.open(store)
    report = verify_store(opened, demo_key(store))
    opened.close()
    assert (report.ok, report.problems) == (True, [])


@pytest.mark.nightly
@pytest.mark.kernel(limit_s=1800)
@pytest.mark.parametrize("options", ["", "noauto_da_alloc", "data=writeback", "data=journal"])
def test_at_every_place_and_however_the_disk_is_mounted(tmp_path: Path, cut_disk: RamDisk, options: str) -> None:
    """None of what ext4 does beyond its duty for programs that sync too little is relied on."""
    recorded = have_day(tmp_path, options)
    rng = random.Random(options)
    judge = Judge(OFF_HOOK, recorded.promises)
    places = list(range(recorded.place_of("made") + 1, len(recorded.log.entries) + 1))
    found = list(faults_of(recorded, places, rng, cut_disk, judge))
    print(f"{len(places)} cuts; at most {judge.worst_s:.3f} s of a call missing")
    recorded.close()
    assert found == []


@pytest.mark.kernel(limit_s=300)
@pytest.mark.parametrize(
    ("firsts", "seconds"), [(2, 30), pytest.param(12, 60, marks=pytest.mark.nightly)], ids=["a few", "many"]
)
def test_a_second_cut_while_the_first_is_being_mended_costs_no_more(
    day: Day, cut_disk: RamDisk, firsts: int, seconds: int
) -> None:
    """The file system's own recovery is cut, and the keeper's: what both promised holds after the next start."""
    rng = random.Random(firsts)
    replay = Replay(day.log, SIZE)
    committed = [at + 1 for p, at in zip(day.promises, day.places, strict=True) if p.kind == "committed"]
    found: list[tuple[int, int, list[str]]] = []
    cuts = 0
    for first in sorted(rng.sample(committed, firsts)):
        replay.cut(first, rng, cut_disk.octets)
        content = bytes(cut_disk.octets)
        mending = LoggedDisk(KIND, SIZE, content=content)
        with mending, pytest.MonkeyPatch.context() as patch:
            promises = Promises(mending.mark)
            promises.listen(patch)
            look_in(mending.at / "store", AGAIN - 1800 * 10**9)
        log = BlockLog(mending.log)
        again = Replay(log, SIZE, content=content)
        assert any(promise.kind == "audit" for promise in promises.all)
        judge = Judge(OFF_HOOK, [*day.given(first), *promises.all])
        for second in sorted(rng.choices(range(len(log.entries) + 1), k=seconds)):
            again.cut(second, rng, cut_disk.octets)
            marks = [e.mark for e in log.entries[:second] if e.mark is not None and e.mark.isdigit()]
            with mounted(cut_disk, KIND) as at, pytest.MonkeyPatch.context() as patch:
                remember_signatures(patch)
                faults = judge.faults(at / "store", [*day.given(first), *promises.all[: len(marks)]])
            cuts += 1
            found += [(first, second, faults)] if faults else []
        log.close()
        mending.close()
    print(f"{cuts} second cuts after {firsts} first ones")
    assert found == []


def look_in(path: Path, now_ns: int) -> None:
    """What a keeper does when the power is back."""
    store = Store.open(path, need_device=True)
    keeper = Keeper(store, CONFIG, VirtualClock(now_ns))
    keeper.start()
    keeper.close()
    store.close()


@pytest.mark.kernel(limit_s=150)
def test_a_store_whose_making_was_cut_off_is_none_and_can_be_made(day: Day, cut_disk: RamDisk) -> None:
    rng = random.Random(2)
    replay = Replay(day.log, SIZE)
    made = day.place_of("made")
    first = next(n for n, entry in enumerate(day.log.entries) if entry.mark == "mounted")
    seen: Counter[str] = Counter()
    for place in sorted(rng.sample(range(first, made), min(40, made - first))):
        replay.cut(place, rng, cut_disk.octets)
        with mounted(cut_disk, KIND) as at:
            path = at / "store"
            if (path / "store.json").exists():
                seen["whole"] += 1
            else:
                with pytest.raises(TsuwarokuError) as refused:
                    Store.open(path, need_device=True)
                assert refused.value.remedy
                seen["none"] += 1
                create_demo_store(path, CONFIG, SLOTS)
            store = Store.open(path, need_device=True)
            assert (verify_store(store).problems, verify_store(store).slots) == ([], SLOTS)
            store.close()
    assert seen["none"] > 0


def no_sync_in_ring(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RingFiles, "sync", lambda self: self._touched.clear())


def replaced_unsynced(path: Path, data: bytes, mode: int = 0o600) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.rename(path)
    durable.sync_directory(path.parent)


def no_sync_before_rename(patch: pytest.MonkeyPatch) -> None:
    """Wherever the product replaces a file."""
    real = durable.replace_file
    for module in [module for name, module in sys.modules.items() if name.startswith("tsuwaroku.")]:
        if vars(module).get("replace_file") is real:
            patch.setattr(module, "replace_file", replaced_unsynced)


def no_sync_of_directories(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(durable, "sync_directory", lambda path: None)


def no_sync_in_journal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(journal, "durable", SimpleNamespace(**{**vars(durable), "sync_data": lambda fd: None}))


MUTANTS = [no_sync_in_ring, no_sync_before_rename, no_sync_of_directories, no_sync_in_journal]


@pytest.mark.kernel(limit_s=150)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_an_unsafe_writer_is_found_out(
    tmp_path: Path, cut_disk: RamDisk, mutant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    unsafe = have_day(tmp_path, mutate=mutant)
    try:
        rng = random.Random(3)
        places = unsafe.cuts(0, rng, unsafe.place_of("made"))
        place, found = next(faults_of(unsafe, places, rng, cut_disk, Judge(OFF_HOOK, unsafe.promises)), (0, []))
        print(f"{places.index(place) + 1 if place else 'all'} cuts, then: {found[:1]}")
        assert found != []
    finally:
        unsafe.close()
