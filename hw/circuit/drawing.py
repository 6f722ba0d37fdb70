"""Readable drawings of a line, values from the netlist. Every part that is drawn is checked to lie between the nets
that the drawing shows it between, so a picture cannot tell of a circuit that is not there.

Three sheets: what senses the voltage, what hears, what speaks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import schemdraw
import schemdraw.elements as e

from hw.circuit.netlist import Netlist, Part, hundred

Point = tuple[float, float]
BARRIER = "#c00000"


class WrongPictureError(Exception):
    """The drawing shows a part where the netlist has none, or between other nets."""


class Page:
    """A sheet of line 1."""

    def __init__(self, netlist: Netlist, title: str) -> None:
        schemdraw.use("svg")
        self.netlist = netlist
        self.drawn: set[str] = set()
        self.drawing = schemdraw.Drawing(show=False)
        self.drawing.config(fontsize=10, lw=1.2)
        self.text((0, 1.6), title, fontsize=13)

    def net(self, name: str) -> str:
        """A net of the line by its short name: PA is L1_PA where there is one."""
        return f"L1_{name}" if f"L1_{name}" in self.netlist.nets() else name

    def label(self, ref: str) -> str:
        self.drawn.add(ref)
        return f"{ref}\n{self.netlist.parts[ref].about.value}"

    def check(self, ref: str, **pins: str) -> None:
        """Raises WrongPictureError unless pin pN of the part is on the net given for it."""
        for pin, net in pins.items():
            if self.netlist.parts[ref].pins[pin[1:]] != self.net(net):
                raise WrongPictureError(
                    f"{ref} pin {pin[1:]} is on {self.netlist.parts[ref].pins[pin[1:]]}, not on {net}"
                )
        self.drawn.add(ref)

    def part(self, ref: str, kind: Any, start: Point, end: Point, nets: str, loc: str = "top", text: str = "") -> None:
        """A part of two pins from start to end, between the two nets named in `nets`."""
        if {self.net(net) for net in nets.split()} != set(self.netlist.parts[ref].pins.values()):
            raise WrongPictureError(f"{ref} is not between {nets}")
        element = kind().at(start).to(end)
        self.drawing.add(element.label(text or self.label(ref), loc=loc))
        self.drawn.add(ref)

    def wire(self, *points: Point) -> None:
        for start, end in itertools.pairwise(points):
            self.drawing.add(e.Line().at(start).to(end))

    def dot(self, *points: Point) -> None:
        for point in points:
            self.drawing.add(e.Dot().at(point))

    def text(self, point: Point, words: str, **how: Any) -> None:
        self.drawing.add(e.Label().right().at(point).label(words, **{"halign": "left", "valign": "center", **how}))

    def end(self, point: Point, name: str, loc: str = "right") -> None:
        """A wire's end, with the net it goes on as."""
        self.net(name.split()[0])
        self.drawing.add(e.Dot(open=True).at(point).label(name, loc=loc))

    def ground(self, point: Point) -> None:
        self.drawing.add(e.Ground().at(point))

    def amplifier(self, ref: str, letter: str, at: Point, plus_above: bool = True) -> tuple[Point, Point, Point]:
        """A triangle whose upper input is at `at`; gives (upper input, lower input, output)."""
        symbol = e.Opamp(leads=True).right()
        if plus_above:
            symbol = symbol.flip()
        symbol = self.drawing.add(symbol.at(at).anchor("in2" if plus_above else "in1"))
        self.text((symbol.center[0] - 0.75, symbol.center[1]), f"{ref}{letter}")
        self.drawn.add(ref)
        upper, lower = (symbol.in2, symbol.in1) if plus_above else (symbol.in1, symbol.in2)
        return tuple(upper), tuple(lower), tuple(symbol.out)

    def winding(self, ref: str, x: float, upper: float, lower: float) -> tuple[float, float]:
        """A transformer across the barrier at x, its pins led to the two heights; gives the x of its left and right."""
        middle = (upper + lower) / 2
        symbol = self.drawing.add(e.Transformer(t1=6, t2=6).right().at((x - 0.75, middle + 1.05)).anchor("p1"))
        for pin, height in (("p1", upper), ("p2", lower), ("s1", upper), ("s2", lower)):
            point = tuple(getattr(symbol, pin))
            self.wire(point, (point[0], height))
        self.text((x, upper + 0.45), self.label(ref).replace("\n", " "), halign="center")
        return symbol.p1[0], symbol.s1[0]

    def rails(self, ref: str, at: Point) -> None:
        """A double diode from a wire to both rails, in words: two symbols would hide the wire."""
        self.check(ref, p1="GND", p2="3V3A")
        self.wire(at, (at[0], at[1] - 0.9))
        self.dot(at)
        self.text((at[0], at[1] - 1.6), self.label(ref) + "\nto 3V3A, GND", halign="center")

    def margin(self, left: float, right: float, height: float) -> None:
        """Room for the words at both ends, which the drawing's own bounds leave out."""
        for x in (left, right):
            self.drawing.add(e.Line().at((x, height)).to((x, height - 0.01)).color("white"))

    def barrier(self, x: float, top: float, bottom: float) -> None:
        self.drawing.add(e.Line().at((x, top)).to((x, bottom)).linestyle("--").color(BARRIER))
        self.text((x - 0.3, top), "telephone line (TNV-3)", halign="right", color=BARRIER)
        self.text((x + 0.3, top), "Raspberry Pi (SELV)", color=BARRIER)

    def tap(self, upper: float, lower: float, x: float) -> None:
        """The pair with its jacks, fuses and thyristor, out to x."""
        for ref in ("J101", "J102"):
            self.check(ref, p2="A", p3="B")
        self.end((0, upper), "A (J101 exchange,\nJ102 telephone)", "left")
        self.end((0, lower), "B (the jacks wired\nstraight through)", "left")
        self.part("F101", e.Fuse, (0, upper), (2.4, upper), "A PA")
        self.part("F102", e.Fuse, (0, lower), (2.4, lower), "B PB")
        self.wire((2.4, upper), (x, upper))
        self.wire((2.4, lower), (x, lower))
        self.part("D101", e.Diac, (3.2, upper), (3.2, lower), "PA PB", loc="bottom")
        self.dot((3.2, upper), (3.2, lower))
        self.text((3.9, upper + 0.35), "PA")
        self.text((3.9, lower - 0.35), "PB")

    def svg(self) -> str:
        # A white ground: in a dark viewer black lines on nothing are nothing.
        text: str = self.drawing.get_imagedata("svg").decode()
        head = text.index(">", text.index("<svg")) + 1
        return text[:head] + '<rect x="-1000" y="-1000" width="10000" height="10000" fill="white"/>' + text[head:]


def sense(netlist: Netlist) -> Page:
    """The line voltage: 20 Mohm a wire, a difference amplifier, the ladder of thresholds and four comparators."""
    page = Page(netlist, "Line 1: voltage, hook and ringing (line 2 is the same in the 200s)")
    page.tap(-1, -4, 6)
    for ref, mid, y, x0 in (("R101", "PA M1", -1, 6.0), ("R103", "PB M2", -4, 6.0)):
        page.part(ref, e.Resistor, (x0, y), (x0 + 2.2, y), mid)
    page.barrier(9.2, 0.4, -5.4)
    for ref, nets, y in (("R102", "M1 SP", -1), ("R104", "M2 SN", -4)):
        page.wire((8.2, y), (10.2, y))
        page.part(ref, e.Resistor, (10.2, y), (12.4, y), nets)
    page.wire((12.4, -1), (16.6, -1))
    page.wire((12.4, -4), (13.4, -4))
    page.check("U101", p3="SP", p2="SN", p1="VSENSE")
    upper, lower, out = page.amplifier("U101", "A", (17.2, -1))
    page.wire((16.6, -1), upper)
    page.wire((13.4, -4), (13.4, lower[1]), lower)
    page.part("R105", e.Resistor, (14.2, -1), (14.2, 1), "SP VREF", loc="bottom")
    page.part("C101", e.Capacitor, (15.8, -1), (15.8, 1), "SP VREF", loc="bottom")
    page.wire((14.2, 1), (15.8, 1))
    page.end((14.2, 1), "VREF", "left")
    page.dot((14.2, -1), (15.8, -1), (13.4, -4))
    sx = out[0] + 0.6
    page.wire(out, (sx + 1.2, out[1]))
    page.end((sx + 1.2, out[1]), "VSENSE = VREF + 0.0081 · V(A,B)")
    page.part("R106", e.Resistor, (13.4, -4), (sx, -4), "SN VSENSE")
    page.wire((13.4, -4), (13.4, -5.6))
    page.part("C102", e.Capacitor, (13.4, -5.6), (sx, -5.6), "SN VSENSE")
    page.wire((sx, -5.6), (sx, out[1]))
    page.dot((sx, out[1]), (sx, -4))
    page.part("R131", e.Resistor, (sx + 2.4, -4), (sx + 4.6, -4), "VSENSE VS1")
    page.end((sx + 2.4, -4), "VSENSE", "left")
    page.part("C109", e.Capacitor, (sx + 4.9, -4), (sx + 4.9, -5.6), "VS1 GND", loc="bottom")
    page.wire((sx + 4.6, -4), (sx + 5.6, -4))
    page.dot((sx + 4.9, -4))
    page.ground((sx + 4.9, -5.6))
    page.end((sx + 5.6, -4), "VS1 to the voltage ADC")
    _ladder(page, 2.0, -8.0)
    _comparators(page, 19.5, -8.6)
    page.margin(-3.2, sx + 11.0, 0)
    return page


def _ladder(page: Page, x: float, top: float) -> None:
    """Six resistors from supply to ground, the jumpers' two beside the middle."""
    y = top
    page.drawing.add(e.Vdd().at((x, y)).label("3V3A"))
    rungs = (
        ("R107", "3V3A THRH", "THRH  +65 V"),
        ("R108", "THRH THHH", "THHH  +31 V"),
        ("R109", "THHH MID", "MID"),
        ("R110", "MID THHL", "THHL  −31 V"),
        ("R111", "THHL THRL", "THRL  −65 V"),
        ("R112", "THRL GND", ""),
    )
    heights = {}
    for ref, nets, name in rungs:
        page.part(ref, e.Resistor, (x, y), (x, y - 2), nets, loc="top")
        y -= 2
        heights[nets.split()[1]] = y
        if nets.split()[1] != "GND":
            page.dot((x, y))
        if name:
            page.text((x - 0.3, y), name, halign="right")
    page.ground((x, y))
    hh, mid, hl = heights["THHH"], heights["MID"], heights["THHL"]
    page.wire((x, hh), (x + 2.6, hh))
    page.part("R113", e.Resistor, (x + 2.6, hh), (x + 4.6, hh), "THHH JPH")
    page.part("JP101", e.Switch, (x + 4.6, hh), (x + 4.6, mid), "JPH MID", loc="bottom")
    page.part("JP102", e.Switch, (x + 4.6, mid), (x + 4.6, hl), "MID JPL", loc="bottom")
    page.wire((x, hl), (x + 2.6, hl))
    page.part("R114", e.Resistor, (x + 2.6, hl), (x + 4.6, hl), "JPL THHL")
    page.wire((x, mid), (x + 9.0, mid))
    page.dot((x + 4.6, mid), (x + 7.2, mid))
    page.part("C103", e.Capacitor, (x + 7.2, mid), (x + 7.2, mid - 1.8), "MID GND", loc="bottom")
    page.ground((x + 7.2, mid - 1.8))
    page.check("U101", p10="MID", p9="VREF", p8="VREF", p12="MID", p13="SPARE", p14="SPARE", p4="3V3A", p11="GND")
    _upper, lower, out = page.amplifier("U101", "C", (x + 9.0, mid))
    page.wire(out, (out[0], lower[1] - 0.9), (lower[0], lower[1] - 0.9), lower)
    page.wire(out, (out[0] + 0.5, out[1]))
    page.dot(out)
    page.end((out[0] + 0.5, out[1]), "VREF")
    page.check("C104", p1="3V3A", p2="GND")
    page.check("C105", p1="3V3A", p2="GND")
    words = "closed for an exchange of 24 V: ±17 V and ±53 V\n" + ", ".join(
        page.label(ref).replace("\n", " ") for ref in ("C104", "C105")
    )
    page.text(
        (x + 2.6, hl - 1.6), words + " beside U101, U102\nU101D idles on MID; both are fed from 3V3A", valign="top"
    )


def _comparators(page: Page, x: float, top: float) -> None:
    """Two windows: open collectors tied together, one pull-up each."""
    page.check("U102", p3="3V3A", p12="GND")
    rows: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("A", "THHH", "VSENSE", {"p5": "THHH", "p4": "VSENSE", "p2": "HOOK1"}),
        ("B", "VSENSE", "THHL", {"p7": "VSENSE", "p6": "THHL", "p1": "HOOK1"}),
        ("C", "THRH", "VSENSE", {"p9": "THRH", "p8": "VSENSE", "p14": "RING1_N"}),
        ("D", "VSENSE", "THRL", {"p11": "VSENSE", "p10": "THRL", "p13": "RING1_N"}),
    )
    outs = []
    for i, (letter, plus, minus, pins) in enumerate(rows):
        page.check("U102", **pins)
        y = top - 3 * i
        upper, lower, out = page.amplifier("U102", letter, (x, y))
        page.end(upper, plus, "left")
        page.end(lower, minus, "left")
        outs.append(out)
    for i, (ref, net, words) in enumerate(
        (
            ("R115", "HOOK1", "HOOK1: high while |V(A,B)| < 31 V"),
            ("R116", "RING1_N", "RING1_N: low while |V(A,B)| > 65 V"),
        )
    ):
        first, second = outs[2 * i], outs[2 * i + 1]
        bus = first[0] + 0.8
        middle = (first[1] + second[1]) / 2
        page.wire(first, (bus, first[1]), (bus, second[1]), second)
        page.wire((bus, middle), (bus + 2.2, middle))
        page.part(ref, e.Resistor, (bus + 1.2, middle), (bus + 1.2, middle + 2), f"3V3 {net}", loc="bottom")
        page.drawing.add(e.Vdd().at((bus + 1.2, middle + 2)).label("3V3"))
        page.dot((bus, middle), (bus + 1.2, middle))
        page.end((bus + 2.2, middle), words)


def sound(netlist: Netlist) -> Page:
    """The pick-up: two capacitors and resistors into the winding, amplifier, codec."""
    page = Page(netlist, "Line 1: sound")
    top, low = -1.0, -5.0
    page.tap(top, low, 5.4)
    for y, nets, c, r in ((top, ("PA Q1", "Q1 T1A"), "C106", "R117"), (low, ("PB Q2", "Q2 T1B"), "C107", "R118")):
        page.part(c, e.Capacitor, (5.4, y), (7.6, y), nets[0])
        page.part(r, e.Resistor, (7.6, y), (9.8, y), nets[1])
    page.check("T101", p1="T1A", p3="T1B", p6="T2", p4="VREF")
    page.barrier(11.6, 0.5, -6.4)
    left, right = page.winding("T101", 11.6, top, low)
    page.wire((9.8, top), (left, top))
    page.wire((9.8, low), (left, low))
    page.wire((right, top), (17.0, top))
    page.wire((right, low), (14.2, low))
    page.part("R119", e.Resistor, (14.2, top), (14.2, low), "T2 VREF", loc="bottom")
    page.end((14.2, low), "VREF")
    page.check("D102", p1="GND", p2="3V3A", p3="T2")
    page.rails("D102", (16.2, top))
    page.part("R122", e.Resistor, (17.0, top), (19.2, top), "T2 T3")
    page.check("U101", p5="T3", p6="FBG", p7="AMP")
    upper, lower, out = page.amplifier("U101", "B", (19.6, top))
    page.wire((19.2, top), upper)
    foot = lower[1] - 1.6
    page.wire(lower, (lower[0], foot))
    page.part("R120", e.Resistor, (lower[0], foot), (lower[0], foot - 2), "FBG VREF")
    page.end((lower[0], foot - 2), "VREF")
    ox = out[0] + 0.5
    page.part("R121", e.Resistor, (lower[0], foot), (ox, foot), "AMP FBG")
    page.wire((lower[0] + 0.01, foot), (lower[0] + 0.4, foot), (lower[0] + 0.4, foot - 1.5))
    page.part("C108", e.Capacitor, (lower[0] + 0.4, foot - 1.5), (ox, foot - 1.5), "AMP FBG")
    page.wire((ox, foot - 1.5), (ox, out[1]))
    page.wire(out, (ox, out[1]))
    page.dot((lower[0], foot), (ox, foot), (ox, out[1]), (14.2, top), (14.2, low), (lower[0] + 0.4, foot))
    page.part("R124", e.Resistor, (ox, out[1]), (ox + 2.2, out[1]), "AMP AUD")
    page.part("C110", e.Capacitor, (ox + 2.5, out[1]), (ox + 2.5, out[1] - 1.8), "AUD GND", loc="bottom")
    page.ground((ox + 2.5, out[1] - 1.8))
    page.wire((ox + 2.2, out[1]), (ox + 2.8, out[1]))
    page.dot((ox + 2.5, out[1]))
    page.part("C111", e.Capacitor, (ox + 2.8, out[1]), (ox + 5.0, out[1]), "AUD ADC_IN1")
    page.end((ox + 5.0, out[1]), "ADC_IN1")
    page.margin(-3.2, ox + 7.4, 0)
    return page


def notice(netlist: Netlist) -> Page:
    """The announcement: codec, winding, photoMOS, and what keeps it off."""
    page = Page(netlist, "Line 1: notice")
    top, low = -1.0, -6.0
    page.tap(top, low, 5.6)
    page.check("K101", p8="PA", p7="K1", p6="PB", p5="K2", p1="LED1", p2="LED2", p3="LED2", p4="LED3")
    for y, words, clamp, nets in ((top, "K101 (8, 7)", "D105", "PA K1"), (low, "K101 (6, 5)", "D106", "PB K2")):
        page.drawing.add(e.Switch().at((5.6, y)).to((8.4, y)).label(words, loc="top"))
        page.wire((5.6, y), (5.6, y - 1.5))
        page.part(clamp, e.Diac, (5.6, y - 1.5), (8.4, y - 1.5), nets, text=" ")
        page.text((7.0, y - 2.8), page.label(clamp), halign="center")
        page.wire((8.4, y - 1.5), (8.4, y))
        page.dot((5.6, y), (8.4, y))
    page.part("R126", e.Resistor, (8.4, top), (13.2, top), "K1 J1")
    page.part("C113", e.Capacitor, (8.4, low), (10.6, low), "K2 K0")
    page.part("R127", e.Resistor, (10.6, low), (13.2, low), "K0 J2")
    page.part("D104", e.Diac, (13.2, top), (13.2, low), "J1 J2")
    page.dot((13.2, top), (13.2, low))
    page.barrier(16.0, 0.5, -11.6)
    page.check("T102", p1="J1", p3="J2", p6="I2", p4="VREF")
    left, right = page.winding("T102", 16.0, top, low)
    page.wire((13.2, top), (left, top))
    page.wire((13.2, low), (left, low))
    page.wire((right, low), (18.0, low))
    page.end((18.0, low), "VREF")
    page.wire((right, top), (17.4, top))
    page.part("R125", e.Resistor, (17.4, top), (19.6, top), "I2 I1")
    page.check("D103", p1="GND", p2="3V3A", p3="I1")
    page.rails("D103", (20.6, top))
    page.wire((19.6, top), (21.8, top))
    page.part("C112", e.Capacitor, (21.8, top), (24.0, top), "DAC_OUT1 I1")
    page.end((24.0, top), "DAC_OUT1")
    y = -10.0
    page.drawing.add(e.Vdd().at((17.2, y)).label("5V"))
    page.part("R128", e.Resistor, (17.2, y), (19.4, y), "5V LED1")
    page.drawing.add(e.LED().at((19.4, y)).to((21.4, y)).label("K101 (1, 2)", loc="top"))
    page.drawing.add(e.LED().at((21.4, y)).to((23.4, y)).label("K101 (3, 4)", loc="top"))
    page.check("Q101", p1="G", p2="GND", p3="LED3")
    fet = page.drawing.add(e.NFet().right().reverse().at((24.6, y - 1.2)).anchor("drain"))
    page.text((24.9, y - 1.9), page.label("Q101"))
    page.wire((23.4, y), (24.6, y), tuple(fet.drain))
    page.ground(tuple(fet.source))
    gate = tuple(fet.gate)
    page.wire(gate, (22.6, gate[1]))
    page.part("R130", e.Resistor, (22.6, gate[1]), (22.6, gate[1] - 2), "G GND", loc="bottom")
    page.ground((22.6, gate[1] - 2))
    page.dot((22.6, gate[1]))
    page.part("R129", e.Resistor, (20.2, gate[1]), (22.6, gate[1]), "INJ_EN1 G")
    page.end((20.2, gate[1]), "INJ_EN1", "left")
    page.text((5.0, -10), page.label("K101").replace("\n", " ") + ": two contacts, both open unless INJ_EN1 is high")
    page.margin(-3.2, 27.6, 0)
    return page


def board(netlist: Netlist) -> Page:
    """What is on the board beside its lines: each part with the net on each pin."""
    page = Page(netlist, f"{netlist.name}: everything beside the lines")
    own = [part for part in netlist.parts.values() if hundred(part.ref) == 0]
    x, y, lowest = 3.5, -1.0, 0.0
    for part in sorted((p for p in own if len(p.pins) > 4), key=lambda p: -len(p.pins)):
        half = -(-len(part.pins) // 2)
        if x > 30:
            x, y = 3.5, lowest - 3
        _box(page, part, x, y, half)
        lowest = min(lowest, y - 0.5 * half)
        x += 10.5
    x, y = 2.5, lowest - 3.5
    for part in sorted(
        (p for p in own if len(p.pins) <= 4),
        key=lambda p: (p.about.prefix, int(p.ref.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))),
    ):
        _row(page, part, x, y)
        x += 7.0
        if x > 36:
            x, y = 2.5, y - 2.2
    page.margin(-1, 41, 0)
    return page


def _box(page: Page, part: Part, x: float, y: float, half: int) -> None:
    """A rectangle with the pins' names inside, numbers at its edges and nets outside."""
    pins, step, width = part.about.pins, 0.5, 4.6
    page.drawing.add(e.Rect(corner1=(0, 0), corner2=(width, -step * (half + 0.4))).at((x, y)))
    page.text((x + width / 2, y + 0.45), page.label(part.ref).replace("\n", " "), halign="center")
    two_rows = part.about.prefix == "J"  # a header's odd pins are on one side, a chip's go round
    for i, (number, name, _) in enumerate(pins):
        left = i % 2 == 0 if two_rows else i < half
        row = i // 2 if two_rows else (i if i < half else len(pins) - 1 - i)
        at, net = y - step * (row + 0.7), part.pins[number] or "–"
        edge, out, align = (x, x - 0.3, "right") if left else (x + width, x + width + 0.3, "left")
        page.wire((edge, at - 0.12), (out, at - 0.12))
        page.text((out - 0.1 if left else out + 0.1, at), net, halign=align, fontsize=8)
        inside = f"{number} {name}" if left else f"{name} {number}"
        page.text((edge + 0.15 if left else edge - 0.15, at), inside, halign="left" if left else "right", fontsize=8)


_SYMBOL = {"R": e.Resistor, "C": e.Capacitor, "FB": e.Inductor, "D": e.LED, "SW": e.Button}


def _row(page: Page, part: Part, x: float, y: float) -> None:
    """A small part between its nets; a connector or oscillator as a list of them."""
    symbol = _SYMBOL.get(part.about.prefix)
    nets = [net or "–" for net in part.pins.values()]
    if symbol is None:
        page.text((x - 1.2, y), page.label(part.ref).replace("\n", " ") + ":", fontsize=9)
        page.text(
            (x - 1.2, y - 0.5), ", ".join(f"{p} {net}" for p, net in zip(part.pins, nets, strict=True)), fontsize=7
        )
        return
    if part.about.prefix == "D":
        nets.reverse()  # drawn from anode to cathode
    page.text((x - 0.1, y), nets[0], halign="right", fontsize=8)
    page.drawing.add(symbol().at((x, y)).to((x + 2, y)).label(page.label(part.ref), loc="top", fontsize=8))
    page.text((x + 2.1, y), nets[1], fontsize=8)


SHEETS: dict[str, Callable[[Netlist], Page]] = {"voltage": sense, "sound": sound, "notice": notice}


def drawings(netlist: Netlist) -> dict[str, Page]:
    """File name less ".svg" → sheet: the board's own, and those of a line where the board has lines."""
    lines = {f"line-{name}": sheet(netlist) for name, sheet in SHEETS.items()} if netlist.line(1) else {}
    return {netlist.name: board(netlist), **lines}
