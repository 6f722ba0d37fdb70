"""Builds a board with KiCad's own Python and lets KiCad check it. Run by the system's Python, which has `pcbnew`:

    python3 hw/circuit/kicad_board.py SPEC.json OUT

SPEC.json is what hw/circuit/board.py writes. OUT.kicad_pcb, OUT.kicad_dru and OUT.drc.txt are written, and OUT.json
with every pad's place and net and every part's courtyard. Knows KiCad 6 (Debian 12) and later (Debian 13).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pcbnew

FOOTPRINTS = Path("/usr/share/kicad/footprints")
HOLE_MM, KEEP_MM = 2.75, 6.2  # M2.5, and the head of its screw


def point(x: float, y: float) -> Any:
    """KiCad 6 wants a wxPoint where later ones want a VECTOR2I."""
    make = pcbnew.wxPoint if pcbnew.Version().startswith("6") else pcbnew.VECTOR2I
    return make(pcbnew.FromMM(x), pcbnew.FromMM(y))


def footprint(name: str) -> Any:
    library, entry = name.split(":")
    found = pcbnew.FootprintLoad(str(FOOTPRINTS / f"{library}.pretty"), entry)
    if found is None:
        sys.exit(f"KiCad has no footprint {name}")
    return found


def outline(board: Any, width: float, height: float) -> None:
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        line = pcbnew.PCB_SHAPE(board)
        line.SetShape(pcbnew.SHAPE_T_SEGMENT)
        line.SetLayer(pcbnew.Edge_Cuts)
        line.SetStart(point(*start))
        line.SetEnd(point(*end))
        line.SetWidth(pcbnew.FromMM(0.1))
        board.Add(line)


def box(part: Any) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a footprint's courtyard, or of its pads where it has none."""
    layer = pcbnew.B_CrtYd if part.IsFlipped() else pcbnew.F_CrtYd
    edges = None
    for shape in part.GraphicalItems():
        if shape.GetLayer() == layer:
            here = shape.GetBoundingBox()
            edges = here if edges is None else edges
            edges.Merge(here)
    if edges is None:
        edges = part.GetBoundingBox(False, False)
    return tuple(pcbnew.ToMM(v) for v in (edges.GetLeft(), edges.GetTop(), edges.GetRight(), edges.GetBottom()))


def overlaps(one: tuple[float, ...], other: tuple[float, ...], gap: float) -> bool:
    return one[0] - gap < other[2] and other[0] - gap < one[2] and one[1] - gap < other[3] and other[1] - gap < one[3]


def pack(parts: list[Any], region: dict[str, Any], taken: list[tuple[float, ...]]) -> list[str]:
    """Puts each part at the first free place of the region, in rows; gives the references that found none."""
    left_out, step = [], 0.5
    for part in parts:
        placed = False
        y = region["top"]
        while not placed and y < region["bottom"]:
            x = region["left"]
            while not placed and x < region["right"]:
                part.SetPosition(point(0, 0))
                edges = box(part)
                part.SetPosition(point(x - edges[0], y - edges[1]))
                edges = box(part)
                if edges[2] > region["right"] or edges[3] > region["bottom"]:
                    break
                hit = [other for other in taken if overlaps(edges, other, region["gap"])]
                if not hit:
                    taken.append(edges)
                    placed = True
                x = max([x + step, *(other[2] + region["gap"] for other in hit)])
            y += step
        if not placed:
            part.SetPosition(point(-50, 0))
            left_out.append(part.GetReference())
    return left_out


def hole(board: Any, x: float, y: float, number: int) -> None:
    part = pcbnew.FOOTPRINT(board)
    part.SetReference(f"H{number}")
    pad = pcbnew.PAD(part)
    pad.SetAttribute(pcbnew.PAD_ATTRIB_NPTH)
    pad.SetShape(pcbnew.PAD_SHAPE_CIRCLE)
    size = pcbnew.FromMM(HOLE_MM)
    extent = pcbnew.wxSize(size, size) if pcbnew.Version().startswith("6") else pcbnew.VECTOR2I(size, size)
    pad.SetSize(extent)
    pad.SetDrillSize(extent)
    pad.SetLayerSet(pad.UnplatedHoleMask())
    part.Add(pad)
    part.SetPosition(point(x, y))
    part.Reference().SetVisible(False)
    board.Add(part)


def pour(board: Any, net: Any, edges: list[float]) -> None:
    """Ground on both sides of the Pi's part of the board; KiCad keeps it off the rest by the rules."""
    left, top, right, bottom = edges
    zone = pcbnew.ZONE(board)
    zone.SetNet(net)
    layers = pcbnew.LSET()
    for layer in (pcbnew.F_Cu, pcbnew.B_Cu):
        layers.AddLayer(layer)
    zone.SetLayerSet(layers)
    shape = zone.Outline()
    shape.NewOutline()
    for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        shape.Append(pcbnew.FromMM(x), pcbnew.FromMM(y))
    zone.SetLocalClearance(pcbnew.FromMM(0.3))
    board.Add(zone)
    pcbnew.ZONE_FILLER(board).Fill(board.Zones())


def main() -> int:
    spec, out = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    board = pcbnew.NewBoard(f"{out}.kicad_pcb")
    nets = {}
    for name in spec["nets"]:
        nets[name] = pcbnew.NETINFO_ITEM(board, name)
        board.Add(nets[name])
    outline(board, spec["width"], spec["height"])
    taken: list[tuple[float, ...]] = [
        (x - KEEP_MM / 2, y - KEEP_MM / 2, x + KEEP_MM / 2, y + KEEP_MM / 2) for x, y in spec["holes"]
    ]
    for number, (x, y) in enumerate(spec["holes"], 1):
        hole(board, x, y, number)
    parts = {}
    for ref, about in spec["parts"].items():
        part = parts[ref] = footprint(about["footprint"])
        part.SetReference(ref)
        part.SetValue(about["value"])
        board.Add(part)
        for pad in part.Pads():
            net = about["pins"].get(pad.GetNumber())
            if net is not None:
                pad.SetNet(nets[net])
    for ref, place in spec["fixed"].items():
        part = parts[ref]
        if place["back"]:
            part.Flip(point(0, 0), False)
        part.SetOrientationDegrees(place["turn"])
        part.SetPosition(point(place["x"], place["y"]))
        taken.append(box(part))
    homeless: list[str] = []
    for region in spec["regions"]:
        homeless += pack([parts[ref] for ref in region["refs"]], region, taken)
    Path(f"{out}.kicad_dru").write_text(spec["rules"])
    # Saved and read again: only a board with a name has its rules.
    board.Save(f"{out}.kicad_pcb")
    board = pcbnew.LoadBoard(f"{out}.kicad_pcb")
    pour(board, board.FindNet("GND"), spec["ground"])
    board.Save(f"{out}.kicad_pcb")
    report = f"{out}.drc.txt"
    pcbnew.WriteDRCReport(board, report, pcbnew.EDA_UNITS_MILLIMETRES, True)
    text = Path(report).read_text()
    kinds: dict[str, int] = {}
    for kind in re.findall(r"^\[(\w+)\]", text, re.M):
        kinds[kind] = kinds.get(kind, 0) + 1
    pads = [
        {
            "ref": part.GetReference(), "pad": pad.GetNumber(), "net": pad.GetNetname(),
            "x": round(pcbnew.ToMM(pad.GetPosition().x), 3), "y": round(pcbnew.ToMM(pad.GetPosition().y), 3),
            "size": round(pcbnew.ToMM(max(pad.GetSize().x, pad.GetSize().y)), 3),
        }
        for part in board.GetFootprints() for pad in part.Pads()
    ]  # fmt: skip
    boxes = {part.GetReference(): box(part) for part in board.GetFootprints() if part.GetReference() in parts}
    found = {"homeless": homeless, "drc": kinds, "pads": pads, "boxes": boxes}
    Path(f"{out}.json").write_text(json.dumps(found, indent=0))
    print(f"{out.name}: {len(parts)} parts placed, {homeless or 'none'} left out; KiCad's check: {kinds or 'clean'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
