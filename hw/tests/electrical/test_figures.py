"""Every figure within its limit; the limits are those promised; the table in the README is what is measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hw.circuit.bom import cost_table
from hw.circuit.figures import Figure, broken, show, table
from hw.circuit.insulation import spacing_table
from hw.circuit.measure import MEASURES
from hw.circuit.measure_stress import SURGE_VOLTS
from hw.circuit.measure_voltage import FEEDS, LINES, SETS, gain
from hw.circuit.netlist import Netlist
from hw.tsuwa2.pinmap import SENSE_GAIN

from .conftest import Measured

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
def test_figures_are_within_their_limits(measured: Measured, measure: Callable[[Netlist], list[Figure]]) -> None:
    figures = measured(measure)
    assert broken(figures) == []
    assert [figure.name for figure in figures if figure.low is None and figure.high is None] == []


# What the boards are promised to do, by the name of the figure: the limits nobody may loosen.
PROMISED: dict[str, tuple[float | None, float | None]] = {
    "DC resistance between the wires, on-hook": (20, None),
    "off-hook missed by HOOK, tap at the set": (None, 0),
    "off-hook missed by HOOK, tap at the exchange": (49, 49),
    "off-hook missed by the measured voltage, tap at the exchange": (None, 0),
    "delay of a hook edge, most": (None, 1.0),
    "pick-up, 300 to 3400 Hz against 1 kHz (nominal)": (-1, 1),
    "insertion loss, idle, 300 to 3400 Hz": (None, 0.2),
    "notice on the line, codec at full scale": (-16, -8),
    "crosstalk at 1500 Hz, line 1 to line 2's pair": (70, None),
    "crosstalk at 1500 Hz, line 1 to line 2's recording": (70, None),
    "line to the Pi's ground at 200 V DC": (10, None),
    "impedance at 16 Hz": (20, None),
}
# What the study of this circuit found, and this circuit has to find again.
FOUND = {
    "HOOK threshold, A positive": (31.3, 0.2),
    "RING threshold, A positive": (65, 0.3),
    "insertion loss, idle, 300 to 3400 Hz": (0.083, 0.005),
    "notice on the line, codec at full scale": (-14.3, 0.1),
    "delay of a hook edge, least": (0.6, 0.05),
    "delay of a hook edge, most": (0.77, 0.05),
}


def everything(measured: Measured) -> dict[str, Figure]:
    figures = [figure for measure in MEASURES for figure in measured(measure)]
    assert len({figure.name for figure in figures}) == len(figures)
    return {figure.name: figure for figure in figures}


def test_the_promised_limits_are_the_ones_held(measured: Measured) -> None:
    figures = everything(measured)
    assert {name: (figures[name].low, figures[name].high) for name in PROMISED} == PROMISED


def test_the_study_and_this_circuit_agree(measured: Measured) -> None:
    figures = everything(measured)
    for name, (value, apart) in FOUND.items():
        assert figures[name].value == pytest.approx(value, abs=apart), name


def test_the_corners_are_those_of_the_task() -> None:
    assert (min(LINES), max(LINES)) == (0, 1500)
    assert len(FEEDS) * len(LINES) * len(SETS) * 3 == 189
    assert SURGE_VOLTS == 1500


def test_the_driver_counts_with_the_gain_of_the_circuit(line: Netlist) -> None:
    assert gain(line) == pytest.approx(SENSE_GAIN)


def test_the_table_in_the_readme_is_what_is_measured(measured: Measured, boards: dict[str, Netlist]) -> None:
    """Words and limits to the letter, values within 2 %: another version of the simulator may round elsewhere."""
    text = README.read_text(encoding="utf-8")
    assert spacing_table() in text, "make -C hw made"
    assert cost_table(boards) in text, "make -C hw made"
    wanted = table(everything(measured).values()).splitlines()
    found = re.search(r"<!-- figures -->\n(.*?)\n<!-- /figures -->", text, re.S)
    assert found is not None
    cells = [[line.strip(" |").split(" | ") for line in rows] for rows in (wanted, found[1].splitlines())]
    assert [row[:2] for row in cells[0]] == [row[:2] for row in cells[1]], "make -C hw made"
    for ours, theirs in zip(cells[0][2:], cells[1][2:], strict=True):
        now, then = (float(row[2].replace("−", "-")) for row in (ours, theirs))
        assert now == pytest.approx(then, rel=0.02, abs=0.02), ours[0]


def test_the_first_screen_says_what_was_never_done_and_where_it_may_not_go() -> None:
    """Nobody reads on who does not have to."""
    first = " ".join(README.read_text(encoding="utf-8").splitlines()[:14])
    for words in (
        "Nobody has built",
        "nothing was measured",
        "nothing is certified",
        "Never into a carrier's line",
        "No copper is routed",
    ):
        assert words in first


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (31.2718, "31.3"), (-0.0834, "−0.083"), (1500.4, "1500"), (20, "20"), (-0.0001, "0")],
)
def test_numbers_are_shown_short(value: float, text: str) -> None:
    assert show(value) == text


def test_a_figure_knows_whether_it_is_kept() -> None:
    assert Figure("a", 5, "V", 4, 6).margin == 1
    assert Figure("a", 7, "V", 4, 6).margin == -1
    assert broken([Figure("a", 7, "V", 4, 6), Figure("b", 3, "V", None, 3)]) == ["a: 7 V, limit 4 to 6"]
