"""The verbs from a PC: a socket that was forwarded, the key, and no file of the box."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.console.support import Ran, Run
from tests.console.test_playing import entries
from tests.console.test_requesting import DAY, As, Desk, as_user, desk
from tests.disclosure.papers import text_of
from tsuwaroku.console import playing
from tsuwaroku.console.outputs import NullOutput
from tsuwaroku.console.papers import PapersClient
from tsuwaroku.service.hearing import stretches_text
from tsuwaroku.store.keys import PrivateKey, make_private_key, public_side
from tsuwaroku.store.layout import DEMO_KEY

__all__ = ["as_user", "desk"]

Pc = Callable[..., Ran]


@pytest.fixture
def pc(run: Run, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pc:
    """`tsuwaroku --socket …`, with the key where it is asked for; the box's files are nobody's here."""
    keys = tmp_path / "pc"
    keys.mkdir()
    shutil.copy(desk.store / DEMO_KEY, keys / "my.key")
    monkeypatch.setenv("TSUWAROKU_SOCKET", str(desk.store / "run" / "keeper.sock"))

    def command(*arguments: object, key: bool = True) -> Ran:
        return run(*arguments, *(("--key", keys / "my.key") if key else ()))

    return command


def test_find_over_the_socket_is_find_over_the_files(pc: Pc, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = [
        (),
        ("--department", "市民課", "--direction", "in", "--longer", "0:10"),
        ("--number", "=0312345678"),
        ("--line", "3", "--unmarked", "--from", DAY, "--to", DAY),
        ("--from", "2020-01-01", "--to", "2020-01-02"),
    ]
    there = [pc("find", *options, "--json") for options in asked]
    monkeypatch.delenv("TSUWAROKU_SOCKET")
    here = [desk("find", *options, "--json", key=True) for options in asked]
    assert [ran.code for ran in there + here] == [0] * 2 * len(asked)
    assert [ran.json for ran in there] == [ran.json for ran in here]
    assert [len(ran.json) > 0 for ran in here] == [True] * 4 + [False]
    assert {call["department"] for call in there[0].json} == {"市民課", "税務課"}


def test_without_a_key_departments_come_from_the_keeper(pc: Pc) -> None:
    ran = pc("calls", "--json", key=False)
    assert {(call["line"], call["department"]) for call in ran.json} == {
        ("1", "市民課"),
        ("2", "税務課"),
        ("3", "市民課"),
    }
    refused = pc("find", "--department", "総務課", key=False)
    assert (refused.code, "市民課, 税務課" in refused.err) == (11, True)


def test_a_call_is_heard_from_a_pc_and_what_was_heard_is_in_the_boxs_log(
    pc: Pc, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = bytearray()

    class Ears(NullOutput):
        def write(self, pcm: bytes, leaving: Callable[[], bool]) -> None:
            super().write(pcm, leaving)
            sound.extend(pcm)

    monkeypatch.setattr(playing, "NullOutput", Ears)
    options = ("--purpose", "fairness", "--output", "null", "--no-levelling", "--with", "岩手 一郎")
    whole = pc("play", "4", *options, "--json")
    part = pc("play", "4", *options, "--note", "確認", "--from", "0:05", "--to", "0:08")
    assert (whole.code, part.code, whole.json["whole"]) == (0, 0, True)
    samples = int(pc("show", "4", "--json").json["audio"]["samples"])
    assert len(sound) // 2 == samples + 3 * 8000
    key = PrivateKey.load(desk.store / DEMO_KEY, lambda: "")
    log = [(one.verb, one.actor, one.why(key)) for one in entries(desk.store) if one.verb in ("play", "heard")]
    assert [(verb, actor) for verb, actor, _ in log] == [("play", "hana"), ("heard", "hana")] * 2
    assert [why for *_, why in log][1:] == [
        stretches_text([(0.0, samples / 8000)]) + "; 2 of 2 slots were given",
        "業務の公正かつ適正な執行（同席: 岩手 一郎） ／ 確認",
        "0:05–0:08; 2 of 2 slots were given",
    ]


def test_a_request_is_taken_in_and_its_papers_made_on_a_pc(pc: Pc, desk: Desk, as_user: As, tmp_path: Path) -> None:
    new = pc("request", "new", "--file", desk.form(), "--yes", "--json")
    assert (new.code, len(new.json["calls"]) > 0) == (0, True)
    shown = pc("request", "show", new.json["slug"], "--json")
    assert [call["fate"] for call in shown.json["calls"]] == ["kept"] * len(new.json["calls"])
    as_user("kanri")
    assert pc("request", "approve", new.json["slug"], "--by", "管財課長", "--yes", key=False).code == 0
    ran = pc("request", "paper", new.json["slug"], "--out", tmp_path)
    assert (ran.code, ran.err) == (0, "")
    form, decision = sorted(tmp_path.glob("request-*.pdf"), key=lambda path: "decision" in path.name)
    assert "庁舎管財課長" in text_of(form.read_bytes())  # the keeper's configuration, and none of this PC
    assert "通話#" in "".join(text_of(decision.read_bytes()).split())


def test_what_wants_the_boxs_files_says_so(pc: Pc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    ran = pc("verify", key=False)
    assert (ran.code, "ここにはソケットしかありません" in ran.err) == (3, True)


def test_a_call_is_held_and_released_from_a_pc(pc: Pc, as_user: As) -> None:
    """With what it does to the ring, as the keeper reckons it."""
    as_user("kanri")
    until = (date.today() + timedelta(days=90)).isoformat()
    held = pc("hold", "3", "--reason", "調査", "--until", until, "--yes", "--json", key=False)
    assert (held.code, held.json["until"], held.json["effect"]["slots"] > 0) == (0, until, True)
    again = pc("hold", "3", "--reason", "調査", "--until", until, "--yes", key=False)
    assert (again.code, until in again.err) == (13, True)
    assert pc("release-hold", "3", "--reason", "用件は済んだ", "--yes", key=False).code == 0
    assert pc("release-hold", "3", "--reason", "用件は済んだ", "--yes", key=False).code == 13


def test_marks_are_set_and_let_go_from_a_pc(pc: Pc, as_user: As) -> None:
    assert pc("mark", "3", key=False).code == 0
    assert [call["sequence"] for call in pc("find", "--marked", "--line", "3", "--json").json] == [3]
    as_user("kanri")
    assert pc("queue", "pass", "3", "--reason", "用件は済んだ", key=False).code == 0
    (queued,) = [call for call in pc("queue", "--json", key=False).json if call["sequence"] == 3]
    assert queued["state"] == "passed"


def test_a_call_that_is_none_is_told_without_the_boxs_files(pc: Pc, desk: Desk) -> None:
    ran = pc("request", "new", "--file", desk.form(), "--call", "999", "--yes")
    assert (ran.code, "no call 999" in ran.err) == (11, True)


def test_the_number_of_an_erased_call_is_told_with_the_rule_it_was_erased_by(
    pc: Pc, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"calls": {"999": ["2026-10-01", "2026-10-31", "expired"]}}
    entry = SimpleNamespace(at="2026-11-01T00:05:00.000+09:00", detail=gone)
    monkeypatch.setattr(PapersClient, "erasures", lambda self, first, last: [entry])
    ran = pc("request", "new", "--file", desk.form(), "--call", "#999", "--yes")
    assert ran.code == 13
    assert "erased on 2026-11-01: its days ended on 2026-10-31 (Article 8(1))" in ran.err
    assert pc("request", "new", "--file", desk.form(), "--call", "998", "--yes").code == 11


def test_wrong_passphrases_of_a_pc_are_told_to_the_keeper_of_the_socket(
    run: Run, pc: Pc, desk: Desk, tmp_path: Path
) -> None:
    locked, wrong = tmp_path / "locked.key", tmp_path / "wrong"
    make_private_key(locked, "the right one", "manager", "管財課長", passes=1, memory=8192)
    wrong.write_text("another\n")
    for _ in range(2):
        assert run("calls", "--key", locked, "--passphrase-file", wrong).code == 9
    key = PrivateKey.load(desk.store / DEMO_KEY, lambda: "")
    log = [(one.subject, one.why(key)) for one in entries(desk.store) if one.verb == "wrong passphrase"]
    assert log == [
        (public_side(locked).id, "パスフレーズの誤り 1回"),
        (public_side(locked).id, "パスフレーズの誤り 1回（連続 2回）"),
    ]
