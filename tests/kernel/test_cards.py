"""Eight lines on two sound cards, one of which is pulled in mid-call and put back; then a recorder that is held up.

The board's own card has two channels and two lines, the other eight channels and six lines.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.kernel.box import Box
from tests.kernel.compare import Part, Place, Take, columns, differences, find_places
from tests.kernel.header import PI_4_LABEL, Header
from tests.kernel.world import Glance, Wiring, World
from tsuwaroku.clock import NS
from tsuwaroku.config import BoardConfig, CardConfig, Config, LineConfig
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.keeper import keeper_socket

pytestmark = [pytest.mark.slow, pytest.mark.kernel(machine="two cards", limit_s=90)]

RATE = 8000
OWN, ANNEX = "ab", "cdefgh"
CHANNELS = {"telrec": 2, "annex": 8}
ANNEX_PORTS = (1, 2, 4, 5, 7, 8)
# Capture promises the length of a gap to one period (20 ms); both ends of this card share a clock.
PERIOD = 160


def wiring(lines: str) -> dict[str, Wiring]:
    """Hook, ring and lamp for eight lines on the 28 pins of a header, a button for the first."""
    ports = dict(zip(OWN + ANNEX, (1, 2, *ANNEX_PORTS), strict=True))
    return {
        line: Wiring(ports[line] - 1, f"{n}", f"!{8 + n}", "!24" if n == 0 else "", f"{16 + n}")
        for n, line in enumerate(OWN + ANNEX)
        if line in lines
    }


def config() -> Config:
    return Config(
        board=BoardConfig(
            kind="custom",
            capture="telrec",
            playback="telrec",
            channels=CHANNELS["telrec"],
            gpio_chip=PI_4_LABEL,
            card=(CardConfig(name="annex", playback="annex", channels=CHANNELS["annex"]),),
        ),
        line=tuple(
            LineConfig(
                id=line,
                card="annex" if line in ANNEX else "",
                port=wires.channel + 1,
                hook=wires.hook,
                ring=wires.ring,
                lamp=wires.lamp,
                button=wires.button,
            )
            for line, wires in wiring(OWN + ANNEX).items()
        ),
    )


def script(folder: Path, calls: Sequence[tuple[str, float, float]]) -> Part:
    """Inbound calls of one ring each: (line, when it begins, how long they talk)."""
    path = folder / "calls.toml"
    path.write_text(
        "\n".join(
            f'[[call]]\nline = "{line}"\nat = {at}\ndirection = "inbound"\nrings = 1\ntalk = {talk}\n'
            for line, at, talk in calls
        )
    )
    return Part(path, {line: line for line, _, _ in calls})


@dataclass
class Scene:
    """A box on two cards, an exchange for each, and what came of it."""

    box: Box
    worlds: dict[str, World]
    folder: Path

    def until(self, at_s: float) -> None:
        for world in self.worlds.values():
            world.wait_until(at_s)

    def alarms(self) -> set[tuple[str, str]]:
        """The alarms that stand now, (code, line)."""
        with KeeperClient(keeper_socket(self.box.path, self.box.config)) as client:
            status = client.status()
        assert status.recorder is not None
        return {(alarm.code, alarm.line) for alarm in status.recorder.alarms} - {("clock_unsynchronised", "")}

    def end(self) -> None:
        self.box.stop()
        for world in self.worlds.values():
            world.stop()
        report = self.box.verify()
        assert (report.ok, report.problems) == (True, [])

    def take(self, card: str) -> Take:
        lines = {line: wires.channel for line, wires in wiring(OWN if card == "telrec" else ANNEX).items()}
        world = self.worlds[card]
        calls = [call for call in self.box.calls() if call.line in lines]
        origin_ns = world.origin_ns + time.time_ns() - time.monotonic_ns()
        return Take(calls, self.box.runs(), columns(self.folder / card, lines, CHANNELS[card]), origin_ns)

    def lit(self, line: str, begin_s: float, end_s: float) -> list[tuple[float, bool]]:
        """A lamp's changes in a stretch of stream time, its state at the beginning first."""
        world = self.worlds["telrec" if line in OWN else "annex"]
        return changes(world.glances, line, world.origin_ns + round(begin_s * NS), world.origin_ns + round(end_s * NS))


def changes(glances: Sequence[Glance], line: str, begin_ns: int, end_ns: int) -> list[tuple[float, bool]]:
    found: list[tuple[float, bool]] = []
    for glance in glances:
        lit = line in glance.lit
        if glance.mono_ns <= begin_ns:
            found = [(0.0, lit)]
        elif glance.mono_ns < end_ns and (not found or found[-1][1] != lit):
            found.append(((glance.mono_ns - begin_ns) / NS, lit))
    return found


def blinks(found: list[tuple[float, bool]], seconds: float) -> bool:
    """4 Hz: a change each 125 ms, all along."""
    times = [at for at, _ in found[1:]]
    apart = [b - a for a, b in itertools.pairwise(times)]
    return len(times) >= seconds * 8 - 2 and all(0.08 <= gap <= 0.17 for gap in apart)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[Part], Scene]]:
    header = Header()

    def scene(part: Part) -> Scene:
        box = Box(tmp_path / "store", config(), slots=160)
        worlds = {
            card: World(
                header,
                wiring(lines),
                [source for source in part.sources() if source.line in lines],
                card=card,
                channels=CHANNELS[card],
                written=tmp_path / card,
                watch=True,
            )
            for card, lines in (("telrec", OWN), ("annex", ANNEX))
        }
        box.start()
        for world in worlds.values():
            world.start()
        return Scene(box, worlds, tmp_path)

    yield scene
    header.close()


def lamps(scene: Scene, begin_s: float, end_s: float) -> dict[str, str]:
    """What each line's lamp showed all through a stretch of stream time."""

    def shown(line: str) -> str:
        found = scene.lit(line, begin_s, end_s)
        if len(found) == 1:
            return "lit" if found[0][1] else "dark"
        return "blinking" if blinks(found, end_s - begin_s) else f"{found}"

    return {line: shown(line) for line in OWN + ANNEX}


def gaps(take: Take, distance: int) -> list[tuple[str, float, float, str]]:
    """Every gap of every call: its line, its begin and end in the world's seconds (to 1 ms), its reason."""
    return [
        (
            call.line,
            round((gap.first_sample - distance) / RATE, 3),
            round((gap.first_sample + gap.samples - distance) / RATE, 3),
            gap.reason,
        )
        for call in take.calls
        for gap in call.audio.gaps
    ]


def distances(places: Sequence[Place]) -> tuple[int, int]:
    """Of the stretches before a loss and after it: each kind has one, and none is other than what its line carried."""
    assert [place for place in places if place.place is None] == []
    found = list(dict.fromkeys(place.distance for place in sorted(places, key=lambda place: place.first)))
    assert len(found) == 2
    before, after = found
    assert before is not None
    assert after is not None
    return before, after


PULLED_S, BACK_S = 20.0, 26.0
# What is not read yet when the card goes, goes with it (two periods); what is back is noticed within a second.
NOTICED_S = 0.045
RETRIED_S = 1.1
CALLS = [
    ("a", 3.0, 38.0),  # all along
    ("b", 5.0, 14.5),  # ends while the other card is away
    ("b", 28.0, 8.0),
    ("c", 3.0, 38.0),  # all along
    ("d", 4.0, 10.0),  # over before
    ("d", 30.0, 10.0),  # begins after
    ("e", 5.0, 14.5),  # ends without its card
    ("f", 20.5, 18.0),  # begins without its card
    ("g", 21.0, 1.0),  # begins and ends without it
    ("h", 33.0, 8.0),
]


def test_a_card_pulled_and_put_back_costs_its_own_lines_that_time_alone(
    tmp_path: Path, make: Callable[[Part], Scene]
) -> None:
    part = script(tmp_path, CALLS)
    scene = make(part)
    scene.until(PULLED_S)
    alarms = [scene.alarms()]
    scene.worlds["annex"].unplug()
    scene.until(PULLED_S + 3)
    alarms.append(scene.alarms())
    scene.until(BACK_S)
    scene.worlds["annex"].plug()
    scene.until(BACK_S + 3)
    alarms.append(scene.alarms())
    scene.until(50.0)
    scene.end()

    gone = {(code, line) for line in ANNEX for code in ("card_failed", "announcement_failed")}
    assert alarms == [
        set(),
        gone | {("not_recorded", line) for line in "cfg"},
        {("audio_lost", line) for line in ANNEX},
    ]
    blinking = dict.fromkeys(ANNEX, "blinking")
    assert lamps(scene, PULLED_S + 0.3, 22.5) == {"a": "lit", "b": "lit"} | blinking
    assert lamps(scene, 23.5, BACK_S) == {"a": "lit", "b": "dark"} | blinking
    in_calls = dict.fromkeys("acf", "lit") | dict.fromkeys("bdegh", "dark")
    assert lamps(scene, BACK_S + RETRIED_S + 1, 29.5) == in_calls

    own = replace(part, lines={line: line for line in OWN})
    assert differences([(own, own.calls(tmp_path / "simulated"))], scene.take("telrec")) == []

    annex = scene.take("annex")
    places = find_places(annex)
    before, after = distances(places)
    assert abs(after - before) <= PERIOD
    assert [(place.line, place.first > PULLED_S * RATE + before) for place in places] == [
        ("c", False), ("c", True), ("d", False), ("e", False), ("f", True), ("d", True), ("h", True)
    ]  # fmt: skip
    found = {line: (begin_s, end_s, reason) for line, begin_s, end_s, reason in gaps(annex, before)}
    assert list(found) == list("cefg")
    spans = {call.line: span(call, before) for call in annex.calls if call.line in found}
    assert {reason for _, _, reason in found.values()} == {"unplugged"}
    for line in "ce":
        assert PULLED_S - NOTICED_S <= found[line][0] <= PULLED_S
    for line in "cf":
        assert BACK_S <= found[line][1] <= BACK_S + RETRIED_S
    assert [found[line][0] for line in "fg"] == [spans[line][0] for line in "fg"]
    assert [found[line][1] for line in "eg"] == [spans[line][1] for line in "eg"]


def span(call: CallRecord, distance: int) -> tuple[float, float]:
    """Where a call begins and ends in the world's seconds."""
    assert call.audio.first_sample is not None
    first = call.audio.first_sample - distance
    return round(first / RATE, 3), round((first + call.audio.samples) / RATE, 3)


# (when, how long) the recorder is stopped; the card's buffer holds half a second.
HOLDS = [(10.0, 1.0), (16.0, 0.35), (20.0, 3.0)]


def test_a_recorder_that_is_held_up_longer_than_the_buffer_leaves_a_gap_of_that_length(
    tmp_path: Path, make: Callable[[Part], Scene]
) -> None:
    calls = [
        ("a", 3.0, 30.0),  # all along
        ("b", 8.7, 5.7),  # answered in the first stop, hung up in the second
        ("c", 3.0, 30.0),
        ("d", 4.0, 4.5),  # hung up in the first
        ("e", 19.2, 10.0),  # answered in the third
    ]
    part = script(tmp_path, calls)
    scene = make(part)
    recorder = scene.box.pair.pid("recorder")
    assert recorder is not None
    for at_s, for_s in HOLDS:
        scene.until(at_s)
        os.kill(recorder, signal.SIGSTOP)
        scene.until(at_s + for_s)
        os.kill(recorder, signal.SIGCONT)
        scene.until(at_s + for_s + 1.5)
    lost = {("audio_lost", line) for line in OWN + ANNEX}
    assert scene.alarms() == lost
    scene.until(42.0)
    scene.end()

    for card, lines in (("telrec", "ab"), ("annex", "cde")):
        take = scene.take(card)
        own = replace(part, lines={line: line for line in lines})
        # Who called and when is as if nothing had been: the kernel has kept the edges, with their times.
        assert differences([(own, own.calls(tmp_path / f"simulated {card}"))], take, lossy=True) == []
        places = find_places(take)
        assert [place for place in places if place.place is None] == []
        known = [place.distance for place in places if place.distance is not None]
        assert max(known) - min(known) <= PERIOD
        first, third = ((at_s, at_s + for_s) for at_s, for_s in (HOLDS[0], HOLDS[2]))
        held = {"a": [first, third], "b": [first], "c": [first, third], "d": [first], "e": [third]}
        found = gaps(take, known[0])
        assert [(line, reason) for line, _, _, reason in found] == [
            (line, "overrun") for line in lines for _ in held[line]
        ]
        for (_, begin_s, end_s, _), (at_s, to_s) in zip(
            found, [hold for line in lines for hold in held[line]], strict=True
        ):
            assert at_s - NOTICED_S <= begin_s <= at_s
            assert to_s <= end_s <= to_s + PERIOD / RATE
    # A lamp cannot change while nobody drives it; then it tells the truth at once: the call is covered again.
    in_calls = dict.fromkeys("ac", "lit") | dict.fromkeys("bdfgh", "dark")
    assert lamps(scene, 25.0, 30.0) == in_calls | {"e": "lit"}
