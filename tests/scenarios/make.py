"""Raw scenarios for end-to-end tests: sound and contacts of several lines, and the calls they must become.

    scenario = make(tmp_path, seed=1)
    scenario.script      a call script of [[raw]] tables
    scenario.wavs        each line's WAV (8 kHz S16 mono), for bit-exact comparison
    scenario.expected    the calls, in order of `seized_ns`

Everything follows from the seed. The times expected are those of the *first* edge; contacts bounce
for up to `BOUNCE_NS` after it, with edges 0.5-8 ms apart where nothing else is asked for.
"""

from __future__ import annotations

import random
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tsuwaroku.clock import NS
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.sound import BLOCK, RATE, RINGING, Sound, Tone, mixdown, to_sample
from tsuwaroku.exchange.timeline import bounced
from tsuwaroku.exchange.voice import Conversation

MS = 1_000_000
BOUNCE_NS = 4 * 8 * MS
APART_MS = (0.51, 7.99)
KINDS = ("plain", "flashed", "missed", "outbound", "marked", "late_mark", "glitched", "abandoned")


@dataclass(frozen=True, slots=True)
class Expected:
    """A call the recorder must find. `ended_ns` of a missed one is the end of its last ring; `marks` are presses."""

    line: str
    seized_ns: int
    answered_ns: int | None  # None where no edge says it: not answered, or outbound (inferred)
    ended_ns: int
    direction: str
    outcome: str
    flashes: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    script: Path
    wavs: dict[str, Path]
    expected: list[Expected]


@dataclass(slots=True)
class _Line:
    line: str
    rng: random.Random
    now_ns: int
    apart_ms: tuple[float, float] = APART_MS
    events: list[ContactEdge | ButtonPressed] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)

    def uniform(self, low_s: float, high_s: float) -> int:
        """Nanoseconds, whole microseconds."""
        return int(self.rng.uniform(low_s, high_s) * 1_000_000) * 1000

    def edge(self, contact: Contact, active: bool, at_ns: int) -> None:
        found = bounced(self.line, contact, active, at_ns // 1000 * 1000, self.rng, apart_ms=self.apart_ms)
        self.events += [ContactEdge(e.line, e.contact, e.active, e.mono_ns // 1000 * 1000) for e in found]

    def call(self, kind: str) -> None:
        seized_ns = self.now_ns
        if kind == "missed":
            ended_ns = self._rings(seized_ns)
            self.expected.append(Expected(self.line, seized_ns, None, ended_ns, "inbound", "missed"))
            self.now_ns = ended_ns + self.uniform(8.0, 10.0)  # a ring within 6 s would be the same call
            return
        if kind in ("outbound", "abandoned"):
            direction, answered_ns, begin_ns = "outbound", None, seized_ns
        else:
            direction = "inbound"
            begin_ns = answered_ns = self._answer(seized_ns)
        if answered_ns is None:
            self.edge(Contact.HOOK, True, seized_ns)
        talk = (1.2, 2.5) if kind == "abandoned" else (8.0, 14.0)
        ended_ns = begin_ns + self.uniform(*talk)
        flashes = self._flashes(begin_ns, ended_ns) if kind == "flashed" else []
        if kind == "glitched":
            self._glitches(begin_ns, ended_ns)
        marks = self._presses(kind, begin_ns, ended_ns)
        self.edge(Contact.HOOK, False, ended_ns)
        if kind != "abandoned":
            mutes = tuple((to_sample(at), to_sample(back)) for at, back in flashes)
            seed = self.rng.getrandbits(32)
            self.sounds.append(Conversation(to_sample(begin_ns), to_sample(ended_ns), seed, mutes=mutes))
        outcome = "abandoned" if kind == "abandoned" else "answered"
        starts = tuple(at for at, _ in flashes)
        call = Expected(self.line, seized_ns, answered_ns, ended_ns, direction, outcome, starts, marks)
        self.expected.append(call)
        self.now_ns = ended_ns + self.uniform(4.0, 9.0)

    def _rings(self, at_ns: int) -> int:
        """One to three rings; gives the end of the last (facts: 0.58-1.61 s on, 1.43-2.89 s off)."""
        end_ns = at_ns
        for n in range(self.rng.randint(1, 3)):
            start_ns = at_ns if n == 0 else end_ns + self.uniform(1.6, 2.4)
            end_ns = start_ns + self.uniform(0.8, 1.3)
            self.edge(Contact.RING, True, start_ns)
            self.edge(Contact.RING, False, end_ns)
            self.sounds.append(Tone(to_sample(start_ns), to_sample(end_ns), RINGING))
        return end_ns

    def _answer(self, at_ns: int) -> int:
        """Rings, then off-hook: in the silence, or during a last ring, which the exchange then trips."""
        end_ns = self._rings(at_ns)
        answered_ns = end_ns + self.uniform(0.3, 1.4)
        if self.rng.random() < 0.4:
            self.edge(Contact.RING, True, end_ns + 2 * NS)
            answered_ns = end_ns + 2 * NS + self.uniform(0.3, 0.8)
            self.edge(Contact.RING, False, answered_ns + self.uniform(0.04, 0.12))
        self.edge(Contact.HOOK, True, answered_ns)
        return answered_ns

    def _flashes(self, begin_ns: int, ended_ns: int) -> list[tuple[int, int]]:
        """One or two breaks of 0.35-1.2 s, well inside the talk."""
        found: list[tuple[int, int]] = []
        at_ns = begin_ns + self.uniform(1.0, 2.5)
        for _ in range(self.rng.randint(1, 2)):
            back_ns = at_ns + self.uniform(0.35, 1.2)
            self.edge(Contact.HOOK, False, at_ns)
            self.edge(Contact.HOOK, True, back_ns)
            found.append((at_ns, back_ns))
            at_ns = back_ns + self.uniform(1.2, 2.0)
        assert found[-1][1] + NS < ended_ns
        return found

    def _glitches(self, begin_ns: int, ended_ns: int) -> None:
        """Breaks too short for anything (facts: < 25 ms)."""
        at_ns = begin_ns + self.uniform(1.0, 2.0)
        while at_ns < ended_ns - NS:
            for active, after_ns in ((False, 0), (True, self.uniform(0.011, 0.020))):
                self.events.append(ContactEdge(self.line, Contact.HOOK, active, at_ns + after_ns))
            at_ns += self.uniform(0.8, 2.0)

    def _presses(self, kind: str, begin_ns: int, ended_ns: int) -> tuple[int, ...]:
        if kind == "marked":
            first_ns = begin_ns + self.uniform(0.6, 3.0)
            marks = [first_ns] + [first_ns + self.uniform(0.5, 4.0)] * self.rng.randint(0, 1)
        elif kind == "late_mark":
            marks = [ended_ns + self.uniform(0.2, 3.0)]
        else:
            marks = []
        self.events += [ButtonPressed(self.line, at_ns) for at_ns in marks]
        return tuple(marks)


def make(
    folder: Path,
    seed: int,
    *,
    lines: int = 4,
    calls: int = 3,
    kinds: Sequence[str] = KINDS,
    mix_notice: bool = False,
    apart_ms: tuple[float, float] = APART_MS,
) -> Scenario:
    """Write script and WAVs of `lines` x `calls` calls into `folder`. Every one of `kinds` occurs if there is room."""
    rng = random.Random(seed)
    due = [kinds[n % len(kinds)] for n in range(lines * calls)]
    rng.shuffle(due)
    script: list[str] = []
    wavs: dict[str, Path] = {}
    expected: list[Expected] = []
    for n in range(lines):
        name = str(n + 1)
        line = _Line(name, random.Random(rng.getrandbits(32)), 0, apart_ms)
        # The first line's call begins before there are 2 s of pre-roll.
        line.now_ns = line.uniform(0.4, 1.6) if n == 0 else line.uniform(2.5, 7.0)
        for kind in due[n * calls : (n + 1) * calls]:
            line.call(kind)
        line.events.sort(key=lambda event: event.mono_ns)
        wavs[name] = folder / f"line{name}.wav"
        _write_wav(wavs[name], line, 3 + n)
        script.append(_table(line, wavs[name].name, n % 2 == 0, mix_notice))
        expected += line.expected
    path = folder / "scenario.toml"
    path.write_text("\n".join(script), encoding="utf-8")
    expected.sort(key=lambda call: (call.seized_ns, call.line))
    return Scenario(path, wavs, expected)


def _write_wav(path: Path, line: _Line, more_s: int) -> None:
    """Noise, ringing and voices to some seconds after the last event; not a whole number of frames."""
    samples = to_sample(line.now_ns) + more_s * RATE + 37
    seed = int(line.line) * 7919
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for block in range(-(-samples // BLOCK)):
            pcm = mixdown(line.sounds, seed, block)
            file.writeframesraw(pcm[: 2 * (samples - block * BLOCK)])


def _table(line: _Line, wav: str, says_idle: bool, mix_notice: bool) -> str:
    """A [[raw]] table; `says_idle` adds the level at the start, which may also be left out."""
    edges = [e for e in line.events if isinstance(e, ContactEdge)]
    rows = ['  [0.0, "hook", "on"],'] if says_idle else []
    rows += [f'  [{_seconds(e.mono_ns)}, "{e.contact}", "{_word(e)}"],' for e in edges]
    presses = ", ".join(_seconds(e.mono_ns) for e in line.events if isinstance(e, ButtonPressed))
    head = ["[[raw]]", f'line = "{line.line}"', f'audio = "{wav}"', f"mix_notice = {str(mix_notice).lower()}"]
    return "\n".join([*head, "contacts = [", *rows, "]", f"press = [{presses}]", ""])


def _word(edge: ContactEdge) -> str:
    return "on" if edge.active == (edge.contact is Contact.RING) else "off"


def _seconds(ns: int) -> str:
    return f"{ns // NS}.{ns % NS:09d}"
