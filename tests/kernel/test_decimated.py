"""The tsuwa2 board exactly as delivered: its card at 48 kHz on the kernel's own ALSA, 8 kHz recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.contract.bench import BenchRig
from tests.contract.rigs import LINES, NS, device_config
from tsuwaroku.config import Config
from tsuwaroku.events import AudioFrame, Gap

pytestmark = [pytest.mark.slow, pytest.mark.kernel]
HZ = {"11": 400.0, "12": 1300.0}


class Delivered(BenchRig):
    """A tone for each line at the card's far end."""

    rate = 48_000
    fed_s = 8.0

    def config(self) -> Config:
        return device_config("", "")

    def fed(self, line: str) -> bytes:
        place = np.arange(int(self.fed_s * self.rate))
        wave = np.rint(12_000 * np.sin(2 * np.pi * HZ[line] * place / self.rate))
        return bytes(wave.astype("<i2").tobytes())


def test_eight_kilohertz_come_of_a_card_that_runs_at_forty_eight(tmp_path: Path) -> None:
    """No sample lost, each line its own tone at its level, and every frame at its time."""
    with Delivered(tmp_path) as rig:
        run = rig.run(4.0)
    assert run.of(Gap) == []
    for line in LINES:
        frames: list[AudioFrame] = [frame for frame in run.of(AudioFrame) if frame.line == line]
        assert [frame.first_sample for frame in frames] == [160 * n for n in range(len(frames))]
        for frame in frames[60:]:
            assert abs(frame.mono_ns - frames[0].mono_ns - frame.first_sample * NS // 8000) < 3_000_000
        heard = np.frombuffer(b"".join(frame.pcm for frame in frames), dtype="<i2")[8000:24_000].astype(float)
        assert len(heard) == 16_000
        power = np.abs(np.fft.rfft(heard)) / 8000
        assert power[round(2 * HZ[line])] == pytest.approx(12_000, rel=0.002)
        power[round(2 * HZ[line])] = 0
        assert power.max() < 2
