"""The recorder's process in trouble: lamps blink, one message says why, nothing leaks, its memory stays private."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.service.support import START
from tests.service.test_modes import ONE_CALL, config, script
from tsuwaroku.clock import VirtualClock
from tsuwaroku.errors import BoardError, StoreError
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.board import SYSTEM_LAMP, Lamp
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.service import assembly, process
from tsuwaroku.service.link import MAX_PACKET, Hello, Note, Report, SocketLink, Upward, decode_upward, encode
from tsuwaroku.service.process import Spec
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.status import Alarm, LineStatus, RecorderStatus
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.layout import Store


class Stop:
    """Says stop when it was asked so many times."""

    left = 3

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.left


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VirtualBoard:
    clock = VirtualClock(START)
    board = VirtualBoard(load_script(script(tmp_path, 20.0, ONE_CALL, [])).sources(), clock, realtime=False)
    monkeypatch.setattr(process, "make_board", lambda spec: (board, clock))
    monkeypatch.setattr(process, "RETRY_S", 0.05)
    monkeypatch.setattr(process, "StopFlag", Stop)
    monkeypatch.setattr(process, "be_prompt", lambda: None)
    create_demo_store(tmp_path / "store", config(), 8)
    return board


def spec(tmp_path: Path) -> Spec:
    return Spec(role="recorder", config=config(), store=str(tmp_path / "store"))


def shown(board: VirtualBoard) -> set[str]:
    return {lamp for _, lamp, state in board.history if state is Lamp.FAST}


def read_only(path: Any, flags: int, *rest: Any, open: Any = os.open, **kwargs: Any) -> int:
    if "recorder.lock" in str(path) and flags & (os.O_RDWR | os.O_WRONLY):
        raise OSError(30, "Read-only file system", str(path))
    found: int = open(path, flags, *rest, **kwargs)
    return found


def test_a_file_system_that_became_read_only_makes_every_lamp_blink(
    tmp_path: Path, board: VirtualBoard, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "open", read_only)
    assert process.run(spec(tmp_path)) == 0
    monkeypatch.undo()
    assert shown(board) == {"1", SYSTEM_LAMP}
    err = capfd.readouterr().err
    assert "Read-only file system" in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_a_defect_makes_every_lamp_blink_before_the_process_ends(
    tmp_path: Path, board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(process, "_record", broken)
    with pytest.raises(KeyError):
        process.run(spec(tmp_path))
    assert shown(board) == {"1", SYSTEM_LAMP}


def test_trying_again_for_hours_leaks_no_file(
    tmp_path: Path, board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BoardError("no", where="board")

    def keep_open(store: Store, *_: object, **__: object) -> None:
        store.ring.read_block0(0)
        raise StoreError("no", where="lease")

    for place, act in (("Recorder", refuse), ("RingWriter", keep_open)):
        monkeypatch.setattr(assembly, place, act)
        process.run(spec(tmp_path))
        before = sorted(os.listdir("/proc/self/fd"))
        for _ in range(3):
            process.run(spec(tmp_path))
        assert len(os.listdir("/proc/self/fd")) == len(before)
    assert FileLock.held(tmp_path / "store" / "recorder.lock") is None


def test_a_disk_that_does_not_let_go_ends_the_process(
    tmp_path: Path, board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage thread hangs in the kernel: whoever comes next must not write beside it."""
    monkeypatch.setattr(assembly.Assembled, "release", lambda self: False)
    monkeypatch.setattr(Stop, "left", 10**9)  # the script's end ends the recorder, and with it the process
    with pytest.raises(SystemExit) as ended:
        process.run(spec(tmp_path))
    assert ended.value.code


def test_a_lock_file_is_never_cut_to_nothing_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    for content in (b"0011223344556677", b"8899aabbccddeeff"):
        lengths: list[int] = []
        monkeypatch.setattr(os, "ftruncate", lambda fd, length, lengths=lengths: lengths.append(length))
        lock = FileLock(path, content)
        lock.acquire()
        assert FileLock.held(path) == content
        assert lengths == [16]
        lock.release()
        monkeypatch.undo()


# -- the link


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(tmp_path / "link"))
    yield listener
    listener.close()


def received(peer: socket.socket, count: int) -> list[Upward | None]:
    peer.settimeout(5)
    return [decode_upward(peer.recv(MAX_PACKET)) for _ in range(count)]


def test_what_is_for_the_audit_log_waits_for_the_keeper(tmp_path: Path, keeper: socket.socket) -> None:
    hello, note = Hello("00", 1), Note("recorder started", "00", {})
    link = SocketLink(tmp_path / "link", hello)
    link.send(note)
    link.poll(0.0)  # nobody listens yet
    keeper.listen(1)
    link.poll(2.0)
    peer, _ = keeper.accept()
    assert received(peer, 2) == [hello, note]
    peer.close()
    link.close()


def test_a_disk_that_stands_still_holds_up_no_loop_that_connects(
    tmp_path: Path, keeper: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket's name is on that disk, and looking it up waits."""
    moves = threading.Event()

    def waits(path: Path) -> str:
        moves.wait(20)
        return str(path)

    monkeypatch.setattr("tsuwaroku.service.link.reachable", waits)
    keeper.listen()
    link = SocketLink(tmp_path / "link", Hello("00" * 8, 1))
    began = time.monotonic()
    for second in range(20):
        link.poll(float(second))
    assert time.monotonic() - began < 2
    assert not link.connected
    assert [thread.name for thread in threading.enumerate()].count("link") == 1
    moves.set()
    while not link.connected:
        assert time.monotonic() - began < 20
        time.sleep(0.01)
        link.poll(20.0)
    link.close()


def test_a_message_too_large_for_a_packet_is_lost_and_the_link_is_not(tmp_path: Path, keeper: socket.socket) -> None:
    keeper.listen(1)
    link = SocketLink(tmp_path / "link", Hello("00", 1))
    link.poll(0.0)
    peer, _ = keeper.accept()
    link.send(Note("x", "", {"much": "x" * 4_000_000}))
    link.send(Note("y", "", {}))
    assert received(peer, 2)[1] == Note("y", "", {})
    assert link.connected
    peer.close()
    link.close()


def test_a_report_of_64_lines_with_every_alarm_fits_into_a_packet() -> None:
    line = LineStatus(
        id="L" * 16, extension="2101", department="市民相談課" * 8, mode="every_call", state="answered", lamp=Lamp.FAST
    )
    alarm = Alarm(code="notice_not_heard", severity="critical", line="L" * 16, since="x" * 29, detail="x" * 150)
    status = RecorderStatus(
        instance="0" * 16,
        pid=1,
        at="",
        ready=True,
        system_lamp=Lamp.FAST,
        lines=[line] * 64,
        alarms=[alarm] * 256,
        free_slots=1,
        clock_quality="holdover",
    )
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sender.setblocking(False)
    sender.send(encode(Report(status)))
    assert received(receiver, 1) == [Report(status)]
    sender.close()
    receiver.close()


# -- memory


def test_no_memory_of_the_processes_reaches_a_core_dump() -> None:
    code = (
        "import resource\n"
        "from tsuwaroku.store.memory import keep_memory_private\n"
        "keep_memory_private()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "(0, 0)"


def test_a_ring_below_its_guarantee_is_refused_at_the_start(
    tmp_path: Path, board: VirtualBoard, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines were added, or the days: nothing is recorded into a ring that cannot keep it, unless that was accepted."""
    Store.create(tmp_path / "real", slots=8, retention_days=30, demonstration=False).close()
    real = msgspec.structs.replace(spec(tmp_path), store=str(tmp_path / "real"))
    assert process.run(real) == 0
    assert shown(board) == {"1", SYSTEM_LAMP}
    assert "a ring of 2 MiB keeps 0.0 days" in capfd.readouterr().err
    accepted = msgspec.structs.replace(real.config.store, accept_shorter=True)
    real = msgspec.structs.replace(real, config=msgspec.structs.replace(real.config, store=accepted))
    assert process.run(real) == 0
    assert "a ring of" not in capfd.readouterr().err
