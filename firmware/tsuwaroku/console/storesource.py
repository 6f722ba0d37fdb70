"""Calls from the files of a store that lies here: a box's own, or one on a disk that was taken out of it.

Whoever hears a call of a store whose keeper runs hears it through that keeper, whose rules then hold. Where none runs
the same is done in its stead: the same rules, the same entries of the same log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from ulid import ULID

from tsuwaroku.clock import SystemClock
from tsuwaroku.config import LineConfig
from tsuwaroku.console.keepersource import KeeperSource
from tsuwaroku.console.reading import listed
from tsuwaroku.console.session import open_store, person, session, stored_call
from tsuwaroku.console.stead import keeper_runs, keepers_books
from tsuwaroku.errors import ForbiddenError, RefusedError, SecretError, TsuwarokuError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.fates import CallFate, Fate
from tsuwaroku.service.hearing import (
    HEARD,
    OWN_EXTENSION,
    PLAY,
    READ,
    play_text,
    refuse_own,
    refuse_purpose,
    stretches_text,
)
from tsuwaroku.service.listening import note_act
from tsuwaroku.service.reading import may_read
from tsuwaroku.service.refusals import VERB as REFUSED
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.whole import listed_problems, problems_of

if TYPE_CHECKING:
    from tsuwaroku.console.session import Record
    from tsuwaroku.console.source import Hearing
    from tsuwaroku.store.amendments import Amendments
    from tsuwaroku.store.catalogue import CatalogueEntry
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.layout import Store
    from tsuwaroku.store.scan import StoredCall


class StoreSource:
    """`store`: DIR of `--store`. Raises StoreError and its kin where it does not open."""

    def __init__(self, ctx: typer.Context, store: Path | None) -> None:
        self._ctx = ctx
        self._named = store
        self._store = open_store(ctx, store)
        self.where = str(self._store.path)

    def records(self, private: PrivateKey | None, *, first_day: str = "", last_day: str = "") -> list[Record]:
        return listed(self._store, private, first_day, last_day)

    def problems(self, record: Record) -> list[str]:
        return listed_problems(self._store, record.id)

    def hearing(
        self, record: CallRecord, private: PrivateKey, *, purpose: str, note: str, listeners: Sequence[str]
    ) -> AbstractContextManager[Hearing]:
        if keeper_runs(self._store):
            keeper = KeeperSource(session(self._ctx).socket(self._named))
            return keeper.hearing(record, private, purpose=purpose, note=note, listeners=listeners)
        return self._in_its_stead(record, private, purpose, note, listeners)

    def reading(self, call_id: str, private: PrivateKey, *, why: str) -> AbstractContextManager[CallReader]:
        if keeper_runs(self._store):
            return KeeperSource(session(self._ctx).socket(self._named)).reading(call_id, private, why=why)
        return self._read_in_its_stead(call_id, private, why)

    @contextmanager
    def _read_in_its_stead(self, call_id: str, private: PrivateKey, why: str) -> Iterator[CallReader]:
        reader, _, _ = self._opened(call_id, private)
        self._write(READ, call_id, why)
        yield reader

    @contextmanager
    def _in_its_stead(
        self, record: CallRecord, private: PrivateKey, purpose: str, note: str, listeners: Sequence[str]
    ) -> Iterator[Hearing]:
        refuse_purpose(purpose, note, listeners)
        config = session(self._ctx).config_if_there()
        if config is not None:
            line = next((one for one in config.line if one.id == record.line), LineConfig(id="unknown"))
            fate = CallFate(id=record.id, fate=Fate.KEPT, line=record.line, extension=line.extension)
            try:
                refuse_own(config.service, [person(), *listeners], fate)
            except ForbiddenError:
                self._refused(record.id)
                raise
        reader, entry, amendments = self._opened(record.id, private)
        hearing = SteadHearing(record, reader, entry, amendments)
        self._write(PLAY, record.id, play_text(purpose, note, listeners))
        try:
            yield hearing
        finally:
            self._write(HEARD, record.id, hearing.said)

    def _opened(self, call_id: str, private: PrivateKey) -> tuple[CallReader, CatalogueEntry | None, Amendments]:
        stored, entry = stored_call(self._store, call_id)
        amendments = read_amendments(self._store)
        held = amendments.hold(ULID.from_str(call_id).bytes)
        refuse_over(self._store, stored, held)
        reader = CallReader(stored, self._store, private, entry.wraps if entry is not None else (), amendments)
        return reader, entry, amendments

    def _refused(self, call_id: str) -> None:
        """The attempt is in the log, as the keeper would have it; where it cannot be, nothing is heard all the same."""
        with contextlib.suppress(TsuwarokuError):
            mine = open_store(self._ctx, self._named, need_device=True)
            with keepers_books(mine) as (audit, _):
                detail = {"verb": Verb.PLAY.value, "why": OWN_EXTENSION}
                audit.append(SystemClock().now(), person(), REFUSED, call_id, detail=detail)

    def _write(self, verb: str, call_id: str, why: str) -> None:
        """Durable on return. Raises RefusedError where this store cannot be written to from here."""
        try:
            mine = open_store(self._ctx, self._named, need_device=True)
        except SecretError as error:
            raise RefusedError(
                "listening cannot be written into the audit log of this store, so it is refused",
                where=self.where,
                remedy="play it on the box, or through its running service",
            ) from error
        with keepers_books(mine) as (audit, journal):
            note_act(journal, audit, SystemClock().now(), person(), verb, subject=call_id, why=why)


class SteadHearing:
    """A call that is heard from its files. `said`: what was heard of it, for the log."""

    def __init__(
        self, record: CallRecord, reader: CallReader, entry: CatalogueEntry | None, amendments: Amendments
    ) -> None:
        self.record = record
        self.problems = problems_of(reader.stored, amendments.get(reader.stored.call_id, ()), entry)
        self.starts_at_s = reader.starts_at_s(record)
        self.said = "not told; counts as heard whole"
        self._reader = reader

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        return self._reader.pieces()

    def checked(self) -> list[str]:
        return [] if self._reader.stored.open_now else self._reader.checked().problems

    def heard(self, stretches: Sequence[tuple[float, float]]) -> None:
        self.said = stretches_text(stretches)


def refuse_over(store: Store, stored: StoredCall, held: date | None) -> None:
    """By the judge of the clock: from the end the ring has, by the later of the box's date and the clock's. Raises
    RefusedError for a call whose days are over, erased or not (Article 8(1))."""
    verdict = may_read(store, stored, "" if held is None else held.isoformat(), SystemClock().now())
    if verdict is not None and not verdict.yes:
        raise RefusedError(
            f"this call was kept until {verdict.last_day.isoformat()} (Article 8(1)) and may no longer be read",
            where=stored.id,
            remedy="nothing can be done; the manager may hold calls only before they expire",
        )
