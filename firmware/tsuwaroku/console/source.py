"""Where the reading verbs have the calls from: a store's files, or the keeper over its socket.

A private key never leaves the machine of whoever has it: both give ciphertext, which is opened here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

from tsuwaroku.console.session import session
from tsuwaroku.console.texts import t
from tsuwaroku.records.call import CallRecord

if TYPE_CHECKING:
    from tsuwaroku.console.session import Record
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.reader import CallReader


class Hearing(Protocol):
    """One call opened to be heard; that, and for what, is in the audit log already.

    `record`: what is sealed in it. `problems`: what is wrong with it, before anything is heard (English, to translate).
    `starts_at_s`: where its first sample is by the offsets `at_s` of the record, None where the call does not say.
    """

    record: CallRecord
    problems: list[str]
    starts_at_s: float | None

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """(position in the line's stream, S16LE mono) in order, as `CallReader.pieces`. Raises RefusedError where the
        call may no longer be read."""
        ...

    def checked(self) -> list[str]:
        """What else turned out to be wrong; for who has taken every one of the `pieces`."""
        ...

    def heard(self, stretches: Sequence[tuple[float, float]]) -> None:
        """What was heard up to now: seconds into the stored sound, from and to. To be told while it plays; the end of
        the hearing writes it down."""
        ...


class Source(Protocol):
    """Calls. `where`: what people are told it is."""

    where: str

    def records(self, private: PrivateKey | None, *, first_day: str = "", last_day: str = "") -> list[Record]:
        """Every call seized on these days (ISO dates, both included; "" is open), in order of seizure, by the date it
        had as far as that is known. What cannot be listed is named on stderr. A call whose card this key does not open
        is left out, and named. Raises StoreError, SecretError, ServiceError, ForbiddenError."""
        ...

    def problems(self, record: Record) -> list[str]:
        """What is wrong with a call, as far as it shows without a key. Raises StoreError."""
        ...

    def hearing(
        self, record: CallRecord, private: PrivateKey, *, purpose: str, note: str, listeners: Sequence[str]
    ) -> AbstractContextManager[Hearing]:
        """Open a call to be heard, once that is in the audit log: `purpose` (Article 1), a `note` that may be empty,
        and whoever listens along. The end of the context says what was heard; without a word of it all counts as heard.

        Raises RefusedError for a call whose days are over or that was erased, ForbiddenError for one of one's own
        extension, NotFoundError, SecretError, ServiceError."""
        ...

    def reading(self, call_id: str, private: PrivateKey, *, why: str) -> AbstractContextManager[CallReader]:
        """The same call opened for a paper or a copy, nothing of it heard; `why` is in the audit log. Raises as
        `hearing` does."""
        ...


def source(ctx: typer.Context, store: Path | None) -> Source:
    """The keeper whose socket was forwarded here (`--socket`, TSUWAROKU_SOCKET), else the files of the store; who hears
    a call of a store whose keeper runs here hears it through that keeper. Raises ConfigError, StoreError, ServiceError.
    """
    here = session(ctx)
    if here.socket_path is None:
        from tsuwaroku.console.storesource import StoreSource

        return StoreSource(ctx, store)
    if store is not None:
        raise typer.BadParameter(t("bad.two_sources"), param_hint="--store")
    from tsuwaroku.console.keepersource import KeeperSource

    return KeeperSource(here.socket_path)
