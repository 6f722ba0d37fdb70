"""What interrupts two people who talk: flashes and what is dialled after them, breaks, keys of either end, a call."""

from __future__ import annotations

from tsuwaroku.events import Contact
from tsuwaroku.exchange.announcing import send
from tsuwaroku.exchange.draft import Draft
from tsuwaroku.exchange.plan import MS
from tsuwaroku.exchange.tones import ALERTING

_DIAL_TONE_AFTER_NS = 300 * MS
_THINK_NS = 1200 * MS
_CONNECT_NS = 1000 * MS
_WAITING_NS = 500 * MS  # the first burst of the waiting tone
_ALERT_AFTER_NS, _ALERT_NS = 200 * MS, 80 * MS
_ACK_AFTER_NS, _ACK_NS = 100 * MS, 60 * MS  # GR-30: the set acknowledges with the key D
_DATA_AFTER_NS = 100 * MS


def in_call(draft: Draft, answered_ns: int) -> list[tuple[int, int]]:
    """Puts it all onto the line; gives the stretches in which nobody talks."""
    plan = draft.plan
    cuts: list[tuple[int, int]] = []
    for n, flash_ns in enumerate(plan.flash_ns):
        start_ns = answered_ns + flash_ns
        end_ns = draft.flash(start_ns)
        if plan.flash_dial[n : n + 1] and plan.flash_dial[n]:
            end_ns = _consult(draft, end_ns, plan.flash_dial[n])
        cuts.append((start_ns, end_ns))
    for at_ns, length_ns in plan.breaks:
        start_ns = answered_ns + at_ns
        draft.edge(Contact.HOOK, False, start_ns, pairs=1, most_ms=1.5)
        draft.edge(Contact.HOOK, True, start_ns + length_ns, pairs=1, most_ms=1.5)
        cuts.append((start_ns, start_ns + length_ns))
    for far, sent in ((False, plan.keys), (True, plan.far_dtmf)):
        for at_ns, keys in sent:
            cuts.append((answered_ns + at_ns, draft.keys(keys, answered_ns + at_ns, far=far)))
    cuts += [(answered_ns + at_ns, _waits(draft, answered_ns + at_ns)) for at_ns in plan.waiting_ns]
    return sorted(cuts)


def _consult(draft: Draft, now_ns: int, digits: str) -> int:
    """The exchange gives its own dial tone, a colleague is dialled, rings once and is there."""
    begun_ns = now_ns + _DIAL_TONE_AFTER_NS
    draft.signal(draft.plan.pbx.dial_tone or "dial", begun_ns, begun_ns + _THINK_NS)
    return draft.ring_back(1, draft.digits(digits, begun_ns + _THINK_NS) + _CONNECT_NS)


def _waits(draft: Draft, now_ns: int) -> int:
    """A second call knocks; with `waiting_id` it says who it is."""
    now_ns = draft.signal("waiting", now_ns, now_ns + _WAITING_NS)
    caller = draft.plan.waiting_id
    if caller is None:
        return now_ns
    now_ns += _ALERT_AFTER_NS
    if not caller.by_keys:
        draft.tone(ALERTING, now_ns, now_ns + _ALERT_NS)
        now_ns = draft.keys("D", now_ns + _ALERT_NS + _ACK_AFTER_NS, on_ns=_ACK_NS, pause_ns=_DATA_AFTER_NS)
    return send(draft, caller, now_ns, waiting=True)
