"""録音不能: the stretches in which the box could not record, from what its journal says. Pure.

A recorder says when it starts and when it stops, and that it is alive each `ALIVE_EVERY_NS`; a commit of a call says
the same. Cut off, it can say nothing: then the stretch began between its last word and the next one it owed, and both
are told. Facts come in the order they were written, never by their wall times.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable

import msgspec

from tsuwaroku.clock import NS, Instant

# 144 journal blocks a day, 0.6 MiB: by night, when no call commits, a power cut is known to ten minutes.
ALIVE_EVERY_NS = 600 * NS
_OVERDUE = 2  # a disk that stalls delays one word; two are a recorder that does not run


class FactKind(enum.StrEnum):
    STARTED = "started"
    STOPPED = "stopped"
    ALIVE = "alive"  # its own record, a commit, any other record of the recorder
    LOST = "lost"  # one line, while the recorder ran: a call given up, a gap


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact. Of LOST: `until` is its end, `line` whose it is, `why` the gap's reason or `no_room`."""

    kind: FactKind
    at: Instant
    until: Instant | None = None
    line: str = ""
    why: str = ""


class Cause(enum.StrEnum):
    OFF = "off"  # without power, or shut down
    BOOTING = "booting"  # powered on, before the recorder ran
    STOPPED = "stopped"  # by somebody, on a running machine
    BROKEN_OFF = "broken_off"  # the recorder ended without a word on a running machine


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing could be recorded from `from_ns`, or as late as `from_latest_ns`, until `to_ns` (None: it goes on).

    Unix ns, as dated; `line` "" for all lines; `cause` a `Cause`, or the reason of a loss. `shortest_ns`, `longest_ns`
    bound its length, by monotonic time where both ends lie in one boot; the latter is None while it goes on.
    """

    line: str
    cause: str
    from_ns: int
    from_latest_ns: int
    to_ns: int | None
    shortest_ns: int
    longest_ns: int | None


def stretches(facts: Iterable[Fact], dated: Callable[[Instant], int], now: Instant | None = None) -> list[Stretch]:
    """Every stretch, in the order of the facts. `dated`: `Judge.dated_ns`; `now`: to see one that goes on."""
    found: list[Stretch] = []
    last: Fact | None = None
    for fact in facts:
        if fact.kind is FactKind.LOST:
            found.append(_loss(fact, dated))
        if fact.kind is FactKind.STARTED and last is not None:
            found += _between(last, fact.at, dated)
        last = fact
    if now is not None and last is not None:
        found += _going_on(last, now, dated)
    return found


def _loss(fact: Fact, dated: Callable[[Instant], int]) -> Stretch:
    until = fact.until or fact.at
    begin = dated(fact.at)
    length = max(0, until.mono_ns - fact.at.mono_ns if until.boot_id == fact.at.boot_id else dated(until) - begin)
    return Stretch(
        line=fact.line,
        cause=fact.why,
        from_ns=begin,
        from_latest_ns=begin,
        to_ns=begin + length,
        shortest_ns=length,
        longest_ns=length,
    )


def _slack_ns(last: Fact) -> int:
    """How long after its last word a recorder may still have been recording."""
    return 0 if last.kind is FactKind.STOPPED else ALIVE_EVERY_NS


def _between(last: Fact, start: Instant, dated: Callable[[Instant], int]) -> list[Stretch]:
    """From the last word of one recorder to the start of the next."""
    begin = dated(last.at)
    if last.at.boot_id == start.boot_id:
        cause = Cause.STOPPED if last.kind is FactKind.STOPPED else Cause.BROKEN_OFF
        return [_stretch(cause, begin, begin + max(0, start.mono_ns - last.at.mono_ns), _slack_ns(last))]
    end = max(begin, dated(start))
    powered_on = max(begin, end - start.mono_ns)  # the monotonic clock began with the boot
    return [
        _stretch(Cause.OFF, begin, powered_on, _slack_ns(last)),
        _stretch(Cause.BOOTING, powered_on, end, 0),
    ]


def _stretch(cause: Cause, begin: int, end: int, slack: int) -> Stretch:
    latest = min(begin + slack, end)
    return Stretch(
        line="",
        cause=cause.value,
        from_ns=begin,
        from_latest_ns=latest,
        to_ns=end,
        shortest_ns=end - latest,
        longest_ns=end - begin,
    )


def _going_on(last: Fact, now: Instant, dated: Callable[[Instant], int]) -> list[Stretch]:
    begin = dated(last.at)
    same = last.at.boot_id == now.boot_id
    silent = max(0, now.mono_ns - last.at.mono_ns if same else dated(now) - begin)
    stopped = last.kind is FactKind.STOPPED
    if same and not stopped and silent <= _OVERDUE * ALIVE_EVERY_NS:
        return []
    cause = Cause.STOPPED if stopped else Cause.BROKEN_OFF
    if not same:
        cause = Cause.OFF  # and booting still: this boot's recorder has not come
    latest = begin + min(_slack_ns(last), silent)
    shortest = silent - (latest - begin)
    return [
        Stretch(
            line="",
            cause=cause.value,
            from_ns=begin,
            from_latest_ns=latest,
            to_ns=None,
            shortest_ns=shortest,
            longest_ns=None,
        )
    ]
