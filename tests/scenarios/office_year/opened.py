"""An office that opens: its keys, its store with a real ring, its configuration, its drawer of new media."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.scenarios.office_year.box import Box, moved_world
from tests.scenarios.office_year.people import (
    BOX,
    CONNECT,
    HANDLERS,
    KANRI,
    KEEPER,
    MANAGERS,
    TECHNICIANS,
)
from tsuwaroku.clock import JST, NS
from tsuwaroku.console import cli
from tsuwaroku.store.keys import Recipients, make_recovery_key, public_side
from tsuwaroku.store.layout import Store

SLOTS = 96
OPENS = "2026-04-01 08:30"
MANAGERS_OWN = "204"
"""The extension of the manager's own telephone."""


def configured(folder: Path, *, usb: bool) -> str:
    """Four lines, and a fifth for counselling, which is never recorded.

    A real box lets nobody use a key on it but where one person has it to herself. The sticks are in its own port.
    """
    media = 'kind = "usb"' if usb else f'kind = "virtual"\nfolder = "{folder / "sticks"}"'
    lines = "".join(
        f'[[line]]\nid = "{number}"\nextension = "20{number}"\ndepartment = "{department}"\n'
        for number, department in enumerate(("市民課", "税務課", "福祉課", "管財課"), 1)
    )
    return f"""\
station = "本庁舎"
[office]
city = "青葉市"
ordinance = "青葉市通話録音装置の設置及び運用に関する要綱"
contact = "管財課 0312345678"
[media]
{media}
head_days = 30
personnel_days = 20
[store]
path = "{folder / "store"}"
[service]
local_console = {"true" if usb else "false"}
group = "{CONNECT}"
manager_group = "{MANAGERS}"
handler_group = "{HANDLERS}"
technician_group = "{TECHNICIANS}"
[service.extensions]
"{KANRI.user}" = ["{MANAGERS_OWN}"]
{lines}[[line]]
id = "5"
extension = "205"
department = "相談室"
mode = "off"
"""


@contextmanager
def opened(folder: Path, *, usb: bool) -> Iterator[Box]:
    """The box of an office on its first morning, its keeper at work."""
    start = datetime.fromisoformat(OPENS).replace(tzinfo=JST)
    with moved_world(round(start.timestamp()) * NS) as clock:
        folder.chmod(0o711)
        box = Box(folder, clock, configured(folder, usb=usb), usb=usb)
        assert cli.run(make_key(box, "kanri", "--manager", "--name", "管財課長")) == 0
        text, recovery = make_recovery_key()
        (folder / "recovery.txt").write_text(text + "\n")
        recipients = Recipients([public_side(box.key_of(KANRI)), recovery])
        Store.create(box.store, slots=SLOTS, retention_days=30, demonstration=not usb, recipients=recipients).close()
        (box.store / "run").mkdir(exist_ok=True)
        for directory, _, files in os.walk(box.store):
            for name in (".", *files):
                os.chown(Path(directory) / name, KEEPER, KEEPER)
        for path in (box.store, box.store / "run"):
            path.chmod(0o711)
        box.start()
        try:
            yield box
        finally:
            if box.running:
                box.stop()
    assert BOX.uid == KEEPER


def make_key(box: Box, account: str, *more: str) -> list[str]:
    """The command line by which somebody makes a key of her own."""
    out = ["--key-out", str(box.folder / f"{account}.key"), "--passphrase-file", str(box.secret)]
    return ["keys", "make", *out, *(more or ("--name", account))]
