"""The one table of what is on which pin of tsuwa2; schematic, overlay, EEPROM, driver and documents are held to it.

What decides the places: GPIO0 and 1 belong to the ID EEPROM, 2 and 3 to I2C1, 7 to 11 to SPI0, 18 to 21 to I2S; 14 and
15 stay free for the console. GPIO0 to 8 are pulled up on every Pi from power-on until software says otherwise, so no
output that must be off until then (lamp, announcement path) may be there.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One pin: its BCM number, net, direction as the Pi sees it (in, out, io), level while nothing happens, meaning."""

    bcm: int
    net: str
    direction: str
    idle: int
    meaning: str


PINS = [
    Row(2, "I2C1_SDA", "io", 1, "codec control"),
    Row(3, "I2C1_SCL", "out", 1, "codec control"),
    Row(8, "SPI0_CE0", "out", 1, "MCP3208, the line-voltage ADC"),
    Row(9, "SPI0_MISO", "in", 0, "MCP3208"),
    Row(10, "SPI0_MOSI", "out", 0, "MCP3208"),
    Row(11, "SPI0_SCLK", "out", 0, "MCP3208"),
    Row(18, "I2S_BCLK", "in", 0, "I2S bit clock (the codec is master)"),
    Row(19, "I2S_LRCK", "in", 0, "I2S word clock (the codec is master)"),
    Row(20, "I2S_DIN", "in", 0, "I2S from the codec to the Pi"),
    Row(21, "I2S_DOUT", "out", 0, "I2S from the Pi to the codec"),
    Row(17, "HOOK1", "in", 0, "line 1: 1 = |V| below the hook threshold (off-hook, or a dead pair)"),
    Row(27, "HOOK2", "in", 0, "line 2"),
    Row(22, "RING1_N", "in", 1, "line 1: 0 while |V| is above 65 V (pulses at 16 Hz while it rings)"),
    Row(23, "RING2_N", "in", 1, "line 2"),
    Row(16, "INJ_EN1", "out", 0, "line 1: 1 = announcement path on the pair"),
    Row(26, "INJ_EN2", "out", 0, "line 2"),
    Row(24, "LED_REC", "out", 0, "recording lamp, line 1"),
    Row(25, "LED_ERR", "out", 0, "system lamp"),
    Row(12, "BTN_N", "in", 1, "button of line 1, 0 = pressed"),
]

# Not on the board: on the stacking header, for the lamp and the button beside the telephone of line 2.
PANEL = [
    Row(13, "LED_REC2", "out", 0, "recording lamp, line 2; 1 kΩ in series, to GND"),
    Row(6, "BTN2_N", "in", 1, "button of line 2 to GND, 0 = pressed"),
]

# BCM number to pin of the 40-pin header.
HEADER = {
    2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19, 9: 21, 25: 22, 11: 23,
    8: 24, 7: 26, 0: 27, 1: 28, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35, 16: 36, 26: 37, 20: 38, 21: 40,
}  # fmt: skip

# The voltage ADC: channel to net. Channels 2 to 7 are on GND.
VSENSE = {0: "VS1", 1: "VS2"}

# The codec: channel of the card to the nets in and out.
AUDIO = {0: ("ADC_IN1", "DAC_OUT1"), 1: ("ADC_IN2", "DAC_OUT2")}

# I2C1: address to part.
I2C = {0x1A: "TLV320AIC23B"}
EEPROM_ADDRESS = 0x50  # 24LC32 on ID_SD and ID_SC, GPIO0 and 1
MCLK_HZ = 12_288_000

# VSENSE is half the supply plus this share of the voltage from wire A to wire B: 162 kΩ over 20 MΩ (2 x 10 MΩ a wire).
SENSE_GAIN = 162e3 / 20e6


def markdown(rows: list[Row]) -> str:
    """The table for documents, in the order of the header."""
    lines = ["| header | BCM | net | direction | idle | meaning |", "|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: HEADER[row.bcm]):
        meaning = row.meaning.replace("|", "\\|")
        lines.append(f"| {HEADER[row.bcm]} | {row.bcm} | {row.net} | {row.direction} | {row.idle} | {meaning} |")
    return "\n".join(lines)
