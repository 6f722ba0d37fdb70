"""Draws every board's schematic, checks it, and writes NAME.json and NAME.net of each. `python -m hw.circuit.build DIR`

A process of its own: SKiDL keeps its state in globals and its logs in the working directory.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # before SKiDL is imported: it opens its logs then
        from hw.tsuwa2.schematic import tsuwa2
        from hw.tsuwa8.schematic import carrier, line_board

        for draw in (tsuwa2, line_board, carrier):
            netlist = draw().finish(folder)
            netlist.save(folder / f"{netlist.name}.json")
            print(f"{netlist.name}: {len(netlist.parts)} parts, rule check: {', '.join(netlist.complaints) or 'clean'}")
            failed += bool(netlist.complaints)
    return failed


if __name__ == "__main__":
    sys.exit(main())
