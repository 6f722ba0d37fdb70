"""The telephones of a city hall's counter at real density: what rings, how long people talk, what the record must say.

How many calls: what the store is planned for, 1,200 a day on eight lines (facts: 36,000 in thirty days), from 8:30 to
17:15. How long: nobody has published it for such lines; a log-normal length with a median of 75 s (mean 103 s, one in
a hundred over 8 minutes) makes a line busy for half of the day, which is much.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from tsuwaroku.clock import NS, from_iso
from tsuwaroku.events import ButtonPressed
from tsuwaroku.exchange.render import CallLine
from tsuwaroku.exchange.timeline import CallPlan, Timeline, timeline
from tsuwaroku.records.call import CallRecord

DAY_S = 8.75 * 3600
CALLS_A_DAY = 1200 / 8  # a line
MEDIAN_TALK_S, SPREAD, LONGEST_TALK_S = 75.0, 0.8, 1500.0
# Longer than any hang-up rule (2.5 s) and the 6 s after which ringing is missed.
SHORTEST_PAUSE_S = 7.0
NUMBERS = ("0312345678", "0612345678", "09012345678", "117", "5678")

# An edge is pulled at its millisecond and bounces for up to 12; the kernel gives it the time of its tick.
EDGE_NS = 20_000_000
# When a call that was placed is answered is inferred from its sound; what is sure is that it was dialled before.
INFERRED_NS = 15 * NS


@dataclass
class Office:
    """Lines at work for `seconds` from each of the `mornings` on (seconds of the world's time), and what was planned on
    each. The seed says it all, where the calls themselves are not given."""

    lines: Sequence[str]
    seconds: float
    seed: int
    calls: list[Timeline] = field(default_factory=list)
    mornings: Sequence[float] = (0.0,)

    def __post_init__(self) -> None:
        for line in self.lines if not self.calls else ():
            rng = random.Random(crc32(line.encode()) ^ self.seed)
            for morning in self.mornings:
                self.calls += _day(line, rng, morning, self.seconds)
        self.calls.sort(key=lambda call: (call.plan.at_ns, call.plan.line))

    def sources(self) -> list[CallLine]:
        """For a world; at the same density for ever quiet afterwards."""
        return [CallLine(line, [c for c in self.calls if c.plan.line == line], None) for line in self.lines]


def _day(line: str, rng: random.Random, begin_s: float, seconds: float) -> Iterator[Timeline]:
    mean_talk_s = MEDIAN_TALK_S * math.exp(SPREAD**2 / 2)
    mean_pause_s = DAY_S / CALLS_A_DAY - 0.85 * mean_talk_s - 12.0 - SHORTEST_PAUSE_S  # 12 s until it is answered
    at_s = begin_s + rng.uniform(3.0, 30.0)
    while True:
        call = timeline(_plan(line, rng, at_s))
        if call.last_ns > (begin_s + seconds - 10.0) * NS:
            return
        yield call
        at_s = call.last_ns / NS + SHORTEST_PAUSE_S + rng.expovariate(1 / mean_pause_s)


def _plan(line: str, rng: random.Random, at_s: float) -> CallPlan:
    talk_s = min(LONGEST_TALK_S, max(4.0, rng.lognormvariate(math.log(MEDIAN_TALK_S), SPREAD)))
    answered = rng.random() < 0.85
    outbound = rng.random() < 0.3
    given_up = outbound and not answered
    flashes = answered and talk_s > 20.0 and rng.random() < 0.1
    presses = answered and talk_s > 20.0 and rng.random() < 0.1
    return CallPlan(
        line=line,
        at_ns=round(at_s * 1000) * 1_000_000,
        direction="outbound" if outbound else "inbound",
        # Who gives up does so at once: 4 s off-hook without ring-back are an answer (facts, call states).
        rings=0 if given_up else rng.randint(1, 4),
        talk_ns=round(talk_s * 1000) * 1_000_000 if answered else 0,
        seed=rng.getrandbits(32),
        dial="117" if given_up else rng.choice(NUMBERS) if outbound else "",
        dialling=rng.choice(("dtmf", "dtmf", "pulse10", "pulse20")) if outbound and answered else "dtmf",
        press_ns=(round(rng.uniform(10.0, talk_s - 2.0) * 1000) * 1_000_000,) if presses else (),
        flash_ns=(round(rng.uniform(9.0, talk_s - 3.0) * 1000) * 1_000_000,) if flashes else (),
    )


def off_hook_ns(call: Timeline) -> int | None:
    """When the receiver of the line itself was lifted; None where nobody did."""
    return call.plan.at_ns if call.plan.dial else call.answered_ns


def differences(wanted: Sequence[Timeline], found: Sequence[CallRecord], origin_ns: int) -> list[str]:
    """Records against what the exchange did; `origin_ns` is the Unix time of the world's time 0. Empty = as it was."""
    told = [(call.line, call.direction.value, call.outcome.value) for call in found]
    asked = [(call.plan.line, call.plan.direction, _outcome(call)) for call in wanted]
    if told != asked:
        return [f"the calls are {told}, not {asked}"]
    return [
        f"line {want.plan.line} at {want.plan.at_ns / NS:.1f} s: {text}"
        for want, call in zip(wanted, found, strict=True)
        for text in _one(want, call, origin_ns)
    ]


def _outcome(call: Timeline) -> str:
    if call.answered_ns is not None:
        return "answered"
    return "abandoned" if call.plan.dial else "missed"


def _one(want: Timeline, call: CallRecord, origin_ns: int) -> Iterator[str]:
    late_ns = INFERRED_NS if want.plan.dial else EDGE_NS
    for what, text, wanted_ns, within_ns in (
        ("seized", call.seized_at, want.plan.at_ns, EDGE_NS),
        ("answered", call.answered_at, want.answered_ns, late_ns),
        ("ended", call.ended_at, want.ended_ns, EDGE_NS),
    ):
        found_ns = None if text is None else from_iso(text) - origin_ns
        if wanted_ns is None or found_ns is None:
            if wanted_ns is not found_ns:
                yield f"{what} at {found_ns}, not {wanted_ns}"
        elif abs(found_ns - wanted_ns) > within_ns:
            yield f"{what} {(found_ns - wanted_ns) / 1e6:+.1f} ms off"
    zero_ns = from_iso(call.answered_at or call.seized_at) - origin_ns
    presses = [event.mono_ns - zero_ns for event in want.events if isinstance(event, ButtonPressed)]
    marks = [round((mark.at_s or 0.0) * NS) for mark in call.marks]
    if len(marks) != len(presses) or any(abs(a - b) > EDGE_NS for a, b in zip(marks, presses, strict=False)):
        yield f"marks at {marks}, not {presses}"
    plain = (call.integrity.value, call.ended_by, call.audio.gaps, len(call.flashes), call.continues)
    if plain != ("sealed", "hook", [], len(want.plan.flash_ns), None):
        yield f"is {plain}"
