"""Call scripts through the product on real devices: the calls of a simulation, and the sound to the sample."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kernel.box import Box
from tests.kernel.compare import Part, Take, columns, differences
from tests.kernel.header import PI_4_LABEL, Header
from tests.kernel.world import Wiring, World
from tests.scenarios import make as scenarios
from tests.service.support import samples_of
from tsuwaroku.clock import NS
from tsuwaroku.config import BoardConfig, Config, LineConfig

pytestmark = [pytest.mark.slow, pytest.mark.kernel(machine="one card", limit_s=120)]

SCRIPTS = Path(__file__).parents[1] / "scenarios"
LINES = "abcdefgh"
# Contacts bounce slower than a tick of gpio-sim (1 ms), which would make one edge of two, or none.
APART_MS = (2.1, 7.99)
AFTER_S = 4.0  # a hang-up is decided 1.5 s after it, a missed call 6 s after its last ring


def wiring() -> dict[str, Wiring]:
    """Eight lines on the 28 pins of a header: contacts and buttons for all, lamps for the first four."""
    return {
        line: Wiring(n, f"{n}", f"!{8 + n}", f"!{16 + n}", f"{24 + n}" if n < 4 else "") for n, line in enumerate(LINES)
    }


def config() -> Config:
    """These eight lines on one card of eight channels."""
    return Config(
        board=BoardConfig(kind="custom", capture="tsuwa2", playback="tsuwa2", channels=8, gpio_chip=PI_4_LABEL),
        line=tuple(
            LineConfig(id=line, port=wires.channel + 1, hook=wires.hook, ring=wires.ring, button=wires.button)
            for line, wires in wiring().items()
        ),
    )


def play(folder: Path, parts: Sequence[Part]) -> Take:
    """The parts at once through one run of a box; the store verifies."""
    header = Header()
    box = Box(folder / "store", config(), slots=200)
    sources = [source for part in parts for source in part.sources()]
    world = World(header, wiring(), sources, channels=len(LINES), written=folder / "written")
    box.start()
    world.start()
    origin_ns = world.origin_ns + time.time_ns() - time.monotonic_ns()
    world.wait_until(max(source.ends_ns() or 0 for source in sources) / NS + AFTER_S)
    box.stop()
    world.stop()
    header.close()
    report = box.verify()
    assert (report.ok, report.problems) == (True, [])
    channels = {line: wires.channel for line, wires in wiring().items()}
    return Take(box.calls(), box.runs(), columns(folder / "written", channels, len(LINES)), origin_ns)


def compare(folder: Path, parts: Sequence[Part], take: Take) -> list[str]:
    """The take against the simulation of each part."""
    return differences([(part, part.calls(folder / f"simulated {n}")) for n, part in enumerate(parts)], take)


def raw(folder: Path, seed: int, lines: str, *, calls: int, mix_notice: bool) -> tuple[Part, dict[str, bytes]]:
    """A scenario on some lines of the box, and what its WAVs give each of them."""
    folder.mkdir()
    made = scenarios.make(folder, seed, lines=len(lines), calls=calls, mix_notice=mix_notice, apart_ms=APART_MS)
    names = {str(n): line for n, line in enumerate(lines, 1)}
    return Part(made.script, names), {names[line]: samples_of(wav) for line, wav in made.wavs.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory whose content does not outlive its test: stores are large, and the guest is small."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def test_calls_are_those_of_a_simulation_and_sound_is_the_input(folder: Path) -> None:
    """Every kind of call, with the announcement on the pair and without it."""
    mixed, _ = raw(folder / "mixed", 2, "ef", calls=4, mix_notice=True)
    unmixed, wavs = raw(folder / "unmixed", 1, "gh", calls=4, mix_notice=False)
    office = Part(SCRIPTS / "office.toml", dict(zip("123", "abc", strict=True)))
    parts = [office, Part(SCRIPTS / "single.toml", {"1": "d"}), mixed, unmixed]
    assert set(SCRIPTS.glob("*.toml")) <= {part.script for part in parts}, "a script has no line here"
    take = play(folder, parts)
    # Where nothing is mixed in, the reference is the WAV itself and not what went to the card.
    take = replace(take, given={**take.given, **wavs})
    assert compare(folder, parts, take) == []
    assert len(take.calls) == 7 + 1 + 2 * 8


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10, 16))
def test_other_seeds(folder: Path, seed: int) -> None:
    mixed, _ = raw(folder / "mixed", seed, "abcd", calls=3, mix_notice=True)
    unmixed, wavs = raw(folder / "unmixed", 100 + seed, "efgh", calls=3, mix_notice=False)
    take = play(folder, [mixed, unmixed])
    take = replace(take, given={**take.given, **wavs})
    assert compare(folder, [mixed, unmixed], take) == []
    assert len(take.calls) == 24
