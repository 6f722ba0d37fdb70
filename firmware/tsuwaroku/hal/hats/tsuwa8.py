"""Eight lines: four two-line interface boards, their pins on expanders, their sound from an 8-channel converter.

The expanders are the kernel's (overlay tsuwa8); their lines have names there. The converter is the HiFiBerry ADC8x of a
Pi 5 (overlay hifiberry-adc8x), which only captures: announcements need another card in `playback`. With a USB interface
of eight inputs and outputs both `capture` and `playback` name that, and `card_rate` is what it runs at.
"""

from __future__ import annotations

from tsuwaroku.hal.hats.description import Hat, Port
from tsuwaroku.hal.hats.tsuwa2 import TSUWA2

TSUWA8 = Hat(
    name="tsuwa8",
    ports=tuple(
        Port(
            hook=f"HOOK{n}",
            ring=f"!RING{n}_N",
            lamp=f"LED_REC{n}",
            button=f"!BTN{n}_N",
            speak=f"INJ_EN{n}",
        )
        for n in range(1, 9)
    ),
    system_lamp="16",
    pin_factory="lgpio",
    gpio_chips=TSUWA2.gpio_chips,
    capture="plughw:CARD=sndrpihifiberry",
    channels=8,
    card_rate=48000,
    meter="mcp3208",
    sense_gain=162e3 / 20e6,
    # ID EEPROM, I2C1, the voltage ADC on SPI0, the console, the expanders' interrupts, and I2S with its four lanes.
    reserved=frozenset({0, 1, 2, 3, 5, 7, 8, 9, 10, 11, 14, 15, 17, *range(18, 28)}),
)
