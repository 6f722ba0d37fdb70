"""The slot table: circular order, what it makes of headers, and that no snapshot makes it lend a slot in use."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.fakering import DEVICE, FakeStore, ident, used_block
from tests.service.test_modes import config
from tests.store.test_slot import fields, table
from tsuwaroku.errors import StoreError
from tsuwaroku.service import slots as slots_module
from tsuwaroku.service.lending import Lending
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store import slottable
from tsuwaroku.store.keys import DeviceKey
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.slot import FormatError, free_block

BOUND = (7, b"j" * 32)


def known(number: int, digest: bytes) -> bool:
    return (number, digest) == BOUND


def built(tmp_path: Path, used: dict[int, tuple[int, int]], slots: int = 12) -> tuple[FakeStore, SlotTable]:
    """A table over `used`: slot -> (generation, call number)."""
    store = FakeStore(tmp_path, slots)
    store.ring.blocks = {slot: used_block(slot, *what) for slot, what in used.items()}
    return store, SlotTable(store.it)


def save(store: FakeStore, table: SlotTable, lent: list[tuple[int, int]] | None = None) -> None:
    slottable.save(store.table_path, table.image(lent or [], BOUND), store.it)


def again(store: FakeStore) -> SlotTable:
    return SlotTable(store.it, None, known)


def shape(table: SlotTable) -> tuple[object, ...]:
    """All of a table that others see."""
    total = len(table._state)
    owners = [table.owner(slot) for slot in range(total)]
    return owners, table._generation.tolist(), table.free, table.highest_sequence, sorted(table.calls())


def test_headers_become_a_table(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1), 1: (1, 2), 2: (4, 1), 5: (1, 3)})
    store.ring.blocks[7] = b"\xff" * 4096
    store.ring.blocks[8] = free_block(8, 9)
    table = SlotTable(store.it)
    assert (table.of(ident(1)), table.of(ident(2)), table.of(ident(9))) == ([0, 2], [1], [])
    assert table.calls() == {ident(1), ident(2), ident(3)}
    assert (table.free, table.highest_sequence, table.owner(7), table.owner(8)) == (7, 3, b"", None)
    assert table.grant(99) == [(6, 1), (8, 10), (9, 1), (10, 1), (11, 1), (3, 1), (4, 1)]
    assert table.grant(1) == []


def test_granting_goes_on_after_the_call_opened_last_whatever_the_clock_said(tmp_path: Path) -> None:
    _, table = built(tmp_path, {4: (1, 9), 5: (1, 9), 9: (1, 3), 2: (1, 2)})
    assert [slot for slot, _ in table.grant(3)] == [6, 7, 8]


def test_a_number_that_nobody_signed_decides_nothing(tmp_path: Path) -> None:
    store, _ = built(tmp_path, {0: (1, 1)})
    store.ring.blocks[6] = used_block(6, 1, 2**40, device=DeviceKey(b"x" * 32))
    table = SlotTable(store.it)
    assert (table.highest_sequence, table.owner(6), table.grant(1)) == (1, b"", [(1, 1)])


def test_signatures_are_checked_afterwards_a_few_at_a_time(tmp_path: Path) -> None:
    store, _ = built(tmp_path, {slot: (1, slot + 1) for slot in range(5)})
    store.ring.blocks[3] = used_block(3, 1, 4, device=DeviceKey(b"x" * 32))
    table = SlotTable(store.it)
    assert table.owner(3) == ident(4)
    assert [table.check(2), table.check(2), table.check(9), table.unchecked] == [
        [],
        ["slot 3: the signature of its header is wrong"],
        [],
        0,
    ]
    assert (table.owner(3), table.of(ident(4)), table.free) == (b"", [], 7)
    save(store, table)
    assert again(store).unchecked == 0


def test_a_slot_that_cannot_be_read_is_nobodys_and_a_disk_that_is_away_is_told(tmp_path: Path) -> None:
    store, _ = built(tmp_path, {0: (1, 1), 1: (1, 1)}, slots=100)
    store.ring.bad = {1, 50}
    table = SlotTable(store.it)
    assert (table.owner(1), table.owner(50), table.free) == (b"", b"", 97)
    store.ring.bad |= set(range(60, 93))
    with pytest.raises(StoreError):
        SlotTable(store.it)


def test_a_free_slot_that_cannot_be_read_now_is_passed_over(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1)})
    store.ring.bad = {2, 3}
    assert table.grant(3) == [(1, 1), (4, 1), (5, 1)]
    assert [slot for slot, _ in table.grant(99)] == [6, 7, 8, 9, 10, 11]
    assert table.grant(99) == []
    store.ring.bad = set()
    assert table.grant(99) == [(2, 1), (3, 1)]


def test_a_disk_that_is_away_costs_no_slot(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1)}, slots=100)
    store.ring.bad = set(range(5, 100))
    with pytest.raises(StoreError):
        table.grant(50)
    store.ring.bad = set()
    assert [slot for slot, _ in table.grant(98)] == list(range(1, 99))


def test_a_grant_that_came_to_nothing_is_made_again(tmp_path: Path) -> None:
    _, table = built(tmp_path, {0: (1, 1)})
    first = table.grant(4)
    table.take_back(first)
    assert table.grant(4) == first


def test_a_header_that_is_not_what_the_table_says_is_put_right_and_not_lent(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1)})
    store.ring.blocks[2] = used_block(2, 1, 5)
    store.ring.blocks[3] = free_block(3, 6)
    store.ring.blocks[4] = b"TSUWAERA".ljust(4096, b"\0")
    assert table.grant(4) == [(1, 1), (3, 7), (5, 1), (6, 1)]
    assert (table.owner(2), table.owner(4), table.of(ident(5)), table.highest_sequence) == (ident(5), b"", [2], 5)


def test_erased_slots_are_free_when_they_were_looked_at_again(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1), 1: (3, 1), 2: (1, 2)})
    store.ring.blocks[0] = b"TSUWAERA".ljust(4096, b"\0")
    store.ring.blocks[1] = free_block(1, 3)
    table.look_again([0, 1, 2])
    assert (table.owner(0), table.owner(1), table.owner(2), table.free) == (b"", None, ident(2), 10)
    store.ring.blocks[0] = free_block(0, 1)
    table.look_again([0])
    assert (table.free, table.calls()) == (11, {ident(2)})
    assert table.grant(99)[-2:] == [(0, 2), (1, 4)]


def test_a_released_call_keeps_its_header_until_its_slot_is_taken(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1), 1: (1, 1), 2: (1, 2)}, slots=4)
    store.ring.blocks[1] = used_block(1, 2, 3)  # what the table takes for call 1's has been taken by another since
    table.release(ident(1))
    table.release(ident(1))
    assert (table.owner(0), table.owner(1), table.free) == (None, ident(3), 2)
    save(store, table)
    for one in (table, again(store)):
        assert one.grant(9) == [(3, 1), (0, 2)]
    store.ring.blocks[0] = used_block(0, 2, 4)
    assert table.refresh([(3, 1), (0, 2)]) == {ident(4)}
    assert (table.calls(), table.of(ident(1))) == ({ident(2), ident(3), ident(4)}, [])


def test_a_slot_that_was_given_back_stays_free_for_a_keeper_that_finds_it_in_an_old_lease(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1)}, slots=4)
    table.release(ident(1))
    save(store, table, [(0, 1)])
    table = again(store)
    assert (table.refresh([(0, 1), (1, 1)]), table.free, table.calls()) == (set(), 4, set())


def test_a_slot_that_was_lent_again_stays_lent_when_its_former_call_is_given_back_once_more(tmp_path: Path) -> None:
    """A keeper that starts takes it for that call's: nobody has overwritten the header yet."""
    store, table = built(tmp_path, {0: (1, 1), 1: (1, 1)}, slots=4)
    lending = Lending(store.it, config(), table, Lease(slots=[(1, 1), (0, 2), (2, 1)]))
    lending.give_back(ident(1))
    assert (lending.lease.slots, table.free) == ([(0, 2), (2, 1)], 4)
    store.ring.blocks[0] = used_block(0, 2, 2)
    assert (lending.refresh(), table.of(ident(2))) == ({ident(2)}, [0])


def test_a_slot_that_was_lent_again_stays_lent_when_an_erasure_is_finished(tmp_path: Path) -> None:
    """Of a call whose other slot was on a bad block until now."""
    store, table = built(tmp_path, {0: (1, 1)}, slots=4)
    store.ring.blocks[1] = free_block(1, 1)
    table.look_again([1])
    lending = Lending(store.it, config(), table, Lease(slots=[(1, 2)]))
    store.ring.blocks[0] = free_block(0, 1)
    lending.erased([0, 1])
    assert (lending.lease.slots, table.free) == ([(1, 2)], 4)
    store.ring.blocks[1] = used_block(1, 2, 2)
    assert lending.refresh() == {ident(2)}


def test_numbers_of_calls_are_used_again(tmp_path: Path) -> None:
    """As many calls as the ring holds, however many have gone through it."""
    store, table = built(tmp_path, {}, slots=8)
    for number in range(1, 200):
        [(slot, generation)] = table.grant(1)
        store.ring.blocks[slot] = used_block(slot, generation, number)
        assert table.refresh([(slot, generation)]) == {ident(number)}
        store.ring.blocks[slot] = free_block(slot, generation)
        table.look_again([slot])
    assert len(table._owners.ids()) <= 3 * 16
    assert (table.calls(), table.free) == (set(), 8)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_grants_are_those_of_a_walk_round_the_ring(data: st.DataObject) -> None:
    """The table's every answer against a list that is walked slot by slot."""
    total = data.draw(st.sampled_from([1, 7, 1023, 1024, 1025, 2600]))
    rng = random.Random(data.draw(st.integers(0, 9999)))
    density = data.draw(st.sampled_from([0.0, 0.4, 0.97, 1.0]))
    store = FakeStore(Path("/nowhere"), total)
    held = {slot for slot in range(total) if rng.random() < density}
    store.ring.blocks = {slot: used_block(slot, 1, 1 + slot % 5) for slot in held if rng.random() < 0.02 or total < 99}
    held = set(store.ring.blocks)
    table = SlotTable(store.it)
    lent: list[int] = []
    position = table._next
    for _ in range(8):
        count = rng.choice([1, 3, total // 3, total])
        order = [(position + step) % total for step in range(total)]
        expected = [slot for slot in order if slot not in held and slot not in lent][:count]
        assert [slot for slot, _ in table.grant(count)] == expected
        lent += expected
        position = (expected[-1] + 1) % total if expected else position
        assert table.free == total - len(held)
        back = [slot for slot in lent if rng.random() < 0.5]
        table.take_back([(slot, 1) for slot in back])
        position = back[0] if back else position
        lent = [slot for slot in lent if slot not in back]


@pytest.mark.slow
def test_a_ring_with_two_fifths_held_is_walked_round_for_ever_at_the_price_of_what_is_granted(tmp_path: Path) -> None:
    """A million slots, 40 % of them held at random: two laps read as many headers as they grant, in circular order."""
    total, rng = 1 << 20, np.random.default_rng(1)
    store = FakeStore(tmp_path, total)
    table = SlotTable(store.it)
    held = np.flatnonzero(rng.random(total) < 0.4)
    table._state[held], table._owner[held] = slottable.USED, slottable.UNREADABLE
    store.ring.reads = 0
    image = table.image([], BOUND)
    table._adopt(image)
    free = np.setdiff1d(np.arange(total), held)
    granted = 0
    for _ in range(2):
        lap: list[int] = []
        while len(lap) < len(free):
            places = table.grant(min(4000, len(free) - len(lap)))
            granted += len(places)
            lap += [slot for slot, _ in places]
            for slot, _ in places:
                table._set(slot, slottable.FREE, slottable.NOBODY)
        assert lap == free.tolist()
    assert store.ring.reads == granted == 2 * len(free)


# -- the snapshot


def test_the_snapshots_head_is_the_documents() -> None:
    rows = table("## Slot table")
    fixed = [(offset, size) for offset, size, what in rows if what != "zero" and offset < slottable.SIGNATURE_AT]
    assert fields(slottable.HEAD) == fixed
    assert (slottable.SIGNATURE_AT, 64) in [(offset, size) for offset, size, _ in rows]
    assert slottable.BODY_AT == 200


def test_a_table_comes_back_from_its_snapshot(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1), 1: (1, 2), 2: (2**40, 1), 5: (1, 3)})
    store.ring.blocks[8] = b"\xff" * 4096
    table = SlotTable(store.it)
    table.grant(3)
    save(store, table, [])
    later = again(store)
    assert (later.from_snapshot, shape(later)) == (True, shape(table))
    assert later.grant(99) == [(10, 1), (11, 1), (3, 1), (4, 1), (6, 1), (7, 1), (9, 1)]


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("missing", "no snapshot"),
        ("cut", "torn"),
        ("short", "cut short"),
        ("empty", "cut short"),
        ("flipped body", "torn"),
        ("flipped head", "signature"),
        ("foreign device", "signature"),
        ("foreign store", "not of this ring"),
        ("another size", "not of this ring"),
        ("another history", "another history"),
    ],
)
def test_a_snapshot_that_is_not_sound_costs_time_alone(tmp_path: Path, what: str, why: str) -> None:
    store, table = built(tmp_path, {0: (1, 1), 1: (1, 2)})
    save(store, table)
    octets = store.table_path.read_bytes()
    stranger = FakeStore(tmp_path, 13 if what == "another size" else 12)
    if what == "foreign store":
        stranger = FakeStore(tmp_path, 12, store_id=b"t" * 16)
    elif what == "foreign device":
        stranger = FakeStore(tmp_path, 12, device=DeviceKey(b"y" * 32))
    images = slottable.pack(SlotTable(stranger.it).image([], (8, b"") if "history" in what else BOUND), stranger.it)
    changed = {
        "cut": octets[:-1],
        "short": octets[:150],
        "empty": b"",
        "flipped body": octets[:-1] + bytes([octets[-1] ^ 1]),
        "flipped head": octets[:40] + bytes([octets[40] ^ 1]) + octets[41:],
    }.get(what, images)
    if what == "missing":
        store.table_path.unlink()
    else:
        store.table_path.write_bytes(changed)
    later = again(store)
    assert why in later.refused
    assert shape(later) == shape(table)


@settings(max_examples=100, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_snapshot_is_found(share: float, bit: int) -> None:
    store = FakeStore(Path("/nowhere"), 12)
    store.ring.blocks = {slot: used_block(slot, 1, slot + 1) for slot in range(5)}
    octets = bytearray(slottable.pack(SlotTable(store.it).image([], BOUND), store.it))
    octets[int(share * len(octets))] ^= 1 << bit
    with pytest.raises(FormatError):
        slottable.unpack(bytes(octets), store.it)


def test_an_old_snapshot_is_caught_up_with_by_the_headers_that_may_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots_module, "LOOK_AHEAD", 2)
    store, table = built(tmp_path, {slot: (1, slot + 1) for slot in range(40)}, slots=100)
    lent = table.grant(5)  # 40 … 44
    save(store, table, [(39, 1), *lent])
    store.ring.blocks[39] = free_block(39, 0)  # a power cut took back what had only been in the page cache
    taken = [*lent[:3], *table.grant(6)]  # and a lease more: 45 … 50, of which all were taken
    for slot, generation in taken:
        store.ring.blocks[slot] = used_block(slot, generation, 41 + slot)
    store.ring.reads = 0
    later = again(store)
    assert later.from_snapshot
    assert store.ring.reads == 6 + 6 + 3  # lent or leased then, taken since, unchanged
    assert shape(later) == shape(SlotTable(store.it))
    later.adopt([(43, 1), (44, 1)])
    assert later.grant(2) == [(51, 1), (52, 1)]


def test_the_image_is_what_it_was_when_the_table_goes_on(tmp_path: Path) -> None:
    store, table = built(tmp_path, {0: (1, 1)})
    image = table.image([(3, 1)], BOUND)
    assert slottable.unpack(slottable.pack(image, store.it), store.it).state.tolist() == [2, 0, 0, 128] + [0] * 8
    assert msgspec.structs.asdict(image)["bound"] == BOUND
    assert DEVICE.epoch == 0


def test_a_snapshot_made_while_a_lease_is_hardly_used_knows_later_where_grants_went_on(tmp_path: Path) -> None:
    """60 slots are lent, one is taken; a keeper starts, leaves a snapshot, and lends on from behind the lease. A start
    from that snapshot passes over what is still unused of the lease and finds what was taken behind it."""
    store, table = built(tmp_path, {}, slots=200)
    lease = table.grant(60)
    store.ring.blocks[0] = used_block(0, 1, 1)
    keeper = SlotTable(store.it)
    keeper.adopt(lease)
    save(store, keeper, lease)
    more = keeper.grant(40)
    assert more == [(slot, 1) for slot in range(60, 100)]
    for slot, _ in more[:30]:  # taken, while the lease of then is left as it was
        store.ring.blocks[slot] = used_block(slot, 1, slot)
    started = again(store)
    started.adopt([*lease, *more])
    fresh = SlotTable(store.it)
    fresh.adopt([*lease, *more])
    assert started.from_snapshot
    assert shape(started) == shape(fresh)
    assert started.grant(1) == [(100, 1)]


def test_a_lease_that_was_used_up_and_erased_since_hides_nothing_that_was_lent_after_it(tmp_path: Path) -> None:
    """Slot 2 came free behind granting, and was lent a lap later; the slots of the snapshot's lease, taken then, were
    erased in the meantime, and look as they did."""
    store, table = built(tmp_path, {59: (1, 9), 2: (1, 1)}, slots=120)
    lease = table.grant(65)
    assert lease[0] == (60, 1)
    assert lease[-1] == (5, 1)
    store.ring.blocks[2] = free_block(2, 1)
    table.look_again([2])
    save(store, table, lease)
    for number, (slot, generation) in enumerate(lease):
        store.ring.blocks[slot] = used_block(slot, generation, 100 + number)
    table.refresh(lease)
    more = table.grant(54)
    assert more == [*((slot, 1) for slot in range(6, 59)), (2, 2)]
    for number, (slot, generation) in enumerate(more):
        store.ring.blocks[slot] = used_block(slot, generation, 200 + number)
    for slot in range(60, 111):
        store.ring.blocks[slot] = free_block(slot, 1)
    assert (again(store).of(ident(253)), shape(again(store))) == ([2], shape(SlotTable(store.it)))


@pytest.mark.parametrize("limit", [1, 3, 99])
def test_what_a_snapshot_missed_is_found_while_the_box_is_at_work(tmp_path: Path, limit: int) -> None:
    store, table = built(tmp_path, {slot: (1, slot + 1) for slot in range(10)}, slots=100)
    save(store, table)
    store.ring.blocks[90] = used_block(90, 1, 77)  # as only a snapshot older than what it says of itself can miss it
    late = again(store)
    assert late.owner(90) is None
    found = [late.look_through(limit) for _ in range(-(-90 // limit) + 1)]
    assert found.count(True) == 1
    assert shape(late) == shape(SlotTable(store.it))
    reads = store.ring.reads
    assert not late.look_through(limit)  # once after a start
    assert store.ring.reads == reads
    assert not SlotTable(store.it).look_through(limit)


def test_a_call_that_nobody_kept_does_not_send_granting_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start looks at what lies before the place granting went back to last of all, if it comes so far."""
    monkeypatch.setattr(Lending, "size", lambda _: 6)
    store, table = built(tmp_path, {}, slots=30)
    lending = Lending(store.it, config(), table, Lease())
    assert lending.extend(set())
    for slot in range(6):
        store.ring.blocks[slot] = used_block(slot, 1, slot + 1)
    lending.refresh()
    for number in (6, 5):
        lending.give_back(ident(number))
    assert lending.extend(set())
    assert lending.lease.slots == [(slot, 1) for slot in range(6, 12)]
