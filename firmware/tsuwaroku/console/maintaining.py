"""`status`, `plan` and `config`: what a technician needs (`levels` is in `measuring`). No numbers, audio or calls."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from tsuwaroku.clock import from_iso
from tsuwaroku.config import load, parse_size
from tsuwaroku.console.measuring import levels
from tsuwaroku.console.options import JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.render import clock_time, facts, period_words, plain_table
from tsuwaroku.console.session import session
from tsuwaroku.console.texts import h, t, word
from tsuwaroku.console.translate import place, translate
from tsuwaroku.errors import ConfigError

if TYPE_CHECKING:
    from tsuwaroku.service.plan import Plan
    from tsuwaroku.service.status import Status

SsdOption = Annotated[str | None, typer.Option("--ssd", metavar="SIZE", help=h("opt.ssd"), show_default=False)]
TbwOption = Annotated[str | None, typer.Option("--tbw", metavar="SIZE", help=h("opt.tbw"), show_default=False)]
FileArgument = Annotated[Path | None, typer.Argument(metavar="FILE", help=h("arg.config"), show_default=False)]
config_app = typer.Typer(help=h("config"), no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("status", help=h("status"))(status)
    app.command("levels", help=h("levels"))(levels)
    app.command("plan", help=h("plan"))(plan)
    app.add_typer(config_app, name="config")


def status(ctx: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """The live state of the box."""
    from tsuwaroku.console.client import KeeperClient

    with KeeperClient(session(ctx).socket(store)) as keeper:
        now = keeper.status()
    if as_json:
        emit_json(now)
    else:
        screen().print(_status(now))


def _status(now: Status) -> RenderableType:
    from tsuwaroku.console import live

    recorder = now.recorder
    used = now.ring.slots - now.ring.free
    share = 100 * used / now.ring.slots if now.ring.slots else 0.0
    ring = Text(t("status.ring_use", share=f"{share:.1f}", used=used, slots=now.ring.slots))
    if now.ring.full_on is not None:
        ring.append(t("status.full_on", day=now.ring.full_on), style="bold red")
    rows: list[tuple[str, RenderableType]] = [
        (t("status.station"), now.station or "–"),
        (t("status.store"), now.store + (f"  {t('status.demonstration')}" if now.demonstration else "")),
        (t("status.at"), clock_time(now.at)),
        (t("status.ring"), ring),
        (t("status.today"), t("status.counts", calls=now.calls_today, marks=now.marks_today)),
    ]
    if recorder is None:
        rows.append((t("status.recorder"), Text(t("status.away"), style="bold red")))
    else:
        ready = Text(t("status.ready"), style="green") if recorder.ready else Text(t("status.not_ready"), "bold red")
        rows.append((t("status.recorder"), ready))
        rows.append((t("show.clock"), word("clock", recorder.clock_quality)))
    parts: list[RenderableType] = [facts(rows)]
    if recorder is not None:
        parts.append(live.lines_table(recorder.lines, from_iso(now.at), time.monotonic(), wide=False))
    if now.alarms:
        parts += [live.alarm_line(alarm, remedy=True) for alarm in now.alarms]
    else:
        parts.append(Text(t("status.no_alarms"), style="green"))
    return Group(*parts)


def plan(
    ctx: typer.Context,
    ssd: SsdOption = None,
    tbw: TbwOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """How large the ring has to be, and how long the one in use will do."""
    from tsuwaroku.service.plan import plan as planned
    from tsuwaroku.service.site import look_at_site

    config = session(ctx).config()
    path = Path(config.store.path) if store is None else store
    site = look_at_site(path, time.time_ns()) if os.access(path / "store.json", os.R_OK) else None
    sizes = _size(ssd, "--ssd"), _size(tbw, "--tbw")
    figures = planned(config, *sizes) if site is None else planned(config, *sizes, site.measured, site.ring, site.slots)
    if as_json:
        emit_json(figures)
    else:
        screen().print(_plan(figures))


def _size(text: str | None, option: str) -> int | None:
    try:
        return None if text is None else parse_size(text)
    except ConfigError as error:
        raise ConfigError(error.message, where=option, remedy=error.remedy) from error


def gib(octets: float) -> str:
    """A size in GiB, or in MiB below one."""
    return f"{octets / 2**30:,.1f} GiB" if octets >= 2**30 else f"{octets / 2**20:,.1f} MiB"


def _plan(figures: Plan) -> RenderableType:
    rows: list[tuple[str, RenderableType]] = [
        (t("plan.lines"), str(figures.lines)),
        (t("plan.rate"), f"{figures.rate:,} Hz"),
        (t("plan.hours"), t("plan.hours_value", hours=f"{figures.hours_a_day:g}")),
        (t("plan.per_hour"), gib(figures.octets_per_line_hour)),
        (t("plan.typical"), gib(figures.typical_octets_per_line_hour)),
        (t("plan.days"), period_words(figures.retention)),
        (t("plan.reserve"), f"{100 * figures.hold_reserve:.0f} %"),
        (t("plan.needed"), Text(gib(figures.needed_bytes), style="bold")),
        (t("plan.made" if figures.made else "plan.configured"), gib(figures.configured_bytes)),
        (
            t("plan.kept"),
            t("plan.kept_value", days=f"{figures.kept_days:.1f}", typical=f"{figures.typical_kept_days:.1f}"),
        ),
        (t("plan.files"), t("plan.files_value", files=figures.files, slots=f"{figures.slots:,}")),
        (t("plan.written"), t("plan.written_value", size=gib(figures.written_per_year_bytes))),
    ]
    if figures.ssd_bytes is not None:
        rows.append(
            (t("plan.ssd"), t("plan.fits" if figures.fits_ssd else "plan.fits_not", size=gib(figures.ssd_bytes)))
        )
    if figures.wear_a_year is not None:
        rows.append((t("plan.wear"), t("plan.wear_value", share=f"{100 * figures.wear_a_year:.1f}")))
    rows += _measured(figures)
    verdict = Text(t("plan.enough"), "bold green") if figures.sufficient else Text(t("plan.too_small"), "bold red")
    return Group(facts(rows), verdict, Text(t("plan.what"), style="dim"))


def _measured(figures: Plan) -> list[tuple[str, RenderableType]]:
    """What this site's own calls say, and when the ring would run full."""
    rows: list[tuple[str, RenderableType]] = []
    site = figures.measured
    if site is not None:
        rate = "–" if site.octets_a_second is None else f"{site.octets_a_second / 1024:.1f} KiB/s"
        hours = "–" if site.hours_a_day is None else f"{site.hours_a_day:.1f}"
        value = t("plan.site_value", days=site.days, calls=f"{site.calls_a_day:.0f}", rate=rate, hours=hours)
        rows.append((t("plan.site"), value))
        rows.append((t("plan.site_size"), t("plan.site_size_value", size=gib(site.octets_a_day))))
        rows.append((t("plan.site_needed"), gib(figures.measured_needed_bytes or 0)))
        rows.append((t("plan.site_kept"), t("plan.days_value", days=f"{figures.measured_kept_days or 0:.1f}")))
    if figures.free_slots is not None:
        held = t("plan.held_value", free=f"{figures.free_slots:,}", held=f"{figures.held_slots or 0:,}")
        rows.append((t("plan.held"), held))
        broken = Text(t("plan.lasts"), style="green")
        if figures.broken_on is not None:
            broken = Text(t("plan.broken_on", day=figures.broken_on), style="bold red")
        rows.append((t("plan.forecast"), broken))
    return rows


@config_app.command("check", help=h("config.check"))
def check(ctx: typer.Context, file: FileArgument = None, as_json: JsonOption = False) -> None:
    """Read a configuration and look for what is wrong with it on this machine."""
    from tsuwaroku.service.check import check_config

    path = file if file is not None else session(ctx).config_path
    findings = check_config(load(path))
    if as_json:
        emit_json(findings)
    else:
        console = screen()
        table = plain_table(
            *(t(f"check.{name}") for name in ("severity", "place", "text", "remedy")),
            fold=tuple(t(f"check.{name}") for name in ("place", "text", "remedy")),
        )
        for one in findings:
            style = {"error": "bold red", "warning": "yellow", "ok": "green"}.get(one.severity, "")
            severity = Text(word("severity", one.severity), style=style)
            table.add_row(severity, place(one.place), translate(one.text), translate(one.remedy))
        if findings:
            console.print(table)
        else:
            console.print(Text(t("check.ok", path=path), style="green"))
    errors = [one for one in findings if one.severity == "error"]
    if errors:
        raise ConfigError(
            f"{len(errors)} of the findings keep the service from starting", where=str(path), remedy=errors[0].remedy
        )


@config_app.command("example", help=h("config.example"))
def example() -> None:
    """Print a commented configuration with every key and its default."""
    from tsuwaroku.console.example import example_toml

    sys.stdout.write(example_toml())
