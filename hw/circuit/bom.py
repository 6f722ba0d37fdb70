"""The bill of materials: what to order for one board, and what a line costs."""

from __future__ import annotations

import csv
import io
import re
from itertools import groupby

from hw.circuit.catalogue import CATALOGUE, PRICED
from hw.circuit.netlist import Netlist

COLUMNS = ("quantity", "references", "value", "maker", "number", "rating", "second source", "safety", "footprint")
PRICE = f"yen each (estimate, {PRICED})"


def by_number(ref: str) -> tuple[str, int]:
    found = re.fullmatch(r"([A-Z]+)(\d+)", ref)
    assert found is not None
    return found[1], int(found[2])


def rows(netlist: Netlist) -> list[dict[str, str]]:
    """A row each kind of part, in the order of the catalogue; what is part of the board itself is left out."""
    order = list(CATALOGUE)
    parts = sorted(netlist.parts.values(), key=lambda part: (order.index(part.item), by_number(part.ref)))
    found = []
    for item, group in groupby(parts, key=lambda part: part.item):
        about, refs = CATALOGUE[item], [part.ref for part in group]
        if item == "jumper":
            continue
        values = (
            *(str(len(refs)), " ".join(refs), about.value, about.maker, about.number, about.rating),
            *(about.second, about.safety, about.footprint),
        )
        found.append(dict(zip(COLUMNS, values, strict=True)) | {PRICE: f"{about.yen:g}"})
    return found


def as_csv(netlist: Netlist) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, PRICE], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(netlist))
    return text.getvalue()


def parts_yen(netlist: Netlist) -> float:
    return sum(part.about.yen for part in netlist.parts.values())


# What no bill of parts shows, estimates of PRICED too: bare boards in a lot of ten, hand assembly not counted.
BOARD_YEN = {"tsuwa2": 900, "tsuwa8-line": 800, "tsuwa8-carrier": 700}
CONVERTER_YEN = 12_000  # an 8-channel converter board
DAC_YEN = 9_000  # outputs for notices: a class-compliant USB interface of eight outputs
RIBBONS_YEN = 2_000
CASE_YEN = {"tsuwa2": 3_000, "tsuwa8": 6_000}


def costs(boards: dict[str, Netlist]) -> dict[str, tuple[int, float]]:
    """Name of the build → (lines, yen in all), without the Raspberry Pi, its SSD and its supply."""
    board = {name: parts_yen(netlist) + BOARD_YEN[name] for name, netlist in boards.items()}
    eight = board["tsuwa8-carrier"] + 4 * board["tsuwa8-line"]
    return {
        "tsuwa2": (2, board["tsuwa2"] + CASE_YEN["tsuwa2"]),
        "tsuwa8": (8, eight + CONVERTER_YEN + DAC_YEN + RIBBONS_YEN + CASE_YEN["tsuwa8"]),
    }


def cost_table(boards: dict[str, Netlist]) -> str:
    table = ["| build | lines | parts, boards, case | a line |", "|---|---|---|---|"]
    for name, (count, yen) in costs(boards).items():
        table.append(f"| {name} | {count} | ¥{yen:,.0f} | ¥{yen / count:,.0f} |")
    return "\n".join(table)
