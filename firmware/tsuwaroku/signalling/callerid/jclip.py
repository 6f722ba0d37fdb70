"""NTT's frame (ナンバー・ディスプレイ): DLE SOH 07 DLE STX 40 LEN {type length data}… DLE ETX CRC CRC.

Seven bits and even parity, a DLE within doubled, CRC-16/KERMIT over all octets after SOH to ETX as they are on the
line. The frame ends at DLE ETX, whatever LEN says; LEN may count the doubling of DLEs or not.

A number is given where the CRC holds, and every parity, and LEN, and the parameters fill the frame exactly. Of frames
with many random errors one in 65,536 has the right CRC by chance, for each of the two demodulators; and in each octet
that is wrong an even number of bits has to be. A burst of up to 16 bits, or an odd number of wrong bits, never passes.
"""

from __future__ import annotations

from tsuwaroku.signalling.callerid.model import (
    CallerId,
    Found,
    Malformed,
    absence_of,
    name_of,
    number_of,
    parameters,
    unreadable,
)

DLE, ETX = 0x90, 0x03  # with their parity
HEAD = b"\x90\x81"  # DLE SOH
BODY = b"\x87\x90\x82"  # 07 DLE STX: what the CRC begins with
CALLER_ID = 0x40
LONGEST = 300  # octets: LEN is 127 at most, and each octet may be doubled

NUMBER, ABSENCE, NAME, CALLED = 0x02, 0x04, 0x07, 0x09
NAMES_ABSENCE, NUMBERS_EXTENSION, CALLEDS_EXTENSION = 0x08, 0x21, 0x22  # kept in raw alone


def find(octets: bytes) -> Found | None:
    """The first whole frame in a message, or else the first that cannot be read; None where nothing looks like one."""
    bad: Found | None = None
    for begin, body in _beginnings(octets):
        end = _end(octets, body)
        if end is not None and crc(octets[body:end]) == 0:
            return Found(begin, end, _read(octets[begin:end], octets[body : end - 4]))
        if bad is None:
            end = min(len(octets), begin + LONGEST) if end is None else end
            bad = Found(begin, end, unreadable("jclip", octets[begin:end]))
    return bad


def crc(octets: bytes) -> int:
    """CRC-16/KERMIT; 0 over octets and their CRC, its low octet first."""
    remainder = 0
    for octet in octets:
        remainder = remainder >> 8 ^ _TABLE[(remainder ^ octet) & 0xFF]
    return remainder


def _remainder(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ (0x8408 if octet & 1 else 0)
    return octet


_TABLE = [_remainder(octet) for octet in range(256)]


def _beginnings(octets: bytes) -> list[tuple[int, int]]:
    """Where frames may begin, and what their CRC is over. The CRC is not over DLE SOH: either may be damaged."""
    found = []
    for at in range(len(octets)):
        headed = octets[max(0, at - 2) : at] == HEAD
        if headed or octets.startswith(BODY, at):
            found.append((at - 2 if headed else at, at))
    return found


def _end(octets: bytes, body: int) -> int | None:
    """The first octet after the CRC."""
    at = body + len(BODY)
    while at + 3 < len(octets):
        if octets[at] == DLE:
            if octets[at + 1] == ETX:
                return at + 4
            at += 1
        at += 1
    return None


def _read(raw: bytes, body: bytes) -> CallerId | None:
    """A frame whose CRC holds; `body` is 07 to the last parameter."""
    try:
        return _told(raw, body)
    except Malformed:
        return unreadable("jclip", raw, True)


def _told(raw: bytes, body: bytes) -> CallerId | None:
    if not body.startswith(BODY) or any(octet.bit_count() % 2 for octet in body):
        raise Malformed
    stuffed = bytes(octet & 0x7F for octet in body[len(BODY) :])
    plain = _unstuffed(stuffed)
    if len(plain) < 2:
        raise Malformed
    if plain[0] != CALLER_ID:
        return None
    counts = {len(plain) - 2, len(stuffed) - len(_doubled(plain[:2]))}
    if plain[1] not in counts:
        raise Malformed
    said = parameters(plain[2:])
    number, called = number_of(said.get(NUMBER, b"")), number_of(said.get(CALLED, b""))
    return CallerId(
        number, called, name_of(said.get(NAME)), absence_of(number, said.get(ABSENCE)), "jclip", raw, crc_ok=True
    )


def _doubled(octets: bytes) -> bytes:
    return octets.replace(b"\x10", b"\x10\x10")


def _unstuffed(octets: bytes) -> bytes:
    plain = octets.replace(b"\x10\x10", b"\x10")
    if _doubled(plain) != octets:
        raise Malformed  # a DLE alone
    return plain
