"""`retention-statement`: for one day, that what had to be kept is there, and what was older is gone; signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from tsuwaroku.clock import SystemClock
from tsuwaroku.console.options import JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, progress, screen
from tsuwaroku.console.proof import day_given
from tsuwaroku.console.render import clock_time, facts, period_words
from tsuwaroku.console.session import open_store
from tsuwaroku.console.texts import h, t, word
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import DamageError

if TYPE_CHECKING:
    from tsuwaroku.service.statement import Signed, Statement

DayOption = Annotated[str | None, typer.Option("--date", metavar="DAY", help=h("opt.day"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("retention-statement", help=h("retention-statement"))(retention_statement)


def retention_statement(
    ctx: typer.Context, day: DayOption = None, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Both sides of Article 8(1) for one day. Raises DamageError where they do not hold."""
    from tsuwaroku.service.statement import state

    asked = day_given(day, "--date")
    opened = open_store(ctx, store, need_device=True)
    with progress(t("progress.verify"), quiet=as_json) as report:
        signed = state(opened, SystemClock().now(), asked, report)
    if as_json:
        emit_json(signed)
    else:
        screen().print(_statement(signed))
    if not signed.statement.holds:
        raise DamageError(t("statement.bad"), where=str(opened.path), remedy=t("verify.damage_remedy"))


def _statement(signed: Signed) -> RenderableType:
    said = signed.statement
    rows: list[tuple[str, RenderableType]] = [
        (t("statement.day"), said.day),
        (t("statement.made"), f"{clock_time(said.made_at)}  {word('clock', said.clock)}"),
        (t("statement.retention"), period_words(said.retention)),
        (t("statement.kept"), t("statement.count", n=said.kept_count, numbers=said.kept or "–")),
    ]
    named = ("held", "kept_then", "due", "overdue", "unfinished", "unrecorded", "lost")
    rows += [(t(f"statement.{name}"), value) for name in named if (value := getattr(said, name))]
    rows.append((t("statement.erased"), _erased(said)))
    rows.append((t("statement.erased_before"), t("statement.n", n=said.erased_before)))
    rows.append((t("statement.audit_head"), said.audit_head))
    rows.append((t("keys.device"), signed.device_key))
    rows.append((t("statement.signature"), signed.signature))
    notes = [Text(translate(note), style="dim") for note in said.notes]
    problems = [Text(translate(problem), style="bold red") for problem in said.problems]
    return Group(facts(rows), *notes, *problems, _result(said))


def _erased(said: Statement) -> str:
    from tsuwaroku.service.eraselog import ranges

    lines = []
    for why in sorted({call.why for call in said.erased}):
        numbers = [call.sequence for call in said.erased if call.why == why]
        told = t("statement.count", n=len(numbers), numbers=ranges(numbers))
        lines.append(f"{told}  {word('erased_why', why)}")
    return "\n".join(lines) or t("statement.n", n=0)


def _result(said: Statement) -> Text:
    """One plain sentence."""
    if not said.holds:
        return Text(t("statement.holds_not", day=said.day), style="bold red")
    return Text(t("statement.holds", day=said.day, n=said.kept_count + said.kept_then_count), style="bold green")
