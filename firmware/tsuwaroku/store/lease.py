"""The slots lent to the recorder: written by the keeper, read by the recorder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tsuwaroku.errors import StoreError
from tsuwaroku.store.checked import Unsound, sealed, unsealed
from tsuwaroku.store.durable import replace_file

VERSION = 1


class Lease(msgspec.Struct, kw_only=True):
    """`slots`: (slot, the generation it takes when used), in the order they are to be used.

    `sequence_floor`: the next opening sequence number is at least this. The keeper removes a slot only after it
    has read its header; it leaves the slots of unfinished calls in, so that a restarted recorder finds them.
    """

    version: int = VERSION
    slots: list[tuple[int, int]] = msgspec.field(default_factory=list)
    sequence_floor: int = 1

    @classmethod
    def load(cls, path: Path, store_id: bytes) -> Lease:
        """The lease; an empty one where none was ever written. Raises StoreError: a wrong one could have a slot written
        over that a call still needs."""
        try:
            lease = unsealed(path.read_bytes(), cls, store_id)
        except FileNotFoundError:
            return cls()
        except (OSError, Unsound) as error:
            raise StoreError(f"cannot be read ({error})", where=str(path), remedy="restart the keeper") from error
        if lease.version != VERSION:
            raise StoreError(
                f"is of version {lease.version}", where=str(path), remedy="run recorder and keeper of one version"
            )
        return lease

    def save(self, path: Path, store_id: bytes) -> None:
        """Durable on return. Raises StoreError."""
        try:
            replace_file(path, sealed(self, store_id), 0o640)
        except OSError as error:
            raise StoreError(
                f"cannot be written ({error.strerror})", where=str(path), remedy="check the disk and its permissions"
            ) from error
