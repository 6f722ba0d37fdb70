"""Hands a netlist and its layout to KiCad's Python and gives back what KiCad found."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from hw.circuit.layout import LAYOUTS, Layout, copper_pins
from hw.circuit.netlist import Netlist

ROOT = Path(__file__).resolve().parent.parent.parent
SYSTEM_PYTHON = "/usr/bin/python3"  # pcbnew belongs to Debian's Python, not to .venv


class Pad(msgspec.Struct, frozen=True):
    """A pad as KiCad placed it, millimetres."""

    ref: str
    pad: str
    net: str
    x: float
    y: float
    size: float


class Report(msgspec.Struct, frozen=True):
    """`homeless` found no place; `drc` is how often KiCad said what; every pad; each part's courtyard."""

    homeless: list[str]
    drc: dict[str, int]
    pads: list[Pad]
    boxes: dict[str, tuple[float, float, float, float]]


@dataclass(frozen=True, slots=True)
class Built:
    layout: Layout
    report: Report
    text: str


def build(netlist: Netlist, folder: Path, layout: Layout | None = None) -> Built:
    """Builds NAME.kicad_pcb in `folder` and has it checked. Raises subprocess.CalledProcessError."""
    layout = layout or LAYOUTS[netlist.name](netlist)
    parts = {
        ref: {"footprint": part.about.footprint, "value": part.about.value, "pins": copper_pins(part)}
        for ref, part in netlist.parts.items()
    }
    nets = sorted({net for part in netlist.parts.values() for net in copper_pins(part).values()})
    spec = asdict(layout) | {"nets": nets, "parts": parts}
    source, out = folder / f"{netlist.name}.spec.json", folder / netlist.name
    source.write_text(json.dumps(spec))
    script = Path(__file__).with_name("kicad_board.py")
    subprocess.run(
        [SYSTEM_PYTHON, script, source, out], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
    )
    report = msgspec.json.decode(Path(f"{out}.board.json").read_bytes(), type=Report)
    return Built(layout, report, Path(f"{out}.drc.txt").read_text())


def picture(built: Built) -> str:
    """The placement as SVG: courtyards with their references, pads (red = telephone line), the ground's edge, holes."""
    wide, high = built.layout.width, built.layout.height
    left, top, right, bottom = built.layout.ground
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 -2 {wide + 4:g} {high + 4:g}" width="{wide * 8:.0f}">',
        f'<rect x="-2" y="-2" width="{wide + 4:g}" height="{high + 4:g}" fill="white"/>',
        f'<rect width="{wide:g}" height="{high:g}" rx="1" fill="none" stroke="black" stroke-width="0.3"/>',
        f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" fill="#e8f0e8"/>',
    ]
    for x, y in built.layout.holes:
        shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="1.4" fill="white" stroke="black" stroke-width="0.2"/>')
    for pad in built.report.pads:
        colour = "#e06060" if pad.net.startswith("TNV") else "#e0b040" if pad.net.startswith("MID") else "#90b8e0"
        if pad.net:
            shapes.append(f'<circle cx="{pad.x:g}" cy="{pad.y:g}" r="{min(pad.size, 1.5) / 3:.2f}" fill="{colour}"/>')
    for ref, (x0, y0, x1, y1) in sorted(built.report.boxes.items()):
        size = min(1.6, (x1 - x0) / (0.7 * len(ref)))
        shapes.append(
            f'<rect x="{x0:.2f}" y="{y0:.2f}" width="{x1 - x0:.2f}" height="{y1 - y0:.2f}" fill="none" stroke="#888" '
            f'stroke-width="0.12"/><text x="{(x0 + x1) / 2:.2f}" y="{(y0 + y1) / 2 + size / 3:.2f}" '
            f'font-size="{size:.2f}" font-family="sans-serif" text-anchor="middle">{ref}</text>'
        )
    return "\n".join([*shapes, "</svg>\n"])
