"""Article 7: is the other party told, how, or which exception of paragraph 2 stands in its place.

Two calls are never spoken onto, whatever is configured: one to an emergency number, and an outbound one of which
nobody knows where it goes, because it may be one. A voice or a tone over a call to the fire brigade can cost the
seconds that item 3 of paragraph 2 (生命、身体又は財産の安全を守る必要があるためやむを得ない) is about. But item 3 is a
person's judgement of one call, not a machine's of a number: the record says `failed` with the reason, and staff may
state item 3 afterwards.
"""

from __future__ import annotations

import enum
import re

import msgspec

from tsuwaroku.config import LineNotice, NoticeDecision, NoticeKind
from tsuwaroku.records.call import Direction


class Reason(enum.StrEnum):
    """Why the other party was not told: the `reason` of a notice that failed."""

    EMERGENCY_NUMBER = "emergency_number"
    NUMBER_UNKNOWN = "number_unknown"
    CAPTURE_BEGAN_IN_CALL = "capture_began_in_call"
    CALL_ENDED_BEFORE = "call_ended_before"  # nothing had been heard of it
    CALL_ENDED_BEFORE_COMPLETION = "call_ended_before_completion"
    INTERRUPTED = "interrupted"  # cut short by a flash or by the board, and not repeated whole
    PLAYBACK_FAILED = "playback_failed"  # the board did not play, or did not say that it did


_BEFORE = r"(?:\d|00)?(?:18[46])?"  # what may stand before a number; see `is_emergency`


class NoticePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen on one call. `withheld`: nothing is played, and this is why."""

    kind: NoticeKind
    item: int | None = None
    decided_by: str | None = None
    decided_on: str | None = None
    basis: str | None = None
    withheld: Reason | None = None

    @property
    def plays(self) -> bool:
        """Whether anything is sent onto the pair."""
        return self.withheld is None and self.kind is not NoticeKind.EXEMPT

    @property
    def announces(self) -> bool:
        """Whether the first thing sent is the announcement (else the beep)."""
        return self.kind in (NoticeKind.ANNOUNCEMENT, NoticeKind.BOTH)

    @property
    def beeps(self) -> bool:
        """Whether a beep is repeated through the call."""
        return self.kind in (NoticeKind.BEEP, NoticeKind.BOTH)


def decide(line: LineNotice, direction: Direction, dialled: str | None, emergency: tuple[str, ...]) -> NoticePlan:
    """The plan for one call, made when it is answered.

    `dialled` is what was dialled, None where that is not known. An exempt call is exempt wherever it goes: nothing is
    played onto it. A call captured from its middle on (direction unknown) is planned as inbound and withheld; it is
    exempt only where every direction is, for its own is not known.
    """
    decision = _decision(line, direction)
    return NoticePlan(
        kind=decision.kind,
        item=decision.exempt_item,
        decided_by=decision.decided_by or None,
        decided_on=decision.decided_on or None,
        basis=decision.basis or None,
        withheld=_withheld(line, decision, direction, dialled, emergency),
    )


def _decision(line: LineNotice, direction: Direction) -> NoticeDecision:
    return {
        Direction.INBOUND: line.inbound,
        Direction.OUTBOUND: line.outbound,
        Direction.INTERNAL: line.internal,
        Direction.UNKNOWN: line.inbound,
    }[direction]


def _withheld(
    line: LineNotice, decision: NoticeDecision, direction: Direction, dialled: str | None, emergency: tuple[str, ...]
) -> Reason | None:
    if direction is Direction.UNKNOWN:
        every = (line.inbound, line.outbound, line.internal)
        return None if all(each.kind is NoticeKind.EXEMPT for each in every) else Reason.CAPTURE_BEGAN_IN_CALL
    if decision.kind is NoticeKind.EXEMPT:
        return None
    if dialled is not None and is_emergency(dialled, emergency, prefixed=direction is Direction.OUTBOUND):
        return Reason.EMERGENCY_NUMBER
    if direction is Direction.OUTBOUND and (not is_number(dialled) or is_begun(dialled or "", emergency)):
        return Reason.NUMBER_UNKNOWN
    return None


def is_number(dialled: str | None) -> bool:
    """Whether these are digits (also `*` and `#`) and nothing unread among them; separators do not matter."""
    return dialled is not None and re.fullmatch(r"[0-9*#]+", _plain(dialled)) is not None


def is_emergency(dialled: str, emergency: tuple[str, ...], *, prefixed: bool = True) -> bool:
    """Whether `dialled` reaches one of the `emergency` numbers.

    `prefixed`: one digit, or 00, that takes an outside line from a PBX, and 184 or 186 (withhold or show the caller's
    number), may stand before it. An extension such as 5119 is then taken for 5-119 as well: a beep too few is the
    smaller harm.
    """
    before = _BEFORE if prefixed else ""
    return any(number and re.fullmatch(before + number, _digits(dialled)) for number in map(_digits, emergency))


def is_begun(dialled: str, emergency: tuple[str, ...]) -> bool:
    """Whether more digits could make it an `emergency` number: somebody who dials slowly may be amid 119."""
    begun = {number[:n] for number in map(_digits, emergency) for n in range(len(number))}
    return any(re.fullmatch(_BEFORE + start, _digits(dialled)) for start in begun)


def _digits(number: str) -> str:
    return re.sub(r"[^0-9]", "", number)


def _plain(dialled: str) -> str:
    return re.sub(r"[-, .()]", "", dialled)
