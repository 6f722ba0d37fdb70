"""The live view: lines, lamps, levels, alarms, and the calls as they land in the ring. Fits 80 × 24 and larger."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.align import Align
from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tsuwaroku.clock import NS, from_iso
from tsuwaroku.console import render
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.console.texts import japanese, t, widest, word
from tsuwaroku.console.translate import translate
from tsuwaroku.errors import ServiceError, TsuwarokuError
from tsuwaroku.hal.board import Lamp
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.alarms import ALARMS
from tsuwaroku.service.status import Alarm, LineStatus, Status

if TYPE_CHECKING:
    from tsuwaroku.store.keys import PrivateKey

FRAME_S = 0.2
QUIETEST_DBFS = -60.0
BAR_WIDTH = 12
LAST_CALLS = 8
MOST_ALARMS = 4
MOST_STARS = 5
TABLE_HEAD = 2  # rows of a table that are not rows of its data
LIST_EVERY_S = 1.0
NARROW = 100  # below this many columns the view leaves out what `status` tells too


class CallFeed:
    """The calls of a store, read again each second in a thread of its own, so that the view never waits for a disk."""

    def __init__(self, store: Path, private: PrivateKey) -> None:
        self._store = store
        self._private = private
        self._calls: list[CallRecord] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="calls", daemon=True)

    def __enter__(self) -> CallFeed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def calls(self) -> list[CallRecord]:
        """As last read, oldest first."""
        return self._calls

    def _follow(self) -> None:
        from tsuwaroku.store.layout import Store
        from tsuwaroku.store.recovery import list_calls

        while not self._stop.is_set():
            try:
                store = Store.open(self._store)
                try:
                    found = list_calls(store, self._private)
                finally:
                    store.close()
                self._calls = found
            except TsuwarokuError:  # the store is only being made or settled; the next second shows it
                pass
            self._stop.wait(LIST_EVERY_S)


def lamp(state: Lamp, at_s: float) -> Text:
    """The lamp as it looks at that moment: dark, lit, or one of the two blinks."""
    bright = {
        Lamp.DARK: False,
        Lamp.LIT: True,
        Lamp.FAST: int(at_s / FRAME_S) % 2 == 0,  # as fast as the view is drawn; the real one does 4 Hz
        Lamp.SLOW: int(at_s) % 2 == 0,
        Lamp.ACK: int(at_s / FRAME_S) % 2 == 1,
    }[state]
    return Text("●", style="bold bright_red" if bright else "color(238)")


def level(dbfs: float | None) -> RenderableType:
    """A bar from −60 to 0 dBFS, the last 6 dB in red."""
    if dbfs is None:
        return Text(" " * BAR_WIDTH)
    colour = "red" if dbfs > -6 else "yellow" if dbfs > -14 else "green"
    end = min(max(dbfs - QUIETEST_DBFS, 0.0), -QUIETEST_DBFS)
    return Bar(-QUIETEST_DBFS, 0, end, width=BAR_WIDTH, color=colour, bgcolor="default")


def alarm_line(alarm: Alarm, *, remedy: bool) -> Text:
    """An alarm in the words for staff, with what to do where there is room."""
    texts = ALARMS.get(alarm.code)
    meaning, todo = (
        (alarm.code, "")
        if texts is None
        else ((texts.ja, texts.remedy_ja) if japanese() else (texts.en, texts.remedy_en))
    )
    line = Text.assemble(
        (f"▲ {word('severity', alarm.severity)} ", "bold red" if alarm.severity == "critical" else "bold yellow"),
        (f"{t('live.line', line=alarm.line)} " if alarm.line else ""),
        meaning,
        (f" ({translate(alarm.detail)})" if alarm.detail else ""),
    )
    return line.append(f" → {todo}", style="dim") if remedy and todo else line


def lines_table(lines: Sequence[LineStatus], now_ns: int, at_s: float, *, wide: bool) -> Table:
    """One row a line."""
    names = ("lamp", "line", "department", "state", "since", "level", "notice", "marks")
    heads = [t(f"live.col.{name}") for name in names if wide or name != "department"]
    table = render.plain_table(*heads, right=(t("live.col.since"), t("live.col.marks")))
    widths = {"state": widest("state"), "since": len("0:00:00"), "notice": widest("notice"), "marks": MOST_STARS}
    for column in table.columns:  # so that nothing moves sideways when a state changes
        column.min_width = next(
            (width for name, width in widths.items() if column.header == t(f"live.col.{name}")), None
        )
    for line in lines:
        name = line.id if line.extension in ("", line.id) else f"{line.id}/{line.extension}"
        busy = line.call_id is not None
        since = render.length((now_ns - from_iso(line.since)) / NS) if busy and line.since else ""
        state = word("state", line.state) if line.mode != "off" else word("mode", "off")
        cells: list[RenderableType] = [lamp(line.lamp, at_s), name]
        if wide:
            cells.append(line.department)
        cells += [
            Text(state, style="bold" if busy else "dim"),
            since,
            level(line.level_dbfs),
            word("notice", line.notice) if line.notice else "",
            Text("★" * min(line.marks, MOST_STARS), style="bold magenta"),
        ]
        table.add_row(*cells)
    return table


def calls_table(calls: Sequence[CallRecord]) -> Table:
    """The latest calls, the newest first. No numbers: a screen in an office is read by anybody who passes."""
    heads = [t(f"col.{name}") for name in ("no", "at", "line", "direction", "length", "outcome", "notice", "marks")]
    table = render.plain_table(*heads, right=(heads[0], heads[4], heads[7]))
    for call in reversed(calls):
        table.add_row(
            f"#{call.sequence}",
            render.clock_time(call.seized_at)[5:],
            render.line_name(call),
            word("direction", call.direction),
            render.length(call.duration_s),
            render.coloured("outcome", call.outcome),
            render.coloured("notice", call.notice.outcome),
            render.mark_count(call),
        )
    return table


def view(
    status: Status | None, calls: Sequence[CallRecord], *, size: tuple[int, int], at_s: float, dead: Sequence[str] = ()
) -> RenderableType:
    """One frame of `size` (columns, rows) at `at_s` seconds of any clock that runs."""
    width, height = size
    recorder = None if status is None else status.recorder
    parts: list[RenderableType] = [_header(status, at_s)]
    used = 2  # header and foot
    if status is None or recorder is None:
        parts.append(Align.center(Text(t("live.starting"), style="dim")))
        used += 1
    else:
        parts.append(lines_table(recorder.lines, from_iso(status.at), at_s, wide=width >= NARROW))
        used += len(recorder.lines) + TABLE_HEAD
    warnings = [Text(t("live.dead", role=t(f"live.role.{role}")), style="bold red") for role in dead]
    if status is not None:
        warnings += [alarm_line(alarm, remedy=width >= NARROW) for alarm in status.alarms]
    shown = warnings[: max(1, min(MOST_ALARMS, height - used))]
    for warning in shown:
        warning.no_wrap, warning.overflow = True, "ellipsis"
    parts += shown
    room = min(LAST_CALLS, height - used - len(shown) - TABLE_HEAD)
    if room > 0 and calls:
        latest = calls[-room:]
        parts.append(calls_table(latest))
        used += TABLE_HEAD + len(latest)
    if height - used - len(shown) >= len(parts):  # room for a blank row between the parts
        parts = [piece for part in parts for piece in (part, Text(""))]
    parts.append(Text(t("live.foot"), style="dim"))
    return Group(*parts)


def _header(status: Status | None, at_s: float) -> RenderableType:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    if status is None:
        grid.add_row(Text(t("live.title"), style="bold"), "")
        return grid
    system = Lamp.FAST if status.recorder is None else status.recorder.system_lamp
    used = status.ring.slots - status.ring.free
    share = 100 * used / status.ring.slots if status.ring.slots else 0.0
    grid.add_row(
        Text.assemble(lamp(system, at_s), " ", (t("live.title"), "bold"), f"  {status.station}"),
        t("live.ring", share=f"{share:.1f}", calls=status.calls_today, at=render.clock_time(status.at)[11:]),
    )
    return grid


def watch(console: Console, store: Path, private: PrivateKey, poll: Callable[[], Sequence[str]]) -> None:
    """Show the view until Ctrl-C (KeyboardInterrupt leaves here, the screen restored)."""
    status: Status | None = None
    with (
        KeeperClient(store / "run" / "keeper.sock") as keeper,
        CallFeed(store, private) as feed,
        Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as shown,
    ):
        while True:
            status = _asked(keeper)
            frame = view(status, feed.calls, size=(console.width, console.height), at_s=time.monotonic(), dead=poll())
            shown.update(frame, refresh=True)
            time.sleep(FRAME_S)


def report(console: Console, store: Path, private: PrivateKey, poll: Callable[[], Sequence[str]]) -> None:
    """The same for a log: a line for each call as it lands, and for each alarm as it comes."""
    said: set[str] = set()
    with KeeperClient(store / "run" / "keeper.sock") as keeper, CallFeed(store, private) as feed:
        console.print(t("demo.running", store=store), soft_wrap=True)
        while True:
            status = _asked(keeper)
            told = [(f"dead {role}", t("live.dead", role=t(f"live.role.{role}"))) for role in poll()]
            told += [(f"alarm {a.code} {a.line} {a.since}", alarm_line(a, remedy=True).plain) for a in _alarms(status)]
            told += [(call.id, _call_line(call)) for call in feed.calls]
            for name, text in told:
                if name not in said:
                    said.add(name)
                    console.print(text, soft_wrap=True, markup=False)
            time.sleep(LIST_EVERY_S)


def _asked(keeper: KeeperClient) -> Status | None:
    try:
        return keeper.status()
    except ServiceError:  # starting, or being restarted: the view says so
        return None


def _alarms(status: Status | None) -> list[Alarm]:
    return [] if status is None else status.alarms


def _call_line(call: CallRecord) -> str:
    words = (word("direction", call.direction), word("outcome", call.outcome), word("notice", call.notice.outcome))
    at, name = render.clock_time(call.seized_at), render.line_name(call)
    return f"#{call.sequence}  {at}  {t('live.line', line=name)}  {render.length(call.duration_s)}  {'  '.join(words)}"
