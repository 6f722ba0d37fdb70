"""The placement: KiCad's check with the barrier's distances as rules, and the same distances by our own arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from hw.circuit.board import Built, Pad, build
from hw.circuit.insulation import SPACING
from hw.circuit.layout import LAYOUTS, Place, rules
from hw.circuit.netlist import Netlist

BOARDS = ("tsuwa2", "tsuwa8-line", "tsuwa8-carrier")
# What is not done yet and not hidden: no copper is routed, and the printing is as the footprints bring it.
GAPS = {"unconnected_items", "silk_over_copper", "silk_overlap", "silk_edge_clearance"}
FROM_LINE = SPACING[0].designed
SCREW_HEAD_RADIUS = 2.5


@pytest.fixture(scope="session")
def built(boards: dict[str, Netlist], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    place = tmp_path_factory.mktemp("kicad")
    return {name: build(boards[name], place) for name in BOARDS}


@pytest.mark.parametrize("name", BOARDS)
def test_every_part_has_a_place_and_kicad_finds_nothing_but_the_known_gaps(built: dict[str, Built], name: str) -> None:
    report = built[name].report
    assert report.homeless == []
    assert set(report.drc) <= GAPS, built[name].text
    assert report.drc["unconnected_items"] > 0, "a board that is routed needs this test changed"


@pytest.mark.parametrize("name", BOARDS)
def test_every_pin_of_the_netlist_has_a_pad(built: dict[str, Built], boards: dict[str, Netlist], name: str) -> None:
    pads = {(pad.ref, pad.pad) for pad in built[name].report.pads}
    assert {(ref, pin) for ref, part in boards[name].parts.items() for pin in part.pins} - pads == set()


@pytest.mark.parametrize("name", BOARDS)
def test_every_part_is_on_the_board(built: dict[str, Built], name: str) -> None:
    wide, high = built[name].layout.width, built[name].layout.height
    off = {
        r
        for r, (x0, y0, x1, y1) in built[name].report.boxes.items()
        if x0 < -0.1 or y0 < -0.1 or x1 > wide or y1 > high
    }
    assert off == set()


def gap(one: Pad, other: Pad) -> float:
    """At least so far apart are two pads: their centres, less each one's longer side halved."""
    return math.hypot(one.x - other.x, one.y - other.y) - one.size / 2 - other.size / 2


@pytest.mark.parametrize("name", ["tsuwa2", "tsuwa8-line"])
def test_no_pad_of_a_line_is_near_one_of_the_pi(built: dict[str, Built], name: str) -> None:
    pads = built[name].report.pads
    lines = [pad for pad in pads if pad.net.startswith("TNV")]
    pi = [pad for pad in pads if pad.net and not pad.net.startswith(("TNV", "MID"))]
    assert len(lines) > 60
    assert min(gap(a, b) for a in lines for b in pi) >= FROM_LINE
    first, second = ([pad for pad in lines if pad.net.startswith(f"TNV{n}")] for n in (1, 2))
    assert min(gap(a, b) for a in first for b in second) >= SPACING[1].designed


@pytest.mark.parametrize("name", ["tsuwa2", "tsuwa8-line"])
def test_no_screw_is_near_a_line(built: dict[str, Built], name: str) -> None:
    near = [
        (pad.ref, pad.pad)
        for pad in built[name].report.pads
        if pad.net.startswith(("TNV", "MID"))
        for x, y in built[name].layout.holes
        if math.hypot(pad.x - x, pad.y - y) - pad.size / 2 - SCREW_HEAD_RADIUS < FROM_LINE
    ]
    assert near == []


@pytest.mark.parametrize(("name", "left"), [("tsuwa2", None), ("tsuwa8-carrier", 0.0)])
def test_the_header_meets_the_pis(built: dict[str, Built], name: str, left: float | None) -> None:
    """Pin 1 inside, pin 2 at the edge, pin 40 at the far end; holes 58 mm by 49 mm apart as on a Pi."""
    x0 = built[name].layout.width - 65 if left is None else left
    at = {pad.pad: (pad.x - x0, pad.y) for pad in built[name].report.pads if pad.ref == "J1"}
    assert at["1"] == pytest.approx((8.37, 4.77), abs=0.01)
    assert at["2"] == pytest.approx((8.37, 2.23), abs=0.01)
    assert at["40"] == pytest.approx((8.37 + 19 * 2.54, 2.23), abs=0.01)
    for hole in ((3.5, 3.5), (61.5, 3.5), (3.5, 52.5), (61.5, 52.5)):
        assert (x0 + hole[0], hole[1]) in built[name].layout.holes


SUPPLY_NEAR_MM = 6.0


@pytest.mark.parametrize("name", BOARDS)
def test_every_supply_pin_has_its_capacitor_beside_it(built: dict[str, Built], name: str) -> None:
    at = {(pad.ref, pad.pad): pad for pad in built[name].report.pads}
    far = []
    for ref, (chip, pin) in built[name].layout.near.items():
        target = at[chip, pin]
        ends = [at[ref, end] for end in "12" if at[ref, end].net == target.net]
        assert ends, f"{ref} is not on the net of {chip} pin {pin}"
        far += [ref for end in ends if math.hypot(end.x - target.x, end.y - target.y) > SUPPLY_NEAR_MM]
    assert far == []


def test_the_readme_says_how_much_is_not_routed(built: dict[str, Built]) -> None:
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"({built['tsuwa2'].report.drc['unconnected_items']} connections on tsuwa2)" in text


def test_kicad_notices_a_part_of_the_pi_among_the_lines_parts(line: Netlist, tmp_path: Path) -> None:
    layout = LAYOUTS["tsuwa2"](line)
    regions = tuple(replace(r, refs=tuple(ref for ref in r.refs if ref != "R115")) for r in layout.regions)
    faulty = build(line, tmp_path, replace(layout, regions=regions, fixed={**layout.fixed, "R115": Place(44, 50)}))
    assert faulty.report.drc["clearance"] > 0
    assert "rule a line and the Pi" in faulty.text


def test_kicads_rules_are_the_table_of_distances() -> None:
    text = rules()
    for row in SPACING[:4]:
        assert f"(min {row.designed}mm)" in text, row.between
