"""`find`: calls by what somebody remembers of them: when, where, with whom, which way, marked or not, how long."""

from __future__ import annotations

from typing import Annotated

import typer

from tsuwaroku.console import render
from tsuwaroku.console.completing import departments, directions, extensions, line_ids
from tsuwaroku.console.lines import known_lines, lines_of_department, placed, the_extension, the_line
from tsuwaroku.console.options import JsonOption, KeyOption, PassphraseOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.reading import EveryOption, show_calls
from tsuwaroku.console.session import Record, load_key
from tsuwaroku.console.sought import (
    Number,
    Sought,
    cut_off,
    in_order,
    parse_direction,
    parse_length,
    parse_number,
    parse_when,
)
from tsuwaroku.console.source import source
from tsuwaroku.console.texts import h, t
from tsuwaroku.records.call import Direction

FromFilter = Annotated[str | None, typer.Option("--from", metavar="TIME", help=h("opt.find_from"), show_default=False)]
ToFilter = Annotated[str | None, typer.Option("--to", metavar="TIME", help=h("opt.find_to"), show_default=False)]
LineOption = Annotated[
    str | None,
    typer.Option("--line", metavar="LINE", help=h("opt.line"), show_default=False, autocompletion=line_ids),
]
ExtensionFilter = Annotated[
    str | None,
    typer.Option("--extension", metavar="EXT", help=h("opt.extension"), show_default=False, autocompletion=extensions),
]
DepartmentFilter = Annotated[
    str | None,
    typer.Option(
        "--department", metavar="NAME", help=h("opt.department"), show_default=False, autocompletion=departments
    ),
]
MarkedFilter = Annotated[bool, typer.Option("--marked", metavar="", help=h("opt.marked"), show_default=False)]
UnmarkedFilter = Annotated[bool, typer.Option("--unmarked", metavar="", help=h("opt.unmarked"), show_default=False)]
NumberFilter = Annotated[
    str | None, typer.Option("--number", metavar="DIGITS", help=h("opt.find_number"), show_default=False)
]
WholeOption = Annotated[bool, typer.Option("--whole", metavar="", help=h("opt.whole"), show_default=False)]
DirectionFilter = Annotated[
    str | None,
    typer.Option("--direction", metavar="WAY", help=h("opt.direction"), show_default=False, autocompletion=directions),
]
LongerFilter = Annotated[str | None, typer.Option("--longer", metavar="M:SS", help=h("opt.longer"), show_default=False)]
ShorterFilter = Annotated[
    str | None, typer.Option("--shorter", metavar="M:SS", help=h("opt.shorter"), show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("find", help=h("find"))(find)


def find(
    ctx: typer.Context,
    store: StoreOption = None,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    begin: FromFilter = None,
    end: ToFilter = None,
    line: LineOption = None,
    extension: ExtensionFilter = None,
    department: DepartmentFilter = None,
    number: NumberFilter = None,
    whole: WholeOption = False,
    direction: DirectionFilter = None,
    marked: MarkedFilter = False,
    unmarked: UnmarkedFilter = False,
    longer: LongerFilter = None,
    shorter: ShorterFilter = None,
    every: EveryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find calls."""
    with_key = key is not None
    since, until = parse_when(begin, "--from", key=with_key), parse_when(end, "--to", key=with_key)
    in_order(since, until)
    digits, way = parse_number(number, whole=whole), parse_direction(direction)
    least, most = _lengths(longer, shorter)
    if marked and unmarked:
        raise typer.BadParameter(t("bad.marked"), param_hint="--marked, --unmarked")
    if not with_key:
        _refuse_sealed(digits, way, least, most)
    calls = source(ctx, store)
    lines = known_lines(ctx, store)
    records = calls.records(load_key(key, passphrase_file), first_day=since[:10], last_day=until[:10])
    wanted = None if extension is None else the_extension(extension, lines, records)
    sought = Sought(
        line=None if line is None else the_line(line, lines, records),
        lines=None if department is None else lines_of_department(department, lines),
        extension=wanted,
        extension_lines=frozenset(one.id for one in lines.values() if one.extension == wanted),
        begin=since,
        end=until,
        marked=True if marked else False if unmarked else None,
        number=digits,
        direction=way,
        longer=least,
        shorter=most,
    )
    found = [record for record in records if sought.takes(record)]
    if as_json:
        emit_json(placed(found, lines))
    elif not found:
        screen().print(t("find.none"))
    else:
        show_calls(found, lines, with_key=with_key, every=every)
        _say_cut_off(sought, found)


def _say_cut_off(sought: Sought, found: list[Record]) -> None:
    cut = sum(cut_off(record) for record in found)
    if cut and sought.longer is not None:
        screen(err=True).print(t("find.cut_off", n=cut), style="yellow", soft_wrap=True)


def _lengths(longer: str | None, shorter: str | None) -> tuple[int | None, int | None]:
    """Raises BadParameter."""
    least, most = parse_length(longer, "--longer"), parse_length(shorter, "--shorter")
    if least is not None and most is not None and least > most:
        told = t("bad.lengths", longer=render.length(least), shorter=render.length(most))
        raise typer.BadParameter(told, param_hint="--longer, --shorter")
    return least, most


def _refuse_sealed(digits: Number | None, way: Direction | None, least: int | None, most: int | None) -> None:
    """What nobody can know without the key. Raises BadParameter."""
    asked = {"--number": digits, "--direction": way, "--longer": least, "--shorter": most}
    for option, value in asked.items():
        if value is not None:
            raise typer.BadParameter(t("find.needs_key"), param_hint=option)
