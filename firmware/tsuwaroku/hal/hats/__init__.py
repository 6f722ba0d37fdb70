"""Board descriptions, and what a configuration makes of one: a plan of pins and channels.

A pin of the header is written as its BCM number, `17` or `GPIO17`; one of an expander as the name its line has in the
device tree, e.g. `HOOK3`, in capitals. `!` before it means active low: the sensor is active, the button pressed or the
output on when the pin is low. On the header an active-low button is pulled up, an active-high one down; sensors, and
everything on an expander, are left as the board drives them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tsuwaroku.config import Config, LineConfig
from tsuwaroku.errors import ConfigError
from tsuwaroku.hal.hats.description import Hat, Port
from tsuwaroku.hal.hats.tsuwa2 import TSUWA2
from tsuwaroku.hal.hats.tsuwa8 import TSUWA8

# Every pin and the card are given in the configuration. The labels are those of the Pi 5, the Pi 4 and the older ones.
CUSTOM = Hat(name="custom", gpio_chips=TSUWA2.gpio_chips)

HATS: dict[str, Hat] = {"tsuwa2": TSUWA2, "tsuwa8": TSUWA8, "custom": CUSTOM}

# Pulled up from power-on until software says otherwise (BCM2835 ARM Peripherals, table 6-31; RP1 the same).
_PULLED_UP_AT_RESET = range(9)
# Of the voltage ADC: its reference is the supply that the sensing circuit's middle is made of.
_HALF_SCALE = 2048
_SUPPLY_V = 3.3


@dataclass(frozen=True, slots=True)
class Pin:
    """One GPIO: of the header by its BCM number, of an expander by the name of its line."""

    place: int | str
    active_high: bool = True

    @property
    def name(self) -> str:
        """As people write it: GPIO17, HOOK3."""
        return f"GPIO{self.place}" if isinstance(self.place, int) else self.place

    def __str__(self) -> str:
        return f"{'' if self.active_high else '!'}{self.name}"


@dataclass(frozen=True, slots=True)
class CardPlan:
    """One sound card: the board's own (`name` empty) or another. `playback` is empty where nothing is played.

    It is read at `factor` times the board's rate.
    `table` is where the configuration describes it, for messages.
    """

    name: str
    capture: str
    playback: str
    channels: int
    factor: int = 1

    @property
    def table(self) -> str:
        return f"board.card.{self.name}" if self.name else "board"


@dataclass(frozen=True, slots=True)
class LinePlan:
    """Where one line is: its channel (from 0) on its card (`CardPlan.name`), and its pins."""

    line: str
    channel: int
    hook: Pin
    ring: Pin
    lamp: Pin | None
    button: Pin | None
    speak: Pin | None
    card: str = ""


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """The ADC of the line voltages: its name, the channel of each line, volts between the wires a step of it."""

    name: str
    channels: Mapping[str, int]
    step: float

    def volts(self, raw: int) -> float:
        """Of a 12-bit reading; no voltage reads half of full scale."""
        return (raw - _HALF_SCALE) * self.step


@dataclass(frozen=True, slots=True)
class BoardPlan:
    """All a board needs to open. `period` and `buffer` are in samples; each card has at least one line."""

    name: str
    pin_factory: str
    gpio_chips: tuple[str, ...]
    system_lamp: Pin | None
    cards: tuple[CardPlan, ...]
    rate: int
    period: int
    buffer: int
    lines: tuple[LinePlan, ...]
    meter: MeterPlan | None = None

    def pins(self) -> list[Pin]:
        """All that are used."""
        pins = [self.system_lamp]
        for line in self.lines:
            pins += [line.hook, line.ring, line.lamp, line.button, line.speak]
        return [pin for pin in pins if pin is not None]


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
    cards = _cards(hat, config, where)
    plan = BoardPlan(
        name=hat.name,
        pin_factory=board.pin_factory or hat.pin_factory,
        gpio_chips=(board.gpio_chip,) if board.gpio_chip else hat.gpio_chips,
        system_lamp=_pin(hat.system_lamp, where) if hat.system_lamp else None,
        cards=tuple(cards.values()),
        rate=board.rate,
        period=board.rate * board.period_ms // 1000,
        buffer=board.rate * board.buffer_ms // 1000,
        lines=tuple(_line(hat, line, cards[line.card], f"{where}: line {line.id}") for line in config.line),
        meter=_meter(hat, config, where),
    )
    _check_pins(hat, plan, where)
    return plan


def _cards(hat: Hat, config: Config, where: str) -> dict[str, CardPlan]:
    """The cards that have lines, by name; the board's own, named "", comes first."""
    board = config.board
    cards: dict[str, CardPlan] = {}
    if any(not line.card for line in config.line):
        capture = board.capture or hat.capture
        if not capture:
            raise ConfigError(
                "names no sound card", where=f"{where}: board", remedy="set capture to a card's name or a PCM"
            )
        channels = board.channels or hat.channels
        cards[""] = CardPlan("", capture, board.playback or hat.playback, channels, _factor(hat, config, where))
    elif board.capture or board.playback:
        raise ConfigError(
            "no line is on the board's own card",
            where=f"{where}: board",
            remedy="leave card out in the lines that are on it, or remove capture, playback and channels",
        )
    cards |= {
        card.name: CardPlan(
            *(card.name, card.capture or card.name, card.playback, card.channels),
            factor=_times(card.rate or board.rate, board.rate, f"{where}: board.card.{card.name}"),
        )
        for card in board.card
    }
    _no_card_twice(cards, where)
    return cards


def _factor(hat: Hat, config: Config, where: str) -> int:
    """How much faster than recorded the board's own card is read; the description's rate is of its own capture only."""
    board = config.board
    rate = board.card_rate or (0 if board.capture else hat.card_rate) or board.rate
    return _times(rate, board.rate, f"{where}: board")


def _times(rate: int, recorded: int, where: str) -> int:
    if rate % recorded:
        raise ConfigError(
            f"a card at {rate} Hz cannot be recorded at {recorded} Hz: that is no multiple",
            where=where,
            remedy="record at 8000 Hz, and let the card run at 8000, 16000 or 48000 Hz",
        )
    return rate // recorded


def _meter(hat: Hat, config: Config, where: str) -> MeterPlan | None:
    """Of the lines on the board's own connectors."""
    name = config.board.meter or hat.meter
    if name not in ("", "none") and not hat.sense_gain:
        raise ConfigError(
            f"the board {hat.name} does not measure voltages",
            where=f"{where}: board",
            remedy="remove meter",
        )
    channels = {line.id: line.port - 1 for line in config.line if not line.card and line.port is not None}
    if name in ("", "none") or not channels:
        return None
    return MeterPlan(name, channels, _SUPPLY_V / (2 * _HALF_SCALE) / hat.sense_gain)


def _no_card_twice(cards: Mapping[str, CardPlan], where: str) -> None:
    """Two readers of one card would fight over it, and none would know whose the channels are."""
    owner: dict[str, CardPlan] = {}
    for card in cards.values():
        other = owner.setdefault(_device(card.capture), card)
        if other is not card:
            raise ConfigError(
                f"{other.table} and {card.table} both capture from {card.capture}",
                where=where,
                remedy="give each card its own capture, or put all its lines on one of them",
            )


def _device(pcm: str) -> str:
    """A card and its device, whether or not it is opened through a conversion: "annex", "hw:CARD=annex,DEV=0"."""
    return re.sub(r",(?:DEV=)?0$", "", re.sub(r"^(?:plug)?hw:(?:CARD=)?", "", pcm))


def _line(hat: Hat, line: LineConfig, card: CardPlan, where: str) -> LinePlan:
    if line.port is None:
        raise ConfigError(
            "has no port", where=where, remedy="set port to the number of its connector; it is also its audio channel"
        )
    ports = () if card.name else hat.ports
    if ports and line.port > len(ports):
        raise ConfigError(
            f"port = {line.port}, but the board {hat.name} has {len(ports)}",
            where=where,
            remedy=f"use a port from 1 to {len(ports)}, or another board",
        )
    if line.port > card.channels:
        raise ConfigError(
            f"port = {line.port}, but the sound card has {card.channels} channels",
            where=where,
            remedy=f"set {card.table}.channels to what the card has, or use a lower port",
        )
    port = ports[line.port - 1] if ports else Port()
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
        card=card.name,
    )


def _pin(text: str, where: str) -> Pin:
    written = text.strip()
    match = re.fullmatch(r"(!?)(?:GPIO|BCM)?(\d{1,2})", written, re.IGNORECASE)
    if match is not None and int(match[2]) <= 27:  # the header has GPIO0 to GPIO27
        return Pin(int(match[2]), active_high=not match[1])
    line = re.fullmatch(r"(!?)((?!GPIO|BCM)[A-Z][A-Z0-9_]{1,31})", written)
    if line is None:
        raise ConfigError(
            f"{text!r} is no pin",
            where=where,
            remedy='write it like "GPIO17", or "!GPIO17" where low means active, and an expander\'s like "HOOK3"',
        )
    return Pin(line[2], active_high=not line[1])


def _check_pins(hat: Hat, plan: BoardPlan, where: str) -> None:
    """No pin twice, none the board needs itself, and no output that would be on before software runs."""
    users: dict[int | str, str] = dict.fromkeys(hat.reserved, f"the board {hat.name} itself")
    claims: list[tuple[str, Pin | None, bool]] = [("the system lamp", plan.system_lamp, True)]
    for line in plan.lines:
        claims += [
            (f"line {line.line} ({name})", getattr(line, name), name in ("lamp", "speak"))
            for name in ("hook", "ring", "lamp", "button", "speak")
        ]
    for user, pin, output in claims:
        if pin is None:
            continue
        if isinstance(pin.place, str) and plan.pin_factory != "lgpio":
            raise ConfigError(
                f"{user} is on {pin.name}, and pin_factory = {plan.pin_factory!r} knows the header's pins alone",
                where=where,
                remedy='use pin_factory = "lgpio"',
            )
        if pin.place in users:
            raise ConfigError(
                f"{pin.name} is used by {users[pin.place]} and by {user}",
                where=where,
                remedy="give each its own pin",
            )
        if output and pin.active_high and pin.place in _PULLED_UP_AT_RESET:
            raise ConfigError(
                f"{user} is on {pin.name}, which is high from power-on until the service runs",
                where=where,
                remedy='use GPIO9 or higher, or wire it active low ("!GPIO5")',
            )
        users[pin.place] = user
