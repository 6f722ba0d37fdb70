"""Announcements out through ALSA: one playback PCM, one thread, each line on its own channel, silence on the others."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tsuwaroku.errors import BoardError
from tsuwaroku.events import BoardFault, Event, Part, Playback
from tsuwaroku.hal.alsa import CardSpec, Pcm, open_pcm

NS = 1_000_000_000
# How often an idle card is looked at: one that is gone is let go of, and taken again when it is back.
WATCH_S = 1.0
# Periods of silence after a last sample: a card that runs dry before it is stopped sounds what is left in its ring.
_SILENCE = 3


class _Voice:
    """What one line is sent: its samples, how many were written, and when the first and last one sound.

    `tried`: it has been carried over to a card opened afresh once.
    """

    __slots__ = ("begun", "end_ns", "samples", "tried", "written")

    def __init__(self, pcm: bytes) -> None:
        self.samples: npt.NDArray[np.int16] = np.frombuffer(pcm, dtype="<i2")
        self.written = 0
        self.begun = False
        self.tried = False
        self.end_ns = 0


class Player:
    """Plays S16LE mono per line. `play` and `stop` only leave a note for the thread, so they never block.

    `speak(line, on)` connects the line's announcement path; it is on only while something plays.
    The times of `Playback` are those of the write plus what the card still had to play (buffer less `avail`):
    good to the card's pointer granularity, mostly below one period (20 ms); `first_sample` is that time on
    the capture card's tracked clock. The codec's own delay (about 1 ms) is not in it.
    A card that fails ends what it was playing, and is told; what had not begun yet is played once it can be opened
    afresh. A card that is gone is let go of within WATCH_S, so that its driver can go too, and is told when it is back.
    """

    def __init__(
        self,
        alsa: Any,
        spec: CardSpec,
        channels_of: Mapping[str, int],
        *,
        position_at: Callable[[int], int],
        post: Callable[[Event], None],
        speak: Callable[[str, bool], None] = lambda line, on: None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._alsa = alsa
        self._spec = spec
        self._channels_of = dict(channels_of)
        self._position_at = position_at
        self._post = post
        self._speak = speak
        self._now_ns = now_ns
        self._pcm: Pcm | None = None
        self._period = spec.period
        self._buffer = spec.buffer
        self._out_ns = 0  # when everything written so far has been played
        self._silence = 0  # periods of it written last
        self._failed: set[str] = set()  # the lines told of a failure; "" for all
        self._notes: list[tuple[str, bytes | None]] = []
        self._voices: dict[str, _Voice] = {}
        self._wake = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Claim the card. One that cannot be had is told now, not at the first call, and taken when it comes."""
        try:
            self._claim()
        except BoardError as error:
            self._failed.add("")
            self._fault("", f"{error}; {error.remedy}", failed=True)
        self._thread = threading.Thread(target=self._run, name=f"play {self._spec.device}", daemon=True)
        self._thread.start()

    def play(self, line: str, pcm: bytes) -> None:
        """Start, or replace what plays."""
        self._note(line, pcm)

    def stop(self, line: str) -> None:
        """Silence the line at once."""
        self._note(line, None)

    def close(self) -> None:
        """Silence everything and release the card. Safe to call twice."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._release()

    def _note(self, line: str, pcm: bytes | None) -> None:
        with self._wake:
            self._notes.append((line, pcm))
            self._wake.notify()

    def _claim(self) -> None:
        self._pcm, self._period, self._buffer = open_pcm(self._alsa, self._spec, self._alsa.PCM_PLAYBACK)

    def _release(self) -> None:
        if self._pcm is not None:
            for step in (self._pcm.drop, self._pcm.close):  # close() alone would drain
                with contextlib.suppress(self._alsa.ALSAAudioError):
                    step()
            self._pcm = None

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._notes and not self._closed:
                    self._wake.wait(self._period / self._spec.rate / 2 if self._voices else WATCH_S)
                notes, self._notes = self._notes, []
                if self._closed:
                    break
            try:
                self._act(notes)
                if self._voices:
                    self._fill()
                elif not notes:
                    self._watch()
            except self._alsa.ALSAAudioError as error:
                self._fail(str(error))
            except Exception as error:  # whatever it is: a thread that ended in silence would leave every caller untold
                self._fail(f"{type(error).__name__}: {error}")
        for line in list(self._voices):
            self._end(line)

    def _watch(self) -> None:
        """With nothing to play: see whether the card is still there, or there again."""
        if self._pcm is None:
            with contextlib.suppress(BoardError):
                self._reclaim()
        elif self._pcm.state() == self._alsa.PCM_STATE_DISCONNECTED:
            self._fail("is gone")

    def _act(self, notes: list[tuple[str, bytes | None]]) -> None:
        for line, pcm in notes:
            if line in self._voices:
                self._rewind()
                self._end(line)
            if pcm and line in self._channels_of:
                self._voices[line] = _Voice(pcm)
                self._speak(line, True)
            elif pcm is not None:
                self._post(Playback(line, False, self._position_at(self._now_ns()), self._now_ns()))

    def _rewind(self) -> None:
        """Throw away what the card has not played yet; the other lines take up where they were."""
        if self._pcm is None:
            return
        queued = self._queued(self._pcm)
        with contextlib.suppress(self._alsa.ALSAAudioError):  # told by the next write; what was asked is done first
            self._pcm.drop()
        self._out_ns = 0
        for voice in self._voices.values():
            voice.written = max(0, voice.written - queued)

    def _queued(self, pcm: Pcm) -> int:
        room = pcm.avail()
        return 0 if room < 0 else max(0, self._buffer - room)  # an error is told by the next write

    def _fill(self) -> None:
        """Write whole periods while the card has room, and see who has finished."""
        if self._pcm is None:
            try:
                self._reclaim()
            except BoardError as error:
                self._fail(error.message)
                return
        pcm = self._pcm
        assert pcm is not None
        while self._unwritten() or self._silence < _SILENCE:
            queued = self._queued(pcm)
            # By its own count, and by the clock: alsa-lib's `null` and `file` take any amount at once.
            ahead = (self._out_ns - self._now_ns()) * self._spec.rate // NS
            if self._buffer - max(queued, ahead) < self._period or not self._write(pcm, queued):
                break
        now = self._now_ns()
        for line, voice in list(self._voices.items()):
            if voice.written >= len(voice.samples) and now >= voice.end_ns:
                self._end(line)
        if not self._voices:
            pcm.drop()  # otherwise the card would run dry and report an underrun at the next play
            self._out_ns = 0

    def _unwritten(self) -> bool:
        return any(voice.written < len(voice.samples) for voice in self._voices.values())

    def _write(self, pcm: Pcm, queued: int) -> bool:
        self._silence = 0 if self._unwritten() else self._silence + 1
        table = np.zeros((self._period, self._spec.channels), dtype="<i2")
        for line, voice in self._voices.items():
            piece = voice.samples[voice.written : voice.written + self._period]
            table[: len(piece), self._channels_of[line]] = piece
        written = pcm.write(table.tobytes())
        if written == -errno.EPIPE:  # ran dry; pyalsaaudio has prepared it again
            queued = 0
            written = pcm.write(table.tobytes())
        if written <= 0:
            return False
        out_ns = max(self._now_ns() + queued * NS // self._spec.rate, self._out_ns)
        self._out_ns = out_ns + written * NS // self._spec.rate
        for line, voice in self._voices.items():
            if not voice.begun:
                voice.begun = True
                self._post(Playback(line, True, self._position_at(out_ns), out_ns))
            left = max(0, len(voice.samples) - voice.written)
            if left:
                voice.end_ns = out_ns + min(left, written) * NS // self._spec.rate
            voice.written += min(left, written)
        return True

    def _end(self, line: str) -> None:
        voice = self._voices.pop(line)
        self._speak(line, False)
        now = self._now_ns()
        ended = min(now, voice.end_ns) if voice.written >= len(voice.samples) else now
        self._post(Playback(line, False, self._position_at(ended), ended))

    def _fail(self, text: str) -> None:
        was_open = self._pcm is not None
        self._release()
        if not self._voices:
            self._tell("", text)
        for line, voice in list(self._voices.items()):
            if was_open and not voice.begun and not voice.tried:
                voice.tried = True
            else:
                self._tell(line, text)
                self._end(line)

    def _tell(self, line: str, text: str) -> None:
        self._failed.add(line)
        self._fault(line, f"announcement card {self._spec.device}: {text}", failed=True)

    def _reclaim(self) -> None:
        """Open the card again. Raises BoardError."""
        self._claim()
        self._out_ns = 0
        for line in sorted(self._failed):
            self._fault(line, f"announcement card {self._spec.device} is back", failed=False)
        self._failed.clear()

    def _fault(self, line: str, text: str, *, failed: bool) -> None:
        self._post(BoardFault(line, failed, text, self._now_ns(), Part.ANNOUNCEMENT))
