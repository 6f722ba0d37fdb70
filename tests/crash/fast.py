"""Kills simulations that run as fast as they can, one after the other on one store.

    python -m tests.crash.fast STORE SCRIPT KILLS SEED

A first run tells how long one takes; each of the others is killed (SIGKILL) at a random moment of that time. Prints how
many were killed before they were through. The script plays an hour later each time.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from tsuwaroku.service import simulate as simulation

START = 1_780_000_000 * 1_000_000_000
HOUR = 3600 * 1_000_000_000


def play(store: Path, script: Path, number: int) -> int:
    """A fork that plays the script; its process id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            simulation.simulate(script, store, fast=True, start_wall_ns=START + number * HOUR)
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def whole(store: Path, script: Path, number: int) -> float:
    """Seconds that a run takes if nobody kills it."""
    began = time.monotonic()
    _, status = os.waitpid(play(store, script, number), 0)
    if status:
        raise SystemExit("the script does not play")
    return time.monotonic() - began


def main(store: Path, script: Path, kills: int, seed: int) -> int:
    """Until so many were killed in time."""
    rng = random.Random(seed)
    simulation.slots_needed = lambda *_: 400
    simulation.simulate(script, store, fast=True, start_wall_ns=START - 2 * HOUR)  # in here: forks need not import
    simulation.slots_needed = lambda *_: 1  # it reckons with hours of sound
    takes_s = whole(store, script, -1)
    killed = number = 0
    while killed < kills:
        number += 1
        child = play(store, script, number)
        time.sleep(rng.uniform(0, takes_s))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        takes_s *= 1.03 if os.WIFSIGNALED(status) else 0.9  # longer with every call on the store
        if status and not os.WIFSIGNALED(status):
            raise SystemExit(f"run {number} ended by itself")
    return killed


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
