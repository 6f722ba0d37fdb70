"""Time that passes for a box, and an office's calls in it: waves of them, what was said kept in the ledger."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

import msgspec

from tests.service.yearbox import HOUR, LINES, POWERLESS, RATE, SECOND, YearBox
from tests.service.yearledger import PERIOD, Ledger, Truth, sound
from tsuwaroku.records.call import Audio, CallRecord, ClockRecord, Direction, Mark, Outcome, Retention
from tsuwaroku.records.retention import expires_on
from tsuwaroku.service import ops
from tsuwaroku.service.link import Closed
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.ends import end_of
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.recovery import find_calls
from tsuwaroku.store.writer import CallOpening

ON_BUTTON = str(LINES)  # the line whose calls are kept if somebody presses
CUT = 0.01  # of the commits are cut by the power


class Timetable:
    """What is to happen, in its order. A box that is on polls each hour, and its recorder says that it is alive."""

    def __init__(self, box: YearBox) -> None:
        self._box = box
        self._heap: list[tuple[int, int, int | None, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, when_ns: int, act: Callable[[], None], boot: int | None = None) -> None:
        """`boot`: only while that boot lasts."""
        heapq.heappush(self._heap, (when_ns, next(self._order), boot, act))

    def if_on(self, when_ns: int, act: Callable[[], None]) -> None:
        """Left out where there is no power then."""
        self.at(when_ns, lambda: act() if self._box.on else None)

    def run_to(self, goal_ns: int) -> None:
        while self._heap and self._heap[0][0] <= goal_ns:
            at_ns, _, boot, act = heapq.heappop(self._heap)
            self._pass(at_ns)
            if boot is None or (self._box.on and boot == len(self._box.boots)):
                act()
        self._pass(goal_ns)

    def _pass(self, to_ns: int) -> None:
        box = self._box
        while box.on and box.true_ns + HOUR < to_ns:
            box.true_ns += HOUR
            box.recorder_journal.append(JournalType.ALIVE, box.now())
            box.poll()
        box.true_ns = max(box.true_ns, to_ns)


class Office:
    """The calls. `power_cut` is called where the power goes in a commit."""

    def __init__(self, box: YearBox, ledger: Ledger, rng: random.Random, power_cut: Callable[[], None]) -> None:
        self.rng, self.box, self.ledger = rng, box, ledger
        self.figures = ledger.figures
        self._power_cut = power_cut
        self._open: list[Truth] = []  # calls going on
        self._unsure: list[Truth] = []  # whose commit was cut, or whose key may be lost
        self._number = 0
        self._pressed: set[bytes] = set()

    def wave(self) -> None:
        """Up to eight calls at once, one commit for all of them at their begin, one at the end; some have more."""
        rng, box = self.rng, self.box
        lines = rng.sample([str(n) for n in range(1, LINES + 1)], rng.choice((2, 3, 4, 5, 6, 8)))
        if box.worker.lease_changed or box.writer.free_slots < 3 * LINES:
            box.worker.lease_changed = True
            box.poll()
        begun = [self._begin(line) for line in lines]
        if not self._commit([op for _, some in begun for op in some], rng.random() < CUT):
            return
        for _ in range(rng.choice((0, 0, 0, 0, 1, 3))):
            box.true_ns += 30 * SECOND
            if not self._commit([self._talk(call, 6000) for call in self._open], rng.random() < CUT):
                return
        box.true_ns += round(rng.uniform(2, 40) * SECOND)
        calls, batch = list(self._open), list[ops.Op]()
        for call in calls:
            batch += [self._talk(call, rng.randrange(500, 2500)), *self._end(call)]
        if not self._commit(batch, rng.random() < CUT, closing=True):
            return
        box.keeper.message(Closed([call.id for call in calls]))
        assert {call.call_id for call in calls} <= box.keeper.listing.known.keys()
        if rng.random() < 0.3:
            box.poll()
        for call in calls:
            if call.line == ON_BUTTON:
                self._decide(call)

    def _begin(self, line: str) -> tuple[Truth, list[ops.Op]]:
        box, now = self.box, self.box.now()
        self._number += 1
        call_id = (now.wall_ns // 1_000_000).to_bytes(6, "big") + self._number.to_bytes(10, "big")
        sequence = box.writer._next_sequence + len(self._open)
        call = Truth(call_id, sequence, line, len(box.boots) - 1, self._number, box.true_ns)
        self._open.append(call)
        opening = CallOpening(
            id=call_id,
            line=line,
            extension=f"210{line}",
            direction="inbound",
            seized=now,
            rate=RATE,
            retention_days=PERIOD.code,
            key_withheld=line == ON_BUTTON,
        )
        return call, [ops.OpenCall(opening), self._talk(call, self.rng.randrange(800, 2500))]

    def _talk(self, call: Truth, samples: int) -> ops.AddAudio:
        begin, call.given = call.given, call.given + samples
        return ops.AddAudio(call.call_id, 1000 + begin, sound(call.seed, call.given)[2 * begin :])

    def _end(self, call: Truth) -> list[ops.Op]:
        """The last operations of a call; of an on_button line the press, if it comes in the call."""
        now, found = self.box.now(), list[ops.Op]()
        mono_ns = call.began_ns - self.box.boots[-1].began_ns
        record = CallRecord(
            id=call.id,
            sequence=0,
            line=call.line,
            extension=f"210{call.line}",
            direction=Direction.INBOUND,
            seized_at=self.box.at(mono_ns).isoformat(),
            ended_at=now.isoformat(),
            duration_s=round((self.box.true_ns - call.began_ns) / SECOND, 3),
            outcome=Outcome.ANSWERED,
            audio=Audio(rate=RATE),
            clock=ClockRecord(quality=now.quality.value, mono_ns=mono_ns, boot_id=now.boot_id.hex()),
            retention=Retention(expires_on=expires_on(now.wall_ns, PERIOD).isoformat()),
        )
        if self.rng.random() < 0.1:
            mark = Mark(at_s=1.0)
            record.marks.append(mark)
            call.marks = 1
            found.append(ops.AddEvent(call.call_id, "mark", now.mono_ns, msgspec.to_builtins(mark)))
        if call.line == ON_BUTTON and self.rng.random() < 0.4:
            self._pressed.add(call.call_id)
            found.append(ops.Press(call.call_id))
        return [*found, ops.CloseCall(call.call_id, call.line, record)]

    def _commit(self, batch: list[ops.Op], dies: bool, closing: bool = False) -> bool:
        """One commit for all calls that are going on; whether the recorder lived to see it done."""
        box, calls = self.box, list(self._open)
        step, way = self.rng.randrange(1, 14), self.rng.choice(POWERLESS)
        if dies and box.dying(lambda: None, step, way, lambda: self._do(batch)):
            self.figures.count("power cut in a commit")
            self._power_cut()
            return False
        if not dies:
            self._do(batch)
        now = box.now()
        for call in calls:
            call.safe, call.end, call.ended_ns, call.cut_ns = call.given, now, box.true_ns, box.true_ns
            if call.call_id not in self.ledger.calls:
                assert call.sequence > max((c.sequence for c in self.ledger.calls.values()), default=0)
                self.ledger.calls[call.call_id] = call
                self.figures.calls += 1
            if closing:
                call.closed = True
        if closing:
            self._open.clear()
        return True

    def _do(self, batch: list[ops.Op]) -> None:
        self.box.record(batch)

    def _decide(self, call: Truth) -> None:
        """After hang-up on an on_button line: a press keeps it, otherwise its key is thrown away."""
        if call.call_id in self._pressed:
            return
        if self.rng.random() < 0.5:
            self._pressed.add(call.call_id)
            self.box.record([ops.Press(call.call_id)])
        else:
            self.box.record([ops.Discard(call.call_id, call.line)])
            del self.ledger.calls[call.call_id]
            self.figures.discarded += 1

    def cut_off(self) -> None:
        """Calls that were going on were cut off; of on_button ones nobody pressed for, the key is gone."""
        for call in self._open:
            call.cut_ns = self.box.true_ns
            self._unsure.append(call)
        self._open.clear()

    def look_for(self) -> None:
        """What became of the calls that a death of the recorder left in doubt, once the keeper has settled them."""
        if not self._unsure:
            return
        box, ledger = self.box, self.ledger
        box.poll(2)
        amendments = read_amendments(box.store)
        catalogue = Catalogue(box.store.catalogue_dir)
        for call in self._unsure:
            entry = catalogue.get(call.id)
            kept = entry is not None and not amendments.gone(call.call_id)
            if not kept:
                keyless = call.line == ON_BUTTON and not amendments.wraps(call.call_id)
                assert call.safe == 0 or keyless, f"call {call.sequence} was safe, and is lost"
                self.figures.lost_in_commit += call.safe == 0
                self.figures.discarded += call.safe > 0
                ledger.calls.pop(call.call_id, None)
                continue
            assert entry is not None
            (stored,) = (one for one in find_calls(box.store, entry.slots) if one.call_id == call.call_id)
            end = end_of(stored)
            assert end is not None
            call.end, call.ended_ns, call.closed = end.at, call.ended_ns or call.began_ns, stored.last
            self.figures.interrupted += not stored.last
            if call.call_id not in ledger.calls:
                ledger.calls[call.call_id] = call
                self.figures.calls += 1
        ledger.calls = dict(sorted(ledger.calls.items(), key=lambda item: item[1].sequence))
        self._unsure.clear()
