"""dBm0 against hand-computed sines, and each thing that speaks against a recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.notice import level
from tsuwaroku.notice.level import Pcm, check_level

RATE = 8000


def sine(peak: float, seconds: float = 2.0, hz: float = 440.0, rate: int = RATE) -> Pcm:
    pcm: Pcm = np.rint(peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)
    return pcm


def test_a_full_scale_sine_is_3_14_dbm0() -> None:
    full = sine(32767)
    assert level.speech_mean(full, RATE) == pytest.approx(3.14, abs=0.02)
    assert level.peak(full) == pytest.approx(3.14, abs=0.02)
    assert level.peak(sine(16384)) == pytest.approx(3.14 - 6.02, abs=0.02)


@given(st.floats(-100, 3))
def test_rms_and_level_are_inverse(dbm0: float) -> None:
    assert level.of_rms(level.to_rms(dbm0)) == pytest.approx(dbm0, abs=1e-6)


def test_pauses_do_not_lower_the_mean_but_quiet_speech_does() -> None:
    loud, quiet, silence = sine(8000, 1), sine(4000, 1), np.zeros(5 * RATE, dtype=np.int16)
    noise = sine(20, 5)
    alone = level.speech_mean(loud, RATE)
    assert level.speech_mean(np.concatenate([silence, loud, noise]), RATE) == pytest.approx(alone, abs=0.01)
    both = level.speech_mean(np.concatenate([loud, silence, quiet]), RATE)
    assert both == pytest.approx(alone + 10 * np.log10(1.25 / 2), abs=0.01)


@pytest.mark.parametrize("pcm", [np.zeros(0, np.int16), np.zeros(10, np.int16), np.zeros(RATE, np.int16)])
def test_silence_has_a_level(pcm: Pcm) -> None:
    assert level.speech_mean(pcm, RATE) == -120.0
    assert level.peak(pcm) == -120.0


GOOD = sine(4000)  # -15.1 dBm0


def test_the_lowest_sample_is_a_peak_too() -> None:
    assert level.peak(np.array([-32768], dtype=np.int16)) == pytest.approx(3.14)


@pytest.mark.parametrize(
    ("pcm", "rate", "problems"),
    [
        (GOOD, 8000, []),
        (sine(4000, rate=16000), 16000, ["its rate is 16000 Hz, the line's is 8000 Hz"]),
        (sine(4000, 0.5), 8000, ["it lasts 0.5 s, less than 1 s"]),
        (sine(4000, 16), 8000, ["it lasts 16.0 s, more than 15 s"]),
        (sine(9500), 8000, ["too loud: mean -7.6 dBm0, at most -8 is allowed"]),
        (sine(1200), 8000, ["too quiet: mean -25.6 dBm0, at least -25 is needed"]),
        (np.concatenate([GOOD, np.array([17000], np.int16)]), 8000, ["peaks reach -2.6 dBm0, at most -3 is allowed"]),
        (
            np.concatenate([GOOD, np.full(3, -32768, np.int16)]),
            8000,
            ["peaks reach 3.1 dBm0, at most -3 is allowed", "it is clipped"],
        ),
        (
            np.zeros(0, np.int16),
            8000,
            ["it lasts 0.0 s, less than 1 s", "too quiet: mean -120.0 dBm0, at least -25 is needed"],
        ),
    ],
)
def test_what_is_wrong_with_a_recording(pcm: Pcm, rate: int, problems: list[str]) -> None:
    assert check_level(pcm, rate, line_rate=8000) == problems


def test_the_target_moves_the_lower_bound() -> None:
    assert check_level(sine(1200), RATE, -20.0) == []


def test_two_full_samples_are_not_clipping() -> None:
    ends = np.array([32767, 32767, 0, -32768, -32768, 0, 32767], dtype=np.int16)
    assert [level.is_clipped(ends), level.is_clipped(np.array([0, 32767, -32768, 32767], np.int16))] == [False, True]
