"""The command line, `tsuwaroku [--config FILE] VERB`: the global options, and what a person sees when it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tsuwaroku import __version__
from tsuwaroku.console import (
    clocking,
    completing,
    disclosing,
    exporting,
    finding,
    holding,
    keys,
    ledgers,
    maintaining,
    marking,
    media,
    playing,
    proof,
    publishing,
    queueing,
    reading,
    requesting,
    running,
    staffing,
    stating,
    succeeding,
    unrecorded,
)
from tsuwaroku.console.output import screen
from tsuwaroku.console.session import DEFAULT_CONFIG, Session
from tsuwaroku.console.texts import h, japanese, t, word
from tsuwaroku.console.translate import explained, translate
from tsuwaroku.errors import StoreError, TsuwarokuError

CONFIG_VARIABLE = "TSUWAROKU_CONFIG"
SOCKET_VARIABLE = "TSUWAROKU_SOCKET"
DEBUG_VARIABLE = "TSUWAROKU_DEBUG"
INTERRUPTED = 130  # 128 + SIGINT, as shells count

app = typer.Typer(
    name="tsuwaroku",
    help=h("app"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for part in (
    running,
    reading,
    finding,
    playing,
    marking,
    holding,
    proof,
    unrecorded,
    stating,
    maintaining,
    publishing,
    ledgers,
    exporting,
):
    part.register(app)
staffing.register(app)
succeeding.register(keys.app)
app.add_typer(clocking.app, name="clock")
app.add_typer(keys.app, name="keys")
app.add_typer(disclosing.app, name="disclose")
app.add_typer(media.app, name="media")
requesting.app.add_typer(exporting.request_app)
app.add_typer(requesting.app, name="request")
app.add_typer(queueing.app, name="queue")


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"tsuwaroku {__version__}\n")
        raise typer.Exit


def _completion(shell: str | None) -> None:
    if shell is not None:
        sys.stdout.write(completing.script(shell))
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help=h("opt.config"), show_default=False)
    ] = None,
    socket: Annotated[
        Path | None, typer.Option("--socket", metavar="PATH", help=h("opt.socket"), show_default=False)
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", help=h("opt.version"), callback=_version, is_eager=True, show_default=False
        ),
    ] = False,
    completion: Annotated[
        str | None,
        typer.Option(
            "--completion",
            metavar="SHELL",
            help=h("opt.completion"),
            callback=_completion,
            is_eager=True,
            show_default=False,
            autocompletion=completing.shells,
        ),
    ] = None,
) -> None:
    """The options before the verb."""
    named = config if config is not None else _from_environment(CONFIG_VARIABLE)
    elsewhere = socket if socket is not None else _from_environment(SOCKET_VARIABLE)
    ctx.obj = Session(named or DEFAULT_CONFIG, given=named is not None, socket_path=elsewhere)


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code; every error has been told on stderr."""
    if japanese():
        _speak_japanese()
    completing.prepare()
    try:
        app(args=None if arguments is None else list(arguments), prog_name="tsuwaroku")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except TsuwarokuError as error:
        return _tell(error)
    except PermissionError as error:
        return _tell(
            StoreError(
                "access is denied",
                where=str(error.filename or ""),
                remedy="run it as the service's user or as a member of its group",
            )
        )
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE) == "1":
            raise
        screen(err=True).print(t("bug", kind=type(error).__name__, text=error, variable=DEBUG_VARIABLE), markup=False)
        return 1
    return 0


def _tell(error: TsuwarokuError) -> int:
    """What is wrong, where, and what to do about it; on stderr, so that stdout holds results alone."""
    console = screen(err=True)
    kind = word("error", type(error).__name__)
    console.print(Text.assemble((f"{kind}: ", "bold red"), explained(error)), soft_wrap=True)
    if error.remedy:
        console.print(Text.assemble((f"{t('remedy')}: ", "bold"), translate(error.remedy)), soft_wrap=True)
    return error.exit_code


def _speak_japanese() -> None:
    """The headings that typer writes itself."""
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE = "引数"
    rich_utils.OPTIONS_PANEL_TITLE = "オプション"
    rich_utils.COMMANDS_PANEL_TITLE = "コマンド"
    rich_utils.ERRORS_PANEL_TITLE = "誤り"
    rich_utils.REQUIRED_LONG_STRING = "[必須]"
    rich_utils.DEFAULT_STRING = "[既定値: {}]"
    rich_utils.RICH_HELP = "使い方は [blue]'{command_path} {help_option}'[/] で表示します。"
    setattr(typer.BadParameter, "format_message", _without_english)  # noqa: B010  # what is wrong says itself


_bad_parameter = typer.BadParameter.format_message


def _without_english(error: typer.BadParameter) -> str:
    told = _bad_parameter(error)
    return told.removeprefix("Invalid value for ") if japanese() else told


def main() -> None:
    """The entry point of the command."""
    sys.exit(run())
