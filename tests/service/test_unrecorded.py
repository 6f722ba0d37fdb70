"""What the box could not record shows, by the words of real recorders in their journal: no key, no guess."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.service.support import START
from tests.service.test_lamp_truth import SCRIPT, Box
from tsuwaroku.clock import NS, Instant, VirtualClock
from tsuwaroku.errors import StoreError
from tsuwaroku.events import GapReason
from tsuwaroku.hal.virtual import Fault
from tsuwaroku.records.unrecorded import ALIVE_EVERY_NS
from tsuwaroku.service.unrecorded import Unrecorded, of_store, touching
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.layout import Store

LONG = SCRIPT.replace("talk = 16.0", "talk = 1500.0")


def booted() -> VirtualClock:
    """One that has booted, unlike a simulation's."""
    return VirtualClock(START, boot_id=bytes(range(16)))


def told(box: Box, at_s: float = 0.0) -> list[tuple[str, str, float, float | None]]:
    """Line, cause and bounds of the length, as of the clock's time (`at_s` later)."""
    now = box.clock.now()
    later = Instant(now.wall_ns + int(at_s * NS), now.mono_ns + int(at_s * NS), now.boot_id, now.quality)
    return [(one.line, one.cause, one.shortest_s, one.longest_s) for one in of_store(box.store, later)]


def words(store: Store) -> list[JournalType]:
    return [record.type for record in Journal.open(store.journal_dir, "recorder", store).records()]


def test_a_recorder_says_that_it_began_that_it_is_there_and_that_it_ended(tmp_path: Path) -> None:
    box = Box(tmp_path, clock=booted(), text=LONG)
    box.until(1300.0)
    box.end()
    assert words(box.store) == [
        JournalType.RECORDER_STARTED,
        JournalType.ALIVE,
        JournalType.ALIVE,
        JournalType.RECORDER_STOPPED,
    ]
    assert told(box) == [("", "stopped", 0.0, None)]
    assert [round(shortest) for *_, shortest, _ in told(box, 3600.0)] == [3600]


def test_of_a_line_that_nobody_telephones_on_it_is_known_too(tmp_path: Path) -> None:
    """An idle recorder has nothing to commit, and says its word all the same."""
    box = Box(tmp_path, clock=booted(), text=SCRIPT.replace("at = 1.0", "at = 1250.0"))
    box.until(1240.0)
    assert words(box.store).count(JournalType.ALIVE) == 2
    assert told(box) == []
    assert [cause for _, cause, _, _ in told(box, 3 * ALIVE_EVERY_NS / NS)] == ["broken_off"]
    box.end()


def test_a_card_that_was_unplugged_is_a_stretch_of_its_line(tmp_path: Path) -> None:
    faults = (Fault("1", 20.0, 30.0, GapReason.UNPLUGGED),)
    box = Box(tmp_path, clock=booted(), text=LONG, faults=faults)
    box.until(40.0)
    assert [(line, cause, longest) for line, cause, _, longest in told(box)] == [("1", "capture", None)]
    box.until(60.0)
    ((line, cause, shortest, longest),) = told(box)
    assert (line, cause, shortest) == ("1", "capture", longest)
    assert shortest == pytest.approx(30.0, abs=1.1)  # told with the batch of that second
    box.end()


def test_a_disk_that_took_nothing_tells_so_when_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, clock=booted(), text=LONG)
    box.until(100.0)

    def fail(*_: object) -> None:
        raise StoreError("input/output error", where="ring-00000.dat")

    monkeypatch.setattr(box.store.ring, "sync", fail)
    box.until(400.0)
    assert told(box) == []
    monkeypatch.undo()
    box.until(410.0)
    ((line, cause, shortest, longest),) = told(box)
    assert (line, cause) == ("", "storage")
    assert longest == pytest.approx(300.0, abs=3.0)
    assert shortest == pytest.approx(240.0, abs=3.0)  # the first minute waits in memory
    box.end()


def test_a_disk_that_stalls_for_no_longer_than_calls_wait_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path, clock=booted(), text=LONG)
    box.until(100.0)

    def fail(*_: object) -> None:
        raise StoreError("input/output error", where="ring-00000.dat")

    monkeypatch.setattr(box.store.ring, "sync", fail)
    box.until(150.0)
    monkeypatch.undo()
    box.until(160.0)
    assert told(box) == []
    box.end()


def test_a_journal_that_cannot_be_written_keeps_the_words_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path, clock=booted(), text=LONG)

    def fail(*_: object, **__: object) -> None:
        raise StoreError("no space", where="recorder-00000.dat")

    monkeypatch.setattr(Journal, "append", fail)
    box.until(700.0)
    assert words(box.store) == []
    assert "storage_failed" in box.alarms()
    monkeypatch.undo()
    box.until(720.0)
    assert words(box.store)[:2] == [JournalType.RECORDER_STARTED, JournalType.ALIVE]
    box.end()


def test_a_power_cut_is_between_the_last_word_and_the_next_one_owed(tmp_path: Path) -> None:
    box = Box(tmp_path, clock=booted(), text=LONG)
    box.until(700.0)
    record = Journal.open(box.store.journal_dir, "recorder", box.store).records()[-1]
    off = Instant(START + 7200 * NS, 30 * NS, b"B" * 16, record.quality)
    (one,) = of_store(box.store, off)
    assert (one.cause, one.line, one.end) == ("off", "", None)
    assert one.longest_s is None
    box.end()


def test_days_are_those_a_stretch_touches() -> None:

    one = Unrecorded(
        line="",
        cause="off",
        begin="2026-11-23T23:00:00.000+09:00",
        begin_latest="2026-11-23T23:10:00.000+09:00",
        end="2026-11-25T01:00:00.000+09:00",
        shortest_s=1.0,
        longest_s=2.0,
    )
    for day, there in ((22, False), (23, True), (24, True), (25, True), (26, False)):
        assert (touching([one], date(2026, 11, day), date(2026, 11, day)) == [one]) is there
    assert touching([one], None, None) == [one]
