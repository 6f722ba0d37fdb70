"""The keeper stopped and killed: the recorder goes on alone for an hour, and nothing is lost."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.crash.box import Box, Findings, Span, make_day, subtract
from tests.service.support import START, calls_in, demo_key
from tsuwaroku.clock import NS, VirtualClock
from tsuwaroku.config import Config, LineConfig
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.records.call import CallRecord, Integrity
from tsuwaroku.service.assembly import Assembled, new_instance
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.link import LeaseChanged, Upward
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

RATE = 8000
TILE = 524_287  # samples, about a minute; prime, so that no two seconds of a call sound alike
CONFIG = Config(line=tuple(LineConfig(id=str(n + 1)) for n in range(4)))


class Busy:
    """A line off-hook during `spans`, with noise that repeats only after a minute."""

    mixes_notice = False

    def __init__(self, line: str, spans: list[Span], level: float, seconds: float) -> None:
        self.line = line
        self.spans = spans
        self._samples = round(seconds * RATE)
        noise = np.random.default_rng(int(line)).normal(0, level, TILE).clip(-32768, 32767)
        self._tile = noise.astype("<i2")
        self._edges = [
            ContactEdge(line, Contact.HOOK, active, round(at * NS))
            for begin, end in spans
            for at, active in ((begin, True), (end, False))
        ]

    def events(self, start_ns: int, end_ns: int) -> list[ContactEdge | ButtonPressed]:
        return [edge for edge in self._edges if start_ns <= edge.mono_ns < end_ns]

    def read(self, first_sample: int, count: int) -> bytes:
        return self.sound(first_sample, min(count, self._samples - first_sample))

    def sound(self, first: int, count: int) -> bytes:
        return self._tile[np.arange(first, first + max(0, count)) % TILE].tobytes()

    def ends_ns(self) -> int:
        return self._samples * NS // RATE


class Nobody:
    """A link to a keeper that is not there."""

    connected = False
    live = False

    def send(self, message: Upward) -> None:
        pass

    def receive(self) -> Sequence[LeaseChanged]:
        return ()

    def close(self) -> None:
        pass


def an_hour(seconds: float) -> list[Busy]:
    """Two lines in one long call each, at the loudest noise a line can have, two with a call after the other."""
    rng = random.Random(3)
    sources = [Busy(line, [(2.0, seconds - 5)], 12_000, seconds) for line in ("1", "2")]
    for line in ("3", "4"):
        spans, at = [], 3.0
        while at + 50 < seconds:
            end = round(at + rng.uniform(15, 40), 2)
            spans.append((at, end))
            at = round(end + 4.5, 2)
        sources.append(Busy(line, spans, 400, seconds))
    return sources


@pytest.mark.parametrize("minutes", [5, pytest.param(60, marks=pytest.mark.slow)])
def test_without_a_keeper_for_an_hour_nothing_is_lost(tmp_path: Path, minutes: int) -> None:
    path = tmp_path / "store"
    clock = VirtualClock(START)
    with_keeper = Keeper(_store(path, 1200 if minutes == 60 else 200), CONFIG, clock)
    with_keeper.start()
    lent = with_keeper.free_slots
    with_keeper._lock.release()  # killed

    sources = an_hour(60.0 * minutes)
    store = Store.open(path, need_device=True)
    board = VirtualBoard(sources, clock, realtime=False)
    board.open()
    alone = Assembled(
        CONFIG, board=board, clock=clock, store=store, link=Nobody(), instance=new_instance(), inline=True
    )
    alone.recorder.run(lambda: False)
    board.close()
    alone.release()
    assert alone.writer.free_slots < lent
    assert list(Catalogue(store.catalogue_dir).entries()) == []

    keeper = Keeper(store, CONFIG, clock)
    keeper.start()
    keeper.close()
    listed = sorted(entry.public.sequence for entry in Catalogue(store.catalogue_dir).entries())
    report = verify_store(store, demo_key(path))
    store.close()
    assert (report.ok, report.problems, report.notes) == (True, [], [])
    calls = calls_in(path)
    wanted = sum(len(source.spans) for source in sources)
    assert sorted(call.sequence for call in calls) == listed == list(range(1, wanted + 1))
    for source in sources:
        check_line(source, [call for call in calls if call.line == source.line])


def _store(path: Path, slots: int) -> Store:
    create_demo_store(path, CONFIG, slots)
    return Store.open(path, need_device=True)


def check_line(source: Busy, calls: list[CallRecord]) -> None:
    """Every sample from off-hook to on-hook, in one run a call."""
    assert [(call.integrity, call.audio.gaps) for call in calls] == [(Integrity.SEALED, [])] * len(source.spans)
    runs = [run for call in calls for run in call.audio.runs]
    assert len(runs) == len(calls)
    for run in runs:
        assert hashlib.sha256(source.sound(run.first_sample, run.samples)).hexdigest() == run.pcm_sha256
    recorded = [(run.first_sample / RATE, (run.first_sample + run.samples) / RATE) for run in runs]
    assert subtract(source.spans, recorded) == []


@pytest.mark.xdist_group("clock")
def test_a_keeper_stopped_and_killed_costs_nothing(tmp_path: Path) -> None:
    box = Box(tmp_path / "box", make_day(tmp_path, 60.0), random.Random(0))
    try:
        box.start()
        box.settle()
        keeper_up(box)
        begin_s, end_s = next_call(box)
        wait(box, begin_s - 0.5 - box.now_s())
        pid = box.pair.pid("keeper")
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        wait(box, max(10.0, end_s + 2.0 - box.now_s()))
        box.kill("keeper")
        (box.path / "run" / "keeper.sock").unlink(missing_ok=True)
        keeper_up(box)
        wait(box, 3.0)
        assert box.pair.restarts == 1
    finally:
        box.stop()
    findings = Findings(box)
    findings.check()
    whole = [run for call in findings.calls if call.ended_by == "hook" for run in call.audio.runs]
    spans = [(run.first_sample / RATE, (run.first_sample + run.samples) / RATE) for run in whole]
    assert subtract([(begin_s, end_s)], spans) == []
    assert [call.integrity for call in findings.calls] == [Integrity.SEALED] * len(findings.calls)


def next_call(box: Box) -> Span:
    """The next one whose beginning is to come, and that lasts 7 s at most; when it comes, a busy machine decides."""
    spans = sorted(span for line in box.day.off_hook.values() for span in line)
    return next((begin, end) for begin, end in spans if begin > box.now_s() + 1.5 and end - begin <= 7)


def keeper_up(box: Box) -> None:
    until = time.monotonic() + 15
    while not (box.path / "run" / "keeper.sock").exists():
        assert time.monotonic() < until
        wait(box, 0.05)


def wait(box: Box, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        box.pair.poll()
        time.sleep(0.02)
