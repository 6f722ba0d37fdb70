"""The mode of a line now: its own, or its timetable's (Asia/Tokyo)."""

from __future__ import annotations

from datetime import datetime

from tsuwaroku.clock import JST, NS
from tsuwaroku.config import LineConfig, Mode, mode_at


def mode_now(line: LineConfig, wall_ns: int) -> Mode:
    """Decided when a call begins; a call keeps the mode it began with."""
    if not line.timetable:
        return line.mode
    moment = datetime.fromtimestamp(wall_ns // NS, JST)
    return mode_at(line, moment.weekday(), moment.hour * 60 + moment.minute)
