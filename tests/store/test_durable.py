from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tsuwaroku.errors import ServiceError, StoreError
from tsuwaroku.store.durable import FileLock, create_filled, replace_file, sync_data


def test_replace_file_writes_all_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "f"
    replace_file(path, b"one", 0o600)
    replace_file(path, b"two", 0o640)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_replace_file_keeps_the_old_until_the_new_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    replace_file(path, b"old")

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_replace_file_syncs_file_then_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(fd: int) -> None:
        steps.append("directory" if os.path.isdir(f"/proc/self/fd/{fd}") else "file")
        real_sync(fd)

    def rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    replace_file(tmp_path / "f", b"x")
    assert steps == ["file", "rename", "directory"]


def test_create_filled_writes_every_octet(tmp_path: Path) -> None:
    told: list[int] = []
    size = 2 * 262144 + 100
    create_filled(tmp_path / "f", size, lambda at: f"<{at}>".encode(), told.append)
    data = (tmp_path / "f").read_bytes()
    assert len(data) == size
    assert sum(told) == size
    assert [data[at : at + 8] for at in (0, 262144, 524288)] == [b"<0>\0\0\0\0\0", b"<262144>", b"<524288>"]
    assert data.count(0) == size - len(b"<0><262144><524288>")
    assert (tmp_path / "f").stat().st_blocks * 512 >= size  # no hole


def test_lock_is_seen_and_refused_from_another_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert FileLock.held(path) is None
    lock = FileLock(path, b"0011223344556677")
    lock.acquire()
    code = (
        "import sys; from pathlib import Path; from tsuwaroku.store.durable import FileLock\n"
        "p = Path(sys.argv[1]); print(FileLock.held(p))\n"
        "try: FileLock(p).acquire()\n"
        "except Exception as e: print(type(e).__name__, e)"
    )
    out = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    assert out.splitlines() == ["b'0011223344556677'", f"ServiceError {path}: already runs on this store"]
    with pytest.raises(ServiceError) as caught:
        FileLock(path).acquire()
    assert caught.value.remedy
    lock.release()
    assert FileLock.held(path) is None
    again = FileLock(path, b"next")
    again.acquire()
    assert path.read_bytes() == b"next"
    again.release()


def test_a_lock_is_lost_when_the_disk_is_another_and_not_while_it_is_away(tmp_path: Path) -> None:
    here, away = tmp_path / "disk", tmp_path / "away"
    here.mkdir()
    lock = FileLock(here / "lock", b"mine")
    assert not lock.lost()  # it was never taken
    lock.retake()
    assert not (here / "lock").exists()
    lock.acquire()
    lock.retake()
    assert (lock.lost(), FileLock.held(here / "lock")) == (False, b"mine")
    here.rename(away)
    assert not lock.lost()
    lock.retake()
    here.mkdir()
    assert not lock.lost()  # another disk, or a mount point without one
    shutil.copy(away / "lock", here / "lock")
    assert (lock.lost(), FileLock.held(here / "lock")) == (True, None)
    lock.retake()
    assert (lock.lost(), FileLock.held(here / "lock"), FileLock.held(away / "lock")) == (False, b"mine", None)
    lock.release()
    assert FileLock.held(here / "lock") is None
    (here / "lock").unlink()
    shutil.copy(away / "lock", here / "lock")
    assert not lock.lost()


def test_a_lost_lock_that_another_has_taken_is_not_retaken_until_it_lets_go(tmp_path: Path) -> None:
    """Of two, one has it at any time; the other one is told."""
    path = tmp_path / "lock"
    first, second = FileLock(path, b"first"), FileLock(path, b"second")
    first.acquire()
    path.rename(tmp_path / "old")
    second.acquire()  # a recorder that was started meanwhile
    for _ in range(2):
        assert first.lost()
        with pytest.raises(ServiceError, match="already runs on this store"):
            first.retake()
        assert FileLock.held(path) == b"second"
    second.release()
    first.retake()
    assert (first.lost(), FileLock.held(path)) == (False, b"first")
    with pytest.raises(ServiceError):
        second.acquire()
    first.release()


def test_a_lock_on_a_disk_that_came_back_read_only_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    lock = FileLock(path, b"mine")
    lock.acquire()
    path.rename(tmp_path / "old")
    path.touch()
    opened = os.open

    def read_only(where: str | Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(where, flags, mode)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(StoreError, match="Read-only"):
        lock.retake()
    monkeypatch.undo()
    lock.retake()
    assert FileLock.held(path) == b"mine"
    lock.release()


def test_a_sync_on_a_file_system_made_read_only_by_force_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ext4 syncs nothing then, and answers 0: a lamp would stay lit over sound that is in memory only."""
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    try:
        sync_data(fd)
        flags = SimpleNamespace(f_flag=os.ST_RDONLY | os.ST_NOATIME)
        monkeypatch.setattr(os, "fstatvfs", lambda _: flags)
        with pytest.raises(OSError, match="Read-only file system"):
            sync_data(fd)
    finally:
        os.close(fd)
