"""The receivers that others would use, on the same signals: spandsp's own, as they come, and multimon-ng.

Each takes a stretch of 8 kHz and gives keys or names. None is part of the product.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess

import numpy as np
from numpy.typing import NDArray

from tsuwaroku.signalling.spandsp import SONAME

Pcm = NDArray[np.int16]
MULTIMON_RATE = 22050
# One more frequency than is needed: with one alone super_tone_rx is blind (facts).
_OTHER_HZ = 1000
# Tone and pause in ms, each at least and at most; pauses have frequency 0 (facts).
_RHYTHMS = {
    "busy": ((400, 450, 550), (0, 450, 550)),
    "ring_back": ((400, 900, 1100), (0, 1850, 2150)),
    "dial": ((400, 1250, 0),),
}


def spandsp_dtmf(pcm: Pcm) -> str:
    """`dtmf_rx` with its defaults."""
    library = ctypes.CDLL(SONAME)
    library.dtmf_rx_init.restype = ctypes.c_void_p
    library.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
    library.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.dtmf_rx_get.restype = ctypes.c_size_t
    library.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.dtmf_rx_free.argtypes = [ctypes.c_void_p]
    state, found = library.dtmf_rx_init(None, None, None), ""
    for at in range(0, pcm.size, 1600):
        part = np.ascontiguousarray(pcm[at : at + 1600])
        library.dtmf_rx(state, part.ctypes.data, part.size)
        text = ctypes.create_string_buffer(129)
        library.dtmf_rx_get(state, text, 128)
        found += text.value.decode()
    library.dtmf_rx_free(state)
    return found


def has_multimon() -> bool:
    """Whether multimon-ng (Debian package) is installed."""
    return shutil.which("multimon-ng") is not None


def multimon_dtmf(pcm: Pcm) -> str:
    """multimon-ng, at the one rate it takes."""
    seconds = -(-pcm.size // 8000)
    spectrum = np.fft.rfft(np.pad(pcm, (0, seconds * 8000 - pcm.size)))
    size = seconds * MULTIMON_RATE
    wide = np.zeros(size // 2 + 1, dtype=np.complex128)
    wide[: spectrum.size] = spectrum
    raw = np.clip(np.rint(np.fft.irfft(wide, size) * (size / (seconds * 8000))), -32768, 32767).astype("<i2").tobytes()
    command = ["multimon-ng", "-q", "-t", "raw", "-a", "DTMF", "-"]
    said = subprocess.run(command, input=raw, capture_output=True, check=True, timeout=300).stdout.decode()
    return "".join(re.findall(r"^DTMF: (\S)", said, re.MULTILINE))


def super_tone(pcm: Pcm) -> list[str]:
    """`super_tone_rx` with the three tones that the targets name: what it reports, in order."""
    library = ctypes.CDLL(SONAME)
    report = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int)
    for name in ("make_descriptor", "init"):
        getattr(library, f"super_tone_rx_{name}").restype = ctypes.c_void_p
    library.super_tone_rx_make_descriptor.argtypes = [ctypes.c_void_p]
    library.super_tone_rx_add_tone.argtypes = [ctypes.c_void_p]
    library.super_tone_rx_add_element.argtypes = [ctypes.c_void_p, *[ctypes.c_int] * 5]
    library.super_tone_rx_init.argtypes = [ctypes.c_void_p, ctypes.c_void_p, report, ctypes.c_void_p]
    library.super_tone_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.super_tone_rx_free.argtypes = [ctypes.c_void_p]
    library.super_tone_rx_free_descriptor.argtypes = [ctypes.c_void_p]
    found: list[str] = []
    names = list(_RHYTHMS)
    told = report(lambda _, code, level, delay: found.append(names[code]) if 0 <= code < len(names) else None)
    tones = library.super_tone_rx_make_descriptor(None)
    for name in names:
        number = library.super_tone_rx_add_tone(tones)
        for hertz, least, most in _RHYTHMS[name]:
            library.super_tone_rx_add_element(tones, number, hertz, 0, least, most)
    number = library.super_tone_rx_add_tone(tones)
    library.super_tone_rx_add_element(tones, number, _OTHER_HZ, 0, 10_000, 20_000)
    state = library.super_tone_rx_init(None, tones, told, None)
    for at in range(0, pcm.size, 1600):
        part = np.ascontiguousarray(pcm[at : at + 1600])
        library.super_tone_rx(state, part.ctypes.data, part.size)
    library.super_tone_rx_free(state)
    library.super_tone_rx_free_descriptor(tones)
    return found
