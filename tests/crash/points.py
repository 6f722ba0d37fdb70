"""Runs a scenario again and again, and ends each run at another step that changes the disk.

    python -m tests.crash.points FOLDER SCENARIO MODE [SCRIPT]

For N = 1, 2, ... a fork plays SCENARIO into FOLDER/N (a copy of FOLDER/base, where there is one) and dies at its N-th
step, until a run gets through. `FOLDER/N.said` tells, a JSON list a line, what had been reported as durable by then;
`FOLDER/steps` which steps there were. MODE:

    before  killed before the step: all steps before it are on the disk, and all that was reported since the last counts
    torn    killed in the middle of it: half of what it writes is there, of the ring whole blocks
    power   the power fails before the step: what no sync has secured is gone, blocks, renames and new files alike
    mixed   the same, but every other block not secured has reached the disk by chance (`mixed:7`: another chance)
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import stat
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsuwaroku.config import Config, LineConfig, LineTimers, Mode
from tsuwaroku.service import simulate as simulation
from tsuwaroku.service import storage
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.journal import Journal
from tsuwaroku.store.lease import Lease

BLOCK = 4096
SLOTS = 24
START = 1_780_000_000 * 1_000_000_000
MODES = ("before", "torn", "power", "mixed")
STEPS = ("pwrite", "write", "fdatasync", "fsync", "rename", "replace", "ftruncate", "mkdir", "unlink")
MOST = 1000

CONFIG = Config(
    line=(
        LineConfig(id="1"),
        LineConfig(id="2", mode=Mode.ON_BUTTON, timers=LineTimers(mark_window_s=1.0)),
        LineConfig(id="3", mode=Mode.ON_BUTTON, timers=LineTimers(mark_window_s=1.0)),
    )
)


@dataclass(slots=True)
class _Unsecured:
    """A change of `path` that is on the disk only once `secured_by` was synced. `is_name`: what the name stands for."""

    path: str
    secured_by: str
    take_back: Callable[[str], None]
    is_name: bool = False
    moved: bool = False


class Disk:
    """Stands before the functions of `os` that change the disk: counts them, and knows what no sync has secured."""

    def __init__(self, at: int, mode: str) -> None:
        self._at, self._mode = at, mode
        self._count = 0
        self._real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in STEPS}
        self._undo: list[_Unsecured] = []
        self._rng = random.Random(f"{mode} {at}")
        self.names: list[str] = []

    def install(self) -> None:
        for name in STEPS:
            setattr(os, name, self._stand_in(name))

    def say(self, fd: int, *said: object) -> None:
        """Past all counting."""
        self._real["write"](fd, (json.dumps(said) + "\n").encode())

    def _stand_in(self, name: str) -> Callable[..., Any]:
        def step(*args: Any, **keywords: Any) -> Any:
            self._count += 1
            self.names.append(name)
            if self._count == self._at:
                self._end(name, args)
            self._note(name, args)
            return self._real[name](*args, **keywords)

        return step

    def _end(self, name: str, args: tuple[Any, ...]) -> None:
        if self._mode == "torn" and name in ("pwrite", "write"):
            fd, data = args[0], memoryview(args[1])  # no copy: O_DIRECT wants what is written where it lies
            half = len(data) // 2 if name == "write" else len(data) // 2 // BLOCK * BLOCK  # a block is written whole
            self._real[name](fd, data[:half], *args[2:])
        self.fail()
        os.kill(os.getpid(), signal.SIGKILL)

    def fail(self) -> None:
        """The power fails, if the mode says so."""
        if not self._mode.startswith(("power", "mixed")):
            return
        back: set[str] = set()  # names that are the old files' again
        for entry in reversed(self._undo):
            if (self._mode == "power" or self._rng.random() < 0.5) and not (entry.moved and entry.path in back):
                entry.take_back(entry.path)
                if entry.is_name:
                    back.add(entry.path)

    def _note(self, name: str, args: tuple[Any, ...]) -> None:
        """How the step would be undone if the power failed; a sync secures what went before."""
        if name in ("fsync", "fdatasync"):
            secured = _path_of(args[0])
            self._undo = [entry for entry in self._undo if entry.secured_by != secured]
        elif name == "pwrite":
            self._note_write(_path_of(args[0]), bytes(args[1]), args[2])
        elif name in ("write", "ftruncate"):
            path = _path_of(args[0])
            self._undo.append(_Unsecured(path, path, _keep(path)))
        elif name in ("rename", "replace"):
            source, target = (str(arg) for arg in args[:2])
            for entry in self._undo:
                if entry.path == source and not entry.is_name:
                    entry.path, entry.secured_by, entry.moved = target, target, True
            self._undo.append(_Unsecured(target, str(Path(target).parent), _moved(source, target), is_name=True))

    def _note_write(self, path: str, data: bytes, offset: int) -> None:
        """A block at a time: the disk orders them as it likes. A file that was longer gets its old octets back."""
        size = os.stat(path).st_size
        if offset >= size:
            self._undo.append(_Unsecured(path, path, lambda path: os.truncate(path, min(size, os.stat(path).st_size))))
            return
        with open(path, "rb") as file:
            file.seek(offset)
            old = file.read(len(data))
        for at in range(0, len(old), BLOCK):
            self._undo.append(_Unsecured(path, path, _put_back(old[at : at + BLOCK], offset + at)))


def _path_of(fd: int) -> str:
    return os.readlink(f"/proc/self/fd/{fd}")


def _put_back(old: bytes, offset: int) -> Callable[[str], None]:
    def take_back(path: str) -> None:
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(old)

    return take_back


def _keep(path: str) -> Callable[[str], None]:
    """The file as it is now (an audit file: small)."""
    old = Path(path).read_bytes()
    return lambda path: _overwrite(path, old)


def _moved(source: str, target: str) -> Callable[[str], None]:
    """The name that was there before; the new file lies under its temporary name again."""
    there = os.path.exists(target)
    old = Path(target).read_bytes() if there else b""
    mode = stat.S_IMODE(os.stat(target).st_mode) if there else 0o600

    def take_back(target: str) -> None:
        if os.path.exists(target):
            shutil.copy2(target, source)
        if there:
            _overwrite(target, old)
            os.chmod(target, mode)
        elif os.path.exists(target):
            os.remove(target)

    return take_back


def _overwrite(path: str, octets: bytes) -> None:
    with open(path, "wb") as file:
        file.write(octets)


def report_to(disk: Disk, fd: int) -> None:
    """Say what the product itself takes for durable, the moment it does."""

    def after(owner: Any, name: str, tell: Callable[..., None]) -> None:
        real = getattr(owner, name)

        def wrapped(self: Any, *args: Any, **keywords: Any) -> Any:
            result = real(self, *args, **keywords)
            tell(self, result, *args)
            return result

        setattr(owner, name, wrapped)

    def committed(worker: Any, done: Any, _: object) -> None:
        for call in done.covered:
            disk.say(fd, "committed", call.hex(), worker._committed[call])
        for call, public in done.closed:
            disk.say(fd, "closed", call.hex(), public.marks)

    after(storage.StorageWorker, "apply", committed)
    after(Journal, "append", lambda s, record, *_: disk.say(fd, "journal", s.owner, record.number, record.digest.hex()))
    after(AuditLog, "append", lambda _, entry, *__: disk.say(fd, "audit", entry.number, entry.hash))
    after(Catalogue, "put", lambda _, __, entry: disk.say(fd, "catalogue", entry.public.id))
    after(Lease, "save", lambda lease, *_: disk.say(fd, "lease", len(lease.slots)))


def scenario(name: str, store: Path, script: Path) -> None:
    """`start`: a store is made; `calls`: a script is played into one."""
    if name == "start":
        create_demo_store(store, CONFIG, 3)
    else:
        simulation.slots_needed = lambda *_: 1  # it reckons with hours of sound
        simulation.simulate(script, store, fast=True, config=CONFIG, start_wall_ns=START)


def run(folder: Path, name: str, mode: str, script: Path) -> int:
    """Every point of one scenario; returns how many there were."""
    for at in range(1, MOST):
        store = folder / str(at)
        if (folder / "base").exists():
            shutil.copytree(folder / "base", store)
        child = os.fork()
        if child == 0:
            _child(folder, name, mode, script, at)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            if os.WEXITSTATUS(status) != 0:
                raise SystemExit(f"point {at} ended by itself")
            return at - 1
        assert os.WTERMSIG(status) == signal.SIGKILL
    raise SystemExit("no end of it")


def _child(folder: Path, name: str, mode: str, script: Path, at: int) -> None:
    code = 1
    try:
        said = os.open(folder / f"{at}.said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        disk = Disk(at, mode)
        report_to(disk, said)
        disk.install()
        scenario(name, folder / str(at), script)
        (folder / "steps").write_text(json.dumps(disk.names))
        disk.fail()  # right after the last step
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    where, what, how = sys.argv[1:4]
    print(run(Path(where), what, how, Path(sys.argv[4]) if len(sys.argv) > 4 else Path()))
