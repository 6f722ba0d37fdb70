"""The live view, frame by frame: it fits the screen, in both languages, and shows no numbers."""

from __future__ import annotations

import io
import itertools
import time
from pathlib import Path

import pytest
from rich.console import Console

from tests.console.support import live_status
from tsuwaroku.console import live
from tsuwaroku.console.texts import WORDS, t
from tsuwaroku.hal.board import Lamp
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.status import Status
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import list_calls

SIZES = ((80, 24), (100, 24), (120, 40), (200, 60))


@pytest.fixture(scope="module")
def calls(office: Path) -> list[CallRecord]:
    return list_calls(Store.open(office), PrivateKey.load(office / "demo.key", lambda: ""))


def drawn(status: Status | None, calls: list[CallRecord], size: tuple[int, int], **more: list[str]) -> list[str]:
    """The rows of a frame, on a screen so tall that nothing is cropped."""
    console = Console(file=io.StringIO(), width=size[0], height=999, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(live.view(status, calls, size=size, at_s=0.0, **more))
    return capture.get().splitlines()


@pytest.mark.parametrize("language", ["C.UTF-8", "ja_JP.UTF-8"])
@pytest.mark.parametrize(("lines", "alarms"), list(itertools.product((1, 4, 8, 16), (0, 1, 6))))
def test_it_fits_and_keeps_every_line(
    language: str, lines: int, alarms: int, calls: list[CallRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    for size in SIZES:
        rows = drawn(live_status(lines, alarms=alarms), calls * 3, size)
        assert len(rows) <= size[1]
        assert [n for n in range(1, lines + 1) if not any(f"{n}/{2100 + n}" in row for row in rows)] == []
        assert sum("▲" in row for row in rows) == min(alarms, 4)
        assert "Ctrl-C" in rows[-1]


def test_the_latest_calls_come_first_and_no_numbers(calls: list[CallRecord]) -> None:
    rows = drawn(live_status(2, alarms=0), calls, (80, 24))
    found = [row.split()[0] for row in rows if row.lstrip().startswith("#")]
    assert found == [f"#{call.sequence}" for call in reversed(calls)]
    rows = drawn(live_status(14, alarms=0), calls, (80, 24))
    found = [row.split()[0] for row in rows if row.lstrip().startswith("#")]
    assert found == ["#7", "#6", "#5", "#4"]
    numbers = {call.caller.number for call in calls} | {call.called for call in calls} | {"0312345678"}
    assert [number for number in numbers if number and any(number in row for row in rows)] == []


def test_a_call_in_progress_shows_state_time_level_notice_and_mark() -> None:
    row = next(row for row in drawn(live_status(2), [], (80, 24)) if "1/2101" in row)
    assert row.split() == ["●", "1/2101", "talking", "0:20", "█████████▌", "announced", "★"]


@pytest.mark.parametrize("language", ["C.UTF-8", "ja_JP.UTF-8"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_columns_stay_where_they_are(
    language: str, size: tuple[int, int], calls: list[CallRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    heads = set()
    for state, notice in itertools.product(WORDS["state"], [None, *WORDS["notice"]]):
        status = live_status(2, alarms=0)
        assert status.recorder is not None
        for line in status.recorder.lines:
            line.state, line.notice = state, notice
        heads.add(next(row for row in drawn(status, calls, size) if t("live.col.level") in row))
    assert len(heads) == 1


def test_before_the_service_answers_and_when_a_process_died() -> None:
    assert "starting…" in "\n".join(drawn(None, [], (80, 24)))
    rows = drawn(live_status(1, alarms=0), [], (80, 24), dead=["keeper"])
    assert [row for row in rows if "keeper" in row] == ["the keeper process ended and is being restarted"]


@pytest.mark.parametrize(
    ("state", "frames"),
    [
        (Lamp.DARK, "0000000000"),
        (Lamp.LIT, "1111111111"),
        (Lamp.FAST, "1010101010"),
        (Lamp.SLOW, "1111100000"),
        (Lamp.ACK, "0101010101"),
    ],
)
def test_lamps_blink(state: Lamp, frames: str) -> None:
    shown = "".join(str(int("bright_red" in str(live.lamp(state, (n + 0.5) * live.FRAME_S).style))) for n in range(10))
    assert shown == frames


@pytest.mark.parametrize(
    ("dbfs", "bar"), [(None, ""), (-90.0, ""), (-60.0, ""), (-30.0, "██████"), (0.0, "█" * 12), (3.0, "█" * 12)]
)
def test_the_level_bar(dbfs: float | None, bar: str) -> None:
    console = Console(file=io.StringIO(), width=40, legacy_windows=False)
    with console.capture() as capture:
        console.print(live.level(dbfs))
    assert capture.get().rstrip() == bar


def test_the_feed_follows_the_store(office: Path, calls: list[CallRecord]) -> None:
    with live.CallFeed(office, PrivateKey.load(office / "demo.key", lambda: "")) as feed:
        for _ in range(200):
            if feed.calls:
                break
            time.sleep(0.05)
        assert [call.id for call in feed.calls] == [call.id for call in calls]
