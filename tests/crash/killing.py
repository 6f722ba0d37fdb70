"""Kills a box at every step of one of the scenarios, in a process of its own each time, and judges what is left.

    python -m tests.crash.killing NAME MODE

MODE is `before` or `torn`, as in `points`; NAME that of a scenario whose box runs when it acts. Prints a JSON list: how
many steps there were, and what was found, with the step.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import sys
import traceback
from pathlib import Path

import pytest

from tests.crash.acting import RATE, Acting, listen
from tests.crash.judging import LOSS, Judge, remember_signatures
from tests.crash.points import MOST, Disk
from tests.crash.recorded import Promise
from tests.crash.replaying import memory
from tests.crash.scenarios import SCENARIOS, Scenario
from tsuwaroku.clock import NS, from_iso


def kill_at_every_step(scenario: Scenario, mode: str, folder: Path) -> tuple[int, list[tuple[int, list[str]]]]:
    """(steps, [(step, faults)])."""
    box = Acting(folder / "base", slots=scenario.slots, lent=scenario.lent, wall_ns=from_iso(scenario.wall))
    scenario.prepare(box)
    box.die()
    ring = (box.path / "ring" / "ring-00000.dat").read_bytes()
    steps = 0
    while _goes_on(scenario, box, mode, folder, steps + 1):
        steps += 1
    everything = _said(folder, steps + 1)
    ended_ns, may_go, late_ns = pickle.loads((folder / "end").read_bytes())
    loss = LOSS + late_ns * RATE // NS
    judge = Judge(ended_ns, may_go, everything, ring, frozenset(box.spoilt), loss)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        remember_signatures(patch)
        for step in range(1, steps + 2):
            faults = judge.faults(folder / str(step), _said(folder, step))
            found += [(step, faults)] if faults else []
    box.let_go()
    return steps, found


def _goes_on(scenario: Scenario, box: Acting, mode: str, folder: Path, step: int) -> bool:
    """Whether it was killed, at that step; else it came to its end."""
    assert step < MOST
    path = folder / str(step)
    shutil.copytree(folder / "base", path)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _act(scenario, box, mode, folder, step)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    if os.WEXITSTATUS(status):
        raise SystemExit(f"step {step} ended by itself")
    return False


def _act(scenario: Scenario, box: Acting, mode: str, folder: Path, step: int) -> None:
    said = os.open(folder / f"{step}.said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    disk = Disk(step, mode)
    write = os.write

    def promise(kind: str, *facts: object) -> None:
        write(said, pickle.dumps(Promise(kind, facts)))

    with pytest.MonkeyPatch.context() as patch:
        listen(promise, patch)
        box.path, box.tell = folder / str(step), promise
        disk.install()
        box.start()
        scenario.act(box)
    with open(folder / "end", "wb") as file:
        file.write(pickle.dumps((box.wall_ns, frozenset(box.may_go), box.late_ns)))


def _said(folder: Path, step: int) -> list[Promise]:
    found: list[Promise] = []
    with (folder / f"{step}.said").open("rb") as file:
        while True:
            try:
                found.append(pickle.load(file))
            except EOFError:
                return found


if __name__ == "__main__":
    named = {scenario.name: scenario for scenario in SCENARIOS}
    with memory() as where:
        print(json.dumps(kill_at_every_step(named[sys.argv[1]], sys.argv[2], where)))
