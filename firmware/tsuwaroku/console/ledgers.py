"""`ledger`: one of the books as CSV or PDF, from the running keeper, or from the store while none runs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from tsuwaroku.clock import SystemClock
from tsuwaroku.console.options import JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.session import load_key, open_store, session
from tsuwaroku.console.texts import h, t
from tsuwaroku.errors import RefusedError

if TYPE_CHECKING:
    from tsuwaroku.config import OfficeConfig
    from tsuwaroku.console.papers import PapersClient
    from tsuwaroku.disclosure.sheets import Ledger
    from tsuwaroku.store.audit import AuditEntry
    from tsuwaroku.store.keys import PrivateKey

BookArgument = Annotated[str, typer.Argument(metavar="LEDGER", help=h("arg.ledger"), show_default=False)]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="FILE", help=h("opt.ledger_out"), show_default=False)]
FromOption = Annotated[str, typer.Option("--from", metavar="DAY", help=h("opt.first_day"), show_default=False)]
ToOption = Annotated[str, typer.Option("--to", metavar="DAY", help=h("opt.last_day"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("ledger", help=h("ledger"))(ledger)


def ledger(
    ctx: typer.Context,
    book: BookArgument,
    out: OutOption = None,
    first: FromOption = "",
    last: ToOption = "",
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a ledger. Raises RefusedError for one that there is not, or a file that is neither CSV nor PDF."""
    from tsuwaroku.console.papers import write_paper
    from tsuwaroku.disclosure.sheets import ledger_csv, ledger_pdf
    from tsuwaroku.service.bookkeeping import Range, days_of
    from tsuwaroku.service.ledgers import Book

    wanted = next((one for one in Book if one.value == book), None)
    if wanted is None:
        raise RefusedError("there is no ledger of that name", where=book, remedy="use " + ", ".join(Book))
    kind = "" if out is None else out.suffix.lower()
    if kind not in ("", ".csv", ".pdf"):
        raise RefusedError("a ledger is written as CSV or PDF", where=str(out), remedy="end the name in .csv or .pdf")
    days = days_of(Range(first=first, last=last))
    if any(days) and wanted not in (Book.AUDIT, Book.ERASURES):
        raise RefusedError(
            "this ledger is always whole", where="--from", remedy="leave --from and --to to audit and erasures"
        )
    found = _made(ctx, store, wanted, days, load_key(key, passphrase_file))
    if out is not None:
        write_paper(out, ledger_pdf(found) if kind == ".pdf" else ledger_csv(found))
    if as_json or out is None:
        emit_json(found)
    else:
        screen().print(t("ledger.written", title=found.title, n=len(found.rows), path=out), soft_wrap=True)


def _made(
    ctx: typer.Context,
    store: Path | None,
    book: str,
    days: tuple[date | None, date | None],
    private: PrivateKey | None,
) -> Ledger:
    from tsuwaroku.records.retention import day_of
    from tsuwaroku.service.ledgers import Book, acts_with, of_acts, of_audit, of_config, of_erasures

    today = day_of(SystemClock().now().wall_ns)
    wanted = Book(book)
    if session(ctx).socket(store).exists():
        source: _Running | _Resting = _Running(ctx, store)
    else:
        source = _Resting(ctx, store)
    if wanted is Book.DEVICES:
        return source.devices() if isinstance(source, _Running) else of_config(session(ctx).config(), today)
    office = source.office()
    if wanted is Book.AUDIT:
        acts_there = source.acts() if private is not None else []
        return of_audit(source.audit(days), private, office, today, acts_there)
    if wanted is Book.ERASURES:
        return of_erasures(source.erasures(days), office, today)
    return of_acts(wanted, acts_with(source.acts(), private), office, today)


class _Running:
    """Lines from the keeper."""

    def __init__(self, ctx: typer.Context, store: Path | None) -> None:
        self._socket = session(ctx).socket(store)

    def devices(self) -> Ledger:
        from tsuwaroku.disclosure.sheets import Ledger

        with self._client() as keeper:
            return Ledger(**msgspec.structs.asdict(keeper.devices()))

    def acts(self) -> list[AuditEntry]:
        with self._client() as keeper:
            return keeper.acts()

    def erasures(self, days: tuple[date | None, date | None]) -> list[AuditEntry]:
        with self._client() as keeper:
            return keeper.erasures(*days)

    def audit(self, days: tuple[date | None, date | None]) -> list[AuditEntry]:
        with self._client() as keeper:
            return keeper.audit_lines(*days)

    def office(self) -> OfficeConfig:
        with self._client() as keeper:
            return keeper.office()

    def _client(self) -> PapersClient:
        from tsuwaroku.console.papers import PapersClient

        return PapersClient(self._socket)


class _Resting:
    """The same from the store itself, for whoever may read its files."""

    def __init__(self, ctx: typer.Context, store: Path | None) -> None:
        from tsuwaroku.store.audit import AuditLog

        self._log = AuditLog.open(open_store(ctx, store))
        self._config = session(ctx).config_if_there()

    def office(self) -> OfficeConfig:
        from tsuwaroku.config import OfficeConfig

        return OfficeConfig() if self._config is None else self._config.office

    def acts(self) -> list[AuditEntry]:
        from tsuwaroku.store.acts import act_entries

        return list(act_entries(self._log))

    def erasures(self, days: tuple[date | None, date | None]) -> list[AuditEntry]:
        from tsuwaroku.service.bookkeeping import erasures_of

        return list(erasures_of(self._log, *days))

    def audit(self, days: tuple[date | None, date | None]) -> list[AuditEntry]:
        from tsuwaroku.service.bookkeeping import entries_of

        return list(entries_of(self._log, *days))
