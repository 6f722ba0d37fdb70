"""Playing scripts in tests, and reading what they left."""

from __future__ import annotations

import wave
from pathlib import Path

from tsuwaroku.config import Config
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.assembly import Assembled
from tsuwaroku.service.simulate import simulate
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import DEMO_KEY, Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.recovery import list_calls

START = 1_780_000_000 * 1_000_000_000  # a fixed start: 2026-05-29 05:26:40 Asia/Tokyo


def play(script: Path, store: Path, *, fast: bool = True, config: Config | None = None) -> list[CallRecord]:
    """The calls that a script becomes."""
    simulate(script, store, fast=fast, config=config, start_wall_ns=START)
    return calls_in(store)


def calls_in(path: Path) -> list[CallRecord]:
    """Every call of a demonstration store, without a single warning."""
    store = Store.open(path)
    try:
        warnings: list[str] = []
        calls = list_calls(store, demo_key(path), warnings=warnings)
        assert warnings == []
        return calls
    finally:
        store.close()


def demo_key(path: Path) -> PrivateKey:
    return PrivateKey.load(path / DEMO_KEY, lambda: "")


def samples_of(path: Path) -> bytes:
    """The S16LE octets of a WAV."""
    with wave.open(str(path), "rb") as file:
        return file.readframes(file.getnframes())


def no_slots(store: Store, parts: Assembled) -> None:
    """Take the recorder's lease away, as on a full ring."""
    Lease(slots=[], sequence_floor=1).save(store.lease_path, store.store_id)
    parts.writer.reload_lease()
