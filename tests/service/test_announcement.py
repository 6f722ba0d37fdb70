"""The recording that ships, and a city's own: loaded as it is, or refused with a remedy."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tsuwaroku.config import AnnouncementConfig
from tsuwaroku.errors import ConfigError
from tsuwaroku.notice import level
from tsuwaroku.notice.level import Pcm
from tsuwaroku.service.announcement import load_announcement, resample

SHIPPED = load_announcement(AnnouncementConfig(), 8000)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
def test_what_ships_fits_every_rate(rate: int) -> None:
    pcm = load_announcement(AnnouncementConfig(), rate)
    assert (pcm.dtype, pcm.ndim) == (np.dtype(np.int16), 1)
    assert len(pcm) / rate == pytest.approx(len(SHIPPED) / 8000, abs=0.001)
    assert level.speech_mean(pcm, rate) == pytest.approx(-15.0, abs=0.1)
    assert level.check_level(pcm, rate, line_rate=rate) == []


def test_what_ships_keeps_to_the_telephone_band() -> None:
    power = np.abs(np.fft.rfft(SHIPPED)) ** 2
    hertz = np.fft.rfftfreq(len(SHIPPED), 1 / 8000)
    outside = power[(hertz < 250) | (hertz > 3500)].sum()
    assert 10 * np.log10(outside / power.sum()) < -35


def test_its_voice_is_attributed() -> None:
    notice = (resources.files("tsuwaroku.notice") / "data" / "LICENSE-voice.txt").read_text(encoding="utf-8")
    assert [words in notice for words in ("Nagoya Institute of Technology", "creativecommons.org/licenses/by/3.0")] == [
        True,
        True,
    ]


@pytest.mark.parametrize(("asked", "mean"), [(-20.0, -20.0), (-18.0, -18.0), (-10.0, -14.85)])
def test_the_level_is_set_as_far_as_the_peaks_allow(asked: float, mean: float) -> None:
    pcm = load_announcement(AnnouncementConfig(level_dbm0=asked), 8000)
    assert level.speech_mean(pcm, 8000) == pytest.approx(mean, abs=0.05)
    assert level.peak(pcm) <= -3.0


def test_resampling_keeps_a_tone_in_place() -> None:
    def tone(rate: int) -> Pcm:
        pcm: Pcm = np.rint(8000 * np.sin(2 * np.pi * 1000 / rate * np.arange(rate))).astype(np.int16)
        return pcm

    for source, target in ((8000, 48000), (48000, 8000), (8000, 11025)):
        got, wanted = resample(tone(source), source, target), tone(target)
        assert len(got) == len(wanted)
        inner = slice(target // 10, -target // 10)
        assert np.abs(got[inner].astype(int) - wanted[inner]).max() <= 40


def write(path: Path, pcm: Pcm, rate: int = 8000, subtype: str = "PCM_16") -> AnnouncementConfig:
    soundfile.write(path, pcm, rate, subtype=subtype)
    return AnnouncementConfig(file=str(path))


@pytest.mark.parametrize("name", ["own.wav", "own.flac"])
def test_a_recording_of_ones_own_is_played_as_it_is(tmp_path: Path, name: str) -> None:
    own = SHIPPED[::-1].copy()
    assert np.array_equal(load_announcement(write(tmp_path / name, own), 8000), own)


def refusal(config: AnnouncementConfig, rate: int = 8000) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_announcement(config, rate)
    assert caught.value.remedy
    assert config.file in caught.value.where
    return caught.value


def test_recordings_that_are_refused(tmp_path: Path) -> None:
    wav = tmp_path / "own.wav"
    stereo = np.stack([SHIPPED, SHIPPED], axis=1)
    quiet = np.rint(500 * np.sin(np.arange(4000) / 2)).astype(np.int16)
    text = tmp_path / "text.wav"
    text.write_text("not sound")
    assert [
        refusal(AnnouncementConfig(file=str(tmp_path / "none.wav"))).message,
        refusal(AnnouncementConfig(file=str(tmp_path))).message,
        refusal(AnnouncementConfig(file=str(text))).message[:24],
        refusal(write(wav, stereo)).message,
        refusal(write(wav, SHIPPED, 16000)).message,
        refusal(write(wav, SHIPPED, 8000, "PCM_24")).message,
        refusal(write(wav, quiet)).message,
        refusal(write(wav, np.zeros(0, np.int16))).message,
    ] == [
        "there is no such recording",
        "there is no such recording",
        "cannot be read as sound ",
        "is PCM_16 with 2 channel(s) at 8000 Hz; the line takes PCM_16, mono, 8000 Hz",
        "is PCM_16 with 1 channel(s) at 16000 Hz; the line takes PCM_16, mono, 8000 Hz",
        "is PCM_24 with 1 channel(s) at 8000 Hz; the line takes PCM_16, mono, 8000 Hz",
        "the announcement cannot be used: it lasts 0.5 s, less than 1 s; "
        "too quiet: mean -33.2 dBm0, at least -25 is needed",
        "the announcement cannot be used: it lasts 0.0 s, less than 1 s; "
        "too quiet: mean -120.0 dBm0, at least -25 is needed",
    ]
