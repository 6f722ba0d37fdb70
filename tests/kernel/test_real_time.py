"""How fast the whole product answers in real time, on the kernel's devices. For information: it judges no number.

The guest is pinned to one of the host's processors, as every guest is (`guest.py`), and shares it with whatever else
runs there: medians say something of the product, maxima mostly of the host. Every event must be answered all the same.
"""

from __future__ import annotations

import fcntl
import os
import random
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.box import Box, config_for
from tests.kernel.disks import RamDisk, mount, run, unmount
from tests.kernel.header import Header
from tests.kernel.world import NS, Wiring, pin_of, tsuwa2
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.ring import ring_name
from tsuwaroku.store.slot import SLOT_SIZE

pytestmark = [pytest.mark.slow, pytest.mark.kernel(machine="real time", limit_s=200)]

Answers = tuple[float | None, float | None, float | None]
LASTS_S = 60.0
START_S = 30.0
CALL_S = 5.0  # from one off-hook to the next, and a random part more: a commit comes once a second
PRESS_S = 1.5
HANG_UP_S = 2.0
ANSWER_S = 5.0
LOOK_S = 0.001
SLOTS = 48
HEAD = 512  # octets of a slot; its header says whose call it holds
_FIBMAP = 1
_FIGETBSZ = 2


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[RamDisk, Path]]:
    """A disk with ext4, and where it is mounted."""
    disk = RamDisk(64 << 20)
    run("mkfs.ext4", "-q", str(disk.device))
    mount(disk.device, tmp_path / "ssd", "ext4")
    yield disk, tmp_path / "ssd"
    unmount(tmp_path / "ssd")
    disk.close()


class Slots:
    """Looks at the disk below the file system for calls that begin: what is there outlives a power cut."""

    def __init__(self, disk: RamDisk, store: Path) -> None:
        self._disk = disk
        opened = Store.open(store)
        path = opened.ring.path / ring_name(0)
        opened.close()
        os.sync()
        with path.open("rb") as file:
            (block,) = struct.unpack("i", fcntl.ioctl(file, _FIGETBSZ, struct.pack("i", 0)))
            self._places = [
                block * struct.unpack("i", fcntl.ioctl(file, _FIBMAP, struct.pack("i", slot * SLOT_SIZE // block)))[0]
                for slot in range(SLOTS)
            ]
        self._known = self._heads()

    def _heads(self) -> list[bytes]:
        return [bytes(self._disk.octets[place : place + HEAD]) for place in self._places]

    def changed(self) -> bool:
        """Whether a slot has another header than at the last call of this."""
        before, self._known = self._known, self._heads()
        return before != self._known


class Hands:
    """Pulls the contacts of one line, and waits for what comes of it."""

    def __init__(self, header: Header, wires: Wiring) -> None:
        self._header = header
        self._wires = wires
        for wire in (wires.hook, wires.ring, wires.button):
            self.put(wire, False)

    def put(self, wire: str, active: bool) -> int:
        """Returns when (monotonic ns)."""
        number, high = pin_of(wire)
        at_ns = time.monotonic_ns()
        self._header.drive(number, active == high)
        return at_ns

    def lit(self) -> bool:
        number, high = pin_of(self._wires.lamp)
        return self._header.level(number) == high

    def call(self, slots: Slots) -> Answers:
        """One call; ms from off-hook to the lamp and to the disk, and from the press to the wink. None: no answer."""
        edge_ns = self.put(self._wires.hook, True)
        lamp, stored = _wait({"lamp": self.lit, "disk": slots.changed}, edge_ns).values()
        _until(edge_ns, PRESS_S)
        press_ns = self.put(self._wires.button, True)
        (wink,) = _wait({"wink": lambda: not self.lit()}, press_ns).values()
        self.put(self._wires.button, False)
        _until(edge_ns, HANG_UP_S)
        self.put(self._wires.hook, False)
        return lamp, stored, wink


def _wait(answers: dict[str, Callable[[], bool]], since_ns: int) -> dict[str, float | None]:
    """Milliseconds until each has come true."""
    found: dict[str, float | None] = dict.fromkeys(answers)
    while None in found.values() and time.monotonic_ns() - since_ns < ANSWER_S * NS:
        for name in [name for name, at in found.items() if at is None]:
            if answers[name]():
                found[name] = (time.monotonic_ns() - since_ns) / 1e6
        time.sleep(LOOK_S)
    return found


def _until(since_ns: int, seconds: float) -> None:
    time.sleep(max(0.0, seconds - (time.monotonic_ns() - since_ns) / NS))


def test_latencies_of_the_whole_product(
    disk: tuple[RamDisk, Path], record_property: Callable[[str, object], None]
) -> None:
    store = disk[1] / "store"
    box = Box(store, config_for("1"), slots=SLOTS)
    hands = Hands(Header(), tsuwa2(1))
    box.start()
    try:
        rows = measured(hands, disk[0], store)
    finally:
        box.stop()
    calls = box.calls()
    overruns = [gap for call in calls for gap in call.audio.gaps]
    text = table(dict(zip(("edge to lamp", "edge to disk", "button to wink"), zip(*rows, strict=True), strict=True)))
    text += f"\nlost stretches of sound: {len(overruns)}, {sum(gap.samples for gap in overruns)} samples"
    print(text)
    record_property("measured", text)
    assert [row for row in rows if None in row] == []
    assert [len(call.marks) for call in calls] == [1] * len(rows)


def measured(hands: Hands, disk: RamDisk, store: Path) -> list[Answers]:
    """A minute of calls."""
    began_ns = time.monotonic_ns()
    opened = Store.open(store)
    opened.close()
    while (
        len(Lease.load(opened.lease_path, opened.store_id).slots) < LASTS_S / CALL_S
    ):  # the keeper takes its time to start
        assert time.monotonic_ns() - began_ns < START_S * NS
        time.sleep(0.1)
    slots = Slots(disk, store)
    rng = random.Random(7)
    rows: list[Answers] = []
    began_ns = time.monotonic_ns()
    while time.monotonic_ns() - began_ns < LASTS_S * NS:
        turn_ns = time.monotonic_ns()
        rows.append(hands.call(slots))
        _until(turn_ns, CALL_S + rng.random())
    return rows


def table(columns: dict[str, tuple[float | None, ...]]) -> str:
    """For people: how many, median, 95th percentile and the most, in ms."""
    lines = [f"{'real time, ms':16} {'n':>4} {'median':>8} {'p95':>8} {'max':>8}"]
    for name, values in columns.items():
        known = sorted(value for value in values if value is not None)
        if known:
            middle, most = known[len(known) // 2], known[min(len(known) - 1, round(0.95 * len(known)))]
            lines.append(f"{name:16} {len(known):4} {middle:8.1f} {most:8.1f} {known[-1]:8.1f}")
    return "\n".join(lines)
