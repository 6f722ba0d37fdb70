"""Board descriptions, and what a configuration makes of one: a plan of pins and channels.

A pin is written as its BCM number, `17` or `GPIO17`; `!` before it means active low: the sensor is active,
the button pressed or the output on when the pin is low. An active-low button is pulled up, an active-high
one down; sensors are left as the board drives them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tsuwaroku.config import Config, LineConfig
from tsuwaroku.errors import ConfigError
from tsuwaroku.hal.hats.description import Hat, Port
from tsuwaroku.hal.hats.telrec2 import TELREC2

# Every pin and the card are given in the configuration. The labels are those of the Pi 5, the Pi 4 and the older ones.
CUSTOM = Hat(name="custom", gpio_chips=TELREC2.gpio_chips)

HATS: dict[str, Hat] = {"telrec2": TELREC2, "custom": CUSTOM}

# Pulled up from power-on until software says otherwise (BCM2835 ARM Peripherals, table 6-31; RP1 the same).
_PULLED_UP_AT_RESET = range(9)


@dataclass(frozen=True, slots=True)
class Pin:
    """One GPIO by its BCM number."""

    number: int
    active_high: bool = True

    def __str__(self) -> str:
        return f"{'' if self.active_high else '!'}GPIO{self.number}"


@dataclass(frozen=True, slots=True)
class LinePlan:
    """Where one line is: its channel (from 0) on the card, and its pins."""

    line: str
    channel: int
    hook: Pin
    ring: Pin
    lamp: Pin | None
    button: Pin | None
    speak: Pin | None


@dataclass(frozen=True, slots=True)
class BoardPlan:
    """All a board needs to open. `period` and `buffer` are in samples; `playback` is empty where nothing is played."""

    name: str
    pin_factory: str
    gpio_chips: tuple[str, ...]
    system_lamp: Pin | None
    capture: str
    playback: str
    rate: int
    channels: int
    period: int
    buffer: int
    lines: tuple[LinePlan, ...]


def resolve(config: Config, *, where: str = "configuration") -> BoardPlan:
    """Merge the board's description with what the configuration gives itself. Raises ConfigError."""
    board = config.board
    hat = HATS.get(board.kind)
    if hat is None:
        raise ConfigError(
            f"kind = {board.kind!r} is no board known here",
            where=f"{where}: board",
            remedy=f"use one of: virtual, {', '.join(HATS)}",
        )
    capture = board.capture or hat.capture
    if not capture:
        raise ConfigError(
            "names no sound card", where=f"{where}: board", remedy="set capture to a card's name or a PCM"
        )
    channels = board.channels or hat.channels
    plan = BoardPlan(
        name=hat.name,
        pin_factory=board.pin_factory or hat.pin_factory,
        gpio_chips=(board.gpio_chip,) if board.gpio_chip else hat.gpio_chips,
        system_lamp=_pin(hat.system_lamp, where) if hat.system_lamp else None,
        capture=capture,
        playback=board.playback or hat.playback,
        rate=board.rate,
        channels=channels,
        period=board.rate * board.period_ms // 1000,
        buffer=board.rate * board.buffer_ms // 1000,
        lines=tuple(_line(hat, line, channels, f"{where}: line {line.id}") for line in config.line),
    )
    _check_pins(hat, plan, where)
    return plan


def _line(hat: Hat, line: LineConfig, channels: int, where: str) -> LinePlan:
    if line.port is None:
        raise ConfigError(
            "has no port", where=where, remedy="set port to the number of its connector; it is also its audio channel"
        )
    if hat.ports and line.port > len(hat.ports):
        raise ConfigError(
            f"port = {line.port}, but the board {hat.name} has {len(hat.ports)}",
            where=where,
            remedy=f"use a port from 1 to {len(hat.ports)}, or another board",
        )
    if line.port > channels:
        raise ConfigError(
            f"port = {line.port}, but the sound card has {channels} channels",
            where=where,
            remedy="set board.channels to what the card has, or use a lower port",
        )
    port = hat.ports[line.port - 1] if hat.ports else Port()
    pins = {name: getattr(line, name) or getattr(port, name) for name in ("hook", "ring", "lamp", "button", "speak")}
    for name in ("hook", "ring"):
        if not pins[name]:
            raise ConfigError(
                f"has no {name} contact",
                where=where,
                remedy=f'set {name} to its pin, e.g. {name} = "GPIO17" ("!GPIO17" where low means active)',
            )
    return LinePlan(
        line=line.id,
        channel=line.port - 1,
        hook=_pin(pins["hook"], where),
        ring=_pin(pins["ring"], where),
        lamp=_pin(pins["lamp"], where) if pins["lamp"] else None,
        button=_pin(pins["button"], where) if pins["button"] else None,
        speak=_pin(pins["speak"], where) if pins["speak"] else None,
    )


def _pin(text: str, where: str) -> Pin:
    match = re.fullmatch(r"(!?)(?:GPIO|BCM)?(\d{1,2})", text.strip(), re.IGNORECASE)
    if match is None or int(match[2]) > 27:  # the header has GPIO0 to GPIO27
        raise ConfigError(
            f"{text!r} is no pin", where=where, remedy='write it like "GPIO17", or "!GPIO17" where low means active'
        )
    return Pin(int(match[2]), active_high=not match[1])


def _check_pins(hat: Hat, plan: BoardPlan, where: str) -> None:
    """No pin twice, none the board needs itself, and no output that would be on before software runs."""
    users: dict[int, str] = dict.fromkeys(hat.reserved, f"the board {hat.name} itself")
    claims: list[tuple[str, Pin | None, bool]] = [("the system lamp", plan.system_lamp, True)]
    for line in plan.lines:
        claims += [
            (f"line {line.line} ({name})", getattr(line, name), name in ("lamp", "speak"))
            for name in ("hook", "ring", "lamp", "button", "speak")
        ]
    for user, pin, output in claims:
        if pin is None:
            continue
        if pin.number in users:
            raise ConfigError(
                f"GPIO{pin.number} is used by {users[pin.number]} and by {user}",
                where=where,
                remedy="give each its own pin",
            )
        if output and pin.active_high and pin.number in _PULLED_UP_AT_RESET:
            raise ConfigError(
                f"{user} is on GPIO{pin.number}, which is high from power-on until the service runs",
                where=where,
                remedy='use GPIO9 or higher, or wire it active low ("!GPIO5")',
            )
        users[pin.number] = user
