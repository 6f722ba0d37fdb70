"""What the line's own signals look like on HOOK and RING: ringing, dial pulses, and speech that is neither."""

from __future__ import annotations

import itertools
import math

from hw.circuit.figures import Figure
from hw.circuit.netlist import Netlist
from hw.circuit.spice import Row, run, stretches, supplied

LOGIC = 1.65
SENSE_FILTER = 4e-3  # what software drops: an edge that does not last so long
# (V rms, Hz, DC): the rule's middle and ends, no feed at all, and a 24 V exchange.
RINGS = ((75, 16, 48), (65, 15, 42), (83, 20, 53), (75, 16, 0), (60, 25, 24))
# (pulses a second, break in ms): 10 and 20 pps at the ends of their rules.
PULSES = ((9, 64.4), (10, 67.0), (21.6, 32.4))


def ringing(netlist: Netlist) -> list[Figure]:
    counts, widths, hooks = [], [], []
    for volts, hertz, feed in RINGS:
        deck = supplied() + (
            f"Vd n 0 dc {feed}\nVr n0 n dc 0 sin(0 {volts * math.sqrt(2)} {hertz})\n"
            "Rx n0 a 400\nRy b 0 400\nXB a b BELL\n"
        )
        rows = run(netlist, deck, f"tran 0.2m {8 / hertz} 0 0.2m\nwrdata d.txt v(ring) v(hook)")["d"]
        rows = [row for row in rows if row[0] > 2 / hertz]
        pulses = stretches(rows, 1, LOGIC, above=False)
        counts.append(len(pulses))
        widths.append(min(pulses, default=0))
        hooks.append(max(stretches(rows, 2, LOGIC, above=True), default=0))
    kinds = f"{len(RINGS)} kinds, 60 to 83 V rms, 15 to 25 Hz"
    return [
        Figure("RING pulses in six cycles, fewest", min(counts), "", 5, None, kinds),
        Figure("RING pulses in six cycles, most", max(counts), "", None, 14, "twice a cycle where there is no feed"),
        Figure("RING pulse, shortest", min(widths) * 1e3, "ms", SENSE_FILTER * 1e3, None, "or the filter drops it"),
        Figure("HOOK while ringing, longest", max(hooks) * 1e3, "ms", None, 30, "off-hook is believed after 100 ms"),
    ]


def speech(netlist: Netlist) -> list[Figure]:
    """Loud dialling tones on the highest off-hook voltage."""
    deck = supplied() + (
        "Vd n 0 24\nVt n0 n dc 0 sin(0 2.19 697)\nVu n1 n0 dc 0 sin(0 1.6 1477)\nRx n1 a 300\nRt a b 600\nRy b 0 300\n"
    )
    rows = run(netlist, deck, "tran 20u 60m 0 20u\nwrdata d.txt v(ring) v(hook)")["d"]
    return [
        Figure(
            "RING while speech is loud, lowest", min(row[1] for row in rows if row[0] > 5e-3), "V", 3, None, "steady"
        ),
        Figure(
            "HOOK while speech is loud, lowest", min(row[2] for row in rows if row[0] > 20e-3), "V", 3, None, "steady"
        ),
    ]


def _edges(rows: list[Row], column: int, level: float, shortest: float) -> list[tuple[float, bool]]:
    """The changes of a contact, less those that do not last."""
    found = [(rows[0][0], rows[0][column] > level)]
    for before, after in itertools.pairwise(rows):
        if (before[column] > level) != (after[column] > level):
            found.append((after[0], after[column] > level))
    kept: list[tuple[float, bool]] = []
    for (time, state), (until, _) in zip(found, [*found[1:], (math.inf, False)], strict=True):
        if until - time >= shortest and (not kept or kept[-1][1] != state):
            kept.append((time, state))
    return kept


def dialling(netlist: Netlist) -> list[Figure]:
    """Breaks through an inductive feed (2 x 0.5 H) with a spark quench: HOOK against the contact itself."""
    delays, glitches, breaks = [], [], []
    for rate, length in PULSES:
        deck = supplied() + (
            "Vd n 0 -48\nRa a0 0 220\nRb b0 n 220\nLa a0 a 0.5\nLb b0 b 0.5\nRph a c 200\n"
            "Sd c b k 0 SWD\n.model SWD SW(vt=0.5 vh=0 ron=1 roff=1e9)\nCq c q 0.5u\nRq q b 200\n"
            f"Vk k 0 pulse(1 0 20m 10u 10u {length}m {1000 / rate}m)\n"
        )
        rows = run(netlist, deck, f"tran 0.2m {0.02 + 3 / rate} 0 0.2m\nwrdata d.txt v(k) v(hook) v(ring)")["d"]
        contact, hook = _edges(rows, 1, 0.5, 0), _edges(rows, 2, LOGIC, SENSE_FILTER)
        breaks.append(len(hook) - len(contact))
        delays += [seen[0] - made[0] for made, seen in zip(contact[1:], hook[1:], strict=False)]
        glitches.append(max(stretches(rows, 3, LOGIC, above=False), default=0))
    return [
        Figure(
            "dial-pulse edges seen less those made", max(breaks, key=abs), "", 0, 0, "10 and 20 pps at their limits"
        ),
        Figure("delay of a hook edge, least", min(delays, default=0) * 1e3, "ms", 0.4, None, "0.6 to 0.8 ms by design"),
        Figure("delay of a hook edge, most", max(delays, default=9) * 1e3, "ms", None, 1.0, "edges are timed to 2 ms"),
        Figure(
            "RING while the feed coil kicks, longest",
            max(glitches) * 1e3,
            "ms",
            None,
            SENSE_FILTER * 1e3,
            "the 4 ms filter drops it",
        ),
    ]
