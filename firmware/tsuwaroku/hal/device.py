"""The real board: an ALSA card and GPIO pins behind `Board`."""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from tsuwaroku.config import Config
from tsuwaroku.errors import BoardError
from tsuwaroku.events import AudioFrame, BoardFault, ButtonPressed, ContactEdge, Event, Tick
from tsuwaroku.hal import gpio
from tsuwaroku.hal.alsa import QUEUE_S, Capture, CardSpec, load_alsa
from tsuwaroku.hal.board import SYSTEM_LAMP, Lamp
from tsuwaroku.hal.framing import SAMPLE_OCTETS, Framer
from tsuwaroku.hal.hats import BoardPlan, resolve
from tsuwaroku.hal.lamps import Lamps
from tsuwaroku.hal.playback import Player

NS = 1_000_000_000
TICK_EVERY_NS = 20_000_000
# How far ticks stay behind the present, so that an edge still on its way from the kernel through the pin
# library's thread is not overtaken: that takes 1 to 18 ms (measured, gpiozero on lgpio).
TICK_LAG_NS = 30_000_000
# Sound that comes takes the tick along, one waking for both; a tick waits so much longer for it.
TICK_PATIENCE_NS = 5_000_000
# Deep enough for a thread that is kept waiting; stopping is prompt all the same, it takes back what is buffered.
_PLAY_PERIOD_S = 0.02
_PLAY_PERIODS = 10


class DeviceBoard:
    """Implements `Board` on a card and pins, as the configuration and the board's description say.

    `pin_factory`, `alsa` and the clocks are for tests; by default the factory is the one the plan names.
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
    ) -> None:
        self.plan = resolve(config)
        self.rate = self.plan.rate
        self._lines = {line.line for line in self.plan.lines}
        self._given_factory = pin_factory
        self._given_alsa = alsa
        self._now_ns = now_ns
        self._wall_ns = wall_ns
        self._queue_s = queue_s
        self._bell = threading.Event()
        self._lock = threading.Lock()
        self._posted: list[Event] = []
        self._tick_ns = 0
        self._closing = contextlib.ExitStack()
        self._framer = _framer(self.plan)
        self._capture: Capture | None = None
        self._panel: gpio.Panel | None = None
        self._player: Player | None = None
        self._lamps: Lamps | None = None
        self._speak: dict[str, Callable[[bool], None]] = {}

    def open(self) -> None:
        """Claim pins and cards. Raises BoardError; then what was claimed is released again, but for the lamps: where
        only the card is missing they can still say so, until `close`.

        A missing playback card is a fault, not an error: a call that nobody is told of is better than one that is lost.
        """
        with contextlib.ExitStack() as stack:
            self._open_panel(stack)
            self._closing = stack.pop_all()
        with contextlib.ExitStack() as stack:
            self._open_cards(stack)
            self._closing.push(stack.pop_all())

    def _open_panel(self, stack: contextlib.ExitStack) -> None:
        plan = self.plan
        factory = self._given_factory
        if factory is None:
            factory = gpio.pin_factory(plan)
            stack.callback(gpio.close_factory, factory)
        panel = gpio.Panel(plan, factory, bell=self._bell.set, now_ns=self._now_ns, wall_ns=self._wall_ns)
        stack.callback(panel.close)
        panel.open()
        pins = {line.line: line.lamp for line in plan.lines} | {SYSTEM_LAMP: plan.system_lamp}
        outputs = {name: panel.output(pin) for name, pin in pins.items() if pin is not None}
        self._speak = {line.line: panel.output(line.speak) for line in plan.lines if line.speak is not None}
        lamps = Lamps(outputs, lambda text: self._fault("", text), self._now_ns)
        stack.callback(lamps.close)
        self._panel, self._lamps = panel, lamps

    def _open_cards(self, stack: contextlib.ExitStack) -> None:
        plan = self.plan
        alsa = self._given_alsa or load_alsa()
        capture = Capture(alsa, _capture_spec(plan), self._bell.set, self._now_ns, self._queue_s)
        stack.callback(capture.close)
        capture.open()
        if plan.playback:
            try:
                self._player = self._open_player(alsa, capture, self._speak)
                stack.callback(self._player.close)
            except BoardError as error:
                self._fault("", f"{error}; {error.remedy}")
        self._capture = capture

    def _open_player(self, alsa: Any, capture: Capture, speak: dict[str, Callable[[bool], None]]) -> Player:
        def connect(line: str, on: bool) -> None:
            if line in speak:
                try:
                    speak[line](on)
                except Exception as error:  # whatever the pin library raises: the player must go on
                    self._fault(line, f"the announcement path cannot be switched ({error})")

        player = Player(
            alsa,
            _playback_spec(self.plan),
            {line.line: line.channel for line in self.plan.lines},
            position_at=capture.clock.position_at,
            post=self._post,
            speak=connect,
            now_ns=self._now_ns,
        )
        player.open()
        return player

    def read(self, timeout_s: float) -> Sequence[Event]:
        """The next events; a Tick comes each 20 ms, 25 ms where there is no sound. Raises BoardError when not open."""
        deadline = self._now_ns() + round(timeout_s * NS)
        while True:
            self._bell.clear()
            now = self._now_ns()
            events = self._collect()
            due = self._tick_ns + TICK_LAG_NS + TICK_EVERY_NS
            if now >= (due - TICK_PATIENCE_NS if events and isinstance(events[-1], AudioFrame) else due):
                self._tick_ns = now - TICK_LAG_NS
                events.append(Tick(self._tick_ns))
            if events or now >= deadline:
                return events
            self._bell.wait((min(due + TICK_PATIENCE_NS, deadline) - now) / NS)

    def _collect(self) -> list[Event]:
        if self._capture is None or self._panel is None:
            raise BoardError("is not open", where=f"board {self.plan.name}", remedy="open it before reading")
        audio: list[tuple[int, Event]] = []
        key = 0
        for item in self._capture.drain():
            for event in self._framer.take(item):
                key = max(key, self._ends_ns(event))
                audio.append((key, event))
        others: list[tuple[int, Event]] = [(e.mono_ns, e) for e in map(self._not_overtaken, self._panel.drain())]
        with self._lock:
            posted, self._posted = self._posted, []
        others += [(event.mono_ns, event) for event in posted]
        others.sort(key=itemgetter(0))
        return [event for _, event in heapq.merge(others, audio, key=itemgetter(0))]

    def _ends_ns(self, event: Event) -> int:
        if isinstance(event, AudioFrame):
            return event.mono_ns + len(event.pcm) // SAMPLE_OCTETS * NS // self.rate
        return event.mono_ns

    def _not_overtaken(self, event: ContactEdge | ButtonPressed) -> ContactEdge | ButtonPressed:
        if event.mono_ns >= self._tick_ns:
            return event
        return msgspec.structs.replace(event, mono_ns=self._tick_ns)

    def play(self, line: str, pcm: bytes) -> None:
        """Without a playback card the fault and the end come as events at once."""
        self._known(line)
        if self._player is not None:
            self._player.play(line, pcm)
        else:
            self._fault(line, "no announcement card is configured (board.playback)")

    def stop_playing(self, line: str) -> None:
        """Silence the line at once."""
        self._known(line)
        if self._player is not None:
            self._player.stop(line)

    def hears_itself(self, line: str) -> bool:
        """The announcement goes onto the pair that is captured."""
        self._known(line)
        return self._player is not None

    def show(self, lamp: str, state: Lamp) -> None:
        """Set a lamp; a line without one is silently dark. Raises BoardError for a line the board has not."""
        if lamp != SYSTEM_LAMP:
            self._known(lamp)
        if self._lamps is not None:
            self._lamps.show(lamp, state)

    def close(self) -> None:
        """Lamps dark, announcement paths off, devices released. Safe to call twice."""
        self._closing.close()
        self._capture = self._panel = self._lamps = self._player = None

    def _known(self, line: str) -> None:
        if line not in self._lines:
            raise BoardError(
                f"has no line {line!r}", where=f"board {self.plan.name}", remedy="name a line of the configuration"
            )

    def _fault(self, line: str, text: str) -> None:
        self._post(BoardFault(line, True, text, self._now_ns(), capture=False))

    def _post(self, event: Event) -> None:
        with self._lock:
            self._posted.append(event)
        self._bell.set()


def _framer(plan: BoardPlan) -> Framer:
    return Framer(plan.rate, plan.channels, {line.line: line.channel for line in plan.lines})


def _capture_spec(plan: BoardPlan) -> CardSpec:
    return CardSpec(plan.capture, plan.rate, plan.channels, plan.period, plan.buffer)


def _playback_spec(plan: BoardPlan) -> CardSpec:
    period = round(plan.rate * _PLAY_PERIOD_S)
    return CardSpec(plan.playback, plan.rate, plan.channels, period, _PLAY_PERIODS * period, "board.playback")
