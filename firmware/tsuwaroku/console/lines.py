"""The lines of the box as the console knows them: from its configuration, else from the keeper, which says them over
the socket; a PC has no configuration of the box."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from tsuwaroku.config import OfficeConfig
from tsuwaroku.console.session import Record, session
from tsuwaroku.errors import NotFoundError, ServiceError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.lines import LineSeen, lines_of

if TYPE_CHECKING:
    from tsuwaroku.config import Config

Lines = Mapping[str, LineSeen]
"""By their ids; empty where nobody says anything of them."""


def known_lines(ctx: typer.Context, store: Path | None) -> Lines:
    """Of the configuration that was named, or is of the store that is meant; else of the keeper that answers; else
    none. Raises ConfigError for a configuration that cannot be read, and what the keeper refuses."""
    config = configuration(ctx, store)
    return by_id(config) if config is not None else _told(ctx, store)


def known_office(ctx: typer.Context, store: Path | None) -> OfficeConfig:
    """What papers call the office: of the same configuration, else of the keeper whose socket was forwarded here, else
    nothing but the ordinance's own words. Raises as `known_lines`, and ServiceError."""
    config = configuration(ctx, store)
    if config is not None:
        return config.office
    elsewhere = session(ctx).socket_path
    if elsewhere is None:
        return OfficeConfig()
    from tsuwaroku.console.client import KeeperClient

    with KeeperClient(elsewhere) as keeper:
        return keeper.office()


def configuration(ctx: typer.Context, store: Path | None) -> Config | None:
    """The configuration that was named, or that of this box, if that is the one that is meant. Raises ConfigError."""
    here = session(ctx)
    config = here.config_if_given()
    if config is None and here.socket_path is None and here.config_path.exists():
        mine = here.config()
        config = mine if store is None or _same(Path(mine.store.path), store) else None
    return config


def by_id(config: Config) -> Lines:
    """The lines of a configuration."""
    return {one.id: one for one in lines_of(config)}


def _told(ctx: typer.Context, store: Path | None) -> Lines:
    socket = session(ctx).socket(store)
    if not socket.exists():
        return {}
    from tsuwaroku.console.client import KeeperClient

    try:
        with KeeperClient(socket) as keeper:
            return {one.id: one for one in keeper.lines()}
    except ServiceError:
        return {}  # what it would have said is a help, and no condition


def _same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute() or (one.exists() and other.exists() and one.samefile(other))


def plain(text: str) -> str:
    """As names are compared: half width, no blanks, small letters."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def the_line(text: str, lines: Lines, records: Iterable[Record]) -> str:
    """The id of the line that `text` names, one that is configured or has calls still. Raises NotFoundError."""
    there = [*lines, *{record.line for record in records}]
    for one in there:
        if plain(one) == plain(text):
            return one
    if not there:
        return text
    raise NotFoundError(
        f"there is no line {text}", where="--line", remedy=f"lines there are: {', '.join(sorted(set(there)))}"
    )


def the_extension(text: str, lines: Lines, records: Iterable[Record]) -> str:
    """The same of an extension. Without a configuration and without the key none is known. Raises NotFoundError."""
    there = [one.extension for one in lines.values()]
    there += [record.extension for record in records if isinstance(record, CallRecord)]
    for one in there:
        if plain(one) == plain(text):
            return one
    if not there:
        raise _nothing_known("--extension")
    raise NotFoundError(
        f"there is no extension {text}",
        where="--extension",
        remedy=f"extensions there are: {', '.join(sorted(set(there)))}",
    )


def lines_of_department(text: str, lines: Lines) -> frozenset[str]:
    """The lines of the department of that name, else of those whose name has it in it. Raises NotFoundError."""
    if not any(one.department for one in lines.values()):
        raise _nothing_known("--department")
    wanted = plain(text)
    exact = frozenset(one.id for one in lines.values() if wanted and plain(one.department) == wanted)
    part = frozenset(one.id for one in lines.values() if wanted and wanted in plain(one.department))
    if exact or part:
        return exact or part
    there = dict.fromkeys(one.department for one in lines.values() if one.department)
    raise NotFoundError(
        f"there is no department {text}", where="--department", remedy=f"departments there are: {', '.join(there)}"
    )


def _nothing_known(option: str) -> NotFoundError:
    return NotFoundError(
        "nobody says here which lines are whose",
        where=option,
        remedy="name the box's configuration with --config FILE, or ask the service; --line takes a line's id",
    )


def extension_of(record: Record, lines: Lines) -> str:
    """Of a record, as it was when it was recorded; without the key, as it is configured now. Empty: not known."""
    if isinstance(record, CallRecord):
        return record.extension
    line = lines.get(record.line)
    return "" if line is None else line.extension


def department_of(record: Record, lines: Lines) -> str:
    """Of the record's line, as configured now; empty where that is not known."""
    line = lines.get(record.line)
    return "" if line is None else line.department


def placed(records: Iterable[Record], lines: Lines) -> list[dict[str, Any]]:
    """The records as JSON has them, each with the extension and the department of its line, null where not known."""
    return [
        {
            **msgspec.to_builtins(record),
            "extension": extension_of(record, lines) or None,
            "department": department_of(record, lines) or None,
        }
        for record in records
    ]
