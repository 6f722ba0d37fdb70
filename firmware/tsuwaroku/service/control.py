"""The keeper's process: HTTP on a Unix socket for people's tools, a packet socket for the recorder, one event loop.

Who asks is read from the socket itself (SO_PEERCRED), never from the request; what they may ask is one table
(`records/roles.py`), and what can be asked another (`routes.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from tsuwaroku import __version__
from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError, ServiceError, TsuwarokuError
from tsuwaroku.records.roles import may
from tsuwaroku.service import door
from tsuwaroku.service.api import Asked, Route, described
from tsuwaroku.service.asking import DEMO_PERSON, Asker, Peer, peer_of, played
from tsuwaroku.service.attempts import BAD_INPUT
from tsuwaroku.service.keeper import NAP_S, Keeper
from tsuwaroku.service.link import MAX_PACKET, LeaseChanged, decode_upward, encode, reachable
from tsuwaroku.service.routes import ROUTES

POLL_S = 2.0
MOST_AT_ONCE = 64  # messages heard between two pieces of an erasure
LARGEST_BODY = 4 << 20  # octets: a batch of re-wrapped keys is the largest
BODY_S = 30.0  # for the whole of a request to come, over a slow line from a PC
WRITE_S = 30.0  # for a reader to take something of what is waiting for it
LINGER_S = 5.0
STREAMS = 3
"""Answers in pieces under way for one account at once: each may hold a day's list. Further ones wait for their turn."""
TURN_S = 8.0  # a client waits ten seconds
T = TypeVar("T")


async def serve(keeper: Keeper, control_path: Path, link_path: Path, stop: asyncio.Event) -> None:
    """Until `stop` is set. The keeper is already started."""
    link = LinkServer(keeper, link_path)
    runner = web.AppRunner(
        application(keeper),
        access_log=None,
        keepalive_timeout=door.IDLE_S,
        lingering_time=LINGER_S,
        shutdown_timeout=LINGER_S,
    )
    await runner.setup()
    assert runner.server is not None
    entrance = door.Door(control_path, keeper.settings.service.group, runner.server)
    entrance.open()
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
        entrance.close()
        await runner.cleanup()


def run_keeper(keeper: Keeper, control_path: Path, link_path: Path) -> None:
    """The keeper's process: start, serve, end cleanly on SIGINT or SIGTERM."""

    async def main() -> None:
        door.more_files()
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
    app = web.Application(middlewares=[_errors(keeper)], client_max_size=LARGEST_BODY)
    turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(STREAMS))
    description = msgspec.json.encode(described(ROUTES, __version__))

    async def api(_: web.Request) -> web.Response:
        return web.Response(body=description, content_type="application/json")

    app.router.add_get("/v1/openapi.json", api)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(keeper, route, turns))
    return app


def _handler(
    keeper: Keeper, route: Route, turns: Mapping[str, asyncio.Semaphore]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
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
        octets = await _read(request)
        try:
            body = None if route.body is None else _body(octets, route.body)
            query = None if route.query is None else _query(request, route.query)
        except RefusedError:
            if route.traced:
                keeper.refused(asker, route.verb, request.path, BAD_INPUT)
            raise
        asked = Asked(by=asker, path=dict(request.match_info), query=query, body=body)
        if not route.stream:
            return await _whole(request, _json(route.act(keeper, asked)))
        async with _turn(turns[asker.user]):
            pieces: Any = route.act(keeper, asked)
            return await _stream(request, pieces)

    return handle


@contextlib.asynccontextmanager
async def _turn(free: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(TURN_S):
            await free.acquire()
    except TimeoutError as error:
        raise ServiceError(
            f"this account is being answered {STREAMS} long questions already",
            remedy="try again when they are answered",
        ) from error
    try:
        yield
    finally:
        free.release()


async def _read(request: web.Request) -> bytes:
    """The body. Raises ServiceError for one that does not come, RefusedError for one that is none."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError as error:
        raise ServiceError("the request did not come to its end", remedy="try again") from error
    except web.RequestPayloadError as error:
        raise RefusedError(f"the request is not understood: {error}", remedy="use the tsuwaroku command") from error


async def _whole(request: web.Request, response: web.Response) -> web.StreamResponse:
    async with _taking(request):
        await response.prepare(request)
        await response.write_eof()
    return response


async def _stream(request: web.Request, pieces: Iterator[bytes]) -> web.StreamResponse:
    """Octets as they come; what fails before the first is an answer like any other, and one that fails in the middle
    breaks the connection off, and is not taken for whole."""
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    response.enable_chunked_encoding()
    try:
        piece = next(pieces, None)
        async with _taking(request):
            await response.prepare(request)
        while piece is not None:
            if piece:
                async with _taking(request):
                    await response.write(piece)
            await asyncio.sleep(0)  # a client that reads as fast as we write holds up nobody else
            piece = next(pieces, None)
        async with _taking(request):
            await response.write_eof()
    except BaseException:
        if response.prepared:
            _break_off(request)
        raise
    finally:
        if isinstance(pieces, Generator):
            pieces.close()  # now, and not when it is collected: it may hold something
    return response


@contextlib.asynccontextmanager
async def _taking(request: web.Request) -> AsyncIterator[None]:
    """Around a write: who takes nothing for half a minute is hung up on. Raises ConnectionError."""
    try:
        async with asyncio.timeout(WRITE_S):
            yield
    except TimeoutError as error:
        _break_off(request)
        raise ConnectionAbortedError("the client takes nothing") from error


def _break_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


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


def _errors(keeper: Keeper) -> Any:
    """What fails, as an answer. What nobody foresaw is a defect: told as one, and to whoever looks after the box."""

    @web.middleware
    async def errors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except TsuwarokuError as error:
            failed = error
        except web.HTTPException:
            raise
        except ConnectionError:
            return web.Response(status=503)  # to nobody: the client is gone
        except Exception as fault:
            keeper.defect(fault)
            failed = ServiceError(
                "the service met a defect of its own, and does not know the answer",
                remedy="report it with what `journalctl -u tsuwaroku` shows; recording does not depend on this answer",
            )
        return web.Response(status=_code(failed), body=door.told(failed), content_type="application/json")

    return errors


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
    try:
        return peer_of(link)
    except OSError as error:
        raise ServiceError("the connection is gone", remedy="try again") from error


class LinkServer:
    """The packet socket on which the recorder reports. One recorder at a time: a newer one takes over."""

    def __init__(self, keeper: Keeper, path: Path) -> None:
        self._keeper = keeper
        self._path = path
        self._listener: socket.socket | None = None
        self._peer: socket.socket | None = None

    def open(self) -> None:
        """Listen. Raises ServiceError where the socket cannot be made."""
        door.clear(self._path)
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
        door.clear(self._path)

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
