"""`calls`, `show` and `verify`: what is in the store. `play` is in `playing`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from tsuwaroku.console import render
from tsuwaroku.console.lines import Lines, department_of, known_lines, placed
from tsuwaroku.console.options import CallArgument, JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import emit_json, progress, screen
from tsuwaroku.console.session import Record, find_record, load_key, open_store
from tsuwaroku.console.texts import h, t
from tsuwaroku.console.translate import explained, translate
from tsuwaroku.errors import DamageError, ForbiddenError, RefusedError, SecretError, StoreError
from tsuwaroku.records.call import Integrity

if TYPE_CHECKING:
    from tsuwaroku.console.source import Source
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.layout import Store

LineFilter = Annotated[str | None, typer.Option("--line", metavar="LINE", help=h("opt.line"), show_default=False)]
DateFilter = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help=h("opt.date"), show_default=False)]
FingerprintOption = Annotated[
    str | None, typer.Option("--fingerprint", metavar="HEX", help=h("opt.fingerprint"), show_default=False)
]
HeadOption = Annotated[
    str | None, typer.Option("--audit-head", metavar="HEX", help=h("opt.audit_head"), show_default=False)
]
EveryOption = Annotated[bool, typer.Option("--all", metavar="", help=h("opt.every"), show_default=False)]
SomeCall = Annotated[str | None, typer.Argument(metavar="ID", help=h("arg.id"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("calls", help=h("calls"))(calls)
    app.command("show", help=h("show"))(show)
    app.command("verify", help=h("verify"))(verify)


def listed(store: Store, private: PrivateKey | None, first_day: str = "", last_day: str = "") -> list[Record]:
    """Every call of a store seized on these days ("" is open), in order of seizure, by the date it had as far as that
    is known; what cannot be listed is named on stderr.

    Raises StoreError, SecretError.
    """
    from tsuwaroku.service.redating import redated
    from tsuwaroku.store.calllist import quick_public, quick_records
    from tsuwaroku.store.cardcache import CardCache, cache_directory

    warnings: list[str] = []
    found: list[Record] = []
    if private is None:
        found += quick_public(store, warnings)
    else:
        cache = CardCache(cache_directory(), store.store_id, private)
        try:
            found += quick_records(store, private, cache, warnings)
        except SecretError as error:
            raise SecretError(error.message, where=error.where or str(store.path), remedy=error.remedy) from error
    console = screen(err=True)
    for warning in warnings:
        console.print(translate(warning), style="yellow", markup=False, soft_wrap=True)
    last = last_day or "9"
    return [one for one in redated(store, found) if first_day <= date_of(one) <= last]


def calls(
    ctx: typer.Context,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    line: LineFilter = None,
    date: DateFilter = None,
    every: EveryOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the calls."""
    from tsuwaroku.console.source import source

    day = _day(date)
    calls_from = source(ctx, store)
    records = calls_from.records(load_key(key, passphrase_file), first_day=day or "", last_day=day or "")
    records = [record for record in records if line is None or record.line == line]
    lines = known_lines(ctx, store)
    if as_json:
        emit_json(placed(records, lines))
    else:
        show_calls(records, lines, with_key=key is not None, every=every)


def show_calls(records: list[Record], lines: Lines, *, with_key: bool, every: bool) -> None:
    """The list, with departments where the screen has room for them."""
    console = screen()
    console.print(render.calls(records, with_key=with_key, every=every, lines=lines, width=console.width))


def _day(text: str | None) -> str | None:
    from datetime import date

    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise typer.BadParameter(t("bad.date", value=text), param_hint="--date") from error


def date_of(record: Record) -> str:
    """The day of a call's seizure, Asia/Tokyo, as YYYY-MM-DD."""
    return render.dated(record)[:10]


def show(
    ctx: typer.Context,
    call: CallArgument,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one call, and whether it is whole."""
    from tsuwaroku.console.source import source

    calls_from = source(ctx, store)
    record = _compared(calls_from, find_record(calls_from.records(load_key(key, passphrase_file)), call))
    lines = known_lines(ctx, store)
    if as_json:
        emit_json(placed([record], lines)[0])
    else:
        screen().print(render.call(record, department=department_of(record, lines)))


def _compared(calls_from: Source, record: Record) -> Record:
    """A list says what was sealed; of the one call that is shown, whether it still is that, too."""
    try:
        problems = calls_from.problems(record)
        told = t("show.damaged", why=" / ".join(translate(problem) for problem in problems)) if problems else ""
    except (StoreError, ForbiddenError, RefusedError) as error:
        problems, told = [], t("show.unchecked", why=explained(error))
    if told:
        screen(err=True).print(told, style="bold red", markup=False, soft_wrap=True)
    return msgspec.structs.replace(record, integrity=Integrity.DAMAGED) if problems else record


def verify(
    ctx: typer.Context,
    call: SomeCall = None,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    fingerprint: FingerprintOption = None,
    audit_head: HeadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check chain, signatures, slots and catalogue; with a key also the sound."""
    from tsuwaroku.store.verify import verify_store

    if audit_head is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", audit_head):
        raise typer.BadParameter(t("bad.head"), param_hint="--audit-head")
    if fingerprint is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", re.sub(r"[\s:-]", "", fingerprint)):
        raise typer.BadParameter(t("bad.fingerprint"), param_hint="--fingerprint")
    opened = open_store(ctx, store, any_box=True)
    private = load_key(key, passphrase_file)
    only = None if call is None else find_record(listed(opened, None), call).id
    with progress(t("progress.verify"), quiet=as_json) as report:
        result = verify_store(
            opened, private, only=only, progress=report, fingerprint=fingerprint, known_head=audit_head or ""
        )
    if as_json:
        emit_json(result)
    else:
        screen().print(render.verified(result, with_key=private is not None, pinned=fingerprint is not None))
    if not result.ok:
        raise DamageError(t("verify.damage"), where=str(opened.path), remedy=t("verify.damage_remedy"))
    if private is not None and render.undecoded(result) == len(result.calls) > 0:
        raise SecretError(t("verify.no_call"), where=str(key), remedy=t("verify.no_call_remedy"))
