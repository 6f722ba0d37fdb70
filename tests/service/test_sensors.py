"""Sensors against sound, through the whole recorder: calls that only sound shows, and alarms about a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.states import write
from tests.service.support import START, play
from tests.service.test_states import QUIET
from tsuwaroku.clock import NS, from_iso

CALL = '[[call]]\nline = "1"\nat = 3.0\ndirection = "{direction}"\n{keys}\n'


def script(folder: Path, *keys: str, direction: str = "inbound", line: str = "") -> Path:
    path = folder / "script.toml"
    head = f'[[line]]\nline = "1"\n{line}\n' if line else ""
    path.write_text(head + CALL.format(direction=direction, keys="\n".join(keys)), encoding="utf-8")
    return path


def test_a_call_behind_a_contact_stuck_on_hook_is_captured(tmp_path: Path) -> None:
    scenario = write(tmp_path, "sensor_on_hook")
    then_a_missed_call(scenario.script, at=90.0)
    call, _ = play(scenario.script, tmp_path / "store", config=QUIET)
    (truth,) = scenario.truth
    assert truth.answered_ns is not None
    assert (call.direction.value, call.outcome.value) == ("inbound", "answered")
    assert (call.answer_inferred, call.started_by, call.ended_by) == (True, "contact", "sound")
    first_ns, last_ns = truth.answered_ns, truth.ended_ns
    answered_ns = from_iso(call.answered_at or "") - START
    assert first_ns <= answered_ns <= first_ns + 2 * NS  # the greeting's first words are in the pre-roll
    assert abs(from_iso(call.ended_at or "") - START - last_ns) <= 2 * NS
    assert call.audio.samples / 8000 >= (last_ns - answered_ns) / NS
    assert call.audio.gaps == []


def test_without_a_ring_too_and_nobody_knows_who_called(tmp_path: Path) -> None:
    path = script(tmp_path, 'dial = "0312345678"', "talk = 40.0", 'stuck_hook = "on"', direction="outbound")
    then_a_missed_call(path, at=110.0)
    call, _ = play(path, tmp_path / "store", config=QUIET)
    assert (call.direction.value, call.outcome.value) == ("unknown", "answered")
    assert (call.started_by, call.ended_by, call.dialled) == ("sound", "sound", None)
    assert call.duration_s >= 30.0
    assert (call.audio.speech_ratio or 0.0) > 0.3


def then_a_missed_call(path: Path, at: float) -> None:
    """So that the script goes on, beyond the silence that ends a call by sound."""
    later = CALL.format(direction="inbound", keys="rings = 1\nanswer = false").replace("at = 3.0", f"at = {at}")
    path.write_text(path.read_text(encoding="utf-8") + later, encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    [
        "impair = { noise_dbm0 = -38.0 }",
        "impair = { hum_dbm0 = -20.0 }",
        "impair = { hum_dbm0 = -10.0, hum_hz = 60.0, noise_dbm0 = -45.0 }",
    ],
)
def test_a_bad_line_alone_never_starts_one(tmp_path: Path, line: str) -> None:
    """The one call of the script, and nothing before, between its rings or after it."""
    path = script(tmp_path, "rings = 4", "answer = false", line=line)
    text = path.read_text(encoding="utf-8")
    later = CALL.format(direction="inbound", keys="talk = 6.0").replace("at = 3.0", "at = 90.0")
    path.write_text(text + later, encoding="utf-8")
    calls = play(path, tmp_path / "store", config=QUIET)
    assert [(call.outcome.value, call.started_by, call.ended_by) for call in calls] == [
        ("missed", "contact", "hook"),
        ("answered", "contact", "hook"),
    ]
