from __future__ import annotations

import hashlib
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.writing import sound
from tsuwaroku.store.flac import BLOCK_SAMPLES, RunEncoder, decode
from tsuwaroku.store.slot import FormatError


def encode(pcm: bytes, rate: int = 8000, step: int = 16000) -> tuple[bytes, list[bytes], list[int]]:
    frames: list[bytes] = []
    lengths: list[int] = []

    def on_frame(octets: bytes, samples: int) -> None:
        frames.append(octets)
        lengths.append(samples)

    encoder = RunEncoder(rate, on_frame)
    for at in range(0, len(pcm), step):
        encoder.write(pcm[at : at + step])
    encoder.finish()
    return encoder.header, frames, lengths


@settings(max_examples=30, deadline=None)
@given(
    samples=st.integers(0, 5000),
    step=st.integers(1, 3000),
    seed=st.integers(0, 99),
    rate=st.sampled_from([8000, 16000, 48000]),
)
def test_round_trip_of_any_length_in_any_pieces(samples: int, step: int, seed: int, rate: int) -> None:
    pcm = sound(samples / 8000, seed, level=20000)
    header, frames, lengths = encode(pcm, rate, step * 2)
    assert decode(header, b"".join(frames)) == pcm
    whole, rest = divmod(samples, BLOCK_SAMPLES)
    assert lengths == [BLOCK_SAMPLES] * whole + [rest] * bool(rest)


def test_extremes_survive() -> None:
    pcm = np.tile(np.array([-32768, 32767, 0, -1], "<i2"), 1000).tobytes()
    header, frames, _ = encode(pcm)
    assert decode(header, b"".join(frames)) == pcm


def test_any_run_of_whole_frames_decodes_alone() -> None:
    pcm = sound(2)
    header, frames, _ = encode(pcm)
    step = BLOCK_SAMPLES * 2
    for first, last in ((0, 0), (0, 1), (0, 7), (5, 9), (3, len(frames))):
        assert decode(header, b"".join(frames[first:last])) == pcm[first * step : last * step]


def test_damage_is_refused() -> None:
    header, frames, _ = encode(sound(2))
    data = bytearray(b"".join(frames))
    data[len(data) // 2] ^= 1
    with pytest.raises(FormatError):
        decode(header, bytes(data))
    with pytest.raises(FormatError):
        decode(b"RIFF" + header[4:], b"".join(frames))


@pytest.mark.skipif(shutil.which("flac") is None, reason="the flac program is not installed")
def test_the_reference_decoder_agrees() -> None:
    pcm = sound(3)
    header, frames, _ = encode(pcm)
    command = ["flac", "-dF", "-s", "-c", "--force-raw-format", "--endian=little", "--sign=signed", "-"]
    done = subprocess.run(command, input=header + b"".join(frames), capture_output=True, check=True)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(pcm).digest()
