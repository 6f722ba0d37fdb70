"""spandsp's caller ID sender and receiver, for comparison only: nothing of the recorder uses them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

CLASS, CLIP, JCLIP = 1, 2, 4  # Bellcore, ETSI, NTT
NAME = "libspandsp.so.2"
_PUT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8), ctypes.c_int)


@cache
def library() -> ctypes.CDLL | None:
    """None where Debian's libspandsp2 is missing."""
    try:
        lib = ctypes.CDLL(NAME)
    except OSError:
        return None
    pointer, integer, octets = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    for name, result, arguments in (
        ("adsi_tx_init", pointer, [pointer, integer]),
        ("adsi_tx", integer, [pointer, pointer, integer]),
        ("adsi_tx_put_message", integer, [pointer, octets, integer]),
        ("adsi_add_field", integer, [pointer, octets, integer, ctypes.c_uint8, octets, integer]),
        ("adsi_tx_free", integer, [pointer]),
        ("adsi_rx_init", pointer, [pointer, integer, _PUT, pointer]),
        ("adsi_rx", integer, [pointer, pointer, integer]),
        ("adsi_rx_free", integer, [pointer]),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def sent(standard: int, kind: int, fields: Sequence[tuple[int, bytes]]) -> npt.NDArray[np.int16]:
    """A burst by adsi_tx, mark before it included. A field of type 0 is SDMF's bare data."""
    lib = library()
    assert lib is not None
    state = lib.adsi_tx_init(None, standard)
    message = ctypes.create_string_buffer(256)
    length = lib.adsi_add_field(state, message, -1, kind, None, 0)
    for number, data in fields:
        length = lib.adsi_add_field(state, message, length, number, data, len(data))
    assert lib.adsi_tx_put_message(state, message, length) == length
    out, block = [], np.zeros(160, np.int16)
    while (made := lib.adsi_tx(state, block.ctypes.data, 160)) > 0:
        out.append(block[:made].copy())
    lib.adsi_tx_free(state)
    return np.concatenate(out)


class Receiver:
    """adsi_rx. `messages`: the octets of each message it took for good, as it gives them."""

    def __init__(self, standard: int) -> None:
        self.messages: list[bytes] = []
        self._put = _PUT(lambda _user, message, length: self.messages.append(bytes(message[:length])))
        lib = library()
        assert lib is not None
        self._lib = lib
        self._state = lib.adsi_rx_init(None, standard, self._put, None)

    def feed(self, pcm: npt.NDArray[np.int16]) -> None:
        whole = np.ascontiguousarray(pcm)
        for at in range(0, len(whole), 160):
            block = whole[at : at + 160]
            self._lib.adsi_rx(self._state, block.ctypes.data, len(block))

    def close(self) -> None:
        self._lib.adsi_rx_free(self._state)
