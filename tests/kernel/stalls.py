"""What a machine with a watchdog goes through, boot after boot; runs inside the test kernel, as its whole job.

`python -m tests.kernel.stalls TROUBLE`: on the first boot a line is in a call when the trouble comes, and the machine
is expected to restart. On the second the line is still off-hook; the recorder is stopped cleanly, and a minute later
the job ends, unless the machine restarts once more. What happened is in the share, in `log`, a line for each step.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import msgspec

from tests.kernel.box import Box, config_for
from tests.kernel.guest import SHARE
from tests.kernel.header import Header
from tests.kernel.talk import Talk
from tests.kernel.world import World, tsuwa2
from tsuwaroku.config import Config, ServiceConfig

STORE = SHARE / "store"
TROUBLE_S = 10.0  # in the stream; the call began at 2.0
PATIENCE_S = 120.0
CARD_DRIVER = Path("/sys/bus/platform/drivers/snd_aloop")


def config() -> Config:
    """One line, the machine's watchdog with its default time-out."""
    return msgspec.structs.replace(config_for("1"), service=ServiceConfig(watchdog="/dev/watchdog0"))


def boot() -> int:
    """Which boot of this run it is, from 1."""
    return int((SHARE / "boots").read_text())


def log(text: str) -> None:
    """A line with the boot and the seconds since its start."""
    with (SHARE / "log").open("a") as file:
        file.write(f"{boot()} {time.monotonic():.1f} {text}\n")


def keep_date() -> None:
    """Write the date down, as systemd-timesyncd does about once a minute on a machine without a battery clock."""
    (SHARE / "date").write_text(str(time.time_ns()))


def restore_date() -> None:
    """Go on from the date that was written down."""
    if (SHARE / "date").exists():
        time.clock_settime_ns(time.CLOCK_REALTIME, int((SHARE / "date").read_text()))


def stopped(box: Box) -> None:
    """Every thread of the recorder stands still, as under a debugger."""
    pid = box.pair.pid("recorder")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)


def loop_stopped(box: Box) -> None:
    """The thread of the loop alone stands still; the one that pets the watchdog lives."""
    pid = box.pair.pid("recorder")
    assert pid is not None
    freeze(pid, pid)


def freeze(pid: int, thread: int) -> None:
    """Stop one thread by a control group of its own."""
    root = Path("/run/cgroup")
    root.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "none", root], check=True)
    group = root / "recorder"
    part = group / "part"
    part.mkdir(parents=True)
    (part / "cgroup.type").write_text("threaded")
    (group / "cgroup.procs").write_text(str(pid))
    (part / "cgroup.threads").write_text(str(thread))
    (part / "cgroup.freeze").write_text("1")


def card_gone(box: Box) -> None:
    """The sound card is pulled and does not come back."""
    (CARD_DRIVER / "unbind").write_text("snd_aloop.0")


TROUBLES = {"stopped": stopped, "loop stopped": loop_stopped, "card gone": card_gone}


def main(trouble: str) -> None:
    restore_date()
    box = Box(STORE, config())
    if boot() == 1:
        first_boot(box, trouble)
    else:
        next_boot(box)


def first_boot(box: Box, trouble: str) -> None:
    """A call, then the trouble, then nothing but waiting for the end of the world."""
    world = World(Header(), {"1": tsuwa2(1)}, [Talk("1", [(2.0, 3600.0)])])
    box.start()
    world.start()
    keep_date()
    world.wait_until(TROUBLE_S)
    log(trouble)
    TROUBLES[trouble](box)
    time.sleep(PATIENCE_S)
    log("no restart")


def next_boot(box: Box) -> None:
    """The line is off-hook from the very start until 8.0."""
    if (SHARE / "stopped").exists():
        log("restarted after the clean stop")
        return
    world = World(Header(), {"1": tsuwa2(1)}, [Talk("1", [(0.0, 8.0)], seed=2)])
    world.start()
    box.start()
    world.wait_until(12.0)
    box.stop()
    world.stop()
    log("stopped cleanly")
    (SHARE / "stopped").touch()
    time.sleep(60.0)
    log("a minute later")


if __name__ == "__main__":
    failed = 0
    try:
        main(sys.argv[1])
    except BaseException:
        traceback.print_exc()
        failed = 1
    os._exit(failed)  # the world's threads would keep the guest up
