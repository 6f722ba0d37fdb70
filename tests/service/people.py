"""Real Unix users at a real keeper: the test, as root, makes processes of other accounts and groups, none of which
needs to be on this machine. The keeper is one of them, too."""

from __future__ import annotations

import json
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tsuwaroku.clock import Clock, SystemClock
from tsuwaroku.config import Config, LineConfig, ServiceConfig, StoreConfig
from tsuwaroku.service import control
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.sockets import keeper_socket, link_socket
from tsuwaroku.store.keys import Recipients
from tsuwaroku.store.layout import Store

KEEPER, CONNECT, MANAGERS, HANDLERS, TECHNICIANS = 61001, 61002, 61003, 61004, 61005  # groups; the first a user, too

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes processes of other users")


class Person(msgspec.Struct, frozen=True):
    """An account of the machine: its number, and the numbers of its groups."""

    uid: int
    groups: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What the keeper calls an account that the machine has no name for."""
        return f"uid {self.uid}"


class Answer(msgspec.Struct, frozen=True):
    """Status and content of an HTTP answer."""

    status: int
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


Question = tuple[str, str, bytes | None]


def settings(path: Path, **service: Any) -> Config:
    """The configuration of a box whose groups are numbers."""
    return Config(
        line=(LineConfig(id="1"), LineConfig(id="2")),
        store=StoreConfig(path=str(path)),
        service=ServiceConfig(
            group=str(CONNECT),
            manager_group=str(MANAGERS),
            handler_group=str(HANDLERS),
            technician_group=str(TECHNICIANS),
            **service,
        ),
    )


@contextmanager
def place() -> Iterator[Path]:
    """A directory that every user may pass through (pytest's own are the test's alone)."""
    with tempfile.TemporaryDirectory(prefix="tsuwaroku-people-") as name:
        os.chmod(name, 0o711)
        yield Path(name)


@contextmanager
def keeper_of(path: Path, config: Config, recipients: Recipients | None, *, uid: int = KEEPER) -> Iterator[Path]:
    """A keeper in a process of its own user, with a store of its own; gives its socket. Without `recipients` it is a
    demonstration."""
    Store.create(path, slots=8, retention_days=30, demonstration=recipients is None, recipients=recipients).close()
    give(path, uid)
    with kept(path, config, uid=uid) as where:
        yield where


def give(path: Path, uid: int = KEEPER) -> None:
    """A store to the user its keeper is."""
    for directory, _, files in os.walk(path):
        for name in (".", *files):
            os.chown(Path(directory) / name, uid, uid)
    (path / "run").mkdir(exist_ok=True)
    os.chown(path / "run", uid, uid)
    os.chmod(path, 0o711)
    os.chmod(path / "run", 0o711)


@contextmanager
def kept(path: Path, config: Config, *, uid: int = KEEPER, clock: Clock | None = None) -> Iterator[Path]:
    """The same over a store that is there."""

    def keep() -> None:
        store = Store.open(path, need_device=True)
        control.run_keeper(
            Keeper(store, config, clock or SystemClock()), keeper_socket(path, config), link_socket(path)
        )

    pid = _fork(Person(uid, (uid, CONNECT)), keep)
    socket_path = keeper_socket(path, config)
    try:
        until = time.monotonic() + 20
        while not link_socket(path).exists():
            assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the keeper has ended"
            assert time.monotonic() < until
            time.sleep(0.01)
        yield socket_path
    finally:
        os.kill(pid, signal.SIGTERM)
        assert os.waitpid(pid, 0)[1] == 0


def ask(person: Person, socket_path: Path, questions: Sequence[Question]) -> list[Answer]:
    """What a process of this user is answered, question by question."""
    reading, writing = os.pipe()

    def talk() -> None:
        answers = [_ask(socket_path, *question) for question in questions]
        with os.fdopen(writing, "wb") as out:
            out.write(msgspec.msgpack.encode(answers))

    pid = _fork(person, talk)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        octets = told.read()
    assert os.waitpid(pid, 0)[1] == 0
    return msgspec.msgpack.decode(octets, type=list[Answer])


def post(path: str, body: dict[str, Any]) -> Question:
    return "POST", path, json.dumps(body).encode()


def _ask(socket_path: Path, method: str, path: str, body: bytes | None) -> Answer:
    head = f"{method} {path} HTTP/1.1\r\nHost: keeper\r\nConnection: close\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(20)
        link.connect(str(socket_path))
        link.sendall(head.encode() + b"\r\n" + (body or b""))
        octets = b"".join(iter(lambda: link.recv(65536), b""))
    first, _, content = octets.partition(b"\r\n\r\n")
    return Answer(int(first.split()[1]), content)


def _fork(person: Person, act: Callable[[], None]) -> int:
    """A child of this user that does one thing."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setgroups(person.groups)
        os.setgid(person.groups[0] if person.groups else person.uid)
        os.setuid(person.uid)
        act()
        status = 0
    finally:
        os._exit(status)
