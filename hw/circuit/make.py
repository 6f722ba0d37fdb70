"""Writes what people read and order by, from the netlists in DIR: `python -m hw.circuit.make DIR`

Drawings, bills of materials and placements go to hw/tsuwa2/made and hw/tsuwa8/made, the tables into hw/README.md.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from hw.circuit import board, bom
from hw.circuit.drawing import drawings
from hw.circuit.figures import table
from hw.circuit.insulation import spacing_table
from hw.circuit.measure import MEASURES
from hw.circuit.netlist import Netlist, load

HW = Path(__file__).resolve().parent.parent
MADE = {
    "tsuwa2": HW / "tsuwa2" / "made",
    "tsuwa8-line": HW / "tsuwa8" / "made",
    "tsuwa8-carrier": HW / "tsuwa8" / "made",
}


def filled(text: str, name: str, content: str) -> str:
    """The text with what lies between <!-- NAME --> and <!-- /NAME --> replaced."""
    whole = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
    if not whole.search(text):
        raise ValueError(f"there is no place for {name}")
    return whole.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)


def files(netlist: Netlist, net: str) -> dict[str, str]:
    """What is made of a board without KiCad: file name → text. A line's drawings are the same for every board."""
    made = {f"{netlist.name}-bom.csv": bom.as_csv(netlist), f"{netlist.name}.net": net}
    for name, page in drawings(netlist).items():
        if not name.startswith("line-") or netlist.name == "tsuwa2":
            made[f"{name}.svg"] = page.svg()
    return made


def tables(boards: dict[str, Netlist]) -> dict[str, str]:
    """The tables of hw/README.md by the name of their place."""
    figures = [figure for measure in MEASURES for figure in measure(boards["tsuwa2"])]
    return {"figures": table(figures), "costs": bom.cost_table(boards), "spacing": spacing_table()}


def main() -> None:
    place = Path(sys.argv[1])
    boards = {name: load(place / f"{name}.json") for name in MADE}
    for name, netlist in boards.items():
        MADE[name].mkdir(exist_ok=True)
        for file, text in files(netlist, (place / f"{name}.net").read_text()).items():
            (MADE[name] / file).write_text(text, encoding="utf-8")
        built = board.build(netlist, place)
        (MADE[name] / f"{name}-placement.svg").write_text(board.picture(built), encoding="utf-8")
    readme = HW / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, content in tables(boards).items():
        text = filled(text, name, content)
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
