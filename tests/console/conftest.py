"""What the console's tests share: a command run in this process, and one store with an office's calls in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.console.support import SCRIPT, Ran, Run
from tsuwaroku.console import cli
from tsuwaroku.service.simulate import simulate


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    for name in ("LC_ALL", "LC_MESSAGES", cli.CONFIG_VARIABLE, cli.DEBUG_VARIABLE, "COLUMNS", "SUDO_USER", "SUDO_UID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `tsuwaroku` with these arguments, stdin no terminal."""

    def command(*arguments: object) -> Ran:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return command


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration store with the calls of an office; read only."""
    store = tmp_path_factory.mktemp("console") / "office"
    simulate(SCRIPT, store, fast=True)
    return store


@pytest.fixture
def own(office: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed or damaged."""
    return Path(shutil.copytree(office, tmp_path / "own"))
