"""No private key on the box itself: whoever has root there could take it, and with it open every call.

The box is the machine on which a keeper of the store runs, or on which the store's own device key lies. A client beside
a forwarded socket is somewhere else: the keeper says which boot of which kernel it runs in, and that is another one's.
A guard against a habit, and none against root, who can replace this program.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from tsuwaroku.clock import boot_id
from tsuwaroku.console.session import Session, session
from tsuwaroku.errors import ConfigError, SecretError, TsuwarokuError

if TYPE_CHECKING:
    from tsuwaroku.service.status import Place

# It opens a probe of its own and no call; a key is made on the box, and whether it can be read back is tried there.
_PROBES = frozenset({("keys", "test")})


def refuse_key_here(ctx: typer.Context) -> None:
    """Raises SecretError where the verb would use a private key on the box: unless `service.local_console` says that
    one person has it to herself, or the store is a demonstration."""
    parent = ctx.parent.info_name if ctx.parent is not None else None
    if (parent, ctx.info_name) in _PROBES:
        return
    here, store = session(ctx), ctx.params.get("store")
    socket = _socket(here, store)
    place = None if socket is None else _place(socket)
    if place is not None and place.boot_id == boot_id().hex():
        if not (place.demonstration or place.local_console):
            raise _refused(socket)
    elif _is_boxes(here, store):
        raise _refused(socket)


def _socket(here: Session, store: Path | None) -> Path | None:
    try:
        return here.socket(store)
    except ConfigError:
        return None


def _place(socket: Path) -> Place | None:
    """What the keeper says of itself; None where none answers, or says no such thing."""
    from tsuwaroku.console.client import KeeperClient

    if not socket.exists():
        return None
    try:
        with KeeperClient(socket) as keeper:
            return keeper.place()
    except TsuwarokuError:
        return None


def _is_boxes(here: Session, store: Path | None) -> bool:
    """Whether the verb opens the files of a real store on its own box."""
    from tsuwaroku.store.durable import FileLock
    from tsuwaroku.store.layout import StoreInfo

    try:
        path = here.store_dir(store)
        info = msgspec.json.decode((path / "store.json").read_bytes(), type=StoreInfo)
    except (ConfigError, OSError, msgspec.MsgspecError):
        return False  # nothing is opened there: the verb says so itself
    if info.is_demonstration:
        return False
    config = here.config_if_there()
    if config is not None and config.service.local_console:
        return False
    key = here.device_key() or path / "keys" / "device.key"
    locks = (path / "keeper.lock", path / "recorder.lock")
    return key.exists() or any(FileLock.held(lock) is not None for lock in locks)


def _refused(socket: Path | None) -> SecretError:
    return SecretError(
        "a private key is not used on the box itself",
        where="" if socket is None else str(socket),
        remedy="use it on your own PC: forward the box's socket there (`ssh -L /tmp/tsuwaroku.sock:SOCKET BOX`) and add"
        " --socket /tmp/tsuwaroku.sock; or set service.local_console = true where one person has the box to herself",
    )
