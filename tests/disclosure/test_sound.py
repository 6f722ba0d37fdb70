"""The sound of a copy: bit for bit what was captured, whatever pieces it comes in."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
import soundfile

from tests.disclosure.copies import FIRST, RATE, Call, sha, talk
from tsuwaroku.disclosure.sound import PIECE_S, Sound, measure
from tsuwaroku.errors import DamageError

LOUD = np.random.default_rng(5).integers(-32768, 32768, 9000).astype("<i2").tobytes()


def sound_of(call: Call) -> Sound:
    return Sound(call.record.id, call.record.audio, call.pieces)


def decoded(flac: bytes) -> tuple[int, bytes]:
    with soundfile.SoundFile(io.BytesIO(flac)) as file:
        return len(file), file.read(dtype="int16").astype("<i2").tobytes()


@pytest.mark.parametrize(
    "runs",
    [
        [talk(3, 1)],
        [talk(3, 1), talk(2, 2), talk(0.01, 3)],
        [LOUD],
        [bytes(20_000)],
        [b"\x01\x00"],
        [(np.ones(9000, "<i2") * -32768).astype("<i2").tobytes()],
    ],
)
@pytest.mark.parametrize("size", [2, 4096, 1 << 20])
def test_flac_and_wav_hold_every_sample_and_know_their_length(runs: list[bytes], size: int) -> None:
    call = Call([run if size > 2 else run[:2000] for run in runs])
    sound = Sound(call.record.id, call.record.audio, lambda: call.pieces(size))
    assert decoded(b"".join(sound.flac())) == (len(call.pcm) // 2, call.pcm)
    wav = b"".join(sound.wav())
    assert decoded(wav) == (len(call.pcm) // 2, call.pcm)
    assert wav[44:] == call.pcm


def test_the_md5_of_a_flac_file_is_that_of_its_samples() -> None:
    call = Call([talk(1, 1)])
    assert b"".join(sound_of(call).flac())[26:42] == hashlib.md5(call.pcm).digest()


def test_pieces_are_a_minute_at_most_cross_no_gap_and_give_it_all() -> None:
    call = Call([talk(130, 1), talk(3, 2)], gap_s=7)
    pieces = list(sound_of(call).pieces())
    minute = PIECE_S * RATE
    second = FIRST + 137 * RATE
    assert [(piece.first_sample, piece.samples) for piece, _ in pieces] == [
        (FIRST, minute),
        (FIRST + minute, minute),
        (FIRST + 2 * minute, 10 * RATE),
        (second, 3 * RATE),
    ]
    pcm = [decoded(octets)[1] for _, octets in pieces]
    assert b"".join(pcm) == call.pcm
    assert [(piece.size, piece.sha256) for piece, _ in pieces] == [
        (len(octets), sha(one)) for (_, octets), one in zip(pieces, pcm, strict=True)
    ]


def test_every_reading_gives_the_same_octets() -> None:
    sound = sound_of(Call([talk(3, 1), talk(2, 2)]))
    assert measure(sound.flac()) == measure(sound.flac())
    assert list(sound.pieces()) == list(sound.pieces())


def test_the_waveform_is_the_sounds_with_nothing_in_its_gaps() -> None:
    loud = (np.sin(np.arange(RATE) / 3) * 1001).astype("<i2").tobytes()
    call = Call([loud, bytes(2 * RATE), loud], gap_s=1)
    heard = sound_of(call).heard
    wave = np.frombuffer(base64.b64decode(heard.wave), np.int8).reshape(-1, 2)
    assert (heard.bucket, len(wave), heard.peak) == (80, 500, 1000)
    assert (wave[100:400] == 0).all()
    for part in (wave[:100], wave[400:]):
        assert part[:, 1].min() > 115
        assert part[:, 0].max() < -115
        assert (part.max(), part.min()) == (127, -127)


def test_the_waveform_does_not_depend_on_how_the_sound_came() -> None:
    call = Call([talk(3, 1), talk(2, 2)])
    sounds = [Sound("", call.record.audio, lambda size=size: call.pieces(size)) for size in (1 << 20, 2222, 46)]  # type: ignore[misc]
    assert len({sound.heard.wave for sound in sounds}) == 1


def test_hours_have_no_finer_waveform_than_a_screen_shows() -> None:
    call = Call([bytes(2 * RATE * 600)])
    assert len(base64.b64decode(sound_of(call).heard.wave)) <= 2 * 4000


def spoilt(call: Call, *, at: int = 7) -> Iterator[tuple[int, bytes]]:
    for number, (first, pcm) in enumerate(call.pieces(4000)):
        yield first, pcm[:10] + bytes([pcm[10] ^ 1]) + pcm[11:] if number == at else pcm


def test_a_sound_that_is_not_what_its_record_says_is_refused() -> None:
    call = Call([talk(3, 1)])
    with pytest.raises(DamageError, match="not what its record says"):
        Sound(call.record.id, call.record.audio, lambda: spoilt(call))
    with pytest.raises(DamageError, match="not what its record says"):
        Sound(call.record.id, msgspec.structs.replace(call.record.audio, runs=[]), call.pieces)
    Sound(call.record.id, call.record.audio, lambda: spoilt(call), damaged=True)


def test_a_sound_out_of_order_or_with_half_a_sample_is_refused() -> None:
    call = Call([talk(1, 1), talk(1, 2)])
    with pytest.raises(DamageError, match="not in order"):
        Sound("", call.record.audio, lambda: reversed(list(call.pieces())))
    with pytest.raises(DamageError, match="half a sample"):
        Sound("", call.record.audio, lambda: [(0, b"abc")])


@pytest.mark.parametrize("made", ["flac", "wav", "pieces"])
def test_a_sound_that_changes_between_two_readings_ends_the_copy(made: str) -> None:
    call = Call([talk(3, 1)])
    sound = Sound(call.record.id, call.record.audio, lambda: spoilt(call, at=7 if call.readings else -1))
    with pytest.raises(DamageError, match="changed while"):
        list(getattr(sound, made)())
