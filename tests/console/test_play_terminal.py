"""`play` on a terminal: what is asked, the keys, Ctrl-C, a terminal that is closed; with a player of the test's own."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.console.terminal import Terminal
from tests.console.test_playing import entries
from tsuwaroku.store.keys import PrivateKey

PLAYER = """
import sys, time
stdin = sys.stdin.buffer
while octets := stdin.read(1600):  # at the pace of sound, as a card takes it
    with open({path!r}, "ab") as file:
        file.write(octets)
    time.sleep({pace})
"""


@pytest.fixture
def player(tmp_path: Path) -> str:
    script = tmp_path / "player.py"
    script.write_text(PLAYER.format(path=str(tmp_path / "heard"), pace=0.09))
    return f"{sys.executable} {shlex.quote(str(script))} {{rate}}"


def playing(own: Path, player: str, *more: object, language: str = "ja_JP.UTF-8") -> Terminal:
    arguments = ("play", "4", "--store", own, "--key", own / "demo.key", "--player", player, *more)
    return Terminal(*arguments, env={"LANG": language, "LC_ALL": ""})


def said(own: Path) -> list[tuple[str, str | None]]:
    key = PrivateKey.load(own / "demo.key", lambda: "")
    return [(entry.verb, entry.why(key)) for entry in entries(own) if entry.verb in ("play", "heard")]


def test_purpose_and_note_are_asked_and_ctrl_c_says_what_was_heard(own: Path, player: str) -> None:
    with playing(own, player, "--with", "青森 花子") as terminal:
        terminal.wait_for("再生の目的を選んでください")
        terminal.wait_for("番号: ")
        terminal.type("2\n")
        terminal.wait_for("備考（なければそのまま Enter）: ")
        terminal.type("苦情の確認\n")
        terminal.wait_for("スペース: 一時停止・再開")
        terminal.wait_for("0:02 / ")
        terminal.type("\x03")
        rest = terminal.end()
    assert terminal.code == 130
    assert "聞いた部分 0:00–0:0" in rest
    assert "Traceback" not in rest
    (play, why), (heard, stretch) = said(own)
    assert (play, heard) == ("play", "heard")
    # what nobody knows as a player is named, for it may do anything with the sound
    assert (why or "").startswith("業務の公正かつ適正な執行（同席: 青森 花子） ／ 苦情の確認 ／ 再生ソフト: ")
    assert stretch in ("0:00–0:01", "0:00–0:02", "0:00–0:03")


@pytest.mark.slow
def test_keys_pause_jump_and_leave(own: Path, player: str) -> None:
    with playing(own, player, "--purpose", "fairness", "--note", "", language="C.UTF-8") as terminal:
        terminal.wait_for("space: pause")
        terminal.wait_for("0:01 / ")
        terminal.type(" ")
        time.sleep(0.5)
        terminal.type("\x1b[C")  # ten seconds on, out of the pause
        terminal.wait_for("0:12 / ")
        terminal.type("q")
        rest = terminal.end()
    assert (terminal.code, "Heard: 0:00–0:0" in rest) == (0, True)
    stretches = (said(own)[-1][1] or "").split(", ")
    assert len(stretches) == 2
    assert (stretches[0][:7], stretches[1][:3]) == ("0:00–0:", "0:1")


@pytest.mark.slow
def test_a_terminal_that_is_closed_leaves_what_was_heard(own: Path, player: str) -> None:
    """The line to the PC breaks off."""
    with playing(own, player, "--purpose", "fairness", "--note", "") as terminal:
        terminal.wait_for("0:01 / ")
        terminal.close()
    assert terminal.code not in (0, None)
    assert (said(own)[-1][1] or "").startswith("0:00–0:0")


@pytest.mark.slow
def test_a_long_pause_is_told_of_as_it_lasts(own: Path, player: str) -> None:
    """A keeper forgets who is silent for five minutes. Here a pause of two words."""
    with playing(own, player, "--purpose", "fairness", "--note", "") as terminal:
        terminal.wait_for("0:01 / ")
        terminal.type(" ")
        time.sleep(1.5)
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.end()
    assert terminal.code == 128 + signal.SIGTERM
    assert (said(own)[-1][1] or "").startswith("0:00–0:0")


@pytest.mark.slow
def test_a_wrong_number_is_asked_again_and_other_purposes_in_words(own: Path, player: str) -> None:
    with playing(own, player, "--to", "1") as terminal:
        terminal.wait_for("番号: ")
        terminal.type("abc\n")
        terminal.wait_for("番号: ")
        terminal.type("3\n")
        terminal.wait_for("目的: ")
        terminal.type("職員研修\n")
        terminal.wait_for("Enter）: ")
        terminal.type("\n")
        terminal.end()
    assert terminal.code == 0
    assert (said(own)[0][1] or "").startswith("その他（職員研修） ／ 再生ソフト: ")


@pytest.mark.slow
def test_nobody_asks_and_nothing_sounds_where_ctrl_c_comes_first(own: Path, player: str) -> None:
    with playing(own, player) as terminal:
        terminal.wait_for("番号: ")
        time.sleep(0.3)  # Python's prompt is deaf between its words and its reading
        terminal.type("\x03")
        terminal.end()
    assert terminal.code == 1
    assert said(own) == []
