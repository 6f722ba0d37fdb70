"""Bellcore's SDMF and MDMF and ETSI's MDMF: type, length, data, and a sum that makes the octets' sum 0 modulo 256.

One octet is a weak check: one damaged frame in 256 has the right sum by chance, and errors in two octets cancel out
with a probability that is no smaller. So a frame is read only where its reception leaves no doubt: every stop bit is
there, and either each octet was received with a wide margin or both demodulators read the same. Then the digits have to
be digits and the lengths have to come out even.
"""

from __future__ import annotations

from collections.abc import Sequence

from tsuwaroku.signalling.callerid.model import (
    REASONS,
    CallerId,
    Found,
    Malformed,
    absence_of,
    name_of,
    number_of,
    parameters,
    unreadable,
)
from tsuwaroku.signalling.uart import BELL202, Octet, Tones

SDMF, MDMF = 0x04, 0x80
OTHERS = frozenset({0x06, 0x82, 0x86, 0x89})  # messages waiting, charges, short messages: no caller ID
NUMBER, CALLED, ABSENCE, NAME = 0x02, 0x03, 0x04, 0x07  # 01 is date and time by the exchange's clock; we have our own
DATE = 8  # digits MMDDHHMM in front of SDMF's number
WIDE = 0.35  # margin of an octet that leaves no doubt


def find(octets: Sequence[Octet], tones: Tones, sure: bytes) -> Found | None:
    """The frame that a message begins with; None where it begins otherwise.

    `sure`: the message as the other demodulator reads it.
    """
    # Noise in the mark before may have looked like a start bit: mark after it is an FF.
    begin = 1 if octets and octets[0].value == 0xFF else 0
    raw = bytes(one.value for one in octets[begin:])
    if len(raw) < 2 or raw[0] not in OTHERS | {SDMF, MDMF}:
        return None
    standard = "sdmf" if raw[0] == SDMF else "mdmf" if tones == BELL202 else "etsi"
    length = raw[1] + 3
    frame = raw[:length]
    certain = len(frame) == length and sum(frame) % 256 == 0 and _certain(octets[begin : begin + length], frame, sure)
    if not certain:
        return Found(begin, begin + len(frame), unreadable(standard, frame))
    return Found(begin, begin + length, None if raw[0] in OTHERS else _read(standard, frame))


def _certain(octets: Sequence[Octet], frame: bytes, sure: bytes) -> bool:
    return all(one.framed for one in octets) and (all(one.margin >= WIDE for one in octets) or frame in sure)


def _read(standard: str, frame: bytes) -> CallerId:
    try:
        if standard == "sdmf":
            return _single(frame)
        said = parameters(frame[2:-1])
        number = number_of(said.get(NUMBER, b""))
        # Bellcore's 03 is a number to call back, ETSI's the one that was called.
        called = number_of(said.get(CALLED, b"")) if standard == "etsi" else None
        absence = absence_of(number, said.get(ABSENCE))
        return CallerId(number, called, name_of(said.get(NAME)), absence, standard, frame, crc_ok=True)
    except Malformed:
        return unreadable(standard, frame, True)


def _single(frame: bytes) -> CallerId:
    date, rest = frame[2 : 2 + DATE], frame[2 + DATE : -1]
    if len(date) < DATE or not date.isdigit():
        raise Malformed
    reason = rest if rest.decode("latin-1") in REASONS else None
    number = None if reason else number_of(rest)
    return CallerId(number, None, None, absence_of(number, reason), "sdmf", frame, crc_ok=True)
