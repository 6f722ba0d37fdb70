"""The real board: ALSA cards and GPIO pins behind `Board`."""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tsuwaroku.config import Config
from tsuwaroku.errors import BoardError
from tsuwaroku.events import AudioFrame, BoardFault, ButtonPressed, ContactEdge, Event, LineVoltage, Part, Tick
from tsuwaroku.hal import gpio
from tsuwaroku.hal.alsa import QUEUE_S, load_alsa
from tsuwaroku.hal.board import SYSTEM_LAMP, Lamp
from tsuwaroku.hal.card import Card
from tsuwaroku.hal.chips import Chips, open_chips
from tsuwaroku.hal.decimate import method
from tsuwaroku.hal.hats import resolve
from tsuwaroku.hal.lamps import Lamps
from tsuwaroku.hal.meter import IIO, Meter
from tsuwaroku.hal.sensing import Sensing

NS = 1_000_000_000
TICK_EVERY_NS = 20_000_000
# How far ticks stay behind the present, so that an edge still on its way from the kernel through the pin
# library's thread is not overtaken: that takes 1 to 18 ms (measured, gpiozero on lgpio).
TICK_LAG_NS = 30_000_000
# Sound that comes takes the tick along, one waking for both; a tick waits so much longer for it.
TICK_PATIENCE_NS = 5_000_000
# Reads farther apart than that: the whole process was held up, the pin library's thread too, and edges of that time
# are still to come (reads are 25 ms apart where nothing happens).
HELD_UP_NS = 50_000_000
_Sensed = TypeVar("_Sensed", bound=ContactEdge | ButtonPressed | LineVoltage)


class DeviceBoard:
    """Implements `Board` on cards and pins, as the configuration and the board's description say.

    `pin_factory` (or `Chips`), `alsa` and the clocks are for tests; by default the factory is the one the plan names.
    `kept` is the file for what is learnt of the lines' voltages; None: nothing is kept.
    `queue_s` is how much sound waits for a recorder that does not read; more becomes a BACKLOG gap.
    Events of one `read` are in the order of their times, a frame counting at its end. Ticks are TICK_LAG_NS
    behind the present and come whether or not a card delivers; an edge later than that even so is given the
    time of the last tick.
    """

    def __init__(
        self,
        config: Config,
        *,
        pin_factory: Any = None,
        alsa: Any = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        wall_ns: Callable[[], int] = time.time_ns,
        queue_s: float = QUEUE_S,
        kept: Path | None = None,
        iio: Path = IIO,
    ) -> None:
        self.plan = resolve(config)
        self.rate = self.plan.rate
        self.sampling = "; ".join(
            f"{card.capture}: " + (method(self.rate * card.factor, card.factor) if card.factor > 1 else "as captured")
            for card in self.plan.cards
        )
        self._given_factory = pin_factory
        self._given_alsa = alsa
        self._now_ns = now_ns
        self._wall_ns = wall_ns
        self._queue_s = queue_s
        self._kept = kept
        self._iio = iio
        self._bell = threading.Event()
        self._lock = threading.Lock()
        self._posted: list[Event] = []
        self._tick_ns = 0
        self._awake_ns = now_ns()
        self._held_ns = (0, 0)  # the last time it was held up, from when to when
        self._closing = contextlib.ExitStack()
        self._cards: list[Card] = []
        self._card_of: dict[str, Card | None] = {line.line: None for line in self.plan.lines}
        self._panel: gpio.Panel | None = None
        self._sensing: Sensing | None = None
        self._lamps: Lamps | None = None
        self._speak: dict[str, Callable[[bool], None]] = {}

    def open(self) -> None:
        """Claim pins and cards. Raises BoardError; then what was claimed is released again, but for the lamps: where
        only the cards are missing they can still say so, until `close`.

        A card that is missing beside one that is there is a fault of its lines, not an error, and is taken when it
        comes; so is a missing playback card.
        """
        with contextlib.ExitStack() as stack:
            self._open_panel(stack)
            self._open_meter(stack)
            self._closing = stack.pop_all()
        with contextlib.ExitStack() as stack:
            self._open_cards(stack)
            self._closing.push(stack.pop_all())
        self._awake_ns = self._now_ns()

    def _open_panel(self, stack: contextlib.ExitStack) -> None:
        plan = self.plan
        given = self._given_factory
        if given is None:
            chips = open_chips(plan)
            stack.callback(chips.close)
        else:
            chips = given if isinstance(given, Chips) else Chips(given)
        panel = gpio.Panel(plan, chips, bell=self._bell.set, now_ns=self._now_ns, wall_ns=self._wall_ns)
        stack.callback(panel.close)
        panel.open()
        pins = {line.line: line.lamp for line in plan.lines} | {SYSTEM_LAMP: plan.system_lamp}
        outputs = {name: panel.output(pin) for name, pin in pins.items() if pin is not None}
        self._speak = {line.line: panel.output(line.speak) for line in plan.lines if line.speak is not None}
        lamps = Lamps(outputs, self._lamp_fault, self._now_ns)
        stack.callback(lamps.close)
        self._panel, self._lamps = panel, lamps

    def _open_meter(self, stack: contextlib.ExitStack) -> None:
        if (plan := self.plan.meter) is None:
            return
        meter = Meter(plan.name, plan.channels, plan.volts, self._meter_fault, root=self._iio, now_ns=self._now_ns)
        stack.callback(meter.close)
        meter.open()
        self._sensing = Sensing((line.line for line in self.plan.lines), meter, self._now_ns, self._kept)
        stack.callback(self._sensing.close)

    def _open_cards(self, stack: contextlib.ExitStack) -> None:
        alsa = self._given_alsa or load_alsa()
        cards = [
            Card(
                self.plan,
                card,
                alsa,
                bell=self._bell.set,
                post=self._post,
                speak=self._connect,
                now_ns=self._now_ns,
                queue_s=self._queue_s,
            )
            for card in self.plan.cards
        ]
        missing: list[tuple[Card, BoardError]] = []
        for card in cards:
            stack.callback(card.close)
            try:
                card.open()
            except BoardError as error:
                missing.append((card, error))
        if len(missing) == len(cards):
            raise missing[0][1]
        for card, why in missing:
            card.open_later(why)
        self._cards = cards
        self._card_of = {line: card for card in cards for line in card.lines}

    def _connect(self, line: str, on: bool) -> None:
        """Switch a line's announcement path, where the board has one."""
        if line in self._speak:
            try:
                self._speak[line](on)
            except Exception as error:  # whatever the pin library raises: the player must go on
                self._fault(line, f"the announcement path cannot be switched ({error})")

    def read(self, timeout_s: float) -> Sequence[Event]:
        """The next events; a Tick comes each 20 ms, 25 ms where there is no sound. Raises BoardError when not open."""
        deadline = self._now_ns() + round(timeout_s * NS)
        while True:
            now = self._now_ns()
            due = self._tick_ns + TICK_LAG_NS + TICK_EVERY_NS
            left_ns = min(max(due + TICK_PATIENCE_NS, self._held_ns[1] + TICK_LAG_NS), deadline) - now
            if left_ns > 0 and not self._bell.is_set():
                self._bell.wait(left_ns / NS)
                now = self._now_ns()
            self._bell.clear()
            horizon = self._horizon(now)
            events = self._collect()
            if horizon >= (due - TICK_PATIENCE_NS if events and isinstance(events[-1], AudioFrame) else due):
                self._tick_ns = horizon - TICK_LAG_NS
                events.append(Tick(self._tick_ns))
            if events or now >= deadline:
                return events

    def _horizon(self, now: int) -> int:
        """What ticks may count from: the present, but for a moment after a hold-up, when it is that one's beginning."""
        if now - self._awake_ns > HELD_UP_NS:
            self._held_ns = (self._awake_ns, now)
        self._awake_ns = now
        began, ended = self._held_ns
        return began if now - ended < TICK_LAG_NS else now

    def _collect(self) -> list[Event]:
        if not self._cards or self._panel is None:
            raise BoardError("is not open", where=f"board {self.plan.name}", remedy="open it before reading")
        audio = [card.collect() for card in self._cards]
        edges = self._panel.drain()
        sensed = edges if self._sensing is None else self._sensing.take(edges)
        others: list[tuple[int, Event]] = [(e.mono_ns, e) for e in map(self._not_overtaken, sensed)]
        with self._lock:
            posted, self._posted = self._posted, []
        others += [(event.mono_ns, event) for event in posted]
        others.sort(key=itemgetter(0))
        return [event for _, event in heapq.merge(others, *audio, key=itemgetter(0))]

    def _not_overtaken(self, event: _Sensed) -> _Sensed:
        if event.mono_ns >= self._tick_ns:
            return event
        return msgspec.structs.replace(event, mono_ns=self._tick_ns)

    def play(self, line: str, pcm: bytes) -> None:
        """Without a playback card the fault comes as an event at once."""
        if (card := self._card(line)) is not None:
            card.play(line, pcm)

    def stop_playing(self, line: str) -> None:
        """Silence the line at once."""
        if (card := self._card(line)) is not None:
            card.stop_playing(line)

    def hears_itself(self, line: str) -> bool:
        """The announcement goes onto the pair that is captured."""
        card = self._card(line)
        return card is not None and card.plays

    def show(self, lamp: str, state: Lamp) -> None:
        """Set a lamp; a line without one is silently dark. Raises BoardError for a line the board has not."""
        if lamp != SYSTEM_LAMP:
            self._card(lamp)
        if self._lamps is not None:
            self._lamps.show(lamp, state)

    def close(self) -> None:
        """Lamps dark, announcement paths off, devices released. Safe to call twice."""
        self._closing.close()
        self._cards, self._card_of = [], dict.fromkeys(self._card_of)
        self._panel = self._lamps = self._sensing = None

    def _card(self, line: str) -> Card | None:
        """The card of a line; None while the board is not open."""
        if line not in self._card_of:
            raise BoardError(
                f"has no line {line!r}", where=f"board {self.plan.name}", remedy="name a line of the configuration"
            )
        return self._card_of[line]

    def _fault(self, line: str, text: str) -> None:
        self._post(BoardFault(line, True, text, self._now_ns(), Part.ANNOUNCEMENT))

    def _meter_fault(self, text: str) -> None:
        self._post(BoardFault("", bool(text), text, self._now_ns(), Part.METER))

    def _lamp_fault(self, lamp: str, text: str) -> None:
        line = "" if lamp == SYSTEM_LAMP else lamp
        self._post(BoardFault(line, bool(text), text and f"lamp: {text}", self._now_ns(), Part.LAMP))

    def _post(self, event: Event) -> None:
        with self._lock:
            self._posted.append(event)
        self._bell.set()
