"""What a plan does to a line: edges, presses and sounds, all at fixed times.

Times are integers: nanoseconds for contacts, samples for sound.
"""

from __future__ import annotations

from dataclasses import dataclass

from tsuwaroku.clock import NS
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.announcing import announce, announce_between
from tsuwaroku.exchange.draft import FLASH_NS, RING_CYCLE_NS, RING_ON_NS, Draft, bounced
from tsuwaroku.exchange.impaired import factor, spoiled
from tsuwaroku.exchange.plan import MS, CallPlan, Dialling, Direction
from tsuwaroku.exchange.sound import Sound, to_sample
from tsuwaroku.exchange.talking import in_call
from tsuwaroku.exchange.voice import Conversation
from tsuwaroku.exchange.wav import Recorded

__all__ = ["FLASH_NS", "SHORTEST_TALK_NS", "CallPlan", "Dialling", "Direction", "Timeline", "bounced", "timeline"]

ANSWER_AFTER_NS = 800 * MS  # the hand that reaches for the receiver, after the last ring
SHORTEST_TALK_NS = 200 * MS  # facts: off-hook of 150 ms is an answer
_DIAL_TONE_AFTER_NS = 300 * MS
_SECOND_TONE_NS = NS  # an outside line's dial tone is listened to for this long
_THINK_NS = 1500 * MS  # from off-hook to the first digit
_CONNECT_NS = NS  # from the last digit to the first ring-back
_REDIAL_AFTER_NS = 800 * MS  # a wrong digit is noticed, and the hook flashed
_TONE_AFTER_NS = 300 * MS  # the other end hung up: the exchange's tone


@dataclass(frozen=True, slots=True)
class Timeline:
    """A call on its line, in stream time. `ended_ns`: hang-up, or the end of the last ring nobody answered.

    `primary_ns`: (closed, opened) of a primary answer. `talked_ns`: the talk's end, before any tones of the exchange.
    `sent`: the octets or, by DTMF, the keys that carried the caller's number.
    """

    plan: CallPlan
    answered_ns: int | None
    ended_ns: int
    events: tuple[ContactEdge | ButtonPressed, ...]
    sounds: tuple[Sound, ...]
    primary_ns: tuple[int, int] | None = None
    talked_ns: int | None = None
    sent: bytes = b""

    @property
    def last_ns(self) -> int:
        """The last event; a press may follow the hang-up."""
        return max([self.ended_ns, *(event.mono_ns for event in self.events[-1:])])


def timeline(plan: CallPlan) -> Timeline:
    """Work a plan out. The same plan gives the same edges and sounds, to the nanosecond and the bit."""
    draft = Draft(plan)
    answered_ns: int | None = None
    if plan.placed:
        ready_ns = _dial(draft)
    else:
        ring_ns, answered_ns = announce(draft)  # answered where the primary answer was a person's
        ready_ns = _ring(draft, ring_ns) if plan.rings and answered_ns is None else draft.quiet_ns
    if not plan.talk_ns:
        return _finish(draft, None, draft.tones(plan.end_tones, ready_ns))
    if answered_ns is None:
        answered_ns = ready_ns + ANSWER_AFTER_NS
        if not plan.placed:
            draft.edge(Contact.HOOK, True, answered_ns)
    talked_ns = answered_ns + plan.talk_ns
    _talk(draft, answered_ns, talked_ns)
    tones_ns = talked_ns + _TONE_AFTER_NS if plan.end_tones else talked_ns
    return _finish(draft, answered_ns, draft.tones(plan.end_tones, tones_ns), talked_ns)


def _ring(draft: Draft, now_ns: int) -> int:
    """The line rings; gives when a hand may reach for the receiver: the end of the last ring, or of what follows it."""
    plan = draft.plan
    end_ns = now_ns
    for n in range(plan.rings):
        draft.ring(now_ns, now_ns + RING_ON_NS)
        end_ns = now_ns + RING_ON_NS
        now_ns += RING_CYCLE_NS
        if n == 0 and (sent_ns := announce_between(draft, end_ns)) is not None:
            now_ns = max(now_ns, sent_ns + 200 * MS)
            end_ns = sent_ns if plan.rings == 1 else end_ns
    return end_ns


def _dial(draft: Draft) -> int:
    """Off-hook, dial tone until the first digit, digits, ring-back; gives the end of the last ring-back."""
    plan = draft.plan
    draft.edge(Contact.HOOK, True, plan.at_ns)
    if not plan.dial:
        return plan.at_ns + _DIAL_TONE_AFTER_NS
    now_ns = plan.at_ns + _THINK_NS
    draft.signal(plan.pbx.dial_tone or "dial", plan.at_ns + _DIAL_TONE_AFTER_NS, now_ns)
    if plan.pbx.outside:
        begun_ns = draft.digits(plan.pbx.outside, now_ns) + _DIAL_TONE_AFTER_NS
        now_ns = begun_ns + _SECOND_TONE_NS
        draft.signal("dial", begun_ns, now_ns)
    now_ns = draft.digits(plan.dial, now_ns)
    if plan.redial:
        begun_ns = draft.flash(now_ns + _REDIAL_AFTER_NS) + _DIAL_TONE_AFTER_NS
        now_ns = begun_ns + _THINK_NS
        draft.signal(plan.pbx.dial_tone or "dial", begun_ns, now_ns)
        now_ns = draft.digits(plan.redial, now_ns)
    now_ns += _CONNECT_NS
    return draft.ring_back(plan.rings, now_ns)


def _talk(draft: Draft, answered_ns: int, talked_ns: int) -> None:
    """Voices, and what interrupts them: flashes, keys, a waiting call; presses."""
    plan, impair = draft.plan, draft.plan.impair
    cuts = tuple((to_sample(begin), to_sample(stop)) for begin, stop in in_call(draft, answered_ns))
    start, end = to_sample(answered_ns), to_sample(talked_ns)
    near_gain, far_gain = factor(impair.near_db), factor(impair.far_db)
    for wav, gain in ((plan.far, far_gain), (plan.near, near_gain)):
        if wav is not None:
            draft.sounds.append(Recorded(start, end, wav.open(), cuts, gain))
    near, far = plan.near is None, plan.far is None
    if near or far:
        gains = (near_gain, far_gain)
        draft.sounds.append(Conversation(start, end, plan.seed, not plan.placed, near, far, cuts, gains))
    draft.events += [ButtonPressed(plan.line, answered_ns + press_ns) for press_ns in plan.press_ns]


def _finish(draft: Draft, answered_ns: int | None, ended_ns: int, talked_ns: int | None = None) -> Timeline:
    """Hang up, if off-hook; then what is wrong with sensors and line."""
    plan = draft.plan
    if (answered_ns is not None or plan.placed) and plan.stuck_hook != "off":
        draft.edge(Contact.HOOK, False, ended_ns)
    events = tuple(sorted(draft.seen(), key=lambda event: event.mono_ns))
    last_ns = max([ended_ns, *(event.mono_ns for event in events[-1:])])
    sounds = spoiled(draft.sounds, plan.impair, plan.seed, to_sample(plan.at_ns), to_sample(last_ns))
    return Timeline(plan, answered_ns, ended_ns, events, sounds, draft.primary_ns, talked_ns, draft.sent)
