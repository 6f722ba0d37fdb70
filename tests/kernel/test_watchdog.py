"""The machine restarts when capture stands still, and only then; the next boot records."""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.kernel.box import Box, config_for
from tests.kernel.guest import PYTHON, SHARE, Ended, Guest, Machine
from tests.kernel.header import Header
from tests.kernel.plugin import need_kernel
from tests.kernel.talk import Talk
from tests.kernel.world import RATE, World, tsuwa2
from tests.service.support import calls_in, demo_key
from tsuwaroku.clock import NS
from tsuwaroku.config import Config, ServiceConfig
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.records.call import Integrity
from tsuwaroku.service.sockets import keeper_socket
from tsuwaroku.service.vitals import LOOP_NS, SOUND_NS
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.verify import verify_store

START_NS = 1_790_000_000 * NS
TIMEOUT_S = 15.0
LIMIT_S = 400.0  # real seconds; a run takes 10 on a processor of its own, 40 were seen on a busy one
# Trouble -> from when on nobody pets, in seconds after it.
WITHHELD = {"stopped": 0.0, "loop stopped": LOOP_NS / NS, "card gone": SOUND_NS / NS}


def ending(nowayout: bool) -> list[str]:
    """What `stalls` logs from the second boot on: without a way out a clean stop is a restart, too."""
    return ["2 stopped cleanly", "3 restarted after the clean stop" if nowayout else "2 a minute later"]


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 20)
@pytest.mark.parametrize(
    ("trouble", "nowayout"),
    [
        ("stopped", False),
        ("card gone", True),
        pytest.param("loop stopped", True, marks=pytest.mark.nightly),
        pytest.param("card gone", False, marks=pytest.mark.nightly),
    ],
)
def test_a_machine_that_cannot_record_restarts_and_goes_on_with_the_call(
    tmp_path: Path, trouble: str, nowayout: bool
) -> None:
    machine = Machine(start_ns=START_NS, options=(f"softdog.nowayout={int(nowayout)}",))
    ended = Guest(need_kernel(), machine, tmp_path).run([str(PYTHON), "-m", "tests.kernel.stalls", trouble], LIMIT_S)
    steps = [line.split(" ", 2) for line in (tmp_path / "log").read_text().splitlines()]
    assert [f"{boot} {step}" for boot, _, step in steps] == [f"1 {trouble}", *ending(nowayout)], ended.say()
    bite_s = bites(ended)[0] - float(steps[0][1])
    # A pat is at most 1 s old when the trouble comes, and a look at most 1 s late.
    assert TIMEOUT_S - 1.1 <= bite_s - WITHHELD[trouble] <= TIMEOUT_S + 2.1
    assert ("nowayout" in ended.console) == nowayout
    check(tmp_path / "store")


def bites(ended: Ended) -> list[float]:
    """When the watchdog restarted the machine, in seconds of each boot."""
    return [float(at) for at in re.findall(r"\[ *([\d.]+)\] softdog: Initiating system reboot", ended.console)]


def check(path: Path) -> None:
    """The call that was cut off, whole to its last commit, and its continuation from the first sample of the card."""
    calls = calls_in(path)
    assert [(call.integrity, call.ended_by, call.continues) for call in calls] == [
        (Integrity.RECOVERED, "power", None),
        (Integrity.SEALED, "hook", calls[0].id),
    ]
    store = Store.open(path)
    assert verify_store(store, demo_key(path)).problems == []
    first, second = [
        b"".join(pcm for _, pcm in CallReader(stored, store, demo_key(path)).pcm()) for stored in scan_slots(store)
    ]
    store.close()
    assert len(first) / 2 / RATE >= 7.0
    assert position(first, 1) < 0.02 * RATE  # the pre-roll of 2 s reaches back to the beginning
    assert len(second) / 2 / RATE >= 8.0
    position(second, 2)


def position(pcm: bytes, seed: int) -> int:
    """Where in the noise of a Talk these very samples are. Raises ValueError where they are not in it."""
    talk = Talk("1", (), seed=seed)
    noise = b"".join(talk.read(second * RATE, RATE) for second in range(60))
    trimmed = np.trim_zeros(np.frombuffer(pcm, dtype="<i2")).astype("<i2").tobytes()  # before and after the world
    return noise.index(trimmed) // 2


# -- what is no reason to restart; inside the test kernel, which would begin the whole module anew


@pytest.fixture
def header() -> Iterator[Header]:
    header = Header()
    yield header
    header.close()


def guarded(*lines: str, watchdog: str = "/dev/watchdog0", **board: str) -> Config:
    """A tsuwa2 board with the machine's watchdog."""
    return msgspec.structs.replace(config_for(*lines, **board), service=ServiceConfig(watchdog=watchdog))


def boots() -> int:
    """How often this guest has started."""
    return int((SHARE / "boots").read_text())


def armed() -> bool:
    """Whether somebody has the device open."""
    try:
        fd = os.open("/dev/watchdog0", os.O_WRONLY)
    except OSError as error:
        return error.errno == errno.EBUSY
    os.write(fd, b"V")
    os.close(fd)
    return False


def send(box: Box, role: str, number: signal.Signals) -> None:
    """A signal to one of the two processes."""
    pid = box.pair.pid(role)
    assert pid is not None
    os.kill(pid, number)


def poll_until(box: Box, world: World, at_s: float) -> None:
    """What the supervisor does, until stream time `at_s`."""
    while time.monotonic_ns() < world.origin_ns + at_s * NS:
        box.pair.poll()
        time.sleep(0.2)


def codes(box: Box) -> set[str]:
    """The alarms that stand."""
    with KeeperClient(keeper_socket(box.path, box.config)) as client:
        return {alarm.code for alarm in client.status().alarms} - {"clock_unsynchronised", "clock_never_set"}


@pytest.mark.slow
@pytest.mark.kernel(limit_s=100)
def test_troubles_that_pass_restart_nothing(tmp_path: Path, header: Header) -> None:
    """A recorder killed in mid-call, one that stands still for 8 s, a card pulled for 18 s, a keeper killed."""
    assert boots() == 1
    box = Box(tmp_path / "store", guarded("1"))
    world = World(header, {"1": tsuwa2(1)}, [Talk("1", [(3.0, 19.0), (44.0, 48.0)])])
    box.start()
    world.start()
    world.wait_until(6.0)
    assert armed()
    send(box, "recorder", signal.SIGKILL)
    poll_until(box, world, 10.0)
    assert armed()
    send(box, "recorder", signal.SIGSTOP)
    poll_until(box, world, 18.0)
    send(box, "recorder", signal.SIGCONT)
    poll_until(box, world, 22.0)
    world.unplug()
    poll_until(box, world, 40.0)
    world.plug()
    send(box, "keeper", signal.SIGKILL)
    poll_until(box, world, 52.0)
    assert codes(box) == {"audio_lost"}
    restarts = box.pair.restarts
    box.stop()
    world.stop()
    assert not armed()
    assert restarts == 2
    calls = box.calls()
    assert [(call.integrity, call.continues) for call in calls] == [
        (Integrity.RECOVERED, None),
        (Integrity.SEALED, calls[0].id),
        (Integrity.SEALED, None),
    ]
    assert box.verify().problems == []
    time.sleep(60.0)
    assert boots() == 1


@pytest.mark.slow
@pytest.mark.kernel(limit_s=100)
@pytest.mark.usefixtures("header")
def test_a_card_that_never_worked_restarts_nothing(tmp_path: Path) -> None:
    assert boots() == 1
    box = Box(tmp_path / "store", guarded("1", capture="absent"))
    box.pair.start()
    for _ in range(60):
        time.sleep(1.0)
        box.pair.poll()
    assert armed()
    assert codes(box) == {"cannot_record"}
    box.stop()
    assert not armed()
    assert boots() == 1


@pytest.mark.slow
@pytest.mark.kernel(limit_s=100)
def test_a_watchdog_that_somebody_else_has_keeps_nobody_from_recording(tmp_path: Path, header: Header) -> None:
    """systemd has it, say; once it lets go, the recorder takes it."""
    systemd = os.open("/dev/watchdog0", os.O_WRONLY)
    box = Box(tmp_path / "store", guarded("1"))
    world = World(header, {"1": tsuwa2(1)}, [Talk("1", [(3.0, 6.0)])])
    box.start()
    world.start()
    for at_s in (5.0, 10.0):
        world.wait_until(at_s)
        os.write(systemd, b"\0")
    assert codes(box) == {"watchdog_failed"}
    os.write(systemd, b"V")
    os.close(systemd)
    world.wait_until(17.0)
    assert armed()
    assert codes(box) == set()
    box.stop()
    world.stop()
    assert [call.integrity for call in box.calls()] == [Integrity.SEALED]


@pytest.mark.nightly
@pytest.mark.kernel(limit_s=1800)
def test_an_hour_of_work_restarts_nothing(tmp_path: Path, header: Header) -> None:
    assert boots() == 1
    talk = Talk("1", [(60.0 * minute + 5, 60.0 * minute + 35) for minute in range(60)])
    box = Box(tmp_path / "store", guarded("1"), slots=400)
    world = World(header, {"1": tsuwa2(1)}, [talk])
    box.start()
    world.start()
    world.wait_until(3600.0)
    assert (armed(), codes(box), box.pair.restarts) == (True, set(), 0)
    box.stop()
    world.stop()
    assert [call.integrity for call in box.calls()] == [Integrity.SEALED] * 60
    assert boots() == 1
