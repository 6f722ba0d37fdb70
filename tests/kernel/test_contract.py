"""What every board owes the recorder, owed by the real one on the kernel's own card and pins: lgpio's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.contract import test_board
from tests.contract.bench import LOOK_S, BenchRig
from tests.contract.rigs import LINES, NS, RATE, Run
from tests.contract.test_board import run as run
from tsuwaroku.events import Playback

pytestmark = [pytest.mark.slow, pytest.mark.kernel]
MS = 1_000_000


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchRig]:
    with BenchRig(tmp_path_factory.mktemp("bench")) as made:
        assert isinstance(made, BenchRig)
        yield made


def test_a_path_is_connected_while_its_line_is_spoken_to(rig: BenchRig, run: Run) -> None:
    """From before the first sample to the last; a look in which it changes may see either."""
    told = run.of(Playback)
    seen = 0
    for at_ns, on in rig.relays:
        for line, connected in zip(LINES, on, strict=True):
            own = [event for event in told if event.line == line]
            spoken = [begin.mono_ns <= at_ns < end.mono_ns for begin, end in zip(own[::2], own[1::2], strict=True)]
            if min(abs(event.mono_ns - at_ns) for event in own) > 2 * LOOK_S * NS:
                assert connected == any(spoken), f"line {line} at {(at_ns - run.start_ns) / NS:.3f} s"
                seen += 1
    assert seen > 300


def test_announcements_sound_when_they_are_told_to(rig: BenchRig, run: Run) -> None:
    """From the first sample to the last, within 2 ms; one that replaces another leaves no pause between them."""
    heard = rig.heard()
    for channel, line in enumerate(LINES):
        sounding = np.flatnonzero(heard[:, channel])
        pauses = np.flatnonzero(np.diff(sounding) > RATE // 100)
        begun = sounding[[0, *(pauses + 1)]]
        ended = sounding[[*pauses, -1]] + 1
        told = [event.mono_ns for event in run.of(Playback) if event.line == line]
        replaced = [n for n in range(1, len(told) - 1, 2) if told[n + 1] - told[n] < 10 * MS]
        told = [at_ns for n, at_ns in enumerate(told) if n not in replaced and n - 1 not in replaced]
        places = np.column_stack((begun, ended)).ravel() * NS // RATE + rig.heard_from_ns
        assert places.tolist() == pytest.approx(told, rel=0, abs=2 * MS)


# The contract itself, each test of it: what is added there is owed here.
globals().update({name: test for name, test in vars(test_board).items() if name.startswith("test_")})
