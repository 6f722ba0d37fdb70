"""Lines for a virtual board: of calls rendered second by second, and of recorded sound and contacts.

Both are asked forward in time only; a line keeps one second of sound and the calls of the moment.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain
from zlib import crc32

from tsuwaroku.clock import NS
from tsuwaroku.events import ButtonPressed, ContactEdge
from tsuwaroku.exchange.impaired import GOOD, Dead, Impair, always
from tsuwaroku.exchange.sensors import Sensors
from tsuwaroku.exchange.sound import BLOCK, NS_PER_SAMPLE, mixdown
from tsuwaroku.exchange.timeline import Timeline
from tsuwaroku.exchange.wav import Wav

LineEvent = ContactEdge | ButtonPressed


class CallLine:
    """A line on which calls follow one another. Between them, and after the last, its noise goes on.

    `timelines` come in order of their starts and are taken as time comes to them, so they may be endless.
    `ends_ns`: the last event of them, None where there is no last one. `impair` is what is wrong with the line at all
    times, `sensors` what its contacts compare, if they are not plain contacts.
    """

    mixes_notice = True

    def __init__(
        self,
        line: str,
        timelines: Iterable[Timeline],
        ends_ns: int | None,
        impair: Impair = GOOD,
        sensors: Sensors | None = None,
    ) -> None:
        self.line = line
        self._timelines = iter(timelines)
        self._next = next(self._timelines, None)
        self._live: deque[Timeline] = deque()
        self._ends_ns = ends_ns
        self._seed = crc32(line.encode())
        self._always = always(impair, self._seed)
        self._start: list[LineEvent] = [] if sensors is None else [*sensors.at_start(line)]
        self._block = -1
        self._pcm = b""

    def events(self, start_ns: int, end_ns: int) -> list[LineEvent]:
        """Edges and presses at `start_ns` <= t < `end_ns`, in time order."""
        self._admit(start_ns, end_ns)
        events = chain(self._start, *(call.events for call in self._live))
        found = [event for event in events if start_ns <= event.mono_ns < end_ns]
        found.sort(key=lambda event: event.mono_ns)  # a late press may fall into the next call
        return found

    def read(self, first_sample: int, count: int) -> bytes:
        """S16LE; never ends."""
        parts: list[bytes] = []
        while count:
            block, skip = divmod(first_sample, BLOCK)
            if block != self._block:
                self._render(block)
            part = self._pcm[2 * skip : 2 * (skip + count)]
            parts.append(part)
            first_sample += len(part) // 2
            count -= len(part) // 2
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def ends_ns(self) -> int | None:
        return self._ends_ns

    def _render(self, block: int) -> None:
        start_ns = block * BLOCK * NS_PER_SAMPLE
        self._admit(start_ns, start_ns + BLOCK * NS_PER_SAMPLE)
        sounds = [*self._always, *(sound for call in self._live for sound in call.sounds)]
        sounds.sort(key=lambda sound: isinstance(sound, Dead))
        self._pcm = mixdown(sounds, self._seed, block)
        self._block = block

    def _admit(self, start_ns: int, end_ns: int) -> None:
        """Let in the calls that begin before `end_ns`, and go those long over (sound is made a second at a time)."""
        while self._next is not None and self._next.plan.at_ns < end_ns:
            self._live.append(self._next)
            self._next = next(self._timelines, None)
        while self._live and self._live[0].last_ns < start_ns - 2 * NS:
            self._live.popleft()


class RawLine:
    """A line exactly as recorded: a WAV of the pair, and the edges and presses that were seen with it."""

    def __init__(self, line: str, wav: Wav, events: Sequence[LineEvent], *, mixes_notice: bool) -> None:
        self.line = line
        self.mixes_notice = mixes_notice
        self._wav = wav
        self._reader = wav.open()
        self._events = list(events)
        self._times = [event.mono_ns for event in self._events]

    def events(self, start_ns: int, end_ns: int) -> list[LineEvent]:
        """Edges and presses at `start_ns` <= t < `end_ns`, in time order."""
        return self._events[bisect_left(self._times, start_ns) : bisect_left(self._times, end_ns)]

    def read(self, first_sample: int, count: int) -> bytes:
        """S16LE of the file; shorter at its end, empty after it. Raises ScriptError if the file has gone."""
        return self._reader.read(first_sample, count)

    def ends_ns(self) -> int:
        """The end of the sound, or the last event if that is later."""
        return max(self._wav.samples * NS_PER_SAMPLE, *self._times[-1:], 0)
