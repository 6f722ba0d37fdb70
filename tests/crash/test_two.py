"""One store, two of a kind: the second is refused and the first does not notice. And nobody is left behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.crash.box import Box, Findings, make_day, users_of
from tests.service.support import START
from tsuwaroku.clock import SystemClock, VirtualClock
from tsuwaroku.errors import ServiceError
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.service.assembly import Assembled, new_instance
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.process import Spec
from tsuwaroku.service.simulate import LocalLink
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.layout import Store

REFUSED = 12


def until(true: Callable[[], bool], within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.05)


def second(box: Box, role: str, said: Path) -> subprocess.Popen[bytes]:
    """Another process of that role on the same store; what it complains of goes to `said`."""
    spec = Spec(role=role, config=box.config, store=str(box.path), epoch_wall_ns=box.pair._epoch_wall_ns)
    with said.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "tsuwaroku.service.process"], stdin=subprocess.PIPE, stderr=file
        )
    assert child.stdin is not None
    child.stdin.write(msgspec.json.encode(spec))
    child.stdin.close()
    return child


@pytest.mark.xdist_group("clock")
def test_the_second_recorder_and_the_second_keeper_are_refused_and_the_first_go_on(tmp_path: Path) -> None:
    box = Box(tmp_path / "box", make_day(tmp_path, 60.0), random.Random(0))
    children = []
    try:
        box.start()
        box.settle()
        until((box.path / "run" / "keeper.sock").exists)
        holder = FileLock.held(box.path / "recorder.lock")
        children = [second(box, role, tmp_path / role) for role in ("keeper", "recorder")]
        assert children[0].wait(20) == REFUSED
        until(lambda: (tmp_path / "recorder").stat().st_size > 0)
        assert children[1].poll() is None  # it blinks and tries again: it comes in where the first one dies
        children[1].terminate()
        assert children[1].wait(20) == 0
        for role in ("keeper", "recorder"):
            said = (tmp_path / role).read_text()
            assert f"{role}.lock: already runs on this store — stop the other one first" in said
        assert FileLock.held(box.path / "recorder.lock") == holder
        assert (box.pair.poll(), box.pair.restarts) == ([], 0)
        first = box.now_s()
        until(lambda: box.now_s() > first + 9, 20)
    finally:
        for child in children:
            child.kill()
            child.wait()
        box.stop()
    findings = Findings(box)
    findings.check()
    assert [c.integrity.value for c in findings.calls] == ["sealed"] * len(findings.calls)
    assert len(findings.calls) >= 2


def test_in_one_process_too_the_second_raises_and_the_first_goes_on(tmp_path: Path) -> None:
    box = Box(tmp_path / "box", make_day(tmp_path, 20.0), random.Random(0))
    store = Store.open(box.path, need_device=True)
    keeper = Keeper(store, box.config, SystemClock())
    keeper.start()
    with pytest.raises(ServiceError) as refused:
        Keeper(store, box.config, SystemClock()).start()
    assert (refused.value.exit_code, bool(refused.value.remedy)) == (REFUSED, True)

    def recorder() -> Assembled:
        clock = VirtualClock(START)
        board = VirtualBoard(load_script(box.day.script).sources(), clock, realtime=False)
        link = LocalLink(keeper)
        return Assembled(
            box.config, board=board, clock=clock, store=store, link=link, instance=new_instance(), inline=True
        )

    first = recorder()
    holder = FileLock.held(store.recorder_lock)
    with pytest.raises(ServiceError) as refused:
        recorder()
    assert (refused.value.exit_code, bool(refused.value.remedy)) == (REFUSED, True)
    assert FileLock.held(store.recorder_lock) == holder
    assert keeper.poll() is False
    first.release()
    recorder().release()
    keeper.close()
    store.close()


@pytest.mark.slow
def test_a_keeper_that_ends_because_the_disk_was_mounted_anew_is_started_again(tmp_path: Path) -> None:
    """The supervisor does it, and the recorder goes on meanwhile."""
    box = Box(tmp_path / "box", make_day(tmp_path, 60.0), random.Random(0))
    try:
        box.start()
        until((box.path / "run" / "keeper.sock").exists)
        keeper, recorder = box.pair.pid("keeper"), box.pair.pid("recorder")
        lock = box.path / "keeper.lock"
        lock.rename(box.path / "run" / "old.lock")  # what is at its place now is another file
        lock.touch()
        until(lambda: bool(box.pair.poll()) or box.pair.restarts > 0)
        until(lambda: box.pair.poll() == [] and FileLock.held(lock) is not None)
        assert (box.pair.restarts, box.pair.pid("keeper") != keeper, box.pair.pid("recorder")) == (1, True, recorder)
        first = box.now_s()
        until(lambda: box.now_s() > first + 5, 20)
        assert box.pair.restarts == 1
    finally:
        box.stop()
    findings = Findings(box)
    findings.check()
    assert findings.calls


SUPERVISOR = """
import sys, time
from pathlib import Path
import msgspec
from tsuwaroku.config import Config
from tsuwaroku.service.supervisor import Pair
pair = Pair(msgspec.json.decode(sys.argv[1], type=Config), Path(sys.argv[2]))
pair.start()
while True:
    time.sleep(float(sys.argv[3]))
    pair.poll()
"""


@pytest.mark.xdist_group("clock")
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.3, 2.5])
def test_no_process_outlives_a_supervisor_that_is_killed(tmp_path: Path, after_s: float) -> None:
    """At once, while the two start, and when they run."""
    box = Box(tmp_path / "box", make_day(tmp_path, 60.0), random.Random(0))
    command = [sys.executable, "-c", SUPERVISOR, msgspec.json.encode(box.config).decode(), str(box.path), "0.1"]
    supervisor = subprocess.Popen(command)
    until(lambda: len(children_of(supervisor.pid)) == 2)
    children = children_of(supervisor.pid)
    time.sleep(after_s)
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    try:
        until(lambda: not any(is_ours(pid) for pid in children), 12)
        until(lambda: users_of(box.path) == [])
    finally:
        for pid in children:
            if is_ours(pid):
                os.kill(pid, signal.SIGKILL)


def children_of(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def is_ours(pid: int) -> bool:
    """Still one of the two processes (and not a zombie, or another that got its number)."""
    try:
        return b"tsuwaroku.service.process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
