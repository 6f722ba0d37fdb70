"""Who asks, under `sudo`; and which of the sticks that are plugged in is meant."""

from __future__ import annotations

import os
import pwd
import socket
import tempfile
import threading
from pathlib import Path

import msgspec
import pytest

from tests.disclosure.drive_rigs import MIB
from tsuwaroku.config import Config, LineConfig, MediaConfig
from tsuwaroku.console.asperson import as_person
from tsuwaroku.console.callsclient import CallsClient
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.console.custody_client import CustodyClient, drives_of, recognised
from tsuwaroku.disclosure.drives import UsbDrives
from tsuwaroku.disclosure.identity import Match, Registered
from tsuwaroku.disclosure.registering import register
from tsuwaroku.disclosure.virtual_drives import StickState, VirtualDrives, VirtualStick
from tsuwaroku.errors import MediumError, RefusedError
from tsuwaroku.service.asking import Peer, peer_of
from tsuwaroku.service.custody import Identities
from tsuwaroku.store.layout import Store

SECRET = bytes(32)


def asking() -> Peer:
    """Who a socket made now says it is."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with one, other, as_person():
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with a, b:
            return peer_of(a)


def here() -> tuple[int, int, list[int]]:
    return os.geteuid(), os.getegid(), os.getgroups()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as somebody else")
@pytest.mark.parametrize("said", ["nobody", "root", "none", "text"])
def test_under_sudo_the_keeper_is_asked_as_who_called_it(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    uids = {"nobody": nobody.pw_uid, "root": 0, "none": 4_000_000_000, "text": "x"}
    monkeypatch.setenv("SUDO_UID", str(uids[said]))
    before = here()
    peer = asking()
    assert here() == before
    if said == "nobody":
        assert (peer.user, peer.uid, 0 in peer.groups) == ("nobody", nobody.pw_uid, False)
    else:
        assert peer.uid == 0
    with pytest.raises(RuntimeError), as_person():
        raise RuntimeError
    assert here() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as somebody else")
@pytest.mark.parametrize(("kind", "who"), [(CustodyClient, "nobody"), (CallsClient, "nobody"), (KeeperClient, "root")])
def test_a_copy_under_sudo_is_asked_for_as_who_called_it(
    kind: type[KeeperClient], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its calls are read as that person, too; what a technician asks as root stays root's."""
    monkeypatch.setenv("SUDO_UID", str(pwd.getpwnam("nobody").pw_uid))
    seen: list[str] = []

    def answer(listener: socket.socket) -> None:
        for _ in range(2):  # the look whether anybody listens comes first
            link, _ = listener.accept()
            with link:
                seen.append(peer_of(link).user)
                if link.recv(65536):
                    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        os.chmod(folder, 0o711)
        path = Path(folder) / "keeper.sock"
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen()
        serving = threading.Thread(target=answer, args=(listener,))
        serving.start()
        with kind(path) as keeper:
            assert keeper._ask("GET", "/v1/status") == b"{}"
        serving.join(10)
    assert seen == [who] * 2


def test_without_sudo_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert asking().uid == os.geteuid()


def config(folder: Path) -> Config:
    return Config(line=(LineConfig(id="1"),), media=MediaConfig(kind="virtual", folder=str(folder)))


def test_virtual_media_are_no_media_of_a_real_store(tmp_path: Path) -> None:
    demo = Store.create(tmp_path / "demo", slots=2, retention_days=30, demonstration=True)
    assert isinstance(drives_of(None, demo), UsbDrives)
    assert isinstance(drives_of(config(tmp_path), demo), VirtualDrives)
    demo.info = msgspec.structs.replace(demo.info, demonstration=False)
    with pytest.raises(RefusedError, match="demonstrations alone"):
        drives_of(config(tmp_path), demo)


def plug(folder: Path, name: str) -> VirtualStick:
    stick = VirtualStick(folder, name, StickState(serial=f"4C5300012304151{name}", capacity_octets=MIB))
    stick.plug()
    return stick


def test_the_medium_that_is_meant_among_several(tmp_path: Path) -> None:
    drives = VirtualDrives(tmp_path)
    with pytest.raises(MediumError, match="no medium is plugged in"):
        recognised(drives, None, "M-1", Identities(known=[], secret=SECRET))
    media: list[Registered] = []
    sticks = [plug(tmp_path, name) for name in ("a", "b")]
    for number, drive in enumerate(drives.find().drives, 1):
        media.append(register(drives, drive, f"M-{number}", SECRET, known=media).registered)
    known = Identities(known=media, secret=SECRET)
    with pytest.raises(RefusedError, match="several media"):
        recognised(drives, None, None, known)
    for device, name in ((None, "M-2"), ("virtual:b", None), ("virtual:b", "M-2")):
        drive, registered, found = recognised(drives, device, name, known)
        assert (drive.device, registered, found is not None and found.match) == ("virtual:b", media[1], Match.SAME)
    with pytest.raises(RefusedError, match="M-1 is not plugged in"):
        recognised(drives, "virtual:b", "M-1", known)
    sticks[0].pull()
    with pytest.raises(RefusedError, match="M-1 is not plugged in"):
        recognised(drives, None, "M-1", known)
    plug(tmp_path, "c")
    assert recognised(drives, "virtual:c", None, known)[1] is None


def test_a_copied_token_is_told(tmp_path: Path) -> None:
    drives = VirtualDrives(tmp_path)
    plug(tmp_path, "a")
    one = register(drives, drives.find().only(), "M-1", SECRET).registered
    stick = VirtualStick(tmp_path, "a")
    other = plug(tmp_path, "b")
    other.image.write_bytes(stick.image.read_bytes())
    stick.pull()
    with pytest.raises(RefusedError, match="is on another medium"):
        recognised(drives, None, None, Identities(known=[one], secret=SECRET))
