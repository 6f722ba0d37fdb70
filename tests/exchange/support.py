"""Call scripts written, played and measured, for the tests of what an exchange renders."""

from __future__ import annotations

import io
import random
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tsuwaroku.clock import NS
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.script import Script, load_script
from tsuwaroku.exchange.sound import RATE
from tsuwaroku.exchange.timeline import Timeline

MS = 1_000_000
Signal = npt.NDArray[np.float64]


def about(value: Any, abs: float = 1e-6) -> Any:
    """pytest.approx, as part of a tuple or a list too."""
    return pytest.approx(value, abs=abs)


def wav_bytes(rate: int = 8000, width: int = 2, channels: int = 1, samples: int = 800) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(width * channels * samples))
    return buffer.getvalue()


def script_of(folder: Path, text: str) -> Script:
    path = folder / f"script{random.Random(text).getrandbits(32):08x}.toml"
    path.write_text(text, encoding="utf-8")
    return load_script(path)


def call_text(direction: str = "inbound", *more: str) -> str:
    return "\n".join(['[[call]]\nline = "1"\nat = 2.0', f'direction = "{direction}"', *more]) + "\n"


def played(script: Script, seconds: float | None = None) -> bytes:
    """Line 1's sound, to a second after its end."""
    samples = round((script.duration_s + 1.0 if seconds is None else seconds) * RATE)
    return script.sources()[0].read(0, samples) or b""


def signal(pcm: bytes) -> Signal:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def between(pcm: bytes, start_s: float, end_s: float) -> Signal:
    return signal(pcm)[round(start_s * RATE) : round(end_s * RATE)]


def dbm0(wave: Signal) -> float:
    """A sine that fills S16 is +3.14."""
    return float(20 * np.log10(np.sqrt(np.mean(wave**2)) / (32767 / np.sqrt(2))) + 3.14)


def at_hertz(wave: Signal, hertz: float) -> float:
    """The level, in dBm0, of the sine of this frequency in it."""
    phase = 2j * np.pi * hertz / RATE * np.arange(wave.size)
    window = np.hanning(wave.size)
    peak = 2 * np.abs(np.sum(wave * window * np.exp(-phase))) / np.sum(window)
    return float(20 * np.log10(max(peak, 1e-9) / 32767) + 3.14)


def cadence(wave: Signal, floor_dbm0: float = -40.0) -> list[tuple[bool, float]]:
    """(sounding?, seconds) of each stretch, to 10 ms."""
    loud = [dbm0(part) > floor_dbm0 for part in wave[: wave.size // 80 * 80].reshape(-1, 80) + 1e-9]
    edges = [0, *(n for n, (a, b) in enumerate(pairwise(loud), 1) if a != b), len(loud)]
    return [(loud[a], (b - a) / 100) for a, b in pairwise(edges)]


def changes(
    call: Timeline | list[ContactEdge | ButtonPressed], contact: Contact, stable_ms: float = 5
) -> list[tuple[bool, float]]:
    """(level, seconds of the first edge) of each change that outlasts its bounce."""
    events = list(call.events) if isinstance(call, Timeline) else call
    edges = [event for event in events if isinstance(event, ContactEdge) and event.contact is contact]
    found: list[tuple[bool, float]] = []
    level, begun = False, 0
    for n, edge in enumerate(edges):
        if n == 0 or edge.mono_ns - edges[n - 1].mono_ns > stable_ms * MS:
            begun = edge.mono_ns
        last = n + 1 == len(edges) or edges[n + 1].mono_ns - edge.mono_ns > stable_ms * MS
        if last and edge.active is not level:
            level = edge.active
            found.append((level, begun / NS))
    return found
