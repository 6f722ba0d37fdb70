from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tsuwaroku.errors import ServiceError
from tsuwaroku.store.durable import FileLock, create_filled, replace_file


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
