"""The octets of a caller's number as an exchange sends them: NTT JCLIP, Bellcore SDMF and MDMF, ETSI MDMF.

Written from the facts (caller ID) and from nothing that decodes: tests compare it with decoders of others.
"""

from __future__ import annotations

from collections.abc import Iterable

SOH, STX, ETX, BEL, DLE = 0x01, 0x02, 0x03, 0x07, 0x10
_JCLIP_MESSAGE = 0x40
JCLIP_NUMBER, JCLIP_ABSENCE, JCLIP_NAME, JCLIP_CALLED = 0x02, 0x04, 0x07, 0x09
_SDMF, _MDMF = 0x04, 0x80
MDMF_DATE, MDMF_NUMBER, MDMF_CALLED, MDMF_ABSENCE, MDMF_NAME = 0x01, 0x02, 0x03, 0x04, 0x07
# The letters of a reason; Bellcore and ETSI know the first and the third.
REASONS = {"withheld": "P", "payphone": "C", "unavailable": "O", "service_conflict": "S"}

Parameter = tuple[int, str]


def even(octet: int) -> int:
    """Seven bits and, above them, even parity."""
    return octet & 0x7F | (octet & 0x7F).bit_count() % 2 << 7


def kermit(octets: Iterable[int]) -> int:
    """CRC-16/KERMIT: x^16+x^12+x^5+1 reflected, from 0, no final XOR."""
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc


def jclip(parameters: Iterable[Parameter]) -> bytes:
    """DLE SOH 07 DLE STX 40 LEN {type len data} DLE ETX CRC; a DLE from LEN on is doubled, LEN counts it once."""
    content = [octet for kind, text in parameters for octet in (kind, len(text), *text.encode("ascii"))]
    body = [len(content), *content]
    stuffed = [octet for one in body for octet in ((DLE, DLE) if one & 0x7F == DLE else (one,))]
    frame = [even(octet) for octet in (DLE, SOH, BEL, DLE, STX, _JCLIP_MESSAGE, *stuffed, DLE, ETX)]
    crc = kermit(frame[2:])  # from after SOH to ETX, as they are on the wire
    return bytes([*frame, crc & 0xFF, crc >> 8])


def sdmf(date: str, number: str) -> bytes:
    """Bellcore single data message: MMDDhhmm and the number (or the letter of a reason), and a checksum."""
    return _summed(_SDMF, (date + number).encode("ascii"))


def mdmf(parameters: Iterable[Parameter]) -> bytes:
    """Bellcore multiple data message, and ETSI's call set-up message: {type len data} and a checksum."""
    return _summed(_MDMF, b"".join(bytes([kind, len(text)]) + text.encode("ascii") for kind, text in parameters))


def _summed(kind: int, content: bytes) -> bytes:
    frame = bytes([kind, len(content)]) + content
    return frame + bytes([-sum(frame) & 0xFF])


def corrupted(frame: bytes) -> bytes:
    """One octet of the last parameter is another that looks as good: two bits differ, so its parity still holds."""
    at = max(len(frame) - 5, 0)
    return frame[:at] + bytes([frame[at] ^ 0x03]) + frame[at + 1 :]
