"""From the card's rate to the recorded one: flat, without images, and every sample at its time, holes included."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tsuwaroku.events import GapReason
from tsuwaroku.hal.decimate import Decimator, method
from tsuwaroku.hal.framing import Block, CardItem, Hole, Trouble

NS = 1_000_000_000
RATE, FACTOR = 48_000, 6
PERIOD = 960


def tone(hz: float, seconds: float, channels: int = 1, level: float = 20_000.0) -> NDArray[np.int16]:
    place = np.arange(round(seconds * RATE))
    wave = np.rint(level * np.sin(2 * np.pi * hz * place / RATE)).astype("<i2")
    return np.stack([wave // (channel + 1) for channel in range(channels)], axis=1)


def blocks(sound: NDArray[np.int16], first: int = 0, period: int = PERIOD) -> list[CardItem]:
    return [
        Block(first + at, (first + at) * NS // RATE, len(piece), piece.tobytes())
        for at in range(0, len(sound), period)
        for piece in [sound[at : at + period]]
    ]


def passed(items: list[CardItem], channels: int = 1) -> list[CardItem]:
    decimator = Decimator(RATE, FACTOR, channels)
    return [out for item in items for out in decimator.take(item)]


def sound_of(items: list[CardItem], channels: int = 1) -> NDArray[np.int16]:
    return np.frombuffer(b"".join(item.pcm for item in items if isinstance(item, Block)), "<i2").reshape(-1, channels)


def level_db(sound: NDArray[np.int16]) -> float:
    return float(20 * np.log10(np.std(sound[800:-800].astype(float)) * 2**0.5 / 20_000 + 1e-9))


@pytest.mark.parametrize("hz", [50, 300, 1000, 1400, 2100, 3000, 3400])
def test_the_telephone_band_is_flat(hz: int) -> None:
    assert level_db(sound_of(passed(blocks(tone(hz, 1.0))))) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("hz", [4100, 4600, 5000, 7000, 7700, 9000, 15_000, 23_000])
def test_nothing_above_half_the_rate_comes_back_as_something_else(hz: int) -> None:
    """A quarter of the last bit is what rounding leaves."""
    sound = sound_of(passed(blocks(tone(hz, 1.0))))
    assert np.abs(sound[800:-800]).max() <= 1


def test_samples_are_where_and_when_they_were() -> None:
    """A click comes out at its place, for all the filter's delay, and a block's time is that of its first sample."""
    sound = np.zeros((RATE, 1), dtype="<i2")
    sound[FACTOR * 3001] = 30_000
    out = passed(blocks(sound))
    assert int(np.argmax(np.abs(sound_of(out)))) == 3001
    place = 0
    for item in out:
        assert isinstance(item, Block)
        assert item.first == place
        assert abs(item.mono_ns - place * NS // 8000) <= 2
        place += item.samples
    late = RATE // FACTOR - place  # still in the filter
    assert 0 < late <= 45


@pytest.mark.parametrize("period", [6, 100, 480, 961, 4800])
def test_how_the_sound_comes_changes_nothing(period: int) -> None:
    cut = sound_of(passed(blocks(tone(440, 0.5, 2), period=period), 2), 2)
    whole = sound_of(passed(blocks(tone(440, 0.5, 2)), 2), 2)
    length = min(len(whole), len(cut))
    assert length > 3900
    assert np.array_equal(whole[:length], cut[:length])


def test_channels_stay_apart() -> None:
    sound = tone(1000, 0.5, 8)
    sound[:, 3] = 0
    out = sound_of(passed(blocks(sound), 8), 8)
    assert not out[:, 3].any()
    for channel in (0, 1, 2, 4, 5, 6, 7):
        assert np.std(out[400:-400, channel].astype(float)) == pytest.approx(20_000 / 2**0.5 / (channel + 1), rel=0.01)


@pytest.mark.parametrize("missing", [960, 961, 965, 4803])
@pytest.mark.parametrize("before", [9600, 9601, 9604])
def test_a_hole_keeps_its_place_and_nothing_is_filtered_across_it(before: int, missing: int) -> None:
    """All that came before it is given, what comes behind begins anew, and positions lose no time."""
    hole = Hole(before, before * NS // RATE, missing, GapReason.OVERRUN)
    loud, silent = tone(1000, before / RATE), np.zeros((9600, 1), dtype="<i2")
    out = passed([*blocks(loud), hole, *blocks(silent, before + missing)])
    place = 0
    for item in out:
        assert isinstance(item, Block | Hole)
        assert item.first == place
        assert abs(item.mono_ns - place * NS // 8000) <= NS // 8000
        place += item.samples
    (told,) = [item for item in out if isinstance(item, Hole)]
    at = out.index(told)
    assert told.first == -(-before // FACTOR)
    assert told.first + told.samples == -(-(before + missing) // FACTOR)
    assert told.reason is GapReason.OVERRUN
    assert np.abs(sound_of(out[:at])[-20:]).max() > 5000
    assert not sound_of(out[at:]).any()


def test_holes_without_sound_between_them_and_troubles_pass() -> None:
    trouble = Trouble(True, "gone", 5)
    out = passed([Hole(0, 0, 960, GapReason.UNPLUGGED), trouble, Hole(960, NS // 50, 3, GapReason.UNPLUGGED)])
    assert out == [
        Hole(0, 0, 160, GapReason.UNPLUGGED),
        trouble,
        Hole(160, NS // 50, 1, GapReason.UNPLUGGED),
    ]


def test_no_sample_is_gained_or_lost_in_a_long_run() -> None:
    decimator, place = Decimator(RATE, FACTOR, 1), 0
    second = np.zeros((RATE, 1), dtype="<i2").tobytes()
    for n in range(120):
        for item in decimator.take(Block(n * RATE, n * NS, RATE, second)):
            assert isinstance(item, Block)
            place = item.first + item.samples
        assert 0 < (n + 1) * 8000 - place <= 45


def test_full_scale_is_cut_off_and_not_turned_over() -> None:
    square = np.where(np.arange(RATE) // 40 % 2, 32767, -32768).astype("<i2").reshape(-1, 1)
    out = sound_of(passed(blocks(square)))
    assert (out.min(), out.max()) == (-32768, 32767)


def test_the_method_is_told() -> None:
    assert method(48_000, 6).startswith("48000 Hz / 6 by libsamplerate sinc_medium (samplerate 0.")
