"""Messages between recorder and keeper: hints only. What counts is in the ring and the journals.

Over a Unix socket of packets (SOCK_SEQPACKET), msgpack; or a direct call where both run in one process.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import msgspec

from tsuwaroku.service.status import RecorderStatus

MAX_PACKET = 128 * 1024
CONNECT_S = 0.05  # a connection takes microseconds; on a disk that stands still it is looked for later
MOST_NOTES = 16


def reachable(path: Path) -> str:
    """A name for a Unix socket that the kernel takes: sun_path holds 108 octets (unix(7)), store paths may be longer.

    A longer one is reached through its directory's descriptor, which stays open for the process's life.
    """
    if len(os.fsencode(path)) < 100:
        return str(path)
    return f"/proc/self/fd/{_directory(path.parent)}/{path.name}"


@lru_cache(maxsize=8)
def _directory(path: Path) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


class Hello(msgspec.Struct, frozen=True, tag=True):
    """A recorder is there."""

    instance: str
    pid: int


class Report(msgspec.Struct, frozen=True, tag=True):
    """A few times a second."""

    status: RecorderStatus


class Closed(msgspec.Struct, frozen=True, tag=True):
    """These calls are sealed and durable."""

    calls: list[str]


class Note(msgspec.Struct, frozen=True, tag=True):
    """Something for the audit log."""

    verb: str
    subject: str
    detail: dict[str, str]


class LeaseChanged(msgspec.Struct, frozen=True, tag=True):
    """Keeper to recorder: read the lease again."""


Upward = Hello | Report | Closed | Note
_encoder = msgspec.msgpack.Encoder()
_upward = msgspec.msgpack.Decoder(Upward)
_downward = msgspec.msgpack.Decoder(LeaseChanged)


def decode_upward(data: bytes) -> Upward | None:
    """A message from the recorder; None where it cannot be understood."""
    try:
        message: Upward = _upward.decode(data)
    except msgspec.MsgspecError:
        return None
    return message


def encode(message: Upward | LeaseChanged) -> bytes:
    return _encoder.encode(message)


class KeeperLink(Protocol):
    """The recorder's end."""

    def send(self, message: Upward) -> None:
        """Never blocks, never raises; lost while the keeper is away."""
        ...

    def receive(self) -> Sequence[LeaseChanged]:
        """What came from the keeper."""
        ...

    @property
    def connected(self) -> bool: ...

    @property
    def live(self) -> bool:
        """Whether anybody looks at the reports."""
        ...

    def close(self) -> None: ...


class _Attempt(threading.Thread):
    """To connect, in a thread of its own: the socket's name lies on the store's disk, and looking it up waits for a
    disk that stands still. The recorder's loop must not."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="link", daemon=True)
        self.link: socket.socket | None = None
        self._path = path
        self.start()

    def run(self) -> None:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link.setblocking(False)
        try:
            link.connect(reachable(self._path))
        except OSError:
            link.close()
        else:
            self.link = link


class SocketLink:
    """Reconnects by itself, at most once a second of `now_s`."""

    def __init__(self, path: Path, hello: Hello) -> None:
        self._path = path
        self._hello = hello
        self._socket: socket.socket | None = None
        self._next_try = 0.0
        self._attempt: _Attempt | None = None
        self._notes: deque[Note] = deque(maxlen=MOST_NOTES)

    @property
    def connected(self) -> bool:
        return self._socket is not None

    @property
    def live(self) -> bool:
        return self._socket is not None

    def poll(self, now_s: float) -> None:
        """Connect if need be."""
        if self._socket is not None:
            return
        if self._attempt is None and now_s >= self._next_try:
            self._next_try = now_s + 1.0
            self._attempt = _Attempt(self._path)
            self._attempt.join(CONNECT_S)
        if self._attempt is None or self._attempt.is_alive():
            return
        link, self._attempt = self._attempt.link, None
        if link is None:
            return
        self._socket = link
        self._send(self._hello)
        self._send_notes()

    def send(self, message: Upward) -> None:
        """A Note is kept (the latest few) until it could be sent: what it tells is found nowhere else."""
        if isinstance(message, Note):
            self._notes.append(message)
        else:
            self._send(message)
        self._send_notes()

    def _send_notes(self) -> None:
        while self._notes and self._send(self._notes[0]):
            self._notes.popleft()

    def _send(self, message: Upward) -> bool:
        """False where it may be tried again."""
        if self._socket is None:
            return False
        try:
            self._socket.send(encode(message))
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return True  # it will never go
            if error.errno not in (errno.EAGAIN, errno.ENOBUFS):
                self._drop()
            return False
        return True

    def receive(self) -> Sequence[LeaseChanged]:
        found: list[LeaseChanged] = []
        while self._socket is not None:
            try:
                data = self._socket.recv(MAX_PACKET)
            except BlockingIOError:
                break
            except OSError:
                self._drop()
                break
            if not data:
                self._drop()
                break
            with contextlib.suppress(msgspec.MsgspecError):
                found.append(_downward.decode(data))
        return found

    def close(self) -> None:
        self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
