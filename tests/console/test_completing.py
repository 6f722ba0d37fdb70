"""The tabulator key: what a shell is offered, and the script that makes it ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.support import Run
from tests.console.test_finding import BOX
from tsuwaroku.console.completing import VARIABLE

Offered = Callable[..., list[str]]


@pytest.fixture
def offered(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Offered:
    """What bash is offered behind these words."""
    config = tmp_path / "box.toml"
    config.write_text(BOX.format(store=tmp_path / "store"), encoding="utf-8")

    def ask(*words: str) -> list[str]:
        typed = ["tsuwaroku", "--config", str(config), *words]
        monkeypatch.setenv(VARIABLE, "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(typed))
        monkeypatch.setenv("COMP_CWORD", str(len(typed) - 1))
        return run().out.split()

    return ask


def test_verbs_and_what_the_configuration_knows(offered: Offered) -> None:
    assert offered("fin") == ["find"]
    assert offered("find", "--line", "") == ["1", "2", "3", "9"]
    assert offered("find", "--extension", "210") == ["2101", "2102", "2103"]
    assert offered("find", "--department", "市民") == ["市民課", "市民税課"]
    assert offered("find", "--direction", "in") == ["inbound", "internal"]


def test_a_configuration_that_is_none_offers_nothing(offered: Offered, tmp_path: Path) -> None:
    (tmp_path / "box.toml").write_text("line = 3")
    assert offered("find", "--line", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(run: Run, shell: str) -> None:
    ran = run("--completion", shell)
    assert (ran.code, VARIABLE in ran.out) == (0, True)


def test_a_shell_nobody_knows(run: Run) -> None:
    assert run("--completion", "tcsh").code == 2
