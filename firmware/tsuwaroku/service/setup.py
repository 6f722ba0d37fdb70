"""Making stores: a demonstration's, with a key in the clear beside it, and a real one's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tsuwaroku.clock import JST
from tsuwaroku.config import Config
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.retention import configured
from tsuwaroku.service.plan import plan, refuse_below_guarantee
from tsuwaroku.store.keys import Recipients
from tsuwaroku.store.layout import DEMO_KEY, Store

Progress = Callable[[int, int], None]


def create_demo_store(store_dir: Path, config: Config, ring_slots: int, progress: Progress | None = None) -> Path:
    """A store anybody can open: DIR/demo.key has no passphrase. Any real store refuses that key."""
    store = Store.create(
        store_dir,
        slots=ring_slots,
        retention_days=configured(config.store).code,
        demonstration=True,
        created=datetime.now(JST).isoformat(timespec="seconds"),
        progress=progress,
    )
    store.close()
    return store_dir / DEMO_KEY


def refuse_real(store: Store) -> None:
    """Calls that nobody made have no place among records: closes any store but a demonstration's, RefusedError."""
    if not store.info.is_demonstration:
        store.close()
        raise RefusedError(
            "a real store takes no simulated calls",
            where=str(store.path),
            remedy="name a new directory with --store DIR",
        )


def create_store(config: Config, recipients: Recipients, progress: Progress | None = None) -> None:
    """The store of a real box, at the size its guarantee needs. Raises RingError below it, StoreError."""
    sized = plan(config)
    refuse_below_guarantee(config, sized)
    store = Store.create(
        Path(config.store.path),
        slots=sized.slots,
        retention_days=configured(config.store).code,
        demonstration=False,
        device_key_path=device_key_path(config),
        recipients=recipients,
        created=datetime.now(JST).isoformat(timespec="seconds"),
        progress=progress,
    )
    store.close()


def device_key_path(config: Config) -> Path | None:
    """Where this box keeps its device key; None = in the store."""
    return Path(config.store.device_key) if config.store.device_key else None
