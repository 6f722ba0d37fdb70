"""The voice detector: rates, frames, and that it tells a voice from a quiet line."""

from __future__ import annotations

import numpy as np
import pytest

from tsuwaroku.errors import ConfigError
from tsuwaroku.signalling.voice import VoiceActivity


def voice_like(rate: int, seconds: float) -> bytes:
    """A buzz of 120 Hz through two formants, in syllables: what webrtcvad takes for speech."""
    t = np.arange(int(rate * seconds)) / rate
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / (1 + abs(120 * k - 700) / 200) for k in range(2, 25))
    syllables = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 3 * t))
    return (3000 * buzz * syllables).astype("<i2").tobytes()


def hits(rate: int, pcm: bytes) -> float:
    frame = rate // 50 * 2
    vad = VoiceActivity(rate)
    found = [vad.is_speech(pcm[i : i + frame]) for i in range(0, len(pcm) - frame + 1, frame)]
    return sum(found) / len(found)


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 48000])
def test_voice_and_silence(rate: int) -> None:
    assert hits(rate, voice_like(rate, 3)) > 0.4
    assert hits(rate, bytes(rate * 2 * 3)) == 0


@pytest.mark.parametrize("rate", [0, 7999, 11025, 44100])
def test_unknown_rate_is_a_configuration_error(rate: int) -> None:
    with pytest.raises(ConfigError, match=f"rate = {rate}") as error:
        VoiceActivity(rate)
    assert error.value.where == "board"
    assert "8000, 16000, 32000, 48000" in error.value.remedy


@pytest.mark.parametrize("octets", [0, 1, 160, 318, 321, 640])
def test_a_frame_of_another_length_is_no_speech(octets: int) -> None:
    assert VoiceActivity(8000).is_speech(bytes(octets)) is False
