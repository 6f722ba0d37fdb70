"""An office that never closes, for a machine without a board: calls come, go, are missed, parked and marked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from zlib import crc32

from tsuwaroku.clock import NS
from tsuwaroku.exchange.render import CallLine
from tsuwaroku.exchange.timeline import CallPlan, Timeline, timeline

# Numbers that are nobody's: the style of examples.
_NUMBERS = ("0312345678", "0612345678", "09012345678", "117", "5678")
_SHORTEST_S, _LONGEST_S = 8.0, 40.0


def office(lines: Sequence[str] = ("1", "2", "3", "4"), seed: int = 1) -> list[CallLine]:
    """Endless lines: about half the calls come in, a quarter go out, the rest is missed or given up.

    The first call of each line begins within seconds, the lines' one after another. The same seed gives the same day.
    """
    return [
        CallLine(line, _day(line, random.Random(crc32(line.encode()) ^ seed), 2.0 + 3.0 * n), None)
        for n, line in enumerate(lines)
    ]


def _day(line: str, rng: random.Random, at_s: float) -> Iterator[Timeline]:
    at_ns = int(at_s * NS)
    first = True
    while True:
        plan = _call(line, rng, at_ns, answered=first or rng.random() < 0.8)
        if first:  # an answered call, short enough to land in the ring while somebody is still watching
            plan = replace(plan, direction="inbound", dial="", rings=1, talk_ns=plan.talk_ns // 4 + 7 * NS, flash_ns=())
        call = timeline(plan)
        yield call
        first = False
        # Longer than any hang-up rule (2.5 s) and the 6 s after which ringing is missed.
        at_ns = max(call.last_ns, call.ended_ns) + int(rng.uniform(7.0, 15.0) * NS)


def _call(line: str, rng: random.Random, at_ns: int, *, answered: bool) -> CallPlan:
    talk_s = rng.uniform(_SHORTEST_S, _LONGEST_S)
    outbound = rng.random() < 0.3
    flash_s = rng.uniform(3.0, talk_s - 3.0)
    press_s = rng.uniform(2.0, talk_s + 3.0)
    flashes = answered and rng.random() < 0.15
    marked = answered and rng.random() < 0.15
    return CallPlan(
        line=line,
        at_ns=at_ns,
        direction="outbound" if outbound else "inbound",
        rings=rng.randint(1, 3),
        talk_ns=int(talk_s * NS) if answered else 0,
        seed=rng.getrandbits(32),
        dial=rng.choice(_NUMBERS) if outbound else "",
        dialling=rng.choice(("dtmf", "dtmf", "pulse10", "pulse20")) if outbound else "dtmf",
        press_ns=(int(press_s * NS),) if marked else (),
        flash_ns=(int(flash_s * NS),) if flashes else (),
    )
