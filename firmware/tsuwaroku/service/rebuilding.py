"""`rebuild`: catalogue and slot table made again from ring and journals alone, without a private key."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from ulid import ULID

from tsuwaroku.errors import StoreError
from tsuwaroku.store.layout import Store
from tsuwaroku.store.rebuild import rebuild


class RebuiltStore(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `held`: each call under a hold and its last day. `unfinished`: erasures the keeper ends when it
    starts. `problems`: slots nobody can read."""

    calls: int
    days: int
    held: dict[str, str]
    unfinished: int
    highest_sequence: int
    problems: list[str]


def rebuild_store(store: Store, progress: Callable[[int, int], None] | None = None) -> RebuiltStore:
    """Make the catalogue again, and have the keeper read every header at its next start.

    The caller holds the keeper's lock. The snapshot of the slot table goes first: cut off at any moment, what stands
    then is never a table that is newer than what it was made from. Raises StoreError.
    """
    try:
        store.table_path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot be removed ({error.strerror})",
            where=str(store.table_path),
            remedy="run it as the service's user or as a member of its group",
        ) from error
    found = rebuild(store, progress)
    return RebuiltStore(
        calls=found.calls,
        days=found.days,
        held={str(ULID.from_bytes(call)): until.isoformat() for call, until in sorted(found.held.items())},
        unfinished=found.unfinished,
        highest_sequence=found.highest_sequence,
        problems=found.problems,
    )
