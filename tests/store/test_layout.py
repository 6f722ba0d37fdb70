from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tsuwaroku.errors import ForeignStoreError, SecretError, StoreError
from tsuwaroku.store.checked import sealed
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.keys import DeviceKey, PrivateKey, Recipients, make_recovery_key
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.ring import RingFiles, file_sizes
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE, free_block, generation_of, unpack_slot


def create(path: Path, slots: int = 3, **changes: object) -> Store:
    values: dict[str, object] = {"slots": slots, "retention_days": 30, "demonstration": True}
    return Store.create(path, **(values | changes))  # type: ignore[arg-type]


def test_a_new_store_holds_free_slots_and_opens_again(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    made = create(tmp_path / "s", created="2026-11-23T09:00:00+09:00", progress=lambda *p: told.append(p))
    store = Store.open(tmp_path / "s", need_device=True)
    assert store.info == made.info
    assert (store.info.slots, store.info.slot_size, store.info.created) == (3, SLOT_SIZE, "2026-11-23T09:00:00+09:00")
    assert store.device is not None
    assert store.info.device_keys == [store.device.public.hex()]
    assert [store.ring.read_block0(slot) for slot in range(3)] == [free_block(slot, 0) for slot in range(3)]
    assert told[-1] == (3 * SLOT_SIZE + 2 * (1 << 20),) * 2
    assert told == sorted(told)
    modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "s").glob("keys/*")}
    assert modes == {"device.key": 0o600, "recipients.json": 0o640}
    files = {str(p.relative_to(tmp_path / "s")): p.stat().st_size for p in (tmp_path / "s").glob("[rj]*/*")}
    assert files == {
        "ring/ring-00000.dat": 3 * SLOT_SIZE,
        "journal/recorder-00000.dat": 1 << 20,
        "journal/keeper-00000.dat": 1 << 20,
    }


def test_a_large_ring_is_many_files() -> None:
    assert file_sizes(256) == [256 * SLOT_SIZE]
    assert file_sizes(513) == [256 * SLOT_SIZE, 256 * SLOT_SIZE, SLOT_SIZE]


def test_slots_lie_where_they_should(tmp_path: Path) -> None:
    for index, size in enumerate(file_sizes(258)):
        with (tmp_path / f"ring-{index:05d}.dat").open("wb") as file:
            file.truncate(size)
    ring = RingFiles(tmp_path, 258, writable=True)
    ring.write(255, 4096, b"last of the first")
    ring.write(257, 0, b"last")
    ring.sync()
    assert ring.read(255, 4096, 17) == b"last of the first"
    assert (tmp_path / "ring-00001.dat").read_bytes()[SLOT_SIZE : SLOT_SIZE + 4] == b"last"
    for slot, offset, data in ((258, 0, b""), (-1, 0, b""), (0, SLOT_SIZE, b"x"), (0, -1, b"x")):
        with pytest.raises(ValueError, match="outside"):
            ring.write(slot, offset, data)
    ring.close()
    with pytest.raises(StoreError, match="cannot be written"):
        RingFiles(tmp_path, 258).write(0, 0, b"x")


def test_each_file_touched_is_synced_once_however_few_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index, size in enumerate(file_sizes(513)):
        with (tmp_path / f"ring-{index:05d}.dat").open("wb") as file:
            file.truncate(size)
    synced: list[str] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")[-9:]))
    monkeypatch.setattr("tsuwaroku.store.ring._MAX_OPEN", 2)
    ring = RingFiles(tmp_path, 513, writable=True)
    for slot in (512, 0, 513 - 257, 1):
        ring.write(slot, 0, b"x")
    ring.sync()
    ring.sync()
    ring.write(300, 0, b"x")
    ring.sync()
    assert synced == ["00000.dat", "00001.dat", "00002.dat", "00001.dat"]
    assert [ring.read(slot, 0, 1) for slot in (0, 256, 512, 2)] == [b"x", b"x", b"x", b"\0"]
    ring.close()


def test_the_durable_order_of_the_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        names.append(target.name)
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    create(tmp_path / "s", recipients=Recipients())
    assert names == [
        "device.key",
        "ring-00000.dat",
        "recorder-00000.dat",
        "keeper-00000.dat",
        "recipients.json",
        "store.json",
    ]


@pytest.mark.parametrize("step", range(7))
def test_a_cut_off_making_is_refused_by_open_and_finished_by_create(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Cut before each rename in turn: device key, ring, two journals, demo key, recipients, store.json."""
    real, left = Path.rename, [step]

    def rename(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device", str(target))
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises((StoreError, SecretError)) as caught:
            create(tmp_path / "s")
    assert caught.value.remedy
    with pytest.raises(StoreError, match="cut off"):
        Store.open(tmp_path / "s")
    ring = tmp_path / "s" / "ring" / "ring-00000.dat"
    before = ring.stat().st_ino if ring.exists() else None
    create(tmp_path / "s").close()
    store = Store.open(tmp_path / "s", need_device=True)
    assert before in (None, ring.stat().st_ino)  # what was whole is kept
    store.admit(PrivateKey.load(store.path / "demo.key", str))
    assert not list(store.path.rglob(".*.tmp"))


def test_a_cut_off_making_is_not_finished_with_another_size(tmp_path: Path) -> None:
    for name, slots, clue in (("a", 4, "another size"), ("b", 256, "another size"), ("c", 3, "")):
        create(tmp_path / name, slots=3)
        (tmp_path / name / "store.json").unlink()
        if clue:
            with pytest.raises(StoreError, match=clue):
                create(tmp_path / name, slots=slots)
        else:
            create(tmp_path / name, slots=slots)


def test_calls_of_a_store_without_store_json_are_not_adopted(tmp_path: Path) -> None:
    store = create(tmp_path / "s")
    store.ring.write(2, 0, b"TSUWASLT")
    (tmp_path / "s" / "store.json").unlink()
    with pytest.raises(StoreError, match="holds calls"):
        create(tmp_path / "s")


def test_occupied_directories_are_refused_untouched(tmp_path: Path) -> None:
    create(tmp_path / "s")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for name, clue in (("s", "already"), ("home", "not empty"), ("file", "cannot")):
        with pytest.raises(StoreError, match=clue) as caught:
            create(tmp_path / name)
        assert caught.value.remedy
    assert os.listdir(tmp_path / "home") == ["letter.txt"]
    with pytest.raises(StoreError, match="at least one"):
        create(tmp_path / "none", slots=0)


def change_info(store: Path, **changes: object) -> None:
    file = store / "store.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize(
    ("spoil", "error", "clue"),
    [
        (lambda s: (s / "store.json").write_text("{"), StoreError, "damaged"),
        (lambda s: change_info(s, version=2), StoreError, "version 2"),
        (lambda s: change_info(s, slot_size=4096), StoreError, "slots of 262144"),
        (lambda s: change_info(s, store_id="00" * 16), StoreError, "not signed"),
        (lambda s: (s / "ring/ring-00000.dat").unlink(), StoreError, "missing"),
        (lambda s: os.truncate(s / "ring/ring-00000.dat", 4096), StoreError, "4096 octets instead of 786432"),
        (lambda s: (s / "keys/recipients.json").unlink(), StoreError, "recipients"),
        (lambda s: (s / "keys/device.key").chmod(0o644), SecretError, "by others"),
        (lambda s: (s / "keys/device.key").unlink(), SecretError, "cannot be read"),
        (lambda s: DeviceKey.create(s / "keys/device.key"), ForeignStoreError, "another box"),
    ],
)
def test_what_is_not_this_box_s_store_is_refused(
    tmp_path: Path, spoil: Callable[[Path], object], error: type[StoreError], clue: str
) -> None:
    create(tmp_path / "s").close()
    spoil(tmp_path / "s")
    with pytest.raises(error, match=clue) as caught:
        Store.open(tmp_path / "s", need_device=True)
    assert type(caught.value) is error
    assert str(tmp_path / "s") in caught.value.where
    assert caught.value.remedy


def test_missing_stores_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("none", "empty"):
        with pytest.raises(StoreError, match="is not a store"):
            Store.open(tmp_path / name)


def test_reading_needs_no_device_key(tmp_path: Path) -> None:
    create(tmp_path / "s")
    (tmp_path / "s/keys/device.key").unlink()
    store = Store.open(tmp_path / "s")
    assert store.device is None
    with pytest.raises(StoreError, match="cannot be written"):
        store.ring.write(0, 0, b"x")
    with pytest.raises(SecretError, match="device key"):
        store.set_recipients(Recipients())


def test_the_device_key_may_lie_elsewhere(tmp_path: Path) -> None:
    key = tmp_path / "device.key"
    made = create(tmp_path / "s", device_key_path=key)
    assert not (tmp_path / "s/keys/device.key").exists()
    store = Store.open(tmp_path / "s", device_key_path=key, need_device=True)
    assert store.device is not None
    assert made.device is not None
    assert store.device.public == made.device.public
    # an appliance with a new disk keeps its key
    assert create(tmp_path / "t", device_key_path=key).info.device_keys == made.info.device_keys


def test_demonstration_keys_stay_in_demonstrations(tmp_path: Path) -> None:
    demo = create(tmp_path / "demo")
    key = PrivateKey.load(tmp_path / "demo/demo.key", str)
    assert [r.id for r in demo.recipients.list] == [key.id.hex()]
    demo.admit(key)
    real = create(tmp_path / "real", demonstration=False)
    assert not real.recipients
    assert not (tmp_path / "real/demo.key").exists()
    with pytest.raises(SecretError, match="demonstration key"):
        real.admit(key)
    with pytest.raises(SecretError, match="demonstration key"):
        real.set_recipients(demo.recipients)
    with pytest.raises(SecretError, match="demonstration key"):
        create(tmp_path / "other", demonstration=False, recipients=demo.recipients)
    assert not (tmp_path / "other").exists()


def test_recipients_can_be_set_later(tmp_path: Path) -> None:
    store = create(tmp_path / "s", demonstration=False)
    people = Recipients([make_recovery_key()[1]])
    store.set_recipients(people)
    other = Store.open(tmp_path / "s")
    assert other.recipients == people
    store.set_recipients(Recipients())
    other.reload_recipients()
    assert other.recipients == Recipients()


def test_ring_files_are_written_in_full_with_their_slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    real = os.fsync

    def sync(fd: int) -> None:
        steps.append(os.fstat(fd).st_size)
        real(fd)

    monkeypatch.setattr(os, "fsync", sync)
    store = create(tmp_path / "s", slots=258)
    assert {256 * SLOT_SIZE, 2 * SLOT_SIZE} <= set(steps)
    assert (unpack_slot(store.ring.read_block0(257)), generation_of(store.ring.read_block0(257))) == (None, 0)
    assert store.ring.read_block0(257) == free_block(257, 0)


def test_leases(tmp_path: Path) -> None:
    path, mine = tmp_path / "lease.json", bytes(range(16))
    lease = Lease(slots=[(5, 2), (3, 1)], sequence_floor=9)
    assert Lease.load(path, mine) == Lease(slots=[], sequence_floor=1)
    lease.save(path, mine)
    assert Lease.load(path, mine) == lease
    octets = path.read_bytes()
    with pytest.raises(StoreError, match="another store's") as caught:
        Lease.load(path, bytes(16))
    assert caught.value.remedy
    for at in range(len(octets)):
        for bit in range(8):
            path.write_bytes(octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :])
            try:
                assert Lease.load(path, mine) == lease, (at, bit)  # the name of a field with a default
            except StoreError as told:
                assert told.remedy  # noqa: PT017
    for text in ("[", '{"version": 2}', '{"slots": [["a", 1]]}', '{"version":1,"slots":[[5,2]],"sequence_floor":9}'):
        path.write_text(text)
        with pytest.raises(StoreError) as caught:
            Lease.load(path, mine)
        assert caught.value.remedy
    path.write_bytes(sealed(Lease(version=2), mine))
    with pytest.raises(StoreError, match="is of version 2"):
        Lease.load(path, mine)
    with pytest.raises(StoreError, match="cannot be written"):
        Lease().save(tmp_path / "none" / "lease.json", mine)


def test_a_store_whose_disk_was_mounted_anew_is_written_to_once_its_lock_is_ours_again(tmp_path: Path) -> None:
    """After a failure, before a file is opened again: the same store, not another, and nobody else at it."""
    create(tmp_path / "s").close()
    store = Store.open(tmp_path / "s", need_device=True)
    lock = store.lock = FileLock(store.recorder_lock, b"11")
    lock.acquire()
    store.ring.read_block0(0)

    def fail() -> None:
        store.ring._failure(0, "cannot be written", OSError(errno.EIO, ""))

    def write() -> None:
        store.ring.write(0, BLOCK, b"x" * BLOCK)
        store.ring.sync()

    shutil.copytree(tmp_path / "s", tmp_path / "again")
    (tmp_path / "s").rename(tmp_path / "gone")
    fail()
    with pytest.raises(StoreError):
        write()  # nothing is mounted
    (tmp_path / "again").rename(tmp_path / "s")
    write()
    assert FileLock.held(store.recorder_lock) == b"11"
    assert store.ring.read(0, BLOCK, 1) == b"x"

    fail()
    store.recorder_lock.unlink()
    other = FileLock(store.recorder_lock, b"22")
    other.acquire()
    before = (tmp_path / "s" / "ring" / "ring-00000.dat").read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match="another process has taken the store meanwhile") as told:
            store.ring.write(1, BLOCK, b"y")
        assert told.value.remedy
    assert (tmp_path / "s" / "ring" / "ring-00000.dat").read_bytes() == before
    assert FileLock.held(store.recorder_lock) == b"22"
    other.release()
    write()
    assert FileLock.held(store.recorder_lock) == b"11"
    lock.release()
    store.close()
