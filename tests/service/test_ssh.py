"""Reading from a PC, as the city hall does it: a real ssh server, real accounts of different groups, a keeper that is a
user of its own, and on the PC the command and the private key."""

from __future__ import annotations

import base64
import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.service import sshd
from tests.service.people import (
    CONNECT,
    HANDLERS,
    MANAGERS,
    TECHNICIANS,
    Person,
    ask,
    give,
    kept,
    place,
    post,
    settings,
)
from tests.service.requestbox import call_id
from tests.service.sshd import Server, Tap, Tunnel, ssh_server, tunnel
from tests.store.reading import NUMBER, Box, at
from tsuwaroku.clock import NS, Instant
from tsuwaroku.console import client
from tsuwaroku.console.keepersource import KeeperSource
from tsuwaroku.errors import ForbiddenError, SecretError, ServiceError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.service.tickets import LAPSE_NS
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.keys import PrivateKey, Recipients, make_private_key

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(sshd.missing()), reason=sshd.missing()),
    pytest.mark.xdist_group("ssh"),
]

PEOPLE = {
    "kanri": Person(61016, (CONNECT, MANAGERS)),
    "hana": Person(61013, (CONNECT, HANDLERS)),
    "hoshu": Person(61012, (CONNECT, TECHNICIANS)),
    "soto": Person(61020, (61020, MANAGERS)),
}
"""The manager, a handler for line 1, a technician, and somebody who may not connect, whatever else she is."""
PASSPHRASE = "正しい馬 電池 ホチキス"
WHY = "業務の公正かつ適正な執行"
READING = ("calls listed", "call read", "play", "heard", "refused")
PATIENCE_S = 20.0


class Running:
    """A clock that goes on by itself from an hour after the calls, the same in every process; `skip` moves it. Its boot
    is none of this machine's, as from a PC a box's is not: on the box itself the console takes no private key."""

    def __init__(self) -> None:
        self._begun_ns = time.monotonic_ns()
        self._skipped = mmap.mmap(-1, 8)  # shared with what is forked

    def skip(self, ns: int) -> None:
        self._skipped[:] = (int.from_bytes(self._skipped[:], "big") + ns).to_bytes(8, "big")

    def now(self) -> Instant:
        skipped = int.from_bytes(self._skipped[:], "big")
        return at(3600 + (time.monotonic_ns() - self._begun_ns + skipped) / NS)

    def at(self, mono_ns: int) -> Instant:
        return at(mono_ns / NS)


class Office(NamedTuple):
    """A box and the PCs around it: `pc` holds what is on these, `pcm` the sound of each call as it was captured."""

    store: Path
    socket: Path
    pc: Path
    server: Server
    clock: Running
    pcm: dict[int, bytes]

    def key(self, name: str) -> PrivateKey:
        return PrivateKey.load(self.pc / f"{name}.key", lambda: PASSPHRASE)

    def entries(self, after: int = 0) -> list[AuditEntry]:
        """What the audit log has of reading."""
        return [one for one in AuditLog(self.store / "audit").entries() if one.verb in READING][after:]

    def acts(self, after: int) -> list[tuple[str, str, str]]:
        """Actor and verb of each, and the words that only the manager's key opens."""
        key = self.key("kanri")
        return [(one.actor, one.verb, one.why(key) or one.detail.get("why", "")) for one in self.entries(after)]


def three_calls(path: Path, recipients: Recipients) -> dict[int, bytes]:
    """A call on line 1, a long one there, and one on line 2."""
    box = Box(path, recipients=recipients)
    box.call(1, marks=1)
    box.call(2, 100.0, 5)  # more than a minute: it is decoded in several pieces
    box.call(3, line="2")
    box.audit.close()
    box.store.close()
    return box.pcm


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with place() as here, ExitStack() as stack:
        pc, store = here / "pc", here / "store"
        pc.mkdir(mode=0o700)
        (pc / "passphrase").write_text(PASSPHRASE)
        make_key = partial(make_private_key, passes=1, memory=8192)  # a passphrase that takes no second to open
        manager = make_key(pc / "kanri.key", PASSPHRASE, "manager", "管理責任者")
        handler = make_key(pc / "hana.key", PASSPHRASE, "handler", "青森 花子")
        pcm = three_calls(store, Recipients([manager, msgspec.structs.replace(handler, lines=("1",))]))
        give(store)
        clock = Running()
        socket = stack.enter_context(kept(store, settings(store), clock=clock))
        appointment = {
            "user": PEOPLE["hana"].name,
            "name": "青森 花子",
            "public_key": handler.public_key,
            "lines": ["1"],
        }
        (answer,) = ask(PEOPLE["kanri"], socket, [post("/v1/staff/handlers", appointment)])
        assert answer.status == 200, answer
        server = stack.enter_context(ssh_server(here / "sshd", PEOPLE))
        yield Office(store, socket, pc, server, clock, pcm)


@pytest.fixture(autouse=True)
def _the_pc(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(office.pc / "cache"))


@pytest.fixture
def reach(office: Office) -> Iterator[Callable[[str], Tunnel]]:
    """Somebody's tunnel, from her PC to the keeper."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(tunnel(office.server, name, office.pc / f"{name}.sock", office.socket))


def tsuwaroku(office: Office, through: Path, *arguments: str, key: str = "") -> tuple[int, str, str]:
    """The command on the PC: its exit code, what it printed, and what it told."""
    command = [str(Path(sys.prefix, "bin", "tsuwaroku")), "--socket", str(through), *arguments]
    if key:
        command += ["--key", str(office.pc / f"{key}.key"), "--passphrase-file", str(office.pc / "passphrase")]
    environment = {**os.environ, "LANG": "C.UTF-8", "XDG_CACHE_HOME": str(office.pc / "cache")}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    return ran.returncode, ran.stdout, ran.stderr


def listed(office: Office, through: Path, key: str) -> list[CallRecord]:
    code, out, err = tsuwaroku(office, through, "calls", "--json", key=key)
    assert (code, err) == (0, ""), office.server.log
    return msgspec.json.decode(out, type=list[CallRecord])


def at_office(through: Path, key: PrivateKey) -> list[CallRecord]:
    """The same, in this process."""
    return [one for one in KeeperSource(through).records(key) if isinstance(one, CallRecord)]


def hear(source: KeeperSource, record: CallRecord, key: PrivateKey) -> bytes:
    with source.hearing(record, key, purpose=WHY, note="", listeners=[]) as hearing:
        pcm = b"".join(pcm for _, pcm in hearing.pieces())
        hearing.heard([(0.0, len(pcm) / 16000)])
        assert hearing.problems + hearing.checked() == []
    return pcm


def hear_until(source: KeeperSource, record: CallRecord, key: PrivateKey, broken: Callable[[], None]) -> None:
    """Hear two seconds of a call, then more."""
    with source.hearing(record, key, purpose=WHY, note="", listeners=[]) as hearing:
        pieces = hearing.pieces()
        next(pieces)
        hearing.heard([(0.0, 2.0)])
        broken()
        list(pieces)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


# -- who reads


def test_the_manager_reads_and_hears_on_her_pc_what_was_captured(
    office: Office, reach: Callable[[str], Tunnel]
) -> None:
    before, through = len(office.entries()), reach("kanri").socket
    records = listed(office, through, "kanri")
    assert [(one.id, one.line) for one in records] == [(call_id(1), "1"), (call_id(2), "1"), (call_id(3), "2")]
    assert {one.caller.number for one in records} == {NUMBER}
    code, out, err = tsuwaroku(office, through, "show", "2", "--json", key="kanri")
    assert (code, err) == (0, "")
    assert msgspec.json.decode(out, type=CallRecord).id == records[1].id
    assert [hear(KeeperSource(through), one, office.key("kanri")) for one in records] == list(office.pcm.values())
    acts = office.acts(before)
    assert {actor for actor, _, _ in acts} == {PEOPLE["kanri"].name}  # by the kernel of the box, not by her PC
    assert [(verb, said) for _, verb, said in acts] == [
        *[("calls listed", "… – …")] * 2,
        ("call read", "checking"),
        *[("play", WHY), ("heard", "0:00–0:02; 1 of 1 slots were given")],
        *[("play", WHY), ("heard", "0:00–1:40; 6 of 6 slots were given")],
        *[("play", WHY), ("heard", "0:00–0:02; 1 of 1 slots were given")],
    ]


def test_neither_key_nor_passphrase_leaves_the_pc_and_nothing_readable_comes_to_it(
    office: Office, reach: Callable[[str], Tunnel]
) -> None:
    through, key = reach("kanri").socket, office.key("kanri")
    with Tap(office.pc / "tap.sock", through) as tap:
        records = at_office(tap.path, key)
        assert records[1].caller.number == NUMBER
        assert hear(KeeperSource(tap.path), records[1], key) == office.pcm[2]
    assert b"POST /v1/plays" in tap.sent
    assert len(tap.received) > 2 * (256 << 10)
    octets = bytes(key._key)
    file = (office.pc / "kanri.key").read_bytes()
    secrets = [octets, octets.hex().encode(), base64.b64encode(octets), PASSPHRASE.encode(), file[-100:]]
    assert [secret in tap.sent for secret in secrets] == [False] * len(secrets)
    assert NUMBER.encode() not in tap.received
    assert key.public.hex().encode() not in tap.sent
    assert key.id.hex().encode() in tap.sent  # the id of the key is all that is told of it


def test_a_handler_of_line_1_gets_nothing_of_line_2(office: Office, reach: Callable[[str], Tunnel]) -> None:
    manager, handler = reach("kanri").socket, reach("hana").socket
    key, source = office.key("hana"), KeeperSource(handler)
    other = at_office(manager, office.key("kanri"))[2]
    before = len(office.entries())
    records = listed(office, handler, "hana")
    assert [one.id for one in records] == [call_id(1), call_id(2)]
    assert [one.id for one in source.records(None)] == [call_id(1), call_id(2)]
    assert hear(source, records[0], key) == office.pcm[1]
    with pytest.raises(ForbiddenError, match="not appointed for the line"):
        hear(source, other, key)
    with pytest.raises(ForbiddenError), source.reading(other.id, office.key("kanri"), why="paper"):
        pass
    assert office.acts(before) == [
        (PEOPLE["hana"].name, verb, said)
        for verb, said in (
            *[("calls listed", "… – …"), ("play", WHY), ("heard", "0:00–0:02; 1 of 1 slots were given")],
            *[("refused", "another line")] * 2,
        )
    ]
    with pytest.raises(SecretError):  # nor is anything of it sealed to her, should she come to the octets
        hear(KeeperSource(manager), other, key)


def test_a_technician_is_refused_with_any_key(office: Office, reach: Callable[[str], Tunnel]) -> None:
    record = at_office(reach("kanri").socket, office.key("kanri"))[0]
    through, before = reach("hoshu").socket, len(office.entries())
    code, out, err = tsuwaroku(office, through, "calls", key="kanri")
    assert (code, out) == (ForbiddenError.exit_code, "")
    assert "calls is not for technician" in err
    with pytest.raises(ForbiddenError):
        hear(KeeperSource(through), record, office.key("kanri"))
    refused = (PEOPLE["hoshu"].name, "refused", "no right")
    assert office.acts(before) == [refused, refused]


def test_who_is_not_in_the_connecting_group_gets_no_answer_and_a_manager_is_none_without_it(
    office: Office, reach: Callable[[str], Tunnel]
) -> None:
    through, before = reach("soto").socket, len(office.entries())
    code, out, err = tsuwaroku(office, through, "calls", key="kanri")
    assert (code, out) == (ServiceError.exit_code, "")
    assert "the service does not answer" in err
    assert "ssh" in err  # what to look at on a PC
    assert f"connect to {office.socket} port -2 failed: Permission denied" in office.server.log
    assert office.acts(before) == []


# -- when the line to the box breaks


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "silent"])
def test_a_tunnel_that_breaks_ends_the_hearing_and_the_keeper_writes_down_what_was_heard(
    office: Office, reach: Callable[[str], Tunnel], how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, line, key = len(office.entries()), reach("kanri"), office.key("kanri")
    record = at_office(line.socket, key)[1]
    monkeypatch.setattr(client, "TIMEOUT_S", 1.5)
    with pytest.raises(ServiceError) as broken:
        hear_until(KeeperSource(line.socket), record, key, lambda: line.client.send_signal(how))
    assert "ssh" in broken.value.remedy
    assert [verb for _, verb, _ in office.acts(before)] == ["calls listed", "play"]
    office.clock.skip(LAPSE_NS + NS)
    until(lambda: len(office.entries(before)) == 3)
    assert office.acts(before)[-1] == (
        PEOPLE["kanri"].name,
        "heard",
        "0:00–0:02; 6 of 6 slots were given; the client went away",
    )
    line.client.kill()
    line.client.wait()
    assert hear(KeeperSource(reach("kanri").socket), record, key) == office.pcm[2]
