"""GET /v1/lines: whose telephone a line is, for those whose calls these are."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.service.test_control import keeping
from tsuwaroku.config import Config, LineConfig, Mode, ModePeriod
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.records.roles import Role
from tsuwaroku.service.api import Asked
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.lines import ROUTES, LineSeen, lines_of

NIGHTS = ModePeriod(days="daily", start="18:00", end="24:00", mode=Mode.EVERY_CALL)
OFFICE = Config(
    line=(
        LineConfig(id="1", extension="2101", department="市民課"),
        LineConfig(id="2", mode=Mode.OFF),
        LineConfig(id="3", mode=Mode.OFF, timetable=(NIGHTS,)),
    )
)


def test_an_extension_is_the_id_where_there_is_none_and_counselling_lines_are_named() -> None:
    assert lines_of(OFFICE) == [
        LineSeen(id="1", extension="2101", department="市民課"),
        LineSeen(id="2", extension="2", recorded=False),
        LineSeen(id="3", extension="3"),
    ]


def test_over_the_socket(tmp_path: Path) -> None:
    with keeping(tmp_path / "store") as keeper, KeeperClient(tmp_path / "store" / "run" / "keeper.sock") as client:
        assert client.lines() == lines_of(keeper.settings)
        assert client.office() == keeper.settings.office


def test_a_handler_for_some_lines_is_told_of_those(tmp_path: Path) -> None:
    class Some(Keeper):
        def __init__(self) -> None: ...

        @property
        def settings(self) -> Config:
            return OFFICE

    by = Asker(user="handler", roles=frozenset({Role.HANDLER}), lines=frozenset({"3", "7"}))
    route = ROUTES[0]
    told = route.act(Some(), Asked(by=by, path={}, query=None, body=None))
    assert msgspec.to_builtins(told) == [{"id": "3", "extension": "3", "department": "", "recorded": True}]
