"""The system's programs for media: found wherever Debian has them, ended in time, and their last words kept."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import msgspec

from tsuwaroku.errors import MediumError

PLACES = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"  # a service's PATH may have no sbin
LIMIT_S = 300.0  # a slow stick of 2 TB is formatted in a minute


class Ran(msgspec.Struct, frozen=True):
    """How a program ended; `output` is all it said."""

    status: int
    output: str


def run_tool(argv: Sequence[str], package: str, limit_s: float = LIMIT_S) -> Ran:
    """Run a program without a shell, a terminal or a language. Raises MediumError where it is missing, or hangs."""
    program = shutil.which(argv[0], path=PLACES)
    if program is None:
        raise MediumError(
            "this program is missing", where=argv[0], remedy=f"install the package {package} (`scripts/setup` does)"
        )
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
            env={"PATH": PLACES, "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired as error:
        raise MediumError(
            f"{argv[0]} was still waiting for the medium after {limit_s:.0f} s",
            where=argv[-1],
            remedy="pull the medium out and use another one",
        ) from error
    return Ran(done.returncode, done.stdout)
