"""`hold` and `release-hold`: keep a call beyond its days; what that does to the ring is shown before."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsuwaroku.clock import SystemClock
from tsuwaroku.config import StoreConfig
from tsuwaroku.console.options import CallArgument, JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.proof import day_given
from tsuwaroku.console.session import find_record, open_store, person, session
from tsuwaroku.console.stead import keeper_runs, keepers_books
from tsuwaroku.console.texts import h, t
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.retention import day_of

if TYPE_CHECKING:
    from tsuwaroku.service.forecast import HoldEffect
    from tsuwaroku.service.holding import HoldRequest

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help=h("opt.reason"), show_default=False)]
UntilOption = Annotated[str, typer.Option("--until", metavar="DAY", help=h("opt.until"), show_default=False)]
YesOption = Annotated[bool, typer.Option("--yes", metavar="", help=h("opt.yes"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("hold", help=h("hold"))(hold)
    app.command("release-hold", help=h("release-hold"))(release_hold)


def hold(
    ctx: typer.Context,
    call: CallArgument,
    reason: ReasonOption,
    until: UntilOption,
    yes: YesOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a call to the end of a day."""
    from tsuwaroku.console.source import source
    from tsuwaroku.service.holding import parts_of, request

    last = day_given(until, "--until")
    assert last is not None
    records = source(ctx, store).records(None)
    record = find_record(records, call)
    asked = request(parts_of(record, records), reason, last)
    effect = _effect(ctx, store, asked)
    if not as_json or not yes:
        _show_effect(effect, record.sequence, record.retention.expires_on, err=as_json)
    confirmed(yes, t("hold.ask"))
    _act(ctx, store, asked)
    if as_json:
        emit_json({"id": record.id, "calls": asked.calls, "until": asked.until, "effect": effect})
        return
    screen().print(t("hold.done", call=record.sequence, day=last))


def release_hold(
    ctx: typer.Context,
    call: CallArgument,
    reason: ReasonOption,
    yes: YesOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the hold of a call."""
    from tsuwaroku.console.source import source
    from tsuwaroku.service.holding import parts_of, request

    records = source(ctx, store).records(None)
    record = find_record(records, call)
    asked = request(parts_of(record, records), reason, None)
    today = day_of(SystemClock().now().wall_ns)
    if session(ctx).socket_path is None:
        today = _refuse_release(ctx, store, asked)
    expires_on = record.retention.expires_on
    over = date.fromisoformat(expires_on) < today
    console = screen(err=as_json)
    if over:
        console.print(t("release.over", call=record.sequence, day=expires_on), style="bold red")
    else:
        console.print(t("release.kept", call=record.sequence, day=expires_on))
    confirmed(yes, t("release.ask"))
    _act(ctx, store, asked)
    if as_json:
        emit_json({"id": record.id, "calls": asked.calls, "until": None, "expires_on": expires_on})
        return
    console.print(t("release.done", call=record.sequence))


def _refuse_release(ctx: typer.Context, store: Path | None, asked: HoldRequest) -> date:
    """Before anything is asked; gives the box's day. A keeper says the same when it is asked."""
    from tsuwaroku.service.holding import judge_of, refuse_release
    from tsuwaroku.store.amendments import read_amendments

    opened = open_store(ctx, store)
    refuse_release(opened, read_amendments(opened), asked)
    return judge_of(opened, SystemClock().now()).today


def _effect(ctx: typer.Context, store: Path | None, asked: HoldRequest) -> HoldEffect:
    """What the hold does to the ring's guarantee. Raises as `refuse_hold` does."""
    if session(ctx).socket_path is not None:
        from tsuwaroku.console.client import KeeperClient

        with KeeperClient(session(ctx).socket(store)) as keeper:
            return keeper.hold_effect(asked)
    from tsuwaroku.service.holding import effect_on, judge_of, refuse_hold
    from tsuwaroku.service.site import occupancy_of
    from tsuwaroku.store.amendments import read_amendments

    opened = open_store(ctx, store)
    amendments, judge = read_amendments(opened), judge_of(opened, SystemClock().now())
    refuse_hold(opened, amendments, asked, judge, _years(ctx))
    return effect_on(occupancy_of(opened, judge.today), opened, amendments, asked)


def _show_effect(effect: HoldEffect, number: int, expires_on: str, *, err: bool) -> None:
    console = screen(err=err)
    console.print(t("hold.what", call=number, day=effect.until, expires=expires_on, slots=effect.slots))
    before, after = effect.before, effect.after
    if effect.breaks:
        without = t("hold.never") if before.broken_on is None else str(before.broken_on)
        console.print(t("hold.breaks", day=after.broken_on, without=without), style="bold red")
    elif after.broken_on is not None:
        console.print(t("hold.breaks_anyway", day=after.broken_on), style="yellow")
    else:
        console.print(t("hold.fits", day=after.lowest_on, left=after.lowest))


def confirmed(yes: bool, question: str) -> None:
    """Ask, unless --yes. Raises RefusedError where nobody said yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError(
            "it has to be confirmed, and there is no terminal to ask on", remedy="read what it does, then add --yes"
        )
    if not typer.confirm(question, default=False, err=True):
        raise RefusedError("it was not confirmed, and nothing was changed", remedy="run it again when it is decided")


def _years(ctx: typer.Context) -> int:
    config = session(ctx).config_if_there()
    return (StoreConfig() if config is None else config.store).hold_years


def _act(ctx: typer.Context, store: Path | None, asked: HoldRequest) -> None:
    """Through the keeper where one runs, else in its stead."""
    if session(ctx).socket_path is not None or keeper_runs(open_store(ctx, store)):
        from tsuwaroku.console.client import KeeperClient

        with KeeperClient(session(ctx).socket(store)) as keeper:
            keeper.hold(asked)
        return
    from tsuwaroku.service.holding import carry_out

    mine = open_store(ctx, store, need_device=True)
    with keepers_books(mine) as (audit, journal):
        carry_out(mine, journal, audit, SystemClock().now(), person(), asked, _years(ctx))
