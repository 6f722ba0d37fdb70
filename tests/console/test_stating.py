"""`retention-statement`: the words, the document, the exit code."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.console.support import SCRIPT, Run
from tsuwaroku.clock import JST
from tsuwaroku.records.retention import first_ns
from tsuwaroku.service.simulate import simulate
from tsuwaroku.service.statement import Signed, is_signed


@pytest.fixture(scope="module")
def recent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("stating") / "recent"
    simulate(SCRIPT, store, fast=True)
    return store


def test_a_sound_store_is_stated_and_signed(run: Run, recent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = run("calls", "--store", recent, "--json").json
    ran = run("retention-statement", "--store", recent, "--json")
    signed = msgspec.json.decode(ran.out, type=Signed)
    assert (ran.code, is_signed(signed), signed.statement.holds) == (0, True, True)
    assert (signed.statement.kept_count, signed.statement.overdue) == (len(calls), "")
    today = datetime.now(JST).date()
    english = run("retention-statement", "--store", recent)
    assert english.out.splitlines()[-1].startswith(f"All {len(calls)} calls that had to be kept on {today} were kept")
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    monkeypatch.setenv("COLUMNS", "200")
    told = run("retention-statement", "--store", recent).out.splitlines()
    assert told[-1] == (
        f"{today} に保存すべき通話 {len(calls)} 件はすべて改ざん・欠落なく保存され、"
        "保存期間を過ぎた通話は開けないことを確かめました。"
    )
    assert told[0].split() == ["対象日", str(today)]


def test_where_it_does_not_hold_it_ends_with_10(run: Run, tmp_path: Path) -> None:
    old = tmp_path / "old"
    simulate(SCRIPT, old, fast=True, start_wall_ns=first_ns(date(2020, 1, 1)))
    ran = run("retention-statement", "--store", old, "--json")
    assert (ran.code, ran.json["statement"]["holds"], ran.json["statement"]["overdue"] != "") == (10, False, True)
    assert "It cannot be stated" in run("retention-statement", "--store", old).out


def test_what_cannot_be_asked(run: Run, recent: Path, tmp_path: Path) -> None:
    tomorrow = datetime.now(JST).date() + timedelta(days=2)
    assert run("retention-statement", "--store", recent, "--date", tomorrow).code == 13
    assert run("retention-statement", "--store", recent, "--date", "24").code == 2
    keyless = Path(shutil.copytree(recent, tmp_path / "keyless"))
    (keyless / "keys" / "device.key").unlink()
    assert run("retention-statement", "--store", keyless).code == 9


def test_the_audit_head_on_a_statement_is_asked_for_later(run: Run, own: Path) -> None:
    head = run("retention-statement", "--store", own, "--json").json["statement"]["audit_head"]
    assert head in run("retention-statement", "--store", own).out.replace("\n", "").replace(" ", "")
    assert run("verify", "--store", own, "--audit-head", head).code == 0
    ran = run("verify", "--store", own, "--audit-head", "ab" * 32, "--json")
    gone = "audit: the entry that was noted outside the box is gone from the log"
    assert (ran.code, ran.json["problems"]) == (10, [gone])
    ran = run("verify", "--store", own, "--audit-head", head[:-1])
    assert ran.code == 2
