"""The control interface from the console's side: every failure is an error of ours with a remedy."""

from __future__ import annotations

import gc
import socket
from pathlib import Path

import pytest

from tests.console.support import FakeKeeper
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.errors import NotFoundError, RefusedError, ServiceError, TsuwarokuError

STATUS = "/v1/status"


def failing(tmp_path: Path, status: int, content: bytes) -> TsuwarokuError:
    path = tmp_path / "keeper.sock"
    with (
        FakeKeeper(path, {STATUS: (status, content)}),
        KeeperClient(path) as client,
        pytest.raises(TsuwarokuError) as raised,
    ):
        client.status()
    return raised.value


@pytest.mark.parametrize("made", ["nothing", "file", "stale"])
def test_nobody_answers(tmp_path: Path, made: str) -> None:
    path = tmp_path / "keeper.sock"
    if made == "file":
        path.write_text("")
    elif made == "stale":
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(path))
    with KeeperClient(path) as client, pytest.raises(ServiceError) as raised:
        client.status()
    assert (raised.value.where, raised.value.exit_code) == (str(path), 12)
    assert "systemctl start tsuwaroku" in raised.value.remedy


@pytest.mark.parametrize(
    ("told", "expected"),
    [("NotFoundError", NotFoundError), ("RefusedError", RefusedError), ("SomethingElse", ServiceError)],
)
def test_an_error_keeps_class_place_and_remedy(tmp_path: Path, told: str, expected: type[TsuwarokuError]) -> None:
    content = b'{"error": {"class": "%s", "message": "m", "where": "w", "remedy": "r"}}' % told.encode()
    error = failing(tmp_path, 404, content)
    assert (type(error), error.message, error.where, error.remedy) == (expected, "m", "w", "r")


@pytest.mark.parametrize(
    ("status", "content", "message"),
    [
        (500, b"oops", "answered 500"),
        (200, b"{}", "is not understood"),
        (200, b"\xff", "is not understood"),
    ],
)
def test_an_answer_that_makes_no_sense(tmp_path: Path, status: int, content: bytes, message: str) -> None:
    error = failing(tmp_path, status, content)
    assert isinstance(error, ServiceError)
    assert message in error.message
    assert error.remedy


def test_requests_are_as_the_keeper_expects_them(tmp_path: Path) -> None:
    path = tmp_path / "keeper.sock"
    with FakeKeeper(path, {}) as keeper, KeeperClient(path) as client:
        client.mark("01ABC", kind="unreasonable_demand", by="suzuki", withdraw=2)
        client.audit(verb="wrong passphrase", subject="ab" * 16, why="3回")
    assert keeper.asked == [
        ("POST", "/v1/calls/01ABC/marks", {"kind": "unreasonable_demand", "by": "suzuki", "withdraw": 2}),
        ("POST", "/v1/audit", {"verb": "wrong passphrase", "subject": "ab" * 16, "why": "3回"}),
    ]


def test_a_service_that_goes_away_between_two_questions_is_missed_and_leaves_no_socket_open(tmp_path: Path) -> None:
    """Then the connection is made anew, and refused (an unclosed socket would be a warning, which is an error here)."""
    path = tmp_path / "keeper.sock"
    with KeeperClient(path) as client:
        with FakeKeeper(path, {}):
            client.audit(verb="x", subject="", why="")
        with pytest.raises(ServiceError) as raised:
            client.audit(verb="x", subject="", why="")
        with FakeKeeper(path, {}) as again:
            client.audit(verb="y", subject="", why="")
    del raised
    gc.collect()
    assert [body["verb"] for _, _, body in again.asked] == ["y"]
