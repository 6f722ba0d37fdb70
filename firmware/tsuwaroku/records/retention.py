"""Article 8(1): 記録された日から30日間. The first day is not counted (Civil Code 140)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from tsuwaroku.clock import JST, NS


def day_of(wall_ns: int) -> date:
    """The calendar day in Asia/Tokyo."""
    return datetime.fromtimestamp(wall_ns // NS, JST).date()


def expires_on(ended_wall_ns: int, days: int = 30) -> date:
    """The last day on which a call that ended then may be read: D + days."""
    return day_of(ended_wall_ns) + timedelta(days=days)
