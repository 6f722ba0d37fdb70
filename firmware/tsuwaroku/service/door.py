"""The door of the control socket: who may stand in it, and for how long.

Whoever is in the group that may connect may open connections, with a role or without one. Each costs the keeper a file
of its own, and a keeper without a file to open lends no slots, so there is room for few of one account, and for fewer
in all than the keeper may open. Who says nothing is sent away by the server behind (`keepalive_timeout`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from tsuwaroku.errors import ServiceError, TsuwarokuError
from tsuwaroku.service.asking import group_number, uid_of
from tsuwaroku.service.link import reachable

MOST_OF_ONE: Final = 32
"""Connections of one account. Root and the service's own account could do worse, and are bound by `MOST` alone."""
MOST: Final = 256
IDLE_S = 10.0
"""For a request to come, the first one and each further one. httpx lets go of a connection after five seconds."""
REST_S: Final = 1.0  # where no file is to be had
_BACKLOG: Final = 1024  # a full one refuses at once; who waits there costs no file of ours
_AT_ONCE: Final = 16  # let in or refused before the rest of the loop has its turn


def more_files() -> None:
    """As many open files as the system allows this process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Door:
    """Listens, and hands over whom it lets in. `factory`: makes the protocol of a connection."""

    def __init__(self, path: Path, group: str, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        self._path = path
        self._group = group
        self._factory = factory
        self._listener: socket.socket | None = None
        self._inside: dict[socket.socket, int] = {}  # -> uid
        self._coming: set[asyncio.Task[None]] = set()
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._most = MOST if limit == resource.RLIM_INFINITY else min(MOST, limit // 2)

    def open(self) -> None:
        """Listen. Raises ServiceError where the socket cannot be made."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        clear(self._path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(reachable(self._path))
            _open_to_staff(self._path, self._group)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise ServiceError(
                f"cannot listen ({error.strerror})", where=str(self._path), remedy="choose a shorter or writable path"
            ) from error
        listener.setblocking(False)
        self._listener = listener
        self._listen()

    def close(self) -> None:
        """Let nobody in any more; who is inside stays."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
        clear(self._path)

    def _listen(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        assert self._listener is not None
        loop = asyncio.get_running_loop()
        for _ in range(_AT_ONCE):
            try:
                link, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no file is to be had
                loop.remove_reader(self._listener.fileno())
                loop.call_later(REST_S, self._listen)
                return
            self._came(link)

    def _came(self, link: socket.socket) -> None:
        link.setblocking(False)
        try:
            uid = uid_of(link)
        except OSError:
            link.close()
            return
        why = self._full(uid)
        if why is not None:
            _refuse(link, why)
            return
        self._inside[link] = uid
        task = asyncio.get_running_loop().create_task(self._let_in(link))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def _let_in(self, link: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._factory, link)
        except OSError:
            link.close()

    def _full(self, uid: int) -> ServiceError | None:
        self._inside = {link: of for link, of in self._inside.items() if link.fileno() != -1}
        if uid not in (0, os.geteuid()) and sum(of == uid for of in self._inside.values()) >= MOST_OF_ONE:
            return ServiceError(
                f"this account has {MOST_OF_ONE} connections to the service already",
                remedy="end programs that are connected and not used, then try again",
            )
        if len(self._inside) >= self._most:
            return ServiceError(
                f"the service has {self._most} connections already, and takes no more", remedy="try again in a minute"
            )
        return None


def told(error: TsuwarokuError) -> bytes:
    """An error as the content of an answer."""
    said = {"class": type(error).__name__, "message": error.message, "where": error.where, "remedy": error.remedy}
    return msgspec.json.encode({"error": said})


def _refuse(link: socket.socket, why: ServiceError) -> None:
    """Say so without waiting for what is asked, and hang up."""
    content = told(why)
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with contextlib.suppress(OSError), link:
        link.send(head.encode() + content)


def _open_to_staff(path: Path, group: str) -> None:
    """Whoever is in the group may connect; where the machine has none, or we may not give it away, our own group."""
    number = group_number(group)
    if number is not None:
        with contextlib.suppress(PermissionError):
            os.chown(path, -1, number)
    os.chmod(path, 0o660)


def clear(path: Path) -> None:
    """Nothing is there any more."""
    with contextlib.suppress(OSError):  # not there, or a disk that takes nothing; whoever binds there is told
        path.unlink()
