"""Cards of two to eight channels with a line on each: every channel is its line's own, in both directions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.contract.bench import CARD, BenchRig
from tests.contract.rigs import RATE, Run
from tests.kernel.header import PI_4_LABEL
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.events import AudioFrame, BoardFault, Gap, Playback

pytestmark = [pytest.mark.slow, pytest.mark.kernel]

LASTS_S = 1.2
# One for each line, of different lengths; no zero in them.
ANNOUNCEMENTS = [np.random.default_rng(n).integers(1, 9000, 4000 + 160 * n).astype("<i2") for n in range(8)]


class WideRig(BenchRig):
    """A board with a line on each of so many channels, described pin by pin."""

    speak: Mapping[str, int] = {}

    def __init__(self, directory: Path, channels: int) -> None:
        super().__init__(directory)
        self.lines = "abcdefgh"[:channels]

    def rest(self) -> None:
        for n in range(len(self.lines)):
            self.header.drive(n, False)
            self.header.drive(8 + n, True)

    def config(self) -> Config:
        return Config(
            board=BoardConfig(
                kind="custom", capture=CARD, playback=CARD, channels=len(self.lines), gpio_chip=PI_4_LABEL
            ),
            line=tuple(
                LineConfig(id=line, port=n + 1, hook=f"{n}", ring=f"!{8 + n}") for n, line in enumerate(self.lines)
            ),
        )

    def fed(self, line: str) -> bytes:
        rng = np.random.default_rng(ord(line))
        return rng.integers(-32768, 32768, int(2 * LASTS_S * self.rate)).astype("<i2").tobytes()


@pytest.mark.parametrize("channels", range(2, 9))
def test_every_channel_is_its_lines_own_both_ways(tmp_path: Path, channels: int) -> None:
    with WideRig(tmp_path, channels) as rig:
        assert isinstance(rig, WideRig)
        board, run = rig.make(), Run()
        board.open()
        rig.started()
        for line, announcement in zip(rig.lines, ANNOUNCEMENTS, strict=False):
            board.play(line, announcement.tobytes())
        until = time.monotonic() + LASTS_S
        while time.monotonic() < until:
            run.events += board.read(0.05)
        board.close()
        rig.ended()
        assert run.of(Gap, BoardFault) == []
        assert sorted((event.line, event.playing) for event in run.of(Playback)) == [
            (line, playing) for line in rig.lines for playing in (False, True)
        ]
        for line in rig.lines:
            pcm = b"".join(frame.pcm for frame in run.of(AudioFrame) if frame.line == line)
            assert len(pcm) // 2 > (LASTS_S - 0.2) * RATE
            rig.check(line, pcm)
        for column, announcement in zip(rig.heard().T, ANNOUNCEMENTS, strict=False):
            assert np.trim_zeros(column).tolist() == announcement.tolist()
