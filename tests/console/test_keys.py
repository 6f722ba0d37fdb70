"""`keys`: made once, tested, listed; nothing is left behind when the making fails."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import typer
from rich.panel import Panel

from tests.console.support import Ran, Run
from tsuwaroku.console import keys
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store

PASSPHRASE = "four words of mine"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A box that is to get a store of 8 slots, and a stick for the key."""
    (tmp_path / "stick").mkdir()
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    (tmp_path / "config.toml").write_text(
        f'[store]\npath = "{tmp_path}/store"\nring_size = "2 MiB"\naccept_shorter = true\n[[line]]\nid = "1"\n'
    )
    return tmp_path


def init(run: Run, place: Path, *more: object) -> Ran:
    return run(
        *("--config", place / "config.toml", "keys", "init", "--key-out", place / "stick" / "manager.key"),
        *("--passphrase-file", place / "passphrase", "--recovery-file", place / "recovery.txt"),
        *more,
    )


def left(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


UNTOUCHED = ["config.toml", "passphrase"]


def test_init_makes_store_and_both_keys(run: Run, place: Path) -> None:
    ran = init(run, place, "--name", "管財課長")
    assert (ran.code, ran.out) == (0, "")
    store = Store.open(place / "store")
    assert (store.info.demonstration, store.info.slots, store.info.retention_days) == (False, 8, 30)
    assert [(one.role, one.name) for one in store.recipients.list] == [
        ("manager", "管財課長"),
        ("recovery", "recovery"),
    ]
    for path in (place / "stick" / "manager.key", place / "recovery.txt"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    manager = PrivateKey.load(place / "stick" / "manager.key", lambda: PASSPHRASE)
    recovery = PrivateKey.from_recovery((place / "recovery.txt").read_text())
    assert [one.id for one in store.recipients.list] == [manager.id.hex(), recovery.id.hex()]
    assert "nobody can ever hear the calls again" in ran.err
    assert "must leave this box" in " ".join(ran.err.split())


def test_both_keys_pass_the_test_and_a_strange_one_does_not(run: Run, place: Path, office: Path) -> None:
    init(run, place)
    base = ("keys", "test", "--store", place / "store")
    by_file = run(*base, "--key", place / "stick" / "manager.key", "--passphrase-file", place / "passphrase")
    assert (by_file.code, by_file.out) == (0, "It opens: manager (管理責任者)\n")
    by_sheet = run(*base, "--recovery-file", place / "recovery.txt")
    assert (by_sheet.code, by_sheet.out) == (0, "It opens: recovery (recovery)\n")
    assert run(*base, "--key", office / "demo.key").code == 9
    strange = run("keys", "test", "--store", office, "--recovery-file", place / "recovery.txt")
    assert strange.code == 9
    assert "none of those the store's calls are sealed to" in strange.err


@pytest.mark.parametrize("arguments", [[], ["--recovery", "--recovery-file", "x"]])
def test_the_test_takes_exactly_one_key(run: Run, office: Path, arguments: list[str]) -> None:
    assert run("keys", "test", "--store", office, *arguments).code == 2


def test_a_mistyped_recovery_key_ends_with_9(run: Run, place: Path) -> None:
    init(run, place)
    text = (place / "recovery.txt").read_text()
    (place / "recovery.txt").write_text(("A" if text[0] != "A" else "B") + text[1:])
    ran = run("keys", "test", "--store", place / "store", "--recovery-file", place / "recovery.txt")
    assert ran.code == 9


def test_the_recovery_key_opens_what_the_key_file_opens(run: Run, place: Path, office: Path) -> None:
    init(run, place)
    sheet = place / "recovery.txt"
    own = ("--config", place / "config.toml", "verify")  # the box of one person
    with (place / "config.toml").open("a") as file:
        file.write("\n[service]\nlocal_console = true\n")
    opened = run(*own, "--store", place / "store", "--key", sheet)
    assert (opened.code, opened.err) == (0, "")
    refused = run("calls", "--store", office, "--key", sheet)
    assert (refused.code, refused.out) == (9, "")
    assert f"{office}: this key opens no call" in refused.err
    text = sheet.read_text()
    sheet.write_text(("A" if text[0] != "A" else "B") + text[1:])
    mistyped = run(*own, "--store", place / "store", "--key", sheet)
    assert mistyped.code == 9
    assert f"{sheet}: the recovery key is not right" in mistyped.err


def test_show(run: Run, place: Path) -> None:
    init(run, place)
    ran = run("keys", "show", "--store", place / "store", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert sorted(ran.json) == ["demonstration", "fingerprint", "recipients", "store_id"]
    assert [one["role"] for one in ran.json["recipients"]] == ["manager", "recovery"]
    assert ran.json["fingerprint"] in run("keys", "show", "--store", place / "store").out


@pytest.mark.parametrize("existing", ["stick/manager.key", "recovery.txt"])
def test_an_existing_file_is_never_overwritten(run: Run, place: Path, existing: str) -> None:
    (place / existing).write_text("precious")
    ran = init(run, place)
    assert ran.code == 9
    assert (place / existing).read_text() == "precious"
    assert left(place) == sorted([*UNTOUCHED, existing])


def test_a_second_init_is_refused_and_changes_nothing(run: Run, place: Path) -> None:
    init(run, place)
    before = {name: (place / name).read_bytes() for name in left(place)}
    (place / "stick" / "manager.key").rename(place / "stick" / "first.key")
    (place / "recovery.txt").rename(place / "first.txt")
    assert init(run, place).code == 6
    after = {name: (place / name).read_bytes() for name in left(place)}
    assert after["stick/first.key"] == before["stick/manager.key"]
    assert "stick/manager.key" not in after
    assert after["store/keys/recipients.json"] == before["store/keys/recipients.json"]


def test_a_key_inside_the_store_is_refused(run: Run, place: Path) -> None:
    (place / "store").mkdir()
    ran = run(
        *("--config", place / "config.toml", "keys", "init", "--key-out", place / "store" / "manager.key"),
        *("--passphrase-file", place / "passphrase", "--recovery-file", place / "recovery.txt"),
    )
    assert (ran.code, left(place)) == (13, UNTOUCHED)


@pytest.mark.parametrize("passphrase", ["", "seven77"])
def test_a_short_passphrase_is_refused(run: Run, place: Path, passphrase: str) -> None:
    (place / "passphrase").write_text(passphrase)
    assert init(run, place).code == 9
    assert left(place) == UNTOUCHED


def test_a_ring_below_the_guarantee_is_refused(run: Run, place: Path) -> None:
    config = place / "config.toml"
    config.write_text(config.read_text().replace("accept_shorter = true\n", ""))
    assert init(run, place).code == 8
    assert left(place) == UNTOUCHED


def test_without_a_terminal_the_recovery_key_needs_a_file(run: Run, place: Path) -> None:
    ran = run(
        *("--config", place / "config.toml", "keys", "init", "--key-out", place / "stick" / "manager.key"),
        *("--passphrase-file", place / "passphrase"),
    )
    assert (ran.code, left(place)) == (9, UNTOUCHED)


def test_a_store_that_cannot_be_made_leaves_no_keys(run: Run, place: Path) -> None:
    (place / "store").mkdir()
    (place / "store" / "holiday.jpg").write_text("")
    assert init(run, place).code == 6
    assert left(place) == [*UNTOUCHED, "store/holiday.jpg"]


def test_the_recovery_key_is_shown_once_and_has_to_be_typed_back(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed: list[str] = []
    shown: list[str] = []

    def prompt(*_: object, **__: object) -> str:
        return typed.pop(0)

    class Watched(Panel):
        def __init__(self, text: str, **options: object) -> None:
            shown.append(text)
            typed.extend(["", "AAAA-BBBB", text.lower().replace("-", " ")])
            super().__init__(text)

    monkeypatch.setattr(keys, "interactive", lambda: True)
    monkeypatch.setattr(keys, "Panel", Watched)
    monkeypatch.setattr(typer, "prompt", prompt)
    ran = run(
        *("--config", place / "config.toml", "keys", "init", "--key-out", place / "stick" / "manager.key"),
        *("--passphrase-file", place / "passphrase"),
    )
    assert (ran.code, len(shown), typed) == (0, 1, [])
    assert "the recovery key is not right" in ran.err
    assert Store.open(place / "store").recipients.list[1].id == PrivateKey.from_recovery(shown[0]).id.hex()
    assert [name for name in left(place) if shown[0].encode() in (place / name).read_bytes()] == []


def test_two_different_passphrases_are_refused(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["first passphrase", "second passphrase"]
    monkeypatch.setattr(keys, "passphrase_from", lambda file, prompt=None: answers.pop(0))
    ran = run(
        *("--config", place / "config.toml", "keys", "init", "--key-out", place / "stick" / "manager.key"),
        *("--recovery-file", place / "recovery.txt"),
    )
    assert (ran.code, left(place)) == (9, UNTOUCHED)
