"""Debian's libspandsp2 (0.0.6, LGPL-2.1) through ctypes, as far as it is used: its DTMF receiver.

Nothing is shared between receivers but the library's code. A machine without the library is found out by
`check_library`, which the start of the service and `config check` call: no number is ever missing in silence.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.errors import BoardError

SONAME: Final = "libspandsp.so.2"
RATE: Final = 8000
# The receiver looks at blocks of 102 samples and says what it found after the second like block.
BLOCK: Final = 102
CONFIRMED: Final = 2 * BLOCK

# Facts: with the default twist, a high tone 5 dB over the low one, legal in Japan, is never heard.
_TWIST_DB = 8
_UNCHANGED = -1
_THRESHOLD_UNCHANGED = -99

_Report = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int)


class Change(msgspec.Struct, frozen=True, gc=False):
    """The receiver's state changed `after` samples after its last change: to a key, or to none ("")."""

    key: str
    after: int


class Receiver:
    """One `dtmf_rx_state_t`. Its memory goes with it."""

    def __init__(self) -> None:
        """Raises BoardError where the library is missing or another than the one written for."""
        self._library = _load()
        self._changes: list[Change] = []
        changes = self._changes

        def report(_: int | None, code: int, level: int, delay: int) -> None:
            changes.append(Change(chr(code) if code > 0 else "", delay))

        # Held here as long as the library may call it.
        self._report = _Report(report)
        self._state = self._library.dtmf_rx_init(None, None, None)
        if not self._state:
            raise _refusal("no memory for a receiver")
        weakref.finalize(self, _free, self._library, self._state, self._report)
        self._arm()

    def reset(self) -> None:
        """Forget all that was heard; the next change counts its samples from here."""
        self._library.dtmf_rx_init(self._state, None, None)
        self._arm()

    def feed(self, pcm: NDArray[np.int16]) -> list[Change]:
        """Samples in, changes out, in order. `pcm` at 8 kHz."""
        pcm = np.ascontiguousarray(pcm, dtype=np.int16)
        self._library.dtmf_rx(self._state, pcm.ctypes.data, pcm.size)
        changes = self._changes[:]
        self._changes.clear()
        return changes

    def _arm(self) -> None:
        self._changes.clear()
        self._library.dtmf_rx_parms(self._state, _UNCHANGED, _TWIST_DB, _TWIST_DB, _THRESHOLD_UNCHANGED)
        self._library.dtmf_rx_set_realtime_callback(self._state, self._report, None)


def check_library() -> None:
    """Raises BoardError unless the library is there and decodes what NTT allows: a high tone 5 dB over the low one."""
    receiver = Receiver()
    t = np.arange(RATE // 10) * (2 * np.pi / RATE)
    tones = np.zeros(RATE // 5)
    tones[: t.size] = 2000 * np.sin(852 * t) + 3557 * np.sin(1209 * t)
    heard = "".join(change.key for change in receiver.feed(tones.astype(np.int16)))
    if heard != "7":
        raise _refusal(f'a test tone for 7 was heard as "{heard}"')


def _free(library: ctypes.CDLL, state: int, report: object) -> None:
    """`report` is only kept alive until now."""
    library.dtmf_rx_free(state)


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(SONAME)
        pointer, whole = ctypes.c_void_p, ctypes.c_int
        _declare(library, "dtmf_rx_init", pointer, pointer, pointer, pointer)
        _declare(library, "dtmf_rx_parms", None, pointer, whole, whole, whole, whole)
        _declare(library, "dtmf_rx_set_realtime_callback", None, pointer, _Report, pointer)
        _declare(library, "dtmf_rx", whole, pointer, pointer, whole)
        _declare(library, "dtmf_rx_free", whole, pointer)
    except (OSError, AttributeError) as error:
        raise _refusal(str(error)) from error
    return library


def _declare(library: ctypes.CDLL, name: str, returns: type | None, *takes: type) -> None:
    function = library[name]  # raises AttributeError in an older library; `getattr` would keep it, this does not
    function.restype, function.argtypes = returns, takes
    setattr(library, name, function)


def _refusal(reason: str) -> BoardError:
    return BoardError(
        f"the library for dialled digits ({SONAME}) cannot be used: {reason}",
        where="libspandsp2",
        remedy="run scripts/setup: it installs libspandsp2",
    )
