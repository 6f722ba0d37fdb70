"""`mark`: note a call as 不当要求, or withdraw a mark. Both stay in the record; a mark alone keeps no call longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tsuwaroku.clock import SystemClock
from tsuwaroku.console.options import CallArgument, JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.session import (
    find_record,
    open_store,
    person,
    session,
    stored_call,
)
from tsuwaroku.console.source import source
from tsuwaroku.console.stead import keeper_runs, keepers_books
from tsuwaroku.console.texts import h, t
from tsuwaroku.records.call import MarkKind

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

WithdrawOption = Annotated[
    int | None, typer.Option("--withdraw", metavar="N", min=1, help=h("opt.withdraw"), show_default=False)
]
KindOption = Annotated[MarkKind, typer.Option("--kind", help=h("opt.kind"))]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("mark", help=h("mark"))(mark)


def mark(
    ctx: typer.Context,
    call: CallArgument,
    withdraw: WithdrawOption = None,
    kind: KindOption = MarkKind.UNREASONABLE_DEMAND,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mark a call, or withdraw its mark number N."""
    record = find_record(source(ctx, store).records(None), call)
    if session(ctx).socket_path is not None or keeper_runs(open_store(ctx, store)):
        from tsuwaroku.console.client import KeeperClient

        with KeeperClient(session(ctx).socket(store)) as keeper:
            keeper.mark(record.id, kind=kind.value, by=person(), withdraw=withdraw)
    else:
        mine = open_store(ctx, store, need_device=True)
        _write(mine, record.id, kind, withdraw)
    if as_json:
        emit_json({"id": record.id, "kind": kind, "withdrawn": withdraw})
        return
    console = screen()
    if withdraw is not None:
        console.print(t("mark.withdrawn", n=withdraw, call=record.sequence))
        return
    console.print(t("mark.done", call=record.sequence))
    console.print(t("mark.no_hold", day=record.retention.expires_on), style="dim")


def _write(store: Store, call_id: str, kind: MarkKind, withdraw: int | None) -> None:
    """What the keeper does, while it does not run."""
    from tsuwaroku.service.marking import mark_call

    with keepers_books(store) as (audit, journal):
        public = stored_call(store, call_id)[0].public
        mark_call(
            store,
            journal,
            audit,
            SystemClock().now(),
            call_id,
            in_call=0 if public is None else public.marks,
            kind=kind,
            by=person(),
            withdraw=withdraw,
        )
