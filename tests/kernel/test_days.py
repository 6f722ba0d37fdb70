"""The whole product at work: every call, every sample, the lamps against the disk, and nothing that grows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.kernel.box import Box, config_for
from tests.kernel.disks import RamDisk, mounted, run
from tests.kernel.header import Header
from tests.kernel.office import DAY_S, Office
from tests.kernel.shift import Shift
from tests.kernel.watching import COVERS_NS, EYE_NS, lamp_lies
from tests.kernel.world import Glance, World, tsuwa2
from tsuwaroku.clock import NS
from tsuwaroku.exchange.timeline import CallPlan, timeline
from tsuwaroku.store.layout import Store
from tsuwaroku.store.scan import StoredCall, scan_slots

pytestmark = [pytest.mark.slow]

LINES = ("1", "2")


def blinks(glances: Sequence[Glance], line: str, begin_ns: int, end_ns: int) -> bool:
    """Whether the lamp changes at 4 Hz: every 125 ms, seen every 20 (hal/lamps.py)."""
    changes = [a.mono_ns for a, b in pairwise(glances) if (line in a.lit) != (line in b.lit)]
    own = [begin_ns, *(at for at in changes if begin_ns <= at <= end_ns), end_ns]
    return all(b - a <= 200_000_000 for a, b in pairwise(own))


@pytest.mark.kernel(machine="one card", limit_s=120)
def test_a_disk_that_stands_still_shows_within_two_seconds(tmp_path: Path) -> None:
    """In mid-call the disk takes nothing for ten seconds, and then it does."""
    disk = RamDisk(96 << 20)
    run("mkfs.ext4", "-q", str(disk.device))
    with mounted(disk, "ext4") as at:
        header = Header()
        box = Box(at / "store", config_for("1"), slots=64)
        plan = CallPlan("1", 5 * NS, "inbound", 1, 40 * NS, seed=5)
        office = Office(("1",), 0.0, seed=0, calls=[timeline(plan)])
        world = World(header, {"1": tsuwa2(1)}, office.sources(), watch=True)
        box.start()
        world.start()
        world.wait_until(20.0)
        run("fsfreeze", "--freeze", str(at))
        world.wait_until(30.0)
        run("fsfreeze", "--unfreeze", str(at))
        world.wait_until(60.0)
        box.stop()
        world.stop()
        header.close()
        (call,) = box.calls()
        (stored,) = stored_calls(box)
        report = box.verify()
    disk.close()
    commits = [extent.header.mono_ns for extent in stored.extents]
    last_ns = max(at for at in commits if at <= world.origin_ns + 20 * NS)
    until_ns = world.origin_ns + 30 * NS
    assert blinks(world.glances, "1", last_ns + COVERS_NS + EYE_NS, until_ns)
    assert not blinks(world.glances, "1", last_ns, last_ns + COVERS_NS - EYE_NS)
    after = [g for g in world.glances if until_ns + 2 * NS <= g.mono_ns < world.origin_ns + 44 * NS]
    assert all("1" in glance.lit for glance in after)
    assert (report.ok, report.problems, call.audio.gaps, call.integrity.value) == (True, [], [], "sealed")
    assert [
        lie for lie in lamp_lies("1", office.calls, [commits], world.glances, world.origin_ns) if "commit" in lie
    ] == []


def stored_calls(box: Box) -> list[StoredCall]:
    store = Store.open(box.path)
    try:
        return scan_slots(store)
    finally:
        store.close()


def wakings(pid: int) -> dict[str, int]:
    """How often each thread of a process has gone to sleep and come back."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        told = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
        found[task.name] = int(told["voluntary_ctxt_switches"])
    return found


@pytest.mark.kernel(machine="one card", limit_s=60)
def test_an_idle_box_wakes_once_for_each_period_of_sound(tmp_path: Path) -> None:
    """The recorder's loop and the card's reader, 50 times a second each, and the pin library's two threads."""
    header = Header()
    box = Box(tmp_path / "store", config_for("1", "2"), slots=16)
    wiring = {line: tsuwa2(n) for n, line in enumerate(LINES, 1)}
    world = World(header, wiring, Office(LINES, 0.0, seed=0).sources())
    box.start()
    world.start()
    world.wait_until(10.0)
    pid = box.pair.pid("recorder")
    assert pid is not None
    before = wakings(pid)
    world.wait_until(20.0)
    after = wakings(pid)
    box.stop()
    world.stop()
    header.close()
    counts = sorted((after[task] - before[task] for task in after), reverse=True)
    assert [count for count in counts if count > 520] == []
    assert sum(count > 20 for count in counts) == 4


def work(folder: Path, seconds: float, slots: int) -> None:
    """An office for so long, and not a word of complaint."""
    shift = Shift.begin(folder, Office(LINES, min(seconds, DAY_S), seed=1), slots)
    shift.look_on(seconds)
    shift.box.stop()
    shift.end()
    for role, sizes in shift.sizes.items():
        print(role, "KB", [size.memory // 1024 for size in sizes], "descriptors", sizes[-1].descriptors)
    print("octets beside the ring", shift.beside, "samples compared", shift.listener.samples)
    report = shift.box.verify()
    assert (report.ok, report.problems) == (True, [])
    assert shift.complaints() == []


@pytest.mark.kernel(machine="one card", limit_s=600)
def test_an_hour_of_the_office(tmp_path: Path) -> None:
    work(tmp_path, 3600.0, 200)


@pytest.mark.nightly
@pytest.mark.kernel(machine="roomy", limit_s=4 * 3600)
def test_a_day_and_a_night(tmp_path: Path) -> None:
    """24 hours without a pause, the office open for the first of them."""
    work(tmp_path, 24 * 3600.0, 2200)
