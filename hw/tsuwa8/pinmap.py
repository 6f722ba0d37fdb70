"""The one table of pins of tsuwa8: four two-line interface boards, two pin expanders for contacts and announcement
paths, one for lamps and buttons, a voltage ADC, and the sound of eight lines from an 8-channel converter on a Pi 5 or
from a class-compliant USB interface.

GPIO18 to 27 are left to the converter (four I2S lanes on a Pi 5); the lines' own pins are on expanders, found by name.
The expanders' outputs are inputs at reset, and their loads pulled down, so that every lamp and announcement path is off
until software says otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

from hw.tsuwa2.pinmap import HEADER, SENSE_GAIN, Row, markdown

__all__ = ["ADC", "EXPANDERS", "HEADER", "I2C", "IDC", "LINES", "PINS", "SENSE_GAIN", "VSENSE", "Expander", "markdown"]

LINES = tuple(range(1, 9))

PINS = [
    Row(2, "I2C1_SDA", "io", 1, "pin expanders"),
    Row(3, "I2C1_SCL", "out", 1, "pin expanders"),
    Row(8, "SPI0_CE0", "out", 1, "MCP3208, the line-voltage ADC"),
    Row(9, "SPI0_MISO", "in", 0, "MCP3208"),
    Row(10, "SPI0_MOSI", "out", 0, "MCP3208"),
    Row(11, "SPI0_SCLK", "out", 0, "MCP3208"),
    Row(17, "SENSE_INT_N", "in", 1, "MCP23017 at 0x20: 0 = a contact changed"),
    Row(5, "PANEL_INT_N", "in", 1, "MCP23017 at 0x22: 0 = a contact or button changed"),
    Row(16, "LED_ERR", "out", 0, "system lamp"),
]


class Expander(NamedTuple):
    """One expander: its part, address on I2C1, the net that tells of a change ("" = none), its nets from pin 0 on."""

    part: str
    address: int
    interrupt: str
    nets: tuple[str, ...]


# Of an MCP23017 the last pin of each port (GPA7, GPB7) must not be an input any more (data sheet of 2022: a change on
# it may disturb the bus), so lamps are there. Each interrupt is for both ports of its chip; BTNn_N are pulled up by the
# board, LED_RECn and INJ_ENn down.
EXPANDERS = {
    "sense": Expander(
        "MCP23017",
        0x20,
        "SENSE_INT_N",
        (*(f"HOOK{n}" for n in LINES[:7]), "LED_REC7", *(f"RING{n}_N" for n in LINES[:7]), "LED_REC8"),
    ),
    "inject": Expander("MCP23008", 0x21, "", tuple(f"INJ_EN{n}" for n in LINES)),
    "panel": Expander(
        "MCP23017",
        0x22,
        "PANEL_INT_N",
        (
            *(f"LED_REC{n}" for n in LINES[:4]),
            *("HOOK8", "RING8_N", "BTN8_N", "LED_REC5"),
            *(f"BTN{n}_N" for n in LINES[:7]),
            "LED_REC6",
        ),
    ),
}

I2C = {expander.address: expander.part for expander in EXPANDERS.values()}

# The voltage ADC: channel to net.
ADC = "MCP3208"
VSENSE = {n - 1: f"VS{n}" for n in LINES}

# The 20-way connector of each two-line interface board, pin 1 first; the nets of its own lines 1 and 2.
# Board b (from 0) is lines 2b+1 and 2b+2.
IDC = (
    "3V3", "3V3", "5V", "5V", "HOOK1", "HOOK2", "RING1_N", "RING2_N", "INJ_EN1", "INJ_EN2",
    "VS1", "VS2", "GND", "GND", "ADC_IN1", "ADC_IN2", "GND", "GND", "DAC_OUT1", "DAC_OUT2",
)  # fmt: skip
