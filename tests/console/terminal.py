"""A command on a terminal of its own: what is typed, and what stands on the screen."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAM = Path(sys.executable).with_name("tsuwaroku")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """`tsuwaroku` with these arguments, as a person has it: a pty is its terminal."""

    def __init__(self, *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        self._screen = b""
        self.code: int | None = None
        self.pid, self._fd = pty.fork()
        if not self.pid:
            try:
                signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs are born ignoring it
                if cwd is not None:
                    os.chdir(cwd)
                os.execve(
                    PROGRAM,
                    ["tsuwaroku", *map(str, arguments)],
                    {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40", **(env or {})},
                )
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.code is None:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    @property
    def screen(self) -> str:
        """All that was ever on it, without what moves the cursor."""
        return _CONTROL.sub("", self._screen.decode(errors="replace"))

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Until it stands there, and is then forgotten."""
        until = time.monotonic() + seconds
        while text not in self.screen:
            assert time.monotonic() < until, self.screen
            assert self._read(), self.screen
        at = self.screen.index(text) + len(text)
        self._screen = self.screen[at:].encode()

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def end(self, seconds: float = 20) -> str:
        """The rest of the screen, once it has ended; `code` is its exit code."""
        until = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < until, self.screen
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.screen

    def close(self, seconds: float = 20) -> None:
        """The window is closed, or the line to it breaks; `code` is what it ended with."""
        os.close(self._fd)
        self._fd = os.open(os.devnull, os.O_RDONLY)
        until = time.monotonic() + seconds
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            assert time.monotonic() < until, "it goes on"
            time.sleep(0.05)
        self.code = os.waitstatus_to_exitcode(ended[1])

    def _read(self) -> bool:
        if not select.select([self._fd], [], [], 1)[0]:
            return True
        try:
            octets = os.read(self._fd, 65536)
        except OSError:  # its other end is closed
            return False
        self._screen += octets
        return bool(octets)
