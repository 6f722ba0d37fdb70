"""`media`: the life of a medium for copies (Article 9(2) to (5)), from its registration to its destruction."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsuwaroku.console import media_demo
from tsuwaroku.console.holding import YesOption, confirmed
from tsuwaroku.console.media_shown import acts_of, sheet_pdf, show_list, size_text
from tsuwaroku.console.options import JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import progress, screen
from tsuwaroku.console.session import load_key, need_key
from tsuwaroku.console.texts import h, t
from tsuwaroku.errors import RefusedError

if TYPE_CHECKING:
    from tsuwaroku.records.media import How

NameArgument = Annotated[str, typer.Argument(metavar="MEDIUM", help=h("arg.medium"), show_default=False)]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="DEVICE", help=h("opt.device"), show_default=False)
]
OnOption = Annotated[str | None, typer.Option("--on", metavar="DAY", help=h("opt.on"), show_default=False)]

app = typer.Typer(help=h("media"), invoke_without_command=True)


media_demo.register(app)


class Formatted(enum.StrEnum):
    """What a new medium is formatted with, as people call it."""

    EXFAT = "exfat"
    FAT32 = "fat32"


@app.callback()
def media(
    ctx: typer.Context,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Without a sub-verb, `list`; its options stand before or behind that."""
    if ctx.invoked_subcommand is None:
        show_list(ctx, store, key, passphrase_file, as_json)
    elif store is not None or key is not None or passphrase_file is not None or as_json:
        raise typer.BadParameter(t("media.options_behind", verb=ctx.invoked_subcommand))


@app.command("list", help=h("media.list"))
def list_media(
    ctx: typer.Context,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is out, since when, and what is overdue."""
    show_list(ctx, store, key, passphrase_file, as_json)


@app.command("register", help=h("media.register"))
def register(
    ctx: typer.Context,
    label: Annotated[str, typer.Option("--label", metavar="NAME", help=h("opt.label"), show_default=False)],
    filesystem: Annotated[
        Formatted, typer.Option("--filesystem", help=h("opt.filesystem"), show_default=False)
    ] = Formatted.EXFAT,
    device: DeviceOption = None,
    yes: YesOption = False,
    store: StoreOption = None,
) -> None:
    """Try, format and mark a new medium, and enter it."""
    from tsuwaroku.console.custody_client import box_of, custody, drives_here, plugged
    from tsuwaroku.disclosure import registering
    from tsuwaroku.disclosure.drive import Filesystem
    from tsuwaroku.service.custody import RegisteringRequest, RegisterRequest

    opened = box_of(ctx, store)
    with custody(ctx, store, opened) as keeper:
        keeper.identities()  # whoever may not register is told so before anything is looked at
        drives = drives_here(ctx, opened, keeper)
        drive = plugged(drives, device)
        asked = RegisteringRequest(
            label=label, usb_id=drive.usb_id, vendor=drive.vendor, model=drive.model, serial=drive.serial
        )
        known = keeper.registering(asked)
        screen(err=True).print(
            t("media.found", device=drive.device, maker=f"{drive.vendor} {drive.model}", serial=drive.serial),
            soft_wrap=True,
        )
        confirmed(yes, t("media.register_ask"))
        with progress(t("progress.probe")) as report:
            done = registering.register(
                drives,
                drive,
                label,
                known.secret,
                known=known.known,
                filesystem=Filesystem[filesystem.name],
                progress=report,
            )
        keeper.act("/v1/media", RegisterRequest(identity=done.registered))
    screen().print(t("media.registered", name=label, size=size_text(drive.capacity_octets)), soft_wrap=True)


@app.command("hand-over", help=h("media.hand-over"))
def hand_over(
    ctx: typer.Context,
    medium: NameArgument,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help=h("opt.to_person"), show_default=False)],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help=h("opt.handed_by"))] = "",
    on: OnOption = None,
    store: StoreOption = None,
) -> None:
    """A copy was handed over."""
    from tsuwaroku.console.custody_client import box_of, custody
    from tsuwaroku.service.custody import HandOverRequest

    asked = HandOverRequest(medium=medium, to=to, on=on or "", name=by)
    with custody(ctx, store, box_of(ctx, store)) as keeper:
        keeper.act("/v1/media/hand-over", asked)
        due = next(one.medium.due_on for one in keeper.media() if one.medium.name == medium)
    screen().print(t("media.handed_over", name=medium, due=due), soft_wrap=True)


@app.command("return", help=h("media.return"))
def take_back(
    ctx: typer.Context,
    medium: NameArgument,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help=h("opt.returned_by"), show_default=False)],
    taken_by: Annotated[str, typer.Option("--taken-by", metavar="NAME", help=h("opt.taken_by"))] = "",
    on: OnOption = None,
    store: StoreOption = None,
) -> None:
    """A medium came back."""
    from tsuwaroku.console.custody_client import box_of, custody
    from tsuwaroku.service.custody import ReturnRequest

    with custody(ctx, store, box_of(ctx, store)) as keeper:
        keeper.act("/v1/media/return", ReturnRequest(medium=medium, by=by, on=on or "", name=taken_by))
    screen().print(t("media.returned", name=medium), soft_wrap=True)


@app.command("wipe", help=h("media.wipe"))
def wipe(
    ctx: typer.Context,
    medium: NameArgument,
    device: DeviceOption = None,
    broken: Annotated[
        str | None, typer.Option("--broken", metavar="TEXT", help=h("opt.broken"), show_default=False)
    ] = None,
    yes: YesOption = False,
    store: StoreOption = None,
) -> None:
    """Overwrite all of a medium and read it back."""
    from tsuwaroku.console.custody_client import box_of, custody, drives_here, plugged
    from tsuwaroku.disclosure import wipe as wiping
    from tsuwaroku.disclosure.identity import Match, recognise
    from tsuwaroku.disclosure.registering import refusal
    from tsuwaroku.service.custody import WipedRequest

    opened = box_of(ctx, store)
    with custody(ctx, store, opened) as keeper:
        known = keeper.wiping(medium)
        if broken is not None:
            keeper.act("/v1/media/wiped", WipedRequest(medium=medium, clean=False, note=broken))
            screen().print(t("media.unwipable", name=medium), style="yellow", soft_wrap=True)
            return
        drives = drives_here(ctx, opened, keeper)
        drive = plugged(drives, device)
        # By the hardware alone: the token is about to go, and on a worn-out stick cannot be read.
        found = recognise(drive, None, known.known[0], known.secret)
        if found.match is not Match.NO_TOKEN:
            raise refusal(found, drive)
        confirmed(yes, t("media.wipe_ask", name=medium, device=drive.device))
        try:
            with progress(t("progress.wipe")) as report:
                done = wiping.wipe(drives, drive, progress=report)
        except wiping.NotWipedError as error:
            some = error.wiped
            note = t("media.not_wiped_note", places=len(some.bad))
            failed = WipedRequest(medium=medium, clean=False, octets=some.octets, passes=some.passes, note=note)
            keeper.act("/v1/media/wiped", failed)
            raise
        asked = WipedRequest(
            medium=medium, clean=True, octets=done.octets, zero_octets=done.zero_octets, passes=done.passes
        )
        keeper.act("/v1/media/wiped", asked)
    screen().print(t("media.wiped", name=medium, size=size_text(done.octets)), soft_wrap=True)


@app.command("destroy", help=h("media.destroy"))
def destroy(
    ctx: typer.Context,
    medium: NameArgument,
    how: Annotated[str, typer.Option("--how", metavar="TEXT", help=h("opt.how"), show_default=False)],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help=h("opt.destroyed_by"), show_default=False)],
    witness: Annotated[str, typer.Option("--witness", metavar="NAME", help=h("opt.witness"), show_default=False)],
    on: OnOption = None,
    store: StoreOption = None,
) -> None:
    """A medium was destroyed."""
    from tsuwaroku.console.custody_client import box_of, custody
    from tsuwaroku.service.custody import DestroyRequest

    way, text = _way(how)
    asked = DestroyRequest(medium=medium, how=way, how_text=text, by=by, witness=witness, on=on or "")
    with custody(ctx, store, box_of(ctx, store)) as keeper:
        keeper.act("/v1/media/destroy", asked)
    screen().print(t("media.destroyed", name=medium), soft_wrap=True)


@app.command("lost", help=h("media.lost"))
def lost(
    ctx: typer.Context,
    medium: NameArgument,
    what: Annotated[str, typer.Option("--what", metavar="TEXT", help=h("opt.what"), show_default=False)],
    on: OnOption = None,
    store: StoreOption = None,
) -> None:
    """A medium is lost: an incident."""
    from tsuwaroku.console.custody_client import box_of, custody
    from tsuwaroku.service.custody import LostRequest

    with custody(ctx, store, box_of(ctx, store)) as keeper:
        keeper.act("/v1/media/lost", LostRequest(medium=medium, what=what, on=on or ""))
    screen().print(t("media.lost", name=medium), style="bold red", soft_wrap=True)


@app.command("paper", help=h("media.paper"))
def paper(
    ctx: typer.Context,
    medium: NameArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=h("opt.pdf"), show_default=False)],
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
) -> None:
    """The custody sheet of a medium, as PDF."""
    from tsuwaroku.console.custody_client import box_of, custody
    from tsuwaroku.console.lines import known_office
    from tsuwaroku.records.media import media as folded
    from tsuwaroku.records.media import medium_called

    need_key(key)
    opened = box_of(ctx, store)
    private = load_key(key, passphrase_file)
    assert private is not None
    with custody(ctx, store, opened) as keeper:
        keeper.media()  # whoever may not read of media is told so
    acts = acts_of(ctx, opened, private)
    one = medium_called(folded(acts), medium)
    pdf = sheet_pdf(one, acts, known_office(ctx, store))
    try:
        with out.open("xb") as file:
            file.write(pdf)
    except OSError as error:
        raise RefusedError(
            f"cannot be written ({error.strerror})", where=str(out), remedy="name another file"
        ) from error
    screen().print(t("media.paper", file=out), soft_wrap=True)


_WAYS = {"crushed": "crushed", "破砕": "crushed", "破碎": "crushed", "cut": "cut", "裁断": "cut"}


def _way(text: str) -> tuple[How, str]:
    from tsuwaroku.records.media import How

    known = _WAYS.get(text.strip())
    return (How(known), "") if known else (How.OTHER, text.strip())
