"""Sensors against sound, through the whole recorder: calls that only sound shows, and alarms about a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.states import write
from tests.service.support import START, play
from tests.service.test_states import QUIET
from tsuwaroku.clock import NS, Instant, from_iso
from tsuwaroku.service.alarms import AlarmBoard

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


# --- alarms


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool, float]]:
    """What was raised and resolved while a script plays: (code, raised, second of the script)."""
    changes: list[tuple[str, bool, float]] = []
    real = AlarmBoard.set

    def told(self: AlarmBoard, code: str, active: bool, now: Instant, line: str = "", detail: str = "") -> bool:
        changed = real(self, code, active, now, line, detail)
        if changed:
            changes.append((code, active, (now.wall_ns - START) / NS))
        return changed

    monkeypatch.setattr(AlarmBoard, "set", told)
    return changes


def stood(alarms: list[tuple[str, bool, float]], code: str) -> list[tuple[bool, float]]:
    return [(raised, at) for each, raised, at in alarms if each == code]


def test_the_contact_is_suspected_while_only_sound_shows_the_call(
    tmp_path: Path, alarms: list[tuple[str, bool, float]]
) -> None:
    path = script(tmp_path, "talk = 100.0", 'stuck_hook = "on"')
    then_a_missed_call(path, at=230.0)
    play(path, tmp_path / "store", config=QUIET)
    (raised, at), (resolved, end) = stood(alarms, "hook_sensor_suspect")
    assert (raised, resolved) == (True, False)
    assert 8 <= at <= 20  # rung twice, three seconds without a ring, and a voice
    assert 190 <= end <= 210  # a minute after the call was decided to be over
    assert {code for code, _, _ in alarms} == {"hook_sensor_suspect"}


@pytest.mark.parametrize(
    ("name", "keys", "line", "codes"),
    [
        ("dead", ("talk = 90.0", "impair = { dead = true }"), "", {"channel_dead", "line_silent"}),
        ("hum", ("talk = 30.0",), "impair = { hum_dbm0 = -22.0 }", {"hum"}),
        ("clipping", ("talk = 60.0", "impair = { gain_db = 18.0, clip_dbm0 = 3.0 }"), "", {"clipping"}),
        ("low", ("talk = 90.0", "impair = { far_db = -14.0 }"), "", {"party_low"}),
        ("good", ("talk = 90.0", "flash = [20.0]"), "", set()),
        ("48 volts", ("talk = 30.0",), "feed = 48", set()),
    ],
)
def test_a_line_that_is_not_well_raises_its_alarm(
    tmp_path: Path, alarms: list[tuple[str, bool, float]], name: str, keys: tuple[str, ...], line: str, codes: set[str]
) -> None:
    """With the notice and without: what we play ourselves is not the line's."""
    for config in (QUIET, None):
        alarms.clear()
        calls = play(script(tmp_path, *keys, line=line), tmp_path / f"{name}{config is None}", config=config)
        assert [(call.outcome.value, call.ended_by) for call in calls] == [("answered", "hook")]
        assert {code for code, _, _ in alarms} - {"notice_not_heard", "notice_failed"} == codes


def test_an_alarm_about_sound_resolves_by_itself(tmp_path: Path, alarms: list[tuple[str, bool, float]]) -> None:
    path = script(tmp_path, "talk = 90.0", "impair = { dead = true }")
    then_a_missed_call(path, at=120.0)
    play(path, tmp_path / "store", config=QUIET)
    for code in ("channel_dead", "line_silent"):
        (raised, at), (resolved, end) = stood(alarms, code)
        assert (raised, resolved) == (True, False)
        assert 60 <= at <= 75
        assert 90 <= end <= 105


# --- the record


def test_when_the_first_and_the_last_was_said_is_in_the_record(tmp_path: Path) -> None:
    keys = ("talk = 12.0", 'end_tones = [["silence", 10.0]]')
    (call,) = play(script(tmp_path, *keys), tmp_path / "store", config=QUIET)
    first, last = call.audio.first_speech_s, call.audio.last_speech_s
    assert first is not None
    assert last is not None
    assert 0 <= first <= 1.5
    assert 10.5 <= last <= 12.5
    assert call.duration_s > 21
    keys = ("talk = 5.0", "impair = { dead = true }")
    (call,) = play(script(tmp_path, *keys), tmp_path / "dead", config=QUIET)
    assert (call.audio.speech_ratio, call.audio.first_speech_s, call.audio.last_speech_s) == (0.0, None, None)
    (call,) = play(script(tmp_path, "rings = 1", "answer = false"), tmp_path / "missed", config=QUIET)
    assert (call.audio.speech_ratio, call.audio.first_speech_s, call.audio.last_speech_s) == (None, None, None)
