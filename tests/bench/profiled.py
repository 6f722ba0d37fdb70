"""Where the CPU of `simulate --fast` goes: `python -m tests.bench.profiled SCRIPT STORE` prints seconds by area.

Each area's entry points are wrapped with a clock of the thread's CPU time; time in an inner area is taken from the
outer one, so the areas add up to the whole. Reading that clock costs about as much as it measures in the
smallest calls: these are shares, the figure to trust is the one measured from outside.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.recorder import Recorder
from tsuwaroku.service.simulate import simulate
from tsuwaroku.service.station import LineStation
from tsuwaroku.signalling.voice import VoiceActivity
from tsuwaroku.store import opencall, writer
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.flac import RunEncoder
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.keys import DeviceKey
from tsuwaroku.store.ring import RingFiles
from tsuwaroku.store.seal import CallKey, PartSealer

START_UP = "start-up"
REST = "rest"
AREAS: dict[str, list[tuple[Any, str]]] = {
    "FLAC": [(RunEncoder, "__init__"), (RunEncoder, "write"), (RunEncoder, "finish")],
    "VAD": [(VoiceActivity, "is_speech")],
    "sealing": [
        *((PartSealer, "__init__"), (PartSealer, "push"), (CallKey, "wrap_for"), (DeviceKey, "sign")),
        *((opencall, "seal_card"), (writer, "next_digest")),
    ],
    "disk": [
        *((RingFiles, "write"), (RingFiles, "sync"), (RingFiles, "read")),
        *((Journal, "append"), (Catalogue, "put"), (AuditLog, "append")),
    ],
    "board": [(VirtualBoard, "read")],
    "line": [(LineStation, name) for name in ("audio", "tick", "contact", "button", "gap", "playback", "take")],
    "writer": [(writer.RingWriter, name) for name in ("open", "audio", "event", "close", "commit")],
    "keeper": [(Keeper, "start"), (Keeper, "message"), (Keeper, "poll")],
}


class Shares:
    """CPU seconds by area, each without the areas inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside = 0  # ns already given to an inner area

    def wrap(self, owner: Any, name: str, area: str) -> None:
        """Count a function of a class or module."""
        wrapped: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            outer, self._inside = self._inside, 0
            began = time.thread_time_ns()
            try:
                return wrapped(*args, **kwargs)
            finally:
                spent = time.thread_time_ns() - began
                self.seconds[area] += (spent - self._inside) / 1e9
                self._inside = outer + spent

        setattr(owner, name, timed)


def main() -> None:
    shares = Shares()
    for area, places in AREAS.items():
        for owner, name in places:
            shares.wrap(owner, name, area)
    run = Recorder.run

    def started(*args: Any) -> None:
        shares.seconds[START_UP] = time.process_time() - sum(shares.seconds.values())
        run(*args)

    setattr(Recorder, "run", started)  # noqa: B010  mypy knows no other way to wrap a method
    simulate(Path(sys.argv[1]), Path(sys.argv[2]), fast=True)
    shares.seconds[REST] = time.process_time() - sum(shares.seconds.values())
    print(json.dumps(dict(sorted(shares.seconds.items(), key=lambda share: -share[1]))))


if __name__ == "__main__":
    main()
