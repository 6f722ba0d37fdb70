"""Where the parts lie: outline, mounting holes, the barrier, and the clearances that KiCad holds the board to.

The telephone's side is at the left, with the jacks at the edge; transformers, photoMOS and 10 Mohm strings lie across
the barrier; the Pi's side is at the right. What needs no place of its own is packed into a region. All in millimetres,
x to the right, y down. Copper is not routed: see the gaps in hw/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hw.circuit.insulation import SPACING
from hw.circuit.netlist import Netlist, Part, hundred, is_tnv

STRIP = 60.0  # height of a line
BARRIER_X = 60.0
EDGE = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """A part's origin, turn in degrees (anticlockwise, as in KiCad), and whether it is on the back."""

    x: float
    y: float
    turn: float = 0.0
    back: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle that parts are packed into row by row, with a gap between them."""

    left: float
    top: float
    right: float
    bottom: float
    gap: float
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    width: float
    height: float
    holes: tuple[tuple[float, float], ...]
    fixed: dict[str, Place]
    regions: tuple[Region, ...]
    ground: tuple[float, float, float, float]  # the ground pour: left, top, right, bottom
    rules: str = field(default="", repr=False)


def copper_name(net: str) -> str:
    """A net's name on the board, which tells the rules its side, line and wire: L1_PA → TNV1A_PA, L1_M1 → MID1_M1."""
    if not is_tnv(net):
        return net
    n, name = net[1:].split("_")
    if name.startswith("M"):
        return f"MID{n}_{name}"
    wire = "A" if name in ("A", "PA", "Q1", "T1A", "J1", "K1") else "B"
    return f"TNV{n}{wire}_{name}"


def copper_pins(part: Part) -> dict[str, str]:
    """Pin → net on the board. A jack's idle contacts get one of their own: a cable may bring a second pair there."""
    pins = {pin: copper_name(net) for pin, net in part.pins.items() if net is not None}
    if part.item == "jack":
        pins |= {pin: f"TNV{hundred(part.ref)}C_{part.ref}_{pin}" for pin, net in part.pins.items() if net is None}
    return pins


def rules() -> str:
    """KiCad's custom rules from the table of spacings."""
    apart = {row.between: row.designed for row in SPACING}
    selv = "B.NetName != 'TNV*' && B.NetName != 'MID*'"
    wanted = [
        ("wires of a line", apart["wire A and wire B of a line"], "A.NetName == 'TNV?A_*' && B.NetName == 'TNV?B_*'"),
        ("two lines", apart["two lines"], "A.NetName == 'TNV1*' && B.NetName == 'TNV2*'"),
        ("a string's middle and the line", 1.2, "A.NetName == 'MID*' && B.NetName == 'TNV*'"),
        (
            "a string's middle and the Pi",
            apart["the middle of a 10 Mohm string and the Pi"],
            f"A.NetName == 'MID*' && {selv}",
        ),
        (
            "a line and the Pi",
            apart["a line and the Pi, its ground, the case, a mounting hole"],
            f"A.NetName == 'TNV*' && {selv}",
        ),
    ]
    text = "(version 1)\n"
    for name, millimetres, condition in wanted:
        text += f'(rule "{name}"\n  (condition "{condition}")\n  (constraint clearance (min {millimetres}mm)))\n'
    return text


def _strip(n: int, top: float) -> tuple[dict[str, Place], list[Region], list[str]]:
    """Line n from `top` down: parts with a place, the telephone side's region, and the refs of the Pi's side."""

    def ref(name: str) -> str:
        letters = name.rstrip("0123456789")
        return f"{letters}{100 * n + int(name[len(letters) :])}"

    x = BARRIER_X
    fixed = {
        # Openings at the left edge.
        "J1": Place(9.5, top + 12, 90),
        "J2": Place(9.5, top + 32, 90),
        # Pins 1 and 3 of a transformer, 5 to 8 of the photoMOS to the left.
        "T1": Place(x - 6.35, top + 14.5, 180),
        "T2": Place(x - 6.35, top + 34.0, 180),
        "K1": Place(x, top + 46.0, 180),
        "R1": Place(x - 8, top + 53.4), "R2": Place(x, top + 53.4),
        "R3": Place(x - 8, top + 57.4), "R4": Place(x, top + 57.4),
    }  # fmt: skip
    tnv = ("C13", "C6", "R17", "C7", "R18", "F1", "F2", "D1", "D5", "D6", "R26", "R27", "D4")
    region = Region(16.5, top + 1, BARRIER_X - 10.2, top + 51.5, 1.4, tuple(ref(name) for name in tnv))
    selv = ["U1", "U2", "Q1", "D2", "D3", "JP1", "JP2", "C12"]
    selv += [f"R{i}" for i in (*range(5, 17), *range(19, 23), 24, 25, *range(28, 32))]
    selv += [f"C{i}" for i in (1, 2, 3, 4, 5, 8, 9, 10, 11)]
    return {ref(name): place for name, place in fixed.items()}, [region], [ref(name) for name in selv]


def with_lines(netlist: Netlist, lines: int) -> tuple[dict[str, Place], list[Region]]:
    fixed: dict[str, Place] = {}
    regions: list[Region] = []
    for n in range(1, lines + 1):
        top = (n - 1) * STRIP + EDGE
        places, region, selv = _strip(n, top)
        fixed |= places
        regions += region
        regions.append(Region(BARRIER_X + 10.5, top + 9.0, BARRIER_X + 40, top + 51, 0.3, tuple(selv)))
    return fixed, regions


def tsuwa2(netlist: Netlist) -> Layout:
    """The Pi under the upper right corner, holes and header where a HAT has them; the telephone's side beyond it."""
    fixed, regions = with_lines(netlist, 2)
    width, height = BARRIER_X + 10 + 65, 2 * STRIP + 2 * EDGE
    left = width - 65
    fixed["J1"] = Place(left + 8.37, 4.77, -90, back=True)
    own = tuple(ref for ref in netlist.parts if ref not in fixed and not any(ref in region.refs for region in regions))
    regions.append(Region(BARRIER_X + 41, 10, width - 2, 48, 0.4, own))
    holes = (*tuple((left + x, y) for x in (3.5, 61.5) for y in (3.5, 52.5)), (4, height - 4), (width - 4, height - 4))
    return Layout(width, height, holes, fixed, tuple(regions), (BARRIER_X, 0.5, width - 0.5, height - 0.5), rules())


def line_board(netlist: Netlist) -> Layout:
    fixed, regions = with_lines(netlist, 2)
    width, height = BARRIER_X + 58, 2 * STRIP + 2 * EDGE
    own = tuple(ref for ref in netlist.parts if ref not in fixed and not any(ref in region.refs for region in regions))
    regions.append(Region(BARRIER_X + 41, 20, width - 2, 80, 1.0, own))
    holes = ((4, height - 4), (width - 4, 4), (width - 4, height - 4))
    return Layout(width, height, holes, fixed, tuple(regions), (BARRIER_X, 0.5, width - 0.5, height - 0.5), rules())


def carrier(netlist: Netlist) -> Layout:
    """As wide as a HAT, and longer: ribbons and cables at the far side."""
    width, height = 100.0, 130.0
    fixed = {"J1": Place(8.37, 4.77, -90, back=True)}
    big = [ref for ref in netlist.parts if ref.startswith("J") and ref != "J1"]
    small = [ref for ref in netlist.parts if not ref.startswith("J")]
    regions = (
        Region(1, 58, width - 1, height - 1, 0.6, tuple(big)),
        Region(8, 9, width - 6, 50, 0.6, tuple(small)),
    )
    holes = (*tuple((x, y) for x in (3.5, 61.5) for y in (3.5, 52.5)), (96, 4), (96, 52.5))
    return Layout(width, height, holes, fixed, regions, (0.5, 0.5, width - 0.5, height - 0.5), rules())


LAYOUTS = {"tsuwa2": tsuwa2, "tsuwa8-line": line_board, "tsuwa8-carrier": carrier}
