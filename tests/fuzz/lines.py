"""A whole line: edges of both contacts, presses, real sound through the ear, and ticks, as a station passes them on.

Nothing raises; time does not go back in what the machine says; a call is captured wherever the state says so; and from
wherever the line has got to, on-hook, silence and time make it idle, with an end to whatever had begun.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tests.fuzz import sounds
from tests.fuzz.source import Source, one_of
from tsuwaroku.config import LineConfig, LineTimers
from tsuwaroku.events import AudioFrame, ButtonPressed, Contact, ContactEdge, Gap
from tsuwaroku.signalling import effects as fx
from tsuwaroku.signalling.ear import Ear
from tsuwaroku.signalling.line import LineMachine, State

RATE = 8000
MS = 1_000_000
# Short parts, so that scripts of a minute meet that timer too.
TIMERS = LineTimers(part_max_s=60, mark_window_s=5)
# Around every timer's value, and what bounces.
_WAITS_MS = (0, 1, 5, 9, 11, 24, 26, 33, 60, 89, 91, 149, 151, 299, 301, 700, 1499, 1501, 2600, 4001, 6001)
# Longer than a ring is waited for, every pause of a tone, and silence after a voice on an on-hook line.
_SILENCE_S = 40
# What may lie in the past, or be told late: a digit or a tone is known some time after it began.
_TOLD_LATE = fx.Anomaly | fx.Marked | fx.MarkedLate | fx.PressIgnored | fx.Dialled | fx.NumberKnown | fx.Progress


class Line:
    """Ear and machine, driven as the recorder's station drives them."""

    def __init__(self) -> None:
        self.machine = LineMachine(LineConfig(id="1", timers=TIMERS))
        self.ear = Ear(RATE)
        self.now_ns = sounds.START_NS
        self.sample = 0
        self.story: list[fx.Effect] = []

    def tick(self) -> None:
        while (block := self.ear.due(self.now_ns)) is not None:
            self._told(self.machine.tick(block.end_ns))
            heard = sounds.checked(self.ear, RATE, block, self.ear.judge(block, self.machine.listening))
            self._told(self.machine.heard(block.end_ns, heard))
        self._told(self.machine.tick(self.now_ns))
        due = self.machine.deadline()
        assert due is None or due > self.now_ns

    def contact(self, contact: Contact, active: bool, early_ns: int = 0) -> None:
        self._told(self.machine.contact(ContactEdge("1", contact, active, self.now_ns - early_ns)))

    def press(self) -> None:
        self._told(self.machine.button(ButtonPressed("1", self.now_ns)))

    def hear(self, event: AudioFrame | Gap) -> None:
        samples = event.samples if isinstance(event, Gap) else len(event.pcm) // 2
        if isinstance(event, Gap):
            self.ear.gap(event)
        else:
            self.ear.audio(event)
        self.sample = event.first_sample + samples
        self.now_ns = max(self.now_ns, sounds.ns(RATE, self.sample))

    def quiet(self, ms: int) -> None:
        """Silence for so long."""
        event = AudioFrame("1", self.sample, sounds.ns(RATE, self.sample), bytes(2 * 8 * ms))
        self.hear(event)

    def _told(self, told: list[fx.Effect]) -> None:
        self.story += told
        assert len(self.machine._order._waiting) <= 24
        assert len(self.machine._track.held) <= 24
        assert self.machine._track.effects == []


def run(source: Source) -> None:
    """One script."""
    line = Line()
    for _ in range(source.below(30)):
        match source.below(8):
            case 0 | 1:
                line.contact(Contact.HOOK, source.below(2) == 1)
            case 2:
                line.contact(Contact.RING, source.below(2) == 1)
            case 3:
                _breaks(source, line)
            case 4:
                line.press()
            case 5 if source.below(4) == 0:
                _chatters(source, line)
            case 5:
                line.contact(one_of(source, tuple(Contact)), source.below(2) == 1, source.below(20) * MS)
            case _:
                for event in sounds.frames(source, RATE, line.sample, sounds.stretch(source, RATE)):
                    line.hear(event)
                    line.tick()
        line.quiet(one_of(source, _WAITS_MS))
        line.tick()
    _let_go(line)
    assert line.machine.state is State.IDLE
    assert line.machine.deadline() is None
    check(line.story)


def _breaks(source: Source, line: Line) -> None:
    """A row of breaks: a digit by pulses, bounce, or a contact that chatters."""
    open_ms, closed_ms = 1 + source.below(80), 1 + source.below(60)
    contact = one_of(source, (Contact.HOOK, Contact.HOOK, Contact.RING))
    for _ in range(1 + source.below(40)):
        line.contact(contact, False)
        line.quiet(open_ms)
        line.contact(contact, True)
        line.quiet(closed_ms)
        if source.below(2):
            line.tick()


def _chatters(source: Source, line: Line) -> None:
    """A worn hook contact: edges a few ms apart for seconds, and what is pressed and heard meanwhile."""
    each_ms, presses = 1 + source.below(12), source.below(2)
    sound = np.resize(sounds.stretch(source, RATE), (1 + source.below(8)) * RATE)
    for number, at in enumerate(range(0, sound.size, 8 * each_ms)):
        line.contact(Contact.HOOK, number % 2 == 1)
        for event in sounds.frames(source, RATE, line.sample, sound[at : at + 8 * each_ms], whole=True):
            line.hear(event)
        if number % 3 == 0:
            line.tick()
        if presses and number % 41 == 0:
            line.press()


def _let_go(line: Line) -> None:
    """On-hook, no ring, silence, time."""
    line.contact(Contact.HOOK, False)
    line.contact(Contact.RING, False)
    for _ in range(_SILENCE_S * 10):
        line.quiet(100)
        line.tick()


def check(story: list[fx.Effect]) -> None:
    """Whole calls, one after the other, in the order of time."""
    calls: list[list[fx.Effect]] = []
    open_call = False
    for effect in story:
        assert effect.at_ns >= 0
        if isinstance(effect, fx.Seized):
            assert not open_call, story
            calls.append([])
            open_call = True
        if isinstance(effect, fx.Anomaly | fx.MarkedLate | fx.PressIgnored):
            continue
        assert open_call, story
        calls[-1].append(effect)
        open_call = not isinstance(effect, fx.Ended | fx.Missed)
    assert not open_call, story
    for call in calls:
        over = call[-1]
        assert isinstance(over, fx.Ended | fx.Missed)
        assert over.at_ns <= over.decided_ns
        times = [effect.at_ns for effect in call if not isinstance(effect, _TOLD_LATE)]
        assert times == sorted(times), call
        assert max(effect.at_ns for effect in call) <= over.decided_ns, call
        captured = [isinstance(effect, fx.OffHook) for effect in call].count(True)
        assert captured == 1 if isinstance(over, fx.Ended) else captured <= 1, call
    for one, after in pairwise(calls):
        over = one[-1]
        assert isinstance(over, fx.Ended | fx.Missed)
        assert over.decided_ns <= after[0].at_ns, (one, after)
