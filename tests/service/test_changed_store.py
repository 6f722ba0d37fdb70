"""A real store whose `store.json` was made to say that it is a demonstration grants nothing of what one does; a person
is told, and recording goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.service.serving import serving
from tests.store.reading import Box, at, ident
from tsuwaroku.clock import VirtualClock
from tsuwaroku.config import Config, LineConfig, ServiceConfig, StoreConfig
from tsuwaroku.console.client import DEMO_VARIABLE, KeeperClient
from tsuwaroku.errors import ForbiddenError, SecretError
from tsuwaroku.records.roles import Role
from tsuwaroku.service.asking import Peer, played
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.store.keys import DeviceKey, PrivateKey, Recipient, Recipients, make_demo_key
from tsuwaroku.store.layout import Store, StoreInfo
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.writer import CallOpening, RingWriter

MANAGER = PrivateKey(b"m" * 32)


def real(path: Path) -> Path:
    one = Recipient(id=MANAGER.id.hex(), role="manager", name="管理責任者", public_key=MANAGER.public.hex())
    box = Box(path, recipients=Recipients([one]))
    box.call(1)
    box.audit.close()
    box.store.close()
    return path


def flipped(path: Path) -> None:
    file = path / "store.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"demonstration": True}))


def signed_by_another(path: Path) -> None:
    """A key of one's own before the box's, and all signed with it: the list of recipients, too."""
    file = path / "store.json"
    info, mine = msgspec.json.decode(file.read_bytes(), type=StoreInfo), DeviceKey(b"x" * 32)
    info = msgspec.structs.replace(info, demonstration=True, device_keys=[mine.public.hex(), *info.device_keys])
    store = Store.open(path)
    store.recipients.save(path / "keys" / "recipients.json", info.store_id, mine)
    store.close()
    file.write_bytes(msgspec.json.encode(info.signed(mine)))


def config(path: Path) -> Config:
    return Config(line=(LineConfig(id="1"),), store=StoreConfig(path=str(path)), service=ServiceConfig())


def start(path: Path) -> Keeper:
    store = Store.open(path, need_device=True)
    keeper = Keeper(store, config(path), VirtualClock(1_795_000_000))
    keeper.start()
    return keeper


def end(keeper: Keeper) -> None:
    keeper.close()
    keeper.store.close()


def codes(keeper: Keeper) -> set[str]:
    return {alarm.code for alarm in keeper.status().alarms}


@pytest.mark.parametrize("change", [flipped, signed_by_another])
def test_a_changed_store_is_no_demonstration_for_the_keeper(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = real(tmp_path / "store")
    change(path)
    keeper = start(path)
    assert keeper.store.info.demonstration
    assert not keeper.store.info.is_demonstration
    asker = keeper.asker(Peer("tsuwaroku", os.geteuid(), frozenset()))
    assert Role.MANAGER not in asker.roles
    assert played(asker, "kanri", demonstration=keeper.store.info.is_demonstration) == asker
    assert (keeper.place().demonstration, keeper.status().demonstration) == (False, False)
    assert "store_changed" in codes(keeper)
    key = tmp_path / "demo.key"
    demo = make_demo_key(key)
    with pytest.raises(SecretError, match="a real store seals nothing to a demonstration key"):
        keeper.store.set_recipients(Recipients([demo]))
    with pytest.raises(SecretError, match="a demonstration key opens no real store"):
        keeper.store.admit(PrivateKey.load(key, str))
    end(keeper)


def test_nobody_is_played_over_the_socket_of_a_changed_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = real(tmp_path / "store")
    flipped(path)
    keeper = start(path)
    monkeypatch.setenv(DEMO_VARIABLE, "kanri")
    with serving(keeper, path, config(path)), KeeperClient(path / "run" / "keeper.sock") as client:
        assert not client.place().demonstration
        with pytest.raises(ForbiddenError):
            client.mark("01KSR496151AXPZWJ96Z1ZGX6X", kind="unreasonable_demand", by="nobody", withdraw=None)
    end(keeper)


@pytest.mark.parametrize("demonstration", [True, False])
def test_a_store_as_it_was_made_raises_no_alarm(tmp_path: Path, demonstration: bool) -> None:
    path = tmp_path / "store"
    if demonstration:
        Box(path).store.close()
    else:
        real(path)
    keeper = start(path)
    assert keeper.place().demonstration is demonstration
    assert "store_changed" not in codes(keeper)
    end(keeper)


@pytest.mark.parametrize("change", [flipped, signed_by_another])
def test_a_changed_store_goes_on_recording(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = real(tmp_path / "store")
    change(path)
    store = Store.open(path, need_device=True)
    Lease(slots=[(slot, 1) for slot in range(4, 8)], sequence_floor=9).save(store.lease_path, store.store_id)
    writer = RingWriter(store, instance=b"instance", audit_head=lambda: bytes(32))
    writer.open(CallOpening(id=ident(2), line="1", seized=at(9), rate=8000))
    writer.audio(ident(2), 0, b"\1\0" * 8000)
    assert ident(2) in writer.commit(at(10)).committed
    store.close()
