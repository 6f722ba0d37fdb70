"""On the box itself no private key is used; on a PC beside a forwarded socket it is, and where one person owns both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.console.support import FakeKeeper, Run
from tests.console.test_keys import PASSPHRASE
from tsuwaroku.clock import boot_id
from tsuwaroku.service.status import Place
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.keys import PrivateKey, Recipients, make_private_key, public_side
from tsuwaroku.store.layout import Store

REFUSED = "a private key is not used on the box itself"
LINES = '[[line]]\nid = "1"\n'
VERBS: list[tuple[str, ...]] = [
    ("calls",),
    ("find", "--number", "03"),
    ("verify",),
    ("show", "1"),
    ("staff", "list"),
    ("disclose", "list"),
    ("ledger", "handlers"),
    ("request", "list"),
    ("media",),
]


class Real:
    """A real store, and the key of its manager."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.store, self.key, self.words = folder / "store", key, folder / "passphrase"
        self.config = folder / "config.toml"
        self.words.write_text(PASSPHRASE)
        Store.create(
            self.store, slots=4, retention_days=30, demonstration=False, recipients=Recipients([public_side(key)])
        ).close()

    def asks(self, verb: Sequence[str]) -> list[object]:
        return [*verb, "--store", self.store, "--key", self.key, "--passphrase-file", self.words]

    def configured(self, text: str) -> list[object]:
        self.config.write_text(LINES + text)
        return ["--config", self.config]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stick") / "manager.key"
    make_private_key(path, PASSPHRASE, "manager", "管財課長")
    return path


@pytest.fixture
def real(tmp_path: Path, key: Path) -> Real:
    return Real(tmp_path, key)


def place(boot: bytes, **more: bool) -> dict[str, tuple[int, bytes]]:
    said = {"demonstration": False, "local_console": False} | more
    return {"/v1/place": (200, msgspec.json.encode(Place(boot_id=boot.hex(), **said)))}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_with_the_device_key_here_no_verb_takes_a_private_key(run: Run, real: Real, verb: tuple[str, ...]) -> None:
    ran = run(*real.asks(verb))
    assert (ran.code, ran.out) == (9, "")
    assert REFUSED in ran.err
    assert "forward the box's socket" in ran.err


def test_the_passphrase_is_not_even_asked_for(run: Run, real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(PrivateKey, "load", asked)
    assert REFUSED in run(*real.asks(("calls",))).err


def test_a_device_key_elsewhere_on_this_machine_and_a_running_keeper_say_so_too(run: Run, real: Real) -> None:
    away = real.store.parent / "sd" / "device.key"
    away.parent.mkdir()
    (real.store / "keys" / "device.key").rename(away)
    assert run(*real.asks(("calls",))).code == 0  # the disk alone, on another machine
    option = real.configured(f'[store]\ndevice_key = "{away}"\n')
    assert REFUSED in run(*option, *real.asks(("calls",))).err
    away.unlink()
    for name in ("keeper.lock", "recorder.lock"):
        lock = FileLock(real.store / name)
        lock.acquire()
        assert REFUSED in run(*real.asks(("calls",))).err
        lock.release()
    assert run(*real.asks(("calls",))).code == 0


def test_one_person_with_the_box_to_herself_and_a_demonstration(run: Run, real: Real, office: Path) -> None:
    option = real.configured("[service]\nlocal_console = true\n")
    assert run(*option, *real.asks(("calls",))).code == 0
    assert run("calls", "--store", office, "--key", office / "demo.key").code == 0


def test_a_real_store_that_says_it_is_a_demonstration_is_one_of_the_box(run: Run, real: Real) -> None:
    path = real.store / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"demonstration": True}))
    assert REFUSED in run(*real.asks(("calls",))).err


@pytest.mark.parametrize("verb", [("disclose", "list"), ("staff", "list"), ("calls",)], ids=" ".join)
def test_the_keeper_of_this_machine_decides_whatever_the_configuration_says(
    run: Run, real: Real, verb: tuple[str, ...]
) -> None:
    option = real.configured("[service]\nlocal_console = true\n")
    with FakeKeeper(real.store / "run" / "keeper.sock", place(boot_id())):
        assert REFUSED in run(*option, *real.asks(verb)).err
    for more in ("local_console", "demonstration"):
        with FakeKeeper(real.store / "run" / "keeper.sock", place(boot_id(), **{more: True})):
            assert REFUSED not in run(*real.asks(verb)).err


def test_beside_a_forwarded_socket_the_key_is_used(run: Run, real: Real) -> None:
    """The PC has the socket and no store; the keeper at its other end runs in another boot."""
    shutil.rmtree(real.store)
    answers = place(bytes(16)) | {"/v1/disclosures": (200, b'{"disclosures":[]}'), "/v1/acts": (200, b"")}
    with FakeKeeper(real.store / "run" / "keeper.sock", answers) as keeper:
        ran = run(*real.asks(("disclose", "list")))
    assert REFUSED not in ran.err
    assert [path for _, path, _ in keeper.asked][:2] == ["/v1/place", "/v1/disclosures"]


def test_a_socket_forwarded_on_the_box_to_the_box_is_the_boxs(run: Run, real: Real) -> None:
    with FakeKeeper(real.store.parent / "forwarded.sock", place(boot_id())):
        option = real.configured(f'[service]\nsocket = "{real.store.parent / "forwarded.sock"}"\n')
        ran = run(*option, "disclose", "list", "--key", real.key, "--passphrase-file", real.words)
    assert REFUSED in ran.err


def test_the_test_restore_is_made_where_the_keys_are(run: Run, real: Real) -> None:
    """It opens a probe of its own, and no call."""
    ran = run(*real.asks(("keys", "test")))
    assert (ran.code, ran.err) == (0, "")


def test_without_a_key_everything_is_as_it_was(run: Run, real: Real) -> None:
    assert run("calls", "--store", real.store).code == 0
    assert run("verify", "--store", real.store).code == 0
