"""`queue`: marked calls (不当要求) that wait for the manager, and letting one lapse. To keep one is `hold`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsuwaroku.console.options import CallArgument, JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.requesting import asking
from tsuwaroku.console.session import find_record
from tsuwaroku.console.texts import h, t

app = typer.Typer(help=h("queue"), invoke_without_command=True)


@app.callback()
def queue(ctx: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Without a sub-verb, `list`; its options stand before or behind that."""
    if ctx.invoked_subcommand is None:
        _list(ctx, store, as_json)
    elif store is not None or as_json:
        raise typer.BadParameter(t("queue.options_behind", verb=ctx.invoked_subcommand))


@app.command("list", help=h("queue.list"))
def list_queue(ctx: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """The marked calls and their days left."""
    _list(ctx, store, as_json)


@app.command("pass", help=h("queue.pass"))
def let_lapse(
    ctx: typer.Context,
    call: CallArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help=h("opt.pass_reason"), show_default=False)],
    store: StoreOption = None,
) -> None:
    """Let a marked call lapse on its last day."""
    from tsuwaroku.console.source import source
    from tsuwaroku.service.holding import parts_of
    from tsuwaroku.service.queueing import PassRequest

    records = source(ctx, store).records(None)
    record = find_record(records, call)
    with asking(ctx, store) as keeper:
        keeper.let_lapse(PassRequest(calls=parts_of(record, records), reason=reason))
    screen().print(t("queue.passed", call=record.sequence, day=record.retention.expires_on), soft_wrap=True)


def _list(ctx: typer.Context, store: Path | None, as_json: bool) -> None:
    from tsuwaroku.console.requests_shown import queue_table

    with asking(ctx, store) as keeper:
        seen = keeper.queue()
    if as_json:
        emit_json(seen.calls)
        return
    screen().print(queue_table(seen.calls))
