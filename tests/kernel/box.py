"""The product as it runs in a city hall: its own processes on the kernel's devices, a store on a disk."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from ulid import ULID

from tests.service.support import calls_in, demo_key
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.supervisor import Pair
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.verify import Report, verify_store

START_S = 60.0


def config_for(*lines: str, **board: Any) -> Config:
    """A tsuwa2 board with these lines on its ports in order; `board` overrides what it says.

    Its card runs at the recorded rate, so that what is stored can be compared bit for bit with what was given.
    """
    return Config(
        board=BoardConfig(**{"kind": "tsuwa2", "meter": "none", "card_rate": board.get("rate", 8000), **board}),
        line=tuple(LineConfig(id=line, port=n) for n, line in enumerate(lines, 1)),
    )


class Box:
    """One store and its two processes, as `tsuwaroku run` has them. Used by one thread."""

    def __init__(self, path: Path, config: Config, *, slots: int = 160) -> None:
        self.path = path
        self.config = config
        if not (path / "store.json").exists():
            create_demo_store(path, config, slots)
        self.pair = Pair(config, path)

    def start(self) -> None:
        """Returns once the recorder has taken the store; it reads its board from then on."""
        before = FileLock.held(self.path / "recorder.lock")
        self.pair.start()
        began = time.monotonic()
        while (held := FileLock.held(self.path / "recorder.lock")) is None or held == before or not held:
            self.pair.poll()
            if time.monotonic() - began > START_S:
                raise AssertionError("the recorder does not come up")
            time.sleep(0.1)
        print(f"recorder up after {time.monotonic() - began:.2f} s", file=sys.stderr)

    def stop(self) -> None:
        """A clean end."""
        self.pair.stop()

    def calls(self) -> list[CallRecord]:
        """Every call, oldest first, without a warning."""
        return calls_in(self.path)

    def verify(self) -> Report:
        store = Store.open(self.path)
        try:
            return verify_store(store, demo_key(self.path))
        finally:
            store.close()

    def runs(self) -> dict[str, list[tuple[int, bytes]]]:
        """Call id -> its stretches without a gap: (position in the card's stream, S16LE)."""
        store = Store.open(self.path)
        try:
            return {
                str(ULID(stored.call_id)): list(CallReader(stored, store, demo_key(self.path)).pcm())
                for stored in scan_slots(store)
            }
        finally:
            store.close()

    def sound(self) -> dict[str, bytes]:
        """Call id -> all its samples (S16LE), gaps left out."""
        store = Store.open(self.path)
        try:
            return {
                str(ULID(stored.call_id)): b"".join(
                    pcm for _, pcm in CallReader(stored, store, demo_key(self.path)).pcm()
                )
                for stored in scan_slots(store)
            }
        finally:
            store.close()
