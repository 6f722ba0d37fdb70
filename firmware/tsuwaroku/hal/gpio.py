"""Contacts, buttons, lamps and the announcement relays through gpiozero, with the time of the edge.

gpiozero's own devices throw the time of an edge away, so the pin's `when_changed(ticks, state)` is used
directly. What `ticks` is: with lgpio the kernel's stamp of the interrupt (uAPI v2, CLOCK_MONOTONIC unless
asked otherwise), good to microseconds; with RPi.GPIO the moment its callback thread ran, mostly below
1 ms late and the reason why lgpio is the default. The pin library's debounce stays off: the line machine
needs every edge.

Which chip a pin is on is the business of `chips`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tsuwaroku.errors import BoardError
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.hal.chips import Chips
from tsuwaroku.hal.hats import BoardPlan, Pin

NS = 1_000_000_000
# A button must have been up this long before a press counts again (contact bounce is below 10 ms).
RELEASED_NS = 30_000_000
# A stamp older than this or in the future is not a time of this edge.
_STAMP_MAX_AGE_NS = 10 * NS
# The chattering of eight relays for a second; beyond it edges are dropped and the levels read afresh.
_EDGES_MAX = 4096


def edge_ns(ticks_s: float, mono_ns: int, wall_ns: int) -> int:
    """CLOCK_MONOTONIC ns of an edge stamped `ticks_s`, seen at `mono_ns` = `wall_ns`.

    A stamp of CLOCK_REALTIME (kernels before 5.7, or a line claimed so) is recognised and converted;
    one that fits neither clock is replaced by the moment it was seen.
    """
    stamp = round(ticks_s * NS)
    if abs(wall_ns - stamp) < abs(mono_ns - stamp):
        stamp -= wall_ns - mono_ns
    return stamp if mono_ns - _STAMP_MAX_AGE_NS <= stamp <= mono_ns else mono_ns


class Sensor:
    """One contact: its edges, each with its time. An edge that changes nothing is not reported."""

    def __init__(self, line: str, contact: Contact, pin: Pin, chips: Chips, panel: Panel) -> None:
        from gpiozero import InputDevice

        self.line = line
        self.contact = contact
        self._active_high = pin.active_high
        self._panel = panel
        self._last: bool | None = None
        factory, number = chips.of(pin)
        self._device = InputDevice(number, pull_up=None, active_state=pin.active_high, pin_factory=factory)
        _watch(self._device.pin, self._changed)

    def level(self, mono_ns: int) -> ContactEdge:
        """The present level, as an edge. Called under the panel's lock, so that no edge is told twice."""
        self._last = bool(self._device.is_active)
        return ContactEdge(self.line, self.contact, self._last, mono_ns)

    def _changed(self, ticks: float, state: int) -> None:
        active = bool(state) == self._active_high
        when = self._panel.stamp(ticks)
        with self._panel.lock:
            # Before the first level is read nothing is known; the level then says it all.
            if self._last is not None and active != self._last:
                self._last = active
                self._panel.post(ContactEdge(self.line, self.contact, active, when))

    def close(self) -> None:
        _release(self._device)


class Button:
    """One 不当要求 button: an event when it goes down, none while it is held, none for its bounces."""

    def __init__(self, line: str, pin: Pin, chips: Chips, panel: Panel) -> None:
        from gpiozero import InputDevice

        self._line = line
        self._active_high = pin.active_high
        self._panel = panel
        factory, number = chips.of(pin)
        if isinstance(pin.place, int):
            self._device = InputDevice(number, pull_up=not pin.active_high, pin_factory=factory)
        else:  # the board pulls it: not every expander could
            self._device = InputDevice(number, pull_up=None, active_state=pin.active_high, pin_factory=factory)
        self._down = bool(self._device.is_active)
        self._released_ns = -RELEASED_NS
        _watch(self._device.pin, self._changed)

    def _changed(self, ticks: float, state: int) -> None:
        when = self._panel.stamp(ticks)
        down = bool(state) == self._active_high
        if down and not self._down and when - self._released_ns >= RELEASED_NS:
            with self._panel.lock:
                self._panel.post(ButtonPressed(self._line, when))
        if self._down and not down:
            self._released_ns = when
        self._down = down

    def close(self) -> None:
        _release(self._device)


def _watch(pin: Any, callback: Callable[[float, int], None]) -> None:
    pin.bounce = None
    pin.edges = "both"
    pin.when_changed = callback  # gpiozero keeps a weak reference: the device that owns it must live


def _release(device: Any) -> None:
    """Close an input. gpiozero does not end the watching of a pin that is closed while it is watched: lgpio's one
    thread would call the dead callback at the next edge of that pin, die of it, and leave every later board deaf.
    """
    try:
        device.pin.when_changed = None
    finally:
        device.close()


class Panel:
    """Everything on the pins of a plan. `bell` is rung when something has happened."""

    def __init__(
        self,
        plan: BoardPlan,
        chips: Chips,
        *,
        bell: Callable[[], None] = lambda: None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._plan = plan
        self._chips = chips
        self._bell = bell
        self._now_ns = now_ns
        self._wall_ns = wall_ns
        self.lock = threading.Lock()
        self._events: deque[ContactEdge | ButtonPressed] = deque()
        self._read_levels = True
        self._sensors: list[Sensor] = []
        self._buttons: list[Button] = []
        self._outputs: list[Any] = []

    def open(self) -> None:
        """Claim every pin. Raises BoardError; what was claimed is released again."""
        try:
            for line in self._plan.lines:
                self._sensors.append(Sensor(line.line, Contact.HOOK, line.hook, self._chips, self))
                self._sensors.append(Sensor(line.line, Contact.RING, line.ring, self._chips, self))
                if line.button is not None:
                    self._buttons.append(Button(line.line, line.button, self._chips, self))
        except Exception as error:  # gpiozero's, lgpio's and RPi.GPIO's errors have no common base
            self.close()
            raise _claimed(self._plan, error) from error

    def output(self, pin: Pin) -> Callable[[bool], None]:
        """Claim an output, off; gives what switches it. Raises BoardError."""
        from gpiozero import DigitalOutputDevice

        try:
            factory, number = self._chips.of(pin)
            device = DigitalOutputDevice(number, active_high=pin.active_high, initial_value=False, pin_factory=factory)
        except Exception as error:  # gpiozero's, lgpio's and RPi.GPIO's errors have no common base
            raise _claimed(self._plan, error) from error
        self._outputs.append(device)
        return lambda on: device.on() if on else device.off()

    def stamp(self, ticks: float) -> int:
        """The time of an edge that is being reported now."""
        return edge_ns(ticks, self._now_ns(), self._wall_ns())

    def post(self, event: ContactEdge | ButtonPressed) -> None:
        """Queue an event from the pin library's thread, which holds the lock."""
        if len(self._events) < _EDGES_MAX:
            self._events.append(event)
        else:
            self._read_levels = True
        self._bell()

    def drain(self) -> list[ContactEdge | ButtonPressed]:
        """What has happened since the last time; at first, and after an overflow, every sensor's level."""
        with self.lock:
            events = list(self._events)
            self._events.clear()
            if self._read_levels:
                self._read_levels = False
                now = self._now_ns()
                events += [sensor.level(now) for sensor in self._sensors]
        return events

    def close(self) -> None:
        """Outputs off, pins released. Safe to call twice.

        What could not be closed is held until the panel goes, after its factory: gpiozero would try again before.
        """
        steps = [step for output in self._outputs for step in (output.off, output.close)]
        steps += [sensor.close for sensor in self._sensors] + [button.close for button in self._buttons]
        for step in steps:
            with contextlib.suppress(Exception):  # whatever the pin library raises, the rest must be released
                step()


def _claimed(plan: BoardPlan, error: Exception) -> BoardError:
    return BoardError(
        f"a pin of the board {plan.name} cannot be claimed ({error})",
        where="board",
        remedy="see that nothing else uses it (gpioinfo lists users), and that the pins fit this Pi",
    )
