"""`clock`: what the box believes of the date; the technician's proposal that the clock is right; the manager's word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.text import Text

from tsuwaroku.clock import SystemClock
from tsuwaroku.console.holding import YesOption, confirmed
from tsuwaroku.console.options import JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, progress, screen
from tsuwaroku.console.render import clock_time, facts, plain_table
from tsuwaroku.console.session import open_store, person, session
from tsuwaroku.console.stead import keeper_runs, keepers_books
from tsuwaroku.console.texts import h, t, word

if TYPE_CHECKING:
    from tsuwaroku.service.clocking import ClockRequest, ClockSeen, ClockView, Going
    from tsuwaroku.store.layout import Store

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help=h("opt.clock_reason"), show_default=False)]
A_SCREENFUL = 20  # calls shown; --json has them all

app = typer.Typer(help=h("clock"), invoke_without_command=True)


@app.callback()
def clock(ctx: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Without a sub-verb, `status`; its options stand before or behind that."""
    if ctx.invoked_subcommand is None:
        _status(ctx, store, as_json)
    elif store is not None or as_json:
        raise typer.BadParameter(t("clock.options_behind", verb=ctx.invoked_subcommand))


@app.command("status", help=h("clock.status"))
def status(ctx: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """What the clock says, and what the box believes."""
    _status(ctx, store, as_json)


def _status(ctx: typer.Context, store: Path | None, as_json: bool) -> None:
    from tsuwaroku.service.clocking import view

    found = view(_seen(ctx, store, open_store(ctx, store)))
    if as_json:
        emit_json(found)
        return
    console = screen()
    console.print(_view(found))
    console.print(_verdict(found), soft_wrap=True)


@app.command("propose", help=h("clock.propose"))
def propose(ctx: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Say that the clock was checked, and is right."""
    from tsuwaroku.service.clocking import look, propose_clock, view

    opened = open_store(ctx, store)
    if keeper_runs(opened):
        from tsuwaroku.console.client import KeeperClient

        with KeeperClient(session(ctx).socket(store)) as keeper:
            keeper.propose_clock()
    else:
        mine = open_store(ctx, store, need_device=True)
        with keepers_books(mine) as (audit, journal):
            propose_clock(journal, audit, look(mine, SystemClock().now()), person())
    found = view(_seen(ctx, store, opened))
    if as_json:
        emit_json(found)
        return
    console = screen()
    console.print(_view(found))
    console.print(t("clock.proposed"), style="bold", soft_wrap=True)


@app.command("confirm", help=h("clock.confirm"))
def confirm(
    ctx: typer.Context,
    reason: ReasonOption,
    yes: YesOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm that the clock is right, having seen what goes by it."""
    from tsuwaroku.service.clocking import going, refuse_confirm, request, view
    from tsuwaroku.service.holding import refuse_reason
    from tsuwaroku.store.amendments import read_amendments

    refuse_reason(reason)
    opened = open_store(ctx, store)
    seen = _seen(ctx, store, opened)
    refuse_confirm(seen)
    with progress(t("progress.clock"), quiet=as_json) as report:
        calls = going(opened, seen, report)
    found = view(seen)
    if not as_json or not yes:
        _show_effect(screen(err=as_json), found, calls)
    asked = request(seen, read_amendments(opened), len(calls), reason)
    confirmed(yes, t("clock.ask"))
    _act(ctx, store, opened, asked)
    if as_json:
        emit_json({"clock": found, "going": calls})
        return
    screen().print(t("clock.done", n=len(calls)) if calls else t("clock.done_none"), soft_wrap=True)


# -- what is shown


def _view(found: ClockView) -> RenderableType:
    rows: list[tuple[str, RenderableType]] = [
        (t("clock.says"), f"{clock_time(found.clock)}  {word('clock', found.quality)}"),
        (t("clock.believed"), t("clock.unknown") if found.believed is None else clock_time(found.believed)),
    ]
    if found.ahead_s is not None:
        rows.append((t("clock.difference"), _difference(found.ahead_s)))
    rows.append((t("clock.proposal"), _proposal(found)))
    return facts(rows)


def _difference(ahead_s: float) -> str:
    if abs(ahead_s) < 1:
        return t("clock.none")
    return t("clock.ahead" if ahead_s > 0 else "clock.behind", by=span(abs(ahead_s)))


def _proposal(found: ClockView) -> RenderableType:
    if found.proposal is None:
        return t("clock.no_proposal")
    told = t("clock.proposed_by", by=found.proposal.by, at=clock_time(found.proposal.at))
    if not found.proposal.lapsed:
        return told
    return Group(told, Text(t(f"clock.lapsed.{found.proposal.lapsed}"), style="yellow"))


def _verdict(found: ClockView) -> Text:
    if found.suspended:
        return Text(t(f"clock.why.{found.suspended}"), style="bold yellow")
    return Text(t("clock.agreed"), style="green") if found.agreed else Text(t("clock.differs"))


def span(seconds: float) -> str:
    """Days and hours, or less where it is less: "3 days 4 h", "12 min"."""
    minutes, secs = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return t("clock.days", n=days) + (t("clock.and_hours", n=hours) if hours else "")
    if hours:
        return t("clock.hours", n=hours, m=minutes)
    return t("clock.minutes", n=minutes) if minutes else t("clock.seconds", n=secs)


def _show_effect(console: Console, found: ClockView, calls: Sequence[Going]) -> None:
    console.print(_view(found))
    if found.aging_s:
        console.print(t("clock.aging", by=span(found.aging_s)), soft_wrap=True)
    else:
        console.print(t("clock.no_aging"), soft_wrap=True)
    if not calls:
        console.print(t("clock.nothing_goes"), soft_wrap=True)
        return
    console.print(t("clock.going", n=len(calls)), style="bold red", soft_wrap=True)
    if marked := sum(1 for call in calls if call.marks):
        console.print(t("clock.marked_go", n=marked), style="bold red", soft_wrap=True)
    console.print(_table(calls[:A_SCREENFUL]))
    if len(calls) > A_SCREENFUL:
        console.print(t("clock.more", n=len(calls) - A_SCREENFUL), soft_wrap=True)
    console.print(t("clock.hold_first"), soft_wrap=True)


def _table(calls: Sequence[Going]) -> RenderableType:
    heads = [t(f"col.{name}") for name in ("no", "id", "line", "ended", "kept", "marks")]
    table = plain_table(*heads, right=(heads[0], heads[5]))
    for call in calls:
        marks = Text(str(call.marks) if call.marks else "", style="bold magenta")
        table.add_row(f"#{call.sequence}", call.id, call.line, call.ended_on, call.kept_to, marks)
    return table


# -- what is done


def _seen(ctx: typer.Context, store: Path | None, opened: Store) -> ClockSeen:
    """The keeper's look when it runs, else the store's own."""
    if keeper_runs(opened):
        from tsuwaroku.console.client import KeeperClient

        with KeeperClient(session(ctx).socket(store)) as keeper:
            return keeper.clock()
    from tsuwaroku.service.clocking import look

    return look(opened, SystemClock().now())


def _act(ctx: typer.Context, store: Path | None, opened: Store, asked: ClockRequest) -> None:
    """Through the keeper when it runs, else in its stead."""
    if keeper_runs(opened):
        from tsuwaroku.console.client import KeeperClient

        with KeeperClient(session(ctx).socket(store)) as keeper:
            keeper.confirm_clock(asked)
        return
    from tsuwaroku.service.clocking import confirm_clock, look
    from tsuwaroku.store import clockfile
    from tsuwaroku.store.amendments import read_amendments

    mine = open_store(ctx, store, need_device=True)
    with keepers_books(mine) as (audit, journal):
        seen = look(mine, SystemClock().now())
        # This boot has its place, should the power fail now.
        clockfile.save(mine.clock_path, seen.state, mine.store_id)
        state = confirm_clock(journal, audit, seen, person(), asked, read_amendments(mine))
        clockfile.save(mine.clock_path, state, mine.store_id)
