"""Whether the keys of one [[call]] agree with each other. Each fault is one ScriptError."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from tsuwaroku.clock import NS
from tsuwaroku.errors import ScriptError
from tsuwaroku.exchange.callerid import check
from tsuwaroku.exchange.draft import Draft
from tsuwaroku.exchange.plan import CallPlan
from tsuwaroku.exchange.tables import CallTable
from tsuwaroku.exchange.talking import in_call


def check_call(call: CallTable, where: str) -> None:
    """Before a plan is made of it. Raises ScriptError."""
    for caller, place in ((call.caller_id, where), (call.waiting_id, f"{where}: waiting_id")):
        if caller is not None:
            check(caller, place)
    _check_dialling(call, where)
    _check_caller(call, where)


def check_talk(plan: CallPlan, where: str) -> None:
    """One thing after the other, and all of it within the talk. Raises ScriptError."""
    busy = in_call(Draft(plan), 0)
    for (begin, end), (following, _) in pairwise([*busy, (plan.talk_ns, 0)]):
        if end > following:
            raise ScriptError(
                f"what happens in the talk at {begin / NS} s lasts until {end / NS:.3f} s, too long",
                where=where,
                remedy="leave more time after it",
            )


def _check_dialling(call: CallTable, where: str) -> None:
    fault, remedy = "", ""
    if call.direction == "outbound" and not call.dial and (call.answer or not call.end_tones):
        fault, remedy = "dial: an outbound call needs a number", 'add e.g. dial = "0123456"'
    elif call.direction == "inbound" and (call.dial or (call.dialling and not any(call.flash_dial))):
        fault, remedy = "dial: an inbound call dials nothing", 'remove it, or set direction = "outbound"'
    elif call.dialling and not (call.dial or any(call.flash_dial)):
        fault, remedy = "dialling: nothing is dialled", "add dial, or remove dialling"
    elif not re.fullmatch(r"[0-9*#]{0,64}", call.dial):
        fault, remedy = f"dial: {call.dial!r} cannot be dialled", "use up to 64 of 0-9, * and #"
    elif call.dialling in ("pulse10", "pulse20") and (other := _unpulsed([call.dial, call.redial, *call.flash_dial])):
        fault, remedy = f"dial: {other!r} cannot be pulsed", 'use the digits 0-9, or dialling = "dtmf"'
    elif call.redial and not call.dial:
        fault, remedy = "redial: nothing was dialled before", "add dial, or remove redial"
    elif len(call.flash_dial) > len(call.flash):
        fault, remedy = "flash_dial: more to dial than flashes", "add a flash for each"
    if fault:
        raise ScriptError(fault, where=where, remedy=remedy)


def _check_caller(call: CallTable, where: str) -> None:
    fault, remedy = "", ""
    placed = bool(call.dial) or call.direction == "outbound"
    caller = call.caller_id
    double = caller is not None and caller.standard == "jclip"
    if not placed and not call.rings and not double:
        fault, remedy = "rings: a line that does not ring has no call", "ring at least once"
    elif not placed and not call.rings and call.answer and call.talk != 0 and caller is not None and caller.fsk:
        fault, remedy = "rings: nobody answers what does not ring", "ring at least once, or answer = false"
    elif caller is not None and placed:
        fault, remedy = "caller_id: only a call that comes in has a caller's number", "remove it"
    elif caller is not None and not caller.fsk and (not call.answer or call.talk == 0):
        fault, remedy = "caller_id: a primary answer without data is the answer", "remove answer = false, or fsk"
    elif call.waiting_id is not None and not call.waiting:
        fault, remedy = "waiting_id: no call is waiting", "add e.g. waiting = [5.0], or remove it"
    elif call.waiting_id is not None and not (call.waiting_id.primary and call.waiting_id.fsk):
        fault, remedy = "waiting_id: in a call there is no primary answer", "remove primary and fsk"
    elif not placed and not call.answer and call.end_tones:
        fault, remedy = "end_tones: a line that is not off-hook hears none", "remove them"
    if fault:
        raise ScriptError(fault, where=where, remedy=remedy)


def _unpulsed(numbers: Sequence[str]) -> str:
    """The first that has more than digits."""
    return next((number for number in numbers if number and not number.isdecimal()), "")
