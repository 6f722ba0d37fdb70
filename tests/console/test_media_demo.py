"""A newcomer: a copy made, handed over, taken back, wiped and destroyed, without hardware or configuration."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.copying import PASSPHRASE
from tests.console.support import Ran, Run
from tests.console.test_requesting import FILLED
from tests.service.serving import serving
from tsuwaroku.clock import SystemClock
from tsuwaroku.config import Config, LineConfig
from tsuwaroku.console.client import DEMO_VARIABLE
from tsuwaroku.disclosure import page, sevenzip
from tsuwaroku.disclosure.virtual_drives import VirtualStick
from tsuwaroku.records.request_file import TEMPLATE
from tsuwaroku.records.roles import Role
from tsuwaroku.service.asking import Asker, played
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.layout import Store


class Newcomer:
    """Somebody with a demonstration and nothing else; `as_` says which person of its office acts."""

    def __init__(self, run: Run, store: Path, patch: pytest.MonkeyPatch) -> None:
        self._run, self.store, self._patch = run, store, patch

    def __call__(self, *arguments: object, as_: str = "hana", key: bool = False) -> Ran:
        more = ("--key", self.store / "demo.key") if key else ()
        self._patch.setenv(DEMO_VARIABLE, as_)
        ran = self._run(*arguments, "--store", self.store, *more)
        assert ran.code == 0, ran.err
        return ran

    def stick(self, name: str) -> VirtualStick:
        return VirtualStick(self.store.with_name(f"{self.store.name}-sticks"), name)


@pytest.fixture
def newcomer(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newcomer]:
    monkeypatch.setattr(page, "ROUNDS", 1000)
    monkeypatch.setattr(sevenzip, "CYCLES", 14)
    settings = Config(line=tuple(LineConfig(id=str(number)) for number in range(1, 5)))
    store = Store.open(own, need_device=True)
    keeper = Keeper(store, settings, SystemClock())
    keeper.start()
    with serving(keeper, own, settings):
        yield Newcomer(run, own, monkeypatch)
    keeper.close()
    store.close()


def test_the_whole_life_of_a_medium_without_hardware(newcomer: Newcomer, tmp_path: Path) -> None:
    form = TEMPLATE.replace("reasons = []", 'reasons = ["接遇"]')
    for field, value in FILLED.items():
        form = form.replace(f'{field} = ""', f'{field} = "{value}"')
    (tmp_path / "form.toml").write_text(form, encoding="utf-8")
    (tmp_path / "medium.txt").write_text(PASSPHRASE)
    newcomer("request", "new", "--file", tmp_path / "form.toml", "--yes", key=True)
    (slug,) = [one["slug"] for one in newcomer("request", "list", "--json").json]
    newcomer("request", "approve", slug, "--yes", as_="kanri")
    newcomer("media", "demo-stick")
    newcomer("media", "register", "--label", "M-1", "--yes", as_="kanri")
    secret = ("--medium-passphrase-file", tmp_path / "medium.txt")
    newcomer("export", slug, "--for", "head", *secret, as_="kanri", key=True)
    newcomer("media", "demo-stick", "--pull")
    newcomer("media", "hand-over", "M-1", "--to", "青森 花子")
    newcomer("media", "return", "M-1", "--by", "青森 花子")
    newcomer("media", "demo-stick", "stick-2")  # another one first
    newcomer("media", "demo-stick", "stick-1")
    assert (newcomer.stick("stick-1").state.plugged, newcomer.stick("stick-2").state.plugged) == (True, False)
    newcomer("media", "wipe", "M-1", "--yes", as_="kanri")
    assert set(newcomer.stick("stick-1").image.read_bytes()) == {0}
    newcomer("media", "destroy", "M-1", "--how", "破砕", "--by", "甲", "--witness", "乙", as_="kanri")
    assert [one["state"] for one in newcomer("media", "--json").json] == ["destroyed"]
    actors = {entry.verb: entry.actor for entry in AuditLog(newcomer.store / "audit").entries()}
    assert (actors["request submitted"], actors["request approved"]) == ("hana", "kanri")


@pytest.mark.parametrize("name", ["../out", "a/b", "", "-x", ".", "x" * 40, "媒体"])
def test_a_name_that_is_no_name_of_a_file_makes_nothing(run: Run, own: Path, name: str) -> None:
    before = sorted(own.parent.rglob("*"))
    assert run("media", "demo-stick", "--store", own, "--", name).code != 0
    assert sorted(own.parent.rglob("*")) == before


def test_pulling_what_is_not_there(run: Run, own: Path) -> None:
    ran = run("media", "demo-stick", "nothing", "--pull", "--store", own)
    assert (ran.code, "no stick of this name" in ran.err) == (13, True)


def test_a_real_store_has_no_virtual_stick(run: Run, tmp_path: Path) -> None:
    Store.create(tmp_path / "real", slots=4, retention_days=30, demonstration=False).close()
    ran = run("media", "demo-stick", "--store", tmp_path / "real")
    assert (ran.code, "demonstrations alone" in ran.err) == (13, True)
    assert [path.name for path in tmp_path.iterdir()] == ["real"]
    shutil.copytree(tmp_path / "real", tmp_path / "real-sticks")  # a folder of that name makes it none
    assert run("media", "demo-stick", "--store", tmp_path / "real").code == 13


def test_only_who_may_do_everything_in_a_demonstration_says_who_acts() -> None:
    everything = Asker(user="me", roles=frozenset(Role))
    assert played(everything, "hana", demonstration=True).user == "hana"
    assert played(everything, "hana", demonstration=False).user == "me"
    for roles in ({Role.MANAGER}, set(), set(Role) - {Role.TECHNICIAN}):
        assert played(Asker(user="me", roles=frozenset(roles)), "hana", demonstration=True).user == "me"
    for person in ("", "Hana", "keeper\n", "root; x", "x" * 40, "花子"):
        assert played(everything, person, demonstration=True).user == "me"
