"""How late the recorder's 20 ms tick comes in real time: `python -m tests.bench.tick CONFIG STORE SECONDS`.

The recorder's process as the service starts it, beside a keeper's, with one thing added: the time at which each step
of the virtual board came back from its wait. The step that came soonest after its due time counts as on time.
Prints milliseconds as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tsuwaroku.config import load
from tsuwaroku.events import Event
from tsuwaroku.hal.virtual import STEP_NS, VirtualBoard
from tsuwaroku.service import process
from tsuwaroku.service.supervisor import Pair

SETTLE_S = 5.0


def lateness(returned_ns: Sequence[int]) -> list[float]:
    """Milliseconds by which each step is later than the one that came soonest, sorted."""
    offsets = [at - number * STEP_NS for number, at in enumerate(returned_ns)]
    soonest = min(offsets)
    return sorted((offset - soonest) / 1e6 for offset in offsets)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    config, store, seconds = load(Path(sys.argv[1])), Path(sys.argv[2]), float(sys.argv[3])
    returned: list[int] = []
    read = VirtualBoard.read

    def timed(board: VirtualBoard, timeout_s: float) -> Sequence[Event]:
        events = read(board, timeout_s)
        if events:
            returned.append(time.monotonic_ns())
            if len(returned) * STEP_NS > (SETTLE_S + seconds) * 1e9:
                os.kill(os.getpid(), signal.SIGTERM)
        return events

    setattr(VirtualBoard, "read", timed)  # noqa: B010  mypy knows no other way to wrap a method
    keeper = Pair(config, store, roles=("keeper",))
    keeper.start()
    try:
        spec = process.Spec(role="recorder", config=config, store=str(store), epoch_wall_ns=time.time_ns())
        code = process.run(spec)
    finally:
        keeper.stop()
    if code:
        raise SystemExit(code)
    late = lateness(returned[round(SETTLE_S * 50) :])
    realtime = os.sched_getscheduler(0) == os.SCHED_FIFO
    found = {"p50": quantile(late, 0.5), "p99": quantile(late, 0.99), "max": late[-1]}
    print(json.dumps({**found, "steps": len(late), "realtime": realtime}))


if __name__ == "__main__":
    main()
