"""What every board owes the recorder, owed by the real one on the kernel's own card and pins: lgpio's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract import test_board
from tests.contract.bench import LOOK_S, BenchRig
from tests.contract.rigs import LINES, NS, Run
from tests.contract.test_board import run as run
from tsuwaroku.events import Playback

pytestmark = [pytest.mark.slow, pytest.mark.kernel]


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


# The contract itself, each test of it: what is added there is owed here.
globals().update({name: test for name, test in vars(test_board).items() if name.startswith("test_")})
