"""The keeper: what it lends, takes back and lists, with the recorder there or not."""

from __future__ import annotations

from pathlib import Path

from tests.service.support import START, calls_in, demo_key
from tests.service.test_modes import ONE_CALL, config, script
from tests.store.reading import Box
from tests.store.writing import at
from tsuwaroku.clock import VirtualClock
from tsuwaroku.config import Config, Mode
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.service.assembly import Assembled, new_instance
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.link import LeaseChanged, Upward
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.simulate import LocalLink
from tsuwaroku.service.slots import SlotTable
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.verify import verify_store


class NoLink:
    """The keeper is away."""

    connected = False
    live = False

    def send(self, message: Upward) -> None:
        pass

    def receive(self) -> tuple[LeaseChanged, ...]:
        return ()

    def close(self) -> None:
        pass


def record(source: Path, store: Store, settings: Config, keeper: Keeper | None) -> None:
    """A recorder's run from the start of the script to its end."""
    clock = VirtualClock(START)
    board = VirtualBoard(load_script(source).sources(), clock, realtime=False)
    board.open()
    link = NoLink() if keeper is None else LocalLink(keeper)
    parts = Assembled(settings, board=board, clock=clock, store=store, link=link, instance=new_instance(), inline=True)
    parts.recorder.run(lambda: False)
    board.close()
    parts.release()


def opened(tmp_path: Path, settings: Config, slots: int) -> Store:
    create_demo_store(tmp_path / "store", settings, slots)
    return Store.open(tmp_path / "store", need_device=True)


def test_what_was_recorded_without_a_keeper_is_listed_when_it_comes(tmp_path: Path) -> None:
    settings = config()
    store = opened(tmp_path, settings, 64)
    keeper = Keeper(store, settings, VirtualClock(START))
    keeper.start()
    keeper.close()
    source = script(tmp_path, 20.0, ONE_CALL, [])
    for _ in range(3):
        record(source, store, settings, None)
    later = Keeper(store, settings, VirtualClock(START))
    later.start()
    assert later.status().calls_today == 3
    assert [call.integrity.value for call in calls_in(tmp_path / "store")] == ["sealed"] * 3
    assert sorted(call.sequence for call in calls_in(tmp_path / "store")) == [1, 2, 3]
    later.close()
    store.close()


def test_discarded_calls_give_their_slots_back_for_ever(tmp_path: Path) -> None:
    """An on_button line in a ring of four slots: without giving back it would be full after the fourth call."""
    settings = config(Mode.ON_BUTTON)
    store = opened(tmp_path, settings, 4)
    source = script(tmp_path, 20.0, ONE_CALL, [])
    for _ in range(10):
        keeper = Keeper(store, settings, VirtualClock(START))
        keeper.start()
        record(source, store, settings, keeper)
        keeper.poll()
        assert keeper.free_slots == 4
        keeper.close()
    report = verify_store(store, demo_key(tmp_path / "store"))
    assert (report.ok, report.problems) == (True, [])
    assert calls_in(tmp_path / "store") == []
    store.close()


def test_slots_are_lent_in_circular_order_and_never_twice(tmp_path: Path) -> None:
    settings = config()
    store = opened(tmp_path, settings, 12)
    table = SlotTable(store)
    first, second, third = table.grant(5), table.grant(5), table.grant(5)
    assert [slot for slot, _ in [*first, *second, *third]] == list(range(12))
    assert {generation for _, generation in [*first, *second, *third]} == {1}
    assert table.grant(5) == []
    store.close()


def test_lease_holds_an_hour_of_all_lines_where_the_ring_has_it(tmp_path: Path) -> None:
    settings = config()
    store = opened(tmp_path, settings, 600)
    keeper = Keeper(store, settings, VirtualClock(START))
    keeper.start()
    lent = Lease.load(store.lease_path, store.store_id).slots
    assert len(lent) == keeper._upkeep.lending.size()
    assert keeper._upkeep.lending.size() * 252 * 1024 >= 3600 * 16_000
    keeper.close()
    store.close()


def test_a_number_lost_in_a_cut_commit_is_explained_before_its_keyless_witness_goes(tmp_path: Path) -> None:
    """Call 2 began in the commit that the cut tore; only call 1, on the button and not pressed for, knew of it."""
    box = Box(tmp_path / "box")
    box.open(1, withheld=True)
    box.talk(1, 1)
    box.open(2)
    box.talk(1, 1)
    box.overwrite(1, 0, fmt.free_block(1, 0).ljust(fmt.SLOT_SIZE, b"\0"))  # its blocks did not reach the disk
    box.new_writer(b"another!")
    box.call(3)
    box.audit.close()
    keeper = Keeper(box.store, config(), VirtualClock(at(60).wall_ns))
    keeper.start()
    keeper.poll()
    [said] = [r.public for r in keeper._journal.since(0) if r.type is JournalType.DISCARDED]
    assert (said["sequence"], said["lost"]) == (1, [2])
    keeper.close()
    box.overwrite(0, 0, fmt.free_block(0, 1).ljust(fmt.SLOT_SIZE, b"\0"))  # its slot is used again
    report = verify_store(box.store, box.private)
    assert (report.problems, [call.sequence for call in report.calls]) == ([], [3])
    assert "call 2 began with the last commit before an interruption and was lost" in report.notes


def test_a_header_alone_explains_what_was_lost_with_it_before_its_slot_is_used_again(tmp_path: Path) -> None:
    """Calls 2 and 3 began in the commit that the cut tore, and all that came to the disk of it is the header of 3."""
    box = Box(tmp_path / "box")
    box.call(1)
    box.open(2)
    box.open(3)
    box.talk(3, 1)
    box.overwrite(1, 0, fmt.free_block(1, 0).ljust(fmt.SLOT_SIZE, b"\0"))
    box.overwrite(2, fmt.BLOCK, bytes(fmt.SLOT_SIZE - fmt.BLOCK))
    box.new_writer(b"another!")
    box.call(4)
    box.audit.close()
    keeper = Keeper(box.store, config(), VirtualClock(at(60).wall_ns))
    keeper.start()
    keeper.poll()
    said = [r.public for r in keeper._journal.since(0) if r.type is JournalType.RECOVERED]
    assert [(one["sequence"], one["extents"], one.get("lost")) for one in said] == [(3, 0, None), (3, 0, [2])]
    keeper.close()
    assert verify_store(box.store, box.private).problems == []  # while the header is there
    box.overwrite(2, 0, fmt.free_block(2, 1).ljust(fmt.SLOT_SIZE, b"\0"))  # its slot is used again
    report = verify_store(box.store, box.private)
    assert (report.problems, [call.sequence for call in report.calls]) == ([], [1, 4])
    assert "call 2 began with the last commit before an interruption and was lost" in report.notes
