"""The lines' voltages in the recorder: shown while they are measured, and a dead line is an alarm."""

from __future__ import annotations

from pathlib import Path

from tests.service.test_lamp_truth import Box
from tsuwaroku.events import BoardFault, LineVoltage, Part
from tsuwaroku.service.status import VoltageStatus


def measured(box: Box, volts: float, *, dead: bool = False) -> None:
    """As the board tells it."""
    event = LineVoltage("1", volts, volts - 0.26, volts + 0.26, 28.512, dead, box.clock.mono_ns)
    box.recorder._other(event)


def shown(box: Box) -> VoltageStatus | None:
    (line,) = box.recorder.status().lines
    return line.voltage


def test_the_last_second_is_shown_and_nothing_when_nothing_is_measured(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(1.0)
    assert shown(box) is None
    measured(box, 48.04)
    assert shown(box) == VoltageStatus(volts=48.0, low=47.8, high=48.3, threshold=28.5, dead=False)
    box.until(3.5)
    assert shown(box) is not None
    box.until(4.5)
    assert shown(box) is None
    box.until(26.0)
    box.end()


def test_a_dead_line_is_told_and_resolves_by_itself(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(0.5)
    measured(box, 0.1, dead=True)
    box.until(1.2)
    assert box.alarms() == {"line_dead"}
    (alarm,) = box.recorder.status().alarms
    assert (alarm.line, alarm.severity) == ("1", "critical")
    measured(box, 48.0)
    box.until(2.2)
    assert box.alarms() == set()
    box.until(26.0)
    box.end()


def test_a_meter_that_fails_stops_no_recording(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(0.5)
    measured(box, 0.1, dead=True)
    box.recorder._other(BoardFault("", True, "no ADC", box.clock.mono_ns, Part.METER))
    box.until(9.0)
    assert box.alarms() == {"meter_failed"}
    assert box.lamp == "lit"
    box.recorder._other(BoardFault("", False, "", box.clock.mono_ns, Part.METER))
    assert box.alarms() == set()
    box.until(26.0)
    box.end()
