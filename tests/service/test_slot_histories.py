"""Random histories of a small ring: calls, erasures, kills at every step, snapshots and leases put back by somebody.

The ring says what is true. Nothing a snapshot says ever makes the keeper lend a slot that a call still needs, and a
keeper that starts from a snapshot of any age knows what one knows that read every header.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.service.fakering import FakeStore, ident, used_block
from tests.service.test_modes import config
from tsuwaroku.errors import StoreError
from tsuwaroku.service import slots as slots_module
from tsuwaroku.service.lending import Lending
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store import durable, slottable
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.slot import free_block

SIZE = 6  # slots in the lease
ERASING = b"TSUWAERA"


class Ring(RuleBasedStateMachine):
    """`truth`: slot -> (call, generation) of slots a call needs, or nothing. What is in sets named `on_disk` outlives
    the keeper."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(slots_module, "LOOK_AHEAD", 1)
        self.patch.setattr(Lending, "size", lambda _: SIZE)
        self.directory = Path(tempfile.mkdtemp())

    @initialize(total=st.integers(8, 30))
    def begin(self, total: int) -> None:
        self.store = FakeStore(self.directory, total)
        self.generation = [0] * total
        self.needed: dict[int, set[int]] = {}  # call -> its slots, whoever knows of it
        self.open: set[int] = set()
        self.number = 0
        self.listed_on_disk: set[bytes] = set()
        self.discarded_on_disk: set[bytes] = set()
        self.erasing: dict[int, set[int]] = {}
        self.journal = 0
        self.snapshots: list[bytes] = []
        self.leases: list[bytes] = []
        self.lease_is_old = False
        self.keeper_starts()
        self.recorder_starts()

    # -- the recorder

    @rule()
    def recorder_starts(self) -> None:
        self.taken: set[tuple[int, int]] = set()
        self.recorder_reloads()

    @rule()
    def recorder_reloads(self) -> None:
        try:
            places = Lease.load(self.store.lease_path, self.store.store_id).slots
        except StoreError:  # it then waits for the keeper
            places = []
        self.view = [(s, g) for s, g in places if (s, g) not in self.taken and self.generation[s] < g]

    @rule(count=st.integers(1, 4), pick=st.integers(0, 3))
    def takes(self, count: int, pick: int) -> None:
        """A new call, or another slot for one that is going on."""
        if pick < len(self.open):
            number = sorted(self.open)[pick]
        else:
            self.number += 1
            number = self.number
            self.open.add(number)
            self.needed[number] = set()
        for _ in range(count):
            if self.view:
                slot, generation = self.view.pop(0)
                self.taken.add((slot, generation))
                assert [call for call, slots in self.needed.items() if slot in slots] == []  # the promise
                assert self.generation[slot] < generation
                self.store.ring.blocks[slot] = used_block(slot, generation, number, len(self.needed[number]))
                self.generation[slot] = generation
                self.needed[number].add(slot)
        if not self.needed[number]:
            self.open.discard(number)
            del self.needed[number]

    @rule(pick=st.integers(0, 9))
    def closes(self, pick: int) -> None:
        if self.open:
            self.open.discard(sorted(self.open)[pick % len(self.open)])

    # -- the keeper

    def keeper_starts(self) -> None:
        store = self.store
        whole = store.lease_path.exists()
        try:
            lease = Lease.load(store.lease_path, store.store_id)
        except StoreError:
            lease, whole = Lease(), False
        known = (lambda number, _: number <= self.journal) if whole else None
        self.table = SlotTable(store.it, None, known)
        self.lending = Lending(store.it, config(), self.table, lease)
        for call_id in self.table.calls() - self.listed_on_disk:
            self.table.look_again(self.table.of(call_id))
        self.unlisted = self.table.calls() - self.listed_on_disk
        for call_id in self.discarded_on_disk:
            self.lending.give_back(call_id)
            self.unlisted.discard(call_id)
        if not self.lease_is_old:
            fresh = SlotTable(store.it)
            for call_id in self.discarded_on_disk:
                fresh.release(call_id)
            assert self.known(self.table) == self.known(fresh) == self.real()
            assert self.table.free == fresh.free
            assert self.table.highest_sequence >= fresh.highest_sequence  # it remembers numbers of erased calls
            assert self.unused() <= {*self.lending.lease.slots}
        self.polls()

    def unused(self) -> set[tuple[int, int]]:
        """What the recorder may take at any moment, of the lease as it stands on the disk."""
        lent = Lease.load(self.store.lease_path, self.store.store_id).slots
        return {(s, g) for s, g in getattr(self, "view", []) if (s, g) in lent and self.generation[s] < g}

    @rule()
    def polls(self) -> None:
        self.unlisted |= self.lending.refresh() - self.listed_on_disk
        for number in self.needed:
            if number not in self.open and ident(number) in self.unlisted:
                self.listed_on_disk.add(ident(number))
                self.unlisted.discard(ident(number))
        self.lending.extend(self.unlisted)
        self.leases.append(self.store.lease_path.read_bytes() if self.store.lease_path.exists() else b"")

    @rule()
    def saves_the_table(self) -> None:
        self.journal += 1
        self.lending.save_table((self.journal, b"d" * 32))
        self.snapshots.append(self.store.table_path.read_bytes())

    @rule()
    def saves_neither_table_nor_lease(self) -> None:
        """The disk is full."""

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with pytest.MonkeyPatch.context() as patch:
            for module in ("store.slottable", "store.lease"):
                patch.setattr(f"tsuwaroku.{module}.replace_file", full)
            with contextlib.suppress(StoreError):
                self.lending.save_table((self.journal, b"d" * 32))
            with contextlib.suppress(StoreError):
                self.polls()

    @rule(pick=st.integers(0, 9), steps=st.integers(1, 3))
    def erases(self, pick: int, steps: int) -> None:
        """Step by step; a kill may come after each, and the next start takes it up."""
        listed = [n for n in self.needed if ident(n) in self.listed_on_disk and n not in self.open]
        if not self.erasing and listed:
            number = listed[pick % len(listed)]
            self.listed_on_disk.discard(ident(number))
            self.erasing[number] = self.needed.pop(number)
            self.journal += 1
        for number, slots in list(self.erasing.items()):
            if steps >= 1:
                for slot in slots:
                    self.store.ring.blocks[slot] = ERASING.ljust(4096, b"\0")
            if steps >= 2:
                for slot in slots:
                    self.store.ring.blocks[slot] = free_block(slot, self.generation[slot])
                del self.erasing[number]
            if steps >= 3:
                self.table.look_again(slots)

    @rule(pick=st.integers(0, 9))
    def discards(self, pick: int) -> None:
        """A call nobody pressed for: its headers stay."""
        calls = [n for n in self.needed if n not in self.open and ident(n) not in self.discarded_on_disk]
        if calls:
            number = calls[pick % len(calls)]
            self.discarded_on_disk.add(ident(number))
            self.listed_on_disk.discard(ident(number))
            del self.needed[number]
            self.lending.refresh()
            self.lending.give_back(ident(number))
            self.unlisted.discard(ident(number))

    # -- kills, and what somebody puts back

    @rule()
    def keeper_is_killed(self) -> None:
        self.keeper_starts()

    @precondition(lambda self: self.snapshots)
    @rule(which=st.integers(0, 99), what=st.sampled_from(["old", "torn", "missing", "flipped"]))
    def keeper_is_killed_and_another_snapshot_put_back(self, which: int, what: str) -> None:
        octets = bytearray(self.snapshots[which % len(self.snapshots)])
        if what == "torn":
            del octets[which * len(octets) // 100 :]
        elif what == "flipped":
            octets[which * len(octets) // 100] ^= 4
        self.store.table_path.write_bytes(octets)
        if what == "missing":
            self.store.table_path.unlink()
        self.keeper_starts()

    @precondition(lambda self: self.snapshots)
    @rule(which=st.integers(0, 99), lease=st.integers(0, 99), recorder=st.booleans())
    def all_is_killed_and_an_old_lease_put_back(self, which: int, lease: int, recorder: bool) -> None:
        self.store.table_path.write_bytes(self.snapshots[which % len(self.snapshots)])
        self.store.lease_path.write_bytes(self.leases[lease % len(self.leases)])
        self.lease_is_old = True
        if recorder:
            self.recorder_starts()
        self.keeper_starts()

    @rule()
    def the_lease_is_lost(self) -> None:
        self.store.lease_path.unlink(missing_ok=True)
        self.keeper_starts()
        self.lease_is_old = False

    # -- what holds

    def real(self) -> dict[bytes, list[int]]:
        return {ident(number): sorted(slots) for number, slots in self.needed.items()}

    def known(self, table: SlotTable) -> dict[bytes, list[int]]:
        return {call_id: table.of(call_id) for call_id in table.calls()}

    @invariant()
    def the_totals_are_those_of_the_arrays(self) -> None:
        if hasattr(self, "table"):
            used = int((self.table._state == slottable.USED).sum())
            assert self.table.free == self.store.info.slots - used
            assert int(self.table._free_in.sum()) == int((self.table._state == slottable.FREE).sum())

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.directory)


class TestRing(Ring.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


def test_the_lease_is_replaced_whole() -> None:
    """What the histories above rest on: a lease or a snapshot is the old one or the new one."""
    assert slottable.save.__globals__["replace_file"] is durable.replace_file
