"""What the verbs share: the configuration, the store, the private key, and the call a person means."""

from __future__ import annotations

import getpass
import os
import pwd
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from tsuwaroku.config import Config, load
from tsuwaroku.console.output import progress
from tsuwaroku.console.texts import t
from tsuwaroku.errors import ConfigError, NotFoundError, SecretError, ServiceError
from tsuwaroku.records.call import CallRecord, PublicRecord

if TYPE_CHECKING:
    from tsuwaroku.store.catalogue import CatalogueEntry
    from tsuwaroku.store.keys import PrivateKey
    from tsuwaroku.store.layout import Store
    from tsuwaroku.store.scan import StoredCall

DEFAULT_CONFIG = Path("/etc/tsuwaroku/config.toml")
Record = CallRecord | PublicRecord
_SHEET_MAX = 4096  # octets; a sheet has 69 letters


@dataclass(slots=True)
class Session:
    """The global options. `given`: whether a person named the configuration file (option or environment).
    `socket_path`: of a keeper elsewhere, whose socket was forwarded here."""

    config_path: Path
    given: bool
    socket_path: Path | None = None

    def config(self) -> Config:
        """The configuration. Raises ConfigError."""
        return load(self.config_path)

    def config_if_given(self) -> Config | None:
        """The configuration a person named, for verbs that can do without. Raises ConfigError."""
        return self.config() if self.given else None

    def config_if_there(self) -> Config | None:
        """The configuration named, else the box's own if it has one. Raises ConfigError."""
        return self.config() if self.given or self.config_path.exists() else None

    def store_dir(self, store: Path | None) -> Path:
        """DIR of `--store`, else the configuration's. Raises ConfigError."""
        if store is not None:
            return store
        if not self.given and not self.config_path.exists():
            if self.socket_path is not None:
                raise ConfigError(
                    "this needs the files of the store, and a socket is all that is here",
                    where=str(self.socket_path),
                    remedy="do it on the box itself",
                )
            raise ConfigError(
                "there is no configuration, and no --store names a store",
                where=str(self.config_path),
                remedy="add --store DIR, or name a configuration with --config FILE",
            )
        return Path(self.config().store.path)

    def device_key(self) -> Path | None:
        """Where the device key lies, if the configuration puts it outside the store."""
        config = self.config_if_there()
        return Path(config.store.device_key) if config is not None and config.store.device_key else None

    def socket(self, store: Path | None) -> Path:
        """The keeper's control socket. Raises ConfigError."""
        if self.socket_path is not None:
            return self.socket_path
        if store is None:
            config = self.config_if_there()
            if config is not None and config.service.socket:
                return Path(config.service.socket)
        return self.store_dir(store) / "run" / "keeper.sock"


def session(ctx: typer.Context) -> Session:
    """The session of a verb's context."""
    found = ctx.find_object(Session)
    return found if found is not None else Session(DEFAULT_CONFIG, given=False)


def open_store(ctx: typer.Context, store: Path | None, *, need_device: bool = False, any_box: bool = False) -> Store:
    """Open for reading, with the device key too, or whichever box made it. Raises StoreError and its kin."""
    from tsuwaroku.store.layout import Store

    here = session(ctx)
    path = here.store_dir(store)
    return Store.open(path, device_key_path=here.device_key(), need_device=need_device, any_box=any_box)


def first_line(path: Path) -> str:
    """The first line of a small secret file. Raises SecretError."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SecretError(f"cannot be read ({reason})", where=str(path), remedy="check the file's name") from error


def passphrase_from(file: Path | None, prompt: str | None = None) -> str:
    """A passphrase from a file's first line, else asked for on the terminal. Raises SecretError where there is none."""
    if file is not None:
        return first_line(file)
    if not sys.stdin.isatty():
        raise SecretError(
            "a passphrase is needed and there is no terminal to ask on",
            remedy="put it in a file only you can read and name that with --passphrase-file FILE",
        )
    return getpass.getpass(prompt or t("ask.passphrase"))


def load_key(key: Path | None, passphrase_file: Path | None) -> PrivateKey | None:
    """The private key of `--key`: a key file, or a text file with the recovery key of the sheet.

    Whether it fits the store, the store says. Raises SecretError; on the box itself, too.
    """
    if key is None:
        return None
    from tsuwaroku.store.memory import keep_memory_private

    keep_memory_private()
    _refuse_on_box()
    if not key.is_file():
        raise SecretError("there is no such key file", where=str(key), remedy="name the key file with --key FILE")
    if _is_sheet(key):
        return recovery_from(key)
    return _opened_key(key, passphrase_file)


def _opened_key(key: Path, passphrase_file: Path | None) -> PrivateKey:
    """Wrong passphrases are counted, slowed, and told to the keeper. One that comes from a file is tried first."""
    from nacl.exceptions import CryptoError

    from tsuwaroku.console.slowing import Slowing
    from tsuwaroku.store.keys import PrivateKey, public_side

    slowing = Slowing(public_side(key).id)
    begun = passphrase_file is None

    def asked() -> str:
        if not begun:
            return passphrase_from(passphrase_file)
        if sys.stdin.isatty():
            slowing.wait()
        typed = passphrase_from(None)
        slowing.begin()
        return typed

    try:
        private = PrivateKey.load(key, asked)
    except SecretError as error:
        if isinstance(error.__cause__, CryptoError):  # a passphrase, and not this key's
            slowing.wrong(begun=begun)
            slowing.report(_tell_wrong)
            slowing.slow(begun=begun)
        raise
    slowing.right()
    slowing.report(_tell_wrong)
    return private


def _tell_wrong(key_id: str, words: str) -> None:
    """Raises TsuwarokuError where no keeper answers, or it takes no entry of ours."""
    from tsuwaroku.console.client import KeeperClient
    from tsuwaroku.console.slowing import VERB

    ctx = _context()
    if ctx is None:
        raise ServiceError("the service does not answer")  # no verb is being carried out: nobody says which is meant
    with KeeperClient(session(ctx).socket(ctx.params.get("store"))) as keeper:
        keeper.audit(verb=VERB, subject=key_id, why=words)


def _refuse_on_box() -> None:
    """Raises SecretError where a verb is about to use a private key on the box itself (`onbox`)."""
    from tsuwaroku.console.onbox import refuse_key_here

    ctx = _context()
    if ctx is not None:
        refuse_key_here(ctx)


def _context() -> typer.Context | None:
    """Of the verb that is being carried out."""
    from typer.main import get_current_context  # type: ignore[attr-defined]

    ctx = get_current_context(silent=True)
    return cast(typer.Context | None, ctx)  # typer's own name for its class is another than that of what it passes


def _is_sheet(path: Path) -> bool:
    """Whether a file is nothing but groups of letters and digits; a key file is JSON."""
    try:
        text = path.read_bytes()[:_SHEET_MAX].decode().strip()
    except (OSError, UnicodeDecodeError):
        return False
    return re.fullmatch(r"[\w\s\-ー‐−–—]{40,}", text) is not None


def recovery_from(path: Path) -> PrivateKey:
    """The recovery key in a text file. Raises SecretError."""
    from tsuwaroku.store.keys import PrivateKey

    try:
        return PrivateKey.from_recovery(first_line(path))
    except SecretError as error:
        raise SecretError(error.message, where=error.where or str(path), remedy=error.remedy) from error


def need_key(key: Path | None) -> None:
    """Raises SecretError where a verb cannot do without a key."""
    if key is None:
        raise SecretError("this needs a private key", remedy="add --key FILE (in a demonstration: --key DIR/demo.key)")


def find_record(records: Sequence[Record], text: str) -> Record:
    """The call that `text` names: its number (`12` or `#12`), or the beginning of its id. Raises NotFoundError."""
    wanted = text.removeprefix("#").upper()
    if re.fullmatch(r"[1-9][0-9]{0,8}", wanted):
        hits = [record for record in records if record.sequence == int(wanted)]
    else:
        hits = [record for record in records if wanted and record.id.startswith(wanted)]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise NotFoundError("no call has this number or id", where=text, remedy="`tsuwaroku calls` lists the calls")
    raise NotFoundError(f"{len(hits)} calls begin like this", where=text, remedy="write more of the id")


def stored_call(store: Store, call_id: str, *, quiet: bool = False) -> tuple[StoredCall, CatalogueEntry | None]:
    """The slots of a call and its catalogue entry: by that, else by looking through the ring.

    Raises NotFoundError.
    """
    from tsuwaroku.store.catalogue import Catalogue
    from tsuwaroku.store.scan import scan_slots

    entry = Catalogue.of(store).get(call_id)
    found = scan_slots(store, slots=entry.slots) if entry is not None else []
    hits = [call for call in found if call.id == call_id]
    if not hits:
        with progress(t("progress.scan"), quiet=quiet) as report:
            hits = [call for call in scan_slots(store, progress=report) if call.id == call_id]
    if not hits:
        raise NotFoundError("the ring no longer holds this call", where=call_id, remedy="its sound has expired")
    return hits[0], entry


def person() -> str:
    """Who is at the console: the account that the kernel says runs this; under `sudo`, who called it. What the
    environment says counts for root alone, who may be anybody without it."""
    uid, called = os.getuid(), os.environ.get("SUDO_UID", "")
    if uid == 0 and called.isascii() and called.isdecimal() and len(called) < 11:
        return _account(int(called)) or os.environ.get("SUDO_USER") or f"uid {called}"
    return (uid == 0 and os.environ.get("SUDO_USER")) or _account(uid) or f"uid {uid}"


def _account(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):  # no account, or a number that can be none's
        return None
