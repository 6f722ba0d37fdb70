"""Builds a board with KiCad's own Python and lets KiCad check it. Run by the system's Python, which has `pcbnew`:

    python3 hw/circuit/kicad_board.py SPEC.json OUT

SPEC.json is what hw/circuit/board.py writes. OUT.kicad_pcb, OUT.kicad_dru, OUT.drc.txt and OUT.board.json are
written, the last with every pad's place and net and every part's courtyard. Tested with KiCad 6 (Debian 12); where
later ones have other names, those are here but untried.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
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


class Packer:
    """Puts parts into regions, keeping them off what is there already."""

    STEP = 0.5

    def __init__(self, parts: dict[str, Any], near: dict[str, list[str]], taken: list[tuple[float, ...]]) -> None:
        self.parts = parts
        self.near = near
        self.taken = taken
        self.homeless: list[str] = []

    def fill(self, region: dict[str, Any]) -> None:
        for ref in region["refs"]:
            part = self.parts[ref]
            part.SetPosition(point(0, 0))
            spots = self.around(part, region, self.near[ref]) if ref in self.near else self.rows(part, region)
            spot = next(spots, None)
            if spot is None:
                part.SetPosition(point(-50, 0))
                self.homeless.append(ref)
            else:
                part.SetPosition(point(*spot))
                self.taken.append(box(part))

    def hits(self, edges: tuple[float, ...], x: float, y: float, gap: float) -> list[tuple[float, ...]]:
        """What a part with these edges would lie on if moved by x and y."""
        moved = (edges[0] + x, edges[1] + y, edges[2] + x, edges[3] + y)
        return [other for other in self.taken if overlaps(moved, other, gap)]

    def rows(self, part: Any, region: dict[str, Any]) -> Iterator[tuple[float, float]]:
        """The first free place, row by row."""
        edges, gap = box(part), region["gap"]
        y = region["top"] - edges[1]
        while y + edges[3] <= region["bottom"]:
            x = region["left"] - edges[0]
            while x + edges[2] <= region["right"]:
                hit = self.hits(edges, x, y, gap)
                if not hit:
                    yield x, y
                x = max([x + self.STEP, *(other[2] + gap - edges[0] for other in hit)])
            y += self.STEP

    def around(self, part: Any, region: dict[str, Any], target: list[str]) -> Iterator[tuple[float, float]]:
        """The free place nearest to a pin."""
        pad = next(pad for pad in self.parts[target[0]].Pads() if pad.GetNumber() == target[1])
        x0, y0 = pcbnew.ToMM(pad.GetPosition().x), pcbnew.ToMM(pad.GetPosition().y)
        edges, reach = box(part), range(-24, 25)
        spots = sorted((i * i + j * j, x0 + i * self.STEP, y0 + j * self.STEP) for i in reach for j in reach)
        for _, x, y in spots:
            inside = x + edges[0] >= region["left"] and y + edges[1] >= region["top"]
            inside = inside and x + edges[2] <= region["right"] and y + edges[3] <= region["bottom"]
            if inside and not self.hits(edges, x, y, region["gap"]):
                yield x, y


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
            part.Flip(point(0, 0), getattr(pcbnew, "FLIP_DIRECTION_TOP_BOTTOM", False))
        part.SetOrientationDegrees(place["turn"])
        part.SetPosition(point(place["x"], place["y"]))
        taken.append(box(part))
    packer = Packer(parts, spec["near"], taken)
    for region in spec["regions"]:
        packer.fill(region)
    Path(f"{out}.kicad_dru").write_text(spec["rules"])
    # Saved and read again: only a board with a name has its rules.
    board.Save(f"{out}.kicad_pcb")
    board = pcbnew.LoadBoard(f"{out}.kicad_pcb")
    pour(board, board.FindNet("GND"), spec["ground"])
    board.Save(f"{out}.kicad_pcb")
    report = f"{out}.drc.txt"
    millimetres = pcbnew.EDA_UNITS_MM if hasattr(pcbnew, "EDA_UNITS_MM") else pcbnew.EDA_UNITS_MILLIMETRES
    pcbnew.WriteDRCReport(board, report, millimetres, True)
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
    found = {"homeless": packer.homeless, "drc": kinds, "pads": pads, "boxes": boxes}
    Path(f"{out}.board.json").write_text(json.dumps(found, indent=0))
    print(f"{out.name}: {len(parts)} parts, {packer.homeless or 'none'} without a place; KiCad: {kinds or 'clean'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
