"""The simulator: known answers, and that its failures are failures."""

from __future__ import annotations

import math

import pytest

from hw.circuit.netlist import Netlist
from hw.circuit.spice import Corner, SimulationError, crossings, nearest, number, run, stretches, subcircuit


def test_a_filter_of_known_answer(line: Netlist) -> None:
    """10 kohm and 10 nF: -3.01 dB at 1592 Hz."""
    rows = run(
        line, "V1 i 0 dc 0 ac 1\nR1 i o 10k\nC1 o 0 10n\n", "ac lin 1 1591.55 1591.55\nlet m=db(v(o))\nwrdata d.txt m"
    )
    assert rows["d"][0][1] == pytest.approx(-3.0103, abs=1e-3)


@pytest.mark.parametrize("deck", ["R1 a b", "X1 a b NOSUCH\nR1 a b 1\n", "V1 a 0 1\nR1 a 0 1k\n"])
def test_a_deck_that_cannot_be_run_is_an_error(line: Netlist, deck: str) -> None:
    with pytest.raises(SimulationError):
        run(line, deck, "op\nwrdata d.txt v(nowhere)")


def test_the_subcircuit_has_every_simulated_part_of_the_line_with_its_value(line: Netlist) -> None:
    text = subcircuit(line, 1, Corner(values={"R105": 170e3}))
    for ref, part in line.line(1).items():
        assert bool(part.about.spice) == any(ref in text_line.split()[0] for text_line in text.splitlines()[1:-1]), ref
    assert "RR105 L1_SP L1_VREF 170000" in text
    assert "RR106 L1_SN L1_VSENSE 162000" in text
    assert "{" not in text


@pytest.mark.parametrize(("text", "value"), [("8.25k", 8250), ("10M", 1e7), ("220n", 220e-9), ("6", 6), ("1G", 1e9)])
def test_values_are_read(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value)


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        number("24V PBX")


def test_crossings_and_stretches() -> None:
    rows = [[t / 100, math.sin(2 * math.pi * t / 100)] for t in range(200)]
    assert crossings(rows, 1, 0.5) == pytest.approx([1 / 12, 5 / 12, 13 / 12, 17 / 12], abs=1e-3)
    assert stretches(rows, 1, 0.001, above=True) == pytest.approx([0.49, 0.49], abs=0.011)
    assert nearest(rows, 0.333)[0] == 0.33
