"""Makes the empty demonstration store that a script needs: `python -m tests.bench.emptystore SCRIPT STORE`.

`simulate` would make it by itself; made beforehand, writing the ring full of zeros does not count as recording.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tsuwaroku.exchange.script import load_script
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.simulate import script_config, slots_needed


def make(script: Path, store: Path) -> None:
    """The size is the one `simulate` takes for itself."""
    loaded = load_script(script)
    calls = sum(len(loaded.timelines(line)) for line in loaded.lines) + 16 * len(loaded.raws)
    create_demo_store(store, script_config(loaded, None), slots_needed(loaded.duration_s, len(loaded.lines), calls))


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
