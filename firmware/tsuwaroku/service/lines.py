"""Whose telephone a line is, and what papers call the office: what the configuration says, for people's tools that have
none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tsuwaroku.config import Config, LineConfig, Mode, OfficeConfig
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.api import Asked, Route, Routes

if TYPE_CHECKING:
    from tsuwaroku.service.keeper import Keeper


class LineSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One line as configured now. `recorded`: whether it ever is; a line that never is may be of a counselling desk."""

    id: str
    extension: str
    department: str = ""
    recorded: bool = True


def lines_of(config: Config) -> list[LineSeen]:
    """Every line, in the configuration's order; one without an extension of its own is called by its id."""
    return [
        LineSeen(id=one.id, extension=one.extension or one.id, department=one.department, recorded=ever_recorded(one))
        for one in config.line
    ]


def ever_recorded(line: LineConfig) -> bool:
    """Whether a line is recorded at any hour of the week."""
    return line.mode is not Mode.OFF or any(period.mode is not Mode.OFF for period in line.timetable)


def _lines(keeper: Keeper, asked: Asked) -> list[LineSeen]:
    """Those whose calls are the asker's to see."""
    return [one for one in lines_of(keeper.settings) if asked.by.sees(one.id)]


ROUTES: Routes = (
    Route(
        method="GET",
        path="/v1/lines",
        verb=Verb.CALLS,
        summary="lines with their extensions and departments",
        act=_lines,
        answer=list[LineSeen],
    ),
    Route(
        method="GET",
        path="/v1/office",
        verb=Verb.CALLS,
        summary="what papers call the office, its people and its ordinance",
        act=lambda keeper, _: keeper.settings.office,
        answer=OfficeConfig,
    ),
)
