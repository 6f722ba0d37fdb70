"""The bench can fail: a fault put into the real back ends on purpose is found by the checks that pass without it.

Each mutant replaces a method of the product; the checks are the contract's own tests, as they are.
"""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import test_board
from tests.contract.bench import BenchRig
from tests.contract.test_board import ACTS
from tests.kernel import test_contract, test_losses
from tsuwaroku.events import ButtonPressed, ContactEdge
from tsuwaroku.hal import gpio, lamps, playback
from tsuwaroku.hal.alsa import Capture
from tsuwaroku.hal.framing import Framer
from tsuwaroku.hal.lamps import Lamps
from tsuwaroku.hal.playback import Player

pytestmark = [pytest.mark.slow, pytest.mark.kernel]
Change = Callable[[Callable[..., Any]], Callable[..., Any]]

CONTRACT: dict[str, Callable[..., None]] = {
    name: test
    for module in (test_board, test_contract)
    for name, test in vars(module).items()
    if name.startswith("test_") and inspect.isfunction(test) and {*inspect.signature(test).parameters} <= {"rig", "run"}
}
LOSSES: dict[str, Callable[..., None]] = {
    test.__name__: test
    for test in (test_losses.test_an_overrun_is_a_gap_to_the_sample, test_losses.test_unplugged_and_plugged_in_again)
}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[BenchRig]:
    with BenchRig(tmp_path) as made:
        assert isinstance(made, BenchRig)
        yield made


def failing(rig: BenchRig, monkeypatch: pytest.MonkeyPatch, checks: dict[str, Callable[..., None]]) -> list[str]:
    """The names of the checks that fail now. The contract's share one run, as they do elsewhere."""
    given: dict[str, Any] = {"rig": rig, "monkeypatch": monkeypatch, "for_s": 0.7}
    if checks is CONTRACT:
        given["run"] = rig.run(acts=list(ACTS))
    found = []
    for name, check in checks.items():
        try:
            check(**{wanted: given[wanted] for wanted in inspect.signature(check).parameters})
        except (
            Exception
        ) as error:  # an assertion mostly, but what comes out may also be of a shape that no check expects
            print(f"{name}: {error}")
            found.append(name)
    return found


@pytest.mark.parametrize("checks", [CONTRACT, LOSSES], ids=["contract", "losses"])
def test_without_a_fault_nothing_fails(
    rig: BenchRig, monkeypatch: pytest.MonkeyPatch, checks: dict[str, Callable[..., None]]
) -> None:
    assert failing(rig, monkeypatch, checks) == []


def at_call(number: int, change: Change) -> Change:
    """The change, in the `number`th call alone."""

    def once(real: Callable[..., Any]) -> Callable[..., Any]:
        calls = 0
        changed = change(real)

        def method(*given: Any) -> Any:
            nonlocal calls
            calls += 1
            return (changed if calls == number else real)(*given)

        return method

    return once


def _forgotten(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: True


def _twice(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: (real(*given), real(*given))[1]


def _nothing(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: None


def _xrun_ignored(real: Callable[..., Any]) -> Callable[..., Any]:
    def take(capture: Any, pcm: Any, frames: int, octets: bytes) -> bool:
        if frames == -errno.EPIPE:
            capture._to_start = True
            return False
        return bool(real(capture, pcm, frames, octets))

    return take


def _hole_a_period_short(real: Callable[..., Any]) -> Callable[..., Any]:
    def resume(capture: Any) -> None:
        capture._position += 160 if capture._hole else 0
        real(capture)
        capture._position -= 160 if capture._position > 160 else 0

    return resume


def _channels_swapped(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda framer, rate, channels, of: real(framer, rate, channels, {line: 1 - n for line, n in of.items()})


def _inverted(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda device, ticks, state: real(device, ticks, 1 - state)


def _level_inverted(real: Callable[..., Any]) -> Callable[..., Any]:
    def level(sensor: Any, mono_ns: int) -> ContactEdge:
        edge = real(sensor, mono_ns)
        sensor._last = not edge.active
        return ContactEdge(edge.line, edge.contact, not edge.active, mono_ns)

    return level


def _only_hooks(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda sensor, ticks, state: real(sensor, ticks, state) if sensor.contact == "hook" else None


def _stamp_of_the_one_before() -> Change:
    def change(real: Callable[..., Any]) -> Callable[..., Any]:
        before: list[int] = []

        def stamp(panel: Any, ticks: float) -> int:
            before.append(real(panel, ticks))
            return before[-2] if len(before) > 1 else before[-1]

        return stamp

    return change


def _debounced(real: Callable[..., Any]) -> Callable[..., Any]:
    def watch(pin: Any, callback: Any) -> None:
        real(pin, callback)
        pin.bounce = 0.008

    return watch


def _posted_twice(kind: type) -> Change:
    return lambda real: lambda panel, event: [real(panel, event) for _ in range(1 + isinstance(event, kind))]


def _lamps_off_by_one(real: Callable[..., Any]) -> Callable[..., Any]:
    def made(made_of: Any, outputs: dict[str, Any], *rest: Any) -> None:
        names = list(outputs)
        real(made_of, dict(zip(names, [*list(outputs.values())[1:], outputs[names[0]]], strict=True)), *rest)

    return made


def _winking_on(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda state, since, winked, now: real(state, since, None if winked is None else now, now)


def _cut_short(samples: int) -> Change:
    return lambda real: lambda voice, pcm: real(voice, pcm[: -2 * samples])


def _on_the_other_line(real: Callable[..., Any]) -> Callable[..., Any]:
    def made(player: Any, alsa: Any, spec: Any, channels_of: dict[str, int], **rest: Any) -> None:
        real(player, alsa, spec, {line: 1 - channel for line, channel in channels_of.items()}, **rest)

    return made


def _told_late(real: Callable[..., Any]) -> Callable[..., Any]:
    def write(player: Any, pcm: Any, queued: int) -> bool:
        return bool(real(player, pcm, queued + 40))

    return write


def _paths_crossed(real: Callable[..., Any]) -> Callable[..., Any]:
    def made(player: Any, *given: Any, speak: Callable[[str, bool], None], **rest: Any) -> None:
        other = {"11": "12", "12": "11"}
        real(player, *given, speak=lambda line, on: speak(other[line], on), **rest)

    return made


# Name: where, what is done to it, and the check that must find it.
MUTANTS: dict[str, tuple[Any, str, Change, str]] = {
    "a period dropped": (Capture, "_take", at_call(40, _forgotten), "test_frames_are_exactly_the_input"),
    "a period doubled": (Capture, "_take", at_call(40, _twice), "test_frames_are_exactly_the_input"),
    "an overrun ignored": (Capture, "_take", _xrun_ignored, "test_an_overrun_is_a_gap_to_the_sample"),
    "a hole too short": (Capture, "_resume", _hole_a_period_short, "test_an_overrun_is_a_gap_to_the_sample"),
    "channels swapped": (Framer, "__init__", _channels_swapped, "test_frames_are_exactly_the_input"),
    "a contact inverted": (gpio.Sensor, "_changed", _inverted, "test_every_edge_is_told_once_with_its_own_time"),
    "levels inverted": (gpio.Sensor, "level", _level_inverted, "test_the_first_read_gives_every_level"),
    "ring contacts unwatched": (
        gpio.Sensor,
        "_changed",
        _only_hooks,
        "test_every_edge_is_told_once_with_its_own_time",
    ),
    "an edge lost": (
        gpio.Sensor,
        "_changed",
        at_call(3, _nothing),
        "test_every_edge_is_told_once_with_its_own_time",
    ),
    "an edge's time stale": (
        gpio.Panel,
        "stamp",
        _stamp_of_the_one_before(),
        "test_every_edge_is_told_once_with_its_own_time",
    ),
    "an edge told twice": (
        gpio.Panel,
        "post",
        _posted_twice(ContactEdge),
        "test_every_edge_is_told_once_with_its_own_time",
    ),
    "contacts debounced": (gpio, "_watch", _debounced, "test_every_edge_is_told_once_with_its_own_time"),
    "a press told twice": (gpio.Panel, "post", _posted_twice(ButtonPressed), "test_a_press_held_and_bouncing_is_one"),
    "a button inverted": (gpio.Button, "_changed", _inverted, "test_a_press_held_and_bouncing_is_one"),
    "a press lost": (gpio.Button, "_changed", at_call(1, _nothing), "test_a_press_held_and_bouncing_is_one"),
    "lamps off by one": (Lamps, "__init__", _lamps_off_by_one, "test_lamps"),
    "a wink without end": (lamps, "level", _winking_on, "test_lamps"),
    "the last period lost": (playback._Voice, "__init__", _cut_short(160), "test_what_was_played"),
    "the last sample lost": (playback._Voice, "__init__", _cut_short(1), "test_what_was_played"),
    "the wrong line spoken to": (Player, "__init__", _on_the_other_line, "test_what_was_played"),
    "the card left to run dry": (playback, "_SILENCE", lambda _: 0, "test_what_was_played"),  # type: ignore[dict-item, return-value]
    "a stop unheard": (Player, "stop", _nothing, "test_playing_is_told_from_its_first_to_its_last_sample"),
    "an announcement's time wrong": (Player, "_write", _told_late, "test_announcements_sound_when_they_are_told_to"),
    "paths crossed": (Player, "__init__", _paths_crossed, "test_a_path_is_connected_while_its_line_is_spoken_to"),
    "a dead card kept": (Player, "_watch", _nothing, "test_unplugged_and_plugged_in_again"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_is_found(rig: BenchRig, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    where, method, change, check = MUTANTS[name]
    monkeypatch.setattr(where, method, change(getattr(where, method)))
    checks = CONTRACT if check in CONTRACT else {check: LOSSES[check]}
    assert check in failing(rig, monkeypatch, checks)
