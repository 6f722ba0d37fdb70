"""A medium that lies about its size is found out, wherever its addresses wrap or end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsuwaroku.disclosure.drive import BLOCK, STEP
from tsuwaroku.disclosure.probe import Capacity, probe_capacity

MIB = 1 << 20
SECTOR = 512


class Memory:
    """A medium in RAM, of blocks that were written: addresses wrap at `wraps`, or are dropped from `ends` on."""

    def __init__(self, octets: int, wraps: int | None = None, ends: int | None = None) -> None:
        self.octets = octets
        self._wraps = wraps or octets
        self._ends = ends or octets
        self._sectors: dict[int, bytes] = {}
        self.synced = False

    def write(self, at: int, data: bytes) -> None:
        self.synced = False
        for begin in range(0, len(data), SECTOR):
            place = at + begin
            if place < self._ends:
                self._sectors[place % self._wraps] = data[begin : begin + SECTOR]

    def read(self, at: int, size: int) -> bytes:
        assert self.synced
        places = range(at, min(at + size, self.octets), SECTOR)
        return b"".join(self._sectors.get(place % self._wraps, bytes(SECTOR)) for place in places)

    def sync(self) -> None:
        self.synced = True


def probed(memory: Memory, samples: int = 8, whole: bool = False) -> Capacity:
    return probe_capacity(memory, samples=samples, whole=whole)


@pytest.mark.parametrize("octets", [BLOCK, MIB, MIB + SECTOR, 9 * MIB, 16 * MIB + 5 * SECTOR])
@pytest.mark.parametrize("whole", [False, True])
def test_an_honest_medium_is_honest(octets: int, whole: bool) -> None:
    told: list[tuple[int, int]] = []
    found = probe_capacity(Memory(octets), whole=whole, progress=lambda *at: told.append(at))
    assert (found.honest, found.wrong, found.real_octets, found.claimed_octets) == (True, 0, None, octets)
    assert told[-1] == (2 * found.tried_octets, 2 * found.tried_octets)
    if whole:
        assert found.tried_octets == octets


@settings(max_examples=40, deadline=None)
@given(octets=st.integers(2 * MIB // SECTOR, 24 * MIB // SECTOR), part=st.floats(0.001, 0.9999))
def test_addresses_that_wrap_anywhere_are_found(octets: int, part: float) -> None:
    """To the sector, by the few blocks of the quick trial."""
    wraps = max(BLOCK // SECTOR, int(octets * part))
    found = probed(Memory(octets * SECTOR, wraps=wraps * SECTOR))
    assert not found.honest
    assert found.tried_octets < octets * SECTOR
    assert found.real_octets is not None
    if wraps % (BLOCK // SECTOR) == 0:
        assert found.real_octets == wraps * SECTOR


@settings(max_examples=40, deadline=None)
@given(octets=st.integers(2 * MIB // SECTOR, 24 * MIB // SECTOR), part=st.floats(0.0, 0.9999))
def test_addresses_that_lead_nowhere_are_found(octets: int, part: float) -> None:
    ends = int(octets * part) * SECTOR or SECTOR
    found = probed(Memory(octets * SECTOR, ends=ends))
    assert not found.honest
    assert found.real_octets is not None
    # The first block that was tried and lost: a window's length too much at the most.
    assert ends - BLOCK < found.real_octets <= ends + max(STEP, octets * SECTOR // 8 + STEP)


def test_a_single_lost_block_is_found_by_the_whole_trial_alone() -> None:
    class Holed(Memory):
        def write(self, at: int, data: bytes) -> None:
            super().write(at, data)
            self._sectors.pop(11 * MIB + 5 * BLOCK, None)

    assert probed(Holed(16 * MIB)).honest
    found = probed(Holed(16 * MIB), whole=True)
    assert (found.wrong, found.real_octets) == (1, 11 * MIB + 5 * BLOCK)


def test_marks_of_an_earlier_trial_prove_nothing() -> None:
    """A medium that stopped writing keeps the marks it had."""

    class WornOut(Memory):
        worn = False

        def write(self, at: int, data: bytes) -> None:
            if not self.worn:
                super().write(at, data)

    memory = WornOut(4 * MIB)
    assert probed(memory).honest
    memory.worn = True
    found = probed(memory)
    assert (found.honest, found.real_octets) == (False, 0)


def test_a_large_medium_is_tried_in_few_octets() -> None:
    """64 GB: less than 50 MB are written."""

    class Counting:
        octets = 64_000_000_000
        synced = False

        def __init__(self) -> None:
            self.kept: dict[int, bytes] = {}

        def write(self, at: int, data: bytes) -> None:
            self.kept[at] = data

        def read(self, at: int, size: int) -> bytes:
            return self.kept[at]

        def sync(self) -> None: ...

    found = probe_capacity(Counting())
    assert found.honest
    assert found.tried_octets < 50_000_000
