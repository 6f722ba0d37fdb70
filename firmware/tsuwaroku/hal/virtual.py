"""The virtual board: lines whose sound and contacts come from a simulated exchange. It ships in the product.

Pull-based and deterministic: each `read` is one step of 20 ms, and nothing in it depends on when it was
called. Real time differs from fast mode only in sleeping until a step's end has come.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tsuwaroku.clock import NS, VirtualClock
from tsuwaroku.errors import BoardError
from tsuwaroku.events import (
    FRAME_MS,
    AudioFrame,
    BoardFault,
    ButtonPressed,
    Contact,
    ContactEdge,
    EndOfInput,
    Event,
    Gap,
    GapReason,
    LineVoltage,
    Playback,
    Tick,
)
from tsuwaroku.hal.board import SYSTEM_LAMP, Lamp

STEP_NS = FRAME_MS * 1_000_000
_BLOCK_STEPS = 50  # sources are asked for a second at a time: one call a second and line, not fifty
_HISTORY_MAX = 20_000
IDLE_V, OFF_HOOK_V = 48.0, 9.0


class LineSource(Protocol):
    """What a simulated line does. All times are the stream's (0 = its start). Asked forward in time only."""

    line: str
    mixes_notice: bool
    """False where what is played is not on the captured pair (`[[raw]]` without `mix_notice`)."""

    def events(self, start_ns: int, end_ns: int) -> list[ContactEdge | ButtonPressed]:
        """What happens at `start_ns` <= t < `end_ns`, in order."""
        ...

    def read(self, first_sample: int, count: int) -> bytes | None:
        """S16LE mono; shorter at the end of the audio, empty (or None) after it."""
        ...

    def ends_ns(self) -> int | None:
        """When nothing more will happen (last event or sample); None = endless."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """An injected loss: every frame touched by the stretch is dropped and one Gap given in its place.

    `line` empty = every line. `UNPLUGGED` also reports a BoardFault at its beginning and at its end.
    """

    line: str
    at_s: float
    length_s: float
    reason: GapReason = GapReason.OVERRUN

    def steps(self, first: int) -> range:
        """The steps (of 20 ms), from `first` on, whose frames are lost."""
        start_ns = round(self.at_s * NS)
        end_ns = start_ns + round(self.length_s * NS)
        return range(max(start_ns // STEP_NS, first), -(-end_ns // STEP_NS))


class _Feed:
    """One line: its source, the present second of its audio, what is being played, what is being lost."""

    __slots__ = ("block", "ended", "gap", "line", "losses", "playing", "position", "source", "start_due", "stop_due")

    def __init__(self, source: LineSource, faults: Sequence[Fault], first_step: int) -> None:
        self.line = source.line
        self.source = source
        self.block = b""
        self.ended = False
        self.playing: bytes | None = None
        self.position = 0  # octets of `playing` that went out
        self.start_due = False
        self.stop_due = False
        own = [(f.steps(first_step), f.reason) for f in faults if f.line in ("", source.line)]
        self.losses = deque(sorted((loss for loss in own if loss[0]), key=lambda loss: loss[0].start))
        self.gap: Gap | None = None

    def fetch(self, first_sample: int, count: int) -> None:
        """Take the next second from the source."""
        self.block = b"" if self.ended else self.source.read(first_sample, count) or b""
        self.ended = len(self.block) < 2 * count


class VirtualBoard:
    """Implements `Board` over `sources`. Lines are named by their source; times start at 0 with the first step.

    `tail_s` is how long ticks go on after every source has ended, so that timers can run out. `start_ns` joins the
    stream in its middle, as a box does that comes back while its lines are in calls.
    With `voltage` each line has one, as an exchange of 48 V: told once a second, from its hook.
    `faults` are losses to inject. `history` holds (mono_ns, lamp, state) of each change and wink, `lamps` the
    present states.
    """

    def __init__(
        self,
        sources: Sequence[LineSource],
        clock: VirtualClock,
        *,
        realtime: bool,
        rate: int = 8000,
        tail_s: float = 10.0,
        faults: Sequence[Fault] = (),
        start_ns: int = 0,
        voltage: bool = False,
    ) -> None:
        if rate % 50:
            raise BoardError(f"{rate} Hz gives no whole frame", where="virtual board", remedy="use a multiple of 50 Hz")
        self.rate = rate
        self.sampling = "simulated"
        self.lamps: dict[str, Lamp] = {source.line: Lamp.DARK for source in sources} | {SYSTEM_LAMP: Lamp.DARK}
        if len(self.lamps) != len(sources) + 1:
            raise BoardError("two sources have one line", where="virtual board", remedy="give each line one source")
        self.history: list[tuple[int, str, Lamp]] = []
        self._clock = clock
        self._realtime = realtime
        self._count = rate * FRAME_MS // 1000
        self._first_step = start_ns // STEP_NS
        self._feeds = [_Feed(source, faults, self._first_step) for source in sources]
        self._by_line = {feed.line: feed for feed in self._feeds}
        for fault in faults:
            if fault.line:
                self._feed(fault.line)
        self._due: deque[ContactEdge | ButtonPressed | BoardFault] = deque()
        self._faults = _announcements(faults, self._first_step)
        self._last_step = _last_step(sources, tail_s)
        self._step = self._first_step
        self._origin_ns = 0
        self._block_step = 0
        self._open = False
        self._finished = False
        self._off_hook: dict[str, bool] | None = dict.fromkeys(self._by_line, False) if voltage else None

    def open(self) -> None:
        self._open = True
        self._origin_ns = time.monotonic_ns() - self._step * STEP_NS

    def read(self, timeout_s: float) -> Sequence[Event]:
        """One step: edges and presses in time order, each line's frame, a Tick. At the end EndOfInput, once."""
        if not self._open:
            raise BoardError("is not open", where="virtual board", remedy="open it before reading")
        step = self._step
        if self._last_step is not None and step >= self._last_step:
            return self._finish(timeout_s)
        end_ns = (step + 1) * STEP_NS
        if self._realtime and not self._wait_for(end_ns, timeout_s):
            return []
        if step % _BLOCK_STEPS == 0 or step == self._first_step:
            self._fetch(step)
        start_ns = step * STEP_NS
        first = step * self._count
        due = self._due
        out: list[Event] = []
        while due and due[0].mono_ns < end_ns:
            out.append(due.popleft())
        size = 2 * self._count
        offset = (step - self._block_step) * size
        frames: list[Event] = []
        for feed in self._feeds:
            pcm = feed.block[offset : offset + size]
            if feed.playing is not None or feed.stop_due or feed.losses:
                pcm = self._disturbed(feed, step, pcm, out, frames)
            if pcm:
                frames.append(AudioFrame(feed.line, first, start_ns, pcm))
        if len(out) > 1:
            out.sort(key=_time_of)
        if self._off_hook is not None:
            out += self._voltages(self._off_hook, out, end_ns)
        out += frames
        out.append(Tick(end_ns))
        self._step = step + 1
        self._clock.mono_ns = end_ns
        return out

    def play(self, line: str, pcm: bytes) -> None:
        """Mix `pcm` in from the next step on. What was playing ends there: its `Playback(False)` comes first."""
        feed = self._feed(line)
        self.stop_playing(line)
        feed.playing = pcm[: len(pcm) // 2 * 2]
        feed.position = 0
        feed.start_due = True

    def stop_playing(self, line: str) -> None:
        feed = self._feed(line)
        if feed.playing is not None and not feed.start_due:
            feed.stop_due = True
        feed.playing = None
        feed.start_due = False

    def hears_itself(self, line: str) -> bool:
        return self._feed(line).source.mixes_notice

    def show(self, lamp: str, state: Lamp) -> None:
        if lamp not in self.lamps:
            raise BoardError(f"has no lamp {lamp!r}", where="virtual board", remedy="name a line of it, or 'system'")
        if state is not Lamp.ACK:
            if self.lamps[lamp] is state:
                return
            self.lamps[lamp] = state
        self.history.append((self._clock.mono_ns, lamp, state))
        if len(self.history) > _HISTORY_MAX:  # an office without an end must not eat the memory
            del self.history[: _HISTORY_MAX // 2]

    def close(self) -> None:
        if self._open:
            self._open = False
            for lamp in self.lamps:
                self.show(lamp, Lamp.DARK)

    def _feed(self, line: str) -> _Feed:
        feed = self._by_line.get(line)
        if feed is None:
            raise BoardError(f"has no line {line!r}", where="virtual board", remedy="name a line of the call script")
        return feed

    def _wait_for(self, end_ns: int, timeout_s: float) -> bool:
        """Sleep until the step has really passed; its time counts from `open`, so nothing drifts."""
        now = time.monotonic_ns()
        left_ns = self._origin_ns + end_ns - now
        if left_ns <= 0:
            return True
        if left_ns > timeout_s * NS:
            time.sleep(timeout_s)
            return False
        time.sleep(left_ns / NS)
        return True

    def _fetch(self, step: int) -> None:
        """The next second (or what is left of it) of every line: its audio, and its events merged in time order."""
        steps = _BLOCK_STEPS - step % _BLOCK_STEPS
        start_ns, end_ns = step * STEP_NS, (step + steps) * STEP_NS
        self._block_step = step
        found: list[ContactEdge | ButtonPressed | BoardFault] = []
        while self._faults and self._faults[0].mono_ns < end_ns:
            found.append(self._faults.popleft())
        for feed in self._feeds:
            level = _level_before(feed.source, start_ns) if step == self._first_step else None
            own = feed.source.events(start_ns, end_ns)
            if level is not None:
                found += _first_edges(feed.line, level, own, start_ns)
            found += own
            feed.fetch(step * self._count, steps * self._count)
        found.sort(key=_time_of)
        self._due.extend(found)

    def _disturbed(self, feed: _Feed, step: int, pcm: bytes, out: list[Event], frames: list[Event]) -> bytes:
        """The rarer case: something plays on the line, or its frames are lost. Gives what is captured."""
        if feed.playing is not None or feed.stop_due:
            pcm = self._mixed(feed, step * self._count, pcm, out)
        if not feed.losses or step < feed.losses[0][0].start:
            return pcm
        steps, reason = feed.losses[0]
        if pcm:
            gap = feed.gap or Gap(feed.line, step * self._count, step * STEP_NS, 0, reason)
            feed.gap = Gap(gap.line, gap.first_sample, gap.mono_ns, gap.samples + len(pcm) // 2, reason)
        if step + 1 < steps.stop:
            return b""
        while feed.losses and feed.losses[0][0].stop <= step + 1:
            feed.losses.popleft()
        if feed.gap is not None:
            frames.append(feed.gap)
            feed.gap = None
        return b""

    def _mixed(self, feed: _Feed, first: int, pcm: bytes, out: list[Event]) -> bytes:
        """`pcm` with what is played added (saturating), and the Playback events of this step."""
        if feed.stop_due:
            out.append(Playback(feed.line, False, first, first * NS // self.rate))
            feed.stop_due = False
        if feed.playing is None:
            return pcm
        if feed.start_due:
            out.append(Playback(feed.line, True, first, first * NS // self.rate))
            feed.start_due = False
        sent = feed.playing[feed.position : feed.position + 2 * self._count]
        feed.position += len(sent)
        if len(sent) < 2 * self._count:
            end = first + len(sent) // 2
            out.append(Playback(feed.line, False, end, end * NS // self.rate))
            feed.playing = None
        return _add(pcm, sent) if feed.source.mixes_notice else pcm

    @staticmethod
    def _voltages(off_hook: dict[str, bool], edges: Sequence[Event], end_ns: int) -> list[LineVoltage]:
        """Follow the hooks; at the end of a second, what is on each pair."""
        for edge in edges:
            if isinstance(edge, ContactEdge) and edge.contact is Contact.HOOK:
                off_hook[edge.line] = edge.active
        if end_ns % NS:
            return []
        threshold = (IDLE_V + OFF_HOOK_V) / 2
        volts = {line: OFF_HOOK_V if off else IDLE_V for line, off in off_hook.items()}
        return [LineVoltage(line, now, now, now, threshold, False, end_ns) for line, now in volts.items()]

    def _finish(self, timeout_s: float) -> list[Event]:
        """What is still open ends, then EndOfInput; after it nothing."""
        if self._finished:
            if self._realtime:
                time.sleep(timeout_s)
            return []
        self._finished = True
        now, first = self._step * STEP_NS, self._step * self._count
        out: list[Event] = []
        for feed in self._feeds:
            if feed.gap is not None:
                out.append(feed.gap)
            if feed.stop_due or (feed.playing is not None and not feed.start_due):
                out.append(Playback(feed.line, False, first, now))
        out.append(EndOfInput(now))
        return out


def _time_of(event: Event) -> int:
    return event.mono_ns


def _level_before(source: LineSource, start_ns: int) -> dict[Contact, bool]:
    """Where the last edges before `start_ns` left the sensors. A minute at a time: days may lie before."""
    level = dict.fromkeys(Contact, False)
    for at_ns in range(0, start_ns, 60 * NS):
        for event in source.events(at_ns, min(at_ns + 60 * NS, start_ns)):
            if isinstance(event, ContactEdge):
                level[event.contact] = event.active
    return level


def _first_edges(
    line: str, level: dict[Contact, bool], events: Sequence[ContactEdge | ButtonPressed], start_ns: int
) -> list[ContactEdge]:
    """Each sensor's level as an edge, unless the source itself says so with an edge at the very start."""
    said = {event.contact for event in events if isinstance(event, ContactEdge) and event.mono_ns == start_ns}
    return [ContactEdge(line, contact, active, start_ns) for contact, active in level.items() if contact not in said]


def _announcements(faults: Sequence[Fault], first_step: int) -> deque[BoardFault]:
    """The BoardFaults that go with unplugged stretches, in time order."""
    found: list[BoardFault] = []
    for fault in faults:
        steps = fault.steps(first_step)
        if fault.reason is GapReason.UNPLUGGED and steps:
            start_ns, end_ns = steps.start * STEP_NS, steps.stop * STEP_NS
            found.append(BoardFault(fault.line, True, "the simulated card is unplugged", start_ns))
            found.append(BoardFault(fault.line, False, "the simulated card is back", end_ns))
    return deque(sorted(found, key=_time_of))


def _last_step(sources: Sequence[LineSource], tail_s: float) -> int | None:
    ends = [source.ends_ns() for source in sources]
    finite = [end for end in ends if end is not None]
    if len(finite) < len(ends):
        return None
    return -(-(max(finite, default=0) + round(tail_s * NS)) // STEP_NS)


def _add(captured: bytes, sent: bytes) -> bytes:
    """Saturating sum of two S16LE stretches, as long as `captured`."""
    total = np.frombuffer(captured, dtype="<i2").astype(np.int32)
    played = np.frombuffer(sent, dtype="<i2")[: total.size]
    total[: played.size] += played
    return np.clip(total, -32768, 32767).astype("<i2").tobytes()
