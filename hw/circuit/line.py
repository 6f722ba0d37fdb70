"""One line: what is bridged across a pair, and nothing in series with it.

Nets of line n are called Ln_…; on the telephone's side of the barrier they are those of `netlist.TNV`. References are
in the line's hundred. The board gives 3V3, 3V3A (the same behind a ferrite), 5V and GND, and takes HOOKn, RINGn_N,
INJ_ENn, ADC_INn, DAC_OUTn and VSn.
"""

from __future__ import annotations

from collections.abc import Mapping

from hw.circuit.sheet import Sheet


class _Line:
    """Line n of a sheet: names its nets and counts its references from its hundred."""

    def __init__(self, sheet: Sheet, n: int) -> None:
        self.sheet = sheet
        self.n = n

    def on(self, net: str) -> str:
        return f"L{self.n}_{net}"

    def r(self, number: int, value: str, *nets: str) -> None:
        self.sheet.add(f"R {value}", f"R{100 * self.n + number}", *nets)

    def c(self, number: int, value: str, *nets: str) -> None:
        self.sheet.add(f"C {value}", f"C{100 * self.n + number}", *nets)

    def add(self, item: str, ref: str, *nets: str, at: Mapping[int, str] | None = None) -> None:
        self.sheet.add(item, f"{ref[:-1]}{100 * self.n + int(ref[-1])}", *nets, at=at)


def line_interface(sheet: Sheet, n: int) -> None:
    """Puts line n on the sheet."""
    line = _Line(sheet, n)
    on, add = line.on, line.add
    # From the exchange in, to the telephone out: the same two wires, so the telephone works without the recorder.
    for jack in ("J1", "J2"):
        add("jack", jack, at={2: on("A"), 3: on("B")})
    # Mains on the pair opens the fuses, a surge between the wires fires the thyristor: in the tap alone.
    add("PTC", "F1", on("A"), on("PA"))
    add("PTC", "F2", on("B"), on("PB"))
    add("SIDAC", "D1", on("PA"), on("PB"))
    _sense(line)
    _pick_up(line)
    _notice(line)


def _sense(line: _Line) -> None:
    """VSENSE = half the supply + 0.0081 of the line voltage, and two window comparators on it.

    20 Mohm a wire, because an optocoupler's current is not to be had: 1 Mohm on-hook leaves it 48 uA.
    """
    n, on, r, c, add = line.n, line.on, line.r, line.c, line.add
    for first, wire, middle, end in ((1, "PA", "M1", "SP"), (3, "PB", "M2", "SN")):
        r(first, "10M HV", on(wire), on(middle))
        r(first + 1, "10M HV", on(middle), on(end))
    # 162k and 10n: a filter of 1.6 ms, which delays an edge by 0.6 to 0.8 ms.
    r(5, "162k", on("SP"), on("VREF"))
    c(1, "10n", on("SP"), on("VREF"))
    r(6, "162k", on("SN"), on("VSENSE"))
    c(2, "10n", on("SN"), on("VSENSE"))
    # The ladder of thresholds, symmetrical about MID: ring 65 V, hook 31 V, hook -31 V, ring -65 V.
    for number, value, upper, lower in (
        (7, "34k", "3V3A", on("THRH")),
        (8, "8.25k", on("THRH"), on("THHH")),
        (9, "7.68k", on("THHH"), on("MID")),
        (10, "7.68k", on("MID"), on("THHL")),
        (11, "8.25k", on("THHL"), on("THRL")),
        (12, "34k", on("THRL"), "GND"),
    ):
        r(number, value, upper, lower)
    # Closed, for an exchange of 24 V: 17 V and 53 V, between the 14 V of a set off-hook and the 20 V of an idle line.
    r(13, "7.68k", on("THHH"), on("JPH"))
    add("jumper", "JP1", on("JPH"), on("MID"))
    r(14, "7.68k", on("JPL"), on("THHL"))
    add("jumper", "JP2", on("MID"), on("JPL"))
    c(3, "1u", on("MID"), "GND")
    # Op-amps: A line voltage, B sound, C buffers MID as VREF, D spare.
    add(
        *("quad op-amp", "U1", on("VSENSE"), on("SN"), on("SP"), "3V3A", on("T3"), on("FBG"), on("AMP")),
        *(on("VREF"), on("VREF"), on("MID"), "GND", on("MID"), on("SPARE"), on("SPARE")),
    )
    c(4, "100n", "3V3A", "GND")
    # Comparators, open collectors tied together: A and B let HOOK go while inside the hook window, C and D pull RING_N
    # while outside the ring window.
    add(
        *("quad comparator", "U2", f"HOOK{n}", f"HOOK{n}", "3V3A", on("VSENSE"), on("THHH"), on("THHL"), on("VSENSE")),
        *(on("VSENSE"), on("THRH"), on("THRL"), on("VSENSE"), "GND", f"RING{n}_N", f"RING{n}_N"),
    )
    c(5, "100n", "3V3A", "GND")
    r(15, "10k", "3V3", f"HOOK{n}")
    r(16, "10k", "3V3", f"RING{n}_N")
    # The measured voltage, for thresholds learned per line.
    r(31, "1k", on("VSENSE"), f"VS{n}")
    c(9, "10n", f"VS{n}", "GND")


def _pick_up(line: _Line) -> None:
    """Sound: 2 x (220n + 15k) into the winding, 1k behind it, then 18 times: +6 dBm is 0.8 V at the codec."""
    n, on, r, c, add = line.n, line.on, line.r, line.c, line.add
    c(6, "220n X2", on("PA"), on("Q1"))
    r(17, "15k pulse", on("Q1"), on("T1A"))
    c(7, "220n X2", on("PB"), on("Q2"))
    r(18, "15k pulse", on("Q2"), on("T1B"))
    add("transformer", "T1", on("T1A"), on("T1B"), on("T2"), on("VREF"))
    r(19, "1k", on("T2"), on("VREF"))
    add("BAT54S", "D2", "GND", "3V3A", on("T2"))
    r(22, "1k", on("T2"), on("T3"))
    r(20, "1.02k", on("FBG"), on("VREF"))
    r(21, "17.4k", on("AMP"), on("FBG"))
    c(8, "100p", on("AMP"), on("FBG"))
    r(24, "1k", on("AMP"), on("AUD"))
    c(10, "4.7n", on("AUD"), "GND")
    c(11, "1u", on("AUD"), f"ADC_IN{n}")


def _notice(line: _Line) -> None:
    """The notice: through its own winding and 2 x 680 ohm, and off both wires unless INJ_EN is high.

    The gate has its own pull-down, so a Pi that is off, booting or resetting plays nothing onto a line.
    """
    n, on, r, c, add = line.n, line.on, line.r, line.c, line.add
    c(12, "47u", f"DAC_OUT{n}", on("I1"))
    r(25, "47", on("I1"), on("I2"))
    add("BAT54S", "D3", "GND", "3V3A", on("I1"))
    add("transformer", "T2", on("J1"), on("J2"), on("I2"), on("VREF"))
    add("TVS 13V", "D4", on("J1"), on("J2"))
    r(26, "680 pulse", on("J1"), on("K1"))
    r(27, "680 pulse", on("J2"), on("K0"))
    c(13, "1u X2", on("K0"), on("K2"))
    add(
        *("photoMOS", "K1", on("LED1"), on("LED2"), on("LED2"), on("LED3")),
        *(on("K2"), on("PB"), on("K1"), on("PA")),
    )
    # A surge on both wires stands across the open contacts, through the winding's capacitance.
    add("TVS 350V", "D5", on("PA"), on("K1"))
    add("TVS 350V", "D6", on("PB"), on("K2"))
    r(28, "470", "5V", on("LED1"))
    add("BSS138", "Q1", on("G"), "GND", on("LED3"))
    r(29, "1k", f"INJ_EN{n}", on("G"))
    r(30, "10k", on("G"), "GND")
