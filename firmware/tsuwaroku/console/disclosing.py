"""`disclose`: somebody outside hears a call, or gets a copy (Article 10): opened, decided, carried out, listed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tsuwaroku.console.options import JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.render import facts, plain_table
from tsuwaroku.console.session import find_record, load_key, session
from tsuwaroku.console.texts import h, t, word

if TYPE_CHECKING:
    from tsuwaroku.console.papers import PapersClient
    from tsuwaroku.service.disclosing import Seen

ULID_LETTERS = 26
SlugArgument = Annotated[str, typer.Argument(metavar="NUMBER", help=h("arg.disclosure"), show_default=False)]
OnOption = Annotated[str, typer.Option("--on", metavar="DAY", help=h("opt.done_on"), show_default=False)]

app = typer.Typer(help=h("disclose"), no_args_is_help=True)


@app.command("new", help=h("disclose.new"))
def new(
    ctx: typer.Context,
    case: Annotated[str, typer.Option("--case", metavar="CASE", help=h("opt.case"), show_default=False)],
    call: Annotated[list[str], typer.Option("--call", metavar="ID", help=h("opt.calls"), show_default=False)],
    recipient: Annotated[str, typer.Option("--recipient", metavar="TEXT", help=h("opt.recipient"), show_default=False)],
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="TEXT", help=h("opt.disclose_purpose"), show_default=False)
    ],
    basis: Annotated[str, typer.Option("--basis", metavar="TEXT", help=h("opt.basis"), show_default=False)] = "",
    reference: Annotated[
        str, typer.Option("--reference", metavar="TEXT", help=h("opt.reference"), show_default=False)
    ] = "",
    way: Annotated[str, typer.Option("--way", metavar="WAY", help=h("opt.way"))] = "inspection",
    copy_basis: Annotated[
        str, typer.Option("--copy-basis", metavar="TEXT", help=h("opt.copy_basis"), show_default=False)
    ] = "",
    approve_by: Annotated[
        str, typer.Option("--approve-by", metavar="DAY", help=h("opt.approve_by"), show_default=False)
    ] = "",
    on: Annotated[str, typer.Option("--on", metavar="DAY", help=h("opt.emergency_on"), show_default=False)] = "",
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help=h("opt.my_name"), show_default=False)] = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a disclosure."""
    from tsuwaroku.service.disclosing import OpenRequest

    asked = OpenRequest(
        case=case,
        calls=tuple(_calls(ctx, store, call)),
        recipient=recipient,
        purpose=purpose,
        basis=basis,
        reference=reference,
        way=way,
        copy_basis=copy_basis,
        approve_by=approve_by,
        on=on,
        name=name,
    )
    with _client(ctx, store) as keeper:
        seen = keeper.open_disclosure(asked)
    if as_json:
        emit_json(seen)
        return
    console = screen()
    console.print(t("disclose.opened", slug=seen.disclosure.slug), style="bold", soft_wrap=True)
    if seen.kept_to is not None:
        console.print(t("disclose.kept_to", day=seen.kept_to), soft_wrap=True)
    if seen.disclosure.approve_by is not None:
        console.print(t("disclose.approve_by", day=seen.disclosure.approve_by), style="yellow", soft_wrap=True)


@app.command("decide", help=h("disclose.decide"))
def decide(
    ctx: typer.Context,
    slug: SlugArgument,
    approve: Annotated[bool, typer.Option("--approve/--refuse", help=h("opt.approve"), show_default=False)],
    decided_by: Annotated[
        str, typer.Option("--decided-by", metavar="TEXT", help=h("opt.decided_by"), show_default=False)
    ],
    decision: Annotated[
        str, typer.Option("--decision", metavar="TEXT", help=h("opt.decision"), show_default=False)
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help=h("opt.refuse_reason"), show_default=False)
    ] = "",
    on: OnOption = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve or refuse one."""
    from tsuwaroku.service.disclosing import DecideRequest

    asked = DecideRequest(approved=approve, decided_by=decided_by, decision=decision, reason=reason, on=on)
    with _client(ctx, store) as keeper:
        seen = keeper.decide_disclosure(slug, asked)
    if as_json:
        emit_json(seen)
        return
    screen().print(t("disclose.approved" if approve else "disclose.refused", slug=slug), soft_wrap=True)


@app.command("done", help=h("disclose.done"))
def done(
    ctx: typer.Context,
    slug: SlugArgument,
    to: Annotated[str, typer.Option("--to", metavar="TEXT", help=h("opt.disclose_to"), show_default=False)],
    way: Annotated[str, typer.Option("--way", metavar="WAY", help=h("opt.way_done"))] = "inspection",
    medium: Annotated[
        str, typer.Option("--medium", metavar="TEXT", help=h("opt.disclose_medium"), show_default=False)
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help=h("opt.my_name"), show_default=False)] = "",
    on: OnOption = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that it was carried out."""
    from tsuwaroku.service.disclosing import DoneRequest

    with _client(ctx, store) as keeper:
        asked = DoneRequest(to=to, way=way, medium=medium, name=name, on=on)
        seen = keeper.carry_out_disclosure(slug, asked)
    if as_json:
        emit_json(seen)
        return
    screen().print(t("disclose.done", slug=slug), soft_wrap=True)
    if seen.disclosure.stage == "opened":
        screen().print(t("disclose.approve_by", day=seen.disclosure.approve_by), style="yellow", soft_wrap=True)


@app.command("list", help=h("disclose.list"))
def list_all(
    ctx: typer.Context,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """All of them; to whom, for a holder of the key."""
    from tsuwaroku.records.disclosures import disclosures
    from tsuwaroku.store.acts import acts

    private = load_key(key, passphrase_file)
    with _client(ctx, store) as keeper:
        seen = keeper.disclosures()
        entries = [] if private is None else keeper.acts()
    words = {one.slug: one.words for one in disclosures(acts(entries, private))}
    if as_json:
        emit_json([{"seen": one, "words": words.get(one.disclosure.slug)} for one in seen])
        return
    console = screen()
    if not seen:
        console.print(t("disclose.none"))
        return
    _show(console, seen, words)


def _show(console: Console, seen: list[Seen], words: Mapping[str, Mapping[str, str] | None]) -> None:
    names = ("slug", "on", "case", "way", "calls", "stage", "done")
    heads = {name: t(f"disclose.col.{name}") for name in names}
    table = plain_table(*heads.values(), fold=[heads[name] for name in ("case", "way", "stage")])
    for each in seen:
        one = each.disclosure
        stage = word("disclosure_stage", one.stage) + (t("disclose.overdue") if each.overdue else "")
        table.add_row(
            one.slug,
            str(one.on),
            word("disclosure_case", one.case),
            word("disclosure_way", one.way),
            str(len(one.calls)),
            stage,
            "–" if one.done_on is None else str(one.done_on),
        )
    console.print(table)
    for each in seen:
        said = words.get(each.disclosure.slug)
        if said is not None:
            console.print(each.disclosure.slug, style="bold")
            console.print(facts([(t(f"disclose.word.{name}"), text) for name, text in said.items()]))


def _calls(ctx: typer.Context, store: Path | None, named: list[str]) -> list[str]:
    """Ids; a number, or the beginning of an id, is looked up in the store."""
    if all(len(one) == ULID_LETTERS for one in named):
        return [one.upper() for one in named]
    from tsuwaroku.console.source import source

    records = source(ctx, store).records(None)
    return [find_record(records, one).id for one in named]


def _client(ctx: typer.Context, store: Path | None) -> PapersClient:
    from tsuwaroku.console.papers import PapersClient

    return PapersClient(session(ctx).socket(store))
