"""The program ended before, in the middle of, and by a power cut at each of its durable steps."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ulid import ULID

from tests.crash import points
from tests.service.support import demo_key
from tsuwaroku.clock import VirtualClock
from tsuwaroku.errors import SecretError, TsuwarokuError
from tsuwaroku.records.call import CallRecord, Integrity
from tsuwaroku.service import simulate as simulation
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.store.amendments import wraps_of
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import Amendments, find_calls, list_calls, read_amendments
from tsuwaroku.store.scan import StoredCall
from tsuwaroku.store.verify import verify_store

ROOT = Path(__file__).parents[2]
AGAIN = points.START + 3600 * 1_000_000_000
CHANCES = [f"mixed:{n}" for n in range(1, 13)]
SCRIPT = """
[[raw]]  # a marked call, a mark after hang-up, a call nobody answers
line = "1"
audio = "sound.wav"
contacts = [[0.8, "hook", "off"], [3.0, "hook", "on"], [6.0, "ring", "on"], [6.8, "ring", "off"]]
press = [1.6, 5.0]
[[raw]]  # recorded on the button only, and it is pressed
line = "2"
audio = "sound.wav"
contacts = [[1.0, "hook", "off"], [3.0, "hook", "on"]]
press = [1.9]
[[raw]]  # the same, and it is not
line = "3"
audio = "sound.wav"
contacts = [[0.7, "hook", "off"], [2.6, "hook", "on"]]
"""


def write_script(folder: Path) -> Path:
    sound = np.random.default_rng(5).normal(0, 400, 7 * 8000).astype("<i2").tobytes()
    with wave.open(str(folder / "sound.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(sound)
    path = folder / "script.toml"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def run_points(folder: Path, scenario: str, mode: str, script: Path | None = None) -> list[str]:
    """The stores FOLDER/1, FOLDER/2, ... and the names of the steps they were ended at."""
    command = [sys.executable, "-m", "tests.crash.points", str(folder), scenario, mode, str(script or "")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    steps: list[str] = json.loads((folder / "steps").read_text())
    assert int(done.stdout) == len(steps)
    return steps


def said_at(folder: Path, point: int) -> list[list[Any]]:
    return [json.loads(line) for line in (folder / f"{point}.said").read_text().splitlines()]


@pytest.mark.parametrize("mode", points.MODES)
def test_first_start_cut_at_every_step_is_finished_by_the_next(tmp_path: Path, mode: str) -> None:
    steps = run_points(tmp_path, "start", mode)
    assert Counter(steps)["fsync"] >= 12
    assert len(steps) >= 40
    for point in range(1, len(steps) + 2):
        path = tmp_path / str(point)
        made = (path / "store.json").exists()
        if not made:
            with pytest.raises(TsuwarokuError) as refused:
                Store.open(path, need_device=True)
            assert refused.value.remedy
            create_demo_store(path, points.CONFIG, 3)
        store = Store.open(path, need_device=True)
        keeper = Keeper(store, points.CONFIG, VirtualClock(points.START))
        keeper.start()
        assert keeper.free_slots == 3
        keeper.close()
        report = verify_store(store, demo_key(path))
        assert (report.ok, report.problems) == (True, [])
        store.close()
        shutil.rmtree(path)
        # Made is what has its store.json: before the last step (a sync) only where the power does not fail.
        assert made == (point > len(steps) - (mode in ("before", "torn"))) or mode == "mixed", point


@pytest.mark.parametrize("mode", [*points.MODES, *(pytest.param(mode, marks=pytest.mark.nightly) for mode in CHANCES)])
def test_a_day_cut_at_every_step_keeps_what_was_reported(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "slots_needed", lambda *_: 1)
    script = write_script(tmp_path)
    create_demo_store(tmp_path / "base", points.CONFIG, points.SLOTS)
    steps = run_points(tmp_path, "calls", mode, script)
    count = Counter(steps)
    assert count["pwrite"] >= 30
    assert count["fdatasync"] >= 14
    assert count["rename"] >= 4
    whole = [said[0] for said in said_at(tmp_path, len(steps) + 1)]
    assert Counter(whole)["closed"] == 3
    assert min(Counter(whole)[name] for name in ("committed", "journal", "audit", "catalogue", "lease")) >= 1
    for point in range(1, len(steps) + 2):
        check_point(tmp_path / str(point), said_at(tmp_path, point), script, point % 10 == 0)
        shutil.rmtree(tmp_path / str(point))


def check_point(path: Path, said: list[list[Any]], script: Path, again: bool) -> None:
    """A keeper puts in order what there is; then all is sound, and everything reported is there."""
    store = Store.open(path, need_device=True)
    keeper = Keeper(store, points.CONFIG, VirtualClock(AGAIN))
    keeper.start()
    keeper.close()
    report = verify_store(store, demo_key(path))
    assert (report.problems, [call.problems for call in report.calls if call.problems]) == ([], [])
    assert report.ok
    check_said(store, said)
    before = len(read_all(store, 2))
    store.close()
    if again:
        simulation.simulate(script, path, fast=True, config=points.CONFIG, start_wall_ns=AGAIN)
        store = Store.open(path)
        calls = read_all(store, 2)
        assert len(calls) == before + 3  # the fourth was discarded
        assert len({call.sequence for call in calls}) == len(calls)
        assert verify_store(store, demo_key(path)).problems == []
        store.close()


def read_all(store: Store, withheld: int) -> list[CallRecord]:
    """Every call but those no key opens: not pressed, and neither kept nor discarded when the program ended."""
    warnings: list[str] = []
    try:
        calls = list_calls(store, demo_key(store.path), warnings=warnings)
    except SecretError:
        calls = []
    assert len(warnings) <= withheld, warnings
    return calls


def check_said(store: Store, said: list[list[Any]]) -> None:
    """Each thing the product had reported is there."""
    amendments = read_amendments(store)
    found = find_calls(store, None)
    withheld = {stored.call_id.hex() for stored in found if is_withheld(stored, amendments)}
    calls = {ULID.from_str(call.id).hex: call for call in read_all(store, len(withheld))}
    gone = {call.hex() for call in amendments if amendments.gone(call)}
    journals = {
        (owner, record.number): record.digest.hex()
        for owner in ("recorder", "keeper")
        for record in Journal.open(store.journal_dir, owner, store).records()
    }
    audit = {entry.number: entry.hash for entry in AuditLog.open(store).entries()}
    listed = {entry.public.id for entry in Catalogue(store.catalogue_dir).entries()}
    for what, *facts in said:
        match what, facts:
            case "committed", [call, until]:
                assert call in withheld | gone or end_of(calls[call]) >= until
            case "closed", [call, marks]:
                assert call in withheld | gone or is_sealed(calls[call], marks)
            case "journal", [owner, number, digest]:
                assert journals[(owner, number)] == digest
            case "audit", [number, digest]:
                assert audit[number] == digest
            case "catalogue", [call_id]:
                assert call_id in listed
            case "lease", [_]:
                assert Lease.load(store.lease_path, store.store_id).slots
            case _:
                raise AssertionError(what)


def is_withheld(stored: StoredCall, amendments: Amendments) -> bool:
    """On disk, but recorded on the button only and not pressed: nobody's to read."""
    return stored.committed > 0 and not stored.wraps and not wraps_of(amendments.get(stored.call_id, ()))


def is_sealed(call: CallRecord, marks: int) -> bool:
    return call.integrity is Integrity.SEALED and len(call.marks) >= marks


def end_of(call: CallRecord) -> int:
    return (call.audio.first_sample or 0) + call.audio.samples
