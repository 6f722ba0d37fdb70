"""NTT's caller ID: frames as octets, and as sound through the whole receiver."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench import signalling_fsk as bench
from tests.bench.signalling_fsk import FRAME, NUMBER, heard
from tests.signalling import adsi
from tests.signalling.fsksource import Pcm, Sender, crc, jclip, line, noise, parity, pcm, tone
from tsuwaroku.signalling.callerid import Absence, CallerId, CallerIdReceiver
from tsuwaroku.signalling.callerid import jclip as framer

VECTORS = [
    ("A", "0312345678", None, None, FRAME),
    ("B", None, None, Absence.WITHHELD, bytes.fromhex("90818790 82C00384 81509003 1EEE")),
    (
        "C",
        "09012345678",
        "5678",
        None,
        bytes.fromhex("90818790 82C09382 8B303930 B1B233B4 3536B7B8 09843536 B7B89003 660F"),
    ),
    (
        "D",
        None,
        "05012345678",
        Absence.WITHHELD,
        bytes.fromhex("90818790 82C09090 84815009 8B303530 B1B233B4 3536B7B8 9003BFB9"),
    ),
]
needs_spandsp = pytest.mark.skipif(adsi.library() is None, reason=f"{adsi.NAME} (libspandsp2) is not installed")


def said(one: CallerId) -> tuple[object, ...]:
    return one.number, one.called, one.name, one.absence, one.crc_ok, one.standard


def frame(octets: bytes) -> tuple[object, ...] | None:
    found = framer.find(octets)
    return None if found is None or found.caller is None else said(found.caller)


def unreadable(crc_ok: bool = False) -> tuple[object, ...]:
    return None, None, None, Absence.UNREADABLE, crc_ok, "jclip"


def on_line(octets: bytes, sender: Sender | None = None, snr_db: float = 25.0) -> Pcm:
    return bench.burst(np.random.default_rng(len(octets)), sender or Sender(), octets, snr_db)


@pytest.mark.parametrize(("name", "number", "called", "absence", "octets"), VECTORS)
def test_vectors(name: str, number: str | None, called: str | None, absence: Absence | None, octets: bytes) -> None:
    expected = (number, called, None, absence, True, "jclip")
    assert frame(octets) == expected
    (one,) = heard(on_line(octets))
    assert said(one) == expected
    assert one.raw == octets


def test_the_first_vector_is_octet_for_octet_the_facts() -> None:
    assert bytes.fromhex("90818790 82C00C82 0A3033B1 B233B435 36B7B890 03FB52") == FRAME


def test_first_sample_is_that_of_the_first_start_bit() -> None:
    sender = Sender(marks=60)
    sound = sender.sound(FRAME)
    signal = pcm(line([(5000, sound)], 20000))
    for first in (0, 1 << 40):
        receiver = CallerIdReceiver(8000)
        (one,) = receiver.feed(first, signal) + receiver.flush()
        assert abs(one.first_sample - (first + 5000 + 60 * 20 / 3)) <= 2


@pytest.mark.parametrize("counted_doubled", [False, True])
def test_every_length_and_what_is_counted_in_len(counted_doubled: bool) -> None:
    for length in range(41):
        number = ("0123456789" * 5)[:length]
        said = frame(jclip([(2, number.encode())], counted_doubled=counted_doubled))
        assert said == (number or None, None, None, None if number else Absence.NOT_OFFERED, True, "jclip")


@pytest.mark.parametrize(
    ("code", "absence"),
    [
        (b"P", Absence.WITHHELD),
        (b"C", Absence.PAYPHONE),
        (b"O", Absence.UNAVAILABLE),
        (b"S", Absence.SERVICE_CONFLICT),
        (b"?", Absence.UNAVAILABLE),
        (b"PP", Absence.UNAVAILABLE),
        (b"", Absence.NOT_OFFERED),
    ],
)
def test_reasons_for_absence_are_kept_apart(code: bytes, absence: Absence) -> None:
    assert frame(jclip([(4, code)])) == (None, None, None, absence, True, "jclip")


def test_all_parameters_known_and_unknown() -> None:
    octets = jclip(
        [(0x21, b"1"), (2, b"0312345678"), (0x22, b"215"), (9, b"5678"), (7, b"TARO"), (8, b"P"), (0x55, b"")]
    )
    found = framer.find(octets)
    assert found is not None
    assert found.caller is not None
    assert said(found.caller) == ("0312345678", "5678", "TARO", None, True, "jclip")
    assert found.caller.raw == octets


def test_a_dle_in_length_type_and_data() -> None:
    octets = jclip([(0x10, b"\x10\x10"), (7, b"0123456789ABCDEF"), (2, b"0312345678")])
    assert octets.count(b"\x90\x90") == 4  # type, twice in data, the name's length; LEN is 35
    assert frame(octets) == ("0312345678", None, "0123456789ABCDEF", None, True, "jclip")


def test_only_a_called_number_is_no_callers() -> None:
    assert frame(jclip([(9, b"5678")])) == (None, "5678", None, Absence.NOT_OFFERED, True, "jclip")


def test_a_name_that_is_not_in_plain_letters_is_in_raw_alone() -> None:
    assert frame(jclip([(2, b"0312345678"), (7, b"\x1b$B;T")])) == ("0312345678", None, None, None, True, "jclip")


def test_another_kind_of_frame_is_no_caller_id() -> None:
    found = framer.find(jclip([(2, b"0312345678")], kind=0x41))
    assert found is not None
    assert (found.caller, found.certain) == (None, True)
    assert heard(on_line(jclip([(2, b"0312345678")], kind=0x41))) == []


@pytest.mark.parametrize(
    "body",
    [
        b"\x07\x10\x02\x40\x0d\x02\x0a0312345678",  # LEN is one too long
        b"\x07\x10\x02\x40\x0b\x02\x0b0312345678",  # so is the number's
        b"\x07\x10\x02\x40\x0c\x02\x0a03123A5678",
        b"\x07\x10\x02\x40\x18\x02\x0a0312345678\x02\x0a0312345679",  # which of the two?
        b"\x07\x10\x02\x40\x05\x02\x03\x10\x15\x33",  # a DLE alone
        b"\x07\x10\x02\x40",
        b"\x07\x10\x02",
    ],
)
def test_a_frame_that_makes_no_sense_is_unreadable_whatever_its_crc(body: bytes) -> None:
    octets = parity(body + b"\x10\x03")
    assert frame(parity(b"\x10\x01") + octets + crc(octets).to_bytes(2, "little")) == unreadable(True)


def test_wrong_parity_is_unreadable_whatever_the_crc() -> None:
    octets = FRAME[2:12] + bytes([FRAME[12] ^ 0x80]) + FRAME[13:-2]
    assert frame(FRAME[:2] + octets + crc(octets).to_bytes(2, "little")) == unreadable(True)


def test_one_or_two_wrong_bits_anywhere_give_no_number() -> None:
    bits = [1 << at for at in range(8 * len(FRAME))]
    whole = int.from_bytes(FRAME, "big")
    for one in bits:
        for other in (0, *bits[::5]):
            damaged = (whole ^ one ^ other).to_bytes(len(FRAME), "big")
            if damaged[2:] != FRAME[2:]:  # DLE SOH is under no check, and says nothing
                assert frame(damaged) in (None, unreadable()), damaged.hex()


@given(st.binary(max_size=400))
def test_no_octets_raise(octets: bytes) -> None:
    for one in (octets, b"\x90\x81" + octets, b"\x90\x81\x87\x90\x82\xc0" + octets):
        assert frame(one) in (None, unreadable(), unreadable(True))


@given(st.lists(st.tuples(st.integers(0x30, 0x7F), st.binary(max_size=20)), max_size=4), st.booleans())
def test_unknown_parameters_are_skipped_by_their_length(others: list[tuple[int, bytes]], doubled: bool) -> None:
    others = [(kind, bytes(octet & 0x7F for octet in data)) for kind, data in others]
    others = [one for index, one in enumerate(others) if one[0] not in {kind for kind, _ in others[:index]}]
    octets = jclip([*others, (2, b"0312345678")], counted_doubled=doubled)
    if sum(len(data) + 2 for _, data in others) < 60:
        assert frame(octets) == ("0312345678", None, None, None, True, "jclip")


@given(st.integers(0, len(FRAME) - 1), st.binary(min_size=1, max_size=3))
def test_no_damaged_frame_gives_another_number(at: int, by: bytes) -> None:
    octets = FRAME[:at] + by + FRAME[at + len(by) :]
    told = frame(octets)
    assert told in (None, unreadable()) or (told is not None and told[0] == NUMBER and octets[2:] == FRAME[2:])


def test_through_noise_hum_and_a_senders_tolerances() -> None:
    rows = [*bench.by_noise(3)[:4], *bench.by_sender(1)]
    assert [(one.key, one.median) for one in rows if one.met is False] == []


@pytest.mark.slow
def test_the_figures() -> None:
    rows = [*bench.by_noise(60), *bench.by_sender(8)]
    assert [(one.key, one.median) for one in rows if one.met is False] == []


def test_from_very_faint_to_very_loud() -> None:
    assert [(one.key, one.median) for one in bench.by_level(1) if one.met is False] == []


@pytest.mark.slow
def test_numbers_of_every_length_through_the_line() -> None:
    for doubled in (False, True):
        tally = bench.lengths(counted_doubled=doubled)
        assert (tally.right, tally.wrong) == (tally.sent, 0)


def test_no_wrong_number_in_heavy_noise() -> None:
    tally = bench.in_heavy_noise(40)
    assert tally.wrong == 0
    assert tally.unreadable > 1
    assert tally.right > 3


def talk(random: np.random.Generator, samples: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Something like a voice: a buzz of 120 Hz and its harmonics that fall off, in syllables."""
    at = np.arange(samples) / 8000
    buzz = sum(np.sin(2 * np.pi * 120 * n * at + random.uniform(0, 6)) / n**1.3 for n in range(1, 28))
    return np.asarray(1500 * buzz * np.clip(np.sin(2 * np.pi * 3 * at), 0, 1))


@pytest.mark.parametrize("level", [-10.0, -24.0])
def test_in_a_call_with_speech_before_and_after(level: float) -> None:
    """Call waiting: the voices are muted for the burst, and are there again at once."""
    random = np.random.default_rng(7)
    sound = Sender(level_dbm0=level).sound(FRAME)
    for shift in range(0, 2560, 320):
        voice = talk(random, 24000 + shift)
        signal = np.concatenate((voice, sound, voice)) + noise(random, 2 * len(voice) + len(sound), -55.0)
        assert [one.number for one in heard(pcm(signal))] == [NUMBER]


def test_speech_alone_is_nothing() -> None:
    assert heard(pcm(talk(np.random.default_rng(8), 8000 * 20))) == []


def test_two_frames_one_after_the_other() -> None:
    other = jclip([(2, b"09011112222")])
    first, second = Sender().sound(FRAME), Sender().sound(other)
    for pause in (0, 800, 8000):
        signal = pcm(line([(3000, first), (3000 + len(first) + pause, second)], 30000))
        assert [one.number for one in heard(signal)] == [NUMBER, "09011112222"]


def test_a_frame_in_an_endless_carrier_is_told_once() -> None:
    random = np.random.default_rng(11)
    around = [bytes(random.integers(0, 128, 350, np.uint8)) for _ in range(2)]
    quiet = Sender(marks=40, marks_after=40)
    signal = np.concatenate([quiet.sound(each) for each in (around[0], FRAME, around[1])])
    found = heard(pcm(signal))
    assert [one.number for one in found if one.number] == [NUMBER]
    assert all(one.first_sample < other.first_sample for one, other in pairwise(found))


@pytest.mark.parametrize("lost", [1, 40, 400, 4000])
def test_a_gap_anywhere_gives_the_number_or_says_that_it_is_unreadable(lost: int) -> None:
    sound = Sender(marks=40).sound(FRAME)
    signal = pcm(line([(4000, sound)], 14000))
    begin, end = 4000 + 40 * 20 // 3, 4000 + len(sound) - 66
    for at in range(3000, 9000, 431):
        receiver = CallerIdReceiver(8000)
        found = receiver.feed(0, signal[:at]) + receiver.lost(at, lost)
        found += receiver.feed(at + lost, signal[at + lost :]) + receiver.flush()
        numbers = [one.number for one in found]
        if at + lost < begin - 200 or at > end + 80:
            assert numbers == [NUMBER]
        else:
            assert numbers in ([NUMBER], [None], [None, None], [])
            assert all(one.absence is Absence.UNREADABLE for one in found if one.number is None)
            assert not (begin + 800 < at < end - 100 and numbers != [None]), at


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1 << 32))
def test_a_burst_cut_anywhere_and_fed_anyhow(seed: int) -> None:
    random = np.random.default_rng(seed)
    signal = on_line(FRAME, Sender(marks=30))
    receiver, at, found = CallerIdReceiver(8000), 0, []
    while at < len(signal):
        size = int(random.integers(1, 6000))
        if random.integers(0, 5) == 0:
            found += receiver.lost(at, size)
        else:
            found += receiver.feed(at, signal[at : at + size])
        at += size
    found += receiver.flush()
    assert {one.number for one in found} <= {None, NUMBER}
    assert all(one.crc_ok for one in found if one.number)
    assert not receiver.busy


def test_a_telephone_that_dials_over_it_makes_it_unreadable() -> None:
    sound = Sender().sound(FRAME)
    key = tone(800, 1209.0, -12.0) + tone(800, 697.0, -12.0)
    signal = pcm(line([(4000, sound), (4000 + 1200, key)], 14000))
    assert [said(one) for one in heard(signal)] == [unreadable()]


@needs_spandsp
def test_spandsps_sender() -> None:
    burst = adsi.sent(adsi.JCLIP, 0x40, [(2, b"0312345678"), (0x21, b"215"), (9, b"5678"), (0x22, b"215")])
    signal = np.concatenate((np.zeros(4000, np.int16), burst, np.zeros(4000, np.int16)))
    assert [said(one) for one in heard(signal)] == [("0312345678", "5678", None, None, True, "jclip")]


@needs_spandsp
def test_spandsps_receiver_reads_what_our_tests_send() -> None:
    receiver = adsi.Receiver(adsi.JCLIP)
    receiver.feed(on_line(FRAME))
    assert receiver.messages == [bytes(octet & 0x7F for octet in FRAME[:-2])]
    receiver.close()


def test_the_vectors_file_if_it_is_there() -> None:
    """The vectors above, as data for other parts."""
    path = Path(__file__).with_name("jclip.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    assert [(one["name"], one["caller"], one["called"], bytes.fromhex(one["octets"])) for one in told] == [
        (name, number, called, octets) for name, number, called, _, octets in VECTORS
    ]
