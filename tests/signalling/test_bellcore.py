"""Bellcore's and ETSI's caller ID: one octet of check, so doubt about the reception counts as well."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench import signalling_fsk as bench
from tests.bench.signalling_fsk import NUMBER, heard
from tests.signalling import adsi
from tests.signalling.fsksource import BELL202, V23, Sender, checked, line, mdmf, noise, pcm, sdmf
from tsuwaroku.signalling import uart
from tsuwaroku.signalling.callerid import Absence, CallerId, bellcore
from tsuwaroku.signalling.uart import Octet

DATE = b"11231203"
WIDE, NARROW = 0.9, 0.1
needs_spandsp = pytest.mark.skipif(adsi.library() is None, reason=f"{adsi.NAME} (libspandsp2) is not installed")


def octets(data: bytes, margin: float = WIDE, *, framed: bool = True) -> list[Octet]:
    return [Octet(value, 0.1 + at / 120, 0.0, framed, margin) for at, value in enumerate(data)]


def said(one: CallerId) -> tuple[object, ...]:
    return one.number, one.called, one.name, one.absence, one.standard, one.crc_ok


def read(data: bytes, tones: uart.Tones = uart.BELL202) -> tuple[object, ...] | None:
    found = bellcore.find(octets(data), tones, b"")
    return None if found is None or found.caller is None else said(found.caller)


def unreadable(standard: str, crc_ok: bool = False) -> tuple[object, ...]:
    return None, None, None, Absence.UNREADABLE, standard, crc_ok


@pytest.mark.parametrize(
    ("rest", "number", "absence"),
    [
        (b"0312345678", "0312345678", None),
        (b"201", "201", None),
        (b"P", None, Absence.WITHHELD),
        (b"O", None, Absence.UNAVAILABLE),
        (b"", None, Absence.NOT_OFFERED),
    ],
)
def test_sdmf(rest: bytes, number: str | None, absence: Absence | None) -> None:
    assert read(sdmf(DATE + rest)) == (number, None, None, absence, "sdmf", True)


@pytest.mark.parametrize(
    ("said", "number", "called", "name", "absence"),
    [
        ([(1, DATE), (2, b"0312345678")], "0312345678", None, None, None),
        ([(2, b"201"), (7, b"SHIMINKA")], "201", None, "SHIMINKA", None),
        ([(1, DATE), (4, b"P"), (8, b"P")], None, None, None, Absence.WITHHELD),
        ([(4, b"O")], None, None, None, Absence.UNAVAILABLE),
        ([(4, b"C")], None, None, None, Absence.PAYPHONE),
        ([(1, DATE)], None, None, None, Absence.NOT_OFFERED),
        ([(0x0B, b"\xff"), (2, b"+81312345678"), (0x11, b"\x01")], "+81312345678", None, None, None),
        ([(2, b"0312345678"), (3, b"5678")], "0312345678", "5678", None, None),
    ],
)
def test_mdmf(
    said: list[tuple[int, bytes]], number: str | None, called: str | None, name: str | None, absence: Absence | None
) -> None:
    assert read(mdmf(said), uart.V23) == (number, called, name, absence, "etsi", True)
    # Bellcore's 03 is a number to call back.
    assert read(mdmf(said)) == (number, None, name, absence, "mdmf", True)


@pytest.mark.parametrize("kind", [0x06, 0x82, 0x86, 0x89])
def test_other_messages_are_no_caller_id(kind: int) -> None:
    found = bellcore.find(octets(mdmf([(2, b"0312345678")], kind)), uart.V23, b"")
    assert found is not None
    assert (found.caller, found.certain) == (None, True)


@pytest.mark.parametrize(
    "frame",
    [
        sdmf(b"1123120"),
        sdmf(b"1123120303A2345678"),
        mdmf([(2, b"03 1234 5678")]),
        mdmf([(2, b"0312345678"), (2, b"0312345679")]),
        checked(b"\x80\x0b\x02\x0a031234567"),  # the number's length is one too long
        checked(b"\x80\x01\x02"),
    ],
)
def test_a_frame_that_makes_no_sense_is_unreadable_whatever_its_sum(frame: bytes) -> None:
    assert read(frame) == unreadable("sdmf" if frame[0] == 4 else "mdmf", True)


@given(st.integers(0, 23), st.integers(1, 255))
def test_one_wrong_octet_gives_no_number(at: int, by: int) -> None:
    frame = bytearray(mdmf([(1, DATE), (2, b"0312345678")]))
    frame[at] ^= by
    assert read(bytes(frame)) in (None, unreadable("mdmf"), unreadable("sdmf"))


def test_a_right_sum_is_not_enough_where_the_reception_leaves_doubt() -> None:
    frame = mdmf([(2, b"0312345678")])
    doubtful = octets(frame, NARROW)
    for one, sure, right in (
        (octets(frame), b"", True),
        (doubtful, b"", False),
        (doubtful, frame, True),  # the other demodulator reads the same
        (doubtful, b"\xff" + frame + b"\x01", True),
        (octets(frame, framed=False), frame, False),
    ):
        found = bellcore.find(one, uart.BELL202, sure)
        assert found is not None
        assert found.caller is not None
        assert (found.caller.number, found.caller.crc_ok) == (("0312345678", True) if right else (None, False))


def test_a_cut_frame_is_unreadable_and_what_begins_otherwise_is_none() -> None:
    frame = mdmf([(2, b"0312345678")])
    for length in range(2, len(frame)):
        assert read(frame[:length]) == unreadable("mdmf")
    assert read(b"\xff" + frame) == ("0312345678", None, None, None, "mdmf", True)
    assert [read(each) for each in (b"", b"\x80", b"\x90\x81" + frame, b"\x05" + frame)] == [None] * 4


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x80", b"\x04", b"\x82", b"\xff\x80"]))
def test_no_octets_raise(data: bytes, head: bytes) -> None:
    found = bellcore.find(octets(head + data), uart.V23, data)
    if found is not None and found.caller is not None and found.caller.number is not None:
        assert sum(found.caller.raw) % 256 == 0


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([V23, BELL202]),
    st.text("0123456789", min_size=1, max_size=20),
    st.integers(0, 300),
    st.integers(30, 200),
    st.integers(1, 4),
)
def test_through_the_line(tones: tuple[float, float], number: str, seizure: int, marks: int, stop_bits: int) -> None:
    sender = Sender(tones=tones, seizure=seizure, marks=marks, stop_bits=stop_bits)
    standard = "etsi" if tones == V23 else "mdmf"
    frame = mdmf([(1, DATE), (2, number.encode())])
    (one,) = heard(bench.burst(np.random.default_rng(len(number)), sender, frame, 20))
    assert said(one) == (number, None, None, None, standard, True)
    assert one.raw == frame


def test_through_noise() -> None:
    rows = bench.by_standard(2)
    assert [(one.key, one.median) for one in rows if one.met is False] == []


def test_no_wrong_number_in_heavy_noise() -> None:
    tally = bench.in_heavy_noise(30, mdmf([(2, NUMBER.encode())]), BELL202)
    assert tally.wrong == 0
    assert tally.unreadable > 1


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_no_wrong_number_in_much_heavy_noise() -> None:
    for frame in (mdmf([(1, DATE), (2, NUMBER.encode())]), sdmf(DATE + NUMBER.encode())):
        for tones in (V23, BELL202):
            assert bench.in_heavy_noise(1500, frame, tones).wrong == 0


def test_off_hook_after_the_alerting_tone() -> None:
    """Call waiting: CAS, the telephone's D, 80 bits of mark, and the frame, in the middle of a call."""
    sound = Sender(tones=BELL202, marks=80).sound(mdmf([(1, DATE), (2, b"0312345678")]))
    samples = 20000
    at = np.arange(640) / 8000
    alert = 3000 * (np.sin(2 * np.pi * 2130 * at) + np.sin(2 * np.pi * 2750 * at))
    key = 3000 * (np.sin(2 * np.pi * 941 * at[:560]) + np.sin(2 * np.pi * 1633 * at[:560]))
    signal = line([(2000, alert), (3500, key), (5000, sound)], samples)
    signal += noise(np.random.default_rng(1), samples, -50.0)
    assert [one.number for one in heard(pcm(signal))] == ["0312345678"]


@needs_spandsp
@pytest.mark.parametrize(
    ("standard", "kind", "fields", "told"),
    [
        (
            adsi.CLASS,
            0x80,
            [(1, DATE), (2, b"0312345678"), (7, b"TARO")],
            ("0312345678", None, "TARO", None, "mdmf", True),
        ),
        (adsi.CLASS, 0x80, [(1, DATE), (4, b"P")], (None, None, None, Absence.WITHHELD, "mdmf", True)),
        (adsi.CLASS, 0x04, [(0, DATE), (0, b"0312345678")], ("0312345678", None, None, None, "sdmf", True)),
        (
            adsi.CLIP,
            0x80,
            [(1, DATE), (2, b"0312345678"), (3, b"5678")],
            ("0312345678", "5678", None, None, "etsi", True),
        ),
    ],
)
def test_spandsps_sender(standard: int, kind: int, fields: list[tuple[int, bytes]], told: tuple[object, ...]) -> None:
    burst = adsi.sent(standard, kind, fields)
    signal = np.concatenate((np.zeros(4000, np.int16), burst, np.zeros(4000, np.int16)))
    assert [said(one) for one in heard(signal)] == [told]


@needs_spandsp
def test_spandsps_receiver_reads_what_our_tests_send() -> None:
    frame = mdmf([(1, DATE), (2, b"0312345678")])
    for standard, tones in ((adsi.CLASS, BELL202), (adsi.CLIP, V23)):
        receiver = adsi.Receiver(standard)
        receiver.feed(bench.burst(np.random.default_rng(1), Sender(tones=tones, seizure=300, marks=180), frame, 30))
        assert receiver.messages == [frame[:-1]]
        receiver.close()
