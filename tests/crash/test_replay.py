"""The power fails at any place of what a box does: thousands of states of its disk, each opened and judged.

A scenario is recorded once, every change of the disk and every sync (`recorded`); the states a cut may have left of it
are made in memory (`cuts`, `workshop`) and judged (`judging`). REPLAY_TIMES=5 looks at five times as many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.crash.replaying import Mutant, cut, memory, record, replay
from tests.crash.scenarios import SCENARIOS, Scenario
from tsuwaroku.clock import Instant
from tsuwaroku.store import durable, lease
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.erasing import SlotEraser
from tsuwaroku.store.journal import Journal, JournalRecord, JournalType
from tsuwaroku.store.ring import RingFiles
from tsuwaroku.store.slot import erasing_block

TIMES = int(os.environ.get("REPLAY_TIMES", "1"))
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def test_there_are_as_many_scenarios_and_states_as_is_said() -> None:
    """Whatever worker runs which of them: each one checks that it has had its number."""
    assert len(BY_NAME) == len(SCENARIOS) >= 20
    assert sum(scenario.least for scenario in SCENARIOS) >= 5000


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
def test_whatever_was_promised_before_a_cut_is_there_after_it(scenario: Scenario) -> None:
    look_at(scenario, TIMES, seed=1)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
def test_and_after_twenty_times_as_many(scenario: Scenario) -> None:
    look_at(scenario, 20 * TIMES, seed=2)


def look_at(scenario: Scenario, times: int, seed: int) -> None:
    with memory() as folder:
        run = record(scenario, folder / "run")
        states = cut(run, times, seed)
        outcome = replay(run, folder / "cut", states)
    print(f"{len(states)} states of {len(run.recording.log)} entries, at most {outcome.worst_s:.3f} s missing", end="")
    print(f", the next call recorded in {outcome.again}")
    assert outcome.faults == []
    assert len({state.digest for state in states}) == outcome.states >= scenario.least
    assert outcome.again >= scenario.least // 12


# -- an unsafe writer is found out


def no_sync_in_ring(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RingFiles, "sync", lambda self: self._touched.clear())


def no_sync_before_rename(patch: pytest.MonkeyPatch) -> None:
    def replaced(path: Path, data: bytes, mode: int = 0o600) -> None:
        temporary = path.with_name(f".{path.name}.tmp")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        durable.write_all(fd, data, 0)
        os.close(fd)
        temporary.rename(path)
        durable.sync_directory(path.parent)

    for module in (durable, lease):
        patch.setattr(module, "replace_file", replaced)


def no_sync_of_directories(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(durable, "sync_directory", lambda path: None)


def no_sync_in_journal(patch: pytest.MonkeyPatch) -> None:
    def write(self: Journal, octets: bytes) -> None:
        if self._fd < 0:
            self._fd = os.open(self._path(self._segment), os.O_WRONLY | os.O_CLOEXEC)
        os.pwrite(self._fd, octets, self._offset)

    patch.setattr(Journal, "_write", write)


def tombstone_after_the_keys(patch: pytest.MonkeyPatch) -> None:
    real = Journal.append

    def append(self: Journal, kind: JournalType, *args: Any, **keywords: Any) -> JournalRecord:
        if kind is JournalType.TOMBSTONE:
            destroy_first(self, keywords["public"])
        return real(self, kind, *args, **keywords)

    patch.setattr(Journal, "append", append)


def destroy_first(journal: Journal, public: object) -> None:
    assert isinstance(public, dict)
    slots = SlotEraser(journal._store)
    for name, _, _, _, _, _, places in msgspec.msgpack.decode(public["calls"]):
        for slot, generation in zip(places[::2], places[1::2], strict=True):
            slots._write(slot, 0, erasing_block(slot, generation, name))
            slots._files[0].sync()
    slots.close()


def audit_after_the_act(patch: pytest.MonkeyPatch) -> None:
    """The entry is made, and written only when the call is held."""
    log, append = AuditLog.append, Journal.append
    waiting: list[Callable[[], AuditEntry]] = []

    def logged(self: AuditLog, now: Instant, actor: str, verb: str, *args: Any, **keywords: Any) -> AuditEntry:
        if verb != "hold":
            return log(self, now, actor, verb, *args, **keywords)
        entry = self._signed(now, actor, verb, "", "", {})
        waiting.append(lambda: log(self, now, actor, verb, *args, **keywords))
        return entry

    def written(self: Journal, *args: Any, **keywords: Any) -> JournalRecord:
        record = append(self, *args, **keywords)
        while waiting:
            waiting.pop()()
        return record

    patch.setattr(AuditLog, "append", logged)
    patch.setattr(Journal, "append", written)


MUTANTS: list[tuple[Mutant, str]] = [
    (no_sync_in_ring, "open a call"),
    (no_sync_before_rename, "extend the lease"),
    (no_sync_of_directories, "fold into the days"),
    (no_sync_in_journal, "late marks"),
    (tombstone_after_the_keys, "erase one"),
    (audit_after_the_act, "hold"),
]


@pytest.mark.parametrize(("mutant", "name"), MUTANTS, ids=[mutant.__name__ for mutant, _ in MUTANTS])
def test_an_unsafe_writer_is_found_out(mutant: Mutant, name: str) -> None:
    with memory() as folder:
        run = record(BY_NAME[name], folder / "run", mutant)
        outcome = replay(run, folder / "cut", cut(run), most_faults=1)
    print(f"after {outcome.states} states: {outcome.faults[:1]}")
    assert outcome.faults != []
    assert outcome.states < 100
