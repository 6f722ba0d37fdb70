"""`unrecorded`: when the box could not record (録音不能), so that nobody has to guess why a call is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Group, RenderableType
from rich.text import Text

from tsuwaroku.clock import SystemClock
from tsuwaroku.console.options import JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.proof import day_given
from tsuwaroku.console.render import clock_time, length, plain_table
from tsuwaroku.console.session import open_store, session
from tsuwaroku.console.texts import h, t, word
from tsuwaroku.errors import ServiceError

if TYPE_CHECKING:
    from pathlib import Path

    from tsuwaroku.service.unrecorded import Unrecorded


FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help=h("opt.unrecorded_from"), show_default=False)
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help=h("opt.unrecorded_to"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("unrecorded", help=h("unrecorded"))(unrecorded)


def unrecorded(
    ctx: typer.Context,
    first: FromOption = None,
    last: ToOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """When the box could not record."""
    from tsuwaroku.service.unrecorded import touching

    found = touching(_asked(ctx, store), day_given(first, "--from"), day_given(last, "--to"))
    if as_json:
        emit_json(found)
    else:
        screen().print(_shown(found, whole=first is None and last is None))


def _asked(ctx: typer.Context, store: Path | None) -> list[Unrecorded]:
    """From the keeper where one answers: a technician may ask it, and need not be able to read the store."""
    from tsuwaroku.console.client import KeeperClient
    from tsuwaroku.service.unrecorded import Unrecorded, of_store

    try:
        with KeeperClient(session(ctx).socket(store)) as keeper:
            return msgspec.convert(keeper.unrecorded(), list[Unrecorded])
    except ServiceError:
        return of_store(open_store(ctx, store, any_box=True), SystemClock().now())


def _shown(found: list[Unrecorded], *, whole: bool) -> RenderableType:
    if not found:
        return Text(t("unrecorded.none" if whole else "unrecorded.none_then"))
    columns = [t(f"col.{name}") for name in ("begin", "end", "span", "line", "unrecorded_why")]
    table = plain_table(*columns, right=(columns[2],))
    for one in found:
        table.add_row(
            _begin(one),
            t("unrecorded.going_on") if one.end is None else clock_time(one.end),
            _length(one),
            one.line or t("unrecorded.all_lines"),
            word("unrecorded_why", one.cause),
        )
    return Group(table, Text(t("unrecorded.count", n=len(found))), Text(t("unrecorded.calls"), style="dim"))


def _begin(one: Unrecorded) -> str:
    """Cut off, a recorder says nothing: it began between its last word and the next one it owed."""
    begin, latest = clock_time(one.begin), clock_time(one.begin_latest)
    return begin if begin == latest else f"{begin} – {latest[11:] if latest[:10] == begin[:10] else latest}"


def _length(one: Unrecorded) -> str:
    shortest = length(one.shortest_s)
    if one.longest_s is None:
        return f"{shortest} –"
    longest = length(one.longest_s)
    return longest if shortest == longest else f"{shortest} – {longest}"
