"""`clock.json`: what the judge of the clock remembers (`records/dating.py`); lost, it is replayed from the journal."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tsuwaroku.errors import StoreError
from tsuwaroku.records.dating import State
from tsuwaroku.store.checked import Unsound, sealed, unsealed
from tsuwaroku.store.durable import replace_file

VERSION = 1
SAVE_EVERY_NS = 60_000_000_000  # of the look alone: so much powered-on time a power cut may cost


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    state: State


def load(path: Path, store_id: bytes) -> State:
    """The memory; an empty one where there is no file. Raises StoreError where it cannot be read or is another's."""
    try:
        file = unsealed(path.read_bytes(), _File, store_id)
    except FileNotFoundError:
        return State()
    except (OSError, Unsound) as error:
        raise StoreError(f"cannot be read ({error})", where=str(path), remedy="restart the keeper") from error
    if file.version != VERSION:
        raise StoreError(
            f"is of version {file.version}", where=str(path), remedy="run recorder and keeper of one version"
        )
    return file.state


def save(path: Path, state: State, store_id: bytes) -> None:
    """Durable on return. Raises StoreError; the old memory is then still there."""
    try:
        replace_file(path, sealed(_File(version=VERSION, state=state), store_id), 0o640)
    except OSError as error:
        raise StoreError(
            f"cannot be written ({error.strerror})", where=str(path), remedy="check the disk and its permissions"
        ) from error
