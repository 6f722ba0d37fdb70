"""Boots the test kernel and runs one job in it, which ends by itself or at its time limit."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
SHARE = Path("/run/share")  # where the guest sees the host's folder `share`
# A Raspberry Pi 4B 1.5 (facts/platform.md: gpiozero wants to know); the pins are gpio-sim's.
PI_4B = "c03115"
NS = 1_000_000_000
# A page taken costs the guest 40 us: memory once had is kept, as it would be anyway in a program that runs for months.
_KEPT = 1 << 30
_MEMORY = {"MALLOC_TOP_PAD_": 4 << 20, "MALLOC_MMAP_THRESHOLD_": _KEPT, "MALLOC_TRIM_THRESHOLD_": _KEPT}


@dataclass(frozen=True, slots=True)
class Machine:
    """What a guest is made of. Give it once; every boot of it is the same.

    `cards` are snd-aloop cards by name, in the order of their numbers; sound written to a card's device 1 comes out
    of its device 0 and the other way round. `virtual`: waiting takes no real time and computing no virtual time, so
    runs repeat exactly, and a program that spins never ends. `start_ns`: the date at boot, virtual machines only.
    `patient`: the pin library asks less often whether an edge came, and hears of it no later (patience.c); virtual
    machines only.
    """

    cards: tuple[str, ...] = ("tsuwa2",)
    virtual: bool = True
    memory_mb: int = 768
    revision: str = PI_4B
    start_ns: int | None = None
    patient: bool = True
    options: tuple[str, ...] = ()

    def command(self, kernel: Path, share: Path) -> list[str]:
        """The command line of the kernel."""
        given = [
            *("setpriv", "--pdeathsig", "KILL"),  # it does not outlive the tests
            *("taskset", "--cpu-list", str(_processor())),
            str(kernel),
            f"mem={self.memory_mb}M",
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            f"init={HERE / 'init'}",
            "con=null",
            "con0=fd:0,fd:1",
            "quiet",
            "loglevel=4",
            "panic=-1",
            "random.trust_bootloader=1",
            f"snd_aloop.enable={_list('1' for _ in self.cards)}",
            f"snd_aloop.index={_list(str(n) for n in range(len(self.cards)))}",
            f"snd_aloop.id={_list(self.cards)}",
            f"snd_aloop.pcm_substreams={_list('1' for _ in self.cards)}",
            f"uml_dir={share}/",
            f"tsuwaroku.share={share}",
        ]
        if self.virtual:
            given.append("time-travel=inf-cpu")
            if self.start_ns is not None:
                given.append(f"time-travel-start={self.start_ns}")
        return given + list(self.options)


def _processor() -> int:
    """One for the whole guest: its processes take turns, and a turn taken across processors costs five times more."""
    usable = sorted(os.sched_getaffinity(0))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return usable[int(worker.removeprefix("gw") or os.getpid()) % len(usable)]


def _list(words: Iterable[str]) -> str:
    return ",".join(words)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `status` is the job's, None where the guest did not get that far; `seconds` are real ones."""

    status: int | None
    seconds: float
    timed_out: bool
    console: str

    def say(self) -> str:
        """For a person: what happened, and the console's last words."""
        how = "was stopped at its time limit" if self.timed_out else f"ended with {self.status}"
        return f"the guest {how} after {self.seconds:.1f} s; its console:\n{self.console[-6000:]}"


class Guest:
    """One run of one job. The job is a shell command; what it leaves is in `share`."""

    def __init__(self, kernel: Path, machine: Machine, share: Path) -> None:
        self._kernel = kernel
        self._machine = machine
        self.share = share

    def run(
        self,
        argv: Sequence[str],
        limit_s: float,
        environment: Mapping[str, str] | None = None,
        fresh: bool = True,
        overdue: Callable[[], bool] = lambda: False,
    ) -> Ended:
        """Boot, run `argv` from the checkout's root, power off. `fresh` = False: a later boot of the same box.

        It is stopped after `limit_s` real seconds, or once `overdue` says so.
        """
        self._prepare(argv, environment or {}, fresh)
        console = self.share / "console"
        began = time.monotonic()
        with console.open("wb" if fresh else "ab") as log:
            process = subprocess.Popen(
                self._machine.command(self._kernel, self.share),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        stopped = False
        try:
            while process.poll() is None and not stopped:
                stopped = time.monotonic() - began > limit_s or overdue()
                time.sleep(0.02)
        finally:
            self._kill(process)  # User Mode Linux has a process for each of the guest's
            process.wait()
        seconds = time.monotonic() - began
        status = self.share / "status"
        return Ended(
            int(status.read_text()) if status.exists() else None,
            seconds,
            stopped,
            console.read_text(encoding="utf-8", errors="replace"),
        )

    def _prepare(self, argv: Sequence[str], environment: Mapping[str, str], fresh: bool) -> None:
        self.share.mkdir(parents=True, exist_ok=True)
        (self.share / "status").unlink(missing_ok=True)
        if fresh:
            (self.share / "boots").unlink(missing_ok=True)
        (self.share / "cpuinfo").write_text(f"Hardware\t: BCM2835\nRevision\t: {self._machine.revision}\n")
        exports = {"PYTHONDONTWRITEBYTECODE": "1", **{name: str(size) for name, size in _MEMORY.items()}}
        if self._machine.virtual and self._machine.patient:
            exports |= self._patience()
        exports |= environment
        lines = [f"export {name}={shlex.quote(value)}" for name, value in exports.items()]
        lines += [f"cd {shlex.quote(str(ROOT))}", shlex.join(argv)]
        (self.share / "job").write_text("\n".join(lines) + "\n")

    def _patience(self) -> dict[str, str]:
        """Built for each run: it takes a fifth of a second. Without a compiler all is the same, and takes longer."""
        library = self.share / "patience.so"
        if shutil.which("gcc") is None:
            return {}
        command = ["gcc", "-O1", "-shared", "-fPIC", "-o", str(library), str(HERE / "patience.c")]
        subprocess.run(command, check=True)
        return {"LD_PRELOAD": str(SHARE / library.name)}

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
