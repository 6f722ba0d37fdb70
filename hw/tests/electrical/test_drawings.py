"""The drawings: complete, and unable to show a circuit that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hw.circuit.drawing import SHEETS, WrongPictureError, board, drawings
from hw.circuit.make import MADE, files
from hw.circuit.netlist import Netlist, hundred


def test_the_three_sheets_show_every_part_of_a_line(line: Netlist) -> None:
    drawn = set().union(*(sheet(line).drawn for sheet in SHEETS.values()))
    assert drawn == set(line.line(1))


@pytest.mark.parametrize("name", ["tsuwa2", "tsuwa8-line", "tsuwa8-carrier"])
def test_the_boards_sheet_shows_everything_else(boards: dict[str, Netlist], name: str) -> None:
    page = board(boards[name])
    assert page.drawn == {ref for ref in boards[name].parts if hundred(ref) == 0}
    for net in {net for ref in page.drawn for net in boards[name].parts[ref].nets()}:
        assert f">{net}<" in page.svg() or re.search(rf"\d {net}[,<]", page.svg()), net


@pytest.mark.parametrize(
    ("ref", "sheet"), [("R106", "voltage"), ("U102", "voltage"), ("C106", "sound"), ("K101", "notice")]
)
def test_a_part_between_other_nets_than_drawn_is_refused(line: Netlist, ref: str, sheet: str) -> None:
    pins = list(line.parts[ref].pins)
    moved = line.with_pins(ref, **{f"p{pin}": "5V" for pin in pins[:5]})
    with pytest.raises(WrongPictureError):
        SHEETS[sheet](moved)


def test_values_come_from_the_netlist(line: Netlist) -> None:
    assert ">8.25k<" not in SHEETS["sound"](line).svg()
    assert ">8.25k<" in SHEETS["sound"](line.with_item("R121", "R 8.25k")).svg()


@pytest.mark.parametrize("name", ["tsuwa2", "tsuwa8-line", "tsuwa8-carrier"])
def test_the_files_in_the_repository_are_the_circuits(boards: dict[str, Netlist], folder: Path, name: str) -> None:
    made = files(boards[name], (folder / f"{name}.net").read_text())
    stale = [file for file, text in made.items() if (MADE[name] / file).read_text(encoding="utf-8") != text]
    assert stale == [], "make -C hw made"


def test_nothing_else_lies_there(boards: dict[str, Netlist], folder: Path) -> None:
    for place in set(MADE.values()):
        names = [name for name in MADE if MADE[name] == place]
        wanted = {file for name in names for file in files(boards[name], "")} | {f"{n}-placement.svg" for n in names}
        assert {path.name for path in place.iterdir()} == wanted


def test_every_drawing_has_a_white_ground(line: Netlist) -> None:
    assert all('fill="white"' in page.svg() for page in drawings(line).values())
