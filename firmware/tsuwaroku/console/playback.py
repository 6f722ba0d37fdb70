"""One hearing of a call: which stretches sound, in which order, and what of it was really heard.

Positions are samples of the line's stream, as in the record. What an output still holds when it is silenced was not
heard; a pause, a jump and the end each close a stretch.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from tsuwaroku.console.outputs import BLOCK_MS, Output

LONGEST_PAUSE_S = 1.0
"""Of silence for a gap, however long it is."""
JUMP_S = 10.0
Stretch = tuple[int, int]
"""First sample, and the first one not heard any more."""


class Order(enum.Enum):
    """What a listener wants, meanwhile."""

    PAUSE = "pause"
    BACK = "back"
    ON = "on"
    GO = "go"
    LEAVE = "leave"


class Control(Protocol):
    """Who says so. `leaving` may be asked at any time; `order` gives each order once; `resume` waits, paused, for the
    next one, and calls `idle` meanwhile, several times a second."""

    def leaving(self) -> bool: ...
    def order(self) -> Order | None: ...
    def resume(self, idle: Callable[[], None]) -> Order: ...


class Sounding(Protocol):
    """A call as far as it can be read, from `first` on."""

    @property
    def rate(self) -> int: ...
    @property
    def first(self) -> int: ...
    @property
    def samples(self) -> int: ...

    def pieces(self, start: int) -> Iterator[tuple[int, bytes]]:
        """(position, S16LE) in order, without gaps inside; those before `start` may be left out."""
        ...


class Heard:
    """Stretches in the order of their hearing, those that follow on one another joined."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []

    def add(self, first: int, end: int) -> None:
        """Nothing, where nothing was."""
        if end <= first:
            return
        if self.stretches and self.stretches[-1][1] == first:
            first = self.stretches.pop()[0]
        self.stretches.append((first, end))

    def covers(self, first: int, end: int) -> bool:
        """Whether all of it was heard, in whatever order."""
        return any(begun <= first and end <= ended for begun, ended in joined(self.stretches))


def joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The same in the order of the call, each place once."""
    found: list[Stretch] = []
    for begin, end in sorted(stretches):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found


class _Timeline:
    """Which position sounds when so many samples have left an output."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._spans: list[tuple[int, int, int]] = []  # samples, position at begin and end
        self._before = 0  # samples of the spans that are over

    def add(self, begin: int, end: int, samples: int) -> None:
        self._spans.append((samples, begin, end))

    def position(self, played: int) -> int:
        """It grows with `played`, which may be asked again, and never falls."""
        while self._spans and self._before + self._spans[0][0] <= played:
            samples, _, self._at = self._spans.pop(0)
            self._before += samples
        if not self._spans:
            return self._at
        samples, begin, end = self._spans[0]
        into = max(0, played - self._before)
        return begin + into if samples == end - begin and into else self._at  # a gap is passed once it is over


class Playback:
    """Plays `sounding` from `begin` up to `end`. `level` makes a leveller for each run; `show` is told where it is."""

    def __init__(
        self,
        sounding: Sounding,
        open_output: Callable[[], Output],
        *,
        begin: int,
        end: int,
        level: Callable[[], Callable[[bytes], bytes]],
        control: Control,
        show: Callable[[int], None],
    ) -> None:
        self._sounding = sounding
        self._open = open_output
        self._begin, self._end = begin, end
        self._level = level
        self._control = control
        self._show = show
        self.heard = Heard()
        self._going: Stretch | None = None

    def so_far(self) -> list[Stretch]:
        """The stretches heard, the one that sounds included."""
        heard = Heard()
        for begin, end in (*self.heard.stretches, *([self._going] if self._going is not None else [])):
            heard.add(begin, end)
        return heard.stretches

    def play(self, output: Output) -> bool:
        """Whether it came to its end; else the listener left. `output` is open already. Raises BoardError, and what
        reading raises; `heard` is true in any case."""
        at = self._begin
        jump = round(JUMP_S * self._sounding.rate)
        while True:
            at, order = self._run(at, output)
            if order is Order.PAUSE:
                order = self._control.resume(partial(self._show, at))  # whoever is told of it knows that we are there
            if order is None:
                return True
            if order is Order.LEAVE:
                return False
            if order is Order.BACK:
                at = max(self._begin, at - jump)
            elif order is Order.ON:
                at = min(self._end, at + jump)
            output = self._open()

    def _run(self, at: int, output: Output) -> tuple[int, Order | None]:
        """Where it stood when it was over, and why: None, it came to its end."""
        level, line = self._level(), _Timeline(at)
        order: Order | None = None
        try:
            for begin, end, pcm in self._blocks(at):
                order = Order.LEAVE if self._control.leaving() else self._control.order()
                if order is not None:
                    break
                line.add(begin, end, len(pcm) // 2)
                output.write(level(pcm), self._control.leaving)
                stood = line.position(output.played())
                self._going = at, stood
                self._show(stood)
            else:
                output.finish(self._control.leaving)
            if self._control.leaving():
                order = Order.LEAVE
        finally:
            output.stop()
            stood = line.position(output.played())
            self._going = None
            self.heard.add(at, stood)
        return stood, order

    def _blocks(self, at: int) -> Iterator[tuple[int, int, bytes]]:
        """Position at its begin and end, and what sounds: short blocks; a gap is a pause of its length, a second at the
        most."""
        rate = self._sounding.rate
        size = rate * BLOCK_MS // 1000
        expected = at
        for first, pcm in self._sounding.pieces(at):
            begin, end = max(first, at), min(first + len(pcm) // 2, self._end)
            if first >= self._end:
                break
            if begin >= end:
                continue
            if begin > expected:
                yield from self._pause(expected, begin)
            for start in range(begin, end, size):
                stop = min(start + size, end)
                yield start, stop, pcm[2 * (start - first) : 2 * (stop - first)]
            expected = end
        if expected < self._end:
            yield from self._pause(expected, self._end)  # what is missing at the end

    def _pause(self, begin: int, end: int) -> Iterator[tuple[int, int, bytes]]:
        yield begin, end, bytes(2 * int(min(end - begin, LONGEST_PAUSE_S * self._sounding.rate)))
