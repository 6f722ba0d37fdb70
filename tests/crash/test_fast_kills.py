"""Many kills of simulations at full speed: whatever is on the disk is sound, and the next one plays."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.box import RATE, UNCOMMITTED, Day, make_day
from tests.crash.fast import HOUR, START
from tests.service.support import calls_in, demo_key
from tsuwaroku.clock import VirtualClock
from tsuwaroku.config import Config, LineConfig
from tsuwaroku.records.call import CallRecord, Integrity
from tsuwaroku.service import simulate as simulation
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

ROOT = Path(__file__).parents[2]
LINES = 2
USUAL = [(80, 1), (80, 2)]  # kills, seed
LONG = [(80, seed) for seed in range(3, 15)]
KILLS = sum(kills for kills, _ in (*USUAL, *LONG))  # of a nightly run
CONFIG = Config(line=tuple(LineConfig(id=str(n + 1)) for n in range(LINES)))


@pytest.mark.parametrize(
    ("kills", "seed"), [*USUAL, *(pytest.param(*long, marks=pytest.mark.nightly) for long in LONG)]
)
def test_what_killed_simulations_leave_is_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int, seed: int
) -> None:
    day = make_day(tmp_path, 45.0, lines=LINES, seed=seed)
    store = tmp_path / "store"
    command = [sys.executable, "-m", "tests.crash.fast", str(store), str(day.script), str(kills), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{kills}\n")
    before = check(store, day)
    recovered = sum(call.integrity is Integrity.RECOVERED for call in before)
    assert recovered >= kills // 8
    monkeypatch.setattr(simulation, "slots_needed", lambda *_: 1)
    simulation.simulate(day.script, store, fast=True, start_wall_ns=START + 1000 * HOUR)
    after = check(store, day)
    spans = [span for spans in day.off_hook.values() for span in spans]
    new = [call for call in after if call not in before]
    assert [call.integrity for call in new] == [Integrity.SEALED] * len(spans)
    assert max(call.sequence for call in before) < min(call.sequence for call in new)


def check(path: Path, day: Day) -> list[CallRecord]:
    """A keeper settles what was cut off; then everything verifies, sounds right and is accounted for."""
    store = Store.open(path, need_device=True)
    keeper = Keeper(store, CONFIG, VirtualClock(START + 2000 * HOUR))
    keeper.start()
    keeper.close()
    report = verify_store(store, demo_key(path))
    store.close()
    assert (report.problems, [call.problems for call in report.calls if call.problems]) == ([], [])
    calls = calls_in(path)
    for call in calls:
        pcm = day.pcm[call.line]
        assert len(call.audio.runs) <= 1
        assert call.audio.gaps == []
        for run in call.audio.runs:
            heard = pcm[2 * run.first_sample : 2 * (run.first_sample + run.samples)]
            assert hashlib.sha256(heard).hexdigest() == run.pcm_sha256
        if call.integrity is Integrity.SEALED:
            assert call.audio.first_sample is not None
            end_s = (call.audio.first_sample + call.audio.samples) / RATE
            assert any(abs(end_s - end - 1.5) < 0.1 for _, end in day.off_hook[call.line])
    numbers = [call.sequence for call in calls]
    never = [int(note.split()[1]) for note in report.notes if note.endswith((UNCOMMITTED, "was never committed"))]
    assert sorted(numbers + never) == list(range(1, max(numbers) + 1))
    return calls
