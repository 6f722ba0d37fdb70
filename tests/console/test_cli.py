"""Global options, and what a person sees when something fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.support import Run
from tsuwaroku import __version__
from tsuwaroku.console import cli, maintaining

VERBS = ("run", "simulate", "calls", "show", "verify", "play", "mark", "status", "levels", "plan", "config", "keys")
PROGRAM = [sys.executable, "-c", "from tsuwaroku.console.cli import main; main()"]


def spoken(language: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real program in another language: what `--help` says is fixed when it starts."""
    environment = {**os.environ, "LANG": language, "COLUMNS": "80"}
    return subprocess.run([*PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"tsuwaroku {__version__}\n", "")


def test_help_names_every_verb_in_both_languages() -> None:
    for language, heading in (("C.UTF-8", "Commands"), ("ja_JP.UTF-8", "コマンド")):
        told = spoken(language, "--help")
        assert (told.returncode, told.stderr) == (0, "")
        assert heading in told.stdout
        assert [verb for verb in VERBS if f"│ {verb} " not in told.stdout] == []
        assert "…" not in told.stdout  # nothing cut off at 80 columns


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["calls", "--nonsense"],
        ["show"],
        ["simulate", "x.toml"],
        ["run", "--role", "boss"],
        ["mark", "1", "--withdraw", "0"],
        ["mark", "1", "--kind", "nonsense"],
        ["calls", "--date", "23.11.2026", "--store", "x"],
        ["simulate", "x.toml", "--store", "x", "--start", "soon"],
    ],
)
def test_wrong_use_ends_with_2(arguments: list[str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_comes_from_option_then_environment_then_etc(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_option, by_variable, by_default = (tmp_path / name for name in ("option.toml", "variable.toml", "default.toml"))
    monkeypatch.setattr(cli, "DEFAULT_CONFIG", by_default)
    assert run("plan").err.startswith(f"Configuration: {by_default}: cannot be read")
    monkeypatch.setenv(cli.CONFIG_VARIABLE, str(by_variable))
    assert run("plan").err.startswith(f"Configuration: {by_variable}: cannot be read")
    assert run("--config", by_option, "plan").err.startswith(f"Configuration: {by_option}: cannot be read")


def test_an_error_is_place_message_remedy_on_stderr_and_its_exit_code(run: Run, tmp_path: Path) -> None:
    ran = run("calls", "--json", "--store", tmp_path / "none")
    assert ran == (
        6,
        "",
        f"Store: {tmp_path / 'none'}: is not a store\nWhat to do: name the store's directory, or make one\n",
    )


def test_the_heading_is_japanese_in_a_japanese_locale(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    ran = run("calls", "--store", tmp_path / "none")
    assert [line.split(":")[0] for line in ran.err.splitlines()] == ["保存領域の異常", "対処"]


def test_without_store_and_configuration_the_remedy_names_both(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "DEFAULT_CONFIG", tmp_path / "none.toml")
    ran = run("calls")
    assert ran.code == 3
    assert "add --store DIR, or name a configuration with --config FILE" in ran.err


def test_a_bug_is_one_message_without_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of [red]nothing")

    monkeypatch.setattr(maintaining, "load", broken)
    ran = run("config", "check", "x.toml")
    assert (ran.code, ran.out) == (1, "")
    assert "This is a bug (ZeroDivisionError: of [red]nothing)" in ran.err
    assert "Traceback" not in ran.err
    monkeypatch.setenv(cli.DEBUG_VARIABLE, "1")
    with pytest.raises(ZeroDivisionError):
        cli.run(["config", "check", "x.toml"])


def test_ctrl_c_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(maintaining, "load", interrupted)
    ran = run("config", "check", "x.toml")
    assert (ran.code, ran.out) == (130, "")
    assert "Traceback" not in ran.err
    monkeypatch.setattr(cli, "app", interrupted)  # before or after the verb itself
    assert run("config", "check", "x.toml") == (130, "", "")


def test_denied_access_is_told_as_that(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/some/store.json")

    monkeypatch.setattr(maintaining, "load", denied)
    ran = run("config", "check", "x.toml")
    assert ran.code == 6
    assert ran.err.startswith("Store: /some/store.json: access is denied\nWhat to do: ")


def test_a_closed_pipe_is_silent(office: Path) -> None:
    command = [*PROGRAM, "calls", "--json", "--store", str(office), "--key", str(office / "demo.key")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
