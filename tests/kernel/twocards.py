"""A box with eight lines on two sound cards, and an exchange for each card.

The board's own card has two channels and two lines, the other eight channels and six lines. Run as a program, in the
test kernel: one boot of such a box, `python -m tests.kernel.twocards FOLDER NAME`, whose store and records of the
exchange stay in FOLDER.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.kernel.box import Box
from tests.kernel.compare import Part, Take, columns
from tests.kernel.header import PI_4_LABEL, Header
from tests.kernel.world import Glance, Wiring, World
from tsuwaroku.clock import NS
from tsuwaroku.config import BoardConfig, CardConfig, Config, LineConfig
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.service.sockets import keeper_socket

OWN, ANNEX = "ab", "cdefgh"
CHANNELS = {"tsuwa2": 2, "annex": 8}
ANNEX_PORTS = (1, 2, 4, 5, 7, 8)
# What is called in one boot of the program: lines of both cards at once.
CALLS = [("a", 2.0, 5.0), ("b", 3.0, 5.0), ("c", 2.5, 5.0), ("h", 3.5, 5.0)]
END_S = 14.0


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
            capture="tsuwa2",
            playback="tsuwa2",
            channels=CHANNELS["tsuwa2"],
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

    @classmethod
    def make(cls, folder: Path, header: Header, part: Part) -> Scene:
        """Nothing runs yet."""
        worlds = {
            card: World(
                header,
                wiring(lines),
                [source for source in part.sources() if source.line in lines],
                card=card,
                channels=CHANNELS[card],
                written=folder / card,
                watch=True,
            )
            for card, lines in (("tsuwa2", OWN), ("annex", ANNEX))
        }
        return cls(Box(folder / "store", config(), slots=160), worlds, folder)

    def start(self) -> None:
        self.box.start()
        for world in self.worlds.values():
            world.start()

    def until(self, at_s: float) -> None:
        for world in self.worlds.values():
            world.wait_until(at_s)

    def alarms(self) -> dict[tuple[str, str], str]:
        """The alarms of the recorder that stand now: (code, line) -> detail."""
        with KeeperClient(keeper_socket(self.box.path, self.box.config)) as client:
            status = client.status()
        assert status.recorder is not None
        found = {(alarm.code, alarm.line): alarm.detail for alarm in status.recorder.alarms}
        found.pop(("clock_unsynchronised", ""), None)  # there is no NTP here
        return found

    def end(self) -> None:
        self.box.stop()
        for world in self.worlds.values():
            world.stop()
        report = self.box.verify()
        assert (report.ok, report.problems) == (True, [])

    def take(self, card: str) -> Take:
        lines = {line: wires.channel for line, wires in wiring(OWN if card == "tsuwa2" else ANNEX).items()}
        world = self.worlds[card]
        calls = [call for call in self.box.calls() if call.line in lines]
        origin_ns = world.origin_ns + time.time_ns() - time.monotonic_ns()
        return Take(calls, self.box.runs(), columns(self.folder / card, lines, CHANNELS[card]), origin_ns)


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


def shown(glances: Sequence[Glance], line: str, begin_ns: int, end_ns: int) -> str:
    """What a lamp showed all through a stretch of time."""
    found = changes(glances, line, begin_ns, end_ns)
    if len(found) == 1:
        return "lit" if found[0][1] else "dark"
    return "blinking" if blinks(found, (end_ns - begin_ns) / NS) else f"{found}"


def lamps(scene: Scene, begin_s: float, end_s: float) -> dict[str, str]:
    """What each line's lamp showed all through a stretch of stream time."""
    found = {}
    for line in OWN + ANNEX:
        world = scene.worlds["tsuwa2" if line in OWN else "annex"]
        begin_ns, end_ns = (world.origin_ns + round(at_s * NS) for at_s in (begin_s, end_s))
        found[line] = shown(world.glances, line, begin_ns, end_ns)
    return found


def look(header: Header, seconds: float) -> dict[str, str]:
    """What each line's lamp shows for so long from now on, where no world looks."""
    pins = {line: int(wires.lamp) for line, wires in wiring(OWN + ANNEX).items()}
    begin_ns = time.monotonic_ns()
    glances = []
    while (now := time.monotonic_ns()) < begin_ns + seconds * NS:
        glances.append(Glance(now, frozenset(line for line, pin in pins.items() if header.level(pin))))
        time.sleep(0.02)
    return {line: shown(glances, line, begin_ns, now) for line in pins}


class Told(msgspec.Struct):
    """Of one boot: the cards in the order of their numbers, and when each exchange began (Unix time)."""

    cards: list[str]
    origin_ns: dict[str, int]


def main(folder: Path, name: str) -> None:
    """One boot of the box: calls on both cards. NAME-CARD is then what a card was given, NAME.json what there was."""
    part = script(folder, CALLS)
    header = Header()
    scene = Scene.make(folder, header, part)
    for card, world in scene.worlds.items():
        world.written = folder / f"{name}-{card}"
    scene.start()
    offset_ns = time.time_ns() - time.monotonic_ns()
    scene.until(END_S)
    scene.end()
    header.close()
    told = Told(
        [line.split()[1].strip("[]:") for line in Path("/proc/asound/cards").read_text().splitlines()[::2]],
        {card: world.origin_ns + offset_ns for card, world in scene.worlds.items()},
    )
    (folder / f"{name}.json").write_bytes(msgspec.json.encode(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
