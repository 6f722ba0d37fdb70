"""What the line-voltage sensors do: thresholds, their spread, and every loop a set can close."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from hw.circuit.figures import Figure
from hw.circuit.netlist import Netlist
from hw.circuit.spice import NOMINAL, Corner, Row, crossings, nearest, nominal, run, supplied

LOGIC = 1.65  # half of 3.3 V: between a comparator's two levels
# TLV9064 1.6 mV, twice (VREF's buffer too), and TLV1704 3.5 mV: what resistors cannot show.
OFFSET_VOLTS = 2 * 1.6e-3 + 3.5e-3
MONTE_CARLO_SEED, MONTE_CARLO_BOARDS = 20261128, 200
SUPPLY_OFF = 0.05
ROOM_K = 35.0  # 25 °C to either end of -10 to 60 °C inside the case
# The parts that decide the thresholds, by number in the line's hundred.
STRING = (1, 2, 3, 4)
GAIN = (5, 6)
LADDER = (7, 8, 9, 10, 11, 12)
CLOSED = {"JP101": 0.01, "JP102": 0.01}


def gain(netlist: Netlist) -> float:
    """VSENSE's share of the line voltage, from the netlist's own values."""
    string = sum(nominal(netlist.parts[f"R10{i}"]) for i in (1, 2))
    return nominal(netlist.parts["R105"]) / string


def _sweep(netlist: Netlist, corner: Corner = NOMINAL, span: str = "-80 80 0.2") -> list[Row]:
    deck = supplied(corner) + "Vl a b 48\nRe b 0 100Meg\n"
    return run(netlist, deck, f"dc Vl {span}\nwrdata d.txt v(hook) v(ring) v(vs) i(Vl)", corner)["d"]


def thresholds(netlist: Netlist) -> list[Figure]:
    rows = _sweep(netlist)
    hook, ring = crossings(rows, 1, LOGIC), crossings(rows, 2, LOGIC)
    load = (nearest(rows, 53)[4] - nearest(rows, -53)[4]) / (nearest(rows, 53)[0] - nearest(rows, -53)[0])
    measured = (nearest(rows, 53)[3] - nearest(rows, -53)[3]) / 106
    closed = _sweep(netlist, Corner(values=CLOSED), "5 80 0.2")
    hook24, ring24 = crossings(closed, 1, LOGIC), crossings(closed, 2, LOGIC)
    figures = [
        Figure(
            "thresholds found (HOOK, RING, each way, and with jumpers)",
            len(hook + ring + hook24 + ring24),
            "of 6",
            6,
            6,
        ),
        Figure(
            "DC resistance between the wires, on-hook",
            -1e-6 / load,
            "Mohm",
            20,
            None,
            "1 Mohm is the rule; 20 Mohm a wire",
        ),
        Figure(
            "measured voltage, per volt of line", measured * 1e3, "mV", 8.02, 8.18, "the driver's gain, 162k over 20M"
        ),
    ]
    if len(hook) == len(ring) == 2:
        figures += [
            Figure(
                "HOOK threshold, A positive",
                hook[1],
                "V",
                29,
                33.5,
                "idle is 42 to 53 V, off-hook at the set up to 24.2 V",
            ),
            Figure("HOOK threshold, A negative", -hook[0], "V", 29, 33.5, "either polarity"),
            Figure(
                "RING threshold, A positive", ring[1], "V", 60, 70, "above any feed, below 65 V rms ringing's 92 V peak"
            ),
            Figure("RING threshold, A negative", -ring[0], "V", 60, 70, "either polarity"),
        ]
    if len(hook24) == len(ring24) == 1:
        figures += [
            Figure(
                "HOOK threshold, jumpers for 24 V closed",
                hook24[0],
                "V",
                15,
                18.5,
                "idle is 20 to 30 V, off-hook up to 13.7 V",
            ),
            Figure(
                "RING threshold, jumpers for 24 V closed",
                ring24[0],
                "V",
                45,
                58,
                "ringing at a 24 V exchange is weaker",
            ),
        ]
    return figures


def _spread(netlist: Netlist, sign: int, closed: bool) -> Corner:
    """Each resistor, the supply and the temperature at their ends, all to the same side of the threshold."""
    values = {}
    for group, side in ((STRING, 1), (GAIN, -1), ((9, 10, 13, 14), 1), ((7, 12), -1), ((8, 11), -1)):
        for i in group:
            part = netlist.parts[f"R1{i:02d}"]
            off = part.about.tolerance + part.about.drift * ROOM_K
            values[part.ref] = nominal(part) * (1 + sign * side * off)
    jumpers = CLOSED if closed else {}
    return Corner({**values, **jumpers}, celsius=25 + sign * ROOM_K, supply=3.3 * (1 + sign * SUPPLY_OFF))


def worst_case(netlist: Netlist) -> list[Figure]:
    """Every part and the supply at once at its worst, with the offsets of op-amp and comparator on top."""
    found: dict[str, list[float]] = {"HOOK": [], "RING": [], "24": []}
    for sign in (1, -1):
        rows = _sweep(netlist, _spread(netlist, sign, closed=False), "20 80 0.2")
        for name, column in (("HOOK", 1), ("RING", 2)):
            found[name] += crossings(rows, column, LOGIC)
        found["24"] += crossings(_sweep(netlist, _spread(netlist, sign, closed=True), "5 40 0.2"), 1, LOGIC)
    if [len(volts) for volts in found.values()] != [2, 2, 2]:
        return [Figure("thresholds found at the worst cases", sum(map(len, found.values())), "of 6", 6, 6)]
    off = OFFSET_VOLTS / gain(netlist)
    low = {name: min(volts) - off for name, volts in found.items()}
    high = {name: max(volts) + off for name, volts in found.items()}
    set_24 = "the highest off-hook voltage at a set of a 24 V exchange is 13.7 V"
    return [
        Figure(
            "HOOK threshold, worst case, lowest",
            low["HOOK"],
            "V",
            25,
            None,
            "the highest off-hook voltage at a set is 24.2 V",
        ),
        Figure("HOOK threshold, worst case, highest", high["HOOK"], "V", None, 40, "the lowest idle feed is 42 V"),
        Figure("HOOK threshold, worst case, lowest, jumpers closed", low["24"], "V", 14, None, set_24),
        Figure(
            "HOOK threshold, worst case, highest, jumpers closed",
            high["24"],
            "V",
            None,
            20,
            "the lowest idle feed is 20 V",
        ),
        Figure("RING threshold, worst case, lowest", low["RING"], "V", 55, None, "the highest feed is 53 V"),
        Figure(
            "RING threshold, worst case, highest",
            high["RING"],
            "V",
            None,
            85,
            "15 Hz at 65 V rms is 92 V peak, less the filter",
        ),
    ]


def monte_carlo(netlist: Netlist) -> list[Figure]:
    """Boards with every resistor drawn within its tolerance and temperature, from a fixed seed."""
    draw = random.Random(MONTE_CARLO_SEED)
    control = ["set noaskquit"]
    refs = [f"R1{i:02d}" for i in (*STRING, *GAIN, *LADDER)]
    for board in range(MONTE_CARLO_BOARDS):
        kelvin = draw.uniform(-ROOM_K, ROOM_K)
        for ref in refs:
            part = netlist.parts[ref]
            off = draw.uniform(-1, 1) * part.about.tolerance + draw.uniform(-1, 1) * part.about.drift * kelvin
            control.append(f"alter r.xl.r{ref.lower()} = {nominal(part) * (1 + off):.9g}")
        control.append(f"dc Vl 27 36 0.5\nwrdata h{board}.txt v(hook) v(vs)")
        control.append(f"dc Vl -36 -27 0.5\nwrdata n{board}.txt v(hook)")
        control.append(f"dc Vl 59 71 1\nwrdata r{board}.txt v(ring)")
    files = run(netlist, supplied() + "Vl a b 48\nRe b 0 100Meg\n", "\n".join(control))
    hook = [crossings(files[f"{way}{board}"], 1, LOGIC) for way in "hn" for board in range(MONTE_CARLO_BOARDS)]
    good = [abs(volts[0]) for volts in hook if len(volts) == 1]
    ring = [crossings(files[f"r{board}"], 1, LOGIC) for board in range(MONTE_CARLO_BOARDS)]
    rings = [volts[0] for volts in ring if len(volts) == 1]
    zero = [abs(files[f"h{b}"][0][2] - 1.65 - files[f"h{b}"][0][0] * gain(netlist)) for b in range(MONTE_CARLO_BOARDS)]
    return [
        Figure(f"HOOK thresholds found, {MONTE_CARLO_BOARDS} boards drawn", len(good), f"of {len(hook)}", len(hook)),
        Figure("HOOK threshold, lowest board", min(good, default=0), "V", 29, None, "1 % parts, -10 to 60 °C"),
        Figure("HOOK threshold, highest board", max(good, default=99), "V", None, 33.5, "1 % parts, -10 to 60 °C"),
        Figure("RING thresholds found, as many boards", len(rings), f"of {len(ring)}", len(ring)),
        Figure("RING threshold, lowest board", min(rings, default=0), "V", 60, None, "1 % parts, -10 to 60 °C"),
        Figure("RING threshold, highest board", max(rings, default=99), "V", None, 70, "1 % parts, -10 to 60 °C"),
        Figure(
            "measured voltage, error of the worst board before calibration",
            max(zero) / gain(netlist),
            "V",
            None,
            3,
            "calibrated at first power-up",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Loop:
    """One off-hook case: feed and line resistance, the set, what HOOK says, what is measured, on-hook beside it."""

    feed: int
    line: int
    hook: float
    volts: float
    idle: float
    idle_hook: float
    amps: float


FEEDS, LINES, SETS = (358, 440, 800), (0, 100, 200, 300, 500, 1000, 1500), (50, 175, 300)


def loops(netlist: Netlist, tap: tuple[str, str], battery: str, corner: Corner = NOMINAL) -> Iterator[Loop]:
    """Every feed, line and set, a battery of three voltages; tapped at `tap` (a0 b0 = exchange, a1 b1 = set)."""
    deck = supplied(corner).replace("XL a b", f"XL {tap[0]} {tap[1]}") + (
        "VB n 0 -48\nRFa a0 0 220\nRFb b0 n 220\nRLa a0 a1 1m\nRLb b0 b1 1m\nRP a1 b1 200\n"
    )
    control = []
    for feed in FEEDS:
        for line in LINES:
            name = f"{feed}_{line}.txt"
            control += [
                *(f"alter RFa = {feed / 2}", f"alter RFb = {feed / 2}"),
                *(f"alter RLa = {line / 2 + 1e-3}", f"alter RLb = {line / 2 + 1e-3}"),
                f"dc VB {battery} RP 50 300 125\nwrdata c{name} v(hook) v(vs) v(a1,b1)",
                f"dc VB {battery} RP 100Meg 101Meg 2Meg\nwrdata o{name} v(hook) v(vs)",
            ]
    files = run(netlist, deck, "\n".join(control), corner)
    share = gain(netlist)
    for feed in FEEDS:
        for line in LINES:
            closed, opened = files[f"c{feed}_{line}"], files[f"o{feed}_{line}"]
            idle = [abs(row[2] - 1.65) / share for row in opened]
            for i, row in enumerate(closed):
                ohms = SETS[i // len(opened)]
                on_hook = i % len(opened)
                yield Loop(
                    *(feed, line, row[1], abs(row[2] - 1.65) / share),
                    *(idle[on_hook], opened[on_hook][1], abs(row[3]) / ohms),
                )


# A learned threshold: this share of the idle voltage that was measured on this line.
LEARNED_SHARE = 0.92


def hook_map(netlist: Netlist) -> list[Figure]:
    """358 to 800 ohm feeds at 42 to 53 V, 0 to 1.5 kohm of line, sets of 50 to 300 ohm; at 24 V with the jumpers."""
    at_set = list(loops(netlist, ("a1", "b1"), "-53 -42 5.5"))
    at_exchange = list(loops(netlist, ("a0", "b0"), "-53 -42 5.5"))
    low = list(loops(netlist, ("a1", "b1"), "-30 -20 5", Corner(values=CLOSED)))
    missed = [case for case in at_exchange if case.hook < LOGIC]
    learned = [case for case in at_exchange if case.volts > LEARNED_SHARE * case.idle]
    everything = f"of {len(at_set)}"
    return [
        Figure(
            "loop current of the cases, least",
            min(c.amps for c in at_set) * 1e3,
            "mA",
            None,
            20,
            "cases cover 20 to 130 mA",
        ),
        Figure(
            "loop current of the cases, most",
            max(c.amps for c in at_set) * 1e3,
            "mA",
            129,
            None,
            "cases cover 20 to 130 mA",
        ),
        Figure(
            "idle lines that read off-hook, either tap, 48 and 24 V",
            sum(c.idle_hook > LOGIC for c in at_set + at_exchange + low),
            f"of {3 * len(low)}",
            None,
            0,
        ),
        Figure("off-hook missed by HOOK, tap at the set", sum(c.hook < LOGIC for c in at_set), everything, None, 0),
        Figure(
            "off-hook missed by HOOK, tap at a 24 V set, jumpers closed",
            sum(c.hook < LOGIC for c in low),
            everything,
            None,
            0,
        ),
        Figure(
            "off-hook missed by HOOK, tap at the exchange",
            len(missed),
            everything,
            49,
            49,
            "a known limit: what the measured voltage is for",
        ),
        Figure(
            "shortest line on which that happens",
            min((c.line for c in missed), default=0),
            "ohm",
            300,
            None,
            "about 1 km of 0.4 mm pair",
        ),
        Figure(
            "off-hook missed by the measured voltage, tap at the exchange",
            len(learned),
            everything,
            None,
            0,
            f"threshold {LEARNED_SHARE} of the idle voltage",
        ),
        Figure(
            "off-hook voltage over idle voltage, largest",
            max(c.volts / c.idle for c in at_exchange),
            "",
            None,
            LEARNED_SHARE - 0.05,
            "room for hum and drift",
        ),
        Figure("step of the measured voltage", 3.3 / 4096 / gain(netlist), "V", None, 0.2, "MCP3208, 12 bit"),
    ]
