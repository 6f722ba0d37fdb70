"""録音不能: the stretches in which the box could not record, from what its journal says. Pure.

A recorder says when it starts and when it stops, that it is alive each `ALIVE_EVERY_NS`, and what of it failed. Cut
off, it can say nothing: then the stretch began between its last word and the next one it owed, and both are told. Facts
come in the order they were written, never by their wall times.
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
    ALIVE = "alive"  # its own record, or any other of the recorder
    FAILED = "failed"  # from now on nothing of a line, or of all, could be recorded: the recorder goes on
    RESTORED = "restored"
    LOST = "lost"  # told afterwards, for while it lasted nothing could be written


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact, as of `at`. `line`: of FAILED and RESTORED, "" for all. Of LOST: `since` is where it began, and what
    came in the first `waits_ns` of it was kept in memory."""

    kind: FactKind
    at: Instant
    since: Instant | None = None
    waits_ns: int = 0
    line: str = ""


class Cause(enum.StrEnum):
    OFF = "off"  # without power, or shut down
    BOOTING = "booting"  # powered on, before the recorder ran
    STOPPED = "stopped"  # by somebody, on a running machine
    BROKEN_OFF = "broken_off"  # the recorder ended without a word on a running machine
    CAPTURE = "capture"  # no sound card
    STORAGE = "storage"  # no disk


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing could be recorded from `from_ns`, or as late as `from_latest_ns`, until `to_ns` (None: it goes on).

    Unix ns, as dated; `line` "" for all lines. `shortest_ns`, `longest_ns`
    bound its length, by monotonic time where both ends lie in one boot; the latter is None while it goes on.
    """

    line: str
    cause: Cause
    from_ns: int
    from_latest_ns: int
    to_ns: int | None
    shortest_ns: int
    longest_ns: int | None


def stretches(facts: Iterable[Fact], dated: Callable[[Instant], int], now: Instant | None = None) -> list[Stretch]:
    """Every stretch, in the order in which they ended. `dated`: `Judge.dated_ns`; `now`: to see one that goes on."""
    found: list[Stretch] = []
    failing: dict[str, Fact] = {}  # by line: since when
    last: Fact | None = None
    for fact in facts:
        if fact.kind is FactKind.LOST:
            found.append(_loss(fact, dated))
        elif fact.kind is FactKind.FAILED:
            failing.setdefault(fact.line, fact)
        elif fact.kind is FactKind.RESTORED and fact.line in failing:
            found.append(_failed(failing.pop(fact.line), fact.at, dated))
        elif fact.kind is FactKind.STARTED and last is not None:
            found += [_failed(one, last.at, dated) for one in failing.values()]
            found += _between(last, fact.at, dated)
            failing.clear()
        last = fact
    if now is not None and last is not None:
        gone = _going_on(last, now, dated)
        found += [_failed(one, last.at if gone else None, dated, now) for one in failing.values()]
        found += gone
    return found


def note(facts: list[Fact], fact: Fact) -> None:
    """One more fact, as far as `stretches` goes by it: of words that a recorder is alive, the last in a row. So the
    years of a journal are some hundred facts."""
    if facts and facts[-1].kind is FactKind.ALIVE and fact.kind is FactKind.ALIVE:
        facts[-1] = fact
    else:
        facts.append(fact)


def _loss(fact: Fact, dated: Callable[[Instant], int]) -> Stretch:
    begin = fact.since or fact.at
    return _stretch(Cause.STORAGE, dated(begin), dated(begin) + _ns(begin, fact.at, dated), fact.waits_ns, fact.line)


def _failed(fact: Fact, until: Instant | None, dated: Callable[[Instant], int], now: Instant | None = None) -> Stretch:
    begin = dated(fact.at)
    if until is not None:
        return _stretch(Cause.CAPTURE, begin, begin + _ns(fact.at, until, dated), 0, fact.line)
    silent = 0 if now is None else _ns(fact.at, now, dated)
    return Stretch(
        line=fact.line,
        cause=Cause.CAPTURE,
        from_ns=begin,
        from_latest_ns=begin,
        to_ns=None,
        shortest_ns=silent,
        longest_ns=None,
    )


def _ns(begin: Instant, end: Instant, dated: Callable[[Instant], int]) -> int:
    """From the one to the other: by monotonic time where both lie in one boot."""
    return max(0, end.mono_ns - begin.mono_ns if begin.boot_id == end.boot_id else dated(end) - dated(begin))


def _slack_ns(last: Fact) -> int:
    """How long after its last word a recorder may still have been recording."""
    return 0 if last.kind is FactKind.STOPPED else ALIVE_EVERY_NS


def _between(last: Fact, start: Instant, dated: Callable[[Instant], int]) -> list[Stretch]:
    """From the last word of one recorder to the start of the next."""
    begin = dated(last.at)
    if last.at.boot_id == start.boot_id:
        cause = Cause.STOPPED if last.kind is FactKind.STOPPED else Cause.BROKEN_OFF
        return [_stretch(cause, begin, begin + _ns(last.at, start, dated), _slack_ns(last))]
    end = max(begin, dated(start))
    powered_on = max(begin, end - start.mono_ns)  # the monotonic clock began with the boot
    return [
        _stretch(Cause.OFF, begin, powered_on, _slack_ns(last)),
        _stretch(Cause.BOOTING, powered_on, end, 0),
    ]


def _stretch(cause: Cause, begin: int, end: int, slack: int, line: str = "") -> Stretch:
    latest = min(begin + slack, end)
    return Stretch(
        line=line,
        cause=cause,
        from_ns=begin,
        from_latest_ns=latest,
        to_ns=end,
        shortest_ns=end - latest,
        longest_ns=end - begin,
    )


def _going_on(last: Fact, now: Instant, dated: Callable[[Instant], int]) -> list[Stretch]:
    begin = dated(last.at)
    same = last.at.boot_id == now.boot_id
    silent = _ns(last.at, now, dated)
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
            cause=cause,
            from_ns=begin,
            from_latest_ns=latest,
            to_ns=None,
            shortest_ns=shortest,
            longest_ns=None,
        )
    ]
