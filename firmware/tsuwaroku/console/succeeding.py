"""`keys make`, `keys succeed`, `keys rewrap`: new keys, and what was recorded before opened to them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from tsuwaroku.clock import JST
from tsuwaroku.console.keys import (
    KeyOutOption,
    NameOption,
    interactive,
    new_passphrase,
    refuse_place,
    try_sheet,
    write_secret,
)
from tsuwaroku.console.options import PassphraseOption, RecoveryOption, StoreOption
from tsuwaroku.console.output import progress, screen
from tsuwaroku.console.session import load_key, recovery_from, session
from tsuwaroku.console.texts import h, t
from tsuwaroku.errors import NotFoundError, RefusedError, SecretError

if TYPE_CHECKING:
    from tsuwaroku.console.staffclient import StaffClient
    from tsuwaroku.store.keys import PrivateKey, Recipient

OpenWithOption = Annotated[Path, typer.Option("--key", metavar="FILE", help=h("opt.open_with"), show_default=False)]
NewKeyOption = Annotated[Path, typer.Option("--new-key", metavar="FILE", help=h("opt.new_key"), show_default=False)]
DecreeOption = Annotated[str, typer.Option("--decree", metavar="TEXT", help=h("opt.decree"), show_default=False)]
PersonOption = Annotated[str, typer.Option("--name", metavar="NAME", help=h("opt.person_name"), show_default=False)]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help=h("opt.new_sheet"), show_default=False)]
ForOption = Annotated[str, typer.Option("--for", metavar="ACCOUNT", help=h("opt.for_user"), show_default=False)]
AgainOption = Annotated[bool, typer.Option("--again", metavar="", help=h("opt.again"), show_default=False)]
ManagerOption = Annotated[bool, typer.Option("--manager", metavar="", help=h("opt.manager_key"), show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs to `keys`."""
    app.command("make", help=h("keys.make"))(make)
    app.command("succeed", help=h("keys.succeed"))(succeed)
    app.command("recovery", help=h("keys.recovery"))(recovery)
    app.command("rewrap", help=h("keys.rewrap"))(rewrap)


def make(
    key_out: KeyOutOption,
    name: NameOption,
    manager: ManagerOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """A key file and its public side."""
    from tsuwaroku.store.durable import replace_file
    from tsuwaroku.store.keys import make_private_key

    public = key_out.with_name(key_out.name + ".pub")
    refuse_place(key_out)
    refuse_place(public)
    today = datetime.now(JST).date().isoformat()
    made = make_private_key(
        key_out, new_passphrase(passphrase_file), "manager" if manager else "handler", name, added=today
    )
    replace_file(public, msgspec.json.format(msgspec.json.encode(made), indent=2), 0o644)
    screen().print(t("staff.key_made", key=key_out, pub=public), soft_wrap=True)


def succeed(
    ctx: typer.Context,
    new_key: NewKeyOption,
    key: OpenWithOption,
    name: PersonOption,
    decree: DecreeOption,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    again: AgainOption = False,
) -> None:
    """The new manager's key in the place of the predecessor's, then what was before."""
    from tsuwaroku.console.staffclient import StaffClient
    from tsuwaroku.service.staffing import SucceedRequest
    from tsuwaroku.store.keys import public_side

    new = public_side(new_key)
    private = load_key(key, passphrase_file)
    assert private is not None
    with StaffClient(session(ctx).socket(store)) as keeper:
        done = keeper.succeed(SucceedRequest(new.public_key, name, decree))
        screen().print(t("succeed.done") if done.numbers else t("succeed.already"), style="bold", soft_wrap=True)
        _carry_over(keeper, private, new.id, words=True, again=again)


def recovery(
    ctx: typer.Context,
    key: OpenWithOption,
    reason: ReasonOption,
    recovery_file: RecoveryOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    again: AgainOption = False,
) -> None:
    """A new recovery key in the place of the old one, then what was before."""
    from tsuwaroku.console.staffclient import StaffClient
    from tsuwaroku.service.staffing import RecoveryRequest

    private = load_key(key, passphrase_file)
    assert private is not None
    with StaffClient(session(ctx).socket(store)) as keeper:
        keeper.staff()  # it answers: then a sheet is made, and not before
        made = recovery_file is not None and not recovery_file.exists()
        new = _new_sheet(recovery_file)
        try:
            done = keeper.replace_recovery(RecoveryRequest(new.public_key, reason))
        except RefusedError:
            if made and recovery_file is not None:
                recovery_file.unlink()  # of a key that nothing is sealed to
            raise
        screen().print(t("recovery.done") if done.numbers else t("recovery.already"), style="bold", soft_wrap=True)
        _carry_over(keeper, private, new.id, words=True, again=again)
    screen().print(t("recovery.old"), soft_wrap=True)


def _new_sheet(file: Path | None) -> Recipient:
    """The public side of a new recovery key that was read back; of the one in a file that is there already, for whoever
    was cut off. Raises SecretError."""
    from tsuwaroku.store.keys import Recipient, key_id, make_recovery_key

    today = datetime.now(JST).date().isoformat()
    if file is not None and file.exists():
        public = recovery_from(file).public
        return Recipient(id=key_id(public).hex(), role="recovery", name="recovery", public_key=public.hex())
    if file is None and not interactive():
        raise SecretError(
            "there is no terminal to show the recovery key on",
            remedy="name a file for it with --recovery-file FILE, print that, and delete it",
        )
    text, new = make_recovery_key(today)
    if file is not None:
        refuse_place(file)
        write_secret(file, text)
    try_sheet(new, text, file)
    return new


def rewrap(
    ctx: typer.Context,
    user: ForOption,
    key: OpenWithOption,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    again: AgainOption = False,
) -> None:
    """A handler's earlier calls: of the lines she is appointed for."""
    from tsuwaroku.console.staffclient import StaffClient
    from tsuwaroku.records.appointments import appointments
    from tsuwaroku.store.acts import acts

    private = load_key(key, passphrase_file)
    assert private is not None
    with StaffClient(session(ctx).socket(store)) as keeper:
        seen = keeper.staff()
        today = datetime.fromisoformat(seen.today).date()
        found = [one for one in appointments(acts(seen.entries)) if one.user == user and one.active(today) and one.key]
        if not found:
            raise NotFoundError(
                "nobody of this account has a key that calls are sealed to now",
                where=user,
                remedy="appoint first; `tsuwaroku staff list` shows who is",
            )
        for own in dict.fromkeys(one.key for one in found):
            _carry_over(keeper, private, own, words=False, again=again)


def _carry_over(keeper: StaffClient, private: PrivateKey, key: str, *, words: bool, again: bool) -> None:
    from tsuwaroku.console.rewrap import reseal_log, reseal_words, rewrap_calls

    with progress(t("rewrap.progress")) as report:
        calls = rewrap_calls(keeper, private, key, report, again=again)
    console = screen()
    console.print(t("rewrap.calls", n=calls.done), soft_wrap=True)
    if calls.left:
        console.print(t("rewrap.closed", n=calls.left), style="yellow", soft_wrap=True)
    if calls.sent and not again:
        console.print(t("rewrap.sent", n=calls.sent), soft_wrap=True)
    if words:
        said = reseal_words(keeper, private, key)
        with progress(t("rewrap.log")) as report:
            why = reseal_log(keeper, private, key, report)
        console.print(t("rewrap.words", n=said.done + why.done), soft_wrap=True)
        if said.left + why.left:
            console.print(t("rewrap.words_left", n=said.left + why.left), style="yellow", soft_wrap=True)
