"""`export`: a copy of an approved request onto a registered medium (Article 9(2)); and `request recopy` (9(3)).

The keeper is asked first and writes down that a copy was begun; it is told that the copy was made only after the medium
was mounted again and read through. The calls are opened here, with the key of who exports, and go onto the medium
encrypted; nothing of them is ever on a disk of the box in the clear. This process is not the recorder's nor the
keeper's: a medium that hangs keeps neither waiting.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.panel import Panel

from tsuwaroku.clock import SystemClock
from tsuwaroku.config import OfficeConfig
from tsuwaroku.console.lines import known_office
from tsuwaroku.console.media import DeviceOption
from tsuwaroku.console.options import KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import progress, screen
from tsuwaroku.console.readings import Readings
from tsuwaroku.console.session import first_line, load_key, need_key
from tsuwaroku.console.source import source
from tsuwaroku.console.texts import h, t, word
from tsuwaroku.errors import SecretError, ServiceError, TsuwarokuError
from tsuwaroku.records.requests import CopyFor
from tsuwaroku.records.retention import day_of

if TYPE_CHECKING:
    from tsuwaroku.disclosure.drive import Drive, Drives
    from tsuwaroku.disclosure.exporting import Exported
    from tsuwaroku.disclosure.identity import Recognition
    from tsuwaroku.disclosure.package import CallMaterial, Package
    from tsuwaroku.disclosure.seal import Origin
    from tsuwaroku.records.request import RequestForm
    from tsuwaroku.service.copying import Begun
    from tsuwaroku.service.requesting import RequestSeen
    from tsuwaroku.store.keys import PrivateKey

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help=h("arg.request"), show_default=False)]
ForOption = Annotated[CopyFor, typer.Option("--for", help=h("opt.for"), show_default=False)]

request_app = typer.Typer(help=h("request"), no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("export", help=h("export"))(export)


def export(
    ctx: typer.Context,
    request: RequestArgument,
    recipient: ForOption,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    wav: Annotated[bool, typer.Option("--wav", metavar="", help=h("opt.wav"), show_default=False)] = False,
    medium: Annotated[
        str | None, typer.Option("--medium", metavar="NAME", help=h("opt.medium"), show_default=False)
    ] = None,
    device: DeviceOption = None,
    medium_passphrase: Annotated[
        Path | None,
        typer.Option("--medium-passphrase-file", metavar="FILE", help=h("opt.medium_passphrase"), show_default=False),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Copy the calls of an approved request onto a medium."""
    from tsuwaroku.console.custody_client import box_of, custody, drives_here, recognised
    from tsuwaroku.console.requesting import number_of
    from tsuwaroku.disclosure.seal import Origin
    from tsuwaroku.service.copying import BeginRequest, MadeRequest

    need_key(key)
    number = number_of(request, day_of(SystemClock().now().wall_ns))
    where, opened = source(ctx, store), box_of(ctx, store)
    private = load_key(key, passphrase_file)
    assert private is not None
    office = known_office(ctx, store)
    with custody(ctx, store, opened) as keeper, Readings(where, private, f"copy {number.slug}") as readings:
        known = keeper.identities()  # whoever may not export is told so before anything is looked at
        drives = drives_here(ctx, opened, keeper)
        drive, registered, found = recognised(drives, device, medium, known)
        name = "" if registered is None else registered.name
        passphrase = _passphrase(medium_passphrase, name)
        begun = keeper.begin(BeginRequest(request=number.slug, recipient=recipient, medium=name))
        try:
            with progress(t("progress.package")):
                request_form = _form(keeper.request(begun.request), private)
                made = _package(
                    materials(readings, begun.calls),
                    *request_form,
                    begun,
                    office,
                    passphrase,
                    Origin(begun.device_key, lambda _, statement: keeper.sign(begun.of, statement)),
                    with_wav=wav,
                )
            exported = _write(drives, drive, found, begun, made)
        except BaseException as error:
            with suppress(TsuwarokuError):  # it does not count either way: `copy made` alone makes it count
                keeper.failed(begun.of, type(error).__name__)
            screen(err=True).print(t("export.nothing_counts", request=number, name=name), style="bold", soft_wrap=True)
            raise
        try:
            keeper.made(MadeRequest(of=begun.of, octets=exported.octets, payload=made.payload))
        except ServiceError as error:
            raise ServiceError(
                f"the copy is on the medium, and the service did not say that it counts: {error.message}",
                where=error.where,
                remedy=f"keep the medium {name} locked away; `tsuwaroku media` says whether the copy counts, and if it"
                " does not, export anew",
            ) from error
    console = screen()
    who = word("recipient", recipient)
    console.print(t("export.done", request=number, name=name, recipient=who, due=begun.due_on), style="bold green")
    console.print(t("export.then", name=name), soft_wrap=True)


@request_app.command("recopy", help=h("request.recopy"))
def recopy(
    ctx: typer.Context,
    request: RequestArgument,
    recipient: ForOption,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help=h("opt.recopy_reason"), show_default=False)],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help=h("opt.approved_by"))] = "",
    store: StoreOption = None,
) -> None:
    """Approve one copy more."""
    from tsuwaroku.console.custody_client import box_of, custody
    from tsuwaroku.console.requesting import number_of
    from tsuwaroku.service.copying import RecopyRequest

    number = number_of(request, day_of(SystemClock().now().wall_ns))
    asked = RecopyRequest(request=number.slug, recipient=recipient, reason=reason, name=by)
    with custody(ctx, store, box_of(ctx, store)) as keeper:
        keeper.act("/v1/recopies", asked)
    screen().print(t("export.recopy", request=number, recipient=word("recipient", recipient)), soft_wrap=True)


# -- the passphrase


def _passphrase(file: Path | None, name: str) -> str:
    """Of the file, else a new one that is shown once, or another one typed instead. It is kept nowhere.

    Raises SecretError where there is no terminal to show it on, or the one given is weak.
    """
    from tsuwaroku.disclosure.passphrase import accept, generate

    if file is not None:
        return accept(first_line(file))
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SecretError(
            "there is no terminal to show the medium's passphrase on",
            remedy="name a file that has it in its first line with --medium-passphrase-file FILE",
        )
    made = generate()
    console = screen(err=True)
    with console.screen(hide_cursor=False):  # so that it is in no scrollback once it has been noted
        console.print(Panel(made, title=t("export.passphrase", name=name), expand=False, padding=(1, 3)))
        console.print(t("export.passphrase_note"))
        typed: str = typer.prompt(t("export.noted"), default="", show_default=False, err=True).strip()
    return accept(typed) if typed else made


# -- the package


def _form(seen: RequestSeen, private: PrivateKey) -> tuple[RequestForm, date]:
    """The form of the request, and the day it was submitted. Raises SecretError where the key does not open it."""
    import msgspec

    from tsuwaroku.records.request import RequestForm
    from tsuwaroku.records.requests import requests
    from tsuwaroku.store.acts import acts

    found = next(iter(requests(acts(seen.entries, private))), None)
    if found is None or found.form is None:
        raise SecretError(
            "this key does not open the request",
            where=seen.request.slug,
            remedy="use the manager's key, or the recovery key",
        )
    return msgspec.convert(found.form, RequestForm), found.on


def materials(readings: Readings, calls: list[str]) -> list[CallMaterial]:
    """Calls as a copy takes them. Raises RefusedError for one whose days are over, SecretError where the key does not
    open it, NotFoundError, DamageError."""
    from tsuwaroku.disclosure.package import CallMaterial
    from tsuwaroku.disclosure.seal import CallSeal, SealedExtent

    made = []
    for call_id in calls:
        reader = readings.of(call_id)
        record, stored = reader.record(), reader.stored
        extents = tuple(SealedExtent(*commit) for commit in reader.last_commits())
        seal = CallSeal(reader.store_id, stored.call_id, stored.sequence, extents, reader.card_key())
        pcm = partial(readings.pieces, call_id) if record.audio.samples else None
        made.append(CallMaterial(record, pcm, seal if extents else None, reader.starts_at_s(record)))
    return made


def _package(
    calls: list[CallMaterial],
    form: RequestForm,
    submitted_on: date,
    begun: Begun,
    office: OfficeConfig,
    passphrase: str,
    origin: Origin,
    *,
    with_wav: bool,
) -> Package:
    """Raises as `build_package` does."""
    from tsuwaroku.disclosure.form import post_of, request_pdf
    from tsuwaroku.disclosure.package import CopyFacts, build_package
    from tsuwaroku.records.era import parse_number
    from tsuwaroku.records.request import Reason
    from tsuwaroku.records.request_file import REASON_LABELS

    now = SystemClock().now()
    number = parse_number(begun.request)
    purposes = [form.purpose if reason == Reason.OTHER else REASON_LABELS.get(reason, "") for reason in form.reasons]
    facts = CopyFacts(
        city=office.city,
        request_number=str(number),
        recipient=office.personnel if begun.recipient is CopyFor.PERSONNEL else post_of(form.department),
        medium_label=begun.medium.name,
        contact=office.contact or office.manager,
        made_at_ns=now.wall_ns,
        due_on=begun.due_on,
        purpose="、".join(purpose for purpose in purposes if purpose),
    )
    pdf = request_pdf(form, office, made_on=day_of(now.wall_ns), number=number, received_on=submitted_on)
    return build_package(calls, pdf, facts, passphrase, origin, with_wav=with_wav)


def _write(drives: Drives, drive: Drive, found: Recognition | None, begun: Begun, made: Package) -> Exported:
    """Raises RefusedError, MediumError, StoreError; then nothing counts."""
    from tsuwaroku.disclosure.exporting import export_onto
    from tsuwaroku.disclosure.identity import Match
    from tsuwaroku.disclosure.registering import filesystem_of, prepare

    if found is not None and found.match is not Match.SAME:
        # Formatted since, or spoilt by an attempt that was cut off: the ledger has no copy on it that counts.
        prepare(drives, drive, begun.medium, begun.secret, filesystem=filesystem_of(drive))
        drive = drives.find().at(drive.device)
    with progress(t("progress.export")) as report:
        return export_onto(
            drives,
            drive,
            f"通話記録_{begun.request}",
            made.files,
            registered=begun.medium,
            secret=begun.secret,
            replace=True,  # the keeper began it: no copy on this medium counts
            progress=report,
        )
