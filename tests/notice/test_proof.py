"""Heard or not, over talkers up to 27 dB louder: a sample of what the module's docstring states."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from tests.notice.talkers import RATE, captured, hum, talker
from tsuwaroku.config import AnnouncementConfig
from tsuwaroku.notice.beep import beep
from tsuwaroku.notice.level import Pcm
from tsuwaroku.notice.proof import UNKNOWN, Verdict, heard, heard_beep
from tsuwaroku.service.announcement import load_announcement, resample

REFERENCE = load_announcement(AnnouncementConfig(), RATE)
BEEP = beep(RATE)
FEW, MANY = 12, pytest.param(100, marks=pytest.mark.slow)


def other(rng: np.random.Generator, count: int) -> Pcm:
    """Another announcement at the same level: the same voice and words, in another order."""
    cut = int(rng.integers(count // 4, count * 3 // 4))
    pieces = [REFERENCE[cut:][::-1], REFERENCE[:cut][::-1]]
    return np.concatenate(pieces)[:count]


@pytest.mark.parametrize("trials", [FEW, MANY])
def test_the_announcement_is_heard_where_it_is(trials: int) -> None:
    for trial in range(trials):
        rng = np.random.default_rng([1, trial])
        pcm, begins = captured(rng, len(REFERENCE), REFERENCE, talk=trial % 6 != 0, hum_dbm0=-30 if trial % 3 else None)
        verdict = heard(pcm, REFERENCE, RATE)
        assert (trial, verdict.heard) == (trial, True)
        assert verdict.score > 10
        assert verdict.offset_s == pytest.approx(begins / RATE, abs=0.001)


@pytest.mark.parametrize("trials", [FEW, MANY])
@pytest.mark.parametrize("kind", ["talk", "other", "hum", "silence"])
def test_it_is_not_heard_where_it_is_not(kind: str, trials: int) -> None:
    verdicts: Counter[bool | None] = Counter()
    for trial in range(trials):
        rng = np.random.default_rng([2, trial])
        sent = other(rng, len(REFERENCE)) if kind == "other" else None
        pcm, _ = captured(
            rng, len(REFERENCE), sent, talk=kind in ("talk", "other"), hum_dbm0=-15 if kind == "hum" else None
        )
        verdicts[heard(pcm, REFERENCE, RATE).heard] += 1
    assert verdicts == {False: trials}


@pytest.mark.parametrize("trials", [FEW, MANY])
def test_the_beep_is_heard_where_it_is(trials: int) -> None:
    for trial in range(trials):
        rng = np.random.default_rng([3, trial])
        pcm, begins = captured(rng, len(BEEP), BEEP, talk=trial % 6 != 0, hum_dbm0=-30 if trial % 3 else None)
        verdict = heard_beep(pcm, RATE)
        assert (trial, verdict.heard) == (trial, True)
        assert verdict.offset_s == pytest.approx(begins / RATE, abs=0.15)


@pytest.mark.parametrize("trials", [FEW, MANY])
@pytest.mark.parametrize("kind", ["talk", "announcement", "hum", "silence"])
def test_no_beep_is_heard_where_there_is_none(kind: str, trials: int) -> None:
    verdicts: Counter[bool | None] = Counter()
    for trial in range(trials):
        rng = np.random.default_rng([4, trial])
        sent = REFERENCE[10_000:14_000] if kind == "announcement" else None
        pcm, _ = captured(rng, len(BEEP), sent, talk=kind == "talk", hum_dbm0=-15 if kind == "hum" else None)
        verdicts[heard_beep(pcm, RATE).heard] += 1
    assert verdicts == {False: trials}


def test_a_steady_tone_is_no_beep() -> None:
    steady = np.rint(3000 * np.sin(2 * np.pi * 1400 / RATE * np.arange(3 * RATE // 2))).astype(np.int16)
    noisy = steady + np.random.default_rng(5).normal(0, 30, len(steady)).astype(np.int16)
    assert heard_beep(noisy, RATE).heard is False


@pytest.mark.parametrize("hz", [1300.0, 1336.0, 1477.0, 2100.0])
def test_another_tone_is_no_beep(hz: float) -> None:
    rng = np.random.default_rng(6)
    pcm = rng.normal(0, 30, 12_000)
    pcm[4000:8000] += 3000 * np.sin(2 * np.pi * hz / RATE * np.arange(4000))
    assert heard_beep(pcm.astype(np.int16), RATE).heard is False


def test_a_dead_line_heard_nothing() -> None:
    assert heard(np.zeros(len(REFERENCE) + RATE, np.int16), REFERENCE, RATE) == Verdict(False, 0.0, None)
    assert heard_beep(np.zeros(12_000, np.int16), RATE).heard is False


def test_what_cannot_be_judged() -> None:
    pcm, _ = captured(np.random.default_rng(7), len(REFERENCE), REFERENCE)
    talk = talker(np.random.default_rng(8), 3 * RATE, -15).astype(np.int16)
    assert [
        heard(pcm, REFERENCE, RATE, gap=True),
        heard(pcm, REFERENCE[: round(0.79 * RATE)], RATE),
        heard(REFERENCE[:-1], REFERENCE, RATE),
        heard_beep(pcm, RATE, gap=True),
        heard_beep(pcm[: round(0.79 * RATE)], RATE),
    ] == [UNKNOWN] * 5
    # Under 2 s a find counts, but not finding it says nothing.
    short = REFERENCE[8000 : 8000 + round(1.9 * RATE)]
    assert [heard(talk, short, RATE).heard, heard(talk, REFERENCE[8000:24000], RATE).heard] == [None, False]
    assert heard(pcm, short, RATE).heard is True


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_other_rates(rate: int) -> None:
    pcm, begins = captured(np.random.default_rng(9), len(REFERENCE), REFERENCE)
    verdict = heard(resample(pcm, RATE, rate), resample(REFERENCE, RATE, rate), rate)
    assert verdict.heard is True
    assert verdict.offset_s == pytest.approx(begins / RATE, abs=0.001)
    pcm, begins = captured(np.random.default_rng(9), len(BEEP), BEEP)
    assert heard_beep(resample(pcm, RATE, rate), rate).heard is True


def test_hum_over_a_beep() -> None:
    rng = np.random.default_rng(10)
    pcm, _ = captured(rng, len(BEEP), BEEP, talk=False)
    assert heard_beep((pcm + hum(rng, len(pcm), -20)).astype(np.int16), RATE).heard is True


def test_it_is_cheap() -> None:
    pcm, _ = captured(np.random.default_rng(11), 7 * RATE, REFERENCE)
    costs = []
    for _ in range(5):
        begun = time.process_time()
        heard(pcm, REFERENCE, RATE)
        costs.append(time.process_time() - begun)
    assert min(costs) < 0.1  # measured: 8 ms; the bound leaves room for slower machines
