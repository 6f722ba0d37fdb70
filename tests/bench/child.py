"""Programs run and measured from outside: CPU, wall time, peak memory of the whole process, start-up included.

The measuring process must stay small, so it imports nothing but the standard library: what Linux calls a child's
peak memory begins with that of the process it was forked from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TSUWAROKU = Path(sys.executable).parent / "tsuwaroku"


class BenchError(Exception):
    """A run that measured nothing: what it was, and what it said."""


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu_s`: user and system seconds of the process and the children it waited for; `peak_rss` in octets."""

    cpu_s: float
    wall_s: float
    peak_rss: int
    output: str

    def json(self) -> Any:
        """What it printed, decoded."""
        return json.loads(self.output)


def run(*argv: str | Path) -> Usage:
    """Run a program to its end. Raises BenchError when it fails."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaint:
        began = time.monotonic()
        child = subprocess.Popen(
            [str(arg) for arg in argv], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=complaint
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise BenchError(f"{argv[0]} ended with {child.returncode}: {read(complaint)[-2000:]}")
        return Usage(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss * 1024, read(output))


def job(name: str, *args: str | Path) -> Usage:
    """One of this directory's own programs."""
    return run(sys.executable, "-m", f"tests.bench.{name}", *args)


def read(file: Any) -> str:
    """All of a temporary file."""
    file.seek(0)
    return str(file.read().decode(errors="replace"))
