"""The system's programs: missing, hanging, failing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsuwaroku.disclosure import tools
from tsuwaroku.disclosure.tools import run_tool
from tsuwaroku.errors import MediumError


def test_a_program_says_how_it_ended() -> None:
    done = run_tool(["sh", "-c", "echo out; echo err >&2; printf '\\377'; exit 3"], "dash")
    assert (done.status, done.output) == (3, "out\nerr\n\ufffd")


def test_it_has_no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/nowhere.so")
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    said = run_tool(["sh", "-c", "echo $LC_ALL $LD_PRELOAD $HOME"], "dash").output
    assert said == "C.UTF-8\n"


def test_one_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools, "PLACES", str(tmp_path))
    with pytest.raises(MediumError) as failed:
        run_tool(["mkfs.exfat", "/dev/none"], "exfatprogs")
    assert (failed.value.where, "exfatprogs" in failed.value.remedy) == ("mkfs.exfat", True)


def test_one_that_hangs_is_ended() -> None:
    with pytest.raises(MediumError, match="still waiting for the medium") as failed:
        run_tool(["sleep", "60"], "coreutils", limit_s=0.1)
    assert failed.value.remedy
