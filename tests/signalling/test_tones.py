"""Call progress: each tone at its limits, where it begins and ends, and what is none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.signalling.sounds import Pcm, Wave, draws, heard, key, line, rhythm, silence, sine
from tsuwaroku.exchange.sound import mixdown
from tsuwaroku.exchange.voice import Conversation
from tsuwaroku.signalling.cadence import Tone, ToneNamed, ToneOver
from tsuwaroku.signalling.tones import ToneDetector

BUSY = (0.5, 0.5) * 4
RING_BACK = (1.0, 2.0) * 3
PBX_DIAL = (0.25, 0.25) * 6
DIAL = (5.5,)
CASES = {
    "busy": (BUSY, Tone.BUSY, (0.0,), 4),
    "ring-back": (RING_BACK, Tone.RING_BACK, (15.0, 16.0, 18.0, 20.0), 3),
    "ring-back, not modulated": (RING_BACK, Tone.RING_BACK, (0.0,), 3),
    "dial tone": (DIAL, Tone.DIAL, (0.0,), 5),
    "PBX dial tone": (PBX_DIAL, Tone.PBX_DIAL, (0.0,), 6),
    "howler": (DIAL, Tone.HOWLER, (15.0, 16.0, 20.0), 5),
}
END = 4.0  # longer than any pause in a tone

Events = list[ToneNamed | ToneOver]


def events(pcm: Pcm, first: int = 0, rate: int = 8000) -> Events:
    return heard(ToneDetector(rate), pcm, first, rate // 5)


def said(pcm: Pcm) -> list[tuple[Tone, int]]:
    """Kinds and cycles; 0 = over."""
    return [(one.kind, one.cycles if isinstance(one, ToneNamed) else 0) for one in events(pcm)]


def hard(case: str, seed: int, count: int) -> list[str]:
    """What went wrong with a tone at random levels, frequencies and speeds within the limits."""
    stretches, kind, beats, cycles = CASES[case]
    wrong = []
    for number, rng in enumerate(draws(seed, count)):
        dbm0, off, speed = rng.uniform(-38, -10), rng.uniform(-0.05, 0.05), rng.uniform(0.95, 1.05)
        wave = rhythm(
            *stretches,
            dbm0=dbm0,
            off=off,
            speed=speed,
            beat_hz=float(rng.choice(beats)),
            depth=rng.uniform(0.6, 1.0),
            phase=rng.uniform(0, 6.28),
        )
        found = events(line(silence(rng.uniform(0.3, 0.4)), wave, silence(END), seed=number))
        named = [one for one in found if isinstance(one, ToneNamed)]
        first_right = bool(named) and named[0].cycles <= 2 and abs(named[0].first_sample - 2800) <= 600
        counted = bool(named) and (named[-1].cycles == cycles or kind in (Tone.DIAL, Tone.HOWLER))
        over = [one for one in found if isinstance(one, ToneOver)]
        if {one.kind for one in named} != {kind} or not first_right or not counted or len(over) != 1:
            wrong.append(f"{dbm0:.1f} dBm0, {off:+.3f}, x{speed:.3f}: {found}")
    return wrong


@pytest.mark.parametrize("case", CASES)
def test_named_at_the_limits(case: str) -> None:
    assert hard(case, 1, 12) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_named_at_the_limits_often(case: str) -> None:
    assert hard(case, 2, 100) == []


def test_where_a_tone_begins_and_ends_and_when_it_is_named() -> None:
    pcm = line(silence(0.33), rhythm(*BUSY), silence(1.0))
    detector, named_at = ToneDetector(8000), []
    found: Events = []
    for at in range(0, pcm.size, 160):
        new = detector.feed(at, pcm[at : at + 160])
        named_at += [at + 160 for one in new if isinstance(one, ToneNamed)]
        found += new
    assert [type(one) for one in found] == [ToneNamed, ToneNamed, ToneNamed, ToneOver]
    assert isinstance(found[0], ToneNamed)
    assert isinstance(found[-1], ToneOver)
    assert found[0].first_sample == pytest.approx(2640, abs=40)
    assert found[-1].at_sample == pytest.approx(2640 + 3.5 * 8000, abs=40)
    assert [at / 8000 for at in named_at] == pytest.approx([2.3, 3.3, 4.3], abs=0.05)


def test_the_fifth_second_of_a_dial_tone_is_told_in_time() -> None:
    assert said(line(silence(0.1), rhythm(5.3)))[-1] == (Tone.DIAL, 5)


def test_a_second_of_ring_back_is_expected_before_it_is_named() -> None:
    detector = ToneDetector(8000)
    assert heard(detector, line(silence(0.1), rhythm(1.0, 1.0))) == []
    assert detector.expected is Tone.RING_BACK
    assert heard(detector, line(silence(4.0)), first=16800) == []
    assert detector.expected is None


def test_busy_that_begins_in_the_middle_of_a_tone() -> None:
    assert said(line(rhythm(0.2, 0.5, *BUSY), silence(1.0))) == [
        (Tone.BUSY, 2),
        (Tone.BUSY, 3),
        (Tone.BUSY, 4),
        (Tone.BUSY, 0),
    ]


def test_one_tone_after_the_other() -> None:
    """A dial tone left alone, busy, then the howler."""
    kinds = [kind for kind, _ in said(line(rhythm(3.0), rhythm(*BUSY), rhythm(4.0, beat_hz=16.0), silence(1.0)))]
    assert [kind for kind, following in pairwise([*kinds, None]) if kind is not following] == [
        Tone.DIAL,
        Tone.BUSY,
        Tone.HOWLER,
    ]


def test_a_ring_back_cut_short_by_an_answer() -> None:
    found = events(line(rhythm(1.0, 2.0, 0.4, beat_hz=16.0), silence(0.2)))
    assert isinstance(found[-1], ToneOver)
    assert found[-1].at_sample == pytest.approx(3.4 * 8000, abs=200)


def test_a_howler_is_louder_or_grows() -> None:
    steady = [kind for kind, _ in said(line(rhythm(3.0, dbm0=-3.0), silence(1.0)))]
    assert set(steady) == {Tone.HOWLER}
    grows = [kind for kind, _ in said(line(rhythm(2.0, dbm0=-24.0), rhythm(2.0, dbm0=-16.0), silence(1.0)))]
    assert list(dict.fromkeys(grows)) == [Tone.DIAL, Tone.HOWLER]


@pytest.mark.parametrize("burst", [(0.5,), (0.1, 0.1, 0.1)])
def test_call_waiting_is_heard_amid_talk(burst: tuple[float, ...]) -> None:
    talk = np.frombuffer(b"".join(mixdown([Conversation(0, 80_000, 3)], 3, n) for n in range(10)), dtype="<i2")
    between = [silence(0.2), talk[: 3 * 8000] * 1.0, silence(0.5)]
    tone = rhythm(*burst, beat_hz=16.0 if len(burst) == 1 else 0.0)
    pcm = line(*between, tone, *between, tone, *between, tone, *between, silence(11.0))
    assert said(pcm) == [(Tone.CALL_WAITING, 2), (Tone.CALL_WAITING, 3), (Tone.CALL_WAITING, 0)]


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(rhythm(*BUSY, hertz=440), id="440 Hz"),
        pytest.param(rhythm(*BUSY, hertz=350), id="350 Hz"),
        pytest.param(rhythm(0.75, 0.75, 0.75, 0.75, 0.75, 0.75), id="another rhythm"),
        pytest.param(rhythm(0.5, 0.5), id="one cycle"),
        pytest.param(rhythm(1.0), id="a second"),
        pytest.param(np.concatenate([sine(f, -15, 0.5) for f in (392, 440, 494, 392, 523, 392, 440)]), id="a melody"),
        pytest.param(np.concatenate([key(k, 500) for k in "123456"]), id="keys held long"),
        pytest.param(rhythm(*BUSY, dbm0=-55.0), id="crosstalk"),
        pytest.param(rhythm(*BUSY) + sine(1000, -22, 4.0), id="two tones"),
        pytest.param(sine(50, -10, 5.0), id="hum"),
    ],
)
def test_what_is_no_tone(sound: Wave) -> None:
    assert said(line(silence(0.3), sound, silence(END))) == []


def test_a_wavering_pitch_is_no_dial_tone() -> None:
    t = np.arange(5 * 8000) / 8000
    wave = 5000 * np.sin(2 * np.pi * (400 * t + 0.8 * np.sin(2 * np.pi * 5 * t)))
    assert said(line(silence(0.3), wave, silence(END))) == []


def test_hum_does_not_hide_a_tone() -> None:
    assert said(line(rhythm(*BUSY, dbm0=-30) + sine(50, -25, 4.0), silence(1.0)))[:1] == [(Tone.BUSY, 2)]


def test_no_tone_in_three_minutes_of_talk() -> None:
    talk = Conversation(0, 180 * 8000, 9)
    detector = ToneDetector(8000)
    found: Events = []
    for second in range(180):
        pcm = np.frombuffer(mixdown([talk], 9, second), dtype="<i2").astype(np.int16)
        found += heard(detector, pcm, second * 8000)
    assert found == []


def test_a_gap_ends_a_named_tone_and_joins_nothing() -> None:
    detector = ToneDetector(8000)
    pcm = line(rhythm(*BUSY, *BUSY))
    found = heard(detector, pcm[: 8000 * 2])
    assert found == [ToneNamed(Tone.BUSY, 0, 2)]
    over = detector.lost(16000, 800)
    assert [type(one) for one in over] == [ToneOver]
    assert over[0].kind is Tone.BUSY
    found = heard(detector, pcm[16800 : 16800 + 8000], 16800)
    assert found == []
    assert detector.lost(24800, 1) == []


def test_an_unannounced_jump_is_a_gap() -> None:
    detector = ToneDetector(8000)
    heard(detector, line(rhythm(*BUSY))[:16000])
    assert [type(one) for one in detector.feed(20000, line(silence(0.2)))] == [ToneOver]


@pytest.mark.parametrize("rate", [16000, 48000])
def test_other_rates(rate: int) -> None:
    found = events(line(silence(0.5, rate), rhythm(*BUSY, rate=rate), silence(1.0, rate)), 1000, rate)
    assert [type(one) for one in found] == [ToneNamed, ToneNamed, ToneNamed, ToneOver]
    assert isinstance(found[0], ToneNamed)
    assert isinstance(found[3], ToneOver)
    assert found[0].first_sample == pytest.approx(1000 + rate / 2, abs=rate / 100)
    assert found[3].at_sample == pytest.approx(1000 + 4 * rate, abs=rate / 100)


@pytest.mark.parametrize("rate", [4000, 11025, 0, -8000])
def test_a_rate_that_is_no_multiple_of_8000_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match=f"a rate of {rate} is no multiple of 8000"):
        ToneDetector(rate)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=20))
def test_pieces_of_any_size_give_the_same(sizes: list[int]) -> None:
    pcm = line(silence(0.4), rhythm(*BUSY), silence(1.0))
    detector, at = ToneDetector(8000), 0
    found: Events = []
    for size in [*sizes, pcm.size]:
        found += detector.feed(at, pcm[at : at + size])
        at = min(at + size, pcm.size)
    assert found == events(pcm)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("tone", "beat", "noise", "square", "quiet", "gap", "jump")),
            st.floats(0.01, 2.5),
            st.floats(-60, 3),
        ),
        max_size=25,
    )
)
def test_any_sound_and_any_gaps(parts: list[tuple[str, float, float]]) -> None:
    """No exception, little state, and each tone is named, counted upward, and over."""
    detector, at = ToneDetector(8000), 0
    found: Events = []
    for kind, seconds, dbm0 in parts:
        size = round(seconds * 8000)
        if kind == "gap":
            found += detector.lost(at, size)
        elif kind != "jump":
            found += heard(detector, any_sound(kind, size, dbm0), at)
        at += size
        assert detector.held_blocks <= 200
    found += detector.lost(at, 0)
    open_kind: dict[Tone, int] = {}
    for one in found:
        if isinstance(one, ToneNamed):
            assert one.cycles > open_kind.get(one.kind, 0)
            open_kind[one.kind] = one.cycles
        else:
            assert open_kind.pop(one.kind) > 0
    assert open_kind == {}


def any_sound(kind: str, size: int, dbm0: float) -> Pcm:
    if kind == "noise":
        return np.random.default_rng(size).integers(-32768, 32767, size).astype(np.int16)
    if kind == "square":
        return np.where(np.arange(size) % 20 < 10, 32767, -32768).astype(np.int16)
    if kind == "quiet":
        return np.zeros(size, dtype=np.int16)
    return line(rhythm(size / 8000, dbm0=dbm0, beat_hz=16.0 if kind == "beat" else 0.0))
