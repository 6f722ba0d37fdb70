"""The service as it runs on a box, `tsuwaroku run`, watched from outside: CPU and memory of each of its processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from tests.bench.child import ROOT, TSUWAROKU, BenchError, read

SETTLE_S = 5.0  # imports, opening of the calls, the keeper's first scan
START_S = 30.0
ROLES = ("recorder", "keeper")
SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class Watched:
    """`cpu_share`: CPU seconds a second, in the steady part. `peak_rss`, `pss` (shared pages shared out): octets."""

    cpu_share: float
    peak_rss: int
    pss: int


def watch(config: Path, store: Path, seconds: float) -> dict[str, Watched]:
    """Each process by its role, after a settled start and `seconds` of recording in real time."""
    with _service(config, store) as pids:
        time.sleep(SETTLE_S)
        before = {role: cpu_s(pid) for role, pid in pids.items()}
        began = time.monotonic()
        time.sleep(seconds)
        past_s = time.monotonic() - began
        return {
            role: Watched(
                cpu_share=(cpu_s(pid) - before[role]) / past_s,
                peak_rss=_field(Path(f"/proc/{pid}/status"), "VmHWM"),
                pss=_field(Path(f"/proc/{pid}/smaps_rollup"), "Pss"),
            )
            for role, pid in pids.items()
        }


def cpu_s(pid: int) -> float:
    """User and system seconds of all threads of a process, to the nanosecond where /proc/PID/stat has ticks of 10 ms.

    The clock id is the one clock_getcpuclockid(3) makes of a process id.
    """
    return time.clock_gettime((~pid << 3) | 2)


@contextlib.contextmanager
def _service(config: Path, store: Path) -> Iterator[dict[str, int]]:
    """The running service: role -> process id, once recorder and keeper hold their locks."""
    argv = [str(TSUWAROKU), "--config", str(config), "run", "--store", str(store)]
    with TemporaryFile() as said:
        process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            yield {**_roles(process, store), SUPERVISOR: process.pid}
        except OSError as error:  # a process that was watched is no more
            raise BenchError(f"run ended by itself ({error}): {read(said)[-2000:]}") from error
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)


def _roles(process: subprocess.Popen[bytes], store: Path) -> dict[str, int]:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        found = {role: pid for pid in _children(process.pid) for role in ROLES if _holds(pid, store / f"{role}.lock")}
        if len(found) == len(ROLES):
            return found
        time.sleep(0.05)
    raise BenchError("recorder and keeper did not start")


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _holds(pid: int, lock: Path) -> bool:
    with contextlib.suppress(OSError):
        return any(os.readlink(fd) == str(lock.resolve()) for fd in Path(f"/proc/{pid}/fd").iterdir())
    return False


def _field(path: Path, name: str) -> int:
    """Octets of a line like `VmHWM:   1234 kB`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise BenchError(f"{path} has no {name}")
