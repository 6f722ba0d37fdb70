"""From runs of a steady 400 Hz tone and the pauses between them to named tones: the table, and who reads it."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from typing import Final

import msgspec

_PAUSE_S: Final = 0.3  # a shorter pause does not part the bursts of a call-waiting tone


class Tone(enum.StrEnum):
    """What an exchange says without words."""

    DIAL = "dial"
    PBX_DIAL = "pbx_dial"
    RING_BACK = "ring_back"
    BUSY = "busy"
    HOWLER = "howler"
    CALL_WAITING = "call_waiting"


class ToneNamed(msgspec.Struct, frozen=True, gc=False):
    """`kind` is heard since `first_sample`, for `cycles` now: said when it is named, and at each cycle from then on.

    A cycle is a tone and enough of the pause behind it; of a tone without pauses, a second.
    """

    kind: Tone
    first_sample: int
    cycles: int


class ToneOver(msgspec.Struct, frozen=True, gc=False):
    """A tone that was named is over; the last that was heard of it ended at `at_sample`."""

    kind: Tone
    at_sample: int


class Cadence(msgspec.Struct, frozen=True):
    """A rhythm: seconds of tone and of pause, each at least and at most; what it is named after, in cycles."""

    kind: Tone
    on: tuple[float, float]
    off: tuple[float, float]
    named_after: int
    modulated: bool | None = None  # None: either way


_CONTINUOUS: Final = (Tone.DIAL, Tone.HOWLER)


def _five_percent(seconds: float) -> tuple[float, float]:
    """±5 %, and a block either way."""
    return seconds * 0.95 - 0.025, seconds * 1.05 + 0.025


RHYTHMS: Final = (
    Cadence(Tone.PBX_DIAL, _five_percent(0.25), _five_percent(0.25), 2),
    Cadence(Tone.BUSY, _five_percent(0.5), _five_percent(0.5), 2),
    # Modulated, one second is enough, and after 0.7 s of pause it is no other tone. PBXs vary its pauses.
    Cadence(Tone.RING_BACK, (0.8, 1.2), (0.7, 3.2), 1, modulated=True),
    Cadence(Tone.RING_BACK, (0.8, 1.2), (0.7, 3.2), 2, modulated=False),
)


class ToneParameters(msgspec.Struct, frozen=True):
    """What is a tone, and what each is called. Rhythms by the facts; the howler's and call waiting's are field values:
    nothing that could be read gives more than that they exist.
    """

    hertz: float = 400.0
    hertz_off: float = 0.055  # exchanges: within 5 %
    floor_dbm0: float = -44.0
    share: float = 0.7  # of the energy of a block, hum apart
    modulation: float = 0.25  # spread of the power from block to block, over its mean
    # How still the phase stands in a steady tone, and in a modulated one: 1 is quite still.
    coherence: tuple[float, float] = (0.98, 0.93)
    level_db: float = 4.0  # how alike the runs of one tone are
    alike_hz: float = 4.0
    rhythms: tuple[Cadence, ...] = RHYTHMS
    continuous_s: float = 1.25  # longer than any run of a rhythm
    howler_modulated_s: float = 2.5
    howler_dbm0: float = -5.0
    howler_rise_db: float = 6.0
    waiting_on_s: tuple[float, float] = (0.08, 0.8)  # one burst, or several with short pauses
    waiting_cycle_s: tuple[float, float] = (2.0, 11.0)
    # Talk has short runs of nearly 400 Hz, so these bursts must be as like as a machine's, and as pure.
    waiting_alike: tuple[float, float, float] = (1.5, 1.0, 0.025)  # dB, Hz, s
    waiting_pure: float = 0.93


class Run(msgspec.Struct, frozen=True, gc=False):
    """A steady tone from `start` to before `end`, in samples of the line; `power` is its mean square."""

    start: int
    end: int
    hertz: float
    power: float
    modulated: bool
    pure: float  # share of the energy that is the tone's


class _Named(msgspec.Struct):
    kind: Tone
    first: int
    cycles: int
    end: int  # the last that was heard of it


class Cadences:
    """Runs and pauses in their order, names out. Its state is a few runs at most."""

    def __init__(self, parameters: ToneParameters, rate: int) -> None:
        self._p = parameters
        self._rate = rate
        self._longest = max((one.off[1] for one in parameters.rhythms), default=0.0)
        self._full_power = (32767.0 / 10 ** (3.14 / 20)) ** 2 / 2
        self._drop()

    def _drop(self) -> None:
        self._named: _Named | None = None
        self._run: Run | None = None  # the last, whose pause this is
        self._clean = True  # nothing else was heard in that pause,
        self._doubt = False  # but for its last block, which may be the beginning of a tone
        self._counted = False  # it has already counted as a cycle
        self._cycles: dict[int, tuple[int, int]] = {}  # per rhythm that goes on: first sample, cycles
        self._waiting = _Waiting(self._p, self._rate)

    @property
    def busy(self) -> bool:
        """Whether a pause has to be looked at block by block."""
        return self._run is not None or self._named is not None

    @property
    def power(self) -> float:
        """Of the last run; 0 where none is near."""
        return self._run.power if self._run else 0.0

    @property
    def expected(self) -> Tone | None:
        """Heard once, not yet named."""
        if self._named is None:
            for number, (_, cycles) in self._cycles.items():
                if cycles:
                    return self._p.rhythms[number].kind
        return None

    def lost(self) -> list[ToneNamed | ToneOver]:
        """What comes next is not joined to what was."""
        out = self._over() + self._waiting.over()
        self._drop()
        return out

    def idle(self, now: int) -> list[ToneNamed | ToneOver]:
        """Time has come to `now`, and there is nothing else to say."""
        return self._waiting.pause(now) if self._waiting.busy else []

    def pause(self, now: int, quiet: bool) -> list[ToneNamed | ToneOver]:
        """No tone up to `now`. `quiet`: nor anything else."""
        out: list[ToneNamed | ToneOver] = self._waiting.pause(now)
        run = self._run
        if run is None:
            return out
        self._clean = self._clean and not self._doubt
        self._doubt = not quiet
        off = (now - run.end) / self._rate
        if not self._counted:
            out += self._count(run, off)
        if self._named is not None and off > self._off_of(self._named.kind):
            out += self._over()
        hopeless = self._named is None and not (self._counted or (self._clean and self._cycles))
        if off > self._longest or hopeless:
            self._run = None
            self._cycles = {}
        return out

    def run(self, run: Run | None, end: int) -> list[ToneNamed | ToneOver]:
        """A run is over, at `end`. None: it was no steady tone."""
        named = self._named
        if named is not None and named.kind in _CONTINUOUS:
            named.end = end if run is None else run.end
            out = self._over()
        else:
            out = []
        if run is None:
            return out + self.pause(end, False)
        before, self._run = self._run, run
        gap = (run.start - before.end) / self._rate if before else math.inf
        joined = before is not None and self._counted and alike(before, run, self._p.level_db, self._p.alike_hz)
        going = {
            number: chain
            for number, chain in self._cycles.items()
            if joined and self._p.rhythms[number].off[0] <= gap <= self._p.rhythms[number].off[1]
        }
        fits = [number for number, rhythm in enumerate(self._p.rhythms) if self._fits(rhythm, run)]
        self._cycles = {number: going.get(number, (run.start, 0)) for number in fits}
        self._clean, self._doubt, self._counted = True, False, False
        if self._named is not None:
            if self._of_named(going):
                self._named.end = run.end  # even where it is cut short: then it was this tone's last
            if not self._of_named([number for number in fits if number in going]):
                out += self._over()
        if self._named is None and not any(cycles for _, cycles in self._cycles.values()):
            return out + self._waiting.run(run)
        return out + self._waiting.over()

    def _of_named(self, numbers: Iterable[int]) -> bool:
        """Whether one of these rhythms is of the tone that is named."""
        named = self._named
        return named is not None and any(self._p.rhythms[number].kind is named.kind for number in numbers)

    def continuous(self, run: Run, length: float, rise_db: float) -> list[ToneNamed | ToneOver]:
        """A run goes on, for `length` seconds now, `rise_db` louder than it began."""
        out = self._waiting.over()
        self._run, self._cycles = None, {}
        level = 10 * math.log10(run.power / self._full_power)
        kind: Tone | None = Tone.DIAL
        if run.modulated:
            kind = Tone.HOWLER if length >= self._p.howler_modulated_s else None
        elif level >= self._p.howler_dbm0 or rise_db >= self._p.howler_rise_db:
            kind = Tone.HOWLER
        named = self._named
        if named is not None and (named.kind is not kind) and not (named.kind is Tone.HOWLER and kind is Tone.DIAL):
            out += self._over()
            named = None
        if kind is None:
            return out
        cycles = max(int(length), 1)
        if named is None:
            self._named = named = _Named(kind, run.start, 0, run.end)
        named.end = run.end
        if cycles > named.cycles:
            named.cycles = cycles
            out.append(ToneNamed(named.kind, named.first, cycles))
        return out

    def unsteady(self) -> list[ToneNamed | ToneOver]:
        """A long run is no steady tone (any more)."""
        self._run, self._cycles, self._clean = None, {}, False
        return self._over()

    def _count(self, run: Run, off: float) -> list[ToneNamed | ToneOver]:
        """The pause grew: whether it makes a cycle full."""
        for number, (first, cycles) in self._cycles.items():
            rhythm, named = self._p.rhythms[number], self._named
            if off < rhythm.off[0] or not (self._clean or named):
                continue
            self._counted = True
            cycles += 1
            self._cycles[number] = (first, cycles)
            if named is not None:
                named.cycles += 1
                return [ToneNamed(named.kind, named.first, named.cycles)]
            if cycles >= rhythm.named_after:
                self._named = _Named(rhythm.kind, first, cycles, run.end)
                return [*self._waiting.over(), ToneNamed(rhythm.kind, first, cycles)]
        return []

    def _fits(self, rhythm: Cadence, run: Run) -> bool:
        length = (run.end - run.start) / self._rate
        return rhythm.on[0] <= length <= rhythm.on[1] and rhythm.modulated in (None, run.modulated)

    def _off_of(self, kind: Tone) -> float:
        """The longest pause in a tone of this kind."""
        return max((one.off[1] for one in self._p.rhythms if one.kind is kind), default=0.0)

    def _over(self) -> list[ToneNamed | ToneOver]:
        named, self._named = self._named, None
        return [] if named is None else [ToneOver(named.kind, named.end)]


def alike(a: Run, b: Run, level_db: float, hertz: float) -> bool:
    """Whether two runs may be of one tone."""
    return abs(10 * math.log10(a.power / b.power)) <= level_db and abs(a.hertz - b.hertz) <= hertz


class _Waiting:
    """The call-waiting tone: like bursts some seconds apart, whatever is said between them."""

    def __init__(self, parameters: ToneParameters, rate: int) -> None:
        self._p = parameters
        self._rate = rate
        self._forget()

    def _forget(self) -> None:
        self._bursts: list[Run] = []  # of the group that goes on
        self._before: Run | None = None  # the group before it, as one
        self._cycles = 0
        self._first = 0

    @property
    def busy(self) -> bool:
        return bool(self._bursts) or self._before is not None

    def run(self, run: Run) -> list[ToneNamed | ToneOver]:
        """One more burst."""
        if len(self._bursts) < 8:
            self._bursts.append(run)
        return []

    def pause(self, now: int) -> list[ToneNamed | ToneOver]:
        """No tone up to `now`."""
        if self._bursts and (now - self._bursts[-1].end) / self._rate >= _PAUSE_S:
            return self._group()
        before = self._before
        if before is not None and (now - before.start) / self._rate > self._p.waiting_cycle_s[1]:
            return self.over()
        return []

    def over(self) -> list[ToneNamed | ToneOver]:
        """No more of them, or these runs were another tone's."""
        before, named = self._before, self._cycles >= 2
        self._forget()
        return [ToneOver(Tone.CALL_WAITING, before.end)] if before is not None and named else []

    def _group(self) -> list[ToneNamed | ToneOver]:
        first, last = self._bursts[0], self._bursts[-1]
        group = Run(first.start, last.end, first.hertz, first.power, first.modulated, first.pure)
        pure = all(one.pure >= self._p.waiting_pure for one in self._bursts)
        self._bursts = []
        shortest, longest = self._p.waiting_on_s
        if not pure or not shortest <= (group.end - group.start) / self._rate <= longest:
            return []  # something that somebody said
        if not self._again(group):
            out = self.over()
            self._before, self._cycles, self._first = group, 1, group.start
            return out
        self._before = group
        self._cycles += 1
        return [ToneNamed(Tone.CALL_WAITING, self._first, self._cycles)]

    def _again(self, group: Run) -> bool:
        """Whether it is the burst before once more, in time."""
        before, (decibels, hertz, seconds) = self._before, self._p.waiting_alike
        if before is None or not alike(before, group, decibels, hertz):
            return False
        shortest, longest = self._p.waiting_cycle_s
        longer = (group.end - group.start) - (before.end - before.start)
        return (
            abs(longer) <= seconds * self._rate
            and shortest <= (group.start - before.start) / self._rate <= longest
            and group.modulated == before.modulated
        )
