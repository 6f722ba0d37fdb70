"""The outside world of a board on real devices: it plays into the card, pulls the contacts and looks at the lamps.

What a line hears is written to device 1 of an snd-aloop card and captured from its device 0, where the product looks;
what the product plays comes back the other way round and is added to the line as on a real pair.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.kernel.header import Header
from tests.kernel.tape import Tape
from tsuwaroku.events import ButtonPressed, Contact
from tsuwaroku.hal.hats.tsuwa2 import TSUWA2
from tsuwaroku.hal.virtual import LineSource

NS = 1_000_000_000
RATE = 8000
PERIODS_A_SECOND = 25  # 40 ms each: half as many wakings as the product's own 20 ms
# What waits on the way to the line: deep enough to start whole, shallow enough that an echo is heard at once (0.1 s).
AHEAD = 2
EYES_S = 0.02
_DRIVER = Path("/sys/bus/platform/drivers/snd_aloop")
PRESS_NS = NS // 10  # how long a button is held


@dataclass(frozen=True, slots=True)
class Wiring:
    """The pins of one line (BCM numbers; a leading "!" = active low) and its channel on the card."""

    channel: int
    hook: str
    ring: str
    button: str
    lamp: str


def tsuwa2(line: int) -> Wiring:
    """The wiring of port 1 or 2 of the tsuwa2 board, from its description."""
    port = TSUWA2.ports[line - 1]
    return Wiring(line - 1, port.hook, port.ring, port.button, port.lamp)


def pin_of(text: str) -> tuple[int, bool]:
    """(number, active high) of "17" or "!22"."""
    return int(text.lstrip("!")), not text.startswith("!")


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at the lamps: when (monotonic ns), and which shine."""

    mono_ns: int
    lit: frozenset[str]


def _driver_of(card: str) -> str:
    """The driver's name for an snd-aloop card."""
    for path in Path("/sys/bus/platform/devices").glob("snd_aloop.*/sound/card*/id"):
        if path.read_text().strip() == card:
            return path.parents[2].name
    raise AssertionError(f"there is no card {card}")


class World:
    """Plays `sources` on `card`, each on its line's channel. `start` returns when the first sample is on its way.

    `origin_ns` is the monotonic time of stream time 0: an edge at t is pulled at `origin_ns` + t. `written` is a file
    of everything the card was given, interleaved, for comparison to the sample; `tape` has the last minutes of it.
    Once a source has ended its line is silent (digital zero) until `stop`. What was not heard because the card was
    unplugged is silence in `written`.
    """

    def __init__(
        self,
        header: Header,
        wiring: Mapping[str, Wiring],
        sources: Sequence[LineSource],
        *,
        card: str = "tsuwa2",
        channels: int = 2,
        written: Path | None = None,
        tape: Tape | None = None,
        watch: bool = False,
        rate: int = RATE,
    ) -> None:
        self._header = header
        self._wiring = dict(wiring)
        self._sources = list(sources)
        self._card = card
        self._channels = channels
        self.written = written
        self._tape = tape
        self._rate = rate
        self._period = rate // PERIODS_A_SECOND
        self._watching = watch
        self.glances: list[Glance] = []
        self.origin_ns = 0
        self.edges = 0  # pulled so far
        self._acts: list[tuple[int, str, bool]] = []
        self._acts_known = threading.Condition()  # guards the acts; notified when there are more of them
        self._second: npt.NDArray[np.int16] = np.zeros((0, channels), dtype=np.int16)
        self._echoes: npt.NDArray[np.int32] = np.zeros(channels, dtype=np.int32)
        for source in sources:
            self._echoes[self._wiring[source.line].channel] = source.mixes_notice
        self._stop = threading.Event()
        self._begun = threading.Event()
        self._plugged = threading.Event()
        self._plugged.set()
        self._pulling: threading.Thread | None = None
        self._unbound = ""
        self._failure: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self.rest()

    def rest(self) -> None:
        """Every contact as on an idle line, every button up."""
        for wires in self._wiring.values():
            for text in (wires.hook, wires.ring, wires.button):
                if text:
                    self._put(text, False)

    def _put(self, text: str, active: bool) -> None:
        number, active_high = pin_of(text)
        self._header.drive(number, active == active_high)

    def start(self) -> None:
        jobs: list[Callable[[], None]] = [self._sound, self._hands]
        if self._watching:
            jobs.append(self._eyes)
        self._threads = [threading.Thread(target=self._guarded, args=(job,), name=job.__name__) for job in jobs]
        for thread in self._threads:
            thread.start()
        self._begun.wait()
        self._raise()

    def wait_until(self, at_s: float) -> None:
        """Sleep until stream time `at_s`."""
        time.sleep(max(0.0, (self.origin_ns - time.monotonic_ns()) / NS + at_s))
        self._raise()

    def stop(self) -> None:
        """Hang up the card. Raises what went wrong out there, if anything did."""
        self._stop.set()
        with self._acts_known:
            self._acts_known.notify_all()
        for thread in self._threads:
            thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            self._failure = error
        finally:
            self._begun.set()

    def unplug(self) -> None:
        """Pull the card, for everybody. The exchange goes on, unheard. The driver waits until all have let go."""
        self._plugged.clear()
        driver = _driver_of(self._card)
        self._pulling = threading.Thread(target=(_DRIVER / "unbind").write_text, args=(driver,), name="unbind")
        self._unbound = driver
        self._pulling.start()

    def plug(self) -> None:
        """Put it back. Raises AssertionError where somebody still holds on to the card that is gone."""
        assert self._pulling is not None
        self._pulling.join(0)
        assert not self._pulling.is_alive(), f"somebody still holds the card {self._card}, which was pulled"
        (_DRIVER / "bind").write_text(self._unbound)
        self._plugged.set()

    def _sound(self) -> None:
        from tsuwaroku.hal.alsa import load_alsa

        alsa = load_alsa()
        position = 0
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self.written.open("wb")) if self.written is not None else None
            while not self._stop.is_set():
                try:
                    for first, pcm in self._exchange(alsa, position):
                        if log is not None:
                            log.seek(first * 2 * self._channels)
                            log.write(pcm)
                        if self._tape is not None:
                            self._tape.write(pcm)
                        position = first + len(pcm) // (2 * self._channels)
                except alsa.ALSAAudioError:
                    if self._plugged.is_set():
                        raise
                    position = self._unheard(position)

    def _exchange(self, alsa: Any, first: int) -> Iterator[tuple[int, bytes]]:
        """The stream from `first` on, until `stop`: each piece that the card took, with its place.

        What comes back is read first, so that reading paces writing and an echo is always equally late.
        """
        out = back = None
        try:
            out = self._open(alsa, alsa.PCM_PLAYBACK)
            back = self._open(alsa, alsa.PCM_CAPTURE)
            pcm = b"".join(self._mix(first + n * self._period, None) for n in range(AHEAD))
            if self._begun.is_set():
                time.sleep(max(0, self.origin_ns + first * NS // self._rate - time.monotonic_ns()) / NS)
            else:
                self.origin_ns = time.monotonic_ns()
                self._begun.set()
            heard, size = b"", 2 * self._channels * self._period
            while not self._stop.is_set():
                if (taken := out.write(pcm)) != len(pcm) // (2 * self._channels):
                    raise AssertionError(f"the exchange came too late for the card, which took {taken} frames")
                yield first, pcm
                first += len(pcm) // (2 * self._channels)
                while len(heard) < size:  # a child of this process that begins or ends interrupts a read
                    frames, piece = back.read()
                    if frames < 0 and not self._plugged.is_set():
                        raise alsa.ALSAAudioError("unplugged")
                    if frames <= 0:
                        raise AssertionError(f"the way back gave {frames} frames of {self._period}")
                    heard += piece
                pcm, heard = self._mix(first, heard[:size]), heard[size:]
        finally:
            for end in (out, back):
                if end is not None:
                    end.close()

    def _unheard(self, first: int) -> int:
        """Where the stream is when the card is back: the sound of the time between is lost, its edges are not."""
        if not self._begun.is_set():  # unplugged before the start
            self.origin_ns = time.monotonic_ns()
            self._begun.set()
        while not self._stop.is_set():
            now = (time.monotonic_ns() - self.origin_ns) * self._rate // NS
            while first <= now + self._period:
                self._mix(first, None)
                first += self._period
            if self._plugged.is_set():
                break
            self._plugged.wait(1 / PERIODS_A_SECOND)
        return first

    def _open(self, alsa: Any, direction: int) -> Any:
        return alsa.PCM(
            type=direction,
            mode=alsa.PCM_NORMAL,
            device=f"hw:CARD={self._card},DEV=1",
            rate=self._rate,
            channels=self._channels,
            format=alsa.PCM_FORMAT_S16_LE,
            periodsize=self._period,
            periods=2 * AHEAD,
        )

    def _mix(self, first: int, heard: bytes | None) -> bytes:
        if first % self._rate == 0:
            self._fetch(first // self._rate)
        table = self._second[first % self._rate :][: self._period]
        if heard:
            back = np.frombuffer(heard, dtype="<i2").reshape(-1, self._channels)
            table = np.clip(table.astype(np.int32) + back * self._echoes, -32768, 32767)
        return table.astype("<i2").tobytes()

    def _fetch(self, second: int) -> None:
        """The next second of every line: its sound for the card, its edges for the hands. Sources go forward only."""
        self._second = np.zeros((self._rate, self._channels), dtype=np.int16)
        acts: list[tuple[int, str, bool]] = []
        for source in self._sources:
            wires = self._wiring[source.line]
            own = np.frombuffer(source.read(second * self._rate, self._rate) or b"", dtype="<i2")
            self._second[: len(own), wires.channel] = own
            for event in source.events(second * NS, (second + 1) * NS):
                if isinstance(event, ButtonPressed):
                    acts += [(event.mono_ns, wires.button, True), (event.mono_ns + PRESS_NS, wires.button, False)]
                else:
                    wire = wires.hook if event.contact is Contact.HOOK else wires.ring
                    acts.append((event.mono_ns, wire, event.active))
        if acts:
            with self._acts_known:
                self._acts = sorted([*self._acts, *acts], key=lambda act: act[0])
                self._acts_known.notify()

    def _hands(self) -> None:
        """Every edge and press at its time. The sound is ahead, so a second's acts are known before it begins."""
        self._begun.wait()
        while True:
            with self._acts_known:
                if self._stop.is_set():
                    break
                left_ns = self.origin_ns + self._acts[0][0] - time.monotonic_ns() if self._acts else None
                if left_ns is None or left_ns > 0:
                    self._acts_known.wait(None if left_ns is None else left_ns / NS)
                    continue
                _, wire, active = self._acts.pop(0)
            self._put(wire, active)
            self.edges += 1

    def _eyes(self) -> None:
        """Glances that differ from the one before. A lamp goes by its line's name, the system lamp by "system"."""
        self._begun.wait()
        pins = {line: pin_of(wires.lamp) for line, wires in self._wiring.items() if wires.lamp}
        pins["system"] = pin_of(TSUWA2.system_lamp)
        while not self._stop.is_set():
            time.sleep(EYES_S)
            now = time.monotonic_ns()
            lit = frozenset(name for name, (pin, high) in pins.items() if self._header.level(pin) == high)
            if not self.glances or self.glances[-1].lit != lit:
                self.glances.append(Glance(now, lit))
