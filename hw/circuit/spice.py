"""ngspice on a line interface taken from the netlist: what is simulated cannot differ from what is drawn."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hw.circuit.netlist import GROUND, Netlist, Part

MODELS = Path(__file__).with_name("models.lib")
PORTS = (
    "L{n}_A",
    "L{n}_B",
    "3V3",
    "3V3A",
    "5V",
    "HOOK{n}",
    "RING{n}_N",
    "INJ_EN{n}",
    "DAC_OUT{n}",
    "ADC_IN{n}",
    "VS{n}",
)
# A simulator's numbers: one rule for "10M" and "10Meg", "m" is milli.
_SCALE = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_FAILED = re.compile(
    r"(?im)^\s*(fatal )?error|no such vector|timestep too small|simulation\(s\) aborted|singular matrix|unknown subckt"
)

Row = list[float]


class SimulationError(Exception):
    """ngspice could not do it; its own words."""


def number(value: str) -> float:
    """ "8.25k" → 8250.0"""
    found = re.fullmatch(r"([0-9.]+)([pnumkMG]?)", value)
    if found is None:
        raise ValueError(f"{value} is no value")
    return float(found[1]) * _SCALE[found[2]]


def nominal(part: Part) -> float:
    """The value of a resistor, capacitor, fuse or jumper in SI units."""
    return number(part.about.model or part.about.value)


@dataclass(frozen=True, slots=True)
class Corner:
    """What differs from the nominal line: values by reference (SI units), transformer, photoMOS, heat, supply."""

    values: Mapping[str, float] = field(default_factory=dict)
    lp: float = 4.5
    rp: float = 20e3
    ron: float = 60.0
    celsius: float = 25.0
    supply: float = 3.3


NOMINAL = Corner()


def subcircuit(netlist: Netlist, n: int, corner: Corner = NOMINAL) -> str:
    """Line n as `.subckt LINE` with the nodes of PORTS."""

    def node(net: str | None) -> str:
        if net is None:
            return "open"
        return "0" if net == GROUND else net.replace("3V3", "v33").replace("5V", "v5")

    lines = [f".subckt LINE {' '.join(node(port.format(n=n)) for port in PORTS)}"]
    for ref, part in netlist.line(n).items():
        template = part.about.spice
        if not template:
            continue
        text = template.replace("{ref}", ref)
        if "{value}" in text:
            text = text.replace("{value}", f"{corner.values.get(ref, nominal(part)):.9g}")
        for pin, net in part.pins.items():
            text = text.replace(f"{{{pin}}}", node(net))
        for name, value in (("Lp", corner.lp), ("Rp", corner.rp), ("Ron", corner.ron)):
            text = text.replace(f"{{{{{name}}}}}", f"{value:.9g}")
        lines.append(text)
    return "\n".join([*lines, ".ends LINE"])


def supplied(
    corner: Corner = NOMINAL, inject: bool = False, dac: str = "", source_ohms: float = 0.5, on: bool = True
) -> str:
    """The line as XL on nodes a and b, with its supplies, codec input (20k to mid supply) and output; `on`: powered."""
    supply, half = (corner.supply, 1.65) if on else (0.0, 0.0)
    return "\n".join(
        (
            f"V33 v33 0 {supply}\nV33A v33A 0 {supply}\nV5 v5 0 {5 if on else 0}",
            f"Rci adc vm 20k\nVm vm 0 {half}\nRco dacs dac {source_ohms}",
            "XL a b v33 v33A v5 hook ring inj dac adc vs LINE",
            f"Vinj inj 0 {3.3 if inject and on else 0}\nVdac dacs 0 dc {half} {dac}\n",
        )
    )


def run(netlist: Netlist, deck: str, control: str, corner: Corner = NOMINAL, lines: int = 1) -> dict[str, list[Row]]:
    """Runs a deck around the line, and gives the rows of each file that `wrdata` wrote, by its name without ".txt".

    A row is the scale, then the vectors in order. Raises SimulationError.
    """
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "deck.cir").write_text(
            f"line interface\n.include {MODELS}\n{subcircuit(netlist, lines, corner)}\n{deck}\n"
            f".temp {corner.celsius}\n.options noacct reltol=1e-4 gmin=1e-14 abstol=1e-13\n"
            f".control\nset wr_singlescale\nset numdgt=9\n{control}\nquit\n.endc\n.end\n",
            encoding="ascii",
        )
        done = subprocess.run(
            ["ngspice", "-b", "deck.cir"], cwd=place, capture_output=True, text=True, timeout=60, check=False
        )
        said = done.stdout + done.stderr
        if _FAILED.search(said):
            raise SimulationError(said[-1500:])
        return {
            path.stem: [
                [float(word) for word in line.split()] for line in path.read_text().splitlines() if line.strip()
            ]
            for path in place.glob("*.txt")
        }


def decibels(ratio: float) -> float:
    return 20 * math.log10(abs(ratio))


def dbm(volts: float, ohms: float = 600.0) -> float:
    return 10 * math.log10(volts * volts / ohms / 1e-3)


def crossings(rows: list[Row], column: int, level: float) -> list[float]:
    """Where the column crosses the level, by the scale, interpolated."""
    found = []
    for before, after in itertools.pairwise(rows):
        if (before[column] - level) * (after[column] - level) < 0:
            share = (level - before[column]) / (after[column] - before[column])
            found.append(before[0] + share * (after[0] - before[0]))
    return found


def nearest(rows: list[Row], scale: float) -> Row:
    return min(rows, key=lambda row: abs(row[0] - scale))


def stretches(rows: list[Row], column: int, level: float, above: bool) -> list[float]:
    """How long (s) the column stays above (or below) the level, each finished time."""
    found: list[float] = []
    since: float | None = None
    for row in rows:
        inside = (row[column] > level) == above
        if inside and since is None:
            since = row[0]
        elif not inside and since is not None:
            found.append(row[0] - since)
            since = None
    return found
