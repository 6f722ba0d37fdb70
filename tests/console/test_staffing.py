"""`appoint`, `dismiss`, `staff`, `keys make`, `keys succeed`, `keys rewrap` at a keeper that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.support import Run
from tests.service import test_control
from tests.service.support import play
from tests.service.test_control import keeping
from tests.service.test_modes import ONE_CALL, script
from tsuwaroku.records.roles import RIGHTS
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store.audit import AuditLog

PASSPHRASE = "四つの 言葉を 並べる こと"


def make(run: Run, tmp_path: Path, name: str, *more: str) -> Path:
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n", encoding="utf-8")
    made = run("keys", "make", "--key-out", tmp_path / name, "--name", name, "--passphrase-file", secret, *more)
    assert made.code == 0, made.err
    return tmp_path / f"{name}.pub"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretching a passphrase is made to take a second; here it need not."""
    from nacl.pwhash import argon2id

    from tsuwaroku.store import keys

    defaults = keys.make_private_key.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "passes", argon2id.OPSLIMIT_MIN)
    monkeypatch.setitem(defaults, "memory", argon2id.MEMLIMIT_MIN)


def roles(keeper: Keeper) -> list[str]:
    return [one.role for one in keeper.recipients.list]


def test_a_year_of_staff(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "store"
    public = make(run, tmp_path, "hanako")
    assert "box" not in public.read_text(encoding="utf-8")
    with keeping(store) as keeper:
        given = ("--store", store)
        user = ("--user", "daemon")
        done = run("appoint", "青森 花子", *user, "--key-file", public, "--until", "2030-03-31", "--lines", "1", *given)
        assert done.code == 0, done.err
        assert roles(keeper) == ["demonstration", "handler"]
        listed = run("staff", "list", *given)
        assert "daemon" in listed.out
        assert "青森" not in listed.out
        named = run("staff", "list", "--key", store / "demo.key", *given, "--json").json
        assert [(one["name"], one["lines"], one["end"]) for one in named] == [("青森 花子", ["1"], "2030-03-31")]
        again = run("appoint", "青森 花子", *user, "--key-file", public, *given)
        assert again.code == 13, again.err
        rewrapped = run("keys", "rewrap", "--for", "daemon", "--key", store / "demo.key", *given)
        assert rewrapped.code == 0, rewrapped.err
        assert run("keys", "rewrap", "--for", "bin", "--key", store / "demo.key", *given).code != 0
        assert run("dismiss", *user, "--reason", "異動", *given).code == 0
        assert roles(keeper) == ["demonstration"]
        assert run("dismiss", *user, "--reason", "異動", *given).code != 0
        new = make(run, tmp_path, "manager", "--manager")
        change = ("--name", "弘前 一郎", "--decree", "第12号", "--key", store / "demo.key", *given)
        for _ in range(2):
            succeeded = run("keys", "succeed", "--new-key", new, *change)
            assert succeeded.code == 0, succeeded.err
        assert roles(keeper) == ["demonstration", "manager"]
        opened = ("--key", tmp_path / "manager", "--passphrase-file", tmp_path / "passphrase")
        assert [one["name"] for one in run("staff", "list", *opened, *given, "--json").json] == ["青森 花子"]
    verbs = [entry.verb for entry in AuditLog(store / "audit").entries()]
    for verb in ("appointed", "refused", "dismissed", "manager succeeded", "words sealed again"):
        assert verb in verbs


def test_calls_from_before_open_with_the_handlers_key_once_they_are_wrapped_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    calls = play(script(tmp_path, 90.0, ONE_CALL, []), store)
    public = make(run, tmp_path, "hanako")
    monkeypatch.setattr(test_control, "create_demo_store", lambda *_: None)
    with test_control.keeping(store):
        given = ("--store", store)
        done = run("appoint", "青森 花子", "--user", "daemon", "--key-file", public, *given)
        assert done.code == 0, done.err
        own = ("--key", tmp_path / "hanako", "--passphrase-file", tmp_path / "passphrase", *given)
        assert run("show", calls[0].id, *own).code != 0
        told = run("keys", "rewrap", "--for", "daemon", "--key", store / "demo.key", *given)
        assert (told.code, "1 earlier calls" in told.out) == (0, True), told
        assert run("show", calls[0].id, *own).code == 0
        again = run("keys", "rewrap", "--for", "daemon", "--key", store / "demo.key", *given)
        assert "0 earlier calls" in again.out
    assert run("verify", *own).code == 0


def test_a_new_recovery_sheet_is_tried_and_opens_what_was_before(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sheet = tmp_path / "store", tmp_path / "sheet.txt"
    play(script(tmp_path, 90.0, ONE_CALL, []), store)
    monkeypatch.setattr(test_control, "create_demo_store", lambda *_: None)
    own = ("keys", "recovery", "--key", store / "demo.key", "--store", store, "--reason")
    with test_control.keeping(store) as keeper:
        nowhere = run(*own, "紛失")
        assert (nowhere.code, "no terminal" in nowhere.err) == (9, True)
        empty = run(*own, " ", "--recovery-file", sheet)
        assert (empty.code, sheet.exists()) == (13, False)  # no sheet of a key that nothing is sealed to
        inside = run(*own, "紛失", "--recovery-file", store / "sheet.txt")
        assert (inside.code, (store / "sheet.txt").exists()) == (13, False)
        done = run(*own, "紛失", "--recovery-file", sheet)
        assert (done.code, "1 earlier calls" in done.out) == (0, True), done
        again = run(*own, "紛失", "--recovery-file", sheet)
        assert (again.code, "0 earlier calls" in again.out) == (0, True), again
        assert [act.verb.value for act in keeper.ledger.acts].count("recovery replaced") == 1
    assert run("verify", "--store", store, "--key", sheet).code == 0
    assert run("keys", "test", "--store", store, "--recovery-file", sheet).code == 0
    sheet.write_text("not a sheet")
    assert run(*own, "紛失", "--recovery-file", sheet).code != 0


def test_the_table_of_rights_is_shown_whole(run: Run) -> None:
    assert set(run("staff", "rights", "--json").json) == {verb.value for verb in RIGHTS}
    shown = run("staff", "rights")
    assert len(shown.out.splitlines()) >= len(RIGHTS)


def test_a_key_file_is_not_overwritten_and_a_wrong_file_is_no_key(run: Run, tmp_path: Path) -> None:
    public = make(run, tmp_path, "hanako")
    secret = tmp_path / "passphrase"
    assert run("keys", "make", "--key-out", tmp_path / "hanako", "--name", "x", "--passphrase-file", secret).code != 0
    (tmp_path / "hanako").unlink()
    assert run("keys", "make", "--key-out", tmp_path / "hanako", "--name", "x", "--passphrase-file", secret).code != 0
    (tmp_path / "store.json").touch()
    inside = run("keys", "make", "--key-out", tmp_path / "other", "--name", "x", "--passphrase-file", secret)
    assert "must not lie in the store" in inside.err
    public.write_text("{}", encoding="utf-8")
    for file in (public, secret, tmp_path / "missing"):
        failed = run("appoint", "青森 花子", "--user", "daemon", "--key-file", file, "--store", tmp_path)
        assert failed.code != 0
        assert failed.err


def test_without_a_keeper_it_says_what_to_do(run: Run, tmp_path: Path) -> None:
    failed = run("staff", "list", "--store", tmp_path)
    assert (failed.code, "systemctl start tsuwaroku" in failed.err) == (12, True)
