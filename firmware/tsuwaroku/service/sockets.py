"""Where the keeper listens. A room of its own: the recorder needs the place, and nothing else of the keeper's."""

from __future__ import annotations

from pathlib import Path

from tsuwaroku.config import Config


def keeper_socket(store_dir: Path, config: Config) -> Path:
    """Where control listens."""
    return Path(config.service.socket) if config.service.socket else store_dir / "run" / "keeper.sock"


def link_socket(store_dir: Path) -> Path:
    """Where the keeper listens for the recorder."""
    return store_dir / "run" / "link.sock"
