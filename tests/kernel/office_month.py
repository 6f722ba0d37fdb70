"""One working day of an office, in the test kernel: `python -m tests.kernel.office_month SEED HOURS SLOTS`.

The box lives in the shared folder and lives on from day to day. In the evening it is switched off as many are, with
the main switch of the room: both processes die without a word, and the machine with them.
"""

from __future__ import annotations

import os
import signal
import sys

import msgspec

from tests.kernel.guest import SHARE
from tests.kernel.office import Office
from tests.kernel.shift import Shift

LINES = ("1", "2")


class Day(msgspec.Struct):
    """What the host is told of a day: `planned` calls, `samples` compared with what the card was given."""

    planned: int
    samples: int
    complaints: list[str]


def main(seed: int, hours: float, slots: int) -> None:
    """Leaves a Day in the shared folder."""
    shift = Shift.begin(SHARE, Office(LINES, hours * 3600, seed=seed), slots)
    shift.look_on(hours * 3600)
    for role in ("recorder", "keeper"):
        os.kill(shift.pid(role), signal.SIGKILL)
    shift.end()
    day = Day(len(shift.office.calls), shift.listener.samples, shift.complaints())
    (SHARE / f"day-{seed}.json").write_bytes(msgspec.json.encode(day))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
