"""`unrecorded`: what could not be recorded, in words, from a store's files and from its keeper alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.console.support import Run
from tests.service.serving import serving
from tests.service.support import START
from tests.store.reading import Box
from tsuwaroku.clock import NS, ClockQuality, Instant, VirtualClock
from tsuwaroku.config import Config, LineConfig
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store.journal import JournalType

HOUR = 3600 * NS
FIRST, SECOND = b"A" * 16, b"B" * 16


def then(boot: bytes, mono_ns: int) -> Instant:
    begin = START if boot == FIRST else START + 10 * HOUR
    return Instant(begin + mono_ns, mono_ns, boot, ClockQuality.SYNCHRONISED)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Recorded an hour, lost its card for a minute, was cut off, and began again ten hours later: for good."""
    made = Box(tmp_path / "store")
    journal = made.journal("recorder")
    journal.append(JournalType.RECORDER_STARTED, then(FIRST, NS))
    journal.append(JournalType.ALIVE, then(FIRST, HOUR), public={"line": "1", "capture": False})
    journal.append(JournalType.ALIVE, then(FIRST, HOUR + 60 * NS), public={"line": "1", "capture": True})
    journal.append(JournalType.RECORDER_STARTED, then(SECOND, 40 * NS))
    journal.append(JournalType.RECORDER_STOPPED, then(SECOND, HOUR))
    journal.close()
    return made


def causes(found: list[dict[str, Any]]) -> list[tuple[str, str, float | None]]:
    return [(one["cause"], one["line"], one["longest_s"]) for one in found]


def test_they_are_listed_with_their_bounds(run: Run, box: Box) -> None:
    ran = run("unrecorded", "--store", box.store.path, "--json")
    assert ran.code == 0
    assert causes(ran.json) == [
        ("capture", "1", 60.0),
        ("off", "", 9 * 3600.0 - 60),
        ("booting", "", 40.0),
        ("off", "", None),  # to this day
    ]
    off = ran.json[1]
    assert off["shortest_s"] == off["longest_s"] - 600
    shown = run("unrecorded", "--store", box.store.path).out
    assert "no power" in shown
    assert "8:49:00 – 8:59:00" in shown
    assert "goes on" in shown


def test_in_words_a_clerk_would_use(run: Run, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    shown = run("unrecorded", "--store", box.store.path).out
    assert "電源断・停止" in shown
    assert "全回線" in shown
    assert "録音できなかった時間: 4 件" in shown


def test_only_the_days_that_were_asked_for(run: Run, box: Box) -> None:
    assert causes(run("unrecorded", "--store", box.store.path, "--to", "2026-01-01", "--json").json) == []
    later = run("unrecorded", "--store", box.store.path, "--from", "2099-01-01", "--json").json
    assert causes(later) == [("off", "", None)]
    assert run("unrecorded", "--store", box.store.path, "--from", "2026-13-01").code == 2
    assert "On these days" in run("unrecorded", "--store", box.store.path, "--to", "2026-01-01").out


def test_the_keeper_says_the_same(run: Run, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A technician asks it, who need not be able to read the store."""
    from tsuwaroku.service import unrecorded

    files = run("unrecorded", "--store", box.store.path, "--json").json
    settings = Config(line=(LineConfig(id="1"),))
    keeper = Keeper(box.store, settings, VirtualClock(START + 20 * HOUR))
    keeper.start()
    monkeypatch.setattr(unrecorded, "of_store", None)
    monkeypatch.setattr(unrecorded, "PIECE", 1)  # blanks between the pieces are no part of the list
    with serving(keeper, box.store.path, settings):
        asked = run("unrecorded", "--store", box.store.path, "--json").json
    keeper.close()
    assert causes(asked) == causes(files)
