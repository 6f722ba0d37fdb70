"""`appoint`, `dismiss`, `staff`: who is 管理取扱者, and what each role may do (Article 4)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsuwaroku.console.options import JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.render import plain_table
from tsuwaroku.console.session import load_key, session
from tsuwaroku.console.texts import h, t, word

if TYPE_CHECKING:
    from tsuwaroku.records.appointments import Appointment

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=h("arg.name"), show_default=False)]
UserOption = Annotated[str, typer.Option("--user", metavar="ACCOUNT", help=h("opt.user"), show_default=False)]
KeyFileOption = Annotated[
    Path | None, typer.Option("--key-file", metavar="FILE", help=h("opt.key_file"), show_default=False)
]
LinesOption = Annotated[str, typer.Option("--lines", metavar="1,2", help=h("opt.lines"), show_default=False)]
FromOption = Annotated[str, typer.Option("--from", metavar="DAY", help=h("opt.from_day"), show_default=False)]
UntilOption = Annotated[str, typer.Option("--until", metavar="DAY", help=h("opt.until_day"), show_default=False)]
DeputyOption = Annotated[bool, typer.Option("--deputy", metavar="", help=h("opt.deputy"), show_default=False)]
TitleOption = Annotated[str, typer.Option("--title", metavar="TEXT", help=h("opt.title"), show_default=False)]
NumberOption = Annotated[int | None, typer.Option("--number", metavar="N", help=h("opt.number"), show_default=False)]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help=h("opt.dismiss_reason"), show_default=False)
]
sub = typer.Typer(help=h("staff"), no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("appoint", help=h("appoint"))(appoint)
    app.command("dismiss", help=h("dismiss"))(dismiss)
    app.add_typer(sub, name="staff")


def appoint(
    ctx: typer.Context,
    name: NameArgument,
    user: UserOption,
    key_file: KeyFileOption = None,
    lines: LinesOption = "",
    first: FromOption = "",
    until: UntilOption = "",
    title: TitleOption = "",
    deputy: DeputyOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Appoint a handler or a deputy."""
    from tsuwaroku.console.staffclient import StaffClient
    from tsuwaroku.service.staffing import AppointRequest
    from tsuwaroku.store.keys import public_side

    public = "" if key_file is None else public_side(key_file).public_key
    asked = AppointRequest(
        user=user,
        name=name,
        title=title,
        public_key=public,
        lines=[line.strip() for line in lines.split(",") if line.strip()],
        begin=first,
        end=until,
    )
    with StaffClient(session(ctx).socket(store)) as keeper:
        done = keeper.appoint(asked, deputy=deputy)
    if as_json:
        emit_json(done)
        return
    screen().print(t("staff.appointed" if public else "staff.appointed_no_key", user=user), soft_wrap=True)


def dismiss(
    ctx: typer.Context,
    user: UserOption,
    reason: ReasonOption,
    number: NumberOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Dismiss an account from one appointment, or from all."""
    from tsuwaroku.console.staffclient import StaffClient
    from tsuwaroku.service.staffing import DismissRequest

    with StaffClient(session(ctx).socket(store)) as keeper:
        done = keeper.dismiss(DismissRequest(user, reason, number))
    if as_json:
        emit_json(done)
        return
    screen().print(t("staff.dismissed", user=user), soft_wrap=True)


@sub.command("list", help=h("staff.list"))
def listed(
    ctx: typer.Context,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who is and was appointed; with a key, with their names."""
    from tsuwaroku.console.staffclient import StaffClient
    from tsuwaroku.records.appointments import appointments
    from tsuwaroku.store.acts import acts

    private = load_key(key, passphrase_file)
    with StaffClient(session(ctx).socket(store)) as keeper:
        seen = keeper.staff()
    found = appointments(acts(seen.entries, private))
    if as_json:
        emit_json(found)
        return
    console = screen()
    if not found:
        console.print(t("staff.none"))
        return
    heads = [t(f"staff.col.{name}") for name in ("user", "post", "name", "lines", "from", "until", "state")]
    table = plain_table(*heads)
    for one in found:
        table.add_row(
            one.user,
            word("post", one.post),
            one.name if one.name is not None else t("staff.erased" if one.erased else "staff.sealed"),
            ", ".join(one.lines) or t("staff.all_lines"),
            one.begin.isoformat(),
            one.end.isoformat() if one.end is not None else t("staff.open_end"),
            word("appointment", _state(one, date.fromisoformat(seen.today))),
        )
    console.print(table)


@sub.command("rights", help=h("staff.rights"))
def rights(as_json: JsonOption = False) -> None:
    """The table of rights, verb by role."""
    from tsuwaroku.records.roles import RIGHTS, Role

    if as_json:
        emit_json({verb.value: sorted(role.value for role in roles) for verb, roles in RIGHTS.items()})
        return
    table = plain_table(t("staff.col.verb"), *(word("box_role", role) for role in Role))
    for verb, roles in RIGHTS.items():
        table.add_row(word("verb", verb), *("○" if role in roles else "–" for role in Role))
    screen().print(table)


def _state(one: Appointment, today: date) -> str:
    if one.dismissed is not None:
        return "dismissed"
    if one.active(today):
        return "active"
    return "coming" if today < one.begin else "ended"
