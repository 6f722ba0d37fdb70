"""`run` and `simulate`: the recorder itself, on a board, on the simulated exchange, or over a call script."""

from __future__ import annotations

import enum
import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from tsuwaroku.clock import JST, from_iso
from tsuwaroku.config import Config
from tsuwaroku.console import render
from tsuwaroku.console.lines import by_id, placed
from tsuwaroku.console.options import JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, program, progress, screen
from tsuwaroku.console.reading import listed
from tsuwaroku.console.session import Record, session
from tsuwaroku.console.texts import h, t
from tsuwaroku.console.translate import translate
from tsuwaroku.records.call import CallRecord


class Role(enum.StrEnum):
    """Which of the two processes to run; both, unless told otherwise."""

    BOTH = "both"
    RECORDER = "recorder"
    KEEPER = "keeper"


DEMO_LINES = 4
DEMO_SLOTS = 2048
"""512 MiB: the demonstration's ring, a day of four busy lines."""
ScriptArgument = Annotated[Path, typer.Argument(metavar="SCRIPT", help=h("arg.script"), show_default=False)]
DirOption = Annotated[Path, typer.Option("--store", metavar="DIR", help=h("opt.sim_store"), show_default=False)]
FastOption = Annotated[bool, typer.Option("--fast", metavar="", help=h("opt.fast"), show_default=False)]
StartOption = Annotated[str | None, typer.Option("--start", metavar="ISO", help=h("opt.start"), show_default=False)]
DemoOption = Annotated[bool, typer.Option("--demo", metavar="", help=h("opt.demo"), show_default=False)]
RoleOption = Annotated[Role, typer.Option("--role", help=h("opt.role"))]


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("run", help=h("run"))(run)
    app.command("simulate", help=h("simulate"))(simulate)


def simulate(
    ctx: typer.Context,
    script: ScriptArgument,
    store: DirOption,
    fast: FastOption = False,
    start: StartOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play a call script through the whole recorder."""
    from tsuwaroku.service.simulate import simulate as play_script
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.layout import Store

    start_ns, config = _start_ns(start), session(ctx).config_if_given()
    with progress(t("progress.simulate"), quiet=as_json) as report:
        done = play_script(
            script,
            store,
            fast=fast,
            config=config,
            start_wall_ns=start_ns,
            progress=report,
        )
    private = PrivateKey.load(done.key, lambda: "") if done.key is not None else None
    opened = Store.open(done.store)
    records = listed(opened, private)
    notes = screen(err=True)
    for note in done.notes:
        notes.print(translate(note), style="yellow", markup=False)
    if as_json:
        emit_json(placed(records, {} if config is None else by_id(config)))
        return
    screen().print(render.calls(records, with_key=private is not None))
    _say_next(done.store, done.key, records)


def _start_ns(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError as error:
        raise typer.BadParameter(t("bad.start", value=text), param_hint="--start") from error


def _say_next(store: Path, key: Path | None, records: list[Record]) -> None:
    """The commands that list, verify and play what is in the store, with its real paths and a real call."""
    console = screen()
    options = f"--store {shlex.quote(str(store))}"
    if key is not None:
        options += f" --key {shlex.quote(str(key))}"
    console.print(t("next"), style="bold")
    name = program()
    lines = [f"{name} calls {options}", f"{name} verify {options}"]
    heard = [r for r in records if isinstance(r, CallRecord) and r.audio.samples]
    if heard:
        longest = max(heard, key=lambda call: call.audio.samples)
        lines.append(f"{name} play {longest.sequence} {options}")
    for line in lines:
        console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)


def run(
    ctx: typer.Context,
    demo: DemoOption = False,
    role: RoleOption = Role.BOTH,
    store: StoreOption = None,
) -> None:
    """Run the recorder until it is told to end."""
    from tsuwaroku.service import supervisor

    if demo:
        config, place = _demonstration(session(ctx).config_if_given(), store)
        if role is not Role.BOTH:
            raise typer.Exit(supervisor.run(config, store_dir=place, demo=True, roles=role.value))
        _run_demo(config, place)
        return
    config = session(ctx).config()
    code = supervisor.run(config, store_dir=session(ctx).store_dir(store), demo=False, roles=role.value)
    raise typer.Exit(code)


def demo_dir() -> Path:
    """A new directory for a demonstration, in the user's state directory."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tsuwaroku" / f"demo-{datetime.now(JST):%Y%m%d-%H%M%S}"


def _demonstration(given: Config | None, store: Path | None) -> tuple[Config, Path]:
    """Configuration and store, made where there is none. Raises StoreError and its kin, for a real one, too."""
    from tsuwaroku.service import setup, supervisor
    from tsuwaroku.store.layout import Store

    config = given if given is not None and given.board.kind == "virtual" else supervisor.demo_config(DEMO_LINES)
    place = store if store is not None else demo_dir()
    if not (place / "store.json").exists():
        with progress(t("progress.create")) as report:
            setup.create_demo_store(place, config, DEMO_SLOTS, report)
    existing = Store.open(place, need_device=True)
    setup.refuse_real(existing)
    existing.close()
    return config, place


def _run_demo(config: Config, place: Path) -> None:
    from tsuwaroku.console import live
    from tsuwaroku.service import supervisor
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.layout import DEMO_KEY, Store

    key = place / DEMO_KEY
    private = PrivateKey.load(key, lambda: "")
    console = screen()
    with _ended_by_signals():
        handle = supervisor.start_demo(config, place)
        try:
            view = live.watch if console.is_terminal else live.report
            view(console, place, private, handle.poll)
        except KeyboardInterrupt:
            console.print(t("demo.ending"))
        finally:
            handle.stop()
    records = listed(Store.open(place), private)
    console.print(render.calls(records, with_key=True))
    console.print(t("demo.store", store=place), soft_wrap=True)
    _say_next(place, key, records)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
