"""Where the sound of a call goes: an ALSA device, a player's standard input, nowhere. Never into a file (Article 8(3)).

Every output knows how much of what it was given has been heard: what was written less what it still holds.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import select
import shlex
import shutil
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from typing import Protocol

from tsuwaroku.errors import BoardError, RefusedError

BLOCK_MS = 100
AHEAD_S = 0.5
"""What a player is given before it can have played it: enough for a slow link, and little to be unsure of."""
PIPE_OCTETS = 4096
PATIENCE_S = 10.0
"""For a player to play out what it has, and end."""
PLAYERS: dict[str, str] = {
    "paplay": "paplay --raw --rate={rate} --channels=1 --format=s16le",
    "aplay": "aplay -q -t raw -f S16_LE -r {rate} -c 1 -",
    "pw-cat": "pw-cat --playback --raw --rate {rate} --channels 1 --format s16 -",
    "ffplay": "ffplay -nodisp -autoexit -loglevel error -f s16le -ar {rate} -ch_layout mono -i -",
    "play": "play -q -t raw -r {rate} -e signed -b 16 -c 1 -",
}
"""What `--player auto` looks for, in this order; each takes raw samples on its standard input."""

_WRITING = frozenset({"file", "tee"})

Leaving = Callable[[], bool]
"""Whether the listener wants to leave: asked while an output waits."""


class Output(Protocol):
    """Where sound goes. S16LE mono; `write`, `finish` raise BoardError."""

    def write(self, pcm: bytes, leaving: Leaving) -> None:
        """Give it some. Returns early, with less taken, where the listener leaves."""

    def played(self) -> int:
        """Samples that have been heard, as far as that can be known."""

    def finish(self, leaving: Leaving) -> None:
        """Wait until all of it has been heard."""

    def stop(self) -> None:
        """Be silent now, and for good; again, nothing."""


class NullOutput:
    """Nowhere, as fast as it can: a rehearsal, and the tests."""

    def __init__(self) -> None:
        self._written = 0

    def write(self, pcm: bytes, leaving: Leaving) -> None:
        self._written += len(pcm) // 2

    def played(self) -> int:
        return self._written

    def finish(self, leaving: Leaving) -> None:
        """Nothing to wait for."""

    def stop(self) -> None:
        """Nothing sounds."""


class AlsaOutput:
    """An ALSA device. Raises BoardError."""

    def __init__(self, device: str, rate: int) -> None:
        import alsaaudio

        refuse_definition(device)
        self._errors = alsaaudio.ALSAAudioError
        self._device = device
        try:
            self._pcm = alsaaudio.PCM(
                type=alsaaudio.PCM_PLAYBACK,
                device=device,
                channels=1,
                rate=rate,
                format=alsaaudio.PCM_FORMAT_S16_LE,
                periodsize=rate * BLOCK_MS // 1000,
            )
        except alsaaudio.ALSAAudioError as error:
            raise BoardError(
                f"the sound device does not open ({error})",
                where=device,
                remedy="connect a loudspeaker or headphones, name another device of `aplay -L` with --output NAME, "
                "or use this terminal's player with --player auto",
            ) from error
        self._buffer = int(self._pcm.info()["buffer_size"])
        self._written = self._at_end = 0
        self._open = True

    def write(self, pcm: bytes, leaving: Leaving) -> None:
        for _ in range(3):
            try:
                taken = self._pcm.write(pcm)
            except self._errors as error:
                raise self._failed(str(error)) from error
            if taken >= 0:
                self._written += taken
                pcm = pcm[2 * taken :]
            if not pcm:
                return  # below zero: it had run dry, and is ready again
        raise self._failed("it takes no sound")

    def played(self) -> int:
        return self._written - self._held() if self._open else self._at_end

    def _held(self) -> int:
        try:
            free = self._pcm.avail()
        except self._errors:
            return 0  # it ran dry
        return min(max(0, self._buffer - free), self._written) if free >= 0 else 0

    def finish(self, leaving: Leaving) -> None:
        until = time.monotonic() + PATIENCE_S
        while self._held() and not leaving() and time.monotonic() < until:
            before = self._held()
            time.sleep(BLOCK_MS / 1000)
            if self._held() == before:  # less than a period is left, or nothing starts it: the driver plays that out
                self._pcm.drain()
                break
        if not leaving():
            self._at_end, self._open = self._written, False

    def stop(self) -> None:
        if self._open:
            self._at_end, self._open = self.played(), False
            with contextlib.suppress(self._errors):
                self._pcm.drop()
        with contextlib.suppress(self._errors):
            self._pcm.close()

    def _failed(self, why: str) -> BoardError:
        return BoardError(
            f"the sound device failed ({why})", where=self._device, remedy="connect it again, then play once more"
        )


class PlayerOutput:
    """A program of this terminal that plays what it reads. Raises BoardError: missing, or ended before the sound did.

    It is given sound at the pace of sound: what it has read it may hold in a buffer of its own, of which nobody tells;
    so no more counts as heard than time has passed.
    """

    def __init__(self, command: str, rate: int, *, now: Callable[[], float] = time.monotonic) -> None:
        arguments, header = player_command(command, rate)
        self._name = arguments[0]
        self._rate = rate
        self._now = now
        self._since: float | None = None
        self._written = self._at_end = 0
        self._odd = header
        self._open = True
        try:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is ours: the player is stopped by us, once we know what was heard
            )
        except OSError as error:
            raise BoardError(
                f"the player does not start ({error.strerror})",
                where=self._name,
                remedy='install one (aplay, paplay, ffplay), or name another: --player "CMD"',
            ) from error
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_OCTETS)
        self._said = b""
        self._ear = threading.Thread(target=self._hear, daemon=True)
        self._ear.start()

    def write(self, pcm: bytes, leaving: Leaving) -> None:
        if self._since is None:
            self._since = self._now()
            self._send(self._odd, leaving)
        while not leaving() and self._written - self._passed() > AHEAD_S * self._rate:
            self._alive()
            time.sleep(BLOCK_MS / 1000)
        self._written += self._send(pcm, leaving) // 2

    def played(self) -> int:
        if not self._open:
            return self._at_end
        return max(0, min(self._written - self._waiting() // 2, int(self._passed())))

    def finish(self, leaving: Leaving) -> None:
        until = self._now() + PATIENCE_S + (self._written - self._passed()) / self._rate
        while not leaving() and self._waiting() and self._now() < until:
            self._alive()
            time.sleep(BLOCK_MS / 1000)
        self._shut()
        while not leaving() and self._process.poll() is None and self._now() < until:
            time.sleep(BLOCK_MS / 1000)
        if leaving():
            return
        self._at_end, self._open = self._written, False
        if self._process.poll() not in (0, None):
            raise self._ended()

    def stop(self) -> None:
        if self._open:
            self._at_end, self._open = self.played(), False
        self._process.terminate()
        self._shut()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ear.join(1)
        if self._process.stderr is not None and not self._ear.is_alive():
            self._process.stderr.close()

    def _send(self, octets: bytes, leaving: Leaving) -> int:
        """How many it took: all of them, unless the listener leaves."""
        sent = 0
        while sent < len(octets) and not leaving():
            _, ready, _ = select.select([], [self._pipe], [], BLOCK_MS / 1000)
            if not ready:
                self._alive()
                continue
            try:
                sent += os.write(self._pipe, octets[sent:])
            except BlockingIOError:
                continue
            except OSError as error:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(1)
                raise self._ended() from error
        return sent

    def _passed(self) -> float:
        """Samples that can have been played since the first was given."""
        return 0.0 if self._since is None else (self._now() - self._since) * self._rate

    def _waiting(self) -> int:
        """Octets in the pipe that the player has not read."""
        count = array.array("i", [0])
        try:
            fcntl.ioctl(self._pipe, termios.FIONREAD, count)
        except (OSError, ValueError):
            return 0
        return count[0]

    def _alive(self) -> None:
        if self._process.poll() is not None:
            raise self._ended()

    def _shut(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _hear(self) -> None:
        """What the player says against itself: the end of it."""
        assert self._process.stderr is not None
        while octets := os.read(self._process.stderr.fileno(), 4096):
            self._said = (self._said + octets)[-2000:]

    def _ended(self) -> BoardError:
        self._ear.join(1)
        said = self._said.decode(errors="replace").strip().splitlines()
        code = self._process.poll()
        how = f"signal {-code}" if code is not None and code < 0 else f"code {code}"
        why = f"{how}; {said[-1].strip()[:200]}" if said else how
        return BoardError(
            f"the player ended before the call did ({why})",
            where=self._name,
            remedy='see whether it plays other sounds, or name another: --player "CMD"',
        )


def refuse_definition(device: str) -> None:
    """Raises RefusedError for what is no device but one made up on the spot: ALSA can write a file in passing (`file`,
    `tee`), and takes whole definitions for a name."""
    kind, _, rest = device.partition(":")
    if kind.strip().lower() in _WRITING or any(sign in device for sign in "{}'\"") or "=" in kind or "/" in rest:
        raise RefusedError(
            "this is no sound device: it could write what it plays into a file (Article 8(3))",
            where=device[:80],
            remedy="name a device of `aplay -L` with --output NAME",
        )


def unknown_player(command: str) -> bool:
    """Whether a player is none of those this program knows: what it does with what it is given nobody can tell."""
    return command != "auto" and command not in PLAYERS


def player_command(command: str, rate: int) -> tuple[list[str], bytes]:
    """What to start, and what to send before the samples. `auto`, or one of `PLAYERS` by its bare name, is fed raw
    samples; so is a command with {rate} in it; any other one a WAV header first. Raises BoardError."""
    if command == "auto":
        command = next((name for name in PLAYERS if shutil.which(name)), "")
        if not command:
            raise BoardError(
                f"none of the players {', '.join(PLAYERS)} is on this machine",
                where="--player",
                remedy='install one of them (alsa-utils has aplay), or name another: --player "CMD"',
            )
    template = PLAYERS.get(command, command)
    try:
        arguments = shlex.split(template)
    except ValueError:
        arguments = []
    if not arguments:
        raise BoardError(
            "this names no program", where="--player", remedy='write it as on the command line: --player "aplay -q -"'
        )
    raw = any("{rate}" in one for one in arguments)
    return [one.replace("{rate}", str(rate)) for one in arguments], b"" if raw else wav_header(rate)


def wav_header(rate: int) -> bytes:
    """44 octets of a WAV of unknown length: S16LE mono."""
    unknown = 0xFFFFFFFF
    form = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", unknown, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return form + struct.pack("<4sI", b"data", unknown)
