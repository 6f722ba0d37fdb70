"""A working day of an office, in the test kernel: `python -m tests.kernel.office_month SEED HOURS SLOTS MORNINGS LAST`.

The box lives in the shared folder and lives on from day to day. In the evening it is switched off as many are, with
the main switch of the room: both processes die without a word, and the machine with them. Where nobody does, one boot
is of several days: MORNINGS are when the office opens in each (seconds after the first, with commas), LAST is how long
the box is on.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

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


def main(seed: int, hours: float, slots: int, mornings: Sequence[float], last_s: float) -> None:
    """Leaves a Day in the shared folder."""
    shift = Shift.begin(SHARE, Office(LINES, hours * 3600, seed=seed, mornings=mornings), slots)
    shift.look_on(last_s)
    for role in ("recorder", "keeper"):
        os.kill(shift.pid(role), signal.SIGKILL)
    shift.end()
    day = Day(len(shift.office.calls), shift.listener.samples, shift.complaints())
    (SHARE / f"day-{seed}.json").write_bytes(msgspec.json.encode(day))


if __name__ == "__main__":
    opens = [float(begin) for begin in sys.argv[4].split(",")]
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), opens, float(sys.argv[5]))
