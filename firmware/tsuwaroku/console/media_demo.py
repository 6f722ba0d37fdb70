"""`media demo-stick`: media without hardware, for a demonstration. One port: who plugs one in takes the other out."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsuwaroku.console.options import StoreOption
from tsuwaroku.console.output import screen
from tsuwaroku.console.session import open_store, session
from tsuwaroku.console.texts import h, t
from tsuwaroku.errors import RefusedError

if TYPE_CHECKING:
    from tsuwaroku.disclosure.virtual_drives import VirtualStick

OCTETS = 32 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")  # it is the name of a file
StickArgument = Annotated[str, typer.Argument(metavar="NAME", help=h("arg.stick"), show_default=True)]
PullOption = Annotated[bool, typer.Option("--pull", metavar="", help=h("opt.pull"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verb to `media`."""
    app.command("demo-stick", help=h("media.demo-stick"))(demo_stick)


def demo_stick(
    ctx: typer.Context, name: StickArgument = "stick-1", pull: PullOption = False, store: StoreOption = None
) -> None:
    """Make a virtual stick where there is none of that name, and plug it in; or pull it out."""
    from tsuwaroku.console.custody_client import sticks_of

    if not _NAME.fullmatch(name):
        raise RefusedError("is no name of a stick", where=name[:40], remedy="use letters, digits and hyphens")
    folder = sticks_of(session(ctx).config_if_there(), open_store(ctx, store))
    stick = _stick(folder, name, make=not pull)
    if pull:
        stick.pull()
        screen().print(t("demo_stick.pulled", name=name), soft_wrap=True)
        return
    for other in sorted(folder.glob("*.json")):
        if other.stem != name and (one := _stick(folder, other.stem, make=False)).state.plugged:
            one.pull()
    if not stick.state.plugged:
        stick.plug()
    screen().print(t("demo_stick.plugged", name=name, image=stick.image), soft_wrap=True)


def _stick(folder: Path, name: str, *, make: bool) -> VirtualStick:
    from tsuwaroku.disclosure.virtual_drives import StickState, VirtualStick

    if (folder / f"{name}.json").exists():
        return VirtualStick(folder, name)
    if not make:
        raise RefusedError(
            "there is no stick of this name", where=name, remedy="`tsuwaroku media demo-stick NAME` makes one"
        )
    serial = hashlib.sha256(name.encode()).hexdigest()[:16].upper()
    return VirtualStick(folder, name, StickState(serial=serial, capacity_octets=OCTETS))
