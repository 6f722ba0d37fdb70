"""The two-line board: line-voltage comparators, one TLV320AIC23B codec, announcement relays.

HOOKn is high while the line voltage is below the hook threshold (off-hook, or a dead pair); RINGn_N is low
while more than 65 V are on the line, so it pulses at twice 16 Hz while ringing; INJ_ENn connects the
announcement path. The lamps and buttons sit on pins the board itself leaves free; a button may sit on a pin
that is pulled up at reset, a lamp may not.
"""

from __future__ import annotations

from tsuwaroku.hal.hats.description import Hat, Port

TSUWA2 = Hat(
    name="tsuwa2",
    ports=(
        Port(hook="17", ring="!22", lamp="24", button="!12", speak="16"),
        Port(hook="27", ring="!23", lamp="13", button="!6", speak="26"),
    ),
    system_lamp="25",
    pin_factory="lgpio",
    gpio_chips=("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"),
    # The card's name and its one rate are the overlay's, which says why there is no other; "plug" is for the format.
    capture="plughw:CARD=tsuwa2",
    playback="plughw:CARD=tsuwa2",
    channels=2,
    card_rate=48000,
    meter="mcp3208",
    sense_gain=162e3 / 20e6,
    # ID EEPROM, I2C1, the voltage ADC on SPI0, the console, I2S.
    reserved=frozenset({0, 1, 2, 3, 7, 8, 9, 10, 11, 14, 15, 18, 19, 20, 21}),
)
