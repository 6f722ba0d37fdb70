"""`publish`: the notice of Article 5 as a page, from the configuration and the ledgers; and that it was posted."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from tsuwaroku.console.options import JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.session import session
from tsuwaroku.console.texts import h, t
from tsuwaroku.errors import RefusedError

OutOption = Annotated[Path | None, typer.Option("--out", metavar="FILE.html", help=h("opt.page"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("publish", help=h("publish"))(publish)


def publish(
    ctx: typer.Context,
    out: OutOption = None,
    approve: Annotated[bool, typer.Option("--approve", metavar="", help=h("opt.approve_page"))] = False,
    posted_on: Annotated[
        str, typer.Option("--posted-on", metavar="DAY", help=h("opt.posted_on"), show_default=False)
    ] = "",
    url: Annotated[str, typer.Option("--url", metavar="URL", help=h("opt.url"), show_default=False)] = "",
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help=h("opt.my_name"), show_default=False)] = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """A draft into a file; or, with --approve, that it was posted; without either, what was published last."""
    from tsuwaroku.console.papers import PapersClient, write_paper
    from tsuwaroku.disclosure.notice_page import notice_html
    from tsuwaroku.records.era import parse_day
    from tsuwaroku.service.figures import yearly
    from tsuwaroku.service.publishing import PublishRequest
    from tsuwaroku.store.acts import acts

    if approve and out is not None:
        raise RefusedError(
            "a draft is not approved before anybody has read it (Article 5)",
            where="--approve",
            remedy="draft it with --out, post it, then run --approve without --out",
        )
    with PapersClient(session(ctx).socket(store)) as keeper:
        if approve:
            digest = keeper.notice().digest
            seen = keeper.publish(PublishRequest(digest=digest, posted_on=posted_on, url=url, name=name))
        else:
            seen = keeper.notice()
            if out is not None:
                today = date.fromisoformat(seen.today)
                day = parse_day(posted_on, "--posted-on") if posted_on else today
                years = yearly(keeper.tallies(), acts(keeper.acts()), today)
                write_paper(out, notice_html(seen.facts.notice(day, years)).encode())
    if as_json:
        emit_json(seen)
        return
    console = screen()
    if out is not None:
        console.print(t("publish.drafted", path=out), soft_wrap=True)
    if approve:
        console.print(t("publish.recorded"), soft_wrap=True)
    elif seen.last is None:
        console.print(t("publish.never"), soft_wrap=True)
    else:
        console.print(t("publish.last", day=seen.last.posted_on, by=seen.last.by), soft_wrap=True)
    if seen.outdated:
        console.print(t("publish.outdated"), style="yellow", soft_wrap=True)
