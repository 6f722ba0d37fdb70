"""An office with a running keeper, an approved request and a drawer of virtual sticks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.console.support import Ran, Run
from tests.disclosure.papers import FORM
from tests.service.serving import serving
from tsuwaroku.clock import Clock, SystemClock
from tsuwaroku.config import load
from tsuwaroku.disclosure.virtual_drives import StickState, VirtualStick
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.retention import day_of
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.layout import Store

MIB = 1 << 20
SLUG = "2026-001"
PASSPHRASE = "kasu-mito-reno-pago-zaba-doke"


class Office:
    """`run` with the configuration, the store and (where needed) the key; sticks by name; the keeper behind it all."""

    def __init__(self, folder: Path, store: Path, run: Run) -> None:
        self.folder = folder
        self.store = store
        self.sticks = folder / "sticks"
        self.sticks.mkdir()
        self.secret = folder / "medium.txt"
        self.secret.write_text(PASSPHRASE + "\n")
        self.config = folder / "config.toml"
        self.config.write_text(
            f'[media]\nkind = "virtual"\nfolder = "{self.sticks}"\npersonnel_days = 20\n'
            f'[office]\ncity = "青葉市"\n[store]\npath = "{store}"\n[[line]]\nid = "1"\n'
        )
        self._run = run
        self.keeper: Keeper

    def __call__(self, *arguments: object) -> Ran:
        return self._run("--config", self.config, *arguments)

    def key(self) -> tuple[object, ...]:
        return ("--key", self.store / "demo.key")

    def export(self, *more: object, who: str = "head", request: str = SLUG) -> Ran:
        secret = ("--medium-passphrase-file", self.secret)
        return self("export", request, "--for", who, *self.key(), *secret, *more)

    def stick(self, name: str, serial: str | None = None, octets: int = 16 * MIB) -> VirtualStick:
        """A new one, plugged in."""
        state = StickState(serial=serial or f"4C53000123{ord(name[-1]):04}77A", capacity_octets=octets)
        made = VirtualStick(self.sticks, name, state)
        made.plug()
        return made

    def registered(self, name: str, **more: object) -> VirtualStick:
        stick = self.stick(name, **more)  # type: ignore[arg-type]
        ran = self("media", "register", "--label", name, "--device", f"virtual:{name}", "--yes")
        assert ran.code == 0, ran.err
        return stick

    def media(self) -> dict[str, dict[str, object]]:
        return {one["name"]: one for one in self("media", "--json").json}

    def state(self, name: str) -> object:
        return self.media()[name]["state"]

    def calls(self) -> list[str]:
        """Ids of the calls with sound, oldest first."""
        entries = Catalogue(self.store / "catalogue").entries()
        return [one.public.id for one in entries if one.public.outcome == "answered"]

    def ask(self, slug: str = SLUG, calls: list[str] | None = None, *, approve: bool = True) -> None:
        """A request as the verbs of requests leave it."""
        ledger, today = self.keeper.ledger, day_of(SystemClock().now().wall_ns).isoformat()
        named = self.calls()[:1] if calls is None else calls
        words = {"form": msgspec.to_builtins(FORM), "name": "弘前 太郎"}
        ledger.add("handler", ActVerb.REQUEST_SUBMITTED, slug, detail={"calls": named, "on": today}, words=words)
        if approve:
            detail = {"calls": named, "return_by": None, "as": "manager"}
            ledger.add("manager", ActVerb.REQUEST_APPROVED, slug, detail=detail, words={"reason": "可"})

    def verbs(self) -> list[str]:
        return [str(act.verb) for act in self.keeper.ledger.acts]


@contextmanager
def keeping(office: Office, clock: Clock | None = None) -> Iterator[Keeper]:
    """The keeper of the office, serving in a thread."""
    settings = load(office.config)
    store = Store.open(office.store, need_device=True)
    keeper = Keeper(store, settings, clock or SystemClock())
    keeper.start()
    office.keeper = keeper
    try:
        with serving(keeper, office.store, settings):
            yield keeper
    finally:
        keeper.close()
        store.close()
