"""The figures of the manual are the boards': thresholds by the divider, addresses, names and files by the code."""

from __future__ import annotations

import re

import pytest

from hw.tests.software.conftest import HW
from hw.tsuwa2 import pinmap as two
from hw.tsuwa8 import pinmap as eight
from tsuwaroku.hal import feed
from tsuwaroku.hal.hats import HATS
from tsuwaroku.service.assembly import LEVELS_FILE

MANUAL = (HW / "MANUAL.ja.md").read_text(encoding="utf-8")
# From the supply to ground: the ladder of a line's thresholds, in kΩ.
LADDER = (34, 8.25, 7.68, 7.68, 8.25, 34)
JUMPER = 7.68
SUPPLY_V = 3.3


def on_ladder(*rungs: float) -> list[float]:
    """The voltage below each rung."""
    left, found = sum(rungs), []
    for rung in rungs[:-1]:
        left -= rung
        found.append(SUPPLY_V * left / sum(rungs))
    return found


def line_volts(threshold: float) -> float:
    return (threshold - SUPPLY_V / 2) / two.SENSE_GAIN


def test_the_thresholds_to_measure_are_those_of_the_ladder() -> None:
    ring_high, hook_high, middle, hook_low, ring_low = on_ladder(*LADDER)
    assert f"| L1_THHH／L1_THHL（受話器のしきい値 ±31 V） | {hook_high:.2f} V／{hook_low:.2f} V" in MANUAL
    assert f"| L1_THRH／L1_THRL（呼出のしきい値 ±65 V） | {ring_high:.2f} V／{ring_low:.2f} V" in MANUAL
    assert middle == pytest.approx(SUPPLY_V / 2)
    assert [round(line_volts(one)) for one in (ring_high, hook_high, hook_low, ring_low)] == [65, 31, -31, -65]


def test_the_thresholds_with_the_jumpers_are_those_of_the_ladder() -> None:
    half = 7.68 * JUMPER / (7.68 + JUMPER)
    ring, hook, *_ = on_ladder(34, 8.25, half, half, 8.25, 34)
    assert (round(line_volts(hook)), round(line_volts(ring))) == (17, 53)
    assert "しきい値は ±17 V と ±53 V になります" in MANUAL


def test_what_the_commands_are_to_show_is_what_the_boards_have() -> None:
    found = re.search(r"tsuwa2：(\w+)（UU）。tsuwa8：([\w、]+)（UU）", MANUAL)
    assert found is not None
    assert [int(one, 16) for one in [found[1], *found[2].split("、")]] == [*two.I2C, *eight.I2C]
    for board in ("tsuwa2", "tsuwa8"):
        assert f"`{HATS[board].capture.removeprefix('plughw:CARD=')}`" in MANUAL
        assert f"`{HATS[board].meter}`" in MANUAL
        assert f"card_rate = {HATS[board].card_rate}" in MANUAL
    low, high = map(int, re.search(r"in_voltage0_raw`（回線は開放） \| (\d+)～(\d+)", MANUAL).groups())  # type: ignore[union-attr]
    assert (low + high) / 2 == 2048
    # As far off as two volts of the line: the difference amplifier's resistors are 1 %.
    assert (high - 2048) * (SUPPLY_V / 4096 / two.SENSE_GAIN) == pytest.approx(2, abs=0.1)
    assert sum(len(one.nets) for one in eight.EXPANDERS.values()) == 40
    assert "など40本の名称" in MANUAL


def test_a_dead_line_and_the_file_are_the_codes() -> None:
    assert MANUAL.count(f"{feed.DEAD_V} V 未満") == 2
    assert f"`{LEVELS_FILE}`" in MANUAL
    assert f"電圧が {feed.IDLE_MAX_V:.0f} V を超える回線" in MANUAL


def test_the_first_screen_says_what_it_may_not_be_connected_to() -> None:
    """Nobody reads on who does not have to."""
    first = "\n".join(MANUAL.splitlines()[:12])
    for word in ("実物の回線で測定したことは一度もなく", "どの認証も受けていません", "絶対につながないでください"):
        assert word in first
