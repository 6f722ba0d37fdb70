"""From a card's reads to each line's events: the bounded queue between two threads, and the cutting into frames."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from tsuwaroku.events import FRAME_MS, AudioFrame, BoardFault, Event, Gap, GapReason

NS = 1_000_000_000
SAMPLE_OCTETS = 2


class Block(msgspec.Struct, frozen=True, gc=False):
    """Interleaved S16LE samples of every channel from position `first` on."""

    first: int
    mono_ns: int
    samples: int
    pcm: bytes


class Hole(msgspec.Struct, frozen=True, gc=False):
    """`samples` samples of every channel are lost from position `first` on."""

    first: int
    mono_ns: int
    samples: int
    reason: GapReason


class Trouble(msgspec.Struct, frozen=True, gc=False):
    """The card failed, or came back."""

    failed: bool
    text: str
    mono_ns: int


CardItem = Block | Hole | Trouble


class CardQueue:
    """Bounded, from the reader's thread to the recorder's. `put` never waits.

    What finds no room becomes one BACKLOG hole, told as soon as there is room again.
    """

    def __init__(self, limit_samples: int, bell: Callable[[], None]) -> None:
        self._limit = limit_samples
        self._bell = bell
        self._lock = threading.Lock()
        self._items: deque[CardItem] = deque()
        self._queued = 0
        self._lost: Hole | None = None

    def put(self, item: CardItem) -> None:
        """Queue one item, or count its samples as lost."""
        with self._lock:
            self._put(item)
        self._bell()

    def _put(self, item: CardItem) -> None:
        if isinstance(item, Trouble):
            self._items.append(item)
            return
        full = self._queued + item.samples > self._limit
        if full and (isinstance(item, Block) or self._lost is not None):
            self._lose(item)
        else:
            if self._lost is not None:
                self._items.append(self._lost)
                self._lost = None
            self._items.append(item)
            self._queued += item.samples if isinstance(item, Block) else 0

    def _lose(self, item: Block | Hole) -> None:
        lost = self._lost
        if lost is None:
            self._lost = Hole(item.first, item.mono_ns, item.samples, GapReason.BACKLOG)
        else:
            self._lost = Hole(lost.first, lost.mono_ns, lost.samples + item.samples, GapReason.BACKLOG)

    def drain(self) -> list[CardItem]:
        """Everything queued, in order."""
        with self._lock:
            items = list(self._items)
            self._items.clear()
            self._queued = 0
            return items


class Framer:
    """Cuts a card's stream into 20 ms frames a line, whatever the card's period is.

    `channels_of` maps a line to its channel, from 0. A frame is shorter than 20 ms only where a hole cuts it.
    """

    def __init__(self, rate: int, channels: int, channels_of: Mapping[str, int]) -> None:
        self._rate = rate
        self._channels = channels
        self._channels_of = dict(channels_of)
        self._frame = rate * FRAME_MS // 1000
        self._octets = channels * SAMPLE_OCTETS
        self._rest = b""
        self._rest_first = 0
        self._rest_ns = 0
        self._not_before_ns = 0

    def take(self, item: CardItem) -> list[Event]:
        """The events that one item of the queue completes."""
        if isinstance(item, Trouble):
            return [BoardFault("", item.failed, item.text, item.mono_ns)]
        if isinstance(item, Hole):
            events = self._cut(self._rest, self._rest_first, self._rest_ns) if self._rest else []
            self._rest = b""
            return events + [
                Gap(line, item.first, item.mono_ns, item.samples, item.reason) for line in self._channels_of
            ]
        return self._block(item)

    def _block(self, block: Block) -> list[Event]:
        if not self._rest:
            self._rest_first, self._rest_ns = block.first, block.mono_ns
        data = self._rest + block.pcm
        size = self._frame * self._octets
        events: list[Event] = []
        at = 0
        while len(data) - at >= size:
            events += self._cut(data[at : at + size], self._rest_first, self._rest_ns)
            at += size
            self._rest_first += self._frame
            # Times come from the block a frame begins in: its own are the better tracked.
            self._rest_ns = block.mono_ns + (self._rest_first - block.first) * NS // self._rate
        self._rest = data[at:]
        return events

    def _cut(self, pcm: bytes, first: int, mono_ns: int) -> list[Event]:
        # The tracked clock may be set back a little when it learns better; time within a line still goes forward.
        mono_ns = max(mono_ns, self._not_before_ns)
        self._not_before_ns = mono_ns + len(pcm) // self._octets * NS // self._rate // 2
        if self._channels == 1:
            return [AudioFrame(line, first, mono_ns, pcm) for line in self._channels_of]
        table = np.frombuffer(pcm, dtype="<i2").reshape(-1, self._channels)
        return [
            AudioFrame(line, first, mono_ns, table[:, channel].tobytes()) for line, channel in self._channels_of.items()
        ]
