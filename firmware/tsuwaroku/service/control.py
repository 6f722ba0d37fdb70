"""The keeper's process: HTTP on a Unix socket for people's tools, a packet socket for the recorder, one event loop.

Who asks is read from the socket itself (SO_PEERCRED), never from the request.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from aiohttp import web

from tsuwaroku.errors import NotFoundError, RefusedError, ServiceError, TsuwarokuError
from tsuwaroku.service.clocking import ClockRequest
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.keeper import NAP_S, Keeper
from tsuwaroku.service.link import MAX_PACKET, LeaseChanged, decode_upward, encode, reachable

POLL_S = 2.0
MOST_AT_ONCE = 64  # messages heard between two pieces of an erasure
T = TypeVar("T")


class MarkRequest(msgspec.Struct, forbid_unknown_fields=True):
    kind: str = "unreasonable_demand"
    by: str = ""  # what the client says; not believed
    withdraw: int | None = None


class AuditRequest(msgspec.Struct, forbid_unknown_fields=True):
    verb: str
    subject: str = ""
    why: str = ""


async def serve(keeper: Keeper, control_path: Path, link_path: Path, stop: asyncio.Event) -> None:
    """Until `stop` is set. The keeper is already started."""
    link = LinkServer(keeper, link_path)
    runner = web.AppRunner(application(keeper), access_log=None)
    await runner.setup()
    control_path.parent.mkdir(parents=True, exist_ok=True)
    _clear(control_path)
    site = web.UnixSite(runner, reachable(control_path))
    await site.start()
    os.chmod(control_path, 0o660)
    link.open()
    keeper.between = link.serve
    try:
        while not stop.is_set():
            if keeper.poll():
                link.lease_changed()
            keeper.refuse_other_place()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), POLL_S)
    finally:
        link.close()
        await runner.cleanup()
        _clear(control_path)


def run_keeper(keeper: Keeper, control_path: Path, link_path: Path) -> None:
    """The keeper's process: start, serve, end cleanly on SIGINT or SIGTERM."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        keeper.start()
        try:
            await serve(keeper, control_path, link_path, stop)
        finally:
            keeper.close()

    asyncio.run(main())


def application(keeper: Keeper) -> web.Application:
    """The routes. Every error is JSON: {"error": {"class", "message", "where", "remedy"}}."""

    async def status(_: web.Request) -> web.Response:
        return _json(keeper.status())

    async def mark(request: web.Request) -> web.Response:
        asked = _body(await request.read(), MarkRequest)
        return _json(keeper.mark(request.match_info["id"], asked.kind, _who(request), asked.withdraw))

    async def audit(request: web.Request) -> web.Response:
        asked = _body(await request.read(), AuditRequest)
        return _json(keeper.audit(_who(request), asked.verb, asked.subject, asked.why))

    async def hold(request: web.Request) -> web.Response:
        return _json(keeper.hold(_body(await request.read(), HoldRequest), _who(request)))

    async def clock(_: web.Request) -> web.Response:
        return _json(keeper.clock())

    async def propose_clock(request: web.Request) -> web.Response:
        return _json(keeper.propose_clock(_who(request)))

    async def confirm_clock(request: web.Request) -> web.Response:
        return _json(keeper.confirm_clock(_body(await request.read(), ClockRequest), _who(request)))

    app = web.Application(middlewares=[_errors], client_max_size=64 * 1024)
    app.router.add_get("/v1/status", status)
    app.router.add_post("/v1/calls/{id}/marks", mark)
    app.router.add_post("/v1/holds", hold)
    app.router.add_post("/v1/audit", audit)
    app.router.add_get("/v1/clock", clock)
    app.router.add_post("/v1/clock/propose", propose_clock)
    app.router.add_post("/v1/clock/confirm", confirm_clock)
    return app


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _body(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except msgspec.MsgspecError as error:
        raise RefusedError(f"the request is not understood: {error}", remedy="use the tsuwaroku command") from error


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except TsuwarokuError as error:
        code = 404 if isinstance(error, NotFoundError) else 400 if isinstance(error, RefusedError) else 503
        told = {"class": type(error).__name__, "message": error.message, "where": error.where, "remedy": error.remedy}
        return web.Response(status=code, body=msgspec.json.encode({"error": told}), content_type="application/json")


def _who(request: web.Request) -> str:
    """The asking process's user, from the kernel (SO_PEERCRED)."""
    transport = request.transport
    link = None if transport is None else transport.get_extra_info("socket")
    if link is None:
        return "unknown"
    _, uid, _ = struct.unpack("iII", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII")))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


class LinkServer:
    """The packet socket on which the recorder reports. One recorder at a time: a newer one takes over."""

    def __init__(self, keeper: Keeper, path: Path) -> None:
        self._keeper = keeper
        self._path = path
        self._listener: socket.socket | None = None
        self._peer: socket.socket | None = None

    def open(self) -> None:
        """Listen. Raises ServiceError where the socket cannot be made."""
        _clear(self._path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            listener.bind(reachable(self._path))
        except OSError as error:
            listener.close()
            raise ServiceError(
                f"cannot listen ({error.strerror})", where=str(self._path), remedy="choose a shorter or writable path"
            ) from error
        listener.listen(4)
        listener.setblocking(False)
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener.fileno(), self._accept)

    def serve(self) -> None:
        """Between two pieces of long work: what the recorder has sent meanwhile, and a rest for the disk."""
        for _ in range(MOST_AT_ONCE):
            if self._peer is None or not self._readable(self._peer):
                break
        time.sleep(NAP_S)

    def lease_changed(self) -> None:
        """Tell the recorder to read its lease again."""
        if self._peer is not None:
            with contextlib.suppress(OSError):
                self._peer.send(encode(LeaseChanged()))

    def close(self) -> None:
        self._hang_up()
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
        _clear(self._path)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return
        self._hang_up()
        peer.setblocking(False)
        self._peer = peer
        asyncio.get_running_loop().add_reader(peer.fileno(), self._readable, peer)

    def _readable(self, peer: socket.socket) -> bool:
        """Take a message; False where none was waiting."""
        try:
            data = peer.recv(MAX_PACKET)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            if peer is self._peer:
                self._hang_up()
                self._keeper.recorder_gone()
            return False
        message = decode_upward(data)
        if message is not None and self._keeper.message(message):
            self.lease_changed()
        return True

    def _hang_up(self) -> None:
        if self._peer is not None:
            asyncio.get_running_loop().remove_reader(self._peer.fileno())
            self._peer.close()
            self._peer = None


def _clear(path: Path) -> None:
    with contextlib.suppress(OSError):  # not there, or a disk that takes nothing; whoever binds there is told
        path.unlink()
