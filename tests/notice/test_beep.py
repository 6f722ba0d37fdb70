"""The tone's frequency, level, length and edges, at every rate a board may have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsuwaroku.notice.beep import BEEP_NS, beep
from tsuwaroku.notice.level import of_rms


@given(st.integers(8000, 48000))
@settings(max_examples=30, deadline=None)
def test_the_tone_at_any_rate(rate: int) -> None:
    pcm = beep(rate)
    assert pcm.dtype == np.int16
    assert len(pcm) == pytest.approx(BEEP_NS / 1e9 * rate, abs=1)
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)), 1 << 18))
    assert spectrum.argmax() * rate / (1 << 18) == pytest.approx(1400, rel=0.002)
    steady = pcm[len(pcm) // 10 : -len(pcm) // 10].astype(float)
    assert of_rms(float(np.sqrt(np.mean(steady**2)))) == pytest.approx(-19.0, abs=0.05)


def test_the_edges_are_ramped() -> None:
    pcm = np.abs(beep(8000).astype(int))
    top = pcm.max()
    assert [pcm[:8].max() < top * 0.05, pcm[-8:].max() < top * 0.05] == [True, True]
    assert [pcm[40:80].max() < top * 0.999, pcm[80:160].max() > top * 0.99] == [True, True]
    beside = np.abs(np.fft.rfft(beep(8000).astype(float)))
    hertz = np.fft.rfftfreq(4000, 1 / 8000)
    assert beside[np.abs(hertz - 1400) > 300].max() < beside.max() * 10 ** (-60 / 20)


def test_another_level() -> None:
    assert np.abs(beep(8000, level_dbm0=-13)).max() == pytest.approx(2 * np.abs(beep(8000)).max(), rel=0.005)
