"""`mark`: while no keeper runs, and through one that does."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from tests.console.support import FakeKeeper, Run
from tsuwaroku.console import marking, session
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.durable import FileLock


def key(store: Path) -> tuple[object, ...]:
    return ("--store", store, "--key", store / "demo.key")


def marks(run: Run, store: Path, call: int) -> list[dict[str, Any]]:
    return list(run("show", call, *key(store), "--json").json["marks"])


def test_a_mark_is_added_and_its_maker_named(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "person", lambda: "suzuki")
    assert marks(run, own, 1) == []
    ran = run("mark", "1", "--store", own, "--json")
    call = run("show", "1", *key(own), "--json").json
    assert (ran.code, ran.json) == (0, {"id": call["id"], "kind": "unreasonable_demand", "withdrawn": None})
    assert call["marks"] == [
        {"at_s": call["marks"][0]["at_s"], "kind": "unreasonable_demand", "by": "suzuki", "withdrawn": False}
    ]
    last = list(AuditLog(own / "audit").entries())[-1]
    assert (last.actor, last.verb, last.subject) == ("suzuki", "mark", call["id"])
    assert run("verify", *key(own)).code == 0


def test_it_says_that_a_mark_keeps_nothing(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "印を付けても保存期間は延びません" in run("mark", "1", "--store", own).out


def test_withdrawing_keeps_the_mark_and_says_so(run: Run, own: Path) -> None:
    before = marks(run, own, 2)  # pressed in the call
    assert len(before) == 1
    run("mark", "2", "--store", own)
    assert run("mark", "2", "--withdraw", "1", "--store", own).code == 0
    assert [mark["withdrawn"] for mark in marks(run, own, 2)] == [True, False]
    assert run("mark", "2", "--withdraw", "2", "--store", own).code == 0
    assert [mark["withdrawn"] for mark in marks(run, own, 2)] == [True, True]
    assert run("verify", *key(own)).code == 0


def test_a_mark_that_is_not_there_ends_with_11_and_writes_nothing(run: Run, own: Path) -> None:
    before = list(AuditLog(own / "audit").entries())
    ran = run("mark", "2", "--withdraw", "2", "--store", own)
    assert (ran.code, ran.out) == (11, "")
    assert run("mark", "99", "--store", own).code == 11
    assert list(AuditLog(own / "audit").entries()) == before


def test_without_the_device_key_it_ends_with_9(run: Run, own: Path) -> None:
    (own / "keys" / "device.key").unlink()
    assert run("mark", "1", "--store", own).code == 9


def test_a_running_keeper_is_asked(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = run("show", "2", "--store", own, "--json").json
    monkeypatch.setattr(marking, "person", lambda: "suzuki")
    lock = FileLock(own / "keeper.lock")
    lock.acquire()
    try:
        with FakeKeeper(own / "run" / "keeper.sock", {}) as keeper:
            assert run("mark", "2", "--store", own).code == 0
            assert run("mark", "2", "--withdraw", "1", "--store", own).code == 0
    finally:
        lock.release()
    path = f"/v1/calls/{call['id']}/marks"
    body = {"kind": "unreasonable_demand", "by": "suzuki"}
    assert keeper.asked == [
        ("POST", path, {**body, "withdraw": None}),
        ("POST", path, {**body, "withdraw": 1}),
    ]
    assert len(marks(run, own, 2)) == 1  # nothing was written beside the keeper


def test_the_person_is_who_called_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "suzuki")
    assert session.person() == "suzuki"
    monkeypatch.setenv("SUDO_UID", str(pwd.getpwnam("nobody").pw_uid))  # the number, where there are both
    assert session.person() == "nobody"
    monkeypatch.setenv("SUDO_UID", "61234")  # of no account here
    assert session.person() == "suzuki"
    monkeypatch.delenv("SUDO_USER")
    assert session.person() == "uid 61234"
    for nonsense in ("", "-1", "x", "\u0663", "9" * 40):
        monkeypatch.setenv("SUDO_UID", nonsense)
        assert session.person() == pwd.getpwuid(0).pw_name


@pytest.mark.parametrize("uid", [pwd.getpwnam("nobody").pw_uid, 61234])
def test_nobody_but_root_is_believed_who_he_is(uid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "kanri")
    monkeypatch.setenv("SUDO_UID", "0")
    assert session.person() == ("nobody" if uid != 61234 else "uid 61234")
