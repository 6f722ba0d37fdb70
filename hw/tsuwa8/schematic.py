"""tsuwa8: a carrier on the Pi's header, and four line boards of two lines each on ribbon cables.

No telephone wire comes near the carrier: the barrier is on the line boards. Sound goes from the carrier's audio headers
to the 8-channel converter (or USB interface) and back, a channel a line, each beside its ground.
"""

from __future__ import annotations

from hw.circuit.catalogue import BIDIR, INPUT, OUTPUT, SUPPLY
from hw.circuit.line import line_interface
from hw.circuit.sheet import Sheet
from hw.tsuwa2.schematic import analogue_supply, header, voltage_adc
from hw.tsuwa8.pinmap import EXPANDERS, IDC, LINES, PINS, VSENSE

# GPIO n of an expander to its pin.
MCP23017 = (*range(21, 29), *range(1, 9))
MCP23008 = tuple(range(10, 18))
A0_A1_A2 = {"MCP23017": (15, 16, 17), "MCP23008": (5, 4, 3)}


def line_net(net: str, board: int) -> str:
    """A net of line 1 or 2 of a line board as the carrier calls it: HOOK2 of board 1 is HOOK4."""
    for own in (1, 2):
        for name in ("HOOK{}", "RING{}_N", "INJ_EN{}", "VS{}", "ADC_IN{}", "DAC_OUT{}"):
            if net == name.format(own):
                return name.format(2 * board + own)
    return net


def line_board() -> Sheet:
    """Two lines behind a 20-way ribbon."""
    sheet = Sheet("tsuwa8-line")
    kinds = {
        pin: OUTPUT if net.startswith("INJ") else INPUT
        for pin, net in enumerate(IDC, 1)
        if net.startswith(("INJ", "HOOK", "RING", "VS"))
    }
    kinds |= {IDC.index(supply) + 1: SUPPLY for supply in ("3V3", "5V", "GND")}
    sheet.add("header line board", "J1", *IDC, kinds=kinds)
    analogue_supply(sheet)
    line_interface(sheet, 1)
    line_interface(sheet, 2)
    return sheet


def _expander(sheet: Sheet, ref: str, name: str) -> None:
    expander = EXPANDERS[name]
    pins = MCP23017 if expander.part == "MCP23017" else MCP23008
    nets = dict(zip(pins, expander.nets, strict=True))
    for bit, pin in enumerate(A0_A1_A2[expander.part]):
        nets[pin] = "3V3" if expander.address >> bit & 1 else "GND"
    if expander.part == "MCP23017":
        nets |= {9: "3V3", 10: "GND", 12: "I2C1_SCL", 13: "I2C1_SDA", 18: "3V3"}
        nets |= {20: expander.interrupt} if expander.interrupt else {}  # INTA, mirrored
        sheet.add("expander 16", ref, at=nets)
    else:
        sheet.add("expander 8", ref, at=nets | {1: "I2C1_SCL", 2: "I2C1_SDA", 6: "3V3", 9: "GND", 18: "3V3"})


def carrier() -> Sheet:
    """Expanders, voltage ADC, and the connectors of line boards, sound, lamps and buttons."""
    sheet = Sheet("tsuwa8-carrier")
    header(sheet, "J1", PINS, {})
    analogue_supply(sheet)
    for ref, name in (("U1", "sense"), ("U2", "inject"), ("U3", "panel")):
        _expander(sheet, ref, name)
    voltage_adc(sheet, "U4", VSENSE)
    for number, supply in enumerate(("3V3", "3V3", "3V3", "3V3A"), 2):
        sheet.add("C 100n", f"C{number}", supply, "GND")
    sheet.add("R 1k", "R1", "LED_ERR", "LED_ERR_A")
    sheet.add("lamp yellow", "D1", "GND", "LED_ERR_A")
    for board in range(len(LINES) // 2):
        nets = [line_net(net, board) for net in IDC]
        kinds = {
            pin: {"H": OUTPUT, "R": OUTPUT, "V": OUTPUT, "I": INPUT}[net[0]]
            for pin, net in enumerate(nets, 1)
            if net.startswith(("HOOK", "RING", "VS", "INJ"))
        }
        sheet.add("header line board", f"J{2 + board}", *nets, kinds=kinds)
    # Without its ribbon a line reads as dead (HOOK high) and silent, and no expander pin floats.
    for n in LINES:
        sheet.add("R 100k", f"R{50 + n}", "3V3", f"HOOK{n}")
        sheet.add("R 100k", f"R{60 + n}", "3V3", f"RING{n}_N")
    # To the converter's inputs, and from its (or a USB interface's) outputs.
    for ref, name in (("J6", "ADC_IN{}"), ("J7", "DAC_OUT{}")):
        sheet.add("header audio", ref, *(net for n in LINES for net in (name.format(n), "GND")))
    for n in LINES:
        # 1k in series with each lamp and button: a cable to a desk shorted to anything harms no pin.
        lamp, button = f"LED_REC{n}", f"BTN{n}_N"
        sheet.add("header panel", f"J{10 + n}", f"{lamp}_A", "GND", f"{button}_P", "GND", kinds={3: BIDIR})
        sheet.add("R 1k", f"R{10 + n}", lamp, f"{lamp}_A")
        sheet.add("R 1k", f"R{20 + n}", button, f"{button}_P")
        sheet.add("R 10k", f"R{30 + n}", "3V3", button)
        # Off while the expander's pins are inputs after a reset.
        sheet.add("R 10k", f"R{40 + n}", lamp, "GND")
    return sheet
