"""Doing in the keeper's stead what only it may do, while it does not run: its lock, its audit log, its journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tsuwaroku.errors import ServiceError, TsuwarokuError

if TYPE_CHECKING:
    from tsuwaroku.store.audit import AuditLog
    from tsuwaroku.store.journal import Journal
    from tsuwaroku.store.layout import Store


def keeper_runs(store: Store) -> bool:
    """Whether some live process is this store's keeper."""
    from tsuwaroku.store.durable import FileLock

    return FileLock.held(store.keeper_lock) is not None


@contextmanager
def keeper_lock(store: Store) -> Iterator[None]:
    """The keeper's lock. Raises ServiceError where it has just been started."""
    from tsuwaroku.store.durable import FileLock

    lock = FileLock(store.keeper_lock)
    try:
        lock.acquire()
    except TsuwarokuError as error:
        raise ServiceError(
            "the service is running but does not answer",
            where=str(store.path),
            remedy="see `journalctl -u tsuwaroku`, then try again",
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def keepers_books(store: Store) -> Iterator[tuple[AuditLog, Journal]]:
    """Its lock, audit log and journal, open for writing. `store` has its device key. Raises as `keeper_lock` does."""
    from tsuwaroku.store.audit import AuditLog
    from tsuwaroku.store.journal import Journal

    with keeper_lock(store):
        audit = AuditLog.open(store, store.device)
        try:
            journal = Journal.open(store.journal_dir, "keeper", store, store.device)
            try:
                yield audit, journal
            finally:
                journal.close()
        finally:
            audit.close()
