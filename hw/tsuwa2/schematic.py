"""tsuwa2: two lines, codec, voltage ADC and ID EEPROM on a board for the 40-pin header."""

from __future__ import annotations

from hw.circuit.catalogue import BIDIR, INPUT, OUTPUT, SUPPLY
from hw.circuit.line import line_interface
from hw.circuit.sheet import Sheet
from hw.tsuwa2.pinmap import AUDIO, HEADER, PINS, VSENSE, Row

POWER = {1: "3V3", 17: "3V3", 2: "5V", 4: "5V", **dict.fromkeys((6, 9, 14, 20, 25, 30, 34, 39), "GND")}
ID_NETS = {0: "ID_SD", 1: "ID_SC"}
# What a pin is to the rule check: seen from the board the Pi's output is an output, its supply a supply (once).
KIND = {"in": INPUT, "out": OUTPUT, "io": BIDIR}
FIRST_OF_SUPPLY = (1, 2, 6)


def header(sheet: Sheet, ref: str, rows: list[Row], also: dict[int, str]) -> None:
    """The Pi's header with the pins of the table on their nets; `also` are BCM numbers the table leaves out."""
    nets = {HEADER[row.bcm]: row.net for row in rows} | {HEADER[bcm]: net for bcm, net in also.items()} | POWER
    kinds = {HEADER[row.bcm]: KIND[row.direction] for row in rows} | {HEADER[bcm]: BIDIR for bcm in also}
    kinds |= dict.fromkeys(FIRST_OF_SUPPLY, SUPPLY)
    sheet.add("header Pi", ref, at=nets, kinds=kinds)


def analogue_supply(sheet: Sheet) -> None:
    """3V3A: the Pi's 3V3 through a ferrite, 22 uF behind it."""
    sheet.add("ferrite", "FB1", "3V3", "3V3A")
    sheet.power("3V3A")
    sheet.add("C 22u", "C1", "3V3A", "GND")


def voltage_adc(sheet: Sheet, ref: str, channels: dict[int, str]) -> None:
    """The MCP3208; a channel nobody uses is on GND."""
    nets = [channels.get(channel, "GND") for channel in range(8)]
    sheet.add(
        *("voltage ADC", ref, *nets, "GND", "SPI0_CE0", "SPI0_MOSI", "SPI0_MISO", "SPI0_SCLK", "GND", "3V3A", "3V3A")
    )


def tsuwa2() -> Sheet:
    sheet = Sheet("tsuwa2")
    header(sheet, "J1", PINS, ID_NETS)
    # ID EEPROM, written once with WP bridged to GND.
    sheet.add("EEPROM", "U1", "GND", "GND", "GND", "GND", "ID_SD", "ID_SC", "EE_WP", "3V3")
    sheet.add("R 3.9k", "R1", "3V3", "ID_SD")
    sheet.add("R 3.9k", "R2", "3V3", "ID_SC")
    sheet.add("R 10k", "R3", "3V3", "EE_WP")
    analogue_supply(sheet)
    (left_in, left_out), (right_in, right_out) = AUDIO[0], AUDIO[1]
    codec = {1: "3V3", 3: "I2S_BCLK", 4: "I2S_DOUT", 5: "I2S_LRCK", 6: "DOUT_R", 7: "I2S_LRCK", 8: "3V3A"}
    codec |= {9: left_out, 10: right_out, 11: "GND", 14: "3V3A", 15: "GND", 16: "VMID", 19: right_in, 20: left_in}
    codec |= {21: "GND", 22: "GND", 23: "I2C1_SDA", 24: "I2C1_SCL", 25: "MCLK", 27: "3V3", 28: "GND"}
    sheet.add("codec", "U2", at=codec)
    sheet.add("R 33", "R4", "DOUT_R", "I2S_DIN")
    sheet.add("oscillator", "Y1", "3V3", "GND", "MCLK_R", "3V3")
    sheet.add("R 33", "R5", "MCLK_R", "MCLK")
    sheet.add("C 10u", "C2", "VMID", "GND")
    # One at each supply pin of U2 (BVDD, HPVDD, AVDD, DVDD), one at Y1, one at U1.
    for number, supply in enumerate(("3V3", "3V3A", "3V3A", "3V3", "3V3", "3V3"), 3):
        sheet.add("C 100n", f"C{number}", supply, "GND")
    voltage_adc(sheet, "U3", VSENSE)
    sheet.add("C 100n", "C9", "3V3A", "GND")
    # On the board for the first power-up; line 2's lamp and button are wired from the stacking header.
    for number, (net, colour) in enumerate((("LED_REC", "red"), ("LED_ERR", "yellow")), 1):
        sheet.add("R 1k", f"R{7 + number}", net, f"{net}_A")
        sheet.add(f"lamp {colour}", f"D{number}", "GND", f"{net}_A")
    sheet.add("button", "SW1", "BTN_N", "GND")
    sheet.add("R 10k", "R10", "3V3", "BTN_N")
    line_interface(sheet, 1)
    line_interface(sheet, 2)
    return sheet
