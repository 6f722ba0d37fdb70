"""Some hours of an office on one box, watched every minute, and everything that was wrong with them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

from tests.kernel.box import Box, config_for
from tests.kernel.header import Header
from tests.kernel.office import Office, differences
from tests.kernel.tape import Tape
from tests.kernel.watching import Listener, Size, folder_octets, lamp_lies, size_of
from tests.kernel.world import World, tsuwa2
from tsuwaroku.clock import from_iso

LOOK_S = 60.0
# The longest call of an office, and a look.
TAPE_S = 1700.0
# Everything a process does it has done once by then: announcement, proof, late mark, lease, journal, audit log.
WARM_S = 900.0
# What may stay of a call in memory (the keeper lists it, in 1 KB), and on the disk beside the ring (2.6 KB, measured).
A_CALL_KEEPS = 12_000
A_CALL_WRITES = 6_000
# So many times memory may rise further, to what two long batches at once need; a leak rises with every call.
HIGH_WATER_MARKS = 3


@dataclass
class Shift:
    """One box, its world, and what was seen of both."""

    office: Office
    box: Box
    world: World
    header: Header
    listener: Listener
    origin_wall_ns: int
    sizes: dict[str, list[Size]] = field(default_factory=dict)
    beside: list[int] = field(default_factory=list)  # octets of the store but the ring, at each look
    ring: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)  # calls in the ring at each look

    @classmethod
    def begin(cls, folder: Path, office: Office, slots: int) -> Shift:
        """A box in `folder`, made there where there is none, at the beginning of its office."""
        header = Header()
        box = Box(folder / "store", config_for(*office.lines), slots=slots)
        tape = Tape(2, TAPE_S)
        wiring = {line: tsuwa2(n) for n, line in enumerate(office.lines, 1)}
        world = World(header, wiring, office.sources(), tape=tape, watch=True)
        listener = Listener(box, tape, {line: wires.channel for line, wires in wiring.items()})
        listener.skip()
        # Memory that is kept (guest.py), or free in between, would hide what leaks: here all that is large comes from
        # the kernel and goes back to it.
        for name in [name for name in os.environ if name.startswith("MALLOC_")]:
            del os.environ[name]
        os.environ["MALLOC_MMAP_THRESHOLD_"] = "65536"
        box.start()
        world.start()
        return cls(office, box, world, header, listener, world.origin_ns + time.time_ns() - time.monotonic_ns())

    def look_on(self, seconds: float) -> None:
        """Until that time of the world, with a line in the log each hour."""
        for look in range(1, round(seconds / LOOK_S) + 1):
            self.world.wait_until(look * LOOK_S)
            self.listener.listen()
            self._measure()
            if look % 60 == 0:
                now = {role: sizes[-1] for role, sizes in self.sizes.items()}
                print(f"hour {look // 60}: {len(self.listener.heard)} calls, {now}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """The world stops; what was not heard yet is."""
        self.world.stop()
        self.header.close()
        self.listener.listen()

    def _measure(self) -> None:
        for role in ("recorder", "keeper"):
            self.sizes.setdefault(role, []).append(size_of(self.pid(role)))
        ring = folder_octets(self.box.path / "ring")
        self.ring.append(ring)
        self.beside.append(folder_octets(self.box.path) - ring)
        self.ended.append(len(self.listener.heard))

    def pid(self, role: str) -> int:
        pid = self.box.pair.pid(role)
        assert pid is not None, f"the {role} is not there"
        return pid

    def complaints(self) -> list[str]:
        """Everything, in words."""
        calls = [call for call in self.box.calls() if from_iso(call.seized_at) >= self.origin_wall_ns]
        found = [*differences(self.office.calls, calls, self.origin_wall_ns), *self.listener.complaints]
        if len(self.listener.heard) != len(self.office.calls):
            found.append(f"{len(self.listener.heard)} calls in the ring, not {len(self.office.calls)}")
        return [*found, *self._lies(), *self._grown()]

    def _lies(self) -> Iterator[str]:
        for line in self.office.lines:
            calls = [call for call in self.office.calls if call.plan.line == line]
            commits = self.listener.commits.get(line, [])
            for lie in lamp_lies(line, calls, commits, self.world.glances, self.world.origin_ns):
                yield f"lamp of line {line}: {lie}"

    def _grown(self) -> Iterator[str]:
        """What grew after the first minutes by more than the calls since explain. Neither a leak of 100 KB a call nor
        one of a descriptor a call passes (tried)."""
        warm = round(WARM_S / LOOK_S)
        calls = self.ended[-1] - self.ended[warm]
        for role, sizes in self.sizes.items():
            held = [size.memory for size in sizes[warm:]]
            # What memory never went below afterwards: the buffers of the moment are not in it.
            least = list(accumulate(reversed(held), min))[::-1]
            steps = sorted(b - a for a, b in pairwise(least))
            more = sum(steps[:-HIGH_WATER_MARKS])
            if more > calls * A_CALL_KEEPS:
                yield f"{role}: {more} octets of memory in {calls} calls"
            for what in ("descriptors", "threads"):
                before = max(getattr(size, what) for size in sizes[:warm])
                after = max(getattr(size, what) for size in sizes[warm:])
                if after > before:
                    yield f"{role}: {what} from {before} to {after}"
        if len(set(self.ring)) != 1:
            yield f"the ring's size: {sorted(set(self.ring))}"
        more = self.beside[-1] - self.beside[warm]
        if more > calls * A_CALL_WRITES:
            yield f"the disk: {more} octets beside the ring in {calls} calls"
        if self.box.pair.restarts:
            yield f"{self.box.pair.restarts} processes died"
