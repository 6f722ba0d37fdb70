"""Caller ID by DTMF: from keys and where they began."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.signalling.callerid import Absence, CallerId, DtmfCallerId

KEYS = "0123456789ABCD*#"
STEP = 960  # samples from key to key: 120 ms


def said(one: CallerId) -> tuple[object, ...]:
    return one.number, one.absence, one.raw, one.first_sample


def heard(keys: str, *, bare: bool = True, step: int = STEP, first: int = 1000) -> list[CallerId]:
    receiver = DtmfCallerId(8000, bare=bare)
    return [one for at, key in enumerate(keys) for one in receiver.digit(key, first + at * step)]


@pytest.mark.parametrize(
    ("keys", "number", "absence"),
    [
        ("A0312345678C", "0312345678", None),
        ("A0312345678#", "0312345678", None),
        ("0312345678#", "0312345678", None),
        ("D0312345678C", "0312345678", None),
        ("A0312345678D201C", "0312345678", None),
        ("D201A0312345678C", "0312345678", None),
        ("B00C", None, Absence.UNAVAILABLE),
        ("B10C", None, Absence.WITHHELD),
        ("D1#", None, Absence.WITHHELD),
        ("D2#", None, Absence.UNAVAILABLE),
        ("D3#", None, Absence.UNAVAILABLE),
        ("B77C", None, Absence.UNREADABLE),
        ("AC", None, Absence.UNREADABLE),
        ("A03A12C", None, Absence.UNREADABLE),  # which of the two?
        ("A03*12C", None, Absence.UNREADABLE),
    ],
)
def test_sequences(keys: str, number: str | None, absence: Absence | None) -> None:
    (one,) = heard(keys)
    assert said(one) == (number, absence, keys.encode(), 1000)
    assert (one.standard, one.crc_ok, one.called, one.name) == ("dtmf", None, None, None)


def test_bare_digits_count_only_where_asked_for() -> None:
    assert heard("0312345678#", bare=False) == []
    assert [one.number for one in heard("0312345678#A201C", bare=False)] == ["201"]


@pytest.mark.parametrize("keys", ["#", "*", "C", "0312345678C", "03*12#", "*21*0312345678#"])
def test_what_people_dial_is_none(keys: str) -> None:
    assert [one for one in heard(keys) if one.number == keys.strip("*#C")] == []


def test_a_pause_ends_a_sequence() -> None:
    slow = 8000
    assert [one.number for one in heard("A03C", step=slow)] == [None]
    receiver = DtmfCallerId(8000)
    assert receiver.digit("A", 0) + receiver.digit("0", STEP) + receiver.tick(2 * STEP) == []
    assert [said(one) for one in receiver.tick(STEP + slow)] == [(None, Absence.UNREADABLE, b"A0", 0)]
    assert receiver.tick(10 * slow) == []
    assert [said(one) for one in [*receiver.digit("A", 10 * slow), *receiver.flush()]] == [
        (None, Absence.UNREADABLE, b"A", 10 * slow)
    ]


def test_a_gap_ends_a_sequence_and_digits_alone_are_then_nothing() -> None:
    receiver = DtmfCallerId(8000)
    for keys, told in (("A0312", [(None, Absence.UNREADABLE, b"A0312", 0)]), ("0312", [])):
        for at, key in enumerate(keys):
            assert receiver.digit(key, at * STEP) == []
        assert [said(one) for one in receiver.lost(5 * STEP, 100)] == told
    assert [one.number for one in (receiver.digit("1", 9000) + receiver.digit("#", 9800))] == ["1"]


def test_two_sequences() -> None:
    assert [said(one) for one in heard("A201CA202C")] == [
        ("201", None, b"A201C", 1000),
        ("202", None, b"A202C", 1000 + 5 * STEP),
    ]


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 9000), st.integers(0, 9)), max_size=120), st.booleans())
def test_no_keys_raise_and_every_number_was_sent_whole(keys: list[tuple[str, int, int]], bare: bool) -> None:
    receiver, at, found = DtmfCallerId(8000, bare=bare), 0, []
    for key, step, what in keys:
        at += step
        if what == 0:
            found += receiver.lost(at, 100)
        found += receiver.digit(key, at)
    found += receiver.flush()
    sent = "".join(key for key, _, _ in keys).encode()
    for one in found:
        assert one.raw in sent
        assert len(one.raw) <= 48
        assert (one.number is None) == (one.absence is not None)
        if one.number is not None:
            assert re.search(rb"(^|[AD])" + one.number.encode() + rb"[A-D#]", one.raw)
            assert one.raw[-1:] in b"C#"
