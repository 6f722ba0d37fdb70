"""Records a scenario once, and looks at every state a power cut may have left of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.acting import HOUR, RATE, Acting, listen
from tests.crash.cuts import State, states_of
from tests.crash.judging import LOSS, Judge, remember_signatures
from tests.crash.recorded import Promise, Recording
from tests.crash.scenarios import Scenario
from tests.crash.workshop import Workshop
from tsuwaroku.clock import NS, from_iso
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

Mutant = Callable[[pytest.MonkeyPatch], None]
_AGAIN = 12  # one state in so many sees the next call
_COMPARED = 60  # and one in so many is compared octet by octet with what it ought to be
_NAME = "store"


@contextlib.contextmanager
def memory() -> Iterator[Path]:
    """A folder in memory, where the machine has one."""
    shared = Path("/dev/shm")
    base = shared if os.access(shared, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="tsuwaroku-replay-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass
class Run:
    """One run of a scenario, recorded; `box` has what it was about."""

    scenario: Scenario
    recording: Recording
    box: Acting

    def given(self, place: int) -> list[Promise]:
        """What had been promised when the power went at `place`."""
        return [entry for entry in self.recording.log[:place] if isinstance(entry, Promise)]

    def judge(self) -> Judge:
        loss = LOSS + self.box.late_ns * RATE // NS
        everything = self.given(len(self.recording.log))
        ring = self.recording.octets(f"{_NAME}/ring/ring-00000.dat")
        return Judge(self.box.wall_ns, frozenset(self.box.may_go), everything, ring, frozenset(self.box.spoilt), loss)


def record(scenario: Scenario, folder: Path, mutate: Mutant | None = None) -> Run:
    """Plays it below `folder`, by a product that `mutate` has been at once everything is prepared."""
    folder.mkdir(parents=True)
    box = Acting(folder / _NAME, slots=scenario.slots, lent=scenario.lent, wall_ns=from_iso(scenario.wall))
    try:
        scenario.prepare(box)
        recording = Recording(folder)
        box.tell = recording.promise
        with recording.running() as patch:
            listen(recording.promise, patch)
            if mutate is not None:
                mutate(patch)
            scenario.act(box)
        recording.compare()
    finally:
        box.let_go()
    return Run(scenario, recording, box)


@dataclass
class Outcome:
    """`faults`: what was wrong, with the place of the cut; `again`: states in which the next call was recorded."""

    states: int
    faults: list[tuple[int, list[str]]]
    again: int
    worst_s: float


def replay(run: Run, folder: Path, states: Sequence[State], most_faults: int = 3) -> Outcome:
    """Judges each of the states, in a folder that is made that state."""
    shop, judge = Workshop(folder), run.judge()
    outcome = Outcome(0, [], 0, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        remember_signatures(patch)
        for number, state in enumerate(states):
            shop.make(state)
            assert number % _COMPARED or shop.is_made(state)
            again = number % _AGAIN == _AGAIN // 2
            with shop.watching():
                found = _faults(run, judge, shop.path / _NAME, state, again)
            outcome.states += 1
            outcome.again += again
            outcome.worst_s = judge.worst_s
            if found:
                outcome.faults.append((state.place, found))
                if len(outcome.faults) == most_faults:
                    break
    return outcome


def _faults(run: Run, judge: Judge, path: Path, state: State, again: bool) -> list[str]:
    given = run.given(state.place)
    if not (path / "store.json").exists():
        return _unmade(run, path, given)
    found = judge.faults(path, given)
    if again and not found:
        found = _next_call(run, path)
    return found


def _unmade(run: Run, path: Path, given: Sequence[Promise]) -> list[str]:
    """A store whose making was cut off is none, says what to do, and can be made."""
    if given:
        return [f"there is no store, and it was promised: {given[-1].kind}"]
    try:
        Store.open(path, need_device=True).close()
    except TsuwarokuError as error:
        if not error.remedy:
            return [f"no remedy: {error}"]
    else:
        return ["a store without store.json was opened"]
    return _next_call(run, path, make=True)


def _next_call(run: Run, path: Path, *, make: bool = False) -> list[str]:
    """Recorder and keeper start, and the next call is there, sound, and numbered after all others."""
    box = Acting(path, slots=run.scenario.slots, lent=4, wall_ns=run.box.wall_ns + 2 * HOUR, boot=99)
    try:
        if make:
            box.create()
        box.start()
        assert box.keeper is not None
        before = [entry.public.sequence for entry in box.keeper.listing.catalogue.entries()]
        call = box.call(2)
        if box.keeper._trail.fault:
            return [f"the keeper has trouble: {box.keeper._trail.fault}"]
        entry = box.keeper.listing.catalogue.get(call.name)
        box.stop()
        store = Store.open(path)
        report = verify_store(store)
        store.close()
        found = report.problems + [text for one in report.calls for text in one.problems]
        if run.scenario.room and (entry is None or not entry.final or entry.public.sequence <= max(before, default=0)):
            found.append(f"the next call is not as it should be: {entry}, after {before}")
        return found
    finally:
        box.let_go()


def cut(run: Run, times: int = 1, seed: int = 1) -> list[State]:
    """The states looked at, `times` the usual number."""
    return states_of(run.recording, run.scenario.usual * times, seed)
