"""A command line run in a test, and what it came to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, NamedTuple, Self

from tsuwaroku.hal.board import Lamp
from tsuwaroku.service.status import Alarm, LineStatus, RecorderStatus, RingStatus, Status

SCRIPT = Path(__file__).parents[1] / "scenarios" / "office.toml"


class Ran(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


class FakeKeeper:
    """A keeper's control socket that answers from a table of (status, JSON) by path; `{}` where it has none."""

    def __init__(self, socket_path: Path, answers: dict[str, tuple[int, bytes]]) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        keeper = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                keeper.asked.append((self.command, self.path, json.loads(body) if body else None))
                status, content = answers.get(self.path, (200, b"{}"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer

            def address_string(self) -> str:
                return "peer"

            def log_message(self, format: str, *args: Any) -> None: ...

        class Server(ThreadingMixIn, UnixStreamServer):
            daemon_threads = True

        socket_path.parent.mkdir(parents=True, exist_ok=True)
        socket_path.unlink(missing_ok=True)
        self._server = Server(str(socket_path), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def live_status(lines: int, *, alarms: int = 1, at: str = "2026-11-23T09:00:20.000+09:00") -> Status:
    """A box with that many lines, every other one in a call since 20 s, and that many alarms."""
    told = [
        Alarm(code="storage_stalled", severity="critical", line=str(number or ""), since=at, detail="")
        for number in range(alarms)
    ]
    return Status(
        at=at,
        station="本庁舎",
        version="0.1.0",
        store="/var/lib/tsuwaroku/store",
        demonstration=False,
        recorder=RecorderStatus(
            instance="0" * 16,
            pid=1,
            at=at,
            ready=True,
            system_lamp=Lamp.FAST if alarms else Lamp.LIT,
            lines=[_line(number) for number in range(1, lines + 1)],
            alarms=told,
            free_slots=900,
            clock_quality="synchronised",
        ),
        ring=RingStatus(slots=1000, free=900, leased=40),
        calls_today=7,
        marks_today=1,
        alarms=told,
    )


def _line(number: int) -> LineStatus:
    busy = number % 2 == 1
    return LineStatus(
        id=str(number),
        extension=str(2100 + number),
        department="市民課",
        mode="every_call",
        state="answered" if busy else "idle",
        lamp=Lamp.LIT if busy else Lamp.DARK,
        level_dbfs=-12.0 if busy else -58.0,
        call_id="01M82V7QX00GFG2NAGJMPKQ12C" if busy else None,
        since="2026-11-23T09:00:00.000+09:00" if busy else None,
        marks=1 if number == 1 else 0,
        covered_s=0.4 if busy else None,
        notice="announced" if busy else None,
    )
