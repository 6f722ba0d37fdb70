"""What the shell offers at the tabulator key. Of the configuration alone: it asks for no passphrase and opens no call.

`tsuwaroku --completion bash` (or zsh, fish) prints the script that a shell reads at its start.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import typer

from tsuwaroku.config import LineConfig, load
from tsuwaroku.console.session import DEFAULT_CONFIG
from tsuwaroku.console.texts import WORDS, japanese
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.records.call import Direction

VARIABLE = "_TSUWAROKU_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


def shells() -> list[str]:
    """Those it knows."""
    return list(SHELLS)


def script(shell: str) -> str:
    """What a shell reads. Raises BadParameter."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # made, and not exported by name

    if shell not in SHELLS:
        raise typer.BadParameter(", ".join(SHELLS), param_hint="--completion")
    return f"{get_completion_script(prog_name='tsuwaroku', complete_var=VARIABLE, shell=shell)}\n"


def prepare() -> None:
    """Before the command line is read: a shell may be asking."""
    if VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()


def _configured(ctx: typer.Context) -> tuple[LineConfig, ...]:
    """No callback of the options before the verb has run: they are looked up where they were read."""
    named = ctx.find_root().params.get("config") or os.environ.get("TSUWAROKU_CONFIG")
    with suppress(TsuwarokuError):
        return load(Path(named) if named else DEFAULT_CONFIG).line
    return ()


def _beginning(offers: Iterator[tuple[str, str]], incomplete: str) -> list[tuple[str, str]]:
    return [(value, told) for value, told in dict(offers).items() if value.startswith(incomplete)]


def line_ids(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Lines, with their departments."""
    return _beginning(((one.id, one.department) for one in _configured(ctx)), incomplete)


def extensions(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Extensions, with their departments."""
    return _beginning(((one.extension or one.id, one.department) for one in _configured(ctx)), incomplete)


def departments(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Departments."""
    return _beginning(((one.department, "") for one in _configured(ctx) if one.department), incomplete)


def directions(incomplete: str) -> list[tuple[str, str]]:
    """Directions, with their words."""
    at = 0 if japanese() else 1
    return _beginning(((one.value, WORDS["direction"][one.value][at]) for one in Direction), incomplete)
