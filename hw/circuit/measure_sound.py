"""What the tap hears, what it costs the line, and what the notice puts on it."""

from __future__ import annotations

import math

from hw.circuit.figures import Figure
from hw.circuit.netlist import Netlist
from hw.circuit.spice import NOMINAL, Corner, Row, dbm, decibels, nearest, nominal, run, supplied

BAND = "ac dec 40 300 3400"
PAIR = "Vs s b dc 0 ac 1\nRs s a 600\nRt a b 600\nRg b 0 1Meg\n"
BALANCED = "Vs s 0 dc 0 ac 1\nRs s a 300\nRs2 0 b 300\nRt a b 600\nRg b 0 1Meg\n"


def film(netlist: Netlist, share: float, refs: tuple[str, ...] = ("C106", "C107")) -> dict[str, float]:
    """The X2 capacitors off by a share of their tolerance."""
    return {ref: nominal(netlist.parts[ref]) * (1 + share * netlist.parts[ref].about.tolerance) for ref in refs}


def corners(netlist: Netlist) -> dict[str, Corner]:
    """The transformer from the second source at its least to the first at its most, capacitors at their tolerance."""
    return {
        "P5100 at its least, capacitors -20 %": Corner(film(netlist, -1), lp=2.8, rp=5e3),
        "nominal": NOMINAL,
        "P2001 at its most, capacitors +20 %": Corner(film(netlist, 1), lp=15, rp=40e3),
    }


def pick_up(netlist: Netlist) -> list[Figure]:
    figures = []
    for name, corner in corners(netlist).items():
        rows = run(
            netlist, supplied(corner) + PAIR, "ac dec 60 10 20k\nlet m=db(v(adc)/v(a,b))\nwrdata d.txt m", corner
        )["d"]
        middle = nearest(rows, 1000)[1]
        band = [row[1] - middle for row in rows if 299 <= row[0] <= 3401]
        worst = max(band, key=abs)
        figures += [
            Figure(f"pick-up, 300 to 3400 Hz against 1 kHz ({name})", worst, "dB", -1, 1),
            Figure(
                f"gain at 1 kHz, line to codec ({name})", middle, "dB", -8, -4, "+6 dBm stays below the codec's 1 V rms"
            ),
        ]
    rows = run(netlist, supplied() + PAIR, "ac dec 20 10 10Meg\nlet m=db(v(adc)/v(a,b))\nwrdata d.txt m")["d"]
    middle = nearest(rows, 1000)[1]
    return [
        *figures,
        Figure("ringing (16 Hz) against 1 kHz", nearest(rows, 16)[1] - middle, "dB", None, -10),
        Figure(
            "above 3 MHz against 1 kHz",
            max(row[1] for row in rows if row[0] > 3e6) - middle,
            "dB",
            None,
            -40,
            "the codec samples at 6 MHz",
        ),
    ]


def load(netlist: Netlist) -> list[Figure]:
    """What the tap takes from the line, idle, while a notice plays, and with the Pi off."""
    levels = {}
    for name, deck in (
        ("without", ""),
        ("idle", supplied()),
        ("off", supplied(on=False)),
        ("notice", supplied(inject=True)),
    ):
        rows = run(netlist, deck + BALANCED, f"{BAND}\nlet m=db(v(a,b))\nwrdata d.txt m")["d"]
        levels[name] = [row[1] for row in rows]

    def lost(name: str) -> float:
        return max(without - with_ for without, with_ in zip(levels["without"], levels[name], strict=True))

    deck = "Vs a b dc 48 ac 1\nRg b 0 1Meg\n"
    control = "ac lin 1 16 16\nlet z=mag(1/i(Vs))\nlet c=1e6/(2*3.14159*16*z)\nwrdata d.txt z c"
    (ringing,) = run(netlist, supplied() + deck, control)["d"]
    (dc,) = run(netlist, supplied(on=False) + "Vl a b 48\nRe b 0 100k\n", "op\nlet r=-48/i(Vl)\nwrdata d.txt r r")["d"][
        -1:
    ]
    return [
        Figure("insertion loss, idle, 300 to 3400 Hz", lost("idle"), "dB", None, 0.2),
        Figure("insertion loss, Pi without power", lost("off"), "dB", None, 0.2),
        Figure("insertion loss while a notice plays", lost("notice"), "dB", None, 2.5),
        Figure("DC resistance, Pi without power", dc[1] / 1e6, "Mohm", 1, None, "the rule for a set on-hook"),
        Figure("impedance at 16 Hz", ringing[1] / 1e3, "kohm", 20, None, "2 kohm is the rule, shared with the set"),
        Figure("equivalent capacitance at 16 Hz", ringing[2], "uF", None, 0.5, "3 uF is the rule, shared with the set"),
    ]


def notice(netlist: Netlist) -> list[Figure]:
    """The codec at full scale (1 V rms) onto 600 ohm at both ends; corners of photoMOS, capacitor and source."""
    base = "Rs a b 600\nRt a b 600\nRg b 0 1Meg\n"
    control = "ac dec 40 300 3400\nlet m=mag(v(a,b))\nlet p=mag(v(adc))\nwrdata d.txt m p"

    def rows(inject: bool, corner: Corner = NOMINAL, ohms: float = 0.5) -> list[Row]:
        deck = supplied(corner, inject=inject, dac="ac 1", source_ohms=ohms)
        return run(netlist, deck + base, control, corner)["d"]

    on, off = rows(True), rows(False)
    at_1k = nearest(on, 1000)
    flat = max((decibels(row[1] / at_1k[1]) for row in on), key=abs)
    weak = rows(True, Corner(film(netlist, -1, ("C113",)), ron=120), ohms=100)
    strong = rows(True, Corner(film(netlist, 1, ("C113",)), ron=20))
    levels = [dbm(nearest(r, 1000)[1]) for r in (weak, strong)]
    return [
        Figure(
            "notice on the line, codec at full scale",
            dbm(at_1k[1]),
            "dBm",
            -16,
            -8,
            "the rule for sent speech: -8 dBm mean",
        ),
        Figure("notice, weakest corner (120 ohm contacts, a 100 ohm source)", levels[0], "dBm", -16, -8),
        Figure("notice, strongest corner", levels[1], "dBm", -16, -8),
        Figure("notice, 300 to 3400 Hz against 1 kHz", flat, "dB", -2, 2),
        Figure(
            "notice switched off, codec at full scale", max(dbm(row[1]) for row in off), "dBm", None, -60, "not heard"
        ),
        Figure(
            "own notice as recorded, against 1 V rms",
            decibels(at_1k[2]),
            "dB",
            -30,
            -15,
            "proof that it was on the pair",
        ),
    ]


def _harmonics(rows: list[Row], column: int, hertz: float, start: float, end: float) -> tuple[float, float]:
    """Amplitude of the tone, and the distortion in per cent by harmonics 2 to 5, over whole periods."""
    count = 400
    amplitudes = []
    samples, i = [], 0
    for j in range(count):
        t = start + (end - start) * j / count
        while rows[i + 1][0] < t:
            i += 1
        (t0, y0), (t1, y1) = ((rows[k][0], rows[k][column]) for k in (i, i + 1))
        samples.append((t, y0 + (y1 - y0) * (t - t0) / (t1 - t0)))
    for k in range(1, 6):
        turn = 2 * math.pi * k * hertz
        in_phase = sum(y * math.cos(turn * t) for t, y in samples)
        across = sum(y * math.sin(turn * t) for t, y in samples)
        amplitudes.append(2 * math.hypot(in_phase, across) / count)
    return amplitudes[0], 100 * math.hypot(*amplitudes[1:]) / amplitudes[0]


def full_level(netlist: Netlist) -> list[Figure]:
    """+6 dBm on the line, and the codec at full scale: neither may clip anywhere."""
    wave = "tran 10u 24m 20m 5u\nwrdata d.txt {}"
    heard = run(
        netlist, supplied() + "Vt s b dc 0 sin(0 4.38 1k)\nRs s a 600\nRt a b 600\nRg b 0 1Meg\n", wave.format("v(adc)")
    )
    volts, dirt = _harmonics(heard["d"], 1, 1000, 0.021, 0.023)
    sent = run(
        netlist,
        supplied(inject=True, dac="sin(1.65 1.414 1k)") + "Rs a b 600\nRt a b 600\nRg b 0 1Meg\n",
        wave.format("v(a,b)"),
    )
    _, sent_dirt = _harmonics(sent["d"], 1, 1000, 0.021, 0.023)
    return [
        Figure("+6 dBm on the line, at the codec", volts / math.sqrt(2), "V rms", 0.5, 1.0, "full scale is 1 V rms"),
        Figure("+6 dBm on the line, distortion at the codec", dirt, "%", None, 1),
        Figure("notice at full scale, distortion on the line", sent_dirt, "%", None, 1),
    ]


def balance(netlist: Netlist) -> list[Figure]:
    """What the tap turns of a voltage on both wires into one between them, its capacitors 20 % apart the wrong way."""
    apart = Corner(film(netlist, 1, ("C106",)) | film(netlist, -1, ("C107",)))
    ends = "Vc e 0 dc 0 ac {}\nR1 e a 300\nR2 e b 300\nRt a b 600\n"
    rows = run(netlist, supplied(apart) + ends.format(1), f"{BAND}\nlet m=-db(v(a,b)+1e-12)\nwrdata d.txt m", apart)[
        "d"
    ]
    values = dict(apart.values)
    for refs, side in ((("R101", "R102", "R105"), 1), (("R103", "R104", "R106"), -1)):
        for ref in refs:
            part = netlist.parts[ref]
            values[ref] = nominal(part) * (1 + (side if ref < "R105" else -side) * part.about.tolerance)
    hum = Corner(values)
    control = "ac lin 1 50 50\nlet s=mag(v(vs))/0.0081\nlet q=1e3*mag(v(adc))\nwrdata d.txt s q"
    (humming,) = run(netlist, supplied(hum) + ends.format(30), control, hum)["d"]
    return [
        Figure(
            "longitudinal conversion loss, 300 to 3400 Hz",
            min(row[1] for row in rows),
            "dB",
            52,
            None,
            "capacitors 20 % apart",
        ),
        Figure("30 V rms 50 Hz on both wires, as line voltage", humming[1], "V", None, 2, "1 % parts, the wrong way"),
        Figure("30 V rms 50 Hz on both wires, at the codec", humming[2], "mV", None, 20, "1 % parts, the wrong way"),
    ]


def crosstalk(netlist: Netlist) -> list[Figure]:
    """Two lines of one board: 3V3A common behind 0.3 ohm and 22 uF, 5 pF between the pairs."""
    deck = "V33 v33 0 3.3\nV5 v5 0 5\nRf v33 v33A 0.3\nCf v33A 0 22u\nVm vm 0 1.65\nCx a1 a2 5p\n"
    for i in (1, 2):
        deck += (
            f"XL{i} a{i} b{i} v33 v33A v5 h{i} r{i} inj{i} d{i} c{i} s{i} LINE\n"
            f"Rc{i} c{i} vm 20k\nVi{i} inj{i} 0 {0 if i == 1 else 3.3}\nRd{i} d{i} vm 0.5\n"
            f"Rt{i} a{i} b{i} 600\nRe{i} b{i} 0 100k\n"
        )
    deck += "Vs s b1 dc 0 ac 1\nRs s a1 600\nRs2 a2 b2 600\n"
    control = f"{BAND}\nlet x=db(v(a1,b1)/v(a2,b2))\nlet y=db(v(c1)/v(c2))\nwrdata d.txt x y"
    rows = run(netlist, deck, control)["d"]
    at_1500 = nearest(rows, 1500)
    rule = "the rule between lines: 70 dB at 1500 Hz"
    return [
        Figure("crosstalk at 1500 Hz, line 1 to line 2's pair", at_1500[1], "dB", 70, None, rule),
        Figure("crosstalk at 1500 Hz, line 1 to line 2's recording", at_1500[2], "dB", 70, None, rule),
        Figure(
            "crosstalk, worst from 300 to 3400 Hz",
            min(min(row[1:]) for row in rows),
            "dB",
            60,
            None,
            "no rule there; speech is not understood",
        ),
    ]
