"""One sound card of a board: the sound of its lines in, their announcements out, and its failures, which are theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tsuwaroku.errors import BoardError
from tsuwaroku.events import AudioFrame, BoardFault, Event, Part
from tsuwaroku.hal.alsa import Capture, CardSpec
from tsuwaroku.hal.decimate import Decimator
from tsuwaroku.hal.framing import SAMPLE_OCTETS, CardItem, Framer
from tsuwaroku.hal.hats import BoardPlan, CardPlan
from tsuwaroku.hal.playback import Player

NS = 1_000_000_000
# Deep enough for a thread that is kept waiting; stopping is prompt all the same, it takes back what is buffered.
_PLAY_PERIOD_S = 0.02
_PLAY_PERIODS = 10


class Card:
    """Capture and playback of one card, with the clock that its samples are timed by. Cards share nothing.

    What befalls a card is told of each of its lines, or of the whole board where it is the board's only one.
    """

    def __init__(
        self,
        plan: BoardPlan,
        card: CardPlan,
        alsa: Any,
        *,
        bell: Callable[[], None],
        post: Callable[[Event], None],
        speak: Callable[[str, bool], None],
        now_ns: Callable[[], int],
        queue_s: float,
    ) -> None:
        self.lines = {line.line: line.channel for line in plan.lines if line.card == card.name}
        self._touched = tuple(self.lines) if len(plan.cards) > 1 else ("",)
        self._plan = plan
        self._card = card
        self._alsa = alsa
        self._post = post
        self._speak = speak
        self._now_ns = now_ns
        self._framer = Framer(plan.rate, card.channels, self.lines)
        rate, times = plan.rate * card.factor, card.factor
        spec = CardSpec(
            card.capture, rate, card.channels, plan.period * times, plan.buffer * times, f"{card.table}.capture"
        )
        self._decimator = Decimator(rate, times, card.channels) if times > 1 else None
        self._capture = Capture(alsa, spec, bell, now_ns, queue_s)
        self._player: Player | None = None

    def open(self) -> None:
        """Claim it and start reading. Raises BoardError; a missing announcement card is a fault, not an error."""
        self._capture.open()
        self._open_player()

    def open_later(self, error: BoardError) -> None:
        """What `open` raised is told as a fault of its lines, and the card is read from when it comes on."""
        self._capture.open_later(error)
        self._open_player()

    def _open_player(self) -> None:
        """A call that nobody is told of is better than one that is lost."""
        if not self._card.playback:
            return
        plan, card = self._plan, self._card
        period = round(plan.rate * _PLAY_PERIOD_S)
        spec = CardSpec(
            card.playback, plan.rate, card.channels, period, _PLAY_PERIODS * period, f"{card.table}.playback"
        )
        self._player = Player(
            self._alsa,
            spec,
            self.lines,
            position_at=lambda ns: self._capture.clock.position_at(ns) // card.factor,
            post=self._told,
            speak=self._speak,
            now_ns=self._now_ns,
        )
        self._player.open()

    @property
    def plays(self) -> bool:
        """Whether announcements go onto its lines."""
        return self._player is not None

    def play(self, line: str, pcm: bytes) -> None:
        """Without a playback card the fault comes as an event at once."""
        if self._player is not None:
            self._player.play(line, pcm)
        else:
            text = f"no announcement card is configured ({self._card.table}.playback)"
            self._post(BoardFault(line, True, text, self._now_ns(), Part.ANNOUNCEMENT))

    def stop_playing(self, line: str) -> None:
        if self._player is not None:
            self._player.stop(line)

    def _told(self, event: Event) -> None:
        for one in self._of_lines(event):
            self._post(one)

    def _of_lines(self, event: Event) -> list[Event]:
        """A fault of the card is one of each of its lines."""
        if isinstance(event, BoardFault) and not event.line:
            return [msgspec.structs.replace(event, line=line) for line in self._touched]
        return [event]

    def collect(self) -> list[tuple[int, Event]]:
        """What has come, in order, each with its time; a frame counts at its end."""
        found: list[tuple[int, Event]] = []
        key = 0
        for item in self._capture.drain():
            for event in (event for piece in self._decimated(item) for event in self._framer.take(piece)):
                if isinstance(event, AudioFrame):
                    ends_ns = event.mono_ns + len(event.pcm) // SAMPLE_OCTETS * NS // self._plan.rate
                else:
                    ends_ns = event.mono_ns
                key = max(key, ends_ns)
                found += [(key, one) for one in self._of_lines(event)]
        return found

    def _decimated(self, item: CardItem) -> list[CardItem]:
        return [item] if self._decimator is None else self._decimator.take(item)

    def close(self) -> None:
        """Announcements off, the devices released. Safe to call twice."""
        if self._player is not None:
            self._player.close()
            self._player = None
        self._capture.close()
