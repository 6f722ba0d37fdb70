"""The keeper's process: HTTP on a Unix socket for people's tools, a packet socket for the recorder, one event loop.

Who asks is read from the socket itself (SO_PEERCRED), never from the request; what they may ask is one table
(`records/roles.py`), and what can be asked another (`routes.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from tsuwaroku import __version__
from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError, ServiceError, TsuwarokuError
from tsuwaroku.records.roles import may
from tsuwaroku.service.api import Asked, Route, described
from tsuwaroku.service.asking import DEMO_PERSON, Asker, Peer, group_number, peer_of, played
from tsuwaroku.service.attempts import BAD_INPUT
from tsuwaroku.service.keeper import NAP_S, Keeper
from tsuwaroku.service.link import MAX_PACKET, LeaseChanged, decode_upward, encode, reachable
from tsuwaroku.service.routes import ROUTES

POLL_S = 2.0
MOST_AT_ONCE = 64  # messages heard between two pieces of an erasure
LARGEST_BODY = 4 << 20  # octets: a batch of re-wrapped keys is the largest
T = TypeVar("T")


async def serve(keeper: Keeper, control_path: Path, link_path: Path, stop: asyncio.Event) -> None:
    """Until `stop` is set. The keeper is already started."""
    link = LinkServer(keeper, link_path)
    runner = web.AppRunner(application(keeper), access_log=None)
    await runner.setup()
    control_path.parent.mkdir(parents=True, exist_ok=True)
    _clear(control_path)
    site = web.UnixSite(runner, reachable(control_path))
    await site.start()
    _open_to_staff(control_path, keeper.settings.service.group)
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
    """The routes of `routes.ROUTES`. Every error is JSON: {"error": {"class", "message", "where", "remedy"}}."""
    app = web.Application(middlewares=[_errors], client_max_size=LARGEST_BODY)
    description = msgspec.json.encode(described(ROUTES, __version__))

    async def api(_: web.Request) -> web.Response:
        return web.Response(body=description, content_type="application/json")

    app.router.add_get("/v1/openapi.json", api)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(keeper, route))
    return app


def _handler(keeper: Keeper, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        person, demonstration = request.headers.get(DEMO_PERSON, ""), keeper.store.info.is_demonstration
        asker = played(keeper.asker(_peer(request)), person, demonstration=demonstration)
        if not may(asker.roles, route.verb):
            keeper.refused(asker, route.verb, request.path)
            raise ForbiddenError(
                f"{route.verb.value} is not for {_called(asker)}",
                where=asker.user,
                remedy="ask the records manager; who may do what is listed by `tsuwaroku staff rights`",
            )
        octets = await request.read()
        try:
            body = None if route.body is None else _body(octets, route.body)
            query = None if route.query is None else _query(request, route.query)
        except RefusedError:
            if route.traced:
                keeper.refused(asker, route.verb, request.path, BAD_INPUT)
            raise
        asked = Asked(by=asker, path=dict(request.match_info), query=query, body=body)
        answer = route.act(keeper, asked)
        return await _stream(request, answer) if route.stream else _json(answer)

    return handle


async def _stream(request: web.Request, pieces: Any) -> web.StreamResponse:
    """Octets as they come; one that fails in the middle breaks the connection off, and is not taken for whole."""
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
        await asyncio.sleep(0)  # a client that reads as fast as we write holds up nobody else
    await response.write_eof()
    return response


def _called(asker: Asker) -> str:
    return ", ".join(sorted(role.value for role in asker.roles)) or "somebody without a role"


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _body(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(f"the request is not understood: {error}", remedy="use the tsuwaroku command") from error


def _query(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.convert(dict(request.query), kind, strict=False)
    except msgspec.MsgspecError as error:
        raise RefusedError(f"the request is not understood: {error}", remedy="use the tsuwaroku command") from error


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except TsuwarokuError as error:
        told = {"class": type(error).__name__, "message": error.message, "where": error.where, "remedy": error.remedy}
        return web.Response(
            status=_code(error), body=msgspec.json.encode({"error": told}), content_type="application/json"
        )


def _code(error: TsuwarokuError) -> int:
    for kind, code in ((ForbiddenError, 403), (NotFoundError, 404), (RefusedError, 400)):
        if isinstance(error, kind):
            return code
    return 503


def _peer(request: web.Request) -> Peer:
    """The asking process, from the kernel. Raises ServiceError."""
    transport = request.transport
    link = None if transport is None else transport.get_extra_info("socket")
    if link is None:
        raise ServiceError("the connection is gone", remedy="try again")
    return peer_of(link)


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


def _open_to_staff(path: Path, group: str) -> None:
    """Whoever is in the group may connect; where the machine has none, or we may not give it away, our own group."""
    number = group_number(group)
    if number is not None:
        with contextlib.suppress(PermissionError):
            os.chown(path, -1, number)
    os.chmod(path, 0o660)


def _clear(path: Path) -> None:
    with contextlib.suppress(OSError):  # not there, or a disk that takes nothing; whoever binds there is told
        path.unlink()
