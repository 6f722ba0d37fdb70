"""`levels`: the lowest and highest sound and voltage of each line while somebody lifts, hangs up and rings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Group, RenderableType
from rich.text import Text

from tsuwaroku.console.options import JsonOption, StoreOption
from tsuwaroku.console.output import emit_json, screen
from tsuwaroku.console.render import plain_table
from tsuwaroku.console.session import session
from tsuwaroku.console.texts import h, t, word

if TYPE_CHECKING:
    from tsuwaroku.service.status import LineStatus, Status

LOOK_S = 0.2  # what the recorder reports no oftener
SecondsOption = Annotated[float, typer.Option("--seconds", min=0, max=600, help=h("opt.seconds"))]


class Measured(msgspec.Struct, kw_only=True):
    """One line, over the time of measuring. Sound in dBFS, volts A over B; null where nothing was measured."""

    line: str
    state: str
    sound_low: float | None = None
    sound_high: float | None = None
    volts: float | None = None
    volts_low: float | None = None
    volts_high: float | None = None
    threshold: float | None = None
    dead: bool = False

    def look(self, now: LineStatus) -> None:
        """Take one look at it into account."""
        self.state = now.state
        if now.level_dbfs is not None:
            self.sound_low = _least(self.sound_low, now.level_dbfs)
            self.sound_high = _most(self.sound_high, now.level_dbfs)
        voltage = now.voltage
        self.volts = self.threshold = None
        self.dead = voltage is not None and voltage.dead
        if voltage is not None:
            self.volts, self.threshold = voltage.volts, voltage.threshold
            self.volts_low = _least(self.volts_low, voltage.low)
            self.volts_high = _most(self.volts_high, voltage.high)


def _least(before: float | None, now: float) -> float:
    return now if before is None else min(before, now)


def _most(before: float | None, now: float) -> float:
    return now if before is None else max(before, now)


def levels(
    ctx: typer.Context, seconds: SecondsOption = 10.0, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Measure for a while, then show the extremes."""
    from tsuwaroku.console.client import KeeperClient

    measured: dict[str, Measured] = {}
    end = time.monotonic() + seconds
    with KeeperClient(session(ctx).socket(store)) as keeper:
        _look(measured, keeper.status())
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(LOOK_S, left))
            _look(measured, keeper.status())
    lines = list(measured.values())
    if as_json:
        emit_json(lines)
    else:
        screen().print(table(lines))


def _look(measured: dict[str, Measured], now: Status) -> None:
    if now.recorder is not None:
        for line in now.recorder.lines:
            measured.setdefault(line.id, Measured(line=line.id, state=line.state)).look(line)


def table(lines: list[Measured]) -> RenderableType:
    """The lines below each other, for the eyes of who is measuring."""
    if not lines:
        return Text(t("levels.away"), style="bold red")
    names = ("line", "state", "sound", "now", "low", "high", "threshold")
    heads = {name: t(f"levels.{name}") for name in names}
    shown = plain_table(*heads.values(), right=[heads[name] for name in names[2:]])
    for one in lines:
        threshold = t("levels.learning") if one.threshold is None and one.volts is not None else _volts(one.threshold)
        now = Text(t("levels.dead"), style="bold red") if one.dead else Text(_volts(one.volts))
        sound = "–" if one.sound_low is None else f"{one.sound_low:.0f} ～ {one.sound_high:.0f} dBFS"
        state = word("state", one.state)
        shown.add_row(one.line, state, sound, now, _volts(one.volts_low), _volts(one.volts_high), threshold)
    return Group(shown, Text(t("levels.what"), style="dim"))


def _volts(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} V"
