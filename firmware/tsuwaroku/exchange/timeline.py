"""One call as a plan, and what the plan does to a line: edges, presses and sounds, all at fixed times.

Times are integers: nanoseconds for contacts, samples for sound.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from tsuwaroku.clock import NS
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.sound import (
    DIAL_TONE,
    RING_BACK,
    RING_BACK_BEAT_HZ,
    RINGING,
    Sound,
    Tone,
    dtmf,
    to_sample,
)
from tsuwaroku.exchange.voice import Conversation
from tsuwaroku.exchange.wav import Recorded, Wav

MS = 1_000_000
Direction = Literal["inbound", "outbound", "internal"]
Dialling = Literal["dtmf", "pulse10", "pulse20"]

RING_ON_NS, RING_CYCLE_NS = NS, 3 * NS  # facts: ring and ring-back 1 s on, 2 s off
ANSWER_AFTER_NS = 800 * MS  # the hand that reaches for the receiver, after the last ring
FLASH_NS = 600 * MS  # facts: PBXs accept a flash from 300-384 ms to 1.25 s
SHORTEST_TALK_NS = 200 * MS  # facts: off-hook of 150 ms is an answer
_DIAL_TONE_AFTER_NS = 300 * MS
_THINK_NS = 1500 * MS  # from off-hook to the first digit
_CONNECT_NS = NS  # from the last digit to the first ring-back
_KEY_NS, _KEY_CYCLE_NS = 100 * MS, 200 * MS  # facts: on >= 50, pause >= 30, cycle >= 120 ms
# Facts: pulses 10 a second: break 52.7-77.8, make 27.3-46.7, pause >= 600 ms;
# 20 a second: break 29.6-38, make 13.9-19.6, pause >= 450 ms.
_PULSES: dict[str, tuple[int, int, int]] = {
    "pulse10": (66 * MS, 34 * MS, 700 * MS),
    "pulse20": (33 * MS, 17 * MS, 550 * MS),
}


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What is to happen. `talk_ns` 0 = nobody answers. `press_ns` and `flash_ns` count from the answer.

    With `dial`, the line's own set places the call; without, the line rings `rings` times. For a placed call
    `rings` are heard as ring-back. `far` and `near` replace the synthetic voices.
    """

    line: str
    at_ns: int
    direction: Direction
    rings: int
    talk_ns: int
    seed: int
    dial: str = ""
    dialling: Dialling = "dtmf"
    press_ns: tuple[int, ...] = ()
    flash_ns: tuple[int, ...] = ()
    far: Wav | None = None
    near: Wav | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A call on its line, in stream time. `ended_ns`: hang-up, or the end of the last ring nobody answered."""

    plan: CallPlan
    answered_ns: int | None
    ended_ns: int
    events: tuple[ContactEdge | ButtonPressed, ...]
    sounds: tuple[Sound, ...]

    @property
    def last_ns(self) -> int:
        """The last event; a press may follow the hang-up."""
        return max(self.ended_ns, self.events[-1].mono_ns)


def bounced(
    line: str,
    contact: Contact,
    active: bool,
    at_ns: int,
    rng: random.Random,
    *,
    pairs: int = 2,
    apart_ms: tuple[float, float] = (0.5, 3.0),
) -> list[ContactEdge]:
    """A contact that closes or opens at `at_ns`: that edge, and up to `pairs` pairs of bounces after it."""
    edges = [ContactEdge(line, contact, active, at_ns)]
    for n in range(2 * rng.randint(min(1, pairs), pairs)):
        at_ns += int(rng.uniform(*apart_ms) * MS)
        edges.append(ContactEdge(line, contact, active if n % 2 else not active, at_ns))
    return edges


def timeline(plan: CallPlan) -> Timeline:
    """Work a plan out. The same plan gives the same edges and sounds, to the nanosecond and the bit."""
    draft = _Draft(plan)
    ready_ns = draft.dial() if plan.dial else draft.ring()
    if not plan.talk_ns:
        return draft.finish(None, ready_ns)
    answered_ns = ready_ns + ANSWER_AFTER_NS
    draft.talk(answered_ns)
    return draft.finish(answered_ns, answered_ns + plan.talk_ns)


class _Draft:
    """The edges and sounds of a call while they are collected."""

    def __init__(self, plan: CallPlan) -> None:
        self.plan = plan
        self.rng = random.Random(plan.seed)
        self.events: list[ContactEdge | ButtonPressed] = []
        self.sounds: list[Sound] = []

    def edge(self, contact: Contact, active: bool, at_ns: int, pairs: int = 2, most_ms: float = 3.0) -> None:
        self.events += bounced(self.plan.line, contact, active, at_ns, self.rng, pairs=pairs, apart_ms=(0.5, most_ms))

    def tone(self, sines: tuple[tuple[float, float], ...], start_ns: int, end_ns: int, beat_hz: float = 0.0) -> None:
        self.sounds.append(Tone(to_sample(start_ns), to_sample(end_ns), sines, beat_hz))

    def ring(self) -> int:
        """The line rings; gives the end of the last ring."""
        for n in range(self.plan.rings):
            start_ns = self.plan.at_ns + n * RING_CYCLE_NS
            self.edge(Contact.RING, True, start_ns)
            self.edge(Contact.RING, False, start_ns + RING_ON_NS)
            self.tone(RINGING, start_ns, start_ns + RING_ON_NS)
        return self.plan.at_ns + (self.plan.rings - 1) * RING_CYCLE_NS + RING_ON_NS

    def dial(self) -> int:
        """Off-hook, dial tone until the first digit, digits, ring-back; gives the end of the last ring-back."""
        plan = self.plan
        self.edge(Contact.HOOK, True, plan.at_ns)
        now_ns = plan.at_ns + _THINK_NS
        self.tone(DIAL_TONE, plan.at_ns + _DIAL_TONE_AFTER_NS, now_ns)
        now_ns = self._keys(now_ns) if plan.dialling == "dtmf" else self._pulses(now_ns)
        now_ns += _CONNECT_NS
        for n in range(plan.rings):
            start_ns = now_ns + n * RING_CYCLE_NS
            self.tone(RING_BACK, start_ns, start_ns + RING_ON_NS, RING_BACK_BEAT_HZ)
        return now_ns + (plan.rings - 1) * RING_CYCLE_NS + RING_ON_NS if plan.rings else now_ns

    def _keys(self, now_ns: int) -> int:
        for key in self.plan.dial:
            self.tone(dtmf(key), now_ns, now_ns + _KEY_NS)
            now_ns += _KEY_CYCLE_NS
        return now_ns

    def _pulses(self, now_ns: int) -> int:
        break_ns, make_ns, pause_ns = _PULSES[self.plan.dialling]
        for digit in self.plan.dial:
            for _ in range(int(digit) or 10):
                # A dial's contact is cleaner than a hook switch; and 20 a second leave it 14 ms to settle.
                self.edge(Contact.HOOK, False, now_ns, pairs=1, most_ms=1.5)
                self.edge(Contact.HOOK, True, now_ns + break_ns, pairs=1, most_ms=1.5)
                now_ns += break_ns + make_ns
            now_ns += pause_ns
        return now_ns

    def talk(self, answered_ns: int) -> None:
        """Off-hook where the line rang, voices, flashes, presses."""
        plan = self.plan
        if not plan.dial:
            self.edge(Contact.HOOK, True, answered_ns)
        mutes: list[tuple[int, int]] = []
        for flash_ns in plan.flash_ns:
            start_ns = answered_ns + flash_ns
            self.edge(Contact.HOOK, False, start_ns)
            self.edge(Contact.HOOK, True, start_ns + FLASH_NS)
            mutes.append((to_sample(start_ns), to_sample(start_ns + FLASH_NS)))
        start, end, cuts = to_sample(answered_ns), to_sample(answered_ns + plan.talk_ns), tuple(mutes)
        for wav in (plan.far, plan.near):
            if wav is not None:
                self.sounds.append(Recorded(start, end, wav.open(), cuts))
        near, far = plan.near is None, plan.far is None
        if near or far:
            self.sounds.append(Conversation(start, end, plan.seed, not plan.dial, near, far, cuts))
        self.events += [ButtonPressed(plan.line, answered_ns + press_ns) for press_ns in plan.press_ns]

    def finish(self, answered_ns: int | None, ended_ns: int) -> Timeline:
        """Hang up, if off-hook."""
        if answered_ns is not None or self.plan.dial:
            self.edge(Contact.HOOK, False, ended_ns)
        events = tuple(sorted(self.events, key=lambda event: event.mono_ns))
        return Timeline(self.plan, answered_ns, ended_ns, events, tuple(self.sounds))
