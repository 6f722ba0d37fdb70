"""The barrier between the telephone lines (TNV-3) and the Pi (SELV), as a property of the netlist.

Only the parts of CROSSING may have pins on both sides, each with its own groups of pins that lie on one side. With them
taken as gaps, no net of a line may hang together with a net of the Pi, or of another line. Where the rule comes from:
IEC 62368-1 (and IEC 60950-1 before it) wants one basic safeguard between a circuit of TNV-3 kind and what can be
touched; the figures are in SPACING.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw.circuit.netlist import GROUND, Netlist, Part, hundred, is_tnv, joined

# Part → groups of pins on one side of it. Each resistor of a string is a gap by itself: the second is for a fault of
# the first.
CROSSING: dict[str, tuple[tuple[str, ...], ...]] = {
    "transformer": (("1", "3"), ("4", "6")),
    "photoMOS": (("1", "2", "3", "4"), ("5", "6"), ("7", "8")),
    "R 10M HV": (),
}
WITHSTAND = {"transformer": 2120, "photoMOS": 5000}  # V rms, the least of both sources
RESISTOR_VOLTS, SURGE_VOLTS = 2000, 1500


def sides(part: Part) -> tuple[tuple[str, ...], ...]:
    """The groups of pins the part joins: all together, or by side where it may cross."""
    return CROSSING.get(part.item, (tuple(part.pins),))


def lines(netlist: Netlist) -> list[int]:
    return sorted({hundred(ref) for ref in netlist.parts} - {0})


def faults(netlist: Netlist) -> list[str]:
    """Everything wrong with the barrier, a line each; empty = it is whole."""
    group = joined(netlist.parts.values(), sides)
    by_group: dict[str, set[str]] = {}
    for net in sorted(netlist.nets()):
        by_group.setdefault(group(net), set()).add(f"line {net[1:].split('_')[0]}" if is_tnv(net) else "SELV")
    found = [
        f"{' and '.join(sorted(kinds))} hang together at {name}" for name, kinds in by_group.items() if len(kinds) > 1
    ]
    for part in netlist.parts.values():
        kinds = {is_tnv(net) for net in part.nets()}
        if len(kinds) == 2 and part.item not in CROSSING:
            found.append(f"{part.ref} ({part.item}) lies across the barrier")
    for n in lines(netlist):
        found += [f"line {n}: {text}" for text in _line_faults(netlist, n)]
    return found


def _line_faults(netlist: Netlist, n: int) -> list[str]:
    found = []
    for wire, middle, end in (("PA", "M1", "SP"), ("PB", "M2", "SN")):
        # Both halves of a string, and nothing beside them: with one shorted the other still holds.
        first = netlist.on(f"L{n}_{wire}") & netlist.on(f"L{n}_{middle}")
        second = netlist.on(f"L{n}_{middle}") & netlist.on(f"L{n}_{end}")
        strings = [{netlist.parts[ref].item for ref in refs} for refs in (first, second)]
        if strings != [{"R 10M HV"}] * 2 or len(netlist.on(f"L{n}_{middle}")) != 2:
            found.append(f"wire {wire[-1]} has no two resistors of 10 Mohm in series")
    if not {"F", "D"} <= {ref.rstrip("0123456789") for ref in netlist.on(f"L{n}_PA") & netlist.line(n).keys()}:
        found.append("no fuse or no thyristor before the tap")
    jacks = [part for part in netlist.line(n).values() if part.item == "jack"]
    through = [(part.pins["2"], part.pins["3"], part.pins["1"], part.pins["4"]) for part in jacks]
    if through != [(f"L{n}_A", f"L{n}_B", None, None)] * 2:
        found.append("exchange and telephone are not on the same two wires of two jacks")
    if any(netlist.parts[ref].item == "jack" for ref in netlist.on(GROUND)):
        found.append("a jack is on the Pi's ground")
    gate = netlist.on(f"L{n}_G") & netlist.on(GROUND)
    if not any(netlist.parts[ref].item == "R 10k" for ref in gate):
        found.append("the notice's gate has no pull-down")
    return found


@dataclass(frozen=True, slots=True)
class Spacing:
    """A distance on the board: required by the source, and what the layout is held to."""

    between: str
    kind: str
    volts: str
    creepage: float
    clearance: float
    designed: float
    source: str


# Pollution degree 2, material group III (FR-4), up to 2000 m. Working voltage of a line: 53 V DC with ringing of
# 83 V rms, 170 V peak, 99 V rms; taken as 250 V rms because mains can fall on a pair. The transient is 1.5 kV.
SPACING = (
    Spacing("a line and the Pi, its ground, the case, a mounting hole", "basic, 250 V rms, 1.5 kV transient",
            "250 V rms", 2.5, 1.5, 5.0,
            "IEC 62368-1, 5.4.2 and 5.4.3 (table of creepage by working voltage); IEC 60664-1, table F.4"),
    Spacing("two lines", "functional, 250 V rms", "250 V rms", 2.5, 1.5, 2.5, "as above, and the 70 dB of crosstalk"),
    Spacing("wire A and wire B of a line", "functional, ringing of 83 V rms on 53 V DC", "100 V rms",
            0.4, 0.2, 0.7, "IEC 60664-1, tables F.4 (printed wiring, 160 V) and F.2 (800 V peak); no safeguard. The "
            "photoMOS's own pads are 0.76 mm apart"),
    Spacing("the middle of a 10 Mohm string and the Pi", "basic, with the other resistor shorted", "250 V rms",
            2.5, 1.5, 2.5, "as a line; the pads of a 2010 case are 3.6 mm apart"),
    Spacing("SELV and SELV", "functional", "5 V", 0.15, 0.15, 0.15, "what a board house makes"),
)  # fmt: skip


def spacing_table() -> str:
    rows = [
        "| between | insulation | creepage needed | clearance needed | designed | source |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {s.between} | {s.kind} | {s.creepage} mm | {s.clearance} mm | {s.designed} mm | {s.source} |"
        for s in SPACING
    ]
    return "\n".join(rows)
