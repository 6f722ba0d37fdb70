"""A box to kill: both real processes on a simulated board, what was done to them, and what must be on disk afterwards.

day = make_day(folder)          sound and contacts of two lines, one call after the other
box = Box(folder / "1", day, random.Random(1))
box.step()                      again and again; kills at random moments
box.stop()
Findings(box).check()           every rule of FORMAT.md that a kill could break
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
import wave
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.service.support import calls_in, demo_key
from tsuwaroku.clock import NS, SystemClock, from_iso
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.records.call import CallRecord, Integrity
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.supervisor import Pair
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

RATE = 8000
LOSS_S = 1.5  # what a kill may cost: a batch a second, two FLAC frames held back, one not full, the commit itself
START_S = 20.0  # a process that has not come up by then never will, on however busy a machine
UNCOMMITTED = "began with the last commit before an interruption and was lost"

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Day:
    """A call script, the sound of each line, and when (s) its telephone is off-hook."""

    script: Path
    seconds: float
    pcm: dict[str, bytes]
    off_hook: dict[str, list[Span]]

    def busy(self, at_s: float) -> bool:
        """Is any line in a call?"""
        return any(begin <= at_s < end for spans in self.off_hook.values() for begin, end in spans)


def make_day(folder: Path, seconds: float, *, lines: int = 2, seed: int = 1) -> Day:
    """Calls of 4-9 s with 4 s between them; every third comes in with a ring, and one in four is marked."""
    rng = random.Random(seed)
    tables, pcm, off_hook = [], {}, {}
    for number in range(1, lines + 1):
        line = str(number)
        sound = np.random.default_rng(seed * 100 + number).normal(0, 400, round(seconds * RATE)).astype("<i2")
        pcm[line] = sound.tobytes()
        _write_wav(folder / f"{line}.wav", pcm[line])
        edges, presses, spans = [], [], []
        at = 1.0 + number
        while at + 12 < seconds:
            if rng.random() < 0.33:
                edges += [f'[{at:.3f}, "ring", "on"]', f'[{at + 1:.3f}, "ring", "off"]']
                at += 1.4
            end = round(at + rng.uniform(4, 9), 3)
            edges += [f'[{at:.3f}, "hook", "off"]', f'[{end:.3f}, "hook", "on"]']
            if rng.random() < 0.25:
                presses.append(f"{at + 2.5:.3f}")
            spans.append((round(at, 3), end))
            at = end + 4.0
        off_hook[line] = spans
        tables.append(
            f'[[raw]]\nline = "{line}"\naudio = "{line}.wav"\nmix_notice = false\n'
            f"contacts = [{', '.join(edges)}]\npress = [{', '.join(presses)}]\n"
        )
    script = folder / "day.toml"
    script.write_text("\n".join(tables), encoding="utf-8")
    return Day(script, seconds, pcm, off_hook)


def _write_wav(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)


@dataclass(slots=True)
class Down:
    """The recorder was away: killed (or not yet there) at `begin_s` of the stream, back before `end_s`."""

    begin_s: float
    end_s: float = float("inf")


@dataclass(slots=True)
class Box:
    """One store and its two processes. `kills` counts SIGKILLs by role; used by one thread."""

    path: Path
    day: Day
    rng: random.Random
    slots: int = 160
    kills: dict[str, int] = field(default_factory=lambda: {"recorder": 0, "keeper": 0})
    in_calls: int = 0  # kills of the recorder while a line was in a call
    downs: list[Down] = field(default_factory=lambda: [Down(0.0)])
    stopped_s: float = 0.0
    pair: Pair = field(init=False)
    _instance: bytes = b""
    _kill_at: float | None = None
    _since: float = 0.0

    def __post_init__(self) -> None:
        self.pair = Pair(self.config, self.path)
        create_demo_store(self.path, self.config, self.slots)

    @property
    def config(self) -> Config:
        lines = tuple(LineConfig(id=line) for line in self.day.off_hook)
        return Config(board=BoardConfig(kind="virtual", script=str(self.day.script)), line=lines)

    def start(self) -> None:
        """The stream begins now."""
        self.pair._epoch_wall_ns = time.time_ns()
        self.pair.start()
        self._since = time.monotonic()

    def now_s(self) -> float:
        """Where the stream is."""
        return (time.time_ns() - self.pair._epoch_wall_ns) / NS

    def step(self) -> None:
        """Notice who is back; kill when it is time."""
        self.pair.poll()
        self._look()
        if self.downs[-1].end_s == float("inf"):
            assert time.monotonic() - self._since < START_S, "the recorder does not come back"
            return
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self.rng.uniform(0.05, 2.5)
        elif time.monotonic() >= self._kill_at and self.day.busy(self.now_s()):
            self.kill(*self.rng.choice((("recorder",), ("recorder",), ("keeper",), ("recorder", "keeper"))))
            self._kill_at = None

    def settle(self) -> None:
        """No more kills; wait for the recorder."""
        while self.downs[-1].end_s == float("inf"):
            self.pair.poll()
            self._look()
            assert time.monotonic() - self._since < START_S, "the recorder does not come back"
            time.sleep(0.02)

    def _look(self) -> None:
        """A recorder that has taken the store reads its board from then on, if not before."""
        held = FileLock.held(self.path / "recorder.lock")
        if held and held != self._instance and self.downs[-1].end_s == float("inf"):
            self._instance = held
            self.downs[-1].end_s = self.now_s()

    def kill(self, *roles: str) -> None:
        """SIGKILL at once, in this order."""
        if "recorder" in roles:
            self.downs.append(Down(self.now_s()))
            self.in_calls += self.day.busy(self.now_s())
            self._since = time.monotonic()
        for role in roles:
            pid = self.pair.pid(role)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                self.kills[role] += 1

    def stop(self) -> None:
        """A clean end; nothing may be left behind."""
        self.stopped_s = self.now_s()
        self.pair.stop()
        assert (self.pair.pid("recorder"), self.pair.pid("keeper")) == (None, None)
        assert users_of(self.path) == []


def users_of(path: Path) -> list[str]:
    """The processes (less this one) that have a file below `path` open."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            links = [os.readlink(fd) for fd in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(link.startswith(f"{path}/") for link in links):
            found.append(process.name)
    return found


class Findings:
    """What a killed box left on disk."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._day = box.day
        self.calls: list[CallRecord] = []
        self.losses: list[float] = []  # seconds between a recovered call's last sample and its kill

    def check(self) -> None:
        """A keeper looks in once; then everything must be there, right and accounted for."""
        box = self._box
        store = Store.open(box.path, need_device=True)
        keeper = Keeper(store, box.config, SystemClock())
        keeper.start()
        keeper.close()
        listed = sorted(entry.public.sequence for entry in Catalogue(store.catalogue_dir).entries())
        report = verify_store(store, demo_key(box.path))
        public = verify_store(store, None)
        store.close()
        assert (report.problems, [call.problems for call in report.calls if call.problems]) == ([], [])
        assert (report.ok, public.ok) == (True, True)
        self.calls = calls_in(box.path)
        numbers = sorted(call.sequence for call in self.calls)
        assert numbers == listed
        lost = [int(note.split()[1]) for note in report.notes if note.endswith(UNCOMMITTED)]
        assert [note for note in report.notes if not note.endswith(UNCOMMITTED)] == []
        empty = [call.sequence for call in report.calls if call.samples is None or call.sequence not in numbers]
        assert sorted({*numbers, *lost, *empty}) == list(range(1, max(numbers) + 1))
        assert len(numbers) == len(set(numbers))
        for line in self._day.off_hook:
            self._check_line(line, [call for call in self.calls if call.line == line])

    def _check_line(self, line: str, calls: list[CallRecord]) -> None:
        runs = [(run.first_sample, run.samples, run.pcm_sha256) for call in calls for run in call.audio.runs]
        pcm = self._day.pcm[line]
        for first, samples, digest in runs:
            assert hashlib.sha256(pcm[2 * first : 2 * (first + samples)]).hexdigest() == digest, (line, first, samples)
        assert [gap for call in calls for gap in call.audio.gaps] == []
        self._check_coverage(line, [(first / RATE, (first + samples) / RATE) for first, samples, _ in runs])
        before: CallRecord | None = None
        for call in calls:
            self._check_end(call)
            if before is not None:
                self._check_link(line, before, call)
            before = call

    def _check_coverage(self, line: str, recorded: list[Span]) -> None:
        """Every second off-hook is recorded, but for what a kill may cost and while the recorder was away."""
        excused = [(down.begin_s - LOSS_S, down.end_s) for down in self._box.downs]
        excused.append((self._box.stopped_s - 0.5, float("inf")))
        missing = subtract(subtract(self._day.off_hook[line], recorded), excused)
        found = [span for span in missing if span[1] - span[0] > 1 / RATE]
        assert found == [], (line, found, excused)

    def _check_end(self, call: CallRecord) -> None:
        """Recovered means killed, and whole to within `LOSS_S` of the kill; sealed means ended by the telephone."""
        _, end_s = self._span(call)
        if call.integrity is Integrity.SEALED:
            on_hook = [end for _, end in self._day.off_hook[call.line]]
            assert call.ended_by == "shutdown" or any(abs(end_s - at - 1.5) < 0.1 for at in on_hook), call
            return
        assert (call.integrity, call.ended_by) == (Integrity.RECOVERED, "power")
        kill_s = min((down.begin_s for down in self._box.downs if down.begin_s >= end_s), default=float("inf"))
        assert kill_s - end_s <= LOSS_S, (call, kill_s, end_s)
        self.losses.append(kill_s - end_s)

    def _span(self, call: CallRecord) -> Span:
        """Where the call's audio lies in the stream; of one killed before its first sample, when it was seized."""
        if call.audio.first_sample is None:
            seized_s = (from_iso(call.seized_at) - self._box.pair._epoch_wall_ns) / NS
            return seized_s, seized_s
        return call.audio.first_sample / RATE, (call.audio.first_sample + call.audio.samples) / RATE

    def _check_link(self, line: str, before: CallRecord, call: CallRecord) -> None:
        """Within one call of the script, a recovered call is continued by the next; nothing else is linked."""
        spans = self._day.off_hook[line]
        begun, (_, ended) = self._span(call)[0], self._span(before)
        same = any(begin <= ended and begun < end and begin <= begun for begin, end in spans)
        cut_off = before.integrity is Integrity.RECOVERED
        if cut_off and same:
            assert call.continues == before.id, (before, call)
        elif not cut_off:
            assert call.continues is None, (before, call)


def subtract(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """What of `spans` no hole covers."""
    left = list(spans)
    for low, high in holes:
        parts = [((begin, min(end, low)), (max(begin, high), end)) for begin, end in left]
        left = [part for pair in parts for part in pair if part[0] < part[1]]
    return left
