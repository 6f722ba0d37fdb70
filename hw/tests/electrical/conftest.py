"""The boards' netlists, drawn afresh, and each measurement of a line, done once."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hw.circuit.figures import Figure, table
from hw.circuit.netlist import Netlist, load

ROOT = Path(__file__).resolve().parents[3]
BOARDS = ("tsuwa2", "tsuwa8-line", "tsuwa8-carrier")
Measured = Callable[[Callable[[Netlist], list[Figure]]], list[Figure]]


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    if shutil.which("ngspice") is None:
        pytest.exit("ngspice is not installed: scripts/setup --hw installs it", returncode=3)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NAME.json and NAME.net of every board."""
    place = tmp_path_factory.mktemp("boards")
    done = subprocess.run(
        [sys.executable, "-m", "hw.circuit.build", place], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture(scope="session")
def boards(folder: Path) -> dict[str, Netlist]:
    return {name: load(folder / f"{name}.json") for name in BOARDS}


@pytest.fixture(scope="session")
def line(boards: dict[str, Netlist]) -> Netlist:
    """The board whose line 1 is measured; the lines are all the same (test_circuit.py)."""
    return boards["tsuwa2"]


_measured: list[Figure] = []


@pytest.fixture(scope="session")
def measured(line: Netlist) -> Measured:
    def do(measure: Callable[[Netlist], list[Figure]]) -> list[Figure]:
        figures = measure(line)
        _measured.extend(figures)
        return figures

    return functools.cache(do)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures as one table, however the tests went."""
    if _measured:
        terminalreporter.section("figures")
        terminalreporter.write_line(table(_measured))
