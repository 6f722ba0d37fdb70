"""SIGKILL at every step of what changes the disk in acts of people, erasures and the keeper's own work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import test_fast_kills, test_kills

ROOT = Path(__file__).parents[2]
SCENARIOS = {  # and the steps each has at the least; opening, commit, close and the first start are `test_points`'
    "hold linked parts": 24,
    "release a hold": 12,
    "marks withdrawn": 16,
    "erase a day with a held one": 30,
    "fold into the days": 30,
    "slot table, and restart": 60,
    "set a slot aside": 24,
    "words whose years are over": 40,
}


def kill_at_every_step(name: str, mode: str) -> None:
    command = [sys.executable, "-m", "tests.crash.killing", name, mode]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    steps, found = json.loads(done.stdout)
    print(f"{steps} kills")
    assert found == []
    assert steps >= SCENARIOS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_in_the_middle_of_every_step(name: str) -> None:
    kill_at_every_step(name, "torn")


@pytest.mark.nightly
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_before_every_step(name: str) -> None:
    kill_at_every_step(name, "before")


def test_the_long_run_kills_a_thousand_times() -> None:
    """SIGKILLs at random moments, of both processes and of simulations, as nightly has them."""
    assert test_kills.KILLS >= 1000
    assert test_fast_kills.KILLS >= 1000
