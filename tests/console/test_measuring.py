"""`levels`: the extremes of what was reported while somebody lifted, hung up and rang."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.console.support import FakeKeeper, Run, live_status
from tsuwaroku.console.measuring import Measured
from tsuwaroku.service.status import LineStatus, Status, VoltageStatus


def with_voltage(*voltages: VoltageStatus | None) -> Status:
    status = live_status(len(voltages))
    assert status.recorder is not None
    for line, voltage in zip(status.recorder.lines, voltages, strict=True):
        line.voltage = voltage
    return status


def line_of(status: Status) -> LineStatus:
    assert status.recorder is not None
    return status.recorder.lines[0]


def test_the_extremes_of_all_looks_and_the_present_of_the_last() -> None:
    measured = Measured(line="1", state="idle")
    for voltage in (
        VoltageStatus(volts=48.1, low=47.9, high=48.3, threshold=None),
        VoltageStatus(volts=-30.0, low=-121.4, high=60.2, threshold=38.5),
        VoltageStatus(volts=9.2, low=8.8, high=48.0, threshold=28.6),
    ):
        measured.look(line_of(with_voltage(voltage)))
    assert measured == Measured(
        line="1",
        state="answered",
        sound_low=-12.0,
        sound_high=-12.0,
        volts=9.2,
        volts_low=-121.4,
        volts_high=60.2,
        threshold=28.6,
    )
    measured.look(line_of(with_voltage(None)))
    assert (measured.volts, measured.threshold, measured.volts_high) == (None, None, 60.2)


def test_levels_of_a_running_service(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = with_voltage(
        VoltageStatus(volts=48.1, low=47.9, high=48.3, threshold=28.6),
        VoltageStatus(volts=0.1, low=0.0, high=0.2, dead=True),
        None,
    )
    with FakeKeeper(tmp_path / "run" / "keeper.sock", {"/v1/status": (200, msgspec.json.encode(status))}) as keeper:
        ran = run("levels", "--seconds", "0.3", "--store", tmp_path, "--json")
        asked = len(keeper.asked)
        shown = run("levels", "--seconds", "0", "--store", tmp_path)
        monkeypatch.setenv("LANG", "ja_JP.UTF-8")
        japanese = run("levels", "--seconds", "0", "--store", tmp_path)
    assert (ran.code, ran.err, asked) == (0, "", 3)
    assert [(one["volts_low"], one["volts_high"], one["threshold"], one["dead"]) for one in ran.json] == [
        (47.9, 48.3, 28.6, False),
        (0.0, 0.2, None, True),
        (None, None, None, False),
    ]
    assert "28.6 V" in shown.out
    assert "no voltage" in shown.out
    assert "電圧なし" in japanese.out
    assert "学習前" in japanese.out
    assert "しきい値" in japanese.out


def test_nothing_of_a_call_is_in_it(run: Run, tmp_path: Path) -> None:
    """When a call was made is itself a record: no time, no id."""
    status = msgspec.json.encode(with_voltage(None, None))
    with FakeKeeper(tmp_path / "run" / "keeper.sock", {"/v1/status": (200, status)}):
        ran = run("levels", "--seconds", "0", "--store", tmp_path, "--json")
    assert {key for one in ran.json for key in one} == {field.name for field in msgspec.structs.fields(Measured)}
    assert "since" not in ran.out
    assert "call" not in ran.out


def test_without_a_recorder_it_says_so(run: Run, tmp_path: Path) -> None:
    status = live_status(1)
    status.recorder = None
    with FakeKeeper(tmp_path / "run" / "keeper.sock", {"/v1/status": (200, msgspec.json.encode(status))}):
        ran = run("levels", "--seconds", "0", "--store", tmp_path)
    assert "not running" in ran.out
