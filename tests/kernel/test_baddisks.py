"""Bad disks under a box at work: what its lamps show, which alarms stand, and what is in the calls afterwards.

The store lies on ext4 over a device-mapper target that is exchanged under it, and both lines are in calls all the time.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shlex
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.kernel.box import Box, config_for
from tests.kernel.compare import RATE, Take, columns, find_places, misplaced, uncounted
from tests.kernel.disks import MAPPER, RamDisk, _libc, mount, run, unmount
from tests.kernel.header import Header
from tests.kernel.talk import Talk
from tests.kernel.world import NS, World, tsuwa2
from tsuwaroku.config import ServiceConfig
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.errors import ServiceError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.sockets import keeper_socket
from tsuwaroku.service.status import Status
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.scan import StoredCall, scan_slots
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=200)]

SIZE = 96 << 20
SECTOR = 512
MNT_DETACH = 2
MS_REMOUNT = 32
_FIBMAP = 1
BLINKS_S = 2.6  # a commit covers for 2 s; the panel's filter, an eye
CLOCK = {"clock_unsynchronised", "clock_never_set"}  # nobody sets the guest's
_names = (f"bad{n}" for n in itertools.count())


class Shell:
    """Runs programs for a process that plays sound: one that forks itself holds its own threads up."""

    def __init__(self) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *argv: str) -> None:
        """Raises AssertionError with what it said where it fails."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        print(f'{shlex.join(argv)} </dev/null; echo "= $?"', file=self._shell.stdin, flush=True)
        said = "".join(iter(self._until_done, ""))
        assert self._code == 0, f"{shlex.join(argv)}: {said}"

    def _until_done(self) -> str:
        assert self._shell.stdout is not None
        line = self._shell.stdout.readline()
        assert line, "the shell has died"
        if line.startswith("= "):
            self._code = int(line[2:])
            return ""
        return line

    def close(self) -> None:
        self._shell.communicate(timeout=10)


class BadDisk:
    """ext4 over a mapped device whose table is exchanged at will."""

    def __init__(self, at: Path) -> None:
        self._shell = Shell()
        self._disk = RamDisk(SIZE)
        self.at = at
        self.name = next(_names)
        self._old: list[str] = []
        self._make(self._whole)
        run("mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,nodiscard", str(MAPPER / self.name))
        self.mount()

    @property
    def _whole(self) -> str:
        return f"0 {SIZE // SECTOR} linear {self._disk.device} 0"

    def _make(self, table: str) -> None:
        self._shell.run("dmsetup", "create", self.name, "--noudevsync", "--table", table)
        self._shell.run("dmsetup", "mknodes")

    def mount(self) -> None:
        mount(MAPPER / self.name, self.at, "ext4")

    def _exchange(self, table: str, *, lock: bool = True) -> None:
        hard = [] if lock else ["--nolockfs", "--noflush"]
        self._shell.run("dmsetup", "suspend", "--noudevsync", *hard, self.name)
        self._shell.run("dmsetup", "load", self.name, "--table", table)
        self._shell.run("dmsetup", "resume", "--noudevsync", self.name)

    def stall(self) -> None:
        """Nothing comes back any more."""
        self._shell.run("dmsetup", "suspend", "--noudevsync", "--nolockfs", "--noflush", self.name)

    def go_on(self) -> None:
        self._shell.run("dmsetup", "resume", "--noudevsync", self.name)

    def spoil(self, path: Path, offset: int) -> None:
        """This block of the disk gives I/O errors from now on."""
        os.sync()
        with path.open("rb") as file:
            block = struct.unpack("i", fcntl.ioctl(file, _FIBMAP, struct.pack("i", offset // BLOCK)))[0]
        first, count, total = block * BLOCK // SECTOR, BLOCK // SECTOR, SIZE // SECTOR
        rest = first + count
        self._exchange(
            f"0 {first} linear {self._disk.device} 0\n{first} {count} error\n"
            f"{rest} {total - rest} linear {self._disk.device} {rest}"
        )

    def vanish(self) -> None:
        """The SSD is pulled: everything fails, at once."""
        self._exchange(f"0 {SIZE // SECTOR} error", lock=False)

    def come_back(self) -> None:
        """It is put back, and is another device for the kernel; somebody mounts it in the same place."""
        assert _libc.umount2(str(self.at).encode(), MNT_DETACH) == 0
        self._old.append(self.name)
        self.name = next(_names)
        self._make(self._whole)
        self.mount()

    def close(self) -> None:
        self.go_on()  # else nothing ends that waits for it
        unmount(self.at)
        for name in (*self._old, self.name):
            self._shell.run("dmsetup", "remove", "--noudevsync", "--retry", name)
        self._disk.close()
        self._shell.close()


class Office:
    """A box with both lines in calls, and its world."""

    def __init__(
        self, tmp_path: Path, disk: BadDisk, header: Header, talks: Mapping[str, Sequence[tuple[float, float]]]
    ) -> None:
        self.disk = disk
        self.header = header
        # On the disk, the socket's name could not even be looked up while that stands still.
        service = ServiceConfig(socket=str(tmp_path / "keeper.sock"))
        config = msgspec.structs.replace(config_for(*talks), service=service)
        self.box = Box(disk.at / "store", config, slots=96)
        self.wiring = {line: tsuwa2(n) for n, line in enumerate(talks, 1)}
        sources = [Talk(line, times, seed=n) for n, (line, times) in enumerate(talks.items())]
        self.written = tmp_path / "written"
        self.world = World(self.header, self.wiring, sources, written=self.written, watch=True)
        self.box.start()
        self.world.start()
        self.origin_ns = self.world.origin_ns + time.time_ns() - time.monotonic_ns()

    def until(self, at_s: float) -> None:
        """What the supervisor does meanwhile."""
        while (left_ns := self.world.origin_ns + at_s * NS - time.monotonic_ns()) > 0:
            self.box.pair.poll()
            time.sleep(min(0.2, left_ns / NS))

    def status(self) -> Status:
        with KeeperClient(keeper_socket(self.box.path, self.box.config)) as client:
            return client.status()

    def codes(self) -> set[tuple[str, str]]:
        return {(alarm.code, alarm.line) for alarm in self.status().alarms if alarm.code not in CLOCK}

    def shone(self, line: str, begin_s: float, end_s: float) -> tuple[float, float]:
        """(longest light, longest dark) of a lamp in that time, in seconds: a lit one has no dark, a blinking one
        little of both."""
        begin, end = (round(at * NS) + self.world.origin_ns for at in (begin_s, end_s))
        glances = [(g.mono_ns, line in g.lit) for g in self.world.glances]
        longest = {True: 0, False: 0}
        for lit, one in itertools.groupby(glances, key=lambda glance: glance[1]):
            since = next(one)[0]
            until = next((at for at, other in glances if at > since and other is not lit), end)
            longest[lit] = max(longest[lit], min(until, end) - max(since, begin))
        return longest[True] / NS, longest[False] / NS

    def blinks(self, line: str, begin_s: float, end_s: float) -> bool:
        light, dark = self.shone(line, begin_s, end_s)
        return 0 < light < 0.7 and 0 < dark < 0.7

    def lit(self, line: str, begin_s: float, end_s: float) -> bool:
        return self.shone(line, begin_s, end_s)[1] == 0

    def abandon(self) -> None:
        """After a failure: nothing of it may keep the disk or this process."""
        with contextlib.suppress(BaseException):
            self.box.stop()
        with contextlib.suppress(BaseException):
            self.world.stop()

    def end(self) -> list[CallRecord]:
        """A clean stop within its time; what is stored is what was played, at its place, and all of it is accounted
        for."""
        began = time.monotonic()
        self.box.stop()
        assert time.monotonic() - began < 15
        self.world.stop()
        calls = self.box.calls()
        given = columns(self.written, {line: wires.channel for line, wires in self.wiring.items()}, 2)
        take = Take(calls, self.box.runs(), given, self.origin_ns)
        assert list(uncounted(take)) == []
        assert misplaced(take, find_places(take)) == []
        report = self.box.verify()
        assert (report.ok, report.problems, [call.problems for call in report.calls]) == (True, [], [[] for _ in calls])
        return calls


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[BadDisk]:
    made = BadDisk(tmp_path / "ssd")
    yield made
    made.close()


Talks = dict[str, list[tuple[float, float]]]


@pytest.fixture
def make(tmp_path: Path, disk: BadDisk) -> Iterator[Callable[[Talks], Office]]:
    """Offices on this disk."""
    header = Header()
    made: list[Office] = []

    def one(talks: Talks) -> Office:
        made.append(Office(tmp_path, disk, header, talks))
        return made[-1]

    yield one
    disk.go_on()
    for office in made:
        office.abandon()
    header.close()


def seconds(call: CallRecord) -> float:
    return call.audio.samples / RATE


def test_a_slow_disk_a_full_one_and_a_bad_block(make: Callable[[Talks], Office], disk: BadDisk) -> None:
    """A sync of 5 s; no room for anything but the ring; a block in the slot of a call: no sample is lost."""
    office = make({"1": [(2.0, 75.0)], "2": [(3.0, 75.0)]})
    office.until(9.5)
    assert office.codes() == set()
    disk.stall()
    office.until(14.0)
    assert office.codes() >= {("storage_stalled", ""), ("not_recorded", "1"), ("not_recorded", "2")}
    office.until(14.5)
    disk.go_on()
    office.until(19.0)
    assert office.codes() == set()
    for line in ("1", "2"):
        assert office.lit(line, 5.0, 10.0)
        assert office.blinks(line, 10.0 + BLINKS_S, 14.4)
        assert office.lit(line, 16.5, 19.0)

    filler = disk.at / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass
    os.sync()
    office.until(26.0)
    full = office.codes()
    office.until(30.0)
    filler.unlink()
    office.until(36.0)
    assert office.codes() == set()
    for line in ("1", "2"):
        assert office.lit(line, 20.0, 35.0)
    assert full <= {("records_failed", "")}

    (call,) = [call for call in _in_ring(office.box.path) if call.headers[0].line == "1"]
    bad, end = call.headers[-1].slot, call.extents[-1]
    disk.spoil(office.box.path / "ring" / "ring-00000.dat", bad * SLOT_SIZE + end.offset + end.header.disk_size + BLOCK)
    office.until(60.0)
    assert office.codes() == {("slots_set_aside", "")}
    assert office.lit("2", 37.0, 60.0)
    office.until(80.0)
    free = office.status().ring.free
    calls = office.end()
    assert [(call.line, call.audio.gaps, call.integrity.value) for call in calls] == [
        ("1", [], "sealed"),
        ("2", [], "sealed"),
    ]
    assert [abs(seconds(call) - 75.0) < 3 for call in calls] == [True, True]
    store = Store.open(office.box.path)
    aside = [r.public["slot"] for r in Journal.open(store.journal_dir, "recorder", store).records() if r.type == 15]
    used = sum(len(call.headers) for call in scan_slots(store))
    store.close()
    assert (JournalType.SET_ASIDE, aside) == (15, [bad])
    assert free == 96 - used - 1


def _in_ring(path: Path) -> list[StoredCall]:
    store = Store.open(path)
    try:
        return scan_slots(store)
    finally:
        store.close()


def test_an_ssd_that_vanishes_and_comes_back(make: Callable[[Talks], Office], disk: BadDisk) -> None:
    """12 s without it: everything waits in memory; then it is another device, mounted in the same place."""
    office = make({"1": [(2.0, 60.0)], "2": [(3.0, 26.0)]})
    office.until(9.5)
    disk.vanish()
    office.until(21.5)
    disk.come_back()
    office.until(30.0)
    for line in ("1", "2"):
        assert office.blinks(line, 10.0 + BLINKS_S, 21.0)
        assert office.lit(line, 23.5, 26.0)
    office.until(45.0)
    assert office.codes() == set()
    assert office.lit("1", 23.5, 45.0)
    for role in ("keeper", "recorder"):  # and on the disk that is there now, they have the store
        assert FileLock.held(office.box.path / f"{role}.lock") is not None
    assert office.box.pair.restarts == 1
    office.until(65.0)
    calls = office.end()
    assert [(call.line, call.audio.gaps, call.integrity.value) for call in calls] == [
        ("1", [], "sealed"),
        ("2", [], "sealed"),
    ]


def test_a_disk_that_hangs_longer_than_memory_holds_costs_a_gap_with_its_place(
    make: Callable[[Talks], Office], disk: BadDisk
) -> None:
    """90 s: a minute of every line waits; the rest is a gap that says so, and everything lies where it belongs."""
    office = make({"1": [(2.0, 120.0)], "2": [(3.0, 120.0)]})
    office.until(9.5)
    disk.stall()
    office.until(89.0)
    with contextlib.suppress(ServiceError):  # the keeper waits for the disk, too, and may not answer
        assert office.codes() >= {("storage_stalled", ""), ("backlog", "1"), ("backlog", "2")}
    office.until(99.5)
    disk.go_on()
    office.until(102.0)
    assert office.codes() >= {("backlog", "1"), ("backlog", "2")}
    office.until(125.0)
    calls = office.end()
    assert office.blinks("1", 10.0 + BLINKS_S, 99.0)
    assert [[gap.reason for gap in call.audio.gaps] for call in calls] == [["backlog"], ["backlog"]]
    for call in calls:
        (gap,) = call.audio.gaps
        assert 25 < gap.samples / RATE < 33
        assert abs(seconds(call) - 120.0) < 3


def test_a_disk_that_becomes_read_only_and_is_mounted_for_writing_again(
    make: Callable[[Talks], Office], disk: BadDisk
) -> None:
    """As after an error of the file system, and the technician's `mount -o remount,rw`: no sample is lost."""
    office = make({"1": [(2.0, 45.0)], "2": [(3.0, 16.0)]})
    office.until(9.5)
    Path("/proc/sysrq-trigger").write_text("u")  # every file system on a device, at once
    office.until(14.0)
    assert office.codes() >= {("storage_failed", ""), ("not_recorded", "1"), ("not_recorded", "2")}
    office.until(21.5)  # line 2 has hung up meanwhile
    mount(MAPPER / disk.name, disk.at, "ext4", flags=MS_REMOUNT)
    office.until(30.0)
    for line in ("1", "2"):
        assert office.blinks(line, 10.0 + BLINKS_S, 18.0)
    assert office.lit("1", 23.5, 30.0)
    office.until(40.0)
    assert office.codes() == set()
    office.until(50.0)
    calls = office.end()
    assert [(call.line, call.audio.gaps, call.integrity.value) for call in calls] == [
        ("1", [], "sealed"),
        ("2", [], "sealed"),
    ]
    assert office.box.pair.restarts == 0
