"""What a box does while the power fails: every operation of FORMAT.md's "Durable orders", and some at the same time.

Each scenario makes its store and what must be in it already (`prepare`, safely on the disk), then acts, recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest

from tests.crash.acting import DAY, HOUR, MINUTE, PERIOD, Acting
from tests.service.marker import marker
from tsuwaroku.config import LedgerYears
from tsuwaroku.errors import StoreError
from tsuwaroku.records.call import Mark, MarkKind
from tsuwaroku.service import ops
from tsuwaroku.service.rebuilding import rebuild_store
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.erasing import SlotEraser
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.keys import Recipients, make_recovery_key
from tsuwaroku.store.layout import Store
from tsuwaroku.store.ring import RingFiles

LOUD = 12_000  # noise that no codec makes smaller: a slot is full after 16 s


@dataclass(frozen=True)
class Scenario:
    """`least`: distinct states it must have, at the usual number; the usual number asks for some more."""

    name: str
    prepare: Callable[[Acting], None]
    act: Callable[[Acting], None]
    least: int
    slots: int = 12
    lent: int = 4
    wall: str = "2026-11-23T12:00:00+09:00"
    room: bool = True  # for the next call
    usual: int = 180  # states looked at, where there are so many


def started(box: Acting) -> None:
    box.create()
    box.start()


def empty(box: Acting) -> None:
    """Only the folder the store will be in."""
    box.path.parent.mkdir(parents=True, exist_ok=True)


def made(box: Acting) -> None:
    box.create()
    box.tell("made")


# -- calls


def first_looks(box: Acting) -> None:
    """A store that was just made: both processes for the first time, a call, a clean end."""
    box.start()
    call = box.open()
    box.talk(call)
    box.hang_up(call)
    box.poll()
    box.stop()


def not_started(box: Acting) -> None:
    box.create()


def opened(box: Acting) -> None:
    call = box.open()
    box.talk(call, seconds=3)


def long_before(box: Acting) -> None:
    started(box)
    box.loud = LOUD
    box.talk(box.open(), seconds=14)


def long_on(box: Acting) -> None:
    """Over the ends of two slots."""
    box.talk(box.calls[0], seconds=20)


def talking(box: Acting) -> None:
    started(box)
    box.talk(box.open(), seconds=2)


def closed(box: Acting) -> None:
    box.hang_up(box.calls[0])
    box.poll()


def two_lines(box: Acting) -> None:
    one, other = box.open("1"), box.open("3")
    box.talk(one, other, seconds=3)
    box.hang_up(one, other)
    box.poll()


def missed(box: Acting) -> None:
    for line in "131":
        call = box.open(line)
        box.hang_up(call)
    box.poll()


def pressed(box: Acting) -> None:
    call = box.open("2")
    box.talk(call, seconds=2)
    box.batch(ops.Press(call.id))
    box.mark(call)
    box.talk(call)
    box.hang_up(call)
    box.poll()


def pressed_late(box: Acting) -> None:
    """After hang-up, in time."""
    call = box.open("2")
    box.talk(call, seconds=2)
    box.hang_up(call)
    box.poll()
    box.batch(ops.Press(call.id), ops.LateMark(call.id, Mark(at_s=3.0)))
    box.poll()


def not_pressed(box: Acting) -> None:
    call = box.open("2")
    box.talk(call, seconds=2)
    box.hang_up(call)
    box.poll()
    box.batch(ops.Discard(call.id, "2"))
    box.poll()


def marked(box: Acting) -> None:
    call = box.calls[0]
    for _ in range(3):
        box.mark(call)
        box.talk(call)


def one_call(box: Acting) -> None:
    started(box)
    box.call(2)


def three_calls(box: Acting) -> None:
    started(box)
    for _ in range(3):
        box.call()


def marked_late(box: Acting) -> None:
    for at in (3.0, 4.0, 5.0):
        box.batch(ops.LateMark(box.calls[0].id, Mark(at_s=at)))


def withdrawn(box: Acting) -> None:
    """A person marks, and takes it back; twice."""
    assert box.keeper is not None
    for call in box.calls[:2]:
        box.keeper.mark(call.name, MarkKind.UNREASONABLE_DEMAND.value, marker("handler:1002"), None)
        box.keeper.mark(call.name, MarkKind.UNREASONABLE_DEMAND.value, marker("manager:1001"), 1)


def no_slot(box: Acting) -> None:
    """The whole ring is full: a call waits, is given up a minute after its end, and is not recorded."""
    call = box.open()
    box.talk(call, seconds=1)
    box.hang_up(call)
    box.wall_ns += 61 * 10**9
    box.batch()
    box.batch()
    box.poll()


def full(box: Acting) -> None:
    started(box)
    for _ in range(box.slots):
        box.call()
    box.poll()


# -- holds


def held(box: Acting) -> None:
    for call in box.calls:
        box.hold(call)


def held_before(box: Acting) -> None:
    three_calls(box)
    held(box)


def released(box: Acting) -> None:
    for call in box.calls:
        box.release(call)


def linked_parts(box: Acting) -> None:
    started(box)
    first = box.call()
    second = box.call(continues=first)
    box.call(continues=second)


def held_parts(box: Acting) -> None:
    box.hold(*box.calls)
    box.hold(*box.calls, days=60)


# -- erasure


def one_expired(box: Acting) -> None:
    started(box)
    box.call(2)
    box.expire(*box.calls)


def expired_day(box: Acting) -> None:
    """Of a day's calls one is held, and one has late marks."""
    started(box)
    for _ in range(4):
        box.call()
    box.hold(box.calls[1])
    box.batch(ops.LateMark(box.calls[2].id, Mark(at_s=3.0)))
    box.expire(box.calls[0], *box.calls[2:])


def erased(box: Acting) -> None:
    box.poll(4)


def erased_then_more(box: Acting) -> None:
    """The slots are lent again, and other calls written over what was."""
    box.poll(2)
    for _ in range(4):
        box.call()


def erasure_failed(box: Acting) -> None:
    """A slot could not be overwritten the first time: its call waits with its tombstone."""
    started(box)
    for _ in range(3):
        box.call()
    box.expire(*box.calls)
    with pytest.MonkeyPatch.context() as patch:
        real = SlotEraser._write

        def failing(self: SlotEraser, slot: int, offset: int, data: bytes) -> None:
            if data[:8] == b"TSUWAERA":
                raise StoreError("cannot be overwritten (Input/output error)")
            real(self, slot, offset, data)

        patch.setattr(SlotEraser, "_write", failing)
        box.poll(2)


def erasure_resumed(box: Acting) -> None:
    box.wall_ns += 11 * MINUTE
    box.poll(3)


def hold_lapses(box: Acting) -> None:
    started(box)
    box.call()
    box.call()
    box.hold(box.calls[0], days=8)
    box.days_later(9)
    box.may_go |= {call.id for call in box.calls}


def released_and_gone(box: Acting) -> None:
    """A hold is released after the call's days: it goes at once, and no sooner."""
    box.may_go.add(box.calls[0].id)
    box.release(box.calls[0])
    box.poll(3)


def held_too_long(box: Acting) -> None:
    started(box)
    box.call()
    box.hold(box.calls[0], days=20)
    box.days_later(PERIOD.count + 2)
    box.poll(2)


# -- the keeper's own


def gathered(box: Acting) -> None:
    """Calls of two days that are in no day's file yet."""
    started(box)
    for _ in range(3):
        box.call()
    box.days_later(1)
    for _ in range(2):
        box.call()


def folded(box: Acting) -> None:
    assert box.keeper is not None
    box.keeper.listing.catalogue.fold()
    box.call()
    box.keeper.listing.catalogue.fold()


def day_damaged(box: Acting) -> None:
    """A day's file says nothing any more; the keeper is away."""
    gathered(box)
    box.stop()
    path = min((box.path / "catalogue").glob("*.json"))
    path.write_bytes(path.read_bytes()[:100])
    box.spoilt.add(path.name)
    box.reboot()


def day_made_again(box: Acting) -> None:
    box.start_keeper()
    box.poll(2)


def catalogue_lost(box: Acting) -> None:
    gathered(box)
    box.stop()
    for path in (box.path / "catalogue").iterdir():
        path.unlink()


def rebuilt(box: Acting) -> None:
    store = Store.open(box.path, need_device=True)
    rebuild_store(store)
    store.close()
    box.start_keeper()
    box.poll()


def cut_off(box: Acting) -> None:
    """Both died in two calls, one of a line that records on the button."""
    started(box)
    box.call()
    one, other = box.open("1"), box.open("2")
    box.talk(one, other, seconds=2)
    box.reboot()


def settled(box: Acting) -> None:
    box.start()
    call = box.open("1", continues=box.calls[1])
    box.talk(call)
    box.poll()


def much_lent(box: Acting) -> None:
    started(box)
    for _ in range(2):
        box.call()


def lease_extended(box: Acting) -> None:
    for _ in range(4):
        box.call()


def table_saved(box: Acting) -> None:
    assert box.keeper is not None
    box.keeper._upkeep.save_table()
    box.call()
    box.stop()
    box.start()
    box.call()
    box.stop()


def aside(box: Acting) -> None:
    """A slot takes nothing any more in the middle of a call: the call goes on in the next one."""
    box.late_ns = 10**9  # the commit that failed is tried again a second later
    call = box.open()
    box.talk(call, seconds=2)
    broken = {0}
    with pytest.MonkeyPatch.context() as patch:
        write = RingFiles.write

        def failing(ring: RingFiles, slot: int, offset: int, data: bytes) -> None:
            if slot in broken:
                raise StoreError("cannot be written (Input/output error)")
            write(ring, slot, offset, data)

        patch.setattr(RingFiles, "write", failing)
        box.talk(call, seconds=3)
        box.hang_up(call)
        box.poll()


def words_expired(box: Acting) -> None:
    """Why somebody listened, two years ago, in two files of the log; and a reason of today."""
    box.settings = msgspec.structs.replace(box.settings, ledger_years=LedgerYears(audit=1))
    started(box)
    assert box.keeper is not None
    for days in (0, 1, 800):
        box.days_later(days)
        box.keeper.audit("handler:1002", "play", f"after {days} days", "fairness")
    box.stop()
    box.start_recorder()


def words_erased(box: Acting) -> None:
    if box.keeper is None:
        box.start_keeper()
    box.poll(12)
    sealed = [entry.subject for entry in AuditLog(box.path / "audit").entries() if entry.sealed]
    assert sealed == ["after 800 days"]


def over_midnight(box: Acting) -> None:
    """The audit log's next day, and the next day of calls."""
    assert box.keeper is not None
    box.keeper.audit("technician:1000", "status read", "box", "a routine look")
    box.wall_ns += MINUTE
    box.keeper.audit("technician:1000", "status read", "box", "another look")
    box.call()


def segment_nearly_full(box: Acting) -> None:
    three_calls(box)
    assert box.keeper is not None
    while box.keeper._journal._offset < 254 * 4096:
        box.keeper._journal.append(JournalType.CHECKPOINT, box.now())


def clock_looked_at(box: Acting) -> None:
    for _ in range(3):
        box.wall_ns += HOUR
        box.poll()
    box.die()
    box.reboot(2 * DAY)
    box.start_keeper()
    box.poll(2)


def together(box: Acting) -> None:
    """Lines, lease, acts and erasure in one go."""
    box.poll()
    one = box.open("1")
    box.talk(one)
    box.poll()
    other = box.open("3")
    box.talk(one, other)
    box.hold(box.calls[1])
    box.mark(other)
    box.hang_up(one)
    box.poll()
    box.hang_up(other)
    box.batch(ops.LateMark(one.id, Mark(at_s=3.0)))
    box.poll()


def used_before(box: Acting) -> None:
    """A ring once full of calls that nobody pressed for: their headers and data still stand in its slots."""
    started(box)
    for _ in range(box.slots):
        call = box.open("2")
        box.talk(call)
        box.hang_up(call)
        box.batch(ops.Discard(call.id, "2"))
        box.poll()


def wrapped_round(box: Acting) -> None:
    for _ in range(2):
        call = box.open()
        box.talk(call, seconds=2)
        box.hang_up(call)
        box.poll()


def torn_before(box: Acting) -> None:
    """An earlier cut left a torn record in each journal, a torn entry in the log and a torn line in the catalogue."""
    three_calls(box)
    box.hold(box.calls[0])
    box.reboot()
    sector = b""
    for name in ("keeper", "recorder"):
        path = box.path / "journal" / f"{name}-00000.dat"
        octets = bytearray(path.read_bytes())
        end = -(-len(octets.rstrip(b"\0")) // 4096) * 4096
        sector = sector or bytes(octets[:512])
        octets[end : end + 512] = sector[:84] + (900).to_bytes(4, "little") + sector[88:]  # of a longer record
        path.write_bytes(octets)
    for path in ((box.path / "audit" / f"{box.today}.jsonl"), box.path / "catalogue" / "new.jsonl"):
        with path.open("ab") as file:
            file.write(b'{"number":')


def mended(box: Acting) -> None:
    box.start()
    box.call()
    box.batch(ops.LateMark(box.calls[-1].id, Mark(at_s=3.0)))


def recipients_changed(box: Acting) -> None:
    """Calls are sealed to one more key from now on."""
    assert box.keeper is not None
    _, recovery = make_recovery_key()
    box.store.set_recipients(Recipients([*box.store.recipients.list, recovery]))
    box.call()


SCENARIOS = [
    Scenario("first start", empty, made, 125, slots=3),
    Scenario("first looks", not_started, first_looks, 170),
    Scenario("open a call", started, opened, 170),
    Scenario("long call over several slots", long_before, long_on, 170),
    Scenario("close", talking, closed, 130),
    Scenario("two lines at once", started, two_lines, 170),
    Scenario("missed calls", started, missed, 170),
    Scenario("on the button, pressed", started, pressed, 170),
    Scenario("on the button, pressed late", started, pressed_late, 170),
    Scenario("on the button, not pressed", started, not_pressed, 170),
    Scenario("marks in a call", talking, marked, 170),
    Scenario("late marks", one_call, marked_late, 8),
    Scenario("marks withdrawn", three_calls, withdrawn, 30),
    Scenario("not recorded", full, no_slot, 105, slots=4, room=False),
    Scenario("hold", three_calls, held, 42),
    Scenario("release a hold", held_before, released, 40),
    Scenario("hold linked parts", linked_parts, held_parts, 80),
    Scenario("erase one", one_expired, erased, 170),
    Scenario("erase a day with a held one", expired_day, erased, 170),
    Scenario("erase, and use the slots again", expired_day, erased_then_more, 170, slots=6),
    Scenario("erasure resumed", erasure_failed, erasure_resumed, 170),
    Scenario("lapsed hold", hold_lapses, erased, 170),
    Scenario("released after its days", held_too_long, released_and_gone, 170),
    Scenario("fold into the days", gathered, folded, 170),
    Scenario("a damaged day made again", day_damaged, day_made_again, 120),
    Scenario("rebuild", catalogue_lost, rebuilt, 170),
    Scenario("settle what was cut off", cut_off, settled, 170),
    Scenario("extend the lease", much_lent, lease_extended, 170, lent=2),
    Scenario("slot table, and restart", one_call, table_saved, 170),
    Scenario("set a slot aside", started, aside, 170),
    Scenario("words whose years are over", words_expired, words_erased, 100),
    Scenario("the audit log's next day", three_calls, over_midnight, 170, wall="2026-11-23T23:58:50+09:00"),
    Scenario("the journal's next segment", segment_nearly_full, held, 60),
    Scenario("the clock's memory", started, clock_looked_at, 25),
    Scenario("recorder and keeper together", expired_day, together, 170),
    Scenario("round the ring, over old calls", used_before, wrapped_round, 170, slots=6),
    Scenario("after an earlier cut", torn_before, mended, 170),
    Scenario("another recipient", three_calls, recipients_changed, 170),
]
