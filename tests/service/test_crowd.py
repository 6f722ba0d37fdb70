"""A running pair on the simulated exchange, with clients at its socket: recording does not notice them, and takes a
changed list of recipients without a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import pytest

from tests.service.support import demo_key
from tsuwaroku.config import Config
from tsuwaroku.console.callsclient import CallsClient
from tsuwaroku.console.keepersource import KeeperSource
from tsuwaroku.console.staffclient import StaffClient
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.callrows import ListRequest
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.sockets import keeper_socket
from tsuwaroku.service.staffing import AppointRequest, DismissRequest
from tsuwaroku.service.supervisor import Pair, demo_config, start_demo
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import list_calls
from tsuwaroku.store.scan import read_headers
from tsuwaroku.store.verify import verify_store

HANDLER = PrivateKey(b"h" * 32)
T = TypeVar("T")
CLIENTS, LISTENERS, SECONDS = 100, 8, 12.0


_TURN = threading.Lock()


class OneByOne(StaffClient):
    """Many clients in one process ask beside each other, and read the answers one after the other: msgspec 0.22 has
    crashed with many threads decoding at once."""

    def _decode(self, content: bytes, kind: type[T]) -> T:
        with _TURN:
            return super()._decode(content, kind)


class Lists(CallsClient):
    """The same of lists."""

    def _decode(self, content: bytes, kind: type[T]) -> T:
        with _TURN:
            return super()._decode(content, kind)


@contextmanager
def running(path: Path, config: Config) -> Iterator[Path]:
    create_demo_store(path, config, 400)
    pair = start_demo(config, path)
    try:
        socket_path = keeper_socket(path, config)
        wait(pair, lambda: socket_path.exists() and recording(socket_path))
        yield socket_path
        assert pair.restarts == 0
    finally:
        pair.stop()


def wait(pair: Pair, done: Callable[[], bool], seconds: float = 40.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        pair.poll()
        time.sleep(0.2)


def recording(socket_path: Path) -> bool:
    """Whether some call is being captured now."""
    with StaffClient(socket_path) as keeper:
        recorder = keeper.status().recorder
        return recorder is not None and any(line.call_id for line in recorder.lines)


def calls_of(path: Path) -> list[CallRecord]:
    store = Store.open(path)
    try:
        assert verify_store(store, demo_key(path)).problems == []
        return list_calls(store, demo_key(path), warnings=[])
    finally:
        store.close()


@pytest.mark.slow
@pytest.mark.xdist_group("clock")
def test_a_hundred_clients_at_once_leave_no_gap(tmp_path: Path) -> None:
    path, failed = tmp_path / "store", []
    answers = [0] * CLIENTS

    def ask(socket_path: Path, number: int, until: float) -> None:
        try:
            with OneByOne(socket_path) as keeper, Lists(socket_path) as lists:
                while time.monotonic() < until:
                    keeper.status()
                    keeper.staff()
                    if number % 10 == 0:  # an entry of the audit log, and a sync of the disk
                        lists.listed(lists.begin_list(ListRequest(key_id=HANDLER.id.hex())).ticket)
                    answers[number] += 1
                    time.sleep(0.1)
        except Exception as fault:
            failed.append(f"{number}: {fault}")

    with running(path, demo_config(4)) as socket_path:
        until = time.monotonic() + SECONDS
        crowd = [threading.Thread(target=ask, args=(socket_path, number, until)) for number in range(CLIENTS)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
    assert failed == []
    assert min(answers) >= 1
    calls = calls_of(path)
    assert calls
    assert [gap for call in calls for gap in call.audio.gaps] == []


@pytest.mark.slow
@pytest.mark.xdist_group("clock")
def test_eight_people_listen_and_list_beside_a_capture_and_leave_no_gap(tmp_path: Path) -> None:
    """Each in a process of his own. Slots are 256 KiB answers, read from the disk that the recorder's commits go to."""
    path = tmp_path / "store"
    with running(path, demo_config(4)) as socket_path, ProcessPoolExecutor(LISTENERS, get_context("spawn")) as pool:
        until = time.monotonic() + SECONDS + 10
        people = [pool.submit(listen, path, socket_path, until) for _ in range(LISTENERS)]
        heard = [one.result() for one in people]
    assert min(heard) > 0
    assert [gap for call in calls_of(path) for gap in call.audio.gaps] == []


def listen(path: Path, socket_path: Path, until: float) -> int:
    """Octets of sound that somebody heard of the latest calls, every one of them as it was captured."""
    key, source, heard = demo_key(path), KeeperSource(socket_path), 0
    while time.monotonic() < until:
        calls = [one for one in source.records(key) if isinstance(one, CallRecord) and one.audio.samples]
        for call in calls[-2:]:
            with source.hearing(call, key, purpose="公正", note="", listeners=[]) as hearing:
                heard += sum(len(pcm) for _, pcm in hearing.pieces())
                assert hearing.checked() == []
        time.sleep(0.2)
    return heard


@pytest.mark.slow
@pytest.mark.xdist_group("clock")
def test_a_running_recorder_seals_to_whoever_is_appointed_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "store"

    def sealed_to_handler() -> list[bool]:
        """Of each call in the order they began."""
        store = Store.open(path)
        try:
            calls = sorted(read_headers(store).calls.values(), key=lambda headers: headers[0].sequence)
            return [any(wrap.recipient == HANDLER.id for wrap in headers[0].wraps) for headers in calls]
        finally:
            store.close()

    config = demo_config(4)
    create_demo_store(path, config, 400)
    pair = start_demo(config, path)
    try:
        socket_path = keeper_socket(path, config)
        wait(pair, lambda: socket_path.exists() and len(sealed_to_handler()) > 0)
        with StaffClient(socket_path) as keeper:
            body = AppointRequest(user="uid 61007", name="青森 花子", public_key=HANDLER.public.hex())
            keeper.appoint(body, deputy=False)
            wait(pair, lambda: True in sealed_to_handler())
            keeper.dismiss(DismissRequest("uid 61007", "異動"))
            time.sleep(3.0)
            begun = len(sealed_to_handler())
            wait(pair, lambda: len(sealed_to_handler()) > begun)
        assert pair.restarts == 0
    finally:
        pair.stop()
    sealed = sealed_to_handler()
    assert not sealed[0]
    assert not any(sealed[begun:])
    calls_of(path)
