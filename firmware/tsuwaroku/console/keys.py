"""`keys`: make them once, test that they open, show whose they are. The private key leaves the box."""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import UNSET
from msgspec.structs import replace
from rich.panel import Panel

from tsuwaroku.clock import JST
from tsuwaroku.console.options import JsonOption, KeyOption, PassphraseOption, RecoveryOption, StoreOption
from tsuwaroku.console.output import emit_json, progress, screen
from tsuwaroku.console.render import facts, plain_table
from tsuwaroku.console.session import (
    first_line,
    load_key,
    open_store,
    passphrase_from,
    recovery_from,
    session,
)
from tsuwaroku.console.texts import h, t, word
from tsuwaroku.console.translate import explained, translate
from tsuwaroku.errors import RefusedError, SecretError, StoreError

if TYPE_CHECKING:
    from tsuwaroku.store.keys import PrivateKey, Recipient

SHORTEST_PASSPHRASE = 8
KeyOutOption = Annotated[Path, typer.Option("--key-out", metavar="FILE", help=h("opt.key_out"), show_default=False)]
NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help=h("opt.name"))]
app = typer.Typer(help=h("keys"), no_args_is_help=True, rich_markup_mode="rich")


@app.command("init", help=h("keys.init"))
def init(
    ctx: typer.Context,
    key_out: KeyOutOption,
    store: StoreOption = None,
    name: NameOption = "管理責任者",
    passphrase_file: PassphraseOption = None,
    recovery_file: RecoveryOption = None,
) -> None:
    """Make the keys and the store."""
    from tsuwaroku.service.plan import plan, refuse_below_guarantee
    from tsuwaroku.service.setup import create_store
    from tsuwaroku.store.keys import Recipients, make_private_key, make_recovery_key

    config = session(ctx).config()
    store_dir = store if store is not None else Path(config.store.path)
    config = replace(config, store=replace(config.store, path=str(store_dir)))
    refuse_below_guarantee(config, plan(config))
    _refuse_existing(store_dir, key_out, recovery_file)
    passphrase = new_passphrase(passphrase_file)
    if recovery_file is None and not interactive():
        raise SecretError(
            "there is no terminal to show the recovery key on",
            remedy="name a file for it with --recovery-file FILE, print that, and delete it",
        )
    today = datetime.now(JST).date().isoformat()
    console = screen(err=True)
    made: list[Path] = []
    try:
        manager = make_private_key(key_out, passphrase, "manager", name, added=today)
        made.append(key_out)
        text, recovery = make_recovery_key(today)
        if recovery_file is not None:
            write_secret(recovery_file, text)
            made.append(recovery_file)
        _test_restores(key_out, passphrase, manager, recovery, text, recovery_file)
        with progress(t("progress.create")) as report:
            create_store(config, Recipients([manager, recovery]), report)
    except BaseException:
        for path in made:  # there is no store yet that they could open
            with contextlib.suppress(OSError):
                path.unlink()
        raise
    console.print(t("keys.made", store=store_dir), style="bold green")
    console.print(t("keys.leave", key=key_out))
    if recovery_file is not None:
        console.print(t("keys.print_file", file=recovery_file))
    console.print(t("keys.loss"), style="bold yellow")


def _refuse_existing(store_dir: Path, key_out: Path, recovery_file: Path | None) -> None:
    if (store_dir / "store.json").exists():
        raise StoreError("is a store already", where=str(store_dir), remedy="its keys are made once; name another one")
    inside = store_dir.resolve()
    for path in (key_out, recovery_file):
        if path is None:
            continue
        refuse_place(path)
        if inside in path.resolve().parents:
            raise _inside_store(path)


def refuse_place(path: Path) -> None:
    """Raises SecretError, RefusedError where no private key may be written."""
    if os.path.lexists(path):
        raise SecretError("exists already", where=str(path), remedy="keep it, and name another file")
    if any((parent / "store.json").exists() for parent in path.resolve().parents):
        raise _inside_store(path)
    if not path.resolve().parent.is_dir():
        raise SecretError("its directory does not exist", where=str(path), remedy="make it, or name another file")


def _inside_store(path: Path) -> RefusedError:
    return RefusedError(
        "a private key must not lie in the store it opens",
        where=str(path),
        remedy="name a place on another medium, e.g. a USB stick of the manager's",
    )


def interactive() -> bool:
    """Whether a person can be shown something, and type."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def new_passphrase(file: Path | None) -> str:
    """Asked twice, or from a file. Raises SecretError where it is too short or the two differ."""
    if file is not None:
        passphrase = passphrase_from(file)
    else:
        passphrase = passphrase_from(None, t("ask.new_passphrase", n=SHORTEST_PASSPHRASE))
        if passphrase_from(None, t("ask.again")) != passphrase:
            raise SecretError("the two passphrases differ", remedy="start again and type the same one twice")
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise SecretError(
            f"the passphrase has fewer than {SHORTEST_PASSPHRASE} characters",
            where="" if file is None else str(file),
            remedy="choose a longer one, e.g. four words",
        )
    return passphrase


def write_secret(path: Path, text: str) -> None:
    """A file of one line that nobody else may read, and that was not there. Raises SecretError."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(fd)
    except OSError as error:
        raise SecretError(
            f"cannot be written ({error.strerror})", where=str(path), remedy="name another file"
        ) from error


def _test_restores(
    key_out: Path, passphrase: str, manager: Recipient, recovery: Recipient, text: str, recovery_file: Path | None
) -> None:
    """Both keys open something sealed to them, read back from where a person will find them. Raises SecretError."""
    from tsuwaroku.store.keys import PrivateKey

    probe(PrivateKey.load(key_out, lambda: passphrase), [manager], str(key_out))
    try_sheet(recovery, text, recovery_file)


def try_sheet(recovery: Recipient, text: str, recovery_file: Path | None) -> None:
    """The recovery key opens something sealed to it, read back from its file, or typed from what was written down.
    Raises SecretError."""
    from tsuwaroku.store.keys import PrivateKey

    if recovery_file is not None:
        probe(PrivateKey.from_recovery(first_line(recovery_file)), [recovery], str(recovery_file))
        return
    console = screen(err=True)
    typed = ""
    while True:
        if not typed:
            _show_recovery(text)
        typed = typer.prompt(t("ask.recovery_back"), default="", show_default=False, err=True).strip()
        try:
            if typed:
                probe(PrivateKey.from_recovery(typed), [recovery], "")
                return
        except SecretError as error:
            console.print(f"{explained(error)}: {translate(error.remedy)}", style="yellow", markup=False)


def _show_recovery(text: str) -> None:
    """On the terminal's other screen, so that the key is in no scrollback once it has been noted."""
    console = screen(err=True)
    with console.screen(hide_cursor=False):
        console.print(Panel(text, title=t("keys.recovery_title"), title_align="left", expand=False, padding=(1, 3)))
        console.print(t("keys.write_down"))
        typer.prompt(t("ask.noted"), default="", show_default=False, err=True)


def probe(private: PrivateKey, recipients: list[Recipient], where: str) -> Recipient:
    """Seal something to the key's owner and open it with the key. Raises SecretError; returns the owner."""
    from tsuwaroku.store.seal import sealed_box

    owner = next((one for one in recipients if one.id == private.id.hex()), None)
    if owner is None:
        raise SecretError(
            "this key is none of those the store's calls are sealed to",
            where=where,
            remedy="`tsuwaroku keys show` lists them; look for the file or sheet of this store",
        )
    words = os.urandom(32)
    if private.open_sealed(sealed_box(owner, words)) != words:
        raise SecretError("the key does not open what was sealed to it", where=where, remedy="use another copy of it")
    return owner


@app.command("test", help=h("keys.test"))
def try_out(
    ctx: typer.Context,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    recovery_file: RecoveryOption = None,
    recovery: Annotated[
        bool, typer.Option("--recovery", metavar="", help=h("opt.recovery"), show_default=False)
    ] = False,
) -> None:
    """Open a sealed probe with the key file, or with the recovery key."""
    from tsuwaroku.store.keys import PrivateKey

    opened = open_store(ctx, store)
    if sum((key is not None, recovery_file is not None, recovery)) != 1:
        raise typer.BadParameter(t("bad.which_key"), param_hint="--key / --recovery / --recovery-file")
    if key is not None:
        private = load_key(key, passphrase_file)
        assert private is not None
        where = str(key)
    elif recovery_file is not None:
        private, where = recovery_from(recovery_file), str(recovery_file)
    else:
        if not interactive():
            raise SecretError("there is no terminal to ask on", remedy="name a file with --recovery-file FILE")
        private, where = PrivateKey.from_recovery(typer.prompt(t("ask.recovery"), hide_input=True, err=True)), ""
    owner = probe(private, opened.recipients.list, where)
    screen().print(t("keys.opens", role=word("role", owner.role), name=owner.name), style="bold green")


@app.command("show", help=h("keys.show"))
def show(ctx: typer.Context, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Whom calls are sealed to, and the fingerprint of the device's key."""
    from tsuwaroku.store.origin import fingerprint

    opened = open_store(ctx, store)
    if as_json:
        keys = {"fingerprint": fingerprint(opened), "recipients": opened.recipients.list}
        emit_json({"store_id": opened.info.store_id, "demonstration": opened.info.is_demonstration, **keys})
        return
    console = screen()
    heads = [*(t(f"col.{name}") for name in ("role", "name", "added")), t("staff.col.lines"), t("col.key_id")]
    table = plain_table(*heads, fold=(t("col.name"),))
    for one in opened.recipients.list:
        lines = t("staff.all_lines") if one.lines is UNSET else ", ".join(one.lines)
        table.add_row(word("role", one.role), one.name, one.added or "–", lines, one.id)
    console.print(table)
    console.print(facts([(t("keys.device"), fingerprint(opened))]))
    console.print(t("keys.fingerprint"), style="dim")
    if opened.info.is_demonstration:
        console.print(t("keys.demonstration"), style="yellow")
