"""scripts/bench signalling: what is heard of numbers, digits and tones, beside those who would hear it otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import peersignals, signalling_fsk, signalling_line, signalling_tones, speech
from tests.bench.measure import Figure, number

PEERS = {"spandsp": "spandsp", "multimon": "multimon-ng"}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. `bursts` of FSK a figure, `keys`, `numbers` by pulses, `hours` of speech, `calls` that a
    tone ends, and `cost_s` of sound whose CPU is measured."""

    bursts: int = 200
    keys: int = 800
    numbers: int = 1000
    hours: float = 10.0
    calls: int = 30
    cost_s: float = 600.0


FULL = Scale()
QUICK = Scale(bursts=50, keys=320, numbers=200, hours=1.0, calls=10, cost_s=120.0)


def parts(folder: Path, scale: Scale) -> list[tuple[str, Callable[[], list[Figure]]]]:
    """Each with its title; the quick ones first."""
    heard = "what others make of the same signals is beside it"
    found: list[tuple[str, Callable[[], list[Figure]]]] = [
        ("end of a call by busy tone, through the whole recorder", lambda: signalling_line.ends(folder, scale.calls)),
        ("cost of all detectors together", lambda: signalling_line.costs(scale.cost_s)),
        (f"caller ID by FSK; {heard}", lambda: signalling_fsk.figures(scale.bursts)),
        (f"keys, pulses, tones; {heard}", lambda: signalling_tones.signals(scale.keys, scale.numbers)),
    ]
    if speech.available() and scale.hours:
        found.append(("speech that is no signal", lambda: signalling_tones.talk(scale.hours)))
    return found


def missing() -> list[str]:
    """Programs without which figures are left out."""
    return [
        name
        for name, there in (("espeak-ng", speech.available()), ("multimon-ng", peersignals.has_multimon()))
        if not there
    ]


def table(figures: Iterable[Figure]) -> Iterator[str]:
    """A line a figure, its peers' on the same line."""
    ours: list[tuple[Figure, list[str]]] = []
    for one in figures:
        base, _, peer = one.key.rpartition("_")
        if peer in PEERS and ours and ours[-1][0].key == base:
            ours[-1][1].append(f"{PEERS[peer]} {number(one.median)}")
        else:
            ours.append((one, []))
    for one, others in ours:
        yield one.line().replace("≤0:", "0:") + (f"  ({', '.join(others)})" if others else "")
