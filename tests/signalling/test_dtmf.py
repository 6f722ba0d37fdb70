"""DTMF: what must be heard, what must not, edges, gaps, and the library."""

from __future__ import annotations

import ctypes
import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.signalling import sounds
from tests.signalling.sounds import KEYS, Pcm, Wave, heard, key, line, silence, sine
from tsuwaroku.errors import BoardError
from tsuwaroku.exchange.sound import mixdown
from tsuwaroku.exchange.voice import Conversation
from tsuwaroku.signalling import spandsp
from tsuwaroku.signalling.dtmf import Digit, DtmfDetector

OFF = (-0.015, 0.0, 0.015)


def keys(pcm: Pcm, rate: int = 8000, piece: int = 1600) -> str:
    return "".join(digit.key for digit in heard(DtmfDetector(rate), pcm, piece=piece))


def dialled(seed: int, count: int, on: float, pause: float, dbm0: float) -> tuple[str, list[Wave]]:
    """Keys in any order at any legal twist and frequency, each with the pause after it."""
    rng = np.random.default_rng(seed)
    names = "".join(rng.permutation(list(KEYS * (count // 16))))
    parts = [silence(0.1)]
    for name in names:
        off = (rng.uniform(-0.015, 0.015), rng.uniform(-0.015, 0.015))
        if rng.random() < 0.5:
            off = (float(rng.choice(OFF)), float(rng.choice(OFF)))
        phases = (rng.uniform(0, 6.28), rng.uniform(0, 6.28))
        parts += [key(name, on, dbm0, rng.uniform(0, 5), off, phases), silence(pause / 1000 + rng.uniform(0, 0.001))]
    return names, [*parts, silence(0.1)]


def test_every_key_fifty_times_at_the_limits() -> None:
    """40 ms on, 30 off, -24 dBm0, both tones up to 1.5 % off, the high one up to 5 dB over the low one."""
    names, parts = dialled(1, 800, 40, 30, -24.0)
    assert keys(line(*parts)) == names


@pytest.mark.parametrize(("over_db", "hertz"), [(-10.0, 400.0), (0.0, 400.0), (-10.0, 383.0), (-10.0, 417.0)])
def test_under_a_dial_tone(over_db: float, hertz: float) -> None:
    names, parts = dialled(2, 320, 50, 30, -16.0)
    sound = np.concatenate(parts)
    assert keys(line(sound + sine(hertz, -16.0 + over_db, sound.size / 8000))) == names


@pytest.mark.parametrize("twist", [-6.0, 0.0, 5.0, 7.0])
def test_twist(twist: float) -> None:
    assert keys(line(silence(0.1), *(key(k, 50, twist=twist) for k in "5"), silence(0.1))) == "5"


@pytest.mark.parametrize("off", [(0.035, 0.0), (-0.035, 0.0), (0.0, 0.035), (0.0, -0.035)])
@pytest.mark.parametrize("name", KEYS)
def test_a_frequency_too_far_off_is_refused(name: str, off: tuple[float, float]) -> None:
    assert keys(line(silence(0.1), key(name, 100, off=off), silence(0.2))) == ""


def test_a_tone_too_short_is_refused() -> None:
    assert keys(line(silence(0.1), *(w for k in KEYS for w in (key(k, 23), silence(0.1))))) == ""


def test_one_tone_alone_is_no_key() -> None:
    for hertz in (*sounds.ROWS, *sounds.COLUMNS):
        assert keys(line(silence(0.1), sine(hertz, -10, 0.5), silence(0.2))) == ""


def test_place_length_and_level() -> None:
    found = heard(DtmfDetector(8000), line(silence(0.3), key("7", 80, -13.0), silence(0.2)), first=1_000_000)
    assert [digit.key for digit in found] == ["7"]
    assert found[0].first_sample == pytest.approx(1_002_400, abs=40)
    assert found[0].samples == pytest.approx(640, abs=60)
    assert found[0].level_dbm0 == pytest.approx(-13.0, abs=0.3)


@pytest.mark.parametrize("seconds", [0.12, 0.2, 1.0, 5.0])
def test_a_key_held_down_is_one(seconds: float) -> None:
    found = heard(DtmfDetector(8000), line(silence(0.1), key("3", seconds * 1000), silence(0.1)))
    assert [digit.key for digit in found] == ["3"]
    assert found[0].first_sample == pytest.approx(800, abs=40)
    assert found[0].samples == pytest.approx(seconds * 8000, abs=120)


def test_the_same_key_twice_is_two() -> None:
    parts = [silence(0.1), key("0", 50), silence(0.03), key("0", 50), silence(0.03), key("0", 300), silence(0.1)]
    assert keys(line(*parts)) == "000"


def test_a_tone_broken_for_5_ms_is_one_key() -> None:
    assert keys(line(silence(0.1), key("9", 60), silence(0.005), key("9", 60), silence(0.1))) == "9"


def test_hum_and_an_offset_do_not_matter() -> None:
    names, parts = dialled(3, 160, 50, 50, -20.0)
    sound = np.concatenate(parts)
    assert keys(line(sound + sine(50, -24, sound.size / 8000) + 200)) == names


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=30), st.sampled_from((8000, 16000, 24000)))
def test_pieces_of_any_size_give_the_same(sizes: list[int], rate: int) -> None:
    pcm = line(silence(0.1, rate), *(w for k in "159D" for w in (key(k, 60, rate=rate), silence(0.05, rate))))
    found: list[Digit] = []
    detector, at = DtmfDetector(rate), 0
    for size in [*sizes, pcm.size]:
        found += detector.feed(at, pcm[at : at + size])
        at = min(at + size, pcm.size)
    found += detector.feed(at, np.zeros(rate // 5, dtype=np.int16))
    assert "".join(digit.key for digit in found) == "159D"
    starts = [rate // 10 + number * rate * 110 // 1000 for number in range(4)]
    assert [digit.first_sample for digit in found] == pytest.approx(starts, abs=rate // 100)
    assert found == heard(DtmfDetector(rate), np.concatenate((pcm, np.zeros(rate // 5, dtype=np.int16))))


def test_a_gap_in_a_key_does_not_double_it() -> None:
    detector = DtmfDetector(8000)
    pcm = line(silence(0.1), key("6", 400), silence(0.1), key("6", 50), silence(0.1))
    found = detector.feed(0, pcm[:2400])
    assert found == []
    found = detector.lost(2400, 400)
    assert [(digit.key, digit.first_sample + digit.samples <= 2400) for digit in found] == [("6", True)]
    found = heard(detector, pcm[2800:], first=2800)
    assert [digit.key for digit in found] == ["6"]
    assert found[0].first_sample == pytest.approx(4800, abs=40)


def test_after_a_gap_another_key_counts_and_a_late_one_too() -> None:
    for name, pause in (("5", 0.0), ("6", 0.2)):
        detector = DtmfDetector(8000)
        detector.feed(0, line(silence(0.1), key("6", 100)))
        assert [digit.key for digit in detector.lost(1600, 800)] == ["6"]
        found = heard(detector, line(silence(pause), key(name, 100), silence(0.1)), first=2400)
        assert [digit.key for digit in found] == [name]


def test_a_gap_before_a_key_is_sure_leaves_nothing() -> None:
    detector = DtmfDetector(8000)
    assert detector.feed(0, line(silence(0.1), key("6", 20))) == []
    assert detector.lost(960, 8000) == []
    assert heard(detector, line(silence(1.0)), first=8960) == []


def test_an_unannounced_jump_is_a_gap() -> None:
    detector = DtmfDetector(8000)
    detector.feed(0, line(silence(0.1), key("6", 100)))
    assert [digit.key for digit in detector.feed(9000, line(silence(0.2)))] == ["6"]


@pytest.mark.parametrize("seed", range(6))
def test_no_digit_in_two_minutes_of_talk(seed: int) -> None:
    """Speaker 2 has a syllable whose harmonics glide through those of key 5."""
    talk = Conversation(0, 120 * 8000, seed)
    detector = DtmfDetector(8000)
    found = []
    for second in range(120):
        pcm = np.frombuffer(mixdown([talk], seed, second), dtype="<i2")
        found += heard(detector, pcm.astype(np.int16), first=second * 8000)
    assert found == []


def test_tones_that_glide_are_no_key() -> None:
    t = np.arange(800) / 8000
    for name in KEYS:
        row, column = divmod(KEYS.index(name), 4)
        glide = sum(
            3000 * np.sin(2 * np.pi * hertz * (0.95 * t + 0.5 * t * t))
            for hertz in (sounds.ROWS[row], sounds.COLUMNS[column])
        )
        assert keys(line(silence(0.1), np.asarray(glide), silence(0.1))) == ""


def any_sound(kind: str, size: int, seed: int) -> Wave:
    if kind == "noise":
        return np.random.default_rng(seed).integers(-32768, 32767, size).astype(np.float64)
    if kind == "square":
        return np.where(np.sin(np.arange(size) * (seed + 1) / 300) > 0, 32767.0, -32768.0)
    if kind == "key":
        return np.clip(key(KEYS[seed % 16], size / 8, 6.0), -32768, 32767)
    return np.full(size, -32768.0 if kind == "full" else 0.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("noise", "square", "full", "key", "silence", "gap", "jump")),
            st.integers(0, 5000),
            st.integers(0, 1000),
        ),
        max_size=20,
    )
)
def test_any_sound_and_any_gaps(parts: list[tuple[str, int, int]]) -> None:
    detector, at = DtmfDetector(8000), 0
    found: list[Digit] = []
    for kind, size, seed in parts:
        if kind in ("gap", "jump"):
            found += detector.lost(at, size) if kind == "gap" else []
            at += size - (seed if kind == "jump" else 0)
            continue
        sound = any_sound(kind, size, seed)
        found += detector.feed(at, sound.astype(np.int16))
        at += size
        assert detector.held_samples < 4000
    assert all(digit.key in KEYS and digit.samples > 0 for digit in found)


def test_the_library_is_there() -> None:
    spandsp.check_library()


@pytest.mark.parametrize("name", ["libspandsp.so.99", "libc.so.6"])
def test_without_the_library_a_clear_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spandsp, "SONAME", name)
    for use in (spandsp.check_library, DtmfDetector):
        with pytest.raises(BoardError, match=rf"libspandsp2: .*\({name}\) cannot be used") as caught:
            use()
        assert caught.value.remedy == "run scripts/setup: it installs libspandsp2"


def test_a_library_that_hears_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spandsp.Receiver, "feed", lambda self, pcm: [spandsp.Change("8", 0)])
    with pytest.raises(BoardError, match='heard as "8"'):
        spandsp.check_library()


def test_receivers_are_apart_and_their_memory_goes() -> None:
    a, b = spandsp.Receiver(), spandsp.Receiver()
    pcm = line(key("1", 100), silence(0.1))
    assert [change.key for change in a.feed(pcm)] == ["1", ""]
    assert b.feed(line(silence(0.1))) == []
    a.reset()
    assert [change.key for change in a.feed(pcm)] == ["1", ""]
    gone = weakref.ref(a)
    del a
    gc.collect()
    assert gone() is None


def test_spandsps_own_generator_is_heard() -> None:
    library = ctypes.CDLL(spandsp.SONAME)
    library.dtmf_tx_init.restype = ctypes.c_void_p
    library.dtmf_tx_init.argtypes = [ctypes.c_void_p]
    library.dtmf_tx_put.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.dtmf_tx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.dtmf_tx_free.argtypes = [ctypes.c_void_p]
    generator = library.dtmf_tx_init(None)
    library.dtmf_tx_put(generator, KEYS.encode(), -1)
    pcm = np.zeros(40_000, dtype=np.int16)
    made = library.dtmf_tx(generator, pcm.ctypes.data, pcm.size)
    library.dtmf_tx_free(generator)
    assert 16 * 800 <= made < pcm.size
    assert keys(pcm) == KEYS
