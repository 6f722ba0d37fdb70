"""How a call that comes in says who is calling, before, between or in front of its rings.

Facts: NTT rings with a CAR of 0.5/0.5 s, a terminal closes the loop (the primary answer), hears the data and opens it
again, and the line rings 1/2 s; without a primary answer it does so after 6 s. The polarity reversal before the CAR
has no contact on any board, so nothing is rendered of it.
"""

from __future__ import annotations

from tsuwaroku.events import Contact
from tsuwaroku.exchange.callerid import CallerId
from tsuwaroku.exchange.draft import Draft
from tsuwaroku.exchange.plan import MS
from tsuwaroku.exchange.sound import NS_PER_SAMPLE, to_sample
from tsuwaroku.exchange.tones import ALERTING

CAR_ON_NS, CAR_CYCLE_NS = 500 * MS, 1000 * MS
_NO_PRIMARY_CARS = 6  # the 6 s after which a normal call follows
_PRIMARY_AFTER_NS = 200 * MS  # after the CAR: a terminal closes the loop in its pause
_DATA_AFTER_NS = 300 * MS
_OPEN_AFTER_NS = 200 * MS  # the terminal has its data
_RING_AFTER_NS = 1000 * MS
_GAP_NS = 500 * MS  # between ring and data, either way
_ALERT_NS, _ALERT_GAP_NS = 100 * MS, 100 * MS
_KEY_NS = 70 * MS  # an exchange's keys are short


def announce(draft: Draft) -> tuple[int, int | None]:
    """What comes before the first ring: when that comes and, if the primary answer is the answer, when it was."""
    plan, caller = draft.plan, draft.plan.caller_id
    if caller is None:
        return plan.at_ns, None
    if caller.standard == "jclip":
        return _double_answer(draft, caller)
    if not caller.before_ring:
        return plan.at_ns, None
    now_ns = plan.at_ns
    if caller.standard == "etsi":
        draft.tone(ALERTING, now_ns, now_ns + _ALERT_NS)
        now_ns += _ALERT_NS + _ALERT_GAP_NS
    return send(draft, caller, now_ns) + _GAP_NS, None


def announce_between(draft: Draft, ring_end_ns: int) -> int | None:
    """What comes after the first ring; gives its end, or None where nothing does."""
    caller = draft.plan.caller_id
    if caller is None or caller.standard == "jclip" or caller.before_ring:
        return None
    return send(draft, caller, ring_end_ns + _GAP_NS)


def send(draft: Draft, caller: CallerId, now_ns: int, *, waiting: bool = False) -> int:
    """The message itself; gives its end."""
    if caller.by_keys:
        keys = caller.keys()
        draft.sent = keys.encode("ascii")
        return draft.keys(keys, now_ns, on_ns=_KEY_NS, pause_ns=_KEY_NS)
    burst = caller.burst(to_sample(now_ns), draft.plan.impair, waiting=waiting)
    draft.sent = caller.frame()
    draft.sounds.append(burst)
    return burst.end * NS_PER_SAMPLE


def _double_answer(draft: Draft, caller: CallerId) -> tuple[int, int | None]:
    at_ns = draft.plan.at_ns
    cars = caller.cars if caller.primary else _NO_PRIMARY_CARS
    for n in range(cars):
        draft.ring(at_ns + n * CAR_CYCLE_NS, at_ns + n * CAR_CYCLE_NS + CAR_ON_NS)
    if not caller.primary:
        return at_ns + cars * CAR_CYCLE_NS, None
    closed_ns = at_ns + (cars - 1) * CAR_CYCLE_NS + CAR_ON_NS + _PRIMARY_AFTER_NS
    draft.edge(Contact.HOOK, True, closed_ns)
    if not caller.fsk:
        return closed_ns, closed_ns
    opened_ns = send(draft, caller, closed_ns + _DATA_AFTER_NS) + _OPEN_AFTER_NS
    draft.edge(Contact.HOOK, False, opened_ns)
    draft.primary_ns = closed_ns, opened_ns
    draft.quiet_ns = opened_ns
    return opened_ns + _RING_AFTER_NS, None
