"""Edge times, presses, the choice of the pin library, and what is said when it cannot be had."""

from __future__ import annotations

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.errors import BoardError
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.hal import chips, gpio
from tsuwaroku.hal.chips import Chips
from tsuwaroku.hal.gpio import NS, Panel, edge_ns
from tsuwaroku.hal.hats import BoardPlan, Pin, resolve

MS = 1_000_000
MONO = 5_000 * NS
WALL = 1_795_000_000 * NS


@pytest.mark.parametrize(
    ("ticks_ns", "wanted"),
    [
        (MONO - 3 * MS, MONO - 3 * MS),  # CLOCK_MONOTONIC
        (WALL - 3 * MS, MONO - 3 * MS),  # CLOCK_REALTIME
        (MONO + 5 * MS, MONO),  # the future
        (WALL + 5 * MS, MONO),
        (MONO - 60 * NS, MONO),  # no time of this edge
        (0, MONO),
    ],
)
def test_stamps_of_either_clock_become_monotonic(ticks_ns: int, wanted: int) -> None:
    assert abs(edge_ns(ticks_ns / NS, MONO, WALL) - wanted) < 1000


def plan(**board: object) -> BoardPlan:
    return resolve(
        Config(board=BoardConfig(**({"kind": "tsuwa2"} | board)), line=(LineConfig(id="1", port=1),))  # type: ignore[arg-type]
    )


class StampedPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A mock pin whose edges carry the time the test gives."""

    def edge(self, high: bool, at_ns: int) -> None:
        self._state = high
        assert self.when_changed is not None
        self.when_changed(at_ns / NS, int(high))


class Bench:
    """A panel at a time the test sets."""

    def __init__(self) -> None:
        self.now = MONO
        self.factory = MockFactory(pin_class=StampedPin)
        for number in (22, 12):
            self.pin(number).drive_high()
        self.panel = Panel(plan(), Chips(self.factory), now_ns=lambda: self.now, wall_ns=lambda: WALL - MONO + self.now)
        self.panel.open()

    def pin(self, number: int) -> StampedPin:
        pin = self.factory.pin(number)
        assert isinstance(pin, StampedPin)
        return pin

    def edge(self, number: int, high: bool, at_ms: float) -> None:
        at = MONO + round(at_ms * MS)
        self.now = at + 8 * MS  # the callback runs late
        self.pin(number).edge(high, at)


def test_an_edge_has_its_own_time_and_the_hats_polarity() -> None:
    bench = Bench()
    assert bench.panel.drain() == [
        ContactEdge("1", Contact.HOOK, False, MONO),
        ContactEdge("1", Contact.RING, False, MONO),
    ]
    bench.edge(17, True, 10)
    bench.edge(22, False, 11.5)
    bench.edge(22, True, 13)
    bench.edge(17, False, 13.5)
    edges = bench.panel.drain()
    assert [(e.line, e.contact, e.active) for e in edges if isinstance(e, ContactEdge)] == [
        ("1", Contact.HOOK, True),
        ("1", Contact.RING, True),
        ("1", Contact.RING, False),
        ("1", Contact.HOOK, False),
    ]
    assert [e.mono_ns - MONO for e in edges] == pytest.approx([10 * MS, 11.5 * MS, 13 * MS, 13.5 * MS], abs=1000)
    assert bench.panel.drain() == []


def test_an_edge_that_changes_nothing_or_comes_before_the_levels_is_not_told_twice() -> None:
    bench = Bench()
    bench.edge(17, True, 1)
    assert [(e.contact, e.active) for e in bench.panel.drain() if isinstance(e, ContactEdge)] == [
        (Contact.HOOK, True),
        (Contact.RING, False),
    ]
    bench.edge(17, True, 2)
    assert bench.panel.drain() == []


def test_nothing_is_debounced_by_the_pin_library() -> None:
    bench = Bench()
    assert [bench.pin(number).bounce for number in (17, 22, 12)] == [None, None, None]
    assert [bench.pin(number).pull for number in (17, 22, 12)] == ["floating", "floating", "up"]


def test_presses() -> None:
    bench = Bench()
    bench.panel.drain()
    for at_ms, high in [
        *((0, False), (2, True), (4, False)),  # down, bouncing
        *((500, True), (510, False)),  # chatter while held
        *((900, True), (905, False), (910, True)),  # released, bouncing
        *((945, False), (980, True)),  # the next one, 35 ms later
        *((1005, False), (1006, True)),  # a bounce 25 ms after the release
    ]:
        bench.edge(12, high, at_ms)
    presses = bench.panel.drain()
    assert {type(press) for press in presses} == {ButtonPressed}
    assert [press.mono_ns - MONO for press in presses] == pytest.approx([0, 945 * MS], abs=1000)


def test_a_flood_of_edges_ends_in_the_true_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpio, "_EDGES_MAX", 3)
    bench = Bench()
    bench.panel.drain()
    for n in range(7):
        bench.edge(17, n % 2 == 0, n)
    assert [(e.contact, e.active) for e in bench.panel.drain() if isinstance(e, ContactEdge)] == [
        (Contact.HOOK, True),
        (Contact.HOOK, False),
        (Contact.HOOK, True),
        (Contact.HOOK, True),  # the levels, read afresh
        (Contact.RING, False),
    ]


def test_outputs_are_off_at_first_and_at_last() -> None:
    factory = MockFactory()
    panel = Panel(plan(), Chips(factory))
    high, low = panel.output(Pin(16)), panel.output(Pin(26, active_high=False))
    pins = factory.pin(16), factory.pin(26)
    assert [pin.state for pin in pins] == [False, True]
    high(True)
    low(True)
    assert [pin.state for pin in pins] == [True, False]
    panel.close()
    assert [entry.state for entry in pins[0].states] == [False, True, False]


class GonePin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin of a chip that may go away: then every call of it fails, as lgpio's do."""

    gone = False

    def _refuse(self) -> None:
        if self.gone:
            raise OSError("bad lineinfo IOCTL")

    def close(self) -> None:
        self._refuse()
        super().close()

    def _set_state(self, value: bool) -> None:
        self._refuse()
        super()._set_state(value)

    def _set_when_changed(self, value: object) -> None:
        self._refuse()
        super()._set_when_changed(value)


def test_a_chip_that_went_away_does_not_keep_its_pins_from_the_next_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever of it cannot be closed: it came back, perhaps, and gpiozero must not remember the dead pins."""
    factory = MockFactory(pin_class=GonePin)
    panel = Panel(plan(), Chips(factory))
    panel.open()
    panel.output(Pin(24))(True)
    before = dict(factory.pins)
    monkeypatch.setattr(GonePin, "gone", True)
    panel.close()
    panel.close()
    chips.close_factory(factory)
    assert factory.pins == {}
    monkeypatch.setattr(GonePin, "gone", False)
    second = Panel(plan(), Chips(factory))
    second.open()
    second.output(Pin(24))(True)
    assert sorted(info.name for info in factory.pins) == sorted(info.name for info in before)
    assert not [pin for pin in factory.pins.values() if pin in before.values()]
    second.close()


def test_a_pin_that_is_taken_is_told() -> None:
    factory = MockFactory()
    panel = Panel(plan(), Chips(factory))
    panel.output(Pin(17))
    with pytest.raises(BoardError) as caught:
        panel.open()
    assert "pin of the board tsuwa2" in caught.value.message
    panel.close()
