"""The barrier: whole on every board, and a fault in any single part of it would be seen."""

from __future__ import annotations

import pytest

from hw.circuit.insulation import CROSSING, SPACING, faults, sides
from hw.circuit.netlist import Netlist, Part, is_tnv, joined

BOARDS = ("tsuwa2", "tsuwa8-line", "tsuwa8-carrier")


@pytest.mark.parametrize("name", BOARDS)
def test_the_barrier_is_whole(boards: dict[str, Netlist], name: str) -> None:
    assert faults(boards[name]) == []


def test_only_the_rated_parts_have_pins_on_both_sides(boards: dict[str, Netlist]) -> None:
    for name in ("tsuwa2", "tsuwa8-line"):
        across = [p for p in boards[name].parts.values() if len({is_tnv(net) for net in p.nets()}) == 2]
        assert {part.item for part in across} == set(CROSSING)
        # Per line two transformers, one photoMOS, and the second resistor of each string.
        assert len(across) == 2 * (2 + 1 + 2)


def test_without_the_rated_parts_line_and_pi_would_hang_together(boards: dict[str, Netlist]) -> None:
    """The graph is not in pieces anyway: joined through every part, a line and the Pi are one."""
    board = boards["tsuwa2"]
    through = joined(board.parts.values(), lambda part: [list(part.pins)])
    assert through("L1_A") == through("GND") == through("L2_B")
    cut = joined(board.parts.values(), sides)
    assert len({cut("L1_A"), cut("L2_A"), cut("GND")}) == 3
    assert cut("L1_VSENSE") == cut("3V3") == cut("GND")


def test_no_telephone_net_is_on_the_carrier(boards: dict[str, Netlist]) -> None:
    assert [net for net in boards["tsuwa8-carrier"].nets() if is_tnv(net)] == []


@pytest.mark.parametrize(
    "wire", ["A", "PA", "M1", "Q1", "T1A", "J1", "K1", "B", "PB", "M2", "Q2", "T1B", "J2", "K0", "K2"]
)
def test_any_wire_of_a_line_on_any_net_of_the_pi_is_seen(line: Netlist, wire: str) -> None:
    for net in ("GND", "3V3A", "L1_VREF", "L2_A", "HOOK1"):
        extra = Part("R150", "R 10k", {"1": f"L1_{wire}", "2": net})
        board = Netlist(line.name, {**line.parts, "R150": extra})
        assert any("hang together" in fault or "lies across" in fault for fault in faults(board)), net


def test_a_side_is_told_by_the_nets_whole_name() -> None:
    assert [net for net in ("L1_A", "L2_PB", "L1_SP", "LED_REC", "L1_VREF", "LED_A") if is_tnv(net)] == [
        "L1_A",
        "L2_PB",
    ]


def test_the_design_keeps_more_than_is_needed() -> None:
    assert [row.between for row in SPACING if row.designed < max(row.creepage, row.clearance)] == []
    assert SPACING[0].designed >= 2 * SPACING[0].creepage, "what is touched through the Pi: as reinforced"
