"""Draws every board's schematic, checks it, and writes NAME.json and NAME.net of each. `python -m hw.circuit.build DIR`

A process of its own: SKiDL keeps its state in globals and its logs in the working directory.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from hw.circuit.sheet import Sheet
from hw.tsuwa2.schematic import tsuwa2
from hw.tsuwa8.schematic import carrier, line_board

SHEETS: dict[str, Callable[[], Sheet]] = {"tsuwa2": tsuwa2, "tsuwa8-line": line_board, "tsuwa8-carrier": carrier}


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for name, draw in SHEETS.items():
            netlist = draw().finish(folder)
            netlist.save(folder / f"{name}.json")
            print(f"{name}: {len(netlist.parts)} parts, rule check: {', '.join(netlist.complaints) or 'clean'}")
            failed += bool(netlist.complaints)
    return failed


if __name__ == "__main__":
    sys.exit(main())
