"""Whether a call may still be read (Article 8(1)), as keeper and offline reader say it alike."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tsuwaroku.clock import Instant
from tsuwaroku.errors import StoreError
from tsuwaroku.records.dating import State
from tsuwaroku.records.judging import Judge, Verdict
from tsuwaroku.store import clockfile
from tsuwaroku.store.ends import end_of

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store
    from tsuwaroku.store.scan import StoredCall


def reading_judge(store: Store, now: Instant) -> Judge:
    """By what the box remembers of the date; by the clock alone where that memory is lost."""
    try:
        state = clockfile.load(store.clock_path, store.store_id)
    except StoreError:
        state = State()
    return Judge(state, now)


def may_read(store: Store, stored: StoredCall, held_until: str, now: Instant) -> Verdict | None:
    """None for a call of which nothing was committed. `held_until`: the ISO date of its hold, or empty."""
    end = end_of(stored)
    if end is None:
        return None
    until = date.fromisoformat(held_until) if held_until else None
    return reading_judge(store, now).may_read(end.at, end.period, until)
