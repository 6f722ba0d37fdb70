"""Capture through ALSA (pyalsaaudio): one card, one reader thread, every loss accounted.

What pyalsaaudio 0.11 does, read in its source: `read()` returns (frames, octets) of at most one period;
(0, b"") when nothing is there; (-EPIPE, b"") after an overrun, with the stream already prepared again but
not started; any other error raises ALSAAudioError. A non-blocking read gives whatever is there, so a period
is asked for only once `avail()` has promised one: fewer frames than that is then an error, not a habit.
Its constructor ignores refused parameters, so what the card really gave is read back and checked here.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tsuwaroku.errors import BoardError
from tsuwaroku.events import GapReason
from tsuwaroku.hal.framing import SAMPLE_OCTETS, Block, CardItem, CardQueue, Hole, Trouble
from tsuwaroku.hal.tracked import SampleClock

NS = 1_000_000_000
RETRY_S = 1.0
# A card that is open and silent this long has failed, whatever it says (a wedged USB host gives no error).
STALL_S = 2.0
# The queue to the recorder. Beyond this the recorder is not late but stuck.
QUEUE_S = 4.0
# A source that gives more than its rate (alsa-lib's `file`, which is not paced) is held to this much above it.
_HASTE = 1.001


class Pcm(Protocol):
    """The part of `alsaaudio.PCM` that is used."""

    def info(self) -> dict[str, Any]: ...
    def avail(self) -> int: ...
    def state(self) -> int: ...
    def read(self) -> tuple[int, bytes]: ...
    def write(self, data: bytes) -> int: ...
    def drop(self) -> Any: ...
    def close(self) -> Any: ...
    def polldescriptors(self) -> list[tuple[int, int]]: ...


@dataclass(frozen=True, slots=True)
class CardSpec:
    """What is asked of a card. `device` is a PCM's name or path, or a card's name; sizes are in samples."""

    device: str
    rate: int
    channels: int
    period: int
    buffer: int
    where: str = "board.capture"


def load_alsa() -> Any:
    """The alsaaudio module, its library's chatter on stderr silenced. Raises BoardError where it is missing."""
    try:
        import alsaaudio
    except ImportError as error:
        raise BoardError(
            f"ALSA cannot be used ({error})", where="board", remedy="run scripts/setup: it installs pyalsaaudio"
        ) from error
    _silence()
    return alsaaudio


_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
_quiet = _Handler(lambda *_: None)


def _silence() -> None:
    # alsa-lib prints several lines for a card that is merely absent; our one message says it better.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_quiet)


def device_name(alsa: Any, device: str) -> str:
    """The PCM to open: `device` itself where ALSA knows it or it is a path (`hw:…`), else the card of that name.

    A card is opened unconverted (`hw`), so that what it cannot give is told and not quietly resampled.
    """
    if ":" in device or device in alsa.pcms() or device not in alsa.cards():
        return device
    return f"hw:CARD={device}"


def open_pcm(alsa: Any, spec: CardSpec, direction: int) -> tuple[Pcm, int, int]:
    """Open and check: the PCM, its period and its buffer in samples. Raises BoardError."""
    name = device_name(alsa, spec.device)
    try:
        pcm: Pcm = alsa.PCM(
            type=direction,
            mode=alsa.PCM_NONBLOCK,
            device=name,
            rate=spec.rate,
            channels=spec.channels,
            format=alsa.PCM_FORMAT_S16_LE,
            periodsize=spec.period,
            periods=max(2, spec.buffer // spec.period),
        )
    except alsa.ALSAAudioError as error:
        raise _not_opened(alsa, spec, str(error)) from error
    try:
        period, buffer = _check(spec, pcm.info())
    except BaseException:
        with contextlib.suppress(alsa.ALSAAudioError):
            pcm.close()
        raise
    return pcm, period, buffer


def _not_opened(alsa: Any, spec: CardSpec, text: str) -> BoardError:
    if "busy" in text.lower():
        remedy = "another program has it: stop that program, or use a shared (dsnoop) PCM"
    elif "permission" in text.lower():
        remedy = "let the service's user into the group audio"
    else:
        cards = ", ".join(alsa.cards()) or "none"
        pcms = ", ".join(alsa.pcms()) or "none"
        remedy = f"cards present: {cards}; PCMs: {pcms}; plug the card in or name another in {spec.where}"
    return BoardError(f"the sound card {spec.device} cannot be opened ({text})", where=spec.where, remedy=remedy)


def _check(spec: CardSpec, given: dict[str, Any]) -> tuple[int, int]:
    """Period and buffer as granted; raises BoardError where the card gave something that cannot be used."""
    period, buffer = int(given["period_size"]), int(given["buffer_size"])
    table = spec.where.rpartition(".")[0]  # in which the card is described
    for what, asked, got, remedy in (
        ("format", "S16_LE", given["format_name"], f'use a converting PCM, e.g. "plughw:CARD={spec.device}"'),
        ("channels", spec.channels, given["channels"], f"set {table}.channels = {given['channels']}"),
        ("rate", spec.rate, given["rate"], f"set board.rate = {given['rate']} or use a converting PCM (plughw)"),
    ):
        if asked != got:
            raise BoardError(
                f"the sound card {spec.device} gave {what} {got}, not {asked}", where=spec.where, remedy=remedy
            )
    if not spec.period <= 2 * period <= 4 * spec.period:
        raise BoardError(
            f"the sound card {spec.device} gave a period of {period} samples, not {spec.period}",
            where=spec.where,
            remedy=f"set board.period_ms = {max(1, round(period * 1000 / spec.rate))}, or use another PCM",
        )
    if buffer < 2 * period or buffer * 5 < spec.buffer * 4:
        raise BoardError(
            f"the sound card {spec.device} gave a buffer of {buffer} samples, not {spec.buffer}",
            where=spec.where,
            remedy=f"set board.buffer_ms = {buffer * 1000 // spec.rate}, or use another PCM",
        )
    return period, buffer


def _told(error: BoardError) -> str:
    return f"{error}; {error.remedy}"


class Capture:
    """One card read by one thread into a bounded queue. `drain` gives what came, in order.

    A hole's length is the tracked clock's: the samples the card would have taken up to the moment it was
    started again, less those it gave, and one period at the least. It is uncertain by the card's start-up
    latency and the clock's own error: a few milliseconds, at worst one period; from there on positions
    and times agree again.
    """

    def __init__(
        self,
        alsa: Any,
        spec: CardSpec,
        bell: Callable[[], None] = lambda: None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        queue_s: float = QUEUE_S,
    ) -> None:
        self._alsa = alsa
        self._spec = spec
        self._now_ns = now_ns
        self._queue = CardQueue(int(queue_s * spec.rate), bell)
        self.clock = SampleClock(spec.rate)
        self._pcm: Pcm | None = None
        self._period = spec.period
        self._buffer = spec.buffer
        self._position = 0
        self._hole: GapReason | None = None  # why the next start leaves a hole before it
        self._to_start = True
        self._fresh = True  # started, and nothing came yet
        self._started_ns = 0
        self._allowed = 0.0  # samples that may be read without getting ahead of time
        self._allowed_ns = 0
        self._data_ns = 0
        self._promised = False  # the descriptors said that there is something to read
        self._opened_ns = 0
        self._failed = False
        self._told = ""  # why it could not be opened again
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Claim the card and start reading. Raises BoardError."""
        self._claim()
        self.clock.restart(0, self._opened_ns)
        self._begin()

    def open_later(self, error: BoardError) -> None:
        """As `open`, where that raised `error`: a card that has failed already, and is read when it comes.

        The stream begins now all the same, with a hole of one period, so that positions have a time to count from.
        """
        self._opened_ns = self._now_ns()
        self.clock.restart(0, self._opened_ns)
        self._failed, self._told = True, str(error)
        self._queue.put(Trouble(True, _told(error), self._opened_ns))
        self._hole = GapReason.UNPLUGGED
        self._queue.put(Hole(0, self._opened_ns, self._period, self._hole))
        self._position = self._period
        self._begin()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"alsa {self._spec.device}", daemon=True)
        self._thread.start()

    def drain(self) -> list[CardItem]:
        """What has come since the last time."""
        return self._queue.drain()

    def close(self) -> None:
        """Stop reading and release the card. Safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._release()

    def _claim(self) -> None:
        self._opened_ns = self._now_ns()
        self._pcm, self._period, self._buffer = open_pcm(self._alsa, self._spec, self._alsa.PCM_CAPTURE)
        self._poll = select.poll()
        for descriptor, events in self._pcm.polldescriptors():
            self._poll.register(descriptor, events)
        self._to_start = True

    def _release(self) -> None:
        if self._pcm is not None:
            with contextlib.suppress(self._alsa.ALSAAudioError):
                self._pcm.close()
            self._pcm = None

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._pcm is None:
                self._reclaim()
                continue
            try:
                self._turn(self._pcm)
            except self._alsa.ALSAAudioError as error:
                self._fail(str(error))
            except Exception as error:  # whatever it is: a reader that ended in silence would leave the lines deaf
                self._fail(f"{type(error).__name__}: {error}")

    def _turn(self, pcm: Pcm) -> None:
        """Start, read a period, or wait for one."""
        if self._to_start:
            self._start(pcm)
            return
        ready = pcm.avail()
        now = self._now_ns()
        if 0 <= ready < self._period:
            if now - self._data_ns > STALL_S * NS:
                self._fail("gives no samples")
            else:
                self._wait_for_period()
        elif not self._may_read(now):
            self._stop.wait(self._period / self._spec.rate / 4)
        else:
            self._promised = False
            if self._take(pcm, *pcm.read()):
                # A buffer that is always full is a plug-in's fancy, not a measurement.
                more = ready - self._period if self._period <= ready < self._buffer else 0
                self.clock.observe(self._position + more, now)
                if more < self._period:
                    self._wait_for_period()

    def _start(self, pcm: Pcm) -> None:
        """The first read starts a prepared stream; this is the moment its first sample is taken."""
        self._started_ns = self._data_ns = self._allowed_ns = self._now_ns()
        self._allowed = 0.0
        frames, octets = pcm.read()
        if frames < 0:  # overrun again before it ran: once more, after a pause
            self._stop.wait(self._period / self._spec.rate)
            return
        self._to_start = False
        self._fresh = True
        # What a hardware card hands out within microseconds of its start is part of the hole or before the stream.
        if frames == self._period:
            self._take(pcm, frames, octets)

    def _take(self, pcm: Pcm, frames: int, octets: bytes) -> bool:
        """One period into the queue; an overrun or a short read ends the run."""
        if frames == self._period and len(octets) == frames * self._spec.channels * SAMPLE_OCTETS:
            if self._fresh:
                self._resume()
            self._queue.put(Block(self._position, self.clock.time_of(self._position), frames, octets))
            self._position += frames
            self._data_ns = self._now_ns()
            return True
        if frames == -errno.EPIPE:
            self._hole, self._to_start = self._hole or GapReason.OVERRUN, True
        elif frames or octets:
            # Part of a period: its octets may end inside a sample, and one octet too few would shift everything after.
            pcm.drop()
            self._hole, self._to_start = self._hole or GapReason.SHORT_READ, True
        return False

    def _resume(self) -> None:
        """The first period after a start: only now is the card really back, and the hole before it of known length."""
        self._fresh = False
        if self._failed:
            self._failed, self._told = False, ""
            self._queue.put(Trouble(False, f"sound card {self._spec.device} is back", self._now_ns()))
        if self._hole is not None:
            samples = max(self._period, self.clock.position_at(self._started_ns) - self._position)
            self._queue.put(Hole(self._position, self.clock.time_of(self._position), samples, self._hole))
            self._position += samples
            self._hole = None
        self.clock.restart(self._position, self._started_ns)

    def _may_read(self, now: int) -> bool:
        earned = (now - self._allowed_ns) * self._spec.rate * _HASTE / NS
        self._allowed = min(self._allowed + earned, float(self._buffer + self._period))
        self._allowed_ns = now
        if self._allowed < self._period:
            return False
        self._allowed -= self._period
        return True

    def _wait_for_period(self) -> None:
        if self._promised:
            self._stop.wait(0.001)  # descriptors may be ready before a whole period is: no spinning
        self._promised = bool(self._poll.poll(self._period * 1000 / self._spec.rate))

    def _fail(self, text: str) -> None:
        self._release()
        self._hole = GapReason.UNPLUGGED
        if not self._failed:
            self._failed = True
            self._queue.put(Trouble(True, f"sound card {self._spec.device}: {text}", self._now_ns()))

    def _reclaim(self) -> None:
        """Once a second, until it is back and still what it was."""
        due_s = RETRY_S - (self._now_ns() - self._opened_ns) / NS
        if due_s > 0:
            self._stop.wait(due_s)
            return
        try:
            self._claim()
        except BoardError as error:
            # Why it is still not there is another matter than why it failed: a card of another kind, say.
            if str(error) != self._told:
                self._told = str(error)
                self._queue.put(Trouble(True, _told(error), self._now_ns()))
        except Exception:  # as above; what it was has been told when it failed
            self._release()
