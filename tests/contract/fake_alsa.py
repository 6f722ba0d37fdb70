"""A sound card made of arithmetic, behind the part of pyalsaaudio that the board uses.

It runs in real time from a crystal of its own and can be made to overrun, read short, vanish, wedge and
grant something else than was asked. A sample's value tells its place in the card's own count, so a test
knows what was lost whatever the board says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

NS = 1_000_000_000
EPIPE = 32


class ALSAAudioError(Exception):
    """As pyalsaaudio's."""


def sample(index: int, channel: int) -> int:
    """The value the card gives as its `index`th sample of a channel."""
    return ((index * 2 + 7919 * channel) % 60_000) - 30_000


def index_of(value: int, channel: int) -> int:
    """The place (modulo 30,000) of a sample in the card's count: the inverse of `sample`."""
    return ((value + 30_000 - 7919 * channel) % 60_000) // 2


class FakeCard:
    """Capture and playback of one card; everything a test may do to it."""

    def __init__(self, ppm: float = 0.0, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.ppm = ppm
        self.now_ns = now_ns
        self.present = True
        self.wedged = False
        self.grants: dict[str, Any] = {}
        self.short: tuple[int, int] | None = None  # frames and octets the next read gives
        self.overrun = False
        self.hold_s = 0.0  # how long the next read is kept waiting, as by a stalled machine
        self.born_ns = now_ns()
        self.opened = 0
        self.played: list[tuple[int, bytes]] = []
        self.drops = 0

    def count(self) -> int:
        """How many samples the crystal has counted."""
        return int((self.now_ns() - self.born_ns) * 8000 * (1 + self.ppm * 1e-6) / NS)


class FakePcm:
    """One opened stream."""

    def __init__(self, card: FakeCard, playback: bool, given: dict[str, Any]) -> None:
        self.card = card
        self.playback = playback
        self.given = given
        self.period: int = given["period_size"]
        self.buffer: int = given["buffer_size"]
        self.channels: int = given["channels"]
        self.running = False
        self.at = 0  # capture: next sample to give, in the card's count; playback: end of what was written
        self.closed = False
        self.lock = threading.RLock()

    def info(self) -> dict[str, Any]:
        return self.given

    def state(self) -> int:
        if not self.card.present:
            return FakeAlsa.PCM_STATE_DISCONNECTED
        return FakeAlsa.PCM_STATE_RUNNING if self.running else FakeAlsa.PCM_STATE_PREPARED

    def polldescriptors(self) -> list[tuple[int, int]]:
        return []

    def _check(self) -> None:
        if self.closed:
            raise ALSAAudioError("PCM device is closed")
        if not self.card.present:
            raise ALSAAudioError("No such device [hw:CARD=fake]")

    def avail(self) -> int:
        if not self.card.present or self.card.overrun:
            return -EPIPE
        if self.playback:
            left = self.at - self.card.count() if self.running else 0
            return self.buffer - max(0, left)
        return 0 if self.card.wedged or not self.running else self.card.count() - self.at

    def read(self) -> tuple[int, bytes]:
        with self.lock:
            self._check()
            if not self.running:
                self.running = True
                self.at = self.card.count()
                return 0, b""
            hold_s, self.card.hold_s = self.card.hold_s, 0.0
            time.sleep(hold_s)
            there = self.avail()
            if self.card.overrun or there > self.buffer:
                self.card.overrun = False
                self.running = False
                return -EPIPE, b""
            if self.card.short is not None:
                frames, octets = self.card.short
                self.card.short = None
                self.at += frames
                return frames, bytes(octets)
            frames = min(there, self.period)
            first, self.at = self.at, self.at + frames
            return frames, self._samples(first, frames)

    def _samples(self, first: int, frames: int) -> bytes:
        index = np.arange(first, first + frames)[:, None]
        channel = np.arange(self.channels)[None, :]
        return (((index * 2 + 7919 * channel) % 60_000) - 30_000).astype("<i2").tobytes()

    def write(self, data: bytes) -> int:
        with self.lock:
            self._check()
            now = self.card.count()
            if not self.running or self.at < now:
                self.running, self.at = True, now
            frames = min(len(data) // 2 // self.channels, self.buffer - (self.at - now))
            if frames:
                self.card.played.append((self.at, data[: frames * 2 * self.channels]))
                self.at += frames
            return frames

    def drop(self) -> None:
        self.running = False
        if self.playback:
            self.card.drops += 1
            now = self.card.count()
            self.card.played = [
                (at, data[: max(0, now - at) * 2 * self.channels]) for at, data in self.card.played if at < now
            ]

    def close(self) -> None:
        self.closed = True


class FakeAlsa:
    """Stands in for the module."""

    PCM_CAPTURE = 1
    PCM_PLAYBACK = 0
    PCM_NONBLOCK = 1
    PCM_FORMAT_S16_LE = 2
    PCM_STATE_PREPARED = 2
    PCM_STATE_RUNNING = 3
    PCM_STATE_DISCONNECTED = 8
    ALSAAudioError = ALSAAudioError

    def __init__(self, card: FakeCard | None = None) -> None:
        self.card = card or FakeCard()
        self.asked: list[dict[str, Any]] = []

    def cards(self) -> list[str]:
        return ["fake"] if self.card.present else []

    def pcms(self) -> list[str]:
        return ["null"]

    def PCM(self, **asked: Any) -> FakePcm:
        self.asked.append(asked)
        if not self.card.present or asked["device"] != "hw:CARD=fake":
            raise ALSAAudioError(f"No such device [{asked['device']}]")
        self.card.opened += 1
        given = {
            "format_name": "S16_LE",
            "channels": asked["channels"],
            "rate": asked["rate"],
            "period_size": asked["periodsize"],
            "buffer_size": asked["periodsize"] * asked["periods"],
        } | self.card.grants
        return FakePcm(self.card, asked["type"] == self.PCM_PLAYBACK, given)
