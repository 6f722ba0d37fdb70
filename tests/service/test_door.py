"""Whoever may connect cannot keep others from being answered, nor the keeper from its files: as real users."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.service import people
from tests.service.people import Person, ask, keeper_of, needs_root, place
from tests.service.requestbox import KANRI, RequestBox
from tests.service.serving import serving
from tests.service.test_rights import PEOPLE, manager_key
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.errors import ServiceError
from tsuwaroku.records.roles import Verb
from tsuwaroku.service import control, door
from tsuwaroku.service.api import Asked, Octets, Route
from tsuwaroku.service.door import more_files
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.routes import ROUTES
from tsuwaroku.service.sockets import keeper_socket
from tsuwaroku.service.unrecorded import PIECE
from tsuwaroku.store.journal import Journal, JournalType

NOBODY = Person(61010, (people.CONNECT,))  # may connect, and has no role
FILES, IDLE = 120, 300
STATUS = ("GET", "/v1/status", None)


@contextmanager
def standing_in_the_door(person: Person, path: Path, many: int) -> Iterator[list[str]]:
    """A process of this user with so many connections, on which it says nothing; gives what it was told on them."""
    told_reading, told = os.pipe()
    wait, leave = os.pipe()

    def stand() -> None:
        more_files()
        found, links = [], []
        for _ in range(many):
            link = socket.socket(socket.AF_UNIX)
            link.connect(str(path))
            links.append(link)
        time.sleep(0.5)
        for link in links:
            link.setblocking(False)
            try:
                found.append(link.recv(4096).decode())
            except BlockingIOError:
                found.append("inside")
        with os.fdopen(told, "w") as out:
            json.dump(found, out)
        os.read(wait, 1)

    pid = _fork(person, stand)
    os.close(told)
    with os.fdopen(told_reading) as answer:
        found = json.load(answer)
    try:
        yield found
    finally:
        os.write(leave, b"x")
        os.close(leave)
        os.close(wait)
        os.waitpid(pid, 0)


def _fork(person: Person, act: Callable[[], None]) -> int:
    """It ends by itself, should the test not end it."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setgroups(person.groups)
        os.setgid(person.groups[0])
        os.setuid(person.uid)
        signal.alarm(60)
        act()
        status = 0
    finally:
        os._exit(status)


def few_files() -> None:
    """What a keeper may open here instead of all that the system allows: so many more than it was begotten with."""
    most = max(int(name) for name in os.listdir("/proc/self/fd")) + FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def files_of(process: int) -> int:
    """How many files it may have open."""
    (line,) = [one for one in Path(f"/proc/{process}/limits").read_text().splitlines() if one.startswith("Max open")]
    return int(line.split()[3])


def keeper_at(path: Path) -> int:
    """The process behind a socket."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))
        pid, _, _ = struct.unpack("iII", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)


@needs_root
def test_three_hundred_silent_connections_of_one_account_cost_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "POLL_S", 0.1)
    monkeypatch.setattr(door, "more_files", few_files)
    with place() as here, keeper_of(here / "store", people.settings(here / "store"), manager_key()) as path:
        keeper = keeper_at(path)
        with standing_in_the_door(NOBODY, path, IDLE) as found:
            assert found.count("inside") == door.MOST_OF_ONE
            assert len(os.listdir(f"/proc/{keeper}/fd")) < files_of(keeper) - 20
            refused = [one for one in found if one != "inside"]
            assert len(refused) == IDLE - door.MOST_OF_ONE
            assert all(
                one.startswith("HTTP/1.1 503 ") and "connections to the service already" in one for one in refused
            )
            time.sleep(0.5)  # some polls
            (answer,) = ask(PEOPLE["manager"][0], path, [STATUS])
            assert answer.status == 200
            assert "records_failed" not in [alarm["code"] for alarm in answer.json["alarms"]]
        time.sleep(0.2)
        (answer,) = ask(NOBODY, path, [STATUS])
        assert answer.status == 403


def test_a_client_at_a_full_door_is_told_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(door, "MOST", 2)
    box = RequestBox(tmp_path / "store")
    path = keeper_socket(box.path, box.settings)
    with serving(box.keeper, box.path, box.settings):
        links = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for link in links:
            link.connect(str(path))
        with KeeperClient(path) as client, pytest.raises(ServiceError, match="connections already"):
            client.status()
        for link in links:
            link.close()
        time.sleep(0.2)
        with KeeperClient(path) as client:
            client.status()
    box.end()


def test_who_says_nothing_or_half_a_thing_is_sent_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(door, "IDLE_S", 0.3)
    monkeypatch.setattr(control, "BODY_S", 0.3)
    box = RequestBox(tmp_path / "store")
    with serving(box.keeper, box.path, box.settings):
        for said in (
            b"",
            b"GET /v1/status HTT",
            b"GET /v1/status HTTP/1.1\r\nHost: keeper\r\n",
            b"POST /v1/audit HTTP/1.1\r\nHost: keeper\r\nContent-Length: 100\r\n\r\n{",
        ):
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(9)
                link.connect(str(keeper_socket(box.path, box.settings)))
                link.sendall(said)
                octets = b"".join(iter(lambda: link.recv(65536), b""))  # until it hangs up
            assert (octets == b"") == (b"POST" not in said)
            assert octets == b"" or octets.startswith(b"HTTP/1.1 503 ")
    box.end()


def stream_of(act: Callable[[Keeper, Asked], Octets]) -> Route:
    return Route(method="GET", path="/v1/long", verb=Verb.STATUS, summary="", act=act, stream=True)


@contextmanager
def long_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Keeper, Asked], Octets]
) -> Iterator[Any]:
    monkeypatch.setattr(control, "ROUTES", [*ROUTES, stream_of(act)])
    box = RequestBox(tmp_path / "store")
    monkeypatch.setattr(box.keeper, "asker", lambda _: KANRI)
    with serving(box.keeper, box.path, box.settings):
        yield box, str(keeper_socket(box.path, box.settings))
    box.end()


def asking(path: str) -> socket.socket:
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(9)
    link.connect(path)
    link.sendall(b"GET /v1/long HTTP/1.1\r\nHost: keeper\r\nConnection: close\r\n\r\n")
    return link


def test_who_takes_nothing_is_hung_up_on_and_more_than_three_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(control, "WRITE_S", 1.0)
    monkeypatch.setattr(control, "TURN_S", 0.3)
    under_way, most = 0, 0

    def endless(_keeper: Keeper, _asked: Asked) -> Octets:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            while True:
                yield b"x" * 65536
        finally:
            under_way -= 1

    with long_answers(tmp_path, monkeypatch, endless) as (_, path):
        links = [asking(path) for _ in range(5)]
        refused = [link for link in links if _ends(link, b"HTTP/1.1 503 ")]
        assert len(refused) == 2
        until = time.monotonic() + 8
        while under_way:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert most == control.STREAMS
        for link in links:
            link.close()


def _ends(link: socket.socket, begin: bytes) -> bool:
    """Whether an answer begins so; of one that begins otherwise no more is taken."""
    return link.recv(13) == begin


def test_a_defect_is_told_as_one_and_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(_keeper: Keeper, asked: Asked) -> Octets:
        raise TypeError(asked.path)

    with long_answers(tmp_path, monkeypatch, broken) as (box, path):
        with asking(path) as link:
            octets = b"".join(iter(lambda: link.recv(65536), b""))
        assert octets.startswith(b"HTTP/1.1 503 ")
        told = json.loads(octets.partition(b"\r\n\r\n")[2])["error"]
        assert told["class"] == "ServiceError"
        assert "defect" in told["message"]
        assert told["remedy"]
        assert box.alarms()["internal_fault"].startswith("TypeError")
    assert "Traceback" in capfd.readouterr().err


def test_a_defect_in_the_middle_leaves_no_answer_that_looks_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def later(_keeper: Keeper, _asked: Asked) -> Octets:
        yield b"half"
        raise ZeroDivisionError

    with long_answers(tmp_path, monkeypatch, later) as (box, path):
        with asking(path) as link:
            octets = b"".join(iter(lambda: link.recv(65536), b""))
        assert not octets.endswith(b"0\r\n\r\n")  # it is not taken for whole
        assert octets.count(b"HTTP/1.1") <= 1
        assert box.alarms()["internal_fault"].startswith("ZeroDivisionError")


def test_where_no_file_is_to_be_had_the_door_rests_and_opens_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(door, "REST_S", 0.1)
    path, seen = tmp_path / "door.sock", []

    class Full(socket.socket):
        tries = 0

        def accept(self) -> tuple[socket.socket, Any]:
            Full.tries += 1
            if Full.tries < 3:
                raise OSError(24, "Too many open files")
            return super().accept()

    class Seen(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            seen.append(transport)

    async def knock() -> None:
        entrance = door.Door(path, "", Seen)
        with monkeypatch.context() as full:
            full.setattr(socket, "socket", Full)
            entrance.open()
        _, writer = await asyncio.open_unix_connection(str(path))
        await asyncio.sleep(0.6)
        entrance.close()
        writer.close()

    asyncio.run(knock())
    assert len(seen) == 1
    assert Full.tries < 8  # twice in vain, and no storm of them


def test_when_the_box_could_not_record_is_read_for_one_asker_at_a_time(tmp_path: Path) -> None:
    box = RequestBox(tmp_path / "store")
    (route,) = [one for one in ROUTES if one.path == "/v1/unrecorded"]

    def pieces() -> Any:
        return route.act(box.keeper, Asked(by=KANRI, path={}, query=None, body=None))

    recorders = Journal.open(box.store.journal_dir, "recorder", box.store, box.store.device)
    for _ in range(PIECE + 2):
        recorders.append(JournalType.ALIVE, box.clock.now())
    recorders.close()
    begun = pieces()
    assert next(begun) == b" "
    with pytest.raises(ServiceError, match="somebody else is asking"):
        next(pieces())
    begun.close()  # she went away
    assert json.loads(b"".join(pieces())) == []
    assert json.loads(b"".join(pieces())) == []
    box.end()


def test_a_defect_in_the_keepers_round_is_an_alarm_and_the_rest_of_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    box = RequestBox(tmp_path / "store")

    def broken(*_: object) -> None:
        raise ValueError("year 10889 is out of range")

    with monkeypatch.context() as patched:
        patched.setattr(box.keeper.hearings, "end_lapsed", broken)
        for _ in range(50):
            box.keeper.poll()
        assert box.alarms()["records_failed"] == "ValueError: year 10889 is out of range"
        (box.path / "run" / "audit.head").write_bytes(b"")
        box.keeper.audit("kanri", "play", "", "")
        box.keeper.poll()
        assert (box.path / "run" / "audit.head").read_bytes() == box.keeper.audit_log.head().hex().encode()
    box.keeper.poll()
    assert "records_failed" not in box.alarms()
    assert 1 <= capfd.readouterr().err.count("Traceback") <= 20
    box.end()
