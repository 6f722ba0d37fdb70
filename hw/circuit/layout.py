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
    near: dict[str, tuple[str, str]]  # a supply's capacitor → the chip and pin that it goes to
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


def _strip(n: int, top: float) -> tuple[dict[str, Place], list[Region], dict[str, tuple[str, str]]]:
    """Line n from `top` down: parts with a place, regions for the others, and what goes near which pin."""

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
    selv = (
        # Amplifiers and comparators, then what is about them; the notice's parts beside its winding; its switch.
        (9.0, 25.0, ("U1", "C4", "U2", "C5", "R5", "C1", "R6", "C2", "D2", "R19", "R22", "R20", "R21", "C8", "R24",
                     "C10", "C11", "R31", "C9", "R7", "R8", "R9", "R10", "R11", "R12", "C3", "JP1", "R13", "JP2", "R14",
                     "R15",
                     "R16")),
        (28.0, 39.0, ("D3", "R25", "C12")),
        (41.0, 51.0, ("Q1", "R28", "R29", "R30")),
    )  # fmt: skip
    regions = [region]
    for upper, lower, names in selv:
        refs = tuple(ref(name) for name in names)
        regions.append(Region(BARRIER_X + 10.5, top + upper, BARRIER_X + 40, top + lower, 0.4, refs))
    near = {ref("C4"): (ref("U1"), "4"), ref("C5"): (ref("U2"), "3")}
    return {ref(name): place for name, place in fixed.items()}, regions, near


def with_lines(lines: int) -> tuple[dict[str, Place], list[Region], dict[str, tuple[str, str]]]:
    fixed: dict[str, Place] = {}
    regions: list[Region] = []
    near: dict[str, tuple[str, str]] = {}
    for n in range(1, lines + 1):
        places, its_regions, its_near = _strip(n, (n - 1) * STRIP + EDGE)
        fixed |= places
        regions += its_regions
        near |= its_near
    return fixed, regions, near


def rest(netlist: Netlist, fixed: dict[str, Place], regions: list[Region], first: tuple[str, ...]) -> tuple[str, ...]:
    """The parts without a place yet, those of `first` before the others."""
    placed = {*fixed, *(ref for region in regions for ref in region.refs)}
    return (*first, *(ref for ref in netlist.parts if ref not in placed and ref not in first))


def tsuwa2(netlist: Netlist) -> Layout:
    """The Pi under the upper right corner, holes and header where a HAT has them; the telephone's side beyond it."""
    fixed, regions, near = with_lines(2)
    width, height = BARRIER_X + 10 + 65, 2 * STRIP + 2 * EDGE
    left = width - 65
    fixed["J1"] = Place(left + 8.37, 4.77, -90, back=True)
    x = BARRIER_X + 42
    fixed |= {"U2": Place(x + 8, 18), "Y1": Place(x + 16.5, 15), "U3": Place(x + 25, 19), "U1": Place(x + 25, 35)}
    near |= {"C3": ("U2", "1"), "C4": ("U2", "8"), "C5": ("U2", "14"), "C6": ("U2", "27"), "C2": ("U2", "16")}
    near |= {"C7": ("Y1", "4"), "C8": ("U1", "8"), "C9": ("U3", "16")}
    first = ("C3", "C4", "C5", "C6", "C2", "C7", "R4", "R5", "C8", "C9")
    regions.append(Region(BARRIER_X + 42, 11, width - 2, 49, 0.5, rest(netlist, fixed, regions, first)))
    pi = tuple((left + x, y) for x in (3.5, 61.5) for y in (3.5, 52.5))
    ground = (BARRIER_X, 0.5, width - 0.5, height - 0.5)
    holes = (*pi, (4, height - 4), (width - 4, height - 4))
    return Layout(width, height, holes, fixed, tuple(regions), ground, near, rules())


def line_board(netlist: Netlist) -> Layout:
    """A strip of two lines, its ribbon at the Pi's side."""
    fixed, regions, near = with_lines(2)
    width, height = BARRIER_X + 58, 2 * STRIP + 2 * EDGE
    regions.append(Region(BARRIER_X + 42, 20, width - 2, 80, 1.0, rest(netlist, fixed, regions, ())))
    holes = ((4, height - 4), (width - 4, 4), (width - 4, height - 4))
    ground = (BARRIER_X, 0.5, width - 0.5, height - 0.5)
    return Layout(width, height, holes, fixed, tuple(regions), ground, near, rules())


def carrier(netlist: Netlist) -> Layout:
    """Holes and header as on a HAT, and larger: ribbons and cables at the far side."""
    width, height = 100.0, 100.0
    fixed = {"J1": Place(8.37, 4.77, -90, back=True)}
    fixed |= {"U1": Place(20, 23), "U2": Place(42, 20), "U3": Place(64, 23), "U4": Place(84, 19)}
    near = {"C2": ("U1", "9"), "C3": ("U2", "18"), "C4": ("U3", "9"), "C5": ("U4", "16")}
    first = ("C2", "C3", "C4", "C5")
    plugs = tuple(ref for ref in netlist.parts if ref.startswith("J") and ref != "J1")
    regions = [Region(1, 60, width - 1, height - 1, 0.6, plugs)]
    regions.append(Region(8, 10, width - 6, 49, 0.6, rest(netlist, fixed, regions, first)))
    holes = (*((x, y) for x in (3.5, 61.5) for y in (3.5, 52.5)), (96, 4), (96, 52.5))
    ground = (0.5, 0.5, width - 0.5, height - 0.5)
    return Layout(width, height, holes, fixed, tuple(regions), ground, near, rules())


LAYOUTS = {"tsuwa2": tsuwa2, "tsuwa8-line": line_board, "tsuwa8-carrier": carrier}
