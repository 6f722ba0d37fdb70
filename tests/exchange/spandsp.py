"""spandsp's receivers, as somebody else's opinion of what the exchange sends."""

from __future__ import annotations

import ctypes as c

SPANDSP = c.CDLL("libspandsp.so.2")
# adsi_standards: CLASS is Bellcore's, CLIP is ETSI's.
STANDARDS = {"bellcore_sdmf": 1, "bellcore_mdmf": 1, "etsi": 2, "jclip": 4}
_MESSAGE = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(c.c_uint8), c.c_int)
_DIGITS = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(c.c_char), c.c_int)

SPANDSP.adsi_rx_init.restype = SPANDSP.dtmf_rx_init.restype = c.c_void_p
SPANDSP.adsi_rx_init.argtypes = [c.c_void_p, c.c_int, _MESSAGE, c.c_void_p]
SPANDSP.dtmf_rx_init.argtypes = [c.c_void_p, _DIGITS, c.c_void_p]
SPANDSP.dtmf_rx_parms.argtypes = [c.c_void_p, c.c_int, c.c_int, c.c_int, c.c_int]
for _name in ("adsi_rx", "dtmf_rx"):
    getattr(SPANDSP, _name).argtypes = [c.c_void_p, c.c_char_p, c.c_int]
for _name in ("adsi_rx_free", "dtmf_rx_free"):
    getattr(SPANDSP, _name).argtypes = [c.c_void_p]


def messages(standard: str, pcm: bytes) -> list[bytes]:
    """The messages with a right checksum in some S16LE at 8 kHz."""
    found: list[bytes] = []
    take = _MESSAGE(lambda _user, octets, size: found.append(bytes(octets[:size])))
    state = SPANDSP.adsi_rx_init(None, STANDARDS[standard], take, None)
    for at in range(0, len(pcm), 320):
        SPANDSP.adsi_rx(state, pcm[at : at + 320], len(pcm[at : at + 320]) // 2)
    SPANDSP.adsi_rx_free(state)
    return found


def digits(pcm: bytes) -> str:
    """The keys in it; twist as Japan allows it (facts)."""
    found: list[bytes] = []
    take = _DIGITS(lambda _user, keys, size: found.append(bytes(keys[:size])))
    state = SPANDSP.dtmf_rx_init(None, take, None)
    SPANDSP.dtmf_rx_parms(state, -1, 8, 8, -99)
    for at in range(0, len(pcm), 320):
        SPANDSP.dtmf_rx(state, pcm[at : at + 320], len(pcm[at : at + 320]) // 2)
    SPANDSP.dtmf_rx_free(state)
    return b"".join(found).decode("ascii")
