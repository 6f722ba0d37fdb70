"""The voltages of the lines: found by the ADC's name, in volts, and nothing breaks where it is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hal.iio import FakeAdc
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.hal import meter as hal_meter
from tsuwaroku.hal.hats import MeterPlan, resolve
from tsuwaroku.hal.meter import Meter, Sample


def plan_of(*ports: int, **board: object) -> MeterPlan | None:
    lines = tuple(LineConfig(id=f"2{port}", port=port) for port in ports)
    return resolve(Config(board=BoardConfig(**({"kind": "tsuwa2"} | board)), line=lines)).meter  # type: ignore[arg-type]


@pytest.fixture
def faults() -> list[str]:
    return []


def made(root: Path, faults: list[str], *ports: int) -> Meter:
    plan = plan_of(*ports)
    assert plan is not None
    return Meter(plan.name, plan.channels, plan.volts, faults.append, root=root)


def until(come: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not come():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_plan_has_the_channel_of_each_connector_and_the_scale_of_the_circuit() -> None:
    plan = plan_of(1, 2)
    assert plan is not None
    assert (plan.name, dict(plan.channels)) == ("mcp3208", {"21": 0, "22": 1})
    assert plan.volts(2048) == 0
    assert plan.volts(2048 + 483) == pytest.approx(48.04, abs=0.01)
    assert plan.volts(2048 - 483) == pytest.approx(-48.04, abs=0.01)
    assert plan.volts(4095) == pytest.approx(203.6, abs=0.1)
    assert plan_of(1, meter="none") is None
    assert resolve(Config(board=BoardConfig(kind="tsuwa8"), line=(LineConfig(id="a", port=8),))).meter == MeterPlan(
        "mcp3208", {"a": 7}, plan.step
    )


def test_lines_on_another_card_have_no_channel() -> None:
    """Their port is a channel of that card, not a connector of the board."""
    from tsuwaroku.config import CardConfig

    lines = (LineConfig(id="1", port=1), LineConfig(id="9", card="usb", port=2, hook="4", ring="5"))
    board = BoardConfig(kind="tsuwa2", card=(CardConfig(name="usb", channels=2),))
    plan = resolve(Config(board=board, line=lines)).meter
    assert plan is not None
    assert dict(plan.channels) == {"1": 0}


def test_it_is_found_by_its_name_whatever_its_number(tmp_path: Path, faults: list[str]) -> None:
    FakeAdc(tmp_path, "cpu-thermal", 0)
    adc = FakeAdc(tmp_path, "mcp3208", 7)
    adc.volts(0, 48)
    adc.volts(1, -9)
    meter = made(tmp_path, faults, 1, 2)
    meter.open()
    first = meter.drain()[:2]
    assert [(one.line, round(one.volts)) for one in first] == [("21", 48), ("22", -9)]
    adc.volts(1, 34)
    seen: list[Sample] = []

    def arrived() -> bool:
        seen.extend(meter.drain())
        return any(one.line == "22" and round(one.volts) == 34 for one in seen)

    until(arrived)
    meter.close()
    meter.close()
    assert faults == []
    assert [one.mono_ns for one in seen] == sorted(one.mono_ns for one in seen)


def test_a_converter_that_is_missing_is_told_once_and_taken_when_it_comes(
    tmp_path: Path, faults: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hal_meter, "RETRY_S", 0.02)
    FakeAdc(tmp_path, "ads1115", 3)
    meter = made(tmp_path, faults, 1)
    meter.open()
    time.sleep(0.1)
    assert faults == [
        "0 of the voltage ADCs are named mcp3208; "
        "ADCs present: ads1115; load the board's overlay or name another in board.meter"
    ]
    assert meter.drain() == []
    adc = FakeAdc(tmp_path, "mcp3208", 1)
    adc.volts(0, 48)
    until(lambda: faults[1:] == [""])
    until(lambda: any(round(one.volts) == 48 for one in meter.drain()))
    meter.close()


def test_of_two_none_is_taken(tmp_path: Path, faults: list[str]) -> None:
    for number in (0, 1):
        FakeAdc(tmp_path, number=number)
    meter = made(tmp_path, faults, 1)
    meter.open()
    meter.close()
    assert faults[0].startswith("2 of the voltage ADCs are named mcp3208")


@pytest.mark.parametrize("broken", ["", "x"])
def test_what_cannot_be_read_is_a_fault_until_it_can(
    tmp_path: Path, faults: list[str], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(hal_meter, "RETRY_S", 0.02)
    adc = FakeAdc(tmp_path)
    meter = made(tmp_path, faults, 1)
    meter.open()
    adc.reads(0, broken)
    until(lambda: faults)
    assert faults[0].startswith("the voltage ADC mcp3208 cannot be read (")
    adc.volts(0, 24)
    until(lambda: faults[1:] == [""])
    meter.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("meter")]


def test_a_queue_that_nobody_reads_does_not_grow(
    tmp_path: Path, faults: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hal_meter, "EVERY_S", 0.0)
    FakeAdc(tmp_path)
    meter = made(tmp_path, faults, 1, 2)
    meter.open()
    time.sleep(0.5)
    meter.close()
    assert 100 < len(meter.drain()) <= 4096
