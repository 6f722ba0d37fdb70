"""What is heard on one line: keys, tones of the exchange, speech, callers' numbers. Pure, like its detectors.

Frames are collected into blocks that begin and end at fixed positions of the stream, so what is heard does not depend
on how the frames came. A block is judged when a tick has passed its end: then every edge before it is known, and the
state of the line says what to listen for. What was heard counts as an input at the block's end.

An idle line costs next to nothing: a block without a sound in it is looked at for its loudest sample only.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsuwaroku.events import AudioFrame, Gap
from tsuwaroku.signalling.cadence import Tone, ToneNamed
from tsuwaroku.signalling.callerid import CallerId, CallerIdReceiver, DtmfCallerId
from tsuwaroku.signalling.dtmf import Digit, DtmfDetector
from tsuwaroku.signalling.onhook import OnHookVoice
from tsuwaroku.signalling.spoken import SpeechDetector
from tsuwaroku.signalling.tones import ToneDetector

NS: Final = 1_000_000_000
BLOCKS_A_SECOND: Final = 5
# Below every detector's floor (-44 dBm0), above the peaks of a line's own noise (-60 dBm0).
_QUIET_DBM0: Final = -46.0
_QUIET_PEAK: Final = 32767.0 / 10 ** ((3.14 - _QUIET_DBM0) / 20)
# Rhythms have pauses of up to 3.2 s: for so many blocks after the last sound, silence is listened to as well.
_AFTERWARDS: Final = 18
_NEVER: Final = 1 << 62
# Blocks that wait for a tick. Ticks that stay away for longer than this are a machine that stood still.
_MOST_WAITING: Final = 50


class Listening(enum.Enum):
    """What a line's state makes worth listening for."""

    ON_HOOK = "on-hook"  # or not yet answered: the caller's number, and a voice that ought not to be there
    DIALLED = "dialled"  # off-hook, and nobody is there yet, or nobody any more: keys, tones, speech
    TALK = "talk"  # keys, tones, and the number of another caller


class Key(msgspec.Struct, frozen=True, gc=False):
    """A key of DTMF. `level_dbm0`: of both its tones together."""

    key: str
    began_ns: int
    level_dbm0: float


class ToneHeard(msgspec.Struct, frozen=True, gc=False):
    """A tone of the exchange goes on since `began_ns`, for `cycles` of its rhythm so far; 0: its first, perhaps."""

    tone: Tone
    began_ns: int
    cycles: int


class Spoken(msgspec.Struct, frozen=True, gc=False):
    """Somebody speaks, since `began_ns`."""

    began_ns: int


class VoiceHeard(msgspec.Struct, frozen=True, gc=False):
    """Somebody speaks since `began_ns`, for long and without a doubt, on a line that is on-hook."""

    began_ns: int


class NumberHeard(msgspec.Struct, frozen=True, gc=False):
    """What the exchange said of a caller's number, from `began_ns` on."""

    caller: CallerId
    began_ns: int


Heard = Key | ToneHeard | Spoken | VoiceHeard | NumberHeard


class Block(msgspec.Struct, frozen=True, gc=False):
    """What came of one stretch of the stream: runs without a loss in them, each with its first sample."""

    end_sample: int
    end_ns: int
    runs: tuple[tuple[int, bytes], ...]


class Ear:
    """One line. Nothing raises, whatever the sound."""

    def __init__(self, rate: int) -> None:
        """Raises BoardError where libspandsp2 is missing."""
        self._rate = rate
        self._size = rate // BLOCKS_A_SECOND
        self._parts: list[bytes] = []  # the run that is being collected,
        self._first = self._next = 0  # from here to here,
        self._runs: list[tuple[int, bytes]] = []  # and those before it in its block
        self._until = 0  # where the block ends; 0 before any sound
        self._blocks: deque[Block] = deque(maxlen=_MOST_WAITING)
        self.next_ns = _NEVER  # when the first of them has ended: `due` has nothing before
        self._blank: deque[tuple[int, int | None]] = deque()  # what we play ourselves
        self._listening = Listening.ON_HOOK
        self._last_key: Digit | None = None
        self._left = 0  # blocks of silence still to be listened to
        self._keys = DtmfDetector(rate)
        self._tones = ToneDetector(rate)
        self._speech = SpeechDetector(rate)
        self._on_hook_voice = OnHookVoice(rate)
        self._numbers = CallerIdReceiver(rate)
        self._number_by_keys = DtmfCallerId(rate)

    # -- collecting

    def audio(self, frame: AudioFrame) -> None:
        """One frame, in stream order. This runs for every line and 20 ms."""
        end = frame.first_sample + len(frame.pcm) // 2
        if frame.first_sample == self._next and end < self._until and self._parts:
            self._parts.append(frame.pcm)
            self._next = end
        else:
            self._cut(frame, end)

    def gap(self, gap: Gap) -> None:
        """Samples were lost: what follows does not join what came before."""
        end = gap.first_sample + gap.samples
        if self._until and end >= self._until:
            self._close(gap.mono_ns, gap.first_sample)
            self._until = (end // self._size + 1) * self._size

    def blank(self, first_sample: int, end_sample: int | None) -> None:
        """From `first_sample` on we play ourselves, to `end_sample`, or None as long as nobody says so."""
        if self._blank and self._blank[-1][1] is None:
            self._blank.pop()
        self._blank.append((first_sample, end_sample))

    def _cut(self, frame: AudioFrame, end: int) -> None:
        """A frame that begins a block or a run, or reaches a block's end."""
        first, pcm = frame.first_sample, frame.pcm
        if not self._until:
            self._until = (first // self._size + 1) * self._size
        while end >= self._until:
            if first < self._until:
                inside = (self._until - first) * 2
                self._add(first, pcm[:inside])
                first, pcm = self._until, pcm[inside:]
            self._close(frame.mono_ns, frame.first_sample)
        if pcm:
            self._add(first, pcm)

    def _add(self, first: int, pcm: bytes) -> None:
        if first != self._next:
            self._end_run()
        if not self._parts:
            self._first = first
        self._parts.append(pcm)
        self._next = first + len(pcm) // 2

    def _end_run(self) -> None:
        if self._parts:
            self._runs.append((self._first, b"".join(self._parts)))
            self._parts = []

    def _close(self, mono_ns: int, first_sample: int) -> None:
        """The block is complete; `mono_ns` is the time of `first_sample`."""
        end = self._until
        self._end_run()
        if self._runs:
            end_ns = mono_ns + (end - first_sample) * NS // self._rate
            self._blocks.append(Block(end, end_ns, tuple(self._runs)))
            self.next_ns = self._blocks[0].end_ns
            self._runs = []
        self._until = end + self._size

    # -- judging

    def due(self, now_ns: int) -> Block | None:
        """The next block that has ended by `now_ns`, once."""
        if self.next_ns > now_ns:
            return None
        block = self._blocks.popleft()
        self.next_ns = self._blocks[0].end_ns if self._blocks else _NEVER
        return block

    def judge(self, block: Block, listening: Listening) -> list[Heard]:
        """What is heard in a block, in no particular order."""
        heard: list[Heard] = []
        if listening is not self._listening:
            heard += self._forget(block)
            self._listening, self._left = listening, 0
        runs = [(first, np.frombuffer(pcm, dtype="<i2")) for first, pcm in self._unblanked(block)]
        if any(pcm.max() >= _QUIET_PEAK or pcm.min() <= -_QUIET_PEAK for _, pcm in runs):
            self._left = _AFTERWARDS
        elif self._left:
            self._left -= 1
            if not self._left:
                heard += self._forget(block)
        if not self._left:
            return heard
        for first, pcm in runs:
            heard += self._listen(block, first, pcm)
        return heard

    def _listen(self, block: Block, first: int, pcm: NDArray[np.int16]) -> list[Heard]:
        heard: list[Heard] = []
        if self._listening is not Listening.DIALLED:
            heard += self._said(block, self._numbers.feed(first, pcm))
        digits = [digit for digit in self._keys.feed(first, pcm) if self._is_new(digit)]
        if self._listening is Listening.ON_HOOK:
            callers = [said for one in digits for said in self._number_by_keys.digit(one.key, one.first_sample)]
            heard += self._said(block, callers + self._number_by_keys.tick(first + pcm.size))
            since = self._on_hook_voice.feed(first, pcm)
            return heard if since is None else [*heard, VoiceHeard(self._ns(block, since))]
        for digit in digits:
            heard.append(Key(digit.key, self._ns(block, digit.first_sample), digit.level_dbm0))
        for named in self._tones.feed(first, pcm):
            if isinstance(named, ToneNamed):
                heard.append(ToneHeard(named.kind, self._ns(block, named.first_sample), named.cycles))
        if self._listening is Listening.DIALLED:
            if not any(isinstance(one, ToneHeard) for one in heard) and (tone := self._tones.expected) is not None:
                heard.append(ToneHeard(tone, block.end_ns, 0))
            since = self._speech.feed(first, pcm)
            if since is not None:
                heard.append(Spoken(self._ns(block, since)))
        return heard

    def _ns(self, block: Block, sample: int) -> int:
        """The time of a sample in this block or before it."""
        return block.end_ns - (block.end_sample - sample) * NS // self._rate

    def _is_new(self, digit: Digit) -> bool:
        """Not the echo of the key before, which goes on a little longer: a pause is 30 ms at least."""
        before, self._last_key = self._last_key, digit
        if before is None or before.key != digit.key:
            return True
        return digit.first_sample >= before.first_sample + before.samples + self._rate // 50

    def _said(self, block: Block, callers: Sequence[CallerId]) -> list[Heard]:
        return [NumberHeard(caller, self._ns(block, caller.first_sample)) for caller in callers]

    def _forget(self, block: Block) -> list[Heard]:
        """What comes next is not joined to what came before; a number that was whole is told all the same."""
        self._keys.lost(0, 0)
        self._tones.lost(0, 0)
        self._speech.lost()
        self._on_hook_voice.lost()
        callers = self._numbers.flush()
        if self._listening is Listening.ON_HOOK:
            callers = callers + self._number_by_keys.flush()
        return self._said(block, callers)

    def _unblanked(self, block: Block) -> Sequence[tuple[int, bytes]]:
        """The block's runs less what we played ourselves."""
        while self._blank and (end := self._blank[0][1]) is not None and end <= block.end_sample - self._size:
            self._blank.popleft()
        runs = list(block.runs)
        for begin, end in self._blank:
            left: list[tuple[int, bytes]] = []
            for at, run in runs:
                before = run[: max(begin - at, 0) * 2]
                after = b"" if end is None else run[max(end - at, 0) * 2 :]
                if len(before) + len(after) >= len(run):
                    left.append((at, run))
                    continue
                left += [(at, before)] if before else []
                left += [(at + (len(run) - len(after)) // 2, after)] if after else []
            runs = left
        return runs
