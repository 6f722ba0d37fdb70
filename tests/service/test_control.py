"""The keeper's sockets: reached under a path of any length, by whoever the kernel says it is."""

from __future__ import annotations

import asyncio
import getpass
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service.serving import serving
from tests.service.support import START
from tests.service.test_modes import config
from tsuwaroku.clock import NS, VirtualClock
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.errors import NotFoundError, RefusedError, ServiceError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.service import control
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.link import Hello, Report, SocketLink
from tsuwaroku.service.refusals import A_MINUTE
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.sockets import keeper_socket, link_socket
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

KEY = "0123456789abcdef" * 2  # the id of one


@contextmanager
def keeping(path: Path) -> Iterator[Keeper]:
    """A keeper that serves its sockets in a thread."""
    settings = config()
    create_demo_store(path, settings, 8)
    store = Store.open(path, need_device=True)
    clock = VirtualClock(START)
    keeper = Keeper(store, settings, clock)
    keeper.start()
    clock.mono_ns = 60 * NS  # long enough for a recorder to have come
    try:
        with serving(keeper, path, settings):
            yield keeper
    finally:
        keeper.close()
        store.close()


@pytest.mark.parametrize("deep", ["store", "/".join(["a-long-directory-name-of-a-city-hall"] * 5)])
def test_status_and_errors_over_a_path_of_any_length(tmp_path: Path, deep: str) -> None:
    path = tmp_path / deep
    with keeping(path), KeeperClient(path / "run" / "keeper.sock") as client:
        status = client.status()
        assert (status.ring.slots, status.ring.free, status.recorder) == (8, 8, None)
        assert [alarm.code for alarm in status.alarms] == ["recorder_away"]
        with pytest.raises(NotFoundError):
            client.mark("01KSR496151AXPZWJ96Z1ZGX6X", kind="unreasonable_demand", by="nobody", withdraw=None)
    assert not (path / "run" / "keeper.sock").exists()


def test_the_actor_is_who_the_kernel_says(tmp_path: Path) -> None:
    with keeping(tmp_path / "store") as keeper:
        with KeeperClient(tmp_path / "store" / "run" / "keeper.sock") as client:
            client.audit(verb="wrong passphrase", subject=KEY, why="パスフレーズの誤り 3回")
        entries = [(e.actor, e.verb) for e in AuditLog.open(keeper._store).entries()]
    assert entries[-1] == (getpass.getuser(), "wrong passphrase")


def test_a_request_that_is_not_understood_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    with keeping(tmp_path / "store"), KeeperClient(tmp_path / "store" / "run" / "keeper.sock") as client:
        for body in ({"verb": 5}, {"verb": "wrong passphrase", "subject": KEY, "unknown": 1}, {}):
            with pytest.raises(RefusedError):
                client._ask("POST", "/v1/audit", body)
        assert client.status().ring.slots == 8


@pytest.mark.parametrize(
    ("verb", "subject", "why"),
    [
        *((verb, KEY, "") for verb in (*ActVerb, "hold", "play", "heard", "clock confirmed", "calls closed", "")),
        ("wrong passphrase", "01KSR496151AXPZWJ96Z1ZGX6X", ""),
        ("wrong passphrase", KEY.upper(), ""),
        ("wrong passphrase", KEY + "\n", ""),
        ("wrong passphrase", "", ""),
        ("wrong passphrase", KEY, "a" * 201),
    ],
)
def test_only_what_a_console_has_to_tell_is_taken_from_one(
    kept: tuple[Keeper, KeeperClient], verb: str, subject: str, why: str
) -> None:
    """Whoever may write into the log by herself decides no request of hers with it; that she tried is in the log."""
    keeper, client = kept
    keeper._clock.mono_ns += 60 * NS  # type: ignore[attr-defined]  # a minute of its own for each
    before = len(list(keeper.audit_log.entries()))
    with pytest.raises(RefusedError):
        client.audit(verb=verb, subject=subject, why=why)
    found = [(e.actor, e.verb, e.subject, e.detail) for e in keeper.audit_log.entries()][before:]
    said = {"verb": "audit.note", "why": "bad input"}
    assert found == [(getpass.getuser(), "refused", "/v1/audit", said)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Keeper, KeeperClient]]:
    path = tmp_path_factory.mktemp("kept") / "store"
    with keeping(path) as keeper, KeeperClient(path / "run" / "keeper.sock") as client:
        yield keeper, client


def test_no_console_fills_the_log(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with keeping(path) as keeper, KeeperClient(path / "run" / "keeper.sock") as client:
        for _ in range(A_MINUTE):
            client.audit(verb="wrong passphrase", subject=KEY, why="")
        before = keeper.audit_log.head()
        with pytest.raises(RefusedError, match="in a minute"):
            client.audit(verb="wrong passphrase", subject=KEY, why="")
        assert keeper.audit_log.head() == before
        keeper._clock.mono_ns += 60 * NS  # type: ignore[attr-defined]
        client.audit(verb="wrong passphrase", subject=KEY, why="")
        assert keeper.audit_log.head() != before


@pytest.mark.parametrize("verb", ActVerb)
def test_an_act_of_a_ledger_is_written_by_its_rules_alone(kept: tuple[Keeper, KeeperClient], verb: ActVerb) -> None:
    keeper, _ = kept
    before = keeper.audit_log.head()
    with pytest.raises(ValueError, match="act of a ledger"):
        keeper.audit("hana", verb.value, "2026-001", "")
    assert keeper.audit_log.head() == before


def test_a_recorder_is_heard_and_missed(tmp_path: Path) -> None:
    from tests.service.test_lamp_truth import Box

    box = Box(tmp_path)
    box.until(6.0)
    report = Report(box.recorder.status())
    box.end()
    path = tmp_path / "kept"
    with keeping(path) as keeper, KeeperClient(path / "run" / "keeper.sock") as client:
        link = SocketLink(link_socket(path), Hello("00" * 8, 1))
        link.poll(1.0)
        assert link.connected
        link.send(report)
        for _ in range(100):
            if client.status().recorder is not None:
                break
        recorder = client.status().recorder
        assert recorder is not None
        assert [(line.state, line.lamp.value) for line in recorder.lines] == [("answered", "lit")]
        assert link.receive()
        link.close()
        for _ in range(100):
            if client.status().recorder is None:
                break
        assert client.status().recorder is None
        assert keeper.status().alarms[0].code == "recorder_away"


def test_a_keeper_whose_disk_was_mounted_anew_ends_and_the_next_one_finds_it_all(tmp_path: Path) -> None:
    """It has files open, and knows things, of the disk that was; while the disk is away it only waits."""
    path = tmp_path / "store"
    settings = config()
    create_demo_store(path, settings, 8)
    store = Store.open(path, need_device=True)
    keeper = Keeper(store, settings, VirtualClock(START))
    keeper.start()
    path.rename(tmp_path / "away")
    keeper.poll()
    keeper.refuse_other_place()
    shutil.copytree(tmp_path / "away", path)
    (path / "run" / "audit.head").unlink()
    stop = asyncio.Event()
    with pytest.raises(ServiceError, match="the disk was mounted anew") as ended:
        asyncio.run(control.serve(keeper, keeper_socket(path, settings), link_socket(path), stop))
    assert (ended.value.exit_code, bool(ended.value.remedy)) == (12, True)
    assert not keeper_socket(path, settings).exists()
    keeper.close()
    store.close()
    store = Store.open(path, need_device=True)
    keeper = Keeper(store, settings, VirtualClock(START))
    keeper.start()
    keeper.refuse_other_place()
    assert {alarm.code for alarm in keeper.status().alarms} <= {"recorder_away"}
    assert verify_store(store).problems == []
    keeper.close()
    store.close()
