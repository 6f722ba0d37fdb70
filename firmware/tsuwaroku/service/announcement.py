"""The announcement as samples: the recording that ships, or the city's own, checked before it is ever sent."""

from __future__ import annotations

import hashlib
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import soundfile

from tsuwaroku.config import AnnouncementConfig
from tsuwaroku.errors import ConfigError
from tsuwaroku.notice.level import PEAK_MAX_DBM0, Pcm, check_level, peak, speech_mean

KEY = "announcement.file"


def load_announcement(config: AnnouncementConfig, rate: int) -> Pcm:
    """The samples to play at the line's `rate`, mono S16.

    The shipped recording is resampled to the rate and set to `level_dbm0`; a recording of the city's own is played as
    it is or refused. Raises ConfigError naming the file and what to do.
    """
    if config.file:
        pcm, where, remedy = _own(Path(config.file), rate), f"{KEY}: {config.file}", _remedy(config, rate)
    else:
        pcm, where, remedy = _to_level(_shipped(rate), rate, config.level_dbm0), "announcement.level_dbm0", _LEVEL
    problems = check_level(pcm, rate, config.level_dbm0, line_rate=rate)
    if problems:
        raise ConfigError("the announcement cannot be used: " + "; ".join(problems), where=where, remedy=remedy)
    return pcm


_LEVEL = "leave level_dbm0 out, or set it to -15"


def _remedy(config: AnnouncementConfig, rate: int) -> str:
    return (
        f"make it mono, 16 bits, {rate} Hz, mean about {config.level_dbm0:.0f} dBm0, e.g. "
        f'`sox IN -r {rate} -c 1 -b 16 OUT.wav sinc 300-3400 gain -n -9`, or set file = "" for the one that ships'
    )


def _own(path: Path, rate: int) -> Pcm:
    where = f"{KEY}: {path}"
    again = 'name a WAV or FLAC file, or set file = "" for the one that ships'
    if not path.is_file():
        raise ConfigError("there is no such recording", where=where, remedy=again)
    try:
        with soundfile.SoundFile(path) as sound:
            form = (sound.channels, sound.subtype, sound.samplerate)
            pcm: Pcm = sound.read(frames=60 * sound.samplerate, dtype="int16", always_2d=True)[:, 0]
    except (OSError, soundfile.SoundFileError) as error:
        raise ConfigError(f"cannot be read as sound ({error})", where=where, remedy=again) from error
    if form != (1, "PCM_16", rate):
        raise ConfigError(
            f"is {form[1]} with {form[0]} channel(s) at {form[2]} Hz; the line takes PCM_16, mono, {rate} Hz",
            where=where,
            remedy=f"convert it: `sox IN -r {rate} -c 1 -b 16 OUT.wav`",
        )
    return pcm


def _shipped(rate: int) -> Pcm:
    """The package's own, proven against the digest beside it. Raises ConfigError."""
    folder = resources.files("tsuwaroku.notice") / "data"
    try:
        facts = tomllib.loads((folder / "announcement.toml").read_text(encoding="utf-8"))
        with (folder / "announcement.flac").open("rb") as stream:
            pcm, stored = soundfile.read(stream, dtype="int16")
    except (OSError, soundfile.SoundFileError) as error:
        raise ConfigError(
            f"the announcement that ships is missing or unreadable ({error})", where=KEY, remedy="reinstall tsuwaroku"
        ) from error
    if hashlib.sha256(pcm.tobytes()).hexdigest() != facts["pcm_sha256"]:
        raise ConfigError("the announcement that ships is damaged", where=KEY, remedy="reinstall tsuwaroku")
    return pcm if stored == rate else resample(pcm, stored, rate)


def resample(pcm: Pcm, source: int, target: int) -> Pcm:
    """The whole recording at another rate, through its spectrum (band-limited, no delay)."""
    return to_s16(resample_float(pcm.astype(np.float64), source, target))


def resample_float(signal: np.ndarray, source: int, target: int) -> np.ndarray:
    """As `resample`, without rounding. A second of silence, whole at either rate, surrounds it while it is done."""
    padded = np.concatenate([np.zeros(source), signal, np.zeros(source + -len(signal) % source)])
    seconds = len(padded) // source
    spectrum = np.fft.rfft(padded)
    bins = seconds * target // 2 + 1
    fitted = np.zeros(bins, dtype=complex)
    fitted[: min(bins, len(spectrum))] = spectrum[:bins]
    wave = np.fft.irfft(fitted, seconds * target) * target / source
    return wave[target : target + round(len(signal) * target / source)]


def to_s16(signal: np.ndarray) -> Pcm:
    """Rounded, and held at the ends of the scale."""
    pcm: Pcm = np.clip(np.rint(signal), -32768, 32767).astype(np.int16)
    return pcm


def _to_level(pcm: Pcm, rate: int, level_dbm0: float) -> Pcm:
    """Set the mean; the shipped recording has room up to about -15 dBm0, above it the peaks set the bound."""
    gain = min(level_dbm0 - speech_mean(pcm, rate), PEAK_MAX_DBM0 - 0.05 - peak(pcm))
    return pcm if abs(gain) < 0.1 else to_s16(pcm * 10 ** (gain / 20))
