"""Where words go: results to stdout, everything else to stderr. With `--json` stdout carries one document."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

PIPE_WIDTH = 120
"""Columns of a table that goes into a file or a pipe, where no terminal says how wide it is."""


def program() -> str:
    """How a person starts this program from here: its bare name where PATH finds it, else its path."""
    name = "tsuwaroku"
    me = Path(sys.argv[0])
    if me.name != name or not me.exists():
        return name
    known = shutil.which(name)
    if known is not None and Path(known).samefile(me):
        return name
    absolute = me.absolute()
    here = Path.cwd()
    return shlex.quote(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))


def screen(*, err: bool = False) -> Console:
    """A console over the present stdout or stderr."""
    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False)


def emit_json(value: Any) -> None:
    """Write one JSON document, UTF-8 whatever the locale says."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text.decode())
    else:
        sys.stdout.flush()
        buffer.write(text)
    sys.stdout.flush()


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Callable[[float, float], None]]:
    """A bar on stderr while the block runs; yields `report(done, total)`. Drawn on a terminal only."""
    console = screen(err=True)
    if quiet or not console.is_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
