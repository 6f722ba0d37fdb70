"""`rebuild` and `erase-log`: the lists that ring and journals alone can give, without any private key."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from tsuwaroku.console.options import JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, progress, screen
from tsuwaroku.console.render import plain_table
from tsuwaroku.console.session import open_store
from tsuwaroku.console.stead import keeper_lock, keeper_runs
from tsuwaroku.console.texts import h, t, word
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import RefusedError, ServiceError

if TYPE_CHECKING:
    from tsuwaroku.service.eraselog import ErasedCall, EraseLog

FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help=h("opt.from"), show_default=False)]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help=h("opt.to"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("rebuild", help=h("rebuild"))(rebuild)
    app.command("erase-log", help=h("erase-log"))(erase_log)


def day_given(text: str | None, option: str) -> date | None:
    """The day a person named, by era, too. Raises BadParameter."""
    from tsuwaroku.records.era import parse_day

    try:
        return None if text is None else parse_day(text)
    except RefusedError as error:
        raise typer.BadParameter(t("bad.date", value=text), param_hint=option) from error


def rebuild(ctx: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Make catalogue and slot table again."""
    from tsuwaroku.service.rebuilding import rebuild_store

    opened = open_store(ctx, store)
    if keeper_runs(opened):
        raise ServiceError(
            "the service is running on this store, and keeps its catalogue",
            where=str(opened.path),
            remedy="stop it with `systemctl stop tsuwaroku`, rebuild, and start it again at once: nothing is recorded "
            "meanwhile",
        )
    with progress(t("progress.rebuild"), quiet=as_json) as report, keeper_lock(opened):
        made = rebuild_store(opened, report)
    if as_json:
        emit_json(made)
        return
    console = screen()
    console.print(t("rebuild.done", calls=made.calls, days=made.days))
    if made.held:
        console.print(t("rebuild.held", n=len(made.held)))
    if made.unfinished:
        console.print(t("rebuild.unfinished", n=made.unfinished), style="yellow")
    for problem in made.problems:
        console.print(translate(problem), style="bold red", markup=False, soft_wrap=True)
    if made.problems:
        console.print(t("rebuild.bad", n=len(made.problems)), style="bold red")


def erase_log(
    ctx: typer.Context,
    first: FromOption = None,
    last: ToOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """What was erased, when, by what rule, and how it was read back."""
    from tsuwaroku.service.eraselog import erase_log as read_log

    begin, end = day_given(first, "--from"), day_given(last, "--to")
    log = read_log(open_store(ctx, store, any_box=True), begin, end)
    if as_json:
        emit_json(log)
    else:
        screen().print(_erase_log(log, whole=begin is None and end is None))
    console = screen(err=True)
    for problem in log.problems:
        told = f"{t('erased.problems')}: {translate(problem)}"
        console.print(told, style="bold red", markup=False, soft_wrap=True)


def _erase_log(log: EraseLog, *, whole: bool) -> RenderableType:
    from tsuwaroku.service.eraselog import ranges

    discarded = [Text(t("erased.discarded", numbers=ranges(log.discarded)), style="dim")] if log.discarded else []
    if not log.calls:
        return Group(t("erased.none" if whole else "erased.none_then"), *discarded)
    names = ("erased", "calls", "numbers", "ended", "why", "slots", "read_back")
    columns = [t(f"col.{name}") for name in names]
    table = plain_table(*columns, right=(columns[1], columns[5]), fold=(columns[2],))
    for key, calls in sorted(_together(log.calls).items()):
        erased_on, why, read_back = key
        ended = sorted({call.ended_on for call in calls})
        table.add_row(
            erased_on,
            str(len(calls)),
            ranges([call.sequence for call in calls]),
            ended[0] if len(ended) == 1 else f"{ended[0]} – {ended[-1]}",
            word("erased_why", why),
            str(sum(call.slots for call in calls)),
            word("read_back", read_back) if read_back else Text(t("erased.not_yet"), style="yellow"),
        )
    parts: list[RenderableType] = [table, Text(t("erased.count", n=len(log.calls))), Text(t("erased.rule"))]
    if unfinished := sum(not call.read_back for call in log.calls):
        parts.append(Text(t("erased.unfinished", n=unfinished), style="yellow"))
    return Group(*parts, *discarded)


def _together(calls: list[ErasedCall]) -> dict[tuple[str, str, str], list[ErasedCall]]:
    """Those erased on one day by one rule: a year has 400,000 calls."""
    found: dict[tuple[str, str, str], list[ErasedCall]] = defaultdict(list)
    for call in calls:
        found[call.erased_on, call.why, call.read_back].append(call)
    return found
