"""What a board's description says. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Port:
    """The pins of one line's connector, written as in `hats/__init__`; empty = the board has none."""

    hook: str = ""
    ring: str = ""
    lamp: str = ""
    button: str = ""
    speak: str = ""


@dataclass(frozen=True, slots=True)
class Hat:
    """A board. Port n is `ports[n - 1]` and channel n − 1 of its own card; no ports = all pins come from the
    configuration.

    `gpio_chips` are labels, tried in order: a chip's number changes between kernels. `reserved` are pins
    the board needs for itself. `card_rate` is what its own card can run at; 0 = whatever is asked of it. `meter` is
    the name of the ADC of the line voltages, empty = the board has none; port n is on its channel n − 1, as half its
    reference plus `sense_gain` times the voltage.
    """

    name: str
    ports: tuple[Port, ...] = ()
    system_lamp: str = ""
    pin_factory: str = "lgpio"
    gpio_chips: tuple[str, ...] = ()
    capture: str = ""
    playback: str = ""
    channels: int = 2
    card_rate: int = 0
    meter: str = ""
    sense_gain: float = 0.0
    reserved: frozenset[int] = frozenset()
